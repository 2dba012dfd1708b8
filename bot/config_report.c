#include "bot/config_report.h"

#include "bot/base/cleanup.h"

/* A file of garbage needs no thousand lines to say so. */
#define MOST 100
#define TEXT_MAX 400

struct finding {
	struct finding *next;
	struct mark at;
	bool warning;
	const char *text;
};

static bool later(struct mark a, struct mark b)
{
	return a.line != b.line ? a.line > b.line : a.column > b.column;
}

/* The file may hold what a terminal would obey; one line stays one line. */
static void make_inert(struct str *s)
{
	for (size_t i = 0; i < s->len; i++) {
		unsigned char c = (unsigned char)s->text[i];

		if (c < 0x20 || c == 0x7f)
			s->text[i] = '?';
		else if (c == 0xc2 && i + 1 < s->len &&
			 ((unsigned char)s->text[i + 1] & 0xe0) == 0x80)
			s->text[i] = s->text[i + 1] = '?';
	}
}

static void add(struct report *r, struct mark at, bool warning, const char *fmt,
		va_list ap) PRINTF_LIKE(4, 0);

static void add(struct report *r, struct mark at, bool warning, const char *fmt,
		va_list ap)
{
	CLEANUP(str_release) struct str text = STR_INIT(TEXT_MAX);
	struct finding *f, **place = &r->first;

	str_vaddf(&text, fmt, ap);
	str_truncate(&text, str_utf8_cut(text.text, text.len, TEXT_MAX - 3));
	make_inert(&text);
	f = arena_alloc(r->arena, 1, sizeof(*f));
	if (!f)
		return;
	f->at = at;
	f->warning = warning;
	f->text = arena_text(r->arena, text.text, text.len);
	if (!f->text)
		return;
	while (*place && !later((*place)->at, at))
		place = &(*place)->next;
	f->next = *place;
	*place = f;
}

void report_mistake(struct report *r, struct mark at, const char *fmt, ...)
{
	va_list ap;

	if (r->mistakes++ >= MOST)
		return;
	va_start(ap, fmt);
	add(r, at, false, fmt, ap);
	va_end(ap);
}

void report_warning(struct report *r, struct mark at, const char *fmt, ...)
{
	va_list ap;

	if (r->warnings++ >= MOST)
		return;
	va_start(ap, fmt);
	add(r, at, true, fmt, ap);
	va_end(ap);
}

void report_write(const struct report *r, struct str *out)
{
	int more = (r->mistakes > MOST ? r->mistakes - MOST : 0) +
		   (r->warnings > MOST ? r->warnings - MOST : 0);

	for (const struct finding *f = r->first; f; f = f->next)
		str_addf(out, "%s:%d:%d: %s%s\n", r->path, f->at.line,
			 f->at.column, f->warning ? "warning: " : "", f->text);
	if (more)
		str_addf(out, "%s: and %d more\n", r->path, more);
}
