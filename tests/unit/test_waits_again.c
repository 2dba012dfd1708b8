/*
 * Who waits again when a cycle is cut short, and who does not: what was pushed
 * over, taken back or taken out meanwhile is over, and is told once.
 */
#include "tests/unit/cycle_world.h"

/* #2 to #4 ride in cycle 2, #2 as these words say. */
static void three_ride(const char *words)
{
	for (int64_t n = 2; n <= 4; n++)
		world_open(&w, n, STRANGER);
	world_say(&w, 2, ADMIN, "@kcibot lock 1h");
	world_say(&w, 2, MAINTAINER, words);
	world_say(&w, 3, MAINTAINER, "@kcibot deploy");
	world_say(&w, 4, MAINTAINER, "@kcibot deploy");
	w.hold = "job.run";
	world_say(&w, 2, ADMIN, "@kcibot unlock");
	assert_int_equal(requests("cycle_id = 2 AND state = 'running'"), 3);
}

static void others_wait_again(void **state UNUSED)
{
	world_open(&w, 5, CONTRIBUTOR);
	deployed();
	running(2, "@kcibot deploy", "git.batch");
	world_open(&w, 3, STRANGER);
	world_say(&w, 3, ADMIN, "@kcibot deploy");
	w.hold = "job.run";
	world_answer(world_last(&w, "git.batch", "sha"), ERR_OK, NULL);
	world_run(&w);
	assert_int_equal(requests("state = 'running' AND kind = 'short'"), 2);
	world_say(&w, 2, MAINTAINER, "@kcibot cancel");
	assert_said("What was asked for on other pull requests (1) waits "
		    "again.");
	assert_int_equal(requests("state = 'dropped' AND outcome ="
				  " 'taken back' AND pull_id = 3"),
			 1);
	w.hold = NULL;
	world_answer(world_last(&w, "job.run", ""), ERR_OK,
		     json_pack("{s:s}", "verdict", "cancelled"));
	world_run(&w);
	/* First it is put back, then the other has its turn at once. */
	assert_string_equal(world_status(&w, 3), "success");
	assert_int_equal(requests("state IN ('waiting', 'running') AND kind <>"
				  " 'auto'"),
			 0);
}

/* Its short was done before; only the full is to come, when it may. */
static void what_was_booked_is_booked_again(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot trigger");
	world_pass(&w, HOUR);
	world_open(&w, 2, STRANGER);
	world_say(&w, 2, MAINTAINER, "@kcibot trigger");
	assert_int_equal(requests("state = 'booked'"), 1);
	w.hold = "job.run";
	world_pass(&w, 5 * HOUR + 2 * MINUTE);
	while (!world_last(&w, "job.run", "c3-test"))
		job_ends("c3-", "success");
	world_say(&w, 1, ADMIN, "@kcibot cancel");
	w.hold = NULL;
	job_ends("c3-test", "cancelled");
	assert_int_equal(requests("state = 'booked' AND kind = 'full'"), 1);
	world_pass(&w, 6 * HOUR + 2 * MINUTE);
	assert_int_equal(requests("state = 'booked'"), 0);
	assert_int_equal(requests("pull_id = 2 AND kind = 'full'"), 1);
	assert_int_equal(requests("pull_id = 2 AND kind = 'full' AND"
				  " state = 'done'"),
			 1);
}

/* Pushed over while it ran: nobody wants that revision any more. */
static void what_was_pushed_over_waits_no_more(void **state UNUSED)
{
	deployed();
	world_open(&w, 2, STRANGER);
	world_open(&w, 3, STRANGER);
	world_say(&w, 2, ADMIN, "@kcibot lock 1h");
	world_say(&w, 2, MAINTAINER, "@kcibot deploy");
	world_say(&w, 3, MAINTAINER, "@kcibot deploy");
	w.hold = "job.run";
	world_say(&w, 2, ADMIN, "@kcibot unlock");
	assert_int_equal(requests("cycle_id = 2 AND state = 'running'"), 2);
	world_push(&w, 3, '8');
	world_say(&w, 2, MAINTAINER, "@kcibot cancel");
	assert_null(strstr(
		js_str(world_last(&w, "forge.comment", "Stopped: cycle 2")
			       ->args,
		       "body"),
		"waits again"));
	w.hold = NULL;
	job_ends("c2-build", "cancelled");
	assert_int_equal(requests("state = 'dropped' AND outcome = 'moved'"),
			 1);
	assert_int_equal(requests("origin = 'comment' AND state IN"
				  " ('waiting', 'booked', 'running')"),
			 0);
	/* Nothing but what was put back. */
	assert_int_equal(world_cycles(&w), 3);
}

/* The words of its maintainer. */
static void taken_back(int64_t number)
{
	char sql[160];
	json_t *payload;
	int64_t id;

	snprintf(sql, sizeof(sql),
		 "SELECT comment_id FROM said WHERE number = %lld AND"
		 " actor_id = %d",
		 (long long)number, MAINTAINER);
	id = world_ask(&w, sql);
	payload = world_comment_payload(&w, number, MAINTAINER,
					world_comment_json(&w, id, number,
							   MAINTAINER,
							   "@kcibot deploy"));
	json_object_set_new(payload, "action", json_string("deleted"));
	world_deliver(&w, "issue_comment", payload);
	world_run(&w);
}

/* The word was taken back, the pull taken out: neither waits again. */
static void nor_what_was_taken_back(void **state UNUSED)
{
	deployed();
	three_ride("@kcibot deploy");
	taken_back(3);
	world_say(&w, 4, MAINTAINER, "@kcibot skip reason=\"not this\"");
	assert_int_equal(requests("cycle_id = 2 AND state = 'running'"), 3);
	world_say(&w, 2, MAINTAINER, "@kcibot cancel");
	job_ends("c2-build", "cancelled");
	assert_int_equal(requests("state = 'dropped' AND outcome ="
				  " 'withdrawn' AND announced = 1"),
			 1);
	assert_int_equal(requests("state = 'dropped' AND outcome ="
				  " 'skipped'"),
			 1);
	assert_int_equal(requests("origin = 'comment' AND state IN"
				  " ('waiting', 'booked', 'running')"),
			 0);
	/* It is on record that they were wanted, and why no more. */
	assert_int_equal(world_audited(&w, "request.drop", "withdrawn"), 1);
	assert_int_equal(world_audited(&w, "request.drop", "skipped"), 1);
}

/* Taken out and back in: wanted as before.  But not what its author, too,
 * has taken back. */
static void what_is_included_again_waits_again(void **state UNUSED)
{
	deployed();
	three_ride("@kcibot deploy");
	taken_back(3);
	for (int64_t n = 3; n <= 4; n++) {
		world_say(&w, n, MAINTAINER, "@kcibot skip reason=\"wait\"");
		world_say(&w, n, MAINTAINER, "@kcibot include");
	}
	world_say(&w, 2, MAINTAINER, "@kcibot cancel");
	assert_said("(1) waits again");
	w.hold = NULL;
	job_ends("c2-build", "cancelled");
	assert_string_equal(world_status(&w, 4), "success");
	assert_int_equal(requests("origin = 'comment' AND state = 'done' AND"
				  " cycle_id > 3"),
			 1);
	assert_int_equal(requests("state = 'dropped' AND outcome ="
				  " 'withdrawn'"),
			 1);
}

/* Both halves of a trigger are void; who asked hears of it once. */
static void who_asked_for_both_hears_once(void **state UNUSED)
{
	static const char void_text[] = "The head moved before it was deployed";

	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot trigger");
	three_ride("@kcibot trigger");
	assert_int_equal(requests("state = 'booked'"), 1);
	world_push(&w, 2, '8');
	world_run(&w);
	assert_int_equal(world_sent_with(&w, "forge.comment", void_text), 1);
	world_say(&w, 3, MAINTAINER, "@kcibot cancel");
	w.hold = NULL;
	job_ends("c2-build", "cancelled");
	assert_int_equal(requests("state = 'dropped' AND outcome = 'moved'"),
			 2);
	assert_int_equal(world_sent_with(&w, "forge.comment", void_text), 1);
}

/* Both are aboard; both are taken back, by one after the other. */
static void who_comes_second_is_heard(void **state UNUSED)
{
	deployed();
	three_ride("@kcibot deploy");
	world_say(&w, 2, MAINTAINER, "@kcibot cancel");
	world_say(&w, 3, MAINTAINER, "@kcibot cancel");
	assert_said("Cycle 2 on staging is being stopped already, by user11; "
		    "what was asked for here does not wait again.");
	world_say(&w, 3, MAINTAINER, "@kcibot cancel");
	assert_said("is being stopped already, by user11.");
	assert_int_equal(world_audited(&w, "cancel", "stopped already"), 1);
	w.hold = NULL;
	job_ends("c2-build", "cancelled");
	assert_int_equal(requests("state = 'dropped' AND outcome ="
				  " 'taken back'"),
			 2);
	assert_string_equal(world_status(&w, 4), "success");
	assert_string_not_equal(world_status(&w, 3), "success");
}

/* --- what is booked --- */

/* #1 is deployed and booked; a job of it fails for somebody else. */
static void booked_and_again(const char *verdict)
{
	world_open(&w, 9, STRANGER);
	world_say(&w, 9, MAINTAINER, "@kcibot trigger");
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot trigger");
	assert_int_equal(requests("state = 'booked'"), 1);
	w.job_verdict = verdict;
	world_say(&w, 1, ADMIN, "@kcibot deploy");
	w.job_verdict = "success";
	assert_int_equal(cycle(3, "verdict <> 'success'"), 1);
}

/* Its own short has passed: it is none of the other one's business. */
static void it_outlives_a_short_of_others(void **state UNUSED)
{
	booked_and_again("error");
	assert_int_equal(requests("state = 'booked'"), 1);
	/* Nor does one that found nobody guilty. */
	w.job_verdict = "failure";
	world_say(&w, 1, ADMIN, "@kcibot deploy");
	w.job_verdict = "success";
	assert_int_equal(cycle(4, "verdict = 'failure'"), 1);
	assert_int_equal(requests("state = 'booked'"), 1);
	world_pass(&w, 7 * HOUR);
	assert_int_equal(requests("kind = 'full' AND outcome = 'success' AND"
				  " pull_id = (SELECT id FROM pull"
				  " WHERE number = 1)"),
			 1);
}

static void label(const char *name)
{
	world_change(&w, 1)->label = name;
	world_tell(&w, 1, name ? "labeled" : "unlabeled");
	world_run(&w);
	world_pass(&w, HOUR);
}

/* It left, came back as the only new one, and failed. */
static void but_not_its_guilt(void **state UNUSED)
{
	world_open(&w, 9, STRANGER);
	world_say(&w, 9, MAINTAINER, "@kcibot trigger");
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot trigger");
	label("skip-me");
	assert_int_equal(requests("state = 'booked'"), 1);
	w.job_verdict = "failure";
	label(NULL);
	assert_string_equal(world_status(&w, 1), "failure");
	assert_int_equal(requests("state = 'booked'"), 1);
	world_say(&w, 1, ADMIN, "@kcibot deploy");
	assert_int_equal(requests("state = 'booked'"), 0);
}

/* No job of the short applies to what it changes: the full is still due. */
static void nor_a_short_in_which_nothing_ran(void **state UNUSED)
{
	static char yaml[4096];
	const char *at = strstr(world_yaml, "deploy: {stage: deploy, ") +
			 strlen("deploy: {stage: deploy, ");

	snprintf(yaml, sizeof(yaml),
		 "%.*schanged: {" REPO ": [\"src/**\"]}, %s",
		 (int)(at - world_yaml), world_yaml, at);
	world_kill(&w);
	world_set_config(&w, yaml);
	world_boot(&w);
	world_open(&w, 9, STRANGER);
	world_say(&w, 9, MAINTAINER, "@kcibot trigger");
	world_open(&w, 1, STRANGER);
	w.pulls[1].paths = "README";
	world_say(&w, 1, MAINTAINER, "@kcibot trigger");
	assert_int_equal(cycle(2, "reason_code = 'nothing_ran'"), 1);
	assert_int_equal(requests("state = 'booked'"), 1);
}

/* Their own hears of the short alone, whoever asked first. */
static void who_booked_it_hears_once(void **state UNUSED)
{
	world_open(&w, 9, STRANGER);
	world_say(&w, 9, MAINTAINER, "@kcibot trigger");
	world_say(&w, 9, ADMIN, "@kcibot lock 1h");
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, ADMIN, "@kcibot deploy");
	world_say(&w, 1, MAINTAINER, "@kcibot trigger");
	w.job_verdict = "failure";
	world_say(&w, 9, ADMIN, "@kcibot unlock");
	assert_int_equal(requests("outcome = 'short failed' AND announced"), 1);
	assert_int_equal(
		world_sent_with(&w, "forge.comment", "booked is dropped"), 0);
}

/* It was guilty once, in a full; now it could not be merged. */
static void an_old_guilt_is_none(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	running(2, "@kcibot trigger", "job.run");
	job_ends("c1-build", "success");
	job_ends("c1-deploy", "success");
	w.hold = NULL;
	job_ends("c1-tests", "failure");
	assert_string_equal(world_status(&w, 2), "failure");
	world_pass(&w, 1000); /* after the failure, as the clock shows it */
	world_say(&w, 2, MAINTAINER, "@kcibot retry");
	assert_int_equal(requests("state = 'booked'"), 1);
	w.pulls[2].merge = "conflict";
	world_say(&w, 2, ADMIN, "@kcibot deploy");
	assert_int_equal(requests("outcome = 'conflict'"), 1);
	assert_int_equal(requests("state = 'booked'"), 1);
}

/* Taken back while it ran: whoever cancels it then has nothing to cancel. */
static void what_is_not_wanted_is_not_cancelled(void **state UNUSED)
{
	deployed();
	three_ride("@kcibot deploy");
	taken_back(3);
	world_say(&w, 2, MAINTAINER, "@kcibot cancel");
	world_say(&w, 3, ADMIN, "@kcibot cancel");
	assert_said("is being stopped already, by user11.");
	w.hold = NULL;
	job_ends("c2-build", "cancelled");
	assert_int_equal(requests("outcome = 'withdrawn'"), 1);
	assert_int_equal(requests("outcome = 'stopped'"), 0);
}

/* It was to begin again as a full, for a word that is void when it does. */
static void no_full_for_what_is_gone(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot trigger");
	assert_int_equal(cycle(1, "kind = 'full'"), 1);
	running(2, "@kcibot deploy", "job.run");
	world_open(&w, 3, STRANGER);
	world_say(&w, 3, ADMIN, "@kcibot trigger force reason=now");
	assert_int_equal(cycle(2, "restart_as = 'full'"), 1);
	world_push(&w, 3, '8');
	w.hold = NULL;
	job_ends("c2-", "cancelled");
	assert_int_equal(cycle(3, "kind = 'short'"), 1);
	assert_string_equal(world_status(&w, 2), "success");
}

/* It was to begin again as a short, and the full was forced meanwhile. */
static void a_full_is_forced_while_it_stops(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot trigger");
	running(2, "@kcibot deploy", "job.run");
	world_open(&w, 3, STRANGER);
	world_say(&w, 3, MAINTAINER, "@kcibot deploy");
	assert_int_equal(cycle(2, "restart_as = 'short'"), 1);
	world_say(&w, 3, ADMIN, "@kcibot trigger force reason=now");
	w.hold = NULL;
	job_ends("c2-", "cancelled");
	assert_int_equal(cycle(3, "kind = 'full'"), 1);
	assert_int_equal(world_cycles(&w), 3);
}

/* What is booked elsewhere is not what the stopped cycle began again for. */
static void what_is_booked_keeps_no_count(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot trigger");
	world_open(&w, 2, STRANGER);
	world_say(&w, 2, MAINTAINER, "@kcibot trigger");
	assert_int_equal(requests("state = 'booked'"), 1);
	running(3, "@kcibot deploy", "job.run");
	world_open(&w, 4, STRANGER);
	world_say(&w, 4, MAINTAINER, "@kcibot deploy");
	assert_int_equal(cycle(3, "restart_as = 'short'"), 1);
	world_say(&w, 1, ADMIN, "@kcibot lock 1h");
	job_ends("c3-", "cancelled");
	world_say(&w, 3, MAINTAINER, "@kcibot cancel");
	world_say(&w, 4, MAINTAINER, "@kcibot cancel");
	world_pass(&w, MINUTE);
	world_open(&w, 5, STRANGER);
	world_say(&w, 5, MAINTAINER, "@kcibot deploy");
	world_say(&w, 1, ADMIN, "@kcibot unlock");
	assert_int_equal(cycle(4, "restarts"), 0);
	assert_int_equal(world_cycles(&w), 4);
}

/* The short of it ran, the full is booked; another stops the one, and so both
 * of them: one comment says so to who asked. */
static void both_halves_are_stopped_in_one_word(void **state UNUSED)
{
	size_t told = 0;

	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot trigger");
	running(2, "@kcibot trigger", "job.run");
	assert_int_equal(requests("state = 'booked'"), 1);
	world_say(&w, 2, ADMIN, "@kcibot cancel");
	w.hold = NULL;
	job_ends("c2-", "cancelled");
	assert_int_equal(requests("state = 'dropped'"), 2);
	for (size_t i = 0; i < w.sent_count; i++)
		told += !strcmp(w.sent[i].kind, "forge.comment") &&
			(!strcmp(w.sent[i].key, "request:2") ||
			 !strcmp(w.sent[i].key, "request:3"));
	assert_int_equal(told, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		T(others_wait_again),
		T(what_was_booked_is_booked_again),
		T(what_was_pushed_over_waits_no_more),
		T(nor_what_was_taken_back),
		T(what_is_included_again_waits_again),
		T(who_asked_for_both_hears_once),
		T(no_full_for_what_is_gone),
		T(a_full_is_forced_while_it_stops),
		T(what_is_booked_keeps_no_count),
		T(both_halves_are_stopped_in_one_word),
		T(who_comes_second_is_heard),
		T(it_outlives_a_short_of_others),
		T(nor_a_short_in_which_nothing_ran),
		T(but_not_its_guilt),
		T(who_booked_it_hears_once),
		T(an_old_guilt_is_none),
		T(what_is_not_wanted_is_not_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
