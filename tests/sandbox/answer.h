/* How an answer leaves, whole or broken on demand.  Used by http.c only. */
#ifndef SANDBOX_ANSWER_H
#define SANDBOX_ANSWER_H

#include <microhttpd.h>

#include "tests/sandbox/faults.h"
#include "tests/sandbox/http.h"

/* Waits ms with the lock let go, less when the sandbox ends. */
void answer_wait(struct sandbox *s, int64_t ms);

/* Without the lock.  skew moves the Date header; fault may be NULL. */
enum MHD_Result answer_send(struct call *c, struct MHD_Connection *conn,
			    const struct sb_fault *fault, int64_t skew);

#endif
