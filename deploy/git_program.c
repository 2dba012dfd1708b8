/*
 * Is there a program at a path of a commit?  Tells a batch that lost its
 * build script from a recipe that names one which never was.
 */
#include <string.h>

#include "deploy/git_mirror.h"

enum err git_has_program(const struct git_settings *settings, const char *repo,
			 const char *sha, const char *path, bool *ret,
			 struct error *e)
{
	CLEANUP(git_mirror_release) struct git_mirror m = {0};
	CLEANUP(proc_result_release) struct proc_result r = GIT_RESULT_INIT;
	struct git g = {.settings = settings};
	struct git_call list = {
		.argv = GIT_ARGV("--literal-pathspecs", "ls-tree", "-z",
				 "--full-tree", sha, "--", path),
	};

	*ret = false;
	if (!git_sha_ok(sha))
		return error_set(e, ERR_INVALID, "not a commit");
	if (git_mirror_open(&g, repo, &m, e))
		return e->code;
	list.git_dir = m.dir;
	if (git_run_ok(&g, &list, &r, e))
		return e->code;
	/* A symbolic link may lead to one: the benefit of the doubt. */
	*ret = str_starts(r.out.text, "100755 ") ||
	       str_starts(r.out.text, "120000 ");
	return ERR_OK;
}
