/*
 * The way of a cycle, as changes of the store and wanted effects:
 *
 *	begin -> merging -> pushing -> running (stage by stage) -> finished
 *	             \________\___________\-> stopping -> finished (restart)
 *
 * Each function handles one event inside the engine's transaction; an answer
 * to an effect of a cycle that went on in the meantime changes nothing.  The
 * effects are git.batch, git.push, job.run, job.cancel and git.tag; args
 * hold "cycle" to find the way back.
 */
#ifndef DEPLOY_FLOW_H
#define DEPLOY_FLOW_H

#include "bot/base/port.h"
#include "deploy/environment.h"
#include "deploy/policy.h"
#include "store/cycle.h"

struct flow {
	struct store *store;
	const struct environment *env;
	int64_t now_ms;
	int64_t wall_skew_ms; /* how far the wall clock is ahead of now_ms */
	/* Told about each finished cycle, for logs and metrics; may be NULL. */
	void (*finished)(void *ctx, const struct cycle *c);
	/* About each drain job that ended; may be NULL. */
	void (*drained)(void *ctx, const struct job *j);
	void *ctx;
};

/* Selects the revisions, takes the waiting requests, wants the merge. */
NODISCARD enum err flow_begin(const struct flow *f, enum cycle_kind kind,
			      int64_t restarts, bool scheduled,
			      struct error *e);

/* Ends the running cycle so that it begins again as kind. */
NODISCARD enum err flow_restart(const struct flow *f, enum cycle_kind kind,
				struct error *e);

/* Answers; args are those of the effect. */
NODISCARD enum err flow_batched(const struct flow *f, const json_t *args,
				const struct outcome *o, struct error *e);
NODISCARD enum err flow_pushed(const struct flow *f, const json_t *args,
			       const struct outcome *o, struct error *e);
NODISCARD enum err flow_job_ended(const struct flow *f, const json_t *args,
				  const struct outcome *o, struct error *e);
/* An answer could not be handled: the cycle ends as an error of ours. */
NODISCARD enum err flow_failed(const struct flow *f, const json_t *args,
			       const char *text, struct error *e);
NODISCARD enum err flow_tagged(const struct flow *f, const json_t *args,
			       const struct outcome *o, struct error *e);

#endif
