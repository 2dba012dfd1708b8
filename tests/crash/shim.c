/*
 * Loaded into the bot by LD_PRELOAD: counts the calls by which it changes
 * something outside of itself, over all threads, and lets the one that
 * fault.h names go wrong.  strace could inject the same, but it counts for
 * each thread by itself, cannot write the half of something, and needs the
 * right to trace.
 *
 * It works in front of the sanitizers' runtime: calls that change something
 * go straight to the kernel, allocations to the sanitizer's own functions.
 * Children do not have it: the variables are taken away at once, and a fork
 * is seen by its number.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "tests/crash/fault.h"

#define FULL_PATH 512

static struct fault_block *block; /* NULL: nothing is to go wrong here */
static long self;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv(FAULT_ENV);
	int fd;
	void *at;

	unsetenv("LD_PRELOAD");
	unsetenv(FAULT_ENV);
	if (!path)
		return;
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	at = mmap(NULL, FAULT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	syscall(SYS_close, fd);
	if (at == MAP_FAILED)
		return;
	self = syscall(SYS_getpid);
	block = at;
}

/* --- deciding --- */

static int64_t mono_ms(void)
{
	struct timespec t;

	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void die(void)
{
	syscall(SYS_kill, self, SIGKILL);
	for (;;)
		syscall(SYS_pause);
}

static void note(const char *call, const char *what)
{
	char *to = block->met, *end = to + sizeof(block->met) - 1;

	/* No stdio here: this may be inside of malloc(). */
	while (*call && to < end)
		*to++ = *call++;
	if (to < end)
		*to++ = ' ';
	while (*what && to < end)
		*to++ = *what++;
	*to = '\0';
}

static bool is_ours(void)
{
	return block && syscall(SYS_getpid) == self;
}

/* Does this call go wrong?  Counts it. */
static bool goes_wrong(enum points kind, const char *call, const char *what)
{
	long long zero = 0;
	int64_t n;

	atomic_fetch_add(&block->of_kind[__builtin_ctz(kind)], 1);
	if (!(block->points & kind))
		return false;
	n = atomic_fetch_add(&block->count, 1) + 1;
	if (block->what == FAULT_NONE || n < block->at)
		return false;
	if (n == block->at)
		atomic_compare_exchange_strong(&block->until_ms, &zero,
					       mono_ms() + block->for_ms);
	else if (mono_ms() >= atomic_load(&block->until_ms))
		return false;
	if (atomic_fetch_add(&block->hits, 1) == 0)
		note(call, what);
	return true;
}

static bool path_of(int fd, char path[FULL_PATH])
{
	char link[64] = "/proc/self/fd/";
	char digits[16];
	size_t n = 0, at = strlen(link);
	long len;

	do
		digits[n++] = (char)('0' + fd % 10);
	while ((fd /= 10) > 0);
	while (n)
		link[at++] = digits[--n];
	link[at] = '\0';
	len = syscall(SYS_readlink, link, path, FULL_PATH - 1);
	if (len <= 0)
		return false;
	path[len] = '\0';
	return true;
}

static bool is_inside(const char *path)
{
	return strncmp(path, block->dir, strlen(block->dir)) == 0;
}

static bool wrong_path(const char *call, const char *path)
{
	return is_ours() && path && is_inside(path) &&
	       goes_wrong(POINT_FILE, call, path);
}

static bool wrong_at(const char *call, int folder, const char *name)
{
	char path[FULL_PATH];

	if (!is_ours() || !name)
		return false;
	if (*name == '/')
		return wrong_path(call, name);
	return folder >= 0 && path_of(folder, path) && is_inside(path) &&
	       goes_wrong(POINT_FILE, call, path);
}

static bool is_internet(int fd)
{
	int domain = 0;
	socklen_t len = sizeof(domain);

	return syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &domain,
		       &len) == 0 &&
	       (domain == AF_INET || domain == AF_INET6);
}

static bool wrong_fd(const char *call, int fd)
{
	char path[FULL_PATH];
	struct stat st;

	if (!is_ours() || fd <= 2 || fstat(fd, &st))
		return false;
	if (S_ISSOCK(st.st_mode))
		return is_internet(fd) &&
		       goes_wrong(POINT_SOCKET, call, "a socket");
	return S_ISREG(st.st_mode) && path_of(fd, path) && is_inside(path) &&
	       goes_wrong(POINT_FILE, call, path);
}

/* What a call that goes wrong returns; it may never. */
static int fail(void)
{
	static const int errnos[] = {
		[FAULT_EIO] = EIO,
		[FAULT_FULL] = ENOSPC,
		[FAULT_FILES] = EMFILE,
		[FAULT_ALLOC] = ENOMEM,
	};

	if (block->what == FAULT_KILL)
		die();
	errno = errnos[block->what];
	return -1;
}

/* A call without a half: torn, it happens and then the process dies. */
static bool happens(void)
{
	return block->what == FAULT_TEAR || block->what == FAULT_SHORT;
}

#define CALL(wrong, number, ...)                                               \
	do {                                                                   \
		bool is_wrong = wrong;                                         \
		long rc;                                                       \
                                                                               \
		if (is_wrong && !happens())                                    \
			return fail();                                         \
		rc = syscall(number, __VA_ARGS__);                             \
		if (is_wrong && block->what == FAULT_TEAR)                     \
			die();                                                 \
		return (int)rc;                                                \
	} while (0)

/* --- writing --- */

/* How much of len is written by a call that goes wrong. */
static size_t half(size_t len)
{
	return happens() && len > 1 ? len / 2 : len;
}

static ssize_t end_write(bool wrong, ssize_t rc)
{
	if (wrong && block->what == FAULT_TEAR)
		die();
	return rc;
}

ssize_t write(int fd, const void *data, size_t len)
{
	bool wrong = wrong_fd("write", fd);

	if (wrong && !happens())
		return fail();
	return end_write(wrong,
			 syscall(SYS_write, fd, data, wrong ? half(len) : len));
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
	bool wrong = wrong_fd("pwrite64", fd);

	if (wrong && !happens())
		return fail();
	return end_write(wrong, syscall(SYS_pwrite64, fd, data,
					wrong ? half(len) : len, at));
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
	return pwrite64(fd, data, len, at);
}

ssize_t send(int fd, const void *data, size_t len, int flags)
{
	bool wrong = wrong_fd("send", fd);

	if (wrong && !happens())
		return fail();
	return end_write(wrong,
			 syscall(SYS_sendto, fd, data, wrong ? half(len) : len,
				 flags, NULL, 0));
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	CALL(wrong_fd("sendmsg", fd), SYS_sendmsg, fd, m, flags);
}

int fsync(int fd)
{
	CALL(wrong_fd("fsync", fd), SYS_fsync, fd);
}

int fdatasync(int fd)
{
	CALL(wrong_fd("fdatasync", fd), SYS_fdatasync, fd);
}

int ftruncate64(int fd, off64_t len)
{
	CALL(wrong_fd("ftruncate64", fd), SYS_ftruncate, fd, len);
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
	return is_ours() && goes_wrong(POINT_OPEN, call, path);
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
	return is_ours() && goes_wrong(POINT_OPEN, call, "");
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

/* --- children --- */

static void *next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

static bool wrong_child(const char *call, const char *what)
{
	return is_ours() && goes_wrong(POINT_CHILD, call, what);
}

/* The parent dies before it knows its child, or right after. */
static void end_child(bool wrong)
{
	if (wrong && block->what == FAULT_TEAR && syscall(SYS_getpid) == self)
		die();
}

pid_t fork(void)
{
	pid_t (*real)(void) = (pid_t(*)(void))(uintptr_t)next("fork");
	bool wrong = wrong_child("fork", "");
	pid_t ret;

	if (wrong && !happens())
		return fail();
	ret = real();
	end_child(wrong);
	return ret;
}

typedef int spawn_fn(pid_t *pid, const char *path,
		     const posix_spawn_file_actions_t *actions,
		     const posix_spawnattr_t *attr, char *const argv[],
		     char *const env[]);

static int spawn_with(const char *call, pid_t *pid, const char *path,
		      const posix_spawn_file_actions_t *actions,
		      const posix_spawnattr_t *attr, char *const argv[],
		      char *const env[])
{
	spawn_fn *real = (spawn_fn *)(uintptr_t)next(call);
	bool wrong = wrong_child(call, path);
	int rc;

	if (wrong && !happens()) {
		fail();
		return errno;
	}
	rc = real(pid, path, actions, attr, argv, env);
	end_child(wrong);
	return rc;
}

int posix_spawn(pid_t *pid, const char *path,
		const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *attr, char *const argv[],
		char *const env[])
{
	return spawn_with("posix_spawn", pid, path, actions, attr, argv, env);
}

int posix_spawnp(pid_t *pid, const char *path,
		 const posix_spawn_file_actions_t *actions,
		 const posix_spawnattr_t *attr, char *const argv[],
		 char *const env[])
{
	return spawn_with("posix_spawnp", pid, path, actions, attr, argv, env);
}

/* --- memory --- */

/* The sanitizer's own, where there is one. */
extern void *__interceptor_malloc(size_t) __attribute__((weak));
extern void *__interceptor_calloc(size_t, size_t) __attribute__((weak));
extern void *__interceptor_realloc(void *, size_t) __attribute__((weak));
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);

static bool no_memory(const char *call)
{
	if (!is_ours() || !goes_wrong(POINT_ALLOC, call, ""))
		return false;
	fail();
	return true;
}

void *malloc(size_t n)
{
	if (no_memory("malloc"))
		return NULL;
	return __interceptor_malloc ? __interceptor_malloc(n)
				    : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	if (no_memory("calloc"))
		return NULL;
	return __interceptor_calloc ? __interceptor_calloc(n, size)
				    : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	if (no_memory("realloc"))
		return NULL;
	return __interceptor_realloc ? __interceptor_realloc(p, n)
				     : __libc_realloc(p, n);
}

/* --- time --- */

/* The wall clock only; what the bot counts delays by stays true. */
static void jump(struct timespec *t)
{
	int64_t ms = block ? atomic_load(&block->wall_jump_ms) : 0;
	int64_t ns = t->tv_nsec + ms % 1000 * 1000000;

	t->tv_sec += ms / 1000 + (ns < 0 ? -1 : ns / 1000000000);
	t->tv_nsec = ns < 0 ? ns + 1000000000 : ns % 1000000000;
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
	int rc = (int)syscall(SYS_clock_gettime, clock, t);

	if (!rc && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		jump(t);
	return rc;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	t->tv_sec = now.tv_sec;
	t->tv_usec = now.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *ret)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (ret)
		*ret = now.tv_sec;
	return now.tv_sec;
}
