/*
 * The one thread that writes inbox.db.  Whatever waits when it comes back
 * from a commit goes into the next one together, so the slower the disk, the
 * larger the groups.  A second thread writes the log back meanwhile.
 */
#ifndef BOT_COMMITTER_H
#define BOT_COMMITTER_H

#include <stdbool.h>

#include "bot/base/clock.h"

/* One delivery to be written; memory and content are the caller's. */
struct job {
	struct job *next;
	const char *guid;
	const char *event;
	const void *body;
	size_t len;
	int64_t received_ms;
	/* Out: */
	enum err code; /* ERR_OK: it is on disk, now or already */
	bool duplicate;
};

struct committer_settings {
	const char *path;
	const struct clock *clock;
	unsigned most; /* jobs that can wait at one time */
	/* On the committer's thread: the job is the caller's again. */
	void (*done)(void *ctx, struct job *j);
	void *done_ctx;
	/* After a commit that wrote something, from the same thread; may be
	 * NULL. */
	void (*committed)(void *ctx);
	void *committed_ctx;
};

struct committer;

/* NULL with a sentence when the journal cannot be opened. */
NODISCARD struct committer *committer_start(const struct committer_settings *s,
					    struct error *e);

/*
 * Takes a job; done() is called for it exactly once.  False (and it is not)
 * when too many wait or the committer is stopping.
 */
NODISCARD bool committer_add(struct committer *c, struct job *j);

/* Did the last write reach the disk? */
bool committer_healthy(struct committer *c);

/* Writes what waits, then ends: from now on nothing is taken. */
void committer_stop(struct committer *c);

/* Also of one that was not stopped. */
void committer_free(struct committer *c);

#endif
