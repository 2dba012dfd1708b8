/*
 * Merging by plumbing: git merge-tree and git commit-tree on objects of the
 * mirror, no work tree and no refs.
 *
 * git merge-tree reads .gitattributes only from a work tree, and git merge
 * reads those of the commit that it stands on.  So each merge gets a scratch
 * folder as work tree, which holds the .gitattributes files of the tip and
 * nothing else.  No merge driver is configured: merge=union, -merge and
 * merge=binary work, and merge=NAME of any other driver is a merge of text,
 * which is what git does on a machine without that driver.
 */
#ifndef DEPLOY_GIT_MERGE_H
#define DEPLOY_GIT_MERGE_H

#include "bot/base/json.h"
#include "deploy/git_mirror.h"

struct git_merger {
	struct git_mirror *mirror;
	char *scratch;	       /* DIR/HASH.git.work */
	char *tree;	       /* scratch/tree, the work tree */
	char *index;	       /* scratch/index */
	struct str attributes; /* the list that tree holds now */
	char tip[GIT_SHA_LEN + 1];
};

enum git_merge_end {
	GIT_MERGED,
	GIT_MERGED_ALREADY, /* the tip holds it: nothing was made */
	GIT_MERGE_LEFT_OUT, /* reason and files say why */
};

struct git_merge_result {
	enum git_merge_end end;
	struct str reason; /* a phrase without the other side: "conflict
			      (contents)"; the caller inits and releases */
	json_t *files;	   /* array, at most LIMIT_GIT_FILES; the caller's */
	size_t file_count; /* of all files that conflict */
};

/* Stands on commit base.  The caller releases *m whatever the result. */
NODISCARD enum err git_merger_open(struct git_merger *m,
				   struct git_mirror *mirror, const char *base,
				   struct error *e);

void git_merger_release(struct git_merger *m);

static inline void git_merger_release_at(struct git_merger *m)
{
	git_merger_release(m);
}

/*
 * Merges commit sha into the tip as `git merge --no-ff -m message` would;
 * the tip moves when ret->end is GIT_MERGED.  An error means that nothing is
 * known about this merge; the tip stands where it stood.
 */
NODISCARD enum err git_merger_add(struct git_merger *m, const char *sha,
				  const char *message,
				  struct git_merge_result *ret,
				  struct error *e);

/*
 * Does git find a conflict between two commits?  For explaining only: false
 * also when it cannot be told.  Moves nothing.
 */
bool git_merger_clash(struct git_merger *m, const char *a, const char *b);

/*
 * ERR_INVALID, with a phrase about "it", when the files of commit sha are too
 * many, too large or too long of name to be merged and checked out.
 */
NODISCARD enum err git_weigh(struct git_mirror *m, const char *sha,
			     struct error *e);

/* The committer's date of commit sha, s since 1970, within sane bounds. */
NODISCARD enum err git_commit_date(struct git_mirror *m, const char *sha,
				   int64_t *ret, struct error *e);

#endif
