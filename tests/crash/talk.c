#include "tests/crash/talk.h"

#include <stdlib.h>

#include "tests/integration/look.h"

#define FULL_RECIPE                                                            \
	"      short: [build, deploy]\n"                                       \
	"      full: [build, deploy, test]\n"

struct house *talk_house(void)
{
	/* Whatever no webhook brought is found within two seconds. */
	return house_new(&(struct house_settings){
		.reconcile = "2s", .recipe = FULL_RECIPE, .asleep = true});
}

static void step(struct talk *t, int number)
{
	if (t->between)
		t->between(t, number);
}

/* The bot has looked at every repository once more. */
static void await_scan(struct house *h)
{
	int64_t last = house_sql(h, "SELECT max(last_ms) FROM scan");
	CLEANUP(free)
	char *query = str_format("SELECT count(*) = 0 FROM scan "
				 "WHERE last_ms <= %lld",
				 (long long)last);

	house_await_sql(h, query, 1);
}

static struct talk_pull *open_pull(struct talk *t, const char *repo,
				   const char *author, const char *file)
{
	struct talk_pull *p = &t->pulls[t->pull_count++];

	p->repo = repo;
	p->number = house_pull(t->h, repo, author, file, p->sha);
	return p;
}

/* Its author pushes. */
static void push(struct talk *t, struct talk_pull *p, json_t *files)
{
	assert_true(sbc_push(t->h->forge, p->repo, p->number, files, false,
			     p->sha));
}

static char *said_is(int64_t id, const char *state)
{
	return str_format("SELECT count(*) FROM said WHERE comment_id = %lld "
			  "AND state %s",
			  (long long)id, state);
}

/*
 * Somebody says it, and says it again when asked to: what was said while the
 * bot could not hear is answered with a question, as it may have missed a
 * push as well.  The line to paste then names the head.
 */
static int64_t say_till_heard(struct talk *t, const struct talk_pull *p,
			      const char *user, const char *text)
{
	for (int i = 0; i < 8; i++) {
		CLEANUP(free)
		char *line = str_format("%s%s%s", text, i ? " " : "",
					i ? p->sha : "");
		int64_t id = house_say(t->h, p->repo, p->number, user, line);
		CLEANUP(free) char *decided = said_is(id, "<> 'checking'");
		CLEANUP(free) char *accepted = said_is(id, "= 'accepted'");

		house_await_sql(t->h, decided, 1);
		if (house_sql(t->h, accepted) == 1)
			return id;
		assert_true(t->again_count < TALK_AGAIN_MOST);
		t->again[t->again_count++] = id;
		await_scan(t->h);
	}
	look_fail(t->h, "who may say it is refused again and again");
}

/* The job of this line of house_ran() runs. */
static void run_into(struct talk *t, int cycle, const char *line, int count)
{
	house_await_ran(t->h, line, count);
	if (t->during)
		t->during(t, cycle);
}

/* The cycle is over, and everybody was told. */
static void await_cycle(struct talk *t, int number)
{
	CLEANUP(free)
	char *query = str_format("SELECT count(*) FROM cycle WHERE state ="
				 " 'finished' AND id = %d",
				 number);

	house_await_sql(t->h, query, 1);
	house_await_quiet(t->h);
}

/* --- plain --- */

/* Its first job is let go once it runs. */
static void step_into(struct talk *t, int cycle, const char *line)
{
	if (!t->during)
		return;
	run_into(t, cycle, line, 1);
	house_let_go(t->h, "build");
}

static void hold(struct talk *t)
{
	if (t->during)
		house_hold(t->h, "build");
}

static void play_plain(struct talk *t)
{
	struct house *h = t->h;
	struct talk_pull *p;
	int64_t said;

	p = open_pull(t, WEB, "sam", "sams");
	house_await_sql(h, "SELECT count(*) FROM pull", 1);
	step(t, 2);
	hold(t);
	said = say_till_heard(t, p, "mona", "@kcibot trigger");
	step_into(t, 1, "build 1 full");
	house_await_reaction(h, WEB, p->number, said, "rocket");
	await_cycle(t, 1);
	step(t, 3);
	said = house_say(h, WEB, p->number, "sam", "@kcibot deploy");
	house_await_reaction(h, WEB, p->number, said, "confused");
	house_await_quiet(h);
	step(t, 4);
	hold(t);
	push(t, p, house_file("sams", "better\n"));
	step_into(t, 2, "build 2 short");
	await_cycle(t, 2);
	step(t, 5);
	hold(t);
	said = say_till_heard(t, p, "mona", "@kcibot deploy");
	step_into(t, 3, "build 3 short");
	house_await_reaction(h, WEB, p->number, said, "rocket");
	await_cycle(t, 3);
	step(t, 6);
}

/* --- broken --- */

/* Nobody has to ask for what carl pushes. */
static struct talk_pull *goes_well(struct talk *t)
{
	struct talk_pull *p;

	house_hold(t->h, "build");
	p = open_pull(t, WEB, "carl", "carls");
	run_into(t, 1, "build 1 full", 1);
	house_let_go(t->h, "build");
	await_cycle(t, 1);
	return p;
}

/* Cycle 2 fails, cycle 3 puts staging back without it. */
static void goes_wrong(struct talk *t, struct talk_pull *p)
{
	house_hold(t->h, "build");
	house_hold(t->h, "deploy");
	push(t, p, house_file("broken-build", "a missing brace"));
	run_into(t, 2, "build 2 short", 1);
	house_let_go(t->h, "build");
	run_into(t, 3, "deploy 3 short", 1);
	house_let_go(t->h, "deploy");
	await_cycle(t, 3);
	/* It is told of the head, which will be another one. */
	talk_read(t, p, &t->read);
}

static void is_repaired(struct talk *t, struct talk_pull *p)
{
	house_hold(t->h, "build");
	push(t, p, json_pack("{s:n}", "broken-build"));
	run_into(t, 4, "build 4 short", 1);
	house_let_go(t->h, "build");
	await_cycle(t, 4);
}

/* Cycle 5 is stopped, cycle 6 puts back what cycle 4 had built. */
static void is_cancelled(struct talk *t, struct talk_pull *p)
{
	int64_t said;

	house_hold(t->h, "deploy");
	said = say_till_heard(t, p, "ada", "@kcibot deploy");
	run_into(t, 5, "deploy 5 short", 1);
	say_till_heard(t, p, "mona", "@kcibot cancel");
	p->replied = true;
	house_await_reaction(t->h, p->repo, p->number, said, "confused");
	run_into(t, 6, "deploy 4 short", 2);
	house_let_go(t->h, "deploy");
	await_cycle(t, 6);
}

static void play_broken(struct talk *t)
{
	struct talk_pull *carls, *sams;

	carls = goes_well(t);
	step(t, 2);
	goes_wrong(t, carls);
	step(t, 3);
	is_repaired(t, carls);
	step(t, 4);
	sams = open_pull(t, API, "sam", "sams");
	house_await_sql(t->h, "SELECT count(*) FROM pull", 2);
	step(t, 5);
	is_cancelled(t, sams);
	step(t, 6);
}

/* --- */

const struct script talk_scripts[SCRIPT_COUNT] = {
	[SCRIPT_PLAIN] = {"plain", 6, 3, play_plain},
	[SCRIPT_BROKEN] = {"broken", 6, 6, play_broken},
};

void talk_play(struct talk *t)
{
	house_begin(t->h);
	step(t, 1);
	t->script->play(t);
}
