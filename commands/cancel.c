/*
 * Withdraws what people asked for on this pull request and what has not
 * begun.  What came by itself stays: the pull request belongs there all the
 * same, and `skip` is the word against that.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "commands/evidence.h"
#include "deploy/standing.h"
#include "store/request.h"

/* The asker's own hand needs no word to the asker. */
static const char *outcome_for(const struct command_call *call,
			       const struct request *r)
{
	return r->actor_id == call->actor_id ? "taken back" : "cancelled";
}

/* Who asked twice for one thing is named once. */
static void note(struct str *out, const struct request *r,
		 const struct environment *env)
{
	CLEANUP(str_release) struct str one = STR_INIT(512);

	str_addf(&one, "%s for %s by %s", r->kind, env->name, r->actor);
	if (out->len && strstr(out->text, one.text))
		return;
	str_addf(out, "%s%s", out->len ? ", " : "", one.text);
}

static enum err withdraw(struct command_call *call,
			 const struct environment *env, int *ret_count,
			 struct error *e)
{
	struct request *list;
	size_t count;
	enum err code = ERR_OK;

	if (store_requests_of_pull(call->store, call->pull->id, &list, &count,
				   e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++) {
		const struct request *r = &list[i];

		if (strcmp(r->environment, env->name) != 0 ||
		    strcmp(r->kind, "auto") == 0)
			continue;
		code = store_request_end(call->store, r->id, "dropped",
					 outcome_for(call, r), e);
		note(call->text, r, env);
		*ret_count += 1;
	}
	free(list);
	return code;
}

/* The cycle that this revision is in goes on. */
static enum err say_what_runs(struct command_call *call,
			      const struct environment *env, struct error *e)
{
	const struct pull *p = call->pull;
	struct cycle c;
	int64_t listed;
	enum err code = store_cycle_running(call->store, env->name, &c, e);

	if (code)
		return code == ERR_MISSING ? ERR_OK : code;
	if (store_revision_cycle(call->store, p->id, p->head_sha, env->name,
				 &listed, e))
		return e->code;
	if (listed == c.id)
		str_addf(call->text,
			 " Cycle %lld runs on %s with this pull request and "
			 "goes to its end.",
			 (long long)c.id, env->name);
	return ERR_OK;
}

static enum err say_what_stays(struct command_call *call,
			       const struct environment *env, struct error *e)
{
	const struct project *project =
		environment_project(env, call->pull->repo);
	enum standing standing;

	if (say_what_runs(call, env, e) ||
	    standing_of(call->store, env, project, call->pull, call->now_ms,
			&standing, e))
		return e->code;
	if (standing == STANDING_IN)
		str_addf(call->text,
			 " The pull request belongs on %s and goes along with "
			 "the next "
			 "deploy all the same; `@%s skip` keeps it out.",
			 env->name, call->bot_name);
	return ERR_OK;
}

enum err command_cancel(struct command_call *call, struct error *e)
{
	CLEANUP(str_release) struct str what = STR_INIT(4096);
	struct str *text = call->text;
	enum err code = ERR_OK;
	int count = 0;

	call->text = &what;
	for (size_t i = 0; !code && i < call->environment_count; i++)
		code = withdraw(call, call->environments[i], &count, e);
	call->text = text;
	if (code)
		return code;
	if (count)
		str_addf(text, "Withdrawn: %s.", what.text);
	else
		str_puts(text, "There is nothing to withdraw: nobody's request "
			       "waits here.");
	for (size_t i = 0; i < call->environment_count; i++)
		if (say_what_stays(call, call->environments[i], e))
			return e->code;
	return count ? evidence_of_call(call, "cancel", what.text, NULL, e)
		     : ERR_OK;
}
