/*
 * The git port: mirrors, merging by plumbing, pushing, tags, checkouts.
 *
 * A bare mirror per project in state_dir/git/<n>.git, n from the project's
 * name hashed or numbered by us, never from user text.  No work tree, no
 * hooks, no shell, no user or system git configuration, objects fsck'ed on
 * fetch.  Needs git 2.38 or later.  A few threads; effects that have a
 * repository in common run in order, one at a time.
 *
 * Kinds, args and answers:
 *
 * git.batch  Fetches and merges; changes nothing outside the mirrors (repeat
 *            is harmless).
 *   args   {"projects": [{"repo", "base", "branch",
 *                         "revisions": [{"number", "sha"}]}]}
 *   body   {"projects": [{"repo", "base", "branch", "base_sha",
 *                         "old_sha" ("" when the branch does not exist),
 *                         "sha" (the result; base_sha when nothing merged),
 *                         "revisions": [{"number", "sha",
 *                            "result": "merged" | "conflict" | "moved" |
 *                                      "missing" | "merged_already",
 *                            "reason": text for people,
 *                            "files": [conflicting paths, at most 20],
 *                            "paths": [paths it changes against each of its
 *                                      merge bases or, merged, in the result;
 *                                      at most 3000; absent = too many]
 *                            }]}]}
 *   A symbolic link or submodule among the paths is there twice, the second
 *   time as "NAME/": it stands for all below it.
 *   Revisions are merged in the order given (the engine sorts by number).
 *   One fetch for the base, the staging branch and all refs/pull/N/head
 *   together, when possible; a ref that is not at the wanted sha is "moved"
 *   (after retries, as refs/pull lags), one that is not there "missing".
 *   "missing" also when git refuses its objects (fsck); "conflict" also for
 *   an unrelated history, for what git cannot merge in time and for a tree
 *   that no disk could hold.
 *   A merge is what `git merge --no-ff` would make, .gitattributes included
 *   (no merge driver is configured: merge=custom is a merge of text).
 *   ERR_MISSING: no such repository or base branch; ERR_REFUSED: the token
 *   is not accepted; ERR_RETRY: nothing is known.
 *   Message: "kcibot: merge OWNER/REPO#N at SHA".  Author and committer are
 *   the bot with a fixed date taken from the merged commit, so that the same
 *   batch gives the same result sha.
 *
 * git.paths  What one revision changes, by its own commit: fetched, and
 *            checked to be the head of the pull request now.
 *   args   {"repo", "number", "sha", "base": the branch it would go onto}
 *   body   {"result": "known" | "moved" | "missing", "reason": text,
 *           "paths": as in git.batch; absent = too many, or no merge base}
 *   "moved" after retries, "missing" also when git refuses its objects.
 *   Errors as of git.batch.
 *
 * git.push   All projects or none, each with --force-with-lease=REF:OLD.
 *   args   {"projects": [{"repo", "branch", "old_sha", "sha"}]}
 *   body   {"projects": [{"repo", "pushed": bool, "reason": text,
 *                         "refused": "" | "lease" | "content" | "rights"}]}
 *   ERR_OK when all refs now stand at sha (also when they did before);
 *   ERR_CONFLICT with the body when one was refused, the others put back
 *   ("pushed" stays true, with the reason, when that failed).  ERR_RETRY
 *   when the forge is away; unknown when a push may have arrived.
 *   ERR_MISSING when the mirror lost the commit: make the batch again.
 *
 * git.tag    The manifest as an annotated tag on every project.
 *   args   {"prefix": "staging-20261121.", "message",
 *           "projects": [{"repo", "sha"}]}
 *   body   {"tag": "staging-20261121.3"}  N one above the highest on any of
 *   the projects.  A repeat (same commits, message) finds its tag and keeps
 *   it.  ERR_REFUSED with the reason when the forge does not take it.
 */
#ifndef DEPLOY_GIT_PORT_H
#define DEPLOY_GIT_PORT_H

#include "bot/base/port.h"

struct git_settings {
	const char *dir;	/* state_dir/git */
	const char *clone_url;	/* with {repo} */
	const char *token_file; /* NULL or "" = none (file:// URLs) */
	const char *bot_name;
	const char *bot_email;
	int64_t moved_retry_ms; /* pause before refs/pull is looked at again */
};

/* Sweeps what a crash left in dir: the caller holds the state lock. */
struct port *git_port_new(const struct git_settings *settings, struct error *e);

/*
 * A fresh checkout of commit sha of repo into dir (made; must not exist).
 * Blocking; safe beside the port's thread.  For job backends.
 */
NODISCARD enum err git_checkout(const struct git_settings *settings,
				const char *repo, const char *sha,
				const char *dir, struct error *e);

/*
 * Does commit sha of repo hold an executable file (or a link) at path?
 * Blocking; safe beside the port's thread.
 */
NODISCARD enum err git_has_program(const struct git_settings *settings,
				   const char *repo, const char *sha,
				   const char *path, bool *ret,
				   struct error *e);

/* ERR_FATAL with the way out when git is missing or older than 2.38. */
NODISCARD enum err git_check_version(struct error *e);

#endif
