#include "bot/base/json.h"

#include <malloc.h>
#include <string.h>

/* What the parse in hand may still allocate on this thread; SIZE_MAX = no
 * matter. */
static _Thread_local size_t budget = SIZE_MAX;

static void *counted_malloc(size_t size)
{
	void *p;

	if (size > budget)
		return NULL;
	p = malloc(size);
	if (p && budget != SIZE_MAX) {
		size = malloc_usable_size(p);
		budget -= size < budget ? size : budget;
	}
	return p;
}

static void counted_free(void *p)
{
	if (p && budget != SIZE_MAX)
		budget += malloc_usable_size(p);
	free(p);
}

void js_init(void)
{
	json_set_alloc_funcs(counted_malloc, counted_free);
}

json_t *js_parse_within(const char *text, size_t len, size_t memory,
			struct error *e)
{
	json_t *root;

	budget = memory;
	root = js_parse(text, len, e);
	budget = SIZE_MAX;
	return root;
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
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);

	if (!root)
		error_set(e, ERR_INVALID, "not JSON: line %d: %s", why.line,
			  why.text);
	return root;
}

char *js_dump(const json_t *root)
{
	return json_dumps(root,
			  JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
}
