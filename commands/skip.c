/*
 * Out of every environment of the repository until `include`: what waits for
 * the pull request is dropped, and where it is on board a wish makes it leave.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "commands/evidence.h"
#include "deploy/schedule.h"
#include "store/cycle.h"
#include "store/request.h"

static enum err drop_wishes(const struct command_call *call,
			    const struct environment *env, struct error *e)
{
	struct request *list;
	size_t count;
	enum err code = ERR_OK;

	if (store_requests_of_pull(call->store, call->pull->id, &list, &count,
				   e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++)
		if (strcmp(list[i].environment, env->name) == 0)
			code = store_request_end(call->store, list[i].id,
						 "dropped", "skipped", e);
	free(list);
	return code ? code
		    : store_requests_not_back(call->store, env->name,
					      call->pull->id, "skipped", e);
}

static enum err leave(struct command_call *call, const struct environment *env,
		      struct error *e)
{
	struct flow f = command_flow(call, env);
	bool aboard;

	if (drop_wishes(call, env, e) ||
	    store_pull_aboard(call->store, call->pull->id, env->name, &aboard,
			      e))
		return e->code;
	if (!aboard)
		return ERR_OK;
	str_addf(call->text, " It leaves %s with the next deploy.", env->name);
	/* Of the environment, not of the pull: that one waits for nothing. */
	return schedule_wish(&f, "state", 0, "", e);
}

enum err command_skip(struct command_call *call, struct error *e)
{
	const char *reason = args_text(call->args, "reason");
	const struct pull *p = call->pull;

	if (p->skipped_ms && !*reason) {
		str_addf(call->text,
			 "%s took this pull request out before; it stays out "
			 "until a maintainer writes `@%s include`.",
			 p->skipped_by, call->bot_name);
		return ERR_OK;
	}
	if (store_pull_skip(call->store, p->id, call->now_ms, call->actor,
			    reason, e) ||
	    evidence_of_call(call, "skip", reason, NULL, e))
		return e->code;
	str_addf(call->text,
		 "This pull request stays out until a maintainer writes "
		 "`@%s include`.",
		 call->bot_name);
	for (size_t i = 0; i < call->environment_count; i++)
		if (leave(call, call->environments[i], e))
			return e->code;
	return ERR_OK;
}
