/*
 * The command table: what can be said, who may say it, and what help tells.
 * Permission, usage, help and the hint for a misspelt verb read these rows.
 */
#ifndef COMMANDS_COMMAND_H
#define COMMANDS_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bot/base/str.h"

enum role {
	ROLE_NONE, /* a stranger */
	ROLE_CONTRIBUTOR,
	ROLE_MAINTAINER,
	ROLE_ADMIN,
	ROLE_MAX
};

const char *role_name(enum role role); /* "stranger", "contributor", ... */
NODISCARD bool role_parse(const char *name, enum role *ret);

/* What can stand behind a verb. */
enum argument_type {
	ARGUMENT_NONE,	/* end of the list */
	ARGUMENT_SHA,	/* 12 to 40 hex digits */
	ARGUMENT_FLAG,	/* the argument's own name */
	ARGUMENT_TEXT,	/* at most max bytes */
	ARGUMENT_SPAN,	/* "30m", "4h", "7d": at most max ms */
	ARGUMENT_LOGIN, /* "@login" */
	ARGUMENT_ROLE,	/* a role's name */
	ARGUMENT_VERB,	/* a verb of the table */
	ARGUMENT_YESNO, /* "yes" or "no" */
	ARGUMENT_PLACE, /* the name of an environment */
};

struct argument {
	const char *name;
	enum argument_type type;
	bool keyed; /* NAME=VALUE; else it is known by its look */
	bool required;
	int64_t max;
	enum role role; /* the least that may use it; ROLE_NONE: who may say
			   the verb */
};

#define ARGUMENTS_MAX 5

enum verb {
	VERB_DEPLOY,
	VERB_TRIGGER,
	VERB_RETRY,
	VERB_PLAN,
	VERB_STATUS,
	VERB_WHY,
	VERB_LOCK,
	VERB_UNLOCK,
	VERB_SKIP,
	VERB_INCLUDE,
	VERB_CANCEL,
	VERB_NOTMYFAULT,
	VERB_QUIET,
	VERB_VERBOSE,
	VERB_PING,
	VERB_TRUST,
	VERB_UNTRUST,
	VERB_TRUSTED,
	VERB_HELP,
	VERB_MAX
};

/* A grant from a comment ends: after this when nothing is said, and at most
 * after that. */
#define GRANT_DAYS 90
#define GRANT_DAYS_MAX 365

struct command {
	enum verb verb;
	const char *name;
	struct argument arguments[ARGUMENTS_MAX];
	const char *help; /* one line */
	/* What stands behind the name in an example; NULL = nothing. */
	const char *example;
	enum role role;	 /* the least that may say it */
	bool author_may; /* the pull request's author may, on the own one */
	bool deploys;	 /* needs the head sha and makes a request */
	bool question;	 /* the author finds the answer in the sticky comment */
	uint32_t contradicts; /* 1 << VERB_...: cannot stand beside these */
};

extern const struct command command_table[VERB_MAX];

/* Room for the words of people that are kept: reasons. */
#define REASON_MAX 200

/* What may stand behind it, for people: "[SHA] [force] [reason=TEXT]". */
void command_usage(struct str *out, const struct command *c);

/* Pure: two that cannot be meant together. */
bool command_contradicts(const struct command *a, const struct command *b);

/* By exact name, or NULL. */
const struct command *command_find(const char *verb);

/*
 * The table's name that a person probably meant: at most two edits away and
 * less than half of the word, or one the beginning of the other.  NULL when
 * none is near.
 */
const char *command_nearest(const char *verb);

/* Pure: may a person of role say it?  is_author: on the own pull request. */
bool command_allowed(const struct command *c, enum role role, bool is_author);

/* The help text as Markdown, only what this person may say. */
void command_help(struct str *out, const char *bot_name, enum role role,
		  bool is_author);

/* Help of one command as Markdown: usage, who may say it, an example. */
void command_help_one(struct str *out, const struct command *c,
		      const char *bot_name, enum role role, bool is_author);

/* Who may say what, made from the table: as Markdown, and for the man page. */
void command_reference(struct str *out, const char *bot_name);
void command_reference_man(struct str *out, const char *bot_name);

#endif
