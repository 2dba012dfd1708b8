/*
 * SIGHUP: the configuration and the webhook secret are read again, all or
 * nothing.  The engine takes it when it comes to it; nobody waits for that,
 * as it may be held up for long and signals must be heard.
 */
#ifndef BOT_RELOAD_H
#define BOT_RELOAD_H

#include <stdatomic.h>

#include "bot/config.h"
#include "bot/engine.h"
#include "bot/intake.h"

struct reload {
	const struct config *first; /* what the bot was started with */
	const struct config *now;   /* what runs; the engine's own, or first */
	struct engine *engine;
	struct intake *intake;

	bool wanted;
	/* RELOAD_IDLE and so on; the engine's thread ends RELOAD_ASKED. */
	atomic_int state;
	struct error e;		   /* why it was refused */
	const struct config *next; /* what was asked for, with: */
	struct str report, changes;
	size_t change_count;
};

/* Outlives the engine, which may still answer. */
void reload_init(struct reload *r, const struct config *first,
		 struct engine *engine, struct intake *intake);
void reload_release(struct reload *r);

/* The signal came. */
void reload_want(struct reload *r);

/*
 * What there is to do now; from main, about every second.  Logs what changed,
 * or why nothing did.
 */
void reload_step(struct reload *r);

#endif
