/* `plan` and `why`: what people are told when they ask, through the engine. */
#include "tests/unit/trusted_world.h"

/* The body of the last comment that was wanted and holds text. */
static const char *told(const char *text)
{
	struct world_effect *x = world_last(&w, "forge.comment", text);

	return x ? js_str(x->args, "body") : "";
}

static void assert_holds(const char *body, const char *text)
{
	if (!strstr(body, text))
		fail_msg("no \"%s\" in: %s", text, body);
}

static void plan_changes_nothing(void **state UNUSED)
{
	const char *body;

	world_open(&w, 1, CONTRIBUTOR);
	world_open(&w, 2, STRANGER);
	world_open(&w, 3, STRANGER);
	world_say(&w, 2, MAINTAINER, "@kcibot plan");
	assert_int_equal(world_cycles(&w), 0);
	assert_int_equal(world_sent(&w, "git.push"), 0);
	assert_int_equal(world_ask(&w,
				   "SELECT count(*) FROM request WHERE kind <> "
				   "'auto'"),
			 0);
	body = told("a dry run");
	assert_holds(body, "To @user11:");
	/* Both would go, by number, though nobody asked for the second yet. */
	assert_holds(body,
		     "| 1 | [api#​1](https://bot.example.org/pulls/" REPO
		     "/1) |");
	assert_holds(body,
		     "| 2 | [api#​2](https://bot.example.org/pulls/" REPO
		     "/2) |");
	assert_holds(body, "merges, new (this one)");
	assert_null(strstr(body, "| 3 |"));
	assert_holds(body, "- [api#​3](https://bot.example.org/pulls/" REPO
			   "/3): its author is not on the trust list");
	assert_holds(body, "- `deploy` now: starts a short at once\n");
	assert_holds(body, "- `trigger` now: starts a full at once\n");
	assert_holds(body, "- If nobody says anything: waits until ");
	assert_holds(body, "- Stages of a full: build, deploy, test\n");
}

static void plan_names_conflicts(void **state UNUSED)
{
	world_open(&w, 1, CONTRIBUTOR);
	world_change(&w, 1)->merge = "conflict";
	w.pulls[1].reason = "conflicts with <b>@bob</b> in `a|b`";
	world_say(&w, 1, MAINTAINER, "@kcibot plan");
	assert_holds(told("a dry run"), "merge conflict: conflicts with");
	assert_null(strstr(told("a dry run"), "<b>"));
	assert_null(strstr(told("a dry run"), "@bob"));
}

/* Inside the interval `trigger` is a short now and a full later. */
static void plan_knows_the_interval(void **state UNUSED)
{
	const char *body;

	world_open(&w, 1, CONTRIBUTOR);
	world_say(&w, 1, MAINTAINER, "@kcibot trigger");
	world_pass(&w, MINUTE);
	world_say(&w, 1, MAINTAINER, "@kcibot plan");
	body = told("a dry run");
	assert_holds(body, "- `trigger` now: starts a short at once, the full "
			   "follows at ");
}

static void plan_of_one_that_cannot_go(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_change(&w, 1)->label = "skip-me";
	world_tell(&w, 1, "labeled");
	world_say(&w, 1, MAINTAINER, "@kcibot plan");
	assert_holds(told("a dry run"), "would not go along: it carries the "
					"label `skip-me`");
	assert_holds(told("a dry run"), "No pull request would go");
}

static void plan_says_when_git_cannot(void **state UNUSED)
{
	world_open(&w, 1, CONTRIBUTOR);
	w.fail_kind = "git.batch";
	w.fail_code = ERR_REFUSED;
	world_say(&w, 1, MAINTAINER, "@kcibot plan");
	assert_holds(told("a dry run"), "The merge could not be tried: ");
	assert_holds(told("a dry run"), "not tried (this one)");
}

/* The author finds the answer in the sticky comment, until the next push. */
static void authors_answers_are_in_the_sticky(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, STRANGER, "@kcibot plan");
	assert_int_equal(world_sent_with(&w, "forge.comment", "kcibot:reply"),
			 0);
	assert_holds(told("kcibot:sticky staging"), "Answer to the author");
	assert_holds(told("kcibot:sticky staging"), "a dry run");
	world_say(&w, 1, STRANGER, "@kcibot why");
	assert_holds(told("kcibot:sticky staging"),
		     "does not belong there now: its author is not on the "
		     "trust list");
	assert_null(strstr(told("kcibot:sticky staging"), "a dry run"));
	world_push(&w, 1, '7');
	world_run(&w);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_run(&w);
	assert_null(strstr(told("kcibot:sticky staging"), "Answer to"));
}

static void why_tells_rights(void **state UNUSED)
{
	const char *body;

	world_open(&w, 1, CONTRIBUTOR);
	world_say(&w, 1, MAINTAINER, "@kcibot why");
	body = told("kcibot:reply");
	assert_holds(body, "- **staging**: the revision `111111111111` belongs "
			   "there");
	assert_holds(body, "- **You** are a maintainer here. You may say "
			   "`deploy`");
	world_open(&w, 2, STRANGER);
	world_say(&w, 2, STRANGER, "@kcibot why");
	assert_holds(told("kcibot:sticky"),
		     "**You** are a stranger here, and this is your pull "
		     "request. You may say `plan`");
	assert_holds(told("kcibot:sticky"), "to deploy takes a maintainer");
}

/* A head that moved during the dry run is not talked about. */
static void plan_of_a_moving_head(void **state UNUSED)
{
	world_open(&w, 1, CONTRIBUTOR);
	w.hold = "git.batch";
	world_comment(&w, 1, MAINTAINER, "@kcibot plan");
	world_run(&w);
	world_change(&w, 1);
	world_sha(w.pulls[1].sha, '8');
	w.hold = NULL;
	/* The bot dies while git works; the dry run is made once more. */
	world_restart(&w);
	world_run(&w);
	assert_holds(told("kcibot:reply"), "moved while I tried it");
}

/* One that is refused takes back what ran before it. */
static void together_or_not_at_all(void **state UNUSED)
{
	world_open(&w, 1, CONTRIBUTOR);
	world_change(&w, 1)->label = "skip-me";
	world_tell(&w, 1, "labeled");
	world_say(&w, 1, MAINTAINER, "@kcibot why\n\n@kcibot deploy");
	assert_int_equal(world_ask(&w,
				   "SELECT count(*) FROM request WHERE kind <> "
				   "'auto'"),
			 0);
	assert_holds(told("kcibot:reply"), "remove that first");
	assert_null(strstr(told("kcibot:reply"), "**You**"));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(plan_changes_nothing),
		TEST(plan_names_conflicts),
		TEST(plan_knows_the_interval),
		TEST(plan_of_one_that_cannot_go),
		TEST(plan_says_when_git_cannot),
		TEST(authors_answers_are_in_the_sticky),
		TEST(why_tells_rights),
		TEST(plan_of_a_moving_head),
		TEST(together_or_not_at_all),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
