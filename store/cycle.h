/*
 * Cycles, their manifests and jobs, and what is known of each revision.
 */
#ifndef STORE_CYCLE_H
#define STORE_CYCLE_H

#include "bot/base/limits.h"
#include "store/pull.h"

/* The longest recipe that the configuration takes, as JSON. */
#define CYCLE_STAGES_SIZE (LIMIT_STAGES * (LIMIT_STAGE_NAME + 3) + 2)

struct cycle {
	int64_t id;
	char environment[64];
	char kind[8];	/* "short", "full" */
	char state[12]; /* "merging", "pushing", "running", "stopping",
			   "finished" */
	int stage;	/* index into stages of the running one */
	char stages[CYCLE_STAGES_SIZE]; /* JSON array of names */
	bool scheduled;
	int64_t restarts;
	char restart_as[8]; /* while stopping: "", "short" or "full" */
	int64_t batches;    /* how often it was merged */
	char content[65];
	char verdict[16];
	char reason_code[32];
	char text[512];
	char tag[64];
	int64_t started_ms;
	int64_t finished_ms;
	char purpose[10];      /* "", "rollback" or "retry" */
	int64_t of_cycle;      /* that it puts right, or does again; or 0 */
	int64_t number;	       /* that its jobs know it by; 0 = id */
	int first_stage;       /* those before are kept of of_cycle */
	char whole_why[128];   /* why a retry keeps none; or "" */
	char recipe[65];       /* hash of its jobs; "" = not known */
	bool moved;	       /* the staging branches moved, or may have */
	bool awaits_push;      /* stopping: its push is not answered yet */
	char cancelled_by[64]; /* login; "" = it is not cancelled */
};

/* Sets c->id; starts in state "merging". */
NODISCARD enum err store_cycle_add(struct store *s, struct cycle *c,
				   struct error *e);
NODISCARD enum err store_cycle(struct store *s, int64_t id, struct cycle *ret,
			       struct error *e);
/* The one that is not finished; ERR_MISSING when nothing runs. */
NODISCARD enum err store_cycle_running(struct store *s, const char *environment,
				       struct cycle *ret, struct error *e);
/* Compare and set; ERR_CONFLICT when it is not in state from any more. */
NODISCARD enum err store_cycle_move(struct store *s, int64_t id,
				    const char *from, const char *to,
				    struct error *e);
NODISCARD enum err store_cycle_stage(struct store *s, int64_t id, int stage,
				     struct error *e);
NODISCARD enum err store_cycle_stopping(struct store *s, int64_t id,
					const char *restart_as,
					struct error *e);
/* As a restart that nothing follows; login is who wants it. */
NODISCARD enum err store_cycle_cancel(struct store *s, int64_t id,
				      const char *login, struct error *e);
/* The staging branches moved, or may have. */
NODISCARD enum err store_cycle_moved(struct store *s, int64_t id,
				     struct error *e);
/* Writes purpose "retry", and of_cycle, number, first_stage and whole_why. */
NODISCARD enum err store_cycle_retries(struct store *s, const struct cycle *c,
				       struct error *e);
/* The newest that moved the branches, but for the one that asks; 0 = none. */
NODISCARD enum err store_cycle_last_moved(struct store *s,
					  const char *environment,
					  int64_t but_id, int64_t *ret_cycle,
					  struct error *e);
/* How often the next cycle began again: 0 but after one that was cut short for
 * it, also when a lock came between. */
NODISCARD enum err store_cycle_restarts(struct store *s,
					const char *environment,
					int64_t *ret_restarts, struct error *e);
/*
 * The oldest cycle after green, up to id, that moved the branches and was cut
 * short (id itself: that moved them); 0 = none.
 */
NODISCARD enum err store_cycle_left_moved(struct store *s,
					  const char *environment,
					  int64_t green, int64_t id,
					  int64_t *ret_cycle, struct error *e);
/* The newest finished one that carried the pull, at any head; 0 = none.  Not
 * one that put something back, was restarted or had nothing to do. */
NODISCARD enum err store_cycle_of_pull(struct store *s, int64_t pull_id,
				       const char *environment,
				       int64_t *ret_cycle, struct error *e);
/* Did a base branch move since then, as far as webhooks told? */
NODISCARD enum err store_base_moved_since(struct store *s,
					  const char *environment,
					  int64_t since_ms, bool *ret,
					  struct error *e);
/* Merged once more; content is the hash of what went in. */
NODISCARD enum err store_cycle_batched(struct store *s, int64_t id,
				       const char *content, struct error *e);
NODISCARD enum err store_cycle_finish(struct store *s, int64_t id,
				      const char *verdict,
				      const char *reason_code, const char *text,
				      int64_t now_ms, struct error *e);
NODISCARD enum err store_cycle_tag(struct store *s, int64_t id, const char *tag,
				   struct error *e);

/* The newest finished one that may have changed the environment; 0 = none. */
NODISCARD enum err store_cycle_touched(struct store *s, const char *environment,
				       int64_t *ret_cycle, struct error *e);

struct manifest_project {
	char repo[160];
	char base[256];
	char branch[256];
	char base_sha[SHA_SIZE];
	char old_sha[SHA_SIZE];
	char sha[SHA_SIZE];
};
NODISCARD enum err store_manifest_add(struct store *s, int64_t cycle_id,
				      int position,
				      const struct manifest_project *p,
				      struct error *e);
NODISCARD enum err store_manifest_result(struct store *s, int64_t cycle_id,
					 const struct manifest_project *p,
					 struct error *e);
/* malloc'ed, the caller frees. */
NODISCARD enum err store_manifest(struct store *s, int64_t cycle_id,
				  struct manifest_project **ret,
				  size_t *ret_count, struct error *e);

struct revision {
	int64_t pull_id;
	char repo[160];
	int64_t number;
	char sha[SHA_SIZE];
	char title[512];
	char author[64];
	char result[16]; /* "" until merged; see deploy/git_port.h */
	char reason[512];
	bool is_new; /* not in the last green manifest */
	char *paths; /* JSON array; NULL = not known or too many; owned */
};

void revisions_free(struct revision *r, size_t count);

NODISCARD enum err store_revision_add(struct store *s, int64_t cycle_id,
				      int position, const struct revision *r,
				      struct error *e);
NODISCARD enum err store_revision_result(struct store *s, int64_t cycle_id,
					 const struct revision *r,
					 struct error *e);
/* The caller frees with revisions_free(). */
NODISCARD enum err store_revisions(struct store *s, int64_t cycle_id,
				   struct revision **ret, size_t *ret_count,
				   struct error *e);
/* The newest cycle of an environment that carried exactly this revision; 0 =
 * none. */
NODISCARD enum err store_revision_cycle(struct store *s, int64_t pull_id,
					const char *sha,
					const char *environment,
					int64_t *ret_cycle, struct error *e);
/* Is any revision of the pull on the environment, on its branches, or about to
 * be?  What failed there is on the branches all the same. */
NODISCARD enum err store_pull_aboard(struct store *s, int64_t pull_id,
				     const char *environment, bool *ret,
				     struct error *e);

struct job {
	char stage[64];
	char name[64];
	char key[128];
	char state[10]; /* "running", "finished", "skipped" */
	char verdict[16];
	char reason_code[32];
	char text[512];
	int64_t exit_code;
	const char *tail; /* in only */
	int64_t started_ms;
	int64_t finished_ms;
	char class[10]; /* as configured; "" before this was kept */
	/* Of a drain job: what it left running, -1 = not known; when it is
	 * forced, and when if something that it counts may be of the last
	 * full cycle. */
	int64_t running;
	int64_t until_ms;
	int64_t full_until_ms;
};
NODISCARD enum err store_job_add(struct store *s, int64_t cycle_id,
				 const struct job *j, struct error *e);
/* *ret_was_running: false when its end was known already. */
NODISCARD enum err store_job_end(struct store *s, const struct job *j,
				 bool *ret_was_running, struct error *e);
/* Without tails; malloc'ed, the caller frees. */
NODISCARD enum err store_jobs(struct store *s, int64_t cycle_id,
			      struct job **ret, size_t *ret_count,
			      struct error *e);

/* Does a drain job of the cycle run? */
NODISCARD enum err store_cycle_draining(struct store *s, int64_t cycle_id,
					bool *ret, struct error *e);

/*
 * What the job stands on when cycle_id begins: the green cycle whose content
 * it was last right for (it ran, or had nothing to do).  0 when there is
 * none, or when it has run since then in a cycle that was not green: what it
 * left behind is not known.
 */
NODISCARD enum err store_job_reference(struct store *s, const char *environment,
				       const char *name, int64_t cycle_id,
				       int64_t *ret_cycle, struct error *e);

/* What is known of a revision on an environment. */
struct result {
	char outcome[12]; /* "", "success", "failure", "error" */
	int64_t cycle_id;
	int64_t short_ok_ms; /* when a cycle of any kind deployed it well */
	int64_t full_ok_ms;
};
/* All zero when nothing is known. */
NODISCARD enum err store_result(struct store *s, int64_t pull_id,
				const char *sha, const char *environment,
				struct result *ret, struct error *e);
NODISCARD enum err store_result_put(struct store *s, int64_t pull_id,
				    const char *sha, const char *environment,
				    const struct result *r, struct error *e);
NODISCARD enum err store_quarantined(struct store *s, int64_t pull_id,
				     const char *sha, const char *environment,
				     bool *ret, struct error *e);

/*
 * Marks a pull whose sticky comment and statuses may have changed.  The
 * engine takes the list at the end of the transaction.
 */
NODISCARD enum err store_touch(struct store *s, int64_t pull_id,
			       struct error *e);
/* All pulls of a cycle. */
NODISCARD enum err store_touch_cycle(struct store *s, int64_t cycle_id,
				     struct error *e);
/* Hands the next marked one out; false when there is none left. */
bool store_touched(struct store *s, int64_t *ret_pull_id);

#endif
