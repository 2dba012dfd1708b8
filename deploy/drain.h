/*
 * A drain job gives what runs on the target its time to end, before a stage
 * replaces what it runs on.  It is over when nothing runs any more, and at its
 * deadline whatever runs: then the deploy goes on, "forced", and says how much
 * was still running.
 *
 * What still runs is a count that the job tells: the answer of an http job;
 * the last whole number that a program wrote on a line of its own.
 */
#ifndef DEPLOY_DRAIN_H
#define DEPLOY_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "bot/base/json.h"
#include "bot/base/str.h"
#include "deploy/http_check.h"

#define DRAIN_UNKNOWN (-1)
/*
 * So many questions in a row without a count, and the last one is forgotten.
 * What may be the last full cycle's is then waited for as long as before any
 * count was known: a service may be out for a minute.
 */
#define DRAIN_MISSES 3
/* Whatever "every" says. */
#define DRAIN_EVERY_MS 100
/* A count has at most so many digits. */
#define DRAIN_DIGITS 18

struct drain {
	int64_t began;	  /* mono ms, as all times here */
	int64_t deadline; /* it waits until then */
	/* Not before this while something is known to run: it may belong to
	 * the last full cycle. */
	int64_t full_until;
	int64_t running; /* the count, or DRAIN_UNKNOWN */
	int64_t lost;	 /* when a count was forgotten, 0 = never */

	/* What a program writes, the line so far. */
	char line[DRAIN_DIGITS + 2];
	size_t line_len; /* more than fits: not a count */
};

/* spec: the args of job.run (deploy/backend.h). */
void drain_begin(struct drain *d, const json_t *spec, int64_t now);

/* When it is forced, by what is known now. */
int64_t drain_deadline(const struct drain *d);

/* Takes what a program wrote; its end as well, with len 0. */
void drain_feed(struct drain *d, const char *data, size_t len);

/*
 * Asks until the count is 0.  The probe's json is the shape of the answer (see
 * drain_shape()), NULL = the answer is the count; its tries do not matter.
 * ERR_OK when drained; ERR_CONFLICT when stop() said so, then e holds why the
 * last question gave no count, "" if it did; ERR_INVALID and ERR_FATAL as
 * http_check_run().
 */
NODISCARD enum err drain_poll(struct drain *d, const struct http_probe *probe,
			      struct error *e);

/* "drained in 4 min", "forced after 30 min with 3 still running"; why: what
 * kept it from knowing, or "". */
void drain_say(const struct drain *d, bool forced, int64_t now, const char *why,
	       struct str *out);

/*
 * Does json say where in an answer a count lies?  It does as 0, or as an
 * object of one member that does.
 */
bool drain_shape(const json_t *json);

#endif
