/*
 * What secrets look like, for redact.c: sets marks[i] for each byte of text
 * that belongs to something of a secret's shape.  Linear in len.
 */
#ifndef BASE_REDACT_SHAPES_H
#define BASE_REDACT_SHAPES_H

#include <stddef.h>

void redact_mark_shapes(unsigned char *marks, const char *text, size_t len);

#endif
