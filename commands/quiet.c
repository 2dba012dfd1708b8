/* How much is told on this pull request: `quiet` and `verbose`. */
#include <string.h>

#include "bot/base/str.h"
#include "commands/evidence.h"

static enum err set(struct command_call *call, const char *verbosity,
		    struct error *e)
{
	if (strcmp(call->pull->verbosity, verbosity) == 0)
		return ERR_OK;
	if (store_pull_verbosity(call->store, call->pull->id, verbosity, e))
		return e->code;
	return evidence_of_call(call, "verbosity", verbosity, NULL, e);
}

/* Back to normal, unless the other word is in force. */
static enum err unset(struct command_call *call, const char *verbosity,
		      struct error *e)
{
	if (strcmp(call->pull->verbosity, verbosity) != 0) {
		str_addf(call->text, "This pull request is not %s.", verbosity);
		return ERR_OK;
	}
	str_puts(call->text, "As usual again: a new comment tells the outcome "
			     "of what somebody asked for.");
	return set(call, "normal", e);
}

enum err command_quiet(struct command_call *call, struct error *e)
{
	if (args_has(call->args, "off"))
		return unset(call, "quiet", e);
	str_addf(call->text,
		 "No new comments here from now on, only this one, the state, "
		 "reactions and statuses; `@%s quiet off` ends that.",
		 call->bot_name);
	return set(call, "quiet", e);
}

/* What has ended before is not told any more. */
static enum err forget_past(struct command_call *call, struct error *e)
{
	const struct pull *p = call->pull;

	for (size_t i = 0; i < call->environment_count; i++) {
		const char *env = call->environments[i]->name;
		int64_t cycle;

		if (store_untold(call->store, p->id, p->head_sha, env, &cycle,
				 e) ||
		    (cycle && store_told(call->store, p->id, env, cycle, e)))
			return e->code;
	}
	return ERR_OK;
}

enum err command_verbose(struct command_call *call, struct error *e)
{
	if (args_has(call->args, "off"))
		return unset(call, "verbose", e);
	str_addf(call->text,
		 "A new comment tells every outcome that this pull request is "
		 "on board of; `@%s verbose off` ends that.",
		 call->bot_name);
	if (strcmp(call->pull->verbosity, "verbose") != 0 &&
	    forget_past(call, e))
		return e->code;
	return set(call, "verbose", e);
}
