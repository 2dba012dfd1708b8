/*
 * What still runs gets its time before a deploy replaces it: when, for how
 * long, and what people are told.
 */
#include "tests/unit/engine_world.h"

#define HEAD                                                                   \
	"listen: 127.0.0.1:0\n"                                                \
	"public_url: https://bot.example.org\n"                                \
	"state_dir: /nonexistent/kcibot\n"                                     \
	"bot: {name: kcibot}\n"                                                \
	"forge:\n"                                                             \
	"  api_url: https://api.github.com\n"                                  \
	"  clone_url: https://github.com/{repo}.git\n"                         \
	"  token_file: /nonexistent/token\n"                                   \
	"  webhook_secret_file: /nonexistent/secret\n"                         \
	"trust: {admins: [root]}\n"                                            \
	"environments:\n"                                                      \
	"  staging:\n"                                                         \
	"    projects: [{repo: " REPO ", base: main, branch: staging}]\n"      \
	"    policy: {settle: 5m, settle_max: 20m, cooldown: 30m, "            \
	"full_interval: 6h, restart_limit: 1, schedule: 0s}\n"                 \
	"    isolation: none\n"

static const char yaml[] =
	HEAD "    recipe: {short: [build, deploy, more],\n"
	     "             full: [build, deploy, more, test]}\n"
	     "    jobs:\n"
	     "      lull: {class: drain, stage: deploy, timeout: 30m,\n"
	     "             http: {url: 'http://127.0.0.1:1/count',\n"
	     "                    expect: {json: 0}}}\n"
	     "      build: {stage: build, run: [/bin/true]}\n"
	     "      deploy: {stage: deploy, run: [/bin/true], drains: true,\n"
	     "               changed: {" REPO ": [\"src/**\"]}}\n"
	     "      more: {stage: more, run: [/bin/true], drains: true,\n"
	     "             changed: {" REPO ": [\"src/**\", \"more/**\"]}}\n"
	     "      tests: {stage: test, run: [/bin/true]}\n";

static struct world w;

static int begin(void **state UNUSED)
{
	log_set_level(LOG_ERROR);
	world_begin(&w, yaml);
	world_trust_all(&w);
	return 0;
}

static int end(void **state UNUSED)
{
	world_end(&w);
	return 0;
}

static void answer_with(const char *key, json_t *body)
{
	world_answer(world_last(&w, "job.run", key), ERR_OK, body);
	world_run(&w);
}

static void answer(const char *key)
{
	answer_with(key, NULL);
}

static json_t *drained(void)
{
	return json_pack("{s:s, s:s, s:s, s:i}", "verdict", "success",
			 "reason_code", "drained", "text", "drained in 4 min",
			 "running", 0);
}

static json_t *forced(int running)
{
	return json_pack("{s:s, s:s, s:s, s:i}", "verdict", "success",
			 "reason_code", "forced", "text",
			 "forced after 30 min with 3 still running", "running",
			 running);
}

static bool asked(const char *key)
{
	return world_sent_with(&w, "job.run", key) > 0;
}

static const char *sticky(int64_t number)
{
	for (size_t i = w.sent_count; i-- > 0;) {
		const struct world_effect *x = &w.sent[i];

		if (!strcmp(x->kind, "forge.comment") &&
		    js_int(x->args, "number", 0) == number &&
		    strstr(js_str(x->args, "body"), "kcibot:sticky"))
			return js_str(x->args, "body");
	}
	fail_msg("no sticky comment on #%lld", (long long)number);
	return "";
}

static void assert_says(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in:\n%s", part, text);
}

static void deploy(int64_t number)
{
	world_open(&w, number, STRANGER);
	world_say(&w, number, MAINTAINER, "@kcibot deploy");
}

/* --- where --- */

static void once_before_the_first_that_drains(void **state UNUSED)
{
	const struct world_effect *x;

	w.hold = "job.run";
	deploy(1);
	assert_true(asked("c1-build"));
	assert_false(asked("c1-lull"));
	answer("c1-build");
	assert_false(asked("c1-deploy"));
	x = world_last(&w, "job.run", "c1-lull");
	assert_string_equal(js_str(x->args, "class"), "drain");
	assert_string_equal(js_str(x->args, "stage"), "deploy");
	assert_int_equal(js_int(x->args, "timeout_ms", 0), 30 * MINUTE);
	assert_true(json_is_integer(js_get(x->args, "http.json")));
	assert_null(js_get(x->args, "full_ms"));
	assert_says(sticky(1), "drains before stage deploy (2 of 3)");
	assert_says(sticky(1), "**Drain:** waits for what still runs, until ");
	assert_says(world_description(&w, 1),
		    "short running: drains before stage deploy (2 of 3)");
	answer_with("c1-lull", drained());
	assert_true(asked("c1-deploy"));
	assert_says(sticky(1), "**Drain:** drained in 4 min");
	assert_says(world_description(&w, 1), "running: stage deploy (2 of 3)");
	answer("c1-deploy");
	/* The next stage drains as well, and it is done. */
	assert_true(asked("c1-more"));
	assert_int_equal(world_sent_with(&w, "job.run", "c1-lull"), 1);
	answer("c1-more");
	assert_string_equal(world_status(&w, 1), "success");
}

/* What was drained for the kept stage has its own end; new work came since. */
static void a_retry_drains_again(void **state UNUSED)
{
	w.hold = "job.run";
	deploy(1);
	answer("c1-build");
	answer_with("c1-lull", drained());
	answer("c1-deploy");
	answer_with("c1-more", json_pack("{s:s}", "verdict", "failure"));
	world_pass(&w, 1000);
	world_say(&w, 1, MAINTAINER, "@kcibot retry");
	assert_false(asked("c2-deploy"));
	assert_true(asked("c2-lull"));
	assert_false(asked("c2-more"));
	answer_with("c2-lull", drained());
	answer("c2-more");
	assert_string_equal(world_status(&w, 1), "success");
}

static void a_later_stage_is_the_first(void **state UNUSED)
{
	deploy(1);
	world_open(&w, 2, STRANGER);
	w.pulls[2].paths = "more/x";
	w.pulls[2].merged = "more/x";
	w.hold = "job.run";
	world_say(&w, 2, MAINTAINER, "@kcibot deploy");
	answer("c2-build");
	assert_false(asked("c2-deploy"));
	assert_string_equal(
		js_str(world_last(&w, "job.run", "c2-lull")->args, "stage"),
		"more");
	answer_with("c2-lull", drained());
	answer("c2-more");
	assert_string_equal(world_status(&w, 2), "success");
}

static void nothing_to_replace_nothing_to_drain(void **state UNUSED)
{
	deploy(1);
	assert_true(asked("c1-lull"));
	world_open(&w, 2, STRANGER);
	w.pulls[2].paths = "docs/x";
	w.pulls[2].merged = "docs/x";
	world_say(&w, 2, MAINTAINER, "@kcibot deploy");
	assert_true(asked("c2-build"));
	assert_false(asked("c2-lull"));
	assert_string_equal(world_status(&w, 2), "success");
}

/* --- how it ends --- */

static void forced_goes_on_and_says_so(void **state UNUSED)
{
	w.hold = "job.run";
	deploy(1);
	answer("c1-build");
	answer_with("c1-lull", forced(3));
	assert_true(asked("c1-deploy"));
	answer("c1-deploy");
	answer("c1-more");
	assert_string_equal(world_status(&w, 1), "success");
	assert_says(sticky(1), "forced after 30 min with 3 still running");
	assert_int_equal(world_ask(&w, "SELECT running FROM job"
				       " WHERE key = 'c1-lull'"),
			 3);
}

/* One new revision would be guilty of a job that speaks about the code. */
static void a_drain_that_fails_blames_nobody(void **state UNUSED)
{
	w.hold = "job.run";
	deploy(1);
	answer("c1-build");
	answer_with("c1-lull",
		    json_pack("{s:s, s:s, s:s}", "verdict", "failure",
			      "reason_code", "exit", "text", "exit code 3"));
	assert_false(asked("c1-deploy"));
	assert_string_equal(world_status(&w, 1), "error");
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM result"
				       " WHERE outcome = 'failure'"),
			 0);
	assert_int_equal(world_ask(&w, "SELECT verdict = 'error' FROM cycle"),
			 1);
	assert_says(sticky(1), "exit code 3");
}

static void it_is_no_gate(void **state UNUSED)
{
	w.hold = "job.run";
	deploy(1);
	answer("c1-build");
	deploy(2);
	assert_int_equal(world_sent_with(&w, "job.cancel", "c1-lull"), 1);
	answer_with("c1-lull", json_pack("{s:s, s:s}", "verdict", "cancelled",
					 "reason_code", "cancelled"));
	assert_false(asked("c1-deploy"));
	answer("c2-build");
	answer_with("c2-lull", drained());
	assert_true(asked("c2-deploy"));
}

/* The stage that is drained for checks health once it has begun. */
static void begin_gate(void)
{
	world_end(&w);
	world_begin(&w, HEAD
		    "    recipe: {short: [deploy], full: [deploy]}\n"
		    "    jobs:\n"
		    "      lull: {class: drain, run: [x]}\n"
		    "      deploy: {stage: deploy, run: [x], drains: true}\n"
		    "      health: {stage: deploy,\n"
		    "               http: {url: 'http://127.0.0.1:1/'}}\n");
	world_trust_all(&w);
	w.hold = "job.run";
	deploy(1);
	assert_true(asked("c1-lull"));
	assert_false(asked("c1-health"));
}

static void a_gate_that_has_not_begun_is_none(void **state UNUSED)
{
	begin_gate();
	deploy(2);
	assert_int_equal(world_sent_with(&w, "job.cancel", "c1-lull"), 1);
	answer_with("c1-lull", json_pack("{s:s, s:s}", "verdict", "cancelled",
					 "reason_code", "cancelled"));
	answer_with("c2-lull", drained());
	assert_true(asked("c2-health"));
	/* Now it is one. */
	world_say(&w, 1, MAINTAINER, "@kcibot cancel");
	assert_int_equal(world_sent(&w, "job.cancel"), 1);
	answer("c2-deploy");
	answer("c2-health");
	assert_string_equal(world_status(&w, 2), "success");
}

static void what_drains_for_a_gate_is_cancelled(void **state UNUSED)
{
	begin_gate();
	world_say(&w, 1, MAINTAINER, "@kcibot cancel");
	assert_int_equal(world_sent_with(&w, "job.cancel", "c1-lull"), 1);
	answer_with("c1-lull", json_pack("{s:s, s:s}", "verdict", "cancelled",
					 "reason_code", "cancelled"));
	assert_int_equal(world_ask(&w, "SELECT verdict = 'cancelled'"
				       " FROM cycle"),
			 1);
}

static void killed_while_it_drains(void **state UNUSED)
{
	w.hold = "job.run";
	deploy(1);
	answer("c1-build");
	world_restart(&w);
	world_run(&w);
	assert_int_equal(world_sent_with(&w, "job.run", "c1-lull"), 2);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM job"
				       " WHERE name = 'lull'"),
			 1);
	answer_with("c1-lull", drained());
	world_restart(&w);
	world_run(&w);
	answer("c1-deploy");
	answer("c1-more");
	assert_string_equal(world_status(&w, 1), "success");
	assert_int_equal(world_sent_with(&w, "job.run", "c1-lull"), 2);
}

/* Its rows say what it was, also when the configuration does not any more. */
static void configured_away_while_it_drains(void **state UNUSED)
{
	w.hold = "job.run";
	deploy(1);
	answer("c1-build");
	world_kill(&w);
	world_set_config(&w, HEAD "    recipe: {short: [build, deploy],\n"
				  "             full: [build, deploy]}\n"
				  "    jobs:\n"
				  "      build: {stage: build, run: [x]}\n"
				  "      deploy: {stage: deploy, run: [x]}\n");
	world_boot(&w);
	world_run(&w);
	answer_with("c1-lull",
		    json_pack("{s:s, s:s, s:s}", "verdict", "failure",
			      "reason_code", "exit", "text", "exit code 3"));
	assert_int_equal(world_ask(&w, "SELECT verdict = 'error' FROM cycle"),
			 1);
	assert_string_equal(world_status(&w, 1), "error");
}

/* All of them end before the deploy begins, and each is told. */
static void several_side_by_side(void **state UNUSED)
{
	world_end(&w);
	world_begin(&w, HEAD
		    "    recipe: {short: [deploy], full: [deploy]}\n"
		    "    jobs:\n"
		    "      builds: {class: drain, run: [x]}\n"
		    "      deploy: {stage: deploy, run: [x], drains: true}\n"
		    "      web: {class: drain, run: [x],\n"
		    "            changed: {" REPO ": [\"web/**\"]}}\n"
		    "      labs: {class: drain, run: [x], timeout: 2h}\n");
	world_trust_all(&w);
	deploy(1);
	assert_true(asked("c1-web"));
	w.hold = "job.run";
	deploy(2);
	assert_true(asked("c2-builds") && asked("c2-labs"));
	/* A drain may have nothing to do as any other job. */
	assert_false(asked("c2-web"));
	answer_with("c2-labs",
		    json_pack("{s:s, s:s, s:s, s:i}", "verdict", "success",
			      "reason_code", "forced", "text",
			      "forced after 2 h, not known how many still run",
			      "running", -1));
	assert_false(asked("c2-deploy"));
	assert_says(sticky(2), "drains before stage deploy (1 of 1)");
	answer_with("c2-builds", drained());
	assert_true(asked("c2-deploy"));
	assert_says(sticky(2), "builds: drained in 4 min; labs: forced after "
			       "2 h, not known how many still run");
	answer("c2-deploy");
	assert_string_equal(world_status(&w, 2), "success");
}

/* --- a full cycle is never drained away --- */

static int64_t full_ms_of(const char *key)
{
	return js_int(world_last(&w, "job.run", key)->args, "full_ms", -1);
}

static void waits_for_what_a_full_began(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot trigger");
	assert_int_equal(
		world_ask(&w, "SELECT kind = 'full' AND verdict = 'success'"
			      " FROM cycle"),
		1);
	assert_int_equal(full_ms_of("c1-lull"), -1);
	world_pass(&w, HOUR);
	w.hold = "job.run";
	deploy(2);
	answer("c2-build");
	/* A moment has passed beside the hour. */
	assert_in_range(full_ms_of("c2-lull"), 5 * HOUR - MINUTE, 5 * HOUR);
	assert_says(sticky(2),
		    " while that may be work of the last full cycle; then");
	w.hold = NULL;
	answer_with("c2-lull", drained());
	assert_string_equal(world_status(&w, 2), "success");
	/* Its time is over, or nearly: the deadline alone says when. */
	world_pass(&w, 4 * HOUR + 40 * MINUTE);
	deploy(3);
	assert_string_equal(world_status(&w, 3), "success");
	assert_int_equal(full_ms_of("c3-lull"), -1);
}

static void what_failed_before_its_tests_began_none(void **state UNUSED)
{
	w.job_verdict = "failure";
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot trigger");
	assert_int_equal(world_ask(&w, "SELECT kind = 'full' FROM cycle"), 1);
	w.job_verdict = "success";
	deploy(2);
	assert_int_equal(full_ms_of("c2-lull"), -1);
}

static void a_full_that_is_a_short(void **state UNUSED)
{
	world_end(&w);
	world_begin(&w, HEAD
		    "    recipe: {short: [deploy], full: [deploy]}\n"
		    "    jobs:\n"
		    "      lull: {class: drain, run: [/bin/true]}\n"
		    "      deploy: {stage: deploy, run: [x], drains: true}\n");
	world_trust_all(&w);
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot trigger");
	assert_int_equal(world_ask(&w, "SELECT kind = 'full' FROM cycle"), 1);
	deploy(2);
	assert_int_equal(full_ms_of("c2-lull"), -1);
}

/* Drained for, and not begun, is not what uses the interval up. */
static void a_drained_test_stage_is_no_test(void **state UNUSED)
{
	world_end(&w);
	world_begin(&w,
		    HEAD "    recipe: {short: [deploy], full: [deploy, test]}\n"
			 "    jobs:\n"
			 "      lull: {class: drain, run: [/bin/true]}\n"
			 "      deploy: {stage: deploy, run: [x]}\n"
			 "      test: {stage: test, run: [x], drains: true}\n");
	world_trust_all(&w);
	world_open(&w, 1, STRANGER);
	w.hold = "job.run";
	world_say(&w, 1, MAINTAINER, "@kcibot trigger");
	answer("c1-deploy");
	answer_with("c1-lull", json_pack("{s:s, s:s}", "verdict", "error",
					 "reason_code", "exit"));
	assert_int_equal(world_ask(&w, "SELECT last_full_ms FROM environment"),
			 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(once_before_the_first_that_drains),
		TEST(a_retry_drains_again),
		TEST(a_later_stage_is_the_first),
		TEST(nothing_to_replace_nothing_to_drain),
		TEST(forced_goes_on_and_says_so),
		TEST(a_drain_that_fails_blames_nobody),
		TEST(configured_away_while_it_drains),
		TEST(several_side_by_side),
		TEST(it_is_no_gate),
		TEST(a_gate_that_has_not_begun_is_none),
		TEST(what_drains_for_a_gate_is_cancelled),
		TEST(killed_while_it_drains),
		TEST(waits_for_what_a_full_began),
		TEST(what_failed_before_its_tests_began_none),
		TEST(a_full_that_is_a_short),
		TEST(a_drained_test_stage_is_no_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
