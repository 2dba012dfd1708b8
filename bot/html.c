#include "bot/html.h"

#include <assert.h>
#include <string.h>

/*
 * Bytes at p (at most left) that a reader must not be steered by: U+200E,
 * U+200F, U+202A-E, U+2066-9 and U+061C.
 */
static size_t turning(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	if (u[0] == 0xd8 && u[1] == 0x9c)
		return 2;
	if (u[0] != 0xe2)
		return 0;
	if (u[1] == 0x80 &&
	    (u[2] == 0x8e || u[2] == 0x8f || (u[2] >= 0xaa && u[2] <= 0xae)))
		return 3;
	if (u[1] == 0x81 && u[2] >= 0xa6 && u[2] <= 0xa9)
		return 3;
	return 0;
}

static const char *entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	}
	return NULL;
}

static bool is_control(char c)
{
	return ((unsigned char)c < ' ' && c != '\n' && c != '\t') || c == 0x7f;
}

/* U+2400 and on are the pictures of the control characters. */
static void add_control(struct str *out, char c)
{
	const char picture[] = {'\xe2', '\x90',
				c == 0x7f ? '\xa1' : (char)(0x80 + c), '\0'};

	str_puts(out, picture);
}

static void add_text(struct str *out, const char *p, const char *end)
{
	const char *plain = p;

	while (p < end) {
		const char *instead = entity(*p);
		size_t n = turning(p);

		if (!instead && !n && !is_control(*p)) {
			p++;
			continue;
		}
		str_add(out, plain, (size_t)(p - plain));
		if (instead)
			str_puts(out, instead);
		else if (n)
			str_puts(out, "\xef\xbf\xbd");
		else
			add_control(out, *p);
		p += n ? n : 1;
		plain = p;
	}
	str_add(out, plain, (size_t)(p - plain));
}

void html_text(struct str *out, const char *text)
{
	add_text(out, text, text + strlen(text));
}

void html_addf(struct str *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	for (;;) {
		size_t n = strcspn(fmt, "%");

		str_add(out, fmt, n);
		fmt += n;
		if (!*fmt)
			break;
		if (str_starts(fmt, "%s")) {
			html_text(out, va_arg(ap, const char *));
			fmt += 2;
		} else if (str_starts(fmt, "%lld")) {
			str_addf(out, "%lld", va_arg(ap, long long));
			fmt += 4;
		} else {
			assert(str_starts(fmt, "%%"));
			str_putc(out, '%');
			fmt += 2;
		}
	}
	va_end(ap);
}

/* Bytes of the escape sequence at p (ESC [ ... letter), 0 when none. */
static size_t sequence(const char *p)
{
	size_t n = 2;

	if (p[0] != '\033' || p[1] != '[')
		return 0;
	n += strspn(p + n, "0123456789;:?=>< ");
	return p[n] >= '@' && p[n] <= '~' ? n + 1 : 0;
}

void html_log(struct str *out, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\033\r");

		add_text(out, text, text + n);
		text += n;
		if (*text == '\r') {
			if (text[1] != '\n')
				str_putc(out, '\n');
			text++;
		} else if (*text) {
			n = sequence(text);
			if (!n)
				add_control(out, *text);
			text += n ? n : 1;
		}
	}
}
