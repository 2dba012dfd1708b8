/*
 * What happens in the world of test_timing: what the policy wants is done as
 * deploy/flow*.c does it, and people, jobs and time go on.
 */
#ifndef TESTS_UNIT_TIMING_EVENTS_H
#define TESTS_UNIT_TIMING_EVENTS_H

#include "tests/unit/timing_world.h"

/* --- what becomes of wishes --- */

static inline void nobody_aboard(struct world *w)
{
	w->had_pushed = w->had_deploy = w->had_trigger = false;
	w->had_forced = w->had_booked = false;
	w->had_first_push = w->had_last_push = NEVER;
}

/* A cycle begins: who waited is aboard.  In a short, the full of a trigger is
 * booked, also of one that was forced. */
static inline void board(struct world *w, bool full)
{
	w->running = AT_WORK;
	w->full = full;
	w->holds = full && (w->booked || w->trigger);
	w->had_pushed = w->pushed;
	w->had_first_push = w->first_push;
	w->had_last_push = w->last_push;
	w->had_deploy = w->deploy || (w->trigger && !full);
	w->had_trigger = w->trigger && full;
	w->had_forced = w->forced;
	w->had_booked = w->booked && full;
	w->booked = !full && (w->booked || w->trigger);
	w->forced = !full && w->forced;
	w->pushed = w->deploy = w->trigger = false;
	w->first_push = w->last_push = NEVER;
	w->restarts = w->owed ? w->again : 0;
	w->met_lock = w->restarts > 0;
	w->owed = w->again = 0;
	w->back = w->redo = false;
	w->redone = w->redone && w->booked;
}

/* What was aboard waits again, as old as it is. */
static inline void wait_again(struct world *w)
{
	if (w->had_pushed) {
		if (!w->pushed || w->had_first_push < w->first_push)
			w->first_push = w->had_first_push;
		if (!w->pushed || w->had_last_push > w->last_push)
			w->last_push = w->had_last_push;
	}
	w->pushed |= w->had_pushed;
	w->deploy |= w->had_deploy;
	w->trigger |= w->had_trigger;
	w->forced |= w->had_forced;
	w->booked |= w->had_booked;
	nobody_aboard(w);
}

/* It is over, with a verdict or without. */
static inline void nothing_runs(struct world *w)
{
	w->running = NOTHING;
	w->full = w->holds = w->then = w->cancelled = w->met_lock = false;
	w->restarts = 0;
	nobody_aboard(w);
}

static inline uint8_t wishes(const struct world *w)
{
	return (uint8_t)((w->pushed ? BY_PUSH : 0) |
			 (w->deploy ? BY_DEPLOY : 0) |
			 (w->trigger ? BY_TRIGGER : 0) |
			 (w->forced ? BY_FORCE : 0) |
			 (w->booked ? BY_BOOKING : 0));
}

/* These wishes are no more: taken back, closed, pushed over. */
static inline void drop(struct world *w, unsigned by)
{
	if (by & BY_DEPLOY)
		w->deploy = w->had_deploy = false;
	if (by & BY_TRIGGER)
		w->trigger = w->had_trigger = false;
	if (by & BY_FORCE)
		w->forced = w->had_forced = false;
	if (by & BY_BOOKING)
		w->booked = w->had_booked = w->holds = w->redone = false;
	w->owed &= (uint8_t)~by;
	if (!w->owed)
		w->again = 0;
	w->back = w->back && (w->pushed || command(w));
}

/* --- what happens --- */

enum event {
	TIME,
	PUSH,
	DEPLOY,
	TRIGGER,
	FORCE,
	RETRY,
	GONE,
	CANCEL,
	CANCEL_OTHERS,
	GREEN,
	FAILED,
	FAILED_EARLY,
	ERROR,
	GATE,
	STOPPED,
	STOPPED_LATE,
	LOCK,
	FREEZE_BEGINS,
	UNLOCK,
	EVENTS,
};

static UNUSED const char *const event_names[EVENTS] = {
	[TIME] = "time",
	[PUSH] = "push",
	[DEPLOY] = "deploy",
	[TRIGGER] = "trigger",
	[FORCE] = "force",
	[RETRY] = "retry of tests",
	[GONE] = "gone",
	[CANCEL] = "cancel",
	[CANCEL_OTHERS] = "cancel of what others asked for",
	[GREEN] = "green",
	[FAILED] = "failed",
	[FAILED_EARLY] = "failed early",
	[ERROR] = "error",
	[GATE] = "gate",
	[STOPPED] = "was stopped",
	[STOPPED_LATE] = "was stopped when it had moved",
	[LOCK] = "lock",
	[FREEZE_BEGINS] = "freeze",
	[UNLOCK] = "unlock",
};

static inline void push(struct world *w)
{
	if (!w->pushed)
		w->first_push = w->now;
	w->last_push = w->now;
	w->pushed = w->differs = true;
}

/* Only tests that were begun, and inside the interval: any other retry is as
 * a deploy or a trigger. */
static inline bool retry(struct world *w)
{
	if (!w->redo || full_allowed(w, w->now))
		return false;
	w->booked = w->redone = true;
	return true;
}

static inline bool can_end(const struct world *w)
{
	return w->running == AT_WORK || w->running == AT_THE_GATE ||
	       w->running == PUTTING_BACK;
}

/* A verdict; counts: it came as far as its tests. */
static inline bool end(struct world *w, enum event verdict)
{
	bool counts = verdict == GREEN || verdict == FAILED;
	bool put_back = w->running == PUTTING_BACK;

	if (!can_end(w))
		return false;
	w->redo = w->full && verdict == FAILED;
	if (w->full && counts)
		w->last_full = w->now;
	if (w->full && !counts)
		w->booked = w->booked || w->holds;
	if (verdict == GREEN && !put_back)
		w->differs = false;
	if (verdict != ERROR)
		w->errors = 0;
	else if (w->errors < FREEZE_ERRORS)
		w->errors++;
	nothing_runs(w);
	w->finished = w->scheduled_from = w->now;
	/* The environment is as it should not be: that is a wish. */
	if (put_back && verdict != GREEN)
		push(w);
	return true;
}

/* others: all was asked for on pulls of others, and waits again. */
static inline bool cancel(struct world *w, bool others)
{
	bool stops = w->running == AT_WORK ||
		     (w->running == BEING_STOPPED && !w->cancelled);

	if (!others)
		drop(w, BY_COMMAND | BY_BOOKING);
	if (!stops)
		return !others;
	w->running = BEING_STOPPED;
	w->cancelled = true;
	w->then = false;
	return true;
}

/* moved: it had touched the environment, which is put back at once. */
static inline void was_cancelled(struct world *w, bool moved)
{
	if (w->full && moved)
		w->last_full = w->now;
	w->back = w->had_pushed || w->had_deploy || w->had_trigger ||
		  w->had_forced;
	wait_again(w);
	nothing_runs(w);
	w->redo = false;
	w->finished = w->scheduled_from = w->now;
	if (moved)
		w->running = PUTTING_BACK;
}

/* To begin again.  What a lock finds so waits for its end, and has begun again
 * then. */
static inline void was_cut_short(struct world *w)
{
	uint8_t again = (uint8_t)(w->restarts + 1);
	bool full = w->then;

	wait_again(w);
	nothing_runs(w);
	w->owed = wishes(w);
	w->again = again;
	if (frozen(w, w->now))
		return;
	board(w, full);
	w->met_lock = false;
}

static inline bool was_stopped(struct world *w, bool late)
{
	if (w->running != BEING_STOPPED || (late && !w->cancelled))
		return false;
	if (w->cancelled)
		was_cancelled(w, late);
	else
		was_cut_short(w);
	return true;
}

static inline bool passes_gate(struct world *w)
{
	if (!can_end(w) || w->running == PUTTING_BACK)
		return false;
	w->running = w->running == AT_WORK ? AT_THE_GATE : AT_WORK;
	return true;
}

static inline bool unlock(struct world *w)
{
	w->locked = false;
	w->frozen_until = NEVER;
	if (w->errors >= FREEZE_ERRORS)
		w->errors = 0;
	return true;
}

/* What people, projects and time do. */
static inline bool is_done(struct world *w, enum event event)
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
		/* The booking's revision is closed or pushed over. */
		drop(w, BY_TRIGGER | BY_BOOKING);
		return true;
	case LOCK:
		w->locked = true;
		w->frozen_until = NEVER;
		return true;
	case FREEZE_BEGINS:
		w->frozen_until = w->now + FREEZE;
		return !w->locked;
	default:
		return false;
	}
}

/* false: it cannot happen here. */
static inline bool happens(struct world *w, enum event event)
{
	switch (event) {
	case RETRY:
		return retry(w);
	case CANCEL:
	case CANCEL_OTHERS:
		return cancel(w, event == CANCEL_OTHERS);
	case GREEN:
	case FAILED:
	case FAILED_EARLY:
	case ERROR:
		return end(w, event);
	case GATE:
		return passes_gate(w);
	case STOPPED:
	case STOPPED_LATE:
		return was_stopped(w, event == STOPPED_LATE);
	case UNLOCK:
		return unlock(w);
	default:
		return is_done(w, event);
	}
}

/* --- what the policy wants --- */

static inline void obey(struct world *w, const struct policy_decision *d)
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
}

#endif
