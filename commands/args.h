/*
 * What stands behind a verb, read by the command table's row.  Pure.
 *
 *	deploy 0123456789ab			sha
 *	trigger force reason="the fix is in"	force, reason
 *	trust @bob role=maintainer for=30d	user, role, for
 *
 * Words are separated by blanks; a value with blanks stands in double quotes,
 * in which nothing escapes: no value holds a double quote.  Names do not
 * depend on case.
 */
#ifndef COMMANDS_ARGS_H
#define COMMANDS_ARGS_H

#include "commands/command.h"

struct args {
	const struct command *command;
	struct {
		bool given;
		char text[256];
		int64_t number; /* of a span: ms; of a role: enum role; of yes
				   and no: 1 and 0 */
	} values[ARGUMENTS_MAX];
};

/*
 * ERR_REFUSED with a sentence for who wrote it, which repeats nothing of what
 * was written.
 */
NODISCARD enum err args_read(const struct command *c, const char *bot_name,
			     const char *text, struct args *ret,
			     struct error *e);

/* By the argument's name: was it given; its text, "" when not; its number. */
bool args_has(const struct args *args, const char *name);
const char *args_text(const struct args *args, const char *name);
int64_t args_number(const struct args *args, const char *name,
		    int64_t fallback);

/*
 * Adds what more says to args, both of one command.  ERR_REFUSED when they
 * differ in something that both say.
 */
NODISCARD enum err args_join(struct args *args, const struct args *more,
			     struct error *e);

/*
 * Adds the line that says the same: "@NAME VERB ...".  sha, unless it is "",
 * takes the place of the one that was named, where the command takes one.
 */
void args_say(struct str *out, const char *bot_name, const struct args *args,
	      const char *sha);

/* Two that say the same. */
bool args_equal(const struct args *a, const struct args *b);

#endif
