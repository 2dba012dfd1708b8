/*
 * kill -9 at chosen moments.  The story is always the same: a maintainer says
 * deploy on a stranger's pull.  However often the bot dies on the way, in the
 * end it has been told once, and every job has run once.
 */
#include "tests/integration/house.h"

#include <stdlib.h>

#define STICKY "<!-- kcibot:sticky staging -->"
#define OUTCOME "<!-- kcibot:key request:"

static const struct house_settings usual = {0};

struct story {
	struct house *h;
	int pull;
	char sha[41];
	int64_t said;
};

static struct story begin(void)
{
	struct story s = {.h = house_new(&usual)};

	s.pull = house_pull(s.h, WEB, "sam", "sams", s.sha);
	house_await_quiet(s.h);
	return s;
}

static void say(struct story *s)
{
	s->said = house_say(s->h, WEB, s->pull, "mona", "@kcibot deploy");
}

/* The forge takes the call, and never answers. */
static void hang(struct story *s, const char *method, const char *path,
		 const char *contains, bool apply)
{
	house_fault(s->h,
		    json_pack("{s:s, s:s, s:s, s:s, s:b, s:i}", "kind", "hang",
			      "method", method, "path", path, "contains",
			      contains, "apply", apply, "ms", 120000));
}

static void no_faults(struct story *s)
{
	CLEANUP(sbc_answer_release) struct sbc_answer a;

	sbc_request(s->h->forge, "DELETE", "/_sandbox/faults", NULL, NULL, NULL,
		    &a);
	assert_int_equal(a.status / 100, 2);
}

static void kill_and_start(struct story *s)
{
	house_kill(s->h);
	no_faults(s);
	house_start(s->h);
}

/* As if nothing had happened. */
static void assert_whole(struct story *s)
{
	struct house *h = s->h;
	CLEANUP(free) char *sticky = NULL, *status = NULL, *history = NULL;
	CLEANUP(free) char *tags = NULL;

	house_await_reaction(h, WEB, s->pull, s->said, "rocket");
	house_await_quiet(h);
	house_assert_reactions(h, WEB, s->pull, s->said, "eyes rocket");
	assert_int_equal(house_count(h, WEB, s->pull, STICKY), 1);
	assert_int_equal(house_count(h, WEB, s->pull, OUTCOME), 1);
	assert_int_equal(house_count(h, WEB, s->pull, ""), 2);
	sticky = house_comment(h, WEB, s->pull, STICKY);
	house_assert_has(sticky, "deployed short in cycle 1");
	status = house_status(h, WEB, s->pull);
	house_assert_has(status, "success: short ok");
	history = house_status_history(h, WEB, s->pull);
	assert_string_equal(history, "pending success");
	assert_int_equal(house_ran(h, "build 1 short"), 1);
	assert_int_equal(house_ran(h, "deploy 1 short"), 1);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM cycle"), 1);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM job"), 2);
	tags = house_git(h, WEB, GIT("tag", "--points-at", "staging"));
	assert_ptr_equal(strchr(tags, '\n'), tags + strlen(tags) - 1);
	house_end(h);
}

static void test_after_202(void **state UNUSED)
{
	struct story s = begin();
	CLEANUP(json_decref) json_t *delivered = NULL;
	int64_t after = 0;

	say(&s);
	delivered = sbc_await_log(s.h->forge, &after, "webhook", "event",
				  "issue_comment", HOUSE_WAIT_MS);
	assert_int_equal(js_int(delivered, "status_code", 0), 202);
	kill_and_start(&s);
	assert_whole(&s);
}

/* The forge has the reaction, the bot does not know it. */
static void test_after_eyes(void **state UNUSED)
{
	struct story s = begin();

	hang(&s, "POST", "/repos/" WEB "/issues/comments/", "eyes", true);
	say(&s);
	house_await_faults(s.h, 1);
	kill_and_start(&s);
	assert_whole(&s);
}

/* The command is known, what it is about is being asked. */
static void test_while_checking(void **state UNUSED)
{
	struct story s = begin();

	hang(&s, "GET", "/repos/" WEB "/pulls/1", "", true);
	say(&s);
	house_await_faults(s.h, 1);
	assert_int_equal(house_sql(s.h,
				   "SELECT count(*) FROM said WHERE state ="
				   " 'checking'"),
			 1);
	kill_and_start(&s);
	assert_whole(&s);
}

static void test_while_merging(void **state UNUSED)
{
	struct story s = begin();

	say(&s);
	house_await_sql(s.h, "SELECT count(*) FROM cycle", 1);
	kill_and_start(&s);
	assert_whole(&s);
}

static void test_while_pushing(void **state UNUSED)
{
	struct story s = begin();

	say(&s);
	house_await_sql(
		s.h, "SELECT count(*) FROM cycle WHERE state <> 'merging'", 1);
	kill_and_start(&s);
	assert_whole(&s);
}

/* The job goes on without the bot, and is adopted. */
static void test_while_a_job_runs(void **state UNUSED)
{
	struct story s = begin();

	house_hold(s.h, "build");
	say(&s);
	house_await_ran(s.h, "build 1 short", 1);
	kill_and_start(&s);
	house_let_go(s.h, "build");
	assert_whole(&s);
}

/* It even ends while nobody looks. */
static void test_between_job_and_report(void **state UNUSED)
{
	struct story s = begin();

	house_hold(s.h, "deploy");
	say(&s);
	house_await_ran(s.h, "deploy 1 short", 1);
	house_kill(s.h);
	house_let_go(s.h, "deploy");
	house_await_job_end(s.h, "c1-deploy");
	house_start(s.h);
	assert_whole(&s);
}

static void test_after_the_sticky(void **state UNUSED)
{
	struct story s = begin();

	hang(&s, "POST", "/repos/" WEB "/issues/1/comments", STICKY, true);
	say(&s);
	house_await_faults(s.h, 1);
	kill_and_start(&s);
	assert_whole(&s);
}

static void test_after_the_outcome(void **state UNUSED)
{
	struct story s = begin();

	hang(&s, "POST", "/repos/" WEB "/issues/1/comments", OUTCOME, true);
	say(&s);
	house_await_faults(s.h, 1);
	kill_and_start(&s);
	assert_whole(&s);
}

static void test_after_the_rocket(void **state UNUSED)
{
	struct story s = begin();

	hang(&s, "POST", "/repos/" WEB "/issues/comments/", "rocket", true);
	say(&s);
	house_await_faults(s.h, 1);
	kill_and_start(&s);
	assert_whole(&s);
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
	struct story s = begin();

	say(&s);
	for (size_t i = 0; i < ARRAY_SIZE(moments); i++) {
		house_await_sql(s.h, moments[i], 1);
		kill_and_start(&s);
	}
	assert_whole(&s);
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
		HOUSE_TEST(test_between_job_and_report),
		HOUSE_TEST(test_after_the_sticky),
		HOUSE_TEST(test_after_the_outcome),
		HOUSE_TEST(test_after_the_rocket),
		HOUSE_TEST(test_many_times),
	};

	cmocka_set_test_filter(getenv("HOUSE_ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
