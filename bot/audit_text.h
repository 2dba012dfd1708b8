/* An entry of the audit for a terminal and for programs.  Pure. */
#ifndef BOT_AUDIT_TEXT_H
#define BOT_AUDIT_TEXT_H

#include "bot/base/json.h"
#include "bot/base/str.h"
#include "store/audit.h"

/*
 * One line without its end: time, number, actor, action, subject, why; by
 * tabs.  Secrets are redacted; what could not be seen or would mislead is
 * shown as its number (\u202e).
 */
void audit_line(struct str *out, const struct audit_row *row);

/*
 * All of it, hashes in hex; prev and hash are null for an entry from before
 * the chain.  The caller owns it.  Texts are redacted: the hash of an entry
 * that held a secret cannot be computed from this.
 */
json_t *audit_json(const struct audit_row *row);

#endif
