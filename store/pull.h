/*
 * Pull requests as the forge last showed them, the timeline of their heads,
 * and the comments and statuses that we wrote on them.
 */
#ifndef STORE_PULL_H
#define STORE_PULL_H

#include <stdbool.h>
#include <stdint.h>

#include "bot/base/json.h"
#include "bot/base/limits.h"
#include "store/store.h"

#define SHA_SIZE 65 /* SHA-256 in hex and the NUL */

struct pull {
	int64_t id;
	char repo[160];
	int64_t number;
	char title[512];
	int64_t author_id; /* 0: a deleted account */
	char author[64];
	char state[8]; /* "open", "closed", "merged" */
	bool draft;
	char base_ref[256];
	char head_sha[SHA_SIZE];
	char labels[8192]; /* JSON array of names; a pull has at most 100 */
	int64_t active_ms;
	int64_t updated_ms;
	/* What people said of it; the forge changes nothing here. */
	char verbosity[8];  /* "quiet", "normal", "verbose" */
	int64_t skipped_ms; /* taken out of every environment; 0 = it is not */
	char skipped_by[64];
	char skip_reason[256];
};

/* What of a pull changed in store_pull_put(). */
enum pull_change {
	PULL_NEW = 1 << 0,
	PULL_HEAD = 1 << 1,
	PULL_STATE = 1 << 2, /* opened, closed, draft */
	PULL_BASE = 1 << 3,
	PULL_LABELS = 1 << 4,
	PULL_TITLE = 1 << 5,
};

/* enum pull_change: what of the two differs (never PULL_NEW). */
unsigned pull_changes(const struct pull *old, const struct pull *now);

/* ERR_MISSING when unknown. */
NODISCARD enum err store_pull(struct store *s, const char *repo, int64_t number,
			      struct pull *ret, struct error *e);
NODISCARD enum err store_pull_by_id(struct store *s, int64_t id,
				    struct pull *ret, struct error *e);

/*
 * All open ones of a repository by number, malloc'ed; the caller frees.
 */
NODISCARD enum err store_pulls_open(struct store *s, const char *repo,
				    struct pull **ret, size_t *ret_count,
				    struct error *e);

/*
 * All of a repository with this head, also closed ones, and those that the
 * cycle, or the one that runs in the environment, lists with this SHA; as
 * above.  It looks at each of the repository.
 */
NODISCARD enum err store_pulls_with_sha(struct store *s, const char *repo,
					const char *sha,
					const char *environment,
					int64_t cycle_id, struct pull **ret,
					size_t *ret_count, struct error *e);

/* Where a state of a pull is known from. */
#define PULL_SOURCE_WEBHOOK "webhook"
#define PULL_SOURCE_OPENED "opened" /* the webhook of its beginning */
#define PULL_SOURCE_API "api"	    /* the forge was asked */
#define PULL_SOURCE_UNSEEN "unseen" /* the forge shows it no more */

/*
 * Takes over what the forge says now; sets p->id.  An older state than the
 * one known (by updated_ms) changes nothing.  A new head is an entry of the
 * timeline (store/head.h); one that is not new is confirmed when the forge
 * was asked for it.  *ret_changes tells what differs (enum pull_change).
 * source: PULL_SOURCE_...
 */
NODISCARD enum err store_pull_put(struct store *s, struct pull *p,
				  const char *source, int64_t now_ms,
				  unsigned *ret_changes, struct error *e);

/* A command keeps a pull from going stale. */
NODISCARD enum err store_pull_active(struct store *s, int64_t id,
				     int64_t now_ms, struct error *e);

/* An open pull whose reviews may be news. */
struct unreviewed {
	int64_t number;
	int64_t updated_ms;
};
/*
 * Those of a repository that moved since their reviews were last looked at
 * and not before since_ms: at most 100, malloc'ed; the caller frees.
 */
NODISCARD enum err store_pulls_unreviewed(struct store *s, const char *repo,
					  int64_t since_ms,
					  struct unreviewed **ret,
					  size_t *ret_count, struct error *e);
/* Its reviews are known as they were when it had this time. */
NODISCARD enum err store_pull_reviewed(struct store *s, const char *repo,
				       int64_t number, int64_t updated_ms,
				       struct error *e);
/* The answer to its author's question, as Markdown, until the head moves. */
NODISCARD enum err store_pull_answer(struct store *s, int64_t id,
				     const char *markdown, int64_t now_ms,
				     struct error *e);

/* Takes it out (by a login, since now_ms), or puts it back (0, "", ""). */
NODISCARD enum err store_pull_skip(struct store *s, int64_t id, int64_t now_ms,
				   const char *by, const char *reason,
				   struct error *e);
NODISCARD enum err store_pull_verbosity(struct store *s, int64_t id,
					const char *verbosity, struct error *e);

/* Somebody's word against a verdict. */
struct dispute {
	int64_t pull_id;
	const char *sha;
	const char *environment;
	int64_t cycle_id; /* whose verdict it is */
	int64_t actor_id;
	const char *actor;
	const char *reason;
	int64_t made_ms;
};
/* *ret_new: false when this person has said so of this revision before. */
NODISCARD enum err store_dispute_add(struct store *s, const struct dispute *d,
				     bool *ret_new, struct error *e);

/*
 * The newest outcome on an environment with the revision aboard that no
 * comment has told; 0 = none.  Telling one tells those before it.
 */
NODISCARD enum err store_untold(struct store *s, int64_t pull_id,
				const char *sha, const char *environment,
				int64_t *ret_cycle, struct error *e);
NODISCARD enum err store_told(struct store *s, int64_t pull_id,
			      const char *environment, int64_t cycle_id,
			      struct error *e);

/* Is the label among them (exactly)? */
bool pull_has_label(const struct pull *p, const char *label);

/*
 * Fills p (but id and active_ms) from a pull request object of the forge.
 * ERR_INVALID when it is not one, ERR_FATAL when out of memory.
 */
NODISCARD enum err pull_from_json(struct pull *p, const char *repo,
				  const json_t *object, struct error *e);

/* Our comment in a slot (environment name or this); 0 and "" = none. */
#define SLOT_REPLY "reply"
struct posted {
	int64_t comment_id;
	char body_hash[65];
};
NODISCARD enum err store_posted(struct store *s, int64_t pull_id,
				const char *slot, struct posted *ret,
				struct error *e);
NODISCARD enum err store_posted_want(struct store *s, int64_t pull_id,
				     const char *slot, const char *body_hash,
				     struct error *e);
NODISCARD enum err store_posted_is(struct store *s, int64_t pull_id,
				   const char *slot, int64_t comment_id,
				   struct error *e);
/* That comment on the pull was deleted: if it was one of these, none is. */
NODISCARD enum err store_posted_gone(struct store *s, const char *repo,
				     int64_t number, int64_t comment_id,
				     struct error *e);

/* A commit status as we want it. */
struct status_record {
	char repo[160];
	char sha[SHA_SIZE];
	char context[128];
	char state[16]; /* "pending", ... */
	char description[LIMIT_STATUS_DESCRIPTION + 1];
	char target_url[512]; /* "": not on record */
	/* When it was last written over somebody else's, or will be; 0 =
	 * never.  Only read. */
	int64_t repaired_ms;
};
/*
 * Notes a status as wanted; *ret_new is false when that is what was wanted
 * last.
 */
NODISCARD enum err store_status_want(struct store *s,
				     const struct status_record *r,
				     bool *ret_new, struct error *e);
/* The one wanted last; ERR_MISSING when none. */
NODISCARD enum err store_status_get(struct store *s, const char *repo,
				    const char *sha, const char *context,
				    struct status_record *ret, struct error *e);
/* All that were left pending: repo, sha, context and target_url; malloc'ed,
 * the caller frees. */
NODISCARD enum err store_statuses_pending(struct store *s,
					  struct status_record **ret,
					  size_t *ret_count, struct error *e);
NODISCARD enum err store_status_repaired(struct store *s,
					 const struct status_record *r,
					 int64_t at_ms, struct error *e);

/*
 * The SHAs of a pull whose status may have to be told anew, malloc'ed array;
 * the caller frees.
 */
NODISCARD enum err store_status_shas(struct store *s, int64_t pull_id,
				     const char *context,
				     char (**ret)[SHA_SIZE], size_t *ret_count,
				     struct error *e);

#endif
