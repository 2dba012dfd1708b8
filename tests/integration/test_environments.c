/* Two environments of one bot: their jobs run side by side. */
#include "tests/integration/house.h"

#include <stdlib.h>

/* The usual one without tests, and a second that takes one project. */
static const struct house_settings two = {
	.recipe = "      short: [deploy]\n      full: [deploy]\n",
	.jobs = HOUSE_JOB("deploy", "deploy",
			  "") "  lab:\n"
			      "    projects:\n"
			      "      - {repo: " WEB
			      ", base: main, branch: lab}\n"
			      "    isolation: none\n"
			      "    policy: {" HOUSE_POLICY "}\n"
			      "    recipe: {short: [try], full: [try]}\n"
			      "    jobs:\n" HOUSE_JOB("try", "try", ""),
};

static void await_status(struct house *h, const char *environment,
			 const char *state)
{
	CLEANUP(free)
	char *sql = str_format("SELECT count(*) FROM status WHERE context ="
			       " 'kcibot/%s' AND state = '%s'",
			       environment, state);

	house_await_sql(h, sql, 1);
}

static int64_t deployed(struct house *h, const char *environment)
{
	CLEANUP(free)
	char *sql = str_format("SELECT count(*) FROM cycle WHERE verdict ="
			       " 'success' AND environment = '%s'",
			       environment);

	return house_sql(h, sql);
}

/* The job of one is held; the other ends, goes again, and the bot is killed
 * and comes back in between. */
static void test_one_is_held(void **state UNUSED)
{
	struct house *h = house_new(&two);
	int pull = house_pull(h, WEB, "sam", "sams", NULL);
	CLEANUP(str_release) struct str said = STR_INIT(1u << 16);
	CLEANUP(free) char *lab = NULL;
	CLEANUP(free) char *staging = NULL;
	int64_t first;

	house_hold(h, "deploy");
	house_hold(h, "try");
	first = house_say(h, WEB, pull, "mona", "@kcibot deploy");
	/* Both run at one time. */
	house_await_sql(h, "SELECT count(*) FROM job WHERE state = 'running'",
			2);
	house_await_ran(h, "deploy", 1);
	house_await_ran(h, "try", 1);
	house_let_go(h, "try");
	await_status(h, "lab", "success");
	await_status(h, "staging", "pending");
	assert_int_equal(deployed(h, "staging"), 0);
	house_say(h, WEB, pull, "mona", "@kcibot trigger on=lab");
	house_await_ran(h, "try", 2);
	house_await_sql(h,
			"SELECT count(*) FROM cycle WHERE verdict ="
			" 'success' AND environment = 'lab'",
			2);
	assert_int_equal(house_cli(h, CLI("status"), &said), 0);
	house_assert_has(said.text, "lab: idle");
	house_assert_has(said.text, "staging: running");
	house_kill(h);
	house_let_go(h, "deploy");
	house_start(h);
	house_await_reaction(h, WEB, pull, first, "rocket");
	await_status(h, "staging", "success");
	house_await_quiet(h);
	assert_int_equal(deployed(h, "staging"), 1);
	assert_int_equal(house_ran(h, "deploy"), 1);
	assert_int_equal(house_ran(h, "try"), 2);
	assert_int_equal(house_count(h, WEB, pull, "kcibot:sticky lab"), 1);
	assert_int_equal(house_count(h, WEB, pull, "kcibot:sticky staging"), 1);
	lab = house_git(h, WEB, GIT("show", "lab:sams"));
	staging = house_git(h, WEB, GIT("show", "staging:sams"));
	assert_string_equal(lab, staging);
	house_end(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOUSE_TEST(test_one_is_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
