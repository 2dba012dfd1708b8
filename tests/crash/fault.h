/*
 * What the sweep and the shim inside the bot share: a block of memory in a
 * file.  The sweep says what shall go wrong and when; the shim counts, acts,
 * and notes what it met.
 *
 * A call is a "point" when it changes something outside of the process:
 * files (written, synced, cut, made, renamed, removed), sockets of the
 * Internet kinds, children.  Standard output, pipes and events are none.
 */
#ifndef TESTS_CRASH_FAULT_H
#define TESTS_CRASH_FAULT_H

#include <stdatomic.h>
#include <stdint.h>

/* The file; its first process in each life is the bot. */
#define FAULT_ENV "KCIBOT_FAULT_FILE"
#define FAULT_SIZE 4096

enum fault {
	FAULT_NONE,
	FAULT_KILL,  /* SIGKILL just before the call */
	FAULT_TEAR,  /* half of what it writes, or the call, then SIGKILL */
	FAULT_SHORT, /* half of what it writes, and says so */
	FAULT_EIO,   /* the disk is broken */
	FAULT_FULL,  /* the disk is full */
	FAULT_FILES, /* no more descriptors */
	FAULT_ALLOC, /* no more memory */
	FAULT_POWER, /* as KILL; what was not synced is lost, see power.h */
};

/* What counts as a point, by fault. */
enum points {
	POINT_WRITE = 1, /* to a file */
	POINT_FILE = 2,	 /* what else is done to files, as a whole or not */
	POINT_SOCKET = 4,
	POINT_CHILD = 8,
	POINT_OPEN = 16, /* anything that takes a descriptor */
	POINT_ALLOC = 32,
};
#define FAULT_KINDS 6

struct fault_block {
	/* Said by the sweep: */
	int what;	  /* enum fault */
	unsigned points;  /* of enum points */
	int64_t at;	  /* the point at which it begins, from 1 */
	int64_t for_ms;	  /* and how long it lasts; 0 = that one point */
	char dir[256];	  /* files elsewhere are no points */
	char ledger[256]; /* what is on the disk for sure; see power.h */
	/* Said by the shim: */
	atomic_llong count;		   /* points so far, of all lives */
	atomic_llong of_kind[FAULT_KINDS]; /* all calls, by bit of points */
	atomic_llong until_ms; /* monotonic: when it is over; 0 = not begun */
	atomic_int hits;
	char met[256]; /* the first: "pwrite64 /tmp/.../kcibot.db-wal" */
	/* Said by the keeper: */
	atomic_int lives;
	/* Said by the sweep at any time: added to the wall clock. */
	atomic_llong wall_jump_ms;
	/* Said by the keeper: who lives. */
	atomic_int pid;
};

#endif
