/*
 * Taking back what was said, in every order in which the forge may tell of
 * it, and across kill -9: what has not started is dropped, what runs goes on,
 * and nothing ever runs because of an edit.
 */
#include "tests/unit/trusted_world.h"

/* What a person writes, in each of the three ways. */
static const struct way {
	const char *event, *object, *made;
	json_t *(*write)(struct world *w, int64_t id, int64_t number,
			 int64_t user, const char *text);
	bool deletes; /* a review cannot be deleted, it is dismissed */
} ways[] = {
	{"issue_comment", "comment", "created", world_comment_json, true},
	{"pull_request_review", "review", "submitted", world_review_json,
	 false},
	{"pull_request_review_comment", "comment", "created",
	 world_code_comment_json, true},
};

/* Delivers an action on what it is now; does not run. */
static void tell(const struct way *way, int64_t number, int64_t sender,
		 const char *action, json_t *what)
{
	json_t *payload;

	if (way == ways) {
		payload = world_comment_payload(&w, number, sender,
						json_incref(what));
		json_object_set_new(payload, "action", json_string(action));
		json_object_set_new(json_object_get(payload, "sender"), "login",
				    json_string(world_login(sender)));
	} else {
		payload = world_review_payload(&w, number, sender, action,
					       way->object, json_incref(what));
	}
	/* Nothing in it may stand in for the words themselves. */
	world_deliver(&w, way->event, payload);
}

static void now(const struct way *way, int64_t number, int64_t sender,
		const char *action, json_t *what)
{
	tell(way, number, sender, action, what);
	world_run(&w);
}

/* The author's hand on the own words. */
static void edit(json_t *what, const char *text)
{
	json_object_set_new(what, "body", json_string(text));
	if (json_object_get(what, "updated_at"))
		json_object_set_new(
			what, "updated_at",
			json_string(
				world_iso(clock_wall(&w.clock.clock) + 1000)));
}

static const char *gone_action(const struct way *way)
{
	return way->deletes ? "deleted" : "dismissed";
}

static int64_t count(const char *what)
{
	char sql[256];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", what);
	return world_ask(&w, sql);
}

/* A full runs for pull 9 and is not interrupted, so that requests wait. */
static void a_full_runs(void)
{
	w.hold = "job.run";
	world_open(&w, 9, STRANGER);
	world_say(&w, 9, ADMIN, "@kcibot trigger");
	assert_int_equal(count("cycle WHERE kind = 'full'"), 1);
	w.hold = NULL;
}

/* ... to its end: each job that was sent is answered. */
static void the_full_ends(void)
{
	for (size_t i = 0; i < w.sent_count; i++)
		if (!strcmp(w.sent[i].kind, "job.run") && !w.sent[i].answered)
			world_answer(&w.sent[i], ERR_OK, NULL);
	world_run(&w);
	world_pass(&w, HOUR);
	assert_int_equal(count("cycle WHERE state <> 'finished'"), 0);
}

/* Did a batch ever have pull 1? */
static bool went_along(void)
{
	return world_last(&w, "git.batch", w.pulls[1].sha) != NULL;
}

static size_t signs(void)
{
	return world_sent(&w, "forge.reaction") +
	       world_sent(&w, "forge.review_reaction");
}

/* --- before anything began --- */

static void while_it_is_checked(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		const struct way *way = &ways[i];
		int64_t n = (int64_t)i + 1;
		json_t *what;

		world_open(&w, n, STRANGER);
		what = way->write(&w, w.next_comment++, n, MAINTAINER,
				  "@kcibot deploy");
		w.hold = "forge.pull";
		now(way, n, MAINTAINER, way->made, what);
		assert_int_equal(count("said WHERE state = 'checking'"), 1);
		/* Not a word of the bot is left in it. */
		edit(what, "Never mind.");
		now(way, n, MAINTAINER, "edited", what);
		assert_int_equal(count("said WHERE state = 'withdrawn'"), n);
		w.hold = NULL;
		world_answer(world_last(&w, "forge.pull", "said"), ERR_OK,
			     NULL);
		world_run(&w);
		assert_int_equal(world_cycles(&w), 0);
		assert_int_equal(count("request WHERE kind <> 'auto'"), 0);
		assert_int_equal(count("audit WHERE action = 'withdrawn'"), n);
		assert_int_equal(world_sent_with(&w, "forge.comment",
						 "I never act on an edit"),
				 n);
		json_decref(what);
	}
	assert_int_equal(world_sent_with(&w, "forge.reaction", "confused"), 1);
	assert_int_equal(
		world_sent_with(&w, "forge.review_reaction", "confused"), 1);
}

static void while_it_waits(void **state UNUSED)
{
	static const char *const actions[] = {"edited", NULL};

	a_full_runs();
	world_open(&w, 1, STRANGER);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		for (size_t a = 0; a < ARRAY_SIZE(actions); a++) {
			const struct way *way = &ways[i];
			const char *action =
				actions[a] ? actions[a] : gone_action(way);
			size_t before, comments;
			json_t *what = way->write(&w, w.next_comment++, 1,
						  MAINTAINER, "@kcibot deploy");

			now(way, 1, MAINTAINER, way->made, what);
			assert_int_equal(count("request WHERE state ="
					       " 'waiting' AND kind <> 'auto'"),
					 1);
			before = signs();
			comments = world_sent_with(&w, "forge.comment",
						   "I dropped what it");
			if (actions[a])
				edit(what, "@kcibot deploy, or not.");
			now(way, 1, MAINTAINER, action, what);
			now(way, 1, MAINTAINER, action, what);
			assert_int_equal(count("request WHERE state ="
					       " 'waiting' AND kind <> 'auto'"),
					 0);
			/* On what is gone there is nothing to sign. */
			assert_int_equal(signs() - before,
					 strcmp(action, "edited") == 0 &&
						 way != &ways[1]);
			if (way->deletes && !actions[a])
				assert_int_equal(
					world_sent_with(&w, "forge.comment",
							"I dropped what it"),
					comments);
			json_decref(what);
			world_pass(&w, 1000);
		}
	assert_int_equal(count("request WHERE outcome = 'withdrawn'"), 6);
	the_full_ends();
	assert_false(went_along());
	/* Nor does what was dropped vouch for the revision. */
	world_say(&w, 9, ADMIN, "@kcibot deploy");
	world_pass(&w, MINUTE);
	assert_false(went_along());
}

/* Another hand is as good for taking back, and is the one that is told. */
static void by_somebody_else(void **state UNUSED)
{
	json_t *what;

	a_full_runs();
	world_open(&w, 1, STRANGER);
	what = world_comment_json(&w, 50, 1, MAINTAINER, "@kcibot deploy");
	now(ways, 1, MAINTAINER, "created", what);
	edit(what, "@kcibot trigger");
	now(ways, 1, ADMIN, "edited", what);
	json_decref(what);
	assert_int_equal(count("request WHERE outcome = 'withdrawn'"), 1);
	assert_non_null(world_last(&w, "forge.comment", "To @user10: "));
	the_full_ends();
	assert_false(went_along());
}

/* The full that a trigger booked goes, the short that ran stays. */
static void a_booked_full(void **state UNUSED)
{
	json_t *what;

	world_open(&w, 9, STRANGER);
	world_say(&w, 9, ADMIN, "@kcibot trigger");
	world_open(&w, 1, STRANGER);
	what = world_comment_json(&w, 50, 1, MAINTAINER, "@kcibot trigger");
	now(ways, 1, MAINTAINER, "created", what);
	assert_int_equal(count("request WHERE state = 'booked'"), 1);
	now(ways, 1, MAINTAINER, "deleted", what);
	json_decref(what);
	assert_int_equal(count("request WHERE state = 'booked'"), 0);
	/* It would have come at six hours; the schedule comes at eight. */
	world_pass(&w, 7 * HOUR);
	assert_int_equal(count("cycle WHERE kind = 'full'"), 1);
}

/* --- when it is too late --- */

static void what_runs_goes_on(void **state UNUSED)
{
	json_t *what;
	size_t before;

	world_open(&w, 1, STRANGER);
	what = world_comment_json(&w, 50, 1, MAINTAINER, "@kcibot deploy");
	w.hold = "git.batch";
	now(ways, 1, MAINTAINER, "created", what);
	before = w.sent_count;
	edit(what, "Never mind.");
	now(ways, 1, MAINTAINER, "edited", what);
	now(ways, 1, MAINTAINER, "deleted", what);
	json_decref(what);
	assert_int_equal(w.sent_count, before);
	w.hold = NULL;
	world_answer(world_last(&w, "git.batch", "sha"), ERR_OK, NULL);
	world_run(&w);
	assert_string_equal(world_status(&w, 1), "success");
	assert_int_equal(count("audit WHERE action = 'withdrawn'"), 0);
}

/* --- nothing runs because of an edit --- */

static void edited_into_a_command(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		const struct way *way = &ways[i];
		int64_t n = (int64_t)i + 1;
		json_t *what;

		world_open(&w, n, STRANGER);
		what = way->write(&w, w.next_comment++, n, MAINTAINER,
				  "Well done.");
		now(way, n, MAINTAINER, way->made, what);
		edit(what, "@kcibot deploy");
		now(way, n, MAINTAINER, "edited", what);
		world_pass(&w, MINUTE);
		assert_int_equal(count("said"), i);
		/* Not even when its making is told again, as it is now. */
		now(way, n, MAINTAINER, way->made, what);
		world_pass(&w, MINUTE);
		assert_int_equal(count("said WHERE state = 'refused'"), n);
		assert_int_equal(world_sent_with(&w, "forge.comment",
						 "only after it was edited"),
				 n);
		json_decref(what);
	}
	assert_int_equal(world_cycles(&w), 0);
}

/* Somebody else puts words into a maintainer's mouth: not even an answer. */
static void edited_by_somebody_else(void **state UNUSED)
{
	json_t *what;

	world_open(&w, 1, STRANGER);
	what = world_comment_json(&w, 50, 1, MAINTAINER, "@kcibot deploy");
	now(ways, 1, STRANGER, "edited", what);
	assert_int_equal(count("said"), 0);
	/* Its making, told late, is known to be edited. */
	now(ways, 1, MAINTAINER, "created", what);
	json_decref(what);
	assert_int_equal(count("said WHERE state = 'refused'"), 1);
	assert_int_equal(world_cycles(&w), 0);
}

/* --- out of order, twice, and killed in between --- */

static void the_end_is_told_before_the_beginning(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		const struct way *way = &ways[i];
		int64_t n = (int64_t)i + 1;
		size_t before = signs();
		json_t *what;

		world_open(&w, n, STRANGER);
		what = way->write(&w, w.next_comment++, n, MAINTAINER,
				  "@kcibot deploy");
		/* An edit before it must not hide that it is gone. */
		now(way, n, ADMIN, "edited", what);
		now(way, n, ADMIN, gone_action(way), what);
		now(way, n, ADMIN, "edited", what);
		if (i == 2)
			world_restart(&w);
		now(way, n, MAINTAINER, way->made, what);
		json_decref(what);
		assert_int_equal(world_cycles(&w), 0);
		if (way->deletes)
			assert_int_equal(signs(), before);
		assert_int_equal(count("request WHERE kind <> 'auto'"), 0);
	}
	assert_int_equal(count("said WHERE state = 'withdrawn'"), 2);
	assert_int_equal(count("said WHERE state = 'refused'"), 1);
}

static void edited_before_it_was_made(void **state UNUSED)
{
	json_t *what;

	world_open(&w, 1, STRANGER);
	what = world_comment_json(&w, 50, 1, MAINTAINER, "Never mind.");
	now(ways, 1, MAINTAINER, "edited", what);
	assert_int_equal(count("said"), 0);
	json_object_set_new(what, "body", json_string("@kcibot deploy"));
	now(ways, 1, MAINTAINER, "created", what);
	json_decref(what);
	assert_int_equal(world_cycles(&w), 0);
	assert_true(world_reacted(&w, 50, "confused"));
	assert_non_null(
		world_last(&w, "forge.comment", "only after it was edited"));
}

/* Both wait in the journal when the bot comes back. */
static void all_of_it_while_the_bot_was_away(void **state UNUSED)
{
	json_t *what;

	world_open(&w, 1, STRANGER);
	world_kill(&w);
	what = world_comment_json(&w, 50, 1, MAINTAINER, "@kcibot deploy");
	tell(ways, 1, MAINTAINER, "created", what);
	tell(ways, 1, MAINTAINER, "deleted", what);
	json_decref(what);
	w.hold = "forge.pull";
	world_boot(&w);
	world_run(&w);
	world_restart(&w);
	w.hold = NULL;
	world_run(&w);
	world_pass(&w, HOUR);
	assert_int_equal(world_cycles(&w), 0);
	assert_int_equal(count("said WHERE state = 'withdrawn'"), 1);
}

static void killed_while_it_is_taken_back(void **state UNUSED)
{
	json_t *what;

	a_full_runs();
	world_open(&w, 1, STRANGER);
	what = world_comment_json(&w, 50, 1, MAINTAINER, "@kcibot deploy");
	now(ways, 1, MAINTAINER, "created", what);
	edit(what, "Never mind.");
	w.hold = "forge.comment forge.reaction forge.status job.run";
	now(ways, 1, MAINTAINER, "edited", what);
	world_restart(&w);
	world_run(&w);
	now(ways, 1, MAINTAINER, "edited", what);
	json_decref(what);
	assert_int_equal(count("request WHERE outcome = 'withdrawn'"), 1);
	assert_int_equal(count("audit WHERE action = 'withdrawn'"), 1);
	assert_int_equal(count("outbox WHERE key LIKE 'reaction:50:confused'"),
			 1);
}

/* --- what only a scan sees --- */

static void scan_begins(void)
{
	world_kill(&w);
	w.scans = true;
	world_boot(&w);
	world_run(&w);
}

static void an_edit_that_a_scan_finds(void **state UNUSED)
{
	json_t *what;

	scan_begins();
	a_full_runs();
	world_open(&w, 1, STRANGER);
	what = world_comment_json(&w, 50, 1, MAINTAINER, "@kcibot deploy");
	now(ways, 1, MAINTAINER, "created", what);
	json_array_append_new(w.comments, json_incref(what));
	world_pass(&w, 6 * MINUTE);
	assert_int_equal(count("request WHERE state = 'waiting'"
			       " AND kind <> 'auto'"),
			 1);
	/* The words are another's now, and the mention is gone. */
	edit(what, "Never mind.");
	world_pass(&w, 6 * MINUTE);
	assert_int_equal(count("request WHERE outcome = 'withdrawn'"), 1);
	assert_true(world_reacted(&w, 50, "confused"));
	assert_non_null(world_last(&w, "forge.comment", "To @user11: "));
	world_pass(&w, 6 * MINUTE);
	assert_int_equal(count("audit WHERE action = 'withdrawn'"), 1);
	json_decref(what);
	the_full_ends();
	assert_false(went_along());
}

/* A draft becomes a comment when its review is submitted: that is no edit. */
static void a_draft_is_not_edited(void **state UNUSED)
{
	json_t *what;

	scan_begins();
	a_full_runs();
	world_open(&w, 1, STRANGER);
	what = world_code_comment_json(&w, 50, 1, MAINTAINER, "@kcibot deploy");
	edit(what, "@kcibot deploy");
	now(&ways[2], 1, MAINTAINER, "created", what);
	json_array_append_new(w.review_comments, what);
	world_pass(&w, 12 * MINUTE);
	assert_int_equal(count("request WHERE state = 'waiting'"
			       " AND kind <> 'auto'"),
			 1);
}

/* --- what it costs --- */

static void others_edits_leave_little(void **state UNUSED)
{
	json_t *what;

	world_open(&w, 1, STRANGER);
	/* Bots edit all day. */
	what = world_comment_json(&w, 50, 1, BOT, "Builds: 5");
	json_object_set_new(json_object_get(what, "user"), "type",
			    json_string("Bot"));
	now(ways, 1, BOT, "edited", what);
	now(ways, 1, BOT, "deleted", what);
	json_decref(what);
	assert_int_equal(count("taken_back"), 0);
	what = world_comment_json(&w, 51, 1, STRANGER, "a typo");
	now(ways, 1, STRANGER, "edited", what);
	json_object_set_new(what, "body", json_string("no typo"));
	now(ways, 1, STRANGER, "edited", what);
	json_decref(what);
	assert_int_equal(count("taken_back"), 1);
	assert_int_equal(count("said"), 0);
	assert_int_equal(world_sent(&w, "forge.pull"), 0);
	world_pass(&w, 2 * HOUR);
	fake_clock_advance(&w.clock, 31LL * 24 * HOUR);
	world_run(&w);
	world_pass(&w, 2 * HOUR);
	assert_int_equal(count("taken_back"), 0);
}

/* Who had the day's sentence gets a sign only. */
static void a_stranger_takes_back(void **state UNUSED)
{
	json_t *what;
	size_t before;

	world_open(&w, 1, STRANGER);
	world_say(&w, 1, STRANGER, "@kcibot deploy");
	what = world_comment_json(&w, 50, 1, STRANGER, "@kcibot status");
	w.hold = "forge.pull";
	now(ways, 1, STRANGER, "created", what);
	before = world_sent(&w, "forge.comment");
	edit(what, "Never mind.");
	now(ways, 1, STRANGER, "edited", what);
	json_decref(what);
	assert_true(world_reacted(&w, 50, "confused"));
	assert_int_equal(world_sent(&w, "forge.comment"), before);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		T(while_it_is_checked),
		T(while_it_waits),
		T(by_somebody_else),
		T(a_booked_full),
		T(what_runs_goes_on),
		T(edited_into_a_command),
		T(edited_by_somebody_else),
		T(the_end_is_told_before_the_beginning),
		T(edited_before_it_was_made),
		T(all_of_it_while_the_bot_was_away),
		T(killed_while_it_is_taken_back),
		T(an_edit_that_a_scan_finds),
		T(a_draft_is_not_edited),
		T(others_edits_leave_little),
		T(a_stranger_takes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
