/*
 * Asks the timing policy about one environment and does what it says.
 */
#ifndef DEPLOY_SCHEDULE_H
#define DEPLOY_SCHEDULE_H

#include "bot/base/str.h"
#include "deploy/flow.h"

/*
 * Starts or restarts a cycle when it is time.  *ret_next_ms: when to ask
 * again if nothing happens; 0 = only then.
 */
NODISCARD enum err schedule_environment(const struct flow *f,
					int64_t *ret_next_ms, struct error *e);

/* Does the running cycle check the health of what was deployed, or put
 * something back?  Nobody interrupts that. */
NODISCARD enum err schedule_guards(const struct flow *f, const struct cycle *c,
				   bool *ret, struct error *e);

/* When the next full may start, for people; <= now means now. */
NODISCARD enum err schedule_full_allowed(const struct flow *f, int64_t *ret_ms,
					 struct error *e);

/*
 * What the policy would say if a command wished for a short or a full now;
 * KIND_NONE: what it says if nobody does.  Changes nothing.  ret->why stands
 * in why_text, which is emptied before.
 */
NODISCARD enum err schedule_forecast(const struct flow *f, enum cycle_kind wish,
				     struct policy_decision *ret,
				     struct str *why_text, struct error *e);

/*
 * Records a wish that came by itself: somebody pushed, a label changed.
 * pull_id 0: a base branch moved.
 */
NODISCARD enum err schedule_wish(const struct flow *f, const char *origin,
				 int64_t pull_id, const char *sha,
				 struct error *e);

/*
 * Drops what people asked for a revision that is no more: another head,
 * another base, closed.  keep_sha "" drops all of the pull.  Wishes that came
 * by themselves stay: they speak of the pull, and keep their place in time.
 */
NODISCARD enum err schedule_void(const struct flow *f, const struct pull *p,
				 const char *keep_sha, const char *outcome,
				 struct error *e);
/*
 * The same for what was said before a push that is told of only now, when the
 * head is another again or the same once more.  before_ms is the forge's.
 */
NODISCARD enum err schedule_void_said(const struct flow *f,
				      const struct pull *p, int64_t before_ms,
				      const char *outcome, struct error *e);

#endif
