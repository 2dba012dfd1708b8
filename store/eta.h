/*
 * How long will it take?  From how long the last ones took.
 */
#ifndef STORE_ETA_H
#define STORE_ETA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fewer say nothing; more than the last ones of these are of another time. */
#define ETA_SAMPLES_MIN 3
#define ETA_SAMPLES_MAX 20

struct eta {
	size_t samples;
	int64_t p50_ms; /* half of them took at most so long, */
	int64_t p90_ms; /* and nine of ten so long */
};

/* Pure; sorts ms.  false when there are too few. */
bool eta_of(int64_t *ms, size_t count, struct eta *ret);

#endif
