/*
 * Every key of the configuration as a row: what it may hold, what it is when
 * absent, where it goes, and what it means.  The reader, the hints for
 * misspelt keys and the reference in docs/configuration.md are made of these
 * rows and know no key by name.
 */
#ifndef BOT_CONFIG_SCHEMA_H
#define BOT_CONFIG_SCHEMA_H

#include <stdint.h>

#include "bot/base/str.h"
#include "bot/config_values.h"

enum field_type {
	/* One value.  The member is a: */
	FIELD_TEXT,	/* const char * */
	FIELD_FILE,	/* const char *; relative to the config's folder */
	FIELD_BASE_URL, /* const char *, slashes at the end dropped */
	FIELD_INT,	/* int */
	FIELD_ID,	/* int64_t, a whole number */
	FIELD_SPAN,	/* int64_t, ms */
	FIELD_MINUTES,	/* int64_t, ms; written as a number of minutes */
	FIELD_BOOL,	/* bool */
	FIELD_NUMBER,	/* double */
	FIELD_CHOICE,	/* enum: the index in choices */
	FIELD_MOMENT,	/* int, minute of the week */
	FIELD_TEXTS,	/* text_list */
	FIELD_JSON,	/* const char *, text of a JSON value */
	/* More rows. */
	FIELD_SECTION, /* a struct */
	FIELD_OBJECT,  /* a pointer to a struct, NULL when absent */
	FIELD_LIST,    /* a pointer to an array and a size_t, from a list */
	FIELD_NAMED,   /* the same from a map, in the file's order */
};

struct section;

struct field {
	const char *key; /* NULL: the value of a FIELD_NAMED entry itself */
	enum field_type type;
	bool required;
	bool lines;	    /* text may hold line breaks */
	const char *absent; /* default, as one would write it; or NULL */
	int64_t min, max;   /* of INT; ms of SPAN; NUMBER in thousandths; bytes
			       of text when max is set; entries of a list */
	value_check *check; /* of a text, or of each in a list */
	const char *const *choices; /* NULL-terminated */
	const struct section *section;
	size_t at;	  /* of the member in the section's struct */
	size_t count_at;  /* of the size_t */
	const char *form; /* what may stand there, for the reference */
	const char *help; /* one or more sentences of Markdown */
};

struct section {
	const struct field *fields;
	size_t field_count;
	size_t size; /* of the struct */
	/* Of FIELD_NAMED: the key goes to the const char * at key_at. */
	const char *key_form;
	value_check *key_check;
	size_t key_at;
};

/* The whole file, into a struct config. */
extern const struct section config_schema;

/* Adds a duration as one writes it: "90s", "6h". */
void config_span(struct str *out, int64_t ms);

/*
 * Adds the tables of docs/configuration.md: each section with its path, each
 * key with what it may hold, its default and its meaning.
 */
void config_reference(struct str *out);

#endif
