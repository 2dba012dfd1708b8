/* Sensitive paths with a real git: who may bring what onto staging. */
#include "tests/integration/house.h"

#include <stdlib.h>

#define STICKY "<!-- kcibot:sticky staging -->"
#define REPLY "<!-- kcibot:reply -->"

static const struct house_settings guarded = {
	.jobs = HOUSE_JOB("build", "build", "")
		HOUSE_JOB("deploy", "deploy", "") HOUSE_JOB(
			"test", "test",
			"") "    grants: {for: 7d, sensitive: [\"docker/**\"], "
			    "sensitive_role: admin}\n",
};

static void assert_comment(struct house *h, int number, const char *marker,
			   const char *part)
{
	CLEANUP(free) char *body = house_comment(h, WEB, number, marker);

	house_assert_has(body, part);
}

/* A stranger's change of docker/: the maintainer may not, the admin may. */
static void test_an_admin_must_say_it(void **state UNUSED)
{
	struct house *h = house_new(&guarded);
	int pull = house_pull(h, WEB, "sam", "docker/Dockerfile", NULL);
	int64_t said = house_say(h, WEB, pull, "mona", "@kcibot deploy");

	house_await_reaction(h, WEB, pull, said, "confused");
	house_await_quiet(h);
	assert_comment(h, pull, REPLY, "needs the word of an admin");
	assert_comment(h, pull, REPLY, "- `docker/Dockerfile`");
	assert_int_equal(house_sql(h, "SELECT count(*) FROM cycle"), 0);

	said = house_say(h, WEB, pull, "ada", "@kcibot deploy");
	house_await_reaction(h, WEB, pull, said, "rocket");
	house_await_quiet(h);
	assert_comment(h, pull, STICKY,
		       "**Permission:** granted by ada for this revision");
	house_end(h);
}

/* A trusted author's own: what is harmless goes, the rest waits and says so. */
static void test_trusted_authors_wait_as_well(void **state UNUSED)
{
	struct house *h = house_new(&guarded);
	int harmless = house_pull(h, WEB, "carl", "carls", NULL);
	int pull;

	house_await_status(h, WEB, harmless, "success");
	pull = house_pull(h, WEB, "carl", "docker/run", NULL);
	house_await_comment(h, WEB, pull, "the word of an admin");
	house_await_quiet(h);
	assert_comment(h, pull, STICKY, "docker/run");
	assert_int_equal(house_sql(h, "SELECT count(*) FROM revision WHERE "
				      "number = (SELECT max(number) FROM "
				      "pull WHERE repo = '" WEB "')"),
			 0);
	house_end(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOUSE_TEST(test_an_admin_must_say_it),
		HOUSE_TEST(test_trusted_authors_wait_as_well),
	};

	cmocka_set_test_filter(getenv("HOUSE_ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
