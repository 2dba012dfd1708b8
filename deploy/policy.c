#include "deploy/policy.h"

#include "bot/base/attr.h"

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t policy_full_allowed_ms(const struct policy *p, int64_t last_full_ms)
{
	return last_full_ms ? last_full_ms + p->full_interval_ms : 0;
}

static bool full_allowed(const struct policy *p, const struct policy_facts *f)
{
	return f->now_ms >= policy_full_allowed_ms(p, f->last_full_ms);
}

static enum cycle_kind full_if_allowed(const struct policy *p,
				       const struct policy_facts *f)
{
	return full_allowed(p, f) ? KIND_FULL : KIND_SHORT;
}

/* When the automatic requests have been quiet, or noisy for too long. */
static int64_t settled_ms(const struct policy *p, const struct policy_facts *f)
{
	return earlier(f->auto_last_ms + p->settle_ms,
		       f->auto_first_ms + p->settle_max_ms);
}

static int64_t cooled_ms(const struct policy *p, const struct policy_facts *f)
{
	return f->last_finish_ms ? f->last_finish_ms + p->cooldown_ms : 0;
}

static int64_t auto_start_ms(const struct policy *p,
			     const struct policy_facts *f)
{
	return later(settled_ms(p, f), cooled_ms(p, f));
}

static int64_t schedule_start_ms(const struct policy *p,
				 const struct policy_facts *f)
{
	return later(f->schedule_from_ms + p->schedule_ms, cooled_ms(p, f));
}

static bool command_waits(const struct policy_facts *f)
{
	return f->deploy_count || f->trigger_count || f->forced_full_count;
}

static bool anything_waits(const struct policy_facts *f)
{
	return command_waits(f) || f->booked_count || f->auto_count;
}

static bool runs(const struct policy_facts *f)
{
	return f->phase != PHASE_NONE;
}

/* A freeze whose end has come is none, even if nobody has tidied it up. */
static bool is_frozen(const struct policy_facts *f)
{
	return f->frozen &&
	       (!f->frozen_until_ms || f->now_ms < f->frozen_until_ms);
}

enum cycle_kind policy_command_kind(const struct policy *p,
				    const struct policy_facts *f)
{
	if (f->forced_full_count)
		return KIND_FULL;
	return f->trigger_count ? full_if_allowed(p, f) : KIND_SHORT;
}

static bool decide(struct policy_decision *d, enum policy_action action,
		   enum cycle_kind kind, int64_t at_ms, const char *why)
{
	*d = (struct policy_decision){
		.action = action,
		.kind = kind,
		.at_ms = at_ms,
		.why = why,
	};
	return true;
}

static bool wait(struct policy_decision *d, int64_t at_ms, const char *why)
{
	return decide(d, POLICY_WAIT, KIND_NONE, at_ms, why);
}

static bool wait_frozen(struct policy_decision *d, const struct policy_facts *f,
			const char *why)
{
	wait(d, f->frozen_until_ms, why);
	d->frozen = true;
	return true;
}

/*
 * The schedule speaks only when nobody else does, so without requests
 * everything else about it stands here.
 */
static bool only_the_schedule(const struct policy *p,
			      const struct policy_facts *f,
			      struct policy_decision *d)
{
	int64_t at = schedule_start_ms(p, f);

	if (anything_waits(f))
		return false;
	if (p->schedule_ms <= 0 || runs(f))
		return decide(d, POLICY_IDLE, KIND_NONE, 0, "nothing waits");
	if (f->now_ms < at)
		return decide(d, POLICY_IDLE, KIND_NONE, at,
			      "nothing waits until the schedule");
	if (is_frozen(f))
		return wait_frozen(d, f, "scheduled, but deploys are frozen");
	decide(d, POLICY_START, full_if_allowed(p, f), 0,
	       "the schedule is due");
	d->scheduled = true;
	return true;
}

static bool frozen(const struct policy *p UNUSED, const struct policy_facts *f,
		   struct policy_decision *d)
{
	return is_frozen(f) && wait_frozen(d, f, "deploys are frozen");
}

static bool being_stopped(const struct policy *p UNUSED,
			  const struct policy_facts *f,
			  struct policy_decision *d)
{
	return f->phase == PHASE_STOPPING &&
	       wait(d, 0, "the running cycle is being stopped");
}

static bool guarded(const struct policy *p UNUSED, const struct policy_facts *f,
		    struct policy_decision *d)
{
	return f->phase == PHASE_GUARDED &&
	       wait(d, 0, "health check or rollback runs, not interrupted");
}

static bool full_runs(const struct policy *p UNUSED,
		      const struct policy_facts *f, struct policy_decision *d)
{
	return runs(f) && f->running == KIND_FULL &&
	       wait(d, 0, "a full cycle runs, not interrupted");
}

static bool restarts_used_up(const struct policy *p,
			     const struct policy_facts *f,
			     struct policy_decision *d)
{
	return runs(f) && f->restarts >= p->restart_limit &&
	       wait(d, 0, "next after the running cycle, not restarted again");
}

static bool command_restarts(const struct policy *p,
			     const struct policy_facts *f,
			     struct policy_decision *d)
{
	return runs(f) && command_waits(f) &&
	       decide(d, POLICY_RESTART, policy_command_kind(p, f), 0,
		      "restarted by a command");
}

/*
 * The restart stays short, whatever the age of the last full: somebody may
 * have asked for this short, and a full could not be interrupted any more.
 */
static bool auto_restarts(const struct policy *p, const struct policy_facts *f,
			  struct policy_decision *d)
{
	int64_t settled = settled_ms(p, f);

	if (!runs(f) || !f->auto_count)
		return false;
	if (f->now_ms < settled)
		return wait(d, settled,
			    "settling, then the running cycle restarts");
	return decide(d, POLICY_RESTART, KIND_SHORT, 0,
		      "restarted with the new revisions");
}

static bool booked_waits_for_end(const struct policy *p UNUSED,
				 const struct policy_facts *f,
				 struct policy_decision *d)
{
	return runs(f) && wait(d, 0, "full booked, after the running cycle");
}

/*
 * Commands come one after the other on a busy day, and each would go before
 * it: once one went when it had been due for a while, it has its turn and
 * takes the next ones along.
 */
static bool overdue_full_starts(const struct policy *p,
				const struct policy_facts *f,
				struct policy_decision *d)
{
	int64_t due = policy_full_allowed_ms(p, f->last_full_ms);

	return f->booked_count && due && full_allowed(p, f) &&
	       f->last_finish_ms >= due + p->settle_max_ms &&
	       decide(d, POLICY_START, KIND_FULL, 0,
		      "the booked full is overdue");
}

static bool command_starts(const struct policy *p, const struct policy_facts *f,
			   struct policy_decision *d)
{
	return command_waits(f) &&
	       decide(d, POLICY_START, policy_command_kind(p, f), 0,
		      "started by a command");
}

static bool booked_starts(const struct policy *p, const struct policy_facts *f,
			  struct policy_decision *d)
{
	return f->booked_count && full_allowed(p, f) &&
	       decide(d, POLICY_START, KIND_FULL, 0, "the booked full is due");
}

static bool auto_starts(const struct policy *p, const struct policy_facts *f,
			struct policy_decision *d)
{
	return f->auto_count && f->now_ms >= auto_start_ms(p, f) &&
	       decide(d, POLICY_START, full_if_allowed(p, f), 0,
		      "started by new revisions");
}

static bool booked_waits(const struct policy *p, const struct policy_facts *f,
			 struct policy_decision *d)
{
	int64_t at = policy_full_allowed_ms(p, f->last_full_ms);

	if (!f->booked_count || (f->auto_count && auto_start_ms(p, f) < at))
		return false;
	return wait(d, at, "full booked for when the interval allows it");
}

static bool auto_waits(const struct policy *p, const struct policy_facts *f,
		       struct policy_decision *d)
{
	int64_t at = auto_start_ms(p, f);

	return wait(d, at,
		    at > settled_ms(p, f) ? "cooldown after the last deploy"
					  : "settling, more pushes may come");
}

/* In the order of asking: the first that applies decides. */
static bool (*const rules[])(const struct policy *p,
			     const struct policy_facts *f,
			     struct policy_decision *d) = {
	only_the_schedule,

	/* Something waits. */
	frozen,
	being_stopped,
	guarded,
	full_runs,

	/* A short runs and may be interrupted. */
	restarts_used_up,
	command_restarts,
	auto_restarts,
	booked_waits_for_end,

	/* Nothing runs. */
	overdue_full_starts,
	command_starts,
	booked_starts,
	auto_starts,
	booked_waits,
	auto_waits,
};

struct policy_decision policy_decide(const struct policy *p,
				     const struct policy_facts *f)
{
	struct policy_decision d = {.why = ""};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i](p, f, &d))
			break;
	return d;
}
