/*
 * One request as libmicrohttpd's thread brings it, piece by piece: where it
 * goes, what answers it, and that its end is noticed.
 */
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "bot/base/limits.h"
#include "bot/intake_internal.h"
#include "bot/metrics.h"

bool request_has_body(const struct request_headers *h)
{
	return h->transfer_encoding ||
	       (h->content_length && strcmp(h->content_length, "0") != 0);
}

/* A page that finds no room is no loss. */
static bool is_lost(const struct request *r, enum answer n)
{
	return n == ANSWER_DISK || (n == ANSWER_BUSY && *r->event);
}

static void count(struct request *r, enum answer n)
{
	if (is_lost(r, n) && r->intake->s.refused)
		r->intake->s.refused(r->intake->s.ctx);
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
enum MHD_Result request_step(void *cls, struct MHD_Connection *conn,
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

void request_completed(void *cls, struct MHD_Connection *conn UNUSED,
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
void *request_line(void *cls, const char *uri UNUSED,
		   struct MHD_Connection *conn)
{
	struct intake *i = cls;
	struct visit *v = visit_of(conn);

	if (v)
		reaper_busy(i->reaper, v);
	return NULL;
}

void connection_changed(void *cls, struct MHD_Connection *conn, void **context,
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

void request_written(void *ctx UNUSED, struct job *j)
{
	struct request *r = container_of(j, struct request, job);

	MHD_resume_connection(r->conn);
}
