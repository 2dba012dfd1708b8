/*
 * What the HTTP side answers to GET: health, readiness, metrics, and the
 * pages behind them.
 */
#ifndef BOT_WEB_H
#define BOT_WEB_H

#include "bot/engine.h"
#include "bot/intake.h"
#include "bot/pages.h"

struct web {
	const struct clock *clock;
	int64_t started_mono_ms;
	struct engine *engine;
	struct intake *intake; /* set once it runs */
	struct pages *pages;
};

/* For intake_settings.page; ctx is a struct web. */
void web_answer(void *ctx, const char *path, struct page *ret);

#endif
