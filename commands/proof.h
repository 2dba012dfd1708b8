/*
 * Is the code that a command would act on the code that its author had seen?
 * A comment carries no SHA, and between reading and writing the head may have
 * moved.  Pure: from what is on record to a verdict.
 *
 * Said without a SHA, it is proven when the head that the forge shows now was
 * on record as the head for at least the guard before the comment was made,
 * nothing else became head since, and no delivery can have been lost in
 * between.  The guard is waived for the head that the pull was opened with,
 * as long as it never had another one: nobody can have looked at that.
 *
 * Said with a SHA (12 to 40 digits), it is proven when that names the head,
 * the head was on record before, and it fits no other head of this pull.
 *
 * Dates of commits, which their authors choose, are never looked at.
 */
#ifndef COMMANDS_PROOF_H
#define COMMANDS_PROOF_H

#include "bot/base/skew.h"
#include "bot/base/str.h"
#include "store/head.h"

enum proof_reason {
	PROOF_PROVEN,
	PROOF_STALE,	   /* the forge showed an older state than it did */
	PROOF_NOT_LIVE,	   /* the SHA that was named is not the head */
	PROOF_AMBIGUOUS,   /* it fits another head of this pull as well */
	PROOF_OTHER_BOUND, /* a review of another commit */
	PROOF_UNRECORDED,  /* the head was not on record before */
	PROOF_YOUNG,	   /* it was, but not for the guard */
	PROOF_GAP,	   /* deliveries may have been lost in between */
	PROOF_STIRRED,	   /* it is decided late, and the pull moved since */
	PROOF_UNDATED,	   /* when it was said is not known */
	PROOF_CLOCK,	   /* how far the clocks are apart is not known */
	PROOF_SKEW,	   /* they are further apart than the guard */
	PROOF_MAX
};

struct proof_question {
	/* On record before the forge was asked for the head; in order. */
	const struct sighting *seen;
	size_t seen_count;
	const struct gap *gaps; /* that ended after the first of these */
	size_t gap_count;

	const char *live_sha;  /* what the forge shows now */
	const char *named_sha; /* "" = none */
	bool bound;	       /* said in a review or on code ... */
	const char *bound_sha; /* ... of this commit; "" = it names none */
	/* The command line has no page open: it means the head as it is on
	 * record when it is said. */
	bool operator_call;
	/* It is decided late, or no webhook told of it: then none may have
	 * told of pushes either.  And the pull's own time is later than what
	 * was said moved it to. */
	bool stirred;

	int64_t made_ms; /* on the forge's clock, whole seconds; 0 = unknown.
			    For an operator's call: on ours */
	int64_t received_ms; /* on ours */
	struct skew skew;
	int64_t wall_off_ms; /* our wall clock minus ours here, which was the
				same until somebody set it */
	int64_t guard_ms;
};

/* What it rests on; times on our clock, 0 = does not apply. */
struct proof {
	enum proof_reason reason;
	char sha[SHA_SIZE];   /* the head */
	int64_t recorded_ms;  /* the sighting that counts */
	int64_t made_from_ms; /* when it was said: not before this, */
	int64_t made_to_ms;   /* and not after this */
	struct skew skew;
	int64_t guard_ms; /* that was asked for */
	bool named;
	bool waived; /* the guard: there never was another head */
};

void proof_judge(const struct proof_question *q, struct proof *ret);

/* "young", "gap": stable names, for the record. */
const char *proof_reason_name(enum proof_reason reason);

/* Why it is in doubt, a sentence or two for who said it.  Holds no text of
 * anybody else. */
void proof_explain(const struct proof *p, struct str *out);

#endif
