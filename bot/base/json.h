/*
 * Reading JSON that a stranger wrote, on top of jansson.  A path names
 * members by dots ("pull_request.head.sha"); whatever is absent or of
 * another type reads as the default.  Text is borrowed from its root.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "bot/base/cleanup.h"
#include "bot/base/error.h"

DEFINE_CLEANUP(json_t *, json_decref)

/* The member at path, NULL when there is none (a JSON null is none). */
json_t *js_get(const json_t *root, const char *path);

/* "" when absent. */
const char *js_str(const json_t *root, const char *path);
int64_t js_int(const json_t *root, const char *path, int64_t absent);
bool js_bool(const json_t *root, const char *path, bool absent);

/*
 * Parses len bytes; the caller owns the result.  NULL and ERR_INVALID when
 * it is not JSON, has a NUL in a text, a member twice, nests too deep, or
 * needs more than LIMIT_JSON_MEMORY.  Ends the process when the machine has no
 * memory left: half a text must not pass for a whole one.
 */
NODISCARD json_t *js_parse(const char *text, size_t len, struct error *e);

/* The same, and a text, number, boolean or null alone is JSON as well. */
NODISCARD json_t *js_parse_any(const char *text, size_t len, struct error *e);

/* JSON that we wrote ourselves (NULL = none), read as by js_parse(); the
 * caller owns the result.  NULL when it is none after all. */
json_t *js_read(const char *text);

/* Compact text with sorted keys, for storing and comparing; caller frees. */
char *js_dump(const json_t *root);

#endif
