/*
 * A growing string with a ceiling.  Append freely, look once: failure (no
 * memory, ceiling reached) is sticky, and a failed string keeps what fitted.
 * .text is never NULL and always NUL-terminated.
 *
 *	CLEANUP(str_release) struct str s = STR_INIT(LIMIT_COMMENT);
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "bot/base/error.h"

struct str {
	char *text;
	size_t len;
	size_t cap;
	size_t max;	 /* len never exceeds it */
	enum err failed; /* ERR_OK, ERR_INVALID (ceiling) or ERR_FATAL */
};

extern char str_empty[];

#define STR_INIT(limit)                                                        \
	{                                                                      \
		.text = str_empty, .max = (limit)                              \
	}

/* For a struct str inside another object that was zeroed. */
void str_init(struct str *s, size_t limit);

/* Frees the text; s is empty and usable afterwards. */
void str_release(struct str *s);

static inline void str_release_at(struct str *s)
{
	str_release(s);
}

/* Empties, keeps the memory, forgets a failure. */
void str_clear(struct str *s);

void str_add(struct str *s, const char *text, size_t len);
void str_puts(struct str *s, const char *text);
void str_putc(struct str *s, char c);
void str_addf(struct str *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
void str_vaddf(struct str *s, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

/*
 * s fails, too, when part had no memory: for a text that is made of parts.
 * What part's ceiling cut off is no failure of s.
 */
void str_inherit(struct str *s, const struct str *part);

/* Cuts to len bytes; no effect when shorter. */
void str_truncate(struct str *s, size_t len);

/*
 * Hands the text to the caller, who frees it; s is empty afterwards.
 * Fails with the sticky error.
 */
NODISCARD enum err str_take(struct str *s, char **ret, struct error *e);

/* The sticky failure as an error with a sentence, else ERR_OK. */
NODISCARD enum err str_check(const struct str *s, struct error *e);

/* malloc'ed printf; NULL when out of memory. */
char *str_format(const char *fmt, ...) PRINTF_LIKE(1, 2);

/*
 * Copies text into an array of char; what does not fit is cut off, never in
 * the middle of a UTF-8 character.
 */
#define COPY(to, from) str_copy((to), sizeof(to), (from))
void str_copy(char *to, size_t size, const char *from);

/* Does text begin with prefix? */
bool str_starts(const char *text, const char *prefix);

/*
 * Bytes of the longest start of text (len bytes) that is at most max bytes
 * and does not end inside a UTF-8 character.
 */
size_t str_utf8_cut(const char *text, size_t len, size_t max);

#endif
