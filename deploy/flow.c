/*
 * Beginning, restarting and ending a cycle.
 */
#include "bot/base/str.h"
#include "deploy/flow.h"

#include <stdlib.h>
#include <string.h>

#include "bot/base/clock.h"
#include "deploy/flow_audit.h"
#include "deploy/flow_internal.h"
#include "deploy/freeze.h"
#include "deploy/recipe.h"
#include "deploy/standing.h"
#include "store/lock.h"
#include "store/outbox.h"
#include "store/request.h"

static bool list_has(text_list list, const char *name)
{
	for (; *list; list++)
		if (strcmp(*list, name) == 0)
			return true;
	return false;
}

static enum err list_to_json(text_list list, char *ret, size_t size,
			     struct error *e)
{
	CLEANUP(json_decref) json_t *array = json_array();
	CLEANUP(free) char *text = NULL;

	for (; *list; list++)
		json_array_append_new(array, json_string(*list));
	text = js_dump(array);
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
		p->cycles = standing_cycles(f->env, p->position);
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
		bool full = strcmp(list[i].kind, "full") == 0;
		bool asked = strcmp(list[i].kind, "auto") != 0;

		if (is_out(b, list[i].pull_id))
			continue;
		if (is_short && full)
			code = book_full(f, &list[i], e);
		if (!code)
			code = store_request_run(f->store, list[i].id, c->id,
						 asked ? c->kind : "auto", e);
		if (!code)
			code = store_touch(f->store, list[i].pull_id, e);
	}
	free(list);
	return code;
}

/* Is the other half of what was said aboard already? */
static bool is_twin(const struct request *r, const struct request *aboard,
		    size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (r->said_id && aboard[i].said_id == r->said_id)
			return true;
	return false;
}

/*
 * The short half of a `trigger` may wait again and run in the same full as the
 * half that was booked: one of them is enough, and its asker hears once.
 */
static enum err take_one_booked(const struct flow *f, const struct cycle *c,
				const struct request *r, bool twin,
				struct error *e)
{
	if (!twin)
		return store_request_run(f->store, r->id, c->id, "full", e);
	if (store_request_end(f->store, r->id, "done", "joined", e))
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
				is_twin(&list[i], aboard, aboard_count), e);
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

enum err flow_begin(const struct flow *f, enum cycle_kind kind,
		    int64_t restarts, bool scheduled, struct error *e)
{
	__attribute__((cleanup(batch_release_at))) struct batch b = {0};
	struct cycle c;

	if (flow_new(f, kind, &c, e))
		return e->code;
	c.scheduled = scheduled;
	c.restarts = restarts;
	if (store_cycle_add(f->store, &c, e) ||
	    standing_select(f->store, f->env, f->now_ms, &b, e) ||
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

enum err flow_stopped(const struct flow *f, struct cycle *c, struct error *e)
{
	enum cycle_kind kind =
		strcmp(c->restart_as, "full") == 0 ? KIND_FULL : KIND_SHORT;
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
	    store_requests_back(f->store, c->id, e))
		return e->code;
	if (f->finished)
		f->finished(f->ctx, c);
	/* What was to be restarted waits like everything else. */
	if (freeze_look(f, &freeze, e))
		return e->code;
	return freeze.frozen ? ERR_OK
			     : flow_begin(f, kind, c->restarts + 1, false, e);
}

/* A full uses its interval up when its own stages were really reached. */
static enum err full_counts(const struct flow *f, const struct cycle *c,
			    bool *ret, struct error *e)
{
	struct job *jobs;
	size_t count;

	*ret = false;
	if (strcmp(c->kind, "full") != 0)
		return ERR_OK;
	if (strcmp(c->verdict, "success") == 0) {
		*ret = true;
		return ERR_OK;
	}
	if (store_jobs(f->store, c->id, &jobs, &count, e))
		return e->code;
	for (size_t i = 0; i < count; i++)
		if (strcmp(jobs[i].state, "skipped") != 0 &&
		    !flow_is_drain(&jobs[i]) &&
		    strcmp(jobs[i].reason_code, "not_started") != 0 &&
		    !list_has(f->env->recipe_short, jobs[i].stage))
			*ret = true;
	free(jobs);
	return ERR_OK;
}

/* Something is wrong that the next cycle will not mend: it stays still until
 * somebody has looked. */
static enum err trip_breaker(const struct flow *f, const struct cycle *c,
			     int64_t errors, struct error *e)
{
	struct freeze_record record;

	if (errors < FREEZE_ERRORS)
		return ERR_OK;
	if (store_freeze(f->store, f->env->name, &record, e))
		return e->code;
	if (record.broken_ms)
		return ERR_OK;
	return store_breaker_set(f->store, f->env->name, f->now_ms, c->id, e);
}

enum err flow_remember(const struct flow *f, const struct cycle *c,
		       struct error *e)
{
	bool green = strcmp(c->verdict, "success") == 0;
	bool idle = strcmp(c->reason_code, "nothing_new") == 0;
	struct environment_record r;
	bool full;

	if (store_environment(f->store, f->env->name, f->now_ms, &r, e) ||
	    full_counts(f, c, &full, e))
		return e->code;
	r.schedule_from_ms = f->now_ms;
	if (!idle)
		r.last_finish_ms = f->now_ms;
	/* Who was there before may be there no more. */
	if (green && store_touch_cycle(f->store, r.deployed_cycle, e))
		return e->code;
	if (green)
		r.deployed_cycle = c->id;
	if (full)
		r.last_full_ms = f->now_ms;
	if (strcmp(c->verdict, "error") == 0)
		r.errors_in_row++;
	else if (green || strcmp(c->verdict, "failure") == 0)
		r.errors_in_row = 0;
	if (store_environment_finish(f->store, f->env->name, &r, e))
		return e->code;
	return trip_breaker(f, c, r.errors_in_row, e);
}

static size_t count_new(const struct revision *list, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += list[i].is_new && strcmp(list[i].result, "merged") == 0;
	return n;
}

/*
 * What a verdict says of one revision: "" = nothing.  Guilty is only the one
 * new revision of a batch; a revision that was green keeps its word.
 */
static const char *outcome_for(const struct cycle *c, const struct revision *r,
			       size_t new_count, const struct result *before)
{
	if (strcmp(r->result, "merged") != 0)
		return "";
	if (strcmp(c->verdict, "success") == 0)
		return "success";
	if (before->short_ok_ms && !r->is_new)
		return "";
	if (strcmp(c->verdict, "failure") == 0)
		return new_count == 1 && r->is_new ? "failure" : "error";
	if (strcmp(c->verdict, "error") == 0 ||
	    strcmp(c->verdict, "inconclusive") == 0)
		return "error";
	return "";
}

static enum err judge(const struct flow *f, const struct cycle *c,
		      struct error *e)
{
	struct revision *list;
	size_t count, fresh;
	enum err code = ERR_OK;

	if (store_revisions(f->store, c->id, &list, &count, e))
		return e->code;
	fresh = count_new(list, count);
	for (size_t i = 0; !code && i < count; i++) {
		struct result r;
		const char *word;

		code = store_result(f->store, list[i].pull_id, list[i].sha,
				    f->env->name, &r, e);
		word = code ? "" : outcome_for(c, &list[i], fresh, &r);
		if (!*word)
			continue;
		COPY(r.outcome, word);
		r.cycle_id = c->id;
		if (strcmp(word, "success") == 0) {
			r.short_ok_ms = f->now_ms;
			if (strcmp(c->kind, "full") == 0)
				r.full_ok_ms = f->now_ms;
		}
		code = store_result_put(f->store, list[i].pull_id, list[i].sha,
					f->env->name, &r, e);
		if (!code && strcmp(word, "failure") == 0)
			code = flow_audit_guilty(f, c, &list[i], e);
	}
	revisions_free(list, count);
	return code;
}

enum err flow_drop_booked(const struct flow *f, const struct request *r,
			  struct error *e)
{
	struct request *list;
	size_t count;
	enum err code = ERR_OK;

	if (!r->pull_id)
		return ERR_OK;
	if (store_requests_of_pull(f->store, r->pull_id, &list, &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++)
		if (strcmp(list[i].state, "booked") == 0 &&
		    strcmp(list[i].environment, f->env->name) == 0 &&
		    strcmp(list[i].sha, r->sha) == 0) {
			code = flow_drop(f, &list[i], "short failed", e);
			/* Who asked for both hears of the short, once. */
			if (!code && list[i].said_id == r->said_id)
				code = store_request_announced(f->store,
							       list[i].id, e);
		}
	free(list);
	return code;
}

static enum err end_requests(const struct flow *f, const struct cycle *c,
			     struct error *e)
{
	struct request *list;
	size_t count;
	enum err code = ERR_OK;

	if (store_requests_of_cycle(f->store, c->id, &list, &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++) {
		code = store_request_end(f->store, list[i].id, "done",
					 c->verdict, e);
		if (!code && strcmp(c->verdict, "success") != 0 &&
		    strcmp(list[i].kind, "auto") != 0)
			code = flow_drop_booked(f, &list[i], e);
	}
	free(list);
	return code;
}

/* {"message", "projects": [{repo, sha}]}: the manifest, as the tag tells it. */
static json_t *tag_args(const struct flow *f, const struct cycle *c,
			const struct manifest_project *projects, size_t count,
			struct error *e)
{
	json_t *list = json_array();
	char day[16], prefix[96];
	CLEANUP(str_release) struct str iso = STR_INIT(64);
	struct revision *revisions;
	size_t revision_count;
	CLEANUP(str_release) struct str text = STR_INIT(64u << 10);

	time_iso(&iso, f->now_ms);
	snprintf(day, sizeof(day), "%.4s%.2s%.2s", iso.text, iso.text + 5,
		 iso.text + 8);
	snprintf(prefix, sizeof(prefix), "%s-%s.", f->env->name, day);
	str_addf(&text, "kcibot: cycle %lld, %s, on %s\n", (long long)c->id,
		 c->kind, f->env->name);
	if (store_revisions(f->store, c->id, &revisions, &revision_count, e)) {
		json_decref(list);
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		json_array_append_new(list, json_pack("{s:s, s:s}", "repo",
						      projects[i].repo, "sha",
						      projects[i].sha));
		str_addf(&text, "\n%s %s\n  base %s %s\n", projects[i].repo,
			 projects[i].sha, projects[i].base,
			 projects[i].base_sha);
		for (size_t j = 0; j < revision_count; j++)
			if (strcmp(revisions[j].repo, projects[i].repo) == 0 &&
			    strcmp(revisions[j].result, "merged") == 0)
				str_addf(&text, "  #%lld %s\n",
					 (long long)revisions[j].number,
					 revisions[j].sha);
	}
	revisions_free(revisions, revision_count);
	return json_pack("{s:I, s:s, s:s, s:o}", "cycle", (json_int_t)c->id,
			 "prefix", prefix, "message", text.text, "projects",
			 list);
}

static enum err want_tag(const struct flow *f, const struct cycle *c,
			 struct error *e)
{
	struct manifest_project *projects;
	size_t count;
	char key[64];
	json_t *args;

	if (store_manifest(f->store, c->id, &projects, &count, e))
		return e->code;
	snprintf(key, sizeof(key), "cycle:%lld:tag", (long long)c->id);
	args = tag_args(f, c, projects, count, e);
	free(projects);
	if (!args)
		return error_set(e, ERR_FATAL, "cannot describe the manifest");
	return store_outbox_add(f->store, "git.tag", "", key, args, 0,
				f->now_ms, e);
}

/* Only one revision was new, and it was found guilty. */
static enum err has_culprit(const struct flow *f, const struct cycle *c,
			    bool *ret, struct error *e)
{
	struct revision *list;
	size_t count;

	*ret = false;
	if (strcmp(c->verdict, "failure") != 0)
		return ERR_OK;
	if (store_revisions(f->store, c->id, &list, &count, e))
		return e->code;
	*ret = count_new(list, count) == 1;
	revisions_free(list, count);
	return ERR_OK;
}

static bool lists(const struct revision *list, size_t count,
		  const struct revision *r)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].pull_id == r->pull_id &&
		    strcmp(list[i].sha, r->sha) == 0)
			return true;
	return false;
}

/* What was put back may hold what has lost its place since it was green. */
static enum err holds_unwanted(const struct flow *f, const struct cycle *c,
			       bool *ret, struct error *e)
{
	__attribute__((cleanup(batch_release_at))) struct batch b = {0};
	struct revision *list;
	size_t count;

	*ret = false;
	if (standing_select(f->store, f->env, f->now_ms, &b, e) ||
	    store_revisions(f->store, c->id, &list, &count, e))
		return e->code;
	for (size_t i = 0; i < count; i++)
		*ret |= strcmp(list[i].result, "merged") == 0 &&
			!lists(b.in, b.in_count, &list[i]) &&
			!lists(b.out, b.out_count, &list[i]);
	revisions_free(list, count);
	return ERR_OK;
}

/*
 * A revision that was found guilty is left out from now on: a wish brings
 * the environment back without it.  Also when putting it back did not work,
 * or brought back what nobody wants there any more: the wish to be rid of it
 * may have been spent on a cycle that failed.
 */
static enum err wish_it_back(const struct flow *f, const struct cycle *c,
			     struct error *e)
{
	struct request r = {.made_ms = f->now_ms};
	bool wanted;

	if (has_culprit(f, c, &wanted, e))
		return e->code;
	if (flow_is_rollback(c) && strcmp(c->verdict, "success") != 0)
		wanted = true;
	else if (flow_is_rollback(c) && holds_unwanted(f, c, &wanted, e))
		return e->code;
	if (!wanted)
		return ERR_OK;
	COPY(r.environment, f->env->name);
	COPY(r.kind, "auto");
	COPY(r.origin, "state");
	COPY(r.state, "waiting");
	return store_request_add(f->store, &r, e);
}

enum err flow_finish(const struct flow *f, struct cycle *c, const char *verdict,
		     const char *reason_code, const char *text, struct error *e)
{
	bool silent = c->scheduled && strcmp(reason_code, "nothing_new") == 0;

	COPY(c->verdict, verdict);
	COPY(c->reason_code, reason_code);
	COPY(c->text, text);
	c->finished_ms = f->now_ms;
	if (store_cycle_finish(f->store, c->id, verdict, reason_code, c->text,
			       f->now_ms, e) ||
	    flow_audit_end(f, c, e) || judge(f, c, e) ||
	    flow_remember(f, c, e) || end_requests(f, c, e) ||
	    wish_it_back(f, c, e) ||
	    (!silent && store_touch_cycle(f->store, c->id, e)))
		return e->code;
	/* Those who were stopped hear that it was put back, or not. */
	if (flow_is_rollback(c) && store_touch_cycle(f->store, c->of_cycle, e))
		return e->code;
	/* What is put back has its tag. */
	if (strcmp(verdict, "success") == 0 && !flow_is_rollback(c) &&
	    want_tag(f, c, e))
		return e->code;
	if (f->finished)
		f->finished(f->ctx, c);
	return ERR_OK;
}

enum err flow_failed(const struct flow *f, const json_t *args, const char *text,
		     struct error *e)
{
	struct cycle c;

	if (flow_cycle_of(f, args, &c, e))
		return e->code;
	if (strcmp(c.state, "finished") == 0)
		return ERR_OK;
	return flow_finish(f, &c, "error", "internal", text, e);
}

enum err flow_tagged(const struct flow *f, const json_t *args,
		     const struct outcome *o, struct error *e)
{
	struct cycle c;

	if (o->code)
		return ERR_OK; /* a warning in the log; no verdict changes */
	if (flow_cycle_of(f, args, &c, e))
		return e->code;
	if (store_cycle_tag(f->store, c.id, js_str(o->body, "tag"), e))
		return e->code;
	return store_touch_cycle(f->store, c.id, e);
}
