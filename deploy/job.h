/*
 * What the local backend and its supervisor agree on: the files of a job's
 * folder and how a job ended.
 *
 *   spec.json      written by the backend: the args of job.run, with
 *                  "isolation" resolved, "hide": [folders] and
 *                  "hide_files": [files]
 *   manifest.json  the job's KCIBOT_MANIFEST
 *   work/ tmp/     all that the job may write
 *   lock           flock'ed from before the supervisor's start to its end:
 *                  the backend takes the lock, prepares, and passes the
 *                  locked descriptor (JOB_LOCK_FD) on, so there is no moment
 *                  in which two of them could start the same job
 *   hold           flock'ed by bubblewrap in place of lock, until the last
 *                  process in it is gone: only of use when the supervisor
 *                  was killed
 *   started        made by the supervisor before it starts anything: a job
 *                  runs at most once
 *   cancel         made by the backend: the supervisor shall end the job
 *   log            see deploy/joblog.h
 *   exit.json      the end, written atomically; see struct job_end
 *   supervisor.log what the supervisor itself had to say; empty
 *
 * No process id is ever stored, so none is ever mistaken.
 */
#ifndef DEPLOY_JOB_H
#define DEPLOY_JOB_H

#include "bot/base/json.h"
#include "bot/base/str.h"
#include "deploy/strv.h"

#define JOB_SPEC "spec.json"
#define JOB_MANIFEST "manifest.json"
#define JOB_WORK "work"
#define JOB_TMP "tmp"
#define JOB_LOCK "lock"
#define JOB_HOLD "hold"
#define JOB_STARTED "started"
#define JOB_CANCEL "cancel"
#define JOB_EXIT "exit.json"

#define JOB_LOCK_FD 3

/* Between SIGTERM and SIGKILL. */
#define JOB_GRACE_MS 5000
/* A spec holds a manifest of at most some hundred revisions. */
#define JOB_SPEC_MAX (8u << 20)

struct job_end {
	const char *verdict; /* "success", "failure", "error", "cancelled" */
	const char *reason;  /* a reason_code of deploy/backend.h */
	char text[400];	     /* for people */
	int exit_code;	     /* -1 when it did not exit by itself */
	int signal;	     /* 0 when none */
	int64_t started_ms;
	int64_t finished_ms;
	int64_t running;  /* what a drain job left running, -1 = unknown */
	int64_t log_lost; /* bytes of output that the disk refused */
};

void job_end_set(struct job_end *end, const char *verdict, const char *reason,
		 const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Writes dir/exit.json. */
NODISCARD enum err job_end_write(const struct job_end *end, const char *dir,
				 struct error *e);

/* Reads a JSON object of a job's folder; NULL, ERR_MISSING when absent. */
NODISCARD json_t *job_read(const char *dir, const char *name, struct error *e);

bool job_has(const char *dir, const char *name);

/* The argv with {cycle}, {kind} and {environment} replaced. */
NODISCARD enum err job_argv(const json_t *spec, struct strv *ret,
			    struct error *e);

/* Is the program a file of the checkout? */
bool job_program_inside(const json_t *spec);

/* May this be the name of a project's folder in work/? */
bool job_folder_valid(const char *name);

/*
 * The job's whole environment.  ERR_MISSING when the file of a secret cannot
 * be used, with the variable's name.
 */
NODISCARD enum err job_env(const json_t *spec, const char *dir,
			   struct strv *ret, struct error *e);

#endif
