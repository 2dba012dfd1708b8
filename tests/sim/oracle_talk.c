/*
 * What people said, and what came of it: exactly once, and never nothing.
 */
#include <string.h>

#include "tests/sim/oracle.h"

bool is_heard(const struct sim *s, const struct sim_comment *c)
{
	const struct person *p = who_is(c->user);

	/* What is on a closed pull is not heard, also when it is found late. */
	if (c->closed_then || s->pulls[c->pull].closed_ms >= c->made_ms)
		return false;
	return c->said && p && *p->role && !p->is_bot;
}

static bool must_be_answered(const struct sim *s, const struct sim_comment *c)
{
	return is_heard(s, c) && c->said->verb && !c->taken_ms;
}

static bool asks_for_deploy(const struct sim_comment *c)
{
	return said_verb(c, "deploy") || said_verb(c, "trigger") ||
	       said_verb(c, "retry");
}

/* 5.8 and 5.10: heard once, decided, and a sign for who said it. */
static void answered(struct sim *s, const struct sim_comment *c)
{
	long long id = (long long)c->id;
	int64_t said = ask(s,
			   "SELECT count(*) FROM said WHERE kind = %Q AND "
			   "comment_id = %lld AND state <> 'checking'",
			   speech_word(c->kind), id);

	if (said != 1)
		sim_fail(s, "answered: %s %lld (%s) was %s",
			 speech_word(c->kind), id, c->said->verb,
			 said == 0 ? "never answered" : "answered twice");
	/* A review can get no reaction. */
	if (!c->reactions && c->kind != REVIEW)
		sim_fail(s, "answered: %s %lld (%s) got no reaction",
			 speech_word(c->kind), id, c->said->verb);
}

/* 5.6: one wish for each environment and kind, if it was accepted, else none.
 * Its two halves may have become one on the way. */
static void exactly_once(struct sim *s, const struct sim_comment *c)
{
	const char *kind = speech_word(c->kind);
	long long id = (long long)c->id;
	int64_t most = ask(s,
			   "SELECT coalesce(max(n), 0) FROM (SELECT count(*) "
			   "AS n FROM request q JOIN said d ON d.id = q.said_id"
			   " WHERE d.kind = %Q AND d.comment_id = %lld AND"
			   " q.outcome <> 'joined' GROUP BY"
			   " q.environment, q.kind)",
			   kind, id);

	if (most > 1)
		sim_fail(s, "exactly once: %s %lld made %lld requests", kind,
			 id, (long long)most);
	if (ask(s,
		"SELECT count(*) FROM request q JOIN said d ON d.id = q.said_id"
		" WHERE d.kind = %Q AND d.comment_id = %lld AND q.outcome ="
		" 'joined' AND NOT EXISTS(SELECT 1 FROM request t WHERE"
		" t.said_id = q.said_id AND t.environment = q.environment AND"
		" t.id <> q.id AND t.outcome <> 'joined')",
		kind, id) > 0)
		sim_fail(s, "exactly once: %s %lld joined nothing", kind, id);
	if (ask(s,
		"SELECT (d.state = 'accepted') <> (q.id IS NOT NULL) FROM said "
		"d LEFT JOIN request q ON q.said_id = d.id WHERE d.comment_id ="
		" %lld AND d.kind = %Q",
		id, kind) == 1)
		sim_fail(s,
			 "exactly once: %s %lld: what was said and what is "
			 "wanted do not agree",
			 kind, id);
}

/* 5.10: who asked for a deploy sees what came of it. */
static void concluded(struct sim *s, const struct sim_comment *c)
{
	if (c->kind != REVIEW && !(c->reactions & ~(1u << EYES)))
		sim_fail(s, "concluded: %s %lld (%s) has no outcome",
			 speech_word(c->kind), (long long)c->id, c->said->verb);
}

/* 6.4: a rocket is for what was deployed, and was green, after it was said. */
static void rocket_is_true(struct sim *s, const struct sim_comment *c)
{
	if (!(c->reactions & 1u << ROCKET))
		return;
	for (int64_t id = 1; id < CYCLES_MAX; id++) {
		const struct sim_cycle *o = &s->cycles[id];

		if (o->ended_ms > c->made_ms && cycle_is_green(s, o) &&
		    cycle_holds(s, o, c->pull, ""))
			return;
	}
	sim_fail(s, "rocket: %s %lld got one, and nothing of it was deployed",
		 speech_word(c->kind), (long long)c->id);
}

/* --- comments of the bot --- */

/* At most one comment of the bot's with this in it, per pull. */
static void check_single(struct sim *s, const char *rule, const char *marker)
{
	for (int pull = 0; pull < PULLS_MAX; pull++) {
		int count = 0;

		for (size_t i = 0; i < s->comment_count; i++) {
			const struct sim_comment *c = &s->comments[i];

			count += !c->user && !c->deleted && c->pull == pull &&
				 strstr(c->body, marker);
		}
		if (count > 1)
			sim_fail(s, "%s: #%d has %d comments with %s", rule,
				 pull + 1, count, marker);
	}
}

/* 6.4: one sticky comment per pull and environment, one for answers. */
static void one_sticky(struct sim *s)
{
	for (int i = 0; i < BRANCHES_MAX; i++) {
		char marker[64];

		snprintf(marker, sizeof(marker), "<!-- kcibot:sticky %s -->",
			 s->branches[i].environment);
		check_single(s, "one sticky", marker);
	}
	check_single(s, "one sticky", "<!-- kcibot:reply ");
}

/* Rule 8: no comment is posted twice; each carries its key. */
static void posted_once(struct sim *s)
{
	static const char open[] = "<!-- kcibot:key ";

	for (size_t i = 0; i < s->comment_count; i++) {
		const struct sim_comment *c = &s->comments[i];
		const char *key =
			c->user || c->deleted ? NULL : strstr(c->body, open);
		char marker[128];

		if (!key)
			continue;
		snprintf(marker, sizeof(marker), "%.*s",
			 (int)strcspn(key, "\n"), key);
		check_single(s, "posted once", marker);
	}
}

/* 4: our own comments are no commands, nor are those of other bots. */
static void no_bot_obeyed(struct sim *s)
{
	for (int i = 0; i < PEOPLE_MAX; i++)
		if (people[i].is_bot &&
		    ask(s, "SELECT count(*) FROM said WHERE actor_id = %lld",
			(long long)people[i].id) > 0)
			sim_fail(s, "no bot: %s was heard", people[i].login);
}

void oracle_talk(struct sim *s)
{
	one_sticky(s);
	posted_once(s);
	no_bot_obeyed(s);
	oracle_stopped(s);
	for (size_t i = 0; i < s->comment_count && !*s->failure; i++) {
		const struct sim_comment *c = &s->comments[i];

		oracle_taken(s, c);
		oracle_words(s, c);
		if (!must_be_answered(s, c))
			continue;
		answered(s, c);
		oracle_says_why(s, c);
		if (!asks_for_deploy(c))
			continue;
		exactly_once(s, c);
		concluded(s, c);
		rocket_is_true(s, c);
	}
}
