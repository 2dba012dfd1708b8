/*
 * A growing NULL-terminated list of text, for argv and environments.  Add
 * freely, look at failed once.
 */
#ifndef DEPLOY_STRV_H
#define DEPLOY_STRV_H

#include <stdbool.h>
#include <stddef.h>

#include "bot/base/attr.h"

struct strv {
	char **v; /* NULL while empty */
	size_t count;
	size_t cap;
	bool failed; /* out of memory */
};

#define STRV_INIT                                                              \
	{                                                                      \
		NULL, 0, 0, 0                                                  \
	}

void strv_release(struct strv *s);

static inline void strv_release_at(struct strv *s)
{
	strv_release(s);
}

void strv_addf(struct strv *s, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Adds a copy of each text up to the NULL. */
void strv_add_all(struct strv *s, const char *const *texts);

#define STRV_ADD(s, ...)                                                       \
	strv_add_all((s), (const char *const[]){__VA_ARGS__, NULL})

#endif
