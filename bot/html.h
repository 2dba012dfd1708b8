/*
 * Writing HTML: the markup stands in the format, everything else is escaped.
 * There is no way to put a value into a page unescaped.
 */
#ifndef BOT_HTML_H
#define BOT_HTML_H

#include <stdint.h>

#include "bot/base/str.h"

/*
 * Text as itself, in an element or a quoted attribute.  Control characters
 * show as their pictures and characters that turn the direction of writing
 * as U+FFFD, so that a title cannot disguise itself.
 */
void html_text(struct str *out, const char *text);

/*
 * Appends fmt; knows %s (text, escaped as by html_text()), %lld (long long)
 * and %%, nothing else.
 */
void html_addf(struct str *out, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * The output of a program, as text: colours and cursor movements of terminals
 * are left out, a carriage return begins a new line.
 */
void html_log(struct str *out, const char *text);

#endif
