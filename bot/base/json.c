#include "bot/base/json.h"

#include <malloc.h>
#include <string.h>

#include "bot/base/limits.h"

/*
 * What parsing may still take, on this thread.  A few bytes of a body can
 * become a hundred of memory, so the body's size alone is no bound.
 */
static _Thread_local bool counting;
static _Thread_local size_t left;
static _Thread_local bool refused; /* jansson does not say so by itself */

static void *counted_malloc(size_t size)
{
	void *p;

	if (counting && size > left) {
		refused = true;
		return NULL;
	}
	p = malloc(size);
	if (counting && p) {
		size_t got = malloc_usable_size(p);

		left -= got < left ? got : left;
	}
	return p;
}

static void counted_free(void *p)
{
	if (counting && p)
		left += malloc_usable_size(p);
	free(p);
}

/* Before main, as other threads may use jansson later. */
__attribute__((constructor)) static void count_memory(void)
{
	json_set_alloc_funcs(counted_malloc, counted_free);
}

json_t *js_get(const json_t *root, const char *path)
{
	char name[64];

	while (root && *path) {
		size_t n = strcspn(path, ".");

		if (n >= sizeof(name))
			return NULL;
		memcpy(name, path, n);
		name[n] = '\0';
		root = json_object_get(root, name);
		path += n + (path[n] == '.');
	}
	return json_is_null(root) ? NULL : (json_t *)(uintptr_t)root;
}

const char *js_str(const json_t *root, const char *path)
{
	const char *text = json_string_value(js_get(root, path));

	return text ? text : "";
}

int64_t js_int(const json_t *root, const char *path, int64_t absent)
{
	const json_t *v = js_get(root, path);

	return json_is_integer(v) ? (int64_t)json_integer_value(v) : absent;
}

bool js_bool(const json_t *root, const char *path, bool absent)
{
	const json_t *v = js_get(root, path);

	return json_is_boolean(v) ? json_is_true(v) : absent;
}

json_t *js_parse(const char *text, size_t len, struct error *e)
{
	json_error_t why;
	json_t *root;

	left = LIMIT_JSON_MEMORY;
	refused = false;
	counting = true;
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	counting = false;
	if (!root && refused)
		error_set(e, ERR_INVALID, "JSON that needs more than %u MiB",
			  LIMIT_JSON_MEMORY >> 20);
	else if (!root)
		error_set(e, ERR_INVALID, "not JSON: line %d: %s", why.line,
			  why.text);
	return root;
}

char *js_dump(const json_t *root)
{
	return json_dumps(root,
			  JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
}
