#include "tests/demo/plain.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define ZERO_WIDTH "\xe2\x80\x8b"

/* Lines that only a browser needs. */
static bool is_markup(const char *line)
{
	static const char *const starts[] = {"<!--", "|:-", "```",
					     "</details>"};

	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		if (str_starts(line, starts[i]))
			return true;
	return false;
}

/* "[text](target)" at p: adds the text; returns what follows, else NULL. */
static const char *link_at(struct str *out, const char *p, const char *end)
{
	const char *close = memchr(p, ']', (size_t)(end - p));
	const char *stop;

	if (*p != '[' || !close || close[1] != '(')
		return NULL;
	stop = memchr(close, ')', (size_t)(end - close));
	if (!stop)
		return NULL;
	for (p++; p < close; p++)
		if (strncmp(p, ZERO_WIDTH, 3) != 0)
			str_putc(out, *p);
		else
			p += 2;
	return stop + 1;
}

/* "<tag>" at p: what follows it, else NULL. */
static const char *tag_at(const char *p, const char *end)
{
	const char *close = memchr(p, '>', (size_t)(end - p));

	return *p == '<' && close ? close + 1 : NULL;
}

/* A character reference at p: adds what it means; what follows, else NULL. */
static const char *reference_at(struct str *out, const char *p)
{
	static const char *const names[][2] = {
		{"&lt;", "<"},
		{"&gt;", ">"},
		{"&amp;", "&"},
		{"&quot;", "\""},
	};
	char *end;
	long c;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (str_starts(p, names[i][0])) {
			str_puts(out, names[i][1]);
			return p + strlen(names[i][0]);
		}
	if (!str_starts(p, "&#"))
		return NULL;
	c = strtol(p + 2, &end, 10);
	if (*end != ';' || c < ' ' || c > '~')
		return NULL;
	str_putc(out, (char)c);
	return end + 1;
}

static void add_inline(struct str *out, const char *p, const char *end)
{
	bool cells = *p == '|';

	while (p < end) {
		const char *next = link_at(out, p, end);

		if (!next)
			next = tag_at(p, end);
		if (!next)
			next = reference_at(out, p);
		if (next)
			p = next;
		else if (!strncmp(p, "**", 2))
			p += 2;
		else if (!strncmp(p, ZERO_WIDTH, 3))
			p += 3;
		else if (*p == '`')
			p++;
		else if (cells && *p == '|' && ++p)
			str_putc(out, ' ');
		else if (*p == '\\' && p + 1 < end &&
			 ispunct((unsigned char)p[1]))
			p++, str_putc(out, *p++);
		else
			str_putc(out, *p++);
	}
	while (out->len && out->text[out->len - 1] == ' ')
		str_truncate(out, out->len - 1);
}

static void add_text(struct str *out, const char *text, bool first_only)
{
	size_t begin = out->len;
	bool verbatim = false, gap = false;

	for (size_t n; *text; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		if (str_starts(text, "```"))
			verbatim = !verbatim;
		if (is_markup(text))
			continue;
		if (!n) {
			gap = out->len > begin;
			continue;
		}
		if (out->len > begin)
			str_puts(out, gap ? "\n\n" : "\n");
		gap = false;
		if (verbatim)
			str_addf(out, "    %.*s", (int)n, text);
		else
			add_inline(out, text, text + n);
		if (first_only)
			return;
	}
}

void plain_text(struct str *out, const char *text)
{
	add_text(out, text, false);
}

void plain_headline(struct str *out, const char *text)
{
	add_text(out, text, true);
}
