#include "bot/base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* One malloc each, so that a sanitizer sees the end of every one. */
struct arena_block {
	struct arena_block *next;
	_Alignas(max_align_t) char bytes[];
};

void *arena_alloc(struct arena *a, size_t count, size_t size)
{
	struct arena_block *b = NULL;

	if (!size || count < (SIZE_MAX - sizeof(*b)) / size)
		b = calloc(1, sizeof(*b) + count * size);
	if (!b) {
		a->failed = true;
		return NULL;
	}
	b->next = a->blocks;
	a->blocks = b;
	return b->bytes;
}

char *arena_text(struct arena *a, const char *text, size_t len)
{
	char *copy = arena_alloc(a, len + 1, 1);

	if (copy)
		memcpy(copy, text, len);
	return copy;
}

void arena_release(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *next = a->blocks->next;

		free(a->blocks);
		a->blocks = next;
	}
	a->failed = false;
}
