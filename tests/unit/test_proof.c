/*
 * The proof of the SHA: a table of cases, and a small world in which every
 * order of pushes, deliveries, losses and a comment is tried.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/proof.h"

#define GUARD 10000
#define T0 1790000000000LL

/* Two that begin with the same 13 digits, and others. */
#define SHA_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_A2 "aaaaaaaaaaaaa111111111111111111111111111"
#define SHA_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

#define OPENED 1
#define AGAIN 2

struct row {
	const char *name;
	struct {
		const char *sha;
		int64_t at_ms; /* after T0 */
		int flags;
	} seen[5];
	struct gap gap; /* after T0; to 0 = none */
	const char *live, *named, *bound;
	int64_t made_ms;  /* after T0, on the forge's clock */
	int64_t heard_ms; /* after T0; 0 = a second after it was made */
	int64_t lo, hi;	  /* skew */
	int64_t off;	  /* of the wall clock */
	int64_t guard;	  /* -1 = none */
	bool call, clockless, undated, stirred;
	enum proof_reason want;
};

/* clang-format off */
static const struct row rows[] = {
	{"nothing is known", {{0}}, .live = SHA_A, .made_ms = 60000,
	 .want = PROOF_UNRECORDED},
	{"long known", {{SHA_A, 0, 0}}, .live = SHA_A, .made_ms = 60000},
	{"exactly the guard", {{SHA_A, 0, 0}}, .live = SHA_A,
	 .made_ms = GUARD},
	{"a second less", {{SHA_A, 0, 0}}, .live = SHA_A,
	 .made_ms = GUARD - 1000, .want = PROOF_YOUNG},
	{"a moment less: the second is not forgiven", {{SHA_A, 1, 0}},
	 .live = SHA_A, .made_ms = GUARD, .want = PROOF_YOUNG},
	{"recorded after it was said", {{SHA_A, 61000, 0}}, .live = SHA_A,
	 .made_ms = 60000, .heard_ms = 70000, .want = PROOF_UNRECORDED},
	{"the head moved and nobody told", {{SHA_A, 0, 0}}, .live = SHA_B,
	 .made_ms = 60000, .want = PROOF_UNRECORDED},
	{"pushed a second before", {{SHA_A, 0, 0}, {SHA_B, 59000, 0}},
	 .live = SHA_B, .made_ms = 60000, .want = PROOF_YOUNG},
	{"pushed a second after", {{SHA_A, 0, 0}, {SHA_B, 61000, 0}},
	 .live = SHA_B, .made_ms = 60000, .heard_ms = 70000,
	 .want = PROOF_UNRECORDED},
	{"pushed away and live is what was seen: no",
	 {{SHA_A, 0, 0}, {SHA_B, 61000, 0}},
	 .live = SHA_A, .made_ms = 60000, .want = PROOF_UNRECORDED},
	{"A B A, long ago",
	 {{SHA_A, 0, OPENED}, {SHA_B, 1000, 0}, {SHA_A, 2000, 0}},
	 .live = SHA_A, .made_ms = 60000},
	{"A B A, just now: the first A does not count",
	 {{SHA_A, 0, OPENED}, {SHA_B, 50000, 0}, {SHA_A, 55000, 0}},
	 .live = SHA_A, .made_ms = 60000, .want = PROOF_YOUNG},
	{"A B A, back after it was said",
	 {{SHA_A, 0, OPENED}, {SHA_B, 50000, 0}, {SHA_A, 62000, 0}},
	 .live = SHA_A, .made_ms = 60000, .heard_ms = 63000,
	 .want = PROOF_UNRECORDED},
	{"an answer that was recorded before its elder",
	 {{SHA_B, 58000, 0}, {SHA_A, 1000, 0}}, .live = SHA_A,
	 .made_ms = 60000, .want = PROOF_YOUNG},

	{"opened: no guard", {{SHA_A, 59500, OPENED}}, .live = SHA_A,
	 .made_ms = 60000},
	{"opened within the second", {{SHA_A, 60400, OPENED}}, .live = SHA_A,
	 .made_ms = 60000},
	{"opened after it was heard", {{SHA_A, 60400, OPENED}}, .live = SHA_A,
	 .made_ms = 60000, .heard_ms = 60300, .want = PROOF_UNRECORDED},
	{"opened, but not the only one",
	 {{SHA_A, 0, OPENED}, {SHA_B, 59500, 0}}, .live = SHA_B,
	 .made_ms = 60000, .want = PROOF_YOUNG},
	{"first known from a scan", {{SHA_A, 59500, 0}}, .live = SHA_A,
	 .made_ms = 60000, .want = PROOF_YOUNG},

	{"a gap before", {{SHA_A, 1000, 0}}, .gap = {0, 900}, .live = SHA_A,
	 .made_ms = 60000},
	{"a gap since", {{SHA_A, 0, 0}}, .gap = {20000, 30000},
	 .live = SHA_A, .made_ms = 60000, .want = PROOF_GAP},
	{"a gap since, opened", {{SHA_A, 0, OPENED}}, .gap = {20000, 30000},
	 .live = SHA_A, .made_ms = 60000, .want = PROOF_GAP},
	{"recorded in a gap", {{SHA_A, 25000, 0}}, .gap = {20000, 30000},
	 .live = SHA_A, .made_ms = 60000, .want = PROOF_GAP},
	{"a gap, confirmed", {{SHA_A, 0, 0}, {SHA_A, 31000, AGAIN}},
	 .gap = {20000, 30000}, .live = SHA_A, .made_ms = 60000},
	{"a gap, confirmed just now", {{SHA_A, 0, 0}, {SHA_A, 55000, AGAIN}},
	 .gap = {20000, 30000}, .live = SHA_A, .made_ms = 60000,
	 .want = PROOF_YOUNG},
	{"confirming is not opening",
	 {{SHA_A, 0, OPENED}, {SHA_A, 55000, AGAIN}},
	 .gap = {20000, 30000}, .live = SHA_A, .made_ms = 60000,
	 .want = PROOF_YOUNG},
	{"confirmed before the gap",
	 {{SHA_A, 0, 0}, {SHA_A, 15000, AGAIN}}, .gap = {20000, 30000},
	 .live = SHA_A, .made_ms = 60000, .want = PROOF_GAP},
	{"a gap that began when it had been heard", {{SHA_A, 0, 0}},
	 .gap = {60500, 90000}, .live = SHA_A, .made_ms = 60000,
	 .heard_ms = 60500},
	{"a gap in which it was said", {{SHA_A, 0, 0}},
	 .gap = {59000, 90000}, .live = SHA_A, .made_ms = 60000,
	 .heard_ms = 91000, .want = PROOF_GAP},
	{"confirmed too late, but known before that gap",
	 {{SHA_A, 0, 0}, {SHA_A, 91000, AGAIN}}, .gap = {60500, 90000},
	 .live = SHA_A, .made_ms = 60000, .heard_ms = 60500},

	{"no clock", {{SHA_A, 0, 0}}, .live = SHA_A, .made_ms = 60000,
	 .clockless = true, .want = PROOF_CLOCK},
	{"no date", {{SHA_A, 0, 0}}, .live = SHA_A, .undated = true,
	 .want = PROOF_UNDATED},
	{"the forge ahead by a bit: converted", {{SHA_A, 0, 0}},
	 .live = SHA_A, .made_ms = GUARD + 5000, .lo = 5000, .hi = 5000},
	{"the forge ahead by a bit more", {{SHA_A, 0, 0}}, .live = SHA_A,
	 .made_ms = GUARD + 4000, .lo = 5000, .hi = 5000,
	 .want = PROOF_YOUNG},
	{"the forge behind: converted", {{SHA_A, 0, 0}}, .live = SHA_A,
	 .made_ms = GUARD - 5000, .lo = -5000, .hi = -5000,
	 .heard_ms = GUARD + 1000},
	{"not known how far: the worst counts", {{SHA_A, 0, 0}},
	 .live = SHA_A, .made_ms = GUARD, .lo = -500, .hi = 400,
	 .want = PROOF_YOUNG},
	{"ahead by more than the guard", {{SHA_A, 0, 0}}, .live = SHA_A,
	 .made_ms = 600000, .lo = GUARD + 2001, .hi = GUARD + 3000,
	 .want = PROOF_SKEW},
	{"our wall clock was put right since", {{SHA_A, 0, 0}},
	 .live = SHA_A, .made_ms = 3600000 + GUARD + 1000,
	 .heard_ms = GUARD + 2000, .lo = 3600000, .hi = 3600500,
	 .off = 3600200},
	{"our wall clock was put wrong since", {{SHA_A, 0, 0}},
	 .live = SHA_A, .made_ms = GUARD + 1000, .hi = 999,
	 .off = -3600000},
	{"behind by more than the guard", {{SHA_A, 0, 0}}, .live = SHA_A,
	 .made_ms = 600000, .lo = -GUARD - 3000, .hi = -GUARD - 2001,
	 .want = PROOF_SKEW},
	{"a clock out of order is no waiver", {{SHA_A, 0, OPENED}},
	 .live = SHA_A, .made_ms = 600000, .lo = GUARD + 2001,
	 .hi = GUARD + 3000, .want = PROOF_SKEW},
	{"said later than heard: the clock lies", {{SHA_A, 55000, 0}},
	 .live = SHA_A, .made_ms = 90000, .heard_ms = 60000,
	 .want = PROOF_YOUNG},

	{"without a guard, within the second", {{SHA_A, 60400, 0}},
	 .live = SHA_A, .made_ms = 60000, .guard = -1},
	{"without a guard, after it", {{SHA_A, 61000, 0}}, .live = SHA_A,
	 .made_ms = 60000, .guard = -1, .heard_ms = 70000,
	 .want = PROOF_UNRECORDED},
	{"without a guard, before the push",
	 {{SHA_A, 0, 0}, {SHA_B, 62000, 0}}, .live = SHA_B,
	 .made_ms = 60000, .guard = -1, .heard_ms = 63000,
	 .want = PROOF_UNRECORDED},
	{"without a guard, a gap", {{SHA_A, 0, 0}}, .gap = {1, 2},
	 .live = SHA_A, .made_ms = 60000, .guard = -1, .want = PROOF_GAP},

	{"named, just recorded", {{SHA_A, 59000, 0}}, .live = SHA_A,
	 .named = SHA_A, .made_ms = 60000},
	{"named by 12", {{SHA_A, 59000, 0}}, .live = SHA_A,
	 .named = "aaaaaaaaaaaa", .made_ms = 60000},
	{"named by 11", {{SHA_A, 59000, 0}}, .live = SHA_A,
	 .named = "aaaaaaaaaaa", .made_ms = 60000, .want = PROOF_NOT_LIVE},
	{"named, not recorded", {{SHA_B, 0, 0}}, .live = SHA_A,
	 .named = SHA_A, .made_ms = 60000, .want = PROOF_UNRECORDED},
	{"named, recorded later", {{SHA_B, 0, 0}, {SHA_A, 62000, 0}},
	 .live = SHA_A, .named = SHA_A, .made_ms = 60000, .heard_ms = 63000,
	 .want = PROOF_UNRECORDED},
	{"named what was", {{SHA_A, 0, 0}, {SHA_B, 1000, 0}}, .live = SHA_B,
	 .named = SHA_A, .made_ms = 60000, .want = PROOF_NOT_LIVE},
	{"named by what two have",
	 {{SHA_A, 0, 0}, {SHA_A2, 1000, 0}}, .live = SHA_A2,
	 .named = "aaaaaaaaaaaaa", .made_ms = 60000,
	 .want = PROOF_AMBIGUOUS},
	{"named by a digit more", {{SHA_A, 0, 0}, {SHA_A2, 1000, 0}},
	 .live = SHA_A2, .named = "aaaaaaaaaaaaa1", .made_ms = 60000},
	{"named in a gap", {{SHA_A, 0, 0}}, .gap = {1000, 2000},
	 .live = SHA_A, .named = SHA_A, .made_ms = 60000},
	{"named without a clock", {{SHA_A, 0, 0}}, .live = SHA_A,
	 .named = SHA_A, .made_ms = 60000, .clockless = true},
	{"named while the clocks are an hour apart", {{SHA_A, 0, 0}},
	 .live = SHA_A, .named = SHA_A, .made_ms = 3660000,
	 .heard_ms = 61000, .lo = 3600000, .hi = 3600500},
	{"named before, while they are an hour apart",
	 {{SHA_A, 62000, 0}}, .live = SHA_A, .named = SHA_A,
	 .made_ms = 3660000, .heard_ms = 70000, .lo = 3600000,
	 .hi = 3600500, .want = PROOF_UNRECORDED},
	{"named in a review of another", {{SHA_A, 0, 0}}, .live = SHA_A,
	 .named = SHA_A, .bound = SHA_B, .made_ms = 60000,
	 .want = PROOF_OTHER_BOUND},

	{"a review of the head", {{SHA_A, 0, 0}}, .live = SHA_A,
	 .bound = SHA_A, .made_ms = 60000},
	{"a review of another", {{SHA_A, 0, 0}, {SHA_B, 1000, 0}},
	 .live = SHA_B, .bound = SHA_A, .made_ms = 60000,
	 .want = PROOF_OTHER_BOUND},
	{"a review of a head just pushed",
	 {{SHA_A, 0, 0}, {SHA_B, 58000, 0}}, .live = SHA_B, .bound = SHA_B,
	 .made_ms = 60000, .want = PROOF_YOUNG},

	{"the command line", {{SHA_A, 59999, 0}}, .live = SHA_A,
	 .made_ms = 60000, .call = true, .clockless = true},
	{"the command line, in a gap", {{SHA_A, 0, 0}}, .gap = {1, 2},
	 .live = SHA_A, .made_ms = 60000, .call = true},
	{"the command line, a pull not known", {{0}}, .live = SHA_A,
	 .made_ms = 60000, .call = true},
	{"the command line, moved meanwhile", {{SHA_A, 0, 0}},
	 .live = SHA_B, .made_ms = 60000, .call = true,
	 .want = PROOF_UNRECORDED},
	{"the command line, told meanwhile",
	 {{SHA_A, 0, 0}, {SHA_B, 60001, 0}}, .live = SHA_B,
	 .made_ms = 60000, .heard_ms = 60000, .call = true,
	 .want = PROOF_UNRECORDED},
	{"a call: first seen after it was said", {{SHA_A, 61000, 0}},
	 .live = SHA_A, .made_ms = 60000, .heard_ms = 60000, .call = true},
	{"a call: the same with all digits", {{SHA_A, 61000, 0}},
	 .live = SHA_A, .named = SHA_A, .made_ms = 60000, .heard_ms = 60000,
	 .call = true},
	{"a call: first seen after it was said, and moved since",
	 {{SHA_A, 61000, 0}}, .live = SHA_B, .made_ms = 60000,
	 .heard_ms = 60000, .call = true, .want = PROOF_UNRECORDED},
	{"a comment with all digits of what was not on record",
	 {{SHA_A, 62000, 0}}, .live = SHA_A, .named = SHA_A, .made_ms = 60000,
	 .want = PROOF_UNRECORDED},
	{"found by asking, and something happened since", {{SHA_A, 0, 0}},
	 .live = SHA_A, .made_ms = 60000, .stirred = true,
	 .want = PROOF_STIRRED},
	{"the same with its SHA", {{SHA_A, 0, 0}}, .live = SHA_A,
	 .named = SHA_A, .made_ms = 60000, .stirred = true},
	{"the same in a review", {{SHA_A, 0, 0}}, .live = SHA_A,
	 .bound = SHA_A, .made_ms = 60000, .stirred = true},
	{"found by asking: a better reason comes first", {{SHA_A, 55000, 0}},
	 .live = SHA_A, .made_ms = 60000, .stirred = true,
	 .want = PROOF_YOUNG},
};
/* clang-format on */

static void judge_row(const struct row *r, struct proof *ret)
{
	struct sighting seen[5] = {0};
	struct gap gap = {T0 + r->gap.from_ms, T0 + r->gap.to_ms};
	struct proof_question q = {
		.seen = seen,
		.gaps = &gap,
		.gap_count = r->gap.to_ms != 0,
		.live_sha = r->live,
		.named_sha = r->named ? r->named : "",
		.bound = r->bound != NULL,
		.bound_sha = r->bound ? r->bound : "",
		.operator_call = r->call,
		.stirred = r->stirred,
		.made_ms = r->undated ? 0 : T0 + r->made_ms,
		.received_ms =
			T0 + (r->heard_ms ? r->heard_ms : r->made_ms + 1000),
		.skew = {.known = !r->clockless,
			 .lo_ms = r->lo,
			 .hi_ms = r->hi},
		.wall_off_ms = r->off,
		.guard_ms = r->guard < 0 ? 0 : GUARD,
	};

	for (; q.seen_count < 5 && r->seen[q.seen_count].sha; q.seen_count++) {
		struct sighting *s = &seen[q.seen_count];

		COPY(s->sha, r->seen[q.seen_count].sha);
		s->at_ms = T0 + r->seen[q.seen_count].at_ms;
		s->opened = r->seen[q.seen_count].flags & OPENED;
		s->again = r->seen[q.seen_count].flags & AGAIN;
	}
	proof_judge(&q, ret);
}

static void cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct proof p;

		judge_row(&rows[i], &p);
		if (p.reason != rows[i].want)
			fail_msg("%s: %s, not %s", rows[i].name,
				 proof_reason_name(p.reason),
				 proof_reason_name(rows[i].want));
		assert_string_equal(p.sha, rows[i].live);
	}
}

/* Every doubt has a name and says why; what was proven has evidence. */
static void doubts_say_why(void **state)
{
	struct proof p = {.guard_ms = GUARD, .skew = {true, 90000, 90500, 0}};

	(void)state;
	for (int i = PROOF_PROVEN + 1; i < PROOF_MAX; i++) {
		CLEANUP(str_release) struct str text = STR_INIT(1024);

		p.reason = (enum proof_reason)i;
		proof_explain(&p, &text);
		assert_true(text.len > 40);
		assert_int_equal(text.text[text.len - 1], '.');
		assert_true(*proof_reason_name(p.reason));
	}
	judge_row(&rows[1], &p);
	assert_int_equal(p.recorded_ms, T0);
	assert_int_equal(p.guard_ms, GUARD);
	assert_int_equal(p.made_from_ms, T0 + 60000);
	assert_false(p.named || p.waived);
}

/* --- the two clocks --- */

static void measures_narrow(void **state)
{
	struct skew s = {0};

	(void)state;
	/* Asked at 100.2, answered by 100.0 (up to 100.999) at 100.3. */
	skew_measure(&s, 100000, 100200, 100300);
	assert_true(s.known);
	assert_int_equal(s.lo_ms, -300);
	assert_int_equal(s.hi_ms, 799);
	skew_measure(&s, 101000, 101010, 101050);
	assert_int_equal(s.lo_ms, -50);
	assert_int_equal(s.hi_ms, 799);
	/* A slow answer tells nothing new. */
	skew_measure(&s, 105000, 102000, 110000);
	assert_int_equal(s.lo_ms, -50);
	assert_int_equal(s.hi_ms, 799);
	/* A clock was set: what was known is not so any more. */
	skew_measure(&s, 3600000, 111000, 111100);
	assert_int_equal(s.lo_ms, 3600000 - 111100);
	assert_int_equal(s.hi_ms, 3600999 - 111000);
	/* And what is old is not kept, as clocks drift. */
	skew_measure(&s, 4200000, 711000, 711100);
	assert_int_equal(s.lo_ms, 4200000 - 711100);
	/* Nobody is asked after the answer. */
	s.known = false;
	skew_measure(&s, 5000, 9000, 5500);
	assert_int_equal(s.lo_ms, -500);
	assert_int_equal(s.hi_ms, 499);
}

/* --- a small world --- */

/*
 * Time goes in ticks.  The head begins as A and is pushed to and fro between
 * A and B; each push is told by a webhook at once or a tick late, unless
 * that falls into the gap; after the gap the forge is asked.  Somebody writes
 * in a tick, and a while later it is decided.  What that person can have seen
 * is known to the test alone.
 */
enum { TICKS = 7, PUSHES = 3 };
#define TICK 700
#define LONG (3 * TICK) /* the guard */
#define UPDATES 32

struct small {
	int pushes;
	int at[PUSHES];	      /* ticks, ascending */
	int delay[PUSHES];    /* ticks */
	int gap_from, gap_to; /* ticks; to 0 = none */
	int scan;	      /* ticks after the gap */
	bool opened;	      /* A is known from a webhook, not from a scan */
	int said, decided;    /* ticks */
	int64_t skew_ms;
};

/* What the bot has on record; the store's rules, in short. */
struct memory {
	struct sighting seen[UPDATES];
	size_t count;
	int updated; /* the tick of the state that is known */
};

static const char *head_at(const struct small *w, int tick)
{
	int n = 0;

	while (n < w->pushes && w->at[n] <= tick)
		n++;
	return n % 2 ? SHA_B : SHA_A;
}

static int64_t ms(int tick)
{
	return T0 + (int64_t)tick * TICK;
}

static void note(struct memory *m, const char *sha, int tick, int flags)
{
	struct sighting *s = &m->seen[m->count++];

	COPY(s->sha, sha);
	s->at_ms = ms(tick);
	s->opened = flags & OPENED;
	s->again = flags & AGAIN;
}

static bool is_known(const struct memory *m, const char *sha)
{
	for (size_t i = 0; i < m->count; i++)
		if (strcmp(m->seen[i].sha, sha) == 0)
			return true;
	return false;
}

static void hear(struct memory *m, const char *sha, int pushed, int tick)
{
	char now[SHA_SIZE];

	COPY(now, m->seen[m->count - 1].sha);
	if (pushed < m->updated) {
		if (!is_known(m, sha)) {
			note(m, sha, tick, 0);
			note(m, now, tick, 0);
		}
		return;
	}
	m->updated = pushed;
	if (strcmp(now, sha) != 0)
		note(m, sha, tick, 0);
}

static void tick_of(const struct small *w, struct memory *m, int tick)
{
	const char *now = head_at(w, tick);

	for (int i = 0; i < w->pushes; i++)
		if (w->at[i] + w->delay[i] == tick &&
		    (tick < w->gap_from || tick >= w->gap_to))
			hear(m, i % 2 ? SHA_A : SHA_B, w->at[i], tick);
	if (!w->gap_to || tick != w->gap_to + w->scan)
		return;
	m->updated = tick;
	note(m, now, tick,
	     strcmp(m->seen[m->count - 1].sha, now) == 0 ? AGAIN : 0);
}

static int64_t said_ms(const struct small *w)
{
	return ms(w->said) + TICK / 2;
}

static enum proof_reason decide(const struct small *w)
{
	int64_t forge = said_ms(w) + w->skew_ms, now = ms(w->decided) + TICK;
	const struct gap gap = {ms(w->gap_from), ms(w->gap_to)};
	struct memory m = {0};
	struct skew skew = {0};
	struct proof p;
	struct proof_question q = {
		.gaps = &gap,
		.gap_count = w->gap_to && w->gap_from <= w->decided,
		.live_sha = head_at(w, w->decided),
		.named_sha = "",
		.bound_sha = "",
		.made_ms = forge - forge % 1000,
		.received_ms = now,
		.guard_ms = LONG,
	};

	note(&m, SHA_A, 0, w->opened ? OPENED : 0);
	for (int tick = 1; tick <= w->decided; tick++)
		tick_of(w, &m, tick);
	skew_measure(&skew, now + w->skew_ms - (now + w->skew_ms) % 1000, now,
		     now);
	q.seen = m.seen;
	q.seen_count = m.count;
	q.skew = skew;
	proof_judge(&q, &p);
	return p.reason;
}

/* The longest time without a break in which sha could be seen before it was
 * said. */
static int64_t could_see(const struct small *w, const char *sha)
{
	int64_t best = 0, since = -1;

	for (int tick = 0; tick <= w->said; tick++) {
		bool same = strcmp(head_at(w, tick), sha) == 0;
		int64_t end = tick == w->said ? said_ms(w) : ms(tick + 1);

		if (!same)
			since = -1;
		else if (since < 0)
			since = ms(tick);
		if (same && end - since > best)
			best = end - since;
	}
	return best;
}

/* A webhook that is late makes the bot see everything late. */
static int64_t lateness(const struct small *w)
{
	for (int i = 0; i < w->pushes; i++)
		if (w->delay[i])
			return TICK;
	return 0;
}

static size_t proven, tried;

static void try_one(const struct small *w)
{
	const char *live = head_at(w, w->decided);
	enum proof_reason reason = decide(w);
	/* What was opened with it and showed nothing else needs no guard. */
	bool only = w->opened && (!w->pushes || w->at[0] >= w->said);
	int64_t need = only ? 1 : LONG - lateness(w);

	tried++;
	if (reason == PROOF_PROVEN && could_see(w, live) < need)
		fail_msg("opened %d, pushes %d: %d+%d %d+%d %d+%d, gap %d-%d "
			 "scan %d, said %d, decided %d, skew %lld",
			 w->opened, w->pushes, w->at[0], w->delay[0], w->at[1],
			 w->delay[1], w->at[2], w->delay[2], w->gap_from,
			 w->gap_to, w->scan, w->said, w->decided,
			 (long long)w->skew_ms);
	proven += reason == PROOF_PROVEN;
	/* And who sees it long enough, with nothing in between, is obeyed. */
	if (!w->pushes && !w->gap_to && said_ms(w) - T0 >= LONG + 2000)
		assert_int_equal(reason, PROOF_PROVEN);
	if (w->opened && !w->pushes && !w->gap_to)
		assert_int_equal(reason, PROOF_PROVEN);
}

static void each_comment(struct small *w)
{
	static const int64_t skews[] = {-2300, 0, 1700};

	for (int i = 0; i < 6; i++) {
		w->opened = i % 2;
		w->skew_ms = skews[i / 2];
		for (w->said = 1; w->said < TICKS; w->said++)
			for (int d = 0; d < 3; d++) {
				w->decided = w->said + d;
				try_one(w);
			}
	}
}

static void each_gap(struct small *w)
{
	w->gap_from = w->gap_to = w->scan = 0;
	each_comment(w);
	for (w->gap_from = 0; w->gap_from < TICKS; w->gap_from++)
		for (w->gap_to = w->gap_from + 1; w->gap_to <= TICKS;
		     w->gap_to++)
			for (w->scan = 0; w->scan < 2; w->scan++)
				each_comment(w);
}

static void each_push(struct small *w, int from)
{
	each_gap(w);
	if (w->pushes == PUSHES)
		return;
	for (int at = from; at < TICKS; at++)
		for (int delay = 0; delay < 2; delay++) {
			w->at[w->pushes] = at;
			w->delay[w->pushes++] = delay;
			each_push(w, at + 1);
			w->pushes--;
		}
}

static void small_world(void **state)
{
	struct small w = {0};

	(void)state;
	proven = tried = 0;
	each_push(&w, 1);
	assert_true(proven > tried / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cases),
		cmocka_unit_test(doubts_say_why),
		cmocka_unit_test(measures_narrow),
		cmocka_unit_test(small_world),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
