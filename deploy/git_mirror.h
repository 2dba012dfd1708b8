/*
 * The bare mirrors: made whole or not at all, swept of what a killed git
 * leaves behind, thrown away and made anew when they are damaged.  Only the
 * port's thread writes refs in them; git_checkout() only adds objects, or makes
 * a damaged one anew.
 *
 *	DIR/HASH.git		the mirror; its file "description" names the
 *				repository
 *	DIR/HASH.git.work/	scratch of the batch that runs
 *	DIR/HASH.git.new-XXXXXX	a mirror being made, a checkout's scratch
 */
#ifndef DEPLOY_GIT_MIRROR_H
#define DEPLOY_GIT_MIRROR_H

#include "deploy/git_run.h"

/* A project's mirror and the place it mirrors. */
struct git_mirror {
	struct git *git;
	const char *repo; /* borrowed */
	char *dir;
	struct git_place place;
};

void git_mirror_release(struct git_mirror *m);

static inline void git_mirror_release_at(struct git_mirror *m)
{
	git_mirror_release(m);
}

/*
 * Fills *ret (zeroed by the caller, who releases it whatever the result);
 * makes the mirror when there is none.
 */
NODISCARD enum err git_mirror_open(struct git *g, const char *repo,
				   struct git_mirror *ret, struct error *e);

/*
 * Removes locks, half-written objects and scratch that a killed git left in
 * the mirrors of dir.  Only while nothing else writes to them: at the
 * start, and before a batch (one mirror).
 */
void git_mirror_sweep_all(const char *dir);
void git_mirror_sweep(const struct git_mirror *m);

/*
 * Throws the mirror away and makes an empty one; from any thread.  What was
 * only in it (a merge that was not pushed) is lost.
 */
NODISCARD enum err git_mirror_renew(struct git_mirror *m, struct error *e);

/*
 * Now and then packs the objects and forgets the refs of old pull requests;
 * cheap when there is little to do.  Failure is of no consequence.
 */
void git_mirror_tend(struct git_mirror *m);

struct git_ref {
	const char *name;
	const char *sha;
};

/* Refs as listed; the names and shas live in text. */
struct git_refs {
	struct git_ref *items;
	size_t count;
	char *text;
};

void git_refs_release(struct git_refs *r);

static inline void git_refs_release_at(struct git_refs *r)
{
	git_refs_release(r);
}

/* The sha of the ref with exactly this name, or NULL. */
const char *git_refs_find(const struct git_refs *r, const char *name);

/*
 * The remote's refs that match one of the patterns (one a line, each begins
 * with "refs/"), and perhaps some that do not.  *ret is zeroed by the caller.
 */
NODISCARD enum err git_mirror_remote_refs(struct git_mirror *m,
					  const char *patterns,
					  struct git_refs *ret,
					  struct error *e);

/* As above, the mirror's own refs below prefix. */
NODISCARD enum err git_mirror_own_refs(struct git_mirror *m, const char *prefix,
				       struct git_refs *ret, struct error *e);

/* Fetches refspecs, one a line; empty = nothing to do. */
NODISCARD enum err git_mirror_fetch(struct git_mirror *m, const char *refspecs,
				    struct error *e);

/*
 * ERR_OK when the commit is here, fetched by its sha when it was not;
 * ERR_MISSING when the forge does not have it either.
 */
NODISCARD enum err git_mirror_need(struct git_mirror *m, const char *sha,
				   struct error *e);

/* "refs/kcibot/head/HASH": where a branch of the remote is kept. */
void git_mirror_branch_ref(const char *branch, struct str *out);

#endif
