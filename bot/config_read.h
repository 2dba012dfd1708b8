/* From a YAML tree to structs, as the rows of a schema say. */
#ifndef BOT_CONFIG_READ_H
#define BOT_CONFIG_READ_H

#include "bot/config_schema.h"
#include "bot/yaml.h"

struct reader {
	struct report *report; /* and its arena */
	const char *folder;    /* where relative file names start */
};

/*
 * Fills object (zeroed, of the section's size) from map.  Mistakes are
 * reported, and what they are about gets its default, so that the object can
 * be looked at further: no text or list in it is NULL, and every entry of a
 * list or map in the file is one in the array.
 */
void config_read(const struct reader *r, const struct section *section,
		 void *object, const struct ynode *map);

#endif
