/*
 * A forge made of bare repositories behind file:// URLs, a work tree to make
 * pull requests in, and a git port on them.  Every step that fails fails the
 * test.
 */
#ifndef TESTS_UNIT_GIT_FIXTURE_H
#define TESTS_UNIT_GIT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bot/base/cleanup.h"
#include "bot/base/fs.h"
#include "bot/base/limits.h"
#include "bot/base/proc.h"
#include "deploy/git_name.h"
#include "deploy/git_port.h"

#define REPO "acme/widget"

struct fx {
	char root[128];
	char work[160];	 /* a work tree of REPO */
	char bare[160];	 /* the forge's REPO */
	char state[160]; /* settings.dir */
	char url[200];
	struct git_settings settings;
	struct port *port;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct outcome outcome;
	int outcomes;
};

static inline const char *const *fx_env(void)
{
	static const char *env[] = {
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=/dev/null",
		"HOME=/nonexistent",
		"LC_ALL=C",
		"GIT_AUTHOR_NAME=Ann",
		"GIT_AUTHOR_EMAIL=ann@example.org",
		"GIT_AUTHOR_DATE=@1700000000 +0000",
		"GIT_COMMITTER_NAME=Ann",
		"GIT_COMMITTER_EMAIL=ann@example.org",
		"GIT_COMMITTER_DATE=@1700000000 +0000",
		"GIT_MERGE_AUTOEDIT=no",
		NULL,
		NULL,
	};
	static char path[4096];

	if (!env[11]) {
		snprintf(path, sizeof(path), "PATH=%s", getenv("PATH"));
		env[11] = path;
	}
	return env;
}

static inline int fx_vgit(const char *dir, const char *input, struct str *out,
			  struct str *err, va_list ap)
{
	const char *argv[40] = {"git", "-C", dir};
	struct proc_result r = {.out = STR_INIT(8u << 20),
				.err = STR_INIT(1u << 20)};
	struct error e = ERROR_INIT;
	size_t n = 3;

	while ((argv[n] = va_arg(ap, const char *)))
		assert_true(++n < 39);
	struct proc_spec spec = {
		.argv = argv,
		.env = fx_env(),
		.input = input,
		.input_len = input ? strlen(input) : 0,
		.timeout_ms = 120000,
	};
	if (proc_run(&spec, &r, &e))
		fail_msg("%s", e.text);
	str_add(out, r.out.text, r.out.len);
	str_add(err, r.err.text, r.err.len);
	proc_result_release(&r);
	return r.exit_code;
}

/* Exit code only. */
static inline int fx_try(const char *dir, ...)
{
	CLEANUP(str_release) struct str out = STR_INIT(8u << 20);
	CLEANUP(str_release) struct str err = STR_INIT(1u << 20);
	va_list ap;
	int rc;

	va_start(ap, dir);
	rc = fx_vgit(dir, NULL, &out, &err, ap);
	va_end(ap);
	return rc;
}

/* Must succeed; standard output without the last newline, caller frees. */
static inline char *fx_input(const char *dir, const char *input, ...)
{
	CLEANUP(str_release) struct str out = STR_INIT(8u << 20);
	CLEANUP(str_release) struct str err = STR_INIT(1u << 20);
	va_list ap;
	int rc;

	va_start(ap, input);
	rc = fx_vgit(dir, input, &out, &err, ap);
	va_end(ap);
	if (rc)
		fail_msg("git failed (%d): %s", rc, err.text);
	if (out.len && out.text[out.len - 1] == '\n')
		str_truncate(&out, out.len - 1);
	return strdup(out.text);
}

#define fx_out(dir, ...) fx_input(dir, NULL, __VA_ARGS__, NULL)
#define fx_git(dir, ...) free(fx_input(dir, NULL, __VA_ARGS__, NULL))

static inline void fx_mkdirs(const char *path)
{
	struct error e = ERROR_INIT;

	if (fs_mkdirs(path, 0755, &e))
		fail_msg("%s", e.text);
}

static inline void fx_write_at(const char *dir, const char *name,
			       const char *text)
{
	CLEANUP(free) char *path = str_format("%s/%s", dir, name);
	char *slash = strrchr(path, '/');
	FILE *f;

	*slash = '\0';
	fx_mkdirs(path);
	*slash = '/';
	unlink(path);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static inline void fx_write(struct fx *f, const char *name, const char *text)
{
	fx_write_at(f->work, name, text);
}

static inline void fx_commit(struct fx *f, const char *message)
{
	fx_git(f->work, "add", "-A");
	fx_git(f->work, "commit", "-q", "--allow-empty", "-m", message);
}

/* Begins a pull request at a commit. */
static inline void fx_begin(struct fx *f, const char *at)
{
	fx_git(f->work, "checkout", "-q", "-f", "--detach", at);
	fx_git(f->work, "clean", "-q", "-d", "-f", "-x");
}

/* HEAD of the work tree becomes pull request n. */
static inline void fx_pull_here(struct fx *f, int n)
{
	char ref[64];

	snprintf(ref, sizeof(ref), "refs/pr/%d/head", n);
	fx_git(f->work, "update-ref", ref, "HEAD");
}

static inline void fx_pull(struct fx *f, int n)
{
	char text[64];

	snprintf(text, sizeof(text), "pull %d", n);
	fx_commit(f, text);
	fx_pull_here(f, n);
}

/* All branches and pull requests of the work tree to the forge. */
static inline void fx_publish(struct fx *f)
{
	fx_git(f->work, "push", "-q", "-f", f->bare,
	       "refs/heads/*:refs/heads/*", "refs/pr/*:refs/pull/*");
}

static inline char *fx_sha(const char *dir, const char *what)
{
	return fx_out(dir, "rev-parse", "--verify", what);
}

static inline void fx_done(void *ctx, struct outcome *o)
{
	struct fx *f = ctx;

	pthread_mutex_lock(&f->lock);
	json_decref(f->outcome.body);
	f->outcome = *o;
	f->outcomes++;
	pthread_cond_signal(&f->cond);
	pthread_mutex_unlock(&f->lock);
}

/* Runs one effect; takes args; the outcome stays valid until the next. */
static inline struct outcome *fx_run(struct fx *f, const char *kind,
				     json_t *args)
{
	struct effect effect = {
		.id = 7, .kind = kind, .key = "k", .args = args};
	int before = f->outcomes;

	assert_non_null(args);
	f->port->start(f->port, &effect, fx_done, f);
	json_decref(args);
	pthread_mutex_lock(&f->lock);
	while (f->outcomes == before)
		pthread_cond_wait(&f->cond, &f->lock);
	pthread_mutex_unlock(&f->lock);
	assert_int_equal(f->outcome.id, 7);
	return &f->outcome;
}

static inline void fx_port_start(struct fx *f)
{
	struct error e = ERROR_INIT;

	f->port = git_port_new(&f->settings, &e);
	if (!f->port)
		fail_msg("%s", e.text);
}

static inline void fx_port_stop(struct fx *f)
{
	if (f->port)
		f->port->stop(f->port);
	f->port = NULL;
}

/* A further bare repository on the forge; its path, caller frees. */
static inline char *fx_repo(struct fx *f, const char *repo)
{
	char *path = str_format("%s/forge/%s.git", f->root, repo);

	fx_mkdirs(path);
	fx_git(path, "init", "-q", "--bare", "-b", "main");
	return path;
}

static inline int fx_setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct fx *f = calloc(1, sizeof(*f));

	snprintf(f->root, sizeof(f->root), "%.90s/kcibot-git-XXXXXX",
		 tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->root));
	snprintf(f->work, sizeof(f->work), "%s/work", f->root);
	snprintf(f->state, sizeof(f->state), "%s/state/git", f->root);
	snprintf(f->url, sizeof(f->url), "file://%s/forge/{repo}.git", f->root);
	fx_mkdirs(f->work);
	fx_git(f->work, "init", "-q", "-b", "main");
	char *bare = fx_repo(f, REPO);
	snprintf(f->bare, sizeof(f->bare), "%s", bare);
	free(bare);
	f->settings = (struct git_settings){
		.dir = f->state,
		.clone_url = f->url,
		.bot_name = "kcibot",
		.bot_email = "kcibot@example.org",
		.moved_retry_ms = 5,
	};
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->cond, NULL);
	fx_port_start(f);
	*state = f;
	return 0;
}

static inline int fx_teardown(void **state)
{
	struct fx *f = *state;
	struct error e = ERROR_INIT;

	fx_port_stop(f);
	json_decref(f->outcome.body);
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->cond);
	if (fs_remove_tree(f->root, &e))
		return 1;
	free(f);
	return 0;
}

static inline char *fx_mirror(struct fx *f)
{
	char hash[GIT_HASH_LEN + 1];

	git_name_hash(REPO, hash);
	return str_format("%s/%s.git", f->state, hash);
}

/* args of git.batch for the pull requests first..last of the work tree. */
static inline json_t *fx_batch_args(struct fx *f, const int *numbers, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		char ref[64];

		snprintf(ref, sizeof(ref), "refs/pr/%d/head", numbers[i]);
		CLEANUP(free) char *sha = fx_sha(f->work, ref);
		json_array_append_new(list,
				      json_pack("{s:i,s:s,s:s}", "number",
						numbers[i], "sha", sha, "title",
						"$(touch /tmp/owned) `x`"));
	}
	return json_pack("{s:[{s:s,s:s,s:s,s:o}]}", "projects", "repo", REPO,
			 "base", "main", "branch", "staging", "revisions",
			 list);
}

/* The project's part of a batch that went well. */
static inline json_t *fx_batch(struct fx *f, json_t *args)
{
	struct outcome *o = fx_run(f, "git.batch", args);

	if (o->code)
		fail_msg("git.batch: %s: %s", err_name(o->code), o->text);
	return json_array_get(js_get(o->body, "projects"), 0);
}

static inline const char *fx_result(const json_t *project, int number)
{
	const json_t *one;
	size_t i;

	json_array_foreach (js_get(project, "revisions"), i, one)
		if (js_int(one, "number", 0) == number)
			return js_str(one, "result");
	fail_msg("no revision %d", number);
	return "";
}

static inline const json_t *fx_revision(const json_t *project, int number)
{
	const json_t *one;
	size_t i;

	json_array_foreach (js_get(project, "revisions"), i, one)
		if (js_int(one, "number", 0) == number)
			return one;
	fail_msg("no revision %d", number);
	return NULL;
}

#endif
