/*
 * Is a tree one that git and the disk can cope with?  A few kilobytes of
 * objects can stand for more files than any disk holds, as one tree may be
 * named again and again, and neither a diff nor a checkout of such a thing
 * ever ends.
 */
#include <stdlib.h>
#include <string.h>

#include "deploy/git_merge.h"

/* A component, on every usual file system. */
#define NAME_BYTES_MAX 255
/* Leaves room for state_dir in front. */
#define PATH_BYTES_MAX 3000

static bool name_fits(const char *path)
{
	if (strlen(path) > PATH_BYTES_MAX)
		return false;
	for (size_t n; *path; path += n + (path[n] == '/')) {
		n = strcspn(path, "/");
		if (n > NAME_BYTES_MAX)
			return false;
	}
	return true;
}

/* Fields "SIZE TAB PATH", each ended by NUL; a submodule's SIZE is "-". */
static enum err add_up(const struct str *list, struct error *e)
{
	uint64_t bytes = 0;

	for (const char *p = list->text; p < list->text + list->len;
	     p += strlen(p) + 1) {
		const char *tab = strchr(p, '\t');

		bytes += strtoull(p, NULL, 10);
		if (bytes > LIMIT_GIT_TREE_BYTES)
			return error_set(e, ERR_INVALID,
					 "its files have more than %llu MiB",
					 LIMIT_GIT_TREE_BYTES >> 20);
		if (!tab || !name_fits(tab + 1))
			return error_set(e, ERR_INVALID,
					 "it has a file whose name is too long "
					 "for the disk");
	}
	return ERR_OK;
}

enum err git_weigh(struct git_mirror *m, const char *sha, struct error *e)
{
	CLEANUP(proc_result_release) struct proc_result r = GIT_RESULT_INIT;
	struct git_call list = {
		.argv = GIT_ARGV("ls-tree", "-r", "-z", "--full-tree",
				 "--format=%(objectsize)%x09%(path)",
				 "--end-of-options", sha),
		.git_dir = m->dir,
		.timeout_ms = LIMIT_GIT_MERGE_MS,
		.stop_when_full = true,
	};

	if (git_run(m->git, &list, &r, e)) {
		if (!git_overwhelmed(m->git, &r))
			return e->code;
		return error_set(e, ERR_INVALID,
				 "it has too many files, or too deep folders");
	}
	if (r.exit_code)
		return git_failure(m->git, &list, &r, e);
	return add_up(&r.out, e);
}
