/*
 * The way of a cycle, as changes of the store and wanted effects:
 *
 *	begin -> merging -> pushing -> running (stage by stage) -> finished
 *	             \________\___________\-> stopping -> finished
 *
 * What stops is begun again (restart), or was cancelled: then the last green
 * manifest is put back by a cycle of its own if the branches had moved.
 *
 * Each function handles one event inside the engine's transaction; an answer
 * to an effect of a cycle that went on in the meantime changes nothing.  The
 * effects are git.batch, git.push, job.run, job.cancel and git.tag; args
 * hold "cycle" to find the way back.
 */
#ifndef DEPLOY_FLOW_H
#define DEPLOY_FLOW_H

#include "bot/base/port.h"
#include "bot/base/str.h"
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
			      bool scheduled, struct error *e);

/* Ends the running cycle so that it begins again as kind. */
NODISCARD enum err flow_restart(const struct flow *f, enum cycle_kind kind,
				struct error *e);

/* What a cancelled cycle leaves the environment as. */
struct flow_rest {
	enum {
		REST_AS_IT_WAS, /* nothing of it has reached the environment */
		REST_PUT_BACK,	/* the last green manifest is deployed again */
		REST_LEFT,	/* there is none that could be */
	} kind;
	struct cycle green; /* the last one; id 0 = none */
	int64_t before;	    /* cycle that last moved the branches; 0 = none */
	char state_job[64]; /* touched what nobody can put back; "" = none */
};

/*
 * Stops the running cycle c because login wants it: its jobs are ended, and
 * flow_settle() ends it once nothing of it is under way.  Those of its
 * requests that are not dropped until then wait again.
 */
NODISCARD enum err flow_cancel(const struct flow *f, const struct cycle *c,
			       const char *login, struct error *e);

/* Ends the cycle that was cancelled when nothing of it is under way. */
NODISCARD enum err flow_settle(const struct flow *f, struct error *e);

/*
 * Ends the cycle c of an environment that is not configured any more (f->env
 * may be NULL): its jobs are ended, and nothing else of it is sent.  Its
 * requests are the caller's.
 */
NODISCARD enum err flow_unconfigured(const struct flow *f, struct cycle *c,
				     struct error *e);

/* How c, cancelled now, leaves the environment. */
NODISCARD enum err flow_rest_of(const struct flow *f, const struct cycle *c,
				struct flow_rest *ret, struct error *e);

/* The same as a clause: "staging is as it was: ..." */
void flow_say_rest(struct str *out, const struct environment *env,
		   const struct flow_rest *rest);

/* Where a running cycle is: "in stage build", "while it was being merged". */
void flow_say_where(struct str *out, const struct cycle *c);

/*
 * What speaks against keeping anything of a cycle in a retry that began now,
 * as far as the store knows: a clause, "" = nothing.
 */
NODISCARD enum err flow_retry_against(const struct flow *f,
				      const struct cycle *of, struct str *out,
				      struct error *e);

/* Does the cycle put a manifest back that was deployed before? */
bool flow_is_rollback(const struct cycle *c);

/* The name of a stage of the cycle; "" beyond the last. */
void flow_stage_name(const struct cycle *c, int stage, char *ret, size_t size);

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
