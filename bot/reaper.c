#include "bot/reaper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bot/metrics.h"

/* How often deadlines are looked at. */
#define TICK_MS 100
/* Refused clients that are listened to at one time, and for how long. */
#define LINGERERS 64
#define LINGER_MS 3000

struct visit {
	struct visit *prev;
	struct visit *next;
	int fd;
	bool busy;
	bool cut;
	int64_t until;
};

struct lingerer {
	int fd;
	int64_t until;
};

struct reaper {
	const struct clock *clock;
	int64_t request_ms;
	int64_t idle_ms;
	int wake; /* eventfd: look again at what follows */
	pthread_t thread;

	pthread_mutex_t lock; /* of the following */
	struct visit *visits;
	struct lingerer lingerers[LINGERERS];
	size_t lingering;
	bool stopping;
};

static void wake(struct reaper *r)
{
	eventfd_write(r->wake, 1); /* cannot fail before 2^64 times */
}

/*
 * Only shut down: the descriptor is libmicrohttpd's, which then sees the end
 * and closes.  Under the lock, that reaper_leave() takes before the number
 * can be anybody else's.
 */
static void cut_late(struct reaper *r, int64_t now)
{
	for (struct visit *v = r->visits; v; v = v->next) {
		if (v->cut || now < v->until)
			continue;
		v->cut = true;
		if (v->busy)
			metric_add(METRIC_DELIVERIES, "timeout", NULL, 1);
		shutdown(v->fd, SHUT_RDWR);
	}
}

/* Reads what is there; false when that was all there will ever be. */
static bool drain(int fd)
{
	char buf[65536];
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void drain_all(struct reaper *r, int64_t now)
{
	for (size_t n = 0; n < r->lingering;) {
		struct lingerer *l = &r->lingerers[n];

		if (now < l->until && drain(l->fd)) {
			n++;
			continue;
		}
		close(l->fd);
		*l = r->lingerers[--r->lingering];
	}
}

/* Under the lock: what the next wait is for. */
static size_t fill_poll(struct reaper *r, struct pollfd *set, int *ret_ms)
{
	size_t count = 0;

	set[count++] = (struct pollfd){.fd = r->wake, .events = POLLIN};
	for (size_t n = 0; n < r->lingering; n++)
		set[count++] = (struct pollfd){.fd = r->lingerers[n].fd,
					       .events = POLLIN};
	*ret_ms = r->visits || r->lingering ? TICK_MS : -1;
	return count;
}

static void *reap_loop(void *ctx)
{
	struct reaper *r = ctx;
	struct pollfd set[1 + LINGERERS];

	pthread_mutex_lock(&r->lock);
	while (!r->stopping) {
		eventfd_t count;
		int ms;
		size_t fds = fill_poll(r, set, &ms);
		int64_t now;

		pthread_mutex_unlock(&r->lock);
		poll(set, fds, ms);
		if (set[0].revents)
			eventfd_read(r->wake, &count);
		now = clock_mono(r->clock);
		pthread_mutex_lock(&r->lock);
		cut_late(r, now);
		drain_all(r, now);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

struct reaper *reaper_start(const struct clock *clock, int64_t request_ms,
			    int64_t idle_ms, struct error *e)
{
	struct reaper *r = calloc(1, sizeof(*r));

	if (!r) {
		error_set(e, ERR_FATAL, "out of memory");
		return NULL;
	}
	r->clock = clock;
	r->request_ms = request_ms;
	r->idle_ms = idle_ms;
	r->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&r->lock, NULL);
	if (r->wake >= 0 && !pthread_create(&r->thread, NULL, reap_loop, r))
		return r;
	error_errno(e, ERR_FATAL, "cannot start a thread");
	if (r->wake >= 0)
		close(r->wake);
	pthread_mutex_destroy(&r->lock);
	free(r);
	return NULL;
}

void reaper_stop(struct reaper *r)
{
	pthread_mutex_lock(&r->lock);
	r->stopping = true;
	pthread_mutex_unlock(&r->lock);
	wake(r);
	pthread_join(r->thread, NULL);
	for (size_t n = 0; n < r->lingering; n++)
		close(r->lingerers[n].fd);
	close(r->wake);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

struct visit *reaper_enter(struct reaper *r, int fd)
{
	struct visit *v = calloc(1, sizeof(*v));
	bool first;

	if (!v)
		return NULL;
	v->fd = fd;
	v->busy = true;
	v->until = clock_mono(r->clock) + r->request_ms;
	pthread_mutex_lock(&r->lock);
	v->next = r->visits;
	first = !v->next;
	if (!first)
		v->next->prev = v;
	r->visits = v;
	pthread_mutex_unlock(&r->lock);
	if (first)
		wake(r);
	return v;
}

void reaper_leave(struct reaper *r, struct visit *v)
{
	pthread_mutex_lock(&r->lock);
	if (v->next)
		v->next->prev = v->prev;
	*(v->prev ? &v->prev->next : &r->visits) = v->next;
	pthread_mutex_unlock(&r->lock);
	free(v);
}

void reaper_busy(struct reaper *r, struct visit *v)
{
	pthread_mutex_lock(&r->lock);
	if (!v->busy)
		v->until = clock_mono(r->clock) + r->request_ms;
	v->busy = true;
	pthread_mutex_unlock(&r->lock);
}

void reaper_idle(struct reaper *r, struct visit *v)
{
	pthread_mutex_lock(&r->lock);
	v->busy = false;
	v->until = clock_mono(r->clock) + r->idle_ms;
	pthread_mutex_unlock(&r->lock);
}

void reaper_refuse(struct reaper *r, struct visit *v, const char *text,
		   size_t len)
{
	struct lingerer l = {.until = clock_mono(r->clock) + LINGER_MS};

	/* Little enough for any socket's buffer; else the client has not read
	 * its last answer either. */
	(void)!send(v->fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	shutdown(v->fd, SHUT_WR);
	l.fd = fcntl(v->fd, F_DUPFD_CLOEXEC, 3);
	if (l.fd < 0)
		return;
	pthread_mutex_lock(&r->lock);
	if (r->lingering < LINGERERS) {
		r->lingerers[r->lingering++] = l;
		l.fd = -1;
	}
	pthread_mutex_unlock(&r->lock);
	if (l.fd >= 0)
		close(l.fd);
	else
		wake(r);
}
