/*
 * Pages for people and their JSON twins, from the store's views.
 *
 *	/  /cycles/ID  /pulls/OWNER/REPO/N  /style.css
 *	/api/v1/status  /api/v1/cycles/ID  /api/v1/pulls/OWNER/REPO/N
 *
 * Readable without script; everything escaped and redacted; links are
 * relative, so a proxy may put the bot below any path.  A strict CSP is set by
 * the server (style-src 'self' is needed, nothing else).  Runs on the HTTP
 * thread with a reading store handle of its own.
 */
#ifndef BOT_PAGES_H
#define BOT_PAGES_H

#include "bot/base/cleanup.h"
#include "bot/base/clock.h"
#include "bot/intake.h"
#include "store/view.h"

struct pages;

/*
 * store_path is opened at the first request (the engine makes the file).
 * Copies path and settings, borrows clock and the settings' ctx.  NULL when out
 * of memory.
 */
NODISCARD
struct pages *pages_new(const char *store_path, const struct view_settings *v,
			const struct clock *clock, struct error *e);
void pages_free(struct pages *p);
DEFINE_CLEANUP(struct pages *, pages_free)

/*
 * Answers path (without query): sets status and type, appends the body.
 * 404 with a page when there is no such thing, 503 with one while the store
 * cannot be read.  One thread at a time.
 */
void pages_answer(struct pages *p, const char *path, struct page *ret);

#endif
