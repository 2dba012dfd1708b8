/*
 * What runs is stopped, with real processes that do not want to; and a deploy
 * that failed is done again with what was built for it.
 */
#include "tests/integration/house.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "bot/base/cleanup.h"
#include "bot/base/fs.h"

/* It and a child in a session of its own ignore SIGTERM; whoever of them lives
 * holds the lock on DIR/held. */
#define STUBBORN                                                               \
	"      deploy: {stage: deploy, run: [/bin/sh, -c, \"test -e "          \
	"web/stubborn || exit 0; trap '' TERM; exec 9>DIR/held; flock 9; "     \
	"setsid sleep 1000 & echo begun > DIR/begun; while :; do sleep 1; "    \
	"done\"]}\n"

/* The images of a cycle are there under its number, or not. */
#define FLAKY                                                                  \
	"      build: {stage: build, run: [/bin/sh, -c, \"echo x >> "          \
	"DIR/images-$1\", sh, \"{cycle}\"]}\n"                                 \
	"      deploy: {stage: deploy, run: [/bin/sh, -c, \"test -e "          \
	"DIR/images-$1 && test ! -e DIR/flaky\", sh, \"{cycle}\"]}\n"

static char *in_house(struct house *h, const char *name)
{
	return str_format("%s/%s", h->dir, name);
}

static void await_file(struct house *h, const char *name)
{
	CLEANUP(free) char *path = in_house(h, name);

	for (int i = 0; access(path, F_OK); i++) {
		if (i > HOUSE_WAIT_MS / 10)
			fail_msg("no %s", name);
		usleep(10000);
	}
}

static bool is_held(struct house *h, const char *name)
{
	CLEANUP(free) char *path = in_house(h, name);
	CLEANUP(fd_close) int fd = open(path, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return flock(fd, LOCK_EX | LOCK_NB) != 0;
}

/* Green, and then one that does not end by itself; its command's comment. */
static int64_t stubborn(struct house *h, int *ret_pull, char **ret_green)
{
	int pull = house_pull(h, WEB, "sam", "sams", NULL);
	int64_t said = house_say(h, WEB, pull, "mona", "@kcibot deploy");

	house_await_reaction(h, WEB, pull, said, "rocket");
	house_await_quiet(h);
	*ret_green = house_git(h, WEB, GIT("rev-parse", "staging"));
	*ret_pull = house_pull(h, WEB, "sam", "stubborn", NULL);
	said = house_say(h, WEB, *ret_pull, "mona", "@kcibot deploy");
	await_file(h, "begun");
	assert_true(is_held(h, "held"));
	return said;
}

static void assert_put_back(struct house *h, int pull, const char *green)
{
	CLEANUP(free) char *now = NULL;

	house_await_sql(h,
			"SELECT count(*) FROM cycle WHERE id = 3 AND purpose ="
			" 'rollback' AND verdict = 'success'",
			1);
	house_await_quiet(h);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM cycle WHERE id = 2"
				      " AND verdict = 'cancelled' AND"
				      " cancelled_by = 'mona'"),
			 1);
	/* The whole family is gone, whatever it wanted. */
	assert_false(is_held(h, "held"));
	now = house_git(h, WEB, GIT("rev-parse", "staging"));
	assert_string_equal(now, green);
	house_await_comment(h, WEB, pull, "staging was put back to manifest");
	assert_int_equal(house_sql(h, "SELECT count(*) FROM cycle"), 3);
}

static void test_who_ignores_sigterm_is_killed(void **state UNUSED)
{
	struct house *h = house_new(&(struct house_settings){
		.jobs = HOUSE_JOB("build", "build", "") STUBBORN});
	CLEANUP(free) char *green = NULL;
	int64_t said;
	int pull;

	said = stubborn(h, &pull, &green);
	house_say(h, WEB, pull, "mona", "@kcibot cancel");
	assert_put_back(h, pull, green);
	house_assert_reactions(h, WEB, pull, said, "eyes confused");
	assert_int_equal(house_count(h, WEB, pull,
				     "Stopped: cycle 2 (short) on staging, in "
				     "stage deploy"),
			 1);
	house_end(h);
}

/* Killed between the wish and the end of the job: the next life ends it. */
static void test_killed_while_it_stops(void **state UNUSED)
{
	struct house *h = house_new(&(struct house_settings){
		.jobs = HOUSE_JOB("build", "build", "") STUBBORN});
	CLEANUP(free) char *green = NULL;
	int pull;

	stubborn(h, &pull, &green);
	house_say(h, WEB, pull, "mona", "@kcibot cancel");
	house_await_sql(
		h, "SELECT count(*) FROM cycle WHERE state = 'stopping'", 1);
	house_kill(h);
	house_start(h);
	assert_put_back(h, pull, green);
	house_end(h);
}

static void test_retry_goes_on_with_what_was_built(void **state UNUSED)
{
	/* Else what failed is put back before anybody can ask again. */
	struct house *h = house_new(&(struct house_settings){
		.jobs = FLAKY,
		.policy = "settle: 5m, settle_max: 20m, cooldown: 0s, "
			  "full_interval: 6h, restart_limit: 1, "
			  "schedule: 0s"});
	int pull = house_pull(h, WEB, "sam", "sams", NULL);
	CLEANUP(free) char *flaky = in_house(h, "flaky");
	CLEANUP(free) char *images = in_house(h, "images-1");
	CLEANUP(free) char *others = in_house(h, "images-2");
	CLEANUP(str_release) struct str built = STR_INIT(100);
	CLEANUP(json_decref) json_t *cycle = NULL;
	struct error e = ERROR_INIT;
	int64_t said;

	assert_int_equal(fs_write(flaky, "x", 1, 0600, &e), ERR_OK);
	said = house_say(h, WEB, pull, "mona", "@kcibot deploy");
	house_await_reaction(h, WEB, pull, said, "-1");
	assert_int_equal(unlink(flaky), 0);
	said = house_say(h, WEB, pull, "mona", "@kcibot retry");
	house_await_reaction(h, WEB, pull, said, "rocket");
	house_await_quiet(h);
	/* One build, and its images under its number. */
	assert_int_equal(fs_read(images, &built, &e), ERR_OK);
	assert_string_equal(built.text, "x\n");
	assert_int_not_equal(access(others, F_OK), 0);
	cycle = house_json(h, "/api/v1/cycles/2");
	assert_string_equal(js_str(cycle, "verdict"), "success");
	assert_string_equal(js_str(cycle, "purpose"), "retry");
	assert_int_equal(js_int(cycle, "of_cycle", 0), 1);
	house_end(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOUSE_TEST(test_who_ignores_sigterm_is_killed),
		HOUSE_TEST(test_killed_while_it_stops),
		HOUSE_TEST(test_retry_goes_on_with_what_was_built),
	};

	cmocka_set_test_filter(getenv("HOUSE_ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
