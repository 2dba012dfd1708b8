/*
 * When the next request may leave: the forge's holds, and our own spacing of
 * writes.  Values only; now is the monotonic clock in ms.
 */
#ifndef BOT_GITHUB_LIMITS_H
#define BOT_GITHUB_LIMITS_H

#include "bot/github_answer.h"

struct github_limits {
	int64_t write_gap_ms;
	int64_t held_until;
	int64_t last_write;
	bool wrote;  /* last_write counts */
	int strikes; /* untimed limits in a row: each waits twice as long */
};

/*
 * Learns from an answer.  Returns how long its own call has to wait before
 * it may be tried again (0 = its own back-off).
 */
int64_t github_limits_note(struct github_limits *l,
			   const struct github_answer *a, int64_t now,
			   int64_t wall_now);

/* A write leaves now. */
void github_limits_write(struct github_limits *l, int64_t now);

/* ms until the forge's hold ends; 0 = none. */
int64_t github_limits_held(const struct github_limits *l, int64_t now);

/* ms until the next write may leave, as far as spacing goes. */
int64_t github_limits_gap(const struct github_limits *l, int64_t now);

#endif
