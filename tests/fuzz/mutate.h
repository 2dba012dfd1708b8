/*
 * Changing JSON so that it stays JSON.  The parser is a library whose inside
 * the fuzzer cannot see: bytes changed at random would hardly ever come past
 * it.
 */
#ifndef TESTS_MUTATE_H
#define TESTS_MUTATE_H

#include <jansson.h>

struct mutate_words {
	const char *const *names; /* members that matter somewhere */
	const char *const
		*values; /* JSON texts worth trying; both NULL-ended */
};

/*
 * One change: a value replaced by one of the words or by another of the
 * tree, text or a number altered, a member added or taken away.  Random by
 * *seed, which moves on.
 */
void mutate_json(json_t *root, const struct mutate_words *words,
		 unsigned *seed);

/* A number below n, which is not 0. */
unsigned mutate_pick(unsigned *seed, unsigned n);

#endif
