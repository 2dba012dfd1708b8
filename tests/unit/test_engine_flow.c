/*
 * Cycles from the wish to what people are told: timing, batches, verdicts,
 * statuses, comments.
 */
#include "bot/base/limits.h"
#include "tests/unit/trusted_world.h"

static int64_t last_cycle(const char *column)
{
	char sql[128];

	snprintf(sql, sizeof(sql),
		 "SELECT %s FROM cycle ORDER BY id DESC LIMIT 1", column);
	return world_ask(&w, sql);
}

/* Something is deployed and green, and nothing waits. */
static void deployed(int64_t number)
{
	world_open(&w, number, STRANGER);
	world_say(&w, number, MAINTAINER, "@kcibot deploy");
	assert_string_equal(world_status(&w, number), "success");
}

/* The jobs that the newest cycle ran, by name. */
static void assert_ran(const char *names)
{
	char sql[256];

	snprintf(sql, sizeof(sql),
		 "SELECT group_concat(name, ' ') = '%s' FROM (SELECT name"
		 " FROM job WHERE cycle_id = (SELECT max(id) FROM cycle)"
		 " AND state = 'finished' ORDER BY name)",
		 names);
	assert_int_equal(world_ask(&w, sql), 1);
}

/* --- timing --- */

static void a_push_settles_then_deploys(void **state UNUSED)
{
	world_open(&w, 1, CONTRIBUTOR);
	assert_int_equal(world_cycles(&w), 0);
	assert_string_equal(world_status(&w, 1), "pending");
	world_pass(&w, 6 * MINUTE);
	assert_int_equal(world_cycles(&w), 1);
	/* The first is a full: there never was one. */
	assert_int_equal(last_cycle("kind = 'full'"), 1);
	assert_string_equal(world_status(&w, 1), "success");
	world_push(&w, 1, 'a');
	world_pass(&w, 20 * MINUTE);
	assert_int_equal(world_cycles(&w), 1); /* cooldown */
	world_pass(&w, 12 * MINUTE);
	assert_int_equal(world_cycles(&w), 2);
	assert_int_equal(last_cycle("kind = 'short'"), 1);
}

static void restarts_at_most_once(void **state UNUSED)
{
	w.hold = "job.run";
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_open(&w, 2, STRANGER);
	world_say(&w, 2, MAINTAINER, "@kcibot deploy");
	/* The running job is cancelled, and only then it starts anew. */
	assert_int_equal(world_sent(&w, "job.cancel"), 1);
	assert_int_equal(world_cycles(&w), 1);
	world_answer(world_last(&w, "job.run", "c1-"), ERR_OK,
		     json_pack("{s:s}", "verdict", "cancelled"));
	world_run(&w);
	assert_int_equal(world_cycles(&w), 2);
	assert_int_equal(last_cycle("restarts"), 1);
	world_open(&w, 3, STRANGER);
	world_say(&w, 3, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_sent(&w, "job.cancel"), 1);
	w.hold = NULL;
	world_answer(world_last(&w, "job.run", "c2-"), ERR_OK, NULL);
	world_run(&w);
	/* The third waited, and has its turn. */
	assert_int_equal(world_cycles(&w), 3);
	assert_string_equal(world_status(&w, 1), "success");
	assert_string_equal(world_status(&w, 3), "success");
	assert_int_equal(world_sent_with(&w, "forge.reaction", "rocket"), 3);
}

static void a_trigger_too_early_is_booked(void **state UNUSED)
{
	int64_t id;

	deployed(1);
	world_open(&w, 2, STRANGER);
	world_say(&w, 2, MAINTAINER, "@kcibot trigger");
	assert_int_equal(last_cycle("kind = 'full'"), 1);
	world_pass(&w, HOUR);
	world_open(&w, 3, STRANGER);
	id = world_say(&w, 3, MAINTAINER, "@kcibot trigger");
	assert_int_equal(last_cycle("kind = 'short'"), 1);
	assert_true(world_reacted(&w, id, "rocket"));
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM request"
				       " WHERE state = 'booked'"),
			 1);
	assert_non_null(strstr(world_description(&w, 3), "full booked"));
	world_pass(&w, 5 * HOUR + 2 * MINUTE);
	assert_int_equal(last_cycle("kind = 'full'"), 1);
	assert_int_equal(last_cycle("verdict = 'success'"), 1);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM request"
				       " WHERE state = 'booked'"),
			 0);
	/* Nothing has changed since, but the tests never saw it. */
	assert_ran("deploy tests");
}

static size_t outcomes_told(int64_t first)
{
	size_t told = 0;

	for (size_t i = (size_t)first; i < w.sent_count; i++)
		told += !strcmp(w.sent[i].kind, "forge.comment") &&
			world_args_hold(&w.sent[i], "kcibot:key request:");
	return told;
}

/* The short of a trigger fails: its asker hears that, and not of the full
 * that was booked with it as well. */
/* A trigger whose tests end like this; does it use the interval up? */
static bool uses_the_interval_up(enum err code, const char *verdict,
				 const char *reason)
{
	world_end(&w);
	world_begin(&w, "");
	world_trust_all(&w);
	world_open(&w, 1, STRANGER);
	w.hold = "job.run";
	world_say(&w, 1, MAINTAINER, "@kcibot trigger");
	world_answer(world_last(&w, "job.run", "c1-build"), ERR_OK, NULL);
	world_run(&w);
	world_answer(world_last(&w, "job.run", "c1-deploy"), ERR_OK, NULL);
	world_run(&w);
	world_answer(world_last(&w, "job.run", "c1-tests"), code,
		     code ? NULL
			  : json_pack("{s:s, s:s}", "verdict", verdict,
				      "reason_code", reason));
	world_run(&w);
	assert_int_equal(last_cycle("kind = 'full' AND state = 'finished'"), 1);
	return world_ask(&w, "SELECT last_full_ms FROM environment") > 0;
}

/* Who repairs what kept the tests from beginning waits for no interval. */
static void tests_that_never_began_count_for_nothing(void **state UNUSED)
{
	assert_false(uses_the_interval_up(ERR_OK, "error", "not_started"));
	assert_false(uses_the_interval_up(ERR_OK, "failure", "not_started"));
	assert_false(uses_the_interval_up(ERR_OK, "error", "secret_missing"));
	assert_false(uses_the_interval_up(ERR_OK, "error", "checkout"));
	assert_false(uses_the_interval_up(ERR_INVALID, "", ""));
	assert_true(uses_the_interval_up(ERR_OK, "error", "vanished"));
	assert_true(uses_the_interval_up(ERR_OK, "error", "signal"));
	assert_true(uses_the_interval_up(ERR_OK, "failure", "timeout"));
}

static void a_failed_short_is_told_once(void **state UNUSED)
{
	size_t before;

	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot trigger");
	world_open(&w, 2, STRANGER);
	before = w.sent_count;
	w.job_verdict = "failure";
	world_say(&w, 2, MAINTAINER, "@kcibot trigger");
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM request WHERE"
				       " outcome = 'short failed'"),
			 1);
	assert_int_equal(outcomes_told((int64_t)before), 1);
}

/* Both halves of a trigger end up in one full: its asker hears once. */
static void both_halves_in_one_full(void **state UNUSED)
{
	size_t before;

	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot trigger");
	world_open(&w, 2, STRANGER);
	w.hold = "job.run";
	world_say(&w, 2, MAINTAINER, "@kcibot trigger");
	assert_int_equal(last_cycle("kind = 'short'"), 1);
	before = w.sent_count;
	world_open(&w, 3, STRANGER);
	world_say(&w, 3, ADMIN, "@kcibot trigger force reason=now");
	w.hold = NULL;
	world_answer(world_last(&w, "job.run", "c2-"), ERR_OK,
		     json_pack("{s:s}", "verdict", "cancelled"));
	world_run(&w);
	assert_int_equal(last_cycle("kind = 'full'"), 1);
	assert_int_equal(last_cycle("verdict = 'success'"), 1);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM request WHERE"
				       " state IN ('waiting', 'booked')"),
			 0);
	/* One for each of the two who asked. */
	assert_int_equal(outcomes_told((int64_t)before), 2);
}

static void a_booking_goes_with_its_revision(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot trigger");
	world_open(&w, 2, STRANGER);
	w.pulls[2].merge = "conflict";
	world_say(&w, 2, MAINTAINER, "@kcibot trigger");
	/* It is not aboard: no full for it, hours later. */
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM request"
				       " WHERE state = 'booked'"),
			 0);
}

/* The schedule finds nothing new: nobody hears of it. */
static void nothing_new_is_silent(void **state UNUSED)
{
	size_t statuses, comments, pushes;
	int64_t cycles;

	deployed(1);
	/* One is left out, so its status is no success. */
	world_open(&w, 2, CONTRIBUTOR);
	w.pulls[2].merge = "conflict";
	w.pulls[2].reason = "conflicts with main";
	world_pass(&w, 2 * HOUR);
	assert_string_equal(world_status(&w, 2), "error");
	cycles = world_cycles(&w);
	statuses = world_sent(&w, "forge.status");
	comments = world_sent(&w, "forge.comment");
	pushes = world_sent(&w, "git.push") + world_sent(&w, "git.tag");
	world_pass(&w, 9 * HOUR);
	assert_int_equal(world_cycles(&w), cycles + 1);
	assert_int_equal(last_cycle("reason_code = 'nothing_new'"), 1);
	assert_int_equal(world_sent(&w, "forge.status"), statuses);
	assert_int_equal(world_sent(&w, "forge.comment"), comments);
	assert_int_equal(world_sent(&w, "git.push") + world_sent(&w, "git.tag"),
			 pushes);
}

/* --- batches --- */

static void a_conflict_is_told_to_who_asked(void **state UNUSED)
{
	struct world_effect *x;
	int64_t id;

	deployed(1);
	world_open(&w, 2, STRANGER);
	w.pulls[2].merge = "conflict";
	w.pulls[2].reason = "conflicts with #1 in src/a.c";
	id = world_say(&w, 2, MAINTAINER, "@kcibot deploy");
	assert_true(world_reacted(&w, id, "-1"));
	assert_string_equal(world_status(&w, 2), "error");
	assert_non_null(strstr(world_description(&w, 2), "conflicts with"));
	x = world_last(&w, "forge.comment", "user11");
	assert_non_null(x);
	/* The others keep their word. */
	assert_string_equal(world_status(&w, 1), "success");
}

/* Names of files are any bytes, and reasons are cut somewhere. */
static void a_long_reason_is_cut_between_characters(void **state UNUSED)
{
	char reason[1200] = "x";

	for (size_t n = 1; n < 1190; n += 2)
		memcpy(reason + n, "\xc3\xa4", 3);
	deployed(1);
	world_open(&w, 2, STRANGER);
	w.pulls[2].merge = "conflict";
	w.pulls[2].reason = reason;
	world_say(&w, 2, MAINTAINER, "@kcibot deploy");
	assert_string_equal(world_status(&w, 2), "error");
	/* And of a refused push. */
	world_open(&w, 3, STRANGER);
	w.hold = "git.push";
	world_say(&w, 3, MAINTAINER, "@kcibot deploy");
	w.hold = NULL;
	world_answer(world_last(&w, "git.push", "staging"), ERR_CONFLICT, NULL);
	world_run(&w);
	assert_string_equal(world_status(&w, 3), "error");
}

/* The mirror that held it was damaged and made anew. */
static void a_merge_that_was_lost_is_made_again(void **state UNUSED)
{
	deployed(1);
	world_open(&w, 2, STRANGER);
	w.hold = "git.push";
	world_say(&w, 2, MAINTAINER, "@kcibot deploy");
	w.hold = NULL;
	world_answer(world_last(&w, "git.push", "staging"), ERR_MISSING, NULL);
	world_run(&w);
	assert_string_equal(world_status(&w, 2), "success");
	/* One whose repository is gone is not merged for ever. */
	world_open(&w, 3, STRANGER);
	w.hold = "git.push";
	world_say(&w, 3, MAINTAINER, "@kcibot deploy");
	for (int i = 0; i < 10; i++) {
		struct world_effect *x = world_last(&w, "git.push", "staging");

		if (!x->answered)
			world_answer(x, ERR_MISSING, NULL);
		world_run(&w);
	}
	w.hold = NULL;
	assert_string_equal(world_status(&w, 3), "error");
}

/* --- verdicts --- */

static void only_the_only_new_one_is_guilty(void **state UNUSED)
{
	deployed(1);
	w.job_verdict = "failure";
	world_open(&w, 2, STRANGER);
	world_say(&w, 2, MAINTAINER, "@kcibot deploy");
	assert_string_equal(world_status(&w, 2), "failure");
	assert_string_equal(world_status(&w, 1), "success");
}

static void two_new_ones_are_not_guilty(void **state UNUSED)
{
	deployed(1);
	w.job_verdict = "failure";
	w.hold = "git.batch";
	world_open(&w, 2, STRANGER);
	world_say(&w, 2, MAINTAINER, "@kcibot deploy");
	world_open(&w, 3, STRANGER);
	w.hold = NULL;
	world_say(&w, 3, MAINTAINER, "@kcibot deploy");
	assert_string_equal(world_status(&w, 2), "error");
	assert_string_equal(world_status(&w, 3), "error");
	assert_non_null(strstr(world_description(&w, 2), "cause not known"));
	assert_string_equal(world_status(&w, 1), "success");
}

/* After a failure the old content is put back, by jobs that really run. */
static void what_a_failure_left_is_replaced(void **state UNUSED)
{
	deployed(1);
	w.job_verdict = "failure";
	world_open(&w, 2, STRANGER);
	world_say(&w, 2, MAINTAINER, "@kcibot deploy");
	w.job_verdict = "success";
	world_set_state(&w, 2, "closed");
	world_pass(&w, HOUR);
	assert_int_equal(last_cycle("verdict = 'success'"), 1);
	assert_ran("build deploy tests");
	/* Green again: now there is nothing that the build looks at. */
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_ran("deploy");
}

/* Each revision's status speaks of the cycle that its result is from. */
static void a_status_speaks_of_its_own_cycle(void **state UNUSED)
{
	deployed(1);
	w.job_verdict = "error";
	world_open(&w, 2, STRANGER);
	world_say(&w, 2, MAINTAINER, "@kcibot deploy");
	assert_string_equal(world_status(&w, 2), "error");
	w.job_verdict = "success";
	w.pulls[2].merge = "conflict";
	w.pulls[2].reason = "conflicts with main";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_string_equal(world_status(&w, 2), "error");
	assert_non_null(
		strstr(world_description(&w, 2), "conflicts with main"));
}

/* Pushed over while it waits: the old head does not stay pending. */
static void nothing_stays_pending(void **state UNUSED)
{
	char old[41];

	world_open(&w, 1, CONTRIBUTOR);
	memcpy(old, w.pulls[1].sha, sizeof(old));
	assert_string_equal(world_status(&w, 1), "pending");
	world_push(&w, 1, 'a');
	assert_string_equal(
		js_str(world_last(&w, "forge.status", old)->args, "state"),
		"error");
	world_set_state(&w, 1, "closed");
	world_pass(&w, 2 * HOUR);
	assert_string_not_equal(world_status(&w, 1), "pending");
}

/* The longest recipe that the configuration takes is a recipe like others. */
static void the_longest_recipe(void **state UNUSED)
{
	CLEANUP(str_release) struct str yaml = STR_INIT(1u << 20), stages;
	const char *recipe = strstr(world_yaml, "      short: ");
	const char *rest = strstr(world_yaml, "    isolation: none\n");
	const char *jobs = strstr(world_yaml, "    jobs:\n");

	stages = (struct str)STR_INIT(1u << 16);
	for (int i = 0; i < LIMIT_STAGES; i++)
		str_addf(&stages, "%c%02d%0*d", i ? ',' : '[', i,
			 LIMIT_STAGE_NAME - 2, 0);
	str_addf(&yaml, "%.*s", (int)(recipe - world_yaml), world_yaml);
	str_addf(&yaml, "      short: %s]\n      full: %s]\n", stages.text,
		 stages.text);
	str_addf(&yaml, "%.*s", (int)(jobs - rest), rest);
	str_puts(&yaml, "    jobs:\n");
	for (int i = 0; i < LIMIT_STAGES; i++)
		str_addf(&yaml,
			 "      %c%0*d: {stage: %02d%0*d, run: [/bin/true],"
			 " timeout: 5m}\n",
			 'a' + i % 26, LIMIT_STAGE_NAME - 1, i, i,
			 LIMIT_STAGE_NAME - 2, 0);
	str_release(&stages);
	world_kill(&w);
	world_set_config(&w, yaml.text);
	world_boot(&w);
	deployed(1);
	assert_int_equal(world_sent(&w, "job.run"), LIMIT_STAGES);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		T(a_push_settles_then_deploys),
		T(restarts_at_most_once),
		T(a_trigger_too_early_is_booked),
		T(tests_that_never_began_count_for_nothing),
		T(a_failed_short_is_told_once),
		T(both_halves_in_one_full),
		T(a_booking_goes_with_its_revision),
		T(nothing_new_is_silent),
		T(a_conflict_is_told_to_who_asked),
		T(a_long_reason_is_cut_between_characters),
		T(a_merge_that_was_lost_is_made_again),
		T(only_the_only_new_one_is_guilty),
		T(two_new_ones_are_not_guilty),
		T(what_a_failure_left_is_replaced),
		T(a_status_speaks_of_its_own_cycle),
		T(nothing_stays_pending),
		T(the_longest_recipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
