#include "deploy/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bot/base/clock.h"
#include "bot/base/fs.h"
#include "deploy/http_check.h"
#include "deploy/supervise.h"

/* A full disk may be emptied; without an exit record the job is "vanished". */
#define RECORD_TRIES 60

static enum err fd_is(int fd, const char *dir, const char *name)
{
	CLEANUP(free) char *path = str_format("%s/%s", dir, name);
	struct stat a, b;

	if (!path || fstat(fd, &a) || stat(path, &b) || a.st_dev != b.st_dev ||
	    a.st_ino != b.st_ino)
		return ERR_MISSING;
	return ERR_OK;
}

/* The backend passes its lock on; a person at a terminal does not. */
static enum err take_lock(const char *dir, struct error *e)
{
	CLEANUP(free) char *path = str_format("%s/" JOB_LOCK, dir);
	int fd;

	if (fd_is(JOB_LOCK_FD, dir, JOB_LOCK) == ERR_OK) {
		fcntl(JOB_LOCK_FD, F_SETFD, FD_CLOEXEC);
		close_range(JOB_LOCK_FD + 1, ~0u, 0);
		return ERR_OK;
	}
	close_range(3, ~0u, 0);
	if (!path)
		return error_set(e, ERR_FATAL, "out of memory");
	if (fs_lock(path, &fd, e))
		return e->code;
	/* Kept until the end. */
	if (fd != JOB_LOCK_FD && dup3(fd, JOB_LOCK_FD, O_CLOEXEC) < 0)
		return error_errno(e, ERR_RETRY, "cannot keep the lock");
	return ERR_OK;
}

static enum err set_signals(struct supervisor *s, struct error *e)
{
	static const int ignored[] = {SIGHUP,  SIGINT,	SIGQUIT, SIGPIPE,
				      SIGXFSZ, SIGTTOU, SIGTTIN, SIGTSTP};
	sigset_t set;

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_SETMASK, &set, NULL);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signals < 0)
		return error_errno(e, ERR_RETRY, "signalfd");
	return ERR_OK;
}

static void watch_folder(struct supervisor *s)
{
	s->events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (s->events >= 0)
		inotify_add_watch(s->events, s->dir, IN_CREATE | IN_MOVED_TO);
}

static bool check_stop(void *ctx)
{
	struct supervisor *s = ctx;

	s->ending = supervisor_look(s);
	return s->ending != ENDING_NONE;
}

static void check_say(void *ctx, const char *line)
{
	struct supervisor *s = ctx;

	joblog_sayf(s->log, "%s", line);
}

static void run_check(struct supervisor *s, const json_t *http)
{
	struct http_probe probe = {
		.url = js_str(http, "url"),
		.status = js_int(http, "status", 200),
		.json = js_get(http, "json"),
		.tries = js_int(http, "tries", 1),
		.every_ms = js_int(http, "every_ms", 0),
		.stop = check_stop,
		.say = check_say,
		.ctx = s,
	};
	struct error e = ERROR_INIT;
	enum err rc = http_check_run(&probe, &e);

	if (s->ending != ENDING_NONE)
		supervisor_ended(s, "");
	else if (rc == ERR_OK)
		job_end_set(&s->end, "success", "ok", "healthy");
	else if (rc == ERR_MISSING)
		job_end_set(&s->end, "failure", "http", "%s: %s", probe.url,
			    e.text);
	else
		job_end_set(&s->end, "error", "not_started", "%s", e.text);
}

static void run_drain(struct supervisor *s, const json_t *http)
{
	struct http_probe probe = {
		.url = js_str(http, "url"),
		.status = js_int(http, "status", 200),
		.json = js_get(http, "json"),
		.every_ms = js_int(http, "every_ms", 0),
		.stop = check_stop,
		.say = check_say,
		.ctx = s,
	};
	struct error e = ERROR_INIT;
	enum err rc = drain_poll(&s->drain, &probe, &e);

	if (s->ending != ENDING_NONE)
		supervisor_ended(s, e.text);
	else if (rc == ERR_OK)
		supervisor_drained(s, false, "");
	else
		job_end_set(&s->end, "error", "not_started", "%s", e.text);
}

static void run_job(struct supervisor *s)
{
	const json_t *http = js_get(s->spec, "http");
	struct error e = ERROR_INIT;

	if (supervisor_look(s) == ENDING_CANCEL)
		job_end_set(&s->end, "cancelled", "not_started", "cancelled");
	else if (http && s->drains)
		run_drain(s, http);
	else if (http)
		run_check(s, http);
	else if (supervisor_run(s, &e)) {
		joblog_sayf(s->log, "%s", e.text);
		job_end_set(&s->end, "error", "not_started", "%s", e.text);
	}
}

/* A job's checkout has no use after it; what cannot go now is left. */
static void remove_work(const struct supervisor *s)
{
	static const char *const names[] = {JOB_WORK, JOB_TMP};
	struct error e = ERROR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CLEANUP(free)
		char *path = str_format("%s/%s", s->dir, names[i]);

		if (path && fs_remove_tree(path, &e))
			fprintf(stderr, "%s\n", e.text);
	}
}

static void write_record(struct supervisor *s)
{
	struct error e = ERROR_INIT;

	s->end.log_lost = joblog_lost(s->log);
	joblog_close(s->log);
	s->log = NULL;
	s->end.finished_ms = clock_wall(&clock_system);
	for (int i = 0; job_end_write(&s->end, s->dir, &e); i++) {
		if (i >= RECORD_TRIES) {
			fprintf(stderr, "%s\n", e.text);
			return;
		}
		/* What filled the disk may well be the job's. */
		if (i == 0) {
			remove_work(s);
			continue;
		}
		nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
	}
}

/* Once only: the marker is durable before the job begins. */
static enum err mark_started(struct supervisor *s, struct error *e)
{
	CLEANUP(free) char *path = str_format("%s/" JOB_STARTED, s->dir);
	char text[40];
	int n;

	if (job_has(s->dir, JOB_STARTED) || job_has(s->dir, JOB_EXIT))
		return error_set(e, ERR_CONFLICT,
				 "this job was started before");
	if (!path)
		return error_set(e, ERR_FATAL, "out of memory");
	s->end.started_ms = clock_wall(&clock_system);
	s->end.exit_code = -1;
	s->end.running = DRAIN_UNKNOWN;
	n = snprintf(text, sizeof(text), "{\"started_ms\":%lld}",
		     (long long)s->end.started_ms);
	return fs_write(path, text, (size_t)n, 0600, e);
}

static enum err prepare(struct supervisor *s, struct error *e)
{
	umask(077);
	if (take_lock(s->dir, e) || set_signals(s, e))
		return e->code;
	if (job_has(s->dir, JOB_STARTED) || job_has(s->dir, JOB_EXIT))
		return error_set(e, ERR_CONFLICT,
				 "this job was started before");
	s->spec = job_read(s->dir, JOB_SPEC, e);
	if (!s->spec)
		return e->code;
	s->deadline =
		clock_mono(&clock_system) + js_int(s->spec, "timeout_ms", 0);
	s->drains = strcmp(js_str(s->spec, "class"), "drain") == 0;
	drain_begin(&s->drain, s->spec, clock_mono(&clock_system));
	s->log = joblog_open(s->dir, e);
	if (!s->log)
		return e->code;
	watch_folder(s);
	return mark_started(s, e);
}

int supervisor_main(const char *dir)
{
	char path[PATH_MAX];
	struct supervisor s = {
		.dir = path,
		.events = -1,
		.signals = -1,
		.child = CHILD_INIT,
	};
	struct error e = ERROR_INIT;
	int rc = 1;

	if (!realpath(dir, path)) {
		fprintf(stderr, "%s: %s\n", dir, strerror(errno));
		return 1;
	}
	if (prepare(&s, &e)) {
		fprintf(stderr, "%s\n", e.text);
		joblog_close(s.log);
	} else {
		run_job(&s);
		write_record(&s);
		remove_work(&s);
		rc = 0;
	}
	child_release(&s.child);
	json_decref(s.spec);
	/* Both descriptors and the lock end with the process. */
	return rc;
}
