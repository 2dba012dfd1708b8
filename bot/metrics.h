/*
 * Counters for /metrics, safe from any thread.  Every series is declared in
 * one table (metrics.c), so that the page always shows all of them.
 */
#ifndef BOT_METRICS_H
#define BOT_METRICS_H

#include <stdint.h>

#include "bot/base/str.h"

enum metric {
	METRIC_DELIVERIES,	 /* {result} accepted, duplicate, bad_signature,
				    too_large, bad_request, refused, timeout */
	METRIC_EVENTS,		 /* {event} handled by the engine */
	METRIC_COMMANDS,	 /* {verb, result} */
	METRIC_DISPUTES,	 /* {repo} failures that somebody disputes */
	METRIC_CYCLES,		 /* {kind, verdict} */
	METRIC_CYCLE_SECONDS,	 /* {kind} sum and count */
	METRIC_FORGE_CALLS,	 /* {kind, status} */
	METRIC_FORGE_SECONDS,	 /* {kind} sum and count */
	METRIC_EFFECTS,		 /* {kind, result} */
	METRIC_BREAKER,		 /* {environment} frozen by errors in a row */
	METRIC_LOGINS,		 /* {result} changed, reused */
	METRIC_FOREIGN_STATUSES, /* {result} repaired, later */
	METRIC_LOST,		 /* {how} pull, comment, review, delivery */
	METRIC_DRAINS,		 /* {result} drained, forced, other */
	METRIC_MAX
};

/*
 * Adds n to the series with these label values (b may be NULL).  A value that
 * the table does not know counts as "other" where values come from outside
 * (deliveries, events); elsewhere it gets a series of its own, as long as
 * there is room and it has less than 40 bytes.
 */
void metric_add(enum metric m, const char *a, const char *b, int64_t n);

/* Adds one observation of ms to a _SECONDS metric. */
void metric_time(enum metric m, const char *a, int64_t ms);

/* Remembers a moment (mono ms): the last accepted delivery. */
void metric_delivery_seen(int64_t mono_ms);

/* Mono ms of the last accepted delivery; 0 = none since start. */
int64_t metric_last_delivery(void);

/* The Prometheus text of all counters; gauges are added by the caller. */
void metrics_write(struct str *out);

#endif
