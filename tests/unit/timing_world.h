/*
 * The small world of test_timing: what waits, what runs, and when it was; and
 * what it asks the policy.  For that one program: it holds the policy.
 */
#ifndef TESTS_UNIT_TIMING_WORLD_H
#define TESTS_UNIT_TIMING_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "bot/base/attr.h"
#include "deploy/freeze.h"
#include "deploy/policy.h"

/* Ticks; 0 in the world's times is never. */
#define TICK 1000
#define NOW 100000
#define NEVER 0
/* A freeze with an end takes so long. */
#define FREEZE 2
/* More than any delay of the policies. */
#define HORIZON 12

enum running {
	NOTHING,
	AT_WORK,
	AT_THE_GATE,
	BEING_STOPPED,
	PUTTING_BACK,
};

/* Kinds of wishes. */
enum {
	BY_PUSH = 1,
	BY_DEPLOY = 2,
	BY_TRIGGER = 4,
	BY_FORCE = 8,
	BY_BOOKING = 16,
	BY_COMMAND = BY_DEPLOY | BY_TRIGGER | BY_FORCE,
};

/* Without gaps: its bytes are compared. */
struct world {
	/* Requests that wait. */
	bool pushed, deploy, trigger, forced, booked;
	/* Those that run, and wait again if it is cut short. */
	bool had_pushed, had_deploy, had_trigger, had_forced, had_booked;
	bool locked;  /* until somebody unlocks */
	bool differs; /* from what is deployed */
	uint8_t running;
	bool full;	/* what runs */
	bool then;	/* what is being stopped begins again as a full */
	bool cancelled; /* what is being stopped does not begin again */
	bool back;	/* what waits comes from a cancelled cycle */
	bool holds;	/* the full that runs has the booked revision */
	bool redo;	/* the last was a full whose tests did not work */
	bool redone;	/* a retry booked it */
	uint8_t restarts;
	bool met_lock; /* what runs began again only after a lock */
	/* What was cut short and met a lock: the wishes of then (BY_...) that
	 * still wait, and how often they have begun again when they do. */
	uint8_t owed, again;
	uint32_t errors; /* in a row; FREEZE_ERRORS = until unlocked */
	/* Absolute ticks. */
	int32_t now, first_push, last_push, finished, last_full, scheduled_from;
	int32_t frozen_until;
	int32_t had_first_push, had_last_push;
};

static UNUSED struct policy policy; /* in ticks */

static inline bool command(const struct world *w)
{
	return w->deploy || w->trigger || w->forced;
}

static inline bool waits(const struct world *w)
{
	return command(w) || w->pushed || w->booked;
}

static inline bool frozen(const struct world *w, int32_t at)
{
	return w->locked || w->errors >= FREEZE_ERRORS || at < w->frozen_until;
}

static inline bool past(int32_t from, int64_t delay, int32_t at)
{
	return from == NEVER || at >= from + delay;
}

static inline bool full_allowed(const struct world *w, int32_t at)
{
	return past(w->last_full, policy.full_interval_ms, at);
}

static inline bool settled(const struct world *w, int32_t at)
{
	return at >= w->last_push + policy.settle_ms ||
	       at >= w->first_push + policy.settle_max_ms;
}

static inline bool cooled(const struct world *w, int32_t at)
{
	return past(w->finished, policy.cooldown_ms, at);
}

static inline bool may_be_restarted(const struct world *w)
{
	return w->running == AT_WORK && !w->full &&
	       w->restarts < policy.restart_limit;
}

/* --- what is asked --- */

static inline int64_t ms(int32_t ticks)
{
	return (int64_t)ticks * TICK;
}

static inline struct policy_decision ask(const struct world *w)
{
	static const enum cycle_phase phases[] = {
		[NOTHING] = PHASE_NONE,
		[AT_WORK] = PHASE_OPEN,
		[AT_THE_GATE] = PHASE_GUARDED,
		[BEING_STOPPED] = PHASE_STOPPING,
		[PUTTING_BACK] = PHASE_GUARDED,
	};
	bool no_end = w->locked || w->errors >= FREEZE_ERRORS;
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
		.frozen = no_end || w->frozen_until != NEVER,
		.frozen_until_ms = no_end ? 0 : ms(w->frozen_until),
	};

	p.settle_ms *= TICK;
	p.settle_max_ms *= TICK;
	p.cooldown_ms *= TICK;
	p.full_interval_ms *= TICK;
	p.schedule_ms *= TICK;
	return policy_decide(&p, &f);
}

#endif
