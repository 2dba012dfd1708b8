/* All that people write which is not simply a command. */
#include "tests/integration/house.h"

#include <stdlib.h>

#define STICKY "<!-- kcibot:sticky staging -->"
#define REPLY "<!-- kcibot:reply -->"

static const struct house_settings usual = {0};

static void assert_comment(struct house *h, const char *repo, int number,
			   const char *marker, const char *part)
{
	CLEANUP(free) char *body = house_comment(h, repo, number, marker);

	assert_int_equal(house_count(h, repo, number, marker), 1);
	house_assert_has(body, part);
}

static void test_unknown_word(void **state UNUSED)
{
	struct house *h = house_new(&usual);
	int pull = house_pull(h, WEB, "sam", "sams", NULL);
	int64_t said = house_say(h, WEB, pull, "mona", "@kcibot deplyo");

	house_await_reaction(h, WEB, pull, said, "confused");
	house_await_comment(h, WEB, pull, "Did you mean");
	/* One that is wrong stops all. */
	said = house_say(h, WEB, pull, "mona",
			 "@kcibot deploy\n@kcibot frobnicate");
	house_await_reaction(h, WEB, pull, said, "confused");
	house_await_quiet(h);
	assert_int_equal(house_count(h, WEB, pull, ""), 1);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM request"), 0);
	house_end(h);
}

/* Neither quoted nor in code nor edited in nor by a bot. */
static void test_no_commands(void **state UNUSED)
{
	static const char *const bodies[] = {
		"> @kcibot deploy",	   "```\n@kcibot deploy\n```",
		"    @kcibot deploy",	   "Type `@kcibot deploy` for that",
		"<!-- @kcibot deploy -->", "hello @kcibot deploy",
		"@kcibot-dev deploy",	   "Thanks!",
	};
	struct house *h = house_new(&usual);
	int pull = house_pull(h, WEB, "sam", "sams", NULL);
	CLEANUP(json_decref) json_t *bot = NULL;
	CLEANUP(json_decref) json_t *edited = NULL;
	int64_t said = 0;

	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
		said = house_say(h, WEB, pull, "mona", bodies[i]);
	edited = sbc_post(h->forge, "/_sandbox/comments/edit",
			  json_pack("{s:I, s:s}", "id", (json_int_t)said,
				    "body", "@kcibot deploy"));
	assert_non_null(edited);
	bot = sbc_post(
		h->forge, "/_sandbox/users",
		json_pack("{s:s, s:s}", "login", "helper-bot", "type", "Bot"));
	assert_non_null(bot);
	house_say(h, WEB, pull, "helper-bot", "@kcibot deploy");
	house_say(h, WEB, pull, BOT, "@kcibot deploy");
	house_await_quiet(h);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM said"), 0);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM cycle"), 0);
	/* Its own comment is the only one that the bot's account made. */
	assert_int_equal(house_count(h, WEB, pull, ""), 1);
	house_end(h);
}

/* A plain issue has no pull request; its comments look alike. */
static void issue_comment(struct house *h, bool pull)
{
	CLEANUP(json_decref)
	json_t *object = json_pack(
		"{s:s, s:{s:i, s:s}, s:{s:i, s:s, s:{s:i, s:s, s:s}, s:s, "
		"s:s}, s:{s:s}, s:{s:i, s:s}}",
		"action", "created", "issue", "number", 77, "state", "open",
		"comment", "id", 987654, "body", "@kcibot deploy", "user", "id",
		1, "login", "ada", "type", "User", "created_at",
		"2026-11-21T14:05:09Z", "updated_at", "2026-11-21T14:05:09Z",
		"repository", "full_name", WEB, "sender", "id", 1, "login",
		"ada");

	if (pull)
		json_object_set_new(json_object_get(object, "issue"),
				    "pull_request", json_object());
	assert_int_equal(house_deliver(h, "issue_comment", object), 202);
}

static void test_wrong_places(void **state UNUSED)
{
	struct house *h = house_new(&usual);
	int closed = house_pull(h, WEB, "sam", "sams", NULL), other;

	assert_true(sbc_act(h->forge, WEB, closed, "sam", "close", NULL));
	house_say(h, WEB, closed, "carl", "@kcibot status");
	assert_true(sbc_repo(h->forge, "acme/elsewhere",
			     house_file("text", "x\n"), NULL));
	other = house_pull(h, "acme/elsewhere", "sam", "sams", NULL);
	house_say(h, "acme/elsewhere", other, "mona", "@kcibot deploy");
	issue_comment(h, false);
	house_await_quiet(h);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM said"), 0);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM cycle"), 0);
	assert_int_equal(house_count(h, WEB, closed, ""), 0);
	/* Who might command is told why nothing happens. */
	house_say(h, WEB, closed, "mona", "@kcibot deploy");
	house_await_comment(h, WEB, closed, "is closed, so nothing was done");
	house_await_quiet(h);
	assert_int_equal(house_count(h, WEB, closed, ""), 1);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM cycle"), 0);
	house_end(h);
}

static void test_draft_and_label(void **state UNUSED)
{
	struct house *h = house_new(&usual);
	int draft = house_pull(h, WEB, "carl", "carls", NULL), skipped;
	int64_t said;

	assert_true(sbc_act(h->forge, WEB, draft, "carl", "draft", NULL));
	said = house_say(h, WEB, draft, "mona", "@kcibot deploy");
	house_await_reaction(h, WEB, draft, said, "confused");
	house_await_comment(h, WEB, draft, "draft");
	skipped = house_pull(h, API, "carl", "carls", NULL);
	assert_true(sbc_act(h->forge, API, skipped, "carl", "label",
			    "staging-skip"));
	said = house_say(h, API, skipped, "mona", "@kcibot deploy");
	house_await_reaction(h, API, skipped, said, "confused");
	house_await_comment(h, API, skipped, "staging-skip");
	house_await_quiet(h);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM request WHERE"
				      " origin = 'comment'"),
			 0);
	house_end(h);
}

/* The author reads the sticky, everybody else the one reply. */
static void test_status_and_help(void **state UNUSED)
{
	struct house *h = house_new(&usual);
	int pull = house_pull(h, WEB, "sam", "sams", NULL);
	int64_t said = house_say(h, WEB, pull, "sam", "@kcibot status");

	house_await_comment(h, WEB, pull, STICKY);
	house_await_quiet(h);
	assert_int_equal(house_count(h, WEB, pull, ""), 1);
	assert_comment(h, WEB, pull, STICKY, "not on the trust list");
	said = house_say(h, WEB, pull, "carl", "@kcibot status");
	house_await_reaction(h, WEB, pull, said, "eyes");
	house_await_comment(h, WEB, pull, REPLY);
	said = house_say(h, WEB, pull, "mona", "@kcibot help");
	house_await_comment(h, WEB, pull, "`: deploy it");
	house_await_quiet(h);
	assert_int_equal(house_count(h, WEB, pull, ""), 2);
	house_assert_reactions(h, WEB, pull, said, "eyes");
	house_end(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOUSE_TEST(test_unknown_word),
		HOUSE_TEST(test_no_commands),
		HOUSE_TEST(test_wrong_places),
		HOUSE_TEST(test_draft_and_label),
		HOUSE_TEST(test_status_and_help),
	};

	cmocka_set_test_filter(getenv("HOUSE_ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
