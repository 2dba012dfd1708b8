/* The bot is away, or cannot be reached: afterwards nothing was lost. */
#include "tests/integration/house.h"

#include <stdlib.h>

#define STICKY "<!-- kcibot:sticky staging -->"
#define OUTCOME "<!-- kcibot:key request:"

/* What comes now is well after the bot's first look: see test_forge.c. */
static void let_time_pass(struct house *h)
{
	CLEANUP(json_decref)
	json_t *a = sbc_post(h->forge, "/_sandbox/clock",
			     json_pack("{s:i}", "skew_ms", 2000));

	assert_non_null(a);
}

/* A commit on the base branch, which only a webhook tells of. */
static void push_base(struct house *h)
{
	CLEANUP(json_decref)
	json_t *a = sbc_post(h->forge, "/_sandbox/push",
			     json_pack("{s:s, s:o}", "repo", API, "files",
				       house_file("news", "of the base\n")));

	assert_non_null(a);
}

/* Until a webhook of this event and action was tried. */
static void await_tried(struct house *h, int64_t *after, const char *member,
			const char *value)
{
	CLEANUP(json_decref)
	json_t *entry = sbc_await_log(h->forge, after, "webhook", member, value,
				      HOUSE_WAIT_MS);

	assert_non_null(entry);
}

/* All that failed came in the end; how many that were. */
static int await_all(struct house *h)
{
	CLEANUP(json_decref) json_t *list = sbc_deliveries(h->forge);
	int failed = 0;
	json_t *one;
	size_t i;

	json_array_foreach (list, i, one) {
		CLEANUP(free) char *query = NULL;

		if (js_int(one, "status_code", 0) < 300 ||
		    js_bool(one, "redelivery", false) ||
		    !strcmp(js_str(one, "event"), "status"))
			continue;
		failed++;
		query = str_format("SELECT count(*) FROM inbox.delivery"
				   " WHERE guid = '%s'",
				   js_str(one, "guid"));
		house_await_sql(h, query, 1);
	}
	return failed;
}

static int64_t lost(struct house *h, const char *how)
{
	CLEANUP(str_release) struct str page = STR_INIT(1u << 20);
	CLEANUP(free)
	char *name = str_format("kcibot_lost_events_total{how=\"%s\"} ", how);
	const char *at;

	assert_int_equal(house_get(h, "/metrics", &page), 200);
	at = strstr(page.text, name);
	assert_non_null(at);
	return strtoll(at + strlen(name), NULL, 10);
}

/*
 * While it is down: a wish with its SHA, a wish without, one that is deleted,
 * a push to a base branch.  Its address refuses connections.
 */
static void test_while_the_bot_was_down(void **state UNUSED)
{
	struct house *h = house_new(&(struct house_settings){.guard = "10s"});
	int64_t named, bare, mistake, after = 0;
	CLEANUP(free) char *words = NULL;
	char sha[41];
	int pull = house_pull(h, WEB, "sam", "sams", sha);

	house_await_sql(h, "SELECT count(*) FROM head", 1);
	house_await_quiet(h);
	let_time_pass(h);
	house_kill(h);
	words = str_format("@kcibot deploy %s", sha);
	named = house_say(h, WEB, pull, "mona", words);
	bare = house_say(h, WEB, pull, "mona", "@kcibot deploy");
	mistake = house_say(h, WEB, pull, "mona", "@kcibot skip");
	assert_true(sbc_comment_delete(h->forge, WEB, mistake, NULL));
	push_base(h);
	await_tried(h, &after, "action", "deleted");
	await_tried(h, &after, "event", "push");
	house_start(h);
	house_await_reaction(h, WEB, pull, named, "rocket");
	house_await_reaction(h, WEB, pull, bare, "confused");
	assert_int_equal(await_all(h), 5);
	house_await_quiet(h);
	house_assert_reactions(h, WEB, pull, named, "eyes rocket");
	house_assert_reactions(h, WEB, pull, bare, "eyes confused");
	assert_int_equal(house_count(h, WEB, pull, STICKY), 1);
	assert_int_equal(house_count(h, WEB, pull, OUTCOME), 1);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM request"
				      " WHERE origin = 'comment'"),
			 1);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM request"
				      " WHERE origin = 'base'"),
			 1);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM pull"
				      " WHERE skipped_ms > 0"),
			 0);
	assert_int_equal(lost(h, "comment"), 2);
	assert_true(lost(h, "delivery") >= 1);
	house_end(h);
}

/* It runs, and nothing reaches it for a while. */
static void test_while_webhooks_failed(void **state UNUSED)
{
	struct house *h =
		house_new(&(struct house_settings){.reconcile = "1s"});
	int64_t said;
	int pull;

	let_time_pass(h);
	assert_true(sbc_webhooks(h->forge, "drop", NULL, 1000));
	pull = house_pull(h, WEB, "sam", "sams", NULL);
	push_base(h);
	/* Its head is in doubt, and confirmed. */
	house_await_sql(h,
			"SELECT EXISTS(SELECT 1 FROM missed m JOIN gap g"
			" ON g.repo = m.repo AND g.why = 'deliveries failed'"
			" JOIN head_confirmed c ON c.seen_ms >= g.to_ms"
			" WHERE m.repo = '" WEB "')",
			1);
	said = house_say(h, WEB, pull, "mona", "@kcibot deploy");
	house_await_reaction(h, WEB, pull, said, "rocket");
	assert_true(sbc_webhooks(h->forge, "drop", NULL, 0));
	assert_true(await_all(h) >= 3);
	house_await_quiet(h);
	house_assert_reactions(h, WEB, pull, said, "eyes rocket");
	assert_int_equal(house_count(h, WEB, pull, STICKY), 1);
	assert_int_equal(house_count(h, WEB, pull, OUTCOME), 1);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM request"
				      " WHERE origin = 'comment'"),
			 1);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM request"
				      " WHERE origin = 'base'"),
			 1);
	house_end(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOUSE_TEST(test_while_the_bot_was_down),
		HOUSE_TEST(test_while_webhooks_failed),
	};

	cmocka_set_test_filter(getenv("HOUSE_ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
