/* The operator's file: what is taken, what is refused, and in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bot/base/fs.h"
#include "bot/base/limits.h"
#include "bot/config.h"
#include "bot/config_schema.h"

#define EXAMPLE                                                                \
	"listen: 127.0.0.1:8080\n"                                             \
	"public_url: https://kcibot.example.org      # used in links\n"        \
	"state_dir: /var/lib/kcibot\n"                                         \
	"bot:\n"                                                               \
	"  name: kcibot\n"                                                     \
	"forge:\n"                                                             \
	"  api_url: https://api.github.com\n"                                  \
	"  clone_url: https://github.com/{repo}.git\n"                         \
	"  token_file: /etc/kcibot/token\n"                                    \
	"  webhook_secret_file: /etc/kcibot/webhook-secret\n"                  \
	"  commit_guard: 10s\n"                                                \
	"  reconcile: 5m\n"                                                    \
	"trust:\n"                                                             \
	"  admins: [nuclearcat]\n"                                             \
	"environments:\n"                                                      \
	"  staging:\n"                                                         \
	"    projects:   # merged and pushed in this order\n"                  \
	"      - {repo: kernelci/kernelci-core, base: main, "                  \
	"branch: staging.kernelci.org}\n"                                      \
	"      - {repo: kernelci/kernelci-api,  base: main, "                  \
	"branch: staging.kernelci.org}\n"                                      \
	"    labels: {skip: staging-skip, include: \"staging:main\"}\n"        \
	"    policy: {settle: 5m, settle_max: 20m, cooldown: 30m, "            \
	"full_interval: 6h,\n"                                                 \
	"             restart_limit: 1, schedule: 8h, max_batch: 20, "         \
	"stale_after: 14d}\n"                                                  \
	"    recipe:\n"                                                        \
	"      short: [build, deploy, verify]        # stages, in order\n"     \
	"      full:  [build, deploy, verify, test]\n"                         \
	"    jobs:\n"                                                          \
	"      build-api:\n"                                                   \
	"        stage: build\n"                                               \
	"        changed: {kernelci/kernelci-api: [\"api/**\", "               \
	"\"docker/**\"]}\n"                                                    \
	"        run: [/etc/kcibot/recipes/build-api, --tag, \"{cycle}\"]\n"   \
	"        timeout: 20m\n"                                               \
	"        secrets: {REGISTRY_TOKEN: /etc/kcibot/registry-token}\n"      \
	"        class: code\n"                                                \
	"      health:\n"                                                      \
	"        stage: verify\n"                                              \
	"        http: {url: \"http://127.0.0.1:9000/latest/\", expect: "      \
	"{status: 200, json: {ok: true}},\n"                                   \
	"               tries: 30, every: 10s}\n"                              \
	"      deploy-api:\n"                                                  \
	"        stage: deploy\n"                                              \
	"        drains: true\n"                                               \
	"        run: [/etc/kcibot/recipes/compose-up]\n"                      \
	"    backend: local\n"                                                 \
	"    isolation: bubblewrap\n"                                          \
	"    grants: {for: 7d, sensitive: [\"docker/**\", \".github/**\", "    \
	"\"requirements*\"], sensitive_role: admin}\n"                         \
	"    freeze: [{from: \"Fri 18:00\", to: \"Mon 08:00\", "               \
	"zone: Europe/Berlin, reason: weekend}]\n"                             \
	"    blame: {probes: 8, minutes: 90, full: false, confidence: 0.99, "  \
	"environment: \"\"}\n"

static const char example[] = EXAMPLE;

struct parsed {
	struct config *c;
	struct str report;
	struct error e;
};

static void parsed_release_at(struct parsed *p)
{
	config_free(p->c);
	str_release(&p->report);
}

static void parse(struct parsed *p, const char *path, const char *text,
		  size_t len)
{
	*p = (struct parsed){.report = STR_INIT(1 << 20), .e = ERROR_INIT};
	p->c = config_parse(path, text, len, &p->report, &p->e);
	if (!p->c)
		assert_true(p->e.code == ERR_INVALID && *p->e.text);
}

static void example_as_a_whole(void **state UNUSED)
{
	CLEANUP(parsed_release) struct parsed p;
	const struct environment *env;
	const struct config *c;
	size_t i = 0;

	parse(&p, "/etc/kcibot/c.yaml", example, strlen(example));
	c = p.c;
	assert_non_null(c);
	assert_string_equal(p.report.text,
			    "/etc/kcibot/c.yaml:25:38: warning: stage 'test' "
			    "has no jobs\n"
			    "/etc/kcibot/c.yaml:40:17: warning: no job has the "
			    "class 'drain'\n");
	assert_string_equal(c->path, "/etc/kcibot/c.yaml");
	assert_string_equal(c->listen_host, "127.0.0.1");
	assert_int_equal(c->listen_port, 8080);
	assert_string_equal(c->public_url, "https://kcibot.example.org");
	assert_string_equal(c->state_dir, "/var/lib/kcibot");
	assert_string_equal(c->bot_name, "kcibot");
	assert_string_equal(c->api_url, "https://api.github.com");
	assert_string_equal(c->clone_url, "https://github.com/{repo}.git");
	assert_string_equal(c->token_file, "/etc/kcibot/token");
	assert_int_equal(c->app_id, 0);
	assert_string_equal(c->webhook_secret_file,
			    "/etc/kcibot/webhook-secret");
	assert_int_equal(c->commit_guard_ms, 10000);
	assert_int_equal(c->reconcile_ms, 300000);
	assert_string_equal(c->admins[0], "nuclearcat");
	assert_null(c->admins[1]);
	assert_int_equal(c->environment_count, 1);
	env = config_environment(c, "staging");
	assert_ptr_equal(env, &c->environments[0]);
	assert_null(config_environment(c, "production"));
	assert_ptr_equal(config_environment_of(c, "KernelCI/kernelci-API", &i),
			 env);
	assert_null(config_environment_of(c, "KernelCI/kernelci-API", &i));
	i = 0;
	assert_null(config_environment_of(c, "kernelci/other", &i));
}

static void example_environment(void **state UNUSED)
{
	CLEANUP(parsed_release) struct parsed p;
	const struct environment *env;

	parse(&p, "c", example, strlen(example));
	env = &p.c->environments[0];
	assert_string_equal(env->name, "staging");
	assert_int_equal(env->project_count, 2);
	assert_string_equal(env->projects[0].repo, "kernelci/kernelci-core");
	assert_string_equal(env->projects[0].name, "kernelci-core");
	assert_string_equal(env->projects[0].base, "main");
	assert_string_equal(env->projects[0].branch, "staging.kernelci.org");
	assert_string_equal(env->projects[1].repo, "kernelci/kernelci-api");
	assert_string_equal(env->label_skip, "staging-skip");
	assert_string_equal(env->label_include, "staging:main");
	assert_int_equal(env->policy.settle_ms, 300000);
	assert_int_equal(env->policy.settle_max_ms, 1200000);
	assert_int_equal(env->policy.cooldown_ms, 1800000);
	assert_int_equal(env->policy.full_interval_ms, 21600000);
	assert_int_equal(env->policy.restart_limit, 1);
	assert_int_equal(env->policy.schedule_ms, 28800000);
	assert_int_equal(env->policy.max_batch, 20);
	assert_int_equal(env->policy.stale_after_ms, 1209600000);
	assert_string_equal(env->recipe_short[2], "verify");
	assert_null(env->recipe_short[3]);
	assert_string_equal(env->recipe_full[3], "test");
	assert_null(env->recipe_full[4]);
	assert_string_equal(env->backend, "local");
	assert_int_equal(env->isolation, ISOLATION_BUBBLEWRAP);
	assert_string_equal(env->isolation_user, "");
	assert_int_equal(env->grants.for_ms, 604800000);
	assert_string_equal(env->grants.sensitive[1], ".github/**");
	assert_null(env->grants.sensitive[3]);
	assert_string_equal(env->grants.sensitive_role, "admin");
	assert_int_equal(env->freeze_count, 1);
	assert_int_equal(env->freezes[0].from_minute, (4 * 24 + 18) * 60);
	assert_int_equal(env->freezes[0].to_minute, 8 * 60);
	assert_string_equal(env->freezes[0].zone, "Europe/Berlin");
	assert_string_equal(env->freezes[0].reason, "weekend");
	assert_int_equal(env->blame.probes, 8);
	assert_int_equal(env->blame.budget_ms, 5400000);
	assert_false(env->blame.full);
	assert_true(env->blame.confidence > 0.9899 &&
		    env->blame.confidence < 0.9901);
	assert_string_equal(env->blame.environment, "");
}

static void example_jobs(void **state UNUSED)
{
	CLEANUP(parsed_release) struct parsed p;
	const struct job_spec *job;

	parse(&p, "c", example, strlen(example));
	job = p.c->environments[0].jobs;
	assert_int_equal(p.c->environments[0].job_count, 3);
	assert_string_equal(job->name, "build-api");
	assert_string_equal(job->stage, "build");
	assert_int_equal(job->changed_count, 1);
	assert_string_equal(job->changed[0].repo, "kernelci/kernelci-api");
	assert_string_equal(job->changed[0].globs[1], "docker/**");
	assert_null(job->changed[0].globs[2]);
	assert_string_equal(job->run[2], "{cycle}");
	assert_null(job->run[3]);
	assert_null(job->http);
	assert_int_equal(job->timeout_ms, 1200000);
	assert_int_equal(job->secret_count, 1);
	assert_string_equal(job->secrets[0].name, "REGISTRY_TOKEN");
	assert_string_equal(job->secrets[0].file, "/etc/kcibot/registry-token");
	assert_int_equal(job->job_class, JOB_CODE);
	assert_false(job->drains);
	assert_string_equal(job->backend, "local");
	job++;
	assert_string_equal(job->name, "health");
	assert_null(job->run[0]);
	assert_string_equal(job->http->url, "http://127.0.0.1:9000/latest/");
	assert_int_equal(job->http->expect_status, 200);
	assert_string_equal(job->http->expect_json, "{\"ok\":true}");
	assert_int_equal(job->http->tries, 30);
	assert_int_equal(job->http->every_ms, 10000);
	assert_int_equal(job->changed_count, 0);
	assert_int_equal(job->timeout_ms, 1800000);
	job++;
	assert_string_equal(job->name, "deploy-api");
	assert_true(job->drains);
	assert_int_equal(job->secret_count, 0);
}

/* A short good file; cases put other lines in the place of one of these. */
static const char *const base[] = {
	/* 1 */ "state_dir: /s",
	/* 2 */ "forge: {token_file: t, webhook_secret_file: w}",
	/* 3 */ "environments:",
	/* 4 */ "  e:",
	/* 5 */ "    projects: [{repo: o/n, branch: s}]",
	/* 6 */ "    recipe: {short: [a], full: [a]}",
	/* 7 */ "    jobs: {j: {stage: a, run: [x]}}",
	/* 8 */ "    labels: {}",
};

static void build(struct str *out, int line, const char *text)
{
	for (int i = 1; i <= (int)ARRAY_SIZE(base); i++)
		str_addf(out, "%s\n", i == line ? text : base[i - 1]);
}

static void defaults(void **state UNUSED)
{
	CLEANUP(str_release) struct str text = STR_INIT(10000);
	CLEANUP(parsed_release) struct parsed p;
	const struct environment *env;

	build(&text, 0, NULL);
	parse(&p, "/no/such/folder/c", text.text, text.len);
	assert_string_equal(p.report.text, "");
	assert_string_equal(p.c->listen_host, "127.0.0.1");
	assert_int_equal(p.c->listen_port, 8080);
	assert_string_equal(p.c->public_url, "http://127.0.0.1:8080");
	assert_string_equal(p.c->bot_name, "kcibot");
	assert_string_equal(p.c->api_url, "https://api.github.com");
	assert_string_equal(p.c->app_key_file, "");
	assert_null(p.c->admins[0]);
	assert_int_equal(p.c->commit_guard_ms, 10000);
	env = &p.c->environments[0];
	assert_string_equal(env->projects[0].base, "main");
	assert_string_equal(env->label_skip, "staging-skip");
	assert_string_equal(env->label_include, "");
	assert_int_equal(env->policy.settle_ms, 300000);
	assert_int_equal(env->policy.max_batch, 20);
	assert_int_equal(env->isolation, ISOLATION_DEFAULT);
	assert_string_equal(env->isolation_user, "");
	assert_string_equal(env->jobs[0].backend, "local");
	assert_null(env->grants.sensitive[0]);
	assert_string_equal(env->blame.environment, "");
	assert_int_equal(env->blame.probes, 8);
}

static const struct taken {
	int line;
	const char *text;
} taken[] = {
	{1, "state_dir: /s\nlisten: '[::1]:0'"},
	{1, "state_dir: /s\nlisten: 0.0.0.0:65535"},
	{1, "state_dir: /s\nlisten: localhost:80"},
	{1, "\xef\xbb\xbfstate_dir: /s"},
	{1, "---\nstate_dir: /s"},
	{1, "state_dir: /s # \xe2\x82\xac\r"},
	{2, "forge: {token_file: t, webhook_secret_file: w, api_url: "
	    "'http://127.9.9.9:1/api/v3//', clone_url: "
	    "'file:///srv/{repo}.git'}"},
	{2, "forge: {token_file: t, webhook_secret_file: w, api_url: "
	    "'http://[::1]:1', clone_url: 'http://localhost/{repo}'}"},
	{4, "  e-1_a:"},
	{5, "    projects: [{repo: o_o/.github, branch: a/b.c-d}]"},
	{5, "    projects: [{repo: o/n, branch: 1.0, base: release/v1}]"},
	{7, "    jobs: {j: {stage: a, run: [n/x.sh]}}"},
	{7, "    jobs: {j: {stage: a, run: [sh, -c, \"a\\n\\tb\", '']}}"},
	{7, "    jobs: {j: {stage: a, run: [n/x, ../y]}}"},
	{8, "    isolation: user:kcibot-jobs"},
	{8, "    labels: {skip: '', include: ''}"},
	{8, "    policy: {settle: 0s, settle_max: 0s, schedule: 0s}"},
	{8, "    freeze: []"},
	{8, "    blame: {environment: e}"},
};

static void good_files(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
		CLEANUP(str_release) struct str text = STR_INIT(10000);
		CLEANUP(parsed_release) struct parsed p;

		build(&text, taken[i].line, taken[i].text);
		parse(&p, "c", text.text, text.len);
		if (!p.c || p.report.len)
			fail_msg("%s\n%s", taken[i].text, p.report.text);
	}
}

static const struct broken {
	int line;
	const char *text;
	const char *want; /* without the "c:" in front of each line */
} broken[] = {
#include "tests/unit/test_config_broken.inc"
};

static bool only_warnings(const char *report)
{
	while (*report) {
		size_t n = strcspn(report, "\n");

		if (!memmem(report, n, " warning: ", strlen(" warning: ")))
			return false;
		report += n + 1;
	}
	return true;
}

static void bad_files(void **state UNUSED)
{
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		CLEANUP(str_release) struct str text = STR_INIT(10000);
		CLEANUP(str_release) struct str got = STR_INIT(10000);
		CLEANUP(parsed_release) struct parsed p;

		if (broken[i].line)
			build(&text, broken[i].line, broken[i].text);
		else
			str_puts(&text, broken[i].text);
		parse(&p, "c", text.text, text.len);
		for (char *s = p.report.text; *s; s += strcspn(s, "\n") + 1)
			str_addf(&got, "%.*s\n", (int)strcspn(s, "\n") - 2,
				 s + 2);
		if (strcmp(got.text, broken[i].want) != 0) {
			print_error("%s\n got:\n%s\n", broken[i].text,
				    got.text);
			failed++;
		}
		/* Warnings alone are no reason to refuse. */
		assert_int_equal(p.c != NULL, only_warnings(got.text));
	}
	assert_int_equal(failed, 0);
}

/* Nine levels of nine: a gigabyte for whoever follows the aliases. */
static void billion_laughs(void **state UNUSED)
{
	CLEANUP(str_release) struct str text = STR_INIT(10000);
	CLEANUP(parsed_release) struct parsed p;

	str_puts(&text, "a0: &a0 [lol]\n");
	for (int i = 1; i < 10; i++) {
		str_addf(&text, "a%d: &a%d [", i, i);
		for (int j = 0; j < 9; j++)
			str_addf(&text, "*a%d,", i - 1);
		str_puts(&text, "]\n");
	}
	parse(&p, "c", text.text, text.len);
	assert_null(p.c);
	assert_string_equal(p.report.text,
			    "c:1:5: an anchor; anchors and aliases are not "
			    "used here\n");
}

/* A megabyte of one thing: each is refused, and soon. */
static void floods(void **state UNUSED)
{
	static const char *const seeds[] = {
		"[",   "{",	 "- ",	    "? ",     "a: ",   "&a ",
		"!",   "#\n",	 "\n",	    "a: 1\n", "- a\n", "%YAML 1.1\n",
		"\"",  "'",	 "|\n a\n", "---\n",  "\xff",  "a",
		"[a,", "{a: b,", " ",	    "\t",     "- - ",  "*a ",
	};

	for (size_t i = 0; i < ARRAY_SIZE(seeds); i++) {
		CLEANUP(str_release) struct str text = STR_INIT(200000);
		CLEANUP(parsed_release) struct parsed p;

		while (!text.failed)
			str_puts(&text, seeds[i]);
		parse(&p, "c", text.text, text.len);
		assert_null(p.c);
		assert_true(p.report.len > 0 && p.report.len < 20000);
	}
}

static void many_mistakes(void **state UNUSED)
{
	CLEANUP(str_release) struct str text = STR_INIT(100000);
	CLEANUP(parsed_release) struct parsed p;
	int lines = 0;

	for (int i = 999; i >= 0; i--)
		str_addf(&text, "zz%d: 1\n", i);
	parse(&p, "c", text.text, text.len);
	assert_null(p.c);
	assert_string_equal(p.e.text, "c has 1003 mistakes");
	for (const char *s = p.report.text; *s; s++)
		lines += *s == '\n';
	assert_int_equal(lines, 101);
	assert_non_null(strstr(p.report.text, "c: and 903 more\n"));
	assert_true(str_starts(p.report.text, "c:1:1: unknown key 'zz999'\n"));
}

/* Whatever a file is cut to or spoilt with, there is an answer. */
static void spoilt_examples(void **state UNUSED)
{
	static const char spoils[] = {'\t', '{', '\0', (char)0xff, ':', '\n',
				      '"',  '-', '&',  (char)0xc3, '}', '*'};
	char text[sizeof(example)];

	for (size_t i = 0; i < strlen(example); i++) {
		CLEANUP(parsed_release) struct parsed cut;
		CLEANUP(parsed_release) struct parsed spoilt;

		parse(&cut, "c", example, i);
		assert_true(cut.c || cut.report.len);
		memcpy(text, example, sizeof(text));
		text[i] = spoils[i % sizeof(spoils)];
		parse(&spoilt, "c", text, strlen(example));
		assert_true(spoilt.c || spoilt.report.len);
	}
}

/* Files on disk */

static char folder[200];

static int make_folder(void **state UNUSED)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%s/kcibot-config-XXXXXX",
		 tmp ? tmp : "/tmp");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state UNUSED)
{
	struct error e = ERROR_INIT;

	return fs_remove_tree(folder, &e) ? -1 : 0;
}

static void put(const char *name, const char *text, size_t len, mode_t mode)
{
	CLEANUP(free) char *path = str_format("%s/%s", folder, name);
	struct error e = ERROR_INIT;

	assert_int_equal(fs_write(path, text, len, mode, &e), ERR_OK);
}

static void put_text(const char *name, const char *text)
{
	put(name, text, strlen(text), 0600);
}

static void load(struct parsed *p)
{
	CLEANUP(free) char *path = str_format("%s/c.yaml", folder);

	*p = (struct parsed){.report = STR_INIT(1 << 20), .e = ERROR_INIT};
	p->c = config_load(path, &p->report, &p->e);
}

static void put_base(int line, const char *text)
{
	CLEANUP(str_release) struct str whole = STR_INIT(10000);

	build(&whole, line, text);
	put_text("c.yaml", whole.text);
}

static void loads_from_disk(void **state UNUSED)
{
	CLEANUP(free) char *token = str_format("%s/t", folder);
	CLEANUP(free) char *big = calloc(1, LIMIT_CONFIG_FILE + 1);
	CLEANUP(parsed_release) struct parsed p;

	load(&p);
	assert_null(p.c);
	assert_int_equal(p.e.code, ERR_MISSING);
	put_base(0, NULL);
	load(&p);
	assert_string_equal(p.c->token_file, token);
	parsed_release_at(&p);
	put("c.yaml", big, LIMIT_CONFIG_FILE + 1, 0600);
	load(&p);
	assert_null(p.c);
	assert_int_equal(p.e.code, ERR_INVALID);
	assert_non_null(strstr(p.e.text, "longer than 1048576 bytes"));
}

/* Relative names start at the file, wherever the bot does. */
static void relative_to_the_file(void **state UNUSED)
{
	CLEANUP(str_release) struct str text = STR_INIT(10000);
	CLEANUP(free) char *cwd = getcwd(NULL, 0);
	CLEANUP(free) char *want = str_format("%s/t", cwd);
	CLEANUP(parsed_release) struct parsed p;

	build(&text, 0, NULL);
	parse(&p, "c", text.text, text.len);
	assert_string_equal(p.c->token_file, want);
}

static void check_files(const char *want)
{
	CLEANUP(str_release) struct str got = STR_INIT(10000);
	CLEANUP(str_release) struct str short_got = STR_INIT(10000);
	CLEANUP(parsed_release) struct parsed p;
	struct error e = ERROR_INIT;
	bool mistakes;
	enum err code;

	load(&p);
	assert_non_null(p.c);
	code = config_check_files(p.c, &got, &e);
	/* The folder's name is another each time. */
	for (const char *s = got.text; *s; s++) {
		if (!strncmp(s, folder, strlen(folder)))
			s += strlen(folder) - 1;
		else
			str_putc(&short_got, *s);
	}
	assert_string_equal(short_got.text, want);
	mistakes = !only_warnings(got.text);
	assert_int_equal(code, mistakes ? ERR_INVALID : ERR_OK);
}

#define SECRET "0123456789abcdef0123456789abcdef"

static void good_secrets(void **state UNUSED)
{
	put_base(0, NULL);
	put_text("t", "token\n");
	put_text("w", SECRET);
	check_files("");
	put_text("w", SECRET "\n");
	check_files("");
	put_text("w", SECRET "\r\n" SECRET "\n");
	check_files("");
	put("t", "token", 5, 0640);
	check_files("/c.yaml: warning: /t can be read by others (mode 0640); "
		    "chmod 600 it\n");
}

static void bad_secrets(void **state UNUSED)
{
	put_base(0, NULL);
	check_files("/c.yaml: cannot open /w: No such file or directory\n"
		    "/c.yaml: cannot open /t: No such file or directory\n");
	put_text("t", "");
	put_text("w", "");
	check_files("/c.yaml: /w is empty\n"
		    "/c.yaml: /t is empty, or begins with a blank\n");
	put_text("t", "one two");
	put_text("w", "short\n" SECRET "\n" SECRET "\n");
	check_files("/c.yaml: /w: line 1 has 5 bytes; a secret has 32 to 4096\n"
		    "/c.yaml: /w has 3 lines; the new and the old secret make "
		    "two\n"
		    "/c.yaml: /t holds more than one token\n");
	put_text("t", "token");
	put("w", SECRET "\0" SECRET, 65, 0600);
	check_files("/c.yaml: /w holds a NUL byte\n");
	put_text("w", SECRET "\n\n");
	check_files("/c.yaml: /w: line 2 has 0 bytes; a secret has 32 to "
		    "4096\n");
}

static void things_of_jobs(void **state UNUSED)
{
	put_text("t", "token");
	put_text("w", SECRET);
	put_base(7, "    jobs:\n"
		    "      a: {stage: a, run: [/bin/sh]}\n"
		    "      b: {stage: a, run: [/no/such], secrets: {S: gone}}\n"
		    "      c: {stage: a, run: [/etc/passwd], secrets: {S: t}}\n"
		    "      d: {stage: a, run: [/etc]}\n"
		    "    isolation: user:no-such-user\n"
		    "    freeze: [{from: Fri 18:00, to: Sat 18:00}]");
	check_files("/c.yaml: environment 'e': no user 'no-such-user' on this "
		    "machine\n"
		    "/c.yaml: warning: job 'b': /no/such: No such file or "
		    "directory\n"
		    "/c.yaml: warning: job 'b': secret S: /gone: No such file "
		    "or directory\n"
		    "/c.yaml: warning: job 'c': /etc/passwd cannot be "
		    "executed\n"
		    "/c.yaml: warning: job 'd': /etc cannot be executed\n");
}

static void time_zones(void **state UNUSED)
{
	if (access("/usr/share/zoneinfo/Europe", F_OK))
		skip();
	put_text("t", "token");
	put_text("w", SECRET);
	put_base(8, "    freeze: [{from: Fri 18:00, to: Sat 18:00, zone: "
		    "Europe/Berlin}]");
	check_files("");
	put_base(8, "    freeze: [{from: Fri 18:00, to: Sat 18:00, zone: "
		    "Europe/Berln}]");
	check_files("/c.yaml: environment 'e': no time zone 'Europe/Berln'\n");
}

/* What we ship; the tests run at the top of the repository. */

static void shipped_examples(void **state UNUSED)
{
	static const char *const files[] = {
		"examples/minimal.yaml",
		"examples/kernelci-staging.yaml",
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		CLEANUP(str_release) struct str report = STR_INIT(10000);
		CLEANUP(config_free) struct config *c = NULL;
		struct error e = ERROR_INIT;

		c = config_load(files[i], &report, &e);
		assert_string_equal(report.text, "");
		assert_non_null(c);
	}
}

/*
 * The reference is what the table says, between two marks.  With
 * UPDATE_DOCS=1 it is written anew.
 */
static void reference_is_complete(void **state UNUSED)
{
	static const char path[] = "docs/configuration.md";
	static const char begin[] = "<!-- begin of the keys -->\n";
	static const char end[] = "<!-- end of the keys -->\n";
	CLEANUP(str_release) struct str want = STR_INIT(1 << 20);
	CLEANUP(str_release) struct str page = STR_INIT(1 << 20);
	struct error e = ERROR_INIT;
	const char *a, *b;

	config_reference(&want);
	assert_int_equal(fs_read(path, &page, &e), ERR_OK);
	a = strstr(page.text, begin);
	b = strstr(page.text, end);
	assert_true(a && b && a < b);
	a += strlen(begin);
	if (getenv("UPDATE_DOCS")) {
		CLEANUP(str_release) struct str anew = STR_INIT(1 << 20);

		str_add(&anew, page.text, (size_t)(a - page.text));
		str_addf(&anew, "\n%s%s", want.text, b);
		assert_int_equal(fs_write(path, anew.text, anew.len, 0644, &e),
				 0);
		return;
	}
	assert_int_equal(b - a, want.len + 1);
	assert_memory_equal(a + 1, want.text, want.len);
}

/* Each row can be used: defaults are valid, texts are there. */
static void check_rows(const struct section *s)
{
	for (size_t i = 0; i < s->field_count; i++) {
		const struct field *f = &s->fields[i];
		struct error e = ERROR_INIT;

		assert_true(f->help && *f->help);
		assert_true(f->help[strlen(f->help) - 1] == '.');
		assert_false(f->required && f->absent);
		if (f->type == FIELD_TEXT || f->type == FIELD_TEXTS ||
		    f->type == FIELD_BASE_URL)
			assert_non_null(f->form);
		if (f->check && f->absent && *f->absent)
			assert_int_equal(f->check(f->absent, &e), ERR_OK);
		if (f->section)
			check_rows(f->section);
	}
}

static void rows_are_whole(void **state UNUSED)
{
	check_rows(&config_schema);
}

#define ON_DISK(f)                                                             \
	cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(example_as_a_whole),
		cmocka_unit_test(example_environment),
		cmocka_unit_test(example_jobs),
		cmocka_unit_test(defaults),
		cmocka_unit_test(good_files),
		cmocka_unit_test(bad_files),
		cmocka_unit_test(billion_laughs),
		cmocka_unit_test(floods),
		cmocka_unit_test(many_mistakes),
		cmocka_unit_test(spoilt_examples),
		ON_DISK(loads_from_disk),
		cmocka_unit_test(relative_to_the_file),
		ON_DISK(good_secrets),
		ON_DISK(bad_secrets),
		ON_DISK(things_of_jobs),
		ON_DISK(time_zones),
		cmocka_unit_test(shipped_examples),
		cmocka_unit_test(reference_is_complete),
		cmocka_unit_test(rows_are_whole),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
