/*
 * Answers kept together with their ETag: asked again with If-None-Match, an
 * unchanged one costs the forge nothing and does not count against the rate
 * limit.  Bounded in bytes and entries; the longest unused goes first.  One
 * thread; emptied when the token changes, as answers depend on who asks.
 */
#ifndef BOT_GITHUB_CACHE_H
#define BOT_GITHUB_CACHE_H

#include "bot/base/cleanup.h"
#include "bot/base/str.h"

struct github_cache;

struct github_cached {
	const char *etag;
	const char *body;
	size_t len;
	const char *next; /* address of the page after it; NULL = the last */
};

void github_cache_free(struct github_cache *c);
DEFINE_CLEANUP(struct github_cache *, github_cache_free)

/* NULL when out of memory. */
NODISCARD OWNED_BY(github_cache_free)
struct github_cache *github_cache_new(size_t max_bytes, size_t max_entries);

/* Borrowed until the next put or clear.  false when url is not kept. */
bool github_cache_get(struct github_cache *c, const char *url,
		      struct github_cached *ret);

/* Copies.  What is too large, or has no memory, is not kept. */
void github_cache_put(struct github_cache *c, const char *url,
		      const struct github_cached *what);

void github_cache_clear(struct github_cache *c);

#endif
