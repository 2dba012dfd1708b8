/* One request to 127.0.0.1, on a connection of its own. */
#ifndef TESTS_BENCH_HTTP_H
#define TESTS_BENCH_HTTP_H

#include <stdint.h>

#include "bot/base/str.h"

/*
 * Sends text; the answer is appended to ret (which may be NULL), up to its
 * ceiling.  Returns its status, 0 = no answer.
 */
int http_talk(int port, const char *text, size_t len, struct str *ret);

int http_get(int port, const char *path, struct str *ret);

/* Sends a signed comment; sent_ns: the moment before its first byte. */
int http_comment(int port, const char *path, int64_t guid, const char *body,
		 const char *signature, int64_t *ret_sent_ns);

/* Does anybody listen there? */
bool http_listens(int port);

/* Nobody does; 0 = none found. */
int http_free_port(void);

#endif
