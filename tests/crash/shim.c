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
 * is seen by its number.  Only for the sake of power cuts it goes along with
 * the supervisors of jobs, to see what they sync.
 */
#include "tests/crash/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#define FULL_PATH 512

struct fault_block *shim_block;
bool shim_is_job;
char shim_preload[FULL_PATH], shim_file[FULL_PATH], shim_sanitizer[FULL_PATH];
static long self;

static void keep_variable(char ret[FULL_PATH], const char *name)
{
	const char *value = getenv(name);

	snprintf(ret, FULL_PATH, "%s=%s", name, value ? value : "");
}

__attribute__((constructor)) static void begin(int argc, char **argv)
{
	const char *path = getenv(FAULT_ENV);
	int fd;
	void *at;

	keep_variable(shim_preload, "LD_PRELOAD");
	keep_variable(shim_file, FAULT_ENV);
	/* It must let us come first there, too. */
	keep_variable(shim_sanitizer, "ASAN_OPTIONS");
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
	shim_is_job = argc > 1 && strcmp(argv[1], "run-job") == 0;
	shim_block = at;
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
	char *to = shim_block->met, *end = to + sizeof(shim_block->met) - 1;

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
	return shim_block && !shim_is_job && syscall(SYS_getpid) == self;
}

/* Does this call go wrong?  Counts it. */
static bool goes_wrong(enum points kind, const char *call, const char *what)
{
	long long zero = 0;
	int64_t n;

	atomic_fetch_add(&shim_block->of_kind[__builtin_ctz(kind)], 1);
	if (!(shim_block->points & kind))
		return false;
	n = atomic_fetch_add(&shim_block->count, 1) + 1;
	if (shim_block->what == FAULT_NONE || n < shim_block->at)
		return false;
	if (n == shim_block->at)
		atomic_compare_exchange_strong(&shim_block->until_ms, &zero,
					       mono_ms() + shim_block->for_ms);
	else if (mono_ms() >= atomic_load(&shim_block->until_ms))
		return false;
	if (atomic_fetch_add(&shim_block->hits, 1) == 0)
		note(call, what);
	return true;
}

bool wrong_call(enum points kind, const char *call, const char *what)
{
	return is_ours() && goes_wrong(kind, call, what);
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
	return strncmp(path, shim_block->dir, strlen(shim_block->dir)) == 0;
}

bool wrong_path(const char *call, const char *path)
{
	return is_ours() && path && is_inside(path) &&
	       goes_wrong(POINT_FILE, call, path);
}

bool wrong_at(const char *call, int folder, const char *name)
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

bool wrong_fd(enum points kind, const char *call, int fd)
{
	char path[FULL_PATH];
	struct stat st;

	if (!is_ours() || fd <= 2 || fstat(fd, &st))
		return false;
	if (S_ISSOCK(st.st_mode))
		return is_internet(fd) &&
		       goes_wrong(POINT_SOCKET, call, "a socket");
	return S_ISREG(st.st_mode) && path_of(fd, path) && is_inside(path) &&
	       goes_wrong(kind, call, path);
}

/* What a call that goes wrong returns; it may never. */
int shim_fail(void)
{
	static const int errnos[] = {
		[FAULT_EIO] = EIO,
		[FAULT_FULL] = ENOSPC,
		[FAULT_FILES] = EMFILE,
		[FAULT_ALLOC] = ENOMEM,
	};

	if (shim_block->what == FAULT_KILL || shim_block->what == FAULT_POWER)
		die();
	errno = errnos[shim_block->what];
	return -1;
}

bool shim_happens(void)
{
	return shim_block->what == FAULT_TEAR ||
	       shim_block->what == FAULT_SHORT;
}

void shim_after(void)
{
	if (shim_block->what == FAULT_TEAR && is_ours())
		die();
}
