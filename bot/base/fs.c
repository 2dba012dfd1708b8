#include "bot/base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bot/base/cleanup.h"

enum err fs_read(const char *path, struct str *out, struct error *e)
{
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char buf[16384];
	ssize_t n;

	if (fd < 0)
		return error_errno(e, errno == ENOENT ? ERR_MISSING : ERR_FATAL,
				   "cannot open %s", path);
	/* Past the ceiling there is nothing to gain, and it may be endless. */
	while (!out->failed && (n = read(fd, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(e, ERR_FATAL, "cannot read %s",
					   path);
		str_add(out, buf, (size_t)n);
	}
	if (str_check(out, e))
		return error_prefix(e, "%s", path);
	return ERR_OK;
}

static enum err write_all(int fd, const char *data, size_t len, struct error *e)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(e, ERR_FATAL, "cannot write");
		data += n;
		len -= (size_t)n;
	}
	return ERR_OK;
}

enum err fs_sync_folder_of(const char *path, struct error *e)
{
	CLEANUP(free) char *folder = strdup(path);
	char *slash = folder ? strrchr(folder, '/') : NULL;

	if (!folder)
		return error_set(e, ERR_FATAL, "out of memory");
	if (slash)
		slash[slash == folder] = '\0';
	CLEANUP(fd_close)
	int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		return error_errno(e, ERR_FATAL, "cannot sync the folder of %s",
				   path);
	return ERR_OK;
}

static enum err write_temp(const char *temp, const char *data, size_t len,
			   mode_t mode, struct error *e)
{
	CLEANUP(fd_close)
	int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0)
		return error_errno(e, ERR_FATAL, "cannot create %s", temp);
	if (write_all(fd, data, len, e))
		return error_prefix(e, "%s", temp);
	if (fsync(fd))
		return error_errno(e, ERR_FATAL, "cannot sync %s", temp);
	return ERR_OK;
}

enum err fs_write(const char *path, const char *data, size_t len, mode_t mode,
		  struct error *e)
{
	CLEANUP(free) char *temp = str_format("%s.new", path);

	if (!temp)
		return error_set(e, ERR_FATAL, "out of memory");
	/* What a crash left may have another mode, or be a link. */
	unlink(temp);
	if (write_temp(temp, data, len, mode, e)) {
		unlink(temp);
		return e->code;
	}
	if (rename(temp, path)) {
		error_errno(e, ERR_FATAL, "cannot rename to %s", path);
		unlink(temp);
		return e->code;
	}
	return fs_sync_folder_of(path, e);
}

static enum err make_folder(const char *path, mode_t mode, struct error *e)
{
	struct stat st;

	if (!mkdir(path, mode))
		return ERR_OK;
	if (errno == EEXIST) {
		if (!stat(path, &st) && S_ISDIR(st.st_mode))
			return ERR_OK;
		errno = ENOTDIR;
	}
	return error_errno(e, ERR_FATAL, "cannot make %s", path);
}

enum err fs_mkdirs(const char *path, mode_t mode, struct error *e)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

	if (!len || len >= sizeof(part))
		return error_set(e, ERR_INVALID, "path too long or empty");
	memcpy(part, path, len + 1);
	for (char *p = part + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (make_folder(part, mode, e))
			return e->code;
		*p = '/';
	}
	return make_folder(part, mode, e);
}

/*
 * Removing a tree that somebody else made, who may still be at it.  Every
 * step goes through a descriptor of a folder that was opened without
 * following links.  What lies deeper than REMOVE_DEPTH is first moved up to
 * the top, so that neither stack nor descriptors run out.
 */
#define REMOVE_DEPTH 32
#define REMOVE_PASSES 10000

struct removal {
	int top;
	unsigned moved; /* counts the names given at the top */
};

static int remove_in(struct removal *r, int folder, int depth);

/* Opens a subfolder, giving ourselves the right to when it lacks. */
static int open_folder(int folder, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(folder, name, flags);

	/* AT_SYMLINK_NOFOLLOW is not to be had for chmod; O_PATH is. */
	if (fd < 0 && errno == EACCES) {
		CLEANUP(fd_close)
		int at = openat(folder, name, flags | O_PATH);
		char self[64];

		snprintf(self, sizeof(self), "/proc/self/fd/%d", at);
		if (at < 0 || chmod(self, 0700))
			return -1;
		fd = openat(folder, name, flags);
	}
	return fd;
}

static int move_up(struct removal *r, int folder, const char *name)
{
	char up[32];

	do {
		snprintf(up, sizeof(up), "deep-%u", r->moved++);
		if (!renameat2(folder, name, r->top, up, RENAME_NOREPLACE))
			return 0;
	} while (errno == EEXIST);
	return -1;
}

static int remove_folder(struct removal *r, int folder, const char *name,
			 int depth)
{
	CLEANUP(fd_close) int fd = -1;

	if (!unlinkat(folder, name, AT_REMOVEDIR))
		return 0;
	if (depth >= REMOVE_DEPTH)
		return move_up(r, folder, name);
	fd = open_folder(folder, name);
	if (fd < 0 || remove_in(r, fd, depth + 1))
		return -1;
	return unlinkat(folder, name, AT_REMOVEDIR);
}

static int remove_entry(struct removal *r, int folder, const char *name,
			int depth)
{
	struct stat st;
	int rc;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW))
		rc = -1;
	else if (S_ISDIR(st.st_mode))
		rc = remove_folder(r, folder, name, depth);
	else
		rc = unlinkat(folder, name, 0);
	return rc && errno != ENOENT ? -1 : 0;
}

/* One pass over a folder; *ret_any tells whether it held anything. */
static int remove_pass(struct removal *r, int folder, int depth, bool *ret_any)
{
	/* "." and not dup(): a copy would share the place in the listing. */
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	DIR *dir;
	int rc = 0;

	if (fd < 0)
		return -1;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -1;
	}
	*ret_any = false;
	while (!rc && (entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		*ret_any = true;
		rc = remove_entry(r, folder, entry->d_name, depth);
	}
	closedir(dir);
	return rc;
}

static int remove_in(struct removal *r, int folder, int depth)
{
	struct stat st;
	bool any = true;

	if (fstat(folder, &st))
		return -1;
	if ((st.st_mode & 0700) != 0700)
		fchmod(folder, 0700);
	/*
	 * Again until it is empty, as entries may have been moved up to here;
	 * but somebody who keeps filling it does not hold us for ever.
	 */
	for (int pass = 0; any && pass < REMOVE_PASSES; pass++)
		if (remove_pass(r, folder, depth, &any))
			return -1;
	return 0;
}

enum err fs_remove_tree(const char *path, struct error *e)
{
	CLEANUP(fd_close) int fd = -1;
	struct removal r = {0};
	struct stat st;

	if (lstat(path, &st)) {
		if (errno == ENOENT)
			return ERR_OK;
		return error_errno(e, ERR_FATAL, "cannot look at %s", path);
	}
	if (!S_ISDIR(st.st_mode)) {
		if (unlink(path))
			return error_errno(e, ERR_FATAL, "cannot remove %s",
					   path);
		return ERR_OK;
	}
	fd = open_folder(AT_FDCWD, path);
	r.top = fd;
	if (fd < 0 || remove_in(&r, fd, 0) || rmdir(path))
		return error_errno(e, ERR_FATAL, "cannot remove %s", path);
	return ERR_OK;
}

enum err fs_lock(const char *path, int *ret_fd, struct error *e)
{
	CLEANUP(fd_close)
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_errno(e, ERR_FATAL, "cannot open %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB))
		return error_errno(
			e, errno == EWOULDBLOCK ? ERR_CONFLICT : ERR_FATAL,
			"cannot lock %s", path);
	*ret_fd = fd;
	fd = -1;
	return ERR_OK;
}
