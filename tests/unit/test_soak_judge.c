/* Does the judge of the soak see what a leak looks like? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "bot/base/cleanup.h"
#include "tests/soak/judge.h"

#define EVERY_MS 5000
#define COUNT 720 /* an hour */
#define QUIET_EVERY 12

static struct sample all[COUNT];
static struct samples samples;

/* A heap that is warm after ten minutes, and wobbles. */
static void make_healthy(int count)
{
	samples = (struct samples){.all = all, .count = count};
	for (int i = 0; i < count; i++) {
		int64_t kb = 24000 + (i < 120 ? i * 10 : 1200) + i % 7 * 40;

		all[i] = (struct sample){
			.at_ms = (int64_t)i * EVERY_MS,
			.quiet = i % QUIET_EVERY == QUIET_EVERY - 1,
			.rss_kb = kb,
			.pss_kb = kb - 8000,
			.anonymous_kb = kb - 12000,
			.threads = 9,
			.fds = 34,
			.books = 10,
			.files = 6,
			.pipes = 2,
			.sockets = 5,
			.forge = i % 9,
			.others = 3,
			.kcibot_wal = 4 << 20,
		};
		if (!all[i].quiet)
			all[i].files += i % 5;
	}
}

static int problems(struct verdict *ret, const char *word)
{
	CLEANUP(str_release) struct str words = STR_INIT(1u << 20);

	judge(&samples, ret, &words);
	if (word && !strstr(words.text, word))
		fail_msg("\"%s\" is not in: %s", word, words.text);
	return ret->problems;
}

static void test_healthy(void **state UNUSED)
{
	struct verdict v;

	make_healthy(COUNT);
	assert_int_equal(problems(&v, NULL), 0);
	assert_true(v.early_kb > 25000 && v.early_kb < 25600);
	assert_true(v.late_kb > 25000 && v.late_kb < 25600);
	assert_int_equal(v.threads, 9);
	assert_true(v.quiets >= 44 && v.quiets <= 46);
}

/* 70 KB a minute: two megabytes in half an hour. */
static void test_leak(void **state UNUSED)
{
	struct verdict v;

	make_healthy(COUNT);
	for (int i = 0; i < COUNT; i++) {
		all[i].rss_kb += i * 6;
		all[i].pss_kb += i * 6;
		all[i].anonymous_kb += i * 6;
	}
	assert_int_equal(problems(&v, "RSS grows"), 3);
}

/* One heavy moment is no growth. */
static void test_peak(void **state UNUSED)
{
	struct verdict v;

	make_healthy(COUNT);
	for (int i = COUNT - 40; i < COUNT; i++)
		all[i].rss_kb += 9000;
	assert_int_equal(problems(&v, NULL), 0);
}

/* In the time of a coffee the caches only fill. */
static void test_short(void **state UNUSED)
{
	struct verdict v;

	make_healthy(120);
	assert_int_equal(problems(&v, NULL), 0);
	assert_true(v.late_kb > v.early_kb + 500);
	make_healthy(20);
	assert_int_equal(problems(&v, NULL), 0);
	assert_int_equal(v.early_kb, 0);
}

static void test_quiet_points(void **state UNUSED)
{
	static const size_t members[] = {
		offsetof(struct sample, threads),
		offsetof(struct sample, children),
		offsetof(struct sample, zombies),
		offsetof(struct sample, files),
		offsetof(struct sample, pipes),
		offsetof(struct sample, sockets),
		offsetof(struct sample, others),
	};
	struct verdict v;

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		int last = COUNT - 1;
		int *quiet = (int *)(void *)((char *)&all[last] + members[i]);
		int *busy =
			(int *)(void *)((char *)&all[last - 1] + members[i]);

		make_healthy(COUNT);
		++*busy;
		assert_int_equal(problems(&v, NULL), 0);
		++*quiet;
		assert_int_equal(problems(&v, "quiet point"), 1);
	}
}

static void test_bounds(void **state UNUSED)
{
	struct verdict v;

	make_healthy(COUNT);
	all[COUNT - 1].forge = JUDGE_FORGE + 1;
	assert_int_equal(problems(&v, "forge"), 1);
	make_healthy(COUNT);
	all[COUNT - 1].books = JUDGE_BOOKS;
	assert_int_equal(problems(&v, NULL), 0);
	all[COUNT - 1].books++;
	assert_int_equal(problems(&v, "databases"), 1);
	make_healthy(COUNT);
	all[5].inbox_wal = JUDGE_WAL + 1;
	assert_int_equal(problems(&v, "write-ahead"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_healthy),
		cmocka_unit_test(test_leak),
		cmocka_unit_test(test_peak),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_quiet_points),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
