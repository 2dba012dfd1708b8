/*
 * Why is it on an environment or not, and what may the asker do?  The state
 * itself is told by whoever shows it; here are the reasons.
 */
#include "bot/base/str.h"
#include "commands/call.h"
#include "deploy/standing.h"
#include "store/cycle.h"
#include "store/lock.h"
#include "store/trust.h"

/* The place was given when the last cycle began, which counts. */
static enum err add_place(struct command_call *call,
			  const struct environment *env,
			  const struct bench_place *place, struct error *e)
{
	int64_t before = place->cycles - 1;
	struct cycle c;
	enum err code = store_cycle_running(call->store, env->name, &c, e);

	if (code && code != ERR_MISSING)
		return code;
	before += !code;
	str_addf(call->answer,
		 ". The batch was full: it has position %lld for the next, and "
		 "comes before those who are there now",
		 (long long)place->position);
	if (before)
		str_addf(call->answer, "; %lld cycle%s must end before",
			 (long long)before, before == 1 ? "" : "s");
	return ERR_OK;
}

static enum err add_standing(struct command_call *call,
			     const struct environment *env, struct error *e)
{
	const struct project *project =
		environment_project(env, call->pull->repo);
	struct bench_place place;
	enum standing standing;
	bool trusted;

	if (standing_of(call->store, env, project, call->pull, call->now_ms,
			&standing, e) ||
	    store_bench(call->store, env->name, call->pull->id, &place, e) ||
	    store_unasked(call->store, call->pull->author_id, call->pull->repo,
			  call->now_ms, &trusted, e))
		return e->code;
	str_addf(call->answer, "- **%s**: the revision `%.12s` %s: ", env->name,
		 call->pull->head_sha,
		 standing == STANDING_IN ? "belongs there"
					 : "does not belong there now");
	if (standing == STANDING_IN)
		str_puts(call->answer,
			 trusted ? "its author is trusted"
				 : "somebody who may asked for it");
	else
		standing_text(call->answer, standing, env, project, call->pull);
	if (standing == STANDING_IN && place.position &&
	    add_place(call, env, &place, e))
		return e->code;
	str_puts(call->answer, ".\n");
	return ERR_OK;
}

static void add_rights(struct command_call *call)
{
	struct str *out = call->answer;
	int count = 0;

	str_addf(out, "- **You** are %s%s here%s. You may say ",
		 call->role == ROLE_ADMIN ? "an " : "a ", role_name(call->role),
		 call->is_author ? ", and this is your pull request" : "");
	for (int i = 0; i < VERB_MAX; i++)
		if (command_allowed(&command_table[i], call->role,
				    call->is_author))
			str_addf(out, "%s`%s`", count++ ? ", " : "",
				 command_table[i].name);
	str_puts(out, call->role < ROLE_MAINTAINER
			      ? "; to deploy takes a maintainer.\n"
			      : ".\n");
}

enum err command_why(struct command_call *call, struct error *e)
{
	call->show_state = true;
	for (size_t i = 0; i < call->environment_count; i++)
		if (add_standing(call, call->environments[i], e))
			return e->code;
	add_rights(call);
	return str_check(call->answer, e);
}
