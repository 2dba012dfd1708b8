/*
 * What keeps an environment still: locks by people, errors in a row, and
 * what of it is told; and the bench of those who found no place.
 *
 * Times of locks are wall ms.
 */
#ifndef STORE_LOCK_H
#define STORE_LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

struct lock {
	int64_t id;
	char environment[64];
	int64_t owner_id;
	char owner[64];
	char reason[256];
	int64_t pull_id; /* where it was said */
	int64_t said_id;
	int64_t made_ms;
	int64_t warn_ms; /* when the owner is to be told; 0 = was told */
	int64_t until_ms;
	/* When it has ended; by "": its time was over. */
	char ended_by[64];
	char end_reason[256];
};

/* Sets l->id.  There is none in force on that environment. */
NODISCARD enum err store_lock_add(struct store *s, struct lock *l,
				  struct error *e);
/* The one in force; ERR_MISSING when there is none. */
NODISCARD enum err store_lock(struct store *s, const char *environment,
			      struct lock *ret, struct error *e);
/* Those whose owner is to be warned now; by what was said, malloc'ed. */
NODISCARD enum err store_locks_to_warn(struct store *s, int64_t wall_ms,
				       struct lock **ret, size_t *ret_count,
				       struct error *e);
/* Those that ended and whose owner does not know it; as above. */
NODISCARD enum err store_locks_to_tell(struct store *s, struct lock **ret,
				       size_t *ret_count, struct error *e);
NODISCARD enum err store_lock_warned(struct store *s, int64_t id,
				     struct error *e);
NODISCARD enum err store_lock_told(struct store *s, int64_t id,
				   struct error *e);
/* When the next one ends or is to be warned of, wall ms; 0 = none. */
NODISCARD enum err store_lock_next(struct store *s, int64_t *ret_ms,
				   struct error *e);
/* Ends those whose time is over. */
NODISCARD enum err store_locks_expire(struct store *s, int64_t wall_ms,
				      struct error *e);
/* Ends l by its ended_by and end_reason; told: its owner knows. */
NODISCARD enum err store_lock_end(struct store *s, const struct lock *l,
				  int64_t wall_ms, bool told, struct error *e);

/* What is told of an environment; all zero when it is not known. */
struct freeze_record {
	char why[512];	      /* "" = not frozen */
	int64_t until_ms;     /* wall; 0 = until somebody ends it */
	int64_t broken_ms;    /* since then by errors in a row; 0 = not */
	int64_t broken_cycle; /* the last of those */
	bool broken_told;
};
NODISCARD enum err store_freeze(struct store *s, const char *environment,
				struct freeze_record *ret, struct error *e);
/* *ret_changed: is it news? */
NODISCARD enum err store_freeze_set(struct store *s, const char *environment,
				    const char *why, int64_t until_ms,
				    bool *ret_changed, struct error *e);
NODISCARD enum err store_breaker_set(struct store *s, const char *environment,
				     int64_t at_ms, int64_t cycle_id,
				     struct error *e);
NODISCARD enum err store_breaker_told(struct store *s, const char *environment,
				      struct error *e);
/* Also counts errors from zero again. */
NODISCARD enum err store_breaker_reset(struct store *s, const char *environment,
				       struct error *e);

/* One that found no place in a full batch. */
struct bench_place {
	int64_t since_ms; /* found none since then; engine's clock */
	int64_t last_ms;  /* and last then */
	int64_t position; /* from 1 */
	int64_t cycles;	  /* that must end before, from 1 */
};
NODISCARD enum err store_bench_clear(struct store *s, const char *environment,
				     struct error *e);
NODISCARD enum err store_bench_put(struct store *s, const char *environment,
				   int64_t pull_id,
				   const struct bench_place *place,
				   struct error *e);
/* All zero when it is not there. */
NODISCARD enum err store_bench(struct store *s, const char *environment,
			       int64_t pull_id, struct bench_place *ret,
			       struct error *e);

#endif
