#include "tests/fuzz/mutate.h"

#include <string.h>

#include "bot/base/json.h"
#include "tests/fuzz/fuzz.h"

/* Deeper or wider is left as it is. */
#define PLACES_MAX 512
#define TEXT_MAX 4096

/* A value and where it hangs. */
struct place {
	json_t *parent;
	const char *name; /* in an object, else NULL */
	size_t index;	  /* in an array */
	json_t *value;
};

struct places {
	struct place all[PLACES_MAX];
	size_t count;
};

unsigned mutate_pick(unsigned *seed, unsigned n)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % n;
}

static void add_place(struct places *p, const struct place *one)
{
	if (p->count < PLACES_MAX)
		p->all[p->count++] = *one;
}

/* Breadth first: what is read stands near the root. */
static void find_places(struct places *p, json_t *root)
{
	for (size_t i = 0; i <= p->count; i++) {
		json_t *at = i ? p->all[i - 1].value : root, *value;
		const char *name;
		size_t n;

		json_object_foreach (at, name, value)
			add_place(p, &(struct place){at, name, 0, value});
		json_array_foreach (at, n, value)
			add_place(p, &(struct place){at, NULL, n, value});
	}
}

static void replace(const struct place *p, json_t *value)
{
	if (!value)
		return;
	/* The key may live in the object that is changed. */
	if (p->name)
		json_object_set_new(p->parent, p->name, value);
	else
		json_array_set_new(p->parent, p->index, value);
}

static json_t *known_value(const struct mutate_words *w, unsigned *seed)
{
	unsigned n = 0;

	while (w->values[n])
		n++;
	return json_loads(w->values[mutate_pick(seed, n)], JSON_DECODE_ANY,
			  NULL);
}

/* NULL when no UTF-8 came out. */
static json_t *altered_text(const json_t *text)
{
	char buf[TEXT_MAX];
	size_t len = json_string_length(text);

	if (len > sizeof(buf))
		len = sizeof(buf);
	memcpy(buf, json_string_value(text), len);
	len = LLVMFuzzerMutate((uint8_t *)buf, len, sizeof(buf));
	return json_stringn(buf, len);
}

static json_t *altered(const json_t *value, unsigned *seed)
{
	static const json_int_t steps[] = {1, -1, 2, 100, INT32_MAX};

	if (json_is_string(value))
		return altered_text(value);
	if (json_is_boolean(value))
		return json_boolean(!json_is_true(value));
	if (json_is_integer(value)) {
		uint64_t step = (uint64_t)steps[mutate_pick(seed, 5)];
		uint64_t sum = (uint64_t)json_integer_value(value) + step;

		return json_integer((json_int_t)sum);
	}
	return NULL;
}

static void add_member(json_t *object, const struct mutate_words *w,
		       unsigned *seed)
{
	unsigned n = 0;

	while (w->names[n])
		n++;
	if (json_is_object(object))
		json_object_set_new(object, w->names[mutate_pick(seed, n)],
				    known_value(w, seed));
	else if (json_is_array(object))
		json_array_append_new(object, known_value(w, seed));
}

static void take_away(const struct place *p)
{
	if (p->name)
		json_object_del(p->parent, p->name);
	else
		json_array_remove(p->parent, p->index);
}

void mutate_json(json_t *root, const struct mutate_words *words, unsigned *seed)
{
	struct places p = {.count = 0};
	const struct place *one, *other;

	find_places(&p, root);
	if (!p.count) {
		add_member(root, words, seed);
		return;
	}
	one = &p.all[mutate_pick(seed, (unsigned)p.count)];
	other = &p.all[mutate_pick(seed, (unsigned)p.count)];
	switch (mutate_pick(seed, 8)) {
	case 0:
		take_away(one);
		break;
	case 1:
		add_member(one->value, words, seed);
		break;
	case 2:
		replace(one, json_deep_copy(other->value));
		break;
	case 3:
	case 4:
		replace(one, known_value(words, seed));
		break;
	default:
		replace(one, altered(one->value, seed));
	}
}
