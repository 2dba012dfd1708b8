/*
 * inbox.db: the durable journal of deliveries, in a file of its own so that
 * intake is never blocked by the engine.
 *
 * The intake's committer owns one handle for writing; the engine opens
 * another for reading.  The file carries a random journal id; kcibot.db
 * remembers it beside the cursor, and a pair that does not match refuses to
 * start.
 */
#ifndef STORE_INBOX_H
#define STORE_INBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "bot/base/cleanup.h"
#include "bot/base/error.h"

struct inbox;

void inbox_close(struct inbox *i);
DEFINE_CLEANUP(struct inbox *, inbox_close)

/* Opens (and makes) the journal for writing.  NULL on failure. */
NODISCARD OWNED_BY(inbox_close)
struct inbox *inbox_open(const char *path, struct error *e);

/* For reading only; the file must exist. */
NODISCARD OWNED_BY(inbox_close)
struct inbox *inbox_open_reader(const char *path, struct error *e);

/* 32 hex digits, borrowed from the handle. */
const char *inbox_journal_id(const struct inbox *i);

struct inbox_delivery {
	int64_t seq;	   /* out; from 1, gapless enough: ascending */
	const char *guid;  /* X-GitHub-Delivery */
	const char *event; /* X-GitHub-Event */
	const void *body;  /* raw, as signed */
	size_t len;
	unsigned char body_hash[32]; /* SHA-256 of the body */
	int64_t received_ms;
	bool duplicate; /* out of inbox_add: the GUID was known already */
};

/*
 * Writes a group in one transaction; durable when it returns ERR_OK
 * (synchronous=FULL).  Sets seq or duplicate on each.  On failure nothing
 * was written.
 */
NODISCARD enum err inbox_add(struct inbox *i, struct inbox_delivery *d,
			     size_t count, struct error *e);

/*
 * The first delivery with seq > after; ERR_MISSING when there is none.  Text
 * and body are borrowed until the next call.
 */
NODISCARD enum err inbox_next(struct inbox *i, int64_t after,
			      struct inbox_delivery *ret, struct error *e);

/* How many deliveries have seq > after. */
int64_t inbox_depth(struct inbox *i, int64_t after);

/* The highest seq ever given, 0 when none. */
int64_t inbox_last(struct inbox *i);

/*
 * A time slice of checkpointing, called by the writer's side while idle;
 * never blocks the writer for long.
 */
void inbox_checkpoint(struct inbox *i);

/*
 * Forgets bodies of deliveries with seq <= upto older than before_ms; GUIDs
 * are kept longer than the forge can redeliver (guid_before_ms).
 */
NODISCARD enum err inbox_prune(struct inbox *i, int64_t upto, int64_t before_ms,
			       int64_t guid_before_ms, struct error *e);

#endif
