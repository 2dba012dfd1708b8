#include "deploy/supervise.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bot/base/clock.h"
#include "deploy/descend.h"

/* Looks around at least this often, whatever events say. */
#define LOOK_MS 500
/* A process that cannot be killed (a dead disk) is not waited for longer. */
#define REAP_MS 10000
static int64_t now_ms(void)
{
	return clock_mono(&clock_system);
}

static void note_signals(struct supervisor *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGTERM)
			s->told_to_end = true;
	}
}

static void note_events(const struct supervisor *s)
{
	char buf[4096];

	while (read(s->events, buf, sizeof(buf)) > 0)
		;
}

static int64_t deadline_of(const struct supervisor *s)
{
	return s->drains ? drain_deadline(&s->drain) : s->deadline;
}

enum ending supervisor_look(const struct supervisor *s)
{
	if (job_has(s->dir, JOB_CANCEL))
		return ENDING_CANCEL;
	if (now_ms() >= deadline_of(s))
		return ENDING_TIMEOUT;
	return ENDING_NONE;
}

static void take_output(struct supervisor *s, const char *data, size_t len)
{
	size_t room = sizeof(s->first) - 1 - s->first_len;
	size_t n = len < room ? len : room;

	memcpy(s->first + s->first_len, data, n);
	s->first_len += n;
	if (s->drains && len)
		drain_feed(&s->drain, data, len);
	joblog_write(s->log, data, len);
}

/* Moves output to the log; false at its end. */
static bool move_output(struct supervisor *s)
{
	char buf[65536];
	ssize_t n = read(s->child.output, buf, sizeof(buf));

	if (n > 0)
		take_output(s, buf, (size_t)n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void reap(struct supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != s->child.pid)
			continue;
		s->gone = true;
		s->status = status;
	}
}

/* A first word, and after the grace the last one. */
static void end_job(struct supervisor *s)
{
	if (s->ending == ENDING_NONE) {
		s->ending = supervisor_look(s);
		if (s->ending == ENDING_NONE)
			return;
		joblog_sayf(s->log, "%s, ending the job",
			    s->ending == ENDING_CANCEL ? "cancelled"
						       : "out of time");
		descend_signal(s->child.scaffold + 1, SIGTERM);
		s->kill_at = now_ms() + JOB_GRACE_MS;
	} else if (now_ms() >= s->kill_at) {
		descend_signal(1, SIGKILL);
		s->kill_at = now_ms() + LOOK_MS;
	}
}

static int wait_ms(const struct supervisor *s)
{
	int64_t next = s->ending ? s->kill_at : deadline_of(s);
	int64_t left = next - now_ms();

	return (int)(left < 0 ? 0 : left > LOOK_MS ? LOOK_MS : left);
}

static void supervise(struct supervisor *s)
{
	bool open = true;

	while (!s->gone) {
		struct pollfd fds[] = {
			{.fd = open ? s->child.output : -1, .events = POLLIN},
			{.fd = s->events, .events = POLLIN},
			{.fd = s->signals, .events = POLLIN},
		};

		poll(fds, ARRAY_SIZE(fds), wait_ms(s));
		if (fds[0].revents)
			open = move_output(s);
		note_events(s);
		note_signals(s);
		reap(s);
		if (!s->gone)
			end_job(s);
	}
}

/* Whatever the job left behind comes to us, its foster parent, and ends. */
static void sweep(struct supervisor *s)
{
	int64_t end = now_ms() + REAP_MS;

	while (now_ms() < end) {
		struct pollfd fd = {.fd = s->signals, .events = POLLIN};
		pid_t pid;

		descend_signal(1, SIGKILL);
		do
			pid = waitpid(-1, NULL, WNOHANG);
		while (pid > 0);
		if (pid < 0 && errno == ECHILD)
			break;
		poll(&fd, 1, 50);
		note_signals(s);
	}
	/* Bounded: a foreign process may have got hold of the pipe. */
	for (int i = 0; i < 64; i++) {
		char buf[16384];
		ssize_t n = read(s->child.output, buf, sizeof(buf));

		if (n <= 0)
			break;
		take_output(s, buf, (size_t)n);
	}
}

void supervisor_drained(struct supervisor *s, bool forced, const char *why)
{
	CLEANUP(str_release) struct str text = STR_INIT(1024);

	drain_say(&s->drain, forced, now_ms(), why, &text);
	joblog_sayf(s->log, "%s", text.text);
	job_end_set(&s->end, "success", forced ? "forced" : "drained", "%s",
		    text.text);
	s->end.running = forced ? s->drain.running : 0;
}

void supervisor_ended(struct supervisor *s, const char *why)
{
	if (s->ending == ENDING_CANCEL)
		job_end_set(&s->end, "cancelled", "cancelled", "cancelled");
	else if (s->drains)
		supervisor_drained(s, true, why);
	else
		job_end_set(&s->end, "failure", "timeout",
			    "not finished after %lld s",
			    (long long)js_int(s->spec, "timeout_ms", 0) / 1000);
}

static void judge_not_started(struct supervisor *s, enum err rc,
			      const char *why)
{
	bool inside = rc == ERR_MISSING && job_program_inside(s->spec);

	joblog_sayf(s->log, "cannot start the job: %s", why);
	job_end_set(&s->end, inside ? "failure" : "error", "not_started",
		    "cannot start: %s", why);
}

static void judge(struct supervisor *s)
{
	struct error e = ERROR_INIT;
	enum err rc;

	s->first[strcspn(s->first, "\n")] = '\0';
	if (s->drains)
		drain_feed(&s->drain, NULL, 0);
	rc = launch_result(&s->child, s->status, s->first, &s->end.exit_code,
			   &s->end.signal, &e);
	if (s->ending != ENDING_NONE)
		supervisor_ended(s, "");
	else if (rc == ERR_MISSING || rc == ERR_FATAL)
		judge_not_started(s, rc, e.text);
	else if (rc)
		job_end_set(&s->end, "error", "signal", "%s", e.text);
	else if (s->end.signal && s->told_to_end)
		job_end_set(&s->end, "error", "signal",
			    "ended with the service (signal %d)",
			    s->end.signal);
	else if (s->end.signal)
		job_end_set(&s->end, "failure", "signal", "ended by signal %d",
			    s->end.signal);
	else if (s->end.exit_code)
		job_end_set(&s->end, "failure", "exit", "exit code %d",
			    s->end.exit_code);
	else if (s->drains)
		supervisor_drained(s, false, "");
	else
		job_end_set(&s->end, "success", "ok", "done");
}

enum err supervisor_run(struct supervisor *s, struct error *e)
{
	CLEANUP(strv_release) struct strv argv = STRV_INIT;
	CLEANUP(strv_release) struct strv env = STRV_INIT;
	struct launch l = {
		.view = {.dir = s->dir,
			 .hide = js_get(s->spec, "hide"),
			 .files = js_get(s->spec, "hide_files")},
		.isolation = js_str(s->spec, "isolation"),
	};

	if (job_argv(s->spec, &argv, e))
		return e->code;
	if (job_env(s->spec, s->dir, &env, e)) {
		joblog_sayf(s->log, "%s", e->text);
		job_end_set(&s->end, "error",
			    e->code == ERR_MISSING ? "secret_missing"
						   : "not_started",
			    "%s", e->text);
		return ERR_OK;
	}
	l.argv = argv.v;
	l.env = env.v;
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) || launch_start(&l, &s->child, e))
		return error_prefix(e, "isolation %s", l.isolation);
	supervise(s);
	sweep(s);
	judge(s);
	return ERR_OK;
}
