#include "tests/sandbox/git.h"

#include <fts.h>
#include <string.h>
#include <sys/stat.h>

#include "bot/base/fs.h"
#include "bot/base/proc.h"

#define GIT_MS 60000
#define ARGS_MAX 20

struct run {
	struct proc_result result;
	char name[160], mail[192], author[160], author_mail[192];
	char path[4096], home[32];
};

static void run_init(struct run *r)
{
	memset(r, 0, sizeof(*r));
	str_init(&r->result.out, SB_BODY);
	str_init(&r->result.err, 4096);
}

static void run_release(struct run *r)
{
	proc_result_release(&r->result);
}

static void run_release_at(struct run *r)
{
	run_release(r);
}

/*
 * Runs git in path with the words of argv (NULL-ended) as login.  The exit
 * code is the caller's matter; ERR_OK says only that git ran.
 */
static enum err git(struct run *r, const char *path, const char *login,
		    const char *input, size_t input_len,
		    const char *const *words, struct error *e)
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

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static enum err failed(const struct run *r, const char *what, struct error *e)
{
	return error_set(e, ERR_INVALID, "git %s: %s", what,
			 r->result.err.text);
}

/* The command must succeed; its output is left in r. */
static enum err git_ok(struct run *r, const char *path, const char *login,
		       const char *const *words, struct error *e)
{
	enum err err = git(r, path, login, NULL, 0, words, e);

	if (!err && r->result.exit_code != 0)
		err = failed(r, words[0], e);
	return err;
}

static enum err take_sha(const struct run *r, char ret[SB_SHA], struct error *e)
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
	CLEANUP(run_release) struct run r;
	CLEANUP(free) char *first = str_format("--initial-branch=%s", branch);
	enum err err;

	run_init(&r);
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
	json_object_foreach((json_t *)(uintptr_t)c->files, path, file)
		add_file(s, path, file);
	str_puts(s, "\nget-mark :1\ndone\n");
}

enum err sb_git_commit(const char *path, const struct sb_commit *c,
		       char ret_sha[SB_SHA], struct error *e)
{
	CLEANUP(run_release) struct run r;
	CLEANUP(str_release) struct str in = STR_INIT(2u * SB_BODY);
	enum err err;

	run_init(&r);
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
	CLEANUP(run_release) struct run r;
	CLEANUP(free) char *commit = sb_must(str_format("%s^{commit}", rev));
	enum err err;

	run_init(&r);
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
	CLEANUP(run_release) struct run r;

	run_init(&r);
	return git_ok(&r, path, login,
		      WORDS("update-ref", "-m", "push", ref, sha), e);
}

enum err sb_git_merge_tree(const char *path, const char *base, const char *head,
			   char ret_tree[SB_SHA], struct error *e)
{
	CLEANUP(run_release) struct run r;
	enum err err;

	run_init(&r);
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
	CLEANUP(run_release) struct run r;
	enum err err;

	run_init(&r);
	err = git_ok(&r, path, login,
		     WORDS("commit-tree", "-p", base, "-p", head, "-m", message,
			   tree),
		     e);
	return err ? err : take_sha(&r, ret_sha, e);
}

bool sb_git_is_ancestor(const char *path, const char *old, const char *new)
{
	CLEANUP(run_release) struct run r;
	struct error e = ERROR_INIT;

	run_init(&r);
	return !git(&r, path, NULL, NULL, 0,
		    WORDS("merge-base", "--is-ancestor", old, new), &e) &&
	       r.result.exit_code == 0;
}

/* The next NUL-ended word of a git -z output; NULL at its end. */
static const char *word(const char **at, const char *end)
{
	const char *ret = *at;

	if (ret >= end)
		return NULL;
	*at = ret + strlen(ret) + 1;
	return ret;
}

static const char *status_name(char letter)
{
	switch (letter) {
	case 'A':
		return "added";
	case 'D':
		return "removed";
	case 'R':
		return "renamed";
	case 'C':
		return "copied";
	default:
		return "modified";
	}
}

/* ":100644 100644 OLD NEW M" and one or two paths. */
static json_t *raw_entry(const char *head, const char **at, const char *end)
{
	char old[SB_SHA], new[SB_SHA], letter;
	const char *path = word(at, end), *now = NULL;
	json_t *f;

	if (!path ||
	    sscanf(head, ":%*6s %*6s %40s %40s %c", old, new, &letter) != 3)
		return NULL;
	if (letter == 'R' || letter == 'C')
		now = word(at, end);
	f = sb_must(json_pack(
		"{s:s,s:s,s:i,s:i}", "status", status_name(letter), "sha",
		letter == 'D' ? old : new, "additions", 0, "deletions", 0));
	json_object_set_new(f, "filename", sb_text(now ? now : path));
	if (now)
		json_object_set_new(f, "previous_filename", sb_text(path));
	return f;
}

/* "1\t2\tPATH", or "1\t2\t" and two paths; binary files say "-". */
static void numstat_entry(json_t *f, const char *line, const char **at,
			  const char *end)
{
	const char *tab = strrchr(line, '\t');
	int added = 0, removed = 0;

	if (sscanf(line, "%d\t%d", &added, &removed) == 2) {
		json_object_set_new(f, "additions", json_integer(added));
		json_object_set_new(f, "deletions", json_integer(removed));
	}
	if (tab && !tab[1]) {
		word(at, end);
		word(at, end);
	}
}

json_t *sb_git_files(const char *path, const char *base, const char *head)
{
	CLEANUP(run_release) struct run r;
	CLEANUP(free) char *range = sb_must(str_format("%s...%s", base, head));
	json_t *ret = sb_must(json_array());
	struct error e = ERROR_INIT;
	const char *at, *end, *line;
	size_t n = 0;

	run_init(&r);
	if (git_ok(&r, path, NULL,
		   WORDS("diff", "-z", "-M", "--no-abbrev", "--no-ext-diff",
			 "--raw", "--numstat", range),
		   &e)) {
		json_decref(ret);
		return NULL;
	}
	at = r.result.out.text;
	end = at + r.result.out.len;
	while ((line = word(&at, end))) {
		json_t *f = *line == ':' ? raw_entry(line, &at, end) : NULL;

		if (f)
			json_array_append_new(ret, f);
		else if (*line != ':')
			numstat_entry(json_array_get(ret, n++), line, &at, end);
	}
	return ret;
}

/* "\001ID\037TREE\037NAME\037MAIL\037TIME\037MESSAGE" */
static json_t *commit_entry(const char *text)
{
	static const char *const names[] = {"id",    "tree_id",	  "name",
					    "email", "timestamp", "message"};
	CLEANUP(free) char *copy = sb_dup(text + 1);
	char *rest = copy;
	json_t *c = sb_must(
		json_pack("{s:[],s:[],s:[]}", "added", "removed", "modified"));

	for (size_t i = 0; i < ARRAY_SIZE(names) && rest; i++) {
		bool last = i + 1 == ARRAY_SIZE(names);
		char *field = last ? rest : strsep(&rest, "\037");

		json_object_set_new(c, names[i], sb_text(field));
	}
	return c;
}

static void path_entry(json_t *commit, const char *letter, const char *path)
{
	const char *name = status_name(*letter);
	json_t *list = json_object_get(commit, name);

	if (list && path)
		json_array_append_new(list, sb_text(path));
}

json_t *sb_git_commits(const char *path, const char *base, const char *head,
		       int max)
{
	CLEANUP(run_release) struct run r;
	CLEANUP(free)
	char *range = sb_must(base ? str_format("%s..%s", base, head)
				   : str_format("%s", head));
	CLEANUP(free) char *count = sb_must(str_format("--max-count=%d", max));
	json_t *ret = sb_must(json_array()), *commit = NULL;
	struct error e = ERROR_INIT;
	const char *at, *end, *text;

	run_init(&r);
	if (git_ok(&r, path, NULL,
		   WORDS("log", "-z", "--reverse", "--topo-order", count,
			 "--diff-merges=first-parent", "--no-renames",
			 "--name-status",
			 "--format=tformat:%x01%H%x1f%T%x1f%an%x1f%ae%x1f%cI"
			 "%x1f%B",
			 range),
		   &e)) {
		json_decref(ret);
		return NULL;
	}
	at = r.result.out.text;
	end = at + r.result.out.len;
	while ((text = word(&at, end))) {
		text += strspn(text, "\n");
		if (*text == '\001') {
			commit = commit_entry(text);
			json_array_append_new(ret, commit);
		} else if (*text && commit) {
			path_entry(commit, text, word(&at, end));
		}
	}
	return ret;
}

static enum err read_file(const FTSENT *f, size_t skip, json_t *files,
			  struct error *e)
{
	CLEANUP(str_release) struct str text = STR_INIT(SB_BODY);
	json_t *content;
	enum err err = fs_read(f->fts_path, &text, e);

	if (err)
		return err;
	content = json_stringn(text.text, text.len);
	if (!content)
		return error_set(e, ERR_INVALID, "%s is not UTF-8 text",
				 f->fts_path);
	json_object_set_new(
		files, f->fts_path + skip,
		sb_must(json_pack("{s:o,s:s}", "content", content, "mode",
				  f->fts_statp->st_mode & 0100 ? "100755"
							       : "100644")));
	return ERR_OK;
}

enum err sb_git_read_folder(const char *folder, json_t **ret, struct error *e)
{
	CLEANUP(free) char *root = sb_dup(folder);
	size_t len = strlen(root);
	json_t *files;
	enum err err = ERR_OK;
	FTSENT *f;
	FTS *fts;

	while (len > 1 && root[len - 1] == '/')
		root[--len] = '\0';
	fts = fts_open((char *const[]){root, NULL}, FTS_PHYSICAL | FTS_NOCHDIR,
		       NULL);
	if (!fts)
		return error_errno(e, ERR_MISSING, "cannot read %s", folder);
	files = sb_must(json_object());
	while (!err && (f = fts_read(fts))) {
		if (f->fts_info == FTS_D && !strcmp(f->fts_name, ".git"))
			fts_set(fts, f, FTS_SKIP);
		else if (f->fts_info == FTS_F)
			err = read_file(f, len + 1, files, e);
		else if (f->fts_info == FTS_NS || f->fts_info == FTS_DNR)
			err = error_set(e, ERR_MISSING, "cannot read %s",
					f->fts_path);
	}
	fts_close(fts);
	if (err)
		json_decref(files);
	else
		*ret = files;
	return err;
}
