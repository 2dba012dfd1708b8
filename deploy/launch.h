/*
 * Starts a job's program behind its isolation, with its own process group
 * and session, an environment of its own and one pipe for all its output.
 * For the supervisor: a process with one thread.
 */
#ifndef DEPLOY_LAUNCH_H
#define DEPLOY_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "deploy/isolation.h"

struct launch {
	struct isolation_view view;
	const char *isolation; /* "bubblewrap", "user:NAME", "none" */
	char *const *argv;
	char *const *env;
};

struct child {
	pid_t pid;    /* ours to wait for; -1 = none */
	int output;   /* what the job writes, not blocking; -1 = none */
	int report;   /* see launch_result() */
	int scaffold; /* processes of ours between us and the job */
};

#define CHILD_INIT                                                             \
	{                                                                      \
		-1, -1, -1, 0,                                                 \
	}

void child_release(struct child *c);

static inline void child_release_at(struct child *c)
{
	child_release(c);
}

/* ERR_OK when a process was made; whether the program runs is seen later. */
NODISCARD enum err launch_start(const struct launch *l, struct child *ret,
				struct error *e);

/*
 * After the child has ended with status (of waitpid); output is the first
 * line that came from it.  ERR_OK, and the job's own exit code, or -1 and the
 * signal that ended it.  ERR_MISSING when the program could not be started,
 * ERR_FATAL when its isolation could not, ERR_CONFLICT when the isolation was
 * killed by somebody who is not the job.
 */
NODISCARD enum err launch_result(const struct child *c, int status,
				 const char *output, int *ret_code,
				 int *ret_signal, struct error *e);

#endif
