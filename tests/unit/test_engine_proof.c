/*
 * Which head a command means, in the whole engine: pushes around the comment,
 * what is late, lost or told twice, restarts, clocks.  The pure rules are
 * tried in test_proof.c.
 */
#include "tests/unit/engine_world.h"

static struct world w;

static int begin(void **state UNUSED)
{
	log_set_level(LOG_ERROR);
	world_begin(&w, "");
	world_trust_all(&w);
	/* So that the measures of the clock are there, as in real life. */
	w.scans = true;
	world_restart(&w);
	world_run(&w);
	world_open(&w, 1, STRANGER);
	world_pass(&w, MINUTE);
	return 0;
}

static int end(void **state UNUSED)
{
	world_end(&w);
	return 0;
}

/* The push as the forge knows it; its webhook is the test's matter. */
static void push_untold(int64_t number, const char *sha)
{
	snprintf(world_change(&w, number)->sha, 41, "%s", sha);
}

static void push(int64_t number, char digit)
{
	char sha[41];

	world_sha(sha, digit);
	push_untold(number, sha);
	world_tell(&w, number, "synchronize");
	world_run(&w);
}

static void nothing_ran(int64_t comment)
{
	assert_int_equal(world_cycles(&w), 0);
	assert_true(world_reacted(&w, comment, "confused"));
}

/* Nothing ran; the reply holds this line, which runs when it is pasted. */
static void doubted(int64_t comment, int64_t number, const char *why)
{
	struct world_effect *reply;
	char line[128];

	nothing_ran(comment);
	snprintf(line, sizeof(line), "@kcibot deploy %s", w.pulls[number].sha);
	reply = world_last(&w, "forge.comment", line);
	assert_non_null(reply);
	if (!world_args_hold(reply, why))
		fail_msg("not \"%s\": %s", why, js_str(reply->args, "body"));
	world_pass(&w, 1000);
	world_say(&w, number, MAINTAINER, line);
	assert_int_equal(world_cycles(&w), 1);
	assert_non_null(world_last(&w, "git.batch", w.pulls[number].sha));
}

static void runs(int64_t number)
{
	world_say(&w, number, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_cycles(&w), 1);
	assert_non_null(world_last(&w, "git.batch", w.pulls[number].sha));
}

/* --- pushes around the comment (S1, S2) --- */

static void pushed_a_second_before(void **state UNUSED)
{
	push(1, 'e');
	fake_clock_advance(&w.clock, 1000);
	doubted(world_say(&w, 1, MAINTAINER, "@kcibot deploy"), 1,
		"was not there for 10 s");
}

static void pushed_long_before(void **state UNUSED)
{
	push(1, 'e');
	world_pass(&w, GUARD + 1000);
	runs(1);
}

/* The comment comes first on the forge, and last at our door. */
static void pushed_a_second_after(void **state UNUSED)
{
	json_t *comment =
		world_comment_json(&w, 50, 1, MAINTAINER, "@kcibot deploy");

	fake_clock_advance(&w.clock, 1000);
	push(1, 'e');
	fake_clock_advance(&w.clock, 500);
	world_deliver(&w, "issue_comment",
		      world_comment_payload(&w, 1, MAINTAINER, comment));
	world_run(&w);
	doubted(50, 1, "moved while you wrote");
}

/* While the forge is being asked. */
static void pushed_during_the_check(void **state UNUSED)
{
	int64_t id;

	w.hold = "forge.pull";
	id = world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	fake_clock_advance(&w.clock, 1000);
	push(1, 'e');
	w.hold = NULL;
	world_answer(world_last(&w, "forge.pull", "said"), ERR_OK, NULL);
	world_run(&w);
	doubted(id, 1, "moved while you wrote");
}

static void there_and_back(void **state UNUSED)
{
	push(1, 'e');
	fake_clock_advance(&w.clock, 2000);
	push(1, '1');
	fake_clock_advance(&w.clock, 2000);
	doubted(world_say(&w, 1, MAINTAINER, "@kcibot deploy"), 1,
		"was not there for 10 s");
}

static void there_and_back_long_ago(void **state UNUSED)
{
	push(1, 'e');
	fake_clock_advance(&w.clock, 2000);
	push(1, '1');
	world_pass(&w, GUARD + 1000);
	runs(1);
}

/* The webhook of a push in between comes when all is over. */
static void push_there_and_back(void)
{
	json_t *late;

	fake_clock_advance(&w.clock, 2000);
	push_untold(1, "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
	late = world_pull_json(&w, 1);
	fake_clock_advance(&w.clock, 2000);
	push(1, '1');
	world_deliver(&w, "pull_request",
		      json_pack("{s:s, s:i, s:o, s:{s:s}}", "action",
				"synchronize", "number", 1, "pull_request",
				late, "repository", "full_name", REPO));
	world_run(&w);
}

static void there_and_back_told_late(void **state UNUSED)
{
	push_there_and_back();
	fake_clock_advance(&w.clock, 2000);
	doubted(world_say(&w, 1, MAINTAINER, "@kcibot deploy"), 1,
		"was not there for 10 s");
}

/* What was said before it does not mean the head that came back. */
static void passed_and_told_late(void **state UNUSED)
{
	world_say(&w, 1, ADMIN, "@kcibot lock 1h");
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(
		world_ask(&w,
			  "SELECT count(*) FROM request"
			  " WHERE origin = 'comment' AND state = 'waiting'"),
		1);
	push_there_and_back();
	assert_int_equal(
		world_ask(&w, "SELECT count(*) FROM request"
			      " WHERE origin = 'comment' AND state = 'dropped'"
			      " AND outcome = 'moved'"),
		1);
}

/* --- what was opened --- */

static void opened_a_moment_ago(void **state UNUSED)
{
	world_open(&w, 2, STRANGER);
	runs(2);
}

/* The push is told before the opening. */
static void opened_told_late(void **state UNUSED)
{
	json_t *late;

	w.pulls[2] = w.pulls[1];
	push_untold(2, "2222222222222222222222222222222222222222");
	late = world_pull_json(&w, 2);
	fake_clock_advance(&w.clock, 1000);
	push(2, 'e');
	world_deliver(&w, "pull_request",
		      json_pack("{s:s, s:i, s:o, s:{s:s}}", "action", "opened",
				"number", 2, "pull_request", late, "repository",
				"full_name", REPO));
	world_run(&w);
	fake_clock_advance(&w.clock, 1000);
	doubted(world_say(&w, 2, MAINTAINER, "@kcibot deploy"), 2,
		"was not there for 10 s");
}

/* --- what was lost --- */

static void lost_push(void **state UNUSED)
{
	push_untold(1, "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
	fake_clock_advance(&w.clock, 20000);
	doubted(world_say(&w, 1, MAINTAINER, "@kcibot deploy"), 1,
		"moved while you wrote");
}

static void lost_push_found_by_a_scan(void **state UNUSED)
{
	world_open(&w, 2, STRANGER);
	push_untold(1, "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
	world_pass(&w, 6 * MINUTE);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM gap"
				       " WHERE why = 'no webhook told'"),
			 1);
	/* Both heads were shown by the same listing, long enough ago. */
	runs(2);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_cycles(&w), 2);
}

/* One lost webhook makes the others of the repository doubtful. */
static void lost_push_of_another(void **state UNUSED)
{
	json_t *comment;

	world_open(&w, 2, STRANGER);
	comment = world_comment_json(&w, 50, 1, MAINTAINER, "@kcibot deploy");
	push_untold(2, "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
	world_pass(&w, 6 * MINUTE);
	world_deliver(&w, "issue_comment",
		      world_comment_payload(&w, 1, MAINTAINER, comment));
	world_run(&w);
	doubted(50, 1, "may have missed a push");
}

static void refused_deliveries(void **state UNUSED)
{
	int64_t id;

	engine_lost_delivery(w.engine);
	fake_clock_advance(&w.clock, 3000);
	id = world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_cycles(&w), 0);
	assert_true(world_reacted(&w, id, "confused"));
	/* Soon the forge is asked; then the guard. */
	world_pass(&w, 2 * GUARD + 2000);
	runs(1);
}

/* --- restarts --- */

static void stopped_for_a_while(void)
{
	world_kill(&w);
	fake_clock_advance(&w.clock, HOUR);
	world_boot(&w);
	world_run(&w);
}

static void a_restart_asks_for_a_moment(void **state UNUSED)
{
	stopped_for_a_while();
	fake_clock_advance(&w.clock, 2000);
	doubted(world_say(&w, 1, MAINTAINER, "@kcibot deploy"), 1,
		"was not there for 10 s");
}

static void a_restart_and_the_guard(void **state UNUSED)
{
	stopped_for_a_while();
	world_pass(&w, GUARD + 1000);
	runs(1);
}

/* Until the forge has shown the head again. */
static void a_restart_without_a_scan(void **state UNUSED)
{
	w.hold = "forge.pulls";
	stopped_for_a_while();
	world_pass(&w, GUARD + 1000);
	doubted(world_say(&w, 1, MAINTAINER, "@kcibot deploy"), 1,
		"may have missed a push");
}

/* What was said while the bot was gone is asked about. */
static void said_while_the_bot_was_gone(void **state UNUSED)
{
	json_t *comment;

	world_kill(&w);
	fake_clock_advance(&w.clock, MINUTE);
	comment = world_comment_json(&w, 50, 1, MAINTAINER, "@kcibot deploy");
	json_array_append_new(w.comments, comment);
	fake_clock_advance(&w.clock, MINUTE);
	world_boot(&w);
	world_run(&w);
	json_array_clear(w.comments);
	doubted(50, 1, "may have missed a push");
}

/* What was journaled before the crash was said while the bot was there; also
 * when it is the second crash in this head's life. */
static void said_just_before_the_crash(void **state UNUSED)
{
	stopped_for_a_while();
	world_pass(&w, MINUTE);
	world_comment(&w, 1, MAINTAINER, "@kcibot deploy");
	world_kill(&w);
	fake_clock_advance(&w.clock, HOUR);
	world_boot(&w);
	world_run(&w);
	assert_int_equal(world_cycles(&w), 1);
}

/* The head on record may not be the one that the page showed: a push that
 * nobody told of, taken back while the bot was gone. */
static void moved_before_it_is_decided(void **state UNUSED)
{
	char was[41];
	int64_t id;

	snprintf(was, sizeof(was), "%s", w.pulls[1].sha);
	push_untold(1, "9999999999999999999999999999999999999999");
	world_pass(&w, MINUTE);
	id = world_comment(&w, 1, MAINTAINER, "@kcibot deploy");
	world_kill(&w);
	fake_clock_advance(&w.clock, MINUTE);
	push_untold(1, was);
	world_boot(&w);
	world_run(&w);
	doubted(id, 1, "only a while after you wrote it");
}

/* The same while the webhook of the comment was on its way. */
static void moved_before_it_is_heard(void **state UNUSED)
{
	json_t *comment;
	char was[41];

	snprintf(was, sizeof(was), "%s", w.pulls[1].sha);
	push_untold(1, "9999999999999999999999999999999999999999");
	world_pass(&w, MINUTE);
	comment = world_comment_json(&w, 50, 1, MAINTAINER, "@kcibot deploy");
	fake_clock_advance(&w.clock, MINUTE);
	push_untold(1, was);
	world_deliver(&w, "issue_comment",
		      world_comment_payload(&w, 1, MAINTAINER, comment));
	world_run(&w);
	doubted(50, 1, "only a while after you wrote it");
}

/* --- a SHA is named --- */

static void two_begin_alike(void **state UNUSED)
{
	int64_t id;

	push_untold(1, "1111111111111111111111111111111111111112");
	world_tell(&w, 1, "synchronize");
	world_run(&w);
	world_pass(&w, MINUTE);
	id = world_say(&w, 1, MAINTAINER, "@kcibot deploy 1111111111111");
	doubted(id, 1, "More than one head");
}

/* Also when the one that was there before came and went unseen in order. */
static void named_what_is_not_the_head(void **state UNUSED)
{
	push(1, 'e');
	world_pass(&w, MINUTE);
	doubted(world_say(&w, 1, MAINTAINER, "@kcibot deploy 111111111111"), 1,
		"not the head");
}

/* Nobody can name what is pushed next, not even with all digits. */
static void named_before_it_was_there(void **state UNUSED)
{
	char text[64];
	json_t *comment;

	snprintf(text, sizeof(text), "@kcibot deploy %s",
		 "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
	comment = world_comment_json(&w, 50, 1, MAINTAINER, text);
	fake_clock_advance(&w.clock, 5000);
	push(1, 'e');
	world_deliver(&w, "issue_comment",
		      world_comment_payload(&w, 1, MAINTAINER, comment));
	world_run(&w);
	doubted(50, 1, "moved while you wrote");
}

static void all_words_are_in_the_line(void **state UNUSED)
{
	char block[160];

	push(1, 'e');
	world_say(&w, 1, MAINTAINER, "@kcibot status\n@kcibot trigger\n");
	assert_int_equal(world_cycles(&w), 0);
	snprintf(block, sizeof(block), "@kcibot status\\n@kcibot trigger %s\\n",
		 w.pulls[1].sha);
	assert_non_null(world_last(&w, "forge.comment", block));
	/* Nothing is asked of who only looks. */
	world_say(&w, 1, MAINTAINER, "@kcibot status");
	assert_non_null(world_last(&w, "forge.comment", "status"));
}

/* --- the forge contradicts itself (S3) --- */

static void an_older_answer_is_not_believed(void **state UNUSED)
{
	json_t *old = world_pull_json(&w, 1);
	int64_t id;

	fake_clock_advance(&w.clock, 1000);
	push(1, 'e');
	world_pass(&w, MINUTE);
	w.hold = "forge.pull";
	id = world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_answer(world_last(&w, "forge.pull", "said"), ERR_OK, old);
	world_run(&w);
	assert_int_equal(world_cycles(&w), 0);
	assert_false(world_reacted(&w, id, "confused"));
	/* A moment later it has caught up. */
	w.hold = NULL;
	world_pass(&w, 2000);
	world_run(&w);
	assert_int_equal(world_cycles(&w), 1);
	assert_non_null(world_last(&w, "git.batch", w.pulls[1].sha));
}

static void an_older_answer_for_ever(void **state UNUSED)
{
	CLEANUP(json_decref) json_t *old = world_pull_json(&w, 1);
	int64_t id;
	size_t asked;

	fake_clock_advance(&w.clock, 1000);
	push(1, 'e');
	world_pass(&w, MINUTE);
	asked = world_sent(&w, "forge.pull");
	w.hold = "forge.pull";
	id = world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	for (int n = 0; n < 5; n++) {
		world_answer(world_last(&w, "forge.pull", "said"), ERR_OK,
			     json_deep_copy(old));
		world_run(&w);
		world_pass(&w, MINUTE);
	}
	assert_int_equal(world_sent(&w, "forge.pull"), asked + 5);
	w.hold = NULL;
	doubted(id, 1, "older state");
}

/* --- clocks --- */

static void the_forge_is_ahead(void **state UNUSED)
{
	w.skew_ms = 5000;
	world_pass(&w, 11 * MINUTE);
	push(1, 'e');
	fake_clock_advance(&w.clock, GUARD + 2000);
	runs(1);
}

/* In its time the head is old enough, in ours not. */
static void the_forge_being_ahead_proves_nothing(void **state UNUSED)
{
	w.skew_ms = 8000;
	world_pass(&w, 11 * MINUTE);
	push(1, 'e');
	fake_clock_advance(&w.clock, 4000);
	doubted(world_say(&w, 1, MAINTAINER, "@kcibot deploy"), 1,
		"was not there for 10 s");
}

static void the_clocks_are_an_hour_apart(void **state UNUSED)
{
	w.skew_ms = -HOUR;
	/* Not the pull's own times: those were the forge's before. */
	w.pulls[1].updated_ms += HOUR;
	doubted(world_say(&w, 1, MAINTAINER, "@kcibot deploy"), 1,
		"should set its clock");
}

static void the_forge_tells_no_time(void **state UNUSED)
{
	w.dateless = true;
	world_restart(&w);
	world_pass(&w, MINUTE);
	doubted(world_say(&w, 1, MAINTAINER, "@kcibot deploy"), 1,
		"did not tell me the time");
}

static void a_comment_without_a_date(void **state UNUSED)
{
	json_t *comment =
		world_comment_json(&w, 50, 1, MAINTAINER, "@kcibot deploy");

	json_object_del(comment, "created_at");
	world_deliver(&w, "issue_comment",
		      world_comment_payload(&w, 1, MAINTAINER, comment));
	world_run(&w);
	doubted(50, 1, "do not know when you wrote");
}

/* The wall clock is set back an hour: what the intake notes then looks old,
 * and is not. */
static void our_wall_clock_is_set_back(void **state UNUSED)
{
	w.clock.wall -= HOUR;
	w.skew_ms = HOUR;
	push(1, 'e');
	fake_clock_advance(&w.clock, 1000);
	doubted(world_say(&w, 1, MAINTAINER, "@kcibot deploy"), 1,
		"was not there for 10 s");
}

/* It started with a wrong clock, which was put right then. */
static void our_wall_clock_is_put_right(void **state UNUSED)
{
	w.clock.wall += HOUR;
	world_pass(&w, 11 * MINUTE);
	push(1, 'e');
	fake_clock_advance(&w.clock, GUARD + 2000);
	runs(1);
}

/* --- after the proof --- */

/* The forge moves between the proof and the fetch: git finds it. */
static void moved_before_the_fetch(void **state UNUSED)
{
	int64_t id;

	w.hold = "git.batch";
	id = world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_cycles(&w), 1);
	push_untold(1, "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
	w.hold = NULL;
	world_answer(world_last(&w, "git.batch", "cycle"), ERR_OK, NULL);
	world_run(&w);
	assert_true(world_reacted(&w, id, "-1") ||
		    world_reacted(&w, id, "confused"));
	assert_null(world_last(&w, "git.push", "1000000000"));
	assert_non_null(
		world_last(&w, "forge.comment", "so the request is void"));
}

/* What waited does not take a newer head along (S4). */
static void moved_before_its_turn(void **state UNUSED)
{
	w.hold = "job.run";
	world_open(&w, 2, STRANGER);
	world_say(&w, 2, MAINTAINER, "@kcibot trigger");
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM request"
				       " WHERE state = 'waiting'"),
			 1);
	push(1, 'e');
	w.hold = NULL;
	world_answer(world_last(&w, "job.run", ""), ERR_OK, NULL);
	world_pass(&w, HOUR);
	assert_null(world_last(&w, "git.batch", "eeeeeeeeeeeeeeee"));
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM request"
				       " WHERE outcome = 'moved'"),
			 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		T(pushed_a_second_before),
		T(pushed_long_before),
		T(pushed_a_second_after),
		T(pushed_during_the_check),
		T(there_and_back),
		T(there_and_back_long_ago),
		T(there_and_back_told_late),
		T(passed_and_told_late),
		T(opened_a_moment_ago),
		T(opened_told_late),
		T(lost_push),
		T(lost_push_found_by_a_scan),
		T(lost_push_of_another),
		T(refused_deliveries),
		T(a_restart_asks_for_a_moment),
		T(a_restart_and_the_guard),
		T(a_restart_without_a_scan),
		T(said_while_the_bot_was_gone),
		T(said_just_before_the_crash),
		T(moved_before_it_is_decided),
		T(moved_before_it_is_heard),
		T(two_begin_alike),
		T(named_what_is_not_the_head),
		T(named_before_it_was_there),
		T(all_words_are_in_the_line),
		T(an_older_answer_is_not_believed),
		T(an_older_answer_for_ever),
		T(the_forge_is_ahead),
		T(the_forge_being_ahead_proves_nothing),
		T(the_clocks_are_an_hour_apart),
		T(the_forge_tells_no_time),
		T(a_comment_without_a_date),
		T(our_wall_clock_is_set_back),
		T(our_wall_clock_is_put_right),
		T(moved_before_the_fetch),
		T(moved_before_its_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
