/*
 * The timing policy: a case for every row of the table, and a random walk
 * that checks what must hold in every state.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "bot/base/attr.h"
#include "deploy/policy.h"

#define MIN 60000LL
#define HOUR (60 * MIN)
#define T (1000 * HOUR) /* now */

static const struct policy usual = {
	.settle_ms = 5 * MIN,
	.settle_max_ms = 20 * MIN,
	.cooldown_ms = 30 * MIN,
	.full_interval_ms = 6 * HOUR,
	.schedule_ms = 8 * HOUR,
	.restart_limit = 1,
};

struct row {
	const char *what;
	struct policy_facts f; /* .now_ms is T */
	enum policy_action action;
	enum cycle_kind kind;
	int64_t at_ms;
	const char *why; /* a part of it */
};

/* Last finish an hour ago, last full two hours ago. */
#define QUIET                                                                  \
	.last_finish_ms = T - HOUR, .last_full_ms = T - 2 * HOUR,              \
	.schedule_from_ms = T - HOUR
#define AUTO(first, last)                                                      \
	.auto_count = 2, .auto_first_ms = (first), .auto_last_ms = (last)
#define SHORT_RUNS .phase = PHASE_OPEN, .running = KIND_SHORT
#define FULL_RUNS .phase = PHASE_OPEN, .running = KIND_FULL

static const struct row rows[] = {
	/* Nothing waits. */
	{"nothing", {QUIET}, POLICY_IDLE, KIND_NONE, T + 7 * HOUR, "nothing"},
	{"nothing, a cycle runs",
	 {QUIET, SHORT_RUNS},
	 POLICY_IDLE,
	 KIND_NONE,
	 0,
	 "nothing"},
	{"nothing, schedule long due, a cycle runs",
	 {.schedule_from_ms = T - 9 * HOUR, FULL_RUNS},
	 POLICY_IDLE,
	 KIND_NONE,
	 0,
	 "nothing"},

	/* Automatic, nothing runs. */
	{"settling",
	 {QUIET, AUTO(T - MIN, T - MIN)},
	 POLICY_WAIT,
	 KIND_NONE,
	 T + 4 * MIN,
	 "settling"},
	{"settled to the millisecond",
	 {QUIET, AUTO(T - 6 * MIN, T - 5 * MIN)},
	 POLICY_START,
	 KIND_SHORT,
	 0,
	 "new revisions"},
	{"one millisecond before",
	 {QUIET, AUTO(T - 6 * MIN, T - 5 * MIN + 1)},
	 POLICY_WAIT,
	 KIND_NONE,
	 T + 1,
	 "settling"},
	{"re-armed up to settle_max",
	 {QUIET, AUTO(T - 18 * MIN, T)},
	 POLICY_WAIT,
	 KIND_NONE,
	 T + 2 * MIN,
	 "settling"},
	{"settle_max over, still pushing",
	 {QUIET, AUTO(T - 20 * MIN, T)},
	 POLICY_START,
	 KIND_SHORT,
	 0,
	 "new revisions"},
	{"cooldown",
	 {.last_finish_ms = T - 10 * MIN,
	  .last_full_ms = T - HOUR,
	  AUTO(T - 6 * MIN, T - 6 * MIN)},
	 POLICY_WAIT,
	 KIND_NONE,
	 T + 20 * MIN,
	 "cooldown"},
	{"cooldown over, still settling",
	 {.last_finish_ms = T - 28 * MIN, .last_full_ms = T - HOUR, AUTO(T, T)},
	 POLICY_WAIT,
	 KIND_NONE,
	 T + 5 * MIN,
	 "settling"},
	{"the very first is full",
	 {AUTO(T - HOUR, T - HOUR)},
	 POLICY_START,
	 KIND_FULL,
	 0,
	 "new revisions"},
	{"full exactly at the interval",
	 {.last_finish_ms = T - HOUR,
	  .last_full_ms = T - 6 * HOUR,
	  AUTO(T - HOUR, T - HOUR)},
	 POLICY_START,
	 KIND_FULL,
	 0,
	 "new revisions"},
	{"short one millisecond before the interval",
	 {.last_finish_ms = T - HOUR,
	  .last_full_ms = T - 6 * HOUR + 1,
	  AUTO(T - HOUR, T - HOUR)},
	 POLICY_START,
	 KIND_SHORT,
	 0,
	 "new revisions"},

	/* Commands, nothing runs: no settle, no cooldown. */
	{"deploy in the cooldown",
	 {.last_finish_ms = T - 1, .last_full_ms = T - 1, .deploy_count = 1},
	 POLICY_START,
	 KIND_SHORT,
	 0,
	 "command"},
	{"deploy is short, however old the full",
	 {.deploy_count = 1},
	 POLICY_START,
	 KIND_SHORT,
	 0,
	 "command"},
	{"deploy takes the settling along",
	 {QUIET, AUTO(T, T), .deploy_count = 1},
	 POLICY_START,
	 KIND_SHORT,
	 0,
	 "command"},
	{"trigger, full allowed",
	 {.last_finish_ms = T - 1,
	  .last_full_ms = T - 6 * HOUR,
	  .trigger_count = 1},
	 POLICY_START,
	 KIND_FULL,
	 0,
	 "command"},
	{"trigger, no full yet",
	 {.trigger_count = 1},
	 POLICY_START,
	 KIND_FULL,
	 0,
	 "command"},
	{"trigger, full not allowed",
	 {QUIET, .trigger_count = 1},
	 POLICY_START,
	 KIND_SHORT,
	 0,
	 "command"},
	{"deploy and trigger make one full",
	 {.deploy_count = 1, .trigger_count = 1},
	 POLICY_START,
	 KIND_FULL,
	 0,
	 "command"},
	{"forced full breaks the interval",
	 {QUIET, .forced_full_count = 1},
	 POLICY_START,
	 KIND_FULL,
	 0,
	 "command"},

	/* Booked fulls. */
	{"booked, not yet",
	 {QUIET, .booked_count = 1},
	 POLICY_WAIT,
	 KIND_NONE,
	 T + 4 * HOUR,
	 "booked"},
	{"booked, due, in the cooldown",
	 {.last_finish_ms = T - 1,
	  .last_full_ms = T - 6 * HOUR,
	  .booked_count = 1},
	 POLICY_START,
	 KIND_FULL,
	 0,
	 "booked"},
	{"booked far off, automatic first",
	 {QUIET, AUTO(T, T), .booked_count = 1},
	 POLICY_WAIT,
	 KIND_NONE,
	 T + 5 * MIN,
	 "settling"},
	{"booked soon, before the automatic",
	 {.last_finish_ms = T - MIN,
	  .last_full_ms = T - 6 * HOUR + MIN,
	  AUTO(T, T),
	  .booked_count = 1},
	 POLICY_WAIT,
	 KIND_NONE,
	 T + MIN,
	 "booked"},
	{"booked far off, automatic due",
	 {QUIET, AUTO(T - HOUR, T - HOUR), .booked_count = 1},
	 POLICY_START,
	 KIND_SHORT,
	 0,
	 "new revisions"},
	{"deploy goes before a due booking",
	 {.booked_count = 1, .deploy_count = 1},
	 POLICY_START,
	 KIND_SHORT,
	 0,
	 "command"},
	{"booked and due, a short runs",
	 {SHORT_RUNS, .booked_count = 1},
	 POLICY_WAIT,
	 KIND_NONE,
	 0,
	 "booked"},

	/* A short runs. */
	{"automatic settles",
	 {QUIET, SHORT_RUNS, AUTO(T - MIN, T - MIN)},
	 POLICY_WAIT,
	 KIND_NONE,
	 T + 4 * MIN,
	 "settling"},
	{"automatic settled, no cooldown for a restart",
	 {.last_finish_ms = T - MIN,
	  .last_full_ms = T - HOUR,
	  SHORT_RUNS,
	  AUTO(T - 5 * MIN, T - 5 * MIN)},
	 POLICY_RESTART,
	 KIND_SHORT,
	 0,
	 "new revisions"},
	{"automatic restart stays short",
	 {SHORT_RUNS, AUTO(T - 5 * MIN, T - 5 * MIN)},
	 POLICY_RESTART,
	 KIND_SHORT,
	 0,
	 "new revisions"},
	{"automatic, restarts used up",
	 {QUIET, SHORT_RUNS, .restarts = 1, AUTO(T - HOUR, T - HOUR)},
	 POLICY_WAIT,
	 KIND_NONE,
	 0,
	 "not restarted again"},
	{"deploy restarts at once",
	 {QUIET, SHORT_RUNS, .deploy_count = 1},
	 POLICY_RESTART,
	 KIND_SHORT,
	 0,
	 "command"},
	{"deploy, restarts used up",
	 {QUIET, SHORT_RUNS, .restarts = 1, .deploy_count = 1},
	 POLICY_WAIT,
	 KIND_NONE,
	 0,
	 "not restarted again"},
	{"trigger restarts as a full",
	 {.last_full_ms = T - 6 * HOUR, SHORT_RUNS, .trigger_count = 1},
	 POLICY_RESTART,
	 KIND_FULL,
	 0,
	 "command"},
	{"trigger restarts as a short",
	 {QUIET, SHORT_RUNS, .trigger_count = 1},
	 POLICY_RESTART,
	 KIND_SHORT,
	 0,
	 "command"},

	/* What is never interrupted. */
	{"deploy, a full runs",
	 {FULL_RUNS, .deploy_count = 1},
	 POLICY_WAIT,
	 KIND_NONE,
	 0,
	 "full cycle"},
	{"automatic, a full runs",
	 {FULL_RUNS, AUTO(T - HOUR, T - HOUR)},
	 POLICY_WAIT,
	 KIND_NONE,
	 0,
	 "full cycle"},
	{"forced full, a full runs",
	 {FULL_RUNS, .forced_full_count = 1},
	 POLICY_WAIT,
	 KIND_NONE,
	 0,
	 "full cycle"},
	{"forced full, health gate of a short",
	 {QUIET, .phase = PHASE_GUARDED, .running = KIND_SHORT,
	  .forced_full_count = 1},
	 POLICY_WAIT,
	 KIND_NONE,
	 0,
	 "health check"},
	{"forced full, a short that may restart",
	 {QUIET, .phase = PHASE_OPEN, .running = KIND_SHORT,
	  .forced_full_count = 1},
	 POLICY_RESTART,
	 KIND_FULL,
	 0,
	 "command"},
	{"forced full, locked until somebody unlocks",
	 {QUIET, .forced_full_count = 1, .frozen = true},
	 POLICY_WAIT,
	 KIND_NONE,
	 0,
	 "frozen"},
	{"deploy, health gate of a short",
	 {.phase = PHASE_GUARDED, .running = KIND_SHORT, .deploy_count = 1},
	 POLICY_WAIT,
	 KIND_NONE,
	 0,
	 "health check"},
	{"automatic, health gate",
	 {.phase = PHASE_GUARDED,
	  .running = KIND_SHORT,
	  AUTO(T - HOUR, T - HOUR)},
	 POLICY_WAIT,
	 KIND_NONE,
	 0,
	 "health check"},
	{"deploy, already stopping",
	 {.phase = PHASE_STOPPING, .running = KIND_SHORT, .deploy_count = 1},
	 POLICY_WAIT,
	 KIND_NONE,
	 0,
	 "being stopped"},

	/* Frozen. */
	{"frozen, deploy",
	 {QUIET, .frozen = true, .deploy_count = 1},
	 POLICY_WAIT,
	 KIND_NONE,
	 0,
	 "frozen"},
	{"frozen until, automatic due",
	 {QUIET, .frozen = true, .frozen_until_ms = T + HOUR,
	  AUTO(T - HOUR, T - HOUR)},
	 POLICY_WAIT,
	 KIND_NONE,
	 T + HOUR,
	 "frozen"},
	{"frozen, a short runs and is not restarted",
	 {QUIET, SHORT_RUNS, .frozen = true, .deploy_count = 1},
	 POLICY_WAIT,
	 KIND_NONE,
	 0,
	 "frozen"},
	{"frozen, forced full",
	 {QUIET, .frozen = true, .forced_full_count = 1},
	 POLICY_WAIT,
	 KIND_NONE,
	 0,
	 "frozen"},
	{"the freeze is over",
	 {QUIET, .frozen = true, .frozen_until_ms = T, .deploy_count = 1},
	 POLICY_START,
	 KIND_SHORT,
	 0,
	 "command"},
	{"frozen, schedule due",
	 {.schedule_from_ms = T - 8 * HOUR,
	  .frozen = true,
	  .frozen_until_ms = T + MIN},
	 POLICY_WAIT,
	 KIND_NONE,
	 T + MIN,
	 "frozen"},

	/* Schedule. */
	{"schedule due, short",
	 {.last_finish_ms = T - 8 * HOUR,
	  .last_full_ms = T - 5 * HOUR,
	  .schedule_from_ms = T - 8 * HOUR},
	 POLICY_START,
	 KIND_SHORT,
	 0,
	 "schedule"},
	{"schedule due, full",
	 {.last_finish_ms = T - 8 * HOUR,
	  .last_full_ms = T - 8 * HOUR,
	  .schedule_from_ms = T - 8 * HOUR},
	 POLICY_START,
	 KIND_FULL,
	 0,
	 "schedule"},
	{"schedule not before the cooldown",
	 {.last_finish_ms = T - MIN,
	  .last_full_ms = T - HOUR,
	  .schedule_from_ms = T - 9 * HOUR},
	 POLICY_IDLE,
	 KIND_NONE,
	 T + 29 * MIN,
	 "schedule"},
	{"schedule gives way to the settling",
	 {.last_finish_ms = T - HOUR,
	  .schedule_from_ms = T - 9 * HOUR,
	  AUTO(T, T)},
	 POLICY_WAIT,
	 KIND_NONE,
	 T + 5 * MIN,
	 "settling"},
};

static void test_rows(void **state UNUSED)
{
	int wrong = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		struct policy_facts f = r->f;
		struct policy_decision d;

		f.now_ms = T;
		d = policy_decide(&usual, &f);
		if (d.action == r->action && d.kind == r->kind &&
		    d.at_ms == r->at_ms && strstr(d.why, r->why) &&
		    d.scheduled == (strstr(r->what, "schedule due,") &&
				    r->action == POLICY_START))
			continue;
		print_error("%s: action %d kind %d at T%+lld \"%s\"\n", r->what,
			    (int)d.action, (int)d.kind,
			    (long long)(d.at_ms ? d.at_ms - T : 0), d.why);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

static void test_no_schedule(void **state UNUSED)
{
	struct policy p = usual;
	struct policy_facts f = {.now_ms = T, .schedule_from_ms = 1};
	struct policy_decision d;

	p.schedule_ms = 0;
	d = policy_decide(&p, &f);
	assert_int_equal(d.action, POLICY_IDLE);
	assert_int_equal(d.at_ms, 0);
}

static void test_no_restarts(void **state UNUSED)
{
	struct policy p = usual;
	struct policy_facts f = {.now_ms = T, SHORT_RUNS, .deploy_count = 1};

	p.restart_limit = 0;
	assert_int_equal(policy_decide(&p, &f).action, POLICY_WAIT);
	p.restart_limit = 3;
	f.restarts = 2;
	assert_int_equal(policy_decide(&p, &f).action, POLICY_RESTART);
}

static void test_full_allowed(void **state UNUSED)
{
	assert_int_equal(policy_full_allowed_ms(&usual, 0), 0);
	assert_int_equal(policy_full_allowed_ms(&usual, T), T + 6 * HOUR);
}

/* A small generator of our own: the walk is the same on every machine. */
static uint32_t seed;

static int64_t dice(int64_t sides)
{
	seed = seed * 1664525u + 1013904223u;
	return (int64_t)(seed >> 8) % sides;
}

static int64_t ago(int64_t now, int64_t most)
{
	return dice(4) ? now - dice(most) : 0;
}

static void throw_policy(struct policy *p)
{
	*p = (struct policy){
		.settle_ms = dice(10) * MIN,
		.settle_max_ms = dice(30) * MIN,
		.cooldown_ms = dice(60) * MIN,
		.full_interval_ms = dice(12) * HOUR,
		.schedule_ms = dice(3) * 4 * HOUR,
		.restart_limit = (int)dice(3),
	};
}

static void throw_facts(struct policy_facts *f)
{
	int64_t first = T - dice(HOUR);

	*f = (struct policy_facts){
		.now_ms = T,
		.auto_count = (int)dice(3),
		.auto_first_ms = first,
		.auto_last_ms = first + dice(T - first + 1),
		.deploy_count = dice(3) ? 0 : 1,
		.trigger_count = dice(3) ? 0 : 1,
		.forced_full_count = dice(6) ? 0 : 1,
		.booked_count = dice(3) ? 0 : 1,
		.last_finish_ms = ago(T, 2 * HOUR),
		.last_full_ms = ago(T, 14 * HOUR),
		.schedule_from_ms = T - dice(10 * HOUR),
		.phase = (enum cycle_phase)dice(4),
		.restarts = (int)dice(3),
		.frozen = dice(5) == 0,
		.frozen_until_ms = dice(2) ? T + dice(HOUR) - MIN : 0,
	};
	if (f->phase != PHASE_NONE)
		f->running = dice(2) ? KIND_SHORT : KIND_FULL;
}

static int waiting(const struct policy_facts *f)
{
	return f->auto_count + f->deploy_count + f->trigger_count +
	       f->forced_full_count + f->booked_count;
}

static void check_start(const struct policy *p, const struct policy_facts *f,
			const struct policy_decision *d)
{
	assert_true(d->kind == KIND_SHORT || d->kind == KIND_FULL);
	if (f->frozen)
		assert_true(f->frozen_until_ms &&
			    f->frozen_until_ms <= f->now_ms);
	if (d->kind == KIND_FULL && !f->forced_full_count)
		assert_true(f->now_ms >=
			    policy_full_allowed_ms(p, f->last_full_ms));
	/* Only a deploy: never anything but short. */
	if (waiting(f) == f->deploy_count && waiting(f))
		assert_int_equal(d->kind, KIND_SHORT);
	assert_int_equal(d->scheduled, !waiting(f));
}

static void check_decision(const struct policy *p, const struct policy_facts *f,
			   const struct policy_decision *d)
{
	assert_true(d->why && *d->why);
	switch (d->action) {
	case POLICY_START:
		assert_int_equal(f->phase, PHASE_NONE);
		check_start(p, f, d);
		break;
	case POLICY_RESTART:
		assert_int_equal(f->phase, PHASE_OPEN);
		assert_int_equal(f->running, KIND_SHORT);
		assert_true(f->restarts < p->restart_limit);
		assert_true(waiting(f) > f->booked_count);
		check_start(p, f, d);
		break;
	case POLICY_WAIT:
	case POLICY_IDLE:
		assert_int_equal(d->kind, KIND_NONE);
		assert_false(d->scheduled);
		assert_true(d->at_ms == 0 || d->at_ms > f->now_ms);
		break;
	}
	if (waiting(f))
		assert_int_not_equal(d->action, POLICY_IDLE);
}

/*
 * The answer does not change before at_ms, and is another one then; so an
 * engine that sleeps until at_ms misses nothing and does not spin.
 */
static void check_sleep(const struct policy *p, struct policy_facts f,
			struct policy_decision d)
{
	for (int steps = 0; d.at_ms; steps++) {
		struct policy_decision before, then;

		assert_true(steps < 6);
		f.now_ms += dice(d.at_ms - f.now_ms);
		before = policy_decide(p, &f);
		assert_int_equal(before.action, d.action);
		assert_int_equal(before.at_ms, d.at_ms);
		f.now_ms = d.at_ms;
		then = policy_decide(p, &f);
		assert_true(then.action != d.action || then.at_ms != d.at_ms);
		check_decision(p, &f, &then);
		d = then;
	}
}

static void check_commands(const struct policy *p, struct policy_facts f)
{
	/* A command starts at once whenever nothing runs or is frozen. */
	f.deploy_count = 1;
	f.frozen = false;
	f.phase = PHASE_NONE;
	assert_int_equal(policy_decide(p, &f).action, POLICY_START);
}

static void test_random_walk(void **state UNUSED)
{
	int seen[4] = {0};

	for (uint32_t i = 0; i < 50000; i++) {
		struct policy p;
		struct policy_facts f;
		struct policy_decision d;

		seed = i;
		throw_policy(&p);
		throw_facts(&f);
		d = policy_decide(&p, &f);
		seen[d.action]++;
		check_decision(&p, &f, &d);
		/* A forever frozen or running environment may wait for ever,
		 * an open one may not. */
		if (d.action == POLICY_WAIT && f.phase == PHASE_NONE &&
		    !f.frozen)
			assert_true(d.at_ms > T);
		check_sleep(&p, f, d);
		check_commands(&p, f);
	}
	for (size_t i = 0; i < ARRAY_SIZE(seen); i++)
		assert_true(seen[i] > 500);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_no_schedule),
		cmocka_unit_test(test_no_restarts),
		cmocka_unit_test(test_full_allowed),
		cmocka_unit_test(test_random_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
