/*
 * What was edited, deleted or dismissed, and what was heard late: only what is
 * newly said is a command, as it was first written.
 */
#include <string.h>

#include "tests/sim/oracle.h"

/* What the bot may ask the forge and think about before it knows. */
#define SLACK_MS (3 * MINUTE)

/* Rule 2: what a scan finds edited or dismissed never runs. */
static void taken_back_stays(struct sim *s, const struct sim_comment *c)
{
	if (c->taken_ms && c->said &&
	    ask(s,
		"SELECT count(*) FROM said WHERE kind = %Q AND comment_id = "
		"%lld AND state = 'accepted' AND source = 'scan'",
		speech_word(c->kind), (long long)c->id) > 0 &&
	    ask(s,
		"SELECT received_ms > %lld FROM said WHERE kind = %Q AND "
		"comment_id = %lld",
		(long long)c->taken_ms + MINUTE, speech_word(c->kind),
		(long long)c->id) > 0 &&
	    s->jumps == c->jumps_then)
		sim_fail(s,
			 "taken back: %s %lld was taken back before the scan "
			 "found it, and ran",
			 speech_word(c->kind), (long long)c->id);
}

/* Could the bot know that it was said, before it knew of its end? */
static bool was_heard_in_time(const struct sim_comment *c)
{
	if (c->shown_ms)
		return true;
	return c->told_ms && (!c->end_told_ms || c->end_told_ms >= c->told_ms);
}

/* Rule 2: edits never run, whoever makes them, also those that make a command
 * of what was none. */
static void edit_is_nothing(struct sim *s, const struct sim_comment *c)
{
	const char *verb = c->said->verb ? c->said->verb : "";
	const char *kind = speech_word(c->kind);

	if (!was_heard_in_time(c) && was_accepted(s, c))
		sim_fail(s,
			 "edited: %s %lld was taken back before the bot could "
			 "know of it, and ran",
			 kind, (long long)c->id);
	if (ask(s,
		"SELECT count(*) FROM said WHERE kind = %Q AND comment_id = "
		"%lld AND state = 'accepted' AND json_extract(words, "
		"'$[#-1].verb') <> %Q",
		kind, (long long)c->id, verb) > 0)
		sim_fail(s,
			 "edited: %s %lld (%s) ran as what an edit made of it",
			 kind, (long long)c->id, *verb ? verb : "no command");
}

/* Rule 2: else it is answered with a question; when its author's edit is told
 * while that is looked at, with that it was taken back. */
static void edit_is_asked_about(struct sim *s, const struct sim_comment *c)
{
	long long id = (long long)c->id;
	bool heard_before = c->said->verb && (c->told_ms || c->shown_ms);

	if (!c->edited || c->deleted || c->kind == REVIEW || heard_before ||
	    !c->shown_edited_ms || !is_heard(s, c))
		return;
	if (ask(s,
		"SELECT count(*) FROM said WHERE kind = %Q AND comment_id = "
		"%lld AND state IN ('refused', 'withdrawn') AND answer <> ''",
		speech_word(c->kind), id) != 1 ||
	    !(c->reactions & 1u << CONFUSED))
		sim_fail(s,
			 "edited: a scan showed %s %lld as it was edited, and "
			 "nobody asked about it",
			 speech_word(c->kind), id);
}

/* 4: what the bot learns of after more than half an hour does not run. */
static void not_late(struct sim *s, const struct sim_comment *c)
{
	int64_t first = c->told_ms;

	if (!first || (c->shown_ms && c->shown_ms < first))
		first = c->shown_ms;
	/* Its clock may be off until it has heard the forge's. */
	if (!first || first - c->made_ms <= 30 * MINUTE + SLACK_MS ||
	    (s->jumps && s->jumped_ms[0] < first))
		return;
	if (was_accepted(s, c))
		sim_fail(s, "late: %s %lld was %lld min old, and ran",
			 speech_word(c->kind), (long long)c->id,
			 (long long)(first - c->made_ms) / MINUTE);
}

void oracle_taken(struct sim *s, const struct sim_comment *c)
{
	if (!c->said)
		return;
	not_late(s, c);
	if (!c->taken_ms)
		return;
	edit_is_nothing(s, c);
	taken_back_stays(s, c);
	edit_is_asked_about(s, c);
}
