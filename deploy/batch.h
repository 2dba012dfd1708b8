/*
 * Which revisions go along with a cycle, when there is not room for all that
 * belong on the environment.
 */
#ifndef DEPLOY_BATCH_H
#define DEPLOY_BATCH_H

#include "deploy/environment.h"
#include "deploy/policy.h"
#include "store/cycle.h"

/* Who goes along and who found no place; both belong there now. */
struct batch {
	struct revision *in; /* project by project in the configured order, by
				number within */
	size_t in_count;
	struct revision *out; /* in the order in which they wait */
	size_t out_count;
};

void batch_release_at(struct batch *b);

/*
 * The revisions that belong onto the environment now; is_new against the last
 * green manifest.  At most policy.max_batch of them go along with a cycle of
 * that kind: first those that somebody waits for by command (also those booked
 * for a full, if it is one), then those that found no place before,
 * then those that were asked for or are already there, then the oldest.  So
 * nobody is left behind twice while others go twice.  The caller lets go
 * with batch_release_at().
 */
NODISCARD enum err batch_select(struct store *s, const struct environment *env,
				enum cycle_kind kind, int64_t now_ms,
				struct batch *ret, struct error *e);

/* How many cycles must end before one at this place (from 1) goes along. */
int64_t batch_cycles(const struct environment *env, int64_t position);

#endif
