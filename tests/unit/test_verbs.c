/*
 * What the words do: skip, include, cancel, notmyfault, quiet, verbose, ping,
 * help and trigger force, and several words in one comment.
 */
#include "tests/unit/engine_world.h"

static int begin(void **state)
{
	static struct world w;

	world_begin(&w, "");
	world_trust_all(&w);
	*state = &w;
	return 0;
}

static int end(void **state)
{
	world_end(*state);
	return 0;
}

/* Our one reply holds the text. */
static void assert_reply(struct world *w, const char *text)
{
	struct world_effect *x = world_last(w, "forge.comment", "kcibot:reply");

	assert_non_null(x);
	if (!strstr(js_str(x->args, "body"), text))
		fail_msg("no \"%s\" in: %s", text, js_str(x->args, "body"));
}

/* The sticky comment of a pull, as it was last wanted. */
static const char *sticky(struct world *w, int64_t number)
{
	char text[64];
	struct world_effect *x;

	snprintf(text, sizeof(text), "\"number\":%lld,", (long long)number);
	for (size_t i = w->sent_count; i > 0; i--) {
		x = &w->sent[i - 1];
		if (!strcmp(x->kind, "forge.comment") &&
		    world_args_hold(x, "kcibot:sticky") &&
		    world_args_hold(x, text))
			return js_str(x->args, "body");
	}
	return "";
}

static void assert_sticky(struct world *w, int64_t number, const char *text)
{
	if (!strstr(sticky(w, number), text))
		fail_msg("no \"%s\" in: %s", text, sticky(w, number));
}

/* New comments: neither sticky nor the reply. */
static size_t new_comments(struct world *w)
{
	return world_sent_with(w, "forge.comment", "kcibot:key") -
	       world_sent_with(w, "forge.comment", "kcibot:sticky") -
	       world_sent_with(w, "forge.comment", "kcibot:reply");
}

/* Is the pull in what was merged last? */
static bool in_last_batch(struct world *w, int64_t number)
{
	struct world_effect *x = world_last(w, "git.batch", "");
	char text[64];

	assert_non_null(x);
	snprintf(text, sizeof(text), "\"number\":%lld,", (long long)number);
	return world_args_hold(x, text);
}

/* --- skip, include --- */

static void a_skipped_pull_stays_out(void **state)
{
	struct world *w = *state;

	world_open(w, 1, CONTRIBUTOR);
	world_open(w, 2, CONTRIBUTOR);
	world_say(w, 1, CONTRIBUTOR, "@kcibot skip reason=\"wait @all\"");
	world_pass(w, 10 * MINUTE);
	assert_int_equal(world_cycles(w), 1);
	assert_false(in_last_batch(w, 1));
	assert_true(in_last_batch(w, 2));
	/* Neither a push nor closing and reopening lifts it. */
	world_push(w, 1, 'b');
	world_set_state(w, 1, "closed");
	world_set_state(w, 1, "open");
	world_pass(w, 2 * HOUR);
	assert_int_equal(world_cycles(w), 1);
	world_restart(w);
	world_push(w, 2, 'c');
	world_pass(w, 2 * HOUR);
	assert_int_equal(world_cycles(w), 2);
	assert_false(in_last_batch(w, 1));
}

static void a_deploy_of_a_skipped_pull_is_refused(void **state)
{
	struct world *w = *state;
	int64_t id;

	world_open(w, 1, CONTRIBUTOR);
	world_say(w, 1, CONTRIBUTOR, "@kcibot skip");
	id = world_say(w, 1, MAINTAINER, "@kcibot deploy");
	assert_true(world_reacted(w, id, "confused"));
	assert_reply(w, "took it out with `skip`");
	assert_reply(w, "user12");
	assert_reply(w, "\n@kcibot include\n");
	assert_int_equal(world_cycles(w), 0);
}

static void skip_makes_it_leave(void **state)
{
	struct world *w = *state;

	world_open(w, 1, CONTRIBUTOR);
	world_open(w, 2, CONTRIBUTOR);
	world_say(w, 1, MAINTAINER, "@kcibot deploy");
	assert_true(in_last_batch(w, 1));
	world_say(w, 1, MAINTAINER, "@kcibot skip reason=\"**bad** @all\"");
	assert_reply(w, "It leaves staging with the next deploy.");
	world_pass(w, HOUR);
	assert_int_equal(world_cycles(w), 2);
	assert_false(in_last_batch(w, 1));
	assert_sticky(w, 1, "**Taken out:** by user11");
	/* What people write is text. */
	assert_null(strstr(sticky(w, 1), "**bad**"));
	assert_null(strstr(sticky(w, 1), "@all"));
	assert_string_not_equal(world_status(w, 1), "pending");
}

static void skip_leaves_a_running_cycle(void **state)
{
	struct world *w = *state;

	world_open(w, 1, CONTRIBUTOR);
	world_open(w, 2, CONTRIBUTOR);
	w->hold = "git.batch";
	world_say(w, 1, MAINTAINER, "@kcibot deploy");
	assert_true(in_last_batch(w, 1));
	world_say(w, 1, MAINTAINER, "@kcibot skip");
	w->hold = NULL;
	world_pass(w, 10 * MINUTE);
	/* Begun again without it. */
	assert_int_equal(world_ask(w, "SELECT count(*) FROM cycle WHERE"
				      " reason_code = 'restarted'"),
			 1);
	assert_false(in_last_batch(w, 1));
}

static void skip_drops_what_waits(void **state)
{
	struct world *w = *state;
	int64_t id;

	world_open(w, 1, CONTRIBUTOR);
	world_open(w, 2, CONTRIBUTOR);
	w->hold = "job.run";
	world_say(w, 2, MAINTAINER, "@kcibot trigger");
	id = world_say(w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_ask(w, "SELECT count(*) FROM request WHERE"
				      " state = 'waiting' AND kind = 'short'"),
			 1);
	world_say(w, 1, CONTRIBUTOR, "@kcibot skip");
	assert_int_equal(world_ask(w, "SELECT count(*) FROM request WHERE"
				      " pull_id = 1 AND state <> 'dropped'"
				      " AND state <> 'running'"),
			 0);
	assert_true(world_reacted(w, id, "confused"));
	assert_int_equal(
		world_sent_with(w, "forge.comment", "taken out with `skip`"),
		1);
}

static void include_brings_it_back(void **state)
{
	struct world *w = *state;

	world_open(w, 1, CONTRIBUTOR);
	world_say(w, 1, MAINTAINER, "@kcibot include");
	assert_reply(w, "Nobody has skipped");
	world_say(w, 1, CONTRIBUTOR, "@kcibot skip");
	world_pass(w, 20 * 24 * HOUR);
	assert_int_equal(world_sent_with(w, "git.batch", "\"number\":1,"), 0);
	/* Not even stale: a command counts. */
	world_say(w, 1, MAINTAINER, "@kcibot include");
	assert_reply(w, "It comes to staging with the next deploy.");
	world_pass(w, HOUR);
	assert_true(in_last_batch(w, 1));
}

static void include_says_what_else_keeps_it_out(void **state)
{
	struct world *w = *state;

	world_open(w, 1, CONTRIBUTOR);
	world_say(w, 1, CONTRIBUTOR, "@kcibot skip");
	world_change(w, 1)->label = "skip-me";
	world_tell(w, 1, "labeled");
	world_run(w);
	world_say(w, 1, MAINTAINER, "@kcibot include");
	assert_reply(w, "stays out of staging all the same: it carries the "
			"label");
	world_say(w, 1, ADMIN, "@kcibot include");
	assert_reply(w, "What keeps it out of staging: it carries the label");
}

/* Taking out is no doubt about the person: the word is still good. */
static void include_keeps_a_maintainers_word(void **state)
{
	struct world *w = *state;

	world_open(w, 1, STRANGER);
	world_say(w, 1, MAINTAINER, "@kcibot deploy");
	world_say(w, 1, STRANGER, "@kcibot skip");
	world_pass(w, HOUR);
	assert_false(in_last_batch(w, 1));
	world_say(w, 1, MAINTAINER, "@kcibot include");
	world_pass(w, HOUR);
	assert_true(in_last_batch(w, 1));
}

/* --- cancel --- */

static void cancel_withdraws(void **state)
{
	struct world *w = *state;
	size_t before;

	world_open(w, 1, CONTRIBUTOR);
	world_say(w, 1, MAINTAINER, "@kcibot trigger");
	world_say(w, 1, MAINTAINER, "@kcibot trigger");
	assert_int_equal(world_ask(w, "SELECT count(*) FROM request WHERE"
				      " state = 'booked'"),
			 1);
	before = new_comments(w);
	world_say(w, 1, CONTRIBUTOR, "@kcibot cancel");
	assert_reply(w, "Withdrawn: full for staging by user11.");
	assert_reply(w, "goes along with the next deploy");
	assert_int_equal(
		world_sent_with(w, "forge.comment", "withdrawn with `cancel`"),
		1);
	assert_int_equal(new_comments(w), before + 1);
	/* Once; and it does not run when its time comes. */
	world_pass(w, 7 * HOUR);
	assert_int_equal(world_ask(w, "SELECT count(*) FROM cycle WHERE"
				      " kind = 'full'"),
			 1);
	assert_int_equal(new_comments(w), before + 1);
	world_say(w, 1, CONTRIBUTOR, "@kcibot cancel");
	assert_reply(w,
		     "There is nothing to cancel: nobody's request waits here");
}

static void who_takes_it_back_needs_no_word(void **state)
{
	struct world *w = *state;
	size_t before;
	int64_t id;

	world_open(w, 1, STRANGER);
	world_say(w, 1, MAINTAINER, "@kcibot trigger");
	id = world_say(w, 1, MAINTAINER, "@kcibot trigger");
	before = new_comments(w);
	world_say(w, 1, MAINTAINER, "@kcibot cancel");
	assert_reply(w, "Withdrawn: full for staging by user11.");
	assert_int_equal(new_comments(w), before);
	assert_true(world_reacted(w, id, "confused"));
}

/* Wishes of others on other pulls stay. */
static void cancel_is_of_one_pull(void **state)
{
	struct world *w = *state;

	world_open(w, 1, STRANGER);
	world_open(w, 2, STRANGER);
	world_say(w, 1, MAINTAINER, "@kcibot trigger");
	world_say(w, 1, MAINTAINER, "@kcibot trigger");
	world_say(w, 2, MAINTAINER, "@kcibot trigger");
	world_say(w, 1, MAINTAINER, "@kcibot cancel");
	assert_int_equal(world_ask(w, "SELECT count(*) FROM request WHERE"
				      " state = 'booked' AND pull_id = 2"),
			 1);
	assert_int_equal(world_ask(w, "SELECT count(*) FROM request WHERE"
				      " state = 'booked'"),
			 1);
}

/* --- notmyfault --- */

static void a_failure_can_be_disputed(void **state)
{
	struct world *w = *state;
	int64_t id;

	world_open(w, 1, STRANGER);
	id = world_say(w, 1, STRANGER, "@kcibot notmyfault");
	assert_true(world_reacted(w, id, "confused"));
	assert_reply(w, "There is nothing to dispute");
	w->job_verdict = "failure";
	world_say(w, 1, MAINTAINER, "@kcibot deploy");
	assert_string_equal(world_status(w, 1), "failure");
	world_say(w, 1, STRANGER,
		  "@kcibot notmyfault reason=\"disk | full <b> @all\"");
	assert_reply(w, "you dispute this failure");
	assert_sticky(w, 1, "**Disputed by:** user13");
	assert_null(strstr(sticky(w, 1), "<b>"));
	assert_null(strstr(sticky(w, 1), "@all"));
	world_say(w, 1, STRANGER, "@kcibot notmyfault");
	assert_reply(w, "on record already");
	world_say(w, 1, CONTRIBUTOR, "@kcibot notmyfault");
	assert_int_equal(world_ask(w, "SELECT count(*) FROM dispute"), 2);
	assert_int_equal(world_ask(w, "SELECT count(*) FROM audit WHERE"
				      " action = 'notmyfault'"),
			 2);
	/* It changes no verdict, and speaks of one revision. */
	assert_string_equal(world_status(w, 1), "failure");
	world_push(w, 1, 'd');
	assert_null(strstr(sticky(w, 1), "Disputed"));
	id = world_say(w, 1, STRANGER, "@kcibot notmyfault");
	assert_true(world_reacted(w, id, "confused"));
}

/* --- quiet, verbose --- */

static void quiet_makes_no_comments(void **state)
{
	struct world *w = *state;
	int64_t id;

	world_open(w, 1, CONTRIBUTOR);
	world_say(w, 1, MAINTAINER, "@kcibot quiet");
	id = world_say(w, 1, MAINTAINER, "@kcibot deploy");
	assert_true(world_reacted(w, id, "rocket"));
	assert_string_equal(world_status(w, 1), "success");
	assert_int_equal(new_comments(w), 0);
	assert_sticky(w, 1, "`@kcibot quiet off` ends that");
	/* Who errs is answered all the same. */
	world_say(w, 1, MAINTAINER, "@kcibot dploy");
	assert_reply(w, "Did you mean");
	world_say(w, 1, MAINTAINER, "@kcibot quiet off");
	world_say(w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(new_comments(w), 1);
	assert_null(strstr(sticky(w, 1), "Comments:"));
	world_say(w, 1, MAINTAINER, "@kcibot quiet off");
	assert_reply(w, "is not quiet");
}

static void verbose_tells_every_outcome(void **state)
{
	struct world *w = *state;

	world_open(w, 1, CONTRIBUTOR);
	world_open(w, 2, CONTRIBUTOR);
	world_pass(w, 10 * MINUTE);
	assert_int_equal(world_cycles(w), 1);
	world_say(w, 1, MAINTAINER, "@kcibot verbose");
	/* Not of what was before. */
	assert_int_equal(new_comments(w), 0);
	world_push(w, 2, 'b');
	world_pass(w, HOUR);
	assert_int_equal(world_cycles(w), 2);
	assert_int_equal(world_sent_with(w, "forge.comment", "told:2:1"), 1);
	assert_int_equal(new_comments(w), 1);
	/* What somebody asked for is told once. */
	world_say(w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(new_comments(w), 2);
	world_restart(w);
	world_pass(w, HOUR);
	assert_int_equal(new_comments(w), 2);
	world_say(w, 1, MAINTAINER, "@kcibot verbose off");
	world_push(w, 2, 'c');
	world_pass(w, 7 * HOUR);
	assert_int_equal(world_cycles(w), 4);
	assert_int_equal(new_comments(w), 2);
}

/* --- ping, help --- */

static void ping_says_how_busy(void **state)
{
	struct world *w = *state;

	world_open(w, 1, CONTRIBUTOR);
	world_comment(w, 1, MAINTAINER, "@kcibot ping");
	fake_clock_advance(&w->clock, 2500);
	world_run(w);
	assert_reply(w, "pong. Version ");
	assert_reply(w, "running since 2026-");
	assert_reply(w, "In the queue: 1.");
	/* The forge tells whole seconds. */
	assert_reply(w, "Answered 2.5 s after you wrote");
	assert_int_equal(world_cycles(w), 0);
}

static void help_is_of_you(void **state)
{
	struct world *w = *state;

	world_open(w, 1, STRANGER);
	world_say(w, 1, STRANGER, "@kcibot help");
	assert_reply(w, "**stranger**, and this is your own pull request");
	assert_reply(w, "`@kcibot cancel [on=ENVIRONMENT]`");
	assert_null(world_last(w, "forge.comment", "@kcibot deploy"));
	world_say(w, 1, MAINTAINER, "@kcibot help trigger");
	assert_reply(w, "`@kcibot trigger [SHA] [force] [reason=TEXT] "
			"[on=ENVIRONMENT]`");
	assert_reply(w, "`force` takes more: admins. You may not.");
	world_say(w, 1, MAINTAINER, "@kcibot help <b>me</b>");
	assert_reply(w, "`@kcibot help [VERB]`");
	assert_null(world_last(w, "forge.comment", "<b>"));
}

/* --- trigger force --- */

static void force_breaks_the_interval(void **state)
{
	struct world *w = *state;

	world_open(w, 1, STRANGER);
	world_say(w, 1, MAINTAINER, "@kcibot trigger");
	world_pass(w, 10 * MINUTE);
	w->hold = "git.batch";
	world_say(w, 1, ADMIN,
		  "@kcibot trigger force reason=\"release <b> @all\"");
	w->hold = NULL;
	assert_int_equal(world_ask(w, "SELECT count(*) FROM cycle WHERE"
				      " kind = 'full'"),
			 2);
	assert_non_null(
		strstr(world_description(w, 1), "forced by user10: release"));
	assert_sticky(w, 1, "forced: release");
	assert_null(strstr(sticky(w, 1), "<b>"));
	assert_null(strstr(sticky(w, 1), "@all"));
	assert_int_equal(world_ask(w, "SELECT count(*) FROM audit WHERE"
				      " action = 'trigger force' AND"
				      " why = 'release <b> @all'"),
			 1);
}

static void force_needs_admin_and_reason(void **state)
{
	struct world *w = *state;
	int64_t id;

	world_open(w, 1, STRANGER);
	id = world_say(w, 1, MAINTAINER, "@kcibot trigger force reason=x");
	assert_true(world_reacted(w, id, "confused"));
	assert_reply(w, "needs the role admin, and you are a "
			"maintainer here");
	id = world_say(w, 1, ADMIN, "@kcibot trigger force");
	assert_true(world_reacted(w, id, "confused"));
	assert_reply(w, "@kcibot trigger force reason=\"...\"");
	assert_int_equal(world_ask(w, "SELECT count(*) FROM request"), 0);
	/* A reason alone is anybody's who may trigger. */
	world_say(w, 1, MAINTAINER, "@kcibot trigger reason=\"new API\"");
	assert_int_equal(world_ask(w, "SELECT count(*) FROM request WHERE"
				      " reason = 'new API' AND forced = 0"),
			 1);
}

static void force_interrupts_no_full(void **state)
{
	struct world *w = *state;

	world_open(w, 1, STRANGER);
	w->hold = "job.run";
	world_say(w, 1, MAINTAINER, "@kcibot trigger");
	world_say(w, 1, ADMIN, "@kcibot trigger force reason=now");
	assert_int_equal(world_cycles(w), 1);
	assert_int_equal(world_sent(w, "job.cancel"), 0);
	world_restart(w);
	assert_int_equal(world_cycles(w), 1);
	w->hold = NULL;
	for (size_t i = 0; i < w->sent_count; i++)
		if (!strcmp(w->sent[i].kind, "job.run") && !w->sent[i].answered)
			world_answer(&w->sent[i], ERR_OK, NULL);
	world_pass(w, MINUTE);
	/* At once when that one has ended, inside the interval. */
	assert_int_equal(world_ask(w, "SELECT count(*) FROM cycle WHERE"
				      " kind = 'full'"),
			 2);
}

/* Who may not force any more has not forced. */
static void force_ends_with_its_admin(void **state)
{
	struct world *w = *state;

	world_open(w, 1, STRANGER);
	w->hold = "job.run";
	world_say(w, 1, MAINTAINER, "@kcibot trigger");
	world_say(w, 1, ADMIN, "@kcibot trigger force reason=now");
	world_trust(w, MAINTAINER, "admin");
	world_trust(w, ADMIN, "maintainer");
	assert_int_equal(world_ask(w, "SELECT count(*) FROM request WHERE"
				      " forced = 1 AND state = 'dropped' AND"
				      " outcome = 'granter'"),
			 1);
}

/* It comes while a short is being stopped for another: not lost in it. */
static void force_outlives_a_restart(void **state)
{
	struct world *w = *state;

	world_open(w, 1, STRANGER);
	world_say(w, 1, MAINTAINER, "@kcibot trigger");
	world_pass(w, 10 * MINUTE);
	w->hold = "git.push";
	world_say(w, 1, MAINTAINER, "@kcibot deploy");
	world_say(w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_ask(w, "SELECT count(*) FROM cycle WHERE"
				      " state = 'stopping'"),
			 1);
	world_say(w, 1, ADMIN, "@kcibot trigger force reason=now");
	w->hold = NULL;
	world_answer(world_last(w, "git.push", ""), ERR_OK, NULL);
	world_pass(w, 5 * MINUTE);
	assert_int_equal(world_ask(w, "SELECT count(*) FROM cycle WHERE"
				      " kind = 'full'"),
			 2);
}

/* --- several words --- */

static void one_that_is_wrong_stops_all(void **state)
{
	static const char *const wrong[] = {
		"@kcibot dploy",
		"@kcibot deploy now",
		"@kcibot trigger force reason=x", /* not this role's */
		"@kcibot skip reason=\"open",
		"@kcibot include",    /* against skip */
		"@kcibot notmyfault", /* when the others have run */
	};
	struct world *w = *state;

	world_open(w, 1, STRANGER);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		char text[512];
		size_t before =
			world_sent_with(w, "forge.comment", "kcibot:reply");
		int64_t id;

		snprintf(text, sizeof(text),
			 "@kcibot skip\n@kcibot quiet\n@kcibot status\n"
			 "@kcibot ping\n@kcibot help\n@kcibot cancel\n"
			 "@kcibot help skip\n%s",
			 wrong[i]);
		id = world_say(w, 1, MAINTAINER, text);
		assert_true(world_reacted(w, id, "confused"));
		assert_int_equal(
			world_sent_with(w, "forge.comment", "kcibot:reply"),
			before + 1);
		assert_int_equal(
			world_ask(w, "SELECT count(*) FROM pull WHERE"
				     " skipped_ms > 0 OR verbosity = 'quiet'"),
			0);
	}
	assert_int_equal(world_ask(w, "SELECT count(*) FROM request"), 0);
	assert_int_equal(world_ask(w, "SELECT count(*) FROM audit WHERE"
				      " action NOT IN ('refused', 'trust add',"
				      " 'trust.add')"
				      " AND subject LIKE '%#1%'"),
			 0);
}

static void what_contradicts_is_named(void **state)
{
	struct world *w = *state;

	world_open(w, 1, CONTRIBUTOR);
	world_say(w, 1, MAINTAINER, "@kcibot skip\n@kcibot deploy");
	assert_reply(w, "`skip` and `deploy` contradict each other");
	world_say(w, 1, MAINTAINER, "@kcibot quiet\n@kcibot quiet off");
	assert_reply(w, "`quiet` and `quiet` contradict each other");
	assert_int_equal(world_cycles(w), 0);
}

static void answers_stand_side_by_side(void **state)
{
	struct world *w = *state;

	world_open(w, 1, CONTRIBUTOR);
	world_say(w, 1, MAINTAINER,
		  "@kcibot quiet\n@kcibot skip\n@kcibot help ping");
	assert_reply(w, "No new comments here");
	assert_reply(w, "stays out until a maintainer writes");
	assert_reply(w, "`@kcibot ping`");
}

/* Two ways to say one wish are one wish, with all that was said. */
static void two_wishes_are_one(void **state)
{
	struct world *w = *state;
	char text[256];

	world_open(w, 1, STRANGER);
	snprintf(text, sizeof(text), "@kcibot deploy\n@kcibot deploy %s",
		 w->pulls[1].sha);
	world_say(w, 1, MAINTAINER, text);
	assert_int_equal(world_ask(w, "SELECT count(*) FROM request"), 1);
	world_say(w, 1, ADMIN,
		  "@kcibot trigger\n@kcibot deploy\n"
		  "@kcibot trigger force\n@kcibot trigger reason=now");
	assert_int_equal(world_ask(w, "SELECT count(*) FROM request WHERE"
				      " forced = 1 AND reason = 'now'"),
			 1);
	assert_int_equal(world_ask(w, "SELECT count(*) FROM request"), 2);
	world_say(w, 1, ADMIN,
		  "@kcibot trigger reason=a\n@kcibot trigger reason=b");
	assert_reply(w, "twice with different words");
	assert_int_equal(world_ask(w, "SELECT count(*) FROM request"), 2);
}

/* Eight lines, each as long as can be and full of what JSON escapes. */
static void the_longest_words_are_answered(void **state)
{
	struct str s = STR_INIT(16384);
	struct world *w = *state;
	int64_t id;

	world_open(w, 1, CONTRIBUTOR);
	for (int i = 0; i < 8; i++) {
		size_t end = s.len + 512;

		str_puts(&s, "@kcibot ");
		while (s.len < end)
			str_putc(&s, i % 2 ? '"' : '\\');
		str_putc(&s, '\n');
	}
	id = world_say(w, 1, MAINTAINER, s.text);
	assert_true(world_reacted(w, id, "confused"));
	str_clear(&s);
	str_puts(&s, "@kcibot skip reason=");
	while (s.len < 512)
		str_putc(&s, 'x');
	id = world_say(w, 1, MAINTAINER, s.text);
	assert_true(world_reacted(w, id, "confused"));
	str_release(&s);
	/* No such text is read at all: it cannot be said, and is told. */
	id = world_say(w, 1, MAINTAINER, "@kcibot skip reason=\x1b[2J");
	assert_true(world_reacted(w, id, "confused"));
	assert_reply(w, "holds a control character");
	assert_int_equal(world_ask(w, "SELECT count(*) FROM said"), 3);
}

/* --- the command line --- */

static void the_keyboard_is_on_record(void **state)
{
	struct world *w = *state;

	world_open(w, 1, CONTRIBUTOR);
	world_call(w, json_pack("{s:s, s:s, s:i, s:s, s:i, s:s, s:s}", "op",
				"say", "actor", "user11", "actor_id",
				MAINTAINER, "repo", REPO, "number", 1, "text",
				"skip", "by", "root at the command line"));
	assert_int_equal(w->answer_ok, 1);
	assert_non_null(strstr(w->answer, "stays out until"));
	assert_int_equal(
		world_ask(w, "SELECT count(*) FROM audit WHERE action = 'skip'"
			     " AND actor ="
			     " 'root at the command line as user11 (11)'"),
		1);
	world_call(w, json_pack("{s:s, s:s, s:i, s:s, s:i, s:s, s:s}", "op",
				"say", "actor", "user11", "actor_id",
				MAINTAINER, "repo", REPO, "number", 1, "text",
				"deploy", "by", "root at the command line"));
	assert_int_equal(w->answer_ok, 0);
	assert_int_equal(
		world_ask(w, "SELECT count(*) FROM audit WHERE"
			     " action = 'refused' AND actor LIKE 'root %'"),
		1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(a_skipped_pull_stays_out),
		T(a_deploy_of_a_skipped_pull_is_refused),
		T(skip_makes_it_leave),
		T(skip_leaves_a_running_cycle),
		T(skip_drops_what_waits),
		T(include_brings_it_back),
		T(include_says_what_else_keeps_it_out),
		T(include_keeps_a_maintainers_word),
		T(cancel_withdraws),
		T(who_takes_it_back_needs_no_word),
		T(cancel_is_of_one_pull),
		T(a_failure_can_be_disputed),
		T(quiet_makes_no_comments),
		T(verbose_tells_every_outcome),
		T(ping_says_how_busy),
		T(help_is_of_you),
		T(force_breaks_the_interval),
		T(force_needs_admin_and_reason),
		T(force_interrupts_no_full),
		T(force_ends_with_its_admin),
		T(force_outlives_a_restart),
		T(one_that_is_wrong_stops_all),
		T(what_contradicts_is_named),
		T(answers_stand_side_by_side),
		T(two_wishes_are_one),
		T(the_longest_words_are_answered),
		T(the_keyboard_is_on_record),
	};

	log_set_level(LOG_ERROR);
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
