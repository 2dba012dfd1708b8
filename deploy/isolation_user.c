/*
 * Isolation by another user, with the view of deploy/isolation.h made by
 * hand: root needs no help for that.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bot/base/fs.h"
#include "deploy/isolation.h"
#include "deploy/job.h"

enum err isolation_find_user(const char *name, struct isolation_user *ret,
			     struct error *e)
{
	char buf[16384];
	struct passwd pw, *found = NULL;

	if (geteuid() != 0)
		return error_set(e, ERR_INVALID,
				 "user:%s: only root can change the user",
				 name);
	if (getpwnam_r(name, &pw, buf, sizeof(buf), &found) || !found)
		return error_set(e, ERR_INVALID, "there is no user %s", name);
	if (pw.pw_uid == 0)
		return error_set(e, ERR_INVALID,
				 "user:%s is root: no isolation", name);
	ret->uid = pw.pw_uid;
	ret->gid = pw.pw_gid;
	ret->count = ISOLATION_GROUPS;
	if (getgrouplist(name, pw.pw_gid, ret->groups, &ret->count) < 0)
		return error_set(e, ERR_INVALID, "%s is in too many groups",
				 name);
	return ERR_OK;
}

/* nftw() has no argument; the supervisor has one thread and one job. */
static const struct isolation_user *new_owner;

static int give_one(const char *path, const struct stat *st UNUSED,
		    int type UNUSED, struct FTW *ftw UNUSED)
{
	return lchown(path, new_owner->uid, new_owner->gid);
}

static enum err give_tree(const char *dir, const char *name,
			  const struct isolation_user *user, struct error *e)
{
	CLEANUP(free) char *path = str_format("%s/%s", dir, name);

	if (!path)
		return error_set(e, ERR_FATAL, "out of memory");
	new_owner = user;
	if (nftw(path, give_one, 32, FTW_PHYS))
		return error_errno(e, ERR_FATAL, "cannot give away %s", path);
	return ERR_OK;
}

enum err isolation_give(const struct isolation_view *view,
			const struct isolation_user *user, struct error *e)
{
	if (give_tree(view->dir, JOB_WORK, user, e))
		return e->code;
	return give_tree(view->dir, JOB_TMP, user, e);
}

/* Mounts what fd stands for on dir/name, in a tmpfs that is still empty. */
static enum err bring_back(const char *dir, const char *name, int fd,
			   bool is_folder, struct error *e)
{
	CLEANUP(free) char *to = str_format("%s/%s", dir, name);
	char from[40];
	struct stat st;

	snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
	if (!to || fs_mkdirs(is_folder ? to : dir, 0755, e))
		return ERR_FATAL;
	if (!is_folder && stat(to, &st)) {
		CLEANUP(fd_close)
		int made = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0444);
		if (made < 0)
			return error_errno(e, ERR_FATAL, "cannot make %s", to);
	}
	if (mount(from, to, NULL, MS_BIND, NULL))
		return error_errno(e, ERR_FATAL, "cannot mount %s", to);
	if (!is_folder &&
	    mount(NULL, to, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL))
		return error_errno(e, ERR_FATAL, "cannot mount %s", to);
	return ERR_OK;
}

static enum err hide_folders(const struct isolation_view *view, bool finish,
			     struct error *e)
{
	size_t i;
	json_t *v;

	json_array_foreach (view->hide, i, v) {
		const char *folder = json_string_value(v);
		int rc = finish ? mount(NULL, folder, NULL,
					MS_REMOUNT | MS_BIND | MS_RDONLY |
						MS_NOSUID | MS_NODEV,
					NULL)
				: mount("tmpfs", folder, "tmpfs",
					MS_NOSUID | MS_NODEV,
					"size=1m,mode=0755");

		if (rc)
			return error_errno(e, ERR_FATAL, "cannot hide %s",
					   folder);
	}
	return ERR_OK;
}

static enum err hide_files(const struct isolation_view *view, struct error *e)
{
	char path[PATH_MAX];
	size_t i;
	json_t *v;

	json_array_foreach (view->files, i, v) {
		const char *file = json_string_value(v);

		if (file && realpath(file, path) &&
		    mount("/dev/null", path, NULL, MS_BIND, NULL))
			return error_errno(e, ERR_FATAL, "cannot hide %s",
					   path);
	}
	return ERR_OK;
}

static int open_part(const struct isolation_view *view, const char *name)
{
	CLEANUP(free) char *path = str_format("%s/%s", view->dir, name);

	return path ? open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW) : -1;
}

static enum err make_view(const struct isolation_view *view, struct error *e)
{
	CLEANUP(fd_close) int work = open_part(view, JOB_WORK);
	CLEANUP(fd_close) int tmp = open_part(view, JOB_TMP);
	CLEANUP(fd_close) int manifest = open_part(view, JOB_MANIFEST);

	if (work < 0 || tmp < 0 || manifest < 0)
		return error_errno(e, ERR_FATAL, "cannot open %s", view->dir);
	if (hide_files(view, e) || hide_folders(view, false, e) ||
	    bring_back(view->dir, JOB_WORK, work, true, e) ||
	    bring_back(view->dir, JOB_TMP, tmp, true, e) ||
	    bring_back(view->dir, JOB_MANIFEST, manifest, false, e))
		return e->code;
	return hide_folders(view, true, e);
}

enum err isolation_mount(const struct isolation_view *view, bool namespaced,
			 struct error *e)
{
	if (unshare(CLONE_NEWNS))
		return error_errno(e, ERR_REFUSED, "no mount namespace");
	umask(022);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return error_errno(e, ERR_FATAL, "cannot change the mounts");
	if (make_view(view, e))
		return e->code;
	if (namespaced && mount("proc", "/proc", "proc",
				MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		return error_errno(e, ERR_FATAL, "cannot mount /proc");
	return ERR_OK;
}

bool isolation_become(const struct isolation_user *user)
{
	return setgroups((size_t)user->count, user->groups) == 0 &&
	       setresgid(user->gid, user->gid, user->gid) == 0 &&
	       setresuid(user->uid, user->uid, user->uid) == 0 &&
	       setuid(0) != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}
