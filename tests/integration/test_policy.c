/* When a cycle starts, on the real process with small times. */
#include "tests/integration/house.h"

#include <stdlib.h>

static void push(struct house *h, int pull, const char *text)
{
	assert_true(sbc_push(h->forge, WEB, pull, house_file("carls", text),
			     false, NULL));
}

/* Each push waits for more of them: what was pushed together goes together. */
static void test_settle(void **state UNUSED)
{
	struct house *h = house_new(&(struct house_settings){
		.policy = "settle: 5s, settle_max: 60s, cooldown: 0s, "
			  "full_interval: 6h, restart_limit: 1, schedule: 0s"});
	int pull = house_pull(h, WEB, "carl", "carls", NULL);
	CLEANUP(free) char *text = NULL;

	/* Each is on record before the next is pushed. */
	for (int i = 0; i < 3; i++) {
		push(h, pull, i == 2 ? "last\n" : i ? "2\n" : "1\n");
		house_await_sql(h, "SELECT count(*) FROM request", i + 2);
	}
	/* The settling counts from the last, not from the first. */
	assert_int_equal(house_sql(h, "SELECT count(*) FROM cycle"), 0);
	house_await_status(h, WEB, pull, "success");
	house_await_quiet(h);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM cycle"), 1);
	assert_true(house_sql(h, "SELECT started_ms - (SELECT max(made_ms) FROM"
				 " request) FROM cycle") >= 5000);
	text = house_git(h, WEB, GIT("show", "staging:carls"));
	assert_string_equal(text, "last\n");
	house_end(h);
}

/* A push restarts a running short, once; then it waits for the next cycle. */
static void test_restart_once(void **state UNUSED)
{
	struct house *h = house_new(&(struct house_settings){0});
	int pull = house_pull(h, WEB, "carl", "carls", NULL);
	CLEANUP(free) char *text = NULL;

	/* The first cycle of all is a full one. */
	house_await_status(h, WEB, pull, "success");
	house_await_quiet(h);

	house_hold(h, "build");
	push(h, pull, "two\n");
	house_await_ran(h, "build 2 short", 1);
	push(h, pull, "three\n");
	house_await_ran(h, "build 3 short", 1);
	push(h, pull, "four\n");
	house_await_sql(h,
			"SELECT count(*) FROM environment WHERE wait_why LIKE"
			" '%not restarted again%'",
			1);
	assert_int_equal(house_ran(h, "build 4 short"), 0);
	house_let_go(h, "build");
	house_await_ran(h, "deploy 4 short", 1);
	house_await_status(h, WEB, pull, "success");
	house_await_quiet(h);
	assert_int_equal(house_ran(h, "deploy 2 short"), 0);
	assert_int_equal(house_ran(h, "deploy 3 short"), 1);
	assert_int_equal(house_sql(h,
				   "SELECT count(*) FROM cycle WHERE verdict ="
				   " 'cancelled'"),
			 1);
	text = house_git(h, WEB, GIT("show", "staging:carls"));
	assert_string_equal(text, "four\n");
	house_end(h);
}

/* A full is never interrupted; who comes meanwhile is told and waits. */
static void test_command_during_a_full(void **state UNUSED)
{
	struct house *h = house_new(&(struct house_settings){0});
	int first = house_pull(h, WEB, "sam", "sams", NULL), second;
	int64_t said, later;

	house_hold(h, "test");
	said = house_say(h, WEB, first, "mona", "@kcibot trigger");
	house_await_ran(h, "test 1 full", 1);
	second = house_pull(h, API, "sam", "sams", NULL);
	later = house_say(h, API, second, "mona", "@kcibot deploy");
	house_await_reaction(h, API, second, later, "eyes");
	house_await_comment(h, API, second, "full cycle runs");
	house_await_status(h, API, second, "pending");
	assert_int_equal(house_sql(h, "SELECT count(*) FROM cycle"), 1);
	house_let_go(h, "test");
	house_await_reaction(h, WEB, first, said, "rocket");
	house_await_reaction(h, API, second, later, "rocket");
	house_await_quiet(h);
	assert_int_equal(house_ran(h, "test 1 full"), 1);
	assert_int_equal(house_ran(h, "deploy 2 short"), 1);
	house_end(h);
}

/* A command restarts a short at once, and both who asked get their word. */
static void test_command_during_a_short(void **state UNUSED)
{
	struct house *h = house_new(&(struct house_settings){0});
	int first = house_pull(h, WEB, "sam", "sams", NULL), second;
	int64_t said, later;

	house_hold(h, "build");
	said = house_say(h, WEB, first, "mona", "@kcibot deploy");
	house_await_ran(h, "build 1 short", 1);
	second = house_pull(h, API, "sam", "sams", NULL);
	later = house_say(h, API, second, "mona", "@kcibot deploy");
	house_await_ran(h, "build 2 short", 1);
	house_let_go(h, "build");
	house_await_reaction(h, WEB, first, said, "rocket");
	house_await_reaction(h, API, second, later, "rocket");
	house_await_quiet(h);
	house_assert_reactions(h, WEB, first, said, "eyes rocket");
	house_assert_reactions(h, API, second, later, "eyes rocket");
	assert_int_equal(house_count(h, WEB, first, "<!-- kcibot:key request:"),
			 1);
	assert_int_equal(house_ran(h, "deploy"), 1);
	house_end(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOUSE_TEST(test_settle),
		HOUSE_TEST(test_restart_once),
		HOUSE_TEST(test_command_during_a_full),
		HOUSE_TEST(test_command_during_a_short),
	};

	cmocka_set_test_filter(getenv("HOUSE_ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
