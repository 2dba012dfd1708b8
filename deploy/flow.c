/*
 * Beginning and restarting a cycle.
 */
#include "bot/base/str.h"
#include "deploy/flow.h"

#include <stdlib.h>
#include <string.h>

#include "deploy/batch.h"
#include "deploy/flow_audit.h"
#include "deploy/flow_internal.h"
#include "deploy/freeze.h"
#include "deploy/recipe.h"
#include "store/lock.h"
#include "store/outbox.h"
#include "store/request.h"

static enum err list_to_json(text_list list, char *ret, size_t size,
			     struct error *e)
{
	CLEANUP(json_decref) json_t *array = json_array();
	CLEANUP(free) char *text = NULL;

	for (; *list; list++)
		json_array_append_new(array, json_string(*list));
	text = js_dump(array);
	/* The configuration takes none that does not fit. */
	if (!text || strlen(text) >= size)
		return error_set(e, ERR_FATAL, "the recipe is too long");
	memcpy(ret, text, strlen(text) + 1);
	return ERR_OK;
}

void flow_stage_name(const struct cycle *c, int stage, char *ret, size_t size)
{
	CLEANUP(json_decref) json_t *stages = js_read(c->stages);
	const char *name =
		json_string_value(json_array_get(stages, (size_t)stage));

	snprintf(ret, size, "%s", name ? name : "");
}

enum err flow_cycle_of(const struct flow *f, const json_t *args,
		       struct cycle *ret, struct error *e)
{
	return store_cycle(f->store, js_int(args, "cycle", 0), ret, e);
}

static enum err write_manifest(const struct flow *f, const struct cycle *c,
			       const struct revision *revisions, size_t count,
			       struct error *e)
{
	for (size_t i = 0; i < f->env->project_count; i++) {
		const struct project *from = &f->env->projects[i];
		struct manifest_project p = {0};

		COPY(p.repo, from->repo);
		COPY(p.base, from->base);
		COPY(p.branch, from->branch);
		if (store_manifest_add(f->store, c->id, (int)i, &p, e))
			return e->code;
	}
	/* Nobody asked the schedule: while it only looks, nothing is told. */
	for (size_t i = 0; i < count; i++)
		if (store_revision_add(f->store, c->id, (int)i, &revisions[i],
				       e) ||
		    (!c->scheduled &&
		     store_touch(f->store, revisions[i].pull_id, e)))
			return e->code;
	return ERR_OK;
}

/*
 * A trigger that may not be full yet runs short now, and its full is booked:
 * a request of its own.
 */
static enum err book_full(const struct flow *f, const struct request *r,
			  struct error *e)
{
	struct request booked = *r;

	COPY(booked.state, "booked");
	COPY(booked.kind, "full");
	return store_request_add(f->store, &booked, e);
}

static bool is_out(const struct batch *b, int64_t pull_id)
{
	for (size_t i = 0; i < b->out_count; i++)
		if (b->out[i].pull_id == pull_id)
			return true;
	return false;
}

/* Who found no place keeps what was wished for it, and comes first next. */
static enum err write_bench(const struct flow *f, const struct batch *b,
			    struct error *e)
{
	struct bench_place *places = calloc(b->out_count + 1, sizeof(*places));
	const char *name = f->env->name;
	enum err code = ERR_OK;

	if (!places)
		return error_set(e, ERR_FATAL, "out of memory");
	for (size_t i = 0; !code && i < b->out_count; i++)
		code = store_bench(f->store, name, b->out[i].pull_id,
				   &places[i], e);
	if (!code)
		code = store_bench_clear(f->store, name, e);
	for (size_t i = 0; !code && i < b->out_count; i++) {
		struct bench_place *p = &places[i];
		int64_t before = p->position;

		if (!before)
			p->since_ms = f->now_ms;
		p->last_ms = f->now_ms;
		p->position = (int64_t)i + 1;
		p->cycles = batch_cycles(f->env, p->position);
		code = store_bench_put(f->store, name, b->out[i].pull_id, p, e);
		if (!code && p->position != before)
			code = store_touch(f->store, b->out[i].pull_id, e);
	}
	free(places);
	return code;
}

static enum err take_waiting(const struct flow *f, const struct cycle *c,
			     const struct batch *b, struct error *e)
{
	bool is_short = strcmp(c->kind, "short") == 0;
	struct request *list;
	size_t count;
	enum err code = ERR_OK;

	if (store_requests_in(f->store, f->env->name, "waiting", &list, &count,
			      e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++) {
		bool halved = is_short && strcmp(list[i].kind, "full") == 0;

		if (is_out(b, list[i].pull_id))
			continue;
		if (halved)
			code = book_full(f, &list[i], e);
		/* Who rides in more than they asked for asked for no more. */
		if (!code)
			code = store_request_run(
				f->store, list[i].id, c->id,
				halved ? "short" : list[i].kind, e);
		if (!code)
			code = store_touch(f->store, list[i].pull_id, e);
	}
	free(list);
	return code;
}

/* The other half of what was said, if it is aboard already; else NULL. */
static const struct request *twin_of(const struct request *r,
				     const struct request *aboard, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (r->said_id && aboard[i].said_id == r->said_id)
			return &aboard[i];
	return NULL;
}

/*
 * The short half of a `trigger` may wait again and run in the same full as the
 * half that was booked: they are one again, and their asker hears once.
 */
static enum err take_one_booked(const struct flow *f, const struct cycle *c,
				const struct request *r,
				const struct request *twin, struct error *e)
{
	if (!twin)
		return store_request_run(f->store, r->id, c->id, "full", e);
	if (store_request_end(f->store, r->id, "done", "joined", e) ||
	    store_request_whole(f->store, twin->id, e))
		return e->code;
	return store_request_announced(f->store, r->id, e);
}

/* A full satisfies every full that was booked for what is aboard. */
static enum err take_booked(const struct flow *f, const struct cycle *c,
			    const struct batch *b, struct error *e)
{
	struct request *list, *aboard;
	size_t count, aboard_count;
	enum err code = ERR_OK;

	if (strcmp(c->kind, "full") != 0)
		return ERR_OK;
	if (store_requests_of_cycle(f->store, c->id, &aboard, &aboard_count, e))
		return e->code;
	if (store_requests_in(f->store, f->env->name, "booked", &list, &count,
			      e)) {
		free(aboard);
		return e->code;
	}
	for (size_t i = 0; !code && i < count; i++)
		if (!is_out(b, list[i].pull_id))
			code = take_one_booked(
				f, c, &list[i],
				twin_of(&list[i], aboard, aboard_count), e);
	free(aboard);
	free(list);
	return code;
}

enum err flow_new(const struct flow *f, enum cycle_kind kind, struct cycle *ret,
		  struct error *e)
{
	struct environment_record record;

	*ret = (struct cycle){.started_ms = f->now_ms};
	COPY(ret->environment, f->env->name);
	COPY(ret->kind, kind == KIND_FULL ? "full" : "short");
	if (store_environment(f->store, f->env->name, f->now_ms, &record, e) ||
	    list_to_json(kind == KIND_FULL ? f->env->recipe_full
					   : f->env->recipe_short,
			 ret->stages, sizeof(ret->stages), e))
		return e->code;
	return recipe_hash(f->env, kind, ret->recipe, e);
}

enum err flow_begin(const struct flow *f, enum cycle_kind kind, bool scheduled,
		    struct error *e)
{
	CLEANUP(batch_release) struct batch b = {0};
	struct cycle c;

	if (flow_new(f, kind, &c, e) ||
	    store_cycle_restarts(f->store, f->env->name, &c.restarts, e))
		return e->code;
	c.scheduled = scheduled;
	if (store_cycle_add(f->store, &c, e) ||
	    batch_select(f->store, f->env, kind, f->now_ms, &b, e) ||
	    write_manifest(f, &c, b.in, b.in_count, e) ||
	    write_bench(f, &b, e) || take_waiting(f, &c, &b, e) ||
	    take_booked(f, &c, &b, e) || flow_retry_begin(f, &c, e) ||
	    flow_audit_begin(f, &c, e))
		return e->code;
	return flow_want_batch(f, c.id, e);
}

enum err flow_cancel_jobs(const struct flow *f, const struct cycle *c,
			  bool *ret_any, struct error *e)
{
	struct job *jobs;
	size_t count;
	enum err code = ERR_OK;

	*ret_any = false;
	if (store_jobs(f->store, c->id, &jobs, &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++) {
		const char *key = jobs[i].key;

		if (strcmp(jobs[i].state, "running") != 0)
			continue;
		*ret_any = true;
		code = store_outbox_add(f->store, "job.cancel", "", key,
					json_pack("{s:s, s:I}", "key", key,
						  "cycle", (json_int_t)c->id),
					0, f->now_ms, e);
	}
	free(jobs);
	return code;
}

enum err flow_restart(const struct flow *f, enum cycle_kind kind,
		      struct error *e)
{
	const char *as = kind == KIND_FULL ? "full" : "short";
	struct cycle c;
	bool busy;

	if (store_cycle_running(f->store, f->env->name, &c, e))
		return e->code;
	if (store_cycle_stopping(f->store, c.id, as, e) ||
	    flow_cancel_jobs(f, &c, &busy, e))
		return e->code;
	/* A push under way may move the branch: its answer is waited for. */
	busy = busy || strcmp(c.state, "pushing") == 0;
	COPY(c.restart_as, as);
	return busy ? store_touch_cycle(f->store, c.id, e)
		    : flow_stopped(f, &c, e);
}

/*
 * As was decided; but the word for a full may be gone since then: taken back,
 * pushed over, its asker not entitled any more.  Or one has just been forced.
 */
static enum err restart_kind(const struct flow *f, const struct cycle *c,
			     enum cycle_kind *ret, struct error *e)
{
	struct policy_facts facts = {.now_ms = f->now_ms};
	struct environment_record env;
	struct request_facts waiting;

	*ret = KIND_SHORT;
	if (store_environment(f->store, f->env->name, f->now_ms, &env, e) ||
	    store_request_facts(f->store, f->env->name, false, &waiting, e))
		return e->code;
	if (strcmp(c->restart_as, "full") != 0 && !waiting.forced_count)
		return ERR_OK;
	facts.last_full_ms = env.last_full_ms;
	facts.trigger_count = (int)waiting.trigger_count;
	facts.forced_full_count = (int)waiting.forced_count;
	*ret = policy_command_kind(&f->env->policy, &facts);
	return ERR_OK;
}

enum err flow_stopped(const struct flow *f, struct cycle *c, struct error *e)
{
	enum cycle_kind kind;
	struct freeze_state freeze;

	if (*c->cancelled_by)
		return flow_cancelled(f, c, e);
	COPY(c->verdict, "cancelled");
	COPY(c->reason_code, "restarted");
	c->finished_ms = f->now_ms;
	if (store_cycle_finish(f->store, c->id, "cancelled", "restarted",
			       "restarted with newer revisions", f->now_ms,
			       e) ||
	    flow_audit_end(f, c, e) || store_touch_cycle(f->store, c->id, e) ||
	    flow_requests_back(f, c, e))
		return e->code;
	if (f->finished)
		f->finished(f->ctx, c);
	/* What was to be restarted waits like everything else. */
	if (freeze_look(f, &freeze, e) || restart_kind(f, c, &kind, e))
		return e->code;
	return freeze.frozen ? ERR_OK : flow_begin(f, kind, false, e);
}
