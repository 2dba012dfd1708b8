/*
 * The programs that are compared: how each is made ready, started, looked at
 * and ended.  Each start is on fresh files.
 */
#ifndef TESTS_BENCH_PROGRAM_H
#define TESTS_BENCH_PROGRAM_H

#include <stdint.h>
#include <sys/types.h>

#include "bot/base/str.h"

#define BENCH_SECRET "bench-secret-of-more-than-32-bytes-0123456789"

enum program_id {
	PROGRAM_KCIBOT,
	PROGRAM_WEBHOOK,
	PROGRAM_PROBOT,
	PROGRAM_COUNT
};

/* Where things are; all paths are absolute. */
struct place {
	const char *kcibot; /* the program */
	const char *here;   /* tests/bench */
	const char *npm;    /* folder with node_modules */
	const char *run;    /* made anew for each start */
	int forge_port;
};

struct program {
	const char *name;
	const char *path; /* of the webhook */
	bool calls_forge;
	/* Why it cannot take part, else its version; the caller frees. */
	bool (*look)(const struct place *p, char **ret_words);
	enum err (*write)(const struct place *p, int port, struct error *e);
	/* Up to 8 words, malloc'ed; the rest stays NULL. */
	void (*argv)(const struct place *p, int port, char *ret[9]);
};

extern const struct program programs[PROGRAM_COUNT];

struct running {
	pid_t pid;
	int port;
};

/* Returns when it listens. */
NODISCARD enum err program_start(const struct program *program,
				 const struct place *p, struct running *ret,
				 struct error *e);
/* SIGTERM, and SIGKILL when that takes too long. */
void program_stop(struct running *r);

/* What the process has used, in microseconds of all its threads. */
int64_t program_cpu_us(const struct running *r);

struct memory {
	int64_t rss_kb;
	int64_t private_dirty_kb;
	int64_t peak_kb; /* since its start */
};
void program_memory(const struct running *r, struct memory *ret);

/* kcibot only: waits until the engine has handled all; false: it did not. */
bool program_drain(const struct running *r);

/*
 * kcibot only, after its end: deliveries in inbox.db, each of them read; -1
 * when one is damaged.
 */
int64_t program_rows(const struct place *p);

#endif
