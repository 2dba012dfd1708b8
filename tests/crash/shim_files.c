/* What the bot does to files and sockets; see shim.c. */
#include "tests/crash/shim.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* --- writing --- */

/* How much of len is written by a call that goes wrong. */
static size_t half(size_t len)
{
	return shim_happens() && len > 1 ? len / 2 : len;
}

static ssize_t end_write(bool wrong, ssize_t rc)
{
	if (wrong)
		shim_after();
	return rc;
}

ssize_t write(int fd, const void *data, size_t len)
{
	bool wrong = wrong_fd(POINT_WRITE, "write", fd);

	if (wrong && !shim_happens())
		return shim_fail();
	return end_write(wrong,
			 syscall(SYS_write, fd, data, wrong ? half(len) : len));
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
	bool wrong = wrong_fd(POINT_WRITE, "pwrite64", fd);

	if (wrong && !shim_happens())
		return shim_fail();
	return end_write(wrong, syscall(SYS_pwrite64, fd, data,
					wrong ? half(len) : len, at));
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
	return pwrite64(fd, data, len, at);
}

ssize_t send(int fd, const void *data, size_t len, int flags)
{
	bool wrong = wrong_fd(POINT_WRITE, "send", fd);

	if (wrong && !shim_happens())
		return shim_fail();
	return end_write(wrong,
			 syscall(SYS_sendto, fd, data, wrong ? half(len) : len,
				 flags, NULL, 0));
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	CALL(wrong_fd(POINT_WRITE, "sendmsg", fd), SYS_sendmsg, fd, m, flags);
}

static int sync_file(const char *call, long number, int fd)
{
	int rc;

	if (wrong_fd(POINT_FILE, call, fd))
		return shim_fail();
	rc = (int)syscall(number, fd);
	if (!rc)
		ledger_note(fd);
	return rc;
}

int fsync(int fd)
{
	return sync_file("fsync", SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return sync_file("fdatasync", SYS_fdatasync, fd);
}

int ftruncate64(int fd, off64_t len)
{
	CALL(wrong_fd(POINT_FILE, "ftruncate64", fd), SYS_ftruncate, fd, len);
}

/* --- names --- */

int rename(const char *from, const char *to)
{
	CALL(wrong_path("rename", from), SYS_rename, from, to);
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to,
	      unsigned flags)
{
	CALL(wrong_at("renameat2", from_fd, from), SYS_renameat2, from_fd, from,
	     to_fd, to, flags);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	CALL(wrong_at("renameat", from_fd, from), SYS_renameat2, from_fd, from,
	     to_fd, to, 0);
}

int unlink(const char *path)
{
	CALL(wrong_path("unlink", path), SYS_unlink, path);
}

int unlinkat(int fd, const char *name, int flags)
{
	CALL(wrong_at("unlinkat", fd, name), SYS_unlinkat, fd, name, flags);
}

int mkdir(const char *path, mode_t mode)
{
	CALL(wrong_path("mkdir", path), SYS_mkdir, path, mode);
}

int rmdir(const char *path)
{
	CALL(wrong_path("rmdir", path), SYS_rmdir, path);
}

/* --- descriptors --- */

static bool wrong_open(const char *call, int fd, const char *path, int flags)
{
	if ((flags & O_CREAT) && wrong_at(call, fd, path))
		return true;
	return wrong_call(POINT_OPEN, call, path);
}

static int open_with(const char *call, int fd, const char *path, int flags,
		     mode_t mode)
{
	CALL(wrong_open(call, fd, path, flags), SYS_openat, fd, path, flags,
	     mode);
}

#define MODE_OF(last)                                                          \
	__extension__({                                                        \
		va_list args;                                                  \
		mode_t mode = 0;                                               \
                                                                               \
		va_start(args, last);                                          \
		if ((last) & (O_CREAT | __O_TMPFILE))                          \
			mode = va_arg(args, mode_t);                           \
		va_end(args);                                                  \
		mode;                                                          \
	})

int open(const char *path, int flags, ...)
{
	return open_with("open", AT_FDCWD, path, flags, MODE_OF(flags));
}

int open64(const char *path, int flags, ...)
{
	return open_with("open64", AT_FDCWD, path, flags, MODE_OF(flags));
}

int openat(int fd, const char *path, int flags, ...)
{
	return open_with("openat", fd, path, flags, MODE_OF(flags));
}

static bool wrong_taking(const char *call)
{
	return wrong_call(POINT_OPEN, call, "");
}

int accept4(int fd, struct sockaddr *from, socklen_t *len, int flags)
{
	CALL(wrong_taking("accept4"), SYS_accept4, fd, from, len, flags);
}

int socket(int domain, int type, int protocol)
{
	CALL(wrong_taking("socket"), SYS_socket, domain, type, protocol);
}

int socketpair(int domain, int type, int protocol, int ret[2])
{
	CALL(wrong_taking("socketpair"), SYS_socketpair, domain, type, protocol,
	     ret);
}

int pipe2(int ret[2], int flags)
{
	CALL(wrong_taking("pipe2"), SYS_pipe2, ret, flags);
}

int eventfd(unsigned count, int flags)
{
	CALL(wrong_taking("eventfd"), SYS_eventfd2, count, flags);
}
