/*
 * libmicrohttpd, tamed.  What it is not left to do by itself:
 *
 *   epoll         stalls when exactly 128 events come at once; so: poll
 *   timeouts      count from the last byte; so: bot/reaper.h
 *   stopping      aborts while a connection is suspended; so: intake_stop()
 *                 waits until none is and none will be
 *   signals       its thread would take SIGTERM; so: blocked while it starts
 *   early answers are lost when the client is still sending; so:
 *                 request_refuse()
 */
#include "bot/intake.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <time.h>

#include "bot/base/limits.h"
#include "bot/intake_internal.h"
#include "bot/listen.h"

#define IDLE_MS 60000

static enum err start_daemon(struct intake *i, struct error *e)
{
	int fd;

	if (listen_on(i->s.host, i->s.port, &fd, &i->port, e))
		return e->code;
	i->daemon = MHD_start_daemon(
		MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0,
		NULL, NULL, request_step, i, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, i->s.connections,
		MHD_OPTION_NOTIFY_COMPLETED, request_completed, i,
		MHD_OPTION_NOTIFY_CONNECTION, connection_changed, i,
		MHD_OPTION_URI_LOG_CALLBACK, request_line, i, MHD_OPTION_END);
	if (!i->daemon)
		return error_set(e, ERR_FATAL,
				 "libmicrohttpd does not start on %s:%d",
				 i->s.host, i->port);
	return ERR_OK;
}

static enum err start_all(struct intake *i, struct error *e)
{
	const struct committer_settings cs = {
		.path = i->s.inbox_path,
		.clock = i->s.clock,
		.most = i->s.connections,
		.done = request_written,
		.committed = i->s.committed,
		.committed_ctx = i->s.ctx,
	};

	i->signature = signature_load(i->s.secret_file, e);
	if (!i->signature)
		return error_prefix(e, "webhook secret");
	i->answers = answers_new();
	if (!i->answers)
		return error_set(e, ERR_FATAL, "out of memory");
	i->reaper = reaper_start(i->s.clock, i->s.request_ms, i->s.idle_ms, e);
	if (!i->reaper)
		return e->code;
	i->committer = committer_start(&cs, e);
	if (!i->committer)
		return e->code;
	return start_daemon(i, e);
}

static void destroy(struct intake *i)
{
	if (i->daemon)
		MHD_stop_daemon(i->daemon);
	if (i->committer)
		committer_free(i->committer);
	if (i->reaper)
		reaper_stop(i->reaper);
	if (i->answers)
		answers_free(i->answers);
	if (i->signature)
		signature_free(i->signature);
	pthread_mutex_destroy(&i->lock);
	pthread_mutex_destroy(&i->secret_lock);
	pthread_cond_destroy(&i->quiet);
	free(i);
}

static struct intake *make(const struct intake_settings *s)
{
	struct intake *i = calloc(1, sizeof(*i));
	pthread_condattr_t attr;

	if (!i)
		return NULL;
	i->s = *s;
	if (!i->s.idle_ms)
		i->s.idle_ms = IDLE_MS;
	if (!i->s.bodies)
		i->s.bodies = LIMIT_BODIES_IN_FLIGHT;
	pthread_mutex_init(&i->lock, NULL);
	pthread_mutex_init(&i->secret_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&i->quiet, &attr);
	pthread_condattr_destroy(&attr);
	return i;
}

struct intake *intake_start(const struct intake_settings *s, struct error *e)
{
	struct intake *i = make(s);
	sigset_t all, before;
	enum err code;

	if (!i) {
		error_set(e, ERR_FATAL, "out of memory");
		return NULL;
	}
	/* Else the first large body teaches malloc to keep such memory. */
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	/* New threads inherit this: signals are main's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	code = start_all(i, e);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (code) {
		destroy(i);
		return NULL;
	}
	return i;
}

int intake_port(const struct intake *i)
{
	return i->port;
}

bool intake_healthy(const struct intake *i)
{
	return committer_healthy(i->committer);
}

enum err intake_reload_secret(struct intake *i, struct error *e)
{
	struct signature *fresh = signature_load(i->s.secret_file, e);
	struct signature *old;

	if (!fresh)
		return error_prefix(e, "webhook secret");
	pthread_mutex_lock(&i->secret_lock);
	old = i->signature;
	i->signature = fresh;
	pthread_mutex_unlock(&i->secret_lock);
	signature_free(old);
	return ERR_OK;
}

/* Until all requests are through, or as long as one may take. */
static void wait_for_active(struct intake *i)
{
	int64_t ms = i->s.request_ms;
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000 + 1; /* one more for the answer */
	pthread_mutex_lock(&i->lock);
	while (i->active)
		if (pthread_cond_timedwait(&i->quiet, &i->lock, &t) ==
		    ETIMEDOUT)
			break;
	i->closed = true;
	pthread_mutex_unlock(&i->lock);
}

static void wait_for_committing(struct intake *i)
{
	pthread_mutex_lock(&i->lock);
	while (i->committing)
		pthread_cond_wait(&i->quiet, &i->lock);
	pthread_mutex_unlock(&i->lock);
}

void intake_stop(struct intake *i)
{
	int fd;

	if (!i)
		return;
	atomic_store(&i->stopping, true);
	fd = MHD_quiesce_daemon(i->daemon);
	if (fd >= 0)
		close(fd);
	wait_for_active(i);
	committer_stop(i->committer);
	/* Each that it resumed has been seen again by the HTTP thread. */
	wait_for_committing(i);
	destroy(i);
}
