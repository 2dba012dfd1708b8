/*
 * What came back for one request, as plain values, and what it means.  No
 * I/O and no clock here.
 */
#ifndef BOT_GITHUB_ANSWER_H
#define BOT_GITHUB_ANSWER_H

#include "bot/base/json.h"
#include "bot/base/port.h"
#include "bot/base/str.h"
#include "bot/github_calls.h"

struct github_answer {
	int status;	       /* 0 = none arrived whole */
	enum err trouble_code; /* with status 0: ERR_RETRY or ERR_INVALID */
	char trouble[256];     /* with status 0: why */
	bool sent;	       /* some of the request left this machine */
	struct str body;
	char *etag;	     /* NULL = none, as the two below */
	char *location;	     /* of a redirect, as sent */
	char *next;	     /* the next page, as sent */
	bool next_lost;	     /* there is one, but its address did not fit */
	int64_t date_ms;     /* the forge's clock; 0 = unknown */
	int64_t retry_after; /* seconds; -1 = not said */
	int64_t remaining;   /* requests left in the window; -1 = not said */
	int64_t reset_ms;    /* end of the window, wall; -1 = not said */
	int64_t took_ms;
};

void github_answer_init(struct github_answer *a);
void github_answer_release(struct github_answer *a);

/* The forge's own words for a refusal ("" when it gave none). */
void github_answer_message(const struct github_answer *a, struct str *out);

/* 429, or a 403 that is about the number of requests, not about rights. */
bool github_answer_limited(const struct github_answer *a);

/*
 * How long the forge says to stay away, in ms; 0 when it does not.  now_ms
 * is our wall clock, used only when the answer has no Date.
 */
int64_t github_answer_wait(const struct github_answer *a, int64_t now_ms);

/* The outcome code of a status (2xx is ERR_OK). */
enum err github_answer_code(const struct github_answer *a,
			    const struct github_row *row);

/* Was this a write that may have been done although nobody said so? */
bool github_answer_unknown(const struct github_answer *a,
			   const struct github_row *row);

/*
 * One line for people into out (size bytes): "METHOD PATH: HTTP 403: words".
 * note replaces the forge's message when it is not NULL.  Redacted, without
 * control characters.
 */
void github_answer_explain(const struct github_answer *a,
			   const struct github_request *req, const char *note,
			   char *out, size_t size);

/* The same for a sentence of our own; source may be NULL. */
void github_explain(const char *source, const char *words, char *out,
		    size_t size);

#endif
