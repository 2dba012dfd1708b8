#include "bot/base/json.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bot/base/limits.h"

/*
 * What parsing may still take, on this thread.  A few bytes of a body can
 * become a hundred of memory, so the body's size alone is no bound.
 */
static _Thread_local bool counting;
static _Thread_local size_t left;
static _Thread_local bool refused; /* it took more than that */

/*
 * jansson 2.14 must not be refused memory.  While it parses it leaves out the
 * bytes of a text for which there was none and goes on, and then copies past
 * the end of what it has; while it writes it leaves out the name of a member.
 * And a list that is made of many pieces would have one less, and count as a
 * whole one: an effect without one of its projects.  So at our own bound the
 * text ends (see feed()), and where the machine has no more the process does;
 * it starts again where it was.
 */
static void NORETURN no_memory(void)
{
	static const char text[] = "out of memory in the midst of JSON\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		abort();
	abort();
}

static void *counted_malloc(size_t size)
{
	void *p = malloc(size);
	size_t got;

	if (!p)
		no_memory();
	if (!counting)
		return p;
	got = malloc_usable_size(p);
	refused = refused || got > left;
	left -= got < left ? got : left;
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

struct food {
	const char *text;
	size_t len;
};

/* For jansson: the next bytes, in small pieces; none once it is too much. */
static size_t feed(void *buffer, size_t size, void *ctx)
{
	struct food *f = ctx;
	size_t n = f->len < size ? f->len : size;

	if (refused)
		return (size_t)-1;
	memcpy(buffer, f->text, n);
	f->text += n;
	f->len -= n;
	return n;
}

static json_t *parse(const char *text, size_t len, size_t flags,
		     struct error *e)
{
	struct food food = {text, len};
	json_error_t why;
	json_t *root;

	left = LIMIT_JSON_MEMORY;
	refused = false;
	counting = true;
	root = json_load_callback(feed, &food, JSON_REJECT_DUPLICATES | flags,
				  &why);
	counting = false;
	if (refused) {
		json_decref(root);
		error_set(e, ERR_INVALID, "JSON that needs more than %u MiB",
			  LIMIT_JSON_MEMORY >> 20);
		return NULL;
	}
	if (!root)
		error_set(e, ERR_INVALID, "not JSON: line %d: %s", why.line,
			  why.text);
	return root;
}

json_t *js_parse(const char *text, size_t len, struct error *e)
{
	return parse(text, len, 0, e);
}

json_t *js_parse_any(const char *text, size_t len, struct error *e)
{
	return parse(text, len, JSON_DECODE_ANY, e);
}

json_t *js_read(const char *text)
{
	struct error ignored = ERROR_INIT;

	return text ? js_parse(text, strlen(text), &ignored) : NULL;
}

char *js_dump(const json_t *root)
{
	return json_dumps(root,
			  JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
}
