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

/*
 * The maintainer says it, and says it again when asked to: what was said while
 * the bot could not hear is answered with a question, as it may have missed a
 * push as well.  The line to paste then names the head.
 */
static int64_t say_till_heard(struct talk *t, const char *text,
			      const char *head)
{
	for (int i = 0; i < 8; i++) {
		CLEANUP(free)
		char *line =
			str_format("%s%s%s", text, i ? " " : "", i ? head : "");
		int64_t id = house_say(t->h, WEB, t->pull, "mona", line);
		CLEANUP(free)
		char *decided = str_format("SELECT count(*) FROM said WHERE "
					   "comment_id = %lld AND state <> "
					   "'checking'",
					   (long long)id);
		CLEANUP(free)
		char *accepted = str_format("SELECT count(*) FROM said WHERE "
					    "comment_id = %lld AND state = "
					    "'accepted'",
					    (long long)id);

		house_await_sql(t->h, decided, 1);
		if (house_sql(t->h, accepted) == 1)
			return id;
		await_scan(t->h);
	}
	look_fail(t->h, "the maintainer is refused again and again");
}

/* Its first job is let go once it runs. */
static void step_into(struct talk *t, int cycle, const char *kind)
{
	CLEANUP(free) char *line = str_format("build %d %s", cycle, kind);

	if (!t->during)
		return;
	house_await_ran(t->h, line, 1);
	t->during(t, cycle);
	house_let_go(t->h, "build");
}

static void hold(struct talk *t)
{
	if (t->during)
		house_hold(t->h, "build");
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

void talk_play(struct talk *t)
{
	struct house *h = t->h;

	house_begin(h);
	step(t, 1);
	t->pull = house_pull(h, WEB, "sam", "sams", t->sha);
	house_await_sql(h, "SELECT count(*) FROM pull", 1);
	step(t, 2);
	hold(t);
	t->trigger = say_till_heard(t, "@kcibot trigger", t->sha);
	step_into(t, 1, "full");
	house_await_reaction(h, WEB, t->pull, t->trigger, "rocket");
	await_cycle(t, 1);
	step(t, 3);
	t->refused = house_say(h, WEB, t->pull, "sam", "@kcibot deploy");
	house_await_reaction(h, WEB, t->pull, t->refused, "confused");
	house_await_quiet(h);
	step(t, 4);
	hold(t);
	assert_true(sbc_push(h->forge, WEB, t->pull,
			     house_file("sams", "better\n"), false, t->pushed));
	step_into(t, 2, "short");
	await_cycle(t, 2);
	step(t, 5);
	hold(t);
	t->deploy = say_till_heard(t, "@kcibot deploy", t->pushed);
	step_into(t, 3, "short");
	house_await_reaction(h, WEB, t->pull, t->deploy, "rocket");
	await_cycle(t, 3);
	step(t, 6);
}
