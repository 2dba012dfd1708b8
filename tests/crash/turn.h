/*
 * What goes wrong at a step of the conversation instead of at a point: the
 * wall clock jumps, or the disk is full for a while.
 */
#ifndef TESTS_CRASH_TURN_H
#define TESTS_CRASH_TURN_H

#include "tests/crash/fault.h"
#include "tests/crash/talk.h"

struct turn {
	const char *name;
	int (*count)(const struct script *s); /* of ways, from 1 */
	/* Before the bot starts; false when this machine does not let us,
	 * with a word in *ret_why. */
	bool (*prepare)(struct talk *t, const char **ret_why);
	void (*between)(struct talk *t, int step);
	void (*during)(struct talk *t, int cycle);
};

extern const struct turn turn_clock; /* it jumps, live or over a restart */
extern const struct turn turn_disk;  /* a small one, full for a while */

#endif
