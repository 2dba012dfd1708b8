#include "bot/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t system_wall(const struct clock *c UNUSED)
{
	return read_clock(CLOCK_REALTIME);
}

static int64_t system_mono(const struct clock *c UNUSED)
{
	return read_clock(CLOCK_MONOTONIC);
}

const struct clock clock_system = {system_wall, system_mono};

int64_t clock_wall(const struct clock *c)
{
	return c->wall_ms(c);
}

int64_t clock_mono(const struct clock *c)
{
	return c->mono_ms(c);
}

static int64_t fake_wall(const struct clock *c)
{
	return ((const struct fake_clock *)c)->wall;
}

static int64_t fake_mono(const struct clock *c)
{
	return ((const struct fake_clock *)c)->mono;
}

void fake_clock_init(struct fake_clock *f, int64_t ms)
{
	*f = (struct fake_clock){
		.clock = {fake_wall, fake_mono},
		.wall = ms,
		.mono = ms,
	};
}

void fake_clock_advance(struct fake_clock *f, int64_t ms)
{
	f->wall += ms;
	f->mono += ms;
}

void time_iso(struct str *out, int64_t wall_ms)
{
	time_t t = (time_t)(wall_ms / 1000);
	struct tm tm;
	char text[40];

	if (!gmtime_r(&t, &tm) ||
	    !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(text, sizeof(text), "(time out of range)");
	str_puts(out, text);
}

/* Reads exactly n digits at *p and moves on; -1 when they are not there. */
static int read_digits(const char **p, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++, (*p)++) {
		if (**p < '0' || **p > '9')
			return -1;
		value = value * 10 + (**p - '0');
	}
	return value;
}

static bool read_char(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

/* "Z" or "+hh:mm" up to the end of the text, in minutes. */
static bool read_zone(const char *p, int *ret_minutes)
{
	int sign = *p == '-' ? -1 : 1;
	int hours, minutes;

	*ret_minutes = 0;
	if (!strcmp(p, "Z"))
		return true;
	if (!read_char(&p, '+') && !read_char(&p, '-'))
		return false;
	hours = read_digits(&p, 2);
	if (hours < 0 || hours > 23 || !read_char(&p, ':'))
		return false;
	minutes = read_digits(&p, 2);
	if (minutes < 0 || minutes > 59 || *p)
		return false;
	*ret_minutes = sign * (hours * 60 + minutes);
	return true;
}

bool time_parse_iso(const char *text, int64_t *ret_ms)
{
	/* Fields in the order of the text, each with what follows it. */
	enum { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, FIELDS };
	static const struct {
		int digits, min, max;
		char then;
	} rule[FIELDS] = {
		[YEAR] = {4, 1970, 9999, '-'}, [MONTH] = {2, 1, 12, '-'},
		[DAY] = {2, 1, 31, 'T'},       [HOUR] = {2, 0, 23, ':'},
		[MINUTE] = {2, 0, 59, ':'},    [SECOND] = {2, 0, 60, '\0'},
	};
	int v[FIELDS], zone;
	struct tm tm = {0};
	size_t fraction;

	for (size_t i = 0; i < FIELDS; i++) {
		v[i] = read_digits(&text, rule[i].digits);
		if (v[i] < rule[i].min || v[i] > rule[i].max)
			return false;
		if (rule[i].then && !read_char(&text, rule[i].then))
			return false;
	}
	if (read_char(&text, '.')) {
		fraction = strspn(text, "0123456789");
		if (!fraction)
			return false;
		text += fraction;
	}
	if (!read_zone(text, &zone))
		return false;
	tm.tm_year = v[YEAR] - 1900;
	tm.tm_mon = v[MONTH] - 1;
	tm.tm_mday = v[DAY];
	/* A 31st of February comes back as a day of March. */
	timegm(&tm);
	if (tm.tm_mday != v[DAY])
		return false;
	tm.tm_hour = v[HOUR];
	tm.tm_min = v[MINUTE] - zone;
	tm.tm_sec = v[SECOND];
	*ret_ms = (int64_t)timegm(&tm) * 1000;
	return true;
}

void time_span(struct str *out, int64_t ms)
{
	int64_t s = ms < 0 ? 0 : ms / 1000 + (ms % 1000 >= 500);
	int64_t big, small;
	const char *big_unit, *small_unit;

	if (ms > 0 && ms < 1000) {
		/* What took time did not take "0 s". */
		int tenths = ms < 100 ? 1 : (int)(ms / 100);

		str_addf(out, "0.%d s", tenths);
		return;
	}
	if (s < 60) {
		str_addf(out, "%lld s", (long long)s);
		return;
	}
	if (s < 3600) {
		big = s / 60, small = s % 60;
		big_unit = "min", small_unit = "s";
	} else if (s < 86400) {
		big = s / 3600, small = s % 3600 / 60;
		big_unit = "h", small_unit = "min";
	} else {
		big = s / 86400, small = s % 86400 / 3600;
		big_unit = "d", small_unit = "h";
	}
	str_addf(out, "%lld %s", (long long)big, big_unit);
	if (small)
		str_addf(out, " %lld %s", (long long)small, small_unit);
}

bool time_parse_span(const char *text, int64_t *ret_ms)
{
	static const struct {
		char unit;
		int64_t ms;
	} units[] = {
		{'s', 1000},
		{'m', 60000},
		{'h', 3600000},
		{'d', 86400000},
	};
	size_t digits = strspn(text, "0123456789");

	/* Nine digits of days are 2.7 million years: no overflow. */
	if (!digits || digits > 9 || !text[digits] || text[digits + 1])
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (units[i].unit == text[digits]) {
			*ret_ms = strtoll(text, NULL, 10) * units[i].ms;
			return true;
		}
	}
	return false;
}
