#include "commands/args.h"

#include <string.h>

#include "bot/base/cleanup.h"
#include "bot/base/clock.h"

/* Fewer digits than this could be made to fit another commit. */
#define SHA_DIGITS_MIN 12
#define SHA_DIGITS_MAX 40
#define LOGIN_MAX 39

static const char blanks[] = " \t";

/* --- values --- */

static bool is_sha(const char *text)
{
	size_t n = strspn(text, "0123456789abcdef");

	return !text[n] && n >= SHA_DIGITS_MIN && n <= SHA_DIGITS_MAX;
}

/* As the forge makes them: letters, digits and single hyphens; the logins of
 * apps end in "[bot]". */
static bool is_login(const char *text)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_";
	size_t n = strspn(text, chars);

	return n && n <= LOGIN_MAX &&
	       (!text[n] || strcmp(text + n, "[bot]") == 0);
}

static bool read_span(const char *text, int64_t max, int64_t *ret)
{
	return time_parse_span(text, ret) && *ret > 0 && *ret <= max;
}

static bool read_role(const char *text, int64_t *ret)
{
	enum role role;

	if (!role_parse(text, &role) || role == ROLE_NONE)
		return false;
	*ret = role;
	return true;
}

static bool read_yesno(const char *text, int64_t *ret)
{
	*ret = strcmp(text, "yes") == 0;
	return *ret || strcmp(text, "no") == 0;
}

/* Does text fit?  A login loses its "@". */
static bool fits(const struct argument *a, const char **text, int64_t *number)
{
	switch (a->type) {
	case ARGUMENT_NONE:
		break;
	case ARGUMENT_SHA:
		return is_sha(*text);
	case ARGUMENT_FLAG:
		return strcmp(*text, a->name) == 0;
	case ARGUMENT_TEXT:
		return **text && strlen(*text) <= (size_t)a->max;
	case ARGUMENT_SPAN:
		return read_span(*text, a->max, number);
	case ARGUMENT_LOGIN:
		return *(*text)++ == '@' && is_login(*text);
	case ARGUMENT_ROLE:
		return read_role(*text, number);
	case ARGUMENT_VERB:
		return command_find(*text) != NULL;
	case ARGUMENT_YESNO:
		return read_yesno(*text, number);
	}
	return false;
}

/* --- words --- */

struct word {
	char key[32];	/* "" = it has none */
	char text[256]; /* without quotes */
};

/* A word, NAME=VALUE or NAME="VALUE"; false when it is none of these. */
static bool take_word(const char **text, struct word *ret)
{
	const char *s = *text;
	size_t key = strcspn(s, "= \t\""), len;

	ret->key[0] = '\0';
	if (s[key] == '=') {
		if (!key || key >= sizeof(ret->key))
			return false;
		memcpy(ret->key, s, key);
		ret->key[key] = '\0';
		s += key + 1;
	}
	if (*s == '"') {
		len = strcspn(++s, "\"");
		*text = s + len + 1;
		if (s[len] != '"' || !strchr(blanks, s[len + 1]))
			return false;
	} else {
		len = strcspn(s, " \t\"");
		*text = s + len;
		if (s[len] == '"')
			return false;
	}
	if (len >= sizeof(ret->text))
		return false;
	memcpy(ret->text, s, len);
	ret->text[len] = '\0';
	*text += strspn(*text, blanks);
	return true;
}

static enum err misread(const struct command *c, const char *bot_name,
			struct error *e)
{
	CLEANUP(str_release) struct str usage = STR_INIT(256);

	command_usage(&usage, c);
	if (!usage.len)
		return error_set(e, ERR_REFUSED,
				 "`%s` takes nothing behind it.", c->name);
	return error_set(e, ERR_REFUSED,
			 "I do not understand what stands behind `%s`. It is "
			 "said like this: `@%s %s %s`.",
			 c->name, bot_name, c->name, usage.text);
}

static bool set_value(struct args *args, size_t i, const char *text)
{
	int64_t number = 0;

	if (args->values[i].given ||
	    !fits(&args->command->arguments[i], &text, &number))
		return false;
	args->values[i].given = true;
	args->values[i].number = number;
	COPY(args->values[i].text, text);
	return true;
}

static bool take_value(struct args *args, const struct word *word)
{
	const struct command *c = args->command;

	for (size_t i = 0; i < ARGUMENTS_MAX && c->arguments[i].type; i++) {
		const struct argument *a = &c->arguments[i];

		if (*word->key ? a->keyed && strcmp(a->name, word->key) == 0
			       : !a->keyed)
			if (set_value(args, i, word->text))
				return true;
	}
	return false;
}

enum err args_read(const struct command *c, const char *bot_name,
		   const char *text, struct args *ret, struct error *e)
{
	struct word word;

	*ret = (struct args){.command = c};
	text += strspn(text, blanks);
	while (*text)
		if (!take_word(&text, &word) || !take_value(ret, &word))
			return misread(c, bot_name, e);
	for (size_t i = 0; i < ARGUMENTS_MAX && c->arguments[i].type; i++)
		if (c->arguments[i].required && !ret->values[i].given)
			return misread(c, bot_name, e);
	return ERR_OK;
}

/* --- looking them up --- */

static int index_of(const struct args *args, const char *name)
{
	const struct command *c = args->command;

	for (int i = 0; i < ARGUMENTS_MAX && c->arguments[i].type; i++)
		if (strcmp(c->arguments[i].name, name) == 0)
			return args->values[i].given ? i : -1;
	return -1;
}

bool args_has(const struct args *args, const char *name)
{
	return index_of(args, name) >= 0;
}

const char *args_text(const struct args *args, const char *name)
{
	int i = index_of(args, name);

	return i < 0 ? "" : args->values[i].text;
}

int64_t args_number(const struct args *args, const char *name, int64_t fallback)
{
	int i = index_of(args, name);

	return i < 0 ? fallback : args->values[i].number;
}

static void say_value(struct str *out, const struct argument *a,
		      const char *text)
{
	bool quoted = strpbrk(text, blanks) != NULL;

	str_addf(out, " %s%s%s%s%s%s", a->keyed ? a->name : "",
		 a->keyed ? "=" : "", a->type == ARGUMENT_LOGIN ? "@" : "",
		 quoted ? "\"" : "", text, quoted ? "\"" : "");
}

void args_say(struct str *out, const char *bot_name, const struct args *args,
	      const char *sha)
{
	const struct command *c = args->command;

	str_addf(out, "@%s %s", bot_name, c->name);
	for (size_t i = 0; i < ARGUMENTS_MAX && c->arguments[i].type; i++) {
		const struct argument *a = &c->arguments[i];

		if (a->type == ARGUMENT_SHA && *sha)
			say_value(out, a, sha);
		else if (args->values[i].given)
			say_value(out, a, args->values[i].text);
	}
}

bool args_equal(const struct args *a, const struct args *b)
{
	if (a->command != b->command)
		return false;
	for (size_t i = 0; i < ARGUMENTS_MAX; i++)
		if (a->values[i].given != b->values[i].given ||
		    strcmp(a->values[i].text, b->values[i].text) != 0)
			return false;
	return true;
}
