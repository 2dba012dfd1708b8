/*
 * What the engine does after kill -9, lost and doubled answers, answers that
 * make no sense, a changed configuration; and what a scan finds.
 */
#include "tests/unit/trusted_world.h"

/* --- kill -9 --- */

/* Killed while each kind of effect is under way, the story ends the same. */
static void killed_at_every_effect(void **state UNUSED)
{
	static const char *const kinds[] = {
		"forge.pull", "forge.reaction", "forge.comment", "forge.status",
		"git.batch",  "git.push",	"git.tag",	 "job.run",
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		int64_t id, n = (int64_t)i + 1;

		world_open(&w, n, STRANGER);
		w.hold = kinds[i];
		id = world_say(&w, n, MAINTAINER, "@kcibot deploy");
		assert_non_null(world_last(&w, kinds[i], ""));
		w.hold = NULL;
		world_restart(&w);
		world_run(&w);
		world_pass(&w, MINUTE);
		assert_true(world_reacted(&w, id, "rocket"));
		assert_string_equal(world_status(&w, n), "success");
		assert_int_equal(world_cycles(&w), n);
	}
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM outbox"
				       " WHERE state = 'ready'"),
			 0);
}

/* What may have been done is looked for before it is done again. */
static void a_repeat_looks_first(void **state UNUSED)
{
	struct world_effect *x;

	world_open(&w, 1, STRANGER);
	w.hold = "forge.comment";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	w.hold = NULL;
	world_restart(&w);
	world_run(&w);
	x = world_last(&w, "forge.comment", "kcibot:sticky");
	assert_true(js_bool(x->args, "lookup", false));
}

/* ... also by the newer comment that takes the place of a lost one. */
static void a_lost_answer_is_looked_for(void **state UNUSED)
{
	size_t before;

	world_open(&w, 1, STRANGER);
	w.fail_kind = "forge.comment";
	w.fail_code = ERR_RETRY;
	w.fail_unknown = true;
	w.hold = "job.run";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	w.fail_kind = w.hold = NULL;
	before = w.sent_count;
	/* The sticky is replaced by the one that tells the end. */
	world_answer(world_last(&w, "job.run", "build"), ERR_OK, NULL);
	world_run(&w);
	for (size_t i = before; i < w.sent_count; i++)
		if (*js_str(w.sent[i].args, "slot"))
			assert_true(js_bool(w.sent[i].args, "lookup", false) ||
				    js_int(w.sent[i].args, "comment_id", 0) >
					    0);
}

/* --- answers --- */

/* One that comes twice, or after its cycle was ended, changes nothing. */
static void late_and_double_answers(void **state UNUSED)
{
	struct world_effect *batch;

	w.hold = "git.batch";
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	batch = world_last(&w, "git.batch", "sha");
	world_open(&w, 2, STRANGER);
	world_say(&w, 2, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_cycles(&w), 2); /* restarted at once */
	world_answer(batch, ERR_OK, NULL);
	world_run(&w);
	assert_int_equal(world_sent(&w, "git.push"), 0);
	w.hold = NULL;
	batch = world_last(&w, "git.batch", "sha");
	world_answer(batch, ERR_OK, NULL);
	batch->answered = false;
	world_answer(batch, ERR_OK, NULL);
	world_run(&w);
	assert_int_equal(world_sent(&w, "git.push"), 1);
	assert_string_equal(world_status(&w, 1), "success");
}

/* A cycle whose answer cannot be handled ends; it does not hang for ever. */
static void senseless_answers_end_their_cycle(void **state UNUSED)
{
	int64_t id;

	w.hold = "git.batch";
	world_open(&w, 1, STRANGER);
	w.pulls[1].merge = "no-such-result";
	id = world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	w.hold = NULL;
	world_answer(world_last(&w, "git.batch", "sha"), ERR_OK, NULL);
	world_run(&w);
	assert_true(world_reacted(&w, id, "-1"));
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM cycle"
				       " WHERE verdict = 'error'"),
			 1);
	w.pulls[1].merge = "merged";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_string_equal(world_status(&w, 1), "success");
}

static void a_damaged_delivery_is_passed(void **state UNUSED)
{
	sqlite3 *db;

	world_kill(&w);
	world_change(&w, 1)->author = STRANGER;
	w.pulls[1].state = "open";
	world_tell(&w, 1, "opened");
	assert_int_equal(sqlite3_open(w.inbox_path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				      "UPDATE delivery SET body = x'00',"
				      " packed = 1",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	world_boot(&w);
	world_open(&w, 2, STRANGER);
	world_say(&w, 2, MAINTAINER, "@kcibot deploy");
	assert_string_equal(world_status(&w, 2), "success");
}

static void gives_up_in_the_end(void **state UNUSED)
{
	int64_t id;

	w.fail_kind = "git.batch";
	w.fail_code = ERR_RETRY;
	world_open(&w, 1, STRANGER);
	id = world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_sent(&w, "git.batch"), 1);
	world_pass(&w, HOUR);
	assert_true(world_sent(&w, "git.batch") > 2);
	assert_true(world_reacted(&w, id, "-1"));
	assert_string_equal(world_status(&w, 1), "error");
}

/* --- another configuration --- */

/* Killed while the answer to that kind was awaited; its name is another. */
static void renamed_while(const char *kind)
{
	char yaml[sizeof(world_yaml) + 8], *at;

	w.hold = kind;
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_sent(&w, kind), 1);
	world_kill(&w);
	memcpy(yaml, world_yaml, sizeof(world_yaml));
	at = strstr(yaml, "  staging:");
	memcpy(at, "  testing:", 10);
	world_set_config(&w, yaml);
	world_boot(&w);
	w.hold = NULL;
	world_run(&w);
}

static void an_environment_that_is_gone(void **state UNUSED)
{
	const json_t *status;

	renamed_while("job.run");
	/* Its job is ended, and not begun again; nobody waits for it. */
	status = world_last(&w, "forge.status", "kcibot/staging")->args;
	assert_string_equal(js_str(status, "state"), "error");
	assert_non_null(strstr(js_str(status, "description"), "configured"));
	assert_int_equal(world_sent(&w, "job.run"), 1);
	assert_int_equal(world_sent(&w, "job.cancel"), 1);
	assert_string_equal(
		js_str(world_last(&w, "job.cancel", "c1-")->args, "key"),
		js_str(world_last(&w, "job.run", "c1-")->args, "key"));
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM job WHERE"
				       " state = 'finished' AND"
				       " reason_code = 'unconfigured'"),
			 1);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM cycle"
				       " WHERE state <> 'finished'"),
			 0);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM request"
				       " WHERE state = 'dropped'"),
			 1);
	/* And back again: it works as before. */
	world_kill(&w);
	world_set_config(&w, world_yaml);
	world_boot(&w);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_string_equal(world_status(&w, 1), "success");
}

/* Neither its merge nor its push goes out once more. */
static void a_push_of_one_that_is_gone(void **state UNUSED)
{
	renamed_while("git.batch");
	assert_int_equal(world_sent(&w, "git.batch"), 1);
	assert_int_equal(world_ask(&w, "SELECT moved FROM cycle"), 0);
	end(state);
	begin(state);
	renamed_while("git.push");
	assert_int_equal(world_sent(&w, "git.push"), 1);
	assert_int_equal(world_sent(&w, "job.run"), 0);
	/* The first try may have moved the branches. */
	assert_int_equal(world_ask(&w, "SELECT moved FROM cycle"), 1);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM outbox"
				       " WHERE state = 'ready'"),
			 0);
}

/* --- bounded --- */

static void old_things_are_removed(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_true(world_ask(&w, "SELECT count(*) FROM delivery") > 0);
	world_pass(&w, 2 * HOUR);
	fake_clock_advance(&w.clock, 31LL * 24 * HOUR);
	world_run(&w);
	world_pass(&w, 2 * HOUR);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM delivery"), 0);
	/* What was said stays known for ever. */
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM said"), 1);
}

/* --- the clock --- */

/* What went back between two lives makes no delay longer than it is. */
static void a_clock_that_went_back(void **state UNUSED)
{
	world_open(&w, 1, CONTRIBUTOR);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_cycles(&w), 1);
	world_open(&w, 2, CONTRIBUTOR);
	world_pass(&w, MINUTE);
	assert_int_equal(world_cycles(&w), 1);
	world_kill(&w);
	w.clock.wall -= 48 * HOUR;
	world_boot(&w);
	world_run(&w);
	/* The cooldown of half an hour, once more and no longer. */
	world_pass(&w, 29 * MINUTE);
	assert_int_equal(world_cycles(&w), 1);
	world_pass(&w, 2 * MINUTE);
	assert_int_equal(world_cycles(&w), 2);
}

/* --- scans --- */

static void scan_begins(void)
{
	world_kill(&w);
	w.scans = true;
	world_boot(&w);
}

static void found(json_t *comment)
{
	json_array_append_new(w.comments, comment);
}

static json_t *found_comment(int64_t id, const char *text)
{
	return world_comment_json(&w, id, 1, MAINTAINER, text);
}

static void the_first_scan_only_takes_note(void **state UNUSED)
{
	w.pulls[1] = (struct world_pull){
		.author = CONTRIBUTOR,
		.base = "main",
		.state = "open",
		.merge = "merged",
		.updated_ms = clock_wall(&w.clock.clock),
	};
	world_sha(w.pulls[1].sha, '1');
	found(found_comment(50, "@kcibot deploy"));
	world_pass(&w, MINUTE);
	scan_begins();
	world_run(&w);
	world_pass(&w, 10 * MINUTE);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM pull"), 1);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM said"), 0);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM request"), 0);
	assert_int_equal(world_sent(&w, "forge.status"), 0);
}

static void what_a_scan_finds(void **state UNUSED)
{
	json_t *edited;

	scan_begins();
	world_run(&w);
	world_open(&w, 1, STRANGER);
	world_pass(&w, MINUTE);
	edited = found_comment(50, "@kcibot deploy");
	json_object_set_new(
		edited, "updated_at",
		json_string(world_iso(clock_wall(&w.clock.clock) + 5000)));
	found(edited);
	world_pass(&w, 6 * MINUTE);
	/* It may have said something else: a question, no deploy. */
	assert_int_equal(world_cycles(&w), 0);
	assert_true(world_reacted(&w, 50, "confused"));
	assert_non_null(world_last(&w, "forge.comment", "edited"));
	found(found_comment(51, "@kcibot deploy"));
	world_pass(&w, 6 * MINUTE);
	assert_int_equal(world_cycles(&w), 1);
	assert_true(world_reacted(&w, 51, "rocket"));
	/* Found again and again, it ran once. */
	world_pass(&w, 20 * MINUTE);
	assert_int_equal(world_cycles(&w), 1);
}

/* The forge tells whole seconds: said half a second later, it looks older. */
static void a_scan_hears_the_first_second(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	fake_clock_advance(&w.clock, 20300 - clock_wall(&w.clock.clock) % 1000);
	scan_begins();
	world_run(&w);
	fake_clock_advance(&w.clock, 500);
	found(found_comment(50, "@kcibot deploy"));
	world_pass(&w, 6 * MINUTE);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM said"), 1);
}

/* The forge may show a comment after one that bears a later time. */
static void a_scan_looks_back(void **state UNUSED)
{
	json_t *newest;
	const char *since;
	int64_t newest_ms, since_ms;

	scan_begins();
	world_run(&w);
	world_open(&w, 1, STRANGER);
	newest = found_comment(50, "I only talk");
	assert_true(time_parse_iso(js_str(newest, "updated_at"), &newest_ms));
	found(newest);
	world_pass(&w, 20 * MINUTE);
	since = js_str(world_last(&w, "forge.comments", "")->args, "since");
	assert_true(time_parse_iso(since, &since_ms));
	assert_int_equal(newest_ms - since_ms, 2 * MINUTE);
}

static void too_late_is_answered(void **state UNUSED)
{
	scan_begins();
	world_run(&w);
	world_open(&w, 1, STRANGER);
	found(found_comment(50, "@kcibot deploy"));
	world_kill(&w);
	fake_clock_advance(&w.clock, HOUR);
	world_boot(&w);
	world_run(&w);
	assert_int_equal(world_cycles(&w), 0);
	assert_true(world_reacted(&w, 50, "confused"));
}

/* A head that the scan found after the comment was written is in doubt. */
static void a_head_found_after_the_comment(void **state UNUSED)
{
	scan_begins();
	world_run(&w);
	world_open(&w, 1, STRANGER);
	found(found_comment(50, "@kcibot deploy"));
	fake_clock_advance(&w.clock, 20000);
	/* No webhook tells of this push. */
	world_sha(world_change(&w, 1)->sha, 'a');
	world_pass(&w, 6 * MINUTE);
	assert_int_equal(world_cycles(&w), 0);
	assert_true(world_reacted(&w, 50, "confused"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		T(killed_at_every_effect),
		T(a_repeat_looks_first),
		T(a_lost_answer_is_looked_for),
		T(late_and_double_answers),
		T(senseless_answers_end_their_cycle),
		T(a_damaged_delivery_is_passed),
		T(gives_up_in_the_end),
		T(an_environment_that_is_gone),
		T(a_push_of_one_that_is_gone),
		T(old_things_are_removed),
		T(a_clock_that_went_back),
		T(the_first_scan_only_takes_note),
		T(what_a_scan_finds),
		T(a_scan_looks_back),
		T(a_scan_hears_the_first_second),
		T(too_late_is_answered),
		T(a_head_found_after_the_comment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
