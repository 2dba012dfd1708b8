/*
 * The "@login" of a command: who that is, as the forge said a moment ago; and
 * where the one who speaks may say something about them.
 */
#ifndef COMMANDS_PERSON_H
#define COMMANDS_PERSON_H

#include "commands/call.h"

struct person {
	int64_t id; /* 0: the forge knows nobody by that login */
	char login[64];
	const char *kind; /* "user", "org", "app" */
};

/* ERR_REFUSED with a sentence when the forge did not tell. */
NODISCARD enum err person_of(const struct command_call *call,
			     struct person *ret, struct error *e);

/* "" for an admin of everything, else the pull's repository. */
NODISCARD enum err person_scope(const struct command_call *call,
				const char **ret, struct error *e);

/* For the record, as audit_actor() has it: also the operator behind them. */
void person_actor(const struct command_call *call, char *ret, size_t size);

/* A login in a code span, where nothing in it is alive. */
void person_show(struct str *out, const char *login);

/* " for all projects" or " on `owner/name`". */
void person_show_scope(struct str *out, const char *scope);

/* " until TIME" or " without an end". */
void person_show_end(struct str *out, int64_t expires_ms);

#endif
