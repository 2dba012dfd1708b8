#include "deploy/git_merge.h"

#include <stdlib.h>
#include <string.h>

#include "bot/base/cleanup.h"
#include "bot/base/fs.h"
#include "deploy/git_attributes.h"

/* 2100-01-01: a commit from the future must not break git's date parser. */
#define DATE_MAX 4102444800LL

enum err git_merger_open(struct git_merger *m, struct git_mirror *mirror,
			 const char *base, struct error *e)
{
	*m = (struct git_merger){.mirror = mirror};
	str_init(&m->attributes, LIMIT_GIT_OUTPUT);
	m->scratch = str_format("%s.work", mirror->dir);
	m->tree = str_format("%s.work/tree", mirror->dir);
	m->index = str_format("%s.work/index", mirror->dir);
	if (!m->scratch || !m->tree || !m->index)
		return error_set(e, ERR_RETRY, "out of memory");
	if (fs_remove_tree(m->scratch, e) || fs_mkdirs(m->tree, 0700, e))
		return e->code;
	memcpy(m->tip, base, sizeof(m->tip));
	return git_attributes_lay(m, m->tip, e);
}

void git_merger_release(struct git_merger *m)
{
	struct error ignored;

	if (m->scratch && fs_remove_tree(m->scratch, &ignored))
		ignored.code = ERR_OK; /* swept at the next start */
	str_release(&m->attributes);
	free(m->scratch);
	free(m->tree);
	free(m->index);
	*m = (struct git_merger){0};
	str_init(&m->attributes, LIMIT_GIT_OUTPUT);
}

/* The first merge base of a and b in ret, "" when there is none. */
static enum err merge_base(struct git_mirror *m, const char *a, const char *b,
			   char ret[GIT_SHA_LEN + 1], struct error *e)
{
	CLEANUP(proc_result_release) struct proc_result r = GIT_RESULT_INIT;
	struct git_call find = {
		.argv = GIT_ARGV("merge-base", "--end-of-options", a, b),
		.git_dir = m->dir,
	};

	ret[0] = '\0';
	if (git_run(m->git, &find, &r, e))
		return e->code;
	if (r.exit_code == 1 && !r.out.len)
		return ERR_OK;
	if (r.exit_code)
		return git_failure(m->git, &find, &r, e);
	str_truncate(&r.out, strcspn(r.out.text, "\n"));
	if (!git_sha_ok(r.out.text))
		return error_set(e, ERR_RETRY, "git merge-base: no commit");
	memcpy(ret, r.out.text, GIT_SHA_LEN + 1);
	return ERR_OK;
}

enum err git_commit_date(struct git_mirror *m, const char *sha, int64_t *ret,
			 struct error *e)
{
	CLEANUP(proc_result_release) struct proc_result r = GIT_RESULT_INIT;
	struct git_call show = {
		.argv = GIT_ARGV("rev-list", "--no-commit-header", "--no-walk",
				 "--format=%ct", "--end-of-options", sha),
		.git_dir = m->dir,
	};

	if (git_run_ok(m->git, &show, &r, e))
		return e->code;
	*ret = strtoll(r.out.text, NULL, 10);
	if (*ret < 1)
		*ret = 1;
	if (*ret > DATE_MAX)
		*ret = DATE_MAX;
	return ERR_OK;
}

/* Steps over one NUL-terminated field; NULL after the last. */
static const char *next_field(const struct str *s, const char *p)
{
	p += strlen(p) + 1;
	return p < s->text + s->len ? p : NULL;
}

static void add_text(json_t *array, const char *bytes)
{
	CLEANUP(str_release) struct str clean = STR_INIT(LIMIT_GIT_OUTPUT);

	git_text(&clean, bytes, strlen(bytes));
	json_array_append_new(array, json_string(clean.text));
}

/*
 * "CONFLICT (modify/delete)" in small letters.  Fields are COUNT PATH...
 * TYPE MESSAGE, again and again.
 */
static void first_conflict(const struct str *out, const char *p,
			   struct str *reason)
{
	while (p) {
		long paths = strtol(p, NULL, 10);
		const char *open;

		for (p = next_field(out, p); p && paths > 0; paths--)
			p = next_field(out, p);
		open = p && str_starts(p, "CONFLICT (") ? strchr(p, '(') : NULL;
		if (open) {
			str_puts(reason, "conflict ");
			git_text(reason, open, strlen(open));
			return;
		}
		p = p ? next_field(out, p) : NULL;
		p = p ? next_field(out, p) : NULL;
	}
	str_puts(reason, "conflict");
}

/* TREE NUL, each conflicting path NUL, NUL, messages. */
static void read_conflict(const struct str *out, struct git_merge_result *ret)
{
	const char *p = out->len ? next_field(out, out->text) : NULL;

	while (p && *p) {
		if (ret->file_count++ < LIMIT_GIT_FILES)
			add_text(ret->files, p);
		p = next_field(out, p);
	}
	p = p ? next_field(out, p) : NULL;
	first_conflict(out, p, &ret->reason);
	ret->end = GIT_MERGE_LEFT_OUT;
}

static struct git_call merge_call(struct git_merger *m, const char *const *argv)
{
	return (struct git_call){
		.argv = argv,
		.git_dir = m->mirror->dir,
		.work_tree = m->tree,
		.index = m->index,
		.timeout_ms = LIMIT_GIT_MERGE_MS,
	};
}

/*
 * git could neither merge nor find a conflict.  When the machine or the
 * mirror is at fault nothing is known; else it is this revision's content,
 * which must not keep the others from being staged.
 */
static enum err not_merged(struct git_merger *m, const struct git_call *c,
			   const struct proc_result *r,
			   struct git_merge_result *ret, struct error *e)
{
	struct git *g = m->mirror->git;

	if (r->exit_code > 1) {
		git_failure(g, c, r, e);
		if (g->corrupt || git_machine_trouble(r))
			return e->code;
	}
	str_puts(&ret->reason, "git cannot merge it: ");
	str_puts(&ret->reason, e->text);
	ret->end = GIT_MERGE_LEFT_OUT;
	return ERR_OK;
}

static enum err merge_trees(struct git_merger *m, const char *sha,
			    char ret_tree[GIT_SHA_LEN + 1],
			    struct git_merge_result *ret, struct error *e)
{
	CLEANUP(proc_result_release) struct proc_result r = GIT_RESULT_INIT;
	struct git_call merge = merge_call(
		m, GIT_ARGV("merge-tree", "--write-tree", "-z", "--name-only",
			    "--messages", m->tip, sha));

	if (git_run(m->mirror->git, &merge, &r, e)) {
		if (!git_overwhelmed(m->mirror->git, &r))
			return e->code;
		return not_merged(m, &merge, &r, ret, e);
	}
	if (r.exit_code > 1)
		return not_merged(m, &merge, &r, ret, e);
	if (!git_sha_ok(r.out.text))
		return error_set(e, ERR_RETRY, "git merge-tree: no tree");
	memcpy(ret_tree, r.out.text, GIT_SHA_LEN + 1);
	if (r.exit_code)
		read_conflict(&r.out, ret);
	return ERR_OK;
}

static enum err commit(struct git_merger *m, const char *tree, const char *sha,
		       const char *message, char ret[GIT_SHA_LEN + 1],
		       struct error *e)
{
	CLEANUP(proc_result_release) struct proc_result r = GIT_RESULT_INIT;
	CLEANUP(free) char *text = str_format("%s\n", message);
	int64_t ours, theirs;
	struct git_call make = {
		.argv = GIT_ARGV("commit-tree", tree, "-p", m->tip, "-p", sha),
		.git_dir = m->mirror->dir,
		.input = text,
	};

	if (!text)
		return error_set(e, ERR_RETRY, "out of memory");
	make.input_len = strlen(text);
	if (git_commit_date(m->mirror, m->tip, &ours, e) ||
	    git_commit_date(m->mirror, sha, &theirs, e))
		return e->code;
	make.date = ours > theirs ? ours : theirs;
	if (git_run_ok(m->mirror->git, &make, &r, e))
		return e->code;
	str_truncate(&r.out, strcspn(r.out.text, "\n"));
	if (!git_sha_ok(r.out.text))
		return error_set(e, ERR_RETRY, "git commit-tree: no commit");
	memcpy(ret, r.out.text, GIT_SHA_LEN + 1);
	return ERR_OK;
}

/* Moves the tip, unless the next merge could not read its attributes. */
static enum err advance(struct git_merger *m, const char *to,
			struct git_merge_result *ret, struct error *e)
{
	enum err code = git_attributes_lay(m, to, e);

	if (code == ERR_OK) {
		memcpy(m->tip, to, sizeof(m->tip));
		ret->end = GIT_MERGED;
		return ERR_OK;
	}
	if (code != ERR_INVALID)
		return code;
	str_puts(&ret->reason, "git refuses its ");
	str_puts(&ret->reason, e->text);
	ret->end = GIT_MERGE_LEFT_OUT;
	return git_attributes_lay(m, m->tip, e);
}

enum err git_merger_add(struct git_merger *m, const char *sha,
			const char *message, struct git_merge_result *ret,
			struct error *e)
{
	char base[GIT_SHA_LEN + 1], tree[GIT_SHA_LEN + 1];
	char to[GIT_SHA_LEN + 1];

	ret->end = GIT_MERGED;
	if (merge_base(m->mirror, m->tip, sha, base, e))
		return e->code;
	if (!base[0]) {
		str_puts(&ret->reason, "unrelated history: no common commit");
		ret->end = GIT_MERGE_LEFT_OUT;
		return ERR_OK;
	}
	if (strcmp(base, sha) == 0) {
		ret->end = GIT_MERGED_ALREADY;
		return ERR_OK;
	}
	if (merge_trees(m, sha, tree, ret, e))
		return e->code;
	if (ret->end == GIT_MERGE_LEFT_OUT)
		return ERR_OK;
	if (commit(m, tree, sha, message, to, e))
		return e->code;
	return advance(m, to, ret, e);
}

bool git_merger_clash(struct git_merger *m, const char *a, const char *b)
{
	CLEANUP(proc_result_release) struct proc_result r = GIT_RESULT_INIT;
	struct git_call merge = merge_call(
		m, GIT_ARGV("merge-tree", "--write-tree", "--no-messages", "-z",
			    "--name-only", a, b));
	struct error ignored;

	return git_run(m->mirror->git, &merge, &r, &ignored) == ERR_OK &&
	       r.exit_code == 1;
}
