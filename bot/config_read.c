#include "bot/config_read.h"

#include <string.h>

#include "bot/base/near.h"
#include "bot/config_scalar.h"
#include "deploy/environment.h"

static const char *const empty_list[] = {NULL};

typedef void read_value(const struct value *v);

static void read_section(const struct value *v)
{
	if (v->n->kind != YNODE_MAP)
		scalar_refuse(v, "must be a map");
	else
		config_read(v->r, v->f->section, v->member, v->n);
}

static void read_object(const struct value *v)
{
	void *object = arena_alloc(v->r->report->arena, 1, v->f->section->size);
	struct value inner = *v;

	if (!object)
		return;
	*(void **)v->member = object;
	/* Defaults, so that nobody meets a NULL in what could not be read. */
	config_read(v->r, v->f->section, object, NULL);
	inner.member = object;
	read_section(&inner);
}

/* The fields of an entry, or the one value that it is. */
static void read_element(const struct value *v, const struct ynode *n,
			 void *element)
{
	const struct section *s = v->f->section;
	struct value item = *v;

	config_read(v->r, s, element, NULL);
	item.n = n;
	item.member = element;
	if (n->key)
		item.name = n->key;
	if (s->fields[0].key) {
		read_section(&item);
		return;
	}
	item.f = &s->fields[0];
	item.member = (char *)element + item.f->at;
	scalar_read(&item);
}

static void read_key(const struct value *v, const struct ynode *n,
		     void *element)
{
	const struct section *s = v->f->section;
	struct error e = ERROR_INIT;

	if (s->key_check(n->key, &e))
		report_mistake(v->r->report, n->key_at, "'%s': a key here %s",
			       n->key, e.text);
	*(const char **)((char *)element + s->key_at) = n->key;
}

static void report_duplicate(const struct reader *r, const struct ynode *map,
			     const struct ynode *n)
{
	const struct ynode *first = ynode_get(map, n->key);

	if (first != n)
		report_mistake(r->report, n->key_at,
			       "duplicate key '%s', first on line %d", n->key,
			       first->key_at.line);
}

static void read_array(const struct value *v)
{
	enum ynode_kind kind =
		v->f->type == FIELD_LIST ? YNODE_LIST : YNODE_MAP;
	size_t size = v->f->section->size, *count;
	char *array;

	if (!scalar_countable(v, kind))
		return;
	array = arena_alloc(v->r->report->arena, v->n->count + 1, size);
	if (!array)
		return;
	count = (size_t *)((char *)v->member - v->f->at + v->f->count_at);
	*(void **)v->member = array;
	*count = 0;
	for (const struct ynode *n = v->n->first; n; n = n->next) {
		void *element = array + (*count)++ * size;

		read_element(v, n, element);
		if (kind == YNODE_MAP) {
			read_key(v, n, element);
			report_duplicate(v->r, v->n, n);
		}
	}
}

/* How the rows that hold more rows are read; the others are scalars. */
static read_value *const readers[] = {
	[FIELD_SECTION] = read_section,
	[FIELD_OBJECT] = read_object,
	[FIELD_LIST] = read_array,
	[FIELD_NAMED] = read_array,
};

static void read_field(const struct value *v)
{
	if (v->f->section)
		readers[v->f->type](v);
	else
		scalar_read(v);
}

static void read_default(const struct reader *r, const struct field *f,
			 void *member)
{
	struct ynode n = {.kind = YNODE_TEXT, .plain = true};
	const struct value v = {r, f, &n, f->key, member};

	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_FILE:
	case FIELD_BASE_URL:
		*(const char **)member = f->absent ? f->absent : "";
		break;
	case FIELD_TEXTS:
		*(text_list *)member = empty_list;
		break;
	case FIELD_SECTION:
		config_read(r, f->section, member, NULL);
		break;
	default:
		n.text = f->absent;
		if (f->absent)
			read_field(&v);
	}
}

static void report_unknown(const struct reader *r, const struct section *s,
			   const struct ynode *n)
{
	struct near near = {.word = n->key};

	for (size_t i = 0; i < s->field_count; i++)
		near_try(&near, s->fields[i].key);
	if (near.best)
		report_mistake(r->report, n->key_at,
			       "unknown key '%s'; did you mean '%s'?", n->key,
			       near.best);
	else
		report_mistake(r->report, n->key_at, "unknown key '%s'",
			       n->key);
}

static const struct field *find_field(const struct section *s, const char *key)
{
	for (size_t i = 0; i < s->field_count; i++)
		if (!strcmp(s->fields[i].key, key))
			return &s->fields[i];
	return NULL;
}

static void read_entry(const struct reader *r, const struct section *s,
		       void *object, const struct ynode *n)
{
	const struct field *f = find_field(s, n->key);
	const struct value v = {
		.r = r,
		.f = f,
		.n = n,
		.name = n->key,
		.member = f ? (char *)object + f->at : NULL,
	};

	if (f)
		read_field(&v);
	else
		report_unknown(r, s, n);
}

void config_read(const struct reader *r, const struct section *section,
		 void *object, const struct ynode *map)
{
	for (size_t i = 0; i < section->field_count; i++)
		read_default(r, &section->fields[i],
			     (char *)object + section->fields[i].at);
	if (!map)
		return;
	for (const struct ynode *n = map->first; n; n = n->next) {
		if (ynode_get(map, n->key) == n)
			read_entry(r, section, object, n);
		else
			report_duplicate(r, map, n);
	}
	for (size_t i = 0; i < section->field_count; i++) {
		const struct field *f = &section->fields[i];

		if (f->required && !ynode_get(map, f->key))
			report_mistake(r->report,
				       map->key ? map->key_at : map->at,
				       "missing key '%s'", f->key);
	}
}
