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
 *   state_dir/jobs/KEY/    see deploy/job.h
 *
 * KEY is made by the engine from numbers and the job's configured name:
 * letters, digits and "._-", at most 128, not starting with a dot.
 * Everything but work/ and tmp/ lies outside the job's reach (see
 * deploy/isolation.h).  When a job has ended, whatever way, its processes are
 * killed and its checkout is removed; a deploy reaches its target through
 * something that is not its child.
 *
 * job.run   args  {"key", "cycle": id, "kind", "environment", "stage", "job",
 *                  "class": "code"|"prepare"|"drain"|"state",
 *                  "run": [argv] or "http": {url, status, json, tries,
 *                  every_ms}, "timeout_ms", "full_ms": drain jobs, see
 *                  deploy/drain.h, "secrets": {NAME: FILE},
 *                  "isolation": "bubblewrap"|"user:NAME"|"none"|"default",
 *                  "number": what the job knows the cycle by, if not "cycle",
 *                  "manifest": {"projects": [{"repo", "name", "sha", ...}]}}
 *           body  {"verdict": "success"|"failure"|"error"|"cancelled",
 *                  "reason_code": "ok"|"exit"|"timeout"|"signal"|"not_started"
 *                  |"secret_missing"|"checkout"|"vanished"|"http"|"cancelled"
 *                  |"drained"|"forced"; "not_started", "secret_missing"
 *                  and "checkout" say that nothing of it ran, whatever the
 *                  verdict: one that is cancelled in the queue is
 *                  "not_started",
 *                  "text": for people, "exit_code", "signal", "started_ms",
 *                  "finished_ms", "running": what a drain job left running,
 *                  -1 = not known, "tail": last lines of the log,
 *                  redacted}
 *           ERR_OK whenever there is a verdict.  {cycle} (the number), {kind},
 *           {environment} are replaced inside argv elements.  ERR_RETRY when
 *           the checkout or the machine may do better later (with `unknown`
 *           when the job may run all the same), ERR_INVALID for args that
 *           are not as above.
 *
 * job.cancel args {"key"}  SIGTERM, then SIGKILL after a grace; body {} once
 *           the job is gone (its job.run answers "cancelled").  Remembered on
 *           disk: a job.run with this key that comes later, or again after a
 *           crash, answers "cancelled" too, unless the job had ended before.
 */
#ifndef DEPLOY_BACKEND_H
#define DEPLOY_BACKEND_H

#include "bot/base/clock.h"
#include "bot/base/port.h"
#include "deploy/git_port.h"
#include "deploy/isolation.h"
#include "deploy/supervisor.h"

struct backend_settings {
	const char *dir;  /* state_dir/jobs; made when missing */
	const char *hide; /* folder no job may see: state_dir; or NULL */
	const char *const *hide_files; /* NULL-terminated: token, secrets, ...;
					  or NULL */
	const char *program; /* path of the kcibot binary, for the supervisor */
	int parallel; /* jobs of an environment at one time, at least 1 */
	const struct clock *clock;
	struct git_settings git;
	/* How a project gets into work/; NULL = git_checkout(). */
	enum err (*checkout)(const struct git_settings *git, const char *repo,
			     const char *sha, const char *dir, struct error *e);
};

/*
 * The port; all text in settings must outlive it.  NULL on failure.  stop()
 * leaves running jobs alone: the next port adopts them.
 */
NODISCARD struct port *backend_port_new(const struct backend_settings *settings,
					struct error *e);

#endif
