/* How long it takes, from how long it took. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bot/base/attr.h"
#include "bot/base/json.h"
#include "bot/view_parts.h"
#include "store/eta.h"

static void test_ranks(void **state UNUSED)
{
	int64_t few[] = {5, 1}, three[] = {9, 1, 5}, ten[10], twenty[20];
	struct eta eta;

	assert_false(eta_of(NULL, 0, &eta));
	assert_false(eta_of(few, 2, &eta));
	assert_true(eta_of(three, 3, &eta));
	assert_int_equal(eta.p50_ms, 5);
	assert_int_equal(eta.p90_ms, 9);
	for (int i = 0; i < 10; i++)
		ten[i] = 10 - i;
	assert_true(eta_of(ten, 10, &eta));
	assert_int_equal(eta.p50_ms, 5);
	assert_int_equal(eta.p90_ms, 9);
	for (int i = 0; i < 20; i++)
		twenty[i] = (i * 7) % 20 + 1;
	assert_true(eta_of(twenty, 20, &eta));
	assert_int_equal(eta.p50_ms, 10);
	assert_int_equal(eta.p90_ms, 18);
	assert_int_equal(eta.samples, 20);
}

static void test_words(void **state UNUSED)
{
	static const struct {
		int64_t p50_s, p90_s;
		const char *text;
	} rows[] = {
		{0, 0, "about a minute"},
		{10, 60, "about a minute"},
		{30, 61, "about 2 min"},
		{360, 540, "about 6 to 9 min"},
		{359, 541, "about 5 to 10 min"},
		{300, 300, "about 5 min"},
		{3600, 7140, "about 60 to 119 min"},
		{5400, 9000, "about 1 h 30 min to 2 h 30 min"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(str_release) struct str text = STR_INIT(100);
		CLEANUP(json_decref)
		json_t *eta =
			json_pack("{s:I, s:I}", "p50_ms",
				  (json_int_t)rows[i].p50_s * 1000, "p90_ms",
				  (json_int_t)rows[i].p90_s * 1000);

		part_eta(&text, eta);
		assert_string_equal(text.text, rows[i].text);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranks),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
