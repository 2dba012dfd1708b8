/*
 * What may name a repository, a branch or a commit on a git command line,
 * and where a repository lives.  Everything here is pure.
 */
#ifndef DEPLOY_GIT_NAME_H
#define DEPLOY_GIT_NAME_H

#include "bot/base/str.h"

/* Hex digits of a commit, without the NUL. */
#define GIT_SHA_LEN 40
/* Hex digits of a git_name_hash(). */
#define GIT_HASH_LEN 32

/* Exactly 40 lower-case hex digits? */
bool git_sha_ok(const char *text);

/* "owner/name" of letters, digits, '.', '_' and '-', no part "." or ".."? */
bool git_repo_ok(const char *text);

/*
 * A branch or tag name that git check-ref-format --branch accepts and that
 * no program takes for an option?
 */
bool git_branch_ok(const char *text);

/* GIT_HASH_LEN hex digits that stand for text in a file or ref name. */
void git_name_hash(const char *text, char ret[GIT_HASH_LEN + 1]);

/* Where a repository is fetched from and pushed to. */
struct git_place {
	struct str url;	    /* clone_url with {repo} replaced */
	struct str origin;  /* "https://host[:port]"; empty for file:// */
	const char *scheme; /* "https", "http" or "file" */
};

void git_place_release(struct git_place *p);

static inline void git_place_release_at(struct git_place *p)
{
	git_place_release(p);
}

/*
 * Fills *ret, which the caller releases.  ERR_INVALID when the scheme is
 * none of the three, the URL carries a user or password (which would show in
 * the process list), or repo is no git_repo_ok().
 */
NODISCARD enum err git_place_of(const char *clone_url, const char *repo,
				struct git_place *ret, struct error *e);

/*
 * Appends bytes of any origin as valid UTF-8 without control characters
 * (tab and newline become blanks), so that they can go into JSON and into a
 * sentence.
 */
void git_text(struct str *out, const char *bytes, size_t len);

#endif
