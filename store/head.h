/*
 * What is known of the heads of a pull request and when it was seen, and the
 * times in which deliveries may have been lost: what a command's SHA is
 * proven by (commands/proof.h).  All times are on our clock.
 */
#ifndef STORE_HEAD_H
#define STORE_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/pull.h"

/* A moment at which a SHA was known to be the head. */
struct sighting {
	char sha[SHA_SIZE];
	int64_t at_ms;
	bool opened; /* a webhook told that the pull was opened with it */
	bool again;  /* it was the head before: the forge confirmed it */
};

/*
 * All of a pull, in the order in which they became head; a SHA that becomes
 * head again is there again.  malloc'ed, the caller frees.
 */
NODISCARD enum err store_sightings(struct store *s, int64_t pull_id,
				   struct sighting **ret, size_t *ret_count,
				   struct error *e);

/*
 * The forge itself shows the newest head of the pull now.  On record only
 * where a gap has made what was known before worthless.
 */
NODISCARD enum err store_head_confirm(struct store *s, const struct pull *p,
				      int64_t now_ms, struct error *e);

/*
 * A webhook that came late tells of a head that the pull had before: it is
 * put on record with the present head behind it, unless it is known.
 */
NODISCARD enum err store_head_late(struct store *s, const struct pull *now,
				   const char *sha, int64_t now_ms,
				   struct error *e);

/* Deliveries may have been lost in between. */
struct gap {
	int64_t from_ms;
	int64_t to_ms;
};

/*
 * repo "" = of all repositories.  One that overlaps the last of the same
 * repository and reason extends it.  why is for people who look at the file.
 */
NODISCARD enum err store_gap_add(struct store *s, const char *repo,
				 const struct gap *gap, const char *why,
				 struct error *e);
/* Those of a repository that end after then; malloc'ed, the caller frees. */
NODISCARD enum err store_gaps(struct store *s, const char *repo,
			      int64_t after_ms, struct gap **ret,
			      size_t *ret_count, struct error *e);
/* Forgets those that ended before then, but the newest of each repository,
 * which still speaks against older records. */
NODISCARD enum err store_gap_prune(struct store *s, int64_t before_ms,
				   struct error *e);

/* When the bot was surely taking deliveries last; 0 = never. */
NODISCARD enum err store_alive(struct store *s, int64_t *ret_ms,
			       struct error *e);
NODISCARD enum err store_alive_set(struct store *s, int64_t now_ms,
				   struct error *e);

#endif
