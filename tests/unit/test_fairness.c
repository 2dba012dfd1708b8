/*
 * A busy pull request starves nobody: settling, restarts, and batches with
 * less room than there are revisions.
 */
#include "tests/unit/engine_world.h"

static struct world w;

static int end(void **state UNUSED)
{
	world_end(&w);
	return 0;
}

/* Was the pull's head merged in the cycle? */
static bool aboard(int64_t cycle, int64_t number)
{
	char sql[256];

	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM revision WHERE cycle_id = %lld AND"
		 " number = %lld AND result = 'merged'",
		 (long long)cycle, (long long)number);
	return world_ask(&w, sql) == 1;
}

static int64_t waiting(void)
{
	return world_ask(&w, "SELECT count(*) FROM request"
			     " WHERE state IN ('waiting', 'booked')");
}

static char digit(int i)
{
	return "abcdef"[i % 6];
}

/* --- settling and restarts --- */

/* Time since the test began; what is due on the way happens within 5 s. */
static void pass_until(int64_t begin_ms, int64_t since_ms)
{
	while (clock_wall(&w.clock.clock) < begin_ms + since_ms)
		world_pass(&w, 5000);
}

/* It never settles: the last push before the start is less than 5 min old. */
static void pushes_delay_nobody_for_ever(void **state UNUSED)
{
	int64_t begin_ms, late_ms;

	world_begin_with(&w, "settle: 5m", "settle: 5m");
	begin_ms = clock_wall(&w.clock.clock);
	world_open(&w, 2, CONTRIBUTOR);
	world_open(&w, 1, CONTRIBUTOR);
	for (int i = 0; i * 3 * MINUTE <= 25 * MINUTE; i++) {
		pass_until(begin_ms, i * 3 * MINUTE);
		world_push(&w, 1, digit(i));
	}
	pass_until(begin_ms, 25 * MINUTE);
	assert_int_equal(world_cycles(&w), 1);
	late_ms = world_ask(&w, "SELECT started_ms FROM cycle WHERE id = 1") -
		  begin_ms - 20 * MINUTE;
	assert_in_range(late_ms, 0, MINUTE / 2);
	assert_true(aboard(1, 2));
}

static void pushes_restart_it_only_so_often(void **state UNUSED)
{
	int64_t cancels;

	world_begin_with(&w, "settle: 5m", "settle: 1m");
	world_open(&w, 2, STRANGER);
	world_open(&w, 1, CONTRIBUTOR);
	/* A full, which nobody interrupts. */
	world_pass(&w, 5 * MINUTE);
	w.hold = "job.run";
	world_say(&w, 2, MAINTAINER, "@kcibot deploy");
	for (int i = 0; i < 10; i++) {
		struct world_effect *x;

		world_push(&w, 1, digit(i));
		world_pass(&w, 2 * MINUTE);
		x = world_last(&w, "job.cancel", "c2-");
		if (x && i == 0)
			world_answer(
				world_last(&w, "job.run", "c2-"), ERR_OK,
				json_pack("{s:s}", "verdict", "cancelled"));
	}
	cancels = (int64_t)world_sent(&w, "job.cancel");
	assert_int_equal(cancels, 1);
	assert_int_equal(world_cycles(&w), 3);
	w.hold = NULL;
	for (size_t i = 0; i < w.sent_count; i++)
		if (!w.sent[i].answered && !strcmp(w.sent[i].kind, "job.run"))
			world_answer(&w.sent[i], ERR_OK, NULL);
	world_run(&w);
	assert_string_equal(world_status(&w, 2), "success");
}

/* --- batches --- */

static void a_full_batch_rotates(void **state UNUSED)
{
	world_begin_with(&w, "max_batch: 20", "max_batch: 2");
	for (int64_t n = 1; n <= 5; n++)
		world_open(&w, n, CONTRIBUTOR);
	world_pass(&w, 10 * MINUTE);
	assert_int_equal(world_cycles(&w), 1);
	assert_true(aboard(1, 1) && aboard(1, 2));
	/* What the others wait for is not lost. */
	assert_int_equal(waiting(), 3);
	assert_string_equal(world_status(&w, 4), "pending");
	world_say(&w, 5, CONTRIBUTOR, "@kcibot why");
	/* The next has room for two, the one after it for #5. */
	assert_non_null(world_last(&w, "forge.comment",
				   "it has position 3 for the next, and comes "
				   "before those who are there now; 1 cycle "
				   "must end before."));
	world_call(&w, json_pack("{s:s}", "op", "status"));
	assert_int_equal(w.answer_ok, 1);
	world_restart(&w);
	world_pass(&w, 31 * MINUTE);
	assert_int_equal(world_cycles(&w), 2);
	assert_true(aboard(2, 3) && aboard(2, 4));
	assert_int_equal(waiting(), 1);
	world_pass(&w, 31 * MINUTE);
	assert_int_equal(world_cycles(&w), 3);
	assert_true(aboard(3, 5));
	assert_int_equal(waiting(), 0);
	/* Nobody waits: they had their turn. */
	world_pass(&w, 2 * HOUR);
	assert_int_equal(world_cycles(&w), 3);
	for (int64_t n = 1; n <= 5; n++)
		assert_string_equal(world_status(&w, n), "success");
}

/* A booked full has had its short, and holds no place until it is due. */
static void the_booked_hold_no_places(void **state UNUSED)
{
	int64_t cycles;

	world_begin_with(&w, "max_batch: 20", "max_batch: 2");
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot trigger");
	for (int64_t n = 2; n <= 3; n++) {
		world_open(&w, n, STRANGER);
		world_say(&w, n, MAINTAINER, "@kcibot trigger");
		world_pass(&w, 31 * MINUTE);
	}
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM request"
				       " WHERE state = 'booked'"),
			 2);
	cycles = world_cycles(&w);
	world_open(&w, 4, CONTRIBUTOR);
	world_pass(&w, 71 * MINUTE);
	/* #2 had lost its place to #3 before. */
	assert_string_equal(world_status(&w, 4), "success");
	assert_int_equal(world_cycles(&w), cycles + 2);
	/* In their full they come before all others. */
	world_pass(&w, 6 * HOUR);
	assert_int_equal(waiting(), 0);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM request"
				       " WHERE kind = 'full' AND"
				       " outcome = 'success'"),
			 3);
}

/* Pushed again and again, and every time it is as new as can be. */
static void a_busy_one_does_not_come_first(void **state UNUSED)
{
	world_begin_with(&w, "max_batch: 20", "max_batch: 1");
	for (int64_t n = 1; n <= 4; n++)
		world_open(&w, n, CONTRIBUTOR);
	for (int i = 0; i < 24; i++) {
		world_push(&w, 1, digit(i));
		world_pass(&w, 10 * MINUTE);
	}
	for (int64_t n = 2; n <= 4; n++)
		assert_string_equal(world_status(&w, n), "success");
	/* And it had its turns in between. */
	assert_true(world_ask(&w,
			      "SELECT count(*) FROM revision"
			      " WHERE number = 1 AND result = 'merged'") >= 2);
}

static void who_commands_comes_first_and_in_order(void **state UNUSED)
{
	world_begin_with(&w, "max_batch: 20", "max_batch: 1");
	for (int64_t n = 1; n <= 4; n++)
		world_open(&w, n, STRANGER);
	w.hold = "job.run";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	/* The one that runs may be restarted once; there is room for one. */
	world_say(&w, 4, MAINTAINER, "@kcibot deploy");
	world_pass(&w, MINUTE);
	world_say(&w, 3, MAINTAINER, "@kcibot deploy");
	world_pass(&w, MINUTE);
	w.hold = NULL;
	for (size_t i = 0; i < w.sent_count; i++)
		if (!w.sent[i].answered && !strcmp(w.sent[i].kind, "job.run"))
			world_answer(&w.sent[i], ERR_OK, NULL);
	world_run(&w);
	assert_int_equal(waiting(), 0);
	for (int64_t n = 1; n <= 4; n++)
		assert_string_equal(world_status(&w, n),
				    n == 2 ? "" : "success");
	assert_int_equal(world_sent_with(&w, "forge.reaction", "rocket"), 3);
	/* One after the other, as they came. */
	assert_int_equal(world_ask(&w, "SELECT min(cycle_id) FROM revision"
				       " WHERE number = 4 AND result ="
				       " 'merged'") <
				 world_ask(&w,
					   "SELECT min(cycle_id) FROM revision"
					   " WHERE number = 3 AND result ="
					   " 'merged'"),
			 1);
	assert_int_equal(world_sent(&w, "job.cancel"), 1);
}

/* Who has no place restarts nothing: there would be none again. */
static void the_bench_restarts_nothing(void **state UNUSED)
{
	world_begin_with(&w, "max_batch: 20", "max_batch: 1");
	world_open(&w, 1, CONTRIBUTOR);
	world_open(&w, 2, CONTRIBUTOR);
	world_pass(&w, 10 * MINUTE); /* a full */
	assert_true(aboard(1, 1));
	w.hold = "job.run";
	world_pass(&w, 31 * MINUTE);
	assert_true(aboard(2, 2));
	world_open(&w, 3, STRANGER);
	world_pass(&w, HOUR);
	assert_int_equal(world_sent(&w, "job.cancel"), 0);
	assert_int_equal(world_cycles(&w), 2);
}

static void the_plan_says_the_position(void **state UNUSED)
{
	world_begin_with(&w, "max_batch: 20", "max_batch: 1");
	for (int64_t n = 1; n <= 3; n++)
		world_open(&w, n, CONTRIBUTOR);
	world_say(&w, 1, CONTRIBUTOR, "@kcibot plan");
	assert_non_null(world_last(&w, "forge.comment",
				   "the batch is full, position 2"));
}

#define TEST(f) cmocka_unit_test_teardown(f, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(pushes_delay_nobody_for_ever),
		TEST(pushes_restart_it_only_so_often),
		TEST(a_full_batch_rotates),
		TEST(the_booked_hold_no_places),
		TEST(a_busy_one_does_not_come_first),
		TEST(who_commands_comes_first_and_in_order),
		TEST(the_bench_restarts_nothing),
		TEST(the_plan_says_the_position),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
