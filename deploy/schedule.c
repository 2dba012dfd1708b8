#include "deploy/schedule.h"

#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "deploy/flow_audit.h"
#include "deploy/flow_internal.h"
#include "deploy/freeze.h"
#include "deploy/policy.h"
#include "store/lock.h"
#include "store/request.h"

static bool is_gate(const struct environment *env, const char *stage)
{
	for (size_t i = 0; i < env->job_count; i++)
		if (env->jobs[i].http && env->jobs[i].job_class != JOB_DRAIN &&
		    strcmp(env->jobs[i].stage, stage) == 0)
			return true;
	return false;
}

/* A stage that checks the health of what was deployed is not interrupted; one
 * that is only drained for has deployed nothing. */
enum err schedule_guards(const struct flow *f, const struct cycle *c, bool *ret,
			 struct error *e)
{
	char stage[64];
	bool drains;

	*ret = flow_is_rollback(c);
	flow_stage_name(c, c->stage, stage, sizeof(stage));
	if (*ret || strcmp(c->state, "running") != 0 || !is_gate(f->env, stage))
		return ERR_OK;
	if (store_cycle_draining(f->store, c->id, &drains, e))
		return e->code;
	*ret = !drains;
	return ERR_OK;
}

static enum err running_facts(const struct flow *f, const struct cycle *c,
			      struct policy_facts *facts, struct error *e)
{
	bool guarded;

	if (schedule_guards(f, c, &guarded, e))
		return e->code;
	facts->running = strcmp(c->kind, "full") == 0 ? KIND_FULL : KIND_SHORT;
	facts->restarts = (int)c->restarts;
	facts->phase = PHASE_OPEN;
	if (strcmp(c->state, "stopping") == 0)
		facts->phase = PHASE_STOPPING;
	else if (guarded)
		facts->phase = PHASE_GUARDED;
	return ERR_OK;
}

/* The policy's clock is the engine's. */
static void freeze_facts(const struct flow *f,
			 const struct freeze_state *freeze,
			 struct policy_facts *facts)
{
	facts->frozen = freeze->frozen;
	if (freeze->until_ms)
		facts->frozen_until_ms = freeze->until_ms - f->wall_skew_ms;
}

static void waiting_facts(const struct request_facts *waiting,
			  struct policy_facts *ret)
{
	ret->auto_count = (int)waiting->auto_count;
	ret->auto_first_ms = waiting->auto_first_ms;
	ret->auto_last_ms = waiting->auto_last_ms;
	ret->deploy_count = (int)waiting->deploy_count;
	ret->trigger_count = (int)waiting->trigger_count;
	ret->booked_count = (int)waiting->booked_count;
	ret->forced_full_count = (int)waiting->forced_count;
}

static enum err gather(const struct flow *f, struct policy_facts *ret,
		       struct freeze_state *freeze, struct error *e)
{
	struct environment_record env;
	struct request_facts waiting;
	struct cycle c;
	enum err code;

	*ret = (struct policy_facts){.now_ms = f->now_ms};
	if (store_environment(f->store, f->env->name, f->now_ms, &env, e) ||
	    freeze_look(f, freeze, e))
		return e->code;
	freeze_facts(f, freeze, ret);
	ret->last_finish_ms = env.last_finish_ms;
	ret->last_full_ms = env.last_full_ms;
	ret->schedule_from_ms = env.schedule_from_ms;
	code = store_cycle_running(f->store, f->env->name, &c, e);
	if (code && code != ERR_MISSING)
		return code;
	if (!code && running_facts(f, &c, ret, e))
		return e->code;
	/* Who found no place in the running batch does not restart it. */
	if (store_request_facts(f->store, f->env->name, !code, &waiting, e))
		return e->code;
	waiting_facts(&waiting, ret);
	return ERR_OK;
}

static enum err touch_in(const struct flow *f, const char *state,
			 struct error *e)
{
	struct request *list;
	size_t count;
	enum err code = ERR_OK;

	if (store_requests_in(f->store, f->env->name, state, &list, &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++)
		code = store_touch(f->store, list[i].pull_id, e);
	free(list);
	return code;
}

/* Those who wait see in their comment why and until when. */
static enum err tell_waiting(const struct flow *f, struct error *e)
{
	if (touch_in(f, "waiting", e))
		return e->code;
	return touch_in(f, "booked", e);
}

/*
 * Who asked may not any more: the permission is over, also when its deploy is
 * done, and what waits is dropped before it is counted.
 */
static enum err drop_ungranted(const struct flow *f, struct error *e)
{
	struct request *list;
	size_t count;
	enum err code = ERR_OK;

	if (store_requests_ungranted(f->store, f->env->name, f->now_ms, &list,
				     &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++) {
		const struct request *r = &list[i];

		code = store_request_void(f->store, r->id, "granter", e);
		if (!code)
			code = flow_audit_void_one(f, r, "granter", e);
		if (!code && (strcmp(r->state, "waiting") == 0 ||
			      strcmp(r->state, "booked") == 0))
			code = flow_drop(f, r, "granter", e);
		if (!code)
			code = store_touch(f->store, r->pull_id, e);
	}
	free(list);
	return code;
}

/* What is on record of the freeze, for those who look. */
static enum err note_freeze(const struct flow *f,
			    const struct freeze_state *freeze, struct error *e)
{
	bool news;

	if (store_freeze_set(f->store, f->env->name, freeze->why,
			     freeze->until_ms, &news, e))
		return e->code;
	return news ? tell_waiting(f, e) : ERR_OK;
}

/* While nothing waits the time is that of the schedule, and nothing is why. */
static enum err note_wait(const struct flow *f, const struct policy_decision *d,
			  const struct freeze_state *freeze, struct error *e)
{
	const char *why = d->frozen ? freeze->why : d->why;
	int64_t at = d->frozen ? freeze->until_ms : d->at_ms;
	bool waits = d->action == POLICY_WAIT, news;

	if (store_environment_wait(f->store, f->env->name, waits ? why : "", at,
				   &news, e))
		return e->code;
	return news ? tell_waiting(f, e) : ERR_OK;
}

/* When to ask again: a freeze may begin or end before. */
static int64_t next_look(const struct flow *f, const struct policy_decision *d,
			 const struct freeze_state *freeze)
{
	int64_t next = freeze->next_ms ? freeze->next_ms - f->wall_skew_ms : 0;

	return d->at_ms && (!next || d->at_ms < next) ? d->at_ms : next;
}

enum err schedule_environment(const struct flow *f, int64_t *ret_next_ms,
			      struct error *e)
{
	struct freeze_state freeze;
	struct policy_facts facts;
	struct policy_decision d;
	bool news;

	if (drop_ungranted(f, e) || flow_settle(f, e) ||
	    gather(f, &facts, &freeze, e) || note_freeze(f, &freeze, e))
		return e->code;
	d = policy_decide(&f->env->policy, &facts);
	*ret_next_ms = next_look(f, &d, &freeze);
	switch (d.action) {
	case POLICY_START:
		if (flow_begin(f, d.kind, d.scheduled, e))
			return e->code;
		break;
	case POLICY_RESTART:
		if (flow_restart(f, d.kind, e))
			return e->code;
		break;
	case POLICY_IDLE:
	case POLICY_WAIT:
		return note_wait(f, &d, &freeze, e);
	}
	/* The state is another now: ask again at once. */
	*ret_next_ms = f->now_ms;
	return store_environment_wait(f->store, f->env->name, "", 0, &news, e);
}

enum err schedule_forecast(const struct flow *f, enum cycle_kind wish,
			   struct policy_decision *ret, struct str *why_text,
			   struct error *e)
{
	struct freeze_state freeze;
	struct policy_facts facts;

	if (gather(f, &facts, &freeze, e))
		return e->code;
	facts.deploy_count += wish == KIND_SHORT;
	facts.trigger_count += wish == KIND_FULL;
	*ret = policy_decide(&f->env->policy, &facts);
	str_clear(why_text);
	str_puts(why_text, ret->frozen ? freeze.why : ret->why);
	ret->why = why_text->text;
	return str_check(why_text, e);
}

enum err schedule_full_allowed(const struct flow *f, int64_t *ret_ms,
			       struct error *e)
{
	struct environment_record env;

	if (store_environment(f->store, f->env->name, f->now_ms, &env, e))
		return e->code;
	*ret_ms = policy_full_allowed_ms(&f->env->policy, env.last_full_ms);
	return ERR_OK;
}

enum err schedule_wish(const struct flow *f, const char *origin,
		       int64_t pull_id, const char *sha, struct error *e)
{
	struct request r = {.pull_id = pull_id, .made_ms = f->now_ms};

	COPY(r.environment, f->env->name);
	COPY(r.kind, "auto");
	COPY(r.origin, origin);
	COPY(r.sha, sha);
	COPY(r.state, "waiting");
	if (store_request_add(f->store, &r, e))
		return e->code;
	return store_touch(f->store, pull_id, e);
}

/* Those of the pull that wait for people and that obsolete() says it of. */
static enum err drop_obsolete(const struct flow *f, const struct pull *p,
			      bool (*obsolete)(const struct request *r,
					       const char *keep_sha),
			      const char *keep_sha, const char *outcome,
			      struct error *e)
{
	struct request *list;
	size_t count;
	enum err code = ERR_OK;

	if (store_requests_of_pull(f->store, p->id, &list, &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++)
		if (strcmp(list[i].environment, f->env->name) == 0 &&
		    strcmp(list[i].kind, "auto") != 0 &&
		    obsolete(&list[i], keep_sha))
			code = flow_drop(f, &list[i], outcome, e);
	free(list);
	return code;
}

static bool is_other(const struct request *r, const char *keep_sha)
{
	return !*keep_sha || strcmp(r->sha, keep_sha) != 0;
}

static bool is_voided(const struct request *r, const char *unused UNUSED)
{
	return r->voided;
}

enum err schedule_void(const struct flow *f, const struct pull *p,
		       const char *keep_sha, const char *outcome,
		       struct error *e)
{
	int64_t voided;

	if (store_requests_void(f->store, f->env->name, p->id, keep_sha,
				outcome, &voided, e) ||
	    flow_audit_void(f, p, keep_sha, voided, outcome, e))
		return e->code;
	return drop_obsolete(f, p, is_other, keep_sha, outcome, e);
}

enum err schedule_void_said(const struct flow *f, const struct pull *p,
			    int64_t before_ms, const char *outcome,
			    struct error *e)
{
	int64_t voided;

	if (store_requests_void_said(f->store, f->env->name, p->id, before_ms,
				     outcome, &voided, e) ||
	    flow_audit_void(f, p, "", voided, outcome, e))
		return e->code;
	return drop_obsolete(f, p, is_voided, "", outcome, e);
}
