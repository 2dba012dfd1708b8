/*
 * Ownership by scope.  Never used together with goto in one function:
 * gcc 12 compiles a jump over such a variable silently and frees garbage.
 *
 *	CLEANUP(store_close) struct store *s = store_open(path, e);
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(fn) __attribute__((cleanup(fn##_at)))

/* From a destructor fn(type) make fn_at(type *), which CLEANUP(fn) calls. */
#define DEFINE_CLEANUP(type, fn)                                               \
	static inline void fn##_at(type *p)                                    \
	{                                                                      \
		if (*p)                                                        \
			fn(*p);                                                \
	}

/* Moves a pointer out of a CLEANUP variable. */
#define TAKE(p)                                                                \
	__extension__({                                                        \
		__typeof__(p) take_mine_ = (p);                                \
		(p) = NULL;                                                    \
		take_mine_;                                                    \
	})

DEFINE_CLEANUP(char *, free)
DEFINE_CLEANUP(FILE *, fclose)

/* For int fd = -1: CLEANUP(fd_close) int fd = open(...). */
static inline void fd_close_at(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#endif
