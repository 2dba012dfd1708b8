#include "bot/github_cache.h"

#include <stdint.h>
#include <string.h>

struct entry {
	char *url, *etag, *body, *next;
	size_t len;
	size_t cost;
	uint64_t used; /* turn of the last use */
};

struct github_cache {
	struct entry *entries;
	size_t count, max_entries;
	size_t bytes, max_bytes;
	uint64_t turn;
};

static void release(struct entry *en)
{
	free(en->url);
	free(en->etag);
	free(en->body);
	free(en->next);
	*en = (struct entry){0};
}

void github_cache_clear(struct github_cache *c)
{
	for (size_t i = 0; i < c->count; i++)
		release(&c->entries[i]);
	c->count = 0;
	c->bytes = 0;
}

static void dispose(struct github_cache *c)
{
	if (c->entries)
		github_cache_clear(c);
	free(c->entries);
	free(c);
}
DEFINE_CLEANUP(struct github_cache *, dispose)

struct github_cache *github_cache_new(size_t max_bytes, size_t max_entries)
{
	CLEANUP(dispose) struct github_cache *c = calloc(1, sizeof(*c));

	if (!c || !(c->entries = calloc(max_entries, sizeof(*c->entries))))
		return NULL;
	c->max_bytes = max_bytes;
	c->max_entries = max_entries;
	return TAKE(c);
}

void github_cache_free(struct github_cache *c)
{
	if (c)
		dispose(c);
}

static struct entry *find(struct github_cache *c, const char *url)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->entries[i].url, url) == 0)
			return &c->entries[i];
	return NULL;
}

bool github_cache_get(struct github_cache *c, const char *url,
		      struct github_cached *ret)
{
	struct entry *en = find(c, url);

	if (!en)
		return false;
	en->used = ++c->turn;
	*ret = (struct github_cached){
		.etag = en->etag,
		.body = en->body,
		.len = en->len,
		.next = en->next,
	};
	return true;
}

static void drop(struct github_cache *c, struct entry *en)
{
	c->bytes -= en->cost;
	release(en);
	*en = c->entries[--c->count];
	c->entries[c->count] = (struct entry){0};
}

static void drop_oldest(struct github_cache *c)
{
	struct entry *oldest = &c->entries[0];

	for (size_t i = 1; i < c->count; i++)
		if (c->entries[i].used < oldest->used)
			oldest = &c->entries[i];
	drop(c, oldest);
}

static bool copy(struct entry *en, const char *url,
		 const struct github_cached *what)
{
	en->url = strdup(url);
	en->etag = strdup(what->etag);
	en->body = malloc(what->len + 1);
	en->next = what->next ? strdup(what->next) : NULL;
	if (!en->url || !en->etag || !en->body || (what->next && !en->next))
		return false;
	memcpy(en->body, what->body, what->len);
	en->body[what->len] = '\0';
	en->len = what->len;
	return true;
}

void github_cache_put(struct github_cache *c, const char *url,
		      const struct github_cached *what)
{
	size_t cost = what->len + strlen(url) + strlen(what->etag) +
		      (what->next ? strlen(what->next) : 0);
	struct entry fresh = {.cost = cost, .used = ++c->turn};
	struct entry *old = find(c, url);

	if (old)
		drop(c, old);
	if (cost > c->max_bytes / 2 || !c->max_entries)
		return;
	if (!copy(&fresh, url, what)) {
		release(&fresh);
		return;
	}
	while (c->count == c->max_entries || c->bytes + cost > c->max_bytes)
		drop_oldest(c);
	c->entries[c->count++] = fresh;
	c->bytes += cost;
}
