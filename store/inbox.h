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

/* NULL is none. */
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
	int64_t seq;	   /* out; ascending from 1; 0 for a duplicate */
	const char *guid;  /* X-GitHub-Delivery */
	const char *event; /* X-GitHub-Event */
	const void *body;  /* raw, as signed; out: NULL when pruned */
	size_t len;
	unsigned char body_hash[32]; /* out of inbox_hash: SHA-256 of body */
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

/* Fills body_hash; the body must be there.  Not done unasked: most bodies are
 * looked at and forgotten. */
void inbox_hash(struct inbox_delivery *d);

/*
 * How many deliveries have seq > after, and numbers that duplicates took in
 * between; 0 also when it cannot be read.
 */
int64_t inbox_depth(struct inbox *i, int64_t after);

/* The highest seq ever given, 0 when none. */
int64_t inbox_last(struct inbox *i);

/* Is a delivery of this GUID in it, whether handled or not? */
NODISCARD enum err inbox_has(struct inbox *i, const char *guid, bool *ret,
			     struct error *e);

/* When the delivery of the highest seq was received, 0 when there is none:
 * until then deliveries were taken. */
NODISCARD enum err inbox_last_received(struct inbox *i, int64_t *ret_ms,
				       struct error *e);

/* Writes a mark through to the disk: does the disk take writes again? */
NODISCARD enum err inbox_probe(struct inbox *i, int64_t now_ms,
			       struct error *e);

/*
 * Writes the log back into the file as far as that needs no waiting for
 * readers or writers.  Nothing else does: SQLite's automatic checkpoint,
 * which would run inside of a commit, is off.  Give it a handle (for writing)
 * and a thread of its own, so that commits go on meanwhile.
 */
void inbox_checkpoint(struct inbox *i);

/* Length of the log in pages, after this handle's last commit. */
int64_t inbox_log_pages(const struct inbox *i);

/*
 * Forgets bodies of deliveries with seq <= upto older than before_ms; GUIDs
 * are kept longer than the forge can redeliver (guid_before_ms).  In slices
 * that let the committer in between, so it may take a while; needs a handle
 * for writing that no other thread uses.
 */
NODISCARD enum err inbox_prune(struct inbox *i, int64_t upto, int64_t before_ms,
			       int64_t guid_before_ms, struct error *e);
/* Would it find anything?  Any handle can tell. */
bool inbox_can_prune(struct inbox *i, int64_t upto, int64_t before_ms,
		     int64_t guid_before_ms);

#endif
