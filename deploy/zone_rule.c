#include "deploy/zone_rule.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

#define DAY 86400

/* --- reading --- */

/* What is left to read. */
struct text {
	const char *at, *end;
};

static bool take(struct text *t, char c)
{
	if (t->at == t->end || *t->at != c)
		return false;
	t->at++;
	return true;
}

static bool take_number(struct text *t, int min, int max, int *ret)
{
	int value = 0, digits = 0;

	while (t->at < t->end && isdigit((unsigned char)*t->at) && digits < 4) {
		value = value * 10 + (*t->at++ - '0');
		digits++;
	}
	*ret = value;
	return digits && value >= min && value <= max;
}

/* "CET" or "<+0330>" */
static bool take_name(struct text *t)
{
	const char *from = t->at;

	if (take(t, '<')) {
		while (t->at < t->end && *t->at != '>')
			t->at++;
		return take(t, '>');
	}
	while (t->at < t->end && isalpha((unsigned char)*t->at))
		t->at++;
	return t->at - from >= 3;
}

/* [+-]hh[:mm[:ss]] as seconds. */
static bool take_time(struct text *t, int hours_max, int64_t *ret)
{
	int64_t sign = take(t, '-') ? -1 : 1;
	int hours, minutes = 0, seconds = 0;

	if (sign > 0)
		(void)take(t, '+');
	if (!take_number(t, 0, hours_max, &hours))
		return false;
	if (take(t, ':')) {
		if (!take_number(t, 0, 59, &minutes))
			return false;
		if (take(t, ':') && !take_number(t, 0, 59, &seconds))
			return false;
	}
	*ret = sign * (hours * 3600LL + minutes * 60LL + seconds);
	return true;
}

/* "M3.5.0/3", "J60", "59" */
static bool take_day(struct text *t, struct zone_day *ret)
{
	*ret = (struct zone_day){.time = 2 * 3600};
	if (take(t, 'M')) {
		ret->type = DAY_OF_MONTH;
		if (!take_number(t, 1, 12, &ret->month) || !take(t, '.') ||
		    !take_number(t, 1, 5, &ret->week) || !take(t, '.') ||
		    !take_number(t, 0, 6, &ret->day))
			return false;
	} else if (take(t, 'J')) {
		ret->type = DAY_JULIAN;
		if (!take_number(t, 1, 365, &ret->day))
			return false;
	} else {
		ret->type = DAY_OF_YEAR;
		if (!take_number(t, 0, 365, &ret->day))
			return false;
	}
	return !take(t, '/') || take_time(t, 167, &ret->time);
}

bool zone_rule_parse(const char *text, size_t len, struct zone_rule *ret)
{
	struct text t = {text, text + len};
	int64_t west;

	*ret = (struct zone_rule){0};
	if (!take_name(&t) || !take_time(&t, 24, &west))
		return false;
	ret->standard = -west;
	if (t.at == t.end)
		return true;
	ret->has_summer = true;
	ret->summer = ret->standard + 3600;
	if (!take_name(&t))
		return false;
	if (t.at < t.end && *t.at != ',') {
		if (!take_time(&t, 24, &west))
			return false;
		ret->summer = -west;
	}
	return take(&t, ',') && take_day(&t, &ret->begin) && take(&t, ',') &&
	       take_day(&t, &ret->end) && t.at == t.end;
}

/* --- using --- */

/* Seconds from 1970 to the midnight that begins this day. */
static int64_t midnight(int year, int month, int day)
{
	struct tm tm = {
		.tm_year = year - 1900,
		.tm_mon = month - 1,
		.tm_mday = day,
	};

	return timegm(&tm);
}

static int weekday(int64_t midnight_s)
{
	int64_t days = midnight_s / DAY;

	/* 1 January 1970 was a Thursday. */
	return (int)(((days + 4) % 7 + 7) % 7);
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t day_of_month(int year, const struct zone_day *d)
{
	int64_t first = midnight(year, d->month, 1);
	int64_t next = d->month == 12 ? midnight(year + 1, 1, 1)
				      : midnight(year, d->month + 1, 1);
	int64_t at = first + (d->day - weekday(first) + 7) % 7 * DAY +
		     (d->week - 1) * 7LL * DAY;

	/* The fifth is the last, also where there are four. */
	return at < next ? at : at - 7 * DAY;
}

/* When it comes in that year, on the zone's own clock. */
static int64_t local_time(int year, const struct zone_day *d)
{
	int64_t day = d->day;

	if (d->type == DAY_OF_MONTH)
		return day_of_month(year, d) + d->time;
	/* Julian days leave 29 February out. */
	if (d->type == DAY_JULIAN)
		day += is_leap(year) && day >= 60 ? 0 : -1;
	return midnight(year, 1, 1) + day * DAY + d->time;
}

int64_t zone_rule_offset(const struct zone_rule *r, int64_t at,
			 int64_t *ret_until)
{
	time_t t = (time_t)at;
	int64_t last = INT64_MIN, offset = r->standard;
	struct tm tm;

	*ret_until = INT64_MAX;
	if (!r->has_summer || !gmtime_r(&t, &tm))
		return offset;
	for (int year = tm.tm_year + 1899; year <= tm.tm_year + 1901; year++) {
		const struct {
			int64_t at, offset;
		} changes[] = {
			{local_time(year, &r->begin) - r->standard, r->summer},
			{local_time(year, &r->end) - r->summer, r->standard},
		};

		for (int i = 0; i < 2; i++) {
			if (changes[i].at > at && changes[i].at < *ret_until)
				*ret_until = changes[i].at;
			if (changes[i].at <= at && changes[i].at >= last) {
				last = changes[i].at;
				offset = changes[i].offset;
			}
		}
	}
	return offset;
}
