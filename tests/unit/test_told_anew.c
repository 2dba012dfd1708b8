/*
 * Comments that the forge does not show yet, or shows no more, and tellings
 * that it refuses.
 */
#include "tests/unit/trusted_world.h"

static void fail_with(const char *kind, enum err code, int status)
{
	w.fail_kind = kind;
	w.fail_code = code;
	w.fail_status = status;
	w.fail_unknown = false;
}

/* The last that was sent for the sticky comment. */
static struct world_effect *sticky(void)
{
	struct world_effect *x =
		world_last(&w, "forge.comment", "kcibot:sticky");

	assert_non_null(x);
	return x;
}

/* The first of them since so many effects. */
static const json_t *sticky_since(size_t before)
{
	for (size_t i = before; i < w.sent_count; i++)
		if (strstr(js_str(w.sent[i].args, "marker"), "kcibot:sticky"))
			return w.sent[i].args;
	fail_msg("no sticky was sent");
	return NULL;
}

static bool sticky_says(const char *word)
{
	return js_bool(sticky()->args, word, false);
}

/* A pull with a sticky comment on the forge, and a job that runs. */
static void begin_job(void)
{
	world_open(&w, 1, STRANGER);
	w.hold = "job.run";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	w.hold = NULL;
	assert_int_equal(js_int(sticky()->args, "comment_id", -1) > 0, 1);
}

static void end_job(void)
{
	world_answer(world_last(&w, "job.run", "build"), ERR_OK, NULL);
	world_run(&w);
}

/* --- an edit of what is not there --- */

/* For minutes, and whatever else failed in between. */
static void a_comment_may_show_up_late(void **state UNUSED)
{
	size_t before;

	begin_job();
	fail_with("forge.comment", ERR_RETRY, 502);
	end_job();
	world_pass(&w, 3 * MINUTE);
	fail_with("forge.comment", ERR_MISSING, 404);
	before = world_sent(&w, "forge.comment");
	world_pass(&w, 11 * MINUTE);
	assert_true(world_sent(&w, "forge.comment") > before);
	assert_true(js_int(sticky()->args, "comment_id", 0) > 0);
	assert_true(sticky_says("patient"));
	/* Nobody waits for ever. */
	world_pass(&w, 15 * MINUTE);
	assert_false(sticky_says("patient"));
}

/* Nor for as long as there is something new to say. */
static void a_newer_text_is_not_more_patient(void **state UNUSED)
{
	begin_job();
	fail_with("forge.comment", ERR_MISSING, 404);
	for (int n = 0; n < 10; n++) {
		world_say(&w, 1, MAINTAINER,
			  n % 2 ? "@kcibot include" : "@kcibot skip");
		world_pass(&w, 2 * MINUTE);
	}
	assert_false(sticky_says("patient"));
	/* The forge shows it: what fails later is another matter. */
	fail_with("", ERR_OK, 404);
	world_pass(&w, HOUR);
	fail_with("forge.comment", ERR_MISSING, 404);
	world_say(&w, 1, MAINTAINER, "@kcibot skip");
	world_pass(&w, 2 * MINUTE);
	assert_true(sticky_says("patient"));
}

/* Who asked about a pull that is not there hears it soon. */
static void a_question_is_not_patient(void **state UNUSED)
{
	int64_t id;

	world_open(&w, 1, STRANGER);
	fail_with("forge.pull", ERR_MISSING, 404);
	id = world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	for (int n = 0; n < 6; n++)
		world_pass(&w, 10 * 1000);
	assert_true(world_reacted(&w, id, "confused"));
}

static void delete_comment(int64_t id)
{
	json_t *payload = world_comment_payload(
		&w, 1, ADMIN, world_comment_json(&w, id, 1, BOT, "x"));

	json_object_set_new(payload, "action", json_string("deleted"));
	world_deliver(&w, "issue_comment", payload);
	world_run(&w);
}

/* Who was told that it is gone need not wait for it. */
static void a_deleted_comment_is_told_of(void **state UNUSED)
{
	const json_t *args;
	size_t before;
	int64_t id;

	begin_job();
	id = js_int(sticky()->args, "comment_id", 0);
	delete_comment(id + 1000);
	delete_comment(id);
	before = w.sent_count;
	end_job();
	args = sticky_since(before);
	assert_int_equal(js_int(args, "comment_id", -1), 0);
	assert_true(js_bool(args, "lookup", false));
}

/* --- a comment that may have been made --- */

/* That nobody knows is not forgotten with the effect that was given up. */
static void a_doubt_outlives_its_effect(void **state UNUSED)
{
	size_t before;

	world_open(&w, 1, STRANGER);
	fail_with("forge.comment", ERR_RETRY, 502);
	w.fail_unknown = true;
	w.hold = "job.run";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	/* The look fails in a way that no second one mends. */
	fail_with("forge.comment", ERR_INVALID, 0);
	world_pass(&w, 2 * MINUTE);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM outbox WHERE"
				       " kind = 'forge.comment' AND"
				       " state = 'ready'"),
			 0);
	w.fail_kind = w.hold = NULL;
	before = w.sent_count;
	end_job();
	assert_true(js_bool(sticky_since(before), "lookup", false));
}

/* --- what the forge does not let us say --- */

/* A deploy is green, and that kind of effect has failed since it began. */
static void be_green(const char *kind, enum err code, int status)
{
	begin_job();
	fail_with(kind, code, status);
	end_job();
	world_pass(&w, 2 * MINUTE);
}

static int64_t ready(void)
{
	return world_ask(&w, "SELECT count(*) FROM outbox WHERE state ="
			     " 'ready'");
}

/* The token ran out on Friday night, and a new one is there on Monday. */
static void a_weekend_without_a_token(void **state UNUSED)
{
	size_t before;

	be_green("forge.status", ERR_REFUSED, 401);
	world_pass(&w, 60 * HOUR);
	w.fail_kind = NULL;
	before = world_sent(&w, "forge.status");
	world_pass(&w, 90 * MINUTE);
	assert_int_equal(world_sent(&w, "forge.status"), before + 1);
	assert_string_equal(world_status(&w, 1), "success");
	assert_int_equal(ready(), 0);
}

/* One plain refusal of the last word. */
static void a_refusal_that_passes(void **state UNUSED)
{
	size_t before;

	be_green("forge.status", ERR_REFUSED, 403);
	w.fail_kind = NULL;
	before = world_sent(&w, "forge.status");
	world_pass(&w, 10 * MINUTE);
	assert_int_equal(world_sent(&w, "forge.status"), before + 1);
	assert_string_equal(world_status(&w, 1), "success");
	assert_int_equal(ready(), 0);
}

/* Less and less often, and not for ever. */
static void what_is_never_allowed_is_tried_seldom(void **state UNUSED)
{
	size_t before = 0;

	be_green("forge.status", ERR_REFUSED, 403);
	before = world_sent(&w, "forge.status");
	world_pass(&w, 24 * HOUR);
	assert_in_range(world_sent(&w, "forge.status") - before, 20, 30);
	fake_clock_advance(&w.clock, 30 * 24 * HOUR);
	world_run(&w);
	world_pass(&w, 2 * MINUTE);
	assert_int_equal(ready(), 0);
}

/* What is told when it may be is what is so then; the answer to a command is
 * told, and old outcomes are not. */
static void comments_are_told_when_they_may_be(void **state UNUSED)
{
	size_t before;

	be_green("forge.comment", ERR_REFUSED, 403);
	world_pass(&w, 3 * HOUR);
	world_say(&w, 1, MAINTAINER, "@kcibot plan");
	world_pass(&w, 2 * MINUTE);
	world_push(&w, 1, 'a');
	world_pass(&w, 20 * HOUR);
	w.fail_kind = NULL;
	before = w.sent_count;
	world_pass(&w, 90 * MINUTE);
	for (size_t i = before; i < w.sent_count; i++)
		if (!strcmp(w.sent[i].kind, "forge.comment"))
			assert_true(*js_str(w.sent[i].args, "slot"));
	assert_non_null(
		strstr(js_str(sticky_since(before), "body"), w.pulls[1].sha));
	assert_true(world_last(&w, "forge.comment", "\"slot\":\"reply\"") >=
		    &w.sent[before]);
	assert_int_equal(ready(), 0);
}

/* An answer that nobody waits for any more is none. */
static void an_old_answer_is_not_given(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	fail_with("forge.comment", ERR_REFUSED, 403);
	world_say(&w, 1, MAINTAINER, "@kcibot plan");
	world_pass(&w, 2 * MINUTE);
	assert_int_equal(ready(), 1);
	fake_clock_advance(&w.clock, 5 * 24 * HOUR);
	world_run(&w);
	world_pass(&w, 2 * MINUTE);
	assert_int_equal(ready(), 0);
}

/* Two who ask while nothing can be said are both answered. */
static void no_answer_hides_another(void **state UNUSED)
{
	const char *body;
	size_t before;

	world_open(&w, 1, STRANGER);
	fail_with("forge.comment", ERR_RETRY, 502);
	world_say(&w, 1, STRANGER, "@kcibot lock");
	world_say(&w, 1, MAINTAINER, "@kcibot lock 1h");
	world_say(&w, 1, CONTRIBUTOR, "@kcibot unlock");
	w.fail_kind = NULL;
	before = world_sent(&w, "forge.comment");
	world_pass(&w, 2 * MINUTE);
	assert_true(world_sent(&w, "forge.comment") > before);
	body = js_str(
		world_last(&w, "forge.comment", "\"slot\":\"reply\"")->args,
		"body");
	assert_non_null(strstr(body, "`lock` needs the role"));
	assert_non_null(strstr(body, "Locked: "));
	assert_non_null(strstr(body, "`unlock` needs the role"));
	assert_true(strstr(body, "Locked: ") < strstr(body, "`unlock` needs"));
	/* What was read is not said again. */
	world_say(&w, 1, MAINTAINER, "@kcibot unlock");
	world_pass(&w, 2 * MINUTE);
	body = js_str(
		world_last(&w, "forge.comment", "\"slot\":\"reply\"")->args,
		"body");
	assert_non_null(strstr(body, "Unlocked"));
	assert_null(strstr(body, "needs the role"));
}

/* One that is behind another does not wait until that is let through. */
static void the_newest_goes_first(void **state UNUSED)
{
	struct world_effect *old;
	size_t before;

	w.hold = "forge.status job.run";
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	old = world_last(&w, "forge.status", "");
	w.hold = NULL;
	end_job();
	fail_with("", ERR_OK, 403);
	before = world_sent(&w, "forge.status");
	world_answer(old, ERR_REFUSED, NULL);
	world_run(&w);
	world_pass(&w, 1000);
	assert_int_equal(world_sent(&w, "forge.status"), before + 1);
	assert_string_equal(world_status(&w, 1), "success");
	assert_int_equal(ready(), 0);
}

/* Where nothing is configured any more there is nothing to tell. */
static void nothing_is_told_to_strangers(void **state UNUSED)
{
	static const char repo[] = "{repo: " REPO;
	const char *at = strstr(world_yaml, repo);
	char yaml[4096];

	be_green("forge.status", ERR_REFUSED, 403);
	assert_int_equal(ready(), 1);
	world_kill(&w);
	snprintf(yaml, sizeof(yaml), "%.*s{repo: acme/ape%s",
		 (int)(at - world_yaml), world_yaml, at + strlen(repo));
	for (char *p = yaml; (p = strstr(p, REPO)); p++)
		memcpy(p, "acme/ape", strlen(REPO));
	world_set_config(&w, yaml);
	world_boot(&w);
	world_pass(&w, 2 * HOUR);
	assert_int_equal(ready(), 0);
	assert_string_equal(world_status(&w, 1), "success");
}

#define T(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_comment_may_show_up_late),
		T(a_newer_text_is_not_more_patient),
		T(a_question_is_not_patient),
		T(a_deleted_comment_is_told_of),
		T(a_doubt_outlives_its_effect),
		T(a_weekend_without_a_token),
		T(a_refusal_that_passes),
		T(what_is_never_allowed_is_tried_seldom),
		T(comments_are_told_when_they_may_be),
		T(an_old_answer_is_not_given),
		T(no_answer_hides_another),
		T(the_newest_goes_first),
		T(nothing_is_told_to_strangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
