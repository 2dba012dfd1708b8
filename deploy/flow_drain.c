/*
 * Before the first stage that replaces what something may be running on, what
 * runs gets its time to end.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "deploy/flow_internal.h"

bool flow_is_drain(const struct job *j)
{
	return strcmp(j->class, "drain") == 0;
}

bool flow_only_drained(const struct job *jobs, size_t count, const char *stage)
{
	bool drained = false;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(jobs[i].stage, stage) != 0)
			continue;
		if (!flow_is_drain(&jobs[i]))
			return false;
		drained = true;
	}
	return drained;
}

static enum err was_drained(const struct flow *f, const struct cycle *c,
			    bool *ret, struct error *e)
{
	struct job *jobs;
	size_t count;

	*ret = false;
	if (store_jobs(f->store, c->id, &jobs, &count, e))
		return e->code;
	for (size_t i = 0; i < count; i++)
		*ret |= flow_is_drain(&jobs[i]);
	free(jobs);
	return ERR_OK;
}

/* Has the stage a job that drains, and that has something to do? */
static enum err stage_drains(const struct flow *f, const struct cycle *c,
			     const char *stage, bool *ret, struct error *e)
{
	*ret = false;
	for (size_t i = 0; i < f->env->job_count && !*ret; i++) {
		const struct job_spec *spec = &f->env->jobs[i];

		if (spec->drains && strcmp(spec->stage, stage) == 0 &&
		    flow_job_needed(f, c, spec, ret, e))
			return e->code;
	}
	return ERR_OK;
}

enum err flow_want_drain(const struct flow *f, const struct cycle *c,
			 const char *stage, size_t *ret_wanted, struct error *e)
{
	CLEANUP(json_decref) json_t *manifest = NULL;
	bool drained, drains;

	*ret_wanted = 0;
	if (stage_drains(f, c, stage, &drains, e) ||
	    was_drained(f, c, &drained, e))
		return e->code;
	if (!drains || drained)
		return ERR_OK;
	if (flow_manifest_json(f, c, &manifest, e))
		return e->code;
	for (size_t i = 0; i < f->env->job_count; i++) {
		struct job_spec spec = f->env->jobs[i];
		bool needed;

		if (spec.job_class != JOB_DRAIN)
			continue;
		spec.stage = stage; /* it is this one that waits for it */
		if (flow_job_needed(f, c, &spec, &needed, e) ||
		    flow_want_job(f, c, &spec, needed, manifest, e))
			return e->code;
		*ret_wanted += needed;
	}
	return ERR_OK;
}

/* Does a full begin work that a short does not? */
static bool full_has_more(const struct environment *env)
{
	for (text_list full = env->recipe_full; *full; full++) {
		bool both = false;

		for (text_list s = env->recipe_short; *s && !both; s++)
			both = strcmp(*s, *full) == 0;
		if (!both)
			return true;
	}
	return false;
}

/*
 * Builds and tests that a full cycle has begun on the target run on when the
 * cycle is over.  Nobody says whose it is what a drain job counts, so for a
 * bounded time it is taken for the full's.
 */
enum err flow_drain_times(const struct flow *f, const struct job_spec *spec,
			  struct job *j, struct error *e)
{
	struct environment_record r;
	int64_t from;

	if (store_environment(f->store, f->env->name, f->now_ms, &r, e))
		return e->code;
	j->until_ms = f->now_ms + spec->timeout_ms;
	if (!r.last_full_ms || !full_has_more(f->env))
		return ERR_OK;
	/* A clock that was set back does not make the wait longer. */
	from = r.last_full_ms < f->now_ms ? r.last_full_ms : f->now_ms;
	if (from + spec->full_timeout_ms > j->until_ms)
		j->full_until_ms = from + spec->full_timeout_ms;
	return ERR_OK;
}
