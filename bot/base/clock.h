/*
 * The only way to the time.  Everything that decides takes its "now" from a
 * clock that was handed to it, so that tests own the time.
 *
 * Unit: milliseconds.  Wall time counts from 1970 UTC and may jump; monotonic
 * time never does and means nothing after a reboot.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#include "bot/base/str.h"

struct clock {
	int64_t (*wall_ms)(const struct clock *c);
	int64_t (*mono_ms)(const struct clock *c);
};

/* The machine's own clock. */
extern const struct clock clock_system;

int64_t clock_wall(const struct clock *c);
int64_t clock_mono(const struct clock *c);

/* A clock that a test moves by hand; both times start at ms. */
struct fake_clock {
	struct clock clock;
	int64_t wall;
	int64_t mono;
};
void fake_clock_init(struct fake_clock *f, int64_t ms);
void fake_clock_advance(struct fake_clock *f, int64_t ms);

/* Adds "2026-11-21T14:05:09Z". */
void time_iso(struct str *out, int64_t wall_ms);

/*
 * Reads "2026-11-21T14:05:09Z" (also with fraction or +hh:mm) to wall ms.
 * false when it is not such a time.
 */
NODISCARD bool time_parse_iso(const char *text, int64_t *ret_ms);

/* Adds a span for people: "0.2 s", "12 s", "4 min 10 s", "6 h", "2 d 3 h". */
void time_span(struct str *out, int64_t ms);

/* Reads "30s", "5m", "6h", "14d", "0s" to ms; false when it is none. */
NODISCARD bool time_parse_span(const char *text, int64_t *ret_ms);

#endif
