/*
 * One line on standard error for each thing an operator should know:
 *
 *	2026-11-21T14:05:09Z info  cycle 12 started: short, 3 revisions
 *
 * Redacted (bot/base/redact.h), control characters escaped, so that no user
 * text can forge a line.  Library code returns errors instead of logging;
 * the program's loops log each failure once.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "bot/base/attr.h"

enum log_level {
	LOG_ERROR,
	LOG_WARNING,
	LOG_INFO,
	LOG_DEBUG,
};

/* The most talkative level that is printed; LOG_INFO at start. */
void log_set_level(enum log_level level);

void log_at(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)

#endif
