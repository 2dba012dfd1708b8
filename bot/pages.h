/*
 * Pages for people and their JSON twins, from the store's views.
 *
 *	/  /cycles/ID  /pulls/OWNER/REPO/N
 *	/api/v1/status  /api/v1/cycles/ID  /api/v1/pulls/OWNER/REPO/N
 *
 * Readable without script; everything escaped; a strict CSP is set by the
 * server.  Runs on the HTTP thread with a reading store handle of its own.
 */
#ifndef BOT_PAGES_H
#define BOT_PAGES_H

#include "bot/base/clock.h"
#include "bot/intake.h"
#include "store/view.h"

struct pages;

/* store_path is opened at the first request (the engine makes the file). */
struct pages *pages_new(const char *store_path, const struct view_settings *v,
			const struct clock *clock, struct error *e);
void pages_free(struct pages *p);

/* Answers path; 404 with a page when there is no such thing. */
void pages_answer(struct pages *p, const char *path, struct page *ret);

#endif
