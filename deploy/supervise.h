/*
 * The supervisor's watch over one program: output to the log, deadline,
 * cancelling, sweeping up, and the verdict.
 */
#ifndef DEPLOY_SUPERVISE_H
#define DEPLOY_SUPERVISE_H

#include "deploy/drain.h"
#include "deploy/job.h"
#include "deploy/joblog.h"
#include "deploy/launch.h"

enum ending {
	ENDING_NONE,
	ENDING_CANCEL,
	ENDING_TIMEOUT,
};

struct supervisor {
	const char *dir;
	json_t *spec;
	struct joblog *log;
	int events;  /* inotify on dir; -1 = looks instead */
	int signals; /* signalfd for SIGCHLD and SIGTERM */
	int64_t deadline;
	bool drains; /* a drain job: drain, not deadline, says when */
	struct drain drain;
	struct child child;
	bool gone; /* the child was waited for */
	int status;
	char first[200]; /* the start of the output */
	size_t first_len;
	enum ending ending;
	int64_t kill_at;
	bool told_to_end; /* SIGTERM: the machine or the service goes down */
	struct job_end end;
};

/* Shall the job end, and why? */
enum ending supervisor_look(const struct supervisor *s);

/*
 * The verdict of a job that we ended; why: what kept a drain job from knowing
 * what still runs, or "".
 */
void supervisor_ended(struct supervisor *s, const char *why);

/* The verdict of a drain job: nothing runs any more, or its time is over. */
void supervisor_drained(struct supervisor *s, bool forced, const char *why);

/*
 * Runs the program of spec and sets end.  An error when it could not even be
 * tried.
 */
NODISCARD enum err supervisor_run(struct supervisor *s, struct error *e);

#endif
