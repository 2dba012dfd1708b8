/*
 * The repositories of the sandbox: bare folders, driven by git plumbing.
 * No work tree, no configuration but our own, and every object id that comes
 * back is a full one.  Needs no lock: git has its own.
 */
#ifndef SANDBOX_GIT_H
#define SANDBOX_GIT_H

#include "tests/sandbox/state.h"

/* An empty repository whose HEAD is refs/heads/BRANCH. */
NODISCARD enum err sb_git_init(const char *path, const char *branch,
			       struct error *e);

struct sb_commit {
	const char *ref;   /* moved to the commit, wherever it was */
	const char *from;  /* parent; NULL = none */
	const char *login; /* author and committer */
	const char *message;
	/* path -> text, null (remove), or {"content", "mode"} */
	const json_t *files;
	int64_t time_ms;
};

NODISCARD enum err sb_git_commit(const char *path, const struct sb_commit *c,
				 char ret_sha[SB_SHA], struct error *e);

/* ERR_MISSING when rev names no commit. */
NODISCARD enum err sb_git_resolve(const char *path, const char *rev,
				  char ret_sha[SB_SHA], struct error *e);

NODISCARD enum err sb_git_set_ref(const char *path, const char *ref,
				  const char *sha, const char *login,
				  struct error *e);

/* Writes the merged tree's id; ERR_CONFLICT when they do not merge. */
NODISCARD enum err sb_git_merge_tree(const char *path, const char *base,
				     const char *head, char ret_tree[SB_SHA],
				     struct error *e);

/* A merge commit of tree with two parents on no ref yet. */
NODISCARD enum err sb_git_commit_merge(const char *path, const char *tree,
				       const char *base, const char *head,
				       const char *login, const char *message,
				       char ret_sha[SB_SHA], struct error *e);

/* Does old lie in the history of new? */
bool sb_git_is_ancestor(const char *path, const char *old, const char *new);

/* Is file the same in two commits, or in neither? */
bool sb_git_is_same(const char *path, const char *a, const char *b,
		    const char *file);

/*
 * What head changed since it left base: array of {filename, status, sha,
 * additions, deletions, previous_filename (of renames)}.  NULL on failure.
 */
json_t *sb_git_files(const char *path, const char *base, const char *head);

/*
 * At most max commits of head that are not in base (NULL: of head), oldest
 * first: array of {id, tree_id, name, email, timestamp, message, added[],
 * removed[], modified[]}.  NULL on failure.
 */
json_t *sb_git_commits(const char *path, const char *base, const char *head,
		       int max);

/* All files below folder, as `files` of a commit wants them. */
NODISCARD enum err sb_git_read_folder(const char *folder, json_t **ret,
				      struct error *e);

#endif
