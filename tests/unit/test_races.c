/*
 * Where the parts meet while the world moves: answers that come late, hosts
 * that are away, a bot that does not run, somebody who pushes all the time.
 */
#include "tests/unit/engine_world.h"

enum { ORG = 500, MEMBER = 21 };

static struct world w;

static int begin(void **state UNUSED)
{
	log_set_level(LOG_ERROR);
	world_begin(&w, "");
	world_trust_all(&w);
	return 0;
}

static int begin_sensitive(void **state UNUSED)
{
	char yaml[8192];

	log_set_level(LOG_ERROR);
	snprintf(yaml, sizeof(yaml), "%s%s", world_yaml,
		 "    grants: {sensitive: [\"docker/**\"], "
		 "sensitive_role: admin}\n");
	world_begin(&w, yaml);
	world_trust_all(&w);
	return 0;
}

static int end(void **state UNUSED)
{
	world_end(&w);
	return 0;
}

static int64_t count(const char *what)
{
	char sql[256];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", what);
	return world_ask(&w, sql);
}

static void assert_told(const char *text)
{
	struct world_effect *x =
		world_last(&w, "forge.comment", "kcibot:reply");

	if (!x || !strstr(js_str(x->args, "body"), text))
		fail_msg("nobody was told: %s\n%s", text,
			 x ? js_str(x->args, "body") : "no reply");
}

/* --- words of members of an organisation --- */

static void trust_org(const char *role)
{
	world_call(&w, json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:s}",
				 "op", "trust.add", "id", ORG, "login",
				 "user500", "kind", "org", "role", role,
				 "scope", "", "by", "test", "reason", ""));
	assert_int_equal(w.answer_ok, 1);
}

static void answer_name(struct world_effect *x)
{
	const char *login = js_str(x->args, "login");
	int64_t id = strtoll(login + strlen("user"), NULL, 10);

	world_answer(x, ERR_OK,
		     json_pack("{s:I, s:s, s:s}", "id", (json_int_t)id, "login",
			       login, "type",
			       id == ORG ? "Organization" : "User"));
}

/* The forge knows everybody, and that one belongs to the organisation. */
static void answer_members(void)
{
	for (size_t i = 0; i < w.sent_count; i++) {
		struct world_effect *x = &w.sent[i];

		if (x->answered)
			continue;
		if (!strcmp(x->kind, "forge.org_member"))
			world_answer(x,
				     world_args_hold(x, "user21") ? ERR_OK
								  : ERR_MISSING,
				     NULL);
		else if (!strcmp(x->kind, "forge.user") &&
			 !world_args_hold(x, "root"))
			answer_name(x);
		world_run(&w);
	}
}

/* A full runs for pull 9 and is not interrupted, so that requests wait. */
static void a_full_runs(void)
{
	w.hold = "job.run forge.user forge.org_member";
	world_open(&w, 9, STRANGER);
	world_say(&w, 9, ADMIN, "@kcibot trigger");
	assert_int_equal(count("cycle WHERE kind = 'full'"), 1);
}

static void the_full_ends(void)
{
	w.hold = "forge.user forge.org_member";
	for (size_t i = 0; i < w.sent_count; i++)
		if (!strcmp(w.sent[i].kind, "job.run") && !w.sent[i].answered)
			world_answer(&w.sent[i], ERR_OK, NULL);
	world_run(&w);
}

/* Believed for 5 minutes for a command, for an hour for what stands. */
static void a_members_word_waits_its_turn(void **state UNUSED)
{
	w.hold = "forge.user forge.org_member";
	trust_org("maintainer");
	world_open(&w, 1, STRANGER);
	a_full_runs();
	world_say(&w, 1, MEMBER, "@kcibot deploy");
	answer_members();
	assert_int_equal(count("request WHERE state = 'waiting'"), 1);
	world_pass(&w, 20 * MINUTE);
	assert_int_equal(count("request WHERE voided = 1"), 0);
	the_full_ends();
	world_pass(&w, HOUR / 2);
	assert_non_null(world_last(&w, "git.batch", w.pulls[1].sha));
	assert_int_equal(count("request WHERE outcome = 'success' AND"
			       " kind = 'short'"),
			 1);
}

/* Nobody was asked while the bot was away: not known is not "no more". */
static void a_members_grant_outlives_a_long_stop(void **state UNUSED)
{
	w.hold = "forge.user forge.org_member";
	trust_org("maintainer");
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MEMBER, "@kcibot deploy");
	answer_members();
	assert_int_equal(count("request WHERE outcome = 'success'"), 1);
	world_kill(&w);
	fake_clock_advance(&w.clock, 3 * HOUR);
	w.scans = true;
	world_boot(&w);
	world_run(&w);
	assert_int_equal(count("request WHERE voided = 1"), 0);
	answer_members();
	world_open(&w, 2, STRANGER);
	world_say(&w, 2, ADMIN, "@kcibot deploy");
	assert_non_null(world_last(&w, "git.batch", w.pulls[1].sha));
	assert_true(world_args_hold(world_last(&w, "git.batch", "projects"),
				    w.pulls[1].sha));
}

/* The forge took its time after it had told of the membership. */
static void a_member_and_a_slow_forge(void **state UNUSED)
{
	int64_t said;

	w.hold = "forge.user forge.org_member forge.pull";
	trust_org("maintainer");
	world_open(&w, 1, STRANGER);
	said = world_say(&w, 1, MEMBER, "@kcibot deploy");
	answer_members();
	world_pass(&w, 6 * MINUTE);
	w.hold = "forge.user forge.org_member";
	world_answer(world_last(&w, "forge.pull", "said"), ERR_OK, NULL);
	world_run(&w);
	answer_members();
	assert_false(world_reacted(&w, said, "confused"));
	assert_int_equal(world_cycles(&w), 1);
}

/* --- the command line without a running bot: no git --- */

static void boot_for_one_call(void)
{
	struct engine_settings s = {
		.config = w.config,
		.clock = &w.clock.clock,
		.store_path = w.store_path,
		.forge = &w.forge,
	};
	struct error e = ERROR_INIT;

	world_kill(&w);
	w.engine = engine_new(&s, &e);
	if (!w.engine)
		fail_msg("%s", e.text);
}

static void call(int64_t number, int64_t who, const char *text)
{
	world_call(&w, json_pack("{s:s, s:s, s:I, s:I, s:s, s:s}", "op", "say",
				 "repo", REPO, "number", (json_int_t)number,
				 "actor_id", (json_int_t)who, "actor",
				 world_login(who), "text", text));
}

static void plan_without_git(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	boot_for_one_call();
	call(1, MAINTAINER, "plan");
	assert_int_equal(w.answer_ok, 1);
	assert_non_null(strstr(w.answer, "dry run"));
	assert_int_equal(count("said WHERE state = 'checking'"), 0);
}

static void deploy_without_git(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	boot_for_one_call();
	call(1, MAINTAINER, "deploy");
	assert_int_equal(w.answer_ok, 0);
	assert_non_null(strstr(w.answer, "let an admin say it"));
	assert_int_equal(count("said WHERE state = 'checking'"), 0);
	/* Who may touch them needs no git. */
	call(1, ADMIN, "deploy");
	assert_int_equal(w.answer_ok, 1);
}

/* What waits for git in a comment goes on waiting for the bot. */
static void a_comment_waits_for_git(void **state UNUSED)
{
	int64_t said;

	world_open(&w, 1, STRANGER);
	w.hold = "git.paths";
	said = world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	boot_for_one_call();
	call(1, ADMIN, "ping");
	assert_int_equal(w.answer_ok, 1);
	assert_int_equal(count("said WHERE state = 'checking'"), 1);
	w.hold = NULL;
	world_restart(&w);
	world_run(&w);
	assert_false(world_reacted(&w, said, "confused"));
	assert_int_equal(world_cycles(&w), 1);
}

/* --- a forge that does not answer --- */

static void the_forge_says_nothing(void **state UNUSED)
{
	int64_t said;

	world_open(&w, 1, STRANGER);
	w.fail_kind = "forge.pull";
	w.fail_code = ERR_RETRY;
	w.fail_status = 502;
	said = world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_pass(&w, HOUR);
	assert_int_equal(count("said WHERE state = 'checking'"), 0);
	assert_true(world_reacted(&w, said, "confused"));
	assert_told("could not read this pull request");
}

/* There is no reaction to a review: without a word it would be lost. */
static void the_forge_says_nothing_of_a_review(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	w.fail_kind = "forge.pull";
	w.fail_code = ERR_RETRY;
	w.fail_status = 502;
	world_review(&w, 1, MAINTAINER, "@kcibot deploy");
	world_run(&w);
	world_pass(&w, HOUR);
	assert_int_equal(count("said WHERE state = 'refused'"), 1);
	assert_told("could not read this pull request");
}

/* --- an environment that goes away while it is being asked --- */

static void nobody_deploys_it_any_more(void **state UNUSED)
{
	char yaml[8192];
	int64_t said;

	world_open(&w, 1, STRANGER);
	w.hold = "forge.pull";
	said = world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	snprintf(yaml, sizeof(yaml), "%s", world_yaml);
	for (char *at = yaml; (at = strstr(at, REPO)) != NULL;)
		memcpy(at, "acme/web", strlen(REPO));
	world_kill(&w);
	world_set_config(&w, yaml);
	w.hold = NULL;
	world_boot(&w);
	world_run(&w);
	assert_int_equal(count("said WHERE state = 'refused'"), 1);
	assert_true(world_reacted(&w, said, "confused"));
	assert_told("not deployed by me any more");
}

/* --- an author who pushes all the time --- */

/* What is in doubt is said at once; git is not asked for every push. */
static void pushing_while_the_paths_are_read(void **state UNUSED)
{
	int64_t said;

	world_open(&w, 1, STRANGER);
	w.hold = "git.paths";
	said = world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_sent(&w, "git.paths"), 1);
	world_sha(world_change(&w, 1)->sha, 'e');
	world_answer(world_last(&w, "git.paths", ""), ERR_OK, NULL);
	world_run(&w);
	assert_int_equal(count("said WHERE state = 'checking'"), 0);
	assert_true(world_reacted(&w, said, "confused"));
	assert_told("moved while you wrote");
	assert_int_equal(world_sent_with(&w, "git.paths", "said"), 1);
}

/* The command line means the head that the forge shows, when nothing was on
 * record: also when its paths are read in between. */
static void a_call_on_what_is_not_known(void **state UNUSED)
{
	struct world_pull *p = world_change(&w, 1);

	*p = (struct world_pull){
		.author = STRANGER,
		.base = "main",
		.state = "open",
		.merge = "merged",
		.updated_ms = clock_wall(&w.clock.clock),
	};
	world_sha(p->sha, '1');
	w.hold = "git.paths forge.pull";
	call(1, MAINTAINER, "deploy");
	fake_clock_advance(&w.clock, 1500);
	w.hold = "git.paths";
	world_answer(world_last(&w, "forge.pull", "said"), ERR_OK, NULL);
	world_run(&w);
	fake_clock_advance(&w.clock, 1500);
	world_answer(world_last(&w, "git.paths", ""), ERR_OK, NULL);
	world_run(&w);
	if (w.answer_ok != 1)
		fail_msg("%s", w.answer);
	assert_int_equal(world_cycles(&w), 1);
}

/* One that moves in between is another head than the one looked at first. */
static void a_call_on_what_moves(void **state UNUSED)
{
	struct world_pull *p = world_change(&w, 1);

	*p = (struct world_pull){
		.author = STRANGER,
		.base = "main",
		.state = "open",
		.merge = "merged",
		.updated_ms = clock_wall(&w.clock.clock),
	};
	world_sha(p->sha, '1');
	w.hold = "git.paths";
	call(1, MAINTAINER, "deploy");
	fake_clock_advance(&w.clock, 1500);
	world_sha(world_change(&w, 1)->sha, 'e');
	world_answer(world_last(&w, "git.paths", ""), ERR_OK, NULL);
	world_run(&w);
	assert_int_equal(w.answer_ok, 0);
	assert_int_equal(world_cycles(&w), 0);
}

/* --- no webhook comes at all --- */

static void only_scans(void)
{
	world_kill(&w);
	w.scans = true;
	world_boot(&w);
	world_run(&w);
	world_open(&w, 1, STRANGER);
	world_pass(&w, 6 * MINUTE);
}

static void find(int64_t id, const char *text)
{
	json_array_append_new(w.comments,
			      world_comment_json(&w, id, 1, MAINTAINER, text));
}

/* Said while another head was shown, which is gone again when the forge is
 * asked: nothing but the pull's own time tells. */
static void there_and_back_between_two_scans(void **state UNUSED)
{
	only_scans();
	world_sha(world_change(&w, 1)->sha, 'e');
	fake_clock_advance(&w.clock, MINUTE);
	find(50, "@kcibot deploy");
	fake_clock_advance(&w.clock, 3000);
	world_sha(world_change(&w, 1)->sha, '1');
	world_pass(&w, 6 * MINUTE);
	assert_int_equal(world_cycles(&w), 0);
	assert_true(world_reacted(&w, 50, "confused"));
	assert_told("@kcibot deploy 1111111111111111");
}

/* The comment itself moves the pull's time. */
static void found_by_a_scan_and_nothing_since(void **state UNUSED)
{
	only_scans();
	world_change(&w, 1);
	find(50, "@kcibot deploy");
	world_pass(&w, 6 * MINUTE);
	assert_int_equal(world_cycles(&w), 1);
}

/* --- words together --- */

static void one_refusal_takes_all_back(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_change(&w, 1)->draft = true;
	world_tell(&w, 1, "converted_to_draft");
	world_run(&w);
	world_say(&w, 1, MAINTAINER, "@kcibot quiet\n@kcibot deploy");
	assert_told("it is a draft");
	assert_told("none of the other commands was done");
	assert_int_equal(count("pull WHERE verbosity = 'quiet'"), 0);
}

/* What is said is what is read again, to the letter. */
static void the_pasted_line_keeps_the_reason(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_push(&w, 1, 'e');
	world_push(&w, 1, 'd');
	world_sha(world_change(&w, 1)->sha, 'c');
	world_tell(&w, 1, "synchronize");
	world_run(&w);
	world_say(&w, 1, ADMIN, "@kcibot trigger force reason=\"now!\"");
	assert_int_equal(world_cycles(&w), 0);
	assert_told("@kcibot trigger "
		    "cccccccccccccccccccccccccccccccccccccccc "
		    "force reason=\"now!\"\n");
	world_pass(&w, 1000);
	world_say(&w, 1, ADMIN,
		  "@kcibot trigger "
		  "cccccccccccccccccccccccccccccccccccccccc "
		  "force reason=\"now!\"");
	assert_int_equal(world_cycles(&w), 1);
	assert_int_equal(count("request WHERE forced = 1 AND"
			       " reason = 'now!'"),
			 1);
}

/* A review is bound for good: the line is for a comment. */
static void a_review_of_another_commit(void **state UNUSED)
{
	json_t *review;

	world_open(&w, 1, STRANGER);
	review = world_review_json(&w, 50, 1, MAINTAINER, "@kcibot deploy");
	world_push(&w, 1, 'e');
	world_deliver(&w, "pull_request_review",
		      world_review_payload(&w, 1, MAINTAINER, "submitted",
					   "review", review));
	world_run(&w);
	assert_int_equal(world_cycles(&w), 0);
	assert_told("in a plain comment");
	assert_told("@kcibot deploy eeeeeeee");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
#define S(name) cmocka_unit_test_setup_teardown(name, begin_sensitive, end)
	const struct CMUnitTest tests[] = {
		T(a_members_word_waits_its_turn),
		T(a_members_grant_outlives_a_long_stop),
		T(a_member_and_a_slow_forge),
		T(plan_without_git),
		S(deploy_without_git),
		S(a_comment_waits_for_git),
		T(the_forge_says_nothing),
		T(the_forge_says_nothing_of_a_review),
		T(nobody_deploys_it_any_more),
		S(pushing_while_the_paths_are_read),
		S(a_call_on_what_is_not_known),
		S(a_call_on_what_moves),
		T(there_and_back_between_two_scans),
		T(found_by_a_scan_and_nothing_since),
		T(one_refusal_takes_all_back),
		T(the_pasted_line_keeps_the_reason),
		T(a_review_of_another_commit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
