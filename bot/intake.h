/*
 * The HTTP side: POST /webhook, health, metrics and pages.
 *
 * libmicrohttpd with its poll thread (its epoll mode stalls at 128 events),
 * one committer thread that owns the inbox writer.  A webhook is verified
 * over the raw bytes, handed to the committer while its connection is
 * suspended, and answered only after the commit.  Nothing is parsed here.
 */
#ifndef BOT_INTAKE_H
#define BOT_INTAKE_H

#include "bot/base/cleanup.h"
#include "bot/base/clock.h"
#include "bot/base/str.h"

struct intake;

/* A page or JSON answer for GET; runs on the HTTP thread. */
struct page {
	int status;
	const char *type;  /* "text/html; charset=utf-8", static */
	struct str body;   /* inited by the server with LIMIT_PAGE */
};

struct intake_settings {
	const char *host;
	int port; /* 0 = any */
	const char *inbox_path;
	const char *secret_file; /* one or two lines: new, old; each at least
				    LIMIT_SECRET_MIN bytes */
	const struct clock *clock;
	int64_t request_ms; /* deadline of a whole request */
	unsigned connections;
	/* Called after each commit, from the committer: wake the engine. */
	void (*committed)(void *ctx);
	/* Answers GET path (without query); NULL status 404 when unknown. */
	void (*page)(void *ctx, const char *path, struct page *ret);
	void *ctx;
};

/*
 * Starts listening.  NULL with a sentence when the secret is too short, the
 * address is taken, or the inbox cannot be opened.
 */
struct intake *intake_start(const struct intake_settings *s, struct error *e);

/* The port that was bound. */
int intake_port(const struct intake *i);

/*
 * No new connections; requests in hand are finished or refused with 503;
 * returns when all is closed, and frees.
 */
void intake_stop(struct intake *i);
DEFINE_CLEANUP(struct intake *, intake_stop)

#endif
