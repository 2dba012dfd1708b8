/*
 * Runs another program and waits for it: an argv, never a shell line, an
 * environment of its own, its own process group, bounded output, a deadline.
 */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stdbool.h>
#include <stdint.h>

#include "bot/base/str.h"

struct proc_spec {
	const char *const *argv; /* NULL-terminated; argv[0] found by PATH */
	const char *const *env;	 /* NULL-terminated "NAME=value", all of it */
	const char *dir;	 /* working folder; NULL = ours */
	const char *input;	 /* standard input; NULL = /dev/null */
	size_t input_len;
	int64_t timeout_ms;  /* then the process group is killed; 0 = none */
	bool stop_when_full; /* out's ceiling ends the program, too */
	int cancel_fd; /* > 0: the group is killed once this is readable, and
			  the result says timed_out */
};

struct proc_result {
	struct str out; /* the caller inits both with a ceiling; */
	struct str err; /* what exceeds it is read and dropped */
	int exit_code;	/* -1 when it did not exit by itself */
	int signal;	/* that ended it, else 0 */
	bool timed_out;
};

void proc_result_release(struct proc_result *r);

static inline void proc_result_release_at(struct proc_result *r)
{
	proc_result_release(r);
}

/*
 * ERR_OK when the program was started and has ended, however it ended;
 * ERR_MISSING when it cannot be started.  What it left in the background is
 * not waited for; at the deadline its whole process group is killed.
 */
NODISCARD enum err proc_run(const struct proc_spec *spec,
			    struct proc_result *ret, struct error *e);

#endif
