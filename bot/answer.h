/*
 * Everything that the HTTP side can say by itself, in one table, and the
 * headers that every answer has.
 */
#ifndef BOT_ANSWER_H
#define BOT_ANSWER_H

#include <microhttpd.h>
#include <stdbool.h>

#include "bot/base/str.h"

enum answer {
	ANSWER_JOURNALED,
	ANSWER_DUPLICATE,
	ANSWER_BAD_REQUEST,
	ANSWER_BAD_HEADERS, /* event or delivery */
	ANSWER_BAD_SIGNATURE,
	ANSWER_NOT_FOUND,
	ANSWER_WEBHOOK_METHOD, /* 405 */
	ANSWER_PAGE_METHOD,    /* 405 */
	ANSWER_TOO_LARGE,
	ANSWER_NOT_JSON,
	ANSWER_FAILED, /* 500: a page could not be made */
	ANSWER_BUSY,   /* 503: ceilings, no memory */
	ANSWER_DISK,   /* 503: not written */
	ANSWER_STOPPING,
	ANSWER_MAX
};

struct answers;

/* Made once: all of them as libmicrohttpd wants them.  NULL: no memory. */
struct answers *answers_new(void);
void answers_free(struct answers *a);

/* Sends one in the ordinary way. */
enum MHD_Result answer_send(const struct answers *a, enum answer n,
			    struct MHD_Connection *conn);

/* Sends a page; its body is taken. */
enum MHD_Result answer_page(const struct answers *a, int status,
			    const char *type, struct str *body,
			    struct MHD_Connection *conn);

/* One as bytes for the wire, for reaper_refuse(). */
void answer_raw(enum answer n, struct str *out);

/* The result label of METRIC_DELIVERIES; NULL when it does not count. */
const char *answer_metric(enum answer n);

#endif
