/*
 * A YAML file as a tree that knows the place of everything in it.
 *
 * Of YAML it takes what a configuration needs: maps, lists and text.
 * Anchors, aliases, tags and further documents are refused: an alias in an
 * alias makes a gigabyte out of a kilobyte, and nobody misses them here.
 */
#ifndef BOT_YAML_H
#define BOT_YAML_H

#include "bot/config_report.h"

enum ynode_kind {
	YNODE_TEXT,
	YNODE_LIST,
	YNODE_MAP,
};

struct ynode {
	enum ynode_kind kind;
	struct mark at;

	const char *text; /* of YNODE_TEXT; holds no NUL */
	bool plain;	  /* not quoted: may mean a number, true or null */

	const char *key; /* in a map; the same may occur twice */
	struct mark key_at;

	struct ynode *first; /* of a list or map, in the order of the file */
	struct ynode *next;  /* in the list or map that this is in */
	size_t count;
};

/*
 * The root, from the arena of report; NULL when it is not such YAML, which
 * is then reported.
 */
struct ynode *yaml_read(const char *text, size_t len, struct report *report);

/* The first entry of a map with this key, or NULL; map may be anything. */
const struct ynode *ynode_get(const struct ynode *map, const char *key);

/* Where a key's value stands, or if it is absent the map that lacks it. */
struct mark ynode_where(const struct ynode *map, const char *key);

/* The entry with this index, or NULL. */
const struct ynode *ynode_at(const struct ynode *list, size_t index);

/* "a list", "a map" or "text", for messages. */
const char *ynode_kind_name(const struct ynode *n);

/* Is this what YAML writes for nothing: "", ~ or null without quotes? */
bool ynode_is_null(const struct ynode *n);

#endif
