/*
 * Running what was said, once it is known who said it, on which pull, at
 * which head.  A handler changes the store and leaves effects; it never calls
 * the forge.  One file per command; commands/run.c has the table.
 */
#ifndef COMMANDS_CALL_H
#define COMMANDS_CALL_H

#include "bot/base/json.h"
#include "commands/args.h"
#include "deploy/environment.h"
#include "store/pull.h"

struct command_call {
	struct store *store;
	const char *bot_name;
	int64_t now_ms;
	int64_t wall_skew_ms; /* how far the wall clock is ahead of now_ms */

	/* The environments that the pull's repository belongs to. */
	const struct environment *const *environments;
	size_t environment_count;

	const struct args *args; /* of this command */
	/* What was found out for it (bot/needs.c): {"user:bob": {"id", ...}} */
	const json_t *facts;
	const struct pull *pull; /* as the forge shows it now */
	int64_t said_id;
	int64_t actor_id;
	const char *actor; /* login */
	enum role role;
	bool is_author;
	const char *origin; /* "comment" or "cli" */

	/* Out: the bot's own words as Markdown; what is left empty is told by
	 * the sticky comment. */
	struct str *answer;
	bool show_state; /* out: the asker wants to see the state */
	bool show_plan;	 /* out: the plans among the facts shall be shown */
};

/*
 * ERR_OK done; ERR_REFUSED with a sentence that says why and what to do, and
 * nothing was changed that stays; anything else is trouble.
 */
NODISCARD enum err command_run(enum verb verb, struct command_call *call,
			       struct error *e);

/* The handlers. */
NODISCARD enum err command_deploy(struct command_call *call, struct error *e);
NODISCARD enum err command_trigger(struct command_call *call, struct error *e);
NODISCARD enum err command_plan(struct command_call *call, struct error *e);
NODISCARD enum err command_why(struct command_call *call, struct error *e);
NODISCARD enum err command_status(struct command_call *call, struct error *e);
NODISCARD enum err command_lock(struct command_call *call, struct error *e);
NODISCARD enum err command_unlock(struct command_call *call, struct error *e);
NODISCARD enum err command_show_help(struct command_call *call,
				     struct error *e);

/* What deploy and trigger share: records the wish on each environment. */
NODISCARD enum err command_ask(struct command_call *call, const char *kind,
			       struct error *e);

#endif
