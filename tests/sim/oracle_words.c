/*
 * What some words mean for as long as they hold: `skip`, `include`, `lock`,
 * `cancel`; and that nobody is refused or served without a word.
 */
#include <string.h>

#include "bot/base/str.h"
#include "tests/sim/oracle.h"

/* The number that the bot's database has for it, -1 = it heard of none. */
static int64_t said_id(struct sim *s, const struct sim_comment *c)
{
	return ask(s,
		   "SELECT id FROM said WHERE kind = %Q AND comment_id = %lld",
		   speech_word(c->kind), (long long)c->id);
}

/* When people could first read that answer; 0 = they never could. */
static int64_t told_ms(const struct sim *s, const char *what, int64_t id)
{
	for (size_t i = 0; i < s->key_count; i++)
		if (s->keys[i].id == id && !strcmp(s->keys[i].what, what))
			return s->keys[i].at_ms;
	return 0;
}

/* --- skip --- */

/* What is said on the pull from then on, or may have been decided later. */
static int64_t included_ms(struct sim *s, const struct sim_comment *skip)
{
	int64_t ret = INT64_MAX;

	for (size_t i = 0; i < s->comment_count; i++) {
		const struct sim_comment *c = &s->comments[i];

		if (said_verb(c, "include") && c->pull == skip->pull &&
		    c->made_ms + DECIDED_MS > skip->made_ms &&
		    c->made_ms < ret && was_accepted(s, c))
			ret = c->made_ms;
	}
	return ret;
}

/* 12: it stays out of all that begins after the answer, until `include`.  Only
 * what is put back may still hold it. */
static void skipped_is_out(struct sim *s, const struct sim_comment *c)
{
	int64_t from, until;

	if (!said_verb(c, "skip") || !was_accepted(s, c))
		return;
	from = told_ms(s, "said", said_id(s, c));
	until = included_ms(s, c);
	for (int64_t id = 1; from && id < CYCLES_MAX; id++) {
		const struct sim_cycle *o = &s->cycles[id];

		if (o->begun && o->begun_ms > from && o->begun_ms < until &&
		    cycle_holds(s, o, c->pull, "") && !puts_back(s, o))
			sim_fail(s,
				 "skipped: #%d was taken out by comment %lld, "
				 "and is in cycle %lld",
				 c->pull + 1, (long long)c->id, (long long)id);
	}
}

/* --- include --- */

/* 12: nobody has said `skip` after it, so nobody keeps it out. */
static void included_is_back(struct sim *s, const struct sim_comment *c)
{
	if (!said_verb(c, "include") || !was_accepted(s, c))
		return;
	for (size_t i = 0; i < s->comment_count; i++) {
		const struct sim_comment *o = &s->comments[i];

		if (said_verb(o, "skip") && o->pull == c->pull &&
		    o->made_ms + DECIDED_MS > c->made_ms)
			return;
	}
	if (ask(s,
		"SELECT skipped_ms FROM pull WHERE repo = %Q AND number = "
		"%lld",
		repos[s->pulls[c->pull].repo],
		(long long)s->pulls[c->pull].number) != 0)
		sim_fail(s,
			 "included: #%d was taken back in by comment %lld, and "
			 "is still out",
			 c->pull + 1, (long long)c->id);
}

/* --- lock --- */

/* 12: each environment that the pull is for, once. */
static void locks_all(struct sim *s, const struct sim_comment *c)
{
	int64_t wanted = s->pulls[c->pull].repo == REPOS_MAX - 1 ? 2 : 1;
	int64_t locks;

	if (!said_verb(c, "lock"))
		return;
	locks = ask(s,
		    "SELECT count(*) FROM environment_lock WHERE said_id = "
		    "%lld",
		    (long long)said_id(s, c));
	if (locks != (was_accepted(s, c) ? wanted : 0))
		sim_fail(s, "locks: %s %lld made %lld locks",
			 speech_word(c->kind), (long long)c->id,
			 (long long)locks);
}

void oracle_words(struct sim *s, const struct sim_comment *c)
{
	skipped_is_out(s, c);
	included_is_back(s, c);
	locks_all(s, c);
}

/* --- cancel --- */

/* A job may have been asked for just before, and be late; not one after the
 * other. */
static bool goes_on(const struct sim *s, int64_t cycle, int64_t from_ms)
{
	for (size_t i = 0; i < s->job_count; i++) {
		const struct sim_job *j = &s->jobs[i];

		if (j->cycle == cycle && j->started_ms > from_ms + HOUR / 4 &&
		    j->ended_ms > j->started_ms)
			return true;
	}
	return false;
}

/* 6.5: what people were told is stopped does not go on, and is never green. */
void oracle_stopped(struct sim *s)
{
	for (int64_t id = 1; id < CYCLES_MAX; id++) {
		const struct sim_cycle *c = &s->cycles[id];

		if (!c->stopped_ms)
			continue;
		if (c->tagged ||
		    ask(s,
			"SELECT verdict = 'success' FROM cycle WHERE id = %lld",
			(long long)id) > 0)
			sim_fail(s,
				 "cancelled: cycle %lld was stopped, and "
				 "ended green",
				 (long long)id);
		if (goes_on(s, id, c->stopped_ms))
			sim_fail(s,
				 "cancelled: cycle %lld was stopped, and "
				 "goes on",
				 (long long)id);
	}
}

/* --- 11: who asks is answered, and every refusal says why --- */

/* What was accepted and makes no wish, whose outcome would be told. */
static bool has_answer(struct sim *s, const struct sim_comment *c)
{
	static const char *const verbs[] = {
		"help",	   "ping", "trusted", "trust",	"skip",
		"include", "lock", "untrust", "unlock", "cancel",
	};

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (said_verb(c, verbs[i]))
			return was_accepted(s, c);
	return false;
}

/* Who takes back by `cancel` what is his own, is told by that. */
static bool took_own_back(struct sim *s, int64_t id)
{
	return ask(s,
		   "SELECT count(*) FROM request WHERE said_id = %lld AND "
		   "outcome = 'taken back'",
		   (long long)id) > 0;
}

static bool was_refused(struct sim *s, const struct sim_comment *c)
{
	return c->reactions & 1u << CONFUSED ||
	       ask(s,
		   "SELECT count(*) FROM said WHERE kind = %Q AND "
		   "comment_id = %lld AND state = 'refused'",
		   speech_word(c->kind), (long long)c->id) > 0;
}

/* By an answer, or by what was told of a request that it made. */
static bool was_told_why(struct sim *s, const struct sim_comment *c, int64_t id)
{
	if (told_ms(s, "said", id) || told_ms(s, "withdrawn", id))
		return true;
	for (size_t i = 0; i < s->key_count; i++) {
		const struct sim_key *k = &s->keys[i];

		if (k->pull == c->pull && !strcmp(k->what, "request") &&
		    ask(s, "SELECT said_id = %lld FROM request WHERE id = %lld",
			(long long)id, (long long)k->id) > 0)
			return true;
	}
	return false;
}

/* Who wants quiet there sees no more than the reaction of what was accepted. */
static bool is_quiet(struct sim *s, const struct sim_comment *c)
{
	for (size_t i = 0; i < s->comment_count; i++)
		if (said_verb(&s->comments[i], "quiet") &&
		    s->comments[i].pull == c->pull &&
		    was_accepted(s, &s->comments[i]))
			return was_accepted(s, c);
	return false;
}

void oracle_says_why(struct sim *s, const struct sim_comment *c)
{
	bool refused = was_refused(s, c);
	int64_t id;

	if (!refused && !has_answer(s, c))
		return;
	id = said_id(s, c);
	if (!was_told_why(s, c, id) && !is_quiet(s, c) && !took_own_back(s, id))
		sim_fail(s, "told: %s %lld (%s) was %s without a word",
			 speech_word(c->kind), (long long)c->id, c->said->verb,
			 refused ? "refused" : "done");
}
