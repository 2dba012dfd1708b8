/* From a word on a pull request to what everybody reads afterwards. */
#include "tests/integration/house.h"

#include <stdlib.h>

static const struct house_settings usual = {0};

static void await_deployed(struct house *h, const char *repo, int number)
{
	house_await_status(h, repo, number, "success");
	house_await_quiet(h);
}

/* Two pulls, a contributor's and a stranger's: only one goes by itself. */
static void test_deploys_whom_it_trusts(void **state UNUSED)
{
	struct house *h = house_new(&usual);
	int sam = house_pull(h, WEB, "sam", "sams", NULL);
	int carl = house_pull(h, WEB, "carl", "carls", NULL);
	CLEANUP(free) char *files = NULL, *status = NULL, *history = NULL;

	await_deployed(h, WEB, carl);
	files = house_git(h, WEB, GIT("ls-tree", "--name-only", "staging"));
	assert_string_equal(files, "carls\ntext\n");
	status = house_status(h, WEB, sam);
	assert_string_equal(status, "");
	assert_int_equal(house_count(h, WEB, sam, ""), 0);
	history = house_status_history(h, WEB, carl);
	assert_string_equal(history, "pending success");
	/* Nobody asked: the sticky, but no outcome. */
	assert_int_equal(house_count(h, WEB, carl, ""), 1);
	assert_int_equal(
		house_count(h, WEB, carl, "<!-- kcibot:sticky staging -->"), 1);
	house_end(h);
}

/* One sentence a day, then only a reaction. */
static void test_stranger_is_refused_once(void **state UNUSED)
{
	struct house *h = house_new(&usual);
	int sam = house_pull(h, WEB, "sam", "sams", NULL);
	int64_t first, second, third;
	CLEANUP(free) char *said = NULL;

	first = house_say(h, WEB, sam, "sam", "@kcibot deploy");
	house_await_reaction(h, WEB, sam, first, "confused");
	house_await_comment(h, WEB, sam, "maintainer");
	second = house_say(h, WEB, sam, "sam", "@kcibot deploy");
	house_await_reaction(h, WEB, sam, second, "confused");
	third = house_say(h, WEB, sam, "sam", "@kcibot trigger");
	house_await_reaction(h, WEB, sam, third, "confused");
	house_await_quiet(h);
	house_assert_reactions(h, WEB, sam, first, "confused");
	house_assert_reactions(h, WEB, sam, second, "confused");
	assert_int_equal(house_count(h, WEB, sam, ""), 1);
	said = house_comment(h, WEB, sam, "");
	house_assert_has(said, "maintainer");
	/* Still about the first: nothing was added or edited. */
	house_assert_lacks(said, "trigger");
	assert_int_equal(house_sql(h, "SELECT count(*) FROM cycle"), 0);
	house_end(h);
}

/* A stranger on somebody else's pull, too. */
static void test_stranger_elsewhere(void **state UNUSED)
{
	struct house *h = house_new(&usual);
	int pull = house_pull(h, WEB, "carl", "carls", NULL);
	int64_t said, again;

	await_deployed(h, WEB, pull);
	said = house_say(h, WEB, pull, "sam", "@kcibot deploy");
	house_await_reaction(h, WEB, pull, said, "confused");
	again = house_say(h, WEB, pull, "sam", "@kcibot deploy");
	house_await_reaction(h, WEB, pull, again, "confused");
	/* A contributor may not deploy, either; he is always told why. */
	said = house_say(h, WEB, pull, "carl", "@kcibot deploy");
	house_await_reaction(h, WEB, pull, said, "confused");
	house_await_quiet(h);
	/* The sticky, and the one reply comment. */
	assert_int_equal(house_count(h, WEB, pull, ""), 2);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM cycle"), 1);
	house_end(h);
}

/* A maintainer takes a stranger's revision, without trusting the stranger. */
static void test_maintainer_deploys_a_stranger(void **state UNUSED)
{
	struct house *h = house_new(&usual);
	char sha[41], next[41];
	int sam = house_pull(h, WEB, "sam", "sams", sha);
	int64_t said;
	CLEANUP(free) char *sticky = NULL, *outcome = NULL, *status = NULL;
	CLEANUP(free) char *history = NULL, *after = NULL;

	house_hold(h, "deploy");
	said = house_say(h, WEB, sam, "mona", "@kcibot deploy");
	house_await_reaction(h, WEB, sam, said, "eyes");
	house_await_ran(h, "deploy 1 short", 1);
	house_await_comment(h, WEB, sam, "deploy runs");
	house_assert_reactions(h, WEB, sam, said, "eyes");
	house_let_go(h, "deploy");
	house_await_reaction(h, WEB, sam, said, "rocket");
	await_deployed(h, WEB, sam);

	house_assert_reactions(h, WEB, sam, said, "eyes rocket");
	assert_int_equal(house_count(h, WEB, sam, ""), 2);
	sticky = house_comment(h, WEB, sam, "<!-- kcibot:sticky staging -->");
	house_assert_has(sticky, "deployed short");
	house_assert_has(sticky, sha);
	assert_true(str_starts(sticky, "<!-- kcibot:sticky staging -->"));
	house_assert_has(sticky, "staging-20");
	outcome = house_comment(h, WEB, sam, "<!-- kcibot:key request:");
	house_assert_has(outcome, "mona");
	house_assert_has(outcome, sha);
	status = house_status(h, WEB, sam);
	house_assert_has(status, "success: short ok");
	history = house_status_history(h, WEB, sam);
	assert_string_equal(history, "pending success");
	assert_int_equal(house_ran(h, "build 1 short"), 1);
	assert_int_equal(house_ran(h, "deploy 1 short"), 1);
	assert_int_equal(house_ran(h, "test"), 0);

	/* Only this revision: the next push is a stranger's again. */
	house_push(h, WEB, sam, house_file("sams", "more\n"), next);
	house_await_quiet(h);
	after = house_git(h, WEB, GIT("ls-tree", "--name-only", "staging"));
	house_assert_lacks(after, "sams");
	house_end(h);
}

/* What lies on the branches, and under the tag. */
static void assert_merges(struct house *h, const char *repo, int from, int to,
			  char shas[][41])
{
	CLEANUP(str_release) struct str want = STR_INIT(4096);
	CLEANUP(free) char *got = NULL;

	for (int n = from; n <= to; n++)
		str_addf(&want, "kcibot: merge %s#%d at %s|%s\n", repo, n,
			 shas[n], shas[n]);
	got = house_git(h, repo,
			GIT("log", "--first-parent", "--merges", "--reverse",
			    "--format=%s|%P", "staging"));
	/* The first parent is what was there before: cut it out. */
	for (char *p = got; (p = strchr(p, '|')) != NULL; p++)
		memmove(p + 1, p + 42, strlen(p + 42) + 1);
	assert_string_equal(got, want.text);
}

static void test_branches_and_tag(void **state UNUSED)
{
	struct house *h = house_new(&usual);
	char web[4][41] = {{0}}, api[4][41] = {{0}};
	CLEANUP(free) char *tag = NULL, *api_tag = NULL, *tip = NULL;
	CLEANUP(free) char *manifest = NULL;
	int64_t said;

	for (int n = 1; n <= 3; n++) {
		char name[16];

		snprintf(name, sizeof(name), "w%d", n);
		assert_int_equal(house_pull(h, WEB, "sam", name, web[n]), n);
	}
	assert_int_equal(house_pull(h, API, "carl", "a1", api[1]), 1);
	await_deployed(h, API, 1);
	for (int n = 3; n >= 1; n--) {
		said = house_say(h, WEB, n, "ada", "@kcibot deploy");
		house_await_reaction(h, WEB, n, said, "rocket");
	}
	house_await_quiet(h);
	assert_merges(h, WEB, 1, 3, web);
	assert_merges(h, API, 1, 1, api);

	tag = house_git(h, WEB,
			GIT("tag", "--list", "--sort=-version:refname",
			    "--points-at", "staging"));
	api_tag = house_git(h, API,
			    GIT("tag", "--list", "--sort=-version:refname",
				"--points-at", "staging"));
	assert_true(str_starts(tag, "staging-20"));
	*strchr(tag, '\n') = '\0';
	/* The same number on both. */
	house_assert_has(api_tag, tag);
	manifest = house_git(
		h, WEB,
		GIT("for-each-ref", "--format=%(contents)", "refs/tags"));
	for (int n = 1; n <= 3; n++)
		house_assert_has(manifest, web[n]);
	house_assert_has(manifest, api[1]);
	tip = house_git(h, WEB, GIT("rev-parse", "staging"));
	*strchr(tip, '\n') = '\0';
	house_assert_has(manifest, tip);
	house_end(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOUSE_TEST(test_deploys_whom_it_trusts),
		HOUSE_TEST(test_stranger_is_refused_once),
		HOUSE_TEST(test_stranger_elsewhere),
		HOUSE_TEST(test_maintainer_deploys_a_stranger),
		HOUSE_TEST(test_branches_and_tag),
	};

	cmocka_set_test_filter(getenv("HOUSE_ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
