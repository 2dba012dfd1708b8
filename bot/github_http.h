/*
 * One HTTP transfer as a curl handle: every option that makes it safe is set
 * here and nowhere else.  The caller drives it (curl multi).
 */
#ifndef BOT_GITHUB_HTTP_H
#define BOT_GITHUB_HTTP_H

#include <curl/curl.h>

#include "bot/github_answer.h"

struct github_http {
	const char *user_agent;
	int64_t connect_ms;
	int64_t call_ms;
};

struct exchange;

/* After it was taken out of the multi handle. */
void exchange_free(struct exchange *x);
DEFINE_CLEANUP(struct exchange *, exchange_free)

/*
 * Ready to be started.  Borrows req (until freed); etag may be NULL.  owner
 * is found again by exchange_owner().
 */
NODISCARD OWNED_BY(exchange_free)
struct exchange *exchange_new(const struct github_http *how,
			      const struct github_request *req,
			      const char *token, const char *etag, void *owner,
			      struct error *e);

CURL *exchange_handle(struct exchange *x);
void *exchange_owner(CURL *handle);

/* The transfer has ended with code: the answer, borrowed from x. */
struct github_answer *exchange_end(struct exchange *x, CURLcode code);

/* Sets curl up, once for the process. */
NODISCARD enum err github_http_start(struct error *e);

#endif
