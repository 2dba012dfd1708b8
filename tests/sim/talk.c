/*
 * What people say, in comments, reviews and comments on code, and how they
 * take it back.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "tests/sim/sim.h"

static struct chance *luck(struct sim *s)
{
	return &s->chance;
}

static const struct phrase phrases[] = {
	{"@kcibot deploy", "deploy", 30, 0, false},
	{"@kcibot trigger", "trigger", 20, 0, false},
	{"@kcibot deploy SHA", "deploy", 10, 0, false},
	{"@kcibot trigger SHA", "trigger", 4, 0, false},
	{"@kcibot deploy deadbeefdeadbeef", "deploy", 3, 0, false},
	{"@kcibot status", "status", 5, 0, false},
	{"@kcibot help", "help", 3, 0, false},
	{"@kcibot why", "why", 4, 0, false},
	{"@kcibot plan", "plan", 4, 0, false},
	{"@kcibot cancel", "cancel", 5, 0, false},
	{"@kcibot retry", "retry", 3, 0, false},
	{"@kcibot skip", "skip", 3, 0, false},
	{"@kcibot include", "include", 4, 0, false},
	{"@kcibot trigger force reason=\"now\"", "trigger", 4, 0, true},
	{"@kcibot lock 45m reason=\"a demo\"", "lock", 3, 45 * MINUTE, false},
	{"@kcibot lock", "lock", 2, 2 * HOUR, false},
	{"@kcibot unlock reason=\"it is over\"", "unlock", 3, 0, false},
	{"@kcibot notmyfault", "notmyfault", 2, 0, false},
	{"@kcibot quiet", "quiet", 1, 0, false},
	{"@kcibot quiet off", "quiet", 1, 0, false},
	{"@kcibot verbose", "verbose", 1, 0, false},
	{"@kcibot ping", "ping", 1, 0, false},
	{"@kcibot trust @sam role=contributor", "trust", 1, 0, false},
	{"@kcibot trust @sam role=contributor for=20m", "trust", 6, 20 * MINUTE,
	 false},
	{"@kcibot untrust @sam", "untrust", 2, 0, false},
	{"@kcibot trusted", "trusted", 1, 0, false},
	{"@kcibot deplyo", "deplyo", 3, 0, false},
	{"@kcibot deploy\n\n@kcibot trigger", "trigger", 4, 0, false},
	{"@kcibot deploy\n\n@kcibot nonsense", "nonsense", 3, 0, false},
	{"I asked @kcibot deploy yesterday", NULL, 4, 0, false},
	{"> @kcibot deploy", NULL, 3, 0, false},
	{"`@kcibot deploy`", NULL, 3, 0, false},
	{"looks good to me", NULL, 10, 0, false},
};

static const struct phrase *any_phrase(struct sim *s)
{
	int64_t sum = 0, at;

	for (size_t i = 0; i < ARRAY_SIZE(phrases); i++)
		sum += phrases[i].weight;
	at = chance_between(luck(s), 0, sum - 1);
	for (size_t i = 0; i < ARRAY_SIZE(phrases); i++) {
		at -= phrases[i].weight;
		if (at < 0)
			return &phrases[i];
	}
	return &phrases[0];
}

bool said_verb(const struct sim_comment *c, const char *verb)
{
	return c->said && c->said->verb && !strcmp(c->said->verb, verb);
}

static void put_sha(char *text, size_t size, const char *phrase,
		    const char *sha)
{
	const char *at = strstr(phrase, "SHA");

	if (at)
		snprintf(text, size, "%.*s%s%s", (int)(at - phrase), phrase,
			 sha, at + 3);
	else
		snprintf(text, size, "%s", phrase);
}

static const char *said_kind(enum speech kind)
{
	static const char *const names[SPEECH_MAX] = {"comment", "review",
						      "review comment"};

	return names[kind];
}

/* The first time counts: from then on it is not what was said. */
static void note_taken(const struct sim *s, struct sim_comment *c)
{
	if (!c->taken_ms)
		c->taken_ms = s->now_ms;
}

static void take_back(struct sim *s, size_t at, const char *how)
{
	struct sim_comment *c = &s->comments[at];

	c->deleted = c->kind != REVIEW;
	c->dismissed = c->kind == REVIEW;
	note_taken(s, c);
	sim_trace(s, "%s %lld is %s", said_kind(c->kind), (long long)c->id,
		  how);
	tell_comment(s, at, how, c->user);
}

/*
 * Nothing but a command is in it afterwards, whatever was there before.  Who
 * may write to the repository may edit what others said.
 */
static void edit(struct sim *s, size_t at)
{
	struct sim_comment *c = &s->comments[at];
	int64_t by = chance_of(luck(s), 300)
			     ? people[chance_between(luck(s), 0, 2)].id
			     : c->user;

	free(c->body);
	c->body = strdup("@kcibot deploy");
	c->updated_ms = s->now_ms;
	c->edited = true;
	note_taken(s, c);
	sim_trace(s, "%s %lld is edited by %lld", said_kind(c->kind),
		  (long long)c->id, (long long)by);
	tell_comment(s, at, "edited", by);
}

/* Of the last hour, and nobody took it back. */
static bool can_be_taken(const struct sim *s, const struct sim_comment *c)
{
	return c->user && !c->deleted && !c->dismissed &&
	       s->now_ms - c->made_ms <= HOUR;
}

/* Before a scan finds it: no webhook tells of the one, nor of the other. */
static void edit_unheard(struct sim *s, int64_t at)
{
	if (can_be_taken(s, &s->comments[at]))
		edit(s, (size_t)at);
}

void say(struct sim *s, enum speech kind, int pull, int who,
	 const struct phrase *phrase)
{
	const struct sim_pull *p = &s->pulls[pull];
	size_t head = p->head_count - 1, at;
	struct sim_comment *c;
	char text[160];

	/* Reviews are written for a while, and pushes come meanwhile. */
	if (kind != COMMENT && head && chance_of(luck(s), 200))
		head--;
	put_sha(text, sizeof(text), phrase->text, p->heads[head].sha);
	at = forge_comment(s, kind, pull, people[who].id, text);
	c = &s->comments[at];
	c->said = phrase;
	c->closed_then = strcmp(p->state, "open") != 0;
	c->head_index = head;
	c->unheard = chance_of(luck(s), 40);
	COPY(c->head_then, p->heads[head].sha);
	sim_trace(s, "%s says on #%d (%s %lld): %s", people[who].login,
		  pull + 1, said_kind(kind), (long long)c->id, text);
	tell_comment(s, at, kind == REVIEW ? "submitted" : "created",
		     people[who].id);
	if (c->unheard)
		sim_at(s,
		       s->now_ms + chance_between(luck(s), SECOND, 9 * MINUTE),
		       edit_unheard, (int64_t)at);
}

/* Those who may are those who speak most. */
static int any_person(struct sim *s)
{
	return chance_of(luck(s), 700)
		       ? (int)chance_between(luck(s), 0, 2)
		       : (int)chance_between(luck(s), 0, PEOPLE_MAX - 1);
}

void act_comment(struct sim *s, int pull)
{
	int who = any_person(s);

	say(s, COMMENT, pull, who, any_phrase(s));
}

void act_review(struct sim *s, int pull)
{
	enum speech kind = chance_of(luck(s), 500) ? REVIEW : REVIEW_COMMENT;
	int who = any_person(s);

	say(s, kind, pull, who, any_phrase(s));
}

void act_edit(struct sim *s, int unused)
{
	int64_t count = 0, which;
	size_t at = 0;

	(void)unused;
	for (size_t i = 0; i < s->comment_count; i++)
		count += can_be_taken(s, &s->comments[i]);
	if (!count)
		return;
	which = chance_between(luck(s), 0, count - 1);
	while (!can_be_taken(s, &s->comments[at]) || which--)
		at++;
	if (chance_of(luck(s), 400))
		take_back(s, at,
			  s->comments[at].kind == REVIEW ? "dismissed"
							 : "deleted");
	else
		edit(s, at);
}

/* Somebody deletes a comment of the bot's. */
void act_tidy(struct sim *s, int unused)
{
	(void)unused;
	for (size_t i = 0; i < s->comment_count; i++) {
		struct sim_comment *c = &s->comments[i];

		if (c->user || c->deleted || !chance_of(luck(s), 100))
			continue;
		sim_trace(s, "the bot's comment %lld is deleted",
			  (long long)c->id);
		tell_comment(s, i, "deleted", 10);
		c->deleted = true;
		return;
	}
}

/* An open pull of the repository that both environments have, or -1. */
static int shared_pull(const struct sim *s)
{
	for (int i = 0; i < PULLS_MAX; i++)
		if (s->pulls[i].used && s->pulls[i].repo == REPOS_MAX - 1 &&
		    !strcmp(s->pulls[i].state, "open"))
			return i;
	return -1;
}

void say_unlock(struct sim *s)
{
	static const struct phrase unlock = {"@kcibot unlock reason=\"calm\"",
					     "unlock", 0, 0, false};
	int pull;

	for (int n = 0; n < PULLS_MAX && shared_pull(s) < 0; n++)
		act_open(s, 0);
	pull = shared_pull(s);
	if (pull >= 0)
		say(s, COMMENT, pull, 0, &unlock);
}
