/*
 * Secrets end here: every text that leaves for a log, a comment or a page
 * goes through redact_text() at the last step.
 *
 * Replaced by "[redacted]": every registered secret, GitHub tokens
 * (gh[pousr]_..., github_pat_...), "Authorization:" values, JWTs, and the
 * body of PEM private keys.
 */
#ifndef BASE_REDACT_H
#define BASE_REDACT_H

#include "bot/base/str.h"

/*
 * Remembers a secret for the life of the process (each line of it that has
 * at least 8 bytes).  Safe from any thread.
 */
void redact_secret(const char *secret);

/* Appends text (len bytes) to out with all secrets replaced. */
void redact_text(struct str *out, const char *text, size_t len);

#endif
