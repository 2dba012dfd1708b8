/*
 * Which paths a revision changes: against every merge base with the branch
 * that it goes onto, and in a merge that was made.  Both sides of a rename,
 * changes of mode, links and submodules included.
 */
#ifndef DEPLOY_GIT_PATHS_H
#define DEPLOY_GIT_PATHS_H

#include "bot/base/json.h"
#include "deploy/git_mirror.h"

/*
 * A set of names in the making; zeroed by the caller.  A link or submodule
 * is in it twice, "lib" and "lib/": whatever a path below it names is
 * another thing now.
 */
struct git_paths {
	/* Object, in the order of finding: name to the letter of what was
	 * done ("A" added, "D" deleted, ...) and the new object's id. */
	json_t *names;
	size_t bytes;
	bool too_many; /* or there is no merge base */
};

/*
 * Adds what sha changes against each of its merge bases with onto.  One of
 * them alone would hide what a criss-cross history changes against another.
 */
NODISCARD enum err git_paths_of(struct git_mirror *m, const char *onto,
				const char *sha, struct git_paths *set,
				struct error *e);

/* Adds what differs between two commits. */
NODISCARD enum err git_paths_between(struct git_mirror *m, const char *from,
				     const char *to, struct git_paths *set,
				     struct error *e);

/*
 * The names as an array, the caller's; NULL when they are more than
 * LIMIT_GIT_PATHS or LIMIT_GIT_PATH_BYTES.
 */
json_t *git_paths_list(const struct git_paths *set);

/* Adds all of more. */
void git_paths_join(struct git_paths *set, const struct git_paths *more);

/*
 * What a revision carries along: the names that it alone adds (own), but with
 * other content than its own in the merge that was made of it.  That is how a
 * file goes where somebody else moves it to.  Array, the caller's.
 */
json_t *git_paths_carried(const struct git_paths *own,
			  const struct git_paths *merged);

/* Does own delete one of these names? */
bool git_paths_takes(const struct git_paths *own, const json_t *names);

void git_paths_release(struct git_paths *set);

static inline void git_paths_release_at(struct git_paths *set)
{
	git_paths_release(set);
}

#endif
