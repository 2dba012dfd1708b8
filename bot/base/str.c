#include "bot/base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What every empty string points at; never written to. */
char str_empty[1];

void str_init(struct str *s, size_t limit)
{
	*s = (struct str)STR_INIT(limit);
}

void str_release(struct str *s)
{
	if (s->cap)
		free(s->text);
	str_init(s, s->max);
}

void str_clear(struct str *s)
{
	s->len = 0;
	s->failed = ERR_OK;
	if (s->cap)
		s->text[0] = '\0';
}

/* Makes room for want more bytes and the NUL; false sets the failure. */
static bool grow(struct str *s, size_t want)
{
	size_t need = s->len + want + 1;
	size_t cap = s->cap ? s->cap : 64;
	char *text;

	if (need <= s->cap)
		return true;
	while (cap < need)
		cap *= 2;
	text = realloc(s->cap ? s->text : NULL, cap);
	if (!text) {
		s->failed = ERR_FATAL;
		return false;
	}
	s->text = text;
	s->cap = cap;
	return true;
}

void str_add(struct str *s, const char *text, size_t len)
{
	if (s->failed || !len)
		return;
	if (len > s->max - s->len) {
		s->failed = ERR_INVALID;
		len = s->max - s->len;
	}
	if (!len || !grow(s, len))
		return;
	memcpy(s->text + s->len, text, len);
	s->len += len;
	s->text[s->len] = '\0';
}

void str_puts(struct str *s, const char *text)
{
	str_add(s, text, strlen(text));
}

void str_putc(struct str *s, char c)
{
	str_add(s, &c, 1);
}

void str_vaddf(struct str *s, const char *fmt, va_list ap)
{
	va_list again;
	char small[256];
	char *big;
	int n;

	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	if (n >= 0 && (size_t)n < sizeof(small)) {
		str_add(s, small, (size_t)n);
	} else if (n >= 0) {
		big = malloc((size_t)n + 1);
		if (big) {
			vsnprintf(big, (size_t)n + 1, fmt, again);
			str_add(s, big, (size_t)n);
			free(big);
		} else {
			s->failed = ERR_FATAL;
		}
	} else {
		s->failed = ERR_FATAL;
	}
	va_end(again);
}

void str_addf(struct str *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(s, fmt, ap);
	va_end(ap);
}

void str_inherit(struct str *s, const struct str *part)
{
	if (part->failed == ERR_FATAL)
		s->failed = ERR_FATAL;
}

void str_truncate(struct str *s, size_t len)
{
	if (len < s->len) {
		s->len = len;
		s->text[len] = '\0';
	}
}

enum err str_check(const struct str *s, struct error *e)
{
	if (s->failed == ERR_INVALID)
		return error_set(e, ERR_INVALID, "longer than %zu bytes",
				 s->max);
	if (s->failed)
		return error_set(e, ERR_FATAL, "out of memory");
	return ERR_OK;
}

enum err str_take(struct str *s, char **ret, struct error *e)
{
	if (str_check(s, e))
		return e->code;
	if (!s->cap && !grow(s, 0))
		return str_check(s, e);
	s->text[s->len] = '\0';
	*ret = s->text;
	str_init(s, s->max);
	return ERR_OK;
}

char *str_format(const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : text;
}

void str_copy(char *to, size_t size, const char *from)
{
	size_t n = str_utf8_cut(from, strlen(from), size - 1);

	memmove(to, from, n);
	to[n] = '\0';
}

bool str_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

size_t str_utf8_cut(const char *text, size_t len, size_t max)
{
	size_t cut = max;

	if (len <= max)
		return len;
	/* A character has at most three such bytes; more is not UTF-8. */
	while (cut && max - cut < 4 &&
	       ((unsigned char)text[cut] & 0xc0) == 0x80)
		cut--;
	return max - cut < 4 ? cut : max;
}
