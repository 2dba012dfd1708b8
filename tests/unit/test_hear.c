/*
 * What is heard, where, from whom and how often: reviews and comments on
 * code, what scans find of them, how much is too much, and a forge that
 * refuses what the bot wants to say.
 */
#include "bot/base/limits.h"
#include "tests/unit/trusted_world.h"

static int64_t said_in(const char *state)
{
	char sql[96];

	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM said WHERE state = '%s'", state);
	return world_ask(&w, sql);
}

static int64_t said(void)
{
	return world_ask(&w, "SELECT count(*) FROM said");
}

/* The member that ties it to a revision, set to what the test says. */
static json_t *about(json_t *object, const char *member, const char *sha)
{
	if (sha)
		json_object_set_new(object, member, json_string(sha));
	else
		json_object_del(object, member);
	return object;
}

static void submit(int64_t user, json_t *review)
{
	world_deliver(&w, "pull_request_review",
		      world_review_payload(&w, 1, user, "submitted", "review",
					   review));
	world_run(&w);
}

static void comment_on_code(int64_t user, json_t *comment)
{
	world_deliver(&w, "pull_request_review_comment",
		      world_review_payload(&w, 1, user, "created", "comment",
					   comment));
	world_run(&w);
}

static json_t *review(int64_t user, const char *text)
{
	return world_review_json(&w, w.next_comment++, 1, user, text);
}

static json_t *code_comment(int64_t user, const char *text)
{
	return world_code_comment_json(&w, w.next_comment++, 1, user, text);
}

/* --- reviews and comments on code --- */

static void a_review_is_obeyed_and_acknowledged(void **state UNUSED)
{
	struct world_effect *sticky;

	world_open(&w, 1, STRANGER);
	w.hold = "job.run";
	world_review(&w, 1, MAINTAINER, "Well done.\n\n@kcibot deploy");
	world_run(&w);
	assert_int_equal(world_cycles(&w), 1);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM said WHERE"
				       " kind = 'review' AND commit_sha ="
				       " (SELECT head_sha FROM pull)"),
			 1);
	sticky = world_last(&w, "forge.comment", "kcibot:sticky");
	assert_non_null(sticky);
	assert_non_null(strstr(js_str(sticky->args, "body"),
			       "**Heard:** user11's review at "));
	assert_non_null(
		strstr(js_str(sticky->args, "body"), ": deploy, runs now"));
	assert_null(strstr(js_str(sticky->args, "body"), "@user11"));
	w.hold = NULL;
	world_answer(world_last(&w, "job.run", "build"), ERR_OK, NULL);
	world_run(&w);
	assert_string_equal(world_status(&w, 1), "success");
	/* Nothing can be put on a review; who asked is told all the same. */
	assert_int_equal(world_sent(&w, "forge.reaction"), 0);
	assert_int_equal(world_sent(&w, "forge.review_reaction"), 0);
	assert_non_null(world_last(&w, "forge.comment", "For @user11"));
}

/* Also when nothing would be written otherwise, and until the next push. */
static void a_review_that_asks_is_acknowledged(void **state UNUSED)
{
	const char *body;

	world_open(&w, 1, CONTRIBUTOR);
	world_review(&w, 1, MAINTAINER, "@kcibot status");
	world_run(&w);
	body = js_str(world_last(&w, "forge.comment", "kcibot:sticky")->args,
		      "body");
	assert_non_null(strstr(body, ": status, answered"));
	world_push(&w, 1, 'e');
	world_pass(&w, HOUR);
	body = js_str(world_last(&w, "forge.comment", "kcibot:sticky")->args,
		      "body");
	assert_null(strstr(body, "Heard"));
}

static void a_comment_on_code_is_obeyed(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	comment_on_code(MAINTAINER, code_comment(MAINTAINER, "@kcibot deploy"));
	assert_int_equal(world_cycles(&w), 1);
	assert_int_equal(world_sent(&w, "forge.reaction"), 0);
	assert_int_equal(world_sent_with(&w, "forge.review_reaction", "eyes"),
			 1);
	assert_int_equal(world_sent_with(&w, "forge.review_reaction", "rocket"),
			 1);
}

/* What is about another revision, or none, deploys nothing. */
static void only_the_revision_that_was_looked_at(void **state UNUSED)
{
	static const char *const shas[] = {
		"2222222222222222222222222222222222222222",
		"",
		NULL,
		"111111111111",
		"111111111111111111111111111111111111111G",
		"1111111111111111111111111111111111111111 ",
	};
	char named[96];

	world_open(&w, 1, STRANGER);
	snprintf(named, sizeof(named), "@kcibot deploy %s", w.pulls[1].sha);
	for (size_t i = 0; i < ARRAY_SIZE(shas); i++) {
		const char *text = i % 2 ? named : "@kcibot trigger";

		submit(ADMIN, about(review(ADMIN, text), "commit_id", shas[i]));
		comment_on_code(MAINTAINER,
				about(code_comment(MAINTAINER, text),
				      "original_commit_id", shas[i]));
		assert_int_equal(world_cycles(&w), 0);
		assert_int_equal(said_in("refused"), 2 * (int64_t)i + 2);
	}
	/* The line to paste has all digits. */
	assert_non_null(world_last(&w, "forge.comment", w.pulls[1].sha));
	/* What deploys nothing needs no revision. */
	submit(ADMIN, about(review(ADMIN, "@kcibot status"), "commit_id", ""));
	assert_int_equal(said_in("accepted"), 1);
}

static void a_review_of_the_head_that_was(void **state UNUSED)
{
	json_t *old;

	world_open(&w, 1, STRANGER);
	old = review(MAINTAINER, "@kcibot deploy");
	world_push(&w, 1, 'e');
	submit(MAINTAINER, old);
	assert_int_equal(world_cycles(&w), 0);
	assert_int_equal(said_in("refused"), 1);
}

static void a_review_without_words_says_nothing(void **state UNUSED)
{
	json_t *silent;

	world_open(&w, 1, STRANGER);
	submit(MAINTAINER, review(MAINTAINER, ""));
	silent = review(MAINTAINER, "");
	json_object_set_new(silent, "body", json_null());
	submit(MAINTAINER, silent);
	submit(MAINTAINER, review(MAINTAINER, "> @kcibot deploy"));
	assert_int_equal(said(), 0);
	assert_int_equal(world_cycles(&w), 0);
}

/* One body, another event's name: the name is not signed. */
static void bodies_under_another_name(void **state UNUSED)
{
	static const char *const names[] = {
		"pull_request",
		"issue_comment",
		"pull_request_review",
		"pull_request_review_comment",
		"push",
	};
	json_t *bodies[3];

	world_open(&w, 1, STRANGER);
	bodies[0] = world_comment_payload(
		&w, 1, MAINTAINER,
		world_comment_json(&w, 50, 1, MAINTAINER, "@kcibot deploy"));
	bodies[1] = world_review_payload(
		&w, 1, MAINTAINER, "submitted", "review",
		world_review_json(&w, 50, 1, MAINTAINER, "@kcibot deploy"));
	bodies[2] = world_review_payload(
		&w, 1, MAINTAINER, "created", "comment",
		world_code_comment_json(&w, 50, 1, MAINTAINER,
					"@kcibot deploy"));
	for (size_t b = 0; b < ARRAY_SIZE(bodies); b++) {
		for (size_t n = 0; n < ARRAY_SIZE(names); n++)
			if (n != b + 1)
				world_deliver(&w, names[n],
					      json_deep_copy(bodies[b]));
		json_decref(bodies[b]);
	}
	world_run(&w);
	assert_int_equal(said(), 0);
	assert_int_equal(world_cycles(&w), 0);
}

/* The pull in these bodies is a reduced one: it is no news of the pull. */
static void the_pull_beside_a_review_is_no_news(void **state UNUSED)
{
	json_t *payload;

	world_open(&w, 1, STRANGER);
	payload = world_review_payload(&w, 1, MAINTAINER, "submitted", "review",
				       review(MAINTAINER, "@kcibot status"));
	json_object_set_new(
		json_object_get(json_object_get(payload, "pull_request"),
				"head"),
		"sha", json_string("eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"));
	world_deliver(&w, "pull_request_review", payload);
	world_run(&w);
	assert_int_equal(said_in("accepted"), 1);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM head"), 1);
}

/* Each kind counts its ids by itself. */
static void one_id_of_each_kind(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	for (int twice = 0; twice < 2; twice++) {
		w.next_comment = 50;
		world_say(&w, 1, MAINTAINER, "@kcibot status");
		submit(MAINTAINER, world_review_json(&w, 50, 1, MAINTAINER,
						     "@kcibot status"));
		comment_on_code(MAINTAINER,
				world_code_comment_json(&w, 50, 1, MAINTAINER,
							"@kcibot status"));
		world_pass(&w, 1000);
	}
	assert_int_equal(said(), 3);
}

static void reviews_elsewhere_are_not_heard(void **state UNUSED)
{
	json_t *payload;

	world_open(&w, 1, STRANGER);
	payload = world_review_payload(&w, 1, STRANGER, "submitted", "review",
				       review(MAINTAINER, "@kcibot deploy"));
	world_deliver(&w, "pull_request_review", payload);
	payload = world_review_payload(&w, 1, MAINTAINER, "submitted", "review",
				       review(MAINTAINER, "@kcibot deploy"));
	json_object_set_new(json_object_get(payload, "repository"), "full_name",
			    json_string("acme/other"));
	world_deliver(&w, "pull_request_review", payload);
	world_set_state(&w, 1, "closed");
	submit(CONTRIBUTOR, review(CONTRIBUTOR, "@kcibot deploy"));
	assert_int_equal(said(), 0);
}

static void a_review_is_heard_once(void **state UNUSED)
{
	json_t *payload;

	world_open(&w, 1, STRANGER);
	payload = world_review_payload(&w, 1, MAINTAINER, "submitted", "review",
				       review(MAINTAINER, "@kcibot deploy"));
	w.hold = "forge.pull";
	world_deliver(&w, "pull_request_review", json_deep_copy(payload));
	world_run(&w);
	w.hold = NULL;
	world_restart(&w);
	/* The same body, and the same review in another. */
	world_deliver(&w, "pull_request_review", json_deep_copy(payload));
	json_object_set_new(payload, "extra", json_true());
	world_deliver(&w, "pull_request_review", payload);
	world_run(&w);
	assert_int_equal(said(), 1);
	assert_int_equal(world_cycles(&w), 1);
	assert_string_equal(world_status(&w, 1), "success");
}

/* --- who is no person --- */

static void only_people_are_obeyed(void **state UNUSED)
{
	static const struct {
		const char *type, *login;
		bool app;
	} rows[] = {
		{"Bot", "user11", false},
		{"Mannequin", "user11", false},
		{"Organization", "user11", false},
		{"", "user11", false},
		{"User", "helper[bot]", false},
		{"User", "user11", true},
	};

	world_open(&w, 1, STRANGER);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *objects[] = {
			review(MAINTAINER, "@kcibot deploy"),
			code_comment(MAINTAINER, "@kcibot deploy"),
		};

		for (size_t n = 0; n < ARRAY_SIZE(objects); n++) {
			json_t *user = json_object_get(objects[n], "user");

			json_object_set_new(user, "type",
					    json_string(rows[i].type));
			json_object_set_new(user, "login",
					    json_string(rows[i].login));
			json_object_set_new(
				objects[n], "performed_via_github_app",
				rows[i].app ? json_pack("{s:i}", "id", 7)
					    : json_null());
		}
		submit(MAINTAINER, objects[0]);
		comment_on_code(MAINTAINER, json_incref(objects[1]));
		world_deliver(
			&w, "issue_comment",
			world_comment_payload(&w, 1, MAINTAINER, objects[1]));
		world_run(&w);
	}
	assert_int_equal(said(), 0);
	assert_int_equal(world_sent(&w, "forge.reaction"), 0);
}

/* Who we are is learnt from what we wrote, if the forge will not say. */
static void the_bot_knows_itself_by_its_comments(void **state UNUSED)
{
	world_open(&w, 1, BOT);
	w.hold = "forge.comment";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_say(&w, 1, BOT, "@kcibot status");
	assert_int_equal(said(), 2);
	w.hold = NULL;
	world_answer(world_last(&w, "forge.comment", "sticky"), ERR_OK,
		     json_pack("{s:i, s:{s:i, s:s}}", "id", 700, "user", "id",
			       BOT, "login", "kcibot"));
	world_run(&w);
	world_say(&w, 1, BOT, "@kcibot status");
	assert_int_equal(said(), 2);
	world_restart(&w);
	world_say(&w, 1, BOT, "@kcibot status");
	assert_int_equal(said(), 2);
}

/* A marker is nothing in somebody else's comment. */
static void a_marker_means_nothing_elsewhere(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER,
		  "<!-- kcibot:sticky staging -->\n\n@kcibot deploy");
	assert_int_equal(world_cycles(&w), 1);
}

/* --- strangers --- */

static void a_stranger_gets_one_sentence_wherever(void **state UNUSED)
{
	size_t before;

	world_open(&w, 1, STRANGER);
	before = world_sent(&w, "forge.comment");
	submit(OTHER_STRANGER, review(OTHER_STRANGER, "@kcibot deploy"));
	assert_int_equal(world_sent(&w, "forge.comment"), before + 1);
	comment_on_code(OTHER_STRANGER,
			code_comment(OTHER_STRANGER, "@kcibot deploy"));
	world_say(&w, 1, OTHER_STRANGER, "@kcibot help");
	submit(OTHER_STRANGER, review(OTHER_STRANGER, "@kcibot deploy"));
	assert_int_equal(world_sent(&w, "forge.comment"), before + 1);
	assert_int_equal(
		world_sent_with(&w, "forge.review_reaction", "confused"), 1);
	assert_int_equal(world_sent_with(&w, "forge.reaction", "confused"), 1);
	assert_int_equal(said_in("refused"), 4);
}

/* --- scans --- */

static void scan_begins(void)
{
	world_kill(&w);
	w.scans = true;
	world_boot(&w);
	world_run(&w);
}

/* The list does not tell whether it was edited into a command; its webhook,
 * for which it waits a while, does. */
static void a_scan_asks_about_reviews(void **state UNUSED)
{
	size_t asked;

	scan_begins();
	world_open(&w, 1, STRANGER);
	world_pass(&w, 10 * MINUTE);
	json_array_append_new(w.reviews, review(MAINTAINER, "@kcibot deploy"));
	world_change(&w, 1);
	world_pass(&w, 8 * MINUTE);
	assert_true(world_sent(&w, "forge.reviews") > 0);
	assert_int_equal(said(), 0);
	world_pass(&w, 8 * MINUTE);
	assert_int_equal(world_cycles(&w), 0);
	assert_int_equal(said_in("refused"), 1);
	assert_non_null(world_last(&w, "forge.comment", "say it in a comment"));
	/* It moved long ago: no call is spent on it any more. */
	world_pass(&w, 10 * MINUTE);
	asked = world_sent(&w, "forge.reviews");
	world_pass(&w, HOUR);
	assert_int_equal(world_sent(&w, "forge.reviews"), asked);
	assert_int_equal(said(), 1);
}

/* Put off by a scan or two, until it is sent again: it runs, and once. */
static void a_review_waits_for_its_webhook(void **state UNUSED)
{
	json_t *one;

	scan_begins();
	world_open(&w, 1, STRANGER);
	world_pass(&w, 10 * MINUTE);
	one = review(MAINTAINER, "@kcibot deploy");
	json_array_append_new(w.reviews, json_incref(one));
	world_change(&w, 1);
	world_pass(&w, 8 * MINUTE);
	assert_true(world_sent(&w, "forge.reviews") > 0);
	submit(MAINTAINER, one);
	assert_int_equal(world_cycles(&w), 1);
	world_pass(&w, 20 * MINUTE);
	assert_int_equal(world_cycles(&w), 1);
	assert_int_equal(said(), 1);
}

/* No webhook tells when, so what the listing shows of it must do. */
static void a_scan_obeys_no_dismissed_review(void **state UNUSED)
{
	json_t *one;

	scan_begins();
	world_open(&w, 1, STRANGER);
	world_pass(&w, 10 * MINUTE);
	one = review(MAINTAINER, "@kcibot deploy");
	json_object_set_new(one, "state", json_string("DISMISSED"));
	json_array_append_new(w.reviews, one);
	world_change(&w, 1);
	world_pass(&w, 5 * MINUTE);
	assert_int_equal(world_cycles(&w), 0);
	assert_int_equal(said_in("refused"), 1);
	assert_non_null(world_last(&w, "forge.comment", "dismissed"));
}

/* Heard while the environment was locked, dismissed unheard. */
static void a_scan_takes_a_dismissed_review_back(void **state UNUSED)
{
	json_t *one;

	scan_begins();
	world_open(&w, 1, STRANGER);
	world_pass(&w, 10 * MINUTE);
	world_say(&w, 1, MAINTAINER, "@kcibot lock 1h");
	one = review(MAINTAINER, "@kcibot deploy");
	json_array_append_new(w.reviews, json_incref(one));
	submit(MAINTAINER, one);
	assert_int_equal(world_cycles(&w), 0);
	assert_int_equal(said_in("accepted"), 2);
	one = json_array_get(w.reviews, 0);
	json_object_set_new(one, "state", json_string("DISMISSED"));
	world_change(&w, 1);
	world_pass(&w, 6 * MINUTE);
	assert_non_null(world_last(&w, "forge.comment", "dismissed"));
	world_pass(&w, 2 * HOUR);
	assert_int_equal(world_cycles(&w), 0);
}

/* In the second in which the listing was made, too. */
static void a_review_in_the_same_second_is_found(void **state UNUSED)
{
	scan_begins();
	world_open(&w, 1, STRANGER);
	world_pass(&w, 10 * MINUTE);
	world_change(&w, 1);
	world_kill(&w);
	world_boot(&w);
	world_run(&w); /* a scan, just now */
	json_array_append_new(w.reviews, review(MAINTAINER, "@kcibot deploy"));
	world_pass(&w, 16 * MINUTE);
	/* Found, and asked about. */
	assert_int_equal(said_in("refused"), 1);
}

static void a_scan_finds_comments_on_code(void **state UNUSED)
{
	json_t *edited;

	scan_begins();
	world_open(&w, 1, STRANGER);
	world_pass(&w, MINUTE);
	edited = code_comment(MAINTAINER, "@kcibot deploy");
	json_object_set_new(
		edited, "updated_at",
		json_string(world_iso(clock_wall(&w.clock.clock) + 5000)));
	json_array_append_new(w.review_comments, edited);
	world_pass(&w, 16 * MINUTE);
	assert_int_equal(world_cycles(&w), 0);
	assert_non_null(world_last(&w, "forge.comment", "edited"));
	json_array_append_new(w.review_comments,
			      code_comment(MAINTAINER, "@kcibot deploy"));
	world_pass(&w, 20 * MINUTE);
	assert_int_equal(world_cycles(&w), 1);
	assert_int_equal(world_sent_with(&w, "forge.review_reaction", "rocket"),
			 1);
	assert_int_equal(said(), 2);
}

static void old_reviews_are_not_obeyed(void **state UNUSED)
{
	json_t *history = NULL;

	world_open(&w, 1, STRANGER);
	history = review(MAINTAINER, "@kcibot deploy");
	json_array_append_new(w.reviews, history);
	json_array_append_new(w.review_comments,
			      code_comment(MAINTAINER, "@kcibot deploy"));
	world_pass(&w, MINUTE);
	/* From before the first scan: not a word. */
	scan_begins();
	world_change(&w, 1);
	world_pass(&w, 10 * MINUTE);
	assert_int_equal(said(), 0);
	assert_true(world_sent(&w, "forge.reviews") > 0);
	/* Found too late: answered. */
	json_array_append_new(w.review_comments,
			      code_comment(MAINTAINER, "@kcibot deploy"));
	world_change(&w, 1);
	world_kill(&w);
	fake_clock_advance(&w.clock, HOUR);
	world_boot(&w);
	world_pass(&w, 16 * MINUTE);
	assert_int_equal(world_cycles(&w), 0);
	assert_int_equal(said_in("refused"), 1);
	assert_non_null(world_last(&w, "forge.comment", "too late"));
}

static const char closed_text[] = "This pull request is closed, so nothing";

/* By a webhook or a scan: who might command is told, once; others are not
 * even heard. */
static void what_is_said_on_a_closed_pull(void **state UNUSED)
{
	int64_t id;

	world_open(&w, 1, STRANGER);
	world_pass(&w, MINUTE);
	world_set_state(&w, 1, "closed");
	world_say(&w, 1, STRANGER, "@kcibot status");
	world_say(&w, 1, CONTRIBUTOR, "@kcibot status");
	submit(CONTRIBUTOR, review(CONTRIBUTOR, "@kcibot deploy"));
	world_say(&w, 1, MAINTAINER, "let us deploy that");
	assert_int_equal(said(), 0);
	assert_int_equal(world_sent(&w, "forge.comment"), 0);
	id = world_say(&w, 1, MAINTAINER, "@kcibot deploy\n@kcibot lock");
	assert_true(world_reacted(&w, id, "confused"));
	assert_int_equal(said_in("refused"), 1);
	assert_int_equal(world_sent_with(&w, "forge.comment", closed_text), 1);
	submit(MAINTAINER, review(MAINTAINER, "@kcibot trigger"));
	assert_int_equal(said_in("refused"), 2);
	/* Even if it is opened again before the forge has answered. */
	w.hold = "forge.pull";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_set_state(&w, 1, "open");
	w.hold = NULL;
	world_restart(&w);
	world_run(&w);
	assert_int_equal(said_in("refused"), 3);
	assert_int_equal(world_cycles(&w), 0);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM environment_lock"),
			 0);
}

static void what_a_scan_finds_on_a_closed_pull(void **state UNUSED)
{
	scan_begins();
	world_open(&w, 1, STRANGER);
	world_pass(&w, MINUTE);
	json_array_append_new(
		w.comments,
		world_comment_json(&w, 50, 1, CONTRIBUTOR, "@kcibot status"));
	json_array_append_new(
		w.comments,
		world_comment_json(&w, 51, 1, MAINTAINER, "@kcibot deploy"));
	world_set_state(&w, 1, "closed");
	world_pass(&w, 20 * MINUTE);
	assert_int_equal(said(), 1);
	assert_int_equal(world_sent_with(&w, "forge.comment", closed_text), 1);
}

/* No webhook told of either.  The pulls are listed before the comments, or not
 * at all. */
static void what_a_scan_finds_on_a_reopened_pull(void **state UNUSED)
{
	for (int i = 0; i < 2; i++) {
		int64_t number = 1 + i;
		size_t listed;

		if (!i)
			scan_begins();
		world_open(&w, number, STRANGER);
		world_set_state(&w, number, "closed");
		world_pass(&w, 20 * MINUTE);
		world_change(&w, number)->state = "open";
		fake_clock_advance(&w.clock, 2000);
		json_array_append_new(w.comments,
				      world_comment_json(&w, 50 + i, number,
							 MAINTAINER,
							 "@kcibot status"));
		w.hold = i ? NULL : "forge.pulls";
		w.fail_kind = i ? "forge.pulls" : NULL;
		w.fail_code = ERR_MISSING;
		listed = world_sent(&w, "forge.comments");
		world_pass(&w, 5 * MINUTE);
		assert_int_equal(world_sent(&w, "forge.comments"), listed + i);
		w.hold = NULL;
		if (!i)
			world_answer(world_last(&w, "forge.pulls", ""), ERR_OK,
				     NULL);
		world_run(&w);
		assert_int_equal(said(), number);
		assert_int_equal(said_in("refused"), 0);
		assert_int_equal(
			world_sent_with(&w, "forge.comment", closed_text), 0);
	}
}

/* --- how much is too much --- */

static void say_often(int64_t number, int64_t who, int times)
{
	for (int i = 0; i < times; i++)
		world_say(&w, number, who, "@kcibot status");
}

static void too_much_on_one_pull(void **state UNUSED)
{
	struct world_effect *x;
	size_t pulls, comments;
	char named[96];
	int64_t id;

	/* Not by role: an account can be stolen. */
	world_open(&w, 1, STRANGER);
	world_open(&w, 2, STRANGER);
	say_often(1, ADMIN, LIMIT_COMMANDS_PER_HOUR_HERE);
	assert_int_equal(said_in("accepted"), LIMIT_COMMANDS_PER_HOUR_HERE);
	pulls = world_sent(&w, "forge.pull");
	comments = world_sent(&w, "forge.comment");
	id = world_say(&w, 1, ADMIN, "@kcibot trigger");
	assert_true(world_reacted(&w, id, "confused"));
	assert_false(world_reacted(&w, id, "eyes"));
	assert_int_equal(world_sent(&w, "forge.comment"), comments + 1);
	x = world_last(&w, "forge.comment", "in an hour");
	assert_non_null(x);
	assert_non_null(strstr(js_str(x->args, "body"), "Say it again after "));
	assert_non_null(strstr(js_str(x->args, "body"), " UTC"));
	/* One sentence, then signs; nothing is asked of the forge. */
	id = world_say(&w, 1, ADMIN, "@kcibot deploy");
	assert_true(world_reacted(&w, id, "confused"));
	assert_int_equal(world_sent(&w, "forge.comment"), comments + 1);
	assert_int_equal(world_sent(&w, "forge.pull"), pulls);
	assert_int_equal(world_cycles(&w), 0);
	/* Others, and other pulls, are not meant. */
	world_say(&w, 1, MAINTAINER, "@kcibot status");
	world_say(&w, 2, ADMIN, "@kcibot status");
	assert_int_equal(said_in("accepted"), LIMIT_COMMANDS_PER_HOUR_HERE + 2);
	/* An hour is an hour, also across a restart. */
	world_pass(&w, 50 * MINUTE);
	world_restart(&w);
	world_say(&w, 1, ADMIN, "@kcibot deploy");
	assert_int_equal(world_cycles(&w), 0);
	world_pass(&w, 11 * MINUTE);
	/* After a restart the head has to be named. */
	snprintf(named, sizeof(named), "@kcibot deploy %s", w.pulls[1].sha);
	world_say(&w, 1, ADMIN, named);
	assert_int_equal(world_cycles(&w), 1);
}

static void too_much_over_all(void **state UNUSED)
{
	int64_t id;

	for (int64_t n = 1; n <= 3; n++)
		world_open(&w, n, STRANGER);
	say_often(1, MAINTAINER, LIMIT_COMMANDS_PER_HOUR / 2);
	say_often(2, MAINTAINER, LIMIT_COMMANDS_PER_HOUR / 2);
	assert_int_equal(said_in("accepted"), LIMIT_COMMANDS_PER_HOUR);
	id = world_say(&w, 3, MAINTAINER, "@kcibot deploy");
	assert_true(world_reacted(&w, id, "confused"));
	assert_int_equal(world_cycles(&w), 0);
	/* The command line is the operator's. */
	world_call(&w, json_pack("{s:s, s:s, s:i, s:s, s:i, s:s}", "op", "say",
				 "repo", REPO, "number", 3, "actor", "user11",
				 "actor_id", MAINTAINER, "text", "deploy"));
	assert_int_equal(w.answer_ok, 1);
	assert_int_equal(world_cycles(&w), 1);
}

/* Commands are counted, not comments, and in all three kinds. */
static void all_that_is_said_counts(void **state UNUSED)
{
	static const char two[] = "@kcibot status\n@kcibot help";
	const int rounds = (LIMIT_COMMANDS_PER_HOUR_HERE - 2) / 6;
	int64_t accepted;

	world_open(&w, 1, STRANGER);
	for (int i = 0; i < rounds; i++) {
		world_say(&w, 1, MAINTAINER, two);
		submit(MAINTAINER, review(MAINTAINER, two));
		comment_on_code(MAINTAINER, code_comment(MAINTAINER, two));
	}
	/* Two more, then none. */
	for (int i = 6 * rounds; i < LIMIT_COMMANDS_PER_HOUR_HERE - 2; i += 2)
		world_say(&w, 1, MAINTAINER, two);
	accepted = said_in("accepted");
	assert_int_equal(accepted, (LIMIT_COMMANDS_PER_HOUR_HERE - 2) / 2);
	world_say(&w, 1, MAINTAINER,
		  "@kcibot status\n@kcibot help\n"
		  "@kcibot status");
	assert_int_equal(said_in("refused"), 1);
	submit(MAINTAINER, review(MAINTAINER, two));
	assert_int_equal(said_in("accepted"), accepted + 1);
	submit(MAINTAINER, review(MAINTAINER, "@kcibot status"));
	assert_int_equal(said_in("refused"), 2);
}

/* Each sign is a write; who goes on and on gets none. */
static void signs_end_as_well(void **state UNUSED)
{
	size_t before;

	world_open(&w, 1, STRANGER);
	say_often(1, OTHER_STRANGER, LIMIT_COMMANDS_PER_HOUR_HERE);
	before = world_sent(&w, "forge.reaction");
	say_often(1, OTHER_STRANGER, LIMIT_COMMANDS_PER_HOUR + 10);
	assert_int_equal(world_sent(&w, "forge.reaction"),
			 before + LIMIT_COMMANDS_PER_HOUR);
	/* The one sentence was the stranger's, not another one for this. */
	assert_int_equal(world_sent_with(&w, "forge.comment", "in an hour"), 0);
}

/* --- a forge that refuses what the bot says --- */

static void refusals_of_the_forge_break_nothing(void **state UNUSED)
{
	static const char *const kinds[] = {"forge.comment", "forge.reaction",
					    "forge.review_reaction",
					    "forge.status"};
	static const struct {
		int status;
		enum err code;
	} answers[] = {
		{403, ERR_REFUSED},
		{404, ERR_MISSING},
		{410, ERR_MISSING},
		{422, ERR_INVALID},
	};
	int64_t n = 0;

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		for (size_t a = 0; a < ARRAY_SIZE(answers); a++) {
			json_t *comment;
			int64_t effects;
			size_t sent;

			world_open(&w, ++n, STRANGER);
			w.fail_kind = kinds[k];
			w.fail_code = answers[a].code;
			w.fail_status = answers[a].status;
			effects = world_ask(&w, "SELECT count(*) FROM outbox");
			sent = w.sent_count;
			comment = world_code_comment_json(
				&w, w.next_comment++, n,
				n % 2 ? MAINTAINER : ADMIN, "@kcibot deploy");
			world_deliver(&w, "pull_request_review_comment",
				      world_review_payload(
					      &w, n, n % 2 ? MAINTAINER : ADMIN,
					      "created", "comment", comment));
			world_say(&w, n, n % 2 ? ADMIN : MAINTAINER,
				  "@kcibot deploy");
			world_pass(&w, 25 * MINUTE);
			assert_int_equal(world_ask(&w,
						   "SELECT count(*) FROM cycle"
						   " WHERE verdict = 'success'"
						   " OR reason_code ="
						   " 'restarted'"),
					 world_cycles(&w));
			/* Given up, each after a few tries, but for how things
			 * stand: that is put off. */
			assert_int_equal(
				world_ask(&w, "SELECT count(*) FROM outbox"
					      " WHERE state = 'ready' AND NOT"
					      " (kind IN ('forge.comment',"
					      " 'forge.status') AND"
					      " target <> '')"),
				0);
			effects = world_ask(&w, "SELECT count(*) FROM outbox") -
				  effects;
			assert_true((int64_t)(w.sent_count - sent) <=
				    4 * effects);
			w.fail_kind = NULL;
			/* And when it lets us again, all is as ever. */
			world_say(&w, n, ADMIN, "@kcibot deploy");
			assert_string_equal(world_status(&w, n), "success");
		}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		T(a_review_is_obeyed_and_acknowledged),
		T(a_review_that_asks_is_acknowledged),
		T(a_comment_on_code_is_obeyed),
		T(only_the_revision_that_was_looked_at),
		T(a_review_of_the_head_that_was),
		T(a_review_without_words_says_nothing),
		T(bodies_under_another_name),
		T(the_pull_beside_a_review_is_no_news),
		T(one_id_of_each_kind),
		T(reviews_elsewhere_are_not_heard),
		T(a_review_is_heard_once),
		T(only_people_are_obeyed),
		T(the_bot_knows_itself_by_its_comments),
		T(a_marker_means_nothing_elsewhere),
		T(a_stranger_gets_one_sentence_wherever),
		T(a_scan_asks_about_reviews),
		T(a_review_waits_for_its_webhook),
		T(a_scan_obeys_no_dismissed_review),
		T(a_scan_takes_a_dismissed_review_back),
		T(a_review_in_the_same_second_is_found),
		T(a_scan_finds_comments_on_code),
		T(old_reviews_are_not_obeyed),
		T(what_is_said_on_a_closed_pull),
		T(what_a_scan_finds_on_a_closed_pull),
		T(what_a_scan_finds_on_a_reopened_pull),
		T(too_much_on_one_pull),
		T(too_much_over_all),
		T(all_that_is_said_counts),
		T(signs_end_as_well),
		T(refusals_of_the_forge_break_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
