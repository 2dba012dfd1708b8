/*
 * Every parser and every renderer, with each of its allocations failing in
 * turn: alone, or with all that follow.  What comes then is an error, or the
 * same as with memory; never a crash, a leak, half a text that counts as a
 * whole one, or a verdict on the sender.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bot/base/fs.h"
#include "bot/base/json.h"
#include "bot/base/limits.h"
#include "bot/base/redact.h"
#include "bot/config.h"
#include "bot/page_parts.h"
#include "bot/render.h"
#include "bot/signature.h"
#include "commands/args.h"
#include "commands/grammar.h"
#include "store/pack.h"
#include "store/pull.h"
#include "tests/unit/starving.h"

/* --- what people write --- */

static enum err read_comment(const void *text, struct error *e)
{
	static struct said said;
	enum err code = grammar_read("kcibot", text, strlen(text), &said, e);

	if (code) {
		assert_int_equal(said.count, 0);
		return code;
	}
	for (size_t i = 0; i < said.count; i++)
		snprintf(now + strlen(now), 200, "%s|%s\n",
			 said.commands[i].verb, said.commands[i].args);
	return ERR_OK;
}

static void test_comment(void **state UNUSED)
{
	each_fails("grammar_read", read_comment,
		   "Looks good.\n\n- @kcibot: Deploy 0123456789ab, please\n\n"
		   "> @kcibot trigger\n\n```\n@kcibot help\n```\n\n"
		   "@kcibot trigger reason=\"why not\"\n\n"
		   "| a | b |\n|--|--|\n| @kcibot deploy | x |\n\n"
		   "@kcibot status[^1]\n\n[^1]: @kcibot deploy\n");
}

static enum err read_args(const void *text, struct error *e)
{
	struct args a;

	return args_read(command_find("deploy"), "kcibot", text, &a, e);
}

static void test_args(void **state UNUSED)
{
	each_fails("args_read", read_args, "0123456789ab");
}

/* --- what the forge sends --- */

static const char pull_text[] =
	"{\"id\":7,\"number\":12,\"title\":\"A title that is rather long, so "
	"that it needs room of its own while it is read \\u00e9\","
	"\"state\":\"open\",\"draft\":false,\"merged\":false,"
	"\"user\":{\"id\":3,\"login\":\"sam\"},"
	"\"labels\":[{\"name\":\"a\"},{\"name\":\"b c\"}],"
	"\"head\":{\"sha\":\"0123456789012345678901234567890123456789\"},"
	"\"base\":{\"ref\":\"main\"},"
	"\"updated_at\":\"2026-11-21T12:00:00Z\"}";

static enum err read_pull(const void *object, struct error *e)
{
	struct pull p;

	if (pull_from_json(&p, "o/r", object, e))
		return e->code;
	snprintf(now, sizeof(now), "%d %s %s %s", (int)p.number, p.title,
		 p.head_sha, p.labels);
	return ERR_OK;
}

static void test_pull(void **state UNUSED)
{
	struct error e = ERROR_INIT;
	CLEANUP(json_decref)
	json_t *object = js_parse(pull_text, strlen(pull_text), &e);

	assert_non_null(object);
	each_fails("pull_from_json", read_pull, object);
}

/* 0: read whole; 1: it says that it is not JSON, which is not so. */
static void NORETURN parse_starved(long n, long fails)
{
	struct error e = ERROR_INIT;
	json_t *root;

	signal(SIGSEGV, SIG_DFL);
	freopen("/dev/null", "w", stderr);
	starve_begin(n, fails);
	root = js_parse(pull_text, strlen(pull_text), &e);
	if (!starve_end())
		_exit(2);
	_exit(root ? 0 : 1);
}

/* The parser cannot go on without memory: it ends the process, and nothing
 * worse happens. */
static bool ends_well(long n, long fails)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		parse_starved(n, fails);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		return false;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	return true;
}

static json_malloc_t json_malloc;
static json_free_t json_free;

static void test_json(void **state UNUSED)
{
	long n = 0;

	json_set_alloc_funcs(json_malloc, json_free);
	for (; ends_well(n, 1); n++)
		assert_true(ends_well(n, FOR_EVER));
	assert_true(n > 30);
	starve_spare_json();
}

/* 0: the list is whole; it must not be another one. */
static void NORETURN make_starved(long n)
{
	json_t *list = json_array();
	char *text;

	freopen("/dev/null", "w", stderr);
	starve_begin(n, 1);
	json_array_append_new(list, json_pack("{s:s}", "repo", "o/one"));
	json_array_append_new(list, json_pack("{s:s}", "repo", "o/two"));
	text = js_dump(list);
	if (!starve_end())
		_exit(2);
	_exit(strcmp(text ? text : "",
		     "[{\"repo\":\"o/one\"},{\"repo\":\"o/two\"}]") != 0);
}

/* Nobody looks whether each piece was added: none may be missing. */
static void test_json_is_whole(void **state UNUSED)
{
	int status = 0;

	json_set_alloc_funcs(json_malloc, json_free);
	for (long n = 0; !WIFEXITED(status) || WEXITSTATUS(status) == 0; n++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (!pid)
			make_starved(n);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFEXITED(status))
			assert_int_equal(WTERMSIG(status), SIGABRT);
	}
	assert_int_equal(WEXITSTATUS(status), 2);
	starve_spare_json();
}

static enum err check_signature(const void *path, struct error *e)
{
	CLEANUP(signature_free) struct signature *s = signature_load(path, e);
	unsigned char claim[SIGNATURE_BYTES];

	if (!s)
		return e->code;
	if (!signature_parse("sha256=493ea14865937c949bcf879623b5124e67913af92"
			     "a610e31e76c81c11dde6fe5",
			     claim))
		return error_set(e, ERR_INVALID, "the claim");
	return signature_check(s, "Hello, World!", 13, claim, e);
}

static void test_signature(void **state UNUSED)
{
	static const char secrets[] = "an older one, and long enough it is\n"
				      "0123456789abcdef0123456789abcdef\n";
	const char *tmp = getenv("TMPDIR");
	CLEANUP(free)
	char *path = str_format("%s/secret.%d", tmp ? tmp : "/tmp", getpid());
	struct error e = ERROR_INIT;

	assert_int_equal(fs_write(path, secrets, strlen(secrets), 0600, &e),
			 ERR_OK);
	each_fails("signature", check_signature, path);
	unlink(path);
}

/* Whether it was packed or not: what comes out is what went in. */
static enum err pack_and_unpack(const void *text, struct error *e)
{
	struct packer *p = packer_new();
	size_t len = strlen(text), packed_len;
	const void *packed;
	enum err code = ERR_OK;

	if (p && packer_pack(p, text, len, &packed, &packed_len))
		code = unpack(packed, packed_len, now, len, e);
	else
		keep(text);
	now[len] = '\0';
	packer_free(p);
	return code;
}

static void test_pack(void **state UNUSED)
{
	load("examples/kernelci-staging.yaml");
	each_fails("pack", pack_and_unpack, input.text);
}

/* --- what the operator writes --- */

static enum err read_config(const void *text, struct error *e)
{
	CLEANUP(str_release) struct str report = STR_INIT(64u << 10);
	CLEANUP(config_free)
	struct config *c = config_parse("/etc/kcibot/k.yaml", text,
					strlen(text), &report, e);

	if (!c)
		return e->code;
	snprintf(now, sizeof(now), "%s %s %zu %zu", c->hash, c->public_url,
		 c->environment_count, c->environments[0].job_count);
	return ERR_OK;
}

static void test_config(void **state UNUSED)
{
	load("examples/kernelci-staging.yaml");
	each_fails("config_parse", read_config, input.text);
}

/* --- what people read --- */

static enum err render_all(const void *view, struct error *e)
{
	static void (*const renderers[])(struct str *, const json_t *) = {
		render_sticky,
		render_headline,
		render_status_description,
	};
	CLEANUP(str_release) struct str all = STR_INIT(TEXT_SIZE - 1);

	for (size_t i = 0; i < ARRAY_SIZE(renderers); i++) {
		CLEANUP(str_release) struct str one = STR_INIT(LIMIT_COMMENT);

		renderers[i](&one, view);
		if (str_check(&one, e))
			return e->code;
		str_puts(&all, one.text);
	}
	render_outcome(&all, view, "ada");
	return keep_str(&all, e);
}

static void test_comments(void **state UNUSED)
{
	glob_t files;

	assert_int_equal(
		glob("tests/unit/golden/render/*.json", 0, NULL, &files), 0);
	assert_true(files.gl_pathc > 15);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		CLEANUP(json_decref)
		json_t *view = load_json(files.gl_pathv[i]);

		each_fails(files.gl_pathv[i], render_all, view);
	}
	globfree(&files);
}

static enum err write_reply(const void *text, struct error *e)
{
	CLEANUP(str_release) struct str s = STR_INIT(LIMIT_COMMENT);

	render_reply(&s, &(struct reply){.key = "said:1",
					 .login = "sam",
					 .said = "@kcibot deploy `x`",
					 .text = text,
					 .markdown = "**so**",
					 .next = "@kcibot help"});
	return keep_str(&s, e);
}

static void test_reply(void **state UNUSED)
{
	each_fails("render_reply", write_reply,
		   "it needs `deploy 01`; <b>ask</b> @carl, "
		   "ghp_0123456789012345678901234567890123456789");
}

static enum err write_plan(const void *fact, struct error *e)
{
	CLEANUP(str_release) struct str s = STR_INIT(LIMIT_COMMENT);
	CLEANUP(json_decref)
	json_t *view = json_pack("{s:s, s:i, s:s}", "repo", "o/r", "number", 7,
				 "public_url", "http://x");

	if (!view)
		return error_set(e, ERR_FATAL, "out of memory");
	render_plan(&s, view, fact);
	return keep_str(&s, e);
}

static void test_plan(void **state UNUSED)
{
	CLEANUP(json_decref)
	json_t *fact =
		json_pack("{s:s, s:{s:s, s:s, s:I}, s:[{s:s, s:I, s:s, s:s}]}",
			  "environment", "staging", "forecast", "kind", "short",
			  "why", "cooldown", "at_ms", (json_int_t)1795264200000,
			  "revisions", "repo", "o/r", "number", (json_int_t)7,
			  "sha", "0123456789ab", "title", "A <b> title");

	each_fails("render_plan", write_plan, fact);
}

static enum err redact(const void *text, struct error *e)
{
	CLEANUP(str_release) struct str s = STR_INIT(64u << 10);

	redact_text(&s, text, strlen(text));
	return keep_str(&s, e);
}

static void test_redact(void **state UNUSED)
{
	redact_secret("hush, nobody shall read this");
	each_fails("redact_text", redact,
		   "a hush, nobody shall read this b Authorization: Basic x "
		   "https://me:secret@host/ -----BEGIN PRIVATE KEY-----\nabc\n"
		   "-----END PRIVATE KEY----- end");
}

static enum err write_pages(const void *view, struct error *e)
{
	static void (*const pages[])(const struct sheet *, const json_t *) = {
		page_overview,
		page_cycle,
		page_pull,
	};
	static const struct view_settings settings = {.bot = "kcibot",
						      .public_url = "http://x",
						      .web_url = "http://w"};
	CLEANUP(str_release) struct str all = STR_INIT(TEXT_SIZE - 1);
	struct sheet s = {.out = &all,
			  .settings = &settings,
			  .root = "",
			  .now_ms = 1795264200000};

	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		pages[i](&s, view);
	return keep_str(&all, e);
}

static void test_pages(void **state UNUSED)
{
	CLEANUP(json_decref)
	json_t *view = load_json("tests/unit/golden/render/hostile.json");

	each_fails("pages", write_pages, view);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comment),
		cmocka_unit_test(test_args),
		cmocka_unit_test(test_pull),
		cmocka_unit_test(test_pack),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_comments),
		cmocka_unit_test(test_reply),
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_redact),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_is_whole),
		/* Last: a secret that was lost makes every text unreadable. */
		cmocka_unit_test(test_signature),
	};
	int failed;

	json_get_alloc_funcs(&json_malloc, &json_free);
	starve_spare_json();
	failed = cmocka_run_group_tests(tests, NULL, NULL);

	str_release(&input);
	return failed;
}
