/*
 * What the demo prints: a conversation, on standard output.  Colours only on
 * a terminal, and not when NO_COLOR is set.  All text is made harmless for a
 * terminal here: it may come from anybody.
 */
#ifndef DEMO_SAY_H
#define DEMO_SAY_H

#include "bot/base/attr.h"

enum tone {
	TONE_PLAIN,
	TONE_GOOD,
	TONE_BAD,
	TONE_BUSY,
	TONE_QUIET,
	TONE_ADDED,
	TONE_REMOVED,
	TONE_MAX
};

void say_init(void);

/* "== 2. A contributor's pull request ====..." */
void say_heading(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* An explanation, a line for each line of text. */
void say_note(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* A line of the conversation: who, and what they did. */
void say_line(const char *who, enum tone tone, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* More text that belongs to the line above it, behind a bar. */
void say_more(enum tone tone, const char *text);

/* The last line of all. */
void say_end(enum tone tone, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
