/*
 * Webhooks that fail, come late, or in another order: what the forge has is
 * what the bot believes in the end, and nothing old is obeyed.
 */
#include "tests/unit/engine_world.h"

#include "bot/engine_internal.h"
#include "bot/metrics.h"

#define HOOK 7700
#define DAY (24 * HOUR)
/* How often the forge is scanned. */
#define SCAN (5 * MINUTE)

static struct world w;
static int64_t next_delivery_id;

static int begin(void **state)
{
	(void)state;
	next_delivery_id = 500;
	world_begin(&w, "");
	world_trust_all(&w);
	return 0;
}

static int end(void **state)
{
	(void)state;
	world_end(&w);
	return 0;
}

/* The webhook may be seen, and the first look is over. */
static void scan_begins(void)
{
	json_array_append_new(w.hooks,
			      json_pack("{s:i, s:b, s:{s:s}}", "id", HOOK,
					"active", 1, "config", "url",
					"https://bot.example.org/webhook"));
	world_kill(&w);
	w.scans = true;
	world_boot(&w);
	world_run(&w);
	world_pass(&w, 2 * MINUTE);
}

/* One attempt, now; its number. */
static int64_t attempt(const char *guid, const char *event, int status)
{
	int64_t id = next_delivery_id++;

	json_array_insert_new(
		w.deliveries, 0,
		json_pack("{s:I, s:s, s:s, s:i, s:s}", "id", (json_int_t)id,
			  "guid", guid, "event", event, "status_code", status,
			  "delivered_at",
			  world_iso(clock_wall(&w.clock.clock) + w.skew_ms)));
	return id;
}

static size_t asked_for(int64_t delivery)
{
	char id[64];

	snprintf(id, sizeof(id), "\"delivery_id\":%lld,", (long long)delivery);
	return world_sent_with(&w, "forge.redeliver", id);
}

static int64_t lost(const char *how)
{
	struct str page = STR_INIT(1u << 20);
	char name[64];
	const char *at;
	int64_t value;

	snprintf(name, sizeof(name), "kcibot_lost_events_total{how=\"%s\"} ",
		 how);
	metrics_write(&page);
	at = strstr(page.text, name);
	assert_non_null(at);
	value = strtoll(at + strlen(name), NULL, 10);
	str_release(&page);
	return value;
}

/* Wishes of people. */
static int64_t wishes(void)
{
	return world_ask(&w, "SELECT count(*) FROM request"
			     " WHERE origin = 'comment'");
}

static json_t *deploy_said(int64_t id)
{
	return world_comment_payload(
		&w, 1, MAINTAINER,
		world_comment_json(&w, id, 1, MAINTAINER, "@kcibot deploy"));
}

/* --- deliveries that failed --- */

static void what_failed_is_asked_for_once(void **state UNUSED)
{
	int64_t before, id;

	scan_begins();
	before = lost("delivery");
	id = attempt("g1", "push", 502);
	world_pass(&w, SCAN);
	assert_int_equal(asked_for(id), 1);
	assert_non_null(world_last(&w, "forge.redeliver", "\"hook_id\":7700"));
	assert_int_equal(lost("delivery"), before + 1);
	/* It comes, and moves the base. */
	attempt("g1", "push", 202);
	world_deliver_as(&w, "g1", "push",
			 json_pack("{s:s, s:s, s:{s:s}}", "ref",
				   "refs/heads/main", "after", w.base_sha,
				   "repository", "full_name", REPO));
	world_run(&w);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM request"
				       " WHERE origin = 'base'"),
			 1);
	world_pass(&w, DAY);
	assert_int_equal(world_sent(&w, "forge.redeliver"), 1);
	assert_int_equal(lost("delivery"), before + 1);
}

/* When a comment on code was said its webhook does not tell; how long ago an
 * attempt to hand it over failed is on record. */
static void a_comment_on_code_comes_late(void **state UNUSED)
{
	for (int i = 0; i < 2; i++) {
		char guid[8] = {'g', (char)('0' + i)};
		json_t *said;

		if (!i)
			scan_begins();
		world_open(&w, 1 + i, STRANGER);
		world_pass(&w, MINUTE);
		said = world_code_comment_json(&w, 900 + i, 1 + i, MAINTAINER,
					       "@kcibot deploy");
		attempt(guid, "pull_request_review_comment", 502);
		world_pass(&w, i ? 35 * MINUTE : SCAN);
		world_deliver_as(&w, guid, "pull_request_review_comment",
				 world_review_payload(&w, 1 + i, MAINTAINER,
						      "created", "comment",
						      said));
		world_run(&w);
		assert_int_equal(wishes(), 1);
	}
	assert_non_null(world_last(&w, "forge.comment", "too late"));
}

static void what_is_not_asked_for(void **state UNUSED)
{
	int64_t before;

	scan_begins();
	before = lost("delivery");
	/* We have it: only the answer came too late. */
	world_deliver_as(&w, "have", "issues", json_object());
	attempt("have", "issue_comment", 504);
	/* Sent again since, by somebody. */
	attempt("again", "issue_comment", 502);
	attempt("again", "issue_comment", 200);
	/* Nobody here wants it. */
	attempt("other", "check_run", 502);
	attempt("status", "status", 502);
	/* Under way. */
	attempt("now", "push", 0);
	/* Nonsense. */
	attempt("", "push", 502);
	json_array_insert_new(w.deliveries, 0, json_string("502"));
	json_array_insert_new(w.deliveries, 0,
			      json_pack("{s:s, s:s, s:i, s:s}", "guid", "odd",
					"event", "push", "status_code", 502,
					"delivered_at", "yesterday"));
	world_pass(&w, HOUR);
	assert_true(world_sent(&w, "forge.deliveries") > 5);
	assert_int_equal(world_sent(&w, "forge.redeliver"), 0);
	assert_int_equal(lost("delivery"), before);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM gap WHERE"
				       " why = 'deliveries failed'"),
			 0);
}

static void nothing_from_before_the_first_look(void **state UNUSED)
{
	attempt("old", "issue_comment", 502);
	attempt("older", "pull_request", 502);
	world_pass(&w, MINUTE);
	scan_begins();
	world_pass(&w, HOUR);
	world_restart(&w);
	world_pass(&w, HOUR);
	assert_true(world_sent(&w, "forge.deliveries") > 5);
	assert_int_equal(world_sent(&w, "forge.redeliver"), 0);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM missed"), 0);
}

/* A list that is late with an entry: it is seen with the next look. */
static void an_entry_comes_late(void **state UNUSED)
{
	json_t *late;
	int64_t id;

	scan_begins();
	id = attempt("late", "push", 502);
	late = json_incref(json_array_get(w.deliveries, 0));
	json_array_remove(w.deliveries, 0);
	world_pass(&w, MINUTE);
	attempt("first", "push", 202);
	world_pass(&w, SCAN);
	assert_int_equal(asked_for(id), 0);
	json_array_append_new(w.deliveries, late);
	world_pass(&w, SCAN);
	assert_int_equal(asked_for(id), 1);
}

static void a_few_at_a_time_the_oldest_first(void **state UNUSED)
{
	int64_t first = next_delivery_id;
	char guid[16];

	scan_begins();
	for (int i = 0; i < 120; i++) {
		snprintf(guid, sizeof(guid), "g%d", i);
		attempt(guid, "issue_comment", 502);
		fake_clock_advance(&w.clock, 1);
	}
	world_pass(&w, SCAN);
	assert_int_equal(world_sent(&w, "forge.redeliver"), 50);
	assert_int_equal(asked_for(first), 1);
	assert_int_equal(asked_for(first + 49), 1);
	/* What failed once more is not before the others. */
	world_pass(&w, SCAN);
	assert_int_equal(world_sent(&w, "forge.redeliver"), 100);
	world_pass(&w, SCAN);
	assert_int_equal(
		world_sent_with(&w, "forge.redeliver", "\"delivery_id\":619,"),
		1);
}

/* What was deleted shall not be heard in between. */
static void the_end_comes_before_the_beginning(void **state UNUSED)
{
	int64_t created, deleted;

	scan_begins();
	world_open(&w, 1, STRANGER);
	w.hold = "forge.redeliver";
	created = attempt("c", "issue_comment", 502);
	world_pass(&w, 2000);
	deleted = attempt("d", "issue_comment", 502);
	json_object_set_new(json_array_get(w.deliveries, 0), "action",
			    json_string("deleted"));
	world_pass(&w, SCAN);
	assert_int_equal(asked_for(deleted), 1);
	assert_int_equal(asked_for(created), 1);
	for (size_t i = 0; i < w.sent_count; i++) {
		if (strcmp(w.sent[i].kind, "forge.redeliver") != 0)
			continue;
		assert_int_equal(js_int(w.sent[i].args, "delivery_id", 0),
				 deleted);
		break;
	}
}

static void given_up_in_the_end(void **state UNUSED)
{
	size_t asked = 0;

	scan_begins();
	attempt("bad", "issue_comment", 401);
	for (int i = 0; i < 5 * 60; i++) {
		world_pass(&w, MINUTE);
		if (world_sent(&w, "forge.redeliver") == asked)
			continue;
		asked++;
		attempt("bad", "issue_comment", 401);
		/* The newest attempt is repeated: old ones are forgotten. */
		assert_int_equal(asked_for(next_delivery_id - 2), 1);
	}
	assert_int_equal(asked, 4);
	/* The forge forgets, and so do we. */
	json_array_clear(w.deliveries);
	fake_clock_advance(&w.clock, 31 * DAY);
	world_run(&w);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM missed"), 0);
}

static void without_the_right_it_only_scans(void **state UNUSED)
{
	scan_begins();
	attempt("g1", "push", 502);
	w.fail_kind = "forge.hooks";
	w.fail_code = ERR_REFUSED;
	w.fail_status = 403;
	world_pass(&w, SCAN);
	w.fail_kind = "forge.deliveries";
	w.fail_code = ERR_MISSING;
	w.fail_status = 404;
	world_pass(&w, SCAN);
	assert_int_equal(world_sent(&w, "forge.redeliver"), 0);
	w.fail_kind = NULL;
	/* Somebody else's webhook is not looked into. */
	json_object_set_new(js_get(json_array_get(w.hooks, 0), "config"), "url",
			    json_string("https://other.example.org/"));
	world_pass(&w, SCAN);
	assert_int_equal(world_sent(&w, "forge.redeliver"), 0);
	json_object_set_new(js_get(json_array_get(w.hooks, 0), "config"), "url",
			    json_string("https://bot.example.org/webhook"));
	world_pass(&w, SCAN);
	assert_int_equal(world_sent(&w, "forge.redeliver"), 1);
}

static void killed_while_it_asks(void **state UNUSED)
{
	int64_t before, id;

	scan_begins();
	before = lost("delivery");
	id = attempt("g1", "push", 502);
	w.hold = "forge.redeliver";
	world_pass(&w, SCAN);
	assert_int_equal(asked_for(id), 1);
	w.hold = NULL;
	world_restart(&w);
	world_run(&w);
	/* The one that was under way, not one more. */
	assert_int_equal(asked_for(id), 2);
	world_pass(&w, 6 * MINUTE);
	assert_int_equal(asked_for(id), 2);
	assert_int_equal(lost("delivery"), before + 1);
}

/* A push may have been among them: heads must be confirmed. */
static void heads_are_in_doubt_until_they_are_confirmed(void **state UNUSED)
{
	int64_t said;
	size_t pulls;

	scan_begins();
	world_open(&w, 1, STRANGER);
	world_pass(&w, HOUR);
	attempt("g1", "pull_request", 502);
	pulls = world_sent(&w, "forge.pulls");
	w.hold = "forge.pulls";
	world_pass(&w, SCAN);
	assert_true(world_sent(&w, "forge.pulls") > pulls);
	said = world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_cycles(&w), 0);
	assert_true(world_reacted(&w, said, "confused"));
	/* The forge is well again. */
	w.hold = NULL;
	world_restart(&w);
	world_run(&w);
	world_pass(&w, MINUTE);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_cycles(&w), 1);
}

/* What was said in it does not speak against itself. */
static void a_comment_that_was_lost(void **state UNUSED)
{
	scan_begins();
	world_open(&w, 1, STRANGER);
	world_pass(&w, HOUR);
	attempt("g50", "issue_comment", 502);
	json_array_append_new(
		w.comments,
		world_comment_json(&w, 50, 1, MAINTAINER, "@kcibot deploy"));
	w.hold = "forge.pull";
	world_pass(&w, SCAN);
	assert_int_equal(world_sent(&w, "forge.redeliver"), 1);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM gap WHERE"
				       " why = 'deliveries failed'"),
			 0);
	w.hold = NULL;
	world_restart(&w);
	world_run(&w);
	assert_int_equal(wishes(), 1);
}

/* Confirmed at once, not with the next scan. */
static void the_doubt_is_short(void **state UNUSED)
{
	scan_begins();
	world_open(&w, 1, STRANGER);
	world_pass(&w, HOUR);
	attempt("g1", "pull_request", 502);
	for (int n = 0; !world_sent(&w, "forge.redeliver"); n++) {
		assert_true(n < 10);
		world_pass(&w, MINUTE);
	}
	world_pass(&w, GUARD + 1000);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_cycles(&w), 1);
}

/* --- what comes late --- */

static void what_comes_days_later_is_not_obeyed(void **state UNUSED)
{
	json_t *comment, *review, *young;

	scan_begins();
	world_open(&w, 1, STRANGER);
	world_pass(&w, MINUTE);
	comment = deploy_said(50);
	review = world_review_payload(
		&w, 1, MAINTAINER, "submitted", "review",
		world_review_json(&w, 51, 1, MAINTAINER, "@kcibot skip"));
	world_pass(&w, 2 * DAY);
	world_deliver(&w, "issue_comment", comment);
	world_deliver(&w, "pull_request_review", review);
	world_run(&w);
	assert_int_equal(wishes(), 0);
	assert_true(world_reacted(&w, 50, "confused"));
	assert_non_null(world_last(&w, "forge.comment", "too late"));
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM said"
				       " WHERE state = 'refused'"),
			 2);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM pull"
				       " WHERE skipped_ms > 0"),
			 0);
	young = deploy_said(52);
	world_pass(&w, 20 * MINUTE);
	world_deliver(&w, "issue_comment", young);
	world_run(&w);
	assert_int_equal(wishes(), 1);
}

/* The listing tells first, the delivery comes all the same. */
static void down_for_two_days(void **state UNUSED)
{
	json_t *payload;
	int64_t before, replies;

	scan_begins();
	world_open(&w, 1, STRANGER);
	before = lost("comment");
	world_kill(&w);
	fake_clock_advance(&w.clock, MINUTE);
	payload = deploy_said(50);
	json_array_append(w.comments, js_get(payload, "comment"));
	attempt("g50", "issue_comment", 502);
	fake_clock_advance(&w.clock, 2 * DAY);
	world_boot(&w);
	world_run(&w);
	assert_true(world_reacted(&w, 50, "confused"));
	assert_int_equal(lost("comment"), before + 1);
	replies = world_ask(&w, "SELECT count(*) FROM said");
	assert_int_equal(world_sent(&w, "forge.redeliver"), 1);
	world_deliver_as(&w, "g50", "issue_comment", payload);
	world_pass(&w, HOUR);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM said"), replies);
	assert_int_equal(wishes(), 0);
}

static void what_only_the_scan_found_is_counted(void **state UNUSED)
{
	int64_t pulls, comments, reviews;

	scan_begins();
	world_open(&w, 1, STRANGER);
	world_pass(&w, SCAN);
	pulls = lost("pull");
	comments = lost("comment");
	reviews = lost("review");
	world_sha(world_change(&w, 1)->sha, 'd');
	json_array_append_new(
		w.comments,
		world_comment_json(&w, 50, 1, MAINTAINER, "@kcibot status"));
	json_array_append_new(
		w.comments, world_comment_json(&w, 51, 1, MAINTAINER, "Nice."));
	json_array_append_new(
		w.review_comments,
		world_code_comment_json(&w, 52, 1, MAINTAINER, "@kcibot why"));
	/* The one on code is left to its webhook first. */
	world_pass(&w, 4 * SCAN);
	assert_int_equal(lost("pull"), pulls + 1);
	assert_int_equal(lost("comment"), comments + 1);
	assert_int_equal(lost("review"), reviews + 1);
	/* Closed, and nobody said so. */
	world_change(&w, 1)->state = "closed";
	world_pass(&w, SCAN);
	assert_int_equal(lost("pull"), pulls + 2);
	/* What webhooks tell is not. */
	world_open(&w, 2, STRANGER);
	world_say(&w, 2, MAINTAINER, "@kcibot status");
	world_pass(&w, SCAN);
	assert_int_equal(lost("pull"), pulls + 2);
	assert_int_equal(lost("comment"), comments + 1);
}

/* --- who we are --- */

/* The token is another account's since; asked once in a life of the bot. */
static void another_account(void **state UNUSED)
{
	struct error e = ERROR_INIT;

	scan_begins();
	world_pass(&w, HOUR);
	assert_int_equal(world_sent(&w, "forge.self"), 1);
	assert_int_equal(w.engine->self_id, BOT);
	world_must(store_meta_set(w.engine->store, "self_id", "4711", &e), &e);
	world_restart(&w);
	assert_int_equal(w.engine->self_id, 4711);
	world_pass(&w, HOUR);
	assert_int_equal(world_sent(&w, "forge.self"), 2);
	assert_int_equal(w.engine->self_id, BOT);
	/* One that may not ask keeps what it knows, and is not insistent. */
	w.fail_kind = "forge.self";
	w.fail_code = ERR_REFUSED;
	w.fail_status = 403;
	world_restart(&w);
	world_pass(&w, HOUR);
	assert_int_equal(world_sent(&w, "forge.self"), 3);
	assert_int_equal(w.engine->self_id, BOT);
	/* Somebody else's comment that we could edit says nothing. */
	w.hold = "forge.comment";
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot status");
	world_answer(world_last(&w, "forge.comment", ""), ERR_OK,
		     json_pack("{s:i, s:{s:i}}", "id", 9, "user", "id", 4711));
	world_run(&w);
	assert_int_equal(w.engine->self_id, BOT);
}

/* --- more than can be listed --- */

static int64_t asks_since(const char *kind)
{
	int64_t ms;

	assert_true(time_parse_iso(
		js_str(world_last(&w, kind, "")->args, "since"), &ms));
	return ms;
}

static void goes_on(const char *kind, json_t *list, json_t *first,
		    json_t *second)
{
	int64_t ms;

	assert_true(time_parse_iso(js_str(first, "updated_at"), &ms));
	json_array_append_new(list, first);
	w.part_kind = kind;
	world_pass(&w, 4 * SCAN);
	/* From its end, however much was said in the two minutes before. */
	assert_int_equal(asks_since(kind), ms);
	w.part_kind = NULL;
	world_pass(&w, SCAN);
	assert_int_equal(asks_since(kind), ms);
	/* What is listed to its end may still show up late. */
	assert_true(time_parse_iso(js_str(second, "updated_at"), &ms));
	json_array_append_new(list, second);
	world_pass(&w, 4 * SCAN);
	assert_int_equal(asks_since(kind), ms - 2 * MINUTE);
}

static void the_next_scan_goes_on(void **state UNUSED)
{
	json_t *list[4];

	scan_begins();
	world_open(&w, 1, STRANGER);
	for (int i = 0; i < 4; i++) {
		world_pass(&w, i == 2 ? 30 * MINUTE : 0);
		list[i] = i % 2 ? world_code_comment_json(&w, 70 + i, 1,
							  MAINTAINER, "Nice.")
				: world_comment_json(&w, 70 + i, 1, MAINTAINER,
						     "Nice.");
	}
	goes_on("forge.comments", w.comments, list[0], list[2]);
	goes_on("forge.review_comments", w.review_comments, list[1], list[3]);
}

/* --- what the forge shows no more --- */

/* Neither in the listing nor alone; or as before. */
static void hide_one(bool hidden)
{
	w.pulls[1].state = hidden ? "hidden" : "open";
	w.fail_kind = hidden ? "forge.pull" : NULL;
	w.fail_code = ERR_MISSING;
	w.fail_status = 404;
}

static int64_t is_open(void)
{
	return world_ask(&w, "SELECT count(*) FROM pull WHERE number = 1"
			     " AND state = 'open'");
}

/* To be rid of it. */
static int64_t leaves(void)
{
	return world_ask(&w, "SELECT count(*) FROM request"
			     " WHERE origin = 'state' AND pull_id IS NULL");
}

static int64_t confirmed(void)
{
	return world_ask(&w, "SELECT count(*) FROM head_confirmed");
}

/* It is, and a look at the forge is over. */
static void one_is_aboard(void)
{
	scan_begins();
	world_open(&w, 1, STRANGER);
	world_pass(&w, MINUTE);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_cycles(&w), 1);
	world_pass(&w, SCAN);
	assert_int_equal(leaves(), 0);
}

static void what_is_hidden_leaves(void **state UNUSED)
{
	int64_t before, heads;

	one_is_aboard();
	before = lost("pull");
	heads = confirmed();
	hide_one(true);
	attempt("g1", "pull_request", 502);
	world_pass(&w, SCAN);
	assert_int_equal(is_open(), 1);
	world_pass(&w, SCAN);
	assert_int_equal(is_open(), 0);
	assert_int_equal(leaves(), 1);
	assert_int_equal(lost("pull"), before + 1);
	/* Its head, in doubt by what failed, was not shown. */
	assert_int_equal(confirmed(), heads);
	hide_one(false);
	world_pass(&w, SCAN);
	assert_int_equal(is_open(), 1);
	/* And what was once does not count any more. */
	hide_one(true);
	world_pass(&w, SCAN);
	assert_int_equal(is_open(), 1);
}

/* Listed twice by one scan, and with a restart in between. */
static void hidden_only_once(void **state UNUSED)
{
	size_t listed, asked;

	one_is_aboard();
	hide_one(true);
	attempt("g1", "pull_request", 502);
	listed = world_sent(&w, "forge.pulls");
	asked = world_sent(&w, "forge.pull");
	world_pass(&w, SCAN);
	assert_int_equal(world_sent(&w, "forge.pulls"), listed + 2);
	assert_int_equal(world_sent(&w, "forge.pull"), asked + 2);
	assert_int_equal(is_open(), 1);
	world_restart(&w);
	world_run(&w);
	assert_int_equal(is_open(), 1);
	/* A listing shows it again. */
	hide_one(false);
	world_pass(&w, SCAN);
	hide_one(true);
	world_pass(&w, SCAN);
	assert_int_equal(is_open(), 1);
}

/* Renamed, or without the right to read it. */
static void the_repository_is_hidden(void **state UNUSED)
{
	one_is_aboard();
	hide_one(true);
	world_pass(&w, SCAN);
	w.fail_kind = "forge.pulls";
	world_pass(&w, HOUR);
	assert_int_equal(is_open(), 1);
}

/* --- in another order --- */

#define EVENTS 4

static json_t *told[EVENTS];

static void tells(int n, int64_t number, const char *action)
{
	told[n] = json_pack("{s:s, s:I, s:o, s:{s:s}}", "action", action,
			    "number", (json_int_t)number, "pull_request",
			    world_pull_json(&w, number), "repository",
			    "full_name", REPO);
}

/* A short life, of which nothing is delivered yet. */
static void live(int64_t number, int64_t step_ms)
{
	struct world_pull *p = world_change(&w, number);

	*p = (struct world_pull){
		.author = CONTRIBUTOR,
		.state = "open",
		.merge = "merged",
		.base = "main",
		.updated_ms = p->updated_ms,
	};
	world_sha(p->sha, 'a');
	tells(0, number, "opened");
	fake_clock_advance(&w.clock, step_ms);
	world_sha(world_change(&w, number)->sha, 'b');
	tells(1, number, "synchronize");
	fake_clock_advance(&w.clock, step_ms);
	world_change(&w, number)->label = "skip-me";
	tells(2, number, "labeled");
	fake_clock_advance(&w.clock, step_ms);
	/* Odd ones stay open, without the label. */
	if (number % 2)
		world_change(&w, number)->label = NULL;
	else
		world_change(&w, number)->state = "closed";
	tells(3, number, number % 2 ? "unlabeled" : "closed");
}

/* Does the store say what the forge says? */
static void is_as_on_the_forge(int64_t number, const char *order)
{
	const struct world_pull *p = &w.pulls[number];
	char sql[256];

	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM pull WHERE number = %lld AND"
		 " head_sha = '%s' AND state = '%s' AND labels = '%s'",
		 (long long)number, p->sha, p->state,
		 p->label ? "[\"skip-me\"]" : "[]");
	if (world_ask(&w, sql) != 1)
		fail_msg("pull %lld, told as %s, is not as on the forge",
			 (long long)number, order);
}

/* The nth order of EVENTS things, as digits. */
static void nth_order(int n, char ret[EVENTS + 1])
{
	char left[] = "0123";

	for (int i = 0; i < EVENTS; i++) {
		int k = n % (EVENTS - i);

		n /= EVENTS - i;
		ret[i] = left[k];
		memmove(left + k, left + k + 1, strlen(left + k));
	}
	ret[EVENTS] = '\0';
}

/* All orders, with or without a second between what happened. */
static void all_orders(int64_t step_ms)
{
	for (int n = 0; n < 24; n++) {
		char order[EVENTS + 1];

		live(n + 1, step_ms);
		nth_order(n, order);
		for (int i = 0; i < EVENTS; i++) {
			world_deliver(&w, "pull_request", told[order[i] - '0']);
			world_run(&w);
		}
		is_as_on_the_forge(n + 1, order);
		fake_clock_advance(&w.clock, 1000);
	}
	/* Also once more, as some forges do, and after a scan. */
	scan_begins();
	world_pass(&w, SCAN);
	for (int n = 0; n < 24; n++)
		is_as_on_the_forge(n + 1, "scanned");
}

static void pulls_in_any_order(void **state UNUSED)
{
	all_orders(1000);
}

static void pulls_in_any_order_in_one_second(void **state UNUSED)
{
	all_orders(0);
}

/* What is told of a second that is over does not undo a wish. */
static void a_late_word_of_the_same_second(void **state UNUSED)
{
	json_t *first;

	world_open(&w, 1, STRANGER);
	world_change(&w, 1);
	first = world_pull_json(&w, 1);
	world_sha(w.pulls[1].sha, 'b');
	world_tell(&w, 1, "synchronize");
	world_run(&w);
	world_pass(&w, GUARD + 1000);
	w.hold = "git.batch";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_cycles(&w), 1);
	world_deliver(&w, "pull_request",
		      json_pack("{s:s, s:i, s:o, s:{s:s}}", "action", "labeled",
				"number", 1, "pull_request", first,
				"repository", "full_name", REPO));
	world_run(&w);
	is_as_on_the_forge(1, "late");
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM request"
				       " WHERE voided = 1"),
			 0);
}

static void a_comment_before_its_pull(void **state UNUSED)
{
	json_t *payload;

	w.pulls[1] = (struct world_pull){
		.author = STRANGER,
		.base = "main",
		.state = "open",
		.merge = "merged",
		.updated_ms = clock_wall(&w.clock.clock),
	};
	world_sha(w.pulls[1].sha, '1');
	fake_clock_advance(&w.clock, MINUTE);
	payload = deploy_said(50);
	world_deliver(&w, "issue_comment", payload);
	world_run(&w);
	/* Which head was looked at, nobody knows: a question. */
	is_as_on_the_forge(1, "said");
	assert_true(world_reacted(&w, 50, "confused"));
	assert_non_null(world_last(&w, "forge.comment", w.pulls[1].sha));
	world_tell(&w, 1, "opened");
	world_run(&w);
	world_pass(&w, MINUTE);
	assert_int_equal(world_cycles(&w), 0);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_cycles(&w), 1);
}

/* It was closed since; the comment says that it was open. */
static void a_comment_after_the_end(void **state UNUSED)
{
	json_t *payload;

	world_open(&w, 1, STRANGER);
	world_pass(&w, MINUTE);
	payload = deploy_said(50);
	world_set_state(&w, 1, "closed");
	world_deliver(&w, "issue_comment", payload);
	world_run(&w);
	world_pass(&w, HOUR);
	assert_int_equal(world_cycles(&w), 0);
	is_as_on_the_forge(1, "closed");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		T(what_failed_is_asked_for_once),
		T(a_comment_on_code_comes_late),
		T(what_is_not_asked_for),
		T(nothing_from_before_the_first_look),
		T(an_entry_comes_late),
		T(a_few_at_a_time_the_oldest_first),
		T(the_end_comes_before_the_beginning),
		T(given_up_in_the_end),
		T(without_the_right_it_only_scans),
		T(killed_while_it_asks),
		T(heads_are_in_doubt_until_they_are_confirmed),
		T(a_comment_that_was_lost),
		T(the_doubt_is_short),
		T(what_comes_days_later_is_not_obeyed),
		T(down_for_two_days),
		T(what_only_the_scan_found_is_counted),
		T(another_account),
		T(the_next_scan_goes_on),
		T(what_is_hidden_leaves),
		T(hidden_only_once),
		T(the_repository_is_hidden),
		T(pulls_in_any_order),
		T(pulls_in_any_order_in_one_second),
		T(a_late_word_of_the_same_second),
		T(a_comment_before_its_pull),
		T(a_comment_after_the_end),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
