/*
 * The state as JSON for people: what /api/v1/..., the pages and the sticky
 * comment show.  One description, many renderings.  The caller owns the
 * result; NULL and ERR_MISSING when there is no such thing.
 *
 * view_status:  {"bot", "now_ms", "environments": [{"name", "state":
 *     "idle"|"waiting"|"running", "wait_why", "wait_until_ms",
 *     "last_full_ms", "running": cycle | null, "deployed": cycle | null,
 *     "queue": [request], "last": [cycle, newest first, at most 10]}]}
 *
 * view_cycle:   cycle in full (see bot/render.h's view: "cycle") plus
 *     "environment".
 *
 * view_pull:    one environment's view of a pull, as bot/render.h wants it.
 *
 * view_pull_all: {"repo", "number", "title", "author", "head_sha", ...,
 *     "environments": [view_pull of each], "heads": [{"sha", "seen_ms"}],
 *     "history": [cycles that carried it, newest first, at most 20]}
 */
#ifndef STORE_VIEW_H
#define STORE_VIEW_H

#include "bot/base/json.h"
#include "store/store.h"

struct view_settings {
	const char *bot;
	const char *public_url;
};

NODISCARD json_t *view_status(struct store *s, const struct view_settings *v,
			      int64_t now_ms, struct error *e);
NODISCARD json_t *view_cycle(struct store *s, const struct view_settings *v,
			     int64_t cycle_id, int64_t now_ms, struct error *e);
NODISCARD json_t *view_pull(struct store *s, const struct view_settings *v,
			    const char *environment, const char *repo,
			    int64_t number, int64_t now_ms, struct error *e);
NODISCARD json_t *view_pull_all(struct store *s, const struct view_settings *v,
				const char *repo, int64_t number,
				int64_t now_ms, struct error *e);

#endif
