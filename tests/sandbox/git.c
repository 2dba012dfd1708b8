#include "tests/sandbox/git.h"

#include <string.h>

#include "bot/base/fs.h"
#include "tests/sandbox/git_run.h"

#define GIT_MS 60000
#define ARGS_MAX 20

enum err git(struct git_run *r, const char *path, const char *login,
	     const char *input, size_t input_len, const char *const *words,
	     struct error *e)
{
	const char *argv[ARGS_MAX + 4] = {"git", "--git-dir", path};
	const char *env[] = {r->path,
			     "GIT_CONFIG_NOSYSTEM=1",
			     "GIT_CONFIG_GLOBAL=/dev/null",
			     "GIT_TERMINAL_PROMPT=0",
			     "LC_ALL=C.UTF-8",
			     "HOME=/nonexistent",
			     r->name,
			     r->mail,
			     r->author,
			     r->author_mail,
			     NULL};
	const char *machine_path = getenv("PATH");
	size_t n = path ? 3 : 1;

	snprintf(r->path, sizeof(r->path), "PATH=%s",
		 machine_path ? machine_path : "/usr/bin:/bin");
	login = login ? login : "sandbox";
	snprintf(r->name, sizeof(r->name), "GIT_COMMITTER_NAME=%s", login);
	snprintf(r->mail, sizeof(r->mail), "GIT_COMMITTER_EMAIL=%s@sandbox",
		 login);
	snprintf(r->author, sizeof(r->author), "GIT_AUTHOR_NAME=%s", login);
	snprintf(r->author_mail, sizeof(r->author_mail),
		 "GIT_AUTHOR_EMAIL=%s@sandbox", login);
	while (*words && n < ARRAY_SIZE(argv) - 1)
		argv[n++] = *words++;
	str_clear(&r->result.out);
	str_clear(&r->result.err);
	return proc_run(&(struct proc_spec){.argv = argv,
					    .env = env,
					    .input = input,
					    .input_len = input_len,
					    .timeout_ms = GIT_MS},
			&r->result, e);
}

static enum err failed(const struct git_run *r, const char *what,
		       struct error *e)
{
	return error_set(e, ERR_INVALID, "git %s: %s", what,
			 r->result.err.text);
}

enum err git_ok(struct git_run *r, const char *path, const char *login,
		const char *const *words, struct error *e)
{
	enum err err = git(r, path, login, NULL, 0, words, e);

	if (!err && r->result.exit_code != 0)
		err = failed(r, words[0], e);
	return err;
}

static enum err take_sha(const struct git_run *r, char ret[SB_SHA],
			 struct error *e)
{
	if (strspn(r->result.out.text, "0123456789abcdef") != SB_SHA - 1)
		return error_set(e, ERR_FATAL, "git answered no object id");
	memcpy(ret, r->result.out.text, SB_SHA - 1);
	ret[SB_SHA - 1] = '\0';
	return ERR_OK;
}

enum err sb_git_init(const char *path, const char *branch, struct error *e)
{
	/*
	 * As on GitHub: any commit can be fetched by its id, nobody pushes to
	 * refs/pull.  Reflogs of every ref tell pushes.c what was pushed;
	 * packing would take refs from where they are looked for.
	 */
	static const char *const settings[][2] = {
		{"uploadpack.allowAnySHA1InWant", "true"},
		{"receive.hideRefs", "refs/pull"},
		{"core.logAllRefUpdates", "always"},
		{"gc.auto", "0"},
		{"receive.autogc", "false"},
	};
	CLEANUP(git_run_release) struct git_run r;
	CLEANUP(free) char *first = str_format("--initial-branch=%s", branch);
	enum err err;

	git_run_init(&r);
	err = fs_mkdirs(path, 0755, e);
	if (!err)
		err = git_ok(&r, path, NULL,
			     WORDS("init", "--quiet", "--bare", first), e);
	for (size_t i = 0; !err && i < ARRAY_SIZE(settings); i++)
		err = git_ok(&r, path, NULL,
			     WORDS("config", settings[i][0], settings[i][1]),
			     e);
	return err;
}

static void add_data(struct str *s, const char *data, size_t len)
{
	str_addf(s, "data %zu\n", len);
	str_add(s, data, len);
	str_putc(s, '\n');
}

static void add_path(struct str *s, const char *path)
{
	str_putc(s, '"');
	for (; *path; path++) {
		if (*path == '\n') {
			str_puts(s, "\\n");
			continue;
		}
		if (*path == '"' || *path == '\\')
			str_putc(s, '\\');
		str_putc(s, *path);
	}
	str_puts(s, "\"\n");
}

static void add_file(struct str *s, const char *path, const json_t *file)
{
	const json_t *content =
		json_is_object(file) ? json_object_get(file, "content") : file;
	const char *mode = js_str(file, "mode");

	if (!json_is_string(content)) {
		str_puts(s, "D ");
		add_path(s, path);
		return;
	}
	str_addf(s, "M %s inline ", *mode ? mode : "100644");
	add_path(s, path);
	add_data(s, json_string_value(content), json_string_length(content));
}

static void add_commit(struct str *s, const struct sb_commit *c)
{
	const char *path;
	json_t *file;

	str_addf(s, "commit %s\nmark :1\n", c->ref);
	str_addf(s, "committer %s <%s@sandbox> %lld +0000\n", c->login,
		 c->login, (long long)(c->time_ms / 1000));
	add_data(s, c->message, strlen(c->message));
	if (c->from)
		str_addf(s, "from %s\n", c->from);
	json_object_foreach ((json_t *)(uintptr_t)c->files, path, file)
		add_file(s, path, file);
	str_puts(s, "\nget-mark :1\ndone\n");
}

enum err sb_git_commit(const char *path, const struct sb_commit *c,
		       char ret_sha[SB_SHA], struct error *e)
{
	CLEANUP(git_run_release) struct git_run r;
	CLEANUP(str_release) struct str in = STR_INIT(2u * SB_BODY);
	enum err err;

	git_run_init(&r);
	if (strpbrk(c->ref, " \n"))
		return error_set(e, ERR_INVALID, "not a ref: %s", c->ref);
	add_commit(&in, c);
	err = str_check(&in, e);
	if (!err)
		err = git(&r, path, c->login, in.text, in.len,
			  WORDS("fast-import", "--quiet", "--done", "--force"),
			  e);
	if (!err && r.result.exit_code != 0)
		err = failed(&r, "fast-import", e);
	return err ? err : take_sha(&r, ret_sha, e);
}

enum err sb_git_resolve(const char *path, const char *rev, char ret_sha[SB_SHA],
			struct error *e)
{
	CLEANUP(git_run_release) struct git_run r;
	CLEANUP(free) char *commit = sb_must(str_format("%s^{commit}", rev));
	enum err err;

	git_run_init(&r);
	err = git(&r, path, NULL, NULL, 0,
		  WORDS("rev-parse", "--verify", "--quiet", "--end-of-options",
			commit),
		  e);
	if (!err && r.result.exit_code != 0)
		err = error_set(e, ERR_MISSING, "no commit %s", rev);
	return err ? err : take_sha(&r, ret_sha, e);
}

enum err sb_git_set_ref(const char *path, const char *ref, const char *sha,
			const char *login, struct error *e)
{
	CLEANUP(git_run_release) struct git_run r;

	git_run_init(&r);
	return git_ok(&r, path, login,
		      WORDS("update-ref", "-m", "push", ref, sha), e);
}

enum err sb_git_merge_tree(const char *path, const char *base, const char *head,
			   char ret_tree[SB_SHA], struct error *e)
{
	CLEANUP(git_run_release) struct git_run r;
	enum err err;

	git_run_init(&r);
	err = git(&r, path, NULL, NULL, 0,
		  WORDS("merge-tree", "--write-tree", "--no-messages", base,
			head),
		  e);
	if (!err && r.result.exit_code == 1)
		return error_set(e, ERR_CONFLICT, "does not merge");
	if (!err && r.result.exit_code != 0)
		err = failed(&r, "merge-tree", e);
	return err ? err : take_sha(&r, ret_tree, e);
}

enum err sb_git_commit_merge(const char *path, const char *tree,
			     const char *base, const char *head,
			     const char *login, const char *message,
			     char ret_sha[SB_SHA], struct error *e)
{
	CLEANUP(git_run_release) struct git_run r;
	enum err err;

	git_run_init(&r);
	err = git_ok(&r, path, login,
		     WORDS("commit-tree", "-p", base, "-p", head, "-m", message,
			   tree),
		     e);
	return err ? err : take_sha(&r, ret_sha, e);
}

bool sb_git_is_ancestor(const char *path, const char *old, const char *new)
{
	CLEANUP(git_run_release) struct git_run r;
	struct error e = ERROR_INIT;

	git_run_init(&r);
	return !git(&r, path, NULL, NULL, 0,
		    WORDS("merge-base", "--is-ancestor", old, new), &e) &&
	       r.result.exit_code == 0;
}

bool sb_git_is_same(const char *path, const char *a, const char *b,
		    const char *file)
{
	CLEANUP(git_run_release) struct git_run r;
	CLEANUP(free) char *spec = sb_must(str_format(":(literal)%s", file));
	struct error e = ERROR_INIT;

	git_run_init(&r);
	return !git(&r, path, NULL, NULL, 0,
		    WORDS("diff", "--quiet", "--no-ext-diff", a, b, "--", spec),
		    &e) &&
	       r.result.exit_code == 0;
}
