/*
 * What has to be so in the world of test_timing: the table of ARCHITECTURE.md
 * ("Timing") once more, as rules about that world, each with a name.
 */
#ifndef TESTS_UNIT_TIMING_RULES_H
#define TESTS_UNIT_TIMING_RULES_H

#include "tests/unit/timing_world.h"

enum holds {
	DOES_NOT_APPLY,
	HOLDS,
	BROKEN,
};

static inline enum holds so(bool applies, bool holds)
{
	return !applies ? DOES_NOT_APPLY : holds ? HOLDS : BROKEN;
}

static inline bool begins(const struct policy_decision *d)
{
	return d->action == POLICY_START || d->action == POLICY_RESTART;
}

static inline bool starts(const struct policy_decision *d, enum cycle_kind kind)
{
	return d->action == POLICY_START && d->kind == kind;
}

/* Only pushes can be the reason. */
static inline bool only_pushed(const struct world *w)
{
	return w->pushed && !command(w) &&
	       !(w->booked && full_allowed(w, w->now));
}

static inline bool idle(const struct world *w)
{
	return w->running == NOTHING && !frozen(w, w->now);
}

static inline enum holds settles(const struct world *w,
				 const struct policy_decision *d)
{
	return so(only_pushed(w) && begins(d), settled(w, w->now));
}

static inline enum holds settles_no_longer(const struct world *w,
					   const struct policy_decision *d)
{
	return so(idle(w) && w->pushed && settled(w, w->now) &&
			  cooled(w, w->now),
		  d->action == POLICY_START);
}

static inline enum holds cools_down(const struct world *w,
				    const struct policy_decision *d)
{
	return so(only_pushed(w) && d->action == POLICY_START,
		  cooled(w, w->now));
}

static inline enum holds kind_of_pushes(const struct world *w,
					const struct policy_decision *d)
{
	return so(only_pushed(w) && d->action == POLICY_START,
		  (d->kind == KIND_FULL) == full_allowed(w, w->now));
}

static inline enum holds commands_at_once(const struct world *w,
					  const struct policy_decision *d)
{
	return so(idle(w) && command(w), d->action == POLICY_START);
}

static inline enum holds deploy_is_short(const struct world *w,
					 const struct policy_decision *d)
{
	bool only = w->deploy && !w->trigger && !w->forced &&
		    !(w->booked && full_allowed(w, w->now));

	return so(only && begins(d), d->kind == KIND_SHORT);
}

static inline enum holds trigger_is_full_if_allowed(
	const struct world *w, const struct policy_decision *d)
{
	return so(w->trigger && !w->forced && begins(d),
		  (d->kind == KIND_FULL) == full_allowed(w, w->now));
}

static inline enum holds force_is_full(const struct world *w,
				       const struct policy_decision *d)
{
	return so(w->forced && begins(d), d->kind == KIND_FULL);
}

static inline enum holds the_interval(const struct world *w,
				      const struct policy_decision *d)
{
	return so(begins(d) && d->kind == KIND_FULL && !w->forced,
		  full_allowed(w, w->now));
}

static inline enum holds booked_in_time(const struct world *w,
					const struct policy_decision *d)
{
	return so(idle(w) && w->booked && !command(w) &&
			  full_allowed(w, w->now),
		  starts(d, KIND_FULL));
}

/* Commands go before it, but not again and again. */
static inline enum holds booked_overdue(const struct world *w,
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
static inline enum holds booked_alone(const struct world *w,
				      const struct policy_decision *d)
{
	return so(w->booked && !w->pushed && !command(w),
		  !begins(d) ||
			  (starts(d, KIND_FULL) && full_allowed(w, w->now)));
}

static inline enum holds what_restarts(const struct world *w,
				       const struct policy_decision *d)
{
	return so(d->action == POLICY_RESTART,
		  may_be_restarted(w) && (command(w) || w->pushed));
}

static inline enum holds restart_limit(const struct world *w,
				       const struct policy_decision *d)
{
	return so(w->running == AT_WORK && w->restarts >= policy.restart_limit,
		  d->action != POLICY_RESTART);
}

static inline enum holds commands_restart(const struct world *w,
					  const struct policy_decision *d)
{
	return so(may_be_restarted(w) && command(w) && !frozen(w, w->now),
		  d->action == POLICY_RESTART);
}

/* As a short, so that nobody's deploy becomes a full by somebody's push. */
static inline enum holds pushes_restart(const struct world *w,
					const struct policy_decision *d)
{
	return so(may_be_restarted(w) && w->pushed && !command(w) &&
			  !frozen(w, w->now) && settled(w, w->now),
		  d->action == POLICY_RESTART && d->kind == KIND_SHORT);
}

static inline enum holds full_runs_on(const struct world *w,
				      const struct policy_decision *d)
{
	return so(w->running == AT_WORK && w->full, !begins(d));
}

static inline enum holds gate_runs_on(const struct world *w,
				      const struct policy_decision *d)
{
	return so(w->running == AT_THE_GATE, !begins(d));
}

static inline enum holds stopped_once(const struct world *w,
				      const struct policy_decision *d)
{
	return so(w->running == BEING_STOPPED, !begins(d));
}

static inline enum holds one_at_a_time(const struct world *w,
				       const struct policy_decision *d)
{
	return so(w->running != NOTHING, d->action != POLICY_START);
}

static inline enum holds locked(const struct world *w,
				const struct policy_decision *d)
{
	return so(frozen(w, w->now), !begins(d));
}

static inline bool schedule_due(const struct world *w, int32_t at)
{
	return policy.schedule_ms && !waits(w) && w->running == NOTHING &&
	       past(w->scheduled_from, policy.schedule_ms, at) && cooled(w, at);
}

static inline enum holds schedule_in_time(const struct world *w,
					  const struct policy_decision *d)
{
	return so(schedule_due(w, w->now) && !frozen(w, w->now),
		  d->action == POLICY_START && d->scheduled &&
			  (d->kind == KIND_FULL) == full_allowed(w, w->now));
}

/* Also: nothing starts for a booking whose revision is gone. */
static inline enum holds schedule_silent(const struct world *w,
					 const struct policy_decision *d)
{
	return so(begins(d), d->scheduled == !waits(w) &&
				     (waits(w) || schedule_due(w, w->now)));
}

/* Would something have to happen then, if nothing else does until then? */
static inline bool must_act(const struct world *w, int32_t at)
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
static inline enum holds sleeps(const struct world *w,
				const struct policy_decision *d)
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

static inline enum holds says_why(const struct world *w,
				  const struct policy_decision *d)
{
	return so(true,
		  d->why && *d->why && (d->action != POLICY_IDLE || !waits(w)));
}

/* It has begun again before the lock, and that counts. */
static inline enum holds restart_limit_and_lock(const struct world *w,
						const struct policy_decision *d)
{
	return so(w->met_lock && w->running == AT_WORK &&
			  w->restarts >= policy.restart_limit,
		  d->action != POLICY_RESTART);
}

static inline enum holds cancelled_for_good(const struct world *w,
					    const struct policy_decision *d)
{
	return so(w->running == BEING_STOPPED && w->cancelled, !begins(d));
}

static inline enum holds put_back_alone(const struct world *w,
					const struct policy_decision *d)
{
	return so(w->running == PUTTING_BACK, !begins(d));
}

static inline enum holds put_back_though_locked(const struct world *w,
						const struct policy_decision *d)
{
	return so(w->running == PUTTING_BACK && frozen(w, w->now) && waits(w),
		  d->action == POLICY_WAIT);
}

static inline enum holds back_by_command(const struct world *w,
					 const struct policy_decision *d)
{
	return so(w->back && command(w) && idle(w), d->action == POLICY_START);
}

static inline enum holds back_by_itself(const struct world *w,
					const struct policy_decision *d)
{
	return so(w->back && only_pushed(w) && idle(w),
		  begins(d) == (settled(w, w->now) && cooled(w, w->now)));
}

static inline enum holds errors_freeze(const struct world *w,
				       const struct policy_decision *d)
{
	return so(w->errors == FREEZE_ERRORS && waits(w),
		  d->action == POLICY_WAIT && d->frozen && !d->at_ms);
}

static inline enum holds fewer_errors_do_not(const struct world *w,
					     const struct policy_decision *d)
{
	return so(w->errors == FREEZE_ERRORS - 1 && command(w) && idle(w),
		  d->action == POLICY_START);
}

static inline enum holds retry_of_tests(const struct world *w,
					const struct policy_decision *d)
{
	return so(w->redone && w->booked && !w->pushed && !command(w),
		  full_allowed(w, w->now) ? !idle(w) || starts(d, KIND_FULL)
					  : !begins(d));
}

static UNUSED const struct rule {
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
	{"restart: a lock in between does not count anew",
	 restart_limit_and_lock},
	{"restart: of a short at work, for a request", what_restarts},
	{"restart: at once by a command", commands_restart},
	{"restart: by pushes when they have settled", pushes_restart},
	{"cancel: what is stopped does not begin again", cancelled_for_good},
	{"cancel: nothing starts while it is put back", put_back_alone},
	{"cancel: put back also while locked", put_back_though_locked},
	{"cancel: what people asked for goes on at once", back_by_command},
	{"cancel: what came by itself waits as before", back_by_itself},
	{"errors: three in a row, nothing starts", errors_freeze},
	{"errors: two in a row stop nobody", fewer_errors_do_not},
	{"retry: of tests, booked until the interval is over", retry_of_tests},
	{"one cycle at a time", one_at_a_time},
	{"schedule: when it is due", schedule_in_time},
	{"schedule: silent when anything waits", schedule_silent},
	{"sleep: misses nothing", sleeps},
	{"waiting is said", says_why},
};

#endif
