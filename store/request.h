/*
 * Requests (recorded wishes for a deploy) and what an environment remembers.
 */
#ifndef STORE_REQUEST_H
#define STORE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/pull.h"

struct environment_record {
	int64_t deployed_cycle; /* last green; 0 = none */
	int64_t last_finish_ms;
	int64_t last_full_ms;
	int64_t schedule_from_ms;
	int64_t errors_in_row;
};

/* Makes the row at the first call. */
NODISCARD enum err store_environment(struct store *s, const char *name,
				     int64_t now_ms,
				     struct environment_record *ret,
				     struct error *e);
NODISCARD enum err store_environment_finish(struct store *s, const char *name,
					    const struct environment_record *r,
					    struct error *e);
/* The names of those with an open cycle or request; malloc'ed. */
NODISCARD enum err store_environments_busy(struct store *s, char (**ret)[64],
					   size_t *ret_count, struct error *e);
/* Drops all open requests of an environment. */
NODISCARD enum err store_environment_drop(struct store *s, const char *name,
					  const char *outcome, struct error *e);
/* What the policy last said, for people: why it waits and until when; why ""
 * while nothing waits, then until_ms is when the schedule looks.
 * *ret_changed: is it news? */
NODISCARD enum err store_environment_wait(struct store *s, const char *name,
					  const char *why, int64_t until_ms,
					  bool *ret_changed, struct error *e);

struct request {
	int64_t id;
	char environment[64];
	char kind[8];	 /* "auto", "short", "full" */
	char origin[12]; /* "comment", "cli", "push", "label", "state" or
			    "base" */
	int64_t pull_id; /* 0: a base branch moved */
	char sha[SHA_SIZE];
	char base_ref[256];
	int64_t actor_id;
	char actor[64];
	int64_t said_id; /* 0 = none */
	int64_t made_ms;
	char state[10]; /* "waiting", "booked", "running", "done", "dropped" */
	int64_t cycle_id;
	char outcome[16];
	bool voided;	   /* the word behind it has ended */
	char void_why[16]; /* "moved", "closed", "base", "granter" */
	char role[16];	   /* of who asked; "" while it came by itself */
	bool forced;	   /* a full against the interval */
	char reason[256];  /* as given by who asked, or "" */
	int64_t until_ms;  /* till then it permits its revision */
};

/* Sets r->id; r->state is "waiting" or "booked". */
NODISCARD enum err store_request_add(struct store *s, struct request *r,
				     struct error *e);

/* malloc'ed, the caller frees; by age. */
NODISCARD enum err store_requests_in(struct store *s, const char *environment,
				     const char *state, struct request **ret,
				     size_t *ret_count, struct error *e);
NODISCARD enum err store_requests_of_cycle(struct store *s, int64_t cycle_id,
					   struct request **ret,
					   size_t *ret_count, struct error *e);
/* Those of a pull that have not started: waiting and booked. */
NODISCARD enum err store_requests_of_pull(struct store *s, int64_t pull_id,
					  struct request **ret,
					  size_t *ret_count, struct error *e);

NODISCARD enum err store_request_run(struct store *s, int64_t id,
				     int64_t cycle_id, const char *kind,
				     struct error *e);
/* The half of a full that runs is all of it again. */
NODISCARD enum err store_request_whole(struct store *s, int64_t id,
				       struct error *e);
/* state "done" or "dropped". */
NODISCARD enum err store_request_end(struct store *s, int64_t id,
				     const char *state, const char *outcome,
				     struct error *e);
/*
 * Drops what one saying asked for and has not started, with the outcome
 * "withdrawn"; nobody is told by it.  What runs goes on, but does not wait
 * again.  *ret_any: was there anything that had not started?
 */
NODISCARD enum err store_requests_withdraw(struct store *s, int64_t said_id,
					   bool *ret_any, struct error *e);
/* Ended ones whose asker was not told yet; the caller frees. */
NODISCARD enum err store_requests_to_announce(struct store *s,
					      struct request **ret,
					      size_t *ret_count,
					      struct error *e);
NODISCARD enum err store_request_announced(struct store *s, int64_t id,
					   struct error *e);
/* What runs for the pull goes on; should its cycle be cut short, it ends with
 * this outcome, or waits again if that is "".  What its author took back stays
 * taken back. */
NODISCARD enum err store_requests_not_back(struct store *s,
					   const char *environment,
					   int64_t pull_id, const char *outcome,
					   struct error *e);
/* Was the other half of what was said dropped, and told of, already? */
NODISCARD enum err store_request_twin_told(struct store *s,
					   const struct request *r, bool *ret,
					   struct error *e);
/* All of a cycle that still run wait again. */
NODISCARD enum err store_requests_back(struct store *s, int64_t cycle_id,
				       struct error *e);

/*
 * Did somebody who may command ask for exactly this revision since then, and
 * does that still permit it: not expired, not voided?  *ret_role: the highest
 * role, a static word, "" = nobody; what each had then and has now counts,
 * whichever is less.
 */
NODISCARD enum err store_request_asked(struct store *s, const char *environment,
				       const struct pull *p, int64_t since_ms,
				       int64_t now_ms, const char **ret_role,
				       struct error *e);

/*
 * Ends the permission that people gave for revisions of the pull, whatever
 * became of the deploys; keep_sha "" = all of them.  What waits is not ended.
 * why: "moved", "closed" or "base".  *ret_count: of how many requests.
 */
NODISCARD enum err store_requests_void(struct store *s, const char *environment,
				       int64_t pull_id, const char *keep_sha,
				       const char *why, int64_t *ret_count,
				       struct error *e);
/* The same for what was said up to then, on the forge's clock. */
NODISCARD enum err store_requests_void_said(struct store *s,
					    const char *environment,
					    int64_t pull_id, int64_t before_ms,
					    const char *why, int64_t *ret_count,
					    struct error *e);
/* The same for one request; why: "granter". */
NODISCARD enum err store_request_void(struct store *s, int64_t id,
				      const char *why, struct error *e);

/*
 * Those, in whatever state, that permit a revision although who asked may not
 * command any more; malloc'ed.
 */
NODISCARD enum err store_requests_ungranted(struct store *s,
					    const char *environment,
					    int64_t now_ms,
					    struct request **ret,
					    size_t *ret_count, struct error *e);

/* The request asks for cycle_id again. */
NODISCARD enum err store_request_retries(struct store *s, int64_t id,
					 int64_t cycle_id, struct error *e);
/* The newest cycle that those of cycle_id ask for again; 0 = none. */
NODISCARD enum err store_request_retry_of(struct store *s, int64_t cycle_id,
					  int64_t *ret_cycle, struct error *e);

/* An open request for the revision: its state ("" = none) and kind. */
NODISCARD enum err store_request_pending(struct store *s,
					 const char *environment,
					 int64_t pull_id, const char *sha,
					 char ret_state[10], char ret_kind[8],
					 struct error *e);
/* Who forced an open full for the revision, and why; "" = nobody did. */
NODISCARD enum err store_request_forced(struct store *s,
					const char *environment,
					int64_t pull_id, const char *sha,
					char ret_actor[64],
					char ret_reason[256], struct error *e);
/* Is a full booked for the revision? */
NODISCARD enum err store_request_booked(struct store *s,
					const char *environment,
					int64_t pull_id, const char *sha,
					bool *ret, struct error *e);

/* Counts and times of what waits, as the policy wants them. */
struct request_facts {
	int64_t auto_count, auto_first_ms, auto_last_ms;
	int64_t deploy_count, trigger_count, booked_count;
	int64_t forced_count; /* waiting or booked; in none of the others */
};
/* but_benched: without what was left behind by the running cycle. */
NODISCARD enum err store_request_facts(struct store *s, const char *environment,
				       bool but_benched,
				       struct request_facts *ret,
				       struct error *e);
/* Since when somebody waits for exactly this revision by command, or has a full
 * of it booked if or_booked; 0 = nobody does. */
NODISCARD enum err store_request_since(struct store *s, const char *environment,
				       int64_t pull_id, const char *sha,
				       bool or_booked, int64_t *ret_ms,
				       struct error *e);

#endif
