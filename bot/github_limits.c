#include "bot/github_limits.h"

#include "bot/base/limits.h"

/* 60 s, 2, 4, 8, 16 min: going on against a limit may ban the token. */
#define STRIKES_MAX 4

static int64_t longer(struct github_limits *l, const struct github_answer *a,
		      int64_t wait)
{
	bool timed =
		a->retry_after >= 0 || (a->remaining == 0 && a->reset_ms >= 0);

	if (!github_answer_limited(a)) {
		if (a->status >= 200 && a->status <= 299)
			l->strikes = 0;
		return wait;
	}
	if (timed)
		return wait;
	wait <<= l->strikes;
	if (l->strikes < STRIKES_MAX)
		l->strikes++;
	return wait;
}

int64_t github_limits_note(struct github_limits *l,
			   const struct github_answer *a, int64_t now,
			   int64_t wall_now)
{
	int64_t wait = longer(l, a, github_answer_wait(a, wall_now));

	/* Answers overtake each other: a hold only grows. */
	if (wait && now + wait > l->held_until)
		l->held_until = now + wait;
	return wait;
}

void github_limits_write(struct github_limits *l, int64_t now)
{
	l->last_write = now;
	l->wrote = true;
}

int64_t github_limits_held(const struct github_limits *l, int64_t now)
{
	return l->held_until > now ? l->held_until - now : 0;
}

int64_t github_limits_gap(const struct github_limits *l, int64_t now)
{
	int64_t due = l->last_write + l->write_gap_ms;

	return l->wrote && due > now ? due - now : 0;
}
