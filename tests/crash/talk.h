/*
 * The conversations that must end the same whatever goes wrong in them.
 *
 * plain:  a stranger's pull, a maintainer's trigger, a stranger who may not, a
 *         push, and the maintainer once more.
 * broken: a contributor's pull that is deployed by itself, a push that breaks
 *         its build and is left out again, the push that repairs it; then a
 *         stranger's pull that an admin has deployed, and that a maintainer
 *         stops in the midst of it, so that what was there is put back.
 */
#ifndef TESTS_CRASH_TALK_H
#define TESTS_CRASH_TALK_H

#include "tests/integration/house.h"

#define TALK_STEPS_MOST 6
#define TALK_CYCLES_MOST 6
#define TALK_PULLS_MOST 2
#define TALK_AGAIN_MOST 32

struct fault_block;
struct talk;

enum { SCRIPT_PLAIN, SCRIPT_BROKEN, SCRIPT_COUNT };

struct script {
	const char *name;
	int steps, cycles; /* of which turns are told */
	void (*play)(struct talk *t);
};

extern const struct script talk_scripts[SCRIPT_COUNT];

struct talk_pull {
	const char *repo;
	int number;
	char sha[41]; /* its head */
	bool replied; /* the last answer there was to what was heard */
};

struct talk {
	const struct script *script;
	struct house *h;
	struct fault_block *block;
	int way; /* of a turn */
	struct talk_pull pulls[TALK_PULLS_MOST];
	int pull_count;
	/* Comments that were asked back about, and said once more. */
	int64_t again[TALK_AGAIN_MOST];
	int again_count;
	struct str read; /* what talk_read() found in the midst of it */
	/* Called after each step, with its number from 1, and while the first
	 * job of a cycle runs; may be NULL. */
	void (*between)(struct talk *t, int step);
	void (*during)(struct talk *t, int cycle);
};

/* A house whose bot was never started. */
struct house *talk_house(void);
/* Starts the bot, and says all of it; returns when everything is quiet. */
void talk_play(struct talk *t);
/* What people read at a pull now, as the record has it. */
void talk_read(struct talk *t, const struct talk_pull *p, struct str *out);
/*
 * What people, the forge, the jobs and the bot's own books have of it in the
 * end, without what differs from run to run (times, commits).  Fails the test
 * when the databases or the audit are damaged.
 */
void talk_record(struct talk *t, struct str *ret);

#endif
