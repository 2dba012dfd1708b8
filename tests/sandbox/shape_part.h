/* How shape*.c put an object together. */
#ifndef SANDBOX_SHAPE_PART_H
#define SANDBOX_SHAPE_PART_H

#include "tests/sandbox/state.h"

/* A member that is the object's own URL and something behind it. */
struct link {
	const char *name, *tail;
};
void shape_links(json_t *o, const char *base, const struct link *l, size_t n);

/* Counts the reactions to c (NULL: none), whose address ends in what. */
json_t *shape_rollup(const struct sandbox *s, const struct sb_repo *r,
		     const char *what, const struct sb_comment *c);

/* Takes value over, which must not be NULL. */
void shape_set(json_t *o, const char *name, json_t *value);
void shape_setf(json_t *o, const char *name, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

#endif
