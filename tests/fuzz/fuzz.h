/*
 * What the fuzzers share.  A target is one file, tests/fuzz/fuzz_NAME.c, that
 * defines LLVMFuzzerTestOneInput(); nobody has to be told of it.  What it may
 * have besides:
 *
 *	fuzz_seeds()		inputs to begin with, by fuzz_seed()
 *	tests/fuzz/seeds/NAME/	the same as files, and inputs that once failed
 *	tests/fuzz/NAME.dict	words that the fuzzer shall know
 *	tests/fuzz/NAME.options	more options of libFuzzer.  -detect_leaks=0
 *looks for leaks at the end only: for a target that keeps a world, the look
 *after each input finds nothing and takes half of the time
 *	LLVMFuzzerCustomMutator()	its own way to change an input
 *
 * An input says all: the same bytes do the same in every run, whatever ran
 * before them, so that what was found can be run again.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "bot/base/attr.h"

/* What libFuzzer calls and gives; it has no header for C. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
			       unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

/* A promise of the program; the input that breaks it is what was found. */
#define MUST(cond) ((cond) ? (void)0 : fuzz_failed(__FILE__, __LINE__, #cond))
void fuzz_failed(const char *file, int line, const char *what)
	__attribute__((noreturn));

/* A copy that ends where the text does, with a NUL; the caller frees it. */
char *fuzz_text(const void *data, size_t size);

/* Defined by a target that makes its seeds. */
void fuzz_seeds(void) __attribute__((weak));

/* One seed; only inside of fuzz_seeds(). */
void fuzz_seed(const void *data, size_t size);

#endif
