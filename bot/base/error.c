#include "bot/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum err error_set(struct error *e, enum err code, const char *fmt, ...)
{
	/* Apart, as an argument may be e->text itself. */
	char text[sizeof(e->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	e->code = code;
	memcpy(e->text, text, sizeof(text));
	return code;
}

enum err error_prefix(struct error *e, const char *fmt, ...)
{
	char old[sizeof(e->text)];
	va_list ap;
	size_t n;

	memcpy(old, e->text, sizeof(old));
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	n = strlen(e->text);
	snprintf(e->text + n, sizeof(e->text) - n, ": %s", old);
	return e->code;
}

enum err error_errno(struct error *e, enum err code, const char *fmt, ...)
{
	int saved = errno;
	char why[128];
	va_list ap;
	size_t n;

	e->code = code;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	n = strlen(e->text);
	snprintf(e->text + n, sizeof(e->text) - n, ": %s",
		 strerror_r(saved, why, sizeof(why)));
	return code;
}

const char *err_name(enum err code)
{
	static const char *const names[ERR_MAX] = {
		[ERR_OK] = "ok",	   [ERR_RETRY] = "retry",
		[ERR_REFUSED] = "refused", [ERR_INVALID] = "invalid",
		[ERR_MISSING] = "missing", [ERR_CONFLICT] = "conflict",
		[ERR_FATAL] = "fatal",
	};

	return code >= 0 && code < ERR_MAX ? names[code] : "unknown";
}
