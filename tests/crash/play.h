/*
 * One conversation with one fault, in a process of its own: what the sweep
 * does again and again.
 */
#ifndef TESTS_CRASH_PLAY_H
#define TESTS_CRASH_PLAY_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "tests/crash/fault.h"
#include "tests/crash/turn.h"

struct kind; /* see plan.h */

struct play {
	const struct script *script;
	const struct kind *kind; /* NULL: undisturbed, what others end like */
	const char *like;	 /* the record that it must end like */
	int64_t at;		 /* the point, or the way of the turn */
	char dir[PATH_MAX - 64]; /* of all it leaves */
	pid_t pid;
	bool over, failed, met, skipped;
	char why[400];	/* it failed */
	char what[256]; /* it met, or why it was skipped */
};

/*
 * Starts p (the first four are set) in a folder of dir; ends the program when
 * that cannot be.
 */
void play_start(struct play *p, const char *dir);
/* It has ended with status: fills in how.  A folder goes unless it failed, or
 * nothing was to disturb it. */
void play_end(struct play *p, int status);
/* What the shim counted. */
void play_counts(const struct play *p, struct fault_block *ret);

#endif
