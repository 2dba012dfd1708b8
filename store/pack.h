/*
 * Bodies made small for the disk: webhook JSON shrinks to a tenth at the
 * fastest level, and writing a tenth saves more time than packing takes.
 * One per thread, reused, as setting up zlib costs as much as a small body.
 */
#ifndef STORE_PACK_H
#define STORE_PACK_H

#include <stdbool.h>
#include <stddef.h>

#include "bot/base/error.h"

struct packer;

/* NULL when out of memory. */
struct packer *packer_new(void);
void packer_free(struct packer *p);

/*
 * Packs len bytes.  False when it is not worth it (it would not become half
 * as large, or there is no memory): store it raw then.  The result is
 * borrowed until the next call.
 */
bool packer_pack(struct packer *p, const void *data, size_t len,
		 const void **ret, size_t *ret_len);

/*
 * Unpacks what must become exactly size bytes, into memory that the caller
 * gives.  ERR_INVALID when it is damaged, ERR_RETRY when out of memory.
 */
NODISCARD enum err unpack(const void *data, size_t len, void *ret, size_t size,
			  struct error *e);

#endif
