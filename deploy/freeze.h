/*
 * Why nothing starts on an environment: a lock by somebody, errors in a row
 * (the circuit breaker), a freeze window of the configuration.
 */
#ifndef DEPLOY_FREEZE_H
#define DEPLOY_FREEZE_H

#include "deploy/flow.h"

/* So many verdicts of error in a row freeze an environment by themselves. */
#define FREEZE_ERRORS 3

struct freeze_state {
	bool frozen;
	char why[512];	  /* a phrase for people, plain text; "" = not frozen */
	int64_t until_ms; /* wall; 0 = until somebody ends it */
	/* When it has to be looked at again though nothing happened: wall ms,
	 * 0 = then not. */
	int64_t next_ms;
};

/* Where the wall clock stands; flows run on the engine's. */
int64_t freeze_wall_ms(const struct flow *f);

NODISCARD enum err freeze_look(const struct flow *f, struct freeze_state *ret,
			       struct error *e);

#endif
