#include "deploy/zone.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "bot/base/fs.h"
#include "deploy/zone_rule.h"

#define FOLDER "/usr/share/zoneinfo/"
/* The largest of tzdata has 4 kB. */
#define FILE_MAX (64u << 10)
#define HEADER 44
/* No zone was ever more than a day away. */
#define OFFSET_MAX (26 * 3600)

struct zone {
	struct zone *next; /* in the list of those that are kept */
	char name[64];
	int64_t *times; /* of the changes, ascending */
	uint8_t *types; /* what holds from then on */
	size_t count;
	int64_t offsets[256]; /* of the types; the first holds before all */
	bool has_rule;	      /* after the last change */
	struct zone_rule rule;
	bool starved; /* there was no memory to read it */
};

void zone_free(struct zone *z)
{
	if (!z)
		return;
	free(z->times);
	free(z->types);
	free(z);
}

/* --- the file --- */

struct counts {
	uint32_t is_utc, is_standard, leaps, times, types, chars;
};

static int64_t number(const uint8_t *p, size_t bytes)
{
	uint64_t v = *p & 0x80 ? UINT64_MAX : 0;

	while (bytes--)
		v = v << 8 | *p++;
	return (int64_t)v;
}

static bool read_header(const uint8_t *p, size_t len, struct counts *ret)
{
	uint32_t n[6];

	if (len < HEADER || memcmp(p, "TZif", 4) != 0)
		return false;
	for (size_t i = 0; i < 6; i++)
		n[i] = (uint32_t)number(p + 20 + 4 * i, 4);
	*ret = (struct counts){n[0], n[1], n[2], n[3], n[4], n[5]};
	for (size_t i = 0; i < 6; i++)
		if (n[i] > FILE_MAX)
			return false;
	return ret->types && ret->types <= 256;
}

/* Bytes behind the header when a time has so many. */
static size_t body_size(const struct counts *c, size_t time)
{
	return c->times * (time + 1) + c->types * 6u + c->chars +
	       c->leaps * (time + 4) + c->is_standard + c->is_utc;
}

static bool read_types(struct zone *z, const uint8_t *p, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		z->offsets[i] = number(p + 6 * i, 4);
		if (llabs(z->offsets[i]) > OFFSET_MAX)
			return false;
	}
	return true;
}

static bool read_body(struct zone *z, const uint8_t *p, const struct counts *c,
		      size_t time)
{
	const uint8_t *types = p + c->times * time;

	z->count = c->times;
	z->times = calloc(c->times + 1u, sizeof(*z->times));
	z->types = calloc(c->times + 1u, sizeof(*z->types));
	z->starved = !z->times || !z->types;
	if (z->starved)
		return false;
	for (size_t i = 0; i < c->times; i++) {
		z->times[i] = number(p + i * time, time);
		z->types[i] = types[i];
		if (types[i] >= c->types ||
		    (i && z->times[i] <= z->times[i - 1]))
			return false;
	}
	return read_types(z, types + c->times, c->types);
}

/* A line feed, the rule, a line feed. */
static bool read_footer(struct zone *z, const uint8_t *p, size_t len)
{
	const uint8_t *end;

	if (len < 2 || *p++ != '\n')
		return false;
	end = memchr(p, '\n', len - 1);
	if (!end)
		return false;
	z->has_rule = end > p;
	return !z->has_rule ||
	       zone_rule_parse((const char *)p, (size_t)(end - p), &z->rule);
}

/* Files of our time hold everything twice, the second time with 64 bits. */
static bool read_file(struct zone *z, const uint8_t *p, size_t len)
{
	struct counts c;
	size_t size, time = 4;
	bool old;

	if (!read_header(p, len, &c))
		return false;
	old = p[4] == '\0';
	if (!old) {
		size = HEADER + body_size(&c, time);
		if (size > len || !read_header(p + size, len - size, &c))
			return false;
		p += size;
		len -= size;
		time = 8;
	}
	size = HEADER + body_size(&c, time);
	return size <= len && read_body(z, p + HEADER, &c, time) &&
	       (old || read_footer(z, p + size, len - size));
}

struct zone *zone_parse(const void *bytes, size_t len, struct error *e)
{
	CLEANUP(zone_free) struct zone *z = calloc(1, sizeof(*z));

	if (!z) {
		error_set(e, ERR_FATAL, "out of memory");
		return NULL;
	}
	if (!read_file(z, bytes, len)) {
		if (z->starved)
			error_set(e, ERR_FATAL, "out of memory");
		else
			error_set(e, ERR_INVALID,
				  "not a file of time zone rules");
		return NULL;
	}
	return TAKE(z);
}

/* --- using it --- */

int64_t zone_offset(const struct zone *z, int64_t at, int64_t *ret_until)
{
	size_t low = 0, high = z->count;

	/* The number of changes up to then. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (z->times[middle] <= at)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < z->count) {
		*ret_until = z->times[low];
	} else if (z->has_rule) {
		return zone_rule_offset(&z->rule, at, ret_until);
	} else {
		*ret_until = INT64_MAX;
	}
	return z->offsets[low ? z->types[low - 1] : 0];
}

/* --- those that are kept --- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct zone *kept;

static struct zone *load(const char *name, struct error *e)
{
	CLEANUP(str_release) struct str bytes = STR_INIT(FILE_MAX);
	CLEANUP(free) char *path = NULL;
	struct error why = ERROR_INIT;
	struct zone *z;

	if (strcmp(name, "UTC") == 0) {
		z = calloc(1, sizeof(*z));
	} else if (strstr(name, "..")) {
		error_set(e, ERR_INVALID, "no time zone '%s'", name);
		return NULL;
	} else {
		path = str_format(FOLDER "%s", name);
		if (!path || fs_read(path, &bytes, &why)) {
			error_set(e, ERR_INVALID, "no time zone '%s'%s", name,
				  access(FOLDER, F_OK) ? ": install tzdata"
						       : "");
			return NULL;
		}
		z = zone_parse(bytes.text, bytes.len, e);
		if (!z) {
			error_prefix(e, "%s", path);
			return NULL;
		}
	}
	if (z)
		str_copy(z->name, sizeof(z->name), name);
	else
		error_set(e, ERR_FATAL, "out of memory");
	return z;
}

enum err zone_find(const char *name, const struct zone **ret, struct error *e)
{
	struct zone *z;

	pthread_mutex_lock(&lock);
	for (z = kept; z; z = z->next)
		if (strcmp(z->name, name) == 0)
			break;
	if (!z) {
		z = load(name, e);
		if (z) {
			z->next = kept;
			kept = z;
		}
	}
	pthread_mutex_unlock(&lock);
	*ret = z;
	return z ? ERR_OK : e->code;
}
