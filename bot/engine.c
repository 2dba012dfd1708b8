#include "bot/engine.h"

#include <stdlib.h>

#include "bot/base/log.h"
#include "bot/engine_internal.h"
#include "bot/metrics.h"
#include "bot/trust.h"
#include "store/missed.h"

/* A policy that never comes to rest would be our own mistake. */
#define SCHEDULE_ROUNDS 8
/* Kept longer than the forge can redeliver (3 days, 7 on its own servers). */
#define KEEP_DELIVERIES_MS (30LL * 24 * 3600 * 1000)
#define KEEP_BODIES_MS (8LL * 24 * 3600 * 1000)
#define PRUNE_EVERY_MS (3600LL * 1000)
/* Long before what the forge said of memberships runs out. */
#define MEMBERS_EVERY_MS (5LL * 60 * 1000)
/* The longest time without a look at what every environment has to do: who
 * waits on a trust that has run out is told so late.  Deployed it is not: a
 * cycle never begins without a look. */
#define SETTLE_EVERY_MS (29LL * 60 * 1000)
/* Two clocks are never read at one moment, and the wall is slewed by less;
 * more is a jump. */
#define WALL_JUMP_MS 1000
/* The longest sleep without anything to wait for. */
#define IDLE_MS 60000

int64_t engine_now(const struct engine *g)
{
	return g->wall_anchor_ms + clock_mono(g->set.clock) - g->mono_anchor_ms;
}

int64_t engine_wall_off(const struct engine *g)
{
	return clock_wall(g->set.clock) - engine_now(g);
}

bool engine_wall_jumped(const struct engine *g)
{
	int64_t off = engine_wall_off(g);

	return off > WALL_JUMP_MS || off < -WALL_JUMP_MS;
}

/* Has the wall moved since dates and freeze windows were last judged by it? */
static bool wall_moved(const struct engine *g, int64_t now)
{
	int64_t skew = clock_wall(g->set.clock) - now;

	return llabs(skew - g->wall_skew_ms) > WALL_JUMP_MS;
}

static void look_at_wall(struct engine *g)
{
	if (!wall_moved(g, g->now_ms))
		return;
	g->wall_skew_ms = clock_wall(g->set.clock) - g->now_ms;
	store_set_wall(g->store, g->wall_skew_ms);
	g->settled_ms = 0;
}

static void cycle_finished(void *ctx, const struct cycle *c)
{
	(void)ctx;
	metric_add(METRIC_CYCLES, c->kind, c->verdict, 1);
	metric_time(METRIC_CYCLE_SECONDS, c->kind,
		    c->finished_ms - c->started_ms);
	log_info("cycle %lld (%s, %s): %s, %s%s%s", (long long)c->id,
		 c->environment, c->kind, c->verdict, c->reason_code,
		 *c->text ? ": " : "", c->text);
}

static void drain_ended(void *ctx, const struct job *j)
{
	(void)ctx;
	metric_add(METRIC_DRAINS, j->reason_code, NULL, 1);
	log_info("job %s: %s", j->key, j->text);
}

void flow_of(struct engine *g, const struct environment *env, struct flow *ret)
{
	*ret = (struct flow){
		.store = g->store,
		.env = env,
		.now_ms = g->now_ms,
		.wall_skew_ms = g->wall_skew_ms,
		.finished = cycle_finished,
		.drained = drain_ended,
		.ctx = g,
	};
}

bool engine_may_pass(enum err code)
{
	return code != ERR_FATAL && code != ERR_RETRY;
}

/* Of two times, of which 0 is never. */
static int64_t sooner(int64_t a, int64_t b)
{
	return b && (!a || b < a) ? b : a;
}

/* Lets every environment do what is due, until all are at rest. */
static enum err schedule_all(struct engine *g, struct error *e)
{
	int64_t next_lock;

	g->timer_ms = 0;
	for (size_t i = 0; i < g->config->environment_count; i++) {
		int64_t next = g->now_ms;
		struct flow f;

		flow_of(g, &g->config->environments[i], &f);
		for (int n = 0; next && next <= g->now_ms; n++) {
			if (n == SCHEDULE_ROUNDS) {
				next = g->now_ms + 1000;
				break;
			}
			if (schedule_environment(&f, &next, e))
				return e->code;
		}
		g->timer_ms = sooner(g->timer_ms, next);
	}
	if (locks_next(g, &next_lock, e))
		return e->code;
	g->timer_ms = sooner(g->timer_ms, next_lock);
	return ERR_OK;
}

/* Somebody else may hold the file, a backup for instance: that passes. */
static enum err begin(struct engine *g, struct error *e)
{
	bool told = false, stop = false;
	enum err code;

	while ((code = store_begin(g->store, e)) == ERR_RETRY && !stop) {
		if (!told)
			log_warning("waiting: %s", e->text);
		told = true;
		pthread_mutex_lock(&g->lock);
		stop = g->stop;
		pthread_mutex_unlock(&g->lock);
	}
	return code;
}

/* What was passed by since is on record with the next transaction. */
static enum err keep_cursor(struct engine *g, struct error *e)
{
	if (g->cursor == g->cursor_kept)
		return ERR_OK;
	return store_cursor_move(g->store, g->cursor, e);
}

/*
 * Most events are answers that only say that something was told.  Then the
 * environments are asked again when their time has come, or when a while has
 * passed: trust ends without an event.
 */
static bool is_settled(const struct engine *g)
{
	return g->settled_ms && !store_moved(g->store) &&
	       (!g->timer_ms || g->now_ms < g->timer_ms) &&
	       g->now_ms < g->settled_ms + SETTLE_EVERY_MS;
}

static enum err settle(struct engine *g, struct error *e)
{
	if (is_settled(g))
		return ERR_OK;
	g->settled_ms = 0;
	if (locks_tick(g, e) || schedule_all(g, e))
		return e->code;
	g->settled_ms = g->now_ms;
	return ERR_OK;
}

/* Runs one event's handler and all that follows from it, whole or not. */
enum err engine_transact(struct engine *g,
			 enum err (*handle)(struct engine *g, void *arg,
					    struct error *e),
			 void *arg, struct error *e)
{
	g->now_ms = g->heard_ms = engine_now(g);
	g->missed_ms = 0;
	look_at_wall(g);
	if (begin(g, e))
		return e->code;
	if (keep_cursor(g, e) || gaps_keep(g, e) ||
	    (handle && handle(g, arg, e)) || settle(g, e) || report_all(g, e) ||
	    store_commit(g->store, e)) {
		store_rollback(g->store);
		g->settled_ms = 0;
		json_array_clear(g->answers);
		return e->code;
	}
	g->cursor_kept = g->cursor;
	g->cursor_due_ms = 0;
	g->outbox_news = true;
	gaps_kept(g);
	return ERR_OK;
}

/* Gives the answers that the committed event has for the command line. */
void engine_give_answers(struct engine *g)
{
	json_t *one;
	size_t i;

	json_array_foreach (g->answers, i, one) {
		int64_t said = js_int(one, "said", 0);

		for (struct waiter **w = &g->waiters; *w;) {
			struct waiter *found = *w;

			if (found->said_id != said) {
				w = &found->next;
				continue;
			}
			*w = found->next;
			found->answer(found->ctx, one);
			free(found);
		}
	}
	json_array_clear(g->answers);
}

void call_answered(struct engine *g, int64_t said_id, bool ok, const char *text)
{
	json_array_append_new(g->answers, json_pack("{s:I, s:b, s:s}", "said",
						    (json_int_t)said_id, "ok",
						    ok, "text", text));
}

/* --- time --- */

/*
 * Bodies that were handled are kept as long as somebody may want to look;
 * GUIDs longer, so that a late redelivery is still known.
 */
static void prune_inbox(struct engine *g)
{
	CLEANUP(inbox_close) struct inbox *writer = NULL;
	int64_t bodies_ms = g->now_ms - KEEP_BODIES_MS;
	int64_t guids_ms = g->now_ms - KEEP_DELIVERIES_MS;
	struct error e = ERROR_INIT;

	if (!g->inbox ||
	    !inbox_can_prune(g->inbox, g->cursor, bodies_ms, guids_ms))
		return;
	writer = inbox_open(g->set.inbox_path, &e);
	if (!writer || inbox_prune(writer, g->cursor, bodies_ms, guids_ms, &e))
		log_warning("old deliveries not removed: %s", e.text);
}

static enum err handle_time(struct engine *g, void *arg UNUSED, struct error *e)
{
	if (g->now_ms >= g->next_prune_ms) {
		g->next_prune_ms = g->now_ms + PRUNE_EVERY_MS;
		if (store_delivery_prune(g->store,
					 g->now_ms - KEEP_DELIVERIES_MS, e) ||
		    store_taken_back_prune(g->store,
					   g->now_ms - KEEP_DELIVERIES_MS, e) ||
		    store_gap_prune(g->store, g->now_ms - KEEP_DELIVERIES_MS,
				    e) ||
		    store_missed_prune(g->store, g->now_ms - KEEP_DELIVERIES_MS,
				       e) ||
		    store_outbox_prune(g->store, g->now_ms - KEEP_DELIVERIES_MS,
				       e))
			return e->code;
	}
	if (g->set.scans && g->now_ms >= g->next_members_ms) {
		g->next_members_ms = g->now_ms + MEMBERS_EVERY_MS;
		if (members_refresh(g, 0, e))
			return e->code;
	}
	if (g->set.scans && g->now_ms >= g->next_scan_ms) {
		g->next_scan_ms = g->now_ms + g->config->reconcile_ms;
		return scan_start(g, e);
	}
	return ERR_OK;
}

static bool time_is_due(const struct engine *g, int64_t now)
{
	return wall_moved(g, now) || (g->timer_ms && now >= g->timer_ms) ||
	       (g->cursor_due_ms && now >= g->cursor_due_ms) ||
	       (g->set.scans && now >= g->next_scan_ms) ||
	       (g->set.scans && now >= g->next_members_ms) ||
	       now >= g->next_prune_ms;
}

enum err engine_turn(struct engine *g, bool *ret_idle, struct error *e)
{
	bool any = false;

	if (engine_events(g, &any, e) || engine_deliveries(g, &any, e))
		return e->code;
	if (time_is_due(g, engine_now(g))) {
		any = true;
		if (engine_now(g) >= g->next_prune_ms)
			prune_inbox(g);
		if (engine_transact(g, handle_time, NULL, e))
			return e->code;
		engine_give_answers(g);
	}
	if (effects_pump(g, e))
		return e->code;
	*ret_idle = !any;
	return ERR_OK;
}

int64_t engine_due_in(const struct engine *g)
{
	int64_t now = engine_now(g), until = now + IDLE_MS;

	until = sooner(until, g->timer_ms);
	until = sooner(until, g->outbox_ms);
	until = sooner(until, g->cursor_due_ms);
	if (g->set.scans) {
		until = sooner(until, g->next_scan_ms);
		until = sooner(until, g->next_members_ms);
	}
	return until > now ? until - now : 0;
}
