/* A word against a verdict: on record and on show, it changes nothing. */
#include <string.h>

#include "bot/base/str.h"
#include "commands/evidence.h"

static enum err dispute_on(struct command_call *call,
			   const struct environment *env, int *ret_failures,
			   struct error *e)
{
	const struct pull *p = call->pull;
	struct result result;
	struct dispute d = {
		.pull_id = p->id,
		.sha = p->head_sha,
		.environment = env->name,
		.actor_id = call->actor_id,
		.actor = call->actor,
		.reason = args_text(call->args, "reason"),
		.made_ms = call->now_ms,
	};
	bool is_new;

	if (store_result(call->store, p->id, p->head_sha, env->name, &result,
			 e))
		return e->code;
	if (strcmp(result.outcome, "failure") != 0)
		return ERR_OK;
	d.cycle_id = result.cycle_id;
	if (store_dispute_add(call->store, &d, &is_new, e))
		return e->code;
	*ret_failures += 1;
	call->disputed += is_new;
	return ERR_OK;
}

enum err command_notmyfault(struct command_call *call, struct error *e)
{
	int failures = 0, before = call->disputed;

	for (size_t i = 0; i < call->environment_count; i++)
		if (dispute_on(call, call->environments[i], &failures, e))
			return e->code;
	if (!failures) {
		snprintf(call->next, sizeof(call->next), "@%s why",
			 call->bot_name);
		return error_set(e, ERR_REFUSED,
				 "There is nothing to dispute: no failure is "
				 "on record for the head of this pull "
				 "request.");
	}
	if (call->disputed == before) {
		str_puts(call->text, "Your word on this revision is on record "
				     "already.");
		return ERR_OK;
	}
	str_addf(call->text,
		 "It is on record that you dispute this failure. The revision "
		 "stays out until its author pushes or a maintainer tries it "
		 "again with `@%s deploy`.",
		 call->bot_name);
	return evidence_of_call(call, "notmyfault",
				args_text(call->args, "reason"), NULL, e);
}
