/*
 * Deliveries that failed.  Where we may see our webhook, the forge tells what
 * became of all that it sent; what it could not hand over is asked for once
 * more.  It comes back under its GUID, as any other delivery, so what the
 * journal has already is never doubled.  This finds what no listing shows: a
 * comment that was deleted, a push to a base branch.
 *
 * What failed is kept (store/missed.h) rather than read off the list each
 * time: the list is long, and its end falls off.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/clock.h"
#include "bot/base/log.h"
#include "bot/base/str.h"
#include "bot/engine_internal.h"
#include "bot/metrics.h"
#include "store/missed.h"

/* Asked for after one look; with our pace of writing, a minute's work. */
#define ASK_MAX 50
/* A delivery that fails again is asked for after 10, 40 and 160 minutes. */
#define TRIES 4
#define AGAIN_MS (10LL * 60 * 1000)
/* A delivery may be listed later than one that was made after it. */
#define OVERLAP_MS (10LL * 60 * 1000)
/* What it told had happened not much longer before it was made. */
#define DELAY_MS (60LL * 1000)

/* What one look at a list has found. */
struct look {
	struct engine *g;
	const char *repo;
	int64_t since_ms; /* nothing older counts */
	json_t *arrived;  /* GUIDs, as members */
	int64_t newest_ms;
	int64_t found;
	int64_t heads_from_ms; /* the first that told of a pull; 0 = none did */
};

enum err redeliver_look(struct engine *g, const char *repo, int64_t hook_id,
			struct error *e)
{
	CLEANUP(str_release) struct str since = STR_INIT(64);
	struct scan_record scan;
	char target[256];

	if (store_scan(g->store, repo, g->now_ms, &scan, e))
		return e->code;
	time_iso(&since, scan.deliveries_ms);
	snprintf(target, sizeof(target), "scan:forge.deliveries:%s", repo);
	return store_outbox_add(g->store, "forge.deliveries", target, target,
				json_pack("{s:s, s:I, s:s}", "repo", repo,
					  "hook_id", (json_int_t)hook_id,
					  "since", since.text),
				OUTBOX_REPLACES, g->now_ms, e);
}

/* --- what failed --- */

static enum err note_failed(struct look *l, const struct missed_attempt *a,
			    bool of_pull, struct error *e)
{
	struct engine *g = l->g;
	bool has, is_new;

	if (inbox_has(g->inbox, a->guid, &has, e))
		return e->code;
	if (has)
		return ERR_OK;
	if (store_missed_add(g->store, l->repo, a, g->now_ms, &is_new, e))
		return e->code;
	if (!is_new)
		return ERR_OK;
	metric_add(METRIC_LOST, "delivery", NULL, 1);
	l->found++;
	if (of_pull && (!l->heads_from_ms || a->failed_ms < l->heads_from_ms))
		l->heads_from_ms = a->failed_ms;
	return ERR_OK;
}

/* One entry; they come newest first. */
static enum err take_entry(struct look *l, const json_t *entry, struct error *e)
{
	struct missed_attempt a = {
		.guid = js_str(entry, "guid"),
		.delivery_id = js_int(entry, "id", 0),
		.takes_back = delivery_takes_back(js_str(entry, "action")),
	};
	int64_t status = js_int(entry, "status_code", 0);
	const char *event = js_str(entry, "event");

	/* What has no status yet is still under way. */
	if (!*a.guid || strlen(a.guid) >= GUID_SIZE || a.delivery_id <= 0 ||
	    status <= 0 ||
	    !time_parse_iso(js_str(entry, "delivered_at"), &a.failed_ms))
		return ERR_OK;
	if (a.failed_ms > l->newest_ms)
		l->newest_ms = a.failed_ms;
	if (status >= 200 && status < 300)
		json_object_set_new(l->arrived, a.guid, json_true());
	if (a.failed_ms < l->since_ms || json_object_get(l->arrived, a.guid) ||
	    !delivery_wanted(event))
		return ERR_OK;
	return note_failed(l, &a, strcmp(event, "pull_request") == 0, e);
}

/*
 * A push may have been among them: what is on record of heads proves nothing
 * until the forge has shown them once more; asked now, or it would be only
 * with the next scan.  A comment that was lost speaks against no head, least
 * of all against what was said in it.
 */
static enum err doubt_heads(struct look *l, struct error *e)
{
	struct engine *g = l->g;
	int64_t ahead = g->skew.known ? g->skew.hi_ms : 0;
	struct gap gap = {
		.from_ms = l->heads_from_ms - ahead - DELAY_MS,
		.to_ms = g->now_ms,
	};

	if (gap.from_ms > gap.to_ms)
		gap.from_ms = gap.to_ms;
	if (store_gap_add(g->store, l->repo, &gap, "deliveries failed", e))
		return e->code;
	return scan_ask_pulls(g, l->repo, e);
}

/* --- asking for it --- */

static enum err ask_for(struct engine *g, const json_t *look,
			const struct missed *m, struct error *e)
{
	const char *repo = js_str(look, "repo"), *guid = m->guid;
	int64_t next_ms = g->now_ms + (AGAIN_MS << 2 * m->tries);
	char target[256];
	bool has;

	if (inbox_has(g->inbox, guid, &has, e))
		return e->code;
	if (has)
		return store_missed_end(g->store, guid, e);
	if (m->tries >= TRIES) {
		log_warning("%s: delivery %s failed again and again: given up",
			    repo, guid);
		return store_missed_end(g->store, guid, e);
	}
	snprintf(target, sizeof(target), "redeliver:%s:%lld", repo,
		 (long long)m->delivery_id);
	if (store_outbox_add(
		    g->store, "forge.redeliver", target, target,
		    json_pack("{s:s, s:I, s:I}", "repo", repo, "hook_id",
			      (json_int_t)js_int(look, "hook_id", 0),
			      "delivery_id", (json_int_t)m->delivery_id),
		    OUTBOX_REPLACES, g->now_ms, e))
		return e->code;
	return store_missed_asked(g->store, guid, next_ms, e);
}

static enum err ask_due(struct engine *g, const json_t *look, struct error *e)
{
	struct missed *list;
	enum err code = ERR_OK;
	size_t count;

	if (store_missed_due(g->store, js_str(look, "repo"), g->now_ms, ASK_MAX,
			     &list, &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++)
		code = ask_for(g, look, &list[i], e);
	free(list);
	return code;
}

static enum err take_list(struct look *l, const json_t *list, struct error *e)
{
	json_t *entry;
	size_t i;

	json_array_foreach (list, i, entry)
		if (take_entry(l, entry, e))
			return e->code;
	if (l->found)
		log_info("%s: deliveries that failed: %lld", l->repo,
			 (long long)l->found);
	if (l->heads_from_ms && doubt_heads(l, e))
		return e->code;
	/* A clock that is wrong there must not stop us from looking. */
	if (l->newest_ms > l->g->now_ms)
		l->newest_ms = l->g->now_ms;
	return store_scan_deliveries_done(l->g->store, l->repo,
					  l->newest_ms - OVERLAP_MS, e);
}

enum err redeliver_listed(struct engine *g, const json_t *args,
			  const struct outcome *o, struct error *e)
{
	struct look l = {.g = g, .repo = js_str(args, "repo")};
	struct scan_record scan;
	enum err code;

	if (o->code || !g->inbox)
		return ERR_OK;
	if (store_scan(g->store, l.repo, g->now_ms, &scan, e))
		return e->code;
	l.since_ms = scan.deliveries_ms;
	l.arrived = json_object();
	code = take_list(&l, o->body, e);
	json_decref(l.arrived);
	return code ? code : ask_due(g, args, e);
}
