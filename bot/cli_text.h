/* Answers of the engine as text for a terminal.  Pure. */
#ifndef BOT_CLI_TEXT_H
#define BOT_CLI_TEXT_H

#include "bot/base/json.h"
#include "bot/base/str.h"

/* What the engine answered, for a terminal: no control characters but the ends
 * of lines. */
void cli_lines(struct str *out, const char *text);

/* A line each: login, id, role, scope, expiry, by whom, why, the kind of
 * account, whether it is deployed unasked; by tabs. */
void cli_trust_table(struct str *out, const json_t *trust);

/* Environments, queue, running cycle, last verdicts (view_status). */
void cli_status_text(struct str *out, const json_t *status);

#endif
