/*
 * POST /webhook: what is checked before a body is read, while it is read and
 * when it is whole.  The order of the checks stands in bot/intake.h.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bot/base/limits.h"
#include "bot/base/log.h"
#include "bot/intake_internal.h"

#define FIRST_PIECE (64u << 10)

/* 1 to 128 printable ASCII characters. */
static bool copy_name(char to[NAME_BYTES + 1], const char *from)
{
	size_t len = from ? strnlen(from, NAME_BYTES + 1) : 0;

	if (!len || len > NAME_BYTES)
		return false;
	for (size_t n = 0; n < len; n++)
		if (from[n] < 0x21 || from[n] > 0x7e)
			return false;
	memcpy(to, from, len);
	to[len] = '\0';
	return true;
}

static bool is_json(const char *type)
{
	static const char json[] = "application/json";
	size_t len = sizeof(json) - 1;

	return type && !strncasecmp(type, json, len) &&
	       (!type[len] || strchr("; \t", type[len]));
}

/* libmicrohttpd has checked that it is a number. */
static size_t announced(const struct request_headers *h)
{
	return h->content_length ? strtoull(h->content_length, NULL, 10) : 0;
}

static bool is_ambiguous(const struct request_headers *h)
{
	return h->twice || (h->transfer_encoding &&
			    (h->content_length ||
			     strcasecmp(h->transfer_encoding, "chunked")));
}

/* ANSWER_MAX: nothing is wrong with the headers. */
static enum answer judge(struct request *r, const struct request_headers *h)
{
	if (atomic_load(&r->intake->stopping))
		return ANSWER_STOPPING;
	if (is_ambiguous(h))
		return ANSWER_BAD_REQUEST;
	if (announced(h) > LIMIT_BODY)
		return ANSWER_TOO_LARGE;
	if (!is_json(h->content_type))
		return ANSWER_NOT_JSON;
	if (!copy_name(r->event, h->event) || !copy_name(r->guid, h->delivery))
		return ANSWER_BAD_HEADERS;
	if (!h->signature || !signature_parse(h->signature, r->claim))
		return ANSWER_BAD_SIGNATURE;
	return ANSWER_MAX;
}

enum MHD_Result webhook_begin(struct request *r,
			      const struct request_headers *h)
{
	enum answer bad = judge(r, h);

	r->expected = announced(h);
	if (bad == ANSWER_MAX)
		return MHD_YES;
	return request_has_body(h) ? request_refuse(r, bad)
				   : request_answer(r, bad);
}

/* False when we are too far in stopping. */
static bool enter_committing(struct intake *i)
{
	bool open;

	pthread_mutex_lock(&i->lock);
	open = !i->closed;
	i->committing += open;
	pthread_mutex_unlock(&i->lock);
	return open;
}

/* The committer is through with it, and the HTTP thread knows. */
static void leave_committing(struct request *r)
{
	struct intake *i = r->intake;

	r->state = REQUEST_ANSWERED;
	pthread_mutex_lock(&i->lock);
	i->committing--;
	pthread_cond_broadcast(&i->quiet);
	pthread_mutex_unlock(&i->lock);
}

void webhook_release(struct request *r)
{
	/* A client that went away meanwhile is not announced again. */
	if (r->state == REQUEST_COMMITTING)
		leave_committing(r);
	free(r->body);
	r->body = NULL;
	r->intake->bodies -= r->cap;
	r->len = r->cap = 0;
}

/*
 * Memory follows what has really come, never what was announced: half-open
 * requests cost next to nothing.
 */
static bool grow(struct request *r, size_t need)
{
	size_t most = r->expected ? r->expected : LIMIT_BODY;
	size_t cap = r->cap ? r->cap * 2 : FIRST_PIECE;
	struct intake *i = r->intake;
	char *body;

	if (cap < need)
		cap = need;
	if (cap > most && need <= most)
		cap = most;
	if (i->bodies - r->cap + cap > i->s.bodies)
		return false;
	body = realloc(r->body, cap);
	if (!body)
		return false;
	i->bodies += cap - r->cap;
	r->body = body;
	r->cap = cap;
	return true;
}

enum MHD_Result webhook_data(struct request *r, const char *data, size_t len)
{
	if (len > LIMIT_BODY - r->len)
		return request_refuse(r, ANSWER_TOO_LARGE);
	if (r->len + len > r->cap && !grow(r, r->len + len))
		return request_refuse(r, ANSWER_BUSY);
	memcpy(r->body + r->len, data, len);
	r->len += len;
	return MHD_YES;
}

static enum err check(struct request *r, struct error *e)
{
	struct intake *i = r->intake;
	enum err code;

	pthread_mutex_lock(&i->secret_lock);
	code = signature_check(i->signature, r->body ? r->body : "", r->len,
			       r->claim, e);
	pthread_mutex_unlock(&i->secret_lock);
	return code;
}

/*
 * The connection rests until the committer's done().  Suspended first, as
 * done() may come before committer_add() returns.
 */
static enum MHD_Result hand_over(struct request *r)
{
	struct intake *i = r->intake;

	if (!enter_committing(i)) {
		webhook_release(r);
		return request_answer(r, ANSWER_STOPPING);
	}
	r->state = REQUEST_COMMITTING;
	r->job = (struct job){
		.guid = r->guid,
		.event = r->event,
		.body = r->body ? r->body : "",
		.len = r->len,
		.received_ms = clock_wall(i->s.clock),
		.code = ERR_RETRY,
	};
	MHD_suspend_connection(r->conn);
	if (!committer_add(i->committer, &r->job))
		MHD_resume_connection(r->conn);
	return MHD_YES;
}

enum MHD_Result webhook_end(struct request *r)
{
	struct error e = ERROR_INIT;
	enum err code = check(r, &e);

	if (!code)
		return hand_over(r);
	webhook_release(r);
	if (code == ERR_REFUSED)
		return request_answer(r, ANSWER_BAD_SIGNATURE);
	/* No memory: the sender has done nothing wrong. */
	log_warning("a delivery was refused: %s", e.text);
	return request_answer(r, ANSWER_BUSY);
}

enum MHD_Result webhook_committed(struct request *r)
{
	webhook_release(r);
	if (r->job.code)
		return request_answer(r, ANSWER_DISK);
	return request_answer(r, r->job.duplicate ? ANSWER_DUPLICATE
						  : ANSWER_JOURNALED);
}
