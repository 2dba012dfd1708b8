/*
 * The end of a cycle that somebody cancelled, and what it leaves behind.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "deploy/flow_audit.h"
#include "deploy/flow_internal.h"
#include "store/request.h"

enum err flow_cancel(const struct flow *f, const struct cycle *c,
		     const char *login, struct error *e)
{
	bool any;

	/* Those of a cycle that is being stopped are on their way already. */
	if (strcmp(c->state, "stopping") != 0 &&
	    flow_cancel_jobs(f, c, &any, e))
		return e->code;
	if (store_cycle_cancel(f->store, c->id, login, e))
		return e->code;
	return store_touch_cycle(f->store, c->id, e);
}

static enum err any_job_runs(const struct flow *f, const struct cycle *c,
			     bool *ret, struct error *e)
{
	struct job *jobs;
	size_t count;

	*ret = false;
	if (store_jobs(f->store, c->id, &jobs, &count, e))
		return e->code;
	for (size_t i = 0; i < count; i++)
		*ret |= strcmp(jobs[i].state, "running") == 0;
	free(jobs);
	return ERR_OK;
}

enum err flow_settle(const struct flow *f, struct error *e)
{
	struct cycle c;
	bool busy;
	enum err code = store_cycle_running(f->store, f->env->name, &c, e);

	if (code)
		return code == ERR_MISSING ? ERR_OK : code;
	if (strcmp(c.state, "stopping") != 0 || !*c.cancelled_by ||
	    c.awaits_push)
		return ERR_OK;
	if (any_job_runs(f, &c, &busy, e))
		return e->code;
	return busy ? ERR_OK : flow_cancelled(f, &c, e);
}

/* A job of class state that was begun: what it changed stays changed. */
static enum err look_at_state(const struct flow *f, const struct cycle *c,
			      struct flow_rest *ret, struct error *e)
{
	struct job *jobs;
	size_t count;

	if (store_jobs(f->store, c->id, &jobs, &count, e))
		return e->code;
	for (size_t i = 0; i < count; i++)
		if (strcmp(jobs[i].state, "skipped") != 0 &&
		    strcmp(flow_class_of(f->env, &jobs[i]), "state") == 0)
			COPY(ret->state_job, jobs[i].name);
	free(jobs);
	return ERR_OK;
}

enum err flow_rest_of(const struct flow *f, const struct cycle *c,
		      struct flow_rest *ret, struct error *e)
{
	struct environment_record record;
	int64_t left;
	bool can = false;
	enum err code;

	*ret = (struct flow_rest){.kind = REST_AS_IT_WAS};
	if (store_environment(f->store, f->env->name, f->now_ms, &record, e) ||
	    store_cycle_last_moved(f->store, f->env->name, c->id, &ret->before,
				   e) ||
	    store_cycle_left_moved(f->store, f->env->name,
				   record.deployed_cycle, c->id, &left, e))
		return e->code;
	code = store_cycle(f->store, record.deployed_cycle, &ret->green, e);
	if (code && code != ERR_MISSING)
		return code;
	if (code)
		ret->green = (struct cycle){0};
	if (!left)
		return ERR_OK;
	if (ret->green.id && flow_can_roll_back(f, &ret->green, &can, e))
		return e->code;
	ret->kind = can ? REST_PUT_BACK : REST_LEFT;
	return can ? look_at_state(f, c, ret, e) : ERR_OK;
}

static void say_manifest(struct str *out, const struct cycle *green)
{
	if (*green->tag)
		str_addf(out, "manifest `%s`", green->tag);
	else
		str_addf(out, "the manifest of cycle %lld",
			 (long long)green->id);
}

static void say_as_it_was(struct str *out, const struct environment *env,
			  const struct flow_rest *rest)
{
	str_addf(out, "%s is as it was: ", env->name);
	if (!rest->before)
		str_puts(out, "nothing was ever deployed there");
	else if (rest->before == rest->green.id)
		say_manifest(out, &rest->green);
	else
		str_addf(out, "as cycle %lld left it, which is not green",
			 (long long)rest->before);
}

void flow_say_rest(struct str *out, const struct environment *env,
		   const struct flow_rest *rest)
{
	switch (rest->kind) {
	case REST_AS_IT_WAS:
		say_as_it_was(out, env, rest);
		break;
	case REST_PUT_BACK:
		str_addf(out, "the last green deploy is put back on %s, ",
			 env->name);
		say_manifest(out, &rest->green);
		if (*rest->state_job)
			str_addf(out, ", but what job %s has changed stays",
				 rest->state_job);
		break;
	case REST_LEFT:
		str_addf(out,
			 "%s stays as the stopped deploy left it, for there is "
			 "no green manifest to go back to",
			 env->name);
		break;
	}
}

void flow_say_where(struct str *out, const struct cycle *c)
{
	char stage[64];

	if (strcmp(c->state, "merging") == 0) {
		str_puts(out, "while it was being merged");
	} else if (c->moved) {
		flow_stage_name(c, c->stage, stage, sizeof(stage));
		str_addf(out, "in stage %s", stage);
	} else {
		str_puts(out, "before its first stage");
	}
}

static void say_end(struct str *out, const struct flow *f,
		    const struct cycle *c, const struct flow_rest *rest)
{
	str_addf(out, "cancelled by %s ", c->cancelled_by);
	flow_say_where(out, c);
	str_puts(out, "; ");
	flow_say_rest(out, f->env, rest);
}

enum err flow_cancelled(const struct flow *f, struct cycle *c, struct error *e)
{
	CLEANUP(str_release) struct str text = STR_INIT(sizeof(c->text));
	struct flow_rest rest;

	if (flow_rest_of(f, c, &rest, e))
		return e->code;
	say_end(&text, f, c, &rest);
	if (str_check(&text, e))
		return e->code;
	COPY(c->verdict, "cancelled");
	COPY(c->reason_code, "cancelled");
	COPY(c->text, text.text);
	c->finished_ms = f->now_ms;
	if (store_cycle_finish(f->store, c->id, c->verdict, c->reason_code,
			       c->text, f->now_ms, e) ||
	    flow_audit_end(f, c, e) || flow_remember(f, c, e) ||
	    flow_requests_back(f, c, e) ||
	    store_touch_cycle(f->store, c->id, e))
		return e->code;
	if (f->finished)
		f->finished(f->ctx, c);
	return rest.kind == REST_PUT_BACK ? flow_rollback(f, c, &rest.green, e)
					  : ERR_OK;
}
