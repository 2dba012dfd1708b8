/*
 * Effects wanted on the outside world: written in the transaction that holds
 * their reason, performed by the ports afterwards, as often as it takes.
 *
 * Effects on one target run strictly in order; a newer one of the same kind
 * may replace older ones that were not sent.
 */
#ifndef STORE_OUTBOX_H
#define STORE_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "bot/base/json.h"
#include "store/store.h"

struct outbox_row {
	int64_t id;
	char kind[32];
	char target[256]; /* "" = no order */
	char key[128];
	json_t *args; /* owned */
	int64_t attempts;
	bool unknown; /* an earlier try may have happened */
	int64_t not_before_ms;
	int64_t made_ms;
};

void outbox_row_release(struct outbox_row *r);

static inline void outbox_row_release_at(struct outbox_row *r)
{
	outbox_row_release(r);
}

enum outbox_flags {
	OUTBOX_REPLACES = 1 << 0, /* older unsent ones of kind and target */
};

/* Takes over the reference on args. */
NODISCARD enum err store_outbox_add(struct store *s, const char *kind,
				    const char *target, const char *key,
				    json_t *args, enum outbox_flags flags,
				    int64_t now_ms, struct error *e);

/* The same, to be sent not before then. */
NODISCARD enum err store_outbox_add_later(struct store *s, const char *kind,
					  const char *target, const char *key,
					  json_t *args, int64_t not_before_ms,
					  int64_t now_ms, struct error *e);
/* Is one of that kind under way to that target? */
NODISCARD enum err store_outbox_waits(struct store *s, const char *kind,
				      const char *target, bool *ret,
				      struct error *e);

/*
 * Calls each() for every effect that may be sent now: ready, due, first on
 * its target, not sent yet by this process.  each() returning true marks it
 * as sent.  *ret_next_ms: when the next one becomes due, 0 = none waits.
 */
NODISCARD enum err store_outbox_each(struct store *s, int64_t now_ms,
				     bool (*each)(void *ctx,
						  const struct outbox_row *r),
				     void *ctx, int64_t *ret_next_ms,
				     struct error *e);

/* A sent one, for its answer.  ERR_MISSING when it is not ready any more. */
NODISCARD enum err store_outbox_get(struct store *s, int64_t id,
				    struct outbox_row *ret, struct error *e);

/* The answer was final: state "done" or "failed". */
NODISCARD enum err store_outbox_end(struct store *s, int64_t id,
				    const char *state, const char *error,
				    int64_t now_ms, struct error *e);

/* The work of a cycle that is not answered is not wanted any more. */
NODISCARD enum err store_outbox_drop_cycle(struct store *s, int64_t cycle_id,
					   int64_t now_ms, struct error *e);

/* To be sent again, not before then. */
NODISCARD enum err store_outbox_again(struct store *s, int64_t id,
				      int64_t not_before_ms, bool unknown,
				      const char *error, struct error *e);

/*
 * A sent one that is to be sent again lets a newer one of its kind and target
 * take its place, if one waits that is due.
 */
NODISCARD enum err store_outbox_yield(struct store *s,
				      const struct outbox_row *r,
				      int64_t now_ms, struct error *e);

/* The newest of its kind and target that has no end yet, or ERR_MISSING. */
NODISCARD enum err store_outbox_newest(struct store *s, const char *kind,
				       const char *target,
				       struct outbox_row *ret, struct error *e);

/* At start: whatever is ready may have been sent by the process before. */
NODISCARD enum err store_outbox_restart(struct store *s, struct error *e);

/* Forgets the mark of store_outbox_each(); call after the transaction. */
void store_outbox_unmark(struct store *s, int64_t id);

NODISCARD enum err store_outbox_prune(struct store *s, int64_t before_ms,
				      struct error *e);
NODISCARD enum err store_outbox_depth(struct store *s, int64_t *ret,
				      struct error *e);

#endif
