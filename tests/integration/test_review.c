/* Reviews, comments on code, and words that are taken back. */
#include "tests/integration/house.h"

#include <stdlib.h>

#define STICKY "<!-- kcibot:sticky staging -->"
#define REPLY "<!-- kcibot:reply -->"

static const struct house_settings usual = {0};

/* A review can only be acknowledged in words. */
static void test_review_deploys(void **state UNUSED)
{
	struct house *h = house_new(&usual);
	char sha[41];
	int pull = house_pull(h, WEB, "sam", "sams", sha);
	CLEANUP(free) char *sticky = NULL;

	assert_true(sbc_review(h->forge, WEB, pull, "mona", "APPROVE",
			       "Good.\n\n@kcibot deploy", NULL) > 0);
	house_await_status(h, WEB, pull, "success");
	house_await_quiet(h);
	sticky = house_comment(h, WEB, pull, STICKY);
	house_assert_has(sticky, "**Heard:** mona's review at ");
	house_assert_has(sticky, ": deploy, done");
	house_assert_lacks(sticky, "@mona");
	assert_int_equal(house_count(h, WEB, pull, "For @mona"), 1);
	/* Of what is not the head any more, it is asked about. */
	house_push(h, WEB, pull, house_file("sams", "more\n"), NULL);
	assert_true(sbc_review(h->forge, WEB, pull, "mona", "COMMENT",
			       "@kcibot deploy", sha) > 0);
	house_await_comment(h, WEB, pull, REPLY);
	house_await_quiet(h);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM request WHERE"
				      " origin = 'comment'"),
			 1);
	house_end(h);
}

static void test_comment_on_code_deploys(void **state UNUSED)
{
	struct house *h = house_new(&usual);
	int pull = house_pull(h, WEB, "sam", "sams", NULL);
	int64_t said = sbc_review_comment(h->forge, WEB, pull, "mona",
					  "@kcibot deploy", NULL);

	house_await_status(h, WEB, pull, "success");
	assert_true(sbc_await_reaction(h->forge, WEB, pull, said, BOT, "rocket",
				       HOUSE_WAIT_MS));
	house_end(h);
}

/* Without webhooks, both are found by asking; nothing comes of a review, for
 * nobody knows whether it was edited. */
static void test_scan_finds_them(void **state UNUSED)
{
	static const struct house_settings deaf = {
		.deaf = true,
		.reconcile = "1s",
		.policy = "settle: 1s, settle_max: 5s, cooldown: 0s, "
			  "full_interval: 6h, restart_limit: 0, schedule: 0s",
	};
	struct house *h = house_new(&deaf);
	int pull = house_pull(h, WEB, "sam", "sams", NULL);
	int64_t said;

	house_await_sql(h, "SELECT count(*) FROM pull", 1);
	assert_true(sbc_review(h->forge, WEB, pull, "mona", "COMMENT",
			       "@kcibot status", NULL) > 0);
	said = sbc_review_comment(h->forge, WEB, pull, "mona", "@kcibot help",
				  NULL);
	house_await_sql(h, "SELECT count(*) FROM said WHERE state = 'accepted'",
			1);
	assert_true(sbc_await_reaction(h->forge, WEB, pull, said, BOT, "eyes",
				       HOUSE_WAIT_MS));
	house_await_sql(h,
			"SELECT count(*) FROM said WHERE kind = 'review'"
			" AND state = 'refused'",
			1);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM said"), 2);
	house_end(h);
}

/* What waits for a full is dropped when its words go. */
static void test_taken_back(void **state UNUSED)
{
	struct house *h = house_new(&usual);
	int first = house_pull(h, API, "sam", "sams", NULL), pull;
	int64_t edited, deleted;

	house_hold(h, "build");
	house_say(h, API, first, "mona", "@kcibot trigger");
	house_await_ran(h, "build", 1);
	pull = house_pull(h, WEB, "sam", "sams", NULL);
	edited = house_say(h, WEB, pull, "mona", "@kcibot deploy");
	deleted = house_say(h, WEB, pull, "ada", "@kcibot deploy");
	house_await_sql(h,
			"SELECT count(*) FROM request WHERE state = 'waiting'"
			" AND origin = 'comment'",
			2);
	assert_true(
		sbc_comment_edit(h->forge, WEB, edited, NULL, "Never mind."));
	assert_true(sbc_comment_delete(h->forge, WEB, deleted, NULL));
	house_await_sql(h,
			"SELECT count(*) FROM request WHERE outcome ="
			" 'withdrawn'",
			2);
	house_await_reaction(h, WEB, pull, edited, "confused");
	house_await_comment(h, WEB, pull, "I never act on an edit");
	house_let_go(h, "build");
	house_await_status(h, API, first, "success");
	house_await_quiet(h);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM cycle"), 1);
	house_end(h);
}

/* Blocked by who wrote it, or locked: the deploy is made all the same. */
static void test_nothing_can_be_said(void **state UNUSED)
{
	struct house *h = house_new(&usual);
	int pull = house_pull(h, WEB, "sam", "sams", NULL);

	house_expect(h, "forge.comment");
	assert_true(sbc_refuse(h->forge, "POST", "/reactions", 403, 1000));
	assert_true(sbc_refuse(h->forge, "POST", "/comments", 403, 1000));
	house_say(h, WEB, pull, "mona", "@kcibot deploy");
	house_await_status(h, WEB, pull, "success");
	/* All was tried; what nobody let us say is put off. */
	house_await_sql(h,
			"SELECT count(*) FROM outbox WHERE state = 'ready' AND"
			" (attempts = 0 OR kind <> 'forge.comment')",
			0);
	assert_int_equal(house_count(h, WEB, pull, ""), 0);
	house_end(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOUSE_TEST(test_review_deploys),
		HOUSE_TEST(test_comment_on_code_deploys),
		HOUSE_TEST(test_scan_finds_them),
		HOUSE_TEST(test_taken_back),
		HOUSE_TEST(test_nothing_can_be_said),
	};

	cmocka_set_test_filter(getenv("HOUSE_ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
