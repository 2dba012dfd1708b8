/*
 * Does a revision belong onto an environment, and if not, why?  The one place
 * that answers it: the batch, `deploy` and "why not" all ask here.
 */
#ifndef DEPLOY_STANDING_H
#define DEPLOY_STANDING_H

#include "bot/base/str.h"
#include "deploy/environment.h"
#include "deploy/policy.h"
#include "store/cycle.h"
#include "store/pull.h"

enum standing {
	STANDING_IN,
	STANDING_CLOSED,
	STANDING_DRAFT,
	STANDING_BASE,	  /* aims at another branch */
	STANDING_SKIP,	  /* carries the skip label */
	STANDING_SKIPPED, /* somebody took it out: pull.skipped_ms */
	STANDING_QUARANTINED,
	/* Those that a maintainer's command lifts for one revision: */
	STANDING_FAILED, /* it alone was new in a batch that failed */
	STANDING_STALE,
	STANDING_UNTRUSTED,
	STANDING_SENSITIVE, /* touches what needs a higher role's word */
	STANDING_UNREAD,    /* what it touches is not known yet */
	STANDING_MAX
};

NODISCARD enum err standing_of(struct store *s, const struct environment *env,
			       const struct project *project,
			       const struct pull *p, int64_t now_ms,
			       enum standing *ret, struct error *e);

/*
 * As above, once somebody of this role ("maintainer", "admin") has asked for
 * exactly this revision: what their command would come to.
 */
NODISCARD enum err standing_if_asked(struct store *s,
				     const struct environment *env,
				     const struct project *project,
				     const struct pull *p, const char *role,
				     int64_t now_ms, enum standing *ret,
				     struct error *e);

/*
 * For a revision that does touch sensitive paths: did somebody whose word is
 * enough ask for it?
 */
NODISCARD enum err standing_has_word(struct store *s,
				     const struct environment *env,
				     const struct pull *p, int64_t now_ms,
				     bool *ret, struct error *e);

/* Does the pull aim at the branch that goes there, or say that it shall? */
bool standing_base_fits(const struct environment *env, const struct pull *p);

/* Can a command, of the right person, put it on staging all the same? */
bool standing_can_be_asked(enum standing standing);

/*
 * A phrase for people that also says the way out.  It holds no text of users
 * but, as code, the login of who took the pull out.
 */
void standing_text(struct str *out, enum standing standing,
		   const struct environment *env, const struct project *project,
		   const struct pull *p);

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
NODISCARD enum err standing_select(struct store *s,
				   const struct environment *env,
				   enum cycle_kind kind, int64_t now_ms,
				   struct batch *ret, struct error *e);

/* How many cycles must end before one at this place (from 1) goes along. */
int64_t standing_cycles(const struct environment *env, int64_t position);

#endif
