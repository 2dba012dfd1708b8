/*
 * Small questions to the view of a pull request that several texts ask.
 * All text they add is plain: not yet inert.
 */
#ifndef BOT_VIEW_PARTS_H
#define BOT_VIEW_PARTS_H

#include "bot/base/json.h"
#include "bot/base/str.h"

/* Is this entry of a list of revisions the view's own pull request? */
bool part_is_own(const json_t *view, const json_t *revision);

/* The view's own entry in a list of revisions, or NULL. */
const json_t *part_own(const json_t *view, const json_t *revisions);

/*
 * The entry of the only new revision of the cycle that was merged, or NULL
 * when there is none or there are several: then nobody can be blamed.
 */
const json_t *part_only_new(const json_t *view);

/* Is this stage or job in state failure or error? */
bool part_failed_state(const json_t *item);

/* Does staging have the head of the view's pull request now? */
bool part_is_staged(const json_t *view);

/* It was deployed in the cycle of the view, and what is deployed now is
 * another one, without it. */
bool part_has_left(const json_t *view);

/*
 * Is the last cycle's failure about what others brought: was this revision on
 * board but not new, is it on staging as before, and was something else new?
 */
bool part_is_bystander(const json_t *view);

/* The first entry (stage or job) in state failure or error, or NULL. */
const json_t *part_failed(const json_t *list);

/*
 * "short" or "full", as the cycle is or, while it waits, the first request;
 * "short or full" while an automatic request waits.
 */
const char *part_kind(const json_t *view);

/*
 * Adds where a cycle comes from, when that is another one: "retry of cycle 4,
 * from stage deploy on"; nothing otherwise.  false: nothing.
 */
bool part_purpose(struct str *out, const json_t *cycle);

/*
 * Adds what became of the environment of a cancelled cycle: "staging was put
 * back to manifest `staging-20261121.3` by cycle 6"; nothing when nothing had
 * to be put back.  false: nothing.
 */
bool part_put_back(struct str *out, const json_t *cycle);

/* Adds what the running cycle does: "stage build (2 of 3)", "merging", "drains
 * before stage deploy (3 of 3)". */
void part_progress(struct str *out, const json_t *view);

/*
 * Adds what a drain (of a cycle's view) waits for, or how it ended: "drained
 * in 4 min".  Nothing when there was none.
 */
void part_drain(struct str *out, const json_t *drain, int64_t now_ms);

/* Adds "14:05 UTC", with "21 Nov" in front when it is not now's day. */
void part_moment(struct str *out, int64_t ms, int64_t now_ms);

/* Adds "about 6 to 9 min", from an eta of the view. */
void part_eta(struct str *out, const json_t *eta);

/* Adds "until 14:05 UTC: locked by mona" for a frozen environment. */
void part_frozen(struct str *out, const json_t *view);

/*
 * Markdown: hidden marker comments, and links into our own pages.  A name
 * or URL that does not look like one gives inert text and no link.
 */
void part_marker(struct str *out, const char *what, const char *value);
void part_cycle_link(struct str *out, const json_t *view, int64_t cycle);
void part_pull_link(struct str *out, const json_t *view, const json_t *pull);

/* Markdown: a SHA's first digits (or all) as code. */
void part_sha(struct str *out, const char *sha, size_t digits);

#endif
