#include "commands/command.h"

#include <string.h>
#include <strings.h>

/* No verb is longer; a longer word is near to none. */
#define WORD_MAX 24
#define DAY_MS (24LL * 3600 * 1000)
/* Without it a command means every environment of the repository. */
#define ARGUMENT_ON                                                            \
	{                                                                      \
		.name = "on", .type = ARGUMENT_PLACE, .keyed = true            \
	}

static const char *const role_names[ROLE_MAX] = {
	[ROLE_NONE] = "stranger",
	[ROLE_CONTRIBUTOR] = "contributor",
	[ROLE_MAINTAINER] = "maintainer",
	[ROLE_ADMIN] = "admin",
};

const struct command command_table[VERB_MAX] = {
	[VERB_DEPLOY] =
		{
			.verb = VERB_DEPLOY,
			.name = "deploy",
			.arguments = {{.name = "sha", .type = ARGUMENT_SHA},
				      ARGUMENT_ON},
			.help = "deploy this pull request now (short)",
			.role = ROLE_MAINTAINER,
			.deploys = true,
		},
	[VERB_TRIGGER] =
		{
			.verb = VERB_TRIGGER,
			.name = "trigger",
			.arguments = {{.name = "sha", .type = ARGUMENT_SHA},
				      {.name = "force",
				       .type = ARGUMENT_FLAG,
				       .role = ROLE_ADMIN},
				      {.name = "reason",
				       .type = ARGUMENT_TEXT,
				       .keyed = true,
				       .max = REASON_MAX},
				      ARGUMENT_ON},
			.help = "deploy it and run the reference builds and "
				"tests (full)",
			.example = "force reason=\"release today\"",
			.role = ROLE_MAINTAINER,
			.deploys = true,
		},
	[VERB_RETRY] =
		{
			.verb = VERB_RETRY,
			.name = "retry",
			.arguments = {{.name = "sha", .type = ARGUMENT_SHA},
				      ARGUMENT_ON},
			.help = "do the failed deploy again, from the failed "
				"stage on if nothing has changed",
			.role = ROLE_MAINTAINER,
			.deploys = true,
			.contradicts = 1u << VERB_DEPLOY | 1u << VERB_TRIGGER |
				       1u << VERB_CANCEL | 1u << VERB_SKIP,
		},
	[VERB_PLAN] =
		{
			.verb = VERB_PLAN,
			.name = "plan",
			.help = "try it without deploying: what would go, in "
				"which order, what conflicts, when",
			.role = ROLE_CONTRIBUTOR,
			.author_may = true,
			.question = true,
		},
	[VERB_STATUS] =
		{
			.verb = VERB_STATUS,
			.name = "status",
			.help = "say where this pull request stands",
			.role = ROLE_CONTRIBUTOR,
			.author_may = true,
			.question = true,
		},
	[VERB_WHY] =
		{
			.verb = VERB_WHY,
			.name = "why",
			.help = "say why this pull request is deployed or is "
				"not, and what you may do",
			.role = ROLE_CONTRIBUTOR,
			.author_may = true,
			.question = true,
		},
	[VERB_LOCK] =
		{
			.verb = VERB_LOCK,
			.name = "lock",
			.arguments = {{"duration", ARGUMENT_SPAN,
				       .max = 7LL * 24 * 3600 * 1000},
				      {"reason", ARGUMENT_TEXT, .keyed = true,
				       .max = 200},
				      ARGUMENT_ON},
			.help = "let nothing start here for a while (2h unless "
				"you say, at most 7d)",
			.example = "4h reason=\"the demo\"",
			.role = ROLE_MAINTAINER,
			.contradicts = 1u << VERB_UNLOCK,
		},
	[VERB_UNLOCK] =
		{
			.verb = VERB_UNLOCK,
			.name = "unlock",
			.arguments = {{.name = "reason",
				       .type = ARGUMENT_TEXT,
				       .keyed = true,
				       .max = 200},
				      ARGUMENT_ON},
			.help = "end a lock, or go on after errors in a row",
			.example = "reason=\"the demo is over\"",
			.role = ROLE_MAINTAINER,
		},
	[VERB_SKIP] =
		{
			.verb = VERB_SKIP,
			.name = "skip",
			.arguments = {{.name = "reason",
				       .type = ARGUMENT_TEXT,
				       .keyed = true,
				       .max = REASON_MAX}},
			.help = "keep this pull request out until `include`",
			.example = "reason=\"waits for the new API\"",
			.role = ROLE_CONTRIBUTOR,
			.author_may = true,
			.contradicts = 1u << VERB_INCLUDE | 1u << VERB_DEPLOY |
				       1u << VERB_TRIGGER,
		},
	[VERB_INCLUDE] =
		{
			.verb = VERB_INCLUDE,
			.name = "include",
			.help = "put it back after `skip`",
			.role = ROLE_MAINTAINER,
		},
	[VERB_CANCEL] =
		{
			.verb = VERB_CANCEL,
			.name = "cancel",
			.arguments = {ARGUMENT_ON},
			.help = "withdraw what was asked here; stop its deploy "
				"(a full: its asker or an admin)",
			.role = ROLE_MAINTAINER,
			.author_may = true,
			.contradicts = 1u << VERB_DEPLOY | 1u << VERB_TRIGGER,
		},
	[VERB_NOTMYFAULT] =
		{
			.verb = VERB_NOTMYFAULT,
			.name = "notmyfault",
			.arguments = {{.name = "reason",
				       .type = ARGUMENT_TEXT,
				       .keyed = true,
				       .max = REASON_MAX}},
			.help = "dispute the failure of this revision; it is "
				"put on record",
			.example = "reason=\"the mirror was down\"",
			.role = ROLE_CONTRIBUTOR,
			.author_may = true,
		},
	[VERB_QUIET] =
		{
			.verb = VERB_QUIET,
			.name = "quiet",
			.arguments = {{.name = "off", .type = ARGUMENT_FLAG}},
			.help = "no new comments here, until `quiet off`",
			.role = ROLE_MAINTAINER,
			.contradicts = 1u << VERB_QUIET | 1u << VERB_VERBOSE,
		},
	[VERB_VERBOSE] =
		{
			.verb = VERB_VERBOSE,
			.name = "verbose",
			.arguments = {{.name = "off", .type = ARGUMENT_FLAG}},
			.help = "a comment at every outcome, until "
				"`verbose off`",
			.role = ROLE_MAINTAINER,
			.contradicts = 1u << VERB_VERBOSE,
		},
	[VERB_PING] =
		{
			.verb = VERB_PING,
			.name = "ping",
			.help = "ask whether I am there, and how busy I am",
			.role = ROLE_CONTRIBUTOR,
			.author_may = true,
		},
	[VERB_TRUST] =
		{
			.verb = VERB_TRUST,
			.name = "trust",
			.arguments = {{"user", ARGUMENT_LOGIN,
				       .required = true},
				      {"role", ARGUMENT_ROLE, .keyed = true,
				       .required = true},
				      {"for", ARGUMENT_SPAN, .keyed = true,
				       .max = GRANT_DAYS_MAX * DAY_MS},
				      {"unasked", ARGUMENT_YESNO,
				       .keyed = true},
				      {"reason", ARGUMENT_TEXT, .keyed = true,
				       .max = 200}},
			.help = "give somebody a role here, for a time",
			.example = "@octocat role=maintainer for=30d",
			.role = ROLE_ADMIN,
		},
	[VERB_UNTRUST] =
		{
			.verb = VERB_UNTRUST,
			.name = "untrust",
			.arguments = {{"user", ARGUMENT_LOGIN,
				       .required = true}},
			.example = "@octocat",
			.help = "take the role away, and void what was asked "
				"for with it",
			.role = ROLE_ADMIN,
		},
	[VERB_TRUSTED] =
		{
			.verb = VERB_TRUSTED,
			.name = "trusted",
			.help = "list who has which role here, and until when",
			.role = ROLE_MAINTAINER,
		},
	[VERB_HELP] =
		{
			.verb = VERB_HELP,
			.name = "help",
			.arguments = {{.name = "verb", .type = ARGUMENT_VERB}},
			.help = "list what you can say here, or explain one "
				"command",
			.example = "trigger",
			.role = ROLE_CONTRIBUTOR,
			.author_may = true,
		},
};

const char *role_name(enum role role)
{
	return role >= 0 && role < ROLE_MAX ? role_names[role] : "unknown";
}

bool role_parse(const char *name, enum role *ret)
{
	for (int i = 0; i < ROLE_MAX; i++) {
		if (strcasecmp(role_names[i], name) == 0) {
			*ret = (enum role)i;
			return true;
		}
	}
	return false;
}

/* What stands for an argument of a type when people read it. */
static const char *const placeholders[] = {
	[ARGUMENT_SHA] = "SHA",
	[ARGUMENT_TEXT] = "TEXT",
	[ARGUMENT_SPAN] = "DURATION",
	[ARGUMENT_LOGIN] = "@LOGIN",
	[ARGUMENT_ROLE] = "contributor|maintainer|admin",
	[ARGUMENT_VERB] = "VERB",
	[ARGUMENT_YESNO] = "yes|no",
	[ARGUMENT_PLACE] = "ENVIRONMENT",
};

void command_usage(struct str *out, const struct command *c)
{
	for (size_t i = 0; i < ARGUMENTS_MAX && c->arguments[i].type; i++) {
		const struct argument *a = &c->arguments[i];
		bool flag = a->type == ARGUMENT_FLAG;

		str_addf(out, "%s%s%s%s%s%s", i ? " " : "",
			 a->required ? "" : "[",
			 flag || a->keyed ? a->name : "", a->keyed ? "=" : "",
			 flag ? "" : placeholders[a->type],
			 a->required ? "" : "]");
	}
}

bool command_contradicts(const struct command *a, const struct command *b)
{
	return (a->contradicts & 1u << b->verb) ||
	       (b->contradicts & 1u << a->verb);
}

const struct command *command_find(const char *verb)
{
	for (int i = 0; i < VERB_MAX; i++)
		if (strcmp(command_table[i].name, verb) == 0)
			return &command_table[i];
	return NULL;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edits, and swaps of neighbours, that make b of a; both <= WORD_MAX. */
static size_t distance(const char *a, const char *b)
{
	size_t d[WORD_MAX + 1][WORD_MAX + 1];
	size_t alen = strlen(a), blen = strlen(b);

	for (size_t i = 0; i <= alen; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= blen; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= alen; i++) {
		for (size_t j = 1; j <= blen; j++) {
			size_t change =
				d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			d[i][j] = least(change,
					1 + least(d[i - 1][j], d[i][j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[alen][blen];
}

/* One is the beginning of the other: "dep", "deploying". */
static bool is_prefix(const char *verb, const char *name)
{
	return strlen(verb) >= 3 &&
	       (str_starts(name, verb) || str_starts(verb, name));
}

/*
 * The word without what people put around it: "**deploy**", "`deploy`".
 * false when nothing is left, or too much.
 */
static bool bare_word(const char *verb, char word[WORD_MAX + 1])
{
	static const char around[] = "*_`~'\":,;.!?()[]<>/\\@#";
	size_t len;

	verb += strspn(verb, around);
	len = strlen(verb);
	while (len && strchr(around, verb[len - 1]))
		len--;
	if (!len || len > WORD_MAX)
		return false;
	memcpy(word, verb, len);
	word[len] = '\0';
	return true;
}

const char *command_nearest(const char *verb)
{
	char word[WORD_MAX + 1];
	size_t best = 3;
	const char *ret = NULL;

	if (!bare_word(verb, word))
		return NULL;
	for (int i = 0; i < VERB_MAX; i++) {
		const char *name = command_table[i].name;
		size_t d = distance(word, name);

		if (d && is_prefix(word, name))
			d = 1;
		if (d < best && 2 * d < strlen(word)) {
			best = d;
			ret = name;
		}
	}
	return ret;
}

bool command_allowed(const struct command *c, enum role role, bool is_author)
{
	return (c->author_may && is_author) || role >= c->role;
}
