/*
 * A time zone's real rules, from the files of tzdata.  localtime_r() knows
 * them too, but only for the one zone of the whole process; so the files
 * (RFC 8536) are read here, which is little work.
 *
 * All times are seconds since 1970 UTC, offsets seconds east of UTC.
 */
#ifndef DEPLOY_ZONE_H
#define DEPLOY_ZONE_H

#include <stddef.h>
#include <stdint.h>

#include "bot/base/cleanup.h"
#include "bot/base/error.h"

struct zone;

/*
 * The zone of this name; kept for the life of the process, from any thread.
 * "UTC" needs no file.  ERR_INVALID with a sentence when there is none or
 * its file is broken.
 */
NODISCARD enum err zone_find(const char *name, const struct zone **ret,
			     struct error *e);

/* From the bytes of such a file; the caller's. */
void zone_free(struct zone *z);
DEFINE_CLEANUP(struct zone *, zone_free)
NODISCARD
struct zone *zone_parse(const void *bytes, size_t len, struct error *e);

/*
 * The offset in force at a time.  *ret_until: it stays so until then at
 * least; INT64_MAX = for ever.
 */
int64_t zone_offset(const struct zone *z, int64_t at, int64_t *ret_until);

#endif
