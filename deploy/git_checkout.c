/*
 * The files of one commit, for a job.  git's own index code writes them: it
 * refuses ".git" and ".." in paths and never writes through a symbolic link
 * of the tree.  No filter is configured, so none runs; a submodule is an
 * empty folder; nothing in the result leads back to the mirror.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bot/base/cleanup.h"
#include "bot/base/fs.h"
#include "deploy/git_mirror.h"

/* A folder for the index, removed when the scope ends. */
static void scratch_free(char *path)
{
	struct error ignored;

	if (fs_remove_tree(path, &ignored))
		ignored.code = ERR_OK; /* swept when it is old */
	free(path);
}
DEFINE_CLEANUP(char *, scratch_free)

static enum err write_files(struct git_mirror *m, const char *sha,
			    const char *dir, const char *index, struct error *e)
{
	CLEANUP(proc_result_release) struct proc_result r = GIT_RESULT_INIT;
	struct git_call read_tree = {
		.argv = GIT_ARGV("read-tree", sha),
		.git_dir = m->dir,
		.work_tree = dir,
		.index = index,
	};
	struct git_call check_out = {
		.argv = GIT_ARGV("checkout-index", "--all", "--quiet",
				 "--force"),
		.git_dir = m->dir,
		.work_tree = dir,
		.index = index,
	};

	if (git_run_ok(m->git, &read_tree, &r, e))
		return e->code;
	return git_run_ok(m->git, &check_out, &r, e);
}

static enum err attempt(struct git_mirror *m, const char *sha, const char *dir,
			const char *index, struct error *e)
{
	if (git_mirror_need(m, sha, e))
		return e->code;
	return write_files(m, sha, dir, index, e);
}

/* A damaged mirror is made anew, once; what is checked out was pushed. */
static enum err fill(struct git_mirror *m, const char *sha, const char *dir,
		     const char *index, struct error *e)
{
	enum err code = attempt(m, sha, dir, index, e);

	if (!code || !m->git->corrupt)
		return code;
	if (git_mirror_renew(m, e))
		return e->code;
	return attempt(m, sha, dir, index, e);
}

/* mkdtemp() takes no NULL, and NULL must not be freed as a folder. */
static char *scratch_new(const struct git_mirror *m)
{
	char *path = str_format("%s.new-XXXXXX", m->dir);

	if (path && mkdtemp(path))
		return path;
	free(path);
	return NULL;
}

enum err git_checkout(const struct git_settings *settings, const char *repo,
		      const char *sha, const char *dir, struct error *e)
{
	CLEANUP(git_mirror_release) struct git_mirror m = {0};
	CLEANUP(scratch_free) char *scratch = NULL;
	CLEANUP(free) char *index = NULL;
	struct git g = {.settings = settings};
	struct error ignored;

	if (!git_sha_ok(sha))
		return error_set(e, ERR_INVALID, "not a commit");
	if (git_mirror_open(&g, repo, &m, e))
		return error_prefix(e, "checkout");
	scratch = scratch_new(&m);
	index = scratch ? str_format("%s/index", scratch) : NULL;
	if (!index)
		return error_errno(e, ERR_RETRY, "checkout: no scratch folder");
	if (mkdir(dir, 0755))
		return error_errno(e,
				   errno == EEXIST ? ERR_CONFLICT : ERR_RETRY,
				   "checkout: cannot make %s", dir);
	if (fill(&m, sha, dir, index, e) == ERR_OK)
		return ERR_OK;
	if (fs_remove_tree(dir, &ignored))
		return error_prefix(e, "checkout, left in pieces");
	return error_prefix(e, "checkout");
}
