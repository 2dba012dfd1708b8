/*
 * Secrets end here: every text that leaves for a log, a comment or a page
 * goes through redact_text() at the last step.
 *
 * Replaced by "[redacted]": every registered secret (also in the base64 of
 * Basic authentication, and where the text begins or ends in the middle of
 * it), GitHub tokens (gh[pousr]_..., github_pat_...), "Authorization:"
 * values, bearer tokens, JWTs, the body of PEM private keys, and the
 * credentials in URLs.  When in doubt too much is replaced, never too little.
 */
#ifndef BASE_REDACT_H
#define BASE_REDACT_H

#include "bot/base/str.h"

/*
 * Remembers a secret for the life of the process (each line of it that has
 * at least 8 bytes; shorter ones would hide ordinary words).  Safe from any
 * thread.  When there is no memory for it, redact_text() shows no text at
 * all from then on.
 */
void redact_secret(const char *secret);

/*
 * Appends text (len bytes, of any kind) to out with all secrets replaced.
 * out fails when there is no memory, and holds nothing of text then.
 * Takes time proportional to len for each registered secret.  Safe from any
 * thread; text and out must not overlap.
 */
void redact_text(struct str *out, const char *text, size_t len);

#endif
