/*
 * Comments and status descriptions, as pure functions from values to
 * Markdown.  All user text (titles, logins, log lines) is made inert here:
 * no mention, command, link or markup in it survives, and it is redacted.
 */
#ifndef BOT_RENDER_H
#define BOT_RENDER_H

#include <stdint.h>

#include "bot/base/json.h"
#include "bot/base/str.h"

/* Text that shows as itself inside a line of Markdown. */
void render_inline(struct str *out, const char *text);

/* Text as an inline code span with a safe fence; newlines become blanks. */
void render_code(struct str *out, const char *text);

/* A fenced block, redacted, whose fence the text cannot close. */
void render_block(struct str *out, const char *text);

/*
 * The sticky comment.  view is the JSON twin of the pull's page (store/view.h
 * says its members); everything shown comes from it.
 */
void render_sticky(struct str *out, const json_t *view);

/* At most LIMIT_STATUS_DESCRIPTION bytes, cut at a character. */
void render_description(struct str *out, const char *text);

#endif
