/*
 * Memory that runs out, for one test program: include it in the one file that
 * has main().  All allocations of the program and of its libraries pass here,
 * in front of the sanitizer's own; without sanitizers in front of libc's.
 *
 * libcmark-gfm is spared: it ends the process when it gets no memory, on
 * purpose.  So does all of JSON, see starve_spare_json().
 */
#ifndef TESTS_STARVE_H
#define TESTS_STARVE_H

#include <jansson.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

extern void *__interceptor_malloc(size_t) __attribute__((weak));
extern void *__interceptor_calloc(size_t, size_t) __attribute__((weak));
extern void *__interceptor_realloc(void *, size_t) __attribute__((weak));
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);

static struct {
	volatile bool on; /* the compiler knows what malloc() reads */
	long left;	  /* allocations that still succeed */
	long fails;	  /* and how many fail then */
	long failed;
	uintptr_t spared_from, spared_to;
} starve;

static inline int starve_find_spared(struct dl_phdr_info *info, size_t size,
				     void *ctx)
{
	(void)size;
	(void)ctx;
	if (!strstr(info->dlpi_name, "/libcmark-gfm"))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t from = info->dlpi_addr + p->p_vaddr;

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
			continue;
		if (!strstr(info->dlpi_name, "extensions")) {
			starve.spared_from = from;
			starve.spared_to = from + p->p_memsz;
		}
	}
	return 0;
}

/* From here on n allocations succeed, and the next `fails` do not. */
static inline void starve_begin(long n, long fails)
{
	if (!starve.spared_to)
		dl_iterate_phdr(starve_find_spared, NULL);
	starve.left = n;
	starve.fails = fails;
	starve.failed = 0;
	starve.on = true;
}

/* How many failed. */
static inline long starve_end(void)
{
	starve.on = false;
	return starve.failed;
}

static bool starved(const void *caller)
{
	uintptr_t at = (uintptr_t)caller;

	if (!starve.on || (at >= starve.spared_from && at < starve.spared_to))
		return false;
	if (starve.left-- > 0 || starve.left < -starve.fails)
		return false;
	starve.failed++;
	return true;
}

#define STARVED starved(__builtin_return_address(0))

void *malloc(size_t n)
{
	if (STARVED)
		return NULL;
	return __interceptor_malloc ? __interceptor_malloc(n)
				    : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	if (STARVED)
		return NULL;
	return __interceptor_calloc ? __interceptor_calloc(n, size)
				    : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	if (STARVED)
		return NULL;
	return __interceptor_realloc ? __interceptor_realloc(p, n)
				     : __libc_realloc(p, n);
}

static inline void *starve_json_malloc(size_t n)
{
	bool was = starve.on;
	void *ret;

	starve.on = false;
	ret = malloc(n);
	starve.on = was;
	return ret;
}

/* What has to see the real thing undoes it with json_set_alloc_funcs(). */
static inline void starve_spare_json(void)
{
	json_set_alloc_funcs(starve_json_malloc, free);
}

/* The sanitizer has these of its own, past the three above. */
void *reallocarray(void *p, size_t n, size_t size)
{
	size_t all;

	return __builtin_mul_overflow(n, size, &all) ? NULL : realloc(p, all);
}

char *strndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *ret = malloc(len + 1);

	if (!ret)
		return NULL;
	memcpy(ret, s, len);
	ret[len] = '\0';
	return ret;
}

char *strdup(const char *s)
{
	return strndup(s, strlen(s));
}

#endif
