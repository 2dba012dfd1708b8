/*
 * What the configuration has against a pull's head on an environment, for
 * views (store/view.h); from any thread with a store handle of its own.
 */
#ifndef BOT_EXPLAIN_H
#define BOT_EXPLAIN_H

#include "bot/config.h"
#include "store/store.h"

/* As view_settings.against; ctx is the struct config. */
void explain_against(const void *ctx, struct store *s, const char *environment,
		     const char *repo, int64_t number, int64_t now_ms,
		     struct str *out);

#endif
