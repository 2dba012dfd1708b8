#include "bot/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdatomic.h>
#include <unistd.h>

#include "bot/base/cleanup.h"
#include "bot/base/clock.h"
#include "bot/base/redact.h"

#define LINE_MAX_BYTES 4096

static atomic_int shown = LOG_INFO;

void log_set_level(enum log_level level)
{
	shown = (int)level;
}

static void escape(struct str *line, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		/* U+0080 to U+009F are control characters, too. */
		bool c1 = c == 0xc2 && i + 1 < len &&
			  ((unsigned char)text[i + 1] & 0xe0) == 0x80;

		if (c1)
			str_addf(line, "\\u%04x", (unsigned char)text[++i]);
		else if (c < 0x20 || c == 0x7f)
			str_addf(line, "\\x%02x", c);
		else
			str_putc(line, (char)c);
	}
}

void log_at(enum log_level level, const char *fmt, ...)
{
	static const char *const names[] = {"error", "warn ", "info ", "debug"};
	CLEANUP(str_release) struct str text = STR_INIT(LINE_MAX_BYTES);
	CLEANUP(str_release) struct str safe = STR_INIT(LINE_MAX_BYTES);
	CLEANUP(str_release)
	struct str line = STR_INIT(4 * LINE_MAX_BYTES + 64);
	va_list ap;

	if ((int)level > shown)
		return;
	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	redact_text(&safe, text.text, text.len);
	time_iso(&line, clock_wall(&clock_system));
	str_addf(&line, " %s ", names[level]);
	escape(&line, safe.text, safe.len);
	str_putc(&line, '\n');
	/* One write, so that lines of several threads do not mix. */
	if (write(STDERR_FILENO, line.text, line.len) < 0)
		return;
}
