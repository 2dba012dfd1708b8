/*
 * How far the forge's clock is from ours.  The Date header of its answers
 * holds whole seconds, and the answer was some time under way, so what is
 * known is a range.  Several measures narrow it.  Pure.
 */
#ifndef BASE_SKEW_H
#define BASE_SKEW_H

#include <stdbool.h>
#include <stdint.h>

/* The forge's clock minus ours lies in [lo_ms, hi_ms]. */
struct skew {
	bool known;
	int64_t lo_ms;
	int64_t hi_ms;
	int64_t since_ms; /* of the oldest measure in it, on our clock */
};

/*
 * Adds a measure: an answer of the forge whose clock showed date_ms (whole
 * seconds), asked for at asked_ms and here at now_ms, both on our clock.
 * Measures that are old, or that contradict this one (a clock was set), are
 * forgotten.
 */
void skew_measure(struct skew *s, int64_t date_ms, int64_t asked_ms,
		  int64_t now_ms);

#endif
