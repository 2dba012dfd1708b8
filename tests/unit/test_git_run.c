/*
 * Names, the environment that git gets, how its failures are read, what
 * reaches an HTTP forge, and what survives crashes of git and of the bot.
 */
#include "git_fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>

#include "deploy/git_kind.h"
#include "deploy/git_mirror.h"
#include "deploy/git_run.h"

#define TOKEN "ghs_0123456789abcdefABCDEF"
/* base64 of "x-access-token:" TOKEN */
#define BASIC "eC1hY2Nlc3MtdG9rZW46Z2hzXzAxMjM0NTY3ODlhYmNkZWZBQkNERUY="

static void names_are_checked(void **state UNUSED)
{
	static const struct {
		const char *text;
		bool repo, branch;
	} cases[] = {
		{"kernelci/kernelci-core", true, true},
		{"a/.github", true, false},
		{"a/b", true, true},
		{"staging.kernelci.org", false, true},
		{"a", false, true},
		{"feature/x.y_z-1", true, true},
		{"", false, false},
		{"a/..", false, false},
		{"../b", false, false},
		{"a/b/c", false, true},
		{"-a/b", false, false},
		{"a/-b", false, true},
		{"a//b", false, false},
		{"/a", false, false},
		{"a/", false, false},
		{"a b/c", false, false},
		{"a/b.lock", true, false},
		{"a.", false, false},
		{"@", false, false},
		{"HEAD", false, false},
		{"a@{1}", false, false},
		{"a:b", false, false},
		{"a^", false, false},
		{"a~1", false, false},
		{"a*", false, false},
		{"a\\b", false, false},
		{"a\nb", false, false},
		{"a/b;c", false, true},
		{"--upload-pack=x", false, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (git_repo_ok(cases[i].text) != cases[i].repo ||
		    git_branch_ok(cases[i].text) != cases[i].branch)
			fail_msg("%s", cases[i].text);
	}
	assert_true(git_sha_ok("0123456789012345678901234567890123456789"));
	assert_false(git_sha_ok("012345678901234567890123456789012345678"));
	assert_false(git_sha_ok("01234567890123456789012345678901234567890"));
	assert_false(git_sha_ok("A123456789012345678901234567890123456789"));
}

static void urls_are_checked(void **state UNUSED)
{
	static const struct {
		const char *url;
		const char *want; /* NULL = refused */
		const char *origin;
	} cases[] = {
		{"https://github.com/{repo}.git", "https://github.com/a/b.git",
		 "https://github.com"},
		{"http://127.0.0.1:81/x/{repo}", "http://127.0.0.1:81/x/a/b",
		 "http://127.0.0.1:81"},
		{"file:///srv/{repo}.git", "file:///srv/a/b.git", ""},
		{"https://u:p@github.com/{repo}", NULL, ""},
		{"ssh://git@github.com/{repo}", NULL, ""},
		{"ext::sh -c {repo}", NULL, ""},
		{"https://github.com/", NULL, ""},
		{"--upload-pack={repo}", NULL, ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(git_place_release) struct git_place p = {0};
		struct error e = ERROR_INIT;
		enum err code = git_place_of(cases[i].url, "a/b", &p, &e);

		if ((code == ERR_OK) != (cases[i].want != NULL))
			fail_msg("%s", cases[i].url);
		if (!cases[i].want)
			continue;
		assert_string_equal(p.url.text, cases[i].want);
		assert_string_equal(p.origin.text, cases[i].origin);
	}
}

static void any_bytes_become_text(void **state UNUSED)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
		{"a\xff", "a\xef\xbf\xbd"},
		{"\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
		{"a\n\tb\x7f\x1b", "a  b  "},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(str_release) struct str s = STR_INIT(100);

		git_text(&s, cases[i].in, strlen(cases[i].in));
		assert_string_equal(s.text, cases[i].out);
	}
}

static const char *env_find(const struct git_env *env, const char *start)
{
	for (size_t i = 0; i < env->count; i++)
		if (str_starts(env->items[i], start))
			return env->items[i] + strlen(start);
	return NULL;
}

/* The value that git sees for a key of its configuration. */
static const char *config_of(const struct git_env *env, const char *key)
{
	int count = atoi(env_find(env, "GIT_CONFIG_COUNT="));
	const char *value = NULL;

	for (int i = 0; i < count; i++) {
		char name[64];

		snprintf(name, sizeof(name), "GIT_CONFIG_KEY_%d=", i);
		if (strcmp(env_find(env, name), key) != 0)
			continue;
		snprintf(name, sizeof(name), "GIT_CONFIG_VALUE_%d=", i);
		value = env_find(env, name);
	}
	return value;
}

static void the_environment_is_sealed(void **state)
{
	struct fx *f = *state;
	CLEANUP(free) char *file = str_format("%s/token", f->root);
	CLEANUP(git_place_release) struct git_place place = {0};
	CLEANUP(git_env_release) struct git_env env = {.count = 0};
	CLEANUP(git_env_release) struct git_env local = {.count = 0};
	struct git g = {.settings = &f->settings};
	struct git_call call = {
		.argv = GIT_ARGV("fetch"),
		.git_dir = "/m.git",
		.remote = &place,
	};
	struct error e = ERROR_INIT;

	fx_write_at(f->root, "token", TOKEN "\n");
	f->settings.token_file = file;
	assert_int_equal(
		git_place_of("https://github.com/{repo}", "a/b", &place, &e),
		ERR_OK);
	setenv("GIT_SSH_COMMAND", "touch /tmp/owned", 1);
	setenv("GIT_TRACE", "1", 1);
	assert_int_equal(git_env_build(&g, &call, &env, &e), ERR_OK);
	assert_null(env_find(&env, "GIT_SSH_COMMAND="));
	assert_null(env_find(&env, "GIT_TRACE="));
	unsetenv("GIT_SSH_COMMAND");
	unsetenv("GIT_TRACE");
	assert_string_equal(env_find(&env, "GIT_CONFIG_NOSYSTEM="), "1");
	assert_string_equal(env_find(&env, "GIT_CONFIG_GLOBAL="), "/dev/null");
	assert_string_equal(env_find(&env, "GIT_TERMINAL_PROMPT="), "0");
	assert_string_equal(env_find(&env, "GIT_DIR="), "/m.git");
	assert_string_equal(config_of(&env, "protocol.allow"), "never");
	assert_string_equal(config_of(&env, "protocol.https.allow"), "always");
	assert_null(config_of(&env, "protocol.file.allow"));
	assert_string_equal(config_of(&env, "core.hooksPath"), "/dev/null");
	assert_string_equal(config_of(&env, "fetch.fsckObjects"), "true");
	assert_string_equal(config_of(&env, "credential.helper"), "");
	assert_string_equal(config_of(&env, "http.followRedirects"), "false");
	assert_string_equal(
		config_of(&env, "http.https://github.com/.extraHeader"),
		"Authorization: Basic " BASIC);
	/* A local call has no business with the token. */
	call.remote = NULL;
	assert_int_equal(git_env_build(&g, &call, &local, &e), ERR_OK);
	for (size_t i = 0; i < local.count; i++) {
		assert_null(strstr(local.items[i], TOKEN));
		assert_null(strstr(local.items[i], BASIC));
	}
	/* Neither has a call whose token cannot be one. */
	fx_write_at(f->root, "token", "two words\n");
	call.remote = &place;
	git_env_release(&local);
	assert_int_equal(git_env_build(&g, &call, &local, &e), ERR_RETRY);
	f->settings.token_file = NULL;
}

static void refusals_are_told_apart(void **state UNUSED)
{
	static const struct {
		const char *out, *err;
		enum git_refusal want;
	} cases[] = {
		{"To x\n!\ta:b\t[rejected] (stale info)\nDone\n", "",
		 GIT_REFUSED_LEASE},
		{"!\ta:b\t[remote rejected] (refusing to allow a Personal "
		 "Access Token to create or update workflow `.github/x.yml` "
		 "without `workflow` scope)\n",
		 "", GIT_REFUSED_CONTENT},
		{"!\ta:b\t[remote rejected] (pre-receive hook declined)\n",
		 "remote: error: GH001: Large files detected.\n",
		 GIT_REFUSED_CONTENT},
		{"!\ta:b\t[remote rejected] (protected branch hook declined)\n",
		 "remote: error: GH006: Protected branch update failed\n",
		 GIT_REFUSED_RIGHTS},
		{"",
		 "remote: Permission to a/b.git denied to c.\nfatal: unable "
		 "to access 'x': The requested URL returned error: 403\n",
		 GIT_REFUSED_RIGHTS},
		{"!\ta:b\t[remote rejected] (cannot lock ref 'b': is at 1 but "
		 "expected 2)\n",
		 "", GIT_REFUSED_LEASE},
		{"!\ta:b\t[remote rejected] (Internal Server Error)\n", "",
		 GIT_ACCEPTED},
		{"!\ta:b\t[remote failure] (remote failed to report status)\n",
		 "", GIT_ACCEPTED},
		{"", "fatal: unable to access 'x': Could not resolve host\n",
		 GIT_ACCEPTED},
		{"!\ta:b\t[remote rejected] (something new)\n", "",
		 GIT_REFUSED_RIGHTS},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(str_release) struct str reason = STR_INIT(600);
		CLEANUP(proc_result_release)
		struct proc_result r = GIT_RESULT_INIT;

		str_puts(&r.out, cases[i].out);
		str_puts(&r.err, cases[i].err);
		if (git_refusal_of(&r, &reason) != cases[i].want)
			fail_msg("case %zu", i);
		if (cases[i].want)
			assert_true(reason.len > 0);
	}
}

/* A forge that answers every request with one status. */
struct http_forge {
	struct MHD_Daemon *daemon;
	atomic_int status;
	atomic_int requests;
	atomic_int with_token;
	char location[80];
};

static enum MHD_Result answer(void *cls, struct MHD_Connection *c,
			      const char *url UNUSED, const char *method UNUSED,
			      const char *version UNUSED,
			      const char *data UNUSED, size_t *len, void **con)
{
	struct http_forge *h = cls;
	const char *got = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
						      "Authorization");
	struct MHD_Response *r;
	enum MHD_Result rc;

	if (!*con || *len) {
		*con = h;
		*len = 0;
		return MHD_YES;
	}
	h->requests++;
	h->with_token += got && strcmp(got, "Basic " BASIC) == 0;
	r = MHD_create_response_from_buffer(0, (void *)(uintptr_t) "",
					    MHD_RESPMEM_PERSISTENT);
	if (h->status == 401)
		MHD_add_response_header(r, "WWW-Authenticate",
					"Basic realm=\"forge\"");
	if (h->status == 302)
		MHD_add_response_header(r, "Location", h->location);
	rc = MHD_queue_response(c, (unsigned)h->status, r);
	MHD_destroy_response(r);
	return rc;
}

static int http_start(struct http_forge *h)
{
	const union MHD_DaemonInfo *info;
	struct sockaddr_in a = {.sin_family = AF_INET};

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	h->daemon = MHD_start_daemon(MHD_USE_POLL_INTERNAL_THREAD, 0, NULL,
				     NULL, answer, h, MHD_OPTION_SOCK_ADDR, &a,
				     MHD_OPTION_END);
	assert_non_null(h->daemon);
	info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT);
	return info->port;
}

static struct outcome *bare_batch(struct fx *f)
{
	return fx_run(f, "git.batch",
		      json_pack("{s:[{s:s,s:s,s:s,s:[]}]}", "projects", "repo",
				REPO, "base", "main", "branch", "staging",
				"revisions"));
}

static void an_http_forge_gets_the_token_and_its_answers_count(void **state)
{
	static const struct {
		int status;
		enum err code;
	} cases[] = {
		{401, ERR_REFUSED}, {403, ERR_REFUSED}, {404, ERR_MISSING},
		{500, ERR_RETRY},   {503, ERR_RETRY},	{429, ERR_RETRY},
	};
	struct fx *f = *state;
	CLEANUP(free) char *file = str_format("%s/token", f->root);
	struct http_forge forge = {.status = 500}, thief = {.status = 500};
	char url[80];

	fx_port_stop(f);
	fx_write_at(f->root, "token", TOKEN "\n");
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/{repo}.git",
		 http_start(&forge));
	f->settings.clone_url = url;
	f->settings.token_file = file;
	fx_port_start(f);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct outcome *o;

		forge.status = cases[i].status;
		forge.requests = forge.with_token = 0;
		o = bare_batch(f);
		if (o->code != cases[i].code)
			fail_msg("HTTP %d: %s", cases[i].status, o->text);
		assert_null(strstr(o->text, TOKEN));
		assert_true(forge.requests > 0);
		assert_int_equal(forge.with_token, forge.requests);
	}
	/* Nobody is followed elsewhere, with or without the token. */
	snprintf(forge.location, sizeof(forge.location), "http://127.0.0.1:%d/",
		 http_start(&thief));
	forge.status = 302;
	assert_int_not_equal(bare_batch(f)->code, ERR_OK);
	assert_int_equal(thief.requests, 0);
	fx_port_stop(f);
	MHD_stop_daemon(forge.daemon);
	MHD_stop_daemon(thief.daemon);
}

static void simple_forge(struct fx *f)
{
	fx_write(f, "f", "a\n");
	fx_commit(f, "base");
	fx_begin(f, "main");
	fx_write(f, "one", "1");
	fx_pull(f, 1);
	fx_publish(f);
}

static json_t *simple_batch(struct fx *f)
{
	const int numbers[] = {1};

	return fx_batch(f, fx_batch_args(f, numbers, 1));
}

static void make_old(const char *path)
{
	const struct timespec long_ago[2] = {{.tv_sec = 1000000},
					     {.tv_sec = 1000000}};

	assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
}

static void what_a_killed_git_leaves_is_swept(void **state)
{
	static const struct {
		const char *name;
		bool old, stays;
	} files[] = {
		{"index.lock", false, false},
		{"shallow.lock", false, false},
		{"packed-refs.lock", false, false},
		{"HEAD.lock", false, false},
		{"config.lock", false, false},
		{"gc.pid", false, false},
		{"refs/kcibot/pull/1.lock", false, false},
		{"objects/pack/tmp_pack_old", true, false},
		{"objects/pack/pack-1.keep", true, false},
		/* Perhaps a checkout's that still runs. */
		{"objects/pack/tmp_pack_new", false, true},
	};
	struct fx *f = *state;
	CLEANUP(free) char *mirror = fx_mirror(f);
	CLEANUP(free) char *scratch = str_format("%s.work/tree", mirror);
	CLEANUP(free) char *half = str_format("%s.new-abcdef", mirror);
	CLEANUP(free) char *sha = NULL;
	struct stat st;

	simple_forge(f);
	sha = strdup(js_str(simple_batch(f), "sha"));
	for (int restart = 0; restart < 2; restart++) {
		if (restart)
			fx_port_stop(f);
		for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
			CLEANUP(free)
			char *path = str_format("%s/%s", mirror, files[i].name);

			fx_write_at(mirror, files[i].name, "left over");
			if (files[i].old)
				make_old(path);
		}
		fx_mkdirs(scratch);
		fx_mkdirs(half);
		make_old(half);
		if (restart)
			fx_port_start(f);
		else
			assert_string_equal(js_str(simple_batch(f), "sha"),
					    sha);
		for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
			CLEANUP(free)
			char *path = str_format("%s/%s", mirror, files[i].name);

			if ((stat(path, &st) == 0) != files[i].stays)
				fail_msg("%s", files[i].name);
		}
		assert_int_equal(stat(scratch, &st), -1);
		if (restart)
			assert_int_equal(stat(half, &st), -1);
	}
	assert_string_equal(js_str(simple_batch(f), "sha"), sha);
}

/* Cuts every object in the mirror to nothing. */
static int cut(const char *path, const struct stat *st, int type,
	       struct FTW *ftw UNUSED)
{
	if (type == FTW_F && strstr(path, "/objects/") && st->st_size) {
		chmod(path, 0600);
		return truncate(path, 0);
	}
	return 0;
}

static void a_damaged_mirror_is_made_anew(void **state)
{
	struct fx *f = *state;
	CLEANUP(free) char *mirror = fx_mirror(f);
	CLEANUP(free) char *sha = NULL;
	CLEANUP(free) char *head = str_format("%s/HEAD", mirror);

	simple_forge(f);
	sha = strdup(js_str(simple_batch(f), "sha"));
	assert_int_equal(nftw(mirror, cut, 16, FTW_PHYS), 0);
	assert_string_equal(js_str(simple_batch(f), "sha"), sha);
	assert_int_equal(unlink(head), 0);
	assert_string_equal(js_str(simple_batch(f), "sha"), sha);
	fx_write_at(mirror, "config", "[core\n");
	assert_string_equal(js_str(simple_batch(f), "sha"), sha);
}

static void a_disk_that_fails_is_tried_again(void **state)
{
	struct fx *f = *state;
	CLEANUP(free) char *sha = NULL;
	struct error e = ERROR_INIT;
	struct outcome *o;

	simple_forge(f);
	sha = strdup(js_str(simple_batch(f), "sha"));
	assert_int_equal(fs_remove_tree(f->state, &e), ERR_OK);
	assert_int_equal(fs_write(f->state, "", 0, 0600, &e), ERR_OK);
	o = fx_run(f, "git.batch", fx_batch_args(f, NULL, 0));
	assert_int_equal(o->code, ERR_RETRY);
	assert_int_equal(unlink(f->state), 0);
	assert_string_equal(js_str(simple_batch(f), "sha"), sha);
}

static void housekeeping_keeps_the_mirror_small_and_whole(void **state)
{
	struct fx *f = *state;
	CLEANUP(git_mirror_release) struct git_mirror m = {0};
	CLEANUP(git_refs_release) struct git_refs refs = {0};
	CLEANUP(str_release) struct str input = STR_INIT(1u << 20);
	CLEANUP(free) char *sha = NULL;
	CLEANUP(free) char *tip = NULL;
	struct git g = {.settings = &f->settings};
	struct error e = ERROR_INIT;

	simple_forge(f);
	sha = strdup(js_str(simple_batch(f), "sha"));
	tip = fx_sha(f->work, "main");
	assert_int_equal(git_mirror_open(&g, REPO, &m, &e), ERR_OK);
	for (int i = 2; i < 400; i++)
		str_addf(&input, "create refs/kcibot/pull/%d %s\n", i, tip);
	free(fx_input(m.dir, input.text, "update-ref", "--stdin", NULL));
	git_mirror_tend(&m);
	assert_int_equal(
		git_mirror_own_refs(&m, "refs/kcibot/pull/", &refs, &e),
		ERR_OK);
	assert_int_equal(refs.count, 0);
	assert_string_equal(js_str(simple_batch(f), "sha"), sha);
}

static void stopping_does_not_wait_for_a_slow_git(void **state)
{
	struct fx *f = *state;
	struct effect effect = {.id = 7, .kind = "git.push", .key = "k"};
	CLEANUP(free) char *begun = str_format("%s/hooks/begun", f->bare);
	CLEANUP(free) char *sha = NULL;
	CLEANUP(free) char *path = str_format("%s/hooks/pre-receive", f->bare);
	CLEANUP(free)
	char *script =
		str_format("#!/bin/sh\ntouch %s\nexec sleep 300\n", begun);
	struct stat st;

	simple_forge(f);
	fx_write_at(f->bare, "hooks/pre-receive", script);
	assert_int_equal(chmod(path, 0755), 0);
	sha = fx_sha(f->work, "main");
	CLEANUP(json_decref)
	json_t *args =
		json_pack("{s:[{s:s,s:s,s:s,s:s}]}", "projects", "repo", REPO,
			  "branch", "staging", "old_sha", "", "sha", sha);
	effect.args = args;
	f->port->start(f->port, &effect, fx_done, f);
	for (int i = 0; i < 60000 && stat(begun, &st); i++)
		usleep(1000);
	assert_int_equal(stat(begun, &st), 0);
	fx_port_stop(f);
	assert_int_equal(f->outcomes, 0);
}

static void the_version_is_enough(void **state UNUSED)
{
	struct error e = ERROR_INIT;
	const char *path = getenv("PATH");
	CLEANUP(free) char *saved = strdup(path);

	assert_int_equal(git_check_version(&e), ERR_OK);
	setenv("PATH", "/nonexistent", 1);
	assert_int_equal(git_check_version(&e), ERR_FATAL);
	setenv("PATH", saved, 1);
	assert_non_null(strstr(e.text, "install git"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_checked),
		cmocka_unit_test(urls_are_checked),
		cmocka_unit_test(any_bytes_become_text),
		cmocka_unit_test(refusals_are_told_apart),
		T(the_environment_is_sealed),
		T(an_http_forge_gets_the_token_and_its_answers_count),
		T(what_a_killed_git_leaves_is_swept),
		T(a_damaged_mirror_is_made_anew),
		T(a_disk_that_fails_is_tried_again),
		T(housekeeping_keeps_the_mirror_small_and_whole),
		T(stopping_does_not_wait_for_a_slow_git),
		cmocka_unit_test(the_version_is_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
