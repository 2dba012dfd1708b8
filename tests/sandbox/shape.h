/*
 * The forms in which GitHub shows its objects, with every member that its
 * OpenAPI description requires.  All return a new JSON value, never NULL.
 */
#ifndef SANDBOX_SHAPE_H
#define SANDBOX_SHAPE_H

#include "tests/sandbox/state.h"

/* "2026-11-21T14:05:09Z", or null when ms is 0. */
json_t *shape_time(int64_t ms);

json_t *shape_user(const struct sandbox *s, const struct sb_user *u);
/* As GET /users/LOGIN answers, or (self) as GET /user does. */
json_t *shape_profile(const struct sandbox *s, const struct sb_user *u,
		      bool self);
json_t *shape_repo(struct sandbox *s, const struct sb_repo *r);
/* In a push event the times of a repository are numbers. */
json_t *shape_repo_push(struct sandbox *s, const struct sb_repo *r);
json_t *shape_label(const struct sandbox *s, const struct sb_repo *r,
		    const char *name);
/* A row of a listing; full: as GET pulls/N answers. */
json_t *shape_pull(struct sandbox *s, const struct sb_pull *p, bool full);
/* The pull request as the issue that it also is. */
json_t *shape_issue(struct sandbox *s, const struct sb_pull *p);
json_t *shape_comment(struct sandbox *s, const struct sb_comment *c);
/* On a line of code. */
json_t *shape_code_comment(struct sandbox *s, const struct sb_comment *c);
/* As the API answers, or (hook) as a webhook says it. */
json_t *shape_review(struct sandbox *s, const struct sb_review *r, bool hook);
json_t *shape_reaction(const struct sandbox *s, const struct sb_reaction *r);
json_t *shape_status(const struct sandbox *s, const struct sb_status *st);
/* The newest status of each context of sha, and all in one word. */
json_t *shape_combined(struct sandbox *s, const struct sb_repo *r,
		       const char *sha);
json_t *shape_hook(const struct sandbox *s, const struct sb_repo *r);
json_t *shape_permission(const struct sandbox *s, const struct sb_repo *r,
			 const struct sb_user *u);
/* A row of sb_git_files() as GET pulls/N/files answers. */
json_t *shape_file(const struct sandbox *s, const struct sb_pull *p,
		   const json_t *file);
/* A row of sb_git_commits() as push events hold it. */
json_t *shape_commit(struct sandbox *s, const struct sb_repo *r,
		     const json_t *commit);

/* What somebody is to a repository: OWNER, COLLABORATOR, NONE. */
const char *shape_association(const struct sb_repo *r, const struct sb_user *u);

#endif
