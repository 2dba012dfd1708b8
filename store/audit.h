/*
 * The audit: every decision with who took it, why, and what it rested on.
 * Append-only, and a chain: the hash of an entry covers all of its fields
 * and the hash of the entry before, so that a later change shows.
 *
 * The hash is BLAKE2b (crypto_generichash) of 32 bytes, without a key, over:
 * the hash before (32 zero bytes for the first entry), id and at_ms as 8
 * bytes each, then actor, action, subject, why and evidence, each as its
 * length in 8 bytes and its bytes.  Numbers are little endian.  Entries from
 * before there was a chain have no hash on record; theirs is computed in the
 * same way, and the first entry that has one holds on to them.
 */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "bot/base/json.h"
#include "store/store.h"

#define AUDIT_HASH_SIZE 32
/* The bot itself, where a person or an operator would stand. */
#define AUDIT_BOT "kcibot"
/* Room for an actor, whoever it is. */
#define AUDIT_ACTOR_SIZE 192

/*
 * Adds an entry.  Inside a transaction, as the chain's head is kept beside
 * it.  actor is AUDIT_BOT or from audit_actor().
 */
NODISCARD enum err store_audit(struct store *s, int64_t at_ms,
			       const char *actor, const char *action,
			       const char *subject, const char *why,
			       struct error *e);

/*
 * With what it rested on: a JSON object, taken over; NULL is none.  One that
 * is longer than LIMIT_AUDIT_EVIDENCE is kept as its length only.
 */
NODISCARD enum err store_audit_with(struct store *s, int64_t at_ms,
				    const char *actor, const char *action,
				    const char *subject, const char *why,
				    json_t *evidence, struct error *e);

/*
 * "login (id)", or "BY_WHOM as login (id)" for an operator who speaks for them
 * on the command line; by_whom "" is nobody.
 */
void audit_actor(char *ret, size_t size, const char *by_whom, const char *login,
		 int64_t id);

/* The end of the chain; id 0 and a hash of zeros when it is empty. */
struct audit_head {
	int64_t id;
	unsigned char hash[AUDIT_HASH_SIZE];
};

/* "12:5f3c..." */
#define AUDIT_HEAD_TEXT_SIZE (24 + 2 * AUDIT_HASH_SIZE)
void audit_head_text(const struct audit_head *head,
		     char ret[AUDIT_HEAD_TEXT_SIZE]);
/* false when text is no such thing. */
NODISCARD bool audit_head_parse(const char *text, struct audit_head *ret);

/* As it was kept when the last entry was added. */
NODISCARD enum err store_audit_head(struct store *s, struct audit_head *ret,
				    struct error *e);

/* One entry; all borrowed for the length of a call. */
struct audit_row {
	int64_t id, at_ms;
	const char *actor, *action, *subject, *why;
	const char *evidence;	   /* JSON object, or "" */
	bool chained;		   /* false: from before there was a chain */
	const unsigned char *prev; /* AUDIT_HASH_SIZE; NULL: none on record */
	const unsigned char *hash; /* computed when none is on record */
};

struct audit_report {
	int64_t count;
	struct audit_head head; /* the last entry in the file */
	bool broken;
	/* The first thing amiss: where, and how in words. */
	int64_t broken_id;
	char broken_how[160];
};

/*
 * Walks the whole chain, oldest first, in memory for one entry, and hands
 * each entry to each() (or NULL).  Goes on behind what is broken.  A reader
 * brackets it with store_begin() and store_rollback().
 *
 * An end that was cut off, together with the head that is kept of it, cannot
 * be seen in the file: for that compare with a head noted elsewhere.
 */
NODISCARD enum err store_audit_verify(
	struct store *s, void (*each)(void *ctx, const struct audit_row *row),
	void *ctx, struct audit_report *ret, struct error *e);

#endif
