/*
 * People: they open, push, comment, change their minds, at random; and
 * somebody else moves a staging branch.
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

/* The first of those without a role. */
#define SAM 5

static struct chance *luck(struct sim *s)
{
	return &s->chance;
}

int any_pull(struct sim *s)
{
	int start = (int)chance_between(luck(s), 0, PULLS_MAX - 1);

	for (int i = 0; i < PULLS_MAX; i++) {
		int at = (start + i) % PULLS_MAX;

		if (s->pulls[at].used)
			return at;
	}
	return -1;
}

static void become_head(struct sim *s, struct sim_pull *p, const char *sha)
{
	if (p->head_count == HEADS_MAX)
		return;
	COPY(p->heads[p->head_count].sha, sha);
	p->heads[p->head_count++].since_ms = s->now_ms;
	p->updated_ms = s->now_ms;
}

/* --- acts; each takes a pull, or -1 --- */

void act_open(struct sim *s, int unused)
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
		/* Strangers' code is what most rules are about. */
		.author = (int)chance_between(luck(s),
					      chance_of(luck(s), 300) ? SAM : 0,
					      PEOPLE_MAX - 1),
		.state = "open",
		.base = "main",
	};
	sha_of(sha, "head", s->seed, (uint64_t)s->next_id++);
	become_head(s, &s->pulls[i], sha);
	sim_trace(s, "%s opens %s#%d at %.8s", people[s->pulls[i].author].login,
		  repos[s->pulls[i].repo], i + 1, sha);
	tell_pull(s, i, "opened");
}

static void act_push(struct sim *s, int i)
{
	struct sim_pull *p = &s->pulls[i];
	char sha[41];

	/* Most of those who push do so with their pull open. */
	if (strcmp(p->state, "open") != 0 && chance_of(luck(s), 700))
		return;
	sha_of(sha, "head", s->seed, (uint64_t)s->next_id++);
	/* Sometimes back to what was there before. */
	if (p->head_count > 1 && chance_of(luck(s), 150))
		COPY(sha, p->heads[p->head_count - 2].sha);
	become_head(s, p, sha);
	sim_trace(s, "push to #%d: %.8s", i + 1, pull_head(p));
	tell_pull(s, i, "synchronize");
}

static void push_back(struct sim *s, int64_t i)
{
	struct sim_pull *p = &s->pulls[i];

	if (p->head_count < 2 || s->calm || strcmp(p->state, "open") != 0)
		return;
	become_head(s, p, p->heads[p->head_count - 2].sha);
	sim_trace(s, "push to #%d: back to %.8s", (int)i + 1, pull_head(p));
	tell_pull(s, (int)i, "synchronize");
}

/* Another head for a while, and then the one that people looked at. */
static void act_swing(struct sim *s, int i)
{
	act_push(s, i);
	sim_at(s, s->now_ms + chance_span(luck(s), 10 * MINUTE), push_back, i);
}

static void act_close(struct sim *s, int i)
{
	struct sim_pull *p = &s->pulls[i];
	bool open = !strcmp(p->state, "open");

	p->state = open ? "closed" : "open";
	if (open)
		p->closed_ms = s->now_ms;
	p->updated_ms = s->now_ms;
	sim_trace(s, "#%d is %s", i + 1, p->state);
	tell_pull(s, i, open ? "closed" : "reopened");
}

static void act_label(struct sim *s, int i)
{
	static const char *const labels[] = {"skip-me", "no-qa", "next-too"};
	struct sim_pull *p = &s->pulls[i];

	p->label = p->label ? NULL : labels[chance_between(luck(s), 0, 2)];
	p->updated_ms = s->now_ms;
	sim_trace(s, "#%d label %s", i + 1, p->label ? p->label : "off");
	tell_pull(s, i, p->label ? "labeled" : "unlabeled");
}

static void act_base(struct sim *s, int i)
{
	struct sim_pull *p = &s->pulls[i];

	p->base = strcmp(p->base, "main") ? "main" : "next";
	p->updated_ms = s->now_ms;
	sim_trace(s, "#%d aims at %s", i + 1, p->base);
	tell_pull(s, i, "edited");
}

static void act_draft(struct sim *s, int i)
{
	struct sim_pull *p = &s->pulls[i];

	p->draft = !p->draft;
	p->updated_ms = s->now_ms;
	sim_trace(s, "#%d draft %d", i + 1, p->draft);
	tell_pull(s, i, p->draft ? "converted_to_draft" : "ready_for_review");
}

static void act_base_push(struct sim *s, int unused)
{
	int repo = (int)chance_between(luck(s), 0, REPOS_MAX - 1);

	(void)unused;
	sha_of(s->bases[repo], "base", s->seed, (uint64_t)s->next_id++);
	sim_trace(s, "%s main is at %.8s", repos[repo], s->bases[repo]);
	tell_push(s, repo);
}

/* Somebody else's hand on a staging branch. */
static void act_meddle(struct sim *s, int unused)
{
	struct sim_branch *b =
		&s->branches[chance_between(luck(s), 0, BRANCHES_MAX - 1)];

	(void)unused;
	sha_of(b->sha, "meddled", s->seed, (uint64_t)s->next_id++);
	b->meddled_ms = s->now_ms;
	sim_trace(s, "%s of %s is moved by hand to %.8s", b->name,
		  repos[b->repo], b->sha);
}

static const struct {
	void (*run)(struct sim *s, int pull);
	int weight;
	bool needs_pull;
} acts[] = {
	{act_open, 12, false},	{act_push, 18, true}, {act_comment, 40, true},
	{act_review, 8, true},	{act_close, 4, true}, {act_label, 4, true},
	{act_base, 2, true},	{act_draft, 2, true}, {act_base_push, 4, false},
	{act_edit, 5, false},	{act_swing, 4, true}, {act_tidy, 1, false},
	{act_meddle, 1, false},
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

/* --- one after the other --- */

static void end_locks(struct sim *s, int64_t unused)
{
	(void)unused;
	say_unlock(s);
}

static void next_act(struct sim *s, int64_t unused)
{
	(void)unused;
	if (s->acts >= s->knobs.actions) {
		s->calm = true;
		disk_full(false);
		process_doom(s, -1);
		/* The clock is put right, as ntp would. */
		wall_set(s, s->now_ms);
		sim_trace(s, "--- calm ---");
		sim_at(s, s->now_ms + 90 * MINUTE, end_locks, 0);
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
