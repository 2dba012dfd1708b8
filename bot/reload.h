/*
 * SIGHUP: the configuration and the webhook secret are read again, all or
 * nothing.
 */
#ifndef BOT_RELOAD_H
#define BOT_RELOAD_H

#include "bot/config.h"
#include "bot/engine.h"
#include "bot/intake.h"

struct reload {
	const struct config *first; /* what the bot was started with */
	const struct config *now;   /* what runs; the engine's own, or first */
	struct engine *engine;
	struct intake *intake;
};

/* Waits for the engine; logs what changed, or why nothing did. */
void reload_all(struct reload *r);

#endif
