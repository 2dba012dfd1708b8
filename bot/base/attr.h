/*
 * Compiler attributes under one spelling, and the two macros that every C
 * program needs.  Attributes that a compiler lacks are empty.
 */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#include <stddef.h>

#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN __attribute__((noreturn))
#define UNUSED __attribute__((unused))

/* The result must be given back to fn and to nothing else. */
#if defined(__GNUC__) && !defined(__clang__)
#define OWNED_BY(fn) __attribute__((malloc(fn)))
#else
#define OWNED_BY(fn)
#endif

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member)                                        \
	((type *)((char *)(ptr)-offsetof(type, member)))

#endif
