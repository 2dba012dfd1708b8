#include "bot/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bot/base/log.h"
#include "bot/engine_internal.h"
#include "bot/metrics.h"
#include "bot/version.h"
#include "store/audit.h"
#include "bot/trust.h"
#include "store/missed.h"
#include "store/request.h"

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

/* Has the wall moved since locks and freeze windows were last judged by it? */
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

static void update_gauges(struct engine *g)
{
	struct error e = ERROR_INIT;
	int64_t depth = 0;

	if (store_outbox_depth(g->store, &depth, &e))
		depth = -1;
	pthread_mutex_lock(&g->lock);
	g->gauges.outbox_depth = depth;
	g->gauges.journal_depth =
		g->inbox ? inbox_depth(g->inbox, g->cursor) : 0;
	pthread_mutex_unlock(&g->lock);
}

void engine_gauges(struct engine *g, struct engine_gauges *ret)
{
	pthread_mutex_lock(&g->lock);
	*ret = g->gauges;
	pthread_mutex_unlock(&g->lock);
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

/* Sleeps until something happens or becomes due; false when told to stop. */
static bool sleep_until_work(struct engine *g)
{
	int64_t wait_ms = engine_due_in(g);
	struct timespec t;
	bool go_on;

	clock_gettime(CLOCK_MONOTONIC, &t);
	if (wait_ms) {
		t.tv_sec += wait_ms / 1000;
		t.tv_nsec += wait_ms % 1000 * 1000000;
		if (t.tv_nsec >= 1000000000) {
			t.tv_nsec -= 1000000000;
			t.tv_sec++;
		}
	}
	pthread_mutex_lock(&g->lock);
	while (!g->first && !g->woken && !g->stop)
		if (pthread_cond_timedwait(&g->wake, &g->lock, &t) == ETIMEDOUT)
			break;
	g->woken = false;
	go_on = !g->stop;
	pthread_mutex_unlock(&g->lock);
	return go_on;
}

static void *engine_main(void *arg)
{
	struct engine *g = arg;
	struct error e = ERROR_INIT;
	bool idle;

	do {
		do {
			if (engine_turn(g, &idle, &e)) {
				log_error("the engine gives up: %s", e.text);
				pthread_mutex_lock(&g->lock);
				g->failed = true;
				g->failure = e;
				pthread_mutex_unlock(&g->lock);
				engine_hang_up(
					g, "the bot had to give up: see its "
					   "log");
				return NULL;
			}
			update_gauges(g);
		} while (!idle);
	} while (sleep_until_work(g));
	return NULL;
}

bool engine_healthy(struct engine *g, struct error *e)
{
	bool failed;

	pthread_mutex_lock(&g->lock);
	failed = g->failed;
	if (failed)
		*e = g->failure;
	pthread_mutex_unlock(&g->lock);
	return !failed;
}

void engine_wake(struct engine *g)
{
	pthread_mutex_lock(&g->lock);
	g->woken = true;
	pthread_cond_signal(&g->wake);
	pthread_mutex_unlock(&g->lock);
}

/* --- life --- */

static enum err read_self(struct engine *g, struct error *e)
{
	CLEANUP(str_release) struct str id = STR_INIT(32);

	if (store_meta(g->store, "self_id", &id, e))
		return e->code;
	g->self_id = strtoll(id.text, NULL, 10);
	return ERR_OK;
}

/* Nobody would ever end what an environment left that is gone. */
static enum err end_unconfigured(struct engine *g, const char *name,
				 struct error *e)
{
	struct cycle c;
	enum err code;

	if (config_environment(g->config, name))
		return ERR_OK;
	log_warning("%s is not configured any more: what waits there is "
		    "dropped",
		    name);
	code = store_cycle_running(g->store, name, &c, e);
	if (!code)
		code = store_cycle_finish(g->store, c.id, "cancelled",
					  "unconfigured",
					  "the environment is not configured "
					  "any more",
					  g->now_ms, e);
	if (code && code != ERR_MISSING)
		return code;
	if (store_environment_drop(g->store, name, "unconfigured", e))
		return e->code;
	return store_audit_with(
		g->store, g->now_ms, AUDIT_BOT, "environment.drop", name,
		"not configured any more: its cycle is cancelled, its requests "
		"are dropped",
		code ? NULL : json_pack("{s:I}", "cycle", (json_int_t)c.id), e);
}

/* From here on these decisions are taken by this program under this file. */
enum err engine_audit_config(struct engine *g, const char *action,
			     struct error *e)
{
	struct audit_head head;

	if (store_audit_head(g->store, &head, e))
		return e->code;
	return store_audit_with(
		g->store, g->now_ms, AUDIT_BOT, action,
		"kcibot " KCIBOT_VERSION,
		head.id ? "" : "the first start on this database",
		json_pack("{s:s, s:s, s:s, s:b}", "version", KCIBOT_VERSION,
			  "config", g->config->path, "config_hash",
			  g->config->hash, "first", head.id == 0),
		e);
}

/* Where it can be noted outside of the file: an end that is cut off later
 * does not match it. */
static void log_audit_head(struct engine *g)
{
	char text[AUDIT_HEAD_TEXT_SIZE];
	struct error e = ERROR_INIT;
	struct audit_head head;

	if (store_audit_head(g->store, &head, &e)) {
		log_warning("audit: %s", e.text);
		return;
	}
	audit_head_text(&head, text);
	log_info("audit: head %s", text);
}

enum err engine_end_unconfigured(struct engine *g, void *arg UNUSED,
				 struct error *e)
{
	char(*names)[64];
	size_t count;
	enum err code = ERR_OK;

	if (store_environments_busy(g->store, &names, &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++)
		code = end_unconfigured(g, names[i], e);
	free(names);
	return code;
}

static enum err handle_start(struct engine *g, void *arg, struct error *e)
{
	/* A call of the command line is on record by itself. */
	if (store_not_later(g->store, g->now_ms, e) ||
	    (g->inbox && engine_audit_config(g, "start", e)) ||
	    gaps_start(g, e))
		return e->code;
	return engine_end_unconfigured(g, arg, e);
}

static enum err open_files(struct engine *g, struct error *e)
{
	g->store = store_open(g->set.store_path, e);
	if (!g->store)
		return e->code;
	if (g->set.inbox_path) {
		g->inbox = inbox_open_reader(g->set.inbox_path, e);
		if (!g->inbox ||
		    store_cursor_bind(g->store, inbox_journal_id(g->inbox),
				      &g->cursor, e))
			return e->code;
		g->cursor_kept = g->cursor;
	}
	if (store_outbox_restart(g->store, e))
		return e->code;
	return read_self(g, e);
}

static void init_lock(struct engine *g)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&g->lock, NULL);
	pthread_rwlock_init(&g->config_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&g->wake, &attr);
	pthread_condattr_destroy(&attr);
}

struct engine *engine_new(const struct engine_settings *settings,
			  struct error *e)
{
	struct engine *g = calloc(1, sizeof(*g));

	if (!g) {
		error_set(e, ERR_FATAL, "out of memory");
		return NULL;
	}
	init_lock(g);
	g->set = *settings;
	g->config = settings->config;
	g->view.bot = g->config->bot_name;
	g->view.public_url = g->config->public_url;
	g->view.against = engine_against;
	g->view.ctx = g;
	g->wall_anchor_ms = clock_wall(settings->clock);
	g->mono_anchor_ms = clock_mono(settings->clock);
	g->now_ms = g->wall_anchor_ms;
	g->timer_ms = g->now_ms;
	/* Not before the start has looked when that was before. */
	g->alive_kept_ms = g->now_ms;
	g->answers = json_array();
	if (open_files(g, e) || engine_transact(g, handle_start, NULL, e)) {
		engine_free(g);
		return NULL;
	}
	if (g->inbox)
		log_audit_head(g);
	return g;
}

enum err engine_start(struct engine *g, struct error *e)
{
	if (pthread_create(&g->thread, NULL, engine_main, g))
		return error_errno(e, ERR_FATAL, "cannot start the engine");
	g->running = true;
	return ERR_OK;
}

void engine_stop(struct engine *g)
{
	pthread_mutex_lock(&g->lock);
	g->stop = true;
	pthread_cond_signal(&g->wake);
	pthread_mutex_unlock(&g->lock);
	if (g->running) {
		pthread_join(g->thread, NULL);
		if (g->inbox)
			log_audit_head(g);
	}
	g->running = false;
	engine_hang_up(g, "the bot is stopping: try again");
}

void engine_free(struct engine *g)
{
	if (!g)
		return;
	engine_hang_up(g, "the bot is stopping: try again");
	json_decref(g->answers);
	json_decref(g->reload_note);
	config_free(g->reloaded);
	inbox_close(g->inbox);
	store_close(g->store);
	pthread_cond_destroy(&g->wake);
	pthread_mutex_destroy(&g->lock);
	pthread_rwlock_destroy(&g->config_lock);
	free(g);
}
