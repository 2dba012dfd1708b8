/*
 * Time zones against the C library's own reading of the same files, and
 * freeze windows around the days on which clocks change.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bot/base/clock.h"
#include "deploy/calendar.h"
#include "deploy/zone.h"

static int64_t at(const char *iso)
{
	int64_t ms;

	assert_true(time_parse_iso(iso, &ms));
	return ms;
}

static const struct zone *zone(const char *name)
{
	const struct zone *z;
	struct error e = ERROR_INIT;

	if (zone_find(name, &z, &e))
		fail_msg("%s", e.text);
	return z;
}

/* --- zones --- */

static int64_t libc_offset(int64_t s)
{
	time_t t = (time_t)s;
	struct tm tm;

	assert_non_null(localtime_r(&t, &tm));
	return tm.tm_gmtoff;
}

static void compare(const char *name)
{
	const struct zone *z = zone(name);
	/* An odd step, over 180 years: also beyond what the file lists. */
	const int64_t step = 86400 * 3 + 4211;
	int64_t until = INT64_MIN, before = 0;

	assert_int_equal(setenv("TZ", name, 1), 0);
	tzset();
	for (int64_t s = -1800000000; s < 4000000000; s += step) {
		int64_t offset = zone_offset(z, s, &until);

		if (offset != libc_offset(s))
			fail_msg("%s at %lld: %lld, not %lld", name,
				 (long long)s, (long long)offset,
				 (long long)libc_offset(s));
		assert_true(until > s);
		/* It holds to the last second, and no promise is too long. */
		if (until < 4000000000)
			assert_int_equal(libc_offset(until - 1), offset);
		before = until;
	}
	assert_true(before > 0);
}

static void test_against_libc(void **state UNUSED)
{
	static const char *const names[] = {
		"Europe/Berlin",  "America/New_York",
		"Asia/Kolkata",	  "Australia/Adelaide",
		"Europe/Dublin",  "Australia/Lord_Howe",
		"Asia/Kathmandu", "America/Sao_Paulo",
		"Pacific/Apia",	  "Asia/Tokyo",
		"America/Nuuk",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		compare(names[i]);
	unsetenv("TZ");
	tzset();
}

static void test_unknown(void **state UNUSED)
{
	static const char *const names[] = {"Europe/Berlim", "Europe",
					    "../../../etc/passwd", "zone.tab",
					    ""};
	const struct zone *z;
	int64_t until;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct error e = ERROR_INIT;

		assert_int_equal(zone_find(names[i], &z, &e), ERR_INVALID);
		assert_true(*e.text);
	}
	assert_int_equal(zone_offset(zone("UTC"), 0, &until), 0);
	assert_int_equal(until, INT64_MAX);
	assert_ptr_equal(zone("UTC"), zone("UTC"));
}

static void put(char **to, const void *bytes, size_t len)
{
	memcpy(*to, bytes, len);
	*to += len;
}

/* A file with two types and, from 1000 s on, the second. */
static size_t small_file(char *to, const char *rule)
{
	static const char head[20] = "TZif2", counts[] = {0, 0, 0, 0};
	static const char some[] = {0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 4};
	static const char at[] = {0, 0, 0, 0, 0, 0, 3, (char)0xe8};
	static const char types[] = {1, 0, 0, 0, 0, 0, 0, 0, 0, 14, 16, 1, 0};
	char *p = to;

	/* Once with times of 4 bytes, once with 8. */
	for (size_t bytes = 4; bytes <= 8; bytes += 4) {
		put(&p, head, sizeof(head));
		for (int i = 0; i < 3; i++)
			put(&p, counts, sizeof(counts));
		put(&p, some, sizeof(some));
		put(&p, at + 8 - bytes, bytes);
		put(&p, types, sizeof(types));
		put(&p, "abc", 4);
	}
	put(&p, "\n", 1);
	put(&p, rule, strlen(rule));
	put(&p, "\n", 1);
	return (size_t)(p - to);
}

static void test_files(void **state UNUSED)
{
	static const char *const bad[] = {
		"CE-1",
		"CET",
		"CET-25",
		"CET-1CEST",
		"CET-1CEST,",
		"CET-1CEST,M3.5.0",
		"CET-1:60",
		"<CET-1",
		"CET-1CEST,M13.1.0,M1.1.0",
		"CET-1CEST,M3.0.0,M10.5.0",
		"CET-1CEST,M3.5.0,M10.5.0x",
		"CET-1CEST,M3.5.7,M10.5.0",
		"CET-1CEST,J0,J1",
	};
	char file[512];
	struct error e = ERROR_INIT;
	struct zone *z;
	int64_t until;
	size_t n = small_file(file, "ABC-1");

	z = zone_parse(file, n, &e);
	if (!z)
		fail_msg("%s", e.text);
	assert_int_equal(zone_offset(z, 999, &until), 0);
	assert_int_equal(until, 1000);
	assert_int_equal(zone_offset(z, 1000, &until), 3600);
	assert_int_equal(until, INT64_MAX);
	zone_free(z);
	/* Cut anywhere it is refused, and nothing is read behind its end. */
	for (size_t i = 0; i < n; i++) {
		char *cut = malloc(i ? i : 1);

		memcpy(cut, file, i);
		assert_null(zone_parse(cut, i, &e));
		free(cut);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		n = small_file(file, bad[i]);
		if (zone_parse(file, n, &e))
			fail_msg("%s is taken", bad[i]);
	}
	/* Every single byte may be wrong. */
	n = small_file(file, "ABC-1ABD,M3.5.0,J300/-3");
	for (size_t i = 0; i < n; i++) {
		for (int v = 0; v < 256; v += 15) {
			char was = file[i];

			file[i] = (char)v;
			z = zone_parse(file, n, &e);
			if (z)
				zone_offset(z, 1700000000, &until);
			zone_free(z);
			file[i] = was;
		}
	}
}

/* --- windows --- */

#define MINUTES(day, hour, minute) ((day)*1440 + (hour)*60 + (minute))
enum { MON, TUE, WED, THU, FRI, SAT, SUN };

struct row {
	struct freeze freeze;
	const char *now;
	bool frozen;
	const char *until;
};

#define WEEKEND(where)                                                         \
	{                                                                      \
		MINUTES(FRI, 18, 0), MINUTES(MON, 8, 0), where, "weekend"      \
	}
#define SUNDAY(from, to, where)                                                \
	{                                                                      \
		MINUTES(SUN, from, 30), MINUTES(SUN, to, 30), where, "night"   \
	}

static const struct row rows[] = {
	/* An ordinary week in winter: Berlin is UTC+1. */
	{WEEKEND("Europe/Berlin"), "2026-01-16T16:59:59Z", false,
	 "2026-01-16T17:00:00Z"},
	{WEEKEND("Europe/Berlin"), "2026-01-16T17:00:00Z", true,
	 "2026-01-19T07:00:00Z"},
	{WEEKEND("Europe/Berlin"), "2026-01-19T06:59:59Z", true,
	 "2026-01-19T07:00:00Z"},
	{WEEKEND("Europe/Berlin"), "2026-01-19T07:00:00Z", false,
	 "2026-01-23T17:00:00Z"},
	/* Clocks go on on 29 March 2026: the weekend is an hour shorter. */
	{WEEKEND("Europe/Berlin"), "2026-03-27T17:00:00Z", true,
	 "2026-03-30T06:00:00Z"},
	{WEEKEND("Europe/Berlin"), "2026-03-30T06:00:00Z", false,
	 "2026-04-03T16:00:00Z"},
	/* And back on 25 October. */
	{WEEKEND("Europe/Berlin"), "2026-10-23T16:00:00Z", true,
	 "2026-10-26T07:00:00Z"},
	/* From before the change to after it, while not frozen. */
	{{MINUTES(MON, 8, 0), MINUTES(MON, 9, 0), "Europe/Berlin", ""},
	 "2026-10-24T12:00:00Z",
	 false,
	 "2026-10-26T07:00:00Z"},
	/* New York: 8 March and 1 November. */
	{WEEKEND("America/New_York"), "2026-03-06T23:00:00Z", true,
	 "2026-03-09T12:00:00Z"},
	{WEEKEND("America/New_York"), "2026-10-30T22:00:00Z", true,
	 "2026-11-02T13:00:00Z"},
	/* Half and quarter hours. */
	{WEEKEND("Asia/Kolkata"), "2026-01-16T12:29:59Z", false,
	 "2026-01-16T12:30:00Z"},
	{WEEKEND("Asia/Kolkata"), "2026-01-16T12:30:00Z", true,
	 "2026-01-19T02:30:00Z"},
	{WEEKEND("Asia/Kathmandu"), "2026-01-16T12:15:00Z", true,
	 "2026-01-19T02:15:00Z"},
	/* Lord Howe moves by half an hour on 5 April 2026. */
	{WEEKEND("Australia/Lord_Howe"), "2026-04-03T07:00:00Z", true,
	 "2026-04-05T21:30:00Z"},
	/* 02:30 is skipped: the window begins when the clock is past it. */
	{SUNDAY(2, 5, "Europe/Berlin"), "2026-03-29T00:59:59Z", false,
	 "2026-03-29T01:00:00Z"},
	{SUNDAY(2, 5, "Europe/Berlin"), "2026-03-29T01:00:00Z", true,
	 "2026-03-29T03:30:00Z"},
	/* It would end at 02:30: it ends when the clock jumps. */
	{SUNDAY(1, 2, "Europe/Berlin"), "2026-03-29T00:45:00Z", true,
	 "2026-03-29T01:00:00Z"},
	/* 02:30 comes twice: so does the window's end. */
	{SUNDAY(1, 2, "Europe/Berlin"), "2026-10-25T00:29:59Z", true,
	 "2026-10-25T00:30:00Z"},
	{SUNDAY(1, 2, "Europe/Berlin"), "2026-10-25T00:30:00Z", false,
	 "2026-10-25T01:00:00Z"},
	{SUNDAY(1, 2, "Europe/Berlin"), "2026-10-25T01:00:00Z", true,
	 "2026-10-25T01:30:00Z"},
	/* Over the end of the week, and UTC. */
	{{MINUTES(SUN, 23, 0), MINUTES(MON, 1, 0), "UTC", ""},
	 "2026-01-18T23:30:00Z",
	 true,
	 "2026-01-19T01:00:00Z"},
	{{MINUTES(MON, 0, 0), MINUTES(TUE, 0, 0), "UTC", ""},
	 "2026-01-19T00:00:00Z",
	 true,
	 "2026-01-20T00:00:00Z"},
	{{MINUTES(SAT, 0, 0), MINUTES(MON, 0, 0), "UTC", ""},
	 "2026-01-18T23:59:59Z",
	 true,
	 "2026-01-19T00:00:00Z"},
};

static void test_windows(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		struct calendar_state s;
		struct error e = ERROR_INIT;

		assert_int_equal(calendar_at(&r->freeze, 1, at(r->now), &s, &e),
				 ERR_OK);
		if (s.frozen != r->frozen || s.until_ms != at(r->until))
			fail_msg("row %zu, %s: %s until %lld, not %lld", i,
				 r->now, s.frozen ? "frozen" : "free",
				 (long long)s.until_ms,
				 (long long)at(r->until));
		assert_string_equal(s.reason, s.frozen ? r->freeze.reason : "");
	}
}

static void test_several(void **state UNUSED)
{
	static const struct freeze two[] = {
		WEEKEND("UTC"),
		{MINUTES(MON, 7, 0), MINUTES(MON, 10, 0), "UTC", "planning"},
	};
	static const struct freeze always[] = {
		{MINUTES(MON, 0, 0), MINUTES(FRI, 0, 0), "UTC", "first"},
		{MINUTES(FRI, 0, 0), MINUTES(MON, 0, 0), "UTC", "second"},
	};
	static const struct freeze wrong[] = {
		{0, 1, "Mars/Olympus_Mons", ""},
	};
	struct calendar_state s;
	struct error e = ERROR_INIT;

	/* They overlap: it ends with the last. */
	assert_int_equal(
		calendar_at(two, 2, at("2026-01-17T00:00:00Z"), &s, &e),
		ERR_OK);
	assert_true(s.frozen);
	assert_int_equal(s.until_ms, at("2026-01-19T10:00:00Z"));
	assert_int_equal(
		calendar_at(two, 2, at("2026-01-19T09:00:00.5Z"), &s, &e),
		ERR_OK);
	assert_string_equal(s.reason, "planning");
	/* It never ends. */
	assert_int_equal(
		calendar_at(always, 2, at("2026-01-17T00:00:00Z"), &s, &e),
		ERR_OK);
	assert_true(s.frozen);
	assert_int_equal(s.until_ms, 0);
	assert_int_equal(calendar_at(NULL, 0, 0, &s, &e), ERR_OK);
	assert_false(s.frozen);
	assert_int_equal(calendar_at(wrong, 1, 0, &s, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "Mars/Olympus_Mons"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_libc),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
