/*
 * The state as JSON for people: what /api/v1/..., the pages and the sticky
 * comment show.  One description, many renderings.  The caller owns the
 * result; NULL and ERR_MISSING when there is no such thing.
 *
 * None of these opens a transaction: the caller brackets with store_begin()
 * and store_commit() to see one moment.  All times are wall ms, 0 = never;
 * all text is user text, unescaped and not redacted, but valid UTF-8.
 *
 * view_status:  {"bot", "public_url", "now_ms", "environments": [{"name",
 *     "state": "idle"|"waiting"|"running", "wait_why", "wait_until_ms",
 *     "schedule_ms": when the schedule looks whether something is new, 0 =
 *     not as things are,
 *     "frozen_why": why nothing starts (plain text, "" = it may),
 *     "frozen_until_ms": 0 = until somebody ends it,
 *     "eta": {"short": eta | null, "full": eta | null},
 *     "last_full_ms", "running": cycle | null, "deployed": cycle | null,
 *     "queue": [request, oldest first],
 *     "excluded": [{"repo", "number", "title", "sha", "reason", "since_ms",
 *                   "cycle"}],
 *     "last": [finished cycle, newest first, at most 10]}]}
 *   eta: {"kind", "samples", "p50_ms", "p90_ms"}: what half and nine of ten of
 *     the last finished cycles took; null with fewer than 3 of them.
 *   request: {"kind", "by", "origin", "since_ms", "state": "waiting"|"booked",
 *     "at_ms", "sha", "repo", "number", "title", "base", "forced": bool,
 *     "reason": as given by who asked, "position": cycles that must end
 *     before}; repo is "" and number 0 when a base branch moved.
 *
 * view_cycle:   cycle in full:
 *   {"id", "environment", "kind": "short"|"full",
 *    "state": "merging"|"pushing"|"running"|"stopping"|"finished",
 *    "verdict": "success"|"failure"|"error"|"cancelled"|"inconclusive"|"",
 *    "reason_code", "text", "started_ms", "finished_ms", "restarts",
 *    "scheduled": bool, "tag",
 *    "stages": [{"name", "state", "ms", "jobs": [{"name", "class", "state",
 *                "ms", "reason_code", "text", "tail", "exit_code"; and of the
 *                class drain "running", "until_ms", "full_until_ms"}]}],
 *    "drain": {"state": "running"|"drained"|"forced"|"failed"|"cancelled",
 *              "running": what was left running, null = not known (yet),
 *              "ms": how long it took, "text": for people,
 *              "until_ms": when it is forced, "full_until_ms": and when if
 *              what runs may be the last full cycle's, 0 = the same}
 *             | null when nothing was drained,
 *    "purpose": "" | "rollback": it puts the last green manifest back, after
 *           "of_cycle" was cancelled | "retry": it does "of_cycle" again,
 *    "number": that its jobs know it by, 0 = id; "first_stage": index of the
 *           first that a retry does itself; "whole_why": why it keeps none,
 *    "cancelled_by": login, or "",
 *    "put_back": after it was cancelled: {"cycle", "state", "verdict",
 *           "manifest": number of the cycle whose manifest it is, "tag"}
 *           | null,
 *    "projects": [{"repo", "base", "branch", "base_sha", "old_sha", "sha"}],
 *    "revisions": [{"repo", "number", "sha", "title", "author", "result",
 *                   "reason", "new": bool}],
 *    "asked": [{"kind", "by", "origin", "since_ms", "repo", "number"}]}
 *   The state of a stage or job is one of waiting, running, success, failure,
 *   error, skipped, cancelled; of a stage also kept, done by "of_cycle".  All
 *   stages of the recipe are listed, also before they run.  "tail" is "" in
 * view_status and in "history", where nobody reads logs, and beyond VIEW_TAILS
 * bytes in one view.
 *
 * view_pull:    one environment's view of a pull:
 *   {"bot", "environment", "public_url", "repo", "number", "title", "author",
 *    "head_sha", "pull_state": "open"|"closed"|"merged", "draft": bool,
 *    "now_ms", "state": "idle"|"waiting"|"running"|"done",
 *    "why": a phrase, why it waits or is not on staging; "" when neither,
 *    "at_ms": when it will start, or 0,
 *    "frozen_why", "frozen_until_ms": of the environment, as above,
 *    "position": cycles that must end before its own begins,
 *    "eta": while it waits or runs: eta with "from_ms" and "to_ms", between
 *           which it should be over, 0 = not known; else null,
 *    "grant": the permission for the code of an author who is not trusted:
 *           {"by", "sha", "since_ms", "until_ms",
 *            "state": "granted"|"void"|"expired",
 *            "why": it is void: "moved"|"closed"|"base"|"granter"} | null,
 *    "requests": [{"kind", "by", "origin", "since_ms",
 *                  "state": "waiting"|"booked"|"running", "at_ms", "sha",
 *                  "forced": bool, "reason"}],
 *    "heard": the newest review since the head is what it is that was obeyed:
 *           {"by", "at_ms", "verbs": "deploy, ...", "state", "request": the
 *            state of what it asked for, or ""} | null,
 *    "verbosity": "quiet"|"normal"|"verbose",
 *    "skipped": {"by", "since_ms", "reason"} | null,
 *    "disputes": against the verdict on the head: [{"by", "reason", "at_ms",
 *                  "cycle"}, at most 20],
 *    "cycle": the newest cycle that lists a revision of this pull | null,
 *    "on_staging": what is deployed now, with or without this pull:
 *           {"cycle", "kind", "since_ms",
 *            "revisions": [{"repo", "number", "sha"}]} | null,
 *    "result": of the head: {"sha", "outcome": "success"|"failure"|"error"|"",
 *           "cycle", "short_ok_ms", "full_ok_ms"}}
 *
 * view_pull_all: {"bot", "repo", "number", "title", "author", "head_sha",
 *     "pull_state", "draft", "now_ms",
 *     "environments": [view_pull of each that this pull can be on],
 *     "heads": [{"sha", "seen_ms", "source"}, newest first, at most 50],
 *     "said": [{"by", "words": [{"verb", ...}], "at_ms", "source", "state",
 *               "answer"}, newest first, at most 20],
 *     "history": [cycles that listed it, newest first, at most 20]}
 */
#ifndef STORE_VIEW_H
#define STORE_VIEW_H

#include "bot/base/json.h"
#include "bot/base/str.h"
#include "store/store.h"

/* Log tails in one view: six bytes of JSON for each fit LIMIT_PAGE. */
#define VIEW_TAILS (512u << 10)

struct view_settings {
	const char *bot;
	const char *public_url;
	const char *web_url; /* the forge for people, "https://github.com";
				"" = pages have no links to it */
	/*
	 * Adds what the configuration has against deploying the pull there
	 * unasked, as a phrase; nothing when that is nothing.  From whatever
	 * thread the view is made on; may be NULL.
	 */
	void (*against)(const void *ctx, struct store *s,
			const char *environment, const char *repo,
			int64_t number, int64_t now_ms, struct str *out);
	const void *ctx; /* for it */
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
