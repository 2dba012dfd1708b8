/*
 * What a deploy would be if somebody asked for it now: a dry run.
 */
#ifndef DEPLOY_FORECAST_H
#define DEPLOY_FORECAST_H

#include "bot/base/json.h"
#include "deploy/flow.h"

/*
 * For pull p at the head that the store has, as if it was asked for; changes
 * nothing.  The caller's:
 *
 *	{"environment", "head_sha", "at_ms",
 *	 "standing": "" or why it cannot go there,
 *	 "projects": [{"repo", "base", "branch",	as git.batch wants them
 *		"revisions": [{"number", "sha", "title", "new"}]}],
 *	 "out": [{"repo", "number", "why"}],	open ones that stay out
 *	 "out_count",				all of them
 *	 "full_batch": [pull id],		who belongs there and has no
 *place "short": [stage], "full": [stage], "deploy": WHEN, "trigger": WHEN,
 *"alone": WHEN}
 *
 * WHEN is {"action": "start" | "restart" | "wait" | "idle", "kind", "at_ms",
 * "full_ms", "why"}: what the timing policy would say to `deploy`, to
 * `trigger`, and what it says if nobody says anything.
 */
NODISCARD enum err forecast(const struct flow *f, const struct pull *p,
			    json_t **ret, struct error *e);

#endif
