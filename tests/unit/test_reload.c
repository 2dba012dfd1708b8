/*
 * Another configuration while the bot runs: what differs, what cannot be
 * taken over, and that the engine takes all of it or nothing.
 */
#include "tests/unit/trusted_world.h"

#include "bot/config_diff.h"
#include "store/view.h"

/* The world's YAML with other words in it. */
static struct config *parse(const char *from, const char *to)
{
	struct str report = STR_INIT(1u << 20);
	struct error e = ERROR_INIT;
	const char *at = strstr(world_yaml, from);
	struct config *c;
	char yaml[4096];

	assert_non_null(at);
	snprintf(yaml, sizeof(yaml), "%.*s%s%s", (int)(at - world_yaml),
		 world_yaml, to, at + strlen(from));
	c = config_parse("test.yaml", yaml, strlen(yaml), &report, &e);
	if (!c)
		fail_msg("%s", report.text);
	str_release(&report);
	return c;
}

static void assert_diff(const char *from, const char *to, const char *want)
{
	struct config *c = parse(from, to);
	struct str diff = STR_INIT(1u << 20);
	size_t lines = 0;

	assert_int_equal(config_diff(w.config, w.config, &diff), 0);
	lines = config_diff(w.config, c, &diff);
	assert_string_equal(diff.text, want);
	for (const char *p = want; (p = strchr(p, '\n')) != NULL; p++)
		lines--;
	assert_int_equal(lines, 0);
	str_release(&diff);
	config_free(c);
}

static void says_what_differs(void **state UNUSED)
{
	assert_diff("settle: 5m", "settle: 300s",
		    "environments.staging.policy.settle: 300s, was 5m\n");
	assert_diff("    isolation: none\n", "",
		    "environments.staging.isolation: is gone, was none\n");
	assert_diff("admins: [root]", "admins: [root, mona]",
		    "trust.admins[1]: mona is new\n");
	assert_diff("admins: [root]", "admins: []",
		    "trust.admins: (empty) is new\n"
		    "trust.admins[0]: is gone, was root\n");
}

static void assert_fixed(const char *from, const char *to, const char *want)
{
	struct config *c = parse(from, to);
	struct str keys = STR_INIT(1000);

	assert_int_equal(config_needs_restart(w.config, c, &keys), *want != 0);
	assert_string_equal(keys.text, want);
	str_release(&keys);
	config_free(c);
}

static void says_what_needs_a_restart(void **state UNUSED)
{
	assert_fixed("state_dir: /nonexistent/kcibot", "state_dir: /other",
		     "state_dir");
	assert_fixed("listen: 127.0.0.1:0\n", "", "listen");
	assert_fixed("{name: kcibot}", "{name: other}", "bot.name");
	assert_fixed("token_file: /nonexistent/token",
		     "token_file: /t\n  commit_guard: 20s", "forge.token_file");
	assert_fixed("cooldown: 30m", "cooldown: 31m", "");
	assert_fixed("\nforge:", "\nforge:\n  reconcile: 7m", "");
	/* No job that is started now would be kept from reading it. */
	assert_fixed("run: [/bin/true], timeout: 5m}",
		     "run: [/bin/true], timeout: 5m, secrets: {T: /s}}",
		     "environments.staging.jobs.deploy.secrets");
}

static void reload(struct config *c)
{
	w.answer_ok = -1;
	engine_reload(w.engine, c, world_take_answer, &w);
	world_run(&w);
}

static int64_t on_record(void)
{
	return world_ask(&w, "SELECT count(*) FROM audit"
			     " WHERE action = 'reload'");
}

/* What pages say keeps the first pull out. */
static void assert_against(const char *want)
{
	struct str text = STR_INIT(1000);
	struct error e = ERROR_INIT;
	struct store *s = store_open(w.store_path, &e);

	assert_non_null(s);
	engine_against(w.engine, s, "staging", REPO, 1, w.clock.wall, &text);
	if (*want ? !strstr(text.text, want) : *text.text)
		fail_msg("%s", text.text);
	str_release(&text);
	store_close(s);
}

static void the_engine_takes_it(void **state UNUSED)
{
	world_open(&w, 1, CONTRIBUTOR);
	world_pass(&w, 2 * MINUTE);
	assert_int_equal(world_cycles(&w), 0);
	reload(parse("settle: 5m", "settle: 1m"));
	assert_int_equal(w.answer_ok, 1);
	/* At once: more than a minute has passed. */
	assert_int_equal(world_cycles(&w), 1);
	reload(parse("cooldown: 30m", "cooldown: 1h"));
	assert_int_equal(w.answer_ok, 1);
	world_push(&w, 1, 'a');
	world_pass(&w, 50 * MINUTE);
	assert_int_equal(world_cycles(&w), 1);
	world_pass(&w, 11 * MINUTE);
	assert_int_equal(world_cycles(&w), 2);
	assert_int_equal(on_record(), 2);
}

/* Also where pages explain; one that is refused explains nothing. */
static void pages_explain_by_it(void **state UNUSED)
{
	world_open(&w, 1, MAINTAINER);
	assert_against("");
	reload(parse("base: main", "base: other"));
	assert_int_equal(w.answer_ok, 1);
	assert_against("another branch than `other`");
	reload(parse("    isolation: none\n",
		     "    isolation: none\n"
		     "    freeze: [{from: Mon 01:00, to: Mon 02:00, zone: "
		     "Europe/Berlim}]\n"));
	assert_int_equal(w.answer_ok, 0);
	assert_against("another branch than `other`");
	assert_int_equal(on_record(), 1);
}

static void nothing_of_a_refused_one_stays(void **state UNUSED)
{
	w.hold = "job.run";
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	/* The environment is gone while a cycle runs there. */
	reload(parse("  staging:\n", "  other:\n"));
	assert_int_equal(w.answer_ok, 0);
	assert_non_null(strstr(w.answer, "cycle 1 runs on staging, which"));
	/* Another thing is done there than it began with. */
	reload(parse("deploy, run: [/bin/true]", "deploy, run: [/bin/false]"));
	assert_int_equal(w.answer_ok, 0);
	assert_non_null(strstr(w.answer, "cycle 1 runs on staging by another"));
	/* A zone that this machine does not know. */
	reload(parse("    isolation: none\n",
		     "    isolation: none\n"
		     "    freeze: [{from: Mon 01:00, to: Mon 02:00, zone: "
		     "Europe/Berlim}]\n"));
	assert_int_equal(w.answer_ok, 0);
	assert_non_null(strstr(w.answer, "Europe/Berlim"));
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM environment"), 1);
	w.hold = NULL;
	world_answer(world_last(&w, "job.run", "c1-"), ERR_OK, NULL);
	world_run(&w);
	assert_string_equal(world_status(&w, 1), "success");
	/* Now it may go; what waits there is void. */
	world_push(&w, 1, 'a');
	world_say(&w, 1, MAINTAINER, "@kcibot lock");
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	reload(parse("  staging:\n", "  other:\n"));
	assert_int_equal(w.answer_ok, 1);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM request WHERE"
				       " environment = 'staging' AND state"
				       " NOT IN ('done', 'dropped')"),
			 0);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM cycle WHERE"
				       " environment = 'other' AND verdict ="
				       " 'success'"),
			 1);
}

/* A short that runs is not concerned with what only a full does. */
static void what_does_not_run_may_change(void **state UNUSED)
{
	w.hold = "job.run";
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	reload(parse("test, run: [/bin/true]", "test, run: [/bin/false]"));
	assert_int_equal(w.answer_ok, 1);
}

/*
 * Its stages are those that it began with: none of the new jobs belongs to the
 * next one, and a deploy that was left out would be green.
 */
static void another_recipe_after_a_restart(void **state UNUSED)
{
	char yaml[sizeof(world_yaml)], *at;

	w.hold = "job.run";
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_kill(&w);
	memcpy(yaml, world_yaml, sizeof(world_yaml));
	for (at = yaml; (at = strstr(at, "deploy")) != NULL; at++)
		memcpy(at, "finish", strlen("finish"));
	world_set_config(&w, yaml);
	world_boot(&w);
	world_run(&w);
	world_answer(world_last(&w, "job.run", "c1-build"), ERR_OK, NULL);
	world_run(&w);
	assert_int_equal(world_ask(&w, "SELECT verdict = 'error' AND"
				       " reason_code = 'recipe_changed'"
				       " FROM cycle WHERE id = 1"),
			 1);
	assert_string_equal(world_status(&w, 1), "error");
	/* The next goes by the new one. */
	w.hold = NULL;
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_string_equal(world_status(&w, 1), "success");
}

/* A check that waits would keep the pull from being merged for ever. */
static void nothing_pending_of_what_is_gone(void **state UNUSED)
{
	static const char other[] =
		"{repo: acme/other, base: main, branch: staging}\n"
		"    recipe: {short: [build], full: [build]}\n"
		"    jobs: {j: {stage: build, run: [/bin/true]}}\n";
	size_t told;

	world_open(&w, 1, CONTRIBUTOR);
	assert_string_equal(world_status(&w, 1), "pending");
	told = world_sent(&w, "forge.status");
	reload(parse("stale_after: 14d", "stale_after: 15d"));
	assert_int_equal(world_sent(&w, "forge.status"), told);
	reload(parse("  staging:\n", "  testing:\n"));
	assert_int_equal(w.answer_ok, 1);
	assert_string_equal(
		js_str(world_last(&w, "forge.status", "kcibot/staging")->args,
		       "state"),
		"error");
	/* Nor where it goes on, and only lacks the project. */
	reload(parse("settle: 5m", "settle: 6m"));
	world_open(&w, 2, CONTRIBUTOR);
	assert_string_equal(world_status(&w, 2), "pending");
	reload(parse(strstr(world_yaml, "{repo: "), other));
	assert_int_equal(w.answer_ok, 1);
	assert_string_equal(world_status(&w, 2), "error");
}

static void a_window_counts_at_once(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	/* It is Monday, a quarter past two. */
	reload(parse("    isolation: none\n",
		     "    isolation: none\n"
		     "    freeze: [{from: Mon 14:00, to: Mon 15:00}]\n"));
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_cycles(&w), 0);
	reload(parse("settle: 5m", "settle: 6m"));
	assert_int_equal(world_cycles(&w), 1);
}

#define BUILD "build: {stage: build, run"

/* The bot is killed, and started with other words for the job that builds. */
static void restart_with_build(const char *as)
{
	const char *at = strstr(world_yaml, BUILD);
	char yaml[4096];

	snprintf(yaml, sizeof(yaml), "%.*s%s%s", (int)(at - world_yaml),
		 world_yaml, as, at + strlen(BUILD));
	world_kill(&w);
	world_set_config(&w, yaml);
	world_boot(&w);
	world_run(&w);
}

/* What a job says counts as it was said to when the job began. */
static void a_job_keeps_its_class(void **state UNUSED)
{
	static const char *const then[] = {
		BUILD,			     /* it speaks of the code now */
		"other: {stage: build, run", /* it is gone */
	};

	for (int64_t n = 1; n <= 2; n++) {
		char key[32];

		restart_with_build("build: {class: prepare, stage: build, run");
		world_open(&w, n, STRANGER);
		w.hold = "job.run";
		world_say(&w, n, MAINTAINER, "@kcibot deploy");
		restart_with_build(then[n - 1]);
		snprintf(key, sizeof(key), "c%lld-build", (long long)n);
		world_answer(world_last(&w, "job.run", key), ERR_OK,
			     json_pack("{s:s, s:s}", "verdict", "failure",
				       "reason_code", "exit"));
		world_run(&w);
		assert_string_equal(world_status(&w, n), "error");
	}
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM cycle WHERE"
				       " verdict = 'error' AND reason_code ="
				       " 'exit'"),
			 2);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM result WHERE"
				       " outcome = 'failure'"),
			 0);
}

static void what_it_has_changed_stays_said(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	restart_with_build("build: {class: state, stage: build, run");
	world_open(&w, 2, STRANGER);
	w.hold = "job.run";
	world_say(&w, 2, MAINTAINER, "@kcibot deploy");
	restart_with_build("other: {stage: build, run");
	world_say(&w, 2, MAINTAINER, "@kcibot cancel");
	assert_non_null(world_last(&w, "forge.comment",
				   "but what job build has changed stays."));
}

static void the_status_tells_of_it(void **state UNUSED)
{
	engine_note_reload(w.engine,
			   json_pack("{s:i, s:b, s:s, s:[s]}", "at_ms", 1, "ok",
				     1, "text", "1 change", "changes", "x: 2"));
	engine_note_reload(w.engine,
			   json_pack("{s:i, s:b, s:s, s:[]}", "at_ms", 1, "ok",
				     0, "text", "no", "changes"));
	world_call(&w, json_pack("{s:s}", "op", "status"));
	assert_int_equal(w.answer_ok, 1);
}

/* One that nobody takes is not lost either. */
static void a_stopped_engine_refuses(void **state UNUSED)
{
	w.answer_ok = -1;
	engine_reload(w.engine, parse("settle: 5m", "settle: 6m"),
		      world_take_answer, &w);
	engine_stop(w.engine);
	assert_int_equal(w.answer_ok, 0);
	w.answer_ok = -1;
	engine_reload(w.engine, parse("settle: 5m", "settle: 6m"),
		      world_take_answer, &w);
	assert_int_equal(w.answer_ok, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(says_what_differs),
		TEST(says_what_needs_a_restart),
		TEST(the_engine_takes_it),
		TEST(pages_explain_by_it),
		TEST(nothing_of_a_refused_one_stays),
		TEST(what_does_not_run_may_change),
		TEST(another_recipe_after_a_restart),
		TEST(nothing_pending_of_what_is_gone),
		TEST(a_window_counts_at_once),
		TEST(a_job_keeps_its_class),
		TEST(what_it_has_changed_stays_said),
		TEST(the_status_tells_of_it),
		TEST(a_stopped_engine_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
