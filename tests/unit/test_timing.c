/*
 * The timing policy in a small world, of which every state is visited that
 * any order of events can reach: pushes, commands, bookings, ends of cycles,
 * gates, locks, and time in ticks.  Times longer past than anything counts
 * are one time, so that there is an end to the states.
 *
 * What has to be so (the table of ARCHITECTURE.md, "Timing") is said here once
 * more, as rules about the world, each with a name; a rule that never applied
 * is a failure as well.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "bot/base/attr.h"
#include "deploy/policy.h"

/* Ticks; 0 in the world's times is never. */
#define TICK 1000
#define NOW 100000
#define NEVER 0
/* A freeze with an end takes so long. */
#define FREEZE 2
/* More than any delay of the policies below. */
#define HORIZON 12

/* --- the world --- */

enum running {
	NOTHING,
	AT_WORK,
	AT_THE_GATE,
	BEING_STOPPED,
};

struct world {
	/* Requests that wait. */
	bool pushed, deploy, trigger, forced, booked;
	bool locked;  /* until somebody unlocks */
	bool differs; /* from what is deployed */
	uint8_t running;
	bool full;  /* what runs */
	bool then;  /* what is being stopped begins again as a full */
	bool holds; /* the full that runs has the booked revision */
	uint8_t restarts;
	/* Absolute ticks. */
	int32_t now, first_push, last_push, finished, last_full, scheduled_from;
	int32_t frozen_until;
};

static struct policy policy; /* in ticks */
static bool overdue_matters; /* else it is not told from due: fewer states */

static bool command(const struct world *w)
{
	return w->deploy || w->trigger || w->forced;
}

static bool waits(const struct world *w)
{
	return command(w) || w->pushed || w->booked;
}

static bool frozen(const struct world *w, int32_t at)
{
	return w->locked || at < w->frozen_until;
}

static bool past(int32_t from, int64_t delay, int32_t at)
{
	return from == NEVER || at >= from + delay;
}

static bool full_allowed(const struct world *w, int32_t at)
{
	return past(w->last_full, policy.full_interval_ms, at);
}

static bool settled(const struct world *w, int32_t at)
{
	return at >= w->last_push + policy.settle_ms ||
	       at >= w->first_push + policy.settle_max_ms;
}

static bool cooled(const struct world *w, int32_t at)
{
	return past(w->finished, policy.cooldown_ms, at);
}

static bool may_be_restarted(const struct world *w)
{
	return w->running == AT_WORK && !w->full &&
	       w->restarts < policy.restart_limit;
}

/* --- what is asked --- */

static int64_t ms(int32_t ticks)
{
	return (int64_t)ticks * TICK;
}

static struct policy_decision ask(const struct world *w)
{
	static const enum cycle_phase phases[] = {
		[NOTHING] = PHASE_NONE,
		[AT_WORK] = PHASE_OPEN,
		[AT_THE_GATE] = PHASE_GUARDED,
		[BEING_STOPPED] = PHASE_STOPPING,
	};
	struct policy p = policy;
	struct policy_facts f = {
		.now_ms = ms(w->now),
		.auto_count = w->pushed ? 2 : 0,
		.auto_first_ms = ms(w->first_push),
		.auto_last_ms = ms(w->last_push),
		.deploy_count = w->deploy,
		.trigger_count = w->trigger,
		.forced_full_count = w->forced,
		.booked_count = w->booked,
		.last_finish_ms = ms(w->finished),
		.last_full_ms = ms(w->last_full),
		.schedule_from_ms = ms(w->scheduled_from),
		.phase = phases[w->running],
		.running = w->running == NOTHING ? KIND_NONE
			   : w->full		 ? KIND_FULL
						 : KIND_SHORT,
		.restarts = w->restarts,
		/* One that is over may still be on record. */
		.frozen = w->locked || w->frozen_until != NEVER,
		.frozen_until_ms = w->locked ? 0 : ms(w->frozen_until),
	};

	p.settle_ms *= TICK;
	p.settle_max_ms *= TICK;
	p.cooldown_ms *= TICK;
	p.full_interval_ms *= TICK;
	p.schedule_ms *= TICK;
	return policy_decide(&p, &f);
}

/* --- the rules --- */

enum holds {
	DOES_NOT_APPLY,
	HOLDS,
	BROKEN,
};

static enum holds so(bool applies, bool holds)
{
	return !applies ? DOES_NOT_APPLY : holds ? HOLDS : BROKEN;
}

static bool begins(const struct policy_decision *d)
{
	return d->action == POLICY_START || d->action == POLICY_RESTART;
}

static bool starts(const struct policy_decision *d, enum cycle_kind kind)
{
	return d->action == POLICY_START && d->kind == kind;
}

/* Only pushes can be the reason. */
static bool only_pushed(const struct world *w)
{
	return w->pushed && !command(w) &&
	       !(w->booked && full_allowed(w, w->now));
}

static bool idle(const struct world *w)
{
	return w->running == NOTHING && !frozen(w, w->now);
}

static enum holds settles(const struct world *w,
			  const struct policy_decision *d)
{
	return so(only_pushed(w) && begins(d), settled(w, w->now));
}

static enum holds settles_no_longer(const struct world *w,
				    const struct policy_decision *d)
{
	return so(idle(w) && w->pushed && settled(w, w->now) &&
			  cooled(w, w->now),
		  d->action == POLICY_START);
}

static enum holds cools_down(const struct world *w,
			     const struct policy_decision *d)
{
	return so(only_pushed(w) && d->action == POLICY_START,
		  cooled(w, w->now));
}

static enum holds kind_of_pushes(const struct world *w,
				 const struct policy_decision *d)
{
	return so(only_pushed(w) && d->action == POLICY_START,
		  (d->kind == KIND_FULL) == full_allowed(w, w->now));
}

static enum holds commands_at_once(const struct world *w,
				   const struct policy_decision *d)
{
	return so(idle(w) && command(w), d->action == POLICY_START);
}

static enum holds deploy_is_short(const struct world *w,
				  const struct policy_decision *d)
{
	bool only = w->deploy && !w->trigger && !w->forced &&
		    !(w->booked && full_allowed(w, w->now));

	return so(only && begins(d), d->kind == KIND_SHORT);
}

static enum holds trigger_is_full_if_allowed(const struct world *w,
					     const struct policy_decision *d)
{
	return so(w->trigger && !w->forced && begins(d),
		  (d->kind == KIND_FULL) == full_allowed(w, w->now));
}

static enum holds force_is_full(const struct world *w,
				const struct policy_decision *d)
{
	return so(w->forced && begins(d), d->kind == KIND_FULL);
}

static enum holds the_interval(const struct world *w,
			       const struct policy_decision *d)
{
	return so(begins(d) && d->kind == KIND_FULL && !w->forced,
		  full_allowed(w, w->now));
}

static enum holds booked_in_time(const struct world *w,
				 const struct policy_decision *d)
{
	return so(idle(w) && w->booked && !command(w) &&
			  full_allowed(w, w->now),
		  starts(d, KIND_FULL));
}

/* Commands go before it, but not again and again. */
static enum holds booked_overdue(const struct world *w,
				 const struct policy_decision *d)
{
	return so(idle(w) && w->booked && w->last_full != NEVER &&
			  full_allowed(w, w->now) &&
			  w->finished >= w->last_full +
						 policy.full_interval_ms +
						 policy.settle_max_ms,
		  starts(d, KIND_FULL));
}

/* It brings about nothing but its full, and interrupts nothing. */
static enum holds booked_alone(const struct world *w,
			       const struct policy_decision *d)
{
	return so(w->booked && !w->pushed && !command(w),
		  !begins(d) ||
			  (starts(d, KIND_FULL) && full_allowed(w, w->now)));
}

static enum holds what_restarts(const struct world *w,
				const struct policy_decision *d)
{
	return so(d->action == POLICY_RESTART,
		  may_be_restarted(w) && (command(w) || w->pushed));
}

static enum holds restart_limit(const struct world *w,
				const struct policy_decision *d)
{
	return so(w->running == AT_WORK && w->restarts >= policy.restart_limit,
		  d->action != POLICY_RESTART);
}

static enum holds commands_restart(const struct world *w,
				   const struct policy_decision *d)
{
	return so(may_be_restarted(w) && command(w) && !frozen(w, w->now),
		  d->action == POLICY_RESTART);
}

/* As a short, so that nobody's deploy becomes a full by somebody's push. */
static enum holds pushes_restart(const struct world *w,
				 const struct policy_decision *d)
{
	return so(may_be_restarted(w) && w->pushed && !command(w) &&
			  !frozen(w, w->now) && settled(w, w->now),
		  d->action == POLICY_RESTART && d->kind == KIND_SHORT);
}

static enum holds full_runs_on(const struct world *w,
			       const struct policy_decision *d)
{
	return so(w->running == AT_WORK && w->full, !begins(d));
}

static enum holds gate_runs_on(const struct world *w,
			       const struct policy_decision *d)
{
	return so(w->running == AT_THE_GATE, !begins(d));
}

static enum holds stopped_once(const struct world *w,
			       const struct policy_decision *d)
{
	return so(w->running == BEING_STOPPED, !begins(d));
}

static enum holds one_at_a_time(const struct world *w,
				const struct policy_decision *d)
{
	return so(w->running != NOTHING, d->action != POLICY_START);
}

static enum holds locked(const struct world *w, const struct policy_decision *d)
{
	return so(frozen(w, w->now), !begins(d));
}

static bool schedule_due(const struct world *w, int32_t at)
{
	return policy.schedule_ms && !waits(w) && w->running == NOTHING &&
	       past(w->scheduled_from, policy.schedule_ms, at) && cooled(w, at);
}

static enum holds schedule_in_time(const struct world *w,
				   const struct policy_decision *d)
{
	return so(schedule_due(w, w->now) && !frozen(w, w->now),
		  d->action == POLICY_START && d->scheduled &&
			  (d->kind == KIND_FULL) == full_allowed(w, w->now));
}

/* Also: nothing starts for a booking whose revision is gone. */
static enum holds schedule_silent(const struct world *w,
				  const struct policy_decision *d)
{
	return so(begins(d), d->scheduled == !waits(w) &&
				     (waits(w) || schedule_due(w, w->now)));
}

/* Would something have to happen then, if nothing else does until then? */
static bool must_act(const struct world *w, int32_t at)
{
	bool full = full_allowed(w, at), due = settled(w, at);

	if (frozen(w, at))
		return false;
	if (w->running != NOTHING)
		return may_be_restarted(w) &&
		       (command(w) || (w->pushed && due));
	return command(w) || (w->booked && full) ||
	       (w->pushed && due && cooled(w, at)) || schedule_due(w, at);
}

/* Who sleeps as long as it is told misses nothing, and does not spin. */
static enum holds sleeps(const struct world *w, const struct policy_decision *d)
{
	int32_t at = w->now;

	if (begins(d))
		return DOES_NOT_APPLY;
	while (at < w->now + HORIZON && !must_act(w, at))
		at++;
	if (d->at_ms && d->at_ms <= ms(w->now))
		return BROKEN;
	if (at == w->now + HORIZON)
		return HOLDS;
	return so(true, d->at_ms && d->at_ms <= ms(at));
}

static enum holds says_why(const struct world *w,
			   const struct policy_decision *d)
{
	return so(true,
		  d->why && *d->why && (d->action != POLICY_IDLE || !waits(w)));
}

static const struct rule {
	const char *name;
	enum holds (*holds)(const struct world *w,
			    const struct policy_decision *d);
} rules[] = {
	{"lock and freeze: nothing starts", locked},
	{"full: never interrupted", full_runs_on},
	{"gate: never interrupted", gate_runs_on},
	{"stopping: nothing more", stopped_once},
	{"settle: pushes wait for it", settles},
	{"settle: they wait no longer", settles_no_longer},
	{"cooldown: pushes wait for it", cools_down},
	{"pushes: full when one is due, else short", kind_of_pushes},
	{"commands: at once, no settle, no cooldown", commands_at_once},
	{"deploy: short", deploy_is_short},
	{"trigger: full if allowed, else short", trigger_is_full_if_allowed},
	{"force: full", force_is_full},
	{"full_interval: no full inside, unless forced", the_interval},
	{"booking: its full starts when it is allowed", booked_in_time},
	{"booking: overdue, it goes first", booked_overdue},
	{"booking: nothing else comes of it", booked_alone},
	{"restart: at most restart_limit times", restart_limit},
	{"restart: of a short at work, for a request", what_restarts},
	{"restart: at once by a command", commands_restart},
	{"restart: by pushes when they have settled", pushes_restart},
	{"one cycle at a time", one_at_a_time},
	{"schedule: when it is due", schedule_in_time},
	{"schedule: silent when anything waits", schedule_silent},
	{"sleep: misses nothing", sleeps},
	{"waiting is said", says_why},
};

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

/* --- what happens --- */

/* A cycle begins: who waited is aboard. */
static void board(struct world *w, bool full)
{
	w->running = AT_WORK;
	w->full = full;
	w->holds = full && (w->booked || w->trigger);
	w->booked = !full && (w->booked || w->trigger);
	w->pushed = w->deploy = w->trigger = w->forced = false;
	w->first_push = w->last_push = NEVER;
}

/* counts: it came as far as its tests. */
static void end(struct world *w, bool counts, bool green)
{
	if (w->full && counts)
		w->last_full = w->now;
	if (w->full && !counts)
		w->booked = w->booked || w->holds;
	if (green)
		w->differs = false;
	w->running = NOTHING;
	w->full = w->holds = w->then = false;
	w->restarts = 0;
	w->finished = w->scheduled_from = w->now;
}

static void obey(struct world *w, const struct policy_decision *d)
{
	if (d->action == POLICY_RESTART) {
		w->running = BEING_STOPPED;
		w->then = d->kind == KIND_FULL;
		return;
	}
	if (d->scheduled && !w->differs) {
		w->scheduled_from = w->now; /* silence */
		return;
	}
	board(w, d->kind == KIND_FULL);
	w->restarts = 0;
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

enum event {
	TIME,
	PUSH,
	DEPLOY,
	TRIGGER,
	FORCE,
	GONE,
	GREEN,
	FAILED,
	FAILED_EARLY,
	GATE,
	STOPPED,
	LOCK,
	FREEZE_BEGINS,
	UNLOCK,
	EVENTS,
};

static const char *const event_names[EVENTS] = {
	"time",	  "push", "deploy", "trigger",	   "force", "gone",   "green",
	"failed", "lost", "gate",   "was stopped", "lock",  "freeze", "unlock",
};

static void push(struct world *w)
{
	if (!w->pushed)
		w->first_push = w->now;
	w->last_push = w->now;
	w->pushed = w->differs = true;
}

/* The booking belongs to a revision, which is closed or pushed over. */
static void revision_goes(struct world *w)
{
	w->booked = w->trigger = w->holds = false;
}

static void was_stopped(struct world *w)
{
	uint8_t restarts = (uint8_t)(w->restarts + 1);

	/* What a lock finds so ends. */
	if (frozen(w, w->now)) {
		end(w, false, false);
		return;
	}
	board(w, w->then);
	w->restarts = restarts;
}

static bool can_end(const struct world *w)
{
	return w->running == AT_WORK || w->running == AT_THE_GATE;
}

/* false: it cannot happen here. */
static bool happens(struct world *w, enum event event)
{
	switch (event) {
	case TIME:
		w->now++;
		return true;
	case PUSH:
		push(w);
		return true;
	case DEPLOY:
		w->deploy = true;
		return true;
	case TRIGGER:
		w->trigger = true;
		return true;
	case FORCE:
		w->forced = true;
		return true;
	case GONE:
		revision_goes(w);
		return true;
	case GREEN:
	case FAILED:
	case FAILED_EARLY:
		if (!can_end(w))
			return false;
		end(w, event != FAILED_EARLY, event == GREEN);
		return true;
	case GATE:
		if (!can_end(w))
			return false;
		w->running = w->running == AT_WORK ? AT_THE_GATE : AT_WORK;
		return true;
	case STOPPED:
		if (w->running != BEING_STOPPED)
			return false;
		was_stopped(w);
		return true;
	case LOCK:
		w->locked = true;
		w->frozen_until = NEVER;
		return true;
	case FREEZE_BEGINS:
		w->frozen_until = w->now + FREEZE;
		return !w->locked;
	case UNLOCK:
		w->locked = false;
		w->frozen_until = NEVER;
		return true;
	case EVENTS:
		break;
	}
	return false;
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

/* Longer ago than anything looks back is one time. */
static int32_t clamp(int32_t time, int32_t now, int64_t longest)
{
	int32_t floor = NOW - (int32_t)longest;

	if (time == NEVER)
		return NEVER;
	time += NOW - now;
	return time < floor ? floor : time;
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
	w->now = NOW;
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

static void explore(const struct policy *p)
{
	struct world w;

	policy = *p;
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
			follow(i, event);
		check(calm_down(visits[i].w, 0), i, "calm");
		if (i % 16 == 0)
			clock_steps(i);
	}
	print_message("%u states\n", visit_count);
	free(visits);
	free(slots);
}

static void usual_order(void **state UNUSED)
{
	explore(&(struct policy){
		.settle_ms = 2,
		.settle_max_ms = 3,
		.cooldown_ms = 3,
		.full_interval_ms = 4,
		.schedule_ms = 5,
		.restart_limit = 1,
	});
}

static void two_restarts_and_a_long_cooldown(void **state UNUSED)
{
	explore(&(struct policy){
		.settle_ms = 1,
		.settle_max_ms = 3,
		.cooldown_ms = 4,
		.full_interval_ms = 2,
		.schedule_ms = 3,
		.restart_limit = 2,
	});
}

static void no_schedule_restarts_or_cooldown(void **state UNUSED)
{
	overdue_matters = true;
	explore(&(struct policy){
		.settle_ms = 3,
		.settle_max_ms = 3,
		.full_interval_ms = 4,
	});
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
		cmocka_unit_test(every_rule_applied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
