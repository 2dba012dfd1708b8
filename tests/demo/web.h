/* Looking at a page of this machine. */
#ifndef DEMO_WEB_H
#define DEMO_WEB_H

#include "bot/base/str.h"

#define WEB_ANSWER (64u << 10)

/*
 * GET; the body is appended to body (may be NULL).  Returns the status, 0
 * when there was no answer within timeout_ms.
 */
long web_get(const char *url, long timeout_ms, struct str *body);

/*
 * A listening socket of this machine at a free port (not yet listening);
 * -1 on failure.
 */
int web_bind(int *ret_port);

#endif
