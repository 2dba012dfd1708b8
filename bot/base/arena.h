/*
 * Memory that dies together.  Everything of one tree of constants comes from
 * one arena and is never freed by itself.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena_block;

/* {0} is an empty one. */
struct arena {
	struct arena_block *blocks;
	bool failed; /* sticky: some memory was not to be had */
};

/* Zeroed memory for count things of size bytes; NULL when there is none. */
void *arena_alloc(struct arena *a, size_t count, size_t size);

/* A copy of len bytes of text with a NUL behind; NULL as above. */
char *arena_text(struct arena *a, const char *text, size_t len);

/* Frees everything; a is empty and usable afterwards. */
void arena_release(struct arena *a);

static inline void arena_release_at(struct arena *a)
{
	arena_release(a);
}

#endif
