/* A forge that fails, loses and repeats: still everything once. */
#include "tests/integration/house.h"
#include "tests/integration/look.h"

#include <stdlib.h>

#define STICKY "<!-- kcibot:sticky staging -->"
#define OUTCOME "<!-- kcibot:key request:"
#define COMMENTS "/repos/" WEB "/issues/1/comments"

static const struct house_settings usual = {0};

/* The usual story, to its end. */
static void deploy_once(struct house *h)
{
	int pull = house_pull(h, WEB, "sam", "sams", NULL);
	CLEANUP(free) char *status = NULL;
	int64_t said;

	/* What the bot does not know of yet it asks about. */
	house_await_sql(h, "SELECT count(*) FROM head", 1);
	said = house_say(h, WEB, pull, "mona", "@kcibot deploy");
	house_await_reaction(h, WEB, pull, said, "rocket");
	house_await_quiet(h);
	house_assert_reactions(h, WEB, pull, said, "eyes rocket");
	assert_int_equal(house_count(h, WEB, pull, STICKY), 1);
	assert_int_equal(house_count(h, WEB, pull, OUTCOME), 1);
	assert_int_equal(house_count(h, WEB, pull, ""), 2);
	status = house_status(h, WEB, pull);
	house_assert_has(status, "success: short ok");
	assert_int_equal(house_ran(h, "deploy"), 1);
}

static void set_clock(struct house *h, int skew_ms)
{
	CLEANUP(json_decref)
	json_t *a = sbc_post(h->forge, "/_sandbox/clock",
			     json_pack("{s:i}", "skew_ms", skew_ms));

	assert_non_null(a);
}

/*
 * The forge tells time in whole seconds, and nothing from before the bot's
 * first look is obeyed: what comes now is well after it.
 */
static void let_time_pass(struct house *h)
{
	set_clock(h, 2000);
}

/* Every first call of each kind fails. */
static void test_500(void **state UNUSED)
{
	struct house *h = house_new(&usual);
	static const char *const calls[][2] = {
		{"GET", "/repos/" WEB "/pulls/1"},
		{"POST", COMMENTS},
		{"PATCH", "/repos/" WEB "/issues/comments/"},
		{"POST", "/repos/" WEB "/issues/comments/"},
		{"POST", "/repos/" WEB "/statuses/"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		house_fault(h, json_pack("{s:s, s:s, s:s, s:i, s:b}", "kind",
					 "status", "method", calls[i][0],
					 "path", calls[i][1], "status",
					 i % 2 ? 502 : 500, "apply", 0));
	deploy_once(h);
	house_end(h);
}

/* "Slow down": obeyed, and nothing is lost or doubled. */
static void test_secondary_limit(void **state UNUSED)
{
	struct house *h = house_new(&usual);

	house_fault(
		h,
		json_pack("{s:s, s:s, s:i, s:i, s:{s:s}, s:s}", "kind",
			  "status", "method", "POST", "status", 403, "count", 2,
			  "headers", "Retry-After", "1", "body",
			  "{\"message\":\"You have exceeded a secondary rate "
			  "limit\"}"));
	deploy_once(h);
	house_end(h);
}

/* What was just made is not there yet. */
static void test_404_after_a_write(void **state UNUSED)
{
	struct house *h = house_new(&usual);

	house_fault(h, json_pack("{s:s, s:s, s:s, s:i}", "kind", "status",
				 "method", "PATCH", "path",
				 "/repos/" WEB "/issues/comments/", "status",
				 404));
	house_fault(h, json_pack("{s:s, s:s, s:s, s:i}", "kind", "status",
				 "method", "POST", "path",
				 "/repos/" WEB "/statuses/", "status", 422));
	house_fault(h, json_pack("{s:s, s:s, s:s, s:i}", "kind", "status",
				 "method", "GET", "path",
				 "/repos/" WEB "/pulls/1", "status", 404));
	deploy_once(h);
	house_end(h);
}

/* The comment is there, and the connection is gone: which end was it? */
static void test_unknown_end(void **state UNUSED)
{
	static const char *const kinds[] = {"close", "cut", "status"};
	struct house *h = house_new(&usual);

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		house_fault(h, json_pack("{s:s, s:s, s:s, s:b, s:s}", "kind",
					 kinds[i], "method", "POST", "path",
					 COMMENTS, "apply", 1, "contains",
					 i % 2 ? OUTCOME : STICKY));
	deploy_once(h);
	house_end(h);
}

/* The forge tries to tell, the bot never hears it: the scan finds all. */
static void test_lost_webhooks(void **state UNUSED)
{
	struct house *h =
		house_new(&(struct house_settings){.reconcile = "1s"});
	CLEANUP(json_decref) json_t *ready = NULL;
	CLEANUP(json_decref) json_t *lost = NULL;

	ready = house_json(h, "/readyz");
	assert_string_equal(js_str(ready, "webhooks"), "ok");
	lost = sbc_post(
		h->forge, "/_sandbox/webhooks",
		json_pack("{s:s, s:i}", "action", "lose", "count", 1000));
	assert_non_null(lost);
	let_time_pass(h);
	deploy_once(h);
	house_end(h);
}

static void test_without_webhook(void **state UNUSED)
{
	struct house *h = house_new(
		&(struct house_settings){.reconcile = "1s", .deaf = true});
	CLEANUP(json_decref) json_t *ready = house_json(h, "/readyz");
	int pull;

	assert_true(js_bool(ready, "ok", false));
	house_assert_has(js_str(ready, "webhooks"), "scan only");
	let_time_pass(h);
	deploy_once(h);
	/* A pull of somebody trusted goes by itself, too. */
	pull = house_pull(h, API, "carl", "carls", NULL);
	house_await_status(h, API, pull, "success");
	house_end(h);
}

/* The same delivery again, and the same words under another GUID. */
static void test_duplicates(void **state UNUSED)
{
	struct house *h = house_new(&usual);
	CLEANUP(json_decref) json_t *twice = NULL;
	CLEANUP(json_decref) json_t *list = NULL;
	CLEANUP(json_decref) json_t *one = NULL;
	CLEANUP(free) char *payload = NULL;
	CLEANUP(free) char *path = NULL;
	json_t *d;
	size_t i;

	twice = sbc_post(
		h->forge, "/_sandbox/webhooks",
		json_pack("{s:s, s:i}", "action", "duplicate", "count", 1000));
	assert_non_null(twice);
	deploy_once(h);
	list = sbc_get(h->forge, "/_sandbox/deliveries");
	json_array_foreach (list, i, d) {
		if (!path && !strcmp(js_str(d, "event"), "issue_comment"))
			path = str_format("/_sandbox/deliveries?id=%lld",
					  (long long)js_int(d, "id", 0));
	}
	assert_non_null(path);
	one = sbc_get(h->forge, path);
	payload = json_dumps(js_get(one, "request.payload"), JSON_COMPACT);
	assert_non_null(payload);
	assert_int_equal(house_deliver_text(h, "issue_comment", payload), 202);
	assert_int_equal(house_deliver_text(h, "issue_comment", payload), 202);
	house_await_quiet(h);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM said"), 1);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM cycle"), 1);
	house_end(h);
}

/* The forge has tried, and its clock showed the hour it shows now. */
static void await_attempts(struct house *h)
{
	bool pending = true;

	while (pending) {
		CLEANUP(json_decref) json_t *list = sbc_deliveries(h->forge);
		json_t *one;
		size_t i;

		pending = false;
		json_array_foreach (list, i, one)
			pending |= !strcmp(js_str(one, "status"), "pending");
		if (pending)
			look_pause();
	}
}

/* The bot comes to a repository with a past. */
static void test_old_comments(void **state UNUSED)
{
	struct house *h = house_new(
		&(struct house_settings){.reconcile = "1s", .asleep = true});
	int pull = house_pull(h, WEB, "sam", "sams", NULL);
	int64_t old, said;

	/* What is said in the very second of the first start is no history. */
	set_clock(h, -5000);
	old = house_say(h, WEB, pull, "ada", "@kcibot deploy");
	await_attempts(h);
	let_time_pass(h);
	house_start(h);
	house_await_sql(h, "SELECT count(*) FROM trust", 1);
	house_await_sql(h, "SELECT count(*) FROM scan WHERE last_ms > 0", 2);
	said = house_say(h, WEB, pull, "ada", "@kcibot status");
	house_await_reaction(h, WEB, pull, said, "eyes");
	house_await_quiet(h);
	house_assert_reactions(h, WEB, pull, old, "");
	assert_int_equal(house_sql(h, "SELECT count(*) FROM said"), 1);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM cycle"), 0);
	house_end(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOUSE_TEST(test_500),
		HOUSE_TEST(test_secondary_limit),
		HOUSE_TEST(test_404_after_a_write),
		HOUSE_TEST(test_unknown_end),
		HOUSE_TEST(test_lost_webhooks),
		HOUSE_TEST(test_without_webhook),
		HOUSE_TEST(test_duplicates),
		HOUSE_TEST(test_old_comments),
	};

	cmocka_set_test_filter(getenv("HOUSE_ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
