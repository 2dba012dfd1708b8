/* kill -9 on the way from the job to what people read; see story.h. */
#include "tests/integration/story.h"

#include <stdlib.h>

/* It even ends while nobody looks. */
static void test_between_job_and_report(void **state UNUSED)
{
	struct story s = story_begin();

	house_hold(s.h, "deploy");
	story_say(&s);
	house_await_ran(s.h, "deploy 1 short", 1);
	house_kill(s.h);
	house_let_go(s.h, "deploy");
	house_await_job_end(s.h, "c1-deploy");
	house_start(s.h);
	story_assert_whole(&s);
}

static void test_after_the_sticky(void **state UNUSED)
{
	struct story s = story_begin();

	story_hang(&s, "POST", "/repos/" WEB "/issues/1/comments", STICKY,
		   true);
	story_say(&s);
	house_await_faults(s.h, 1);
	story_kill_and_start(&s);
	story_assert_whole(&s);
}

static void test_after_the_outcome(void **state UNUSED)
{
	struct story s = story_begin();

	story_hang(&s, "POST", "/repos/" WEB "/issues/1/comments", OUTCOME,
		   true);
	story_say(&s);
	house_await_faults(s.h, 1);
	story_kill_and_start(&s);
	story_assert_whole(&s);
}

static void test_after_the_rocket(void **state UNUSED)
{
	struct story s = story_begin();

	story_hang(&s, "POST", "/repos/" WEB "/issues/comments/", "rocket",
		   true);
	story_say(&s);
	house_await_faults(s.h, 1);
	story_kill_and_start(&s);
	story_assert_whole(&s);
}

/* Again and again, wherever it happens to be. */
static void test_many_times(void **state UNUSED)
{
	static const char *const moments[] = {
		"SELECT count(*) FROM said",
		"SELECT count(*) FROM cycle",
		"SELECT count(*) > 0 FROM job",
		"SELECT count(*) FROM cycle WHERE verdict <> ''",
	};
	struct story s = story_begin();

	story_say(&s);
	for (size_t i = 0; i < ARRAY_SIZE(moments); i++) {
		house_await_sql(s.h, moments[i], 1);
		story_kill_and_start(&s);
	}
	story_assert_whole(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOUSE_TEST(test_between_job_and_report),
		HOUSE_TEST(test_after_the_sticky),
		HOUSE_TEST(test_after_the_outcome),
		HOUSE_TEST(test_after_the_rocket),
		HOUSE_TEST(test_many_times),
	};

	cmocka_set_test_filter(getenv("HOUSE_ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
