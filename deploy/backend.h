/*
 * The job port, and the local backend behind it.
 *
 * Each job runs under a supervisor process of ours (`kcibot run-job DIR`,
 * own session) that outlives the bot: it holds a lock on DIR/lock while it
 * lives, writes a bounded DIR/log, enforces the deadline, and writes
 * DIR/exit.json atomically at the end.  Started again with the same key the
 * port adopts: exit.json there = that is the answer; lock held = wait for it;
 * neither, but a spec = the supervisor vanished, verdict error.
 *
 *   state_dir/jobs/KEY/spec.json exit.json log lock work/
 *
 * KEY is made by the engine from numbers and the job's configured name.
 * Everything but work/ lies outside the job's reach.
 *
 * job.run   args  {"key", "cycle": id, "kind", "environment", "stage", "job",
 *                  "class": "code"|"prepare"|"drain"|"state",
 *                  "run": [argv] or "http": {url, status, json, tries,
 *                  every_ms}, "timeout_ms", "secrets": {NAME: FILE},
 *                  "isolation": "bubblewrap"|"user:NAME"|"none"|"default",
 *                  "manifest": {"projects": [{"repo", "name", "sha", ...}]}}
 *           body  {"verdict": "success"|"failure"|"error"|"cancelled",
 *                  "reason_code": "ok"|"exit"|"timeout"|"signal"|"not_started"
 *                  |"secret_missing"|"checkout"|"vanished"|"http"|"cancelled",
 *                  "text": for people, "exit_code", "signal", "started_ms",
 *                  "finished_ms", "tail": last lines of the log, redacted}
 *           ERR_OK whenever there is a verdict.  {cycle}, {kind},
 *           {environment} are replaced inside argv elements.
 *
 * job.cancel args {"key"}  SIGTERM, then SIGKILL after a grace; body {} once
 *           the job is gone (its job.run answers "cancelled").
 */
#ifndef DEPLOY_BACKEND_H
#define DEPLOY_BACKEND_H

#include "bot/base/clock.h"
#include "bot/base/port.h"
#include "deploy/git_port.h"

struct backend_settings {
	const char *dir;     /* state_dir/jobs */
	const char *hide;    /* folder no job may see: state_dir */
	const char *const *hide_files; /* NULL-terminated: token, secrets, ... */
	const char *program; /* path of the kcibot binary, for the supervisor */
	int parallel;
	const struct clock *clock;
	struct git_settings git;
};

struct port *backend_port_new(const struct backend_settings *settings,
			      struct error *e);

/* The supervisor: `kcibot run-job DIR`.  Returns the exit status of main. */
int supervisor_main(const char *dir);

/*
 * The strongest isolation that works here, tried out: "bubblewrap" or
 * "none"; e tells why not bubblewrap.
 */
const char *isolation_best(struct error *e);

#endif
