/*
 * What does not belong on an environment any more leaves it, whatever has
 * brought it there: the last green deploy, one that failed, one that is being
 * merged.
 */
#include "tests/unit/cycle_world.h"

/* Was it merged in the newest cycle that ran to its end? */
static bool there(int64_t number)
{
	char sql[256];

	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM revision WHERE result = 'merged' AND"
		 " number = %lld AND cycle_id = (SELECT max(id) FROM cycle"
		 "  WHERE moved = 1 AND state = 'finished')",
		 (long long)number);
	return world_ask(&w, sql) == 1;
}

/* #1 is green; cycle 2 brought #2 and #3, and failed for one of them. */
static void two_failed(void)
{
	deployed();
	world_say(&w, 1, ADMIN, "@kcibot lock 1h");
	for (int64_t n = 2; n <= 3; n++) {
		world_open(&w, n, STRANGER);
		world_say(&w, n, MAINTAINER, "@kcibot deploy");
	}
	w.job_verdict = "failure";
	world_say(&w, 1, ADMIN, "@kcibot unlock");
	w.job_verdict = "success";
	assert_int_equal(cycle(2, "verdict = 'failure'"), 1);
	assert_true(there(2) && there(3));
	assert_int_equal(requests("state = 'waiting'"), 0);
}

static void what_failed_and_is_closed(void **state UNUSED)
{
	two_failed();
	world_set_state(&w, 2, "closed");
	world_pass(&w, HOUR);
	assert_false(there(2));
	assert_int_equal(world_cycles(&w), 3);
}

static void what_failed_and_is_skipped(void **state UNUSED)
{
	two_failed();
	world_say(&w, 2, MAINTAINER, "@kcibot skip reason=\"broken\"");
	assert_said("It leaves staging with the next deploy.");
	world_pass(&w, HOUR);
	assert_false(there(2));
	assert_int_equal(world_cycles(&w), 3);
}

/* It is in what git works at, and nobody asks git twice. */
static void what_is_closed_while_it_is_merged(void **state UNUSED)
{
	deployed();
	running(2, "@kcibot deploy", "git.batch");
	world_set_state(&w, 2, "closed");
	w.hold = NULL;
	world_answer(world_last(&w, "git.batch", "sha"), ERR_OK, NULL);
	world_run(&w);
	world_pass(&w, HOUR);
	assert_false(there(2));
	assert_true(there(1));
}

/* What it was left out of holds nothing of it. */
static void what_was_left_out_wakes_nobody(void **state UNUSED)
{
	deployed();
	world_say(&w, 1, ADMIN, "@kcibot lock 1h");
	for (int64_t n = 2; n <= 4; n++) {
		world_open(&w, n, STRANGER);
		world_say(&w, n, MAINTAINER, "@kcibot deploy");
	}
	w.pulls[2].merge = "conflict";
	w.job_verdict = "failure";
	world_say(&w, 1, ADMIN, "@kcibot unlock");
	assert_int_equal(cycle(2, "verdict = 'failure' AND moved"), 1);
	assert_false(there(2));
	world_set_state(&w, 2, "closed");
	world_pass(&w, HOUR);
	assert_int_equal(world_cycles(&w), 2);
}

/* The cycle that was to be rid of it could not push. */
static void what_could_not_leave(void **state UNUSED)
{
	two_failed();
	w.hold = "git.push";
	world_set_state(&w, 2, "closed");
	world_pass(&w, HOUR);
	world_answer(world_last(&w, "git.push", ""), ERR_FATAL, NULL);
	w.hold = NULL;
	world_run(&w);
	assert_int_equal(cycle(3, "verdict = 'error' AND moved"), 1);
	world_set_state(&w, 2, "open");
	world_set_state(&w, 2, "closed");
	world_pass(&w, HOUR);
	assert_int_equal(cycle(4, "verdict = 'success'"), 1);
	assert_false(there(2));
}

/* Who leaves cannot stop the cycle that is to be rid of it. */
static void who_leaves_stops_nothing(void **state UNUSED)
{
	deployed();
	world_pass(&w, HOUR);
	w.hold = "job.run";
	world_push(&w, 1, '8');
	world_pass(&w, HOUR);
	assert_int_equal(cycle(2, "state = 'running'"), 1);
	assert_int_equal(requests("cycle_id = 2 AND pull_id NOTNULL"), 0);
	world_say(&w, 1, STRANGER, "@kcibot cancel");
	assert_int_equal(world_sent(&w, "job.cancel"), 0);
	assert_int_equal(cycle(2, "state = 'running'"), 1);
}

/* It waits for nothing, so its status stays what it was. */
static void who_leaves_does_not_wait(void **state UNUSED)
{
	two_failed();
	world_say(&w, 1, ADMIN, "@kcibot lock 1h");
	world_set_state(&w, 2, "closed");
	assert_int_equal(requests("state = 'waiting' AND pull_id IS NULL"), 1);
	world_run(&w);
	assert_string_not_equal(world_status(&w, 2), "pending");
}

/* The cycle that was to be rid of it moved nothing, so it is wished again. */
static void what_a_failed_merge_left_there(void **state UNUSED)
{
	world_end(&w);
	world_begin_with(&w, "schedule: 8h", "schedule: 0s");
	deployed();
	w.fail_kind = "git.batch";
	w.fail_code = ERR_FATAL;
	world_set_state(&w, 1, "closed");
	world_pass(&w, HOUR);
	assert_int_equal(cycle(2, "verdict = 'error' AND NOT moved"), 1);
	w.fail_kind = NULL;
	world_pass(&w, 2 * HOUR);
	assert_false(there(1));
}

/* An older head of what has a place is no reason to try again for ever. */
static void a_new_head_that_cannot_be_merged(void **state UNUSED)
{
	world_end(&w);
	world_begin_with(&w, "schedule: 8h", "schedule: 0s");
	world_open(&w, 1, CONTRIBUTOR);
	world_pass(&w, HOUR);
	assert_int_equal(cycle(1, "verdict = 'success'"), 1);
	w.fail_kind = "git.batch";
	w.fail_code = ERR_FATAL;
	world_push(&w, 1, '8');
	world_pass(&w, 5 * HOUR);
	assert_int_equal(cycle(2, "verdict = 'error' AND NOT moved"), 1);
	assert_int_equal(world_cycles(&w), 2);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		T(what_failed_and_is_closed),
		T(what_failed_and_is_skipped),
		T(what_is_closed_while_it_is_merged),
		T(what_was_left_out_wakes_nobody),
		T(what_could_not_leave),
		T(who_leaves_stops_nothing),
		T(who_leaves_does_not_wait),
		T(what_a_failed_merge_left_there),
		T(a_new_head_that_cannot_be_merged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
