/*
 * The timing policy: when does which cycle start?  A pure function from
 * stored facts to a decision; the rules are those of the table in
 * ARCHITECTURE.md ("Timing").  Times are ms on the engine's clock; 0 in a
 * fact means "never" or "none".
 */
#ifndef DEPLOY_POLICY_H
#define DEPLOY_POLICY_H

#include "deploy/environment.h"

enum cycle_kind {
	KIND_NONE,
	KIND_SHORT,
	KIND_FULL,
};

/* What the running cycle is doing, as far as interrupting it goes. */
enum cycle_phase {
	PHASE_NONE,	/* no cycle runs */
	PHASE_OPEN,	/* may be restarted: merging, building, deploying */
	PHASE_GUARDED,	/* health gate, rollback: nobody interrupts */
	PHASE_STOPPING, /* already being restarted or cancelled */
};

struct policy_facts {
	int64_t now_ms;

	/* Waiting requests that came by themselves (push, label, ...). */
	int auto_count;
	int64_t auto_first_ms; /* when the first of them came */
	int64_t auto_last_ms;  /* when the last one re-armed settle */

	/* Waiting requests by command. */
	int deploy_count;
	int trigger_count;     /* not yet split into short + booked full */
	int forced_full_count; /* by `trigger force`: against the interval */
	int booked_count;      /* fulls booked for when they are allowed */

	int64_t last_finish_ms;	  /* end of the last cycle of any kind */
	int64_t last_full_ms;	  /* end of the last full that counts */
	int64_t schedule_from_ms; /* schedule counts from here: last finish, or
				     the first start of the bot */

	enum cycle_phase phase;
	enum cycle_kind running;
	int restarts; /* that the running cycle already had */

	bool frozen;		 /* lock, freeze or circuit breaker */
	int64_t frozen_until_ms; /* 0 = until unlocked */
};

enum policy_action {
	POLICY_IDLE,	/* nothing waits; at_ms as for POLICY_WAIT */
	POLICY_WAIT,	/* look again at at_ms (0 = when something changes) */
	POLICY_START,	/* start a cycle of kind */
	POLICY_RESTART, /* end the running one, start again as kind */
};

struct policy_decision {
	enum policy_action action;
	enum cycle_kind kind;
	int64_t at_ms;
	bool scheduled;	 /* only the schedule wants it: start only when the
			    manifest would differ */
	bool frozen;	 /* waits for nothing else than the end of that */
	const char *why; /* a phrase for people: "cooldown after the last
			    deploy" */
};

struct policy_decision policy_decide(const struct policy *p,
				     const struct policy_facts *f);

/* What a cycle is that begins for the commands that wait. */
enum cycle_kind policy_command_kind(const struct policy *p,
				    const struct policy_facts *f);

/* When is the next full allowed?  <= now means now. */
int64_t policy_full_allowed_ms(const struct policy *p, int64_t last_full_ms);

#endif
