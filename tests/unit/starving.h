/*
 * A function with each of its allocations failing in turn: alone, or with all
 * that follow.  What comes then is an error, or the same as with memory.  For
 * the one file of a test program that has main(), as starve.h.
 */
#ifndef TESTS_STARVING_H
#define TESTS_STARVING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "bot/base/fs.h"
#include "bot/base/json.h"
#include "tests/unit/starve.h"

#define FOR_EVER 1000000000L
#define TEXT_SIZE (512u << 10)

static struct str input = {.text = str_empty, .max = 1 << 20};
static char with_memory[TEXT_SIZE], now[TEXT_SIZE];

/* What a run makes, kept without allocating. */
static UNUSED void keep(const char *text)
{
	snprintf(now, sizeof(now), "%s", text);
}

static UNUSED enum err keep_str(const struct str *s, struct error *e)
{
	keep(s->text);
	return str_check(s, e);
}

static UNUSED void load(const char *path)
{
	struct error e = ERROR_INIT;

	str_clear(&input);
	if (fs_read(path, &input, &e))
		fail_msg("%s", e.text);
}

static UNUSED json_t *load_json(const char *path)
{
	struct error e = ERROR_INIT;
	json_t *ret;

	load(path);
	ret = js_parse(input.text, input.len, &e);
	assert_non_null(ret);
	return ret;
}

/*
 * run gets memory as starve_begin() gives it; what it makes is `now`.  Want:
 * a failure that says so by one of the two codes for "try again" and "give
 * up", or the very same result.
 */
static UNUSED bool one_run(const char *name,
			   enum err (*run)(const void *, struct error *),
			   const void *arg, long n, long fails)
{
	struct error e = ERROR_INIT;
	enum err code;
	long failed;

	*now = '\0';
	starve_begin(n, fails);
	code = run(arg, &e);
	failed = starve_end();
	if (code ? code != ERR_FATAL && code != ERR_RETRY
		 : strcmp(now, with_memory) != 0)
		fail_msg(
			"%s without memory from allocation %ld on: %d (%s)\n%s",
			name, n + 1, code, e.text, now);
	return failed > 0;
}

static UNUSED void each_fails(const char *name,
			      enum err (*run)(const void *, struct error *),
			      const void *arg)
{
	struct error e = ERROR_INIT;
	long n;

	*now = '\0';
	assert_int_equal(run(arg, &e), ERR_OK);
	memcpy(with_memory, now, sizeof(now));
	for (n = 0; one_run(name, run, arg, n, 1); n++)
		one_run(name, run, arg, n, FOR_EVER);
	print_message("%s: %ld allocations\n", name, n);
}

#endif
