/* Children, memory and the wall clock; see shim.c. */
#include "tests/crash/shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

/* --- children --- */

static void *next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

static bool wrong_child(const char *call, const char *what)
{
	return wrong_call(POINT_CHILD, call, what);
}

pid_t fork(void)
{
	pid_t (*real)(void) = (pid_t(*)(void))(uintptr_t)next("fork");
	bool wrong = wrong_child("fork", "");
	pid_t ret;

	if (wrong && !shim_happens())
		return shim_fail();
	ret = real();
	/* The parent may die before it knows its child. */
	if (wrong)
		shim_after();
	return ret;
}

typedef int spawn_fn(pid_t *pid, const char *path,
		     const posix_spawn_file_actions_t *actions,
		     const posix_spawnattr_t *attr, char *const argv[],
		     char *const env[]);

/* A supervisor's environment with the shim in it, where power will go. */
static char *const *with_shim(char *const argv[], char *const env[])
{
	static char *longer[16];
	size_t n = 0;

	if (!shim_block || shim_block->what != FAULT_POWER || !argv[1] ||
	    strcmp(argv[1], "run-job") != 0)
		return env;
	while (env[n] && n < 12) {
		longer[n] = env[n];
		n++;
	}
	longer[n++] = shim_preload;
	longer[n++] = shim_file;
	longer[n++] = shim_sanitizer;
	longer[n] = NULL;
	return longer;
}

static int spawn_with(const char *call, pid_t *pid, const char *path,
		      const posix_spawn_file_actions_t *actions,
		      const posix_spawnattr_t *attr, char *const argv[],
		      char *const env[])
{
	spawn_fn *real = (spawn_fn *)(uintptr_t)next(call);
	bool wrong = wrong_child(call, path);
	int rc;

	if (wrong && !shim_happens()) {
		shim_fail();
		return errno;
	}
	rc = real(pid, path, actions, attr, argv, with_shim(argv, env));
	/* The parent may die before it knows its child. */
	if (wrong)
		shim_after();
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
	if (!wrong_call(POINT_ALLOC, call, ""))
		return false;
	shim_fail();
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
	int64_t ms = shim_block ? atomic_load(&shim_block->wall_jump_ms) : 0;
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
