/*
 * Several pull requests with one head: a commit shows one status for each
 * environment, and it speaks of the one that has most to say.
 */
#include "tests/unit/trusted_world.h"

/* Opened from the branch of another one. */
static void open_same(int64_t number, int64_t as, const char *base)
{
	struct world_pull *p = world_change(&w, number);

	p->author = STRANGER;
	p->state = "open";
	p->merge = "merged";
	snprintf(p->base, sizeof(p->base), "%s", base);
	world_sha(p->sha, "0123456789abcdef"[as % 16]);
	world_tell(&w, number, "opened");
	world_run(&w);
	world_pass(&w, 2000);
}

/* Its status is looked at anew, and nothing has changed for it. */
static void touch(int64_t number)
{
	world_say(&w, number, MAINTAINER, "@kcibot status");
}

/* What #7 and all with its head show under the environment's name. */
static const struct world_effect *shown(const char *environment)
{
	char context[64];

	snprintf(context, sizeof(context), "\"kcibot/%s\"", environment);
	for (size_t i = w.sent_count; i > 0; i--) {
		const struct world_effect *x = &w.sent[i - 1];

		if (!strcmp(x->kind, "forge.status") &&
		    world_args_hold(x, context) &&
		    world_args_hold(x, "7777777"))
			return x;
	}
	fail_msg("no status under %s", environment);
	return NULL;
}

/* Its state, what it says, and to which pull it leads. */
static void assert_shown(const char *environment, const char *state,
			 const char *part, const char *pull)
{
	const struct world_effect *x = shown(environment);
	const char *url = js_str(x->args, "target_url");

	assert_string_equal(js_str(x->args, "state"), state);
	if (!strstr(js_str(x->args, "description"), part))
		fail_msg("no \"%s\" in: %s", part,
			 js_str(x->args, "description"));
	assert_string_equal(strrchr(url, '/'), pull);
}

/* Looked at again and again, it stays so and nothing is sent. */
static void assert_stays(void)
{
	size_t sent = world_sent(&w, "forge.status");

	touch(7);
	touch(8);
	touch(7);
	touch(8);
	assert_int_equal(world_sent(&w, "forge.status"), sent);
}

static void answer(const char *key, const char *verdict)
{
	world_answer(world_last(&w, "job.run", key), ERR_OK,
		     json_pack("{s:s}", "verdict", verdict));
	world_run(&w);
}

/* Aimed wrong at first, and opened anew in place of that. */
static void one_that_aims_elsewhere_is_silent(void **state UNUSED)
{
	open_same(7, 7, "other");
	open_same(8, 7, "main");
	w.hold = "job.run";
	world_say(&w, 8, MAINTAINER, "@kcibot deploy");
	assert_shown("staging", "pending", "stage build", "/8");
	assert_stays();
	world_set_state(&w, 7, "closed");
	assert_shown("staging", "pending", "stage build", "/8");
	assert_stays();
	w.hold = NULL;
	answer("c1-build", "success");
	assert_shown("staging", "success", "short ok", "/8");
	world_set_state(&w, 7, "open");
	assert_shown("staging", "success", "short ok", "/8");
	assert_stays();
}

/* Git finds the second one merged with the first. */
static void green_is_not_spoken_over(void **state UNUSED)
{
	open_same(7, 7, "main");
	open_same(8, 7, "main");
	world_say(&w, 7, MAINTAINER, "@kcibot deploy");
	assert_shown("staging", "success", "short ok", "/7");
	w.pulls[8].merge = "merged_already";
	world_say(&w, 8, MAINTAINER, "@kcibot deploy");
	assert_shown("staging", "success", "short ok", "/7");
	assert_stays();
	w.pulls[8].merge = "conflict";
	world_say(&w, 8, MAINTAINER, "@kcibot deploy");
	assert_shown("staging", "success", "short ok", "/7");
	/* Nor when it is what runs. */
	w.hold = "job.run";
	world_say(&w, 7, MAINTAINER, "@kcibot deploy");
	world_set_state(&w, 7, "closed");
	touch(8);
	assert_shown("staging", "pending", "stage ", "/7");
	assert_int_equal(world_sent_with(&w, "forge.status", "left out"), 0);
}

/* Its revision runs, though its branch is elsewhere by now. */
static void nor_is_one_that_was_pushed_over(void **state UNUSED)
{
	open_same(7, 7, "main");
	open_same(8, 7, "main");
	w.pulls[8].merge = "merged_already";
	w.hold = "job.run";
	world_say(&w, 8, MAINTAINER, "@kcibot deploy");
	world_say(&w, 7, MAINTAINER, "@kcibot deploy");
	answer("c1-build", "cancelled");
	world_push(&w, 7, 'a');
	touch(8);
	assert_shown("staging", "pending", "stage build", "/7");
	w.hold = NULL;
	answer("c2-build", "success");
	touch(8);
	assert_shown("staging", "success", "short ok", "/7");
}

/* Nor by one that no deploy has ever seen. */
static void what_runs_is_found_by_any(void **state UNUSED)
{
	open_same(7, 7, "main");
	w.hold = "job.run";
	world_say(&w, 7, MAINTAINER, "@kcibot trigger");
	world_push(&w, 7, 'a');
	open_same(8, 7, "main");
	touch(8);
	assert_shown("staging", "pending", "stage build", "/7");
	assert_stays();
}

static void who_waits_speaks_for_who_is_closed(void **state UNUSED)
{
	open_same(7, 7, "main");
	open_same(8, 7, "main");
	world_say(&w, 7, ADMIN, "@kcibot lock 1h");
	world_say(&w, 7, MAINTAINER, "@kcibot deploy");
	world_say(&w, 8, MAINTAINER, "@kcibot deploy");
	assert_shown("staging", "pending", "short waiting", "/7");
	assert_stays();
	world_set_state(&w, 7, "closed");
	assert_shown("staging", "pending", "short waiting", "/8");
	assert_stays();
	/* Nothing is under way for either: of the open one it is said. */
	world_say(&w, 8, MAINTAINER, "@kcibot cancel");
	touch(7);
	assert_shown("staging", "error", "not done", "/8");
	assert_stays();
}

static void the_newest_outcome_counts(void **state UNUSED)
{
	open_same(7, 7, "main");
	world_say(&w, 7, MAINTAINER, "@kcibot deploy");
	assert_shown("staging", "success", "short ok", "/7");
	world_say(&w, 7, MAINTAINER, "@kcibot skip");
	open_same(8, 7, "main");
	assert_shown("staging", "success", "short ok", "/7");
	w.job_verdict = "failure";
	world_say(&w, 8, MAINTAINER, "@kcibot deploy");
	assert_shown("staging", "failure", "short failed", "/8");
	touch(7);
	assert_shown("staging", "failure", "short failed", "/8");
	assert_stays();
}

/* Each under its own name: they take pulls for different branches. */
static void two_environments_do_not_flip(void **state UNUSED)
{
	static char yaml[8192];
	const char *staging = strstr(world_yaml, "  staging:\n");
	const char *project = strstr(staging, "base: main, branch: staging");
	const char *rest = project + strlen("base: main, branch: staging");

	snprintf(yaml, sizeof(yaml),
		 "%s  release:\n%.*sbase: stable, branch: next%s", world_yaml,
		 (int)(project - staging - strlen("  staging:\n")),
		 staging + strlen("  staging:\n"), rest);
	world_end(&w);
	world_begin(&w, yaml);
	world_trust_all(&w);
	open_same(7, 7, "main");
	open_same(8, 7, "stable");
	w.hold = "job.run";
	world_say(&w, 7, MAINTAINER, "@kcibot deploy");
	world_say(&w, 8, MAINTAINER, "@kcibot deploy");
	assert_shown("staging", "pending", "stage build", "/7");
	assert_shown("release", "pending", "stage build", "/8");
	assert_stays();
	w.hold = NULL;
	answer("c1-build", "success");
	answer("c2-build", "success");
	assert_shown("staging", "success", "short ok", "/7");
	assert_shown("release", "success", "short ok", "/8");
	assert_stays();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(one_that_aims_elsewhere_is_silent),
		TEST(green_is_not_spoken_over),
		TEST(nor_is_one_that_was_pushed_over),
		TEST(what_runs_is_found_by_any),
		TEST(who_waits_speaks_for_who_is_closed),
		TEST(the_newest_outcome_counts),
		TEST(two_environments_do_not_flip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
