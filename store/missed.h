/*
 * Deliveries that the forge could not hand over and that are to be sent
 * again, by their GUID, which a delivery keeps through all attempts.
 */
#ifndef STORE_MISSED_H
#define STORE_MISSED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

/* As long as the journal takes them. */
#define GUID_SIZE 129

struct missed {
	char guid[GUID_SIZE];
	int64_t delivery_id; /* of the forge, of the newest attempt known */
	int64_t tries;	     /* how often it was asked for */
};

/* What the forge says of an attempt that failed. */
struct missed_attempt {
	const char *guid;
	int64_t delivery_id;
	int64_t failed_ms; /* on its clock */
	bool takes_back;   /* tells of an edit or a deletion */
};

/*
 * It is to be asked for now.  *ret_new is false when the GUID is on record:
 * then only its delivery_id follows.
 */
NODISCARD enum err store_missed_add(struct store *s, const char *repo,
				    const struct missed_attempt *a,
				    int64_t now_ms, bool *ret_new,
				    struct error *e);
/*
 * At most max that are to be asked for by now, those that were asked for less
 * often first, of these what takes back, and then the oldest; malloc'ed, the
 * caller frees.
 */
NODISCARD enum err store_missed_due(struct store *s, const char *repo,
				    int64_t now_ms, int64_t max,
				    struct missed **ret, size_t *ret_count,
				    struct error *e);
/* When an attempt to hand it over failed, on the forge's clock; 0 = none did.
 */
NODISCARD enum err store_missed_failed(struct store *s, const char *guid,
				       int64_t *ret_ms, struct error *e);
/* It was asked for; if it does not come, once more then (0 = never). */
NODISCARD enum err store_missed_asked(struct store *s, const char *guid,
				      int64_t next_ms, struct error *e);
/* It came, by whichever way. */
NODISCARD enum err store_missed_end(struct store *s, const char *guid,
				    struct error *e);
/* Forgets those that were noted before then, come or not. */
NODISCARD enum err store_missed_prune(struct store *s, int64_t before_ms,
				      struct error *e);

#endif
