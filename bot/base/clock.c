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

bool time_parse_iso(const char *text, int64_t *ret_ms)
{
	struct tm tm = {0};
	int hours, minutes, used = 0;
	int64_t ms;
	char sign;
	const char *p;

	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon,
		   &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec,
		   &used) != 6 ||
	    !used)
		return false;
	if (tm.tm_year < 1970 || tm.tm_mon < 1 || tm.tm_mon > 12 ||
	    tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour < 0 ||
	    tm.tm_hour > 23 || tm.tm_min < 0 || tm.tm_min > 59 ||
	    tm.tm_sec < 0 || tm.tm_sec > 60)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	ms = (int64_t)timegm(&tm) * 1000;
	p = text + used;
	if (*p == '.')
		p += 1 + strspn(p + 1, "0123456789");
	if (strcmp(p, "Z") != 0) {
		if (sscanf(p, "%c%2d:%2d%n", &sign, &hours, &minutes, &used) !=
			    3 ||
		    p[used] || (sign != '+' && sign != '-'))
			return false;
		ms += (sign == '-' ? 1 : -1) *
		      ((int64_t)hours * 3600 + minutes * 60) * 1000;
	}
	*ret_ms = ms;
	return true;
}

void time_span(struct str *out, int64_t ms)
{
	int64_t s = ms < 0 ? 0 : (ms + 500) / 1000;
	int64_t big, small;
	const char *big_unit, *small_unit;

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
