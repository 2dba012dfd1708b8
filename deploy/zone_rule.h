/*
 * What a zone does after the last change that its file lists: "CET-1CEST,
 * M3.5.0,M10.5.0/3", as POSIX has it in TZ.  Between deploy/zone*.c only.
 */
#ifndef DEPLOY_ZONE_RULE_H
#define DEPLOY_ZONE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bot/base/attr.h"

struct zone_day {
	enum { DAY_JULIAN, DAY_OF_YEAR, DAY_OF_MONTH } type;
	int month, week, day;
	int64_t time; /* s after midnight; may be negative or beyond a day */
};

struct zone_rule {
	int64_t standard, summer; /* offsets */
	bool has_summer;
	struct zone_day begin, end; /* of summer */
};

/* false when it is not such a text; "" is none. */
NODISCARD bool zone_rule_parse(const char *text, size_t len,
			       struct zone_rule *ret);

/* As zone_offset(). */
int64_t zone_rule_offset(const struct zone_rule *r, int64_t at,
			 int64_t *ret_until);

#endif
