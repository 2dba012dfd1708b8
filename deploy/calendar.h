/*
 * Freeze windows: is an environment frozen at a moment, and until when?
 *
 * What the zone's own clock shows decides.  An hour that it skips in spring is
 * in no window, one that it shows twice in autumn is in it twice.
 */
#ifndef DEPLOY_CALENDAR_H
#define DEPLOY_CALENDAR_H

#include "bot/base/error.h"
#include "deploy/environment.h"

struct calendar_state {
	bool frozen;
	/* When that changes, wall ms; 0 = not within two weeks. */
	int64_t until_ms;
	const char *reason; /* of the window that holds; "" = none given */
};

/* ERR_INVALID when a zone is not known on this machine. */
NODISCARD enum err calendar_at(const struct freeze *list, size_t count,
			       int64_t wall_ms, struct calendar_state *ret,
			       struct error *e);

#endif
