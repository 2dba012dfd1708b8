/*
 * Running what was said, once it is known who said it, on which pull, at
 * which head.  A handler changes the store and leaves effects; it never calls
 * the forge.  One file per command; commands/run.c has the table.
 */
#ifndef COMMANDS_CALL_H
#define COMMANDS_CALL_H

#include "bot/base/json.h"
#include "commands/args.h"
#include "commands/proof.h"
#include "deploy/environment.h"
#include "deploy/flow.h"
#include "store/pull.h"

/* Where the sentence says all that there is to do. */
#define NEXT_NOTHING "-"

/* Of the program that runs, for `ping`. */
struct command_bot {
	const char *version;
	int64_t since_ms; /* runs since then */
	int64_t unread;	  /* deliveries that wait to be handled */
};

struct command_call {
	struct store *store;
	const struct command_bot *bot;
	const char *bot_name;
	int64_t now_ms;
	int64_t wall_skew_ms; /* how far the wall clock is ahead of now_ms */

	/* The environments that the pull's repository belongs to, or the one
	 * of them that the command names. */
	const struct environment *const *environments;
	size_t environment_count;

	const struct args *args; /* of this command */
	/* What was found out for it (bot/needs.c): {"user:bob": {"id", ...}} */
	const json_t *facts;
	const struct pull *pull;   /* as the forge shows it now */
	const struct proof *proof; /* of its head; NULL: none was needed */
	int64_t said_id;
	int64_t actor_id;
	const char *actor; /* login */
	enum role role;
	bool is_author;
	const char *origin; /* "comment" or "cli" */
	int64_t made_ms;    /* when it was said */

	/* Out: the bot's own words as Markdown; what is left empty is told by
	 * the sticky comment. */
	struct str *answer;
	bool show_state;  /* out: the asker wants to see the state */
	bool show_plan;	  /* out: the plans among the facts shall be shown */
	int64_t trust_of; /* out: whose trust was changed; 0 = nobody's */
	/* Out: whole sentences, in which user text may stand as it came: the
	 * engine makes it inert.  Between backticks: code. */
	struct str *text;
	/* Out, when refused: what to type next, or NEXT_NOTHING; "": help. */
	char next[128];
	int disputed;  /* out: disputes that are new on record */
	json_t *files; /* out, the caller's: names that a refusal is about */
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
NODISCARD enum err command_retry(struct command_call *call, struct error *e);
NODISCARD enum err command_plan(struct command_call *call, struct error *e);
NODISCARD enum err command_why(struct command_call *call, struct error *e);
NODISCARD enum err command_status(struct command_call *call, struct error *e);
NODISCARD enum err command_lock(struct command_call *call, struct error *e);
NODISCARD enum err command_unlock(struct command_call *call, struct error *e);
NODISCARD enum err command_skip(struct command_call *call, struct error *e);
NODISCARD enum err command_include(struct command_call *call, struct error *e);
NODISCARD enum err command_cancel(struct command_call *call, struct error *e);
NODISCARD enum err command_notmyfault(struct command_call *call,
				      struct error *e);
NODISCARD enum err command_quiet(struct command_call *call, struct error *e);
NODISCARD enum err command_verbose(struct command_call *call, struct error *e);
NODISCARD enum err command_ping(struct command_call *call, struct error *e);
NODISCARD enum err command_trust(struct command_call *call, struct error *e);
NODISCARD enum err command_untrust(struct command_call *call, struct error *e);
NODISCARD enum err command_trusted(struct command_call *call, struct error *e);
NODISCARD enum err command_show_help(struct command_call *call,
				     struct error *e);

/* --- call.c: what the handlers share --- */

/* For deploy/schedule.h. */
struct flow command_flow(const struct command_call *call,
			 const struct environment *env);

/*
 * Two environments may take a repository's pull requests for two branches:
 * what aims at the one is not meant for the other, unless that is named or
 * neither is right.
 */
bool command_means(const struct command_call *call,
		   const struct environment *env);

/* A wish of the caller for the pull at its head. */
struct command_wish {
	const struct environment *env;
	const char *kind; /* "short" or "full" */
	bool booked;	  /* only when the interval between fulls is over */
	int64_t retry_of; /* the cycle that is to be done again; 0 = none */
};

/* May it go there at all?  Then the wishes are recorded, all or none.
 * action: for the audit. */
NODISCARD enum err command_ask_for(struct command_call *call,
				   const struct command_wish *wishes,
				   size_t count, const char *action,
				   struct error *e);

/* What deploy and trigger share: records the wish on each environment. */
NODISCARD enum err command_ask(struct command_call *call, const char *kind,
			       struct error *e);

#endif
