/*
 * The engine as a whole: who may command, what an answer of the forge may
 * change in between, and that everything happens once.
 */
#include "tests/unit/trusted_world.h"

/* --- who may command --- */

static void permission_matrix(void **state UNUSED)
{
	static const struct {
		int64_t who;
		const char *text;
		bool runs, accepted;
	} rows[] = {
		{ADMIN, "@kcibot deploy", true, true},
		{MAINTAINER, "@kcibot deploy", true, true},
		{MAINTAINER, "@kcibot trigger", true, true},
		{CONTRIBUTOR, "@kcibot deploy", false, false},
		{CONTRIBUTOR, "@kcibot trigger", false, false},
		{CONTRIBUTOR, "@kcibot status", false, true},
		{STRANGER, "@kcibot deploy", false, false},
		{STRANGER, "@kcibot status", false, true}, /* the author */
		{OTHER_STRANGER, "@kcibot status", false, false},
		{MAINTAINER, "@kcibot dance", false, false},
		{MAINTAINER, "> @kcibot deploy", false, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t id, cycles;

		/* A pull of its own for each row. */
		world_open(&w, (int64_t)i + 1, STRANGER);
		cycles = world_cycles(&w);
		id = world_say(&w, (int64_t)i + 1, rows[i].who, rows[i].text);
		if ((world_cycles(&w) > cycles) != rows[i].runs)
			fail_msg("row %zu: %s by %lld", i, rows[i].text,
				 (long long)rows[i].who);
		assert_int_equal(world_reacted(&w, id, "confused"),
				 !rows[i].accepted);
	}
}

static void who_sends_must_be_who_wrote(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_deliver(
		&w, "issue_comment",
		world_comment_payload(&w, 1, STRANGER,
				      world_comment_json(&w, 50, 1, MAINTAINER,
							 "@kcibot deploy")));
	world_run(&w);
	assert_int_equal(world_cycles(&w), 0);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM said"), 0);
}

/* As only a broken or hostile sender makes it; nothing is written down. */
static void a_comment_on_no_number_is_not_heard(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	for (int64_t number = -1; number <= 0; number++) {
		json_t *comment = world_comment_json(
			&w, 50 + number, 1, MAINTAINER, "@kcibot deploy");
		json_t *payload =
			world_comment_payload(&w, 1, MAINTAINER, comment);

		json_object_set_new(json_object_get(payload, "issue"), "number",
				    json_integer(number));
		world_deliver(&w, "issue_comment", payload);
		world_run(&w);
	}
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM said"), 0);
	/* "failed" would be: only a rule of the database was in the way. */
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM delivery"
				       " WHERE event = 'issue_comment'"
				       " AND result = 'ignored'"),
			 2);
}

static void bots_are_not_obeyed(void **state UNUSED)
{
	json_t *comment;

	world_open(&w, 1, STRANGER);
	comment = world_comment_json(&w, 50, 1, MAINTAINER, "@kcibot deploy");
	json_object_set_new(json_object_get(comment, "user"), "type",
			    json_string("Bot"));
	world_deliver(&w, "issue_comment",
		      world_comment_payload(&w, 1, MAINTAINER, comment));
	world_run(&w);
	assert_int_equal(world_cycles(&w), 0);
}

static void edits_never_run(void **state UNUSED)
{
	json_t *payload;

	world_open(&w, 1, STRANGER);
	payload = world_comment_payload(
		&w, 1, MAINTAINER,
		world_comment_json(&w, 50, 1, MAINTAINER, "@kcibot deploy"));
	json_object_set_new(payload, "action", json_string("edited"));
	world_deliver(&w, "issue_comment", payload);
	world_run(&w);
	assert_int_equal(world_cycles(&w), 0);
}

/* One sentence a day; the rest is a reaction. */
static void strangers_are_answered_once_a_day(void **state UNUSED)
{
	size_t before;

	world_open(&w, 1, STRANGER);
	before = world_sent(&w, "forge.comment");
	/* Two at once: the second comes before the first is answered. */
	world_comment(&w, 1, OTHER_STRANGER, "@kcibot deploy");
	world_say(&w, 1, OTHER_STRANGER, "@kcibot deploy");
	world_pass(&w, HOUR);
	world_say(&w, 1, OTHER_STRANGER, "@kcibot deploy");
	assert_int_equal(world_sent(&w, "forge.comment"), before + 1);
	assert_int_equal(world_sent_with(&w, "forge.reaction", "confused"), 3);
	world_pass(&w, 24 * HOUR);
	world_say(&w, 1, OTHER_STRANGER, "@kcibot deploy");
	assert_int_equal(world_sent(&w, "forge.comment"), before + 2);
}

/* --- the head that was seen --- */

static void deploys_the_sha_that_was_asked_for(void **state UNUSED)
{
	struct world_effect *x;
	int64_t id;

	world_open(&w, 1, STRANGER);
	id = world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	x = world_last(&w, "git.batch", w.pulls[1].sha);
	assert_non_null(x);
	assert_true(world_reacted(&w, id, "eyes"));
	assert_true(world_reacted(&w, id, "rocket"));
	assert_string_equal(world_status(&w, 1), "success");
	assert_int_equal(world_sent(&w, "git.tag"), 1);
}

static void head_moved_before_the_check(void **state UNUSED)
{
	int64_t id;

	world_open(&w, 1, STRANGER);
	/* The push's delivery is lost or late: only the forge knows of it. */
	world_sha(world_change(&w, 1)->sha, 'e');
	id = world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_cycles(&w), 0);
	assert_true(world_reacted(&w, id, "confused"));
	assert_non_null(world_last(&w, "forge.comment", w.pulls[1].sha));
}

/* The comment was written before the push, but is heard after it. */
static void head_moved_before_the_comment_was_heard(void **state UNUSED)
{
	json_t *comment;

	world_open(&w, 1, STRANGER);
	comment = world_comment_json(&w, 50, 1, MAINTAINER, "@kcibot deploy");
	world_pass(&w, 5000);
	world_push(&w, 1, 'e');
	world_deliver(&w, "issue_comment",
		      world_comment_payload(&w, 1, MAINTAINER, comment));
	world_run(&w);
	assert_int_equal(world_cycles(&w), 0);
	assert_true(world_reacted(&w, 50, "confused"));
}

/* What is asked for by its SHA is that or nothing. */
static void a_sha_that_is_named_is_meant(void **state UNUSED)
{
	char text[128];
	int64_t id;

	world_open(&w, 1, STRANGER);
	id = world_say(&w, 1, MAINTAINER, "@kcibot deploy 2222222222222");
	assert_true(world_reacted(&w, id, "confused"));
	id = world_say(&w, 1, MAINTAINER, "@kcibot deploy 1111");
	assert_true(world_reacted(&w, id, "confused"));
	id = world_say(&w, 1, MAINTAINER, "@kcibot trigger force");
	assert_true(world_reacted(&w, id, "confused"));
	assert_int_equal(world_cycles(&w), 0);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy 111111111111");
	assert_int_equal(world_cycles(&w), 1);
	/* A head that nothing told of is on record with the refusal. */
	world_sha(world_change(&w, 1)->sha, 'e');
	snprintf(text, sizeof(text), "@kcibot deploy %s", w.pulls[1].sha);
	world_say(&w, 1, MAINTAINER, text);
	assert_int_equal(world_cycles(&w), 1);
	world_pass(&w, 1000);
	world_say(&w, 1, MAINTAINER, text);
	assert_int_equal(world_cycles(&w), 2);
}

/* What waited in the journal was known when it came, not when it was read. */
static void a_backlog_is_no_doubt(void **state UNUSED)
{
	world_kill(&w);
	world_change(&w, 1);
	w.pulls[1].author = STRANGER;
	w.pulls[1].state = "open";
	w.pulls[1].merge = "merged";
	snprintf(w.pulls[1].base, sizeof(w.pulls[1].base), "main");
	world_sha(w.pulls[1].sha, '1');
	world_tell(&w, 1, "opened");
	fake_clock_advance(&w.clock, 60000);
	world_comment(&w, 1, MAINTAINER, "@kcibot deploy");
	fake_clock_advance(&w.clock, 600000);
	world_boot(&w);
	world_run(&w);
	assert_int_equal(world_cycles(&w), 1);
}

/* --- what voids a request --- */

static void ask_while_frozen_by_a_full(void)
{
	/* A full runs and is not interrupted, so requests wait. */
	w.hold = "job.run";
	world_open(&w, 9, STRANGER);
	world_say(&w, 9, MAINTAINER, "@kcibot trigger");
	assert_int_equal(world_ask(&w, "SELECT kind = 'full' FROM cycle"), 1);
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM request"
				       " WHERE state = 'waiting'"),
			 1);
}

static void is_dropped(const char *outcome)
{
	char sql[128];

	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM request WHERE state = 'dropped'"
		 " AND outcome = '%s'",
		 outcome);
	assert_int_equal(world_ask(&w, sql), 1);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM request"
				       " WHERE state = 'waiting'"
				       " AND kind <> 'auto'"),
			 0);
}

static void push_voids(void **state UNUSED)
{
	ask_while_frozen_by_a_full();
	world_push(&w, 1, 'e');
	is_dropped("moved");
}

static void closing_voids(void **state UNUSED)
{
	ask_while_frozen_by_a_full();
	world_set_state(&w, 1, "closed");
	is_dropped("closed");
}

static void change_of_base_voids(void **state UNUSED)
{
	ask_while_frozen_by_a_full();
	snprintf(world_change(&w, 1)->base, 128, "other");
	world_tell(&w, 1, "edited");
	world_run(&w);
	is_dropped("base");
}

static void removal_of_the_granter_voids(void **state UNUSED)
{
	ask_while_frozen_by_a_full();
	world_call(&w,
		   json_pack("{s:s, s:i, s:s, s:s}", "op", "trust.remove", "id",
			     MAINTAINER, "login", "user11", "by", "test"));
	assert_int_equal(w.answer_ok, 1);
	is_dropped("granter");
}

/* May a deploy by somebody else carry pull 1 along? */
static bool rides_along(void)
{
	size_t before;

	world_open(&w, 2, STRANGER);
	world_say(&w, 2, ADMIN, "@kcibot deploy");
	before = w.sent_count;
	assert_true(before > 0);
	return world_args_hold(world_last(&w, "git.batch", "sha"),
			       w.pulls[1].sha);
}

static void deployed_by_a_word(void)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_string_equal(world_status(&w, 1), "success");
}

static void a_word_stays_good_after_its_deploy(void **state UNUSED)
{
	deployed_by_a_word();
	assert_true(rides_along());
}

static void a_word_ends_with_a_push_and_back(void **state UNUSED)
{
	deployed_by_a_word();
	world_push(&w, 1, 'e');
	world_push(&w, 1, '1');
	assert_false(rides_along());
}

static void a_word_ends_with_closing(void **state UNUSED)
{
	deployed_by_a_word();
	world_set_state(&w, 1, "closed");
	world_set_state(&w, 1, "open");
	assert_false(rides_along());
}

static void a_word_ends_with_another_base(void **state UNUSED)
{
	deployed_by_a_word();
	snprintf(world_change(&w, 1)->base, 128, "other");
	world_tell(&w, 1, "edited");
	world_run(&w);
	world_pass(&w, 1000);
	snprintf(world_change(&w, 1)->base, 128, "main");
	world_tell(&w, 1, "edited");
	world_run(&w);
	assert_false(rides_along());
}

static void a_word_ends_with_its_granter(void **state UNUSED)
{
	deployed_by_a_word();
	world_call(&w,
		   json_pack("{s:s, s:i, s:s, s:s}", "op", "trust.remove", "id",
			     MAINTAINER, "login", "user11", "by", "test"));
	assert_false(rides_along());
}

static void a_word_ends_in_time(void **state UNUSED)
{
	deployed_by_a_word();
	world_pass(&w, 7 * 24 * HOUR + HOUR);
	assert_false(rides_along());
}

/* --- once --- */

static void duplicates_run_once(void **state UNUSED)
{
	json_t *payload;

	world_open(&w, 1, STRANGER);
	payload = world_comment_payload(
		&w, 1, MAINTAINER,
		world_comment_json(&w, 50, 1, MAINTAINER, "@kcibot deploy"));
	world_deliver_as(&w, "a", "issue_comment", json_incref(payload));
	/* The same GUID, the same body under another, the same comment. */
	world_deliver_as(&w, "a", "issue_comment", json_incref(payload));
	world_deliver_as(&w, "b", "issue_comment", json_deep_copy(payload));
	json_object_set_new(payload, "extra", json_true());
	world_deliver_as(&w, "c", "issue_comment", json_deep_copy(payload));
	json_decref(payload);
	world_run(&w);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM said"), 1);
	assert_int_equal(world_cycles(&w), 1);
	assert_int_equal(world_sent_with(&w, "forge.reaction", "eyes"), 1);
}

/* A delivery that makes no sense stops nobody. */
static void bad_deliveries_are_passed(void **state UNUSED)
{
	static const char *const bodies[] = {
		"[]",
		"{\"action\":\"created\",\"a\":\"@kcibot\"}",
		"{\"pull_request\":{},\"repository\":"
		"{\"full_name\":\"" REPO "\"}}",
		"{\"pull_request\":{\"number\":99999999999999999999},"
		"\"a\":\"@kcibot\",\"repository\":{\"full_name\":\"" REPO
		"\"}}",
		"{\"a\":\"\\u0000\"}",
		"{\"a\":\"@kcibot \xff\"}",
		"",
	};
	struct error e = ERROR_INIT;
	char guid[16];

	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct inbox_delivery d = {
			.guid = guid,
			.event = i % 2 ? "issue_comment" : "pull_request",
			.body = bodies[i],
			.len = strlen(bodies[i]),
		};

		snprintf(guid, sizeof(guid), "bad-%zu", i);
		world_must(inbox_add(w.inbox, &d, 1, &e), &e);
	}
	world_run(&w);
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_cycles(&w), 1);
}

/* The name that the forge writes differs in case from the configured one. */
static void a_name_in_another_case_is_the_same(void **state UNUSED)
{
	json_t *payload;

	world_open(&w, 1, STRANGER);
	world_push(&w, 1, 'e');
	payload = world_comment_payload(
		&w, 1, MAINTAINER,
		world_comment_json(&w, 50, 1, MAINTAINER, "@kcibot deploy"));
	json_object_set_new(json_object_get(payload, "repository"), "full_name",
			    json_string("ACME/Api"));
	world_deliver(&w, "issue_comment", payload);
	w.pulls[2] = w.pulls[1];
	world_sha(w.pulls[2].sha, '2');
	payload = json_pack("{s:s, s:i, s:o, s:{s:s}}", "action", "opened",
			    "number", 2, "pull_request", world_pull_json(&w, 2),
			    "repository", "full_name", "ACME/Api");
	world_deliver(&w, "pull_request", payload);
	world_run(&w);
	world_pass(&w, 2000);
	world_say(&w, 2, MAINTAINER, "@kcibot deploy");
	assert_string_equal(world_status(&w, 2), "success");
	assert_string_equal(world_status(&w, 1), "success");
}

/* --- what is not for the bot --- */

static int64_t cursor_on_record(void)
{
	return world_ask(&w, "SELECT seq FROM cursor");
}

static void what_is_not_for_the_bot_costs_no_transaction(void **state UNUSED)
{
	int64_t before;

	world_open(&w, 1, STRANGER);
	before = cursor_on_record();
	world_comment(&w, 1, MAINTAINER, "Looks good, @octocat.");
	world_deliver(&w, "star", json_pack("{s:s}", "action", "created"));
	world_comment(&w, 1, MAINTAINER, "kcibot deploy");
	world_run(&w);
	assert_int_equal(cursor_on_record(), before);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM delivery"),
			 before);
	/* It is on record soon, also when nothing else comes. */
	world_pass(&w, 1000);
	assert_int_equal(cursor_on_record(), before + 3);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM delivery"),
			 before);
}

static void a_command_behind_other_words_is_heard(void **state UNUSED)
{
	int64_t before;

	world_open(&w, 1, STRANGER);
	before = cursor_on_record();
	world_comment(&w, 1, MAINTAINER, "Looks good.");
	world_say(&w, 1, MAINTAINER, "@KciBot deploy");
	assert_int_equal(world_cycles(&w), 1);
	assert_int_equal(cursor_on_record(), before + 2);
	/* Killed before the cursor was written: read again, no harm. */
	world_say(&w, 1, MAINTAINER, "Thank you.");
	assert_int_equal(cursor_on_record(), before + 2);
	world_restart(&w);
	world_pass(&w, 1000);
	assert_int_equal(cursor_on_record(), before + 3);
	assert_int_equal(world_cycles(&w), 1);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM said"), 1);
}

/* --- the command line --- */

static void say_waits_for_its_answer(void **state UNUSED)
{
	json_t *call = json_pack("{s:s, s:s, s:i, s:s, s:i, s:s}", "op", "say",
				 "repo", REPO, "number", 1, "actor", "user11",
				 "actor_id", MAINTAINER, "text", "deploy");

	world_open(&w, 1, STRANGER);
	w.hold = "forge.pull";
	world_call(&w, json_incref(call));
	assert_int_equal(w.answer_ok, -1);
	world_answer(world_last(&w, "forge.pull", "said"), ERR_OK, NULL);
	world_run(&w);
	assert_int_equal(w.answer_ok, 1);
	assert_int_equal(world_cycles(&w), 1);

	/* Nobody waits for an engine that is gone. */
	world_call(&w, call);
	assert_int_equal(w.answer_ok, -1);
	engine_stop(w.engine);
	assert_int_equal(w.answer_ok, 0);
	w.answer_ok = -1;
	engine_call(w.engine, json_pack("{s:s}", "op", "status"),
		    world_take_answer, &w);
	assert_int_equal(w.answer_ok, 0);
}

/* --- the audit --- */

/* What a decision rested on can be read from its entry. */
static void decisions_are_audited(void **state UNUSED)
{
	char part[128];
	int64_t id;

	assert_int_equal(world_audited(&w, "start", "first start"), 1);
	assert_int_equal(world_audited(&w, "start", w.config->hash), 1);
	assert_int_equal(world_audited(&w, "trust.add",
				       "user11 (11, user) as maintainer"),
			 1);
	assert_int_equal(world_audited(&w, "trust.add", "\"role_before\":\"\""),
			 3);

	world_open(&w, 1, STRANGER);
	id = world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	snprintf(part, sizeof(part), "\"comment\":%lld", (long long)id);
	assert_int_equal(world_audited(&w, "deploy", part), 1);
	assert_int_equal(world_audited(&w, "deploy", "user11 (11)|"), 1);
	assert_int_equal(world_audited(&w, "deploy", "\"role\":\"maintainer\""),
			 1);
	assert_int_equal(world_audited(&w, "deploy", w.pulls[1].sha), 1);
	assert_int_equal(
		world_audited(&w, "deploy", "\"requests\":{\"staging\":1}"), 1);
	assert_int_equal(world_audited(&w, "deploy",
				       "\"words\":[{\"args\":\"\","
				       "\"verb\":\"deploy\"}]"),
			 1);
	assert_int_equal(world_audited(&w, "deploy", "head_recorded_ms"), 1);
	assert_int_equal(world_audited(&w, "cycle.begin", "\"requests\":[1]"),
			 1);
	assert_int_equal(world_audited(&w, "cycle.begin", w.pulls[1].sha), 1);
	assert_int_equal(world_audited(&w, "cycle.end", "success, "), 1);
	assert_int_equal(world_audited(&w, "cycle.end", "\"requests\":[1]"), 1);
	assert_int_equal(
		world_audited(&w, "cycle.end", "\"result\":\"merged\""), 1);

	world_say(&w, 1, STRANGER, "@kcibot deploy");
	assert_int_equal(world_audited(&w, "refused", "\"role\":\"stranger\""),
			 1);
	world_restart(&w);
	assert_int_equal(world_audited(&w, "start", ""), 2);
	assert_int_equal(world_audited(&w, "start", "first start"), 1);
}

static void what_is_dropped_is_audited(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	w.hold = "job.run";
	world_open(&w, 2, STRANGER);
	world_say(&w, 2, MAINTAINER, "@kcibot trigger");
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_push(&w, 1, 'f');
	assert_int_equal(world_audited(&w, "request.void", REPO "#1 at fff"),
			 1);
	assert_int_equal(world_audited(&w, "request.drop", REPO "#1 at 111"),
			 1);
	assert_int_equal(
		world_audited(&w, "request.drop", "\"by\":\"user11 (11)\""), 1);
	/* A push alone, without anybody's word, is no decision. */
	world_push(&w, 1, 'e');
	assert_int_equal(world_audited(&w, "request.void", ""), 1);
}

static void the_guilty_one_is_audited(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	w.job_verdict = "failure";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(
		world_audited(&w, "revision.exclude", REPO "#1 at 111"), 1);
	assert_int_equal(world_audited(&w, "cycle.end", "failure"), 1);
}

/* Who sits at the command line is not who they speak for. */
static void the_operator_is_audited(void **state UNUSED)
{
	json_t *call = json_pack("{s:s, s:s, s:i, s:s, s:i, s:s, s:s}", "op",
				 "say", "repo", REPO, "number", 1, "actor",
				 "user11", "actor_id", MAINTAINER, "text",
				 "deploy", "by", "operator joe (uid 7)");

	world_open(&w, 1, STRANGER);
	world_call(&w, call);
	assert_int_equal(world_audited(&w, "deploy",
				       "operator joe (uid 7) as user11 (11)|"),
			 1);
}

static void an_environment_that_is_gone_is_audited(void **state UNUSED)
{
	char yaml[sizeof(world_yaml)];

	world_open(&w, 1, STRANGER);
	w.hold = "job.run";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	memcpy(yaml, world_yaml, sizeof(yaml));
	strstr(yaml, "  staging:\n")[2] = 'x';
	world_kill(&w);
	world_set_config(&w, yaml);
	world_boot(&w);
	world_run(&w);
	assert_int_equal(world_audited(&w, "environment.drop", "staging"), 1);
	assert_int_equal(world_audited(&w, "environment.drop", "\"cycle\":1"),
			 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		T(permission_matrix),
		T(who_sends_must_be_who_wrote),
		T(a_comment_on_no_number_is_not_heard),
		T(bots_are_not_obeyed),
		T(edits_never_run),
		T(strangers_are_answered_once_a_day),
		T(deploys_the_sha_that_was_asked_for),
		T(head_moved_before_the_check),
		T(head_moved_before_the_comment_was_heard),
		T(a_sha_that_is_named_is_meant),
		T(a_backlog_is_no_doubt),
		T(push_voids),
		T(closing_voids),
		T(change_of_base_voids),
		T(removal_of_the_granter_voids),
		T(a_word_stays_good_after_its_deploy),
		T(a_word_ends_with_a_push_and_back),
		T(a_word_ends_with_closing),
		T(a_word_ends_with_another_base),
		T(a_word_ends_with_its_granter),
		T(a_word_ends_in_time),
		T(duplicates_run_once),
		T(bad_deliveries_are_passed),
		T(a_name_in_another_case_is_the_same),
		T(what_is_not_for_the_bot_costs_no_transaction),
		T(a_command_behind_other_words_is_heard),
		T(say_waits_for_its_answer),
		T(decisions_are_audited),
		T(what_is_dropped_is_audited),
		T(the_guilty_one_is_audited),
		T(the_operator_is_audited),
		T(an_environment_that_is_gone_is_audited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
