#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bot/base/cleanup.h"
#include "bot/base/log.h"

static const char *seed_dir;
static int seed_count;

void fuzz_failed(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: broken: %s\n", file, line, what);
	abort();
}

char *fuzz_text(const void *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		abort();
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

void fuzz_seed(const void *data, size_t size)
{
	CLEANUP(fclose) FILE *f = NULL;
	char path[512];

	snprintf(path, sizeof(path), "%s/made-%04d", seed_dir, ++seed_count);
	f = fopen(path, "w");
	MUST(f && fwrite(data, 1, size, f) == size);
}

/* "--seeds DIR" writes what fuzz_seeds() makes, and ends. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	if (*argc == 3 && strcmp((*argv)[1], "--seeds") == 0) {
		seed_dir = (*argv)[2];
		if (fuzz_seeds)
			fuzz_seeds();
		exit(0);
	}
	/* What is refused is nothing to tell of, here. */
	log_set_level(LOG_ERROR);
	/* A check of cmocka, outside of its tests, shows where it was. */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	return 0;
}
