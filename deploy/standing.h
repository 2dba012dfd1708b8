/*
 * Does a revision belong onto an environment, and if not, why?  The one place
 * that answers it: the batch, `deploy` and "why not" all ask here.
 */
#ifndef DEPLOY_STANDING_H
#define DEPLOY_STANDING_H

#include "bot/base/str.h"
#include "deploy/environment.h"
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

/* As standing_of(), and whether somebody who may has asked for it. */
NODISCARD enum err standing_and_asked(struct store *s,
				      const struct environment *env,
				      const struct project *project,
				      const struct pull *p, int64_t now_ms,
				      enum standing *ret, bool *ret_asked,
				      struct error *e);
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

#endif
