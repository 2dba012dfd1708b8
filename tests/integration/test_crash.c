/* kill -9 on the way from the comment to the job; see story.h. */
#include "tests/integration/story.h"

#include <stdlib.h>

static void test_after_202(void **state UNUSED)
{
	struct story s = story_begin();
	CLEANUP(json_decref) json_t *delivered = NULL;
	int64_t after = 0;

	story_say(&s);
	delivered = sbc_await_log(s.h->forge, &after, "webhook", "event",
				  "issue_comment", HOUSE_WAIT_MS);
	assert_int_equal(js_int(delivered, "status_code", 0), 202);
	story_kill_and_start(&s);
	story_assert_whole(&s);
}

/* The forge has the reaction, the bot does not know it. */
static void test_after_eyes(void **state UNUSED)
{
	struct story s = story_begin();

	story_hang(&s, "POST", "/repos/" WEB "/issues/comments/", "eyes", true);
	story_say(&s);
	house_await_faults(s.h, 1);
	story_kill_and_start(&s);
	story_assert_whole(&s);
}

/* The command is known, what it is about is being asked. */
static void test_while_checking(void **state UNUSED)
{
	struct story s = story_begin();

	story_hang(&s, "GET", "/repos/" WEB "/pulls/1", "", true);
	story_say(&s);
	house_await_faults(s.h, 1);
	assert_int_equal(house_sql(s.h,
				   "SELECT count(*) FROM said WHERE state ="
				   " 'checking'"),
			 1);
	story_kill_and_start(&s);
	story_assert_whole(&s);
}

static void test_while_merging(void **state UNUSED)
{
	struct story s = story_begin();

	story_say(&s);
	house_await_sql(s.h, "SELECT count(*) FROM cycle", 1);
	story_kill_and_start(&s);
	story_assert_whole(&s);
}

static void test_while_pushing(void **state UNUSED)
{
	struct story s = story_begin();

	story_say(&s);
	house_await_sql(
		s.h, "SELECT count(*) FROM cycle WHERE state <> 'merging'", 1);
	story_kill_and_start(&s);
	story_assert_whole(&s);
}

/* The job goes on without the bot, and is adopted. */
static void test_while_a_job_runs(void **state UNUSED)
{
	struct story s = story_begin();

	house_hold(s.h, "build");
	story_say(&s);
	house_await_ran(s.h, "build 1 short", 1);
	story_kill_and_start(&s);
	house_let_go(s.h, "build");
	story_assert_whole(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOUSE_TEST(test_after_202),
		HOUSE_TEST(test_after_eyes),
		HOUSE_TEST(test_while_checking),
		HOUSE_TEST(test_while_merging),
		HOUSE_TEST(test_while_pushing),
		HOUSE_TEST(test_while_a_job_runs),
	};

	cmocka_set_test_filter(getenv("HOUSE_ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
