#include "tests/demo/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bot/base/cleanup.h"
#include "bot/base/str.h"

#define SAY_MAX (64u << 10)
#define WIDTH 78

static bool colours;

static const char *const codes[TONE_MAX] = {
	[TONE_PLAIN] = "",	     [TONE_GOOD] = "\033[32m",
	[TONE_BAD] = "\033[31m",     [TONE_BUSY] = "\033[33m",
	[TONE_QUIET] = "\033[2m",    [TONE_ADDED] = "\033[32m",
	[TONE_REMOVED] = "\033[31m",
};

void say_init(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	colours = isatty(STDOUT_FILENO) && !(no && *no) && term &&
		  strcmp(term, "dumb") != 0;
	/* Whoever reads it through a pipe wants it as it happens, too. */
	setvbuf(stdout, NULL, _IOLBF, 0);
}

/* One line, between the codes of a colour. */
static void put(const char *code, const char *text, size_t len)
{
	if (colours)
		fputs(code, stdout);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		putchar(c < ' ' && c != '\t' ? '?' : c == 0x7f ? '?' : c);
	}
	if (colours && *code)
		fputs("\033[0m", stdout);
}

/* Without the spaces at its end. */
static size_t last_black(const char *text)
{
	size_t n = strlen(text);

	while (n && text[n - 1] == ' ')
		n--;
	return n;
}

/* Each line of text, the first after first, the others after rest. */
static void put_lines(const char *first, const char *rest, const char *code,
		      const char *text)
{
	const char *before = first;

	do {
		size_t n = strcspn(text, "\n");

		put("", before, n ? strlen(before) : last_black(before));
		put(code, text, n);
		putchar('\n');
		before = rest;
		text += n + (text[n] == '\n');
	} while (*text);
}

void say_heading(const char *fmt, ...)
{
	CLEANUP(str_release) struct str text = STR_INIT(SAY_MAX);
	va_list ap;

	str_puts(&text, "== ");
	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	str_putc(&text, ' ');
	while (text.len < WIDTH)
		str_putc(&text, '=');
	putchar('\n');
	put_lines("", "", "\033[1m", text.text);
	putchar('\n');
}

void say_note(const char *fmt, ...)
{
	CLEANUP(str_release) struct str text = STR_INIT(SAY_MAX);
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	put_lines("   ", "   ", "", text.text);
}

void say_line(const char *who, enum tone tone, const char *fmt, ...)
{
	CLEANUP(str_release) struct str text = STR_INIT(SAY_MAX);
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	printf(colours ? "   \033[1m%-8s\033[0m " : "   %-8s ", who);
	put_lines("", "            ", codes[tone], text.text);
}

void say_more(enum tone tone, const char *text)
{
	put_lines("            | ", "            | ", codes[tone], text);
}

void say_end(enum tone tone, const char *fmt, ...)
{
	CLEANUP(str_release) struct str text = STR_INIT(SAY_MAX);
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	put_lines("", "", codes[tone], text.text);
}
