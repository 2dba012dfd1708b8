/*
 * "Did you mean ...?"  The word nearest to a misspelt one, as people
 * misspell: a letter more, less, other, or two swapped.
 *
 *	struct near n = {.word = "setle"};
 *	for (...)
 *		near_try(&n, candidate);
 *	if (n.best) ...
 */
#ifndef BASE_NEAR_H
#define BASE_NEAR_H

#include <stddef.h>

struct near {
	const char *word;
	const char *best; /* NULL while nothing is near; borrowed */
	int distance;
};

/* Remembers candidate when it is nearer than what was tried before. */
void near_try(struct near *n, const char *candidate);

#endif
