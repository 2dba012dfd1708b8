/*
 * `cancel` of what runs: who may, what is stopped, in which state the
 * environment is left; also when the process is killed in the midst of it.
 * test_waits_again.c has who waits again after it.
 */
#include "tests/unit/cycle_world.h"

static const char *sticky(int64_t number)
{
	char with[64];
	const struct world_effect *x;

	snprintf(with, sizeof(with), "\"number\":%lld,", (long long)number);
	for (size_t i = w.sent_count; i > 0; i--) {
		x = &w.sent[i - 1];
		if (!strcmp(x->kind, "forge.comment") &&
		    world_args_hold(x, "kcibot:sticky") &&
		    world_args_hold(x, with))
			return js_str(x->args, "body");
	}
	fail_msg("no sticky on %lld", (long long)number);
	return "";
}

static void assert_sticky(int64_t number, const char *part)
{
	if (!strstr(sticky(number), part))
		fail_msg("no \"%s\" in: %s", part, sticky(number));
}

/* --- what is touched --- */

static void a_job_is_stopped_and_green_put_back(void **state UNUSED)
{
	char sha[41], green[41];
	int64_t asked;

	deployed();
	memcpy(green, w.staged_sha, sizeof(green));
	world_open(&w, 2, STRANGER);
	w.hold = "job.run job.cancel";
	asked = world_say(&w, 2, MAINTAINER, "@kcibot deploy");
	memcpy(sha, w.staged_sha, sizeof(sha));
	assert_string_not_equal(sha, green);
	world_say(&w, 2, MAINTAINER, "@kcibot cancel");
	assert_said("Stopped: cycle 2 (short) on staging, in stage build; the "
		    "last green deploy is put back on staging, manifest "
		    "`staging-1`.");
	assert_int_equal(world_sent_with(&w, "job.cancel", "c2-build"), 1);
	assert_int_equal(cycle(2, "state = 'stopping'"), 1);
	/* Nothing else begins while its job ends. */
	assert_int_equal(world_cycles(&w), 1 + 1);
	job_ends("c2-build", "cancelled");
	assert_int_equal(cycle(2, "verdict = 'cancelled' AND reason_code ="
				  " 'cancelled' AND cancelled_by = 'user11'"),
			 1);
	assert_int_equal(cycle(3, "purpose = 'rollback' AND of_cycle = 2 AND"
				  " kind = 'short' AND state = 'running'"),
			 1);
	/* The very commits of then, from where the branch is now. */
	assert_string_equal(w.staged_sha, green);
	assert_int_equal(world_sent_with(&w, "git.push", sha), 2);
	assert_sticky(2, "cancelled by user11 in stage build; staging is being "
			 "put back to manifest `staging-1` by cycle 3");
	w.hold = NULL;
	/* The build ran without an end: it is done again, under the number of
	 * the cycle whose manifest it is. */
	assert_int_equal(world_sent_with(&w, "job.run", "c3-build"), 1);
	assert_int_equal(js_int(world_last(&w, "job.run", "c3-build")->args,
				"number", 0),
			 1);
	world_answer(world_last(&w, "job.run", "c3-build"), ERR_OK, NULL);
	world_run(&w);
	assert_int_equal(cycle(3, "verdict = 'success'"), 1);
	assert_int_equal(world_ask(&w, "SELECT deployed_cycle FROM"
				       " environment"),
			 3);
	/* It has a tag, and the same revisions are there. */
	assert_int_equal(cycle(3, "tag = 'staging-1'"), 1);
	assert_int_equal(world_sent(&w, "git.tag"), 1);
	assert_string_equal(world_status(&w, 1), "success");
	assert_string_equal(world_status(&w, 2), "error");
	assert_non_null(strstr(world_description(&w, 2),
			       "short not done: cancelled by user11"));
	world_pass(&w, MINUTE);
	assert_sticky(2, "staging was put back");
	assert_true(world_reacted(&w, asked, "confused"));
	assert_int_equal(world_audited(&w, "cancel", "\"cycles\":[2]"), 1);
	assert_int_equal(world_audited(&w, "cycle.end", "cancelled by user11"),
			 1);
	assert_int_equal(world_audited(&w, "cycle.begin", "\"rollback\":2"), 1);
	/* And it stays so: nobody asks for it any more. */
	assert_int_equal(requests("state IN ('waiting', 'booked', 'running')"
				  " AND kind <> 'auto'"),
			 0);
}

/* How a text says a branch's tag is none of this test's business. */
static void nothing_moved_stays_as_it_was(void **state UNUSED)
{
	deployed();
	running(2, "@kcibot deploy", "git.batch");
	world_say(&w, 2, MAINTAINER, "@kcibot cancel");
	assert_said("Stopped: cycle 2 (short) on staging, while it was being "
		    "merged; "
		    "staging is as it was: manifest `staging-1`.");
	assert_int_equal(cycle(2, "verdict = 'cancelled'"), 1);
	assert_int_equal(world_cycles(&w), 2);
	assert_int_equal(world_sent(&w, "job.cancel"), 0);
	/* The merge ends all the same, and nobody looks at it. */
	w.hold = NULL;
	world_answer(world_last(&w, "git.batch", "sha"), ERR_OK, NULL);
	world_run(&w);
	assert_int_equal(world_sent(&w, "git.push"), 1);
	assert_int_equal(world_cycles(&w), 2);
}

/* Whether a push arrived is known when it is answered. */
static void a_push_is_waited_for(void **state UNUSED)
{
	deployed();
	running(2, "@kcibot deploy", "git.push");
	world_say(&w, 2, MAINTAINER, "@kcibot cancel");
	assert_said("being pushed: what has moved by then is put back");
	assert_int_equal(cycle(2, "state = 'stopping'"), 1);
	world_pass(&w, MINUTE);
	assert_int_equal(cycle(2, "state = 'stopping'"), 1);
	w.hold = NULL;
	world_answer(world_last(&w, "git.push", "sha"), ERR_OK, NULL);
	world_run(&w);
	assert_int_equal(cycle(2, "verdict = 'cancelled'"), 1);
	assert_int_equal(cycle(3, "purpose = 'rollback' AND verdict ="
				  " 'success'"),
			 1);
	/* It did not arrive: nothing has to be put back. */
	running(3, "@kcibot deploy", "git.push");
	world_say(&w, 3, MAINTAINER, "@kcibot cancel");
	w.hold = NULL;
	world_answer(world_last(&w, "git.push", "sha"), ERR_CONFLICT, NULL);
	world_run(&w);
	assert_int_equal(cycle(4, "verdict = 'cancelled'"), 1);
	assert_int_equal(world_cycles(&w), 4);
}

static void without_a_green_one_it_stays(void **state UNUSED)
{
	running(1, "@kcibot deploy", "job.run");
	world_say(&w, 1, MAINTAINER, "@kcibot cancel");
	assert_said("staging stays as the stopped deploy left it, for there is "
		    "no green manifest to go back to.");
	job_ends("c1-build", "cancelled");
	assert_int_equal(cycle(1, "verdict = 'cancelled'"), 1);
	assert_int_equal(world_cycles(&w), 1);
	assert_sticky(1, "no green manifest to go back to");
}

/* What a restart had moved before counts as well. */
static void also_what_was_restarted_is_put_back(void **state UNUSED)
{
	deployed();
	running(2, "@kcibot deploy", "job.run");
	world_open(&w, 3, STRANGER);
	world_say(&w, 3, MAINTAINER, "@kcibot deploy");
	w.hold = "git.batch";
	job_ends("c2-build", "cancelled");
	assert_int_equal(cycle(3, "state = 'merging' AND restarts"), 1);
	world_say(&w, 3, MAINTAINER, "@kcibot cancel");
	assert_said("the last green deploy is put back");
	assert_int_equal(cycle(4, "purpose = 'rollback'"), 1);
}

/* --- who may --- */

static int64_t confused(int64_t number, int64_t who, const char *part)
{
	int64_t id = world_say(&w, number, who, "@kcibot cancel");
	bool refused = world_reacted(&w, id, "confused");

	if (part)
		assert_said(part);
	return refused;
}

static void a_full_is_its_askers(void **state UNUSED)
{
	world_trust(&w, 15, "maintainer");
	running(1, "@kcibot trigger", "job.run");
	assert_int_equal(cycle(1, "kind = 'full'"), 1);
	assert_true(confused(1, 15,
			     "a full is stopped by who asked for it, "
			     "or by an admin"));
	assert_true(confused(1, STRANGER, NULL));
	assert_int_equal(cycle(1, "state = 'running'"), 1);
	assert_int_equal(requests("state = 'running'"), 1);
	assert_int_equal(world_sent(&w, "job.cancel"), 0);
	assert_false(confused(1, MAINTAINER, "Stopped: cycle 1 (full)"));
	assert_int_equal(cycle(1, "state = 'stopping'"), 1);
}

/* Whoever rides in a full for less cannot stop it, and gets no full later. */
static void who_rides_in_a_full_asked_for_less(void **state UNUSED)
{
	world_trust(&w, 15, "maintainer");
	deployed();
	world_open(&w, 3, STRANGER);
	world_open(&w, 4, STRANGER);
	world_say(&w, 4, ADMIN, "@kcibot lock 1h");
	world_say(&w, 3, 15, "@kcibot deploy");
	world_say(&w, 4, MAINTAINER, "@kcibot trigger");
	w.hold = "job.run";
	world_say(&w, 4, ADMIN, "@kcibot unlock");
	assert_int_equal(cycle(2, "kind = 'full'"), 1);
	assert_int_equal(requests("cycle_id = 2 AND state = 'running'"), 2);
	assert_true(confused(3, 15, "a full is stopped by who asked for it"));
	assert_false(confused(4, MAINTAINER, "Stopped: cycle 2 (full)"));
	w.hold = NULL;
	job_ends("c2-build", "cancelled");
	assert_int_equal(requests("outcome = 'success' AND kind = 'short' AND"
				  " pull_id = (SELECT id FROM pull"
				  " WHERE number = 3)"),
			 1);
	assert_int_equal(requests("state = 'booked'"), 0);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM cycle"
				       " WHERE kind = 'full'"),
			 1);
}

static void an_author_stops_the_own_short(void **state UNUSED)
{
	deployed();
	running(2, "@kcibot deploy", "git.batch");
	assert_false(confused(2, STRANGER, "Stopped: cycle 2"));
	/* Not what also runs for somebody else. */
	world_open(&w, 3, OTHER_STRANGER);
	world_say(&w, 3, MAINTAINER, "@kcibot deploy");
	w.pulls[2].author = STRANGER;
	world_say(&w, 2, MAINTAINER, "@kcibot deploy");
	assert_int_equal(requests("state = 'running'"), 2);
	assert_true(confused(3, OTHER_STRANGER, "it runs for others as well"));
	/* And a maintainer who asked for none of it may. */
	world_trust(&w, 15, "maintainer");
	assert_false(confused(3, 15, "Stopped: cycle"));
	assert_int_equal(requests("outcome = 'stopped' AND pull_id ="
				  " (SELECT id FROM pull WHERE number = 3)"),
			 1);
	assert_int_equal(world_sent_with(&w, "forge.comment",
					 "The deploy was stopped with"),
			 2);
}

static void a_cycle_without_it_is_not_its_own(void **state UNUSED)
{
	deployed();
	running(2, "@kcibot deploy", "job.run");
	world_open(&w, 4, OTHER_STRANGER);
	world_say(&w, 4, ADMIN, "@kcibot cancel");
	assert_said("There is nothing to cancel: nobody's request waits here, "
		    "and no deploy runs with this pull request.");
	assert_int_equal(world_sent(&w, "job.cancel"), 0);
}

/* --- again, too late, not now --- */

static void twice_is_once(void **state UNUSED)
{
	deployed();
	running(2, "@kcibot deploy", "job.run job.cancel");
	world_say(&w, 2, MAINTAINER, "@kcibot cancel");
	world_say(&w, 2, ADMIN, "@kcibot cancel");
	assert_said("Cycle 2 on staging is being stopped already, by user11.");
	assert_int_equal(world_sent(&w, "job.cancel"), 1);
	assert_int_equal(world_audited(&w, "cancel", "Stopped"), 1);
	w.hold = NULL;
	job_ends("c2-build", "cancelled");
	assert_int_equal(cycle(2, "cancelled_by = 'user11'"), 1);
	assert_int_equal(world_cycles(&w), 3);
	world_say(&w, 2, MAINTAINER, "@kcibot cancel");
	assert_said("Cycle 2 on staging with this pull request has ended "
		    "already: cancelled.");
}

/* The job is done before it hears of it: the cycle is cancelled all the same,
 * since somebody was told so. */
static void a_job_that_was_faster(void **state UNUSED)
{
	deployed();
	running(2, "@kcibot deploy", "job.run job.cancel");
	world_say(&w, 2, MAINTAINER, "@kcibot cancel");
	w.hold = NULL;
	job_ends("c2-build", "success");
	assert_int_equal(cycle(2, "verdict = 'cancelled'"), 1);
	assert_int_equal(world_sent_with(&w, "job.run", "c2-deploy"), 0);
	assert_int_equal(cycle(3, "verdict = 'success'"), 1);
}

static void a_rollback_is_not_interrupted(void **state UNUSED)
{
	deployed();
	running(2, "@kcibot deploy", "job.run");
	world_say(&w, 2, MAINTAINER, "@kcibot cancel");
	job_ends("c2-build", "cancelled");
	assert_int_equal(cycle(3, "state = 'running'"), 1);
	assert_true(confused(1, ADMIN,
			     "it puts the last green deploy back, "
			     "and that is not interrupted"));
	/* Nor by a deploy. */
	world_say(&w, 2, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_cycles(&w), 3);
	assert_int_equal(cycle(3, "state = 'running'"), 1);
	w.hold = NULL;
	job_ends("c3-build", "success");
	assert_string_equal(world_status(&w, 2), "success");
}

/* What was to be restarted is only stopped then. */
static void a_restart_is_cancelled(void **state UNUSED)
{
	deployed();
	running(2, "@kcibot deploy", "job.run job.cancel");
	world_open(&w, 3, STRANGER);
	world_say(&w, 3, ADMIN, "@kcibot deploy");
	assert_int_equal(cycle(2, "restart_as = 'short'"), 1);
	world_say(&w, 2, MAINTAINER, "@kcibot cancel");
	assert_int_equal(world_sent(&w, "job.cancel"), 1);
	w.hold = NULL;
	job_ends("c2-build", "cancelled");
	assert_int_equal(cycle(2, "reason_code = 'cancelled'"), 1);
	assert_int_equal(cycle(3, "purpose = 'rollback'"), 1);
	/* The other was never of it, and goes next. */
	assert_string_equal(world_status(&w, 3), "success");
}

/* --- what it does not do --- */

static void it_speaks_against_nobody(void **state UNUSED)
{
	deployed();
	for (int i = 0; i < 4; i++) {
		w.hold = "job.run";
		if (i == 0)
			world_open(&w, 2, STRANGER);
		world_say(&w, 2, MAINTAINER, "@kcibot deploy");
		world_say(&w, 2, MAINTAINER, "@kcibot cancel");
		w.hold = NULL;
		world_answer(world_last(&w, "job.run", ""), ERR_OK,
			     json_pack("{s:s}", "verdict", "error"));
		world_run(&w);
	}
	assert_int_equal(world_ask(&w, "SELECT errors_in_row + broken_ms FROM"
				       " environment"),
			 0);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM result WHERE"
				       " outcome <> 'success'"),
			 0);
}

/* Only tests that were really begun use the interval up. */
static void a_full_without_tests_is_none(void **state UNUSED)
{
	running(1, "@kcibot trigger", "job.run");
	world_say(&w, 1, MAINTAINER, "@kcibot cancel");
	job_ends("c1-build", "cancelled");
	assert_int_equal(world_ask(&w, "SELECT last_full_ms FROM environment"),
			 0);
	w.hold = NULL;
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	w.hold = "job.run";
	world_say(&w, 1, MAINTAINER, "@kcibot trigger");
	assert_int_equal(cycle(3, "kind = 'full'"), 1);
	job_ends("c3-deploy", "success");
	world_say(&w, 1, MAINTAINER, "@kcibot cancel");
	w.hold = NULL;
	job_ends("c3-tests", "cancelled");
	assert_int_equal(cycle(3, "verdict = 'cancelled'"), 1);
	assert_int_equal(world_ask(&w, "SELECT last_full_ms > 0 FROM"
				       " environment"),
			 1);
}

/* A rollback that does not work is said, and tried by the next deploy. */
static void what_cannot_be_put_back_is_said(void **state UNUSED)
{
	deployed();
	running(2, "@kcibot deploy", "job.run");
	world_say(&w, 2, MAINTAINER, "@kcibot cancel");
	job_ends("c2-build", "cancelled");
	w.hold = NULL;
	job_ends("c3-build", "failure");
	assert_int_equal(cycle(3, "verdict = 'failure'"), 1);
	assert_string_equal(world_status(&w, 1), "success");
	world_pass(&w, MINUTE);
	assert_sticky(2, "putting staging back failed in cycle 3");
	assert_int_equal(requests("state = 'waiting' AND origin = 'state'"), 1);
	world_pass(&w, HOUR);
	assert_int_equal(world_ask(&w, "SELECT verdict = 'success' FROM cycle"
				       " ORDER BY id DESC LIMIT 1"),
			 1);
}

/* The wish to be rid of it was spent on a cycle that failed. */
static void what_was_closed_does_not_come_back_to_stay(void **state UNUSED)
{
	static const char there[] =
		"SELECT count(*) FROM revision WHERE result = 'merged' AND"
		" cycle_id = (SELECT deployed_cycle FROM environment)";

	deployed();
	w.job_verdict = "failure";
	world_set_state(&w, 1, "closed");
	world_pass(&w, HOUR);
	assert_int_equal(cycle(2, "verdict = 'failure'"), 1);
	assert_int_equal(requests("state = 'waiting'"), 0);
	w.job_verdict = "success";
	running(2, "@kcibot deploy", "job.run");
	world_say(&w, 2, MAINTAINER, "@kcibot cancel");
	w.hold = NULL;
	job_ends("c3-build", "cancelled");
	assert_int_equal(cycle(4, "purpose = 'rollback' AND verdict ="
				  " 'success'"),
			 1);
	assert_int_equal(world_ask(&w, there), 1);
	world_pass(&w, HOUR);
	assert_int_equal(world_ask(&w, there), 0);
	assert_int_equal(world_cycles(&w), 5);
}

/* It is being stopped already, but its push is on the way. */
static void a_push_of_a_restart_is_told_as_such(void **state UNUSED)
{
	deployed();
	running(2, "@kcibot deploy", "git.push");
	world_open(&w, 3, STRANGER);
	world_say(&w, 3, ADMIN, "@kcibot deploy");
	assert_int_equal(cycle(2, "state = 'stopping' AND awaits_push"), 1);
	world_say(&w, 2, MAINTAINER, "@kcibot cancel");
	assert_said("being pushed: what has moved by then is put back");
	w.hold = NULL;
	world_answer(world_last(&w, "git.push", "sha"), ERR_OK, NULL);
	world_run(&w);
	assert_int_equal(cycle(3, "purpose = 'rollback'"), 1);
	assert_string_equal(world_status(&w, 3), "success");
}

/* What git does not tell is not pushed. */
static void a_senseless_answer_pushes_nothing(void **state UNUSED)
{
	size_t pushes;

	deployed();
	running(2, "@kcibot deploy", "job.run");
	world_say(&w, 2, MAINTAINER, "@kcibot cancel");
	pushes = world_sent(&w, "git.push");
	w.hold = "git.batch";
	job_ends("c2-build", "cancelled");
	w.hold = NULL;
	world_answer(world_last(&w, "git.batch", ""), ERR_OK,
		     json_pack("{s:[]}", "projects"));
	world_run(&w);
	assert_int_equal(world_sent(&w, "git.push"), pushes);
	assert_int_equal(cycle(3, "verdict = 'error'"), 1);
}

/* A lock keeps the new out; what was there comes back. */
static void a_lock_does_not_keep_it_broken(void **state UNUSED)
{
	deployed();
	running(2, "@kcibot deploy", "job.run");
	world_say(&w, 1, ADMIN, "@kcibot lock");
	world_say(&w, 2, MAINTAINER, "@kcibot cancel");
	w.hold = NULL;
	job_ends("c2-build", "cancelled");
	assert_int_equal(cycle(3, "purpose = 'rollback' AND verdict ="
				  " 'success'"),
			 1);
}

static const char gated_jobs[] =
	"    jobs:\n"
	"      deploy: {stage: build, run: [/bin/true], timeout: 5m}\n"
	"      gate: {stage: deploy, http: {url: \"http://127.0.0.1:1/\","
	" expect: {status: 200}, tries: 1, every: 1s}}\n"
	"      tests: {stage: test, run: [/bin/true], timeout: 5m}\n";

static void a_gate_is_not_interrupted(void **state UNUSED)
{
	static char yaml[4096];
	const char *jobs = strstr(world_yaml, "    jobs:\n");

	snprintf(yaml, sizeof(yaml), "%.*s%s", (int)(jobs - world_yaml),
		 world_yaml, gated_jobs);
	world_kill(&w);
	world_set_config(&w, yaml);
	world_boot(&w);
	running(1, "@kcibot deploy", "job.run");
	w.hold = "job.run";
	job_ends("c1-deploy", "success");
	assert_true(confused(1, ADMIN,
			     "it checks the health of what it "
			     "deployed, and that is not "
			     "interrupted"));
	assert_int_equal(cycle(1, "state = 'running'"), 1);
	w.hold = NULL;
	job_ends("c1-gate", "success");
	assert_string_equal(world_status(&w, 1), "success");
}

static void what_a_state_job_changed_stays(void **state UNUSED)
{
	static char yaml[4096];
	const char *at = strstr(world_yaml, "build: {stage: build, ") +
			 strlen("build: {stage: build, ");

	snprintf(yaml, sizeof(yaml), "%.*sclass: state, %s",
		 (int)(at - world_yaml), world_yaml, at);
	world_kill(&w);
	world_set_config(&w, yaml);
	world_boot(&w);
	deployed();
	running(2, "@kcibot deploy", "job.run");
	world_say(&w, 2, MAINTAINER, "@kcibot cancel");
	assert_said("manifest `staging-1`, but what job build has changed "
		    "stays.");
}

/* --- kill -9 --- */

/* Killed while each effect of it is under way, it ends the same. */
static void killed_at_every_effect(void **state UNUSED)
{
	static const char *const kinds[] = {
		"job.cancel", "git.batch",     "git.push",     "job.run",
		"git.tag",    "forge.comment", "forge.status",
	};

	deployed();
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		char hold[64];
		int64_t n = (int64_t)i + 2;
		int64_t before = world_cycles(&w);

		running(n, "@kcibot deploy", "job.run job.cancel");
		snprintf(hold, sizeof(hold), "job.run job.cancel %s", kinds[i]);
		w.hold = hold;
		world_say(&w, n, MAINTAINER, "@kcibot cancel");
		w.hold = kinds[i];
		world_restart(&w);
		world_run(&w);
		/* What a port says of a job that is told to end. */
		for (size_t j = 0; j < w.sent_count; j++)
			if (!strcmp(w.sent[j].kind, "job.run") &&
			    !w.sent[j].answered)
				world_answer(&w.sent[j], ERR_OK,
					     json_pack("{s:s}", "verdict",
						       "cancelled"));
		world_run(&w);
		w.hold = NULL;
		world_restart(&w);
		world_run(&w);
		world_pass(&w, MINUTE);
		if (cycle(before + 1, "verdict = 'cancelled'") != 1)
			fail_msg("%s: not cancelled", kinds[i]);
		assert_int_equal(world_cycles(&w), before + 2);
		assert_int_equal(cycle(before + 2, "purpose = 'rollback'"), 1);
		assert_int_equal(requests("state IN ('waiting', 'running') AND"
					  " kind <> 'auto'"),
				 0);
	}
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM outbox"
				       " WHERE state = 'ready'"),
			 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		T(a_job_is_stopped_and_green_put_back),
		T(nothing_moved_stays_as_it_was),
		T(a_push_is_waited_for),
		T(without_a_green_one_it_stays),
		T(also_what_was_restarted_is_put_back),
		T(a_full_is_its_askers),
		T(who_rides_in_a_full_asked_for_less),
		T(an_author_stops_the_own_short),
		T(a_cycle_without_it_is_not_its_own),
		T(twice_is_once),
		T(a_job_that_was_faster),
		T(a_rollback_is_not_interrupted),
		T(a_restart_is_cancelled),
		T(it_speaks_against_nobody),
		T(a_full_without_tests_is_none),
		T(what_cannot_be_put_back_is_said),
		T(what_was_closed_does_not_come_back_to_stay),
		T(a_push_of_a_restart_is_told_as_such),
		T(a_senseless_answer_pushes_nothing),
		T(what_a_state_job_changed_stays),
		T(a_lock_does_not_keep_it_broken),
		T(a_gate_is_not_interrupted),
		T(killed_at_every_effect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
