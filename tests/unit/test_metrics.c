/* bot/metrics.c: all series shown, values folded, text escaped. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bot/base/cleanup.h"
#include "bot/base/limits.h"
#include "bot/metrics.h"

/* The number behind a series, as text; NULL when it is not shown. */
static const char *shown(const char *name)
{
	static char value[32];
	CLEANUP(str_release) struct str page = STR_INIT(LIMIT_PAGE);
	const char *at;

	metrics_write(&page);
	assert_int_equal(page.failed, ERR_OK);
	for (at = page.text; (at = strstr(at, name)); at++) {
		size_t len = strlen(name);

		if ((at == page.text || at[-1] == '\n') && at[len] == ' ') {
			snprintf(value, sizeof(value), "%.*s",
				 (int)strcspn(at + len + 1, "\n"),
				 at + len + 1);
			return value;
		}
	}
	return NULL;
}

static void assert_shown(const char *name, const char *value)
{
	const char *is = shown(name);

	if (!is || strcmp(is, value))
		fail_msg("%s is %s, not %s", name, is ? is : "absent", value);
}

static void test_all_series_are_there_from_the_start(void **state UNUSED)
{
	static const char *const names[] = {
		"kcibot_deliveries_total{result=\"accepted\"}",
		"kcibot_deliveries_total{result=\"duplicate\"}",
		"kcibot_deliveries_total{result=\"bad_signature\"}",
		"kcibot_deliveries_total{result=\"too_large\"}",
		"kcibot_deliveries_total{result=\"bad_request\"}",
		"kcibot_deliveries_total{result=\"refused\"}",
		"kcibot_deliveries_total{result=\"timeout\"}",
		"kcibot_events_total{event=\"issue_comment\"}",
		"kcibot_events_total{event=\"other\"}",
		"kcibot_commands_total{verb=\"deploy\",result=\"accepted\"}",
		"kcibot_cycles_total{kind=\"full\",verdict=\"failure\"}",
		"kcibot_cycle_seconds_count{kind=\"short\"}",
		"kcibot_forge_calls_total{call=\"other\",status=\"200\"}",
		"kcibot_forge_seconds_count{call=\"other\"}",
		"kcibot_effects_total{kind=\"other\",result=\"done\"}",
	};

	for (size_t n = 0; n < ARRAY_SIZE(names); n++)
		assert_shown(names[n], "0");
	assert_shown("kcibot_cycle_seconds_sum{kind=\"short\"}", "0.000");
}

static void test_help_and_type_once(void **state UNUSED)
{
	CLEANUP(str_release) struct str page = STR_INIT(LIMIT_PAGE);
	const char *type;

	metrics_write(&page);
	type = strstr(page.text, "# TYPE kcibot_cycles_total counter\n");
	assert_non_null(type);
	assert_null(strstr(type + 1, "# TYPE kcibot_cycles_total"));
	assert_non_null(strstr(page.text, "# HELP kcibot_cycles_total "));
	assert_non_null(
		strstr(page.text, "# TYPE kcibot_cycle_seconds summary\n"));
	assert_int_equal(page.text[page.len - 1], '\n');
}

static void test_add(void **state UNUSED)
{
	metric_add(METRIC_CYCLES, "full", "success", 2);
	metric_add(METRIC_CYCLES, "full", "success", 1);
	assert_shown("kcibot_cycles_total{kind=\"full\",verdict=\"success\"}",
		     "3");
	metric_time(METRIC_CYCLE_SECONDS, "full", 1500);
	metric_time(METRIC_CYCLE_SECONDS, "full", 34);
	assert_shown("kcibot_cycle_seconds_sum{kind=\"full\"}", "1.534");
	assert_shown("kcibot_cycle_seconds_count{kind=\"full\"}", "2");
	metric_add(METRIC_FORGE_CALLS, "comment_post", "201", 1);
	assert_shown("kcibot_forge_calls_total"
		     "{call=\"comment_post\",status=\"201\"}",
		     "1");
}

static void test_strangers_values_become_other(void **state UNUSED)
{
	metric_add(METRIC_EVENTS, "made_up_by_somebody", NULL, 1);
	metric_add(METRIC_EVENTS, "", NULL, 1);
	metric_add(METRIC_EVENTS, NULL, NULL, 1);
	assert_shown("kcibot_events_total{event=\"other\"}", "3");
	assert_null(
		shown("kcibot_events_total{event=\"made_up_by_somebody\"}"));
}

static void test_text_is_escaped(void **state UNUSED)
{
	metric_add(METRIC_EFFECTS, "a\"b\\c\nd", "done", 1);
	assert_shown("kcibot_effects_total"
		     "{kind=\"a\\\"b\\\\c\\nd\",result=\"done\"}",
		     "1");
}

static void test_cardinality_is_bounded(void **state UNUSED)
{
	CLEANUP(str_release) struct str page = STR_INIT(LIMIT_PAGE);
	char value[64];
	size_t lines = 0;

	for (int n = 0; n < 5000; n++) {
		snprintf(value, sizeof(value), "kind-%d", n);
		metric_add(METRIC_EFFECTS, value, value, 1);
	}
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	metric_add(METRIC_EFFECTS, value, "done", 1); /* too long */
	metrics_write(&page);
	for (const char *at = page.text; (at = strstr(at, "kcibot_effects_t"));
	     at++)
		lines++;
	assert_in_range(lines, 10, 260);
	assert_null(strstr(page.text, "xxxxxxxx"));
	/* Nothing is lost: what has no series of its own is in "other". */
	assert_true(atoi(shown("kcibot_effects_total"
			       "{kind=\"other\",result=\"other\"}")) > 4700);
	assert_shown("kcibot_effects_total{kind=\"other\",result=\"done\"}",
		     "1");
}

static void *count(void *ctx UNUSED)
{
	for (int n = 0; n < 10000; n++)
		metric_add(METRIC_DELIVERIES, "timeout", NULL, 1);
	return NULL;
}

static void test_threads(void **state UNUSED)
{
	pthread_t threads[4];

	for (size_t n = 0; n < ARRAY_SIZE(threads); n++)
		assert_int_equal(pthread_create(&threads[n], NULL, count, NULL),
				 0);
	for (size_t n = 0; n < ARRAY_SIZE(threads); n++)
		pthread_join(threads[n], NULL);
	assert_shown("kcibot_deliveries_total{result=\"timeout\"}", "40000");
}

static void test_last_delivery(void **state UNUSED)
{
	assert_int_equal(metric_last_delivery(), 0);
	metric_delivery_seen(123);
	assert_int_equal(metric_last_delivery(), 123);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_series_are_there_from_the_start),
		cmocka_unit_test(test_help_and_type_once),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_strangers_values_become_other),
		cmocka_unit_test(test_text_is_escaped),
		cmocka_unit_test(test_cardinality_is_bounded),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_last_delivery),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
