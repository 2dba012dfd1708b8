/*
 * People: they open, push, comment, change their minds, at random.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "tests/sim/sim.h"

const struct person people[PEOPLE_MAX] = {
	{10, "root", "admin", false},
	{11, "maria", "maintainer", false},
	{12, "mike", "maintainer", false},
	{20, "carl", "contributor", false},
	{21, "cleo", "contributor", false},
	{30, "sam", "", false},
	{31, "sue", "", false},
	{40, "helper[bot]", "", true},
};

const char *const repos[REPOS_MAX] = {"acme/api", "acme/web"};

static struct chance *luck(struct sim *s)
{
	return &s->chance;
}

static int any_pull(struct sim *s)
{
	int start = (int)chance_between(luck(s), 0, PULLS_MAX - 1);

	for (int i = 0; i < PULLS_MAX; i++) {
		int at = (start + i) % PULLS_MAX;

		if (s->pulls[at].used)
			return at;
	}
	return -1;
}

static void touch(struct sim *s, struct sim_pull *p)
{
	p->updated_ms = s->now_ms;
}

static void become_head(struct sim *s, struct sim_pull *p, const char *sha)
{
	if (p->head_count == HEADS_MAX)
		return;
	COPY(p->heads[p->head_count].sha, sha);
	p->heads[p->head_count++].since_ms = s->now_ms;
	touch(s, p);
}

/* --- acts; each takes a pull, or -1 --- */

static void act_open(struct sim *s, int unused)
{
	char sha[41];
	int i = 0;

	(void)unused;
	while (i < PULLS_MAX && s->pulls[i].used)
		i++;
	if (i == PULLS_MAX)
		return;
	s->pulls[i] = (struct sim_pull){
		.used = true,
		.repo = (int)chance_between(luck(s), 0, REPOS_MAX - 1),
		.number = i + 1,
		.author = (int)chance_between(luck(s), 0, PEOPLE_MAX - 1),
		.state = "open",
		.base = "main",
	};
	sha_of(sha, "head", s->seed, (uint64_t)s->next_id++);
	become_head(s, &s->pulls[i], sha);
	sim_trace(s, "%s opens %s#%d at %.8s", people[s->pulls[i].author].login,
		  repos[s->pulls[i].repo], i + 1, sha);
	forge_tell_pull(s, i, "opened");
}

static void act_push(struct sim *s, int i)
{
	struct sim_pull *p = &s->pulls[i];
	char sha[41];

	sha_of(sha, "head", s->seed, (uint64_t)s->next_id++);
	/* Sometimes back to what was there before. */
	if (p->head_count > 1 && chance_of(luck(s), 150))
		COPY(sha, p->heads[p->head_count - 2].sha);
	become_head(s, p, sha);
	sim_trace(s, "push to #%d: %.8s", i + 1, pull_head(p));
	forge_tell_pull(s, i, "synchronize");
}

static void act_close(struct sim *s, int i)
{
	struct sim_pull *p = &s->pulls[i];
	bool open = !strcmp(p->state, "open");

	p->state = open ? "closed" : "open";
	if (open)
		p->closed_ms = s->now_ms;
	touch(s, p);
	sim_trace(s, "#%d is %s", i + 1, p->state);
	forge_tell_pull(s, i, open ? "closed" : "reopened");
}

static void act_label(struct sim *s, int i)
{
	struct sim_pull *p = &s->pulls[i];

	p->label = p->label ? NULL : "skip-me";
	touch(s, p);
	sim_trace(s, "#%d label %s", i + 1, p->label ? "on" : "off");
	forge_tell_pull(s, i, p->label ? "labeled" : "unlabeled");
}

static void act_base(struct sim *s, int i)
{
	struct sim_pull *p = &s->pulls[i];

	p->base = strcmp(p->base, "main") ? "main" : "next";
	touch(s, p);
	sim_trace(s, "#%d aims at %s", i + 1, p->base);
	forge_tell_pull(s, i, "edited");
}

static void act_draft(struct sim *s, int i)
{
	struct sim_pull *p = &s->pulls[i];

	p->draft = !p->draft;
	touch(s, p);
	sim_trace(s, "#%d draft %d", i + 1, p->draft);
	forge_tell_pull(s, i,
			p->draft ? "converted_to_draft" : "ready_for_review");
}

static void act_base_push(struct sim *s, int unused)
{
	int repo = (int)chance_between(luck(s), 0, REPOS_MAX - 1);

	(void)unused;
	sha_of(s->bases[repo], "base", s->seed, (uint64_t)s->next_id++);
	sim_trace(s, "%s main is at %.8s", repos[repo], s->bases[repo]);
	forge_tell_push(s, repo);
}

/* What is said: a text and the verb that is meant, NULL = none. */
static const struct phrase {
	const char *text, *verb;
	int weight;
} phrases[] = {
	{"@kcibot deploy", "deploy", 30},
	{"@kcibot trigger", "trigger", 20},
	{"@kcibot deploy SHA", "deploy", 10},
	{"@kcibot deploy deadbeefdeadbeef", "deploy", 3},
	{"@kcibot status", "status", 5},
	{"@kcibot help", "help", 3},
	{"@kcibot why", "why", 4},
	{"@kcibot plan", "plan", 4},
	{"@kcibot cancel", "cancel", 4},
	{"@kcibot skip", "skip", 3},
	{"@kcibot include", "include", 4},
	{"@kcibot trigger force reason=\"now\"", "trigger", 4},
	{"@kcibot notmyfault", "notmyfault", 2},
	{"@kcibot quiet", "quiet", 1},
	{"@kcibot verbose", "verbose", 1},
	{"@kcibot ping", "ping", 1},
	{"@kcibot trust @sam role=contributor", "trust", 1},
	{"@kcibot untrust @sam", "untrust", 1},
	{"@kcibot trusted", "trusted", 1},
	{"@kcibot deplyo", "deplyo", 3},
	{"@kcibot deploy\n\n@kcibot trigger", "trigger", 4},
	{"@kcibot deploy\n\n@kcibot nonsense", "nonsense", 3},
	{"I asked @kcibot deploy yesterday", NULL, 4},
	{"> @kcibot deploy", NULL, 3},
	{"`@kcibot deploy`", NULL, 3},
	{"looks good to me", NULL, 10},
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

static void act_comment(struct sim *s, int i)
{
	/* Those who may are those who speak most. */
	int who = chance_of(luck(s), 700)
			  ? (int)chance_between(luck(s), 0, 2)
			  : (int)chance_between(luck(s), 0, PEOPLE_MAX - 1);
	const struct phrase *phrase = any_phrase(s);
	const struct sim_pull *p = &s->pulls[i];
	struct sim_comment *c;
	char text[160];
	size_t at;

	put_sha(text, sizeof(text), phrase->text, pull_head(p));
	at = forge_comment(s, i, people[who].id, text);
	c = &s->comments[at];
	c->verb = phrase->verb;
	c->closed_then = strcmp(p->state, "open") != 0;
	COPY(c->head_then, pull_head(p));
	sim_trace(s, "%s says on #%d (comment %lld): %s", people[who].login,
		  i + 1, (long long)c->id, text);
	forge_tell_comment(s, at, "created", people[who].id);
}

static void act_edit(struct sim *s, int unused)
{
	size_t at;
	struct sim_comment *c;

	(void)unused;
	if (!s->comment_count)
		return;
	at = (size_t)chance_between(luck(s), 0, (int64_t)s->comment_count - 1);
	c = &s->comments[at];
	if (!c->user || c->deleted || s->now_ms - c->made_ms > HOUR)
		return;
	if (chance_of(luck(s), 500)) {
		sim_trace(s, "comment %lld is deleted", (long long)c->id);
		forge_tell_comment(s, at, "deleted", c->user);
		c->deleted = true;
		return;
	}
	free(c->body);
	c->body = strdup("@kcibot deploy, please (edited)");
	c->updated_ms = s->now_ms;
	sim_trace(s, "comment %lld is edited", (long long)c->id);
	forge_tell_comment(s, at, "edited", c->user);
}

/* Somebody deletes a comment of the bot's. */
static void act_tidy(struct sim *s, int unused)
{
	(void)unused;
	for (size_t i = 0; i < s->comment_count; i++) {
		struct sim_comment *c = &s->comments[i];

		if (c->user || c->deleted || !chance_of(luck(s), 100))
			continue;
		sim_trace(s, "the bot's comment %lld is deleted",
			  (long long)c->id);
		forge_tell_comment(s, i, "deleted", 10);
		c->deleted = true;
		return;
	}
}

static const struct {
	void (*run)(struct sim *s, int pull);
	int weight;
	bool needs_pull;
} acts[] = {
	{act_open, 12, false},	 {act_push, 18, true},
	{act_comment, 40, true}, {act_close, 4, true},
	{act_label, 4, true},	 {act_base, 2, true},
	{act_draft, 2, true},	 {act_base_push, 4, false},
	{act_edit, 5, false},	 {act_tidy, 1, false},
};

static void any_act(struct sim *s)
{
	int64_t sum = 0, at;
	int pull = any_pull(s);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(acts); i++)
		sum += acts[i].weight;
	at = chance_between(luck(s), 0, sum - 1);
	for (i = 0; at >= acts[i].weight; i++)
		at -= acts[i].weight;
	if (acts[i].needs_pull && pull < 0)
		i = 0;
	acts[i].run(s, pull);
}

/* --- what happens to the machine --- */

static void disk_is_back(struct sim *s, int64_t unused)
{
	(void)unused;
	sim_trace(s, "the disk has room again");
	disk_full(false);
}

static void trouble(struct sim *s)
{
	const struct knobs *k = &s->knobs;

	if (s->engine && chance_of(luck(s), k->dying)) {
		if (chance_of(luck(s), 300))
			process_die(s, "killed");
		else
			process_doom(s, chance_between(luck(s), 1, 60));
	}
	if (chance_of(luck(s), k->disk)) {
		sim_trace(s, "the disk is full");
		disk_full(true);
		sim_at(s, s->now_ms + chance_span(luck(s), 2 * MINUTE),
		       disk_is_back, 0);
	}
	if (chance_of(luck(s), k->jumping)) {
		int64_t by = chance_between(luck(s), -2 * HOUR, 2 * HOUR);

		sim_trace(s, "the wall clock jumps by %lld s",
			  (long long)by / 1000);
		s->clock.wall += by;
	}
}

static void next_act(struct sim *s, int64_t unused)
{
	(void)unused;
	if (s->acts >= s->knobs.actions) {
		s->calm = true;
		disk_full(false);
		process_doom(s, -1);
		/* The clock is put right, as ntp would. */
		s->clock.wall = s->now_ms;
		sim_trace(s, "--- calm ---");
		return;
	}
	s->acts++;
	any_act(s);
	trouble(s);
	sim_at(s, s->now_ms + chance_span(luck(s), s->knobs.pace_ms), next_act,
	       0);
}

void people_begin(struct sim *s)
{
	sim_at(s, s->now_ms + MINUTE, next_act, 0);
}
