/*
 * What keeps an environment still: locks, freeze windows, errors in a row;
 * and what people are told of it.
 */
#include "tests/unit/trusted_world.h"

/* The world's YAML with more lines for the environment, and other words for
 * some that are there. */
static void begin_with(const char *more, const char *from, const char *to)
{
	char yaml[4096];
	const char *at = from ? strstr(world_yaml, from) : NULL;

	log_set_level(LOG_ERROR);
	if (from)
		snprintf(yaml, sizeof(yaml), "%.*s%s%s%s",
			 (int)(at - world_yaml), world_yaml, to,
			 at + strlen(from), more);
	else
		snprintf(yaml, sizeof(yaml), "%s%s", world_yaml, more);
	world_begin(&w, yaml);
	world_trust_all(&w);
}

/* The last answer that went to a comment. */
static bool answered(const char *text)
{
	return world_last(&w, "forge.comment", text) != NULL;
}

static int64_t in_force(void)
{
	return world_ask(&w, "SELECT count(*) FROM environment_lock"
			     " WHERE ended_ms = 0");
}

/* --- locks --- */

static void nothing_starts_while_it_is_locked(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot lock 4h reason=\"the demo\"");
	assert_int_equal(in_force(), 1);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_cycles(&w), 0);
	/* Why, until when and what to type, wherever waiting is told. */
	assert_string_equal(world_status(&w, 1), "pending");
	assert_non_null(strstr(world_description(&w, 1), "until "));
	assert_non_null(strstr(world_description(&w, 1),
			       "locked by user11 (the demo); unlock ends it"));
	assert_true(answered("locked by user11"));
	world_pass(&w, 3 * HOUR);
	assert_int_equal(world_cycles(&w), 0);
	world_restart(&w);
	world_run(&w);
	assert_int_equal(world_cycles(&w), 0);
	world_pass(&w, HOUR + MINUTE);
	assert_int_equal(in_force(), 0);
	assert_int_equal(world_cycles(&w), 1);
	assert_string_equal(world_status(&w, 1), "success");
}

/* Also where nothing waits, and on the command line. */
static void whoever_asks_is_told(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot lock 1h reason=\"`x` <b>\"");
	world_say(&w, 1, ADMIN, "@kcibot status");
	assert_true(answered("nothing starts on staging until 15:13 UTC"));
	assert_false(answered("<b>"));
	world_call(&w, json_pack("{s:s, s:s, s:I, s:s, s:I, s:s, s:s}", "op",
				 "say", "actor", world_login(ADMIN), "actor_id",
				 (json_int_t)ADMIN, "repo", REPO, "number",
				 (json_int_t)1, "text", "unlock", "by", "x"));
	assert_int_equal(w.answer_ok, 1);
	assert_non_null(strstr(w.answer, "Unlocked: `staging`"));
	assert_int_equal(in_force(), 0);
}

static void what_runs_ends_normally(void **state UNUSED)
{
	w.hold = "job.run";
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_open(&w, 2, STRANGER);
	world_say(&w, 2, MAINTAINER, "@kcibot lock");
	world_say(&w, 2, MAINTAINER, "@kcibot deploy");
	/* Not even a restart. */
	assert_int_equal(world_sent(&w, "job.cancel"), 0);
	w.hold = NULL;
	world_answer(world_last(&w, "job.run", "c1-"), ERR_OK, NULL);
	world_run(&w);
	assert_string_equal(world_status(&w, 1), "success");
	assert_int_equal(world_cycles(&w), 1);
	world_say(&w, 2, MAINTAINER, "@kcibot unlock");
	assert_int_equal(world_cycles(&w), 2);
	assert_string_equal(world_status(&w, 2), "success");
}

/* The lock comes while a cycle is being stopped to begin again. */
static void not_even_what_is_being_restarted(void **state UNUSED)
{
	w.hold = "job.run";
	world_open(&w, 1, STRANGER);
	world_open(&w, 2, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_say(&w, 2, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_sent(&w, "job.cancel"), 1);
	world_say(&w, 2, MAINTAINER, "@kcibot lock");
	world_answer(world_last(&w, "job.run", "c1-"), ERR_OK,
		     json_pack("{s:s}", "verdict", "cancelled"));
	world_run(&w);
	assert_int_equal(world_cycles(&w), 1);
	assert_string_equal(world_status(&w, 1), "pending");
	world_say(&w, 2, MAINTAINER, "@kcibot unlock");
	assert_int_equal(world_cycles(&w), 2);
	/* It has begun again once, and that was all. */
	world_open(&w, 3, STRANGER);
	world_say(&w, 3, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_sent(&w, "job.cancel"), 1);
	w.hold = NULL;
	world_answer(world_last(&w, "job.run", "c2-"), ERR_OK, NULL);
	world_run(&w);
	assert_string_equal(world_status(&w, 1), "success");
	assert_string_equal(world_status(&w, 2), "success");
}

/* Nobody waits any more for what was to begin again: the next one is new. */
static void a_restart_that_nobody_waits_for(void **state UNUSED)
{
	w.hold = "job.run";
	for (int64_t n = 1; n <= 4; n++)
		world_open(&w, n, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_say(&w, 2, MAINTAINER, "@kcibot deploy");
	world_say(&w, 2, MAINTAINER, "@kcibot lock");
	world_answer(world_last(&w, "job.run", "c1-"), ERR_OK,
		     json_pack("{s:s}", "verdict", "cancelled"));
	world_run(&w);
	world_say(&w, 1, MAINTAINER, "@kcibot cancel");
	world_say(&w, 2, MAINTAINER, "@kcibot cancel");
	world_pass(&w, MINUTE);
	world_say(&w, 3, MAINTAINER, "@kcibot deploy");
	world_say(&w, 3, MAINTAINER, "@kcibot unlock");
	assert_int_equal(world_ask(&w, "SELECT restarts FROM cycle"
				       " WHERE id = 2"),
			 0);
	world_say(&w, 4, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_sent(&w, "job.cancel"), 2);
}

static void the_owner_is_warned_and_told(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot lock 2h");
	world_pass(&w, 104 * MINUTE);
	assert_false(answered("ends at"));
	world_pass(&w, 2 * MINUTE);
	assert_int_equal(world_sent_with(&w, "forge.comment", "ends at"), 1);
	world_restart(&w);
	world_pass(&w, 13 * MINUTE);
	assert_false(answered("is over"));
	world_pass(&w, 2 * MINUTE);
	assert_true(answered("@user11: your lock of"));
	assert_true(answered("What waited there goes on."));
	world_restart(&w);
	world_pass(&w, 10 * MINUTE);
	assert_int_equal(world_sent_with(&w, "forge.comment", "is over"), 1);
	assert_int_equal(world_sent_with(&w, "forge.comment", "ends at"), 1);
}

static void a_lock_is_moved_by_its_owner_alone(void **state UNUSED)
{
	int64_t id;

	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot lock 1h reason=\"@all `x`\"");
	id = world_say(&w, 1, ADMIN, "@kcibot lock 5h");
	assert_true(world_reacted(&w, id, "confused"));
	assert_true(answered("(`@all 'x'`)"));
	world_say(&w, 1, MAINTAINER, "@kcibot lock 3h");
	assert_int_equal(in_force(), 1);
	world_pass(&w, 2 * HOUR);
	assert_int_equal(in_force(), 1);
	/* Nobody is told that the first one ended. */
	assert_int_equal(world_sent_with(&w, "forge.comment", "your lock of"),
			 0);
	world_pass(&w, HOUR + MINUTE);
	assert_int_equal(in_force(), 0);
}

static void others_end_it_with_a_reason(void **state UNUSED)
{
	int64_t id;

	world_trust(&w, OTHER_STRANGER, "maintainer");
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot lock");
	id = world_say(&w, 1, OTHER_STRANGER, "@kcibot unlock");
	assert_true(world_reacted(&w, id, "confused"));
	assert_true(answered("say why"));
	assert_int_equal(in_force(), 1);
	world_say(&w, 1, OTHER_STRANGER,
		  "@kcibot unlock reason=\"she is on the beach\"");
	assert_int_equal(in_force(), 0);
	assert_true(answered("was ended by user14: she is on the beach"));
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM audit"
				       " WHERE action = 'unlock' AND why LIKE"
				       " '%user11%beach%'"),
			 1);
	/* An admin needs none, and the owner neither. */
	world_say(&w, 1, MAINTAINER, "@kcibot lock");
	world_say(&w, 1, ADMIN, "@kcibot unlock");
	assert_int_equal(in_force(), 0);
	world_say(&w, 1, MAINTAINER, "@kcibot lock");
	world_say(&w, 1, MAINTAINER, "@kcibot unlock");
	assert_int_equal(in_force(), 0);
	assert_int_equal(world_sent_with(&w, "forge.comment", "was ended by"),
			 2);
	id = world_say(&w, 1, MAINTAINER, "@kcibot unlock");
	assert_true(world_reacted(&w, id, "confused"));
	assert_true(answered("Nothing is locked here"));
}

/* Where no new comments are wanted, the reply tells it. */
static void quietly_where_that_was_said(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot quiet");
	world_say(&w, 1, MAINTAINER, "@kcibot lock 1h");
	world_pass(&w, HOUR + MINUTE);
	assert_true(answered("is over"));
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM outbox"
				       " WHERE kind = 'forge.comment'"
				       " AND target = ''"
				       " AND args LIKE '%is over%'"),
			 0);
}

/* A full by force is no way around a lock, and comes when it is over. */
static void force_waits_too(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot lock 1h");
	world_say(&w, 1, ADMIN, "@kcibot trigger force reason=now");
	assert_int_equal(world_cycles(&w), 0);
	assert_string_equal(world_status(&w, 1), "pending");
	world_pass(&w, HOUR + MINUTE);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM cycle"
				       " WHERE kind = 'full'"),
			 1);
}

static void what_may_not_be_said(void **state UNUSED)
{
	static const char *const words[] = {
		"@kcibot lock 8d",
		"@kcibot lock 0s",
		"@kcibot lock 2h 3h",
		"@kcibot lock\n@kcibot unlock",
	};

	world_open(&w, 1, CONTRIBUTOR);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		world_say(&w, 1, MAINTAINER, words[i]);
	world_say(&w, 1, CONTRIBUTOR, "@kcibot lock");
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM environment_lock"),
			 0);
}

/* Locks follow the wall; delays do not. */
static void the_wall_jumps(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot lock 2h");
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	w.clock.wall += 90 * MINUTE;
	world_run(&w);
	assert_int_equal(in_force(), 1);
	assert_int_equal(world_cycles(&w), 0);
	w.clock.wall += 31 * MINUTE;
	world_run(&w);
	assert_int_equal(in_force(), 0);
	assert_int_equal(world_cycles(&w), 1);
	/* Back: a new lock lasts as long as people read it. */
	w.clock.wall -= 5 * HOUR;
	world_run(&w);
	world_say(&w, 1, MAINTAINER, "@kcibot lock 1h");
	world_pass(&w, 59 * MINUTE);
	assert_int_equal(in_force(), 1);
	world_pass(&w, 2 * MINUTE);
	assert_int_equal(in_force(), 0);
}

/* --- freeze windows --- */

/* The world begins on Monday, 2026-09-21, 14:13:20 UTC: 16:13 in Berlin. */
#define WINDOW                                                                 \
	"    freeze: [{from: \"Mon 17:00\", to: \"Mon 19:00\","                \
	" zone: Europe/Berlin, reason: \"the `demo`\"}]\n"

static void a_window_begins_and_ends(void **state UNUSED)
{
	begin_with(WINDOW, NULL, NULL);
	world_open(&w, 1, CONTRIBUTOR);
	world_pass(&w, 6 * MINUTE);
	assert_int_equal(world_cycles(&w), 1);
	/* It settles, and meets the window. */
	world_pass(&w, 38 * MINUTE);
	world_push(&w, 1, 'a');
	assert_non_null(strstr(world_description(&w, 1), "waiting"));
	world_pass(&w, 30 * MINUTE);
	assert_int_equal(world_cycles(&w), 1);
	assert_non_null(strstr(world_description(&w, 1),
			       "until 09-21 17:00 UTC: freeze window"));
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_cycles(&w), 1);
	/* It belongs to the operator. */
	world_say(&w, 1, ADMIN, "@kcibot unlock");
	assert_true(answered("comes from the configuration"));
	assert_int_equal(world_cycles(&w), 1);
	world_pass(&w, 110 * MINUTE);
	assert_int_equal(world_cycles(&w), 2);
	assert_string_equal(world_status(&w, 1), "success");
}

static void a_lock_reaches_into_a_window(void **state UNUSED)
{
	begin_with(WINDOW, NULL, NULL);
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot lock 2h");
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	/* Not the lock's end, which is within the window. */
	assert_non_null(strstr(world_description(&w, 1), "17:00 UTC: locked"));
	world_pass(&w, 130 * MINUTE);
	assert_int_equal(in_force(), 0);
	assert_int_equal(world_cycles(&w), 0);
	/* Whose lock it was hears that it was not all. */
	assert_true(answered("is over, its time has come. Still nothing starts "
			     "on `staging` until 17:00 UTC: freeze window (the "
			     "`demo`)."));
	assert_false(answered("What waited"));
	world_pass(&w, 50 * MINUTE);
	assert_int_equal(world_cycles(&w), 1);
}

static void an_unknown_zone_stops_the_start(void **state UNUSED)
{
	struct error e = ERROR_INIT;
	struct engine_settings s;

	begin_with("", NULL, NULL);
	world_kill(&w);
	world_set_config(&w, "listen: 127.0.0.1:0\n"
			     "state_dir: /nonexistent\n"
			     "forge: {token_file: /t, webhook_secret_file: "
			     "/w}\n"
			     "environments:\n"
			     "  staging:\n"
			     "    projects: [{repo: a/b, branch: staging}]\n"
			     "    recipe: {short: [a], full: [a]}\n"
			     "    freeze: [{from: \"Mon 17:00\", to: \"Mon "
			     "19:00\", zone: Europe/Berlim}]\n");
	s = (struct engine_settings){
		.config = w.config,
		.clock = &w.clock.clock,
		.store_path = w.store_path,
		.inbox_path = w.inbox_path,
		.forge = &w.forge,
		.git = &w.git,
		.jobs = &w.jobs,
	};
	assert_null(engine_new(&s, &e));
	assert_non_null(strstr(e.text, "Europe/Berlim"));
}

/* --- errors in a row --- */

static void fail_once(void)
{
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
}

static void three_errors_freeze(void **state UNUSED)
{
	int64_t cycles;

	world_open(&w, 1, STRANGER);
	w.job_verdict = "error";
	fail_once();
	fail_once();
	assert_int_equal(world_cycles(&w), 2);
	assert_false(answered("errors in a row"));
	/* One more, while somebody else waits for the next. */
	w.hold = "job.run";
	fail_once();
	world_open(&w, 2, STRANGER);
	world_say(&w, 2, ADMIN, "@kcibot deploy");
	w.hold = NULL;
	for (size_t i = 0; i < w.sent_count; i++)
		if (!strcmp(w.sent[i].kind, "job.run") && !w.sent[i].answered)
			world_answer(&w.sent[i], ERR_OK, NULL);
	world_run(&w);
	/* The restart counts as none; its cycle was the third. */
	cycles = world_cycles(&w);
	assert_int_equal(world_ask(&w, "SELECT broken_ms > 0 FROM environment"),
			 1);
	assert_true(answered("Nothing starts there now"));
	world_restart(&w);
	world_say(&w, 2, ADMIN, "@kcibot deploy");
	assert_int_equal(world_cycles(&w), cycles);
	assert_non_null(strstr(world_description(&w, 2), "errors in a row"));
	assert_non_null(strstr(world_description(&w, 2), "unlock"));
	world_pass(&w, 10 * HOUR);
	assert_int_equal(world_cycles(&w), cycles);
	/* Nobody's lock: any maintainer goes on, and counts anew. */
	w.job_verdict = "success";
	world_say(&w, 2, MAINTAINER, "@kcibot unlock");
	assert_int_equal(world_cycles(&w), cycles + 1);
	assert_string_equal(world_status(&w, 2), "success");
	assert_int_equal(world_ask(&w, "SELECT errors_in_row + broken_ms"
				       " FROM environment"),
			 0);
}

static void a_lock_ends_and_the_errors_stay(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	w.job_verdict = "error";
	for (int i = 0; i < 3; i++)
		fail_once();
	world_say(&w, 1, MAINTAINER, "@kcibot lock 1h");
	world_pass(&w, HOUR + MINUTE);
	assert_true(answered("is over, its time has come. Still nothing starts "
			     "on `staging`: frozen after 3 errors in a row; "
			     "unlock resumes."));
	assert_false(answered("What waited"));
}

/* Who waits when it happens gets one comment, and a kill sends no second. */
static void who_waits_is_told_once(void **state UNUSED)
{
	begin_with("", "restart_limit: 1", "restart_limit: 0");
	world_open(&w, 1, STRANGER);
	world_open(&w, 2, STRANGER);
	w.job_verdict = "error";
	fail_once();
	fail_once();
	w.hold = "job.run";
	fail_once();
	world_say(&w, 2, ADMIN, "@kcibot deploy");
	assert_int_equal(world_cycles(&w), 3);
	w.hold = NULL;
	world_answer(world_last(&w, "job.run", "c3-"), ERR_OK, NULL);
	world_run(&w);
	assert_int_equal(world_cycles(&w), 3);
	assert_int_equal(world_sent_with(&w, "forge.comment", "broken:3:"), 1);
	assert_true(answered("To @user10:"));
	world_restart(&w);
	world_pass(&w, HOUR);
	assert_int_equal(world_sent_with(&w, "forge.comment", "broken:3:"), 1);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM audit"
				       " WHERE action = 'freeze'"),
			 1);
}

static void a_success_between_counts_anew(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	for (int i = 0; i < 3; i++) {
		w.job_verdict = "error";
		fail_once();
		fail_once();
		w.job_verdict = "success";
		fail_once();
	}
	assert_int_equal(world_cycles(&w), 9);
	assert_int_equal(world_ask(&w, "SELECT broken_ms FROM environment"), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
#define OWN(f) cmocka_unit_test_teardown(f, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(nothing_starts_while_it_is_locked),
		TEST(whoever_asks_is_told),
		TEST(what_runs_ends_normally),
		TEST(not_even_what_is_being_restarted),
		TEST(a_restart_that_nobody_waits_for),
		TEST(the_owner_is_warned_and_told),
		TEST(a_lock_is_moved_by_its_owner_alone),
		TEST(others_end_it_with_a_reason),
		TEST(quietly_where_that_was_said),
		TEST(force_waits_too),
		TEST(what_may_not_be_said),
		TEST(the_wall_jumps),
		OWN(a_window_begins_and_ends),
		OWN(a_lock_reaches_into_a_window),
		OWN(an_unknown_zone_stops_the_start),
		TEST(three_errors_freeze),
		TEST(a_lock_ends_and_the_errors_stay),
		OWN(who_waits_is_told_once),
		TEST(a_success_between_counts_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
