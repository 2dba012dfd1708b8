#include "bot/config_json.h"

#include <stdlib.h>
#include <string.h>

#include "bot/base/json.h"

static json_t *convert(const struct ynode *n, struct report *report);

static json_t *convert_list(const struct ynode *n, struct report *report)
{
	CLEANUP(json_decref) json_t *list = json_array();

	for (n = n->first; n; n = n->next) {
		json_t *item = convert(n, report);

		if (!item || json_array_append_new(list, item))
			return NULL;
	}
	return TAKE(list);
}

static json_t *convert_map(const struct ynode *n, struct report *report)
{
	CLEANUP(json_decref) json_t *map = json_object();

	for (n = n->first; n; n = n->next) {
		json_t *item;

		if (json_object_get(map, n->key)) {
			report_mistake(report, n->key_at, "duplicate key '%s'",
				       n->key);
			return NULL;
		}
		item = convert(n, report);
		if (!item || json_object_set_new(map, n->key, item))
			return NULL;
	}
	return TAKE(map);
}

/* What JSON takes for a number, and no more digits than it can hold. */
static json_t *convert_number(const char *text)
{
	CLEANUP(json_decref) json_t *number = NULL;
	size_t n = strlen(text);

	if (!n || n > 17 || strspn(text, "0123456789+-.eE") != n)
		return NULL;
	number = json_loads(text, JSON_DECODE_ANY, NULL);
	return json_is_number(number) ? TAKE(number) : NULL;
}

static json_t *convert_text(const struct ynode *n)
{
	json_t *number;

	if (!n->plain)
		return json_string(n->text);
	if (ynode_is_null(n))
		return json_null();
	if (!strcmp(n->text, "true") || !strcmp(n->text, "false"))
		return json_boolean(n->text[0] == 't');
	number = convert_number(n->text);
	return number ? number : json_string(n->text);
}

static json_t *convert(const struct ynode *n, struct report *report)
{
	switch (n->kind) {
	case YNODE_LIST:
		return convert_list(n, report);
	case YNODE_MAP:
		return convert_map(n, report);
	default:
		return convert_text(n);
	}
}

const char *config_json(const struct ynode *n, struct report *report)
{
	CLEANUP(json_decref) json_t *root = convert(n, report);
	CLEANUP(free) char *text = root ? js_dump(root) : NULL;

	return text ? arena_text(report->arena, text, strlen(text)) : NULL;
}
