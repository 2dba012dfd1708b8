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
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include "bot/base/limits.h"
#include "bot/intake_internal.h"
#include "bot/listen.h"
#include "bot/metrics.h"

#define IDLE_MS 60000

bool request_has_body(const struct request_headers *h)
{
	return h->transfer_encoding ||
	       (h->content_length && strcmp(h->content_length, "0") != 0);
}

static void count(struct request *r, enum answer n)
{
	if (answer_metric(n))
		metric_add(METRIC_DELIVERIES, answer_metric(n), NULL, 1);
	if (n == ANSWER_JOURNALED)
		metric_delivery_seen(clock_mono(r->intake->s.clock));
}

enum MHD_Result request_answer(struct request *r, enum answer n)
{
	r->state = REQUEST_ANSWERED;
	count(r, n);
	return answer_send(r->intake->answers, n, r->conn);
}

enum MHD_Result request_refuse(struct request *r, enum answer n)
{
	CLEANUP(str_release) struct str text = STR_INIT(4096);

	r->state = REQUEST_ANSWERED;
	count(r, n);
	answer_raw(n, &text);
	reaper_refuse(r->intake->reaper, r->visit, text.text, text.len);
	return MHD_NO; /* closes the connection */
}

static enum MHD_Result collect(void *cls, enum MHD_ValueKind kind UNUSED,
			       const char *name, const char *value)
{
	struct request_headers *h = cls;
	const struct {
		const char *name;
		const char **to;
	} wanted[] = {
		{"X-GitHub-Event", &h->event},
		{"X-GitHub-Delivery", &h->delivery},
		{"X-Hub-Signature-256", &h->signature},
		{"Content-Type", &h->content_type},
		{"Content-Length", &h->content_length},
		{"Transfer-Encoding", &h->transfer_encoding},
	};

	for (size_t n = 0; n < ARRAY_SIZE(wanted); n++) {
		if (strcasecmp(name, wanted[n].name) != 0)
			continue;
		h->twice |= *wanted[n].to != NULL;
		*wanted[n].to = value ? value : "";
		break;
	}
	return MHD_YES;
}

/* Pages count as bodies do: a client may read as slowly as it sends. */
static bool hold_page(struct request *r, const struct str *body)
{
	struct intake *i = r->intake;

	if (i->bodies + body->cap > i->s.bodies)
		return false;
	i->bodies += body->cap;
	r->cap = body->cap;
	return true;
}

static bool is_reading(const char *method)
{
	return !strcmp(method, MHD_HTTP_METHOD_GET) ||
	       !strcmp(method, MHD_HTTP_METHOD_HEAD);
}

static enum MHD_Result send_page(struct request *r, const char *method,
				 const char *path)
{
	const struct intake_settings *s = &r->intake->s;
	bool reading = is_reading(method);
	struct page page = {.status = 404, .type = "text/plain"};
	enum MHD_Result sent;

	str_init(&page.body, LIMIT_PAGE);
	if (s->page)
		s->page(s->ctx, path, &page);
	if (page.status == 404 && (!page.body.len || !reading))
		sent = request_answer(r, ANSWER_NOT_FOUND);
	else if (!reading)
		sent = request_answer(r, ANSWER_PAGE_METHOD);
	else if (!hold_page(r, &page.body))
		sent = request_answer(r, ANSWER_BUSY);
	else
		sent = answer_page(r->intake->answers, page.status, page.type,
				   &page.body, r->conn);
	r->state = REQUEST_ANSWERED;
	str_release(&page.body);
	return sent;
}

static enum MHD_Result begin(struct request *r, const char *path,
			     const char *method)
{
	struct request_headers h = {0};

	MHD_get_connection_values(r->conn, MHD_HEADER_KIND, collect, &h);
	if (!strcmp(path, "/webhook")) {
		if (!strcmp(method, MHD_HTTP_METHOD_POST))
			return webhook_begin(r, &h);
		return request_has_body(&h)
			       ? request_refuse(r, ANSWER_WEBHOOK_METHOD)
			       : request_answer(r, ANSWER_WEBHOOK_METHOD);
	}
	if (request_has_body(&h))
		return request_refuse(r, is_reading(method)
						 ? ANSWER_BAD_REQUEST
						 : ANSWER_PAGE_METHOD);
	return send_page(r, method, path);
}

static struct visit *visit_of(struct MHD_Connection *conn)
{
	return MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
		->socket_context;
}

static struct request *request_new(struct intake *i,
				   struct MHD_Connection *conn)
{
	struct visit *visit = visit_of(conn);
	/* Without a visit it was shut down, but bytes may have been there. */
	struct request *r = visit ? calloc(1, sizeof(*r)) : NULL;

	if (!r)
		return NULL;
	r->intake = i;
	r->conn = conn;
	r->visit = visit;
	pthread_mutex_lock(&i->lock);
	i->active++;
	pthread_mutex_unlock(&i->lock);
	return r;
}

/* Called for the headers, each piece of the body, its end, after resuming. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn,
				  const char *path, const char *method,
				  const char *version UNUSED, const char *data,
				  size_t *len, void **con_cls)
{
	struct request *r = *con_cls;

	if (!r) {
		*con_cls = r = request_new(cls, conn);
		return r ? begin(r, path, method) : MHD_NO;
	}
	if (*len) {
		size_t got = *len;

		*len = 0;
		return r->state == REQUEST_RECEIVING
			       ? webhook_data(r, data, got)
			       : MHD_YES;
	}
	if (r->state == REQUEST_COMMITTING)
		return webhook_committed(r);
	return r->state == REQUEST_RECEIVING ? webhook_end(r) : MHD_YES;
}

static void on_completed(void *cls, struct MHD_Connection *conn UNUSED,
			 void **con_cls,
			 enum MHD_RequestTerminationCode why UNUSED)
{
	struct intake *i = cls;
	struct request *r = *con_cls;

	if (!r)
		return;
	*con_cls = NULL;
	reaper_idle(i->reaper, r->visit);
	webhook_release(r);
	free(r);
	pthread_mutex_lock(&i->lock);
	i->active--;
	pthread_cond_broadcast(&i->quiet);
	pthread_mutex_unlock(&i->lock);
}

/* The earliest moment at which a request can be noticed. */
static void *on_request_line(void *cls, const char *uri UNUSED,
			     struct MHD_Connection *conn)
{
	struct intake *i = cls;
	struct visit *v = visit_of(conn);

	if (v)
		reaper_busy(i->reaper, v);
	return NULL;
}

static void on_connection(void *cls, struct MHD_Connection *conn,
			  void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct intake *i = cls;
	int fd =
		MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD)
			->connect_fd;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (*context)
			reaper_leave(i->reaper, *context);
		return;
	}
	*context = reaper_enter(i->reaper, fd);
	if (!*context)
		shutdown(fd, SHUT_RDWR);
}

static void on_done(void *ctx UNUSED, struct job *j)
{
	struct request *r = container_of(j, struct request, job);

	MHD_resume_connection(r->conn);
}

static enum err start_daemon(struct intake *i, struct error *e)
{
	int fd;

	if (listen_on(i->s.host, i->s.port, &fd, &i->port, e))
		return e->code;
	i->daemon = MHD_start_daemon(
		MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0,
		NULL, NULL, on_request, i, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, i->s.connections,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, i,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, i,
		MHD_OPTION_URI_LOG_CALLBACK, on_request_line, i,
		MHD_OPTION_END);
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
		.done = on_done,
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
