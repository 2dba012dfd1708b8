/* One run of wrk against one program, and what it cost. */
#ifndef TESTS_BENCH_MEASURE_H
#define TESTS_BENCH_MEASURE_H

#include "bot/base/json.h"
#include "tests/bench/program.h"

struct scenario {
	const char *title;
	size_t size; /* of a comment */
	int connections;
	bool wrong;	  /* signature */
	const char *base; /* of the payload's files */
};

enum figure {
	ANSWERS_S, /* answers per second */
	CPU_US,	   /* per answer, while the load lasted */
	DONE_US,   /* per answer, until all was handled as well */
	P50_MS,
	P99_MS,
	IDLE_MB, /* resident memory: before, */
	PRIVATE_MB,
	LOADED_MB, /* after, */
	PEAK_MB,   /* and at most */
	FIGURE_COUNT
};

struct measure {
	double figures[FIGURE_COUNT];
	int64_t acks;	 /* 2xx */
	int64_t refused; /* 4xx and 5xx */
	int64_t broken;	 /* connections */
	int64_t rows;	 /* in inbox.db; -1 = has none */
};

/* index keeps the GUIDs of runs apart. */
NODISCARD enum err measure_load(const struct program *program,
				const struct place *p, const struct scenario *s,
				int seconds, int index, struct measure *ret,
				struct error *e);

#define FIRST_CALLS 20

/*
 * From a command to the first call of the forge, FIRST_CALLS times, in
 * microseconds.  comment as from payload_comment().
 */
NODISCARD enum err measure_first_call(const struct program *program,
				      const struct place *p,
				      const json_t *comment,
				      double ret_us[FIRST_CALLS],
				      struct error *e);

#endif
