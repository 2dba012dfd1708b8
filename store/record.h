/*
 * What happened: single values, how far the journal was read, what people
 * said to the bot, how far a repository was scanned, and the audit.
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "bot/base/str.h"
#include "store/store.h"

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

/* Something said to the bot.  Text of a loaded one is owned by it. */
struct said_record {
	int64_t id;
	int64_t comment_id; /* 0: the command line */
	char repo[160];
	int64_t number;
	int64_t actor_id;
	char actor[64];
	char words[2048]; /* JSON: [{"verb", "args"}], or [{"error"}] */
	int64_t made_ms;
	int64_t received_ms;
	char source[16]; /* "webhook", "scan", "cli" */
	char state[16];	 /* "checking", "accepted", "refused" */
};
/* Sets r->id.  ERR_CONFLICT when the comment is known. */
NODISCARD enum err store_said_add(struct store *s, struct said_record *r,
				  const char *answer, struct error *e);
NODISCARD enum err store_said_known(struct store *s, int64_t comment_id,
				    bool *ret, struct error *e);
NODISCARD enum err store_said(struct store *s, int64_t id,
			      struct said_record *ret, struct error *e);
/* From "checking" to "accepted" or "refused"; ERR_CONFLICT when it is
 * neither. */
NODISCARD enum err store_said_end(struct store *s, int64_t id,
				  const char *state, const char *answer,
				  struct error *e);
/* How often this actor got a sentence on this pull since then. */
NODISCARD enum err store_said_answered(struct store *s, const char *repo,
				       int64_t number, int64_t actor_id,
				       int64_t since_ms, int64_t *ret,
				       struct error *e);

struct scan_record {
	int64_t first_ms;
	char comments_since[40]; /* ISO time */
	int64_t last_ms;
	bool pulls_known;
	char hook[16];
};
/* Makes the row at the first call: nothing older than now is acted on. */
NODISCARD enum err store_scan(struct store *s, const char *repo, int64_t now_ms,
			      struct scan_record *ret, struct error *e);
NODISCARD enum err store_scan_pulls_done(struct store *s, const char *repo,
					 int64_t now_ms, struct error *e);
NODISCARD enum err store_scan_comments_done(struct store *s, const char *repo,
					    const char *since, struct error *e);
NODISCARD enum err store_scan_hook(struct store *s, const char *repo,
				   const char *hook, struct error *e);

/* Append-only.  actor is "login (id)" or "kcibot". */
NODISCARD enum err store_audit(struct store *s, int64_t at_ms,
			       const char *actor, const char *action,
			       const char *subject, const char *why,
			       struct error *e);

#endif
