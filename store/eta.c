#include "store/eta.h"

#include <stdlib.h>

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The smallest that at least percent of all do not exceed. */
static int64_t rank(const int64_t *sorted, size_t count, size_t percent)
{
	return sorted[(count * percent + 99) / 100 - 1];
}

bool eta_of(int64_t *ms, size_t count, struct eta *ret)
{
	*ret = (struct eta){.samples = count};
	if (count < ETA_SAMPLES_MIN)
		return false;
	qsort(ms, count, sizeof(*ms), by_size);
	ret->p50_ms = rank(ms, count, 50);
	ret->p90_ms = rank(ms, count, 90);
	return true;
}
