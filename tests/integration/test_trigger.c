/* Short, full, and the full that is booked. */
#include "tests/integration/house.h"

#include <stdlib.h>

#define STICKY "<!-- kcibot:sticky staging -->"

static const struct house_settings usual = {0};

static void assert_status(struct house *h, const char *repo, int number,
			  const char *part)
{
	CLEANUP(free) char *status = house_status(h, repo, number);

	house_assert_has(status, part);
}

static void assert_comment(struct house *h, const char *repo, int number,
			   const char *marker, const char *part)
{
	CLEANUP(free) char *body = house_comment(h, repo, number, marker);

	assert_int_equal(house_count(h, repo, number, marker), 1);
	house_assert_has(body, part);
}

/* The first is full; the next, too soon, is short with a full booked. */
static void test_full_then_short_and_booked(void **state UNUSED)
{
	struct house *h = house_new(&usual);
	int pull = house_pull(h, WEB, "sam", "sams", NULL);
	int64_t said;

	said = house_say(h, WEB, pull, "mona", "@kcibot trigger");
	house_await_reaction(h, WEB, pull, said, "rocket");
	house_await_quiet(h);
	assert_int_equal(house_ran(h, "test 1 full"), 1);
	assert_status(h, WEB, pull, "success: full ok");

	house_push(h, WEB, pull, house_file("sams", "two\n"), NULL);
	/* Both words in one comment are the greater one. */
	said = house_say(h, WEB, pull, "mona",
			 "Again:\n@kcibot deploy\n@kcibot trigger\n");
	house_await_reaction(h, WEB, pull, said, "rocket");
	house_await_quiet(h);
	assert_int_equal(house_ran(h, "deploy 2 short"), 1);
	assert_int_equal(house_ran(h, "test"), 1);
	assert_status(h, WEB, pull, "success: short ok; full booked for ");
	assert_comment(h, WEB, pull, STICKY, "booked");
	assert_int_equal(house_sql(h,
				   "SELECT count(*) FROM request WHERE state ="
				   " 'booked'"),
			 1);
	house_assert_reactions(h, WEB, pull, said, "eyes rocket");
	/* An outcome for each, no more. */
	assert_int_equal(house_count(h, WEB, pull, "<!-- kcibot:key request:"),
			 2);
	house_end(h);
}

/* The full that was booked comes by itself when it may. */
static void test_booked_full_comes(void **state UNUSED)
{
	struct house *h = house_new(&(struct house_settings){
		.policy =
			"settle: 1s, settle_max: 5s, cooldown: 0s, "
			"full_interval: 15s, restart_limit: 1, schedule: 0s"});
	int pull = house_pull(h, WEB, "sam", "sams", NULL);
	int64_t said = house_say(h, WEB, pull, "mona", "@kcibot trigger");

	house_await_reaction(h, WEB, pull, said, "rocket");
	said = house_say(h, WEB, pull, "mona", "@kcibot trigger");
	house_await_reaction(h, WEB, pull, said, "rocket");
	house_await_ran(h, "test 3 full", 1);
	house_await_sql(h,
			"SELECT count(*) FROM request WHERE kind = 'full' AND"
			" state = 'done' AND outcome = 'success'",
			2);
	house_await_quiet(h);
	assert_status(h, WEB, pull, "success: full ok");
	assert_int_equal(house_ran(h, "deploy 2 short"), 1);
	house_assert_reactions(h, WEB, pull, said, "eyes rocket");
	house_end(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOUSE_TEST(test_full_then_short_and_booked),
		HOUSE_TEST(test_booked_full_comes),
	};

	cmocka_set_test_filter(getenv("HOUSE_ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
