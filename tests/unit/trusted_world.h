/*
 * A world in which everybody is trusted as their names say.  Include it in
 * place of engine_world.h, in one file of a program: it holds the world, and
 * begin() and end() for each of its tests.
 */
#ifndef KCIBOT_TESTS_TRUSTED_WORLD_H
#define KCIBOT_TESTS_TRUSTED_WORLD_H

#include "tests/unit/engine_world.h"

static struct world w;

static inline int begin(void **state UNUSED)
{
	log_set_level(LOG_ERROR);
	world_begin(&w, "");
	world_trust_all(&w);
	return 0;
}

static inline int end(void **state UNUSED)
{
	world_end(&w);
	return 0;
}

#endif
