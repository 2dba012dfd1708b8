#include "store/pack.h"

#include <stdlib.h>
#include <zlib.h>

/* Below this zlib's own frame eats the gain. */
#define WORTH_IT 256
/* What stays allocated between bodies; a large one gives its memory back. */
#define KEEP (64u << 10)

struct packer {
	z_stream z;
	unsigned char *out;
	size_t cap;
};

struct packer *packer_new(void)
{
	struct packer *p = calloc(1, sizeof(*p));

	if (p && deflateInit(&p->z, Z_BEST_SPEED) != Z_OK) {
		free(p);
		return NULL;
	}
	return p;
}

void packer_free(struct packer *p)
{
	if (!p)
		return;
	deflateEnd(&p->z);
	free(p->out);
	free(p);
}

static bool resize(struct packer *p, size_t cap)
{
	unsigned char *out = realloc(p->out, cap);

	if (!out)
		return false;
	p->out = out;
	p->cap = cap;
	return true;
}

/* Into a buffer that grows with the output, up to most bytes. */
static bool deflate_all(struct packer *p, size_t most)
{
	int rc;

	p->z.total_out = 0;
	for (;;) {
		size_t have = p->cap < most ? p->cap : most;

		p->z.next_out = p->out + p->z.total_out;
		p->z.avail_out = (uInt)(have - p->z.total_out);
		rc = deflate(&p->z, Z_FINISH);
		if (rc != Z_OK && rc != Z_BUF_ERROR)
			return rc == Z_STREAM_END;
		if (have == most ||
		    !resize(p, p->cap * 2 < most ? p->cap * 2 : most))
			return false;
	}
}

bool packer_pack(struct packer *p, const void *data, size_t len,
		 const void **ret, size_t *ret_len)
{
	if (len < WORTH_IT || deflateReset(&p->z) != Z_OK ||
	    (p->cap != KEEP && !resize(p, KEEP)))
		return false;
	p->z.next_in = (z_const Bytef *)data;
	p->z.avail_in = (uInt)len;
	if (!deflate_all(p, len / 2)) {
		if (p->cap > KEEP)
			(void)resize(p, KEEP);
		return false;
	}
	*ret = p->out;
	*ret_len = p->z.total_out;
	return true;
}

enum err unpack(const void *data, size_t len, void *ret, size_t size,
		struct error *e)
{
	uLongf got = size;
	int rc = uncompress(ret, &got, data, len);

	if (rc == Z_MEM_ERROR)
		return error_set(e, ERR_RETRY, "out of memory");
	if (rc != Z_OK || got != size)
		return error_set(e, ERR_INVALID, "a packed body is damaged");
	return ERR_OK;
}
