/*
 * One call from its arguments to its outcome: which request is next, and
 * what the answer to it changes.  Requests are sent elsewhere (github.c).
 * One thread.
 */
#ifndef BOT_GITHUB_RUN_H
#define BOT_GITHUB_RUN_H

#include "bot/github.h"
#include "bot/github_cache.h"
#include "bot/github_comment.h"
#include "bot/github_limits.h"
#include "bot/github_token.h"

/* What all calls of one client share. */
struct run_shared {
	const char *base; /* api_url without slash at the end */
	const struct clock *clock;
	struct github_token *token;
	struct github_cache *cache;
	struct github_limits limits;
	int64_t self_id; /* 0 = not asked yet */
	void (*count)(void *ctx, const char *kind, int status, int64_t ms);
	void *count_ctx;
};

struct run {
	const char *kind;
	json_t *args;
	struct github_request req; /* to be sent next */
	struct outcome out;
	enum comment_step step;
	json_t *list;  /* pages so far */
	size_t listed; /* bytes of them */
	int pages;
	int redirects;
	bool renewed;	 /* the token was read again for this call */
	bool bare;	 /* ask without If-None-Match */
	int64_t self_id; /* who we were when the call asked */
};

enum run_next {
	RUN_SEND, /* send run.req */
	RUN_DONE, /* run.out is filled */
};

/* Takes over kind (borrowed from the caller for the run's life) and args. */
void run_init(struct run *r, int64_t id, const char *kind, json_t *args);
void run_release(struct run *r);

enum run_next run_begin(struct run *r, struct run_shared *s);

/* The ETag to send with run.req, borrowed and short-lived; NULL = none. */
const char *run_etag(struct run *r, struct run_shared *s);

enum run_next run_answer(struct run *r, struct run_shared *s,
			 const struct github_answer *a);

/* Ends it here, for a reason of our own. */
enum run_next run_give_up(struct run *r, enum err code, int64_t wait_ms,
			  const char *words);

#endif
