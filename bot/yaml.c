#include "bot/yaml.h"

#include <string.h>
#include <yaml.h>

/* Real files have less than ten levels and less than a hundred entries. */
#define DEPTH_MAX 32
#define ENTRIES_MAX 1000

struct loader {
	yaml_parser_t parser;
	yaml_event_t event; /* the current one; owned */
	const char *input;
	size_t len;
	struct report *report;
};

static struct mark mark_of(yaml_mark_t m)
{
	return (struct mark){(int)m.line + 1, (int)m.column + 1};
}

/* For errors of the decoder, which know a byte only. */
static struct mark mark_of_byte(const struct loader *l, size_t offset)
{
	struct mark at = {1, 1};

	for (size_t i = 0; i < offset && i < l->len; i++) {
		if (l->input[i] == '\n') {
			at.line++;
			at.column = 1;
		} else if (((unsigned char)l->input[i] & 0xc0) != 0x80) {
			at.column++;
		}
	}
	return at;
}

/* libyaml counts characters: the byte where character number index begins. */
static char byte_at(const struct loader *l, size_t index)
{
	for (size_t i = 0; i < l->len; i++)
		if (((unsigned char)l->input[i] & 0xc0) != 0x80 && !index--)
			return l->input[i];
	return '\0';
}

static void report_decoder(struct loader *l)
{
	size_t at = l->parser.problem_offset;

	if (at < l->len && !l->input[at])
		report_mistake(l->report, mark_of_byte(l, at),
			       "a NUL byte; this is no text file");
	else
		report_mistake(l->report, mark_of_byte(l, at), "%s",
			       l->parser.problem);
}

static void report_parser(struct loader *l)
{
	const yaml_parser_t *p = &l->parser;

	if (p->error == YAML_MEMORY_ERROR) {
		l->report->arena->failed = true;
	} else if (p->error == YAML_READER_ERROR) {
		report_decoder(l);
	} else if (p->error == YAML_SCANNER_ERROR &&
		   byte_at(l, p->problem_mark.index) == '\t') {
		report_mistake(l->report, mark_of(p->problem_mark),
			       "a tab; YAML wants blanks here");
	} else if (p->context) {
		report_mistake(l->report, mark_of(p->problem_mark),
			       "%s, %s (from line %d)", p->problem, p->context,
			       (int)p->context_mark.line + 1);
	} else {
		report_mistake(l->report, mark_of(p->problem_mark), "%s",
			       p->problem ? p->problem : "not YAML");
	}
}

static bool next_event(struct loader *l)
{
	yaml_event_delete(&l->event);
	memset(&l->event, 0, sizeof(l->event));
	if (yaml_parser_parse(&l->parser, &l->event))
		return true;
	report_parser(l);
	return false;
}

static bool refuse(struct loader *l, const char *what)
{
	report_mistake(l->report, mark_of(l->event.start_mark), "%s", what);
	return false;
}

/* Which words of the event ask for more than we take; NULL = none. */
static const char *too_much(const yaml_event_t *event)
{
	const unsigned char *anchor = NULL, *tag = NULL;

	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return "an alias; write the value out";
	case YAML_SCALAR_EVENT:
		anchor = event->data.scalar.anchor;
		tag = event->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
		break;
	default:
		break;
	}
	if (anchor)
		return "an anchor; anchors and aliases are not used here";
	return tag ? "a tag; tags are not used here" : NULL;
}

static bool load(struct loader *l, struct ynode *n, int depth);

static const char *load_text(struct loader *l)
{
	const char *text = (const char *)l->event.data.scalar.value;
	size_t len = l->event.data.scalar.length;

	if (memchr(text, '\0', len)) {
		refuse(l, "a NUL inside a text");
		return NULL;
	}
	return arena_text(l->report->arena, text, len);
}

static bool load_key(struct loader *l, struct ynode *entry)
{
	const char *bad = too_much(&l->event);

	if (bad)
		return refuse(l, bad);
	if (l->event.type != YAML_SCALAR_EVENT)
		return refuse(l, "a key must be text");
	entry->key_at = mark_of(l->event.start_mark);
	entry->key = load_text(l);
	return entry->key && next_event(l);
}

static bool load_entries(struct loader *l, struct ynode *n,
			 yaml_event_type_t end, int depth)
{
	struct ynode **place = &n->first;

	if (depth == DEPTH_MAX)
		return refuse(l, "nested too deeply");
	if (!next_event(l))
		return false;
	while (l->event.type != end) {
		struct ynode *entry;

		if (++n->count > ENTRIES_MAX)
			return refuse(l, "too many entries");
		entry = arena_alloc(l->report->arena, 1, sizeof(*entry));
		if (!entry)
			return false;
		*place = entry;
		place = &entry->next;
		if (n->kind == YNODE_MAP && !load_key(l, entry))
			return false;
		if (!load(l, entry, depth + 1) || !next_event(l))
			return false;
	}
	return true;
}

/* Fills n from the current event and those that belong to it. */
static bool load(struct loader *l, struct ynode *n, int depth)
{
	const char *bad = too_much(&l->event);

	if (bad)
		return refuse(l, bad);
	n->at = mark_of(l->event.start_mark);
	switch (l->event.type) {
	case YAML_SCALAR_EVENT:
		n->kind = YNODE_TEXT;
		n->plain =
			l->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
		n->text = load_text(l);
		return n->text;
	case YAML_SEQUENCE_START_EVENT:
		n->kind = YNODE_LIST;
		return load_entries(l, n, YAML_SEQUENCE_END_EVENT, depth);
	case YAML_MAPPING_START_EVENT:
		n->kind = YNODE_MAP;
		return load_entries(l, n, YAML_MAPPING_END_EVENT, depth);
	default:
		return refuse(l, "not a value");
	}
}

static bool load_document(struct loader *l, struct ynode *root)
{
	if (!next_event(l) || !next_event(l)) /* start of the stream, first */
		return false;
	if (l->event.type != YAML_DOCUMENT_START_EVENT)
		return refuse(l, "the file is empty");
	if (!next_event(l) || !load(l, root, 0))
		return false;
	if (!next_event(l) || !next_event(l)) /* end of the document, next */
		return false;
	if (l->event.type != YAML_STREAM_END_EVENT)
		return refuse(l, "a second document; there can be only one");
	return true;
}

struct ynode *yaml_read(const char *text, size_t len, struct report *report)
{
	static const char bom[] = {(char)0xef, (char)0xbb, (char)0xbf};
	size_t skip = len >= sizeof(bom) && !memcmp(text, bom, sizeof(bom))
			      ? sizeof(bom)
			      : 0;
	struct loader l = {
		.input = text + skip,
		.len = len - skip,
		.report = report,
	};
	struct ynode *root = arena_alloc(report->arena, 1, sizeof(*root));
	bool good;

	if (!root || !yaml_parser_initialize(&l.parser)) {
		report->arena->failed = true;
		return NULL;
	}
	/* Said, not guessed: two odd bytes do not make it UTF-16. */
	yaml_parser_set_encoding(&l.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&l.parser, (const unsigned char *)l.input,
				     l.len);
	good = load_document(&l, root);
	yaml_event_delete(&l.event);
	yaml_parser_delete(&l.parser);
	return good ? root : NULL;
}

const struct ynode *ynode_get(const struct ynode *map, const char *key)
{
	if (map && map->kind == YNODE_MAP)
		for (const struct ynode *n = map->first; n; n = n->next)
			if (!strcmp(n->key, key))
				return n;
	return NULL;
}

struct mark ynode_where(const struct ynode *map, const char *key)
{
	const struct ynode *n = ynode_get(map, key);

	if (n)
		return n->at;
	return map->key ? map->key_at : map->at;
}

const struct ynode *ynode_at(const struct ynode *list, size_t index)
{
	const struct ynode *n = list ? list->first : NULL;

	while (n && index--)
		n = n->next;
	return n;
}

const char *ynode_kind_name(const struct ynode *n)
{
	static const char *const names[] = {
		[YNODE_TEXT] = "text",
		[YNODE_LIST] = "a list",
		[YNODE_MAP] = "a map",
	};

	return names[n->kind];
}

bool ynode_is_null(const struct ynode *n)
{
	return n->kind == YNODE_TEXT && n->plain &&
	       (!*n->text || !strcmp(n->text, "~") ||
		!strcasecmp(n->text, "null"));
}
