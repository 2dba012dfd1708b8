#include "commands/proof.h"

#include <string.h>

#include "bot/base/clock.h"

/* The forge gives whole seconds: it was said at some time within one. */
#define SECOND_LESS_1_MS 999
/* Two clocks that are set well still differ by so much: a second that Date
 * leaves open, and as much for themselves. */
#define SKEW_ALLOWED_MS 2000
#define PREFIX_MIN 12

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* --- when it was said, on our clock --- */

static void date_it(const struct proof_question *q, struct proof *p)
{
	/* It was said before it was heard, whatever the clocks are. */
	p->made_to_ms = q->received_ms;
	p->made_from_ms = 0;
	if (q->operator_call) {
		p->made_to_ms = p->made_from_ms = q->made_ms;
	} else if (q->made_ms > 0 && q->skew.known) {
		p->made_to_ms =
			least(q->received_ms,
			      q->made_ms + SECOND_LESS_1_MS - q->skew.lo_ms);
		p->made_from_ms =
			least(p->made_to_ms, q->made_ms - q->skew.hi_ms);
	}
}

static bool is_far(const struct proof_question *q, int64_t off_ms)
{
	int64_t most = q->guard_ms + SKEW_ALLOWED_MS;

	return q->skew.lo_ms - off_ms > most || q->skew.hi_ms - off_ms < -most;
}

/* What is measured is converted exactly; but a clock that is far off on both
 * accounts is not to be trusted at all. */
static enum proof_reason check_clocks(const struct proof_question *q)
{
	if (q->made_ms <= 0)
		return PROOF_UNDATED;
	if (!q->skew.known)
		return PROOF_CLOCK;
	if (is_far(q, 0) && is_far(q, q->wall_off_ms))
		return PROOF_SKEW;
	return PROOF_PROVEN;
}

/* --- the timeline --- */

/* Where the sightings of the live head begin that nothing follows. */
static size_t run_start(const struct proof_question *q)
{
	size_t i = q->seen_count;

	while (i && strcmp(q->seen[i - 1].sha, q->live_sha) == 0)
		i--;
	return i;
}

/*
 * From when on a sighting counts: webhooks and answers overtake each other,
 * but what became head after another was not head before that.
 */
static int64_t counts_from(const struct proof_question *q, size_t start,
			   size_t i)
{
	int64_t at = q->seen[i].at_ms;

	for (size_t j = 0; j < start; j++)
		if (q->seen[j].at_ms > at)
			at = q->seen[j].at_ms;
	return at;
}

/*
 * May the head have moved and come back unnoticed between then and when it
 * was said?  A gap that began later is no harm: what the page showed when it
 * was said was on record.
 */
static bool is_spoiled(const struct proof_question *q, const struct proof *p,
		       int64_t at_ms)
{
	for (size_t i = 0; i < q->gap_count; i++)
		if (q->gaps[i].to_ms > at_ms &&
		    q->gaps[i].from_ms < p->made_to_ms)
			return true;
	return false;
}

static bool is_alone(const struct proof_question *q, size_t start)
{
	return start == 0 && q->seen_count && q->seen[0].opened;
}

/* What one sighting of the head proves, and under which guard. */
static enum proof_reason weigh(const struct proof_question *q, size_t start,
			       size_t i, struct proof *p)
{
	int64_t at = counts_from(q, start, i);
	bool waived = is_alone(q, start) && q->seen[i].opened;
	bool exact = q->guard_ms && !waived;

	p->recorded_ms = at;
	p->waived = waived;
	if (at > p->made_to_ms)
		return PROOF_UNRECORDED;
	if (is_spoiled(q, p, at))
		return PROOF_GAP;
	if (exact && at + q->guard_ms > p->made_from_ms)
		return PROOF_YOUNG;
	return PROOF_PROVEN;
}

/* The best that any sighting proves; of doubts the first, which is oldest. */
static enum proof_reason check_seen(const struct proof_question *q,
				    struct proof *p)
{
	size_t start = run_start(q);
	struct proof best = *p;

	best.reason = PROOF_UNRECORDED;
	for (size_t i = start; i < q->seen_count; i++) {
		struct proof one = *p;

		one.reason = weigh(q, start, i, &one);
		if (one.reason == PROOF_PROVEN || i == start ||
		    (one.reason == PROOF_YOUNG && best.reason == PROOF_GAP))
			best = one;
		if (one.reason == PROOF_PROVEN)
			break;
	}
	*p = best;
	return best.reason;
}

static bool is_on_record(const struct proof_question *q, struct proof *p)
{
	for (size_t i = run_start(q); i < q->seen_count; i++)
		if (q->seen[i].at_ms <= p->made_to_ms) {
			p->recorded_ms = q->seen[i].at_ms;
			return true;
		}
	return false;
}

/*
 * The command line also means what was not on record at all: then that is what
 * the forge shows, as long as it stays what it showed first.
 */
static bool is_meant(const struct proof_question *q, struct proof *p)
{
	return is_on_record(q, p) || (q->operator_call && run_start(q) == 0);
}

/* --- the three ways to mean a head --- */

static enum proof_reason check_named(const struct proof_question *q,
				     struct proof *p)
{
	size_t len = strlen(q->named_sha);

	p->named = true;
	if (len < PREFIX_MIN || strncmp(q->live_sha, q->named_sha, len) != 0)
		return PROOF_NOT_LIVE;
	for (size_t i = 0; i < q->seen_count; i++)
		if (strncmp(q->seen[i].sha, q->named_sha, len) == 0 &&
		    strcmp(q->seen[i].sha, q->live_sha) != 0)
			return PROOF_AMBIGUOUS;
	return is_meant(q, p) ? PROOF_PROVEN : PROOF_UNRECORDED;
}

static enum proof_reason check_call(const struct proof_question *q,
				    struct proof *p)
{
	return is_meant(q, p) ? PROOF_PROVEN : PROOF_UNRECORDED;
}

static enum proof_reason check_said(const struct proof_question *q,
				    struct proof *p)
{
	enum proof_reason reason = check_clocks(q);

	p->guard_ms = q->guard_ms;
	if (!reason)
		reason = check_seen(q, p);
	if (!reason && q->stirred && !q->bound)
		reason = PROOF_STIRRED;
	return reason;
}

void proof_judge(const struct proof_question *q, struct proof *ret)
{
	*ret = (struct proof){.skew = q->skew};
	COPY(ret->sha, q->live_sha);
	date_it(q, ret);
	if (q->bound && strcmp(q->bound_sha, q->live_sha) != 0)
		ret->reason = PROOF_OTHER_BOUND;
	else if (*q->named_sha)
		ret->reason = check_named(q, ret);
	else
		ret->reason = q->operator_call ? check_call(q, ret)
					       : check_said(q, ret);
}

/* --- in words --- */

static const struct {
	const char *name, *text;
} reasons[PROOF_MAX] = {
	[PROOF_PROVEN] = {"proven", ""},
	[PROOF_STALE] = {"stale",
			 "The forge shows me an older state of this pull "
			 "request than it did before, so I do not know its "
			 "head. Name the one that you mean."},
	[PROOF_NOT_LIVE] = {"not_live",
			    "That is not the head of this pull request. Look "
			    "at the head as it is now, then name it."},
	[PROOF_AMBIGUOUS] = {"ambiguous",
			     "More than one head of this pull request began "
			     "with these digits. Name the head with all 40."},
	[PROOF_OTHER_BOUND] = {"other_bound",
			       "Your review or comment on code is of another "
			       "commit than the head as it is now. Look at "
			       "that, then name it in a plain comment."},
	[PROOF_UNRECORDED] = {"unrecorded",
			      "The head of this pull request moved while you "
			      "wrote, or I did not know it yet. Look at the "
			      "one that is there now, then name it."},
	[PROOF_YOUNG] = {"young", ""},
	[PROOF_GAP] = {"gap",
		       "I may have missed a push to this pull request before "
		       "you wrote, so I cannot know which head you saw. Look "
		       "at the head as it is now, then name it."},
	[PROOF_STIRRED] = {"stirred",
			   "I could look into your comment only a while after "
			   "you wrote it, and something has happened on this "
			   "pull request since, so I cannot know which head "
			   "you saw. Look at the head as it is now, then name "
			   "it."},
	[PROOF_UNDATED] = {"undated",
			   "I do not know when you wrote that, and so not "
			   "which head you saw. Name the one that you mean."},
	[PROOF_CLOCK] = {"clock",
			 "The forge did not tell me the time, so I cannot "
			 "know which head you saw. Name the one that you "
			 "mean."},
	[PROOF_SKEW] = {"skew", ""},
};

const char *proof_reason_name(enum proof_reason reason)
{
	return reasons[reason].name;
}

static int64_t magnitude(int64_t a)
{
	return a < 0 ? -a : a;
}

static void explain_young(const struct proof *p, struct str *out)
{
	str_puts(out, "This head was not there for ");
	time_span(out, p->guard_ms);
	str_puts(out, " yet when you wrote, so you may have looked at another "
		      "one. Look at it, then name it.");
}

static void explain_skew(const struct proof *p, struct str *out)
{
	str_puts(out, "My clock and the forge's are ");
	time_span(out, magnitude(p->skew.lo_ms));
	str_puts(out, " apart, so I cannot know which head you saw; the "
		      "operator of this bot should set its clock. Name the "
		      "head that you mean.");
}

void proof_explain(const struct proof *p, struct str *out)
{
	if (p->reason == PROOF_YOUNG)
		explain_young(p, out);
	else if (p->reason == PROOF_SKEW)
		explain_skew(p, out);
	else
		str_puts(out, reasons[p->reason].text);
}
