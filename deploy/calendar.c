#include "deploy/calendar.h"

#include "deploy/zone.h"

#define WEEK_S (7LL * 24 * 3600)
/* Everything comes again every week; one more for what a zone changes. */
#define HORIZON_S (2 * WEEK_S)
/* Monday 00:00, on the clock that began on a Thursday. */
#define FIRST_MONDAY_S (4LL * 24 * 3600)

/* Seconds of the week, 0 to WEEK_S - 1. */
static int64_t week_second(int64_t local_s)
{
	return ((local_s - FIRST_MONDAY_S) % WEEK_S + WEEK_S) % WEEK_S;
}

static bool holds(const struct freeze *f, int64_t second)
{
	int64_t from = f->from_minute * 60LL, to = f->to_minute * 60LL;

	return from < to ? second >= from && second < to
			 : second >= from || second < to;
}

/* Seconds from one place in the week to the next time of another. */
static int64_t ahead(int64_t from, int64_t minute)
{
	int64_t d = (minute * 60 - from + WEEK_S) % WEEK_S;

	return d ? d : WEEK_S;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/*
 * Does one of them hold at this second?  *ret_next: the next second at which
 * it may be otherwise.
 */
static enum err look(const struct freeze *list, size_t count, int64_t at,
		     const struct freeze **ret, int64_t *ret_next,
		     struct error *e)
{
	*ret = NULL;
	*ret_next = INT64_MAX;
	for (size_t i = 0; i < count; i++) {
		const struct zone *zone;
		int64_t second, until;

		if (zone_find(list[i].zone, &zone, e))
			return e->code;
		second = week_second(at + zone_offset(zone, at, &until));
		if (!*ret && holds(&list[i], second))
			*ret = &list[i];
		until = least(until, at + ahead(second, list[i].from_minute));
		until = least(until, at + ahead(second, list[i].to_minute));
		*ret_next = least(*ret_next, until);
	}
	return ERR_OK;
}

enum err calendar_at(const struct freeze *list, size_t count, int64_t wall_ms,
		     struct calendar_state *ret, struct error *e)
{
	int64_t now = wall_ms / 1000 - (wall_ms % 1000 < 0), next, at;
	const struct freeze *first, *then;

	*ret = (struct calendar_state){.reason = ""};
	if (!count)
		return ERR_OK;
	if (look(list, count, now, &first, &next, e))
		return e->code;
	if (first) {
		ret->frozen = true;
		ret->reason = first->reason;
	}
	while (next < now + HORIZON_S) {
		at = next;
		if (look(list, count, at, &then, &next, e))
			return e->code;
		if (!then != !first) {
			ret->until_ms = at * 1000;
			break;
		}
	}
	return ERR_OK;
}
