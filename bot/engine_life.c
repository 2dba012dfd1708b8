/*
 * The engine's life: its files are opened, its thread takes one turn after the
 * other and sleeps between them, and it ends.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "bot/base/log.h"
#include "bot/engine_internal.h"
#include "bot/version.h"
#include "store/audit.h"

/* --- the thread --- */

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

/* --- its files, and its end --- */

static enum err read_self(struct engine *g, struct error *e)
{
	CLEANUP(str_release) struct str id = STR_INIT(32);

	if (store_meta(g->store, "self_id", &id, e))
		return e->code;
	g->self_id = strtoll(id.text, NULL, 10);
	return ERR_OK;
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
	g->unseen = json_object();
	g->lagging = json_object();
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
	json_decref(g->unseen);
	json_decref(g->lagging);
	json_decref(g->reload_note);
	config_free(g->reloaded);
	inbox_close(g->inbox);
	store_close(g->store);
	pthread_cond_destroy(&g->wake);
	pthread_mutex_destroy(&g->lock);
	pthread_rwlock_destroy(&g->config_lock);
	free(g);
}
