/* What a job is given, what it is not, and when it is not needed. */
#include "tests/integration/house.h"

#include <stdlib.h>
#include <unistd.h>

#include "bot/base/fs.h"

static void deploy(struct house *h, int pull)
{
	int64_t said = house_say(h, WEB, pull, "mona", "@kcibot deploy");

	house_await_reaction(h, WEB, pull, said, "rocket");
	house_await_quiet(h);
}

static char *read_file(struct house *h, const char *name)
{
	CLEANUP(free) char *path = str_format("%s/%s", h->dir, name);
	CLEANUP(str_release) struct str s = STR_INIT(1u << 20);
	struct error e = ERROR_INIT;
	char *ret = NULL;

	if (fs_read(path, &s, &e) || str_take(&s, &ret, &e))
		fail_msg("%s", e.text);
	return ret;
}

static void write_file(struct house *h, const char *name, const char *text)
{
	CLEANUP(free) char *path = str_format("%s/%s", h->dir, name);
	struct error e = ERROR_INIT;

	assert_int_equal(fs_write(path, text, strlen(text), 0600, &e), ERR_OK);
}

/* Once everything has run, only what looks at the changed paths does. */
static void test_changed(void **state UNUSED)
{
	struct house *h = house_new(&(struct house_settings){
		.jobs = HOUSE_JOB("build", "build",
				  ", changed: {" WEB ": [\"src/**\"]}")
			HOUSE_JOB("deploy", "deploy", "")
				HOUSE_JOB("test", "test", "")});
	int pull = house_pull(h, WEB, "sam", "src/a", NULL);
	CLEANUP(json_decref) json_t *cycle = NULL;

	deploy(h, pull);
	assert_int_equal(house_ran(h, "build 1 short"), 1);
	pull = house_pull(h, WEB, "sam", "readme", NULL);
	deploy(h, pull);
	assert_int_equal(house_ran(h, "build 2 short"), 0);
	assert_int_equal(house_ran(h, "deploy 2 short"), 1);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM job WHERE state ="
				      " 'skipped'"),
			 1);
	pull = house_pull(h, WEB, "sam", "src/b", NULL);
	deploy(h, pull);
	assert_int_equal(house_ran(h, "build 3 short"), 1);
	cycle = house_json(h, "/api/v1/cycles/2");
	assert_string_equal(js_str(cycle, "verdict"), "success");
	house_end(h);
}

/* Its environment is ours to say: nothing of the bot's, no other's secret. */
static void test_environment_and_secrets(void **state UNUSED)
{
	struct house *h;
	CLEANUP(free) char *build = NULL;
	CLEANUP(free) char *other = NULL;
	CLEANUP(free) char *sha = NULL;
	CLEANUP(free) char *log = NULL;
	CLEANUP(free) char *want = NULL;
	int pull;

	setenv("HOUSE_PRIVATE", "of the bot", 1);
	h = house_new(&(struct house_settings){
		.asleep = true,
		.jobs = "      build: {stage: build, run: [/bin/sh, -c, "
			"\"env > DIR/env-build; ls >> DIR/env-build; cat "
			"\\\"$KCIBOT_MANIFEST\\\" >> DIR/env-build\"], "
			"secrets: {WORD: DIR/word}}\n"
			"      deploy: {stage: deploy, run: [/bin/sh, -c, "
			"\"env > DIR/env-deploy\", sh, \"{cycle}\"]}\n"});
	write_file(h, "word", "open sesame\n");
	house_begin(h);
	pull = house_pull(h, WEB, "sam", "sams", NULL);
	deploy(h, pull);
	build = read_file(h, "env-build");
	other = read_file(h, "env-deploy");
	sha = house_git(h, WEB, GIT("rev-parse", "staging"));
	want = str_format("KCIBOT_SHA_WEB=%s", sha);
	house_assert_has(build, want);
	house_assert_has(build, "KCIBOT_CYCLE=1\n");
	house_assert_has(build, "KCIBOT_KIND=short\n");
	house_assert_has(build, "KCIBOT_ENVIRONMENT=staging\n");
	house_assert_has(build, "KCIBOT_SHA_API=");
	house_assert_has(build, "WORD=open sesame\n");
	/* A checkout of each project. */
	house_assert_has(build, "\napi\nweb\n");
	house_assert_has(build, "\"environment\":\"staging\"");
	house_assert_lacks(other, "sesame");
	house_assert_lacks(build, "HOUSE_PRIVATE");
	log = read_file(h, "bot.log");
	house_assert_lacks(log, "sesame");
	house_end(h);
}

/* Not started without its secret: that is the configuration's fault. */
static void test_missing_secret(void **state UNUSED)
{
	struct house *h = house_new(&(struct house_settings){
		.asleep = true,
		.jobs = HOUSE_JOB("build", "build", ", secrets: {A: DIR/gone}")
			HOUSE_JOB("deploy", "deploy", "")});
	CLEANUP(free) char *status = NULL;
	int pull;
	int64_t said;

	write_file(h, "gone", "for now\n");
	house_begin(h);
	CLEANUP(free) char *path = str_format("%s/gone", h->dir);
	assert_int_equal(unlink(path), 0);
	pull = house_pull(h, WEB, "sam", "sams", NULL);
	said = house_say(h, WEB, pull, "mona", "@kcibot deploy");
	house_await_reaction(h, WEB, pull, said, "-1");
	house_await_quiet(h);
	status = house_status(h, WEB, pull);
	house_assert_has(status, "error: short not done");
	assert_int_equal(house_ran(h, "build"), 0);
	house_end(h);
}

/* The code of a pull request looks for what it could take along. */
static void test_isolation(void **state UNUSED)
{
	struct house *h = house_new(&(struct house_settings){
		.isolation = "bubblewrap",
		.jobs = "      build: {stage: build, run: [/bin/sh, -c, "
			"\"cat DIR/token DIR/secret; ls DIR/state "
			"DIR/state/jobs; cat DIR/state/kcibot.db | wc -c; "
			"ls /proc | grep -c '^[0-9]*$'; test -s web/sams && "
			"echo mine; exit 7\"]}\n" HOUSE_JOB("deploy", "deploy",
							    "")});
	int pull = house_pull(h, WEB, "sam", "sams", NULL);
	CLEANUP(free) char *sticky = NULL;
	int64_t said = house_say(h, WEB, pull, "mona", "@kcibot deploy");

	house_await_reaction(h, WEB, pull, said, "-1");
	house_await_quiet(h);
	sticky = house_comment(h, WEB, pull, "<!-- kcibot:sticky staging -->");
	house_assert_has(sticky, "mine");
	house_assert_lacks(sticky, "sandbox-token");
	house_assert_lacks(sticky, HOUSE_SECRET);
	house_assert_lacks(sticky, "inbox.db");
	/* Nothing of a database: its file is not there. */
	house_assert_has(sticky, "\n0\n");
	house_end(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOUSE_TEST(test_changed),
		HOUSE_TEST(test_environment_and_secrets),
		HOUSE_TEST(test_missing_secret),
		HOUSE_TEST(test_isolation),
	};

	cmocka_set_test_filter(getenv("HOUSE_ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
