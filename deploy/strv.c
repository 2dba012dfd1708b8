#include "deploy/strv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void strv_release(struct strv *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->v[i]);
	free(s->v);
	*s = (struct strv)STRV_INIT;
}

/* Takes text. */
static void add(struct strv *s, char *text)
{
	if (text && s->count + 2 > s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 16;
		char **v = reallocarray(s->v, cap, sizeof(*v));

		if (v) {
			s->v = v;
			s->cap = cap;
		}
	}
	if (!text || s->count + 2 > s->cap) {
		s->failed = true;
		free(text);
		return;
	}
	s->v[s->count++] = text;
	s->v[s->count] = NULL;
}

void strv_addf(struct strv *s, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	add(s, text);
}

void strv_add_all(struct strv *s, const char *const *texts)
{
	for (; *texts; texts++)
		add(s, strdup(*texts));
}
