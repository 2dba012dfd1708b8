/*
 * The HTTP side: POST /webhook, health, metrics and pages.
 *
 * libmicrohttpd with its poll thread (its epoll mode stalls at 128 events),
 * one committer thread that owns the inbox writer.  A webhook is verified
 * over the raw bytes, handed to the committer while its connection is
 * suspended, and answered only after the commit.  Nothing is parsed here.
 *
 * POST /webhook is answered by the first of these that applies, as soon as
 * it does (nothing before the signature depends on the secret):
 *
 *	503  we are stopping
 *	400  a header that matters is there twice, or the length is ambiguous
 *	413  Content-Length above LIMIT_BODY
 *	415  Content-Type is not application/json
 *	400  X-GitHub-Event or X-GitHub-Delivery is missing, or is not 1 to
 *	     128 visible ASCII characters
 *	401  X-Hub-Signature-256 is missing or is not of the right form
 *	413  more than LIMIT_BODY bytes came (chunked)
 *	503  too many bytes of bodies in hand, or no memory
 *	503  the signature cannot be computed;  401  it is wrong
 *	503  the disk refuses
 *	200  the delivery was journaled before;  202  now it is
 */
#ifndef BOT_INTAKE_H
#define BOT_INTAKE_H

#include <stdbool.h>

#include "bot/base/cleanup.h"
#include "bot/base/clock.h"
#include "bot/base/str.h"

struct intake;

/* A page or JSON answer for GET; runs on the HTTP thread. */
struct page {
	int status;
	const char *type; /* "text/html; charset=utf-8", static */
	struct str body;  /* inited by the server with LIMIT_PAGE */
};

struct intake_settings {
	const char *host; /* an address or a name */
	int port;	  /* 0 = any */
	const char *inbox_path;
	const char *secret_file; /* one or two lines: new, old; each at least
				    LIMIT_SECRET_MIN bytes */
	const struct clock *clock;
	int64_t request_ms;   /* deadline of a whole request */
	int64_t idle_ms;      /* of a connection between requests; 0 = 60 s */
	unsigned connections; /* at one time */
	size_t bodies;	      /* bytes of all bodies in hand at one time; 0 =
				 LIMIT_BODIES_IN_FLIGHT */
	/* Called after each commit, from the committer: wake the engine. */
	void (*committed)(void *ctx);
	/* A webhook was answered 503: what it told may be lost.  From the HTTP
	 * thread; may be NULL. */
	void (*refused)(void *ctx);
	/*
	 * Answers GET path (without query); NULL status 404 when unknown.
	 * While the disk hangs it is still called: it must not wait for it.
	 */
	void (*page)(void *ctx, const char *path, struct page *ret);
	void *ctx;
};

/*
 * Starts listening.  NULL with a sentence when the secret is too short, the
 * address is taken, or the inbox cannot be opened.
 *
 * Makes the process ignore SIGPIPE and SIGXFSZ, so that a client that went
 * away and a file at its size limit are errors and not the end; main should
 * do so before that for its own sake.  The threads take no signals.
 */
struct intake *intake_start(const struct intake_settings *s, struct error *e);

/* The port that was bound. */
int intake_port(const struct intake *i);

/* Did the last write to the inbox succeed?  For /readyz; from any thread. */
bool intake_healthy(const struct intake *i);

/*
 * Reads the secret file again (it is being rotated).  On failure the old
 * secrets stay.
 */
NODISCARD enum err intake_reload_secret(struct intake *i, struct error *e);

/*
 * No new connections; requests in hand are finished or refused with 503;
 * returns when all is closed, and frees.  Takes request_ms at most, as long
 * as the disk answers.
 */
void intake_stop(struct intake *i);
DEFINE_CLEANUP(struct intake *, intake_stop)

#endif
