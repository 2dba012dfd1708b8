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

struct measure {
	double acks_s;	/* answers per second */
	double cpu_us;	/* per answer, while the load lasted */
	double done_us; /* per answer, until all was handled as well */
	double p50_ms, p99_ms;
	double idle_mb, private_mb, loaded_mb, peak_mb;
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
