/*
 * `retry`: from the failed stage on when everything is as it was, whole when
 * not, and it says which and why.
 */
#include "tests/unit/cycle_world.h"

static bool ran(const char *key)
{
	return world_sent_with(&w, "job.run", key) > 0;
}

/* Cycle 1: the build is fine, the job deploy ends so. */
static void ended(const char *words, const char *verdict)
{
	world_open(&w, 1, STRANGER);
	w.hold = "job.run";
	world_say(&w, 1, MAINTAINER, words);
	job_ends("c1-build", "success");
	w.hold = NULL;
	job_ends("c1-deploy", verdict);
	assert_int_equal(cycle(1, "state = 'finished'"), 1);
}

static int64_t retry(void)
{
	world_pass(&w, 1000); /* after the failure, as the clock shows it */
	return world_say(&w, 1, MAINTAINER, "@kcibot retry");
}

/* --- kept --- */

static void only_the_failed_stage_runs(void **state UNUSED)
{
	const struct world_effect *x;
	int64_t id;

	ended("@kcibot deploy", "failure");
	assert_string_equal(world_status(&w, 1), "failure");
	id = retry();
	assert_said("staging: cycle 1 again, from stage deploy on; kept: "
		    "build.");
	assert_int_equal(cycle(2, "purpose = 'retry' AND of_cycle = 1 AND"
				  " first_stage = 1 AND whole_why = '' AND"
				  " verdict = 'success'"),
			 1);
	assert_false(ran("c2-build"));
	assert_true(ran("c2-deploy"));
	/* It works with what that build has made. */
	x = world_last(&w, "job.run", "c2-deploy");
	assert_int_equal(js_int(x->args, "cycle", 0), 2);
	assert_int_equal(js_int(x->args, "number", 0), 1);
	assert_int_equal(js_int(x->args, "manifest.cycle", 0), 1);
	assert_int_equal(js_int(x->args, "manifest.attempt", 0), 2);
	/* A new word brings back what was excluded. */
	assert_true(world_reacted(&w, id, "rocket"));
	assert_string_equal(world_status(&w, 1), "success");
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM job WHERE"
				       " cycle_id = 2 AND name = 'build' AND"
				       " state = 'skipped' AND"
				       " text = 'kept from cycle 1'"),
			 1);
	assert_non_null(world_last(&w, "forge.comment",
				   "retry of cycle 1, from stage deploy on"));
	assert_int_equal(world_audited(&w, "retry", "user11"), 1);
	assert_int_equal(world_audited(&w, "cycle.begin", "\"retry\":1"), 1);
	/* What was kept counts as built: nothing there has changed. */
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_false(ran("c3-build"));
	assert_null(
		js_get(world_last(&w, "job.run", "c3-deploy")->args, "number"));
}

/* The number is that of the first, however often. */
static void a_retry_of_a_retry(void **state UNUSED)
{
	ended("@kcibot deploy", "error");
	w.job_verdict = "error";
	retry();
	assert_int_equal(cycle(2, "verdict = 'error' AND first_stage"), 1);
	w.job_verdict = "success";
	retry();
	assert_said("cycle 2 again, from stage deploy on; kept: build.");
	assert_int_equal(cycle(3, "number = 1 AND of_cycle = 2 AND verdict ="
				  " 'success'"),
			 1);
	assert_false(ran("c3-build"));
}

static void a_failed_first_stage_keeps_none(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	w.job_verdict = "failure";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	w.job_verdict = "success";
	retry();
	assert_said("staging: cycle 1 again, from stage build on.");
	assert_true(ran("c2-build"));
	assert_string_equal(world_status(&w, 1), "success");
}

/* --- not kept --- */

static void a_push_makes_it_whole(void **state UNUSED)
{
	world_open(&w, 2, CONTRIBUTOR);
	ended("@kcibot deploy", "failure");
	world_push(&w, 2, 'b');
	retry();
	assert_said("staging: a new cycle from its first stage on, because #");
	assert_said("2 was pushed since.");
	assert_int_equal(cycle(2, "first_stage = 0 AND number = 0 AND"
				  " whole_why = '#2 was pushed since'"),
			 1);
	assert_true(ran("c2-build"));
	assert_non_null(world_last(&w, "forge.comment",
				   "retry of cycle 1, all stages, because "));
}

static void one_more_makes_it_whole(void **state UNUSED)
{
	ended("@kcibot deploy", "error");
	world_open(&w, 2, CONTRIBUTOR);
	retry();
	assert_said("2 is aboard now.");
	assert_true(ran("c2-build"));
}

static void one_less_makes_it_whole(void **state UNUSED)
{
	world_open(&w, 2, CONTRIBUTOR);
	ended("@kcibot deploy", "error");
	world_say(&w, 2, MAINTAINER, "@kcibot skip");
	retry();
	assert_said("2 is not aboard any more.");
	assert_true(ran("c2-build"));
}

/* No webhook told of it: the merge finds it out, and the comment says so. */
static void a_base_that_moved_makes_it_whole(void **state UNUSED)
{
	ended("@kcibot deploy", "failure");
	world_sha(w.base_sha, '9');
	retry();
	assert_said("cycle 1 again, from stage deploy on");
	assert_int_equal(cycle(2, "first_stage = 0 AND whole_why ="
				  " 'main of " REPO " has moved since'"),
			 1);
	assert_true(ran("c2-build"));
}

static void a_branch_that_was_moved_makes_it_whole(void **state UNUSED)
{
	ended("@kcibot deploy", "failure");
	world_sha(w.staged_sha, '8');
	retry();
	assert_int_equal(cycle(2, "whole_why = 'somebody moved staging of " REPO
				  " since'"),
			 1);
	assert_true(ran("c2-build"));
}

/* The push finds the merge gone: it is made and weighed again. */
static void merge_is_gone(char moved_to)
{
	ended("@kcibot deploy", "failure");
	w.hold = "git.push";
	retry();
	assert_int_equal(cycle(2, "first_stage"), 1);
	if (moved_to)
		world_sha(w.staged_sha, moved_to);
	w.hold = NULL;
	world_answer(world_last(&w, "git.push", "sha"), ERR_MISSING, NULL);
	world_run(&w);
	assert_int_equal(cycle(2, "batches = 2 AND verdict = 'success'"), 1);
}

static void a_second_merge_keeps_the_same(void **state UNUSED)
{
	merge_is_gone(0);
	assert_int_equal(cycle(2, "first_stage = 1 AND whole_why = ''"), 1);
	assert_false(ran("c2-build"));
}

static void a_second_merge_makes_it_whole(void **state UNUSED)
{
	merge_is_gone('8');
	assert_int_equal(cycle(2,
			       "first_stage = 0 AND number = 0 AND"
			       " whole_why = 'somebody moved staging of " REPO
			       " since'"),
			 1);
	assert_true(ran("c2-build"));
}

static void another_deploy_makes_it_whole(void **state UNUSED)
{
	ended("@kcibot deploy", "failure");
	/* The environment is put back without it. */
	world_pass(&w, HOUR);
	assert_int_equal(world_cycles(&w), 2);
	retry();
	assert_said("because cycle 2 has deployed since.");
	assert_true(ran("c3-build"));
	assert_string_equal(world_status(&w, 1), "success");
}

static void another_recipe_makes_it_whole(void **state UNUSED)
{
	static char yaml[4096];
	char *at;

	ended("@kcibot deploy", "failure");
	snprintf(yaml, sizeof(yaml), "%s", world_yaml);
	at = strstr(yaml, "stage: deploy, run: [/bin/true]");
	memcpy(at, "stage: deploy, run: [/bin/echo]", 31);
	world_kill(&w);
	world_set_config(&w, yaml);
	world_boot(&w);
	world_say(&w, 1, MAINTAINER,
		  "@kcibot retry 1111111111111111111111111111111111111111");
	assert_said("because the recipe was changed since.");
	assert_true(ran("c2-build"));
}

static void what_was_cancelled_is_done_anew(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_push(&w, 1, 'a');
	w.hold = "job.run";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_say(&w, 1, MAINTAINER, "@kcibot cancel");
	w.hold = NULL;
	job_ends("c2-build", "cancelled");
	assert_int_equal(cycle(3, "purpose = 'rollback' AND verdict ="
				  " 'success'"),
			 1);
	retry();
	assert_said("because cycle 3 has deployed since.");
	assert_int_equal(cycle(4, "purpose = 'retry' AND of_cycle = 2 AND"
				  " verdict = 'success'"),
			 1);
}

/* --- a full --- */

/* The tests were begun, so the interval counts: it is booked. */
static void the_tests_of_a_full_are_booked(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	w.hold = "job.run";
	world_say(&w, 1, MAINTAINER, "@kcibot trigger");
	job_ends("c1-build", "success");
	job_ends("c1-deploy", "success");
	w.hold = NULL;
	job_ends("c1-tests", "error");
	retry();
	assert_said("staging: cycle 1 again, from stage test on; kept: build, "
		    "deploy; booked, for the next full may start at ");
	assert_int_equal(world_cycles(&w), 1);
	world_pass(&w, 5 * HOUR);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM cycle WHERE kind"
				       " = 'full'"),
			 1);
	world_pass(&w, 2 * HOUR);
	assert_int_equal(cycle(2, "kind = 'full' AND first_stage = 2 AND"
				  " verdict = 'success'"),
			 1);
	assert_false(ran("c2-deploy"));
	assert_true(ran("c2-tests"));
	assert_string_equal(world_status(&w, 1), "success");
}

/* Its tests were stopped and it was taken away: what a short brings is not
 * there, so it does not wait for the full. */
static void a_full_that_was_put_back_is_short_first(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_push(&w, 1, 'a');
	w.hold = "job.run";
	world_say(&w, 1, MAINTAINER, "@kcibot trigger");
	job_ends("c2-build", "success");
	job_ends("c2-deploy", "success");
	world_say(&w, 1, MAINTAINER, "@kcibot cancel");
	w.hold = NULL;
	job_ends("c2-tests", "cancelled");
	assert_int_equal(cycle(3, "purpose = 'rollback' AND verdict ="
				  " 'success'"),
			 1);
	retry();
	assert_said("because cycle 3 has deployed since; a short goes first, "
		    "for the next full may start at ");
	assert_int_equal(cycle(4, "kind = 'short' AND verdict = 'success'"), 1);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM request WHERE"
				       " state = 'booked' AND kind = 'full'"),
			 1);
}

/* It never came to its tests, so it is done at once. */
static void a_full_without_tests_goes_at_once(void **state UNUSED)
{
	ended("@kcibot trigger", "error");
	retry();
	assert_int_equal(cycle(2, "kind = 'full' AND first_stage = 1 AND"
				  " verdict = 'success'"),
			 1);
	assert_true(ran("c2-tests"));
}

/* --- nothing to do again --- */

static void there_must_be_something(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	assert_true(world_reacted(&w, retry(), "confused"));
	assert_said("no deploy on staging had it aboard");
	assert_said("@kcibot deploy");
	w.hold = "job.run";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_true(world_reacted(&w, retry(), "confused"));
	assert_said("cycle 1 runs on staging with it now");
	job_ends("c1-build", "success");
	w.hold = NULL;
	job_ends("c1-deploy", "success");
	assert_true(world_reacted(&w, retry(), "confused"));
	assert_said("the last deploy with it on staging, cycle 1, went well");
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM request WHERE"
				       " retry_of > 0"),
			 0);
	assert_int_equal(world_cycles(&w), 1);
}

/* A word of a maintainer: it does not wait for the cooldown, but for a lock. */
static void it_waits_like_a_deploy(void **state UNUSED)
{
	ended("@kcibot deploy", "error");
	world_say(&w, 1, ADMIN, "@kcibot lock");
	retry();
	assert_int_equal(world_cycles(&w), 1);
	world_restart(&w);
	world_say(&w, 1, ADMIN, "@kcibot unlock");
	assert_int_equal(cycle(2, "first_stage = 1 AND verdict = 'success'"),
			 1);
}

/* Killed in its midst, it keeps the same. */
static void killed_in_its_midst(void **state UNUSED)
{
	static const char *const kinds[] = {"git.batch", "git.push", "job.run"};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		begin(NULL);
		ended("@kcibot deploy", "failure");
		w.hold = kinds[i];
		retry();
		w.hold = NULL;
		world_restart(&w);
		world_run(&w);
		assert_int_equal(cycle(2, "first_stage = 1 AND verdict ="
					  " 'success'"),
				 1);
		assert_false(ran("c2-build"));
		world_end(&w);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		T(only_the_failed_stage_runs),
		T(a_retry_of_a_retry),
		T(a_failed_first_stage_keeps_none),
		T(a_push_makes_it_whole),
		T(one_more_makes_it_whole),
		T(one_less_makes_it_whole),
		T(a_base_that_moved_makes_it_whole),
		T(a_branch_that_was_moved_makes_it_whole),
		T(a_second_merge_keeps_the_same),
		T(a_second_merge_makes_it_whole),
		T(another_deploy_makes_it_whole),
		T(another_recipe_makes_it_whole),
		T(what_was_cancelled_is_done_anew),
		T(the_tests_of_a_full_are_booked),
		T(a_full_that_was_put_back_is_short_first),
		T(a_full_without_tests_goes_at_once),
		T(there_must_be_something),
		T(it_waits_like_a_deploy),
		cmocka_unit_test(killed_in_its_midst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
