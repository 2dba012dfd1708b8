/*
 * Folders of jobs that ended long ago.  What they told is in the store; their
 * logs are for looking closer, and not for ever.
 */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "bot/base/cleanup.h"
#include "bot/base/fs.h"
#include "deploy/job.h"
#include "deploy/local.h"

static void close_folder(DIR *d)
{
	closedir(d);
}
DEFINE_CLEANUP(DIR *, close_folder)

void local_prune(const struct local *l, int64_t before_ms)
{
	CLEANUP(close_folder) DIR *d = opendir(l->dir);
	struct dirent *entry;

	while (d && (entry = readdir(d)) != NULL) {
		CLEANUP(free) char *dir = NULL;
		CLEANUP(free) char *end = NULL;
		struct error ignored = ERROR_INIT;
		struct stat st;

		if (!local_key_valid(entry->d_name))
			continue;
		dir = str_format("%s/%s", l->dir, entry->d_name);
		end = dir ? str_format("%s/" JOB_EXIT, dir) : NULL;
		/* Without an exit record it may still run. */
		if (!end || lstat(end, &st) ||
		    (int64_t)st.st_mtim.tv_sec * 1000 >= before_ms)
			continue;
		/* Also one of today is old when the clock jumps. */
		if (l->wanted(l->ctx, entry->d_name))
			continue;
		if (fs_remove_tree(dir, &ignored))
			continue; /* the next time, perhaps */
	}
}
