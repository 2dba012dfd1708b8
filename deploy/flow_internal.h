/* Between the files of the cycle's flow only. */
#ifndef DEPLOY_FLOW_INTERNAL_H
#define DEPLOY_FLOW_INTERNAL_H

#include "deploy/flow.h"
#include "store/request.h"

/* How often a refused push leads to another merge in one cycle. */
#define FLOW_BATCHES_MAX 4

/* Wants the merge of what the cycle lists and nothing left out yet. */
NODISCARD enum err flow_want_batch(const struct flow *f, int64_t cycle_id,
				   struct error *e);

/*
 * Leaves out what was merged although it touches sensitive paths without the
 * word for that.  *ret_any: the merge must be made again.
 */
NODISCARD enum err flow_gate(const struct flow *f, const struct cycle *c,
			     bool *ret_any, struct error *e);

/* Wants the jobs of the stage, or goes on to the next or to the end. */
NODISCARD enum err flow_enter_stage(const struct flow *f, struct cycle *c,
				    int stage, struct error *e);

/* Has the job anything to do, seen from where it last stood? */
NODISCARD enum err flow_job_needed(const struct flow *f, const struct cycle *c,
				   const struct job_spec *spec, bool *ret,
				   struct error *e);

/* The manifest as jobs see it; the caller's. */
NODISCARD enum err flow_manifest_json(const struct flow *f,
				      const struct cycle *c, json_t **ret,
				      struct error *e);

/* Puts the job on record, and wants it if it is needed. */
NODISCARD enum err flow_want_job(const struct flow *f, const struct cycle *c,
				 const struct job_spec *spec, bool needed,
				 json_t *manifest, struct error *e);

/*
 * Wants the drain jobs, if this stage is the first of the cycle with work for
 * a job that drains; *ret_wanted: how many really run.
 */
NODISCARD enum err flow_want_drain(const struct flow *f, const struct cycle *c,
				   const char *stage, size_t *ret_wanted,
				   struct error *e);

/* When the drain job that begins now is forced: until_ms and full_until_ms. */
NODISCARD enum err flow_drain_times(const struct flow *f,
				    const struct job_spec *spec, struct job *j,
				    struct error *e);

/* Was the stage only drained for, and has not begun? */
bool flow_only_drained(const struct job *jobs, size_t count, const char *stage);

bool flow_is_drain(const struct job *j);

/* The class that the job was begun with, whatever is configured by now; only
 * rows from before it was kept are looked up there. */
const char *flow_class_of(const struct environment *env, const struct job *j);

/*
 * The end of a cycle: results per revision, requests, memory of the
 * environment, tag on green.  text is for people.
 */
NODISCARD enum err flow_finish(const struct flow *f, struct cycle *c,
			       const char *verdict, const char *reason_code,
			       const char *text, struct error *e);

/* One of a kind as it would begin now, not on record yet. */
NODISCARD enum err flow_new(const struct flow *f, enum cycle_kind kind,
			    struct cycle *ret, struct error *e);

/* Wants the end of its running jobs; *ret_any: there are some. */
NODISCARD enum err flow_cancel_jobs(const struct flow *f, const struct cycle *c,
				    bool *ret_any, struct error *e);

/* Wants the tag of a cycle that is green. */
NODISCARD enum err flow_want_tag(const struct flow *f, const struct cycle *c,
				 struct error *e);

/* What the environment remembers of a cycle that ended. */
NODISCARD enum err flow_remember(const struct flow *f, const struct cycle *c,
				 struct error *e);

/* One that somebody cancelled has nothing under way any more: it ends, and
 * what it touched is put back. */
NODISCARD enum err flow_cancelled(const struct flow *f, struct cycle *c,
				  struct error *e);

/* Begins to put the manifest of green back, after `after` was cancelled. */
NODISCARD enum err flow_rollback(const struct flow *f,
				 const struct cycle *after,
				 const struct cycle *green, struct error *e);
/* Can the manifest of green be put back under this configuration? */
NODISCARD enum err flow_can_roll_back(const struct flow *f,
				      const struct cycle *green, bool *ret,
				      struct error *e);
/* Takes from the answer of git.batch where the branches are now. */
NODISCARD enum err flow_rollback_batched(const struct flow *f,
					 const struct cycle *c,
					 const json_t *body, struct error *e);

/* Is the cycle asked for as a retry of another one?  After its requests. */
NODISCARD enum err flow_retry_begin(const struct flow *f, struct cycle *c,
				    struct error *e);
/* It is merged: which stages are kept?  c->content is known. */
NODISCARD enum err flow_retry_batched(const struct flow *f, struct cycle *c,
				      struct error *e);

/* It is pushed, and no merge comes any more: the stages before first_stage
 * are on record with the retry, as not done again. */
NODISCARD enum err flow_retry_keep(const struct flow *f, const struct cycle *c,
				   struct error *e);

/* The key of the cycle's job of this name. */
void flow_job_key(const struct cycle *c, const char *name, char *ret,
		  size_t size);

/* A cycle that was stopping has nothing under way any more. */
NODISCARD enum err flow_stopped(const struct flow *f, struct cycle *c,
				struct error *e);

/*
 * The cycle of an answer, when it is in that state.  ERR_MISSING: the answer
 * comes too late to matter.
 */
NODISCARD enum err flow_cycle_of(const struct flow *f, const json_t *args,
				 struct cycle *ret, struct error *e);

/* The short of a request did not work: the full that was booked with it is
 * dropped. */
NODISCARD enum err flow_drop_booked(const struct flow *f,
				    const struct request *r, struct error *e);

/* The cycle was cut short: what runs for it waits again, but for what nobody
 * wants any more, which is dropped and told. */
NODISCARD enum err flow_requests_back(const struct flow *f,
				      const struct cycle *c, struct error *e);

#endif
