/* From one YAML value to one member: the types without rows of their own. */
#ifndef BOT_CONFIG_SCALAR_H
#define BOT_CONFIG_SCALAR_H

#include "bot/config_read.h"

struct value {
	const struct reader *r;
	const struct field *f;
	const struct ynode *n;
	const char *name; /* in messages: its key, or in a list the list's */
	void *member;	  /* of the type that f->type says */
};

/* Sets the member, or reports why not and leaves it. */
void scalar_read(const struct value *v);

/* Reports that the value must be something else: "must be text". */
void scalar_refuse(const struct value *v, const char *must);

/*
 * Is it a list or map, as kind says?  Reports when not; also, but true then,
 * when it has fewer or more entries than the row wants.
 */
bool scalar_countable(const struct value *v, enum ynode_kind kind);

#endif
