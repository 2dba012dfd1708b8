#include "deploy/git_attributes.h"

#include <string.h>

#include "bot/base/cleanup.h"
#include "bot/base/fs.h"

/* git knows this object without having it. */
#define EMPTY_TREE "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

/*
 * From diff-tree's ":000000 MODE 0000 SHA A" NUL PATH NUL to update-index's
 * "MODE SHA" TAB PATH NUL, regular files only.
 */
static void to_index_info(const struct str *raw, struct str *out)
{
	const char *p = raw->text, *end = raw->text + raw->len;

	while (p < end) {
		const char *path = p + strlen(p) + 1;
		char mode[8], sha[GIT_SHA_LEN + 1];

		if (path >= end)
			return;
		if (sscanf(p, ":%*o %7s %*40s %40s", mode, sha) == 2 &&
		    str_starts(mode, "100")) {
			str_addf(out, "%s %s\t%s", mode, sha, path);
			str_add(out, "", 1);
		}
		p = path + strlen(path) + 1;
	}
}

static enum err list(struct git_merger *m, const char *commit, struct str *out,
		     struct error *e)
{
	CLEANUP(proc_result_release) struct proc_result r = GIT_RESULT_INIT;
	struct git_call diff = {
		.argv = GIT_ARGV("diff-tree", "-r", "-z", "--raw",
				 "--no-renames", "--full-index", EMPTY_TREE,
				 commit, "--", ":(glob)**/.gitattributes"),
		.git_dir = m->mirror->dir,
	};

	if (git_run_ok(m->mirror->git, &diff, &r, e))
		return e->code;
	to_index_info(&r.out, out);
	return str_check(out, e);
}

static enum err fresh_folder(struct git_merger *m, struct error *e)
{
	if (fs_remove_tree(m->scratch, e))
		return e->code;
	return fs_mkdirs(m->tree, 0700, e);
}

static enum err write_files(struct git_merger *m, const struct str *files,
			    struct error *e)
{
	CLEANUP(proc_result_release) struct proc_result r = GIT_RESULT_INIT;
	struct git *g = m->mirror->git;
	struct git_call put = {
		.argv = GIT_ARGV("update-index", "-z", "--index-info"),
		.git_dir = m->mirror->dir,
		.work_tree = m->tree,
		.index = m->index,
		.input = files->text,
		.input_len = files->len,
	};
	struct git_call check_out = {
		.argv = GIT_ARGV("checkout-index", "--all", "--quiet",
				 "--force"),
		.git_dir = m->mirror->dir,
		.work_tree = m->tree,
		.index = m->index,
	};

	if (git_run(g, &put, &r, e))
		return e->code;
	if (r.exit_code) {
		git_failure(g, &put, &r, e);
		if (strstr(r.err.text, "nvalid path"))
			e->code = ERR_INVALID;
		return e->code;
	}
	return git_run_ok(g, &check_out, &r, e);
}

enum err git_attributes_lay(struct git_merger *m, const char *commit,
			    struct error *e)
{
	CLEANUP(str_release) struct str files = STR_INIT(LIMIT_GIT_OUTPUT);

	if (list(m, commit, &files, e))
		return error_prefix(e, "attributes");
	if (files.len == m->attributes.len &&
	    memcmp(files.text, m->attributes.text, files.len) == 0)
		return ERR_OK;
	/* Until all is written, the folder holds no known list. */
	str_clear(&m->attributes);
	str_putc(&m->attributes, '?');
	if (fresh_folder(m, e))
		return e->code;
	if (files.len && write_files(m, &files, e))
		return error_prefix(e, "attributes");
	str_clear(&m->attributes);
	str_add(&m->attributes, files.text, files.len);
	return str_check(&m->attributes, e);
}
