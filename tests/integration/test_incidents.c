/*
 * Incidents of other bots (docs/security.md) that need the real program: what
 * reaches shells, files, processes and pages.  The attacker is sam, who opens
 * pull requests; whoever is trusted is careless enough to deploy them.
 */
#include "tests/integration/house.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include "bot/base/fs.h"

#define ENV_CANARY "canary-of-the-environment"
#define WORD "canary-of-one-job-alone"
#define TOKEN "sandbox-token"
/* base64 of "x-access-token:" TOKEN */
#define BASIC "eC1hY2Nlc3MtdG9rZW46c2FuZGJveC10b2tlbg=="

static void put(struct house *h, const char *name, const char *text)
{
	CLEANUP(free) char *path = str_format("%s/%s", h->dir, name);
	struct error e = ERROR_INIT;

	assert_int_equal(fs_write(path, text, strlen(text), 0600, &e), ERR_OK);
}

static bool holds(const struct str *text, const char *part)
{
	return memmem(text->text, text->len, part, strlen(part)) != NULL;
}

static void read_all(const char *path, struct str *ret)
{
	struct error e = ERROR_INIT;

	str_clear(ret);
	if (fs_read(path, ret, &e))
		fail_msg("%s", e.text);
}

static void lacks(const struct str *text, const char *part, const char *where)
{
	if (holds(text, part))
		fail_msg("%s is in %s", part, where);
}

/* --- looking everywhere --- */

/* What must be in no file and in no file's name below the folder. */
static const char *const *searched;
static char found[1024];

/* What a job said is kept as it said it, for the operator alone; it is
 * redacted when it is read. */
static bool is_raw_log(const char *path, const struct stat *st, struct FTW *ftw)
{
	return strcmp(path + ftw->base, "log") == 0 && strstr(path, "/jobs/") &&
	       !(st->st_mode & 077);
}

static int look_into(const char *path, const struct stat *st, int type,
		     struct FTW *ftw)
{
	CLEANUP(str_release) struct str text = STR_INIT(256u << 20);
	struct error e = ERROR_INIT;

	if (is_raw_log(path, st, ftw) ||
	    (type == FTW_F && fs_read(path, &text, &e)))
		return 0; /* or it is gone meanwhile */
	for (size_t i = 0; searched[i]; i++) {
		if (!strstr(path, searched[i]) && !holds(&text, searched[i]))
			continue;
		snprintf(found, sizeof(found), "%s: %s", path, searched[i]);
		return 1;
	}
	return 0;
}

static void nowhere_below(const char *folder, const char *const *words)
{
	searched = words;
	*found = '\0';
	nftw(folder, look_into, 16, FTW_PHYS);
	if (*found)
		fail_msg("%s", found);
}

static int is_pwned(const char *path, const struct stat *st UNUSED,
		    int type UNUSED, struct FTW *ftw)
{
	if (strcmp(path + ftw->base, "pwned") == 0)
		snprintf(found, sizeof(found), "%s", path);
	return *found != '\0';
}

/* Nothing of what sam wrote was run by anybody. */
static void nobody_is_pwned(struct house *h)
{
	*found = '\0';
	nftw(h->dir, is_pwned, 16, FTW_PHYS);
	if (*found)
		fail_msg("%s", found);
}

/* All that people can read: comments, statuses, pages, logs. */
static void nowhere_to_be_read(struct house *h, int pull,
			       const char *const *words)
{
	static const char *const paths[] = {
		"/",
		"/metrics",
		"/readyz",
		"/cycles/1",
		"/pulls/" WEB "/1",
		"/api/v1/status",
		"/api/v1/cycles/1",
		"/api/v1/pulls/" WEB "/1",
	};
	CLEANUP(json_decref)
	json_t *all = sbc_conversation(h->forge, WEB, pull);
	CLEANUP(str_release) struct str text = STR_INIT(16u << 20);
	CLEANUP(free) char *said = js_dump(all);

	for (size_t i = 0; words[i]; i++)
		house_assert_lacks(said, words[i]);
	for (size_t n = 0; n < ARRAY_SIZE(paths); n++) {
		str_clear(&text);
		assert_int_not_equal(house_get(h, paths[n], &text), 0);
		for (size_t i = 0; words[i]; i++)
			lacks(&text, words[i], paths[n]);
	}
	read_all(h->log, &text);
	for (size_t i = 0; words[i]; i++)
		lacks(&text, words[i], "the log");
	nowhere_below(h->state, words);
}

static void deploy(struct house *h, int pull, const char *reaction)
{
	int64_t said = house_say(h, WEB, pull, "mona", "@kcibot deploy");

	house_await_reaction(h, WEB, pull, said, reaction);
	house_await_quiet(h);
}

/* --- S5, S6, S13 --- */

/* Keeps what a job is given, as it is: with NUL between. */
#define TELLING_JOBS                                                           \
	"      build: {stage: build, run: [/bin/sh, -c, "                      \
	"\"cat /proc/$$/environ /proc/$$/cmdline $KCIBOT_MANIFEST >> "         \
	"DIR/given\", sh, \"{cycle}-{kind}\"]}\n"                              \
	"      deploy: {stage: deploy, run: [/bin/true]}\n"

static const char *const shell_texts[] = {
	"a&&touch pwned",
	"$(touch pwned)",
	"`touch pwned`",
	";touch pwned;#",
	"|touch pwned",
	"-x --exec=touch pwned",
	"$KCIBOT_CANARY ${KCIBOT_CANARY} %s",
	"{cycle}{kind}{environment}",
};

/* As the forge shows it; the caller's. */
static json_t *user_of(struct house *h, const char *login)
{
	CLEANUP(free) char *path = str_format("/users/%s", login);
	CLEANUP(sbc_answer_release) struct sbc_answer a;

	sbc_request(h->forge, "GET", path, NULL, TOKEN, NULL, &a);
	assert_true(js_int(a.json, "id", 0) > 0);
	return json_incref(a.json);
}

/* A maintainer's own comment, by a login that no forge would allow. */
static void say_as(struct house *h, int pull, int64_t id, const char *login)
{
	CLEANUP(json_decref) json_t *user = user_of(h, "mona");
	json_int_t mona = js_int(user, "id", 0);
	CLEANUP(json_decref)
	json_t *p = json_pack(
		"{s:s, s:{s:i, s:s, s:{s:s}}, s:{s:I, s:s, s:s, s:s,"
		" s:{s:I, s:s, s:s}}, s:{s:I, s:s}, s:{s:s}}",
		"action", "created", "issue", "number", pull, "state", "open",
		"pull_request", "url", "x", "comment", "id", (json_int_t)id,
		"body", "@kcibot status", "created_at", "2026-11-21T12:00:00Z",
		"updated_at", "2026-11-21T12:00:00Z", "user", "id", mona,
		"login", login, "type", "User", "sender", "id", mona, "login",
		login, "repository", "full_name", WEB);

	assert_int_equal(house_deliver(h, "issue_comment", p), 202);
}

static void say_all(struct house *h, int pull)
{
	static const char *const shapes[] = {
		"@kcibot deploy %s",
		"@kcibot %s",
		"@kcibot why %s",
		"@kcibot skip reason=\"%s\"\n@kcibot why",
		"@kcibot include",
		"@kcibot trust @sam role=contributor for=1h reason=\"%s\"",
		"@kcibot untrust @sam",
	};

	for (size_t i = 0; i < ARRAY_SIZE(shell_texts); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(shapes); k++) {
			CLEANUP(str_release) struct str s = STR_INIT(4096);
			const char *at = strstr(shapes[k], "%s");

			str_add(&s, shapes[k],
				at ? (size_t)(at - shapes[k])
				   : strlen(shapes[k]));
			str_puts(&s, at ? shell_texts[i] : "");
			str_puts(&s, at ? at + 2 : "");
			house_say(h, WEB, pull, "ada", s.text);
		}
		say_as(h, pull, 700000 + (int64_t)i, shell_texts[i]);
	}
	house_await_quiet(h);
}

/*
 * There: an argument became part of a shell line (S5), variables in it were
 * expanded and printed (S6), branch names and titles were run (S13).  Here:
 * none of it reaches a job at all, nothing is expanded, nothing runs.
 */
static void s05_s06_s13_hostile_words(void **state UNUSED)
{
	CLEANUP(str_release) struct str given = STR_INIT(4u << 20);
	CLEANUP(free) char *file = NULL;
	static const char *const never[] = {ENV_CANARY, NULL};
	struct house *h;
	char sha[41];
	int pull = 0;

	setenv("KCIBOT_CANARY", ENV_CANARY, 1);
	h = house_new(&(struct house_settings){.jobs = TELLING_JOBS});
	unsetenv("KCIBOT_CANARY");
	for (size_t i = 0; i < ARRAY_SIZE(shell_texts); i++) {
		pull = sbc_pull(h->forge, WEB, "sam", shell_texts[i],
				house_file(shell_texts[i], shell_texts[i]),
				sha);
		assert_true(pull > 0);
		house_await_head(h, sha);
		deploy(h, pull, "rocket");
	}
	say_all(h, pull);
	house_say(h, WEB, pull, "ada",
		  "@kcibot trigger force reason=\"$(touch pwned) "
		  "$KCIBOT_CANARY\"");
	house_await_quiet(h);
	nobody_is_pwned(h);
	file = str_format("%s/given", h->dir);
	read_all(file, &given);
	assert_true(holds(&given, "KCIBOT_CYCLE="));
	lacks(&given, "pwned", "what a job is given");
	lacks(&given, "CANARY", "what a job is given");
	lacks(&given, ENV_CANARY, "what a job is given");
	nowhere_to_be_read(h, pull, never);
	house_end(h);
}

/* --- S7 --- */

/*
 * There: a name with dots led out of the bot's folder.  Here: on pages, on
 * the command line and in deliveries names only select; each is refused.
 */
static void s07_paths_in_names(void **state UNUSED)
{
	static const char *const paths[] = {
		"/pulls/%2e%2e/%2e%2e/1",
		"/pulls/acme/%2e%2e%2f%2e%2e%2fsecret/1",
		"/pulls/..%2f..%2fetc/passwd/1",
		"/cycles/%2e%2e%2f%2e%2e%2fsecret",
		"/cycles/1%2f%2e%2e",
		"/api/v1/pulls/%2fetc/passwd/1",
		"/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
		"//etc/passwd",
	};
	static const char *const on[] = {"../../etc#1", "acme/..#1",
					 "/etc/passwd#1", "acme/web/../x#1",
					 "acme/web#-1"};
	struct house *h = house_new(&(struct house_settings){0});

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		CLEANUP(str_release) struct str text = STR_INIT(1u << 20);
		long status = house_get(h, paths[i], &text);

		if (status != 404 && status != 400)
			fail_msg("%s: %ld", paths[i], status);
		lacks(&text, "root:", paths[i]);
		lacks(&text, HOUSE_SECRET, paths[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(on); i++)
		assert_int_not_equal(house_cli(h,
					       CLI("say", "--as", "ada", "--on",
						   on[i], "deploy"),
					       NULL),
				     0);
	house_await_quiet(h);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM cycle"), 0);
	house_end(h);
}

/* --- S8 --- */

#define PEM_BODY "MIIEpAIBAAKCAQEAcanaryOfTheKey0123456789abcdefghijklmnop"
#define GITHUB_TOKEN "ghp_canary0123456789ABCDEFGHIJKLMNOP"

/* It reads what it can, without isolation, and prints it in many ways. */
static const char leaking[] =
	"cat \"$1/token\" \"$1/secret\" \"$1/word\"; echo\n"
	"echo \"word $WORD; token $(cat \"$1/token\")\"\n"
	"echo 'Authorization: Basic " BASIC "'\n"
	"echo 'https://x-access-token:" TOKEN "@github.com/a/b.git'\n"
	"echo '" GITHUB_TOKEN " " GITHUB_TOKEN "'\n"
	"echo '-----BEGIN RSA PRIVATE KEY-----'\n"
	"echo '" PEM_BODY "'\n"
	"echo '-----END RSA PRIVATE KEY-----'\n"
	"printf '%s' \"$WORD\"\n"
	"sleep 0.05\n"
	"printf '%s\\n' \"$WORD\" >&2\n"
	"echo the end of the leak\n"
	"exit 7\n";

/*
 * There: tokens stood in logs that many could read.  Here: a job that prints
 * all that there is shows none of it, in no comment, page, log or database.
 */
static void s08_secrets_in_every_sink(void **state UNUSED)
{
	static const char *const secrets[] = {
		TOKEN, HOUSE_SECRET, WORD, BASIC, PEM_BODY, GITHUB_TOKEN, NULL};
	struct house *h = house_new(&(struct house_settings){
		.asleep = true,
		.jobs = "      build: {stage: build, run: [/bin/sh, "
			"DIR/leak, DIR], secrets: {WORD: DIR/word}}\n"
			"      deploy: {stage: deploy, run: [/bin/true]}\n"});
	CLEANUP(free) char *sticky = NULL;
	int pull;

	put(h, "word", WORD "\n");
	put(h, "leak", leaking);
	house_begin(h);
	pull = house_pull(h, WEB, "sam", "sams", NULL);
	deploy(h, pull, "-1");
	sticky = house_comment(h, WEB, pull, "<!-- kcibot:sticky staging -->");
	house_assert_has(sticky, "the end of the leak");
	house_assert_has(sticky, "redacted");
	house_end(h);
	house_start(h);
	nowhere_to_be_read(h, pull,
			   (const char *const[]){TOKEN, HOUSE_SECRET, WORD,
						 BASIC, PEM_BODY, NULL});
	(void)secrets;
	house_end(h);
}

/* --- S18 --- */

#define MY_CONFIG                                                              \
	"trust: {admins: [sam]}\n"                                             \
	"environments:\n"                                                      \
	"  staging:\n"                                                         \
	"    isolation: none\n"                                                \
	"    jobs: {build: {stage: build, run: [/bin/sh, -c, 'touch "          \
	"$HOME/pwned /tmp/pwned; exit 0']}}\n"

/*
 * There: the bot read its configuration from the pull request that it was to
 * judge.  Here: a revision full of configurations changes nothing, neither
 * now nor after a restart.
 */
static void s18_configuration_from_a_pull(void **state UNUSED)
{
	static const char *const names[] = {
		"kcibot.yaml",
		"kcibot.yml",
		".kcibot.yaml",
		".github/kcibot.yaml",
		"etc/kcibot/kcibot.yaml",
	};
	struct house *h = house_new(&(struct house_settings){0});
	json_t *files = json_object();
	int64_t said;
	char sha[41];
	int pull;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		json_object_set_new(files, names[i], json_string(MY_CONFIG));
	pull = sbc_pull(h->forge, WEB, "sam", "Configure", files, sha);
	assert_true(pull > 0);
	house_await_head(h, sha);
	deploy(h, pull, "rocket");
	house_stop(h);
	house_start(h);
	said = house_say(h, WEB, pull, "sam", "@kcibot deploy");
	house_await_reaction(h, WEB, pull, said, "confused");
	house_await_quiet(h);
	assert_int_equal(house_ran(h, "build"), 1);
	assert_int_equal(house_ran(h, "deploy"), 1);
	assert_int_equal(
		house_sql(h, "SELECT count(*) FROM trust t JOIN principal p"
			     " ON p.id = t.principal_id WHERE p.login = 'sam'"),
		0);
	nobody_is_pwned(h);
	house_end(h);
}

/* --- S19 --- */

static bool read_proc(const char *pid, const char *name, struct str *ret)
{
	CLEANUP(free) char *path = str_format("/proc/%s/%s", pid, name);
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char buf[65536];
	ssize_t n;

	str_clear(ret);
	while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0)
		str_add(ret, buf, (size_t)n);
	return ret->len > 0;
}

/* The bot, its supervisors and jobs: who has the house's folder in its
 * arguments or environment, which nobody else has. */
static int check_processes(struct house *h)
{
	CLEANUP(str_release) struct str args = STR_INIT(1u << 20);
	CLEANUP(str_release) struct str env = STR_INIT(1u << 20);
	DIR *d = opendir("/proc");
	const struct dirent *entry;
	int count = 0;

	assert_non_null(d);
	while ((entry = readdir(d)) != NULL) {
		if (!isdigit((unsigned char)*entry->d_name) ||
		    atoi(entry->d_name) == getpid() ||
		    !read_proc(entry->d_name, "cmdline", &args))
			continue;
		read_proc(entry->d_name, "environ", &env);
		if (!holds(&args, h->dir) && !holds(&env, h->dir))
			continue;
		count++;
		lacks(&args, TOKEN, "arguments");
		lacks(&args, HOUSE_SECRET, "arguments");
		lacks(&args, WORD, "arguments");
		lacks(&env, TOKEN, "an environment");
		lacks(&env, HOUSE_SECRET, "an environment");
		/* Of a job that has none. */
		lacks(&env, WORD, "an environment");
	}
	closedir(d);
	return count;
}

/*
 * There: secrets were flags, which everybody sees in `ps`.  Here: while the
 * bot works, no process of it has one in its arguments, and only the job that
 * names one has it in its environment.
 */
static void s19_secrets_in_the_list_of_processes(void **state UNUSED)
{
	struct house *h = house_new(&(struct house_settings){
		.asleep = true,
		.jobs = HOUSE_JOB("build", "build",
				  ", secrets: {WORD: DIR/word}")
			HOUSE_JOB("deploy", "deploy", "")});
	int64_t said;
	int pull;

	put(h, "word", WORD "\n");
	house_begin(h);
	pull = house_pull(h, WEB, "sam", "sams", NULL);
	house_hold(h, "deploy");
	said = house_say(h, WEB, pull, "mona", "@kcibot deploy");
	house_await_ran(h, "deploy 1 short", 1);
	/* The bot, the supervisor and the job. */
	assert_true(check_processes(h) >= 3);
	house_let_go(h, "deploy");
	house_await_reaction(h, WEB, pull, said, "rocket");
	house_await_quiet(h);
	house_end(h);
}

/* --- S20 --- */

/* How often the forge was told that all is well. */
static int count_green(struct house *h, int pull)
{
	CLEANUP(json_decref)
	json_t *all = sbc_conversation(h->forge, WEB, pull);
	int count = 0;
	json_t *one;
	size_t i;

	json_array_foreach (js_get(all, "history"), i, one)
		count += strcmp(js_str(one, "state"), "success") == 0;
	return count;
}

/* The forge's statuses come back as webhooks: our own start nothing, another
 * hand's is answered with ours. */
static void s20_a_status_by_another_hand(void **state UNUSED)
{
	struct house *h = house_new(&(struct house_settings){0});
	CLEANUP(json_decref) json_t *sam = NULL;
	CLEANUP(json_decref) json_t *bot = NULL;
	CLEANUP(json_decref) json_t *p = NULL;
	char sha[41];
	int pull = house_pull(h, WEB, "sam", "sams", sha);
	long before;

	deploy(h, pull, "rocket");
	sam = user_of(h, "sam");
	bot = user_of(h, BOT);
	before = house_sql(h, "SELECT count(*) FROM outbox WHERE kind ="
			      " 'forge.status' AND state = 'done'");
	p = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:{s:s}, s:O}", "id", 1,
		      "sha", sha, "name", WEB, "context", "kcibot/staging",
		      "state", "failure", "description", "it is bad",
		      "repository", "full_name", WEB, "sender", bot);
	assert_int_equal(house_deliver(h, "status", p), 202);
	house_await_quiet(h);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM outbox WHERE kind ="
				      " 'forge.status' AND state = 'done'"),
			 before);
	json_object_set(p, "sender", sam);
	assert_int_equal(house_deliver(h, "status", p), 202);
	house_await_sql(h,
			"SELECT count(*) FROM outbox WHERE kind ="
			" 'forge.status' AND state = 'done'",
			before + 1);
	house_await_quiet(h);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM audit WHERE action"
				      " = 'status.foreign'"),
			 1);
	assert_int_equal(count_green(h, pull), 2);
	house_end(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOUSE_TEST(s05_s06_s13_hostile_words),
		HOUSE_TEST(s07_paths_in_names),
		HOUSE_TEST(s08_secrets_in_every_sink),
		HOUSE_TEST(s18_configuration_from_a_pull),
		HOUSE_TEST(s19_secrets_in_the_list_of_processes),
		HOUSE_TEST(s20_a_status_by_another_hand),
	};

	cmocka_set_test_filter(getenv("HOUSE_ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
