/*
 * Times in which deliveries may have been lost, so that what is on record of
 * heads must be confirmed by the forge before it proves anything again
 * (commands/proof.h): while the bot did not run, when it had to refuse, and
 * when a listing shows what no webhook told.
 */
#include "bot/base/log.h"
#include "bot/engine_internal.h"

/* How old the sign of life on record may become before another one goes
 * along with whatever is written. */
#define ALIVE_EVERY_MS (60LL * 1000)
/* Refusals that follow each other so closely are one gap. */
#define LOST_JOIN_MS (60LL * 1000)
/* After refusals the forge is asked this soon what was missed. */
#define LOST_SCAN_MS (10LL * 1000)

enum err gaps_start(struct engine *g, struct error *e)
{
	struct gap gap = {.to_ms = g->now_ms};
	int64_t received;

	if (!g->inbox)
		return ERR_OK; /* the command line takes no deliveries */
	if (store_alive(g->store, &gap.from_ms, e) ||
	    inbox_last_received(g->inbox, &received, e))
		return e->code;
	if (received > gap.from_ms)
		gap.from_ms = received;
	/* The clock was set back: nobody knows how long it was. */
	if (gap.from_ms > g->now_ms)
		gap.from_ms = 0;
	if (store_gap_add(g->store, "", &gap, "the bot did not run", e))
		return e->code;
	return store_alive_set(g->store, g->now_ms, e);
}

void engine_lost_delivery(struct engine *g)
{
	int64_t now = engine_now(g);

	pthread_mutex_lock(&g->lock);
	if (!g->lost.to_ms && now - g->lost.from_ms > LOST_JOIN_MS)
		g->lost.from_ms = now;
	g->lost.to_ms = now;
	pthread_mutex_unlock(&g->lock);
}

static enum err keep_lost(struct engine *g, struct error *e)
{
	struct gap lost;

	pthread_mutex_lock(&g->lock);
	lost = g->lost;
	pthread_mutex_unlock(&g->lock);
	if (!lost.to_ms)
		return ERR_OK;
	if (g->next_scan_ms > g->now_ms + LOST_SCAN_MS)
		g->next_scan_ms = g->now_ms + LOST_SCAN_MS;
	g->lost_kept_ms = lost.to_ms;
	return store_gap_add(g->store, "", &lost, "deliveries were refused", e);
}

enum err gaps_keep(struct engine *g, struct error *e)
{
	if (keep_lost(g, e))
		return e->code;
	if (!g->inbox || g->now_ms - g->alive_kept_ms < ALIVE_EVERY_MS)
		return ERR_OK;
	return store_alive_set(g->store, g->now_ms, e);
}

void gaps_kept(struct engine *g)
{
	if (g->now_ms - g->alive_kept_ms >= ALIVE_EVERY_MS)
		g->alive_kept_ms = g->now_ms;
	pthread_mutex_lock(&g->lock);
	/* Another one may have been refused meanwhile. */
	if (g->lost.to_ms && g->lost.to_ms == g->lost_kept_ms)
		g->lost = (struct gap){.from_ms = g->lost_kept_ms};
	pthread_mutex_unlock(&g->lock);
}

enum err gaps_unheard(struct engine *g, const char *repo, int64_t since_ms,
		      struct error *e)
{
	const struct gap gap = {.from_ms = since_ms, .to_ms = g->now_ms};

	log_info("%s: the forge shows a head that no webhook told of", repo);
	return store_gap_add(g->store, repo, &gap, "no webhook told", e);
}
