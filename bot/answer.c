#include "bot/answer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct answer_info {
	int status;
	const char *reason;
	const char *body;
	const char *metric;
	const char *header; /* one more, or NULL */
	const char *value;
};

/* GitHub never retries by itself, but proxies and people do. */
#define RETRY "Retry-After", "5"

static const struct answer_info table[ANSWER_MAX] = {
	[ANSWER_JOURNALED] = {202, "Accepted", "{\"result\":\"journaled\"}",
			      "accepted", NULL, NULL},
	[ANSWER_DUPLICATE] = {200, "OK", "{\"result\":\"known already\"}",
			      "duplicate", NULL, NULL},
	[ANSWER_BAD_REQUEST] = {400, "Bad Request",
				"{\"error\":\"headers contradict each other\"}",
				"bad_request", NULL, NULL},
	[ANSWER_BAD_HEADERS] = {400, "Bad Request",
				"{\"error\":\"X-GitHub-Event and"
				" X-GitHub-Delivery are needed, 1 to 128"
				" visible characters each\"}",
				"bad_request", NULL, NULL},
	[ANSWER_BAD_SIGNATURE] = {401, "Unauthorized",
				  "{\"error\":\"X-Hub-Signature-256 is missing"
				  " or wrong\"}",
				  "bad_signature", NULL, NULL},
	[ANSWER_NOT_FOUND] = {404, "Not Found",
			      "{\"error\":\"there is no such thing\"}", NULL,
			      NULL, NULL},
	[ANSWER_WEBHOOK_METHOD] = {405, "Method Not Allowed",
				   "{\"error\":\"POST only\"}", NULL, "Allow",
				   "POST"},
	[ANSWER_PAGE_METHOD] = {405, "Method Not Allowed",
				"{\"error\":\"GET only\"}", NULL, "Allow",
				"GET, HEAD"},
	[ANSWER_TOO_LARGE] = {413, "Content Too Large",
			      "{\"error\":\"more than 25 MiB\"}", "too_large",
			      NULL, NULL},
	[ANSWER_NOT_JSON] = {415, "Unsupported Media Type",
			     "{\"error\":\"application/json is needed: set the"
			     " webhook's content type\"}",
			     "bad_request", NULL, NULL},
	[ANSWER_FAILED] = {500, "Internal Server Error",
			   "{\"error\":\"the page could not be made\"}", NULL,
			   NULL, NULL},
	[ANSWER_BUSY] = {503, "Service Unavailable",
			 "{\"error\":\"too much at one time\"}", "refused",
			 RETRY},
	[ANSWER_DISK] = {503, "Service Unavailable",
			 "{\"error\":\"the delivery could not be written\"}",
			 "refused", RETRY},
	[ANSWER_STOPPING] = {503, "Service Unavailable",
			     "{\"error\":\"stopping\"}", "refused", RETRY},
};

#define JSON "application/json"

/* No script, no frame, no form, nothing from elsewhere. */
static const char *const headers[][2] = {
	{"Content-Security-Policy",
	 "default-src 'none'; style-src 'self'; base-uri 'none'; "
	 "form-action 'none'; frame-ancestors 'none'"},
	{"X-Content-Type-Options", "nosniff"},
	{"Referrer-Policy", "no-referrer"},
	{"Cache-Control", "no-store"},
};

struct answers {
	struct MHD_Response *made[ANSWER_MAX];
};

const char *answer_metric(enum answer n)
{
	return table[n].metric;
}

static bool dress(struct MHD_Response *r, const char *type)
{
	bool good = MHD_add_response_header(r, "Content-Type", type) == MHD_YES;

	for (size_t n = 0; n < ARRAY_SIZE(headers); n++)
		good &= MHD_add_response_header(r, headers[n][0],
						headers[n][1]) == MHD_YES;
	return good;
}

static struct MHD_Response *make(const struct answer_info *info)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(
		strlen(info->body), (void *)(uintptr_t)info->body,
		MHD_RESPMEM_PERSISTENT);

	if (!r)
		return NULL;
	if (dress(r, JSON) &&
	    (!info->header ||
	     MHD_add_response_header(r, info->header, info->value) == MHD_YES))
		return r;
	MHD_destroy_response(r);
	return NULL;
}

struct answers *answers_new(void)
{
	struct answers *a = calloc(1, sizeof(*a));

	for (int n = 0; a && n < ANSWER_MAX; n++) {
		a->made[n] = make(&table[n]);
		if (!a->made[n]) {
			answers_free(a);
			a = NULL;
		}
	}
	return a;
}

void answers_free(struct answers *a)
{
	for (int n = 0; n < ANSWER_MAX; n++)
		if (a->made[n])
			MHD_destroy_response(a->made[n]);
	free(a);
}

enum MHD_Result answer_send(const struct answers *a, enum answer n,
			    struct MHD_Connection *conn)
{
	return MHD_queue_response(conn, (unsigned)table[n].status, a->made[n]);
}

enum MHD_Result answer_page(const struct answers *a, int status,
			    const char *type, struct str *body,
			    struct MHD_Connection *conn)
{
	struct error e = ERROR_INIT;
	struct MHD_Response *r;
	enum MHD_Result sent;
	size_t len = body->len;
	char *text;

	if (str_take(body, &text, &e))
		return answer_send(a, ANSWER_FAILED, conn);
	r = MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
	if (!r) {
		free(text);
		return answer_send(a, ANSWER_FAILED, conn);
	}
	sent = dress(r, type) ? MHD_queue_response(conn, (unsigned)status, r)
			      : MHD_NO;
	MHD_destroy_response(r);
	return sent;
}

static void add_date(struct str *out)
{
	time_t now = time(NULL);
	char text[64];
	struct tm tm;

	if (gmtime_r(&now, &tm) &&
	    strftime(text, sizeof(text), "Date: %a, %d %b %Y %T GMT\r\n", &tm))
		str_puts(out, text);
}

void answer_raw(enum answer n, struct str *out)
{
	const struct answer_info *info = &table[n];

	str_addf(out, "HTTP/1.1 %d %s\r\nConnection: close\r\n", info->status,
		 info->reason);
	add_date(out);
	str_addf(out, "Content-Type: %s\r\nContent-Length: %zu\r\n", JSON,
		 strlen(info->body));
	for (size_t h = 0; h < ARRAY_SIZE(headers); h++)
		str_addf(out, "%s: %s\r\n", headers[h][0], headers[h][1]);
	if (info->header)
		str_addf(out, "%s: %s\r\n", info->header, info->value);
	str_addf(out, "\r\n%s", info->body);
}
