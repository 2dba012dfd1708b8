#include "commands/args.h"

#include <string.h>
#include <strings.h>

#include "bot/base/cleanup.h"
#include "bot/base/clock.h"
#include "bot/base/unicode.h"

/* Fewer digits than this could be made to fit another commit. */
#define SHA_DIGITS_MIN 12
#define SHA_DIGITS_MAX 40
#define LOGIN_MAX 39
#define PLACE_MAX 40

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

/* What the configuration allows; case counts. */
static bool is_place(const char *text)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_";
	size_t n = strspn(text, chars);

	return n && n <= PLACE_MAX && !text[n];
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

/* It is shown to people: nothing in it may be hidden or broken. */
static bool is_honest(const char *text)
{
	size_t len = strlen(text), pos = 0;

	while (pos < len)
		if (unicode_deceives(unicode_next(text, len, &pos)))
			return false;
	return true;
}

static void lower(char *text)
{
	for (; *text; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text + ('a' - 'A'));
}

/* Does text fit?  It is left as it is kept: a login without "@", digits and
 * names in lower case. */
static bool fits(const struct argument *a, char *text, int64_t *number)
{
	switch (a->type) {
	case ARGUMENT_NONE:
		break;
	case ARGUMENT_SHA:
		lower(text);
		return is_sha(text);
	case ARGUMENT_FLAG:
		lower(text);
		return strcmp(text, a->name) == 0;
	case ARGUMENT_TEXT:
		return *text && strlen(text) <= (size_t)a->max &&
		       is_honest(text);
	case ARGUMENT_SPAN:
		return read_span(text, a->max, number);
	case ARGUMENT_LOGIN:
		if (*text != '@')
			return false;
		memmove(text, text + 1, strlen(text));
		return is_login(text);
	case ARGUMENT_ROLE:
		return read_role(text, number);
	case ARGUMENT_VERB:
		lower(text);
		return command_find(text) != NULL;
	case ARGUMENT_YESNO:
		lower(text);
		return read_yesno(text, number);
	case ARGUMENT_PLACE:
		return is_place(text);
	}
	return false;
}

/* --- words --- */

struct word {
	char key[32];	/* "" = it has none */
	char text[256]; /* without quotes */
};

/*
 * Takes a word, NAME=VALUE or NAME="VALUE", from *text.  What is wrong with
 * it, or NULL.
 */
static const char *take_word(const char **text, struct word *ret)
{
	const char *s = *text;
	size_t key = strcspn(s, "= \t\""), len;

	ret->key[0] = '\0';
	if (s[key] == '=') {
		if (!key || key >= sizeof(ret->key))
			return "a name in it is not known";
		memcpy(ret->key, s, key);
		ret->key[key] = '\0';
		s += key + 1;
	}
	if (*s == '"') {
		len = strcspn(++s, "\"");
		if (!s[len])
			return "a quote in it is not closed";
		if (!strchr(blanks, s[len + 1]))
			return "a blank is missing behind a quote";
		*text = s + len + 1;
	} else {
		len = strcspn(s, " \t\"");
		if (s[len] == '"')
			return "a quote stands in the middle of a word";
		*text = s + len;
	}
	if (len >= sizeof(ret->text))
		return "a word in it is too long";
	memcpy(ret->text, s, len);
	ret->text[len] = '\0';
	*text += strspn(*text, blanks);
	return NULL;
}

/* What phones make of a plain quote. */
static bool has_smart_quote(const char *text)
{
	static const char *const quotes[] = {
		"\xe2\x80\x9c", "\xe2\x80\x9d", "\xe2\x80\x9e", "\xe2\x80\x98",
		"\xe2\x80\x99", "\xc2\xab",	"\xc2\xbb",
	};

	for (size_t i = 0; i < ARRAY_SIZE(quotes); i++)
		if (strstr(text, quotes[i]))
			return true;
	return false;
}

static enum err misread(const struct command *c, const char *bot_name,
			const char *why, struct error *e)
{
	CLEANUP(str_release) struct str usage = STR_INIT(256);

	command_usage(&usage, c);
	if (!usage.len)
		return error_set(e, ERR_REFUSED,
				 "`%s` takes nothing behind it.", c->name);
	return error_set(e, ERR_REFUSED,
			 "I do not understand what stands behind `%s`: %s. It "
			 "is said like this: `@%s %s %s`.",
			 c->name, why, bot_name, c->name, usage.text);
}

/* What an argument of a type would have to be. */
static const char *misfit(enum argument_type type)
{
	static const char *const words[] = {
		[ARGUMENT_SHA] = "the SHA does not fit (12 to 40 digits, 0-9 "
				 "and a-f)",
		[ARGUMENT_TEXT] = "the text does not fit (empty, or something "
				  "hidden in it)",
		[ARGUMENT_SPAN] = "the time does not fit (`12h` or `30d`, and "
				  "not too long)",
		[ARGUMENT_LOGIN] = "the login does not fit (`@` and the name "
				   "of an account)",
		[ARGUMENT_ROLE] = "the role does not fit (contributor, "
				  "maintainer or admin)",
		[ARGUMENT_VERB] = "the command does not fit (one that I know)",
		[ARGUMENT_YESNO] = "`yes` or `no` is expected; that does not "
				   "fit",
		[ARGUMENT_PLACE] = "the environment does not fit (its name as "
				   "the pages show it)",
	};
	const char *ret = type < ARRAY_SIZE(words) ? words[type] : NULL;

	return ret ? ret : "a word in it does not fit";
}

/* What is wrong, or NULL. */
static const char *set_value(struct args *args, size_t i, char *text)
{
	const struct argument *a = &args->command->arguments[i];
	int64_t number = 0;

	if (args->values[i].given)
		return "something stands there twice";
	if (a->type == ARGUMENT_TEXT && strlen(text) > (size_t)a->max)
		return "the text is too long";
	if (!fits(a, text, &number))
		return misfit(a->type);
	args->values[i].given = true;
	args->values[i].number = number;
	COPY(args->values[i].text, text);
	return NULL;
}

/* Gives the word to the first argument that it fits. */
static const char *take_value(struct args *args, const struct word *word)
{
	const struct command *c = args->command;
	const char *wrong = *word->key ? "a name in it is not known"
				       : "a word in it does not fit";

	for (size_t i = 0; i < ARGUMENTS_MAX && c->arguments[i].type; i++) {
		const struct argument *a = &c->arguments[i];
		struct word copy = *word;

		if (*word->key ? !a->keyed || strcasecmp(a->name, word->key)
			       : a->keyed)
			continue;
		wrong = set_value(args, i, copy.text);
		if (!wrong)
			break;
	}
	return wrong;
}

enum err args_read(const struct command *c, const char *bot_name,
		   const char *text, struct args *ret, struct error *e)
{
	bool smart = has_smart_quote(text);
	const char *wrong = NULL;
	struct word word;

	*ret = (struct args){.command = c};
	text += strspn(text, blanks);
	while (!wrong && *text) {
		wrong = take_word(&text, &word);
		if (!wrong)
			wrong = take_value(ret, &word);
	}
	if (wrong)
		return misread(c, bot_name,
			       smart ? "use plain quotes (\")" : wrong, e);
	for (size_t i = 0; i < ARGUMENTS_MAX && c->arguments[i].type; i++)
		if (c->arguments[i].required && !ret->values[i].given)
			return misread(c, bot_name, "something is missing", e);
	return ERR_OK;
}

enum err args_join(struct args *args, const struct args *more, struct error *e)
{
	const struct command *c = args->command;

	for (size_t i = 0; i < ARGUMENTS_MAX && c->arguments[i].type; i++) {
		if (!more->values[i].given)
			continue;
		if (args->values[i].given &&
		    strcmp(args->values[i].text, more->values[i].text) != 0)
			return error_set(e, ERR_REFUSED,
					 "`%s` stands there twice with "
					 "different words; nothing was done.",
					 c->name);
		args->values[i] = more->values[i];
	}
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
	/* Bare, a dot at its end would be taken for the sentence's. */
	bool quoted = a->type == ARGUMENT_TEXT;

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
