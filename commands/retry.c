/*
 * Does the last deploy of this pull request that did not work again.  From
 * the failed stage on when everything is as it was; what can be kept is
 * decided when it is merged (deploy/flow_retry.c), here it is foretold.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/clock.h"
#include "bot/base/str.h"
#include "commands/call.h"
#include "deploy/schedule.h"
#include "store/request.h"

/* What is to be done again on one environment. */
struct retry {
	struct cycle of;
	int64_t full_ms;   /* when a full may start; <= now: now */
	bool beyond_short; /* what a short does is there, done well by it */
};

static bool ended_well(const struct cycle *c)
{
	return strcmp(c->verdict, "success") == 0;
}

/* Is the pull in the cycle that runs now? */
static enum err check_running(const struct command_call *call,
			      const struct environment *env, struct str *why,
			      struct error *e)
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
	if (listed == c.id && !flow_is_rollback(&c))
		str_addf(why,
			 "cycle %lld runs on %s with it now; wait for its end, "
			 "or `@%s cancel` it",
			 (long long)c.id, env->name, call->bot_name);
	return ERR_OK;
}

/* why: a clause, when there is nothing to do again there. */
static enum err look(const struct command_call *call,
		     const struct environment *env, struct retry *ret,
		     struct str *why, struct error *e)
{
	struct flow f = command_flow(call, env);
	char stage[64];
	int64_t last, moved;

	str_clear(why);
	if (check_running(call, env, why, e) || why->len)
		return why->len ? ERR_OK : e->code;
	if (store_cycle_of_pull(call->store, call->pull->id, env->name, &last,
				e))
		return e->code;
	if (!last) {
		str_addf(why, "no deploy on %s had it aboard", env->name);
		return ERR_OK;
	}
	if (store_cycle(call->store, last, &ret->of, e) ||
	    store_cycle_last_moved(call->store, env->name, 0, &moved, e) ||
	    schedule_full_allowed(&f, &ret->full_ms, e))
		return e->code;
	if (ended_well(&ret->of))
		str_addf(why,
			 "the last deploy with it on %s, cycle %lld, went "
			 "well",
			 env->name, (long long)last);
	flow_stage_name(&ret->of, ret->of.stage, stage, sizeof(stage));
	/* Another deploy has replaced it: without a short it is not there. */
	ret->beyond_short = strcmp(ret->of.kind, "full") == 0 &&
			    moved == ret->of.id &&
			    !environment_in_short(env, stage);
	return ERR_OK;
}

/* Too early for another full, and the short part of it has worked. */
static bool is_booked(const struct command_call *call, const struct retry *r)
{
	return r->beyond_short && r->full_ms > call->now_ms;
}

static void say_kept(struct str *out, const struct retry *r)
{
	char stage[64];

	flow_stage_name(&r->of, r->of.stage, stage, sizeof(stage));
	str_addf(out, "from stage %s on", stage);
	for (int i = 0; i < r->of.stage; i++) {
		flow_stage_name(&r->of, i, stage, sizeof(stage));
		str_addf(out, "%s%s", i ? ", " : "; kept: ", stage);
	}
}

static enum err tell(const struct command_call *call,
		     const struct environment *env, const struct retry *r,
		     struct error *e)
{
	CLEANUP(str_release) struct str why = STR_INIT(1024);
	struct flow f = command_flow(call, env);
	struct str *out = call->text;
	bool later, early = r->full_ms > call->now_ms &&
			    strcmp(r->of.kind, "full") == 0 && !r->beyond_short;

	if (flow_retry_against(&f, &r->of, &why, e))
		return e->code;
	later = early && why.len;
	if (!why.len && early)
		str_puts(&why, "it is too early for another full, so a short "
			       "goes first");
	str_addf(out, "%s%s: ", out->len ? " " : "", env->name);
	if (why.len) {
		str_addf(out, "a new cycle from its first stage on, because %s",
			 why.text);
	} else {
		str_addf(out, "cycle %lld again, ", (long long)r->of.id);
		say_kept(out, r);
	}
	str_inherit(out, &why);
	if (is_booked(call, r)) {
		str_puts(out, "; booked, for the next full may start at ");
		time_iso(out, r->full_ms);
	} else if (later) {
		str_puts(out, "; a short goes first, for the next full may "
			      "start at ");
		time_iso(out, r->full_ms);
	}
	str_putc(out, '.');
	return ERR_OK;
}

static enum err refuse(struct command_call *call, const struct str *why,
		       struct error *e)
{
	snprintf(call->next, sizeof(call->next), "@%s deploy", call->bot_name);
	return error_set(e, ERR_REFUSED,
			 "There is nothing to retry for this pull request: "
			 "%s. `deploy` deploys it anew.",
			 why->text);
}

static enum err retry_all(struct command_call *call, struct retry *retries,
			  struct command_wish *wishes, struct error *e)
{
	CLEANUP(str_release) struct str why = STR_INIT(1024);
	CLEANUP(str_release) struct str first = STR_INIT(1024);
	size_t count = 0;

	for (size_t i = 0; i < call->environment_count; i++) {
		const struct environment *env = call->environments[i];
		struct retry *r = &retries[count];

		if (look(call, env, r, &why, e))
			return e->code;
		if (!why.len && !command_means(call, env))
			str_addf(&why, "it is not aimed at %s any more",
				 env->name);
		if (why.len) {
			if (!first.len)
				str_puts(&first, why.text);
			continue;
		}
		wishes[count++] = (struct command_wish){
			.env = env,
			.kind = r->of.kind,
			.booked = is_booked(call, r),
			.retry_of = r->of.id,
		};
	}
	if (str_check(&first, e))
		return e->code;
	if (!count)
		return refuse(call, &first, e);
	if (command_ask_for(call, wishes, count, "retry", e))
		return e->code;
	for (size_t i = 0; i < count; i++)
		if (tell(call, wishes[i].env, &retries[i], e))
			return e->code;
	return ERR_OK;
}

enum err command_retry(struct command_call *call, struct error *e)
{
	size_t max = call->environment_count + 1;
	struct retry *retries = calloc(max, sizeof(*retries));
	struct command_wish *wishes = calloc(max, sizeof(*wishes));
	enum err code = retries && wishes
				? retry_all(call, retries, wishes, e)
				: error_set(e, ERR_FATAL, "out of memory");

	free(retries);
	free(wishes);
	return code;
}
