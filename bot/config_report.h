/*
 * What is wrong with a configuration file, as FILE:LINE:COL: message, in the
 * order of the file however it was found.
 */
#ifndef BOT_CONFIG_REPORT_H
#define BOT_CONFIG_REPORT_H

#include "bot/base/arena.h"
#include "bot/base/str.h"

/* A place in the file, both from 1. */
struct mark {
	int line;
	int column; /* in characters */
};

struct finding;

struct report {
	const char *path; /* for the messages */
	struct arena *arena;
	struct finding *first;
	int mistakes;
	int warnings;
};

void report_mistake(struct report *r, struct mark at, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
void report_warning(struct report *r, struct mark at, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* Appends all lines; of very many the first ones and a count of the rest. */
void report_write(const struct report *r, struct str *out);

#endif
