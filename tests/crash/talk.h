/*
 * The conversation that must end the same whatever goes wrong in it: a
 * stranger's pull, a maintainer's trigger, a stranger who may not, a push,
 * and the maintainer once more.
 */
#ifndef TESTS_CRASH_TALK_H
#define TESTS_CRASH_TALK_H

#include "tests/integration/house.h"

#define TALK_STEPS 6
#define TALK_CYCLES 3

struct fault_block;

struct talk {
	struct house *h;
	struct fault_block *block;
	int way; /* of a turn */
	int pull;
	char sha[41], pushed[41];
	int64_t trigger, refused, deploy;
	/* Called after each step, with its number from 1, and while the first
	 * job of a cycle runs; may be NULL. */
	void (*between)(struct talk *t, int step);
	void (*during)(struct talk *t, int cycle);
};

/* A house whose bot was never started. */
struct house *talk_house(void);
/* Starts the bot, and says all of it; returns when everything is quiet. */
void talk_play(struct talk *t);
/*
 * What people, the forge, the jobs and the bot's own books have of it in the
 * end, without what differs from run to run (times, commits).  Fails the test
 * when the databases or the audit are damaged.
 */
void talk_record(struct talk *t, struct str *ret);

#endif
