/*
 * Does a job with `changed:` rules have anything to do?  Pure functions on
 * values.
 */
#ifndef DEPLOY_CHANGED_H
#define DEPLOY_CHANGED_H

#include <stdbool.h>

#include "bot/base/json.h"
#include "deploy/environment.h"

/*
 * Does path match glob as a whole?  `?` and `[a-z]` are one character and
 * `*` any number of them, none of these a slash; `**` crosses slashes, and
 * `**` followed by a slash is any number of folders, also none; a backslash
 * takes the next character as it is.  Time is bounded by the product of both
 * lengths; a glob of more than 250 characters matches everything.
 */
bool path_glob_match(const char *glob, const char *path);

/*
 * manifest is {"projects": [{"repo", "paths", "revisions": [{"result",
 * "paths"}]}]}, as git.batch answers it.  A revision counts when its result
 * is "merged" or absent; when its paths are absent (too many) it matches
 * every rule of its repo.  "paths" of a project are those that differ
 * without a pull request (its base moved): absent = none, null = too many.
 *
 * True for a job without rules.
 */
bool job_has_changes(const struct job_spec *job, const json_t *manifest);

#endif
