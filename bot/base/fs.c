#include "bot/base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
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
	while ((n = read(fd, buf, sizeof(buf))) != 0) {
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

static enum err sync_folder_of(const char *path, struct error *e)
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

enum err fs_write(const char *path, const char *data, size_t len, mode_t mode,
		  struct error *e)
{
	CLEANUP(free) char *temp = str_format("%s.new", path);

	if (!temp)
		return error_set(e, ERR_FATAL, "out of memory");
	CLEANUP(fd_close)
	int fd = open(temp,
		      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		      mode);
	if (fd < 0)
		return error_errno(e, ERR_FATAL, "cannot create %s", temp);
	if (write_all(fd, data, len, e))
		return error_prefix(e, "%s", temp);
	if (fsync(fd))
		return error_errno(e, ERR_FATAL, "cannot sync %s", temp);
	if (rename(temp, path))
		return error_errno(e, ERR_FATAL, "cannot rename to %s", path);
	return sync_folder_of(path, e);
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
		if (mkdir(part, mode) && errno != EEXIST)
			return error_errno(e, ERR_FATAL, "cannot make %s",
					   part);
		*p = '/';
	}
	if (mkdir(part, mode) && errno != EEXIST)
		return error_errno(e, ERR_FATAL, "cannot make %s", part);
	return ERR_OK;
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw UNUSED)
{
	/* A build may leave folders without the right to empty them. */
	if (type == FTW_DNR)
		chmod(path, 0700);
	if (S_ISDIR(st->st_mode))
		return rmdir(path);
	return unlink(path);
}

static int open_up(const char *path, const struct stat *st, int type UNUSED,
		   struct FTW *ftw UNUSED)
{
	if (S_ISDIR(st->st_mode) && (st->st_mode & 0700) != 0700)
		chmod(path, 0700);
	return 0;
}

enum err fs_remove_tree(const char *path, struct error *e)
{
	struct stat st;

	if (lstat(path, &st)) {
		if (errno == ENOENT)
			return ERR_OK;
		return error_errno(e, ERR_FATAL, "cannot look at %s", path);
	}
	nftw(path, open_up, 32, FTW_PHYS);
	if (nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS))
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
