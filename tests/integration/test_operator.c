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
	assert_says(h, 2,
		    CLI("trust", "add", "sam", "--role", "contributor",
			"--unasked", "perhaps"),
		    "usage");
	assert_says(h, 1, CLI("trust", "remove", "sam"), "not on the trust");
	assert_says(h, 0,
		    CLI("trust", "add", "sam", "--role", "contributor", "--for",
			"30d", "--project", WEB, "--reason", "helps out",
			"--unasked", "no"),
		    "not deployed unasked");
	list = cli(h, 0, CLI("trust", "list"));
	house_assert_has(list, "helps out");
	house_assert_has(list, "ada");
	house_assert_has(list, "\tuser\tnot unasked\n");
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

/* --- a list --- */

static void put_list(struct house *h, const char *text, char path[256])
{
	struct error e = ERROR_INIT;

	snprintf(path, 256, "%s/staging.ini", h->dir);
	assert_int_equal(fs_write(path, text, strlen(text), 0600, &e), ERR_OK);
}

/* As KernelCI keeps it: shown, taken over, changed, given back. */
static void import_words(struct house *h)
{
	CLEANUP(free) char *list = NULL;
	CLEANUP(free) char *again = NULL;
	char path[256];

	put_list(h,
		 "[DEFAULT]\nbranch: staging.kernelci.org\nusers:\n"
		 "    # who works on it\n    Sam\n    mona, sam\n\n"
		 "[kernelci-api]\n",
		 path);
	assert_says(h, 0, CLI("trust", "import", path), "nothing was done yet");
	list = cli(h, 0, CLI("trust", "list"));
	house_assert_lacks(list, "sam");
	free(list);
	list = cli(h, 0, CLI("trust", "import", path, "--apply"));
	house_assert_has(list, "add     sam (");
	house_assert_has(list, "keep    mona (");
	house_assert_has(list, "1 to add, 1 to keep, 0 to remove: done");
	assert_says(h, 0, CLI("trust", "import", "--apply", path),
		    "0 to add, 2 to keep, 0 to remove");
	assert_says(h, 0, CLI("trust", "list"), "import staging.ini");

	/* What is exported changes nothing when it is imported. */
	free(list);
	list = cli(h, 0, CLI("trust", "export"));
	house_assert_has(list, "    ada\n    carl\n    mona\n    sam\n");
	put_list(h, list, path);
	assert_says(h, 0, CLI("trust", "import", path, "--apply"),
		    "0 to add, 4 to keep, 0 to remove");
	again = cli(h, 0, CLI("trust", "export"));
	assert_string_equal(list, again);

	put_list(h, "[DEFAULT]\nusers: mona nobody\n", path);
	assert_says(h, 1, CLI("trust", "import", path, "--apply"),
		    "unknown to the forge: nobody");
	assert_says(h, 1,
		    CLI("trust", "import", path, "--apply", "--skip-unknown",
			"--max-removals", "0"),
		    "--max-removals 1");
	assert_says(h, 0, CLI("trust", "list"), "sam");
	assert_says(h, 0,
		    CLI("trust", "import", path, "--apply", "--skip-unknown"),
		    "remove  sam (");
	put_list(h, "[DEFAULT]\nusers:\n", path);
	assert_says(h, 1, CLI("trust", "import", path, "--apply"),
		    "no name in it");
	assert_says(h, 1, CLI("trust", "import", "/nonexistent"),
		    "nonexistent");
	assert_says(h, 2, CLI("trust", "import"), "usage");
	assert_says(h, 0, CLI("trust", "list"), "mona");
}

static void test_import(void **state UNUSED)
{
	struct house *h = house_new(&usual);

	import_words(h);
	house_stop(h);
	import_words(h);
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

/* A day that is not near now, "Mon". */
static const char *other_day(void)
{
	static const char *const days[] = {"Thu", "Fri", "Sat", "Sun",
					   "Mon", "Tue", "Wed"};
	const int64_t day_ms = 24LL * 60 * 60 * 1000;

	return days[(clock_wall(&clock_system) / day_ms + 3) % 7];
}

static void test_sighup(void **state UNUSED)
{
	const char *day = other_day();
	CLEANUP(free)
	char *whole_week = str_format("%s 00:01, to: %s 00:00", day, day);
	CLEANUP(free)
	char *one_minute = str_format("%s 00:00, to: %s 00:01", day, day);
	CLEANUP(free)
	char *jobs = str_format("    freeze: [{from: %s, zone: UTC, reason: "
				"the demo}]\n    jobs:\n",
				whole_week);
	struct house *h = house_new(&usual);
	int pull = house_pull(h, WEB, "sam", "sams", NULL);

	/* A window over the whole week but one minute. */
	edit(h, "    jobs:\n", jobs);
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

	edit(h, whole_week, one_minute);
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

/* "ID:HASH" at the end of what `kcibot audit` says. */
static void audit_head(struct house *h, char *ret, size_t size)
{
	CLEANUP(free) char *text = cli(h, 0, CLI("audit"));
	const char *at = strstr(text, "chain intact, head ");

	assert_non_null(at);
	snprintf(ret, size, "%s", at + strlen("chain intact, head "));
	ret[strcspn(ret, "\n")] = '\0';
}

/* The same with a bot and without one. */
static void audit_words(struct house *h, const char *noted)
{
	CLEANUP(free) char *json = NULL;
	char me[64], head[128];

	snprintf(me, sizeof(me), "(uid %u)", (unsigned)getuid());
	assert_says(h, 0, CLI("audit"), "\tstart\tkcibot ");
	assert_says(h, 0, CLI("audit"), me);
	assert_says(h, 0, CLI("audit", "--since", "7d"), "\trefused\t");
	assert_says(h, 0, CLI("audit", "--expect", noted), "chain intact");
	/* First: while the bot runs, more may follow. */
	audit_head(h, head, sizeof(head));
	json = cli(h, 0, CLI("audit", "--json"));
	house_assert_has(json, "\"config_hash\":\"");
	house_assert_has(json, "as sam (");
	house_assert_has(json, strchr(head, ':') + 1);
	free(json);
	json = cli(h, 0, CLI("audit", "--json", "--since", "2199-01-01"));
	house_assert_lacks(json, "\"actor\"");
	house_assert_has(json, "chain intact");
	assert_says(h, 2, CLI("audit", "--since", "yesterday"), "usage");
	assert_says(h, 2, CLI("audit", "--expect", "7:00"), "usage");
}

static void test_audit(void **state UNUSED)
{
	struct house *h = house_new(&usual);
	char noted[128], last[128];

	house_await_log(h, "audit: head ");
	audit_head(h, noted, sizeof(noted));
	house_pull(h, WEB, "sam", "sams", NULL);
	assert_says(h, 1, CLI("say", "--as", "sam", "--on", WEB "#1", "deploy"),
		    "maintainer");
	assert_says(h, 0, CLI("trust", "add", "sam", "--role", "contributor"),
		    "sam");
	audit_words(h, noted);
	house_await_quiet(h);
	house_stop(h);
	audit_words(h, noted);
	audit_head(h, last, sizeof(last));

	/* Cut off together with the head that is kept: only who noted it
	 * elsewhere sees it. */
	change(h, "kcibot.db",
	       "DROP TRIGGER audit_no_delete;"
	       "DELETE FROM audit WHERE id = (SELECT max(id) FROM audit);"
	       "UPDATE meta SET value = (SELECT id || ':' || lower(hex(hash))"
	       " FROM audit ORDER BY id DESC LIMIT 1)"
	       " WHERE key = 'audit_head'");
	assert_says(h, 0, CLI("audit"), "chain intact");
	assert_says(h, 1, CLI("audit", "--expect", last), "cut off");
	change(h, "kcibot.db",
	       "DROP TRIGGER audit_no_update;"
	       "UPDATE audit SET why = 'I was asked to' WHERE id = 1");
	assert_says(h, 1, CLI("audit"), "chain BROKEN at entry 1: it was chan");
	assert_says(h, 1, CLI("audit", "--json", "--since", "2199-01-01"),
		    "chain BROKEN at entry 1");
	remove_file(h, "kcibot.db");
	assert_says(h, 1, CLI("audit"), "no bot has run here");
	house_end(h);
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
		HOUSE_TEST(test_import),
		HOUSE_TEST(test_say_and_status),
		HOUSE_TEST(test_sighup),
		HOUSE_TEST(test_audit),
		HOUSE_TEST(test_files_that_do_not_match),
		HOUSE_TEST(test_newer_schema),
	};

	cmocka_set_test_filter(getenv("HOUSE_ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
