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

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		T(what_failed_and_is_closed),
		T(what_failed_and_is_skipped),
		T(what_is_closed_while_it_is_merged),
		T(what_was_left_out_wakes_nobody),
		T(what_could_not_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
