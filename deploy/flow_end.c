/*
 * The end of a cycle: what it says about the revisions, the environment and
 * what people asked for.
 */
#include "bot/base/str.h"
#include "deploy/flow.h"

#include <stdlib.h>
#include <string.h>

#include "deploy/batch.h"
#include "deploy/flow_audit.h"
#include "deploy/flow_internal.h"
#include "deploy/freeze.h"
#include "store/lock.h"
#include "store/request.h"

/* Did anything of the job run?  "backend": the port gave up, as it does when
 * the checkout finds no forge or no room. */
static bool was_begun(const struct job *j)
{
	static const char *const not_begun[] = {"not_started", "secret_missing",
						"checkout", "backend"};

	for (size_t i = 0; i < ARRAY_SIZE(not_begun); i++)
		if (strcmp(j->reason_code, not_begun[i]) == 0)
			return false;
	return strcmp(j->state, "skipped") != 0;
}

/* A full uses its interval up when jobs of its own were really begun. */
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
		if (was_begun(&jobs[i]) && !flow_is_drain(&jobs[i]) &&
		    !environment_in_short(f->env, jobs[i].stage))
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

/* The booked fulls of what r asked for: r's other half, or those of others. */
static enum err drop_booked(const struct flow *f, const struct request *r,
			    bool own, struct error *e)
{
	struct request *list;
	size_t count;
	enum err code = ERR_OK;

	if (!r->pull_id)
		return ERR_OK;
	if (store_requests_of_pull(f->store, r->pull_id, &list, &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++) {
		if (strcmp(list[i].state, "booked") != 0 ||
		    strcmp(list[i].environment, f->env->name) != 0 ||
		    strcmp(list[i].sha, r->sha) != 0 ||
		    (list[i].said_id == r->said_id) != own)
			continue;
		code = flow_drop(f, &list[i], "short failed", e);
		/* Who asked for both hears of the short, once. */
		if (!code && own)
			code = store_request_announced(f->store, list[i].id, e);
	}
	free(list);
	return code;
}

enum err flow_drop_booked(const struct flow *f, const struct request *r,
			  struct error *e)
{
	return drop_booked(f, r, true, e);
}

/* What somebody else booked has had a short of its own: only guilt ends it. */
static enum err drop_booked_of_others(const struct flow *f,
				      const struct request *r, struct error *e)
{
	struct result result;

	if (store_result(f->store, r->pull_id, r->sha, f->env->name, &result,
			 e))
		return e->code;
	if (strcmp(result.outcome, "failure") != 0 ||
	    result.cycle_id != r->cycle_id)
		return ERR_OK;
	return drop_booked(f, r, false, e);
}

static enum err end_requests(const struct flow *f, const struct cycle *c,
			     struct error *e)
{
	/* That nothing of a short applies says nothing of its full. */
	bool worked = strcmp(c->verdict, "success") == 0 ||
		      strcmp(c->reason_code, "nothing_ran") == 0;
	struct request *list;
	size_t count;
	enum err code = ERR_OK;

	if (store_requests_of_cycle(f->store, c->id, &list, &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++) {
		code = store_request_end(f->store, list[i].id, "done",
					 c->verdict, e);
		if (!code && !worked && strcmp(list[i].kind, "auto") != 0)
			code = flow_drop_booked(f, &list[i], e);
	}
	/* When everybody's own is over: they hear of that once. */
	for (size_t i = 0; !code && !worked && i < count; i++)
		if (strcmp(list[i].kind, "auto") != 0)
			code = drop_booked_of_others(f, &list[i], e);
	free(list);
	return code;
}

/* Who takes something back knows. */
static enum err drop_late(const struct flow *f, const struct request *r,
			  const char *why, struct error *e)
{
	if (flow_drop(f, r, why, e))
		return e->code;
	return strcmp(why, "withdrawn") == 0
		       ? store_request_announced(f->store, r->id, e)
		       : ERR_OK;
}

enum err flow_requests_back(const struct flow *f, const struct cycle *c,
			    struct error *e)
{
	struct request *list;
	size_t count;
	enum err code = ERR_OK;

	if (store_requests_of_cycle(f->store, c->id, &list, &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++) {
		const struct request *r = &list[i];

		if (r->voided || *r->outcome)
			code = drop_late(
				f, r, r->voided ? r->void_why : r->outcome, e);
	}
	free(list);
	return code ? code : store_requests_back(f->store, c->id, e);
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
		  const struct revision *r, bool any_sha)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].pull_id == r->pull_id &&
		    (any_sha || strcmp(list[i].sha, r->sha) == 0))
			return true;
	return false;
}

/*
 * What is there may hold what has lost its place since it was green.
 * any_sha: an older head of what has a place is not unwanted.
 */
static enum err holds_unwanted(const struct flow *f, int64_t cycle_id,
			       bool any_sha, bool *ret, struct error *e)
{
	CLEANUP(batch_release) struct batch b = {0};
	struct revision *list;
	size_t count;

	*ret = false;
	if (batch_select(f->store, f->env, KIND_SHORT, f->now_ms, &b, e) ||
	    store_revisions(f->store, cycle_id, &list, &count, e))
		return e->code;
	for (size_t i = 0; i < count; i++)
		*ret |= strcmp(list[i].result, "merged") == 0 &&
			!lists(b.in, b.in_count, &list[i], any_sha) &&
			!lists(b.out, b.out_count, &list[i], any_sha);
	revisions_free(list, count);
	return ERR_OK;
}

/* The wish to be rid of something was spent on a cycle that moved nothing. */
static enum err left_unwanted(const struct flow *f, const struct cycle *c,
			      bool *ret, struct error *e)
{
	int64_t moved;

	*ret = false;
	if (strcmp(c->verdict, "error") != 0 || c->moved)
		return ERR_OK;
	if (store_cycle_last_moved(f->store, f->env->name, c->id, &moved, e))
		return e->code;
	return moved ? holds_unwanted(f, moved, true, ret, e) : ERR_OK;
}

static enum err wants_back(const struct flow *f, const struct cycle *c,
			   bool *ret, struct error *e)
{
	if (!flow_is_rollback(c)) {
		if (has_culprit(f, c, ret, e))
			return e->code;
		return *ret ? ERR_OK : left_unwanted(f, c, ret, e);
	}
	*ret = strcmp(c->verdict, "success") != 0;
	return *ret ? ERR_OK : holds_unwanted(f, c->id, false, ret, e);
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

	if (wants_back(f, c, &wanted, e))
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
	    flow_want_tag(f, c, e))
		return e->code;
	if (f->finished)
		f->finished(f->ctx, c);
	return ERR_OK;
}

enum err flow_failed(const struct flow *f, const json_t *args, const char *text,
		     struct error *e)
{
	struct cycle c;
	bool busy;

	if (flow_cycle_of(f, args, &c, e))
		return e->code;
	if (strcmp(c.state, "finished") == 0)
		return ERR_OK;
	/* The answer of the push may be what could not be handled. */
	if ((strcmp(c.state, "pushing") == 0 || c.awaits_push) &&
	    store_cycle_moved(f->store, c.id, e))
		return e->code;
	if (flow_cancel_jobs(f, &c, &busy, e))
		return e->code;
	return flow_finish(f, &c, "error", "internal", text, e);
}
