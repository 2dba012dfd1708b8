#include "bot/base/skew.h"

/* Clocks drift apart by some ten ms in this time. */
#define FRESH_MS (10LL * 60 * 1000)
/* What the whole seconds of a Date header leave open. */
#define SECOND_LESS_1_MS 999

void skew_measure(struct skew *s, int64_t date_ms, int64_t asked_ms,
		  int64_t now_ms)
{
	int64_t lo = date_ms - now_ms;
	int64_t hi = date_ms + SECOND_LESS_1_MS -
		     (asked_ms < now_ms ? asked_ms : now_ms);

	if (s->known && now_ms - s->since_ms < FRESH_MS && lo <= s->hi_ms &&
	    hi >= s->lo_ms) {
		s->lo_ms = lo > s->lo_ms ? lo : s->lo_ms;
		s->hi_ms = hi < s->hi_ms ? hi : s->hi_ms;
		return;
	}
	*s = (struct skew){
		.known = true, .lo_ms = lo, .hi_ms = hi, .since_ms = now_ms};
}
