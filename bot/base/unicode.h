/*
 * The few facts about Unicode that safety needs: where characters end, and
 * which of them a person cannot see or would be misled by.
 */
#ifndef BASE_UNICODE_H
#define BASE_UNICODE_H

#include <stddef.h>
#include <stdint.h>

#define UNICODE_INVALID UINT32_MAX

/*
 * The character at *pos (*pos < len); *pos moves behind it.  For bytes that
 * are not UTF-8 it is UNICODE_INVALID, and *pos moves by one.
 */
uint32_t unicode_next(const char *text, size_t len, size_t *pos);

/*
 * What is wrong with showing c inside a line: a phrase such as "a zero-width
 * character", or NULL.  A tab is fine, a line end is a control character.
 */
const char *unicode_deceives(uint32_t c);

#endif
