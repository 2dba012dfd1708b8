/*
 * What happened: single values, how far the journal was read, and how far a
 * repository was scanned.
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "bot/base/str.h"
#include "store/store.h"

/*
 * At a start whose clock may have gone back since: what delays are counted
 * from, and how far was looked, is not later than now, or they would be longer
 * by the jump.  What is only told to people stays as it was.  test_clock has
 * the list of all times on record.
 */
NODISCARD enum err store_not_later(struct store *s, int64_t now_ms,
				   struct error *e);

/* Appends the value of key to out; nothing when there is none. */
NODISCARD enum err store_meta(struct store *s, const char *key, struct str *out,
			      struct error *e);
NODISCARD enum err store_meta_set(struct store *s, const char *key,
				  const char *value, struct error *e);

/*
 * Binds this store to the journal at the first start.  ERR_FATAL with the
 * way out when it was bound to another one.
 */
NODISCARD enum err store_cursor_bind(struct store *s, const char *journal_id,
				     int64_t *ret_seq, struct error *e);
NODISCARD enum err store_cursor_move(struct store *s, int64_t seq,
				     struct error *e);

struct delivery_record {
	int64_t seq;
	const char *guid;
	const char *event;
	const char *action;
	const unsigned char *body_hash; /* 32 bytes */
	int64_t at_ms;
	const char *result; /* "ignored", "handled", "duplicate", ... */
};
NODISCARD enum err store_delivery_add(struct store *s,
				      const struct delivery_record *d,
				      struct error *e);
/* Was this body handled before, under whatever GUID? */
NODISCARD enum err store_delivery_known(struct store *s,
					const unsigned char *body_hash,
					const char *event, bool *ret,
					struct error *e);
NODISCARD enum err store_delivery_prune(struct store *s, int64_t before_ms,
					struct error *e);

struct scan_record {
	int64_t first_ms;
	char comments_since[40]; /* ISO time */
	int64_t last_ms;
	bool pulls_known;
	char hook[16];
	int64_t reviews_from_ms;	/* no older review is acted on */
	char review_comments_since[40]; /* ISO time */
	int64_t deliveries_ms; /* those since then, on the forge's clock */
};
/* Makes the row at the first call: nothing older than now is acted on. */
NODISCARD enum err store_scan(struct store *s, const char *repo, int64_t now_ms,
			      struct scan_record *ret, struct error *e);
NODISCARD enum err store_scan_pulls_done(struct store *s, const char *repo,
					 int64_t now_ms, struct error *e);
NODISCARD enum err store_scan_comments_done(struct store *s, const char *repo,
					    const char *since, struct error *e);
NODISCARD enum err store_scan_review_comments_done(struct store *s,
						   const char *repo,
						   const char *since,
						   struct error *e);
NODISCARD enum err store_scan_deliveries_done(struct store *s, const char *repo,
					      int64_t until_ms,
					      struct error *e);
NODISCARD enum err store_scan_hook(struct store *s, const char *repo,
				   const char *hook, struct error *e);

#endif
