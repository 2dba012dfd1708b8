/*
 * Trust as people meet it: words about people, organisations, apps, and the
 * permission at the forge, with the real engine.
 */
#include "tests/unit/engine_world.h"

enum { ORG = 500, APP = 600, MEMBER = 21, BOB = 22 };

static struct world w;

/* The forge says who that is. */
static void answer_user(const char *kind, int64_t id, const char *login,
			const char *type)
{
	struct world_effect *x = world_last(&w, kind, "login");

	assert_non_null(x);
	world_answer(x, ERR_OK,
		     json_pack("{s:I, s:s, s:s}", "id", (json_int_t)id, "login",
			       login, "type", type));
	world_run(&w);
}

static void answer(const char *kind, enum err code)
{
	struct world_effect *x = world_last(&w, kind, "");

	assert_non_null(x);
	world_answer(x, code, NULL);
	world_run(&w);
}

static void begin(void)
{
	world_begin(&w, "");
	world_trust_all(&w);
	w.hold = "forge.user forge.org_member forge.permission";
}

/* The last reply or sticky comment holds it. */
static void assert_told(const char *text)
{
	if (!world_last(&w, "forge.comment", text))
		fail_msg("nobody was told: %s", text);
}

static void add(int64_t id, const char *kind, const char *role)
{
	world_call(&w,
		   json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s}", "op",
			     "trust.add", "id", (json_int_t)id, "login",
			     world_login(id), "kind", kind, "role", role,
			     "scope", "", "by", "test", "reason", ""));
}

static int64_t grants(int64_t id)
{
	char sql[160];

	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM trust WHERE principal_id = %lld AND"
		 " revoked_ms = 0",
		 (long long)id);
	return world_ask(&w, sql);
}

/* --- trust, untrust, trusted --- */

static void a_grant_from_a_comment_ends(void **state UNUSED)
{
	int64_t said;

	begin();
	world_open(&w, 1, BOB);
	world_pass(&w, 10 * MINUTE);
	assert_int_equal(world_cycles(&w), 0);
	said = world_say(&w, 1, ADMIN,
			 "@kcibot trust @user22 role=contributor "
			 "reason=\"the new one\"");
	answer_user("forge.user", BOB, "user22", "User");
	assert_true(world_reacted(&w, said, "eyes"));
	assert_told("`user22` (account 22) is contributor now for all projects "
		    "until ");
	assert_told("Without `for=` that is 90 days");
	assert_int_equal(world_ask(&w, "SELECT (expires_ms - granted_ms) /"
				       " 86400000 FROM trust WHERE"
				       " principal_id = 22"),
			 90);
	assert_int_equal(world_ask(&w,
				   "SELECT count(*) FROM audit WHERE action ="
				   " 'trust.add' AND actor = 'user10 (10)' AND"
				   " why = 'the new one'"),
			 1);
	/* The pull that waits for it goes along. */
	world_pass(&w, 10 * MINUTE);
	assert_int_equal(world_cycles(&w), 1);
	assert_string_equal(world_status(&w, 1), "success");
	world_end(&w);
}

/* An operator who speaks for an admin is on record, and what was said. */
static void who_speaks_for_an_admin_is_on_record(void **state UNUSED)
{
	begin();
	world_open(&w, 1, BOB);
	w.hold = NULL;
	world_call(&w, json_pack("{s:s, s:s, s:s, s:I, s:s, s:I, s:s}", "op",
				 "say", "by", "operator eve (uid 7)", "actor",
				 "user10", "actor_id", (json_int_t)ADMIN,
				 "repo", REPO, "number", (json_int_t)1, "text",
				 "trust @user22 role=maintainer"));
	assert_int_equal(w.answer_ok, 1);
	assert_int_equal(world_audited(&w, "trust.add",
				       "operator eve (uid 7) as user10 (10)|"),
			 1);
	assert_int_equal(world_audited(&w, "trust", "\"said\":1,"), 1);
	assert_int_equal(world_audited(&w, "trust", "\"role\":\"admin\""), 1);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM trust WHERE"
				       " granted_by = 'operator eve (uid 7) as"
				       " user10 (10)'"),
			 1);
	world_call(&w, json_pack("{s:s, s:s, s:s, s:I, s:s, s:I, s:s}", "op",
				 "say", "by", "operator eve (uid 7)", "actor",
				 "user10", "actor_id", (json_int_t)ADMIN,
				 "repo", REPO, "number", (json_int_t)1, "text",
				 "untrust @user22"));
	assert_int_equal(w.answer_ok, 1);
	assert_int_equal(world_audited(&w, "trust.remove",
				       "operator eve (uid 7) as user10 (10)|"),
			 1);
	assert_int_equal(world_audited(&w, "untrust", "\"said\":2,"), 1);
	world_end(&w);
}

static void only_admins_say_who_is_trusted(void **state UNUSED)
{
	int64_t said;

	begin();
	world_open(&w, 1, BOB);
	said = world_say(&w, 1, MAINTAINER,
			 "@kcibot trust @user22 "
			 "role=contributor");
	assert_true(world_reacted(&w, said, "confused"));
	/* Nothing is asked of the forge for who may not. */
	assert_int_equal(world_sent_with(&w, "forge.user", "user22"), 0);
	said = world_say(&w, 1, BOB, "@kcibot trust @user22 role=admin");
	assert_true(world_reacted(&w, said, "confused"));
	said = world_say(&w, 1, ADMIN,
			 "@kcibot trust @user22 role=admin "
			 "for=366d");
	assert_true(world_reacted(&w, said, "confused"));
	assert_int_equal(grants(BOB), 0);
	world_end(&w);
}

static void an_admin_of_one_project_reaches_no_further(void **state UNUSED)
{
	begin();
	world_call(&w, json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s}", "op",
				 "trust.add", "id", (json_int_t)MEMBER, "login",
				 "user21", "role", "admin", "scope", REPO, "by",
				 "test", "reason", ""));
	assert_int_equal(w.answer_ok, 1);
	world_open(&w, 1, BOB);
	world_say(&w, 1, MEMBER,
		  "@kcibot trust @user22 role=maintainer for=2d "
		  "unasked=no");
	answer_user("forge.user", BOB, "user22", "User");
	assert_told("is maintainer now on `" REPO "` until ");
	assert_told("not deployed unasked");
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM trust WHERE"
				       " principal_id = 22 AND scope = '" REPO
				       "' AND unasked = 0"),
			 1);
	/* What is for all projects is not theirs to take. */
	world_say(&w, 1, MEMBER, "@kcibot untrust @user11");
	answer_user("forge.user", MAINTAINER, "user11", "User");
	assert_told("an admin of all of them");
	assert_int_equal(grants(MAINTAINER), 1);
	world_end(&w);
}

#define ENDS(id)                                                               \
	"SELECT expires_ms FROM trust WHERE revoked_ms = 0 AND principal_id =" \
	" " #id

/* user21 is an admin of all, until then; 0 = without an end. */
static void be_admin(int64_t until)
{
	world_call(&w, json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:I}",
				 "op", "trust.add", "id", (json_int_t)MEMBER,
				 "login", "user21", "role", "admin", "scope",
				 "", "by", "test", "reason", "", "expires_ms",
				 (json_int_t)until));
	assert_int_equal(w.answer_ok, 1);
}

/* Who is admin until tomorrow makes no admin, themselves least of all, who
 * stays longer. */
static void an_admin_for_a_time_stays_one(void **state UNUSED)
{
	int64_t until;

	begin();
	until = clock_wall(&w.clock.clock) + 24 * HOUR;
	world_open(&w, 1, BOB);
	be_admin(until);
	world_say(&w, 1, MEMBER, "@kcibot trust @user21 role=admin for=300d");
	answer_user("forge.user", MEMBER, "user21", "User");
	assert_int_equal(world_ask(&w, ENDS(21)), until);
	assert_told("as long as your own role lasts");
	world_say(&w, 1, MEMBER, "@kcibot trust @user22 role=admin");
	answer_user("forge.user", BOB, "user22", "User");
	assert_int_equal(world_ask(&w, ENDS(22)), until);
	/* What is less than they are is theirs to give. */
	world_say(&w, 1, MEMBER, "@kcibot trust @user13 role=maintainer");
	answer_user("forge.user", STRANGER, "user13", "User");
	assert_true(world_ask(&w, ENDS(13)) > until);
	world_say(&w, 1, ADMIN, "@kcibot trust @user22 role=admin for=300d");
	answer_user("forge.user", BOB, "user22", "User");
	assert_true(world_ask(&w, ENDS(22)) > until);
	world_end(&w);
}

/* Who has taken the own role away has nothing left to give. */
static void a_role_is_not_given_once_it_is_gone(void **state UNUSED)
{
	static const char *const first[] = {"untrust @user21",
					    "trust @user21 role=contributor"};
	int64_t until;

	begin();
	until = clock_wall(&w.clock.clock) + 24 * HOUR;
	world_open(&w, 1, BOB);
	be_admin(until);
	for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
		char text[160];

		snprintf(text, sizeof(text),
			 "@kcibot %s\n@kcibot trust @user21 role=admin "
			 "for=365d",
			 first[i]);
		world_say(&w, 1, MEMBER, text);
		answer_user("forge.user", MEMBER, "user21", "User");
		assert_told("what the rest of the comment needs");
		/* All of it or nothing. */
		assert_int_equal(world_ask(&w, ENDS(21)), until);
	}
	world_end(&w);
}

/* Also where less than the old role is enough to say it. */
static void nor_is_it_used(void **state UNUSED)
{
	begin();
	world_open(&w, 1, BOB);
	be_admin(0);
	w.hold = "job.run forge.user forge.org_member";
	world_say(&w, 1, MAINTAINER, "@kcibot trigger");
	assert_int_equal(world_cycles(&w), 1);
	world_say(&w, 1, MEMBER,
		  "@kcibot trust @user21 role=maintainer\n@kcibot cancel");
	answer_user("forge.user", MEMBER, "user21", "User");
	assert_told("what the rest of the comment needs");
	assert_int_equal(world_ask(&w, "SELECT role = 'admin' FROM trust WHERE"
				       " revoked_ms = 0 AND principal_id = 21"),
			 1);
	world_end(&w);
}

#define WAITS(id)                                                              \
	"SELECT count(*) FROM request WHERE state = 'waiting' AND actor_id"    \
	" = " #id

/* It is not interrupted: what is asked for on the second pull waits. */
static void a_full_cycle_runs(void)
{
	world_open(&w, 1, BOB);
	world_open(&w, 2, BOB);
	w.hold = "git.batch forge.user forge.org_member";
	world_say(&w, 1, ADMIN, "@kcibot trigger");
	assert_int_equal(world_cycles(&w), 1);
}

/* Removal of the granter voids grants and waiting requests, for good. */
static void untrust_voids_what_was_asked_for(void **state UNUSED)
{
	begin();
	a_full_cycle_runs();
	world_say(&w, 2, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_ask(&w, WAITS(11)), 1);
	world_call(&w, json_pack("{s:s, s:s, s:s, s:I}", "op", "trust.remove",
				 "login", "user11", "by", "test", "id",
				 (json_int_t)MAINTAINER));
	assert_int_equal(w.answer_ok, 1);
	assert_int_equal(
		world_ask(&w, "SELECT count(*) FROM request WHERE voided = 0"
			      " AND actor_id = 11"),
		0);
	assert_int_equal(world_ask(&w, WAITS(11)), 0);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM request WHERE"
				       " outcome = 'granter'"),
			 1);
	/* It does not come back to life when the granter does. */
	world_trust(&w, MAINTAINER, "maintainer");
	assert_int_equal(
		world_ask(&w, "SELECT count(*) FROM request WHERE voided = 0"
			      " AND actor_id = 11"),
		0);
	world_end(&w);
}

static void untrust_by_a_word(void **state UNUSED)
{
	begin();
	world_open(&w, 1, BOB);
	world_say(&w, 1, ADMIN, "@kcibot untrust @user12");
	answer_user("forge.user", CONTRIBUTOR, "user12", "User");
	assert_told("`user12` (account 12) is not trusted any more");
	assert_int_equal(grants(CONTRIBUTOR), 0);
	/* One that is gone from the forge is known by its last login. */
	world_say(&w, 1, ADMIN, "@kcibot untrust @user11");
	{
		struct world_effect *x = world_last(&w, "forge.user", "user11");
		struct outcome o = {
			.id = x->id, .code = ERR_MISSING, .http_status = 404};

		for (int n = 0; n < 4; n++) {
			x = world_last(&w, "forge.user", "user11");
			o.id = x->id;
			x->answered = true;
			x->done(x->ctx, &o);
			world_run(&w);
			world_pass(&w, 20 * 1000);
		}
	}
	assert_told("`user11` (account 11) is not trusted any more");
	assert_int_equal(grants(MAINTAINER), 0);
	/* The last admin stays. */
	world_say(&w, 1, ADMIN, "@kcibot untrust @user10");
	answer_user("forge.user", ADMIN, "user10", "User");
	assert_told("last admin");
	assert_int_equal(grants(ADMIN), 1);
	world_end(&w);
}

static void trusted_lists_nobody_alive(void **state UNUSED)
{
	begin();
	world_open(&w, 1, BOB);
	add(ORG, "org", "contributor");
	world_say(&w, 1, MAINTAINER, "@kcibot trusted");
	assert_told("- `user10`: admin for all projects without an end\\n");
	assert_told("- `user500` (organisation): contributor");
	/* Nobody but the asker is mentioned. */
	assert_null(world_last(&w, "forge.comment", "@user10"));
	assert_null(world_last(&w, "forge.comment", "@user12"));
	world_end(&w);
}

/* --- organisations --- */

static void a_member_commands(void **state UNUSED)
{
	int64_t said;

	begin();
	add(ORG, "org", "maintainer");
	world_open(&w, 1, BOB);
	world_pass(&w, 10 * MINUTE);
	said = world_say(&w, 1, MEMBER, "@kcibot deploy");
	assert_false(world_reacted(&w, said, "confused"));
	/* First: is the organisation still the one we mean? */
	answer_user("forge.user", ORG, "user500", "Organization");
	assert_non_null(world_last(&w, "forge.org_member", "user21"));
	assert_false(world_reacted(&w, said, "eyes"));
	answer("forge.org_member", ERR_OK);
	assert_true(world_reacted(&w, said, "eyes"));
	assert_int_equal(world_cycles(&w), 1);
	/* Known now: not asked again at once. */
	world_say(&w, 1, MEMBER, "@kcibot status");
	assert_int_equal(world_sent_with(&w, "forge.org_member", "user21"), 1);
	world_end(&w);
}

static void who_is_no_member_is_a_stranger(void **state UNUSED)
{
	int64_t said;

	begin();
	add(ORG, "org", "maintainer");
	world_open(&w, 1, BOB);
	said = world_say(&w, 1, STRANGER, "@kcibot deploy");
	answer("forge.org_member", ERR_MISSING);
	assert_true(world_reacted(&w, said, "confused"));
	assert_told("you are not known here");
	assert_int_equal(world_cycles(&w), 0);
	/* When the forge does not tell, that is said. */
	said = world_say(&w, 1, OTHER_STRANGER, "@kcibot deploy");
	answer("forge.org_member", ERR_INVALID);
	assert_true(world_reacted(&w, said, "confused"));
	assert_told("Say it again later");
	assert_int_equal(world_cycles(&w), 0);
	world_end(&w);
}

/* Its login belongs to another now: membership of that says nothing. */
static void an_organisation_that_lost_its_name(void **state UNUSED)
{
	int64_t said;

	begin();
	add(ORG, "org", "maintainer");
	world_open(&w, 1, BOB);
	world_pass(&w, 10 * MINUTE);
	said = world_say(&w, 1, MEMBER, "@kcibot deploy");
	answer_user("forge.user", 666, "user500", "Organization");
	assert_int_equal(world_sent_with(&w, "forge.org_member", "user21"), 0);
	assert_true(world_reacted(&w, said, "confused"));
	assert_int_equal(world_cycles(&w), 0);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM audit WHERE"
				       " action = 'login.reused'"),
			 1);
	world_end(&w);
}

static void a_member_goes_unasked_while_believed(void **state UNUSED)
{
	begin();
	add(ORG, "org", "contributor");
	world_open(&w, 1, MEMBER);
	assert_int_equal(world_sent_with(&w, "forge.org_member", "user21"), 1);
	world_pass(&w, 10 * MINUTE);
	assert_int_equal(world_cycles(&w), 0);
	answer("forge.org_member", ERR_OK);
	world_pass(&w, 6 * MINUTE);
	assert_int_equal(world_cycles(&w), 1);
	assert_string_equal(world_status(&w, 1), "success");
	/* Nobody said it again: it is not on the next one. */
	world_pass(&w, 61 * MINUTE);
	world_open(&w, 2, CONTRIBUTOR);
	world_pass(&w, 60 * MINUTE);
	assert_int_equal(world_cycles(&w), 2);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM revision WHERE"
				       " cycle_id = 2 AND number = 1"),
			 0);
	world_end(&w);
}

/* With scans it is asked again in time, and leaving has its effect. */
static void memberships_are_asked_again(void **state UNUSED)
{
	begin();
	add(ORG, "org", "contributor");
	w.scans = true;
	world_restart(&w);
	world_run(&w);
	world_open(&w, 1, MEMBER);
	answer("forge.org_member", ERR_OK);
	world_pass(&w, 29 * MINUTE);
	assert_int_equal(world_sent_with(&w, "forge.org_member", "user21"), 1);
	world_pass(&w, 11 * MINUTE);
	/* The organisation was last seen long ago, too. */
	answer_user("forge.user", ORG, "user500", "Organization");
	assert_int_equal(world_sent_with(&w, "forge.org_member", "user21"), 2);
	answer("forge.org_member", ERR_MISSING);
	assert_int_equal(world_ask(&w, "SELECT is_member FROM member"), 0);
	world_end(&w);
}

/* Who is not known to be a member any more, their wishes do not wait on. */
static void a_wish_waits_as_long_as_its_membership(void **state UNUSED)
{
	begin();
	add(ORG, "org", "maintainer");
	a_full_cycle_runs();
	world_say(&w, 2, MEMBER, "@kcibot deploy");
	answer("forge.org_member", ERR_OK);
	world_pass(&w, 59 * MINUTE);
	assert_int_equal(world_ask(&w, WAITS(21)), 1);
	world_pass(&w, 2 * MINUTE);
	world_push(&w, 1, 'f'); /* something happens */
	assert_int_equal(world_ask(&w, WAITS(21)), 0);
	world_end(&w);
}

/* What was said of a membership is too old to command by after 5 minutes; a
 * word that was given stands for as long as the membership is believed. */
static void a_members_word_stands_while_believed(void **state UNUSED)
{
	begin();
	add(ORG, "org", "maintainer");
	a_full_cycle_runs();
	world_say(&w, 2, MEMBER, "@kcibot deploy");
	answer("forge.org_member", ERR_OK);
	world_pass(&w, 10 * MINUTE);
	world_push(&w, 1, 'f'); /* something happens */
	assert_int_equal(world_ask(&w, WAITS(21)), 1);
	assert_int_equal(
		world_ask(&w, "SELECT count(*) FROM request WHERE voided = 0"
			      " AND actor_id = 21"),
		1);
	/* It weighs what it weighed, too: their revision goes along. */
	w.hold = "forge.user forge.org_member";
	world_answer(world_last(&w, "git.batch", "projects"), ERR_OK, NULL);
	world_run(&w);
	world_pass(&w, 6 * MINUTE);
	assert_string_equal(world_status(&w, 2), "success");
	world_end(&w);
}

/* kill -9 between the question and the answer. */
static void a_question_survives_a_crash(void **state UNUSED)
{
	int64_t said;

	begin();
	add(ORG, "org", "maintainer");
	world_open(&w, 1, BOB);
	said = world_say(&w, 1, MEMBER, "@kcibot deploy");
	world_restart(&w);
	world_run(&w);
	answer("forge.org_member", ERR_OK);
	assert_true(world_reacted(&w, said, "eyes"));
	assert_int_equal(world_cycles(&w), 1);
	world_end(&w);
}

/* --- apps --- */

static void an_app_is_deployed_and_never_heard(void **state UNUSED)
{
	begin();
	add(APP, "app", "maintainer");
	assert_int_equal(w.answer_ok, 0);
	add(APP, "app", "contributor");
	assert_int_equal(w.answer_ok, 1);
	world_open(&w, 1, APP);
	world_pass(&w, 6 * MINUTE);
	assert_int_equal(world_cycles(&w), 1);
	world_say(&w, 1, APP, "@kcibot trusted");
	assert_told("needs the role maintainer, and you are not known here");
	world_end(&w);
}

/* --- names --- */

static void a_new_login_is_noticed(void **state UNUSED)
{
	begin();
	world_open(&w, 1, BOB);
	/* Somebody else has the login that a trusted account was seen with. */
	world_call(&w, json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s}", "op",
				 "trust.add", "id", (json_int_t)77, "login",
				 "user22", "role", "contributor", "scope", "",
				 "by", "test", "reason", ""));
	assert_int_equal(w.answer_ok, 1);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM audit WHERE"
				       " action = 'login.reused'"),
			 0);
	world_open(&w, 2, 77);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM audit WHERE"
				       " action = 'login.changed'"),
			 1);
	assert_int_equal(grants(77), 1);
	assert_int_equal(grants(BOB), 0);
	world_end(&w);
}

/* --- the permission at the forge --- */

static void begin_strict(void)
{
	CLEANUP(free)
	char *yaml = str_format("%s", world_yaml);
	CLEANUP(free) char *strict = NULL;
	char *at = strstr(yaml, "  admins: [root]\n");

	*at = '\0';
	strict = str_format("%s  permission: write\n  admins: [root]\n%s", yaml,
			    at + strlen("  admins: [root]\n"));
	world_begin(&w, strict);
	world_trust_all(&w);
	w.hold = "forge.permission";
}

static void answer_permission(int64_t id, const char *permission,
			      const char *role)
{
	struct world_effect *x = world_last(&w, "forge.permission", "");

	assert_non_null(x);
	world_answer(x, ERR_OK,
		     json_pack("{s:s, s:s, s:{s:I}}", "permission", permission,
			       "role_name", role, "user", "id",
			       (json_int_t)id));
	world_run(&w);
}

static void who_commands_needs_the_permission_too(void **state UNUSED)
{
	int64_t said;

	begin_strict();
	world_open(&w, 1, BOB);
	said = world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_cycles(&w), 0);
	answer_permission(MAINTAINER, "read", "triage");
	assert_true(world_reacted(&w, said, "confused"));
	assert_told("yours is `triage`");
	/* Cached: no second question within 5 minutes. */
	said = world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_sent(&w, "forge.permission"), 1);
	assert_true(world_reacted(&w, said, "confused"));
	world_pass(&w, 6 * MINUTE);
	said = world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	answer_permission(MAINTAINER, "write", "maintain");
	assert_false(world_reacted(&w, said, "confused"));
	assert_int_equal(world_cycles(&w), 1);
	world_end(&w);
}

static void a_permission_of_somebody_else_is_none(void **state UNUSED)
{
	int64_t said;

	begin_strict();
	world_open(&w, 1, BOB);
	said = world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	answer_permission(999, "admin", "admin");
	assert_true(world_reacted(&w, said, "confused"));
	assert_told("I could not find out what you may do");
	said = world_say(&w, 1, ADMIN, "@kcibot deploy");
	answer("forge.permission", ERR_MISSING);
	assert_true(world_reacted(&w, said, "confused"));
	assert_int_equal(world_cycles(&w), 0);
	/* Questions are free, and the operator is behind the command line. */
	said = world_say(&w, 1, MAINTAINER, "@kcibot status");
	assert_false(world_reacted(&w, said, "confused"));
	world_call(&w, json_pack("{s:s, s:s, s:I, s:s, s:I, s:s}", "op", "say",
				 "actor", "user11", "actor_id",
				 (json_int_t)MAINTAINER, "repo", REPO, "number",
				 (json_int_t)1, "text", "deploy"));
	assert_int_equal(w.answer_ok, 1);
	assert_int_equal(world_cycles(&w), 1);
	world_end(&w);
}

/* --- a list --- */

static json_t *person(int64_t id, const char *kind)
{
	return json_pack("{s:I, s:s, s:s}", "id", (json_int_t)id, "login",
			 world_login(id), "kind", kind);
}

static void import(json_t *list, bool apply, int64_t max_removals)
{
	world_call(&w, json_pack("{s:s, s:s, s:s, s:b, s:I, s:o}", "op",
				 "trust.import", "source", "import staging.ini",
				 "by", "root", "apply", apply, "max_removals",
				 (json_int_t)max_removals, "list", list));
}

static void a_list_is_taken_over(void **state UNUSED)
{
	begin();
	import(json_pack("[o, o, o]", person(BOB, "user"), person(ORG, "org"),
			 person(MAINTAINER, "user")),
	       false, 10);
	assert_int_equal(w.answer_ok, 1);
	assert_non_null(strstr(w.answer, "add     user22 (22, user)\n"));
	assert_non_null(strstr(w.answer, "keep    user11 (11): maintainer"));
	assert_non_null(strstr(w.answer, "2 to add, 1 to keep, 0 to remove"));
	assert_int_equal(grants(BOB), 0);
	import(json_pack("[o, o, o]", person(BOB, "user"), person(ORG, "org"),
			 person(MAINTAINER, "user")),
	       true, 10);
	assert_int_equal(grants(BOB), 1);
	assert_int_equal(grants(ORG), 1);
	/* The maintainer is one still, and not the list's. */
	import(json_pack("[o]", person(ORG, "org")), true, 0);
	assert_int_equal(w.answer_ok, 0);
	assert_non_null(strstr(w.answer, "--max-removals 1"));
	assert_int_equal(grants(BOB), 1);
	import(json_pack("[o]", person(ORG, "org")), true, 1);
	assert_int_equal(w.answer_ok, 1);
	assert_int_equal(grants(BOB), 0);
	assert_int_equal(grants(MAINTAINER), 1);
	assert_int_equal(grants(CONTRIBUTOR), 1);
	import(json_array(), true, 10);
	assert_int_equal(w.answer_ok, 0);
	assert_int_equal(grants(ORG), 1);
	world_end(&w);
}

/* All or nothing: one that is wrong takes all others back. */
static void a_list_is_taken_whole_or_not(void **state UNUSED)
{
	begin();
	import(json_pack("[o, o]", person(BOB, "user"), person(0, "user")),
	       true, 10);
	assert_int_equal(w.answer_ok, 0);
	assert_int_equal(grants(BOB), 0);
	/* A name on it that has changed hands since. */
	world_call(&w, json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s}", "op",
				 "trust.add", "id", (json_int_t)77, "login",
				 "user22", "role", "contributor", "scope", "",
				 "by", "import staging.ini", "reason", ""));
	import(json_pack("[o, o]", person(STRANGER, "user"),
			 person(BOB, "user")),
	       true, 10);
	assert_int_equal(w.answer_ok, 0);
	assert_non_null(strstr(w.answer, "but was 77"));
	assert_int_equal(grants(STRANGER), 0);
	assert_int_equal(grants(BOB), 0);
	assert_int_equal(grants(77), 1);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_grant_from_a_comment_ends),
		cmocka_unit_test(who_speaks_for_an_admin_is_on_record),
		cmocka_unit_test(only_admins_say_who_is_trusted),
		cmocka_unit_test(an_admin_of_one_project_reaches_no_further),
		cmocka_unit_test(an_admin_for_a_time_stays_one),
		cmocka_unit_test(a_role_is_not_given_once_it_is_gone),
		cmocka_unit_test(nor_is_it_used),
		cmocka_unit_test(untrust_voids_what_was_asked_for),
		cmocka_unit_test(untrust_by_a_word),
		cmocka_unit_test(trusted_lists_nobody_alive),
		cmocka_unit_test(a_member_commands),
		cmocka_unit_test(who_is_no_member_is_a_stranger),
		cmocka_unit_test(an_organisation_that_lost_its_name),
		cmocka_unit_test(a_member_goes_unasked_while_believed),
		cmocka_unit_test(memberships_are_asked_again),
		cmocka_unit_test(a_wish_waits_as_long_as_its_membership),
		cmocka_unit_test(a_members_word_stands_while_believed),
		cmocka_unit_test(a_question_survives_a_crash),
		cmocka_unit_test(an_app_is_deployed_and_never_heard),
		cmocka_unit_test(a_new_login_is_noticed),
		cmocka_unit_test(who_commands_needs_the_permission_too),
		cmocka_unit_test(a_permission_of_somebody_else_is_none),
		cmocka_unit_test(a_list_is_taken_over),
		cmocka_unit_test(a_list_is_taken_whole_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
