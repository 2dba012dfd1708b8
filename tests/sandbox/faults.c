#include "tests/sandbox/faults.h"

#include <string.h>

struct sb_faults {
	STAILQ_HEAD(, sb_fault) all;
};

static const struct {
	const char *name;
	enum sb_fault_kind kind;
	bool apply; /* unless the specification says otherwise */
} kinds[] = {
	{"status", SB_FAULT_STATUS, false}, {"hang", SB_FAULT_HANG, true},
	{"close", SB_FAULT_CLOSE, true},    {"cut", SB_FAULT_CUT, true},
	{"delay", SB_FAULT_DELAY, true},
};

struct sb_faults *sb_faults_new(void)
{
	struct sb_faults *f = sb_new(sizeof(*f));

	STAILQ_INIT(&f->all);
	return f;
}

void sb_faults_free(struct sb_faults *f)
{
	struct sb_fault *one;

	while ((one = STAILQ_FIRST(&f->all))) {
		STAILQ_REMOVE_HEAD(&f->all, next);
		json_decref(one->headers);
		free(one->method);
		free(one->path);
		free(one->ends);
		free(one->contains);
		free(one->body);
		free(one);
	}
	free(f);
}

enum err sb_faults_add(struct sandbox *s, const json_t *spec, struct error *e)
{
	const char *name = js_str(spec, "kind");
	json_t *headers = js_get(spec, "headers");
	struct sb_fault *f;
	size_t k = 0;

	name = *name ? name : "status";
	while (k < ARRAY_SIZE(kinds) && strcmp(kinds[k].name, name) != 0)
		k++;
	if (k == ARRAY_SIZE(kinds))
		return error_set(e, ERR_INVALID, "no fault of kind %s", name);
	if (headers && !json_is_object(headers))
		return error_set(e, ERR_INVALID, "headers must be an object");
	f = sb_new(sizeof(*f));
	f->kind = kinds[k].kind;
	f->apply = js_bool(spec, "apply", kinds[k].apply);
	f->method = sb_dup(js_str(spec, "method"));
	f->path = sb_dup(js_str(spec, "path"));
	f->ends = sb_dup(js_str(spec, "ends"));
	f->contains = sb_dup(js_str(spec, "contains"));
	f->body = sb_dup(js_str(spec, "body"));
	f->skip = js_int(spec, "skip", 0);
	f->count = js_int(spec, "count", 1);
	f->status = (int)js_int(spec, "status", 500);
	f->ms = js_int(spec, "ms", 0);
	f->headers = headers ? json_deep_copy(headers) : NULL;
	STAILQ_INSERT_TAIL(&s->faults->all, f, next);
	return ERR_OK;
}

void sb_faults_clear(struct sandbox *s)
{
	struct sb_fault *f;

	STAILQ_FOREACH(f, &s->faults->all, next)
	f->count = 0;
}

static bool ends(const char *path, const char *with)
{
	size_t n = strlen(path), m = strlen(with);

	return n >= m && !strcmp(path + n - m, with);
}

static bool matches(const struct sb_fault *f, const char *method,
		    const char *path, const char *body)
{
	return f->count > 0 && (!*f->method || !strcmp(f->method, method)) &&
	       str_starts(path, f->path) && ends(path, f->ends) &&
	       strstr(body, f->contains);
}

const struct sb_fault *sb_fault_next(struct sandbox *s, const char *method,
				     const char *path, const char *body)
{
	struct sb_fault *f;

	STAILQ_FOREACH(f, &s->faults->all, next)
	{
		if (!matches(f, method, path, body))
			continue;
		if (f->skip > 0) {
			f->skip--;
			continue;
		}
		f->count--;
		return f;
	}
	return NULL;
}
