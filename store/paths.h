/*
 * The paths that a revision changes on its way to a branch, as git said: kept
 * by SHA, so that they are right for ever.
 */
#ifndef STORE_PATHS_H
#define STORE_PATHS_H

#include <stdbool.h>
#include <stdint.h>

#include "bot/base/json.h"
#include "store/store.h"

/*
 * *ret_known: are they on record?  *ret: an array, the caller's; NULL when
 * they are not known, or known to be too many.
 */
NODISCARD enum err store_paths(struct store *s, int64_t pull_id,
			       const char *sha, const char *base,
			       bool *ret_known, json_t **ret, struct error *e);

/* paths NULL = too many.  Forgets those of the pull's heads of long ago. */
NODISCARD enum err store_paths_put(struct store *s, int64_t pull_id,
				   const char *sha, const char *base,
				   const json_t *paths, struct error *e);

#endif
