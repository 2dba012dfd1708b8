/*
 * What libmicrohttpd does not do for its connections: a deadline for a whole
 * request (its own timeout starts anew with every byte), and reading on for a
 * moment after an early refusal (closing at once would make the kernel drop
 * our answer while the client is still sending).
 */
#ifndef BOT_REAPER_H
#define BOT_REAPER_H

#include <stdbool.h>

#include "bot/base/clock.h"

struct reaper;
struct visit; /* one connection */

/*
 * A request must be over request_ms after it began (for the first of a
 * connection: after the connection was made); between requests a connection
 * may stay for idle_ms.  clock is borrowed.
 */
NODISCARD struct reaper *reaper_start(const struct clock *clock,
				      int64_t request_ms, int64_t idle_ms,
				      struct error *e);
void reaper_stop(struct reaper *r);

/* A connection is there.  NULL when out of memory: close it. */
struct visit *reaper_enter(struct reaper *r, int fd);

/* Its descriptor is about to be closed by its owner; v is gone. */
void reaper_leave(struct reaper *r, struct visit *v);

/* A request begins, a request is over. */
void reaper_busy(struct reaper *r, struct visit *v);
void reaper_idle(struct reaper *r, struct visit *v);

/*
 * Sends text to the client as the last thing that it gets, and goes on
 * reading in the background what it still sends.  The owner must close its
 * descriptor now, without writing to it.
 */
void reaper_refuse(struct reaper *r, struct visit *v, const char *text,
		   size_t len);

#endif
