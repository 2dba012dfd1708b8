/*
 * The timing policy in a small world, of which every state is visited that
 * any order of events can reach: pushes, commands, bookings, verdicts, gates,
 * locks, what is cancelled and put back, and time in ticks.  Times longer past
 * than anything counts are one time, so that there is an end to the states.
 *
 * What has to be so (the table of ARCHITECTURE.md, "Timing") is said once more
 * in timing_rules.h, as rules about the world, each with a name; a rule that
 * never applied is a failure as well.  What the code around the policy does of
 * it, with requests and cycles on record, is in timing_events.h; that it does
 * so is for test_locks, test_cancel and test_retry.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/unit/timing_events.h"
#include "tests/unit/timing_rules.h"

static bool overdue_matters; /* else it is not told from due: fewer states */

static unsigned left_out; /* events that do not happen, as bits */

static int64_t applied[ARRAY_SIZE(rules)];

/* The name of a rule that is broken, or NULL. */
static const char *broken(const struct world *w,
			  const struct policy_decision *d)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		enum holds holds = rules[i].holds(w, d);

		applied[i] += holds == HOLDS;
		if (holds == BROKEN)
			return rules[i].name;
	}
	return NULL;
}

/* Until nothing is to be done at this moment.  The name of what is broken. */
static const char *come_to_rest(struct world *w, struct policy_decision *ret)
{
	for (int rounds = 0; rounds < 4; rounds++) {
		const char *name;

		*ret = ask(w);
		name = broken(w, ret);
		if (name || !begins(ret))
			return name;
		obey(w, ret);
	}
	return "it comes to rest";
}

/* --- calm: nothing more happens, and everything comes to its end --- */

/* Sleeps as it is told.  back: what is on record lies so far ahead. */
static const char *calm_down(struct world w, int32_t back)
{
	int64_t bound = policy.settle_max_ms + policy.cooldown_ms +
			policy.full_interval_ms + 4 + back;
	struct policy_decision d;
	int32_t begin = w.now;

	happens(&w, UNLOCK);
	for (int steps = 0; steps < 64; steps++) {
		const char *name = come_to_rest(&w, &d);

		if (name)
			return name;
		if (!waits(&w) && w.running == NOTHING)
			return w.now - begin <= bound ? NULL
						      : "waiting has a bound";
		if (w.running == BEING_STOPPED) {
			happens(&w, STOPPED);
		} else if (w.running != NOTHING) {
			w.now++;
			happens(&w, GREEN);
		} else if (d.at_ms <= ms(w.now)) {
			return "nothing waits for ever";
		} else {
			w.now = (int32_t)(d.at_ms / TICK);
		}
	}
	return "it calms down";
}

/* --- all of it --- */

struct visit {
	struct world w;
	uint32_t from;
	uint8_t event;
};

#define VISITS_MAX (1u << 21)
#define SLOTS (1u << 22)

static struct visit *visits;
static uint32_t visit_count;
static uint32_t *slots; /* index of a visit + 1 */

static bool happens_here(enum event event)
{
	return !(left_out & 1u << event);
}

/* Longer ago than anything looks back is one time. */
static int32_t clamp(int32_t time, int32_t now, int64_t longest)
{
	int32_t floor = NOW - (int32_t)longest;

	if (time == NEVER)
		return NEVER;
	time += NOW - now;
	return time < floor ? floor : time;
}

/* May what runs wait again? */
static bool may_come_back(const struct world *w)
{
	if (w->running == NOTHING || w->running == PUTTING_BACK)
		return false;
	return w->running == BEING_STOPPED || happens_here(CANCEL) ||
	       (!w->full && w->restarts < policy.restart_limit);
}

/*
 * What makes no difference any more.  Pushes that wait again have settled, but
 * for where cycles are cancelled: there they may be as young as they were.
 */
static void forget(struct world *w)
{
	bool cancels = happens_here(CANCEL);

	if (!may_come_back(w))
		nobody_aboard(w);
	if (w->full)
		w->restarts = 0;
	w->met_lock = w->met_lock && w->restarts >= policy.restart_limit;
	if (!happens_here(RETRY))
		w->redo = false;
	if (w->had_pushed && !cancels)
		w->had_first_push = NOW - (int32_t)policy.settle_max_ms;
	/* Settled, whatever is pushed. */
	if (w->had_first_push == NOW - (int32_t)policy.settle_max_ms)
		w->had_last_push = NOW - (int32_t)policy.settle_ms;
	/* Nothing but their cycle takes these wishes away. */
	if (w->owed & BY_PUSH || (!cancels && w->owed & (BY_DEPLOY | BY_FORCE)))
		w->owed = BY_PUSH;
	if (!cancels) {
		w->had_deploy = w->had_deploy && !w->deploy;
		w->had_forced = w->had_forced && !w->forced;
	}
}

static void normalise(struct world *w)
{
	int64_t since_full = policy.full_interval_ms;
	int32_t now = w->now;

	if (overdue_matters)
		since_full += policy.settle_max_ms + 1;
	w->first_push = clamp(w->first_push, now, policy.settle_max_ms);
	w->last_push = clamp(w->last_push, now, policy.settle_ms);
	w->finished = clamp(w->finished, now, policy.cooldown_ms);
	w->last_full = clamp(w->last_full, now, since_full);
	w->scheduled_from = clamp(w->scheduled_from, now, policy.schedule_ms);
	w->frozen_until = clamp(w->frozen_until, now, 0);
	w->had_first_push = clamp(w->had_first_push, now, policy.settle_max_ms);
	w->had_last_push = clamp(w->had_last_push, now, policy.settle_ms);
	w->now = NOW;
	forget(w);
}

static uint32_t slot_of(const struct world *w)
{
	const unsigned char *bytes = (const unsigned char *)w;
	uint64_t h = 1469598103934665603ULL;

	for (size_t i = 0; i < sizeof(*w); i++)
		h = (h ^ bytes[i]) * 1099511628211ULL;
	return (uint32_t)(h ^ h >> 32) % SLOTS;
}

/* Compares bytes: every world was copied from one that was zeroed. */
static void visit(const struct world *w, uint32_t from, enum event event)
{
	uint32_t at = slot_of(w);

	while (slots[at]) {
		if (!memcmp(&visits[slots[at] - 1].w, w, sizeof(*w)))
			return;
		at = (at + 1) % SLOTS;
	}
	assert_true(visit_count < VISITS_MAX);
	memcpy(&visits[visit_count].w, w, sizeof(*w));
	visits[visit_count].from = from;
	visits[visit_count].event = (uint8_t)event;
	slots[at] = ++visit_count;
}

static void print_way(uint32_t to)
{
	if (!to)
		return;
	print_way(visits[to].from);
	print_error("%s, ", event_names[visits[to].event]);
}

static void check(const char *name, uint32_t from, const char *last)
{
	if (!name)
		return;
	print_error("after: ");
	print_way(from);
	print_error("%s\nbroken: %s\n", last, name);
	fail();
}

static void follow(uint32_t from, enum event event)
{
	struct world w;
	struct policy_decision d;

	memcpy(&w, &visits[from].w, sizeof(w));
	if (!happens(&w, event))
		return;
	check(come_to_rest(&w, &d), from, event_names[event]);
	normalise(&w);
	visit(&w, from, event);
}

/* The wall clock is set while the bot does not run: what is on record lies
 * in the future, or long ago. */
static void clock_steps(uint32_t from)
{
	static const int32_t steps[] = {-7, -1, 5, HORIZON};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct world w = visits[from].w;
		struct policy_decision d;

		w.now += steps[i];
		check(come_to_rest(&w, &d), from, "the clock steps");
		check(calm_down(w, steps[i] < 0 ? -steps[i] : 0), from,
		      "the clock steps, calm");
	}
}

/* without: events that do not happen, as bits. */
static void explore(const struct policy *p, unsigned without)
{
	struct world w;

	policy = *p;
	left_out = without;
	memset(&w, 0, sizeof(w));
	w.now = w.scheduled_from = NOW;
	visits = calloc(VISITS_MAX, sizeof(*visits));
	slots = calloc(SLOTS, sizeof(*slots));
	assert_non_null(visits);
	assert_non_null(slots);
	visit_count = 0;
	visit(&w, 0, TIME);
	for (uint32_t i = 0; i < visit_count; i++) {
		for (enum event event = 0; event < EVENTS; event++)
			if (happens_here(event))
				follow(i, event);
		check(calm_down(visits[i].w, 0), i, "calm");
		if (i % 16 == 0)
			clock_steps(i);
	}
	print_message("%u states\n", visit_count);
	free(visits);
	free(slots);
}

#define WITHOUT(event) (1u << (event))
#define NO_CANCEL (WITHOUT(CANCEL) | WITHOUT(CANCEL_OTHERS))

static void usual_order(void **state UNUSED)
{
	explore(
		&(struct policy){
			.settle_ms = 2,
			.settle_max_ms = 3,
			.cooldown_ms = 3,
			.full_interval_ms = 4,
			.schedule_ms = 5,
			.restart_limit = 1,
		},
		NO_CANCEL | WITHOUT(ERROR) | WITHOUT(RETRY));
}

static void two_restarts_and_a_long_cooldown(void **state UNUSED)
{
	explore(
		&(struct policy){
			.settle_ms = 1,
			.settle_max_ms = 3,
			.cooldown_ms = 4,
			.full_interval_ms = 2,
			.schedule_ms = 3,
			.restart_limit = 2,
		},
		NO_CANCEL | WITHOUT(ERROR) | WITHOUT(RETRY));
}

static void no_schedule_restarts_or_cooldown(void **state UNUSED)
{
	overdue_matters = true;
	explore(
		&(struct policy){
			.settle_ms = 3,
			.settle_max_ms = 3,
			.full_interval_ms = 4,
		},
		NO_CANCEL | WITHOUT(ERROR) | WITHOUT(RETRY));
	overdue_matters = false;
}

static void what_runs_is_cancelled(void **state UNUSED)
{
	explore(
		&(struct policy){
			.settle_ms = 1,
			.settle_max_ms = 2,
			.cooldown_ms = 1,
			.full_interval_ms = 2,
			.schedule_ms = 1,
			.restart_limit = 1,
		},
		WITHOUT(ERROR) | WITHOUT(RETRY) | WITHOUT(FREEZE_BEGINS));
}

static void errors_and_retries(void **state UNUSED)
{
	explore(
		&(struct policy){
			.settle_ms = 1,
			.settle_max_ms = 2,
			.cooldown_ms = 2,
			.full_interval_ms = 3,
			.restart_limit = 1,
		},
		WITHOUT(CANCEL_OTHERS) | WITHOUT(FORCE) | WITHOUT(LOCK) |
			WITHOUT(FREEZE_BEGINS) | WITHOUT(GATE));
}

static void every_rule_applied(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (applied[i] < 100)
			fail_msg("%s: applied %lld times", rules[i].name,
				 (long long)applied[i]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(usual_order),
		cmocka_unit_test(two_restarts_and_a_long_cooldown),
		cmocka_unit_test(no_schedule_restarts_or_cooldown),
		cmocka_unit_test(what_runs_is_cancelled),
		cmocka_unit_test(errors_and_retries),
		cmocka_unit_test(every_rule_applied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
