/* A comment's Markdown as text for a terminal. */
#ifndef DEMO_PLAIN_H
#define DEMO_PLAIN_H

#include "bot/base/str.h"

/*
 * Adds text without hidden comments, emphasis, code marks, link targets, the
 * frame of tables and empty lines at its ends.
 */
void plain_text(struct str *out, const char *text);

/* Adds the first line that plain_text() would give. */
void plain_headline(struct str *out, const char *text);

#endif
