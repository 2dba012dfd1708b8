#include "bot/staging_list.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bot/base/limits.h"

#define BLANKS " \t"

struct reader {
	json_t *names;
	int line;
	bool in_default; /* the section */
	bool in_users;	 /* the key whose value goes on in indented lines */
};

/* --- names --- */

static bool is_login(const char *name)
{
	size_t n = 0;

	while (isalnum((unsigned char)name[n]) ||
	       (name[n] && strchr("-_", name[n])))
		n++;
	return n && n < 40 && (!name[n] || strcmp(name + n, "[bot]") == 0);
}

static bool is_known(const json_t *names, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach (names, i, one)
		if (strcasecmp(json_string_value(one), name) == 0)
			return true;
	return false;
}

static enum err take_name(struct reader *r, const char *name, struct error *e)
{
	name += *name == '@';
	if (!is_login(name))
		return error_set(e, ERR_INVALID,
				 "line %d: a name of the list is no login",
				 r->line);
	if (is_known(r->names, name))
		return ERR_OK;
	if (json_array_size(r->names) == STAGING_LIST_MAX)
		return error_set(e, ERR_INVALID, "more than %d names",
				 STAGING_LIST_MAX);
	json_array_append_new(r->names, json_string(name));
	return ERR_OK;
}

static enum err take_names(struct reader *r, char *value, struct error *e)
{
	static const char between[] = BLANKS ",";

	for (value += strspn(value, between); *value;
	     value += strspn(value, between)) {
		char *name = value;

		if (*name == '#' || *name == ';')
			return ERR_OK; /* a comment behind a name */
		value += strcspn(value, between);
		if (*value)
			*value++ = '\0';
		if (take_name(r, name, e))
			return e->code;
	}
	return ERR_OK;
}

/* --- lines --- */

static bool is_users_key(const char *key)
{
	static const char *const keys[] = {"users", "organisations",
					   "organizations"};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strcasecmp(keys[i], key) == 0)
			return true;
	return false;
}

static void take_section(struct reader *r, const char *line)
{
	r->in_users = false;
	r->in_default = strncasecmp(line, "[DEFAULT]", 9) == 0;
}

static enum err take_key(struct reader *r, char *line, struct error *e)
{
	char *value = strpbrk(line, ":="), *end = value;

	if (!value)
		return error_set(e, ERR_INVALID,
				 "line %d: neither a section nor KEY: VALUE",
				 r->line);
	*value++ = '\0';
	while (end > line && strchr(BLANKS, end[-1]))
		*--end = '\0';
	r->in_users = is_users_key(line);
	if (r->in_users && !r->in_default)
		return error_set(e, ERR_INVALID,
				 "line %d: a list for one section alone cannot "
				 "be taken over: use trust add --project",
				 r->line);
	return r->in_users ? take_names(r, value, e) : ERR_OK;
}

static enum err take_line(struct reader *r, char *line, struct error *e)
{
	char *text = line + strspn(line, BLANKS);

	if (!*text || *text == '#' || *text == ';')
		return ERR_OK;
	if (text != line)
		return r->in_users ? take_names(r, text, e) : ERR_OK;
	if (*text == '[') {
		take_section(r, text);
		return ERR_OK;
	}
	return take_key(r, text, e);
}

static enum err take_lines(struct reader *r, char *text, struct error *e)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";

	if (str_starts(text, byte_order_mark))
		text += strlen(byte_order_mark);
	while (*text) {
		size_t len = strcspn(text, "\r\n");
		char *next = text + len;

		if (next[0] == '\r' && next[1] == '\n')
			*next++ = '\0';
		if (*next)
			*next++ = '\0';
		r->line++;
		if (take_line(r, text, e))
			return e->code;
		text = next;
	}
	return ERR_OK;
}

json_t *staging_list_read(const char *text, size_t len, struct error *e)
{
	CLEANUP(json_decref) json_t *names = json_array();
	CLEANUP(free) char *copy = strndup(text, len);
	/* What stands before any section is for all. */
	struct reader r = {.names = names, .in_default = true};

	if (!copy || !names) {
		error_set(e, ERR_FATAL, "out of memory");
		return NULL;
	}
	if (strlen(copy) != len) {
		error_set(e, ERR_INVALID, "a NUL byte in the file");
		return NULL;
	}
	if (take_lines(&r, copy, e))
		return NULL;
	if (json_array_size(names) == 0) {
		error_set(e, ERR_REFUSED,
			  "there is no name in it: nothing was done");
		return NULL;
	}
	return TAKE(names);
}

/* --- writing --- */

/* Would the same list grant the same? */
static bool is_plain(const json_t *t)
{
	return !*js_str(t, "scope") && !js_int(t, "expires_ms", 0) &&
	       js_bool(t, "unasked", true) && is_login(js_str(t, "login"));
}

static int by_login(const void *a, const void *b)
{
	const json_t *const *x = a, *const *y = b;

	return strcasecmp(js_str(*x, "login"), js_str(*y, "login"));
}

static void write_left_out(struct str *out, const json_t *trust)
{
	const json_t *t;
	size_t i;

	json_array_foreach (trust, i, t)
		if (!is_plain(t))
			str_addf(out,
				 "# not expressible here: %s of account %lld "
				 "(for a time, for one project, or not "
				 "unasked)\n",
				 js_str(t, "role"),
				 (long long)js_int(t, "id", 0));
}

static void free_list(const json_t ***list)
{
	free((void *)*list);
}

void staging_list_write(struct str *out, const json_t *trust)
{
	size_t size = json_array_size(trust), count = 0, i;
	__attribute__((cleanup(free_list))) const json_t **sorted =
		calloc(size + 1, sizeof(*sorted));
	const json_t *t;

	if (!sorted) {
		out->failed = ERR_FATAL;
		return;
	}
	json_array_foreach (trust, i, t)
		if (is_plain(t))
			sorted[count++] = t;
	qsort((void *)sorted, count, sizeof(*sorted), by_login);
	str_puts(out, "# Roles are not expressible here: maintainers and "
		      "admins are listed as users.\n");
	write_left_out(out, trust);
	str_puts(out, "[DEFAULT]\nusers:\n");
	for (i = 0; i < count; i++)
		str_addf(out, "    %s\n", js_str(sorted[i], "login"));
}
