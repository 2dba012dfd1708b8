/* The operator's side: the command line, signals, files that do not fit. */
#include "tests/integration/house.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "bot/base/clock.h"
#include "bot/base/fs.h"

static const struct house_settings usual = {0};

/* What a subcommand says on both outputs; the caller's. */
static char *cli(struct house *h, int want, const char *const *argv)
{
	CLEANUP(str_release) struct str said = STR_INIT(1u << 20);
	struct error e = ERROR_INIT;
	char *ret = NULL;

	if (house_cli(h, argv, &said) != want)
		fail_msg("exit status is not %d: %s", want, said.text);
	assert_int_equal(str_take(&said, &ret, &e), ERR_OK);
	return ret;
}

static void assert_says(struct house *h, int want, const char *const *argv,
			const char *part)
{
	CLEANUP(free) char *said = cli(h, want, argv);

	house_assert_has(said, part);
}

static void test_two_on_one_state_dir(void **state UNUSED)
{
	struct house *h = house_new(&usual);

	assert_says(h, 1, CLI("serve"), "cannot start");
	assert_says(h, 1, CLI("serve"), "another");
	assert_int_equal(house_get(h, "/healthz", NULL), 200);
	house_end(h);
}

static void test_sigterm_while_a_job_runs(void **state UNUSED)
{
	struct house *h = house_new(&usual);
	int pull = house_pull(h, WEB, "sam", "sams", NULL);
	int64_t said, from;

	house_hold(h, "deploy");
	said = house_say(h, WEB, pull, "mona", "@kcibot deploy");
	house_await_ran(h, "deploy 1 short", 1);
	from = clock_mono(&clock_system);
	house_stop(h);
	/* Far less than the job's timeout of 30 minutes. */
	assert_true(clock_mono(&clock_system) - from < 20000);
	house_start(h);
	house_let_go(h, "deploy");
	house_await_reaction(h, WEB, pull, said, "rocket");
	house_await_quiet(h);
	assert_int_equal(house_ran(h, "deploy"), 1);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM cycle"), 1);
	house_end(h);
}

/* The same words with a bot and without one. */
static void trust_words(struct house *h)
{
	CLEANUP(free) char *list = NULL;

	assert_says(h, 1, CLI("trust", "remove", "ada"), "last admin");
	assert_says(h, 1, CLI("trust", "add", "ada", "--role", "contributor"),
		    "last admin");
	assert_says(h, 1, CLI("trust", "add", "nobody", "--role", "admin"),
		    "nobody");
	assert_says(h, 2, CLI("trust", "add", "sam"), "usage");
	assert_says(h, 1, CLI("trust", "remove", "sam"), "not on the trust");
	assert_says(h, 0,
		    CLI("trust", "add", "sam", "--role", "contributor", "--for",
			"30d", "--project", WEB, "--reason", "helps out"),
		    "sam");
	list = cli(h, 0, CLI("trust", "list"));
	house_assert_has(list, "helps out");
	house_assert_has(list, "ada");
	assert_says(h, 0, CLI("trust", "remove", "sam"), "sam");
	free(list);
	list = cli(h, 0, CLI("trust", "list"));
	house_assert_lacks(list, "helps out");
}

static void test_trust(void **state UNUSED)
{
	struct house *h = house_new(&usual);

	trust_words(h);
	house_stop(h);
	trust_words(h);
	house_start(h);
	house_end(h);
}

static void test_say_and_status(void **state UNUSED)
{
	struct house *h = house_new(&usual);
	int pull = house_pull(h, WEB, "sam", "sams", NULL);
	CLEANUP(json_decref) json_t *status = NULL;
	CLEANUP(free) char *text = NULL;

	assert_says(h, 1, CLI("say", "--as", "sam", "--on", WEB "#1", "deploy"),
		    "maintainer");
	assert_says(h, 1,
		    CLI("say", "--as", "mona", "--on", WEB "#1", "deplyo"),
		    "Did you mean");
	assert_says(h, 0,
		    CLI("say", "--as", "mona", "--on", WEB "#1", "deploy"), "");
	house_await_status(h, WEB, pull, "success");
	house_await_quiet(h);
	/* Nobody is on the pull to be told with a comment. */
	assert_int_equal(house_count(h, WEB, pull, "kcibot:key request:"), 0);
	text = cli(h, 0, CLI("status", "--json"));
	/* A warning about the configuration may follow. */
	status = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
	assert_non_null(status);
	assert_non_null(js_get(status, "environments"));
	house_stop(h);

	/* Without a bot: it is heard now, and done when the bot is back. */
	assert_says(h, 0, CLI("status"), "staging");
	assert_says(h, 0,
		    CLI("say", "--as", "mona", "--on", WEB "#1", "deploy"), "");
	assert_int_equal(house_ran(h, "deploy"), 1);
	house_start(h);
	house_await_ran(h, "deploy 2 short", 1);
	house_await_quiet(h);
	house_end(h);
}

/* Puts other words into the configuration, and lets the bot read it. */
static void edit(struct house *h, const char *from, const char *to)
{
	CLEANUP(str_release) struct str text = STR_INIT(1u << 20);
	CLEANUP(str_release) struct str anew = STR_INIT(1u << 20);
	struct error e = ERROR_INIT;
	const char *at;

	assert_int_equal(fs_read(h->config, &text, &e), ERR_OK);
	at = strstr(text.text, from);
	assert_non_null(at);
	str_add(&anew, text.text, (size_t)(at - text.text));
	str_addf(&anew, "%s%s", to, at + strlen(from));
	assert_int_equal(fs_write(h->config, anew.text, anew.len, 0600, &e),
			 ERR_OK);
	assert_int_equal(kill(h->pid, SIGHUP), 0);
}

static void test_sighup(void **state UNUSED)
{
	struct house *h = house_new(&usual);
	int pull = house_pull(h, WEB, "sam", "sams", NULL);

	/* A window over the whole week but one minute. */
	edit(h, "    jobs:\n",
	     "    freeze: [{from: Mon 00:01, to: Mon 00:00, zone: UTC, "
	     "reason: the demo}]\n    jobs:\n");
	house_await_log(h, "environments.staging.freeze[0].reason: the demo "
			   "is new");
	house_await_log(h, "configuration read again: 4 changes");
	house_say(h, WEB, pull, "mona", "@kcibot deploy");
	house_await_comment(h, WEB, pull, "freeze window");
	assert_int_equal(house_sql(h, "SELECT count(*) FROM cycle"), 0);
	assert_says(h, 0, CLI("status"), "freeze window (the demo)");
	assert_says(h, 0, CLI("status"), "4 changes");

	/* A bad one changes nothing, and says why. */
	house_expect(h, "configuration");
	edit(h, "restart_limit: 1", "restart_limt: 2");
	house_await_log(h, "did you mean 'restart_limit'");
	house_await_log(h, "nothing was changed");
	edit(h, "restart_limt: 2", "restart_limit: 1, cooldwn: 5s");
	house_await_log(h, "did you mean 'cooldown'");
	assert_int_equal(house_sql(h, "SELECT count(*) FROM cycle"), 0);

	/* Nor one that would need a restart, whatever else is in it. */
	edit(h, "restart_limit: 1, cooldwn: 5s", "restart_limit: 2");
	house_await_log(h, "policy.restart_limit: 2, was 1");
	edit(h, "public_url:", "# public_url:");
	house_await_log(h, "it needs a restart of the bot: public_url");
	assert_says(h, 0, CLI("status"), "NOT read again");
	edit(h, "# public_url:", "public_url:");
	house_await_log(h, "configuration read again: 0 changes");

	edit(h, "Mon 00:01, to: Mon 00:00", "Mon 00:00, to: Mon 00:01");
	house_await_status(h, WEB, pull, "success");
	house_await_quiet(h);
	assert_int_equal(house_ran(h, "deploy"), 1);
	house_end(h);
}

static void change(struct house *h, const char *file, const char *sql)
{
	CLEANUP(free) char *path = str_format("%s/%s", h->state, file);
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void remove_file(struct house *h, const char *file)
{
	static const char *const ends[] = {"", "-wal", "-shm"};

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		CLEANUP(free)
		char *path = str_format("%s/%s%s", h->state, file, ends[i]);

		unlink(path);
	}
}

/* A journal that is not the one of the store: commands could be lost. */
static void test_files_that_do_not_match(void **state UNUSED)
{
	struct house *h = house_new(&usual);

	house_stop(h);
	remove_file(h, "inbox.db");
	assert_says(h, 1, CLI("serve"), "inbox.db");
	assert_says(h, 1, CLI("serve"), "cannot start");
	house_end(h);
}

static void test_newer_schema(void **state UNUSED)
{
	struct house *h = house_new(&usual);

	house_stop(h);
	change(h, "kcibot.db", "PRAGMA user_version = 99");
	assert_says(h, 1, CLI("serve"), "newer");
	assert_says(h, 1, CLI("trust", "list"), "newer");
	house_end(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOUSE_TEST(test_two_on_one_state_dir),
		HOUSE_TEST(test_sigterm_while_a_job_runs),
		HOUSE_TEST(test_trust),
		HOUSE_TEST(test_say_and_status),
		HOUSE_TEST(test_sighup),
		HOUSE_TEST(test_files_that_do_not_match),
		HOUSE_TEST(test_newer_schema),
	};

	cmocka_set_test_filter(getenv("HOUSE_ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
