/*
 * The processes of the demo.  None outlives it: each is asked to end when the
 * demo ends, however that comes about, and what they left behind is inherited
 * and ended too.
 */
#ifndef DEMO_CHILD_H
#define DEMO_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "bot/base/error.h"

/* Once, before the first child: makes us the heir of their orphans. */
void child_adopt_orphans(void);

/*
 * A new process, away from the terminal and its signals, its output added to
 * the file log.  Returns as fork() does; in the child nothing is open but
 * 0, 1, 2 and what is not close-on-exec.
 */
pid_t child_fork(const char *log, struct error *e);

/* The same, running argv. */
NODISCARD enum err child_start(const char *const *argv, const char *log,
			       pid_t *ret, struct error *e);

/* Has it ended?  Then *pid is -1 afterwards. */
bool child_ended(pid_t *pid);

/* SIGTERM, later SIGKILL, until it has ended; *pid is -1 afterwards. */
void child_stop(pid_t *pid);

/* Ends every process that is a child of ours now. */
void child_end_all(void);

#endif
