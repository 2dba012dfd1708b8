/*
 * Sensitive paths: a revision that touches one needs the word of somebody of
 * grants.sensitive_role, for exactly this revision, whoever its author is.
 * What is not known is never harmless.
 */
#ifndef DEPLOY_SENSITIVE_H
#define DEPLOY_SENSITIVE_H

#include "bot/base/json.h"
#include "deploy/environment.h"
#include "store/pull.h"

/* Does the environment have sensitive paths at all? */
bool sensitive_any(const struct environment *env);

/*
 * Pure.  Is a path (as git.paths lists it) sensitive?  Letters match in both
 * cases, for not every disk tells them apart; a path "NAME/", a link or
 * submodule, is when anything below it could be, and so is a .gitattributes.
 */
bool sensitive_path(const struct environment *env, const char *path);

/*
 * Pure.  Are there sensitive ones among paths?  NULL (too many) is.
 * ret_files may be NULL; else an array, the caller's, of those that are.
 */
bool sensitive_paths(const struct environment *env, const json_t *paths,
		     json_t **ret_files);

enum sensitivity {
	SENSITIVITY_NONE,
	SENSITIVITY_SOME,
	SENSITIVITY_UNREAD, /* what the revision changes is not known yet */
};

/* Of the pull's head, on its way to the project's base.  ret_files as above;
 * NULL when they are too many to be listed. */
NODISCARD enum err sensitive_of(struct store *s, const struct environment *env,
				const struct project *project,
				const struct pull *p, enum sensitivity *ret,
				json_t **ret_files, struct error *e);

/* Is the word of this role enough here? */
bool sensitive_role_is_enough(const struct environment *env, const char *role);

/* "an admin" or "a maintainer": whose word it needs. */
const char *sensitive_whose(const struct environment *env);

/*
 * The args of git.paths for the pull's head; "pull" and "wish" are for who
 * takes the answer.
 */
json_t *sensitive_question(const struct project *project, const struct pull *p,
			   bool wish);

/*
 * Wants the paths of the pull's head (an effect git.paths), unless that is
 * under way.  wish: it is deployed by itself when it turns out that it may.
 */
NODISCARD enum err sensitive_want(struct store *s,
				  const struct project *project,
				  const struct pull *p, bool wish,
				  int64_t now_ms, struct error *e);

#endif
