/* Takes `skip` back: where the pull request belongs, a wish brings it. */
#include "bot/base/str.h"
#include "commands/evidence.h"
#include "deploy/schedule.h"
#include "deploy/standing.h"
#include "store/request.h"

static enum err come_back(struct command_call *call,
			  const struct environment *env, const struct pull *p,
			  struct error *e)
{
	const struct project *project = environment_project(env, p->repo);
	struct flow f = command_flow(call, env);
	enum standing standing;

	/* What ran all the time is wanted again. */
	if (store_requests_not_back(call->store, env->name, p->id, "", e) ||
	    standing_of(call->store, env, project, p, call->now_ms, &standing,
			e))
		return e->code;
	if (standing == STANDING_IN) {
		str_addf(call->text, " It comes to %s with the next deploy.",
			 env->name);
		return schedule_wish(&f, "state", p->id, p->head_sha, e);
	}
	str_addf(call->text, " It stays out of %s all the same: ", env->name);
	standing_text(call->text, standing, env, project, p);
	str_puts(call->text, ".");
	return ERR_OK;
}

/* What else keeps out one that nobody has skipped? */
static enum err say_why(struct command_call *call,
			const struct environment *env, struct error *e)
{
	const struct project *project =
		environment_project(env, call->pull->repo);
	enum standing standing;

	if (standing_of(call->store, env, project, call->pull, call->now_ms,
			&standing, e))
		return e->code;
	if (standing == STANDING_IN)
		return ERR_OK;
	str_addf(call->text, " What keeps it out of %s: ", env->name);
	standing_text(call->text, standing, env, project, call->pull);
	str_puts(call->text, ".");
	return ERR_OK;
}

enum err command_include(struct command_call *call, struct error *e)
{
	struct pull p = *call->pull;
	bool skipped = p.skipped_ms != 0;

	p.skipped_ms = 0;
	if (skipped && (store_pull_skip(call->store, p.id, 0, "", "", e) ||
			store_pull_active(call->store, p.id, call->now_ms, e) ||
			evidence_of_call(call, "include", "", NULL, e)))
		return e->code;
	/* A command keeps it from being stale, as of now. */
	if (skipped)
		p.active_ms = call->now_ms;
	str_puts(call->text, skipped ? "This pull request is back."
				     : "Nobody has skipped this pull request.");
	for (size_t i = 0; i < call->environment_count; i++) {
		const struct environment *env = call->environments[i];

		if (skipped ? come_back(call, env, &p, e)
			    : say_why(call, env, e))
			return e->code;
	}
	return ERR_OK;
}
