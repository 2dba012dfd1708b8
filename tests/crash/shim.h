/*
 * For the files of the shim only: deciding (shim.c) apart from the calls
 * (shim_files.c, shim_more.c).  No libc that allocates or locks: all of it
 * may run inside of malloc().
 */
#ifndef TESTS_CRASH_SHIM_H
#define TESTS_CRASH_SHIM_H

#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/crash/fault.h"

#pragma GCC visibility push(hidden)

extern struct fault_block *shim_block; /* NULL: nothing is to go wrong */

/* Does this call of our process go wrong?  Counts it, if it is ours. */
bool wrong_call(enum points kind, const char *call, const char *what);
/* The same for what has a path, a folder and a name, a descriptor: files
 * elsewhere, and what is neither file nor Internet, never do. */
bool wrong_path(const char *call, const char *path);
bool wrong_at(const char *call, int folder, const char *name);
bool wrong_fd(enum points kind, const char *call, int fd);

/* The fault lets the call happen, or half of it, and acts behind it. */
bool shim_happens(void);
/* Else: what such a call returns (-1, errno is set); it may never. */
int shim_fail(void);
/* Behind a call that went wrong and happened. */
void shim_after(void);
/* Is the program the supervisor of a job?  It meets no faults. */
extern bool shim_is_job;
/* What makes a child have the shim too: "NAME=VALUE". */
extern char shim_preload[], shim_file[], shim_sanitizer[];
/* Behind a sync of a file or a folder that went well. */
void ledger_note(int fd);

#pragma GCC visibility pop

#define CALL(wrong, number, ...)                                               \
	do {                                                                   \
		bool is_wrong = wrong;                                         \
		long rc;                                                       \
                                                                               \
		if (is_wrong && !shim_happens())                               \
			return shim_fail();                                    \
		rc = syscall(number, __VA_ARGS__);                             \
		if (is_wrong)                                                  \
			shim_after();                                          \
		return (int)rc;                                                \
	} while (0)

#endif
