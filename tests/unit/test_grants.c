/*
 * Permissions for one revision, and paths that ask for more than a
 * maintainer's word.
 */
#include "tests/unit/engine_world.h"

#include "deploy/sensitive.h"

static struct world w;

/* The usual world with more in it. */
static void world_with(const char *more)
{
	char yaml[8192];

	log_set_level(LOG_ERROR);
	snprintf(yaml, sizeof(yaml), "%s%s", world_yaml, more);
	world_begin(&w, yaml);
	world_trust_all(&w);
}

static int begin(void **state UNUSED)
{
	world_with("");
	return 0;
}

static int begin_sensitive(void **state UNUSED)
{
	world_with("    grants: {for: 2d, sensitive: [\"docker/**\", "
		   "\"requirements*\"], sensitive_role: admin}\n");
	return 0;
}

static int begin_maintainers(void **state UNUSED)
{
	world_with("    grants: {sensitive: [\"docker/**\"], "
		   "sensitive_role: maintainer}\n");
	return 0;
}

static int end(void **state UNUSED)
{
	world_end(&w);
	return 0;
}

/* The sticky comment of a pull as last wanted; "" = none. */
static const char *sticky(int64_t number)
{
	char key[64];

	snprintf(key, sizeof(key), "sticky:staging:%lld", (long long)number);
	for (size_t i = w.sent_count; i > 0; i--)
		if (!strcmp(w.sent[i - 1].key, key))
			return js_str(w.sent[i - 1].args, "body");
	return "";
}

static void sticky_says(int64_t number, const char *text)
{
	if (!strstr(sticky(number), text))
		fail_msg("not in the sticky: %s\n%s", text, sticky(number));
}

/* The last answer to a comment. */
static void reply_says(const char *text)
{
	struct world_effect *x =
		world_last(&w, "forge.comment", "kcibot:reply");

	assert_non_null(x);
	if (!strstr(js_str(x->args, "body"), text))
		fail_msg("not in the reply: %s\n%s", text,
			 js_str(x->args, "body"));
}

/* Was the pull's head in the last batch that was made? */
static bool in_last_batch(int64_t number)
{
	struct world_effect *x = world_last(&w, "git.batch", "projects");

	return x && world_args_hold(x, w.pulls[number].sha);
}

/* Somebody else's deploy: who goes along? */
static bool rides_along(int64_t number)
{
	int64_t other = 20;

	while (w.pulls[other].author)
		other++;
	world_open(&w, other, STRANGER);
	world_say(&w, other, ADMIN, "@kcibot deploy");
	assert_true(in_last_batch(other));
	world_set_state(&w, other, "closed");
	return in_last_batch(number);
}

static void open_changing(int64_t number, int64_t author, const char *paths)
{
	w.pulls[number].paths = paths;
	world_open(&w, number, author);
}

/* --- permissions --- */

static void a_grant_is_told(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	sticky_says(1, "**Permission:** granted by user11 for this revision "
		       "until ");
	/* Seven days unless said otherwise: the clock starts at 21 Sep. */
	sticky_says(1, "until 28 Sep");
	assert_int_equal(
		world_ask(&w, "SELECT until_ms - made_ms FROM request"),
		7 * 24 * HOUR);
	assert_int_equal(world_ask(&w,
				   "SELECT count(*) FROM request"
				   " WHERE role = 'maintainer' AND origin = "
				   "'comment'"),
			 1);
}

static void wall_jumps(int64_t by)
{
	w.clock.wall += by;
	world_run(&w);
}

/* Its end is a date; the clock of the bot's delays goes on as before. */
static void a_grant_ends_by_the_wall(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_true(rides_along(1));
	wall_jumps(8 * 24 * HOUR);
	assert_false(rides_along(1));
	wall_jumps(-8 * 24 * HOUR);
	assert_true(rides_along(1));
	/* Given after a jump it lasts as long as people read. */
	wall_jumps(-8 * 24 * HOUR);
	world_open(&w, 2, STRANGER);
	world_say(&w, 2, MAINTAINER, "@kcibot deploy");
	wall_jumps(6 * 24 * HOUR);
	assert_true(rides_along(2));
	wall_jumps(2 * 24 * HOUR);
	assert_false(rides_along(2));
}

static void a_trust_ends_by_the_wall(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	wall_jumps(-24 * HOUR);
	world_say(&w, 1, ADMIN,
		  "@kcibot trust @user13 role=contributor for=2h");
	assert_true(rides_along(1));
	wall_jumps(90 * MINUTE);
	assert_true(rides_along(1));
	wall_jumps(HOUR);
	assert_false(rides_along(1));
}

static void a_trusted_author_needs_none(void **state UNUSED)
{
	world_open(&w, 1, CONTRIBUTOR);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_null(strstr(sticky(1), "Permission"));
	world_push(&w, 1, 'e');
	world_pass(&w, HOUR);
	assert_true(in_last_batch(1));
	assert_null(strstr(sticky(1), "ermission"));
}

static void a_push_ends_it_and_says_so(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_push(&w, 1, 'e');
	sticky_says(1, "the permission for `111111111111` was for that "
		       "revision only: look at the new one, then "
		       "`@kcibot deploy`");
	assert_false(rides_along(1));
	/* Pushed back: it is the same code, but nobody looks at it now. */
	world_push(&w, 1, '1');
	sticky_says(1, "**Permission:** ");
	assert_null(strstr(sticky(1), "granted by"));
	assert_false(rides_along(1));
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	sticky_says(1, "granted by user11");
	assert_true(in_last_batch(1));
}

/* A cycle is rid of the old head: it is not the new one's, nor the last. */
static void what_runs_without_it_is_not_its_own(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	w.hold = "job.run";
	world_push(&w, 1, 'e');
	world_pass(&w, 40 * MINUTE);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM cycle"
				       " WHERE state <> 'finished'"),
			 1);
	assert_null(strstr(
		js_str(world_last(&w, "forge.comment", "kcibot:sticky staging")
			       ->args,
		       "body"),
		"deploy runs in"));
}

static void closing_ends_it_and_says_so(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_set_state(&w, 1, "closed");
	world_set_state(&w, 1, "open");
	sticky_says(1, "is void, because it was closed: look at it again, "
		       "then `@kcibot deploy`");
	assert_false(rides_along(1));
}

static void another_base_ends_it_and_says_so(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	snprintf(world_change(&w, 1)->base, 128, "other");
	world_tell(&w, 1, "edited");
	world_run(&w);
	sticky_says(1, "is void, because the base branch was changed");
}

static void take_trust(int64_t id)
{
	world_call(&w, json_pack("{s:s, s:I, s:s, s:s}", "op", "trust.remove",
				 "id", (json_int_t)id, "login", world_login(id),
				 "by", "test"));
	assert_int_equal(w.answer_ok, 1);
}

static void a_removed_granter_ends_it_for_good(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	take_trust(MAINTAINER);
	sticky_says(1, "is void, because they may not command any more");
	/* Also of one whose deploy is done: on record, with who gave it. */
	assert_int_equal(world_audited(&w, "request.void", "|granter|"), 1);
	assert_int_equal(
		world_audited(&w, "request.void", "\"by\":\"user11 (11)\""), 1);
	assert_false(rides_along(1));
	world_trust(&w, MAINTAINER, "maintainer");
	assert_false(rides_along(1));
}

/* It runs on as what it was begun for; that is on record once. */
static void what_runs_is_void_once(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	w.hold = "job.run";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	take_trust(MAINTAINER);
	for (int i = 0; i < 3; i++)
		world_pass(&w, MINUTE);
	assert_int_equal(world_audited(&w, "request.void", "|granter|"), 1);
	w.hold = NULL;
	world_answer(world_last(&w, "job.run", ""), ERR_OK, NULL);
	world_run(&w);
	assert_int_equal(world_audited(&w, "request.void", ""), 1);
	assert_int_equal(world_cycles(&w), 1);
}

static void a_demoted_granter_ends_it(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_trust(&w, MAINTAINER, "contributor");
	assert_false(rides_along(1));
}

static void labels_never_grant(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_change(&w, 1)->label = "deploy";
	world_tell(&w, 1, "labeled");
	world_run(&w);
	world_pass(&w, HOUR);
	assert_int_equal(world_cycles(&w), 0);
	assert_false(rides_along(1));
}

/* After its time the revision leaves with the next cycle, with a word. */
static void it_ends_in_its_time(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_pass(&w, 47 * HOUR);
	assert_true(rides_along(1));
	sticky_says(1, "granted by user11");
	world_pass(&w, 2 * HOUR);
	assert_false(rides_along(1));
	sticky_says(1, "**Permission:** that of user11 for this revision "
		       "ended ");
	sticky_says(1, "`@kcibot deploy` gives it again");
}

/* --- sensitive paths --- */

static void what_is_harmless_goes_by_itself(void **state UNUSED)
{
	open_changing(1, CONTRIBUTOR, "src/a.c docs/docker/x");
	assert_int_equal(world_sent(&w, "git.paths"), 1);
	world_pass(&w, 10 * MINUTE);
	assert_true(in_last_batch(1));
	assert_string_equal(world_status(&w, 1), "success");
}

static void a_trusted_author_waits_for_a_word(void **state UNUSED)
{
	static const int64_t authors[] = {CONTRIBUTOR, MAINTAINER, ADMIN};

	for (int64_t i = 0; i < 3; i++) {
		open_changing(i + 1, authors[i], "src/a.c docker/Dockerfile");
		world_pass(&w, HOUR);
		assert_int_equal(world_cycles(&w), 0);
		sticky_says(i + 1, "the word of an admin");
		sticky_says(i + 1, "docker/Dockerfile");
	}
	assert_false(rides_along(1));
	assert_false(rides_along(3));
	world_say(&w, 3, ADMIN, "@kcibot deploy");
	assert_true(in_last_batch(3));
	/* For that revision only. */
	assert_true(rides_along(3));
	world_push(&w, 3, 'e');
	assert_false(rides_along(3));
	sticky_says(3, "is not any more: it changes files that need");
}

static void a_maintainers_word_is_not_enough(void **state UNUSED)
{
	int64_t id;

	open_changing(1, STRANGER,
		      "src/a.c docker/Dockerfile requirements.txt");
	/* Nobody asked yet: a stranger makes us fetch nothing. */
	assert_int_equal(world_sent(&w, "git.paths"), 0);
	id = world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_sent(&w, "git.paths"), 1);
	assert_true(world_reacted(&w, id, "confused"));
	assert_int_equal(world_cycles(&w), 0);
	reply_says("needs the word of an admin, who can write "
		   "`@kcibot deploy`");
	reply_says("- `docker/Dockerfile`");
	reply_says("- `requirements.txt`");
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM request"
				       " WHERE origin = 'comment'"),
			 0);
	/* The paths are known now: the second is answered at once. */
	world_say(&w, 1, MAINTAINER, "@kcibot trigger");
	assert_int_equal(world_sent(&w, "git.paths"), 1);
	reply_says("`@kcibot trigger`");
	id = world_say(&w, 1, ADMIN, "@kcibot deploy");
	assert_true(world_reacted(&w, id, "rocket"));
	assert_true(in_last_batch(1));
}

/* A word from before the promotion was a maintainer's. */
static void a_word_weighs_what_it_weighed(void **state UNUSED)
{
	open_changing(1, STRANGER, "src/a.c");
	w.pulls[1].merged = "src/a.c docker/x";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM revision"
				       " WHERE result = 'left_out'"),
			 1);
	world_trust(&w, MAINTAINER, "admin");
	assert_false(rides_along(1));
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_true(rides_along(1));
	/* And not more than it weighs. */
	world_trust(&w, MAINTAINER, "maintainer");
	assert_false(rides_along(1));
}

static void a_role_may_be_enough(void **state UNUSED)
{
	open_changing(1, CONTRIBUTOR, "docker/x");
	world_pass(&w, HOUR);
	assert_int_equal(world_cycles(&w), 0);
	sticky_says(1, "the word of a maintainer");
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_true(in_last_batch(1));
}

static void an_admin_does_not_wait_for_git(void **state UNUSED)
{
	open_changing(1, STRANGER, "docker/x");
	w.hold = "git.paths";
	world_say(&w, 1, ADMIN, "@kcibot deploy");
	assert_true(in_last_batch(1));
	assert_int_equal(world_sent(&w, "git.paths"), 0);
}

static void too_many_is_not_harmless(void **state UNUSED)
{
	open_changing(1, CONTRIBUTOR, "*");
	world_pass(&w, HOUR);
	assert_int_equal(world_cycles(&w), 0);
	sticky_says(1, "more than can be looked at");
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	reply_says("more files than can be looked at");
	world_say(&w, 1, ADMIN, "@kcibot deploy");
	assert_true(in_last_batch(1));
}

static void what_is_not_read_does_not_go(void **state UNUSED)
{
	struct world_effect *x;
	int64_t id;

	w.hold = "git.paths";
	open_changing(1, CONTRIBUTOR, "src/a.c");
	world_pass(&w, HOUR);
	assert_int_equal(world_cycles(&w), 0);
	assert_false(rides_along(1));
	/* A command waits for the answer, over a kill -9. */
	id = world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_false(world_reacted(&w, id, "confused"));
	assert_false(in_last_batch(1));
	world_restart(&w);
	w.hold = NULL;
	world_run(&w);
	assert_true(world_reacted(&w, id, "rocket"));
	assert_true(in_last_batch(1));
	x = world_last(&w, "git.paths", w.pulls[1].sha);
	assert_non_null(x);
	assert_string_equal(js_str(x->args, "base"), "main");
}

static void when_git_cannot_say_it_is_asked_again(void **state UNUSED)
{
	int64_t id;
	size_t asked;

	w.fail_kind = "git.paths";
	w.fail_code = ERR_MISSING;
	open_changing(1, CONTRIBUTOR, "src/a.c");
	id = world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_true(world_reacted(&w, id, "confused"));
	reply_says("not read from the repository yet");
	assert_int_equal(world_cycles(&w), 0);
	asked = world_sent(&w, "git.paths");
	w.fail_kind = NULL;
	/* Whatever shows the pull again asks again: here a webhook. */
	world_change(&w, 1);
	world_tell(&w, 1, "edited");
	world_run(&w);
	assert_int_equal(world_sent(&w, "git.paths"), asked + 1);
	/* And it is deployed as if it had been pushed now. */
	world_pass(&w, 10 * MINUTE);
	assert_true(in_last_batch(1));
}

static void one_question_at_a_time(void **state UNUSED)
{
	w.hold = "git.paths";
	open_changing(1, CONTRIBUTOR, "src/a.c");
	for (int i = 0; i < 3; i++) {
		world_change(&w, 1);
		world_tell(&w, 1, "edited");
		world_pass(&w, 1000);
	}
	assert_int_equal(world_sent(&w, "git.paths"), 1);
	/* Of another revision it is another question. */
	world_push(&w, 1, 'e');
	assert_int_equal(world_sent(&w, "git.paths"), 2);
}

/* The answer about an older head says nothing about this one. */
static void an_answer_too_late_changes_nothing(void **state UNUSED)
{
	struct world_effect *first;

	w.hold = "git.paths";
	open_changing(1, CONTRIBUTOR, "src/a.c");
	first = world_last(&w, "git.paths", w.pulls[1].sha);
	world_push(&w, 1, 'e');
	world_answer(first, ERR_OK,
		     json_pack("{s:s, s:s, s:[s]}", "result", "known", "reason",
			       "", "paths", "src/a.c"));
	world_run(&w);
	world_pass(&w, HOUR);
	assert_int_equal(world_cycles(&w), 0);
	assert_false(rides_along(1));
}

/* --- the second gate --- */

static void what_the_merge_shows_is_left_out(void **state UNUSED)
{
	open_changing(1, CONTRIBUTOR, "src/a.c");
	open_changing(2, CONTRIBUTOR, "src/b.c");
	w.pulls[1].merged = "src/a.c docker/f docker/g";
	world_pass(&w, HOUR);
	assert_int_equal(world_cycles(&w), 1);
	assert_int_equal(world_sent(&w, "git.batch"), 2);
	assert_false(in_last_batch(1));
	assert_true(in_last_batch(2));
	assert_int_equal(world_sent(&w, "git.push"), 1);
	assert_string_equal(world_status(&w, 1), "error");
	assert_string_equal(world_status(&w, 2), "success");
	sticky_says(1, "docker/f and 1 more sensitive file");
	assert_int_equal(world_audited(&w, "revision.left_out",
				       "\"files\":[\"docker/f\",\"docker/g\"]"),
			 1);
	assert_int_equal(
		world_audited(&w, "revision.left_out", "\"needs\":\"admin\""),
		1);
	/* Known from now on: it is not even tried. */
	assert_false(rides_along(1));
	assert_int_equal(world_sent(&w, "git.batch"), 3);
	world_say(&w, 1, ADMIN, "@kcibot deploy");
	assert_true(in_last_batch(1));
	assert_string_equal(world_status(&w, 1), "success");
}

static void a_word_holds_at_the_second_gate(void **state UNUSED)
{
	open_changing(1, STRANGER, "src/a.c");
	w.pulls[1].merged = "docker/f";
	world_say(&w, 1, ADMIN, "@kcibot deploy");
	assert_int_equal(world_sent(&w, "git.batch"), 1);
	assert_string_equal(world_status(&w, 1), "success");
}

/* Killed between the two merges: the second is made, nothing is pushed. */
static void the_second_gate_survives_a_kill(void **state UNUSED)
{
	struct world_effect *x;

	open_changing(1, CONTRIBUTOR, "src/a.c");
	w.pulls[1].merged = "docker/f";
	w.hold = "git.batch";
	world_pass(&w, 10 * MINUTE);
	x = world_last(&w, "git.batch", "projects");
	world_answer(x, ERR_OK, NULL);
	world_run(&w);
	assert_int_equal(world_sent(&w, "git.push"), 0);
	assert_false(in_last_batch(1));
	world_restart(&w);
	w.hold = NULL;
	world_run(&w);
	assert_false(in_last_batch(1));
}

/* --- what people read --- */

static void names_of_files_are_only_text(void **state UNUSED)
{
	open_changing(1, STRANGER,
		      "docker/`@everyone` docker/[x](http://evil) "
		      "docker/<!--kcibot:sticky--> docker/|a|");
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	/* Only in code spans, with a fence that the name cannot close. */
	reply_says("- `` docker/`@everyone` ``");
	reply_says("- ` docker/[x](http://evil) `");
	world_open(&w, 2, CONTRIBUTOR);
	open_changing(3, CONTRIBUTOR, "docker/@everyone");
	assert_null(strstr(sticky(3), "@everyone"));
	sticky_says(3, "everyone");
}

static void at_most_twenty_are_listed(void **state UNUSED)
{
	static char many[4096];
	struct world_effect *x;
	const char *at;
	size_t lines = 0;

	for (int i = 0; i < 25; i++)
		snprintf(many + strlen(many), sizeof(many) - strlen(many),
			 "%sdocker/%0100d", i ? " " : "", i);
	open_changing(1, STRANGER, many);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	x = world_last(&w, "forge.comment", "kcibot:reply");
	at = js_str(x->args, "body");
	while ((at = strstr(at, "\n- `docker/"))) {
		lines++;
		at++;
	}
	assert_int_equal(lines, 20);
	reply_says("- and 5 more");
}

/* --- the pure part --- */

static void globs(void **state UNUSED)
{
	static const char *const list[] = {"docker/**",	    ".github/**",
					   "requirements*", "**/*.service",
					   "conf/a?/x",	    NULL};
	const struct environment env = {
		.grants = {.sensitive = list, .sensitive_role = "admin"}};
	static const struct {
		const char *path;
		bool sensitive;
	} rows[] = {
		{"docker/Dockerfile", true},
		{"Docker/Dockerfile", true}, /* not every disk tells apart */
		{".GitHub/workflows/x.yml", true},
		{"requirements-dev.txt", true},
		{"REQUIREMENTS.TXT", true},
		{"docs/requirements.txt", false},
		{"docker", false}, /* a plain file */
		{"dockerfile", false},
		{"src/docker/x", false},
		{"etc/a.service", true},
		{"conf/ab/x", true},
		{"conf/ab/y", false},
		{"docker/\xef\xbf\xbd", true},
		/* Links and submodules. */
		{"docker/", true},
		{"Docker/", true},
		{"conf/", true},
		{"conf/ab/", true},
		{"src/", true}, /* may hold a .service */
		/* It says how the files below it are laid out. */
		{".gitattributes", true},
		{"docker/.gitattributes", true},
		{"conf/.gitattributes", true},
		{"x.gitattributes", false},
		{"", false},
	};
	static const char *const plain[] = {"docker/**", "a/b/c", "x**z/y",
					    NULL};
	const struct environment few = {
		.grants = {.sensitive = plain, .sensitive_role = "admin"}};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (sensitive_path(&env, rows[i].path) != rows[i].sensitive)
			fail_msg("%s", rows[i].path);
	assert_false(sensitive_path(&few, "src/"));
	assert_true(sensitive_path(&few, "a/"));
	assert_true(sensitive_path(&few, "a/b/"));
	assert_false(sensitive_path(&few, "b/"));
	assert_true(sensitive_path(&few, "x/q/"));
	assert_true(sensitive_path(&few, ".gitattributes"));
	assert_true(sensitive_path(&few, "a/.gitattributes"));
	assert_true(sensitive_path(&few, "a/b/.GitAttributes"));
	assert_false(sensitive_path(&few, "a/d/.gitattributes"));
	assert_false(sensitive_path(&few, "src/.gitattributes"));
}

static void a_link_is_one_file_to_people(void **state UNUSED)
{
	static const char *const list[] = {"lib/**", NULL};
	const struct environment env = {
		.grants = {.sensitive = list, .sensitive_role = "admin"}};
	CLEANUP(json_decref)
	json_t *paths = json_pack("[s, s, s]", "lib", "lib/", "lib/a");
	CLEANUP(json_decref) json_t *files = NULL;

	assert_true(sensitive_paths(&env, paths, &files));
	assert_int_equal(json_array_size(files), 2);
	assert_true(sensitive_paths(&env, NULL, NULL));
}

int main(void)
{
#define T(name, how) cmocka_unit_test_setup_teardown(name, how, end)
	const struct CMUnitTest tests[] = {
		T(a_grant_is_told, begin),
		T(a_grant_ends_by_the_wall, begin),
		T(a_trust_ends_by_the_wall, begin),
		T(a_trusted_author_needs_none, begin),
		T(a_push_ends_it_and_says_so, begin),
		T(what_runs_without_it_is_not_its_own, begin),
		T(closing_ends_it_and_says_so, begin),
		T(another_base_ends_it_and_says_so, begin),
		T(a_removed_granter_ends_it_for_good, begin),
		T(what_runs_is_void_once, begin),
		T(a_demoted_granter_ends_it, begin),
		T(labels_never_grant, begin),
		T(it_ends_in_its_time, begin_sensitive),
		T(what_is_harmless_goes_by_itself, begin_sensitive),
		T(a_trusted_author_waits_for_a_word, begin_sensitive),
		T(a_maintainers_word_is_not_enough, begin_sensitive),
		T(a_word_weighs_what_it_weighed, begin_sensitive),
		T(a_role_may_be_enough, begin_maintainers),
		T(an_admin_does_not_wait_for_git, begin_sensitive),
		T(too_many_is_not_harmless, begin_sensitive),
		T(what_is_not_read_does_not_go, begin_sensitive),
		T(when_git_cannot_say_it_is_asked_again, begin_sensitive),
		T(one_question_at_a_time, begin_sensitive),
		T(an_answer_too_late_changes_nothing, begin_sensitive),
		T(what_the_merge_shows_is_left_out, begin_sensitive),
		T(a_word_holds_at_the_second_gate, begin_sensitive),
		T(the_second_gate_survives_a_kill, begin_sensitive),
		T(names_of_files_are_only_text, begin_sensitive),
		T(at_most_twenty_are_listed, begin_sensitive),
		cmocka_unit_test(globs),
		cmocka_unit_test(a_link_is_one_file_to_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
