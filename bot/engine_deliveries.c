/*
 * Reading the journal: each delivery that could lead to anything is an event;
 * the others are passed by.
 */
#include "bot/base/log.h"
#include "bot/engine_internal.h"
#include "bot/metrics.h"

/* Deliveries handled between two looks at everything else. */
#define DELIVERIES_PER_TURN 64
/* The cursor on record may lag so much behind what led to nothing. */
#define CURSOR_LAG_MS 100

static enum err handle_delivery(struct engine *g, void *arg, struct error *e)
{
	struct inbox_delivery *d = arg;

	if (delivery_handle(g, d, e))
		return e->code;
	return store_cursor_move(g->store, d->seq, e);
}

/* One that cannot be handled is noted and passed, so that it stops nobody. */
static enum err pass_delivery(struct engine *g, void *arg, struct error *e)
{
	struct inbox_delivery *d = arg;
	struct delivery_record r = {
		.seq = d->seq,
		.guid = d->guid,
		.event = d->event,
		.action = "",
		.body_hash = d->body_hash,
		.at_ms = g->now_ms,
		.result = "failed",
	};

	if (store_delivery_add(g->store, &r, e))
		return e->code;
	return store_cursor_move(g->store, d->seq, e);
}

/*
 * Most deliveries are for nobody here.  Such a one changes nothing, so it
 * costs no transaction: the next one that there is moves the cursor, at the
 * latest one of its own soon after.
 */
static void pass_by(struct engine *g, const struct inbox_delivery *d)
{
	metric_add(METRIC_EVENTS, d->event, NULL, 1);
	log_debug("delivery %s: %s: passed by", d->guid, d->event);
	g->cursor = d->seq;
	if (!g->cursor_due_ms)
		g->cursor_due_ms = engine_now(g) + CURSOR_LAG_MS;
}

static enum err pass_over(struct engine *g, struct inbox_delivery *d,
			  struct error *e)
{
	log_warning("delivery %s (%s) passed over: %s", d->guid, d->event,
		    e->text);
	if (engine_transact(g, pass_delivery, d, e))
		return e->code;
	g->cursor = g->cursor_kept = d->seq;
	return ERR_OK;
}

static enum err take_delivery(struct engine *g, struct inbox_delivery *d,
			      struct error *e)
{
	enum err code;

	inbox_hash(d);
	code = engine_transact(g, handle_delivery, d, e);
	if (code && engine_may_pass(code))
		code = pass_over(g, d, e);
	if (code)
		return code;
	g->cursor = g->cursor_kept = d->seq;
	engine_give_answers(g);
	return effects_pump(g, e);
}

enum err engine_deliveries(struct engine *g, bool *ret_any, struct error *e)
{
	struct inbox_delivery d = {0};

	for (int n = 0; g->inbox && n < DELIVERIES_PER_TURN; n++) {
		enum err code = inbox_next(g->inbox, g->cursor, &d, e);

		if (code == ERR_MISSING)
			return ERR_OK;
		if (!engine_may_pass(code))
			return code;
		*ret_any = true;
		if (code)
			code = pass_over(g, &d, e);
		else if (delivery_matters(g, &d))
			code = take_delivery(g, &d, e);
		else
			pass_by(g, &d);
		if (code)
			return code;
	}
	return ERR_OK;
}
