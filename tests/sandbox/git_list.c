/* Reading: files, commits, folders; the rest of git.h is in git.c. */
#include "tests/sandbox/git.h"

#include <fts.h>
#include <string.h>
#include <sys/stat.h>

#include "bot/base/fs.h"
#include "tests/sandbox/git_run.h"

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
	CLEANUP(git_run_release) struct git_run r;
	CLEANUP(free) char *range = sb_must(str_format("%s...%s", base, head));
	json_t *ret = sb_must(json_array());
	struct error e = ERROR_INIT;
	const char *at, *end, *line;
	size_t n = 0;

	git_run_init(&r);
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
	CLEANUP(git_run_release) struct git_run r;
	CLEANUP(free)
	char *range = sb_must(base ? str_format("%s..%s", base, head)
				   : str_format("%s", head));
	CLEANUP(free) char *count = sb_must(str_format("--max-count=%d", max));
	json_t *ret = sb_must(json_array()), *commit = NULL;
	struct error e = ERROR_INIT;
	static const char format[] =
		"--format=tformat:%x01%H%x1f%T%x1f%an%x1f%ae%x1f%cI%x1f%B";
	const char *at, *end, *text;

	git_run_init(&r);
	if (git_ok(&r, path, NULL,
		   WORDS("log", "-z", "--reverse", "--topo-order", count,
			 "--diff-merges=first-parent", "--no-renames",
			 "--name-status", format, range),
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
