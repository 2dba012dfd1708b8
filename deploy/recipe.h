/*
 * What a recipe does, as one hash: was it changed since a cycle ran it?
 */
#ifndef DEPLOY_RECIPE_H
#define DEPLOY_RECIPE_H

#include "bot/base/str.h"
#include "deploy/environment.h"
#include "deploy/policy.h"
#include "store/cycle.h"

/* Over the stages of the kind and all that their jobs are told. */
NODISCARD enum err recipe_hash(const struct environment *env,
			       enum cycle_kind kind, char ret[65],
			       struct error *e);

/* Is it another one than the one the cycle began with?  Not when that is not
 * on record. */
NODISCARD enum err recipe_changed(const struct environment *env,
				  const struct cycle *c, bool *ret,
				  struct error *e);

#endif
