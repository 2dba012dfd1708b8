/*
 * An error is a code that tells the caller what to do next, and a sentence
 * for a person.  It is never allocated, always the last parameter, never
 * NULL, and untouched on success.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "bot/base/attr.h"

enum err {
	ERR_OK = 0,
	ERR_RETRY,    /* later may work: database busy, HTTP 5xx, time-out */
	ERR_REFUSED,  /* this person may not: tell them */
	ERR_INVALID,  /* the input is wrong: tell them why */
	ERR_MISSING,  /* there is no such thing */
	ERR_CONFLICT, /* somebody else got there first: look again */
	ERR_FATAL,    /* stop the process: disk full, schema too new */
	ERR_MAX
};

struct error {
	enum err code;
	char text[400];
};

#define ERROR_INIT                                                             \
	{                                                                      \
		.code = ERR_OK                                                 \
	}

/* Sets *e and returns code, so that a failing function ends in one line. */
enum err error_set(struct error *e, enum err code, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* Puts "fmt: " in front of e->text and returns e->code. */
enum err error_prefix(struct error *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* As error_set(), with ": " and the text of errno at the end. */
enum err error_errno(struct error *e, enum err code, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* A stable word for a code ("retry", "refused", ...), for logs and JSON. */
const char *err_name(enum err code);

#endif
