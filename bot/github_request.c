/* A request from a row and its arguments; the rows are in github_calls.c. */
#include "bot/github_calls.h"

#include <ctype.h>
#include <string.h>

#include "bot/base/clock.h"
#include "bot/base/limits.h"

/* What an argument must look like.  Each gets the value as a text. */

static size_t name_part(const char *text)
{
	size_t n = 0;

	while (isalnum((unsigned char)text[n]) ||
	       (text[n] && strchr("._-", text[n])))
		n++;
	/* "." and ".." would climb in the path. */
	if ((n == 1 && text[0] == '.') ||
	    (n == 2 && text[0] == '.' && text[1] == '.'))
		return 0;
	return n;
}

static bool is_repo(const char *text)
{
	size_t owner = name_part(text);

	if (!owner || text[owner] != '/')
		return false;
	text += owner + 1;
	return name_part(text) && !text[name_part(text)];
}

static bool is_sha(const char *text)
{
	size_t n = strspn(text, "0123456789abcdef");

	return !text[n] && (n == 40 || n == 64);
}

static bool is_login(const char *text)
{
	return *text && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

static bool is_time(const char *text)
{
	int64_t ms;

	return time_parse_iso(text, &ms);
}

static bool is_any(const char *text UNUSED)
{
	return true;
}

static bool is_filled(const char *text)
{
	return *text != '\0';
}

static bool is_link(const char *text)
{
	return str_starts(text, "http://") || str_starts(text, "https://");
}

static bool in_words(const char *words, const char *text)
{
	size_t n = strcspn(text, " ");

	for (const char *p = words; n && !text[n] && (p = strstr(p, text));
	     p += n)
		if ((p == words || p[-1] == ' ') && (!p[n] || p[n] == ' '))
			return true;
	return false;
}

static bool is_state(const char *text)
{
	return in_words("error failure pending success", text);
}

static bool is_reaction(const char *text)
{
	return in_words("+1 -1 laugh confused heart hooray rocket eyes", text);
}

static const struct param {
	const char *name;
	bool number;   /* a positive integer, not a text */
	bool optional; /* may be absent or "" */
	size_t max;    /* characters */
	bool (*fits)(const char *text);
	const char *rule; /* for people */
} params[] = {
	{"repo", false, false, 200, is_repo, "must be OWNER/REPO"},
	{"number", true, false, 0, NULL, "must be a number above 0"},
	{"comment_id", true, false, 0, NULL, "must be a number above 0"},
	{"hook_id", true, false, 0, NULL, "must be a number above 0"},
	{"delivery_id", true, false, 0, NULL, "must be a number above 0"},
	{"sha", false, false, 64, is_sha, "must be 40 or 64 hex digits"},
	{"login", false, false, 100, is_login, "must be a login"},
	{"org", false, false, 100, is_login, "must be an organisation"},
	{"since", false, true, 40, is_time,
	 "must be a time like "
	 "2026-11-21T14:05:09Z"},
	{"body", false, false, 65536, is_filled, "must be a text"},
	{"content", false, false, 16, is_reaction, "must be a reaction"},
	{"state", false, false, 16, is_state, "must be a status"},
	{"context", false, false, 255, is_filled, "must be a text"},
	{"description", false, true, LIMIT_STATUS_DESCRIPTION, is_any,
	 "must be a text"},
	{"target_url", false, true, 2048, is_link, "must be a link"},
};

static const struct param *find_param(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(params); i++)
		if (strlen(params[i].name) == len &&
		    memcmp(params[i].name, name, len) == 0)
			return &params[i];
	return NULL;
}

static size_t characters(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static enum err check_text(const struct param *p, const json_t *v,
			   struct error *e)
{
	const char *text = json_string_value(v);

	if (!text || strlen(text) != json_string_length(v))
		return error_set(e, ERR_INVALID, "%s %s", p->name, p->rule);
	if (p->optional && !*text)
		return ERR_OK;
	if (characters(text) > p->max)
		return error_set(e, ERR_INVALID,
				 "%s is longer than %zu characters", p->name,
				 p->max);
	if (!p->fits(text))
		return error_set(e, ERR_INVALID, "%s %s", p->name, p->rule);
	return ERR_OK;
}

/* *ret is NULL when an optional argument is absent. */
static enum err take_arg(const json_t *args, const struct param *p,
			 const json_t **ret, struct error *e)
{
	const json_t *v = js_get(args, p->name);

	*ret = NULL;
	if (!v && p->optional)
		return ERR_OK;
	if (p->number ? js_int(args, p->name, 0) <= 0
		      : check_text(p, v, e) != ERR_OK)
		return p->number ? error_set(e, ERR_INVALID, "%s %s", p->name,
					     p->rule)
				 : e->code;
	if (p->number || !p->optional || *json_string_value(v))
		*ret = v;
	return ERR_OK;
}

/* keep: characters that stay as they are, besides the unreserved ones. */
static void add_encoded(struct str *out, const char *text, const char *keep)
{
	for (const char *p = text; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if (c < 0x80 &&
		    (isalnum(c) || strchr("-._~", c) || strchr(keep, c)))
			str_putc(out, *p);
		else
			str_addf(out, "%%%02X", c);
	}
}

static void add_value(struct str *out, const struct param *p, const json_t *v)
{
	if (p->number)
		str_addf(out, "%lld", (long long)json_integer_value(v));
	else
		add_encoded(out, json_string_value(v),
			    p->fits == is_repo ? "/" : "");
}

static enum err add_path(struct str *out, const char *path, const json_t *args,
			 struct error *e)
{
	while (*path) {
		size_t plain = strcspn(path, "{");
		const struct param *p;
		const json_t *v;
		size_t len;

		str_add(out, path, plain);
		path += plain;
		if (!*path)
			break;
		len = strcspn(++path, "}");
		p = find_param(path, len);
		if (!p)
			return error_set(e, ERR_INVALID, "no such argument");
		if (take_arg(args, p, &v, e))
			return e->code;
		add_value(out, p, v);
		path += len + 1;
	}
	return ERR_OK;
}

static enum err add_query(struct str *out, const struct github_row *row,
			  const json_t *args, struct error *e)
{
	const struct param *p;
	const json_t *v;
	char sep = '?';

	if (row->pages) {
		str_addf(out, "%cper_page=%d", sep, GITHUB_PER_PAGE);
		sep = '&';
	}
	if (row->query) {
		str_addf(out, "%c%s", sep, row->query);
		sep = '&';
	}
	if (!row->ask)
		return ERR_OK;
	p = find_param(row->ask, strlen(row->ask));
	if (!p)
		return error_set(e, ERR_INVALID, "no such argument");
	if (take_arg(args, p, &v, e))
		return e->code;
	if (v) {
		str_addf(out, "%c%s=", sep, p->name);
		add_value(out, p, v);
	}
	return ERR_OK;
}

/* Where a listing may end that the forge cannot be asked to end. */
static enum err take_since(const json_t *args, int64_t *ret, struct error *e)
{
	const json_t *v;

	if (take_arg(args, find_param("since", 5), &v, e))
		return e->code;
	if (v && !time_parse_iso(json_string_value(v), ret))
		return error_set(e, ERR_INVALID, "since is no time");
	return ERR_OK;
}

static enum err make_body(const struct github_row *row, const json_t *args,
			  char **ret, struct error *e)
{
	CLEANUP(json_decref) json_t *body = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(row->send) && row->send[i]; i++) {
		const char *name = row->send[i];
		const struct param *p = find_param(name, strlen(name));
		const json_t *v;

		if (!p)
			return error_set(e, ERR_INVALID, "no such argument");
		if (take_arg(args, p, &v, e))
			return e->code;
		if (v && json_object_set(body, name, js_get(args, name)))
			return error_set(e, ERR_RETRY, "out of memory");
	}
	*ret = js_dump(body);
	return *ret ? ERR_OK : error_set(e, ERR_RETRY, "out of memory");
}

void github_request_release(struct github_request *r)
{
	free(r->url);
	free(r->path);
	free(r->body);
	*r = (struct github_request){0};
}

enum err github_request_build(const struct github_row *row, const char *base,
			      const json_t *args, struct github_request *ret,
			      struct error *e)
{
	CLEANUP(str_release) struct str path = STR_INIT(LIMIT_FORGE_URL);
	CLEANUP(str_release) struct str url = STR_INIT(LIMIT_FORGE_URL);

	ret->row = row;
	if (row->until && take_since(args, &ret->since_ms, e))
		return e->code;
	if (add_path(&path, row->path, args, e))
		return e->code;
	str_puts(&url, base);
	str_add(&url, path.text, path.len);
	if (add_query(&url, row, args, e))
		return e->code;
	if (row->send[0] && make_body(row, args, &ret->body, e))
		return e->code;
	if (str_take(&path, &ret->path, e) || str_take(&url, &ret->url, e))
		return e->code;
	return ERR_OK;
}
