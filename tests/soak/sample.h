/*
 * The bot as /proc and its folder show it, time after time, and in a CSV.
 */
#ifndef TESTS_SOAK_SAMPLE_H
#define TESTS_SOAK_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct sample {
	int64_t at_ms; /* since the beginning */
	bool quiet;    /* nothing was on its way */
	int64_t rss_kb, pss_kb, anonymous_kb;
	int threads, children, zombies;
	/* Open descriptors by kind; books: the databases; forge: the client
	 * keeps some of its connections for a while, as curl does. */
	int fds, books, files, pipes, sockets, forge, others;
	/* State: the databases, their logs, and (only now and then, else
	 * what it was) all of it. */
	int64_t kcibot_db, kcibot_wal, inbox_db, inbox_wal;
	int64_t jobs, git, state;
};

struct samples {
	struct sample *all;
	int count, room;
	FILE *csv;
};

struct sample_of {
	pid_t pid;
	const char *state_dir;
	int forge_port;
};

/* The CSV is made in a folder that is there; false: it cannot be. */
bool samples_open(struct samples *s, const char *csv);
void samples_close(struct samples *s);
/*
 * One more; whole: also what needs a walk through the folder.  NULL when the
 * process is gone.
 */
const struct sample *samples_take(struct samples *s, const struct sample_of *of,
				  int64_t at_ms, bool quiet, bool whole);

#endif
