/* Two bots on one state_dir: never. */
#include "tests/integration/house.h"

#include <signal.h>
#include <stdlib.h>

static void assert_refused(struct house *h)
{
	CLEANUP(str_release) struct str said = STR_INIT(1u << 20);

	assert_int_equal(house_cli(h, CLI("serve"), &said), 1);
	house_assert_has(said.text, "another kcibot runs on");
	house_assert_has(said.text, "stop it first");
	/* It ends in order, although it never came to have anything. */
	house_assert_lacks(said.text, "runtime error");
	house_assert_lacks(said.text, "Sanitizer");
}

static void test_second_is_refused(void **state UNUSED)
{
	struct house *h = house_new(&(struct house_settings){0});

	assert_refused(h);
	assert_int_equal(house_get(h, "/healthz", NULL), 200);
	/* Also one that does nothing any more still has it. */
	kill(h->pid, SIGSTOP);
	assert_refused(h);
	kill(h->pid, SIGCONT);
	house_end(h);
}

/*
 * What holds it is the process and nothing that it started: killed in the
 * midst of a job, the next one has it at once.
 */
static void test_killed_lets_go(void **state UNUSED)
{
	struct house *h = house_new(&(struct house_settings){0});
	int pull = house_pull(h, WEB, "sam", "sams", NULL);
	int64_t said;

	house_hold(h, "build");
	said = house_say(h, WEB, pull, "mona", "@kcibot deploy");
	house_await_ran(h, "build 1 short", 1);
	kill(h->pid, SIGSTOP);
	assert_refused(h);
	house_kill(h);
	house_start(h);
	assert_refused(h);
	house_let_go(h, "build");
	house_await_reaction(h, WEB, pull, said, "rocket");
	assert_int_equal(house_ran(h, "build 1 short"), 1);
	house_end(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOUSE_TEST(test_second_is_refused),
		HOUSE_TEST(test_killed_lets_go),
	};

	cmocka_set_test_filter(getenv("HOUSE_ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
