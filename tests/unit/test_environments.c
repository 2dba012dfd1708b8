/*
 * Several environments side by side: what one waits for, runs into or is told
 * is nothing to the others.
 */
#include "tests/unit/engine_world.h"

#include "bot/cli_text.h"
#include "bot/page_parts.h"
#include "store/view.h"

static struct world w;

/* Both take the pulls of REPO, one of them those of another repository, too;
 * the third takes them for another branch. */
#define HEAD                                                                   \
	"listen: 127.0.0.1:0\n"                                                \
	"public_url: https://bot.example.org\n"                                \
	"state_dir: /nonexistent/kcibot\n"                                     \
	"bot: {name: kcibot}\n"                                                \
	"forge:\n"                                                             \
	"  api_url: https://api.github.com\n"                                  \
	"  clone_url: https://github.com/{repo}.git\n"                         \
	"  token_file: /nonexistent/token\n"                                   \
	"  webhook_secret_file: /nonexistent/secret\n"                         \
	"trust:\n"                                                             \
	"  admins: [root]\n"                                                   \
	"environments:\n"
#define REST(policy)                                                           \
	"    policy: {" policy "}\n"                                           \
	"    recipe: {short: [deploy], full: [deploy]}\n"                      \
	"    isolation: none\n"                                                \
	"    jobs:\n"                                                          \
	"      deploy: {stage: deploy, run: [/bin/true], timeout: 5m}\n"
#define POLICY "settle: 5m, cooldown: 30m, full_interval: 6h, schedule: 8h"
#define STAGING                                                                \
	"  staging:\n    projects:\n"                                          \
	"      - {repo: " REPO ", base: main, branch: staging}\n"
#define LAB                                                                    \
	"  lab:\n    projects:\n"                                              \
	"      - {repo: acme/web, base: main, branch: lab}\n"                  \
	"      - {repo: " REPO ", base: main, branch: lab}\n"
#define RELEASE                                                                \
	"  release:\n    projects:\n"                                          \
	"      - {repo: " REPO ", base: stable, branch: next}\n"

static const char two[] = HEAD STAGING REST(POLICY)
LAB REST("settle: 1m, cooldown: 2m, full_interval: 1h, schedule: 0s");
static const char three[] = HEAD STAGING REST(POLICY)
RELEASE REST(POLICY);

static void begin_with(const char *yaml)
{
	log_set_level(LOG_ERROR);
	world_begin(&w, yaml);
	world_trust_all(&w);
}

static int begin(void **state UNUSED)
{
	begin_with(two);
	return 0;
}

static int end(void **state UNUSED)
{
	world_end(&w);
	return 0;
}

/* A number of one environment: "count(*)" of its cycles where ... */
static int64_t cycles(const char *environment, const char *where)
{
	char sql[256];

	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM cycle WHERE environment = '%s' AND %s",
		 environment, where);
	return world_ask(&w, sql);
}

/* The state that the head shows last under the environment's name. */
static const char *status(const char *environment, int64_t number)
{
	char context[64];

	snprintf(context, sizeof(context), "\"kcibot/%s\"", environment);
	for (size_t i = w.sent_count; i > 0; i--) {
		struct world_effect *x = &w.sent[i - 1];

		if (!strcmp(x->kind, "forge.status") &&
		    world_args_hold(x, context) &&
		    world_args_hold(x, w.pulls[number].sha))
			return js_str(x->args, "state");
	}
	return "";
}

/* The unanswered effect of an environment's cycle. */
static struct world_effect *pending(const char *kind, const char *environment)
{
	char sql[128];

	for (size_t i = w.sent_count; i > 0; i--) {
		struct world_effect *x = &w.sent[i - 1];

		if (x->answered || strcmp(x->kind, kind) != 0)
			continue;
		snprintf(sql, sizeof(sql),
			 "SELECT count(*) FROM cycle WHERE id = %lld"
			 " AND environment = '%s'",
			 (long long)js_int(x->args, "cycle", 0), environment);
		if (world_ask(&w, sql))
			return x;
	}
	return NULL;
}

static void answer(const char *kind, const char *environment)
{
	struct world_effect *x = pending(kind, environment);

	assert_non_null(x);
	world_answer(x, ERR_OK, NULL);
	world_run(&w);
}

static bool told(const char *text)
{
	return world_last(&w, "forge.comment", text) != NULL;
}

/* --- side by side --- */

static void two_cycles_at_once(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	w.hold = "job.run";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(cycles("staging", "state = 'running'"), 1);
	assert_int_equal(cycles("lab", "state = 'running'"), 1);
	assert_string_equal(status("staging", 1), "pending");
	assert_string_equal(status("lab", 1), "pending");
	answer("job.run", "lab");
	assert_string_equal(status("lab", 1), "success");
	assert_string_equal(status("staging", 1), "pending");
	/* One of them goes on while the other still runs. */
	world_push(&w, 1, 'b');
	w.hold = "";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy on=lab");
	assert_int_equal(cycles("lab", "verdict = 'success'"), 2);
	assert_int_equal(cycles("staging", "state = 'running'"), 1);
	answer("job.run", "staging");
	assert_int_equal(cycles("staging", "verdict = 'success'"), 1);
	/* A comment for each, and a branch and a tag for each. */
	assert_true(told("kcibot:sticky lab"));
	assert_true(told("kcibot:sticky staging"));
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM posted"
				       " WHERE slot IN ('lab', 'staging')"),
			 2);
	assert_int_equal(world_sent_with(&w, "git.push", "\"lab\""), 2);
	assert_int_equal(world_sent_with(&w, "git.push", "\"staging\""), 1);
	assert_int_equal(world_sent_with(&w, "git.tag", "\"lab-2026"), 2);
	assert_int_equal(world_sent_with(&w, "git.tag", "\"staging-2026"), 1);
}

/* Git hangs for one of them, or answers it with trouble for ever. */
static void git_hangs_for_one(void **state UNUSED)
{
	struct world_effect *x;

	world_open(&w, 1, STRANGER);
	w.hold = "git.batch";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	w.hold = NULL;
	answer("git.batch", "lab");
	assert_int_equal(cycles("lab", "verdict = 'success'"), 1);
	assert_int_equal(cycles("staging", "state = 'merging'"), 1);
	world_push(&w, 1, 'c');
	world_say(&w, 1, MAINTAINER, "@kcibot deploy on=lab");
	assert_int_equal(cycles("lab", "verdict = 'success'"), 2);
	x = pending("git.batch", "staging");
	assert_non_null(x);
	world_answer(x, ERR_FATAL, NULL);
	world_run(&w);
	assert_int_equal(cycles("staging", "verdict = 'error'"), 1);
	assert_int_equal(cycles("lab", "verdict = 'error'"), 0);
}

/* Each has its settling, its cooldown and its schedule. */
static void each_has_its_clock(void **state UNUSED)
{
	world_open(&w, 1, CONTRIBUTOR);
	world_pass(&w, 2 * MINUTE);
	assert_int_equal(cycles("lab", "1"), 1);
	assert_int_equal(cycles("staging", "1"), 0);
	world_pass(&w, 4 * MINUTE);
	assert_int_equal(cycles("staging", "1"), 1);
	world_push(&w, 1, 'c');
	world_pass(&w, 5 * MINUTE);
	assert_int_equal(cycles("lab", "1"), 2);
	assert_int_equal(cycles("staging", "1"), 1);
	world_pass(&w, 30 * MINUTE);
	assert_int_equal(cycles("staging", "1"), 2);
	assert_int_equal(cycles("lab", "scheduled"), 0);
	world_pass(&w, 9 * HOUR);
	assert_int_equal(cycles("staging", "scheduled"), 1);
	assert_int_equal(cycles("lab", "scheduled"), 0);
}

/* A push to the base of a repository that only one of them has. */
static void a_base_of_one(void **state UNUSED)
{
	world_deliver(&w, "push",
		      json_pack("{s:s, s:s, s:{s:s}}", "ref", "refs/heads/main",
				"after", w.base_sha, "repository", "full_name",
				"acme/web"));
	world_run(&w);
	world_pass(&w, 10 * MINUTE);
	assert_int_equal(cycles("lab", "1"), 1);
	assert_int_equal(cycles("staging", "1"), 0);
}

/* Killed while both run, both go on, each with its own. */
static void killed_while_both_run(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	w.hold = "job.run";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_restart(&w);
	world_run(&w);
	assert_non_null(pending("job.run", "lab"));
	assert_non_null(pending("job.run", "staging"));
	w.job_verdict = "failure";
	answer("job.run", "lab");
	w.job_verdict = "success";
	answer("job.run", "staging");
	assert_string_equal(status("lab", 1), "failure");
	assert_string_equal(status("staging", 1), "success");
	/* Lab alone is put back without it. */
	w.hold = "";
	world_pass(&w, 3 * MINUTE);
	assert_int_equal(cycles("lab", "1"), 2);
	assert_int_equal(cycles("staging", "1"), 1);
}

/* --- trouble with one --- */

static void errors_freeze_one(void **state UNUSED)
{
	int64_t said;

	world_open(&w, 1, CONTRIBUTOR);
	w.hold = "job.run";
	for (int i = 0; i < 3; i++) {
		world_say(&w, 1, MAINTAINER, "@kcibot deploy on=staging");
		w.job_verdict = "error";
		answer("job.run", "staging");
	}
	w.job_verdict = "success";
	assert_int_equal(cycles("staging", "verdict = 'error'"), 3);
	w.hold = "";
	said = world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(cycles("staging", "1"), 3);
	assert_int_equal(cycles("lab", "verdict = 'success'"), 1);
	assert_true(world_reacted(&w, said, "rocket"));
	/* Also when a lock of both is over. */
	world_say(&w, 1, MAINTAINER, "@kcibot lock 1h");
	world_pass(&w, HOUR + MINUTE);
	assert_non_null(world_last(
		&w, "forge.comment",
		"is over, its time has come. Still nothing starts on "
		"`staging`: frozen after 3 errors in a row; unlock resumes. "
		"What waited elsewhere goes on."));
	/* And goes on alone, too. */
	world_say(&w, 1, MAINTAINER, "@kcibot unlock on=lab");
	assert_int_equal(cycles("staging", "1"), 3);
	world_say(&w, 1, MAINTAINER, "@kcibot unlock on=staging");
	assert_int_equal(cycles("staging", "verdict = 'success'"), 1);
}

#define MANY 50
#define LONG_NAME 40
#define LONG_REASON 200

/* As many as there may be, with names as long, each in a window. */
static void add_many(struct str *yaml)
{
	char name[LONG_NAME + 1], reason[LONG_REASON + 1];

	memset(name, 'e', LONG_NAME);
	name[LONG_NAME] = '\0';
	memset(reason, 'r', LONG_REASON);
	reason[LONG_REASON] = '\0';
	str_puts(yaml, HEAD);
	for (int i = 0; i < MANY; i++) {
		name[LONG_NAME - 2] = (char)('0' + i / 10);
		name[LONG_NAME - 1] = (char)('0' + i % 10);
		str_addf(yaml,
			 "  %s:\n    projects:\n"
			 "      - {repo: " REPO ", base: main, branch: s%d}\n"
			 "    freeze: [{from: Mon 00:00, to: Sun 00:00,"
			 " reason: %s}]\n" REST(POLICY),
			 name, i, reason);
	}
}

/* Who locked all of them is told in a few sentences. */
static void a_lock_of_many(void **state UNUSED)
{
	struct str yaml = STR_INIT(1u << 20);

	world_end(&w);
	add_many(&yaml);
	begin_with(yaml.text);
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot lock 1h");
	world_pass(&w, HOUR + MINUTE);
	assert_non_null(world_last(&w, "forge.comment",
				   "is over, its time has come. Still nothing "
				   "starts on `eee"));
	assert_non_null(world_last(&w, "forge.comment", " Nor on 45 more."));
	assert_null(world_last(&w, "forge.comment", "goes on."));
	str_release(&yaml);
}

static int64_t locked(const char *environment)
{
	char sql[128];

	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM environment_lock WHERE ended_ms = 0"
		 " AND environment = '%s'",
		 environment);
	return world_ask(&w, sql);
}

static void a_lock_on_one(void **state UNUSED)
{
	world_open(&w, 1, CONTRIBUTOR);
	world_say(&w, 1, MAINTAINER,
		  "@kcibot lock 4h reason=\"the demo\" on=staging");
	assert_int_equal(locked("staging"), 1);
	assert_int_equal(locked("lab"), 0);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(cycles("staging", "1"), 0);
	assert_int_equal(cycles("lab", "verdict = 'success'"), 1);
	/* The other one, by somebody else. */
	world_say(&w, 1, ADMIN, "@kcibot lock on=lab");
	assert_int_equal(locked("lab"), 1);
	world_say(&w, 1, MAINTAINER, "@kcibot unlock on=staging");
	assert_int_equal(cycles("staging", "verdict = 'success'"), 1);
	assert_int_equal(locked("lab"), 1);
	/* All of them are meant where none is named. */
	world_say(&w, 1, ADMIN, "@kcibot lock");
	assert_int_equal(locked("staging") + locked("lab"), 2);
}

static void cancel_on_one(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot lock");
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_say(&w, 1, MAINTAINER, "@kcibot cancel on=lab");
	world_say(&w, 1, MAINTAINER, "@kcibot unlock");
	assert_int_equal(cycles("lab", "1"), 0);
	assert_int_equal(cycles("staging", "verdict = 'success'"), 1);
}

/* --- which one is meant --- */

static void one_is_named(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy on=lab");
	assert_int_equal(cycles("lab", "kind = 'short'"), 1);
	assert_int_equal(cycles("staging", "1"), 0);
	assert_string_equal(status("staging", 1), "");
	world_say(&w, 1, MAINTAINER, "@kcibot trigger on=staging");
	assert_int_equal(cycles("staging", "kind = 'full'"), 1);
	assert_int_equal(cycles("lab", "1"), 1);
}

static void each_in_its_own_way(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER,
		  "@kcibot deploy on=lab\n@kcibot trigger on=staging");
	assert_int_equal(cycles("lab", "kind = 'short'"), 1);
	assert_int_equal(cycles("staging", "kind = 'full'"), 1);
	assert_int_equal(world_cycles(&w), 2);
}

static void refused(const char *words, const char *why)
{
	int64_t before = world_ask(&w, "SELECT count(*) FROM request");
	int64_t said = world_say(&w, 1, MAINTAINER, words);

	assert_true(world_reacted(&w, said, "confused"));
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM request"), before);
	if (!told(why))
		fail_msg("%s", why);
}

static void what_is_refused(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	refused("@kcibot deploy on=prod",
		"`prod` is no environment of this repository, so nothing was "
		"done. It has `staging`, `lab`.");
	refused("@kcibot lock on=Lab", "`Lab` is no environment");
	refused("@kcibot deploy\n@kcibot trigger on=lab",
		"mean one environment twice");
	refused("@kcibot deploy on=lab\n@kcibot deploy",
		"mean one environment twice");
	refused("@kcibot deploy on=../x", "the environment does not fit");
	/* Said twice is said once. */
	world_say(&w, 1, MAINTAINER,
		  "@kcibot deploy on=lab\n@kcibot trigger on=lab");
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM request"), 1);
}

/* What to type next names it, too. */
static void the_next_line_names_it(void **state UNUSED)
{
	begin_with(two);
	world_open(&w, 1, STRANGER);
	world_change(&w, 1)->draft = true;
	world_say(&w, 1, MAINTAINER, "@kcibot deploy on=lab");
	assert_true(told("@kcibot deploy on=lab"));
	world_say(&w, 1, ADMIN, "@kcibot trigger force on=lab");
	assert_true(told("trigger force reason=\\\"...\\\" on=lab"));
}

/* The branch that it aims at says which. */
static void another_branch_is_not_meant(void **state UNUSED)
{
	begin_with(three);
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(cycles("staging", "verdict = 'success'"), 1);
	assert_int_equal(cycles("release", "1"), 0);
	refused("@kcibot deploy on=release", "aims at another branch");
	snprintf(world_change(&w, 1)->base, sizeof(w.pulls[1].base), "other");
	world_tell(&w, 1, "edited");
	world_run(&w);
	refused("@kcibot deploy", "aims at another branch");
}

/* What it aimed at before does not stand in the way. */
static void a_retry_is_for_where_it_aims(void **state UNUSED)
{
	begin_with(three);
	w.job_verdict = "error";
	world_open(&w, 1, STRANGER);
	snprintf(world_change(&w, 1)->base, sizeof(w.pulls[1].base), "stable");
	world_tell(&w, 1, "edited");
	world_run(&w);
	world_pass(&w, MINUTE);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(cycles("release", "verdict = 'error'"), 1);
	snprintf(world_change(&w, 1)->base, sizeof(w.pulls[1].base), "main");
	world_tell(&w, 1, "edited");
	world_run(&w);
	world_pass(&w, MINUTE);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(cycles("staging", "verdict = 'error'"), 1);
	w.job_verdict = "success";
	world_say(&w, 1, MAINTAINER, "@kcibot retry");
	assert_int_equal(cycles("staging", "verdict = 'success'"), 1);
	assert_int_equal(cycles("release", "purpose = 'retry'"), 0);
	refused("@kcibot retry on=release", "aims at another branch");
}

/* --- on show --- */

static void both_are_on_show(void **state UNUSED)
{
	static const struct view_settings settings = {
		.bot = "kcibot", .public_url = "", .web_url = ""};
	struct error e = ERROR_INIT;
	struct store *s;
	CLEANUP(json_decref) json_t *all = NULL, *pull = NULL;
	CLEANUP(str_release) struct str page = STR_INIT(1u << 20);
	CLEANUP(str_release) struct str text = STR_INIT(1u << 20);
	const struct sheet sheet = {
		.out = &page,
		.settings = &settings,
		.root = "",
		.now_ms = clock_wall(&w.clock.clock),
	};

	world_open(&w, 1, STRANGER);
	w.hold = "job.run";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	answer("job.run", "lab");
	s = store_open_reader(w.store_path, &e);
	assert_non_null(s);
	all = view_status(s, &settings, sheet.now_ms, &e);
	pull = view_pull_all(s, &settings, REPO, 1, sheet.now_ms, &e);
	store_close(s);
	page_overview(&sheet, all);
	cli_status_text(&text, all);
	assert_non_null(strstr(page.text, "<h2>lab"));
	assert_non_null(strstr(page.text, "<h2>staging"));
	assert_non_null(strstr(text.text, "lab: idle\n"));
	assert_non_null(strstr(text.text, "staging: running\n"));
	assert_int_equal(json_array_size(js_get(pull, "environments")), 2);
}

/* As many as the configuration allows, of one repository. */
static void fifty_of_them(void **state UNUSED)
{
	CLEANUP(str_release) struct str yaml = STR_INIT(1u << 20);

	str_puts(&yaml, HEAD);
	for (int i = 0; i < 50; i++)
		str_addf(&yaml,
			 "  e%d:\n    projects:\n"
			 "      - {repo: " REPO ", base: main, branch: b%d}\n"
			 "%s",
			 i, i, REST("schedule: 0s"));
	begin_with(yaml.text);
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_ask(&w, "SELECT count(DISTINCT environment)"
				       " FROM cycle WHERE verdict ="
				       " 'success'"),
			 50);
	assert_string_equal(status("e49", 1), "success");
	assert_string_equal(status("e0", 1), "success");
	world_say(&w, 1, MAINTAINER, "@kcibot lock on=e49");
	assert_int_equal(locked("e49"), 1);
	assert_int_equal(locked("e0"), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
/* Begins by itself. */
#define T_OWN(f) cmocka_unit_test_teardown(f, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(two_cycles_at_once),
		T(git_hangs_for_one),
		T(each_has_its_clock),
		T(a_base_of_one),
		T(killed_while_both_run),
		T(errors_freeze_one),
		T(a_lock_of_many),
		T(a_lock_on_one),
		T(cancel_on_one),
		T(one_is_named),
		T(each_in_its_own_way),
		T(what_is_refused),
		T_OWN(the_next_line_names_it),
		T_OWN(another_branch_is_not_meant),
		T_OWN(a_retry_is_for_where_it_aims),
		T(both_are_on_show),
		T_OWN(fifty_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
