/*
 * Takes a database back to where it was, under the feet of a program that
 * has it open: so each input meets the same world, without a new world for
 * each.  Only rows change, the program's statements stay good.
 */
#ifndef TESTS_REWIND_H
#define TESTS_REWIND_H

#include <stdint.h>

struct rewind;

/*
 * Keeps a copy beside path, without the tables in spare, which are separated
 * by blanks.  Aborts when it cannot, as all here.
 */
struct rewind *rewind_new(const char *path, const char *spare);
void rewind_free(struct rewind *r);

/* Nobody else may be in a transaction.  Costs next to nothing when nothing
 * was changed. */
void rewind_back(struct rewind *r);

/* One number that the database says; ?1 and ?2 are a and b.  sql is kept. */
int64_t rewind_ask(struct rewind *r, const char *sql, int64_t a, int64_t b);

#endif
