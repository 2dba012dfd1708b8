/*
 * What a scan shows of what people said: what no webhook told is heard now,
 * if it is in time and was never edited, else it is asked about.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "bot/engine_internal.h"
#include "bot/metrics.h"

/* A command runs when we learned of it before it was older than this. */
#define FRESH_MS (30LL * 60 * 1000)
/* The forge gives whole seconds. */
#define FORGE_SECOND_MS 1000

/*
 * The pull's number from ".../pull/7#issuecomment-1"; 0 = an issue.  The last
 * "/pull/" counts: an owner or a repository may be called pull.
 */
static int64_t pull_number_of(const json_t *comment)
{
	const char *at = js_str(comment, "html_url"), *last = NULL;

	while ((at = strstr(at, "/pull/")) != NULL)
		last = at += strlen("/pull");
	return last ? strtoll(last + 1, NULL, 10) : 0;
}

const char *scan_too_late(const struct engine *g, int64_t made_ms,
			  int64_t heard_ms)
{
	int64_t ahead = g->skew.known ? g->skew.lo_ms : 0;

	return heard_ms + ahead - made_ms <= FRESH_MS
		       ? NULL
		       : "I learned of this comment too late to act on it, so "
			 "nothing was done. If you still want it, say it "
			 "again.";
}

/*
 * Why what only a scan found must not run; NULL = it may.  The listing of
 * reviews says submitted_at and no more, and a comment on code is made as a
 * draft, before it is said: one that was edited into a command looks like any
 * other.
 */
static const char *doubt_about(const struct engine *g, const struct heard *h,
			       int64_t made_ms)
{
	const char *updated = js_str(h->object, "updated_at");
	bool changed = *updated &&
		       strcmp(js_str(h->object, "created_at"), updated) != 0;

	if (heard_dismissed(h))
		return "I learned of this review only after it was dismissed, "
		       "so nothing was done.";
	if (strcmp(h->kind, SAID_REVIEW) == 0)
		return "No webhook told me of this review, and where I found "
		       "it nothing tells whether it was edited, so nothing "
		       "was done. If you still want it, say it in a comment.";
	if (changed && strcmp(h->kind, SAID_REVIEW_COMMENT) == 0)
		return "No webhook told me of this comment, and where I found "
		       "it nothing tells whether it was edited, so nothing "
		       "was done. If you still want it, say it in a comment "
		       "on the conversation.";
	if (changed)
		return "I learned of this comment only after it was edited, so "
		       "nothing was done. Say it again in a new one.";
	return scan_too_late(g, made_ms, g->now_ms);
}

/*
 * For two scans, a review and a comment on code are left to their webhook, and
 * to the redelivery of that, which the first of the two asks for: what a
 * listing shows of them does not tell whether they were edited.
 */
static bool is_left_to_webhook(const struct engine *g, const struct heard *h)
{
	int64_t ahead = g->skew.known ? g->skew.lo_ms : 0, said_ms;
	const char *said = js_str(h->object, "updated_at");

	if (!*said)
		said = js_str(h->object, "submitted_at");
	if (strcmp(h->kind, SAID_COMMENT) == 0 || heard_dismissed(h) ||
	    !time_parse_iso(said, &said_ms))
		return false;
	said_ms -= ahead;
	/* While we were away nobody asked for it again. */
	if (said_ms < g->wall_anchor_ms)
		said_ms = g->wall_anchor_ms;
	return g->now_ms - said_ms < 2 * g->config->reconcile_ms;
}

/* As our record has it, when the pulls were listed since it was said: one that
 * is closed there may have been opened again.  Else the forge is asked. */
static enum err is_closed(struct engine *g, const struct heard *h,
			  int64_t made_ms, bool *ret, struct error *e)
{
	int64_t ahead = g->skew.known ? g->skew.lo_ms : 0;
	struct scan_record scan;
	struct pull p;
	enum err code = store_pull(g->store, h->repo, h->number, &p, e);

	*ret = false;
	if (code || strcmp(p.state, "open") == 0)
		return code == ERR_MISSING ? ERR_OK : code;
	if (store_scan(g->store, h->repo, g->now_ms, &scan, e))
		return e->code;
	*ret = scan.last_ms + ahead >= made_ms + FORGE_SECOND_MS;
	return ERR_OK;
}

/* from_ms: nothing older is acted on.  *ret_later is set, and never cleared,
 * by what is to be looked at again. */
static enum err hear_found(struct engine *g, struct heard *h, int64_t from_ms,
			   bool *ret_later, struct error *e)
{
	const char *result;
	int64_t made_ms;
	bool known, closed;

	/* The forge gives whole seconds. */
	from_ms -= from_ms % FORGE_SECOND_MS;
	if (h->number <= 0 || !heard_made_ms(h, &made_ms) || made_ms < from_ms)
		return ERR_OK;
	if (hear_again(g, h, &known, e) || is_closed(g, h, made_ms, &closed, e))
		return e->code;
	if (known)
		return ERR_OK;
	if (is_left_to_webhook(g, h)) {
		*ret_later = true;
		return ERR_OK;
	}
	h->doubt = doubt_about(g, h, made_ms);
	if (closed ? hear_closed(g, h, &result, e) : hear(g, h, &result, e))
		return e->code;
	if (strcmp(result, "command") == 0)
		metric_add(METRIC_LOST,
			   strcmp(h->kind, SAID_COMMENT) == 0 ? "comment"
							      : "review",
			   NULL, 1);
	return ERR_OK;
}

/* All of a listing by time of change; *ret_since: how far it went, or "". */
static enum err hear_listed(struct engine *g, const char *kind,
			    const char *repo, const json_t *list,
			    int64_t from_ms, const char **ret_since,
			    struct error *e)
{
	bool later = false;
	json_t *comment;
	size_t i;

	*ret_since = "";
	json_array_foreach (list, i, comment) {
		struct heard h = {
			.kind = kind,
			.repo = repo,
			.number = pull_number_of(comment),
			.object = comment,
			.source = "scan",
		};
		int64_t when;

		if (hear_found(g, &h, from_ms, &later, e))
			return e->code;
		if (!later &&
		    time_parse_iso(js_str(comment, "updated_at"), &when))
			*ret_since = js_str(comment, "updated_at");
	}
	return ERR_OK;
}

/*
 * The mark after a listing that was read as far as since.  Where only a part
 * could be read, the next begins at its end, and looks no time back: so much
 * may have been said in that time that it would get no further, ever.
 */
static enum err mark_after(const struct outcome *o, const char *since,
			   struct str *ret, struct error *e)
{
	int64_t ms;

	if (o->part && time_parse_iso(since, &ms))
		time_iso(ret, ms + SCAN_LOOK_BACK_MS);
	else
		str_puts(ret, since);
	return str_check(ret, e);
}

enum err scan_comments(struct engine *g, const json_t *args,
		       const struct outcome *o, struct error *e)
{
	CLEANUP(str_release) struct str mark = STR_INIT(64);
	const char *repo = js_str(args, "repo"), *since;
	struct scan_record scan;

	if (o->code)
		return ERR_OK;
	if (store_scan(g->store, repo, g->now_ms, &scan, e) ||
	    hear_listed(g, SAID_COMMENT, repo, o->body, scan.first_ms, &since,
			e) ||
	    mark_after(o, since, &mark, e))
		return e->code;
	return *since ? store_scan_comments_done(g->store, repo, mark.text, e)
		      : ERR_OK;
}

enum err scan_review_comments(struct engine *g, const json_t *args,
			      const struct outcome *o, struct error *e)
{
	CLEANUP(str_release) struct str mark = STR_INIT(64);
	const char *repo = js_str(args, "repo"), *since;
	struct scan_record scan;

	if (o->code)
		return ERR_OK;
	if (store_scan(g->store, repo, g->now_ms, &scan, e) ||
	    hear_listed(g, SAID_REVIEW_COMMENT, repo, o->body,
			scan.reviews_from_ms, &since, e) ||
	    mark_after(o, since, &mark, e))
		return e->code;
	return *since ? store_scan_review_comments_done(g->store, repo,
							mark.text, e)
		      : ERR_OK;
}

enum err scan_reviews(struct engine *g, const json_t *args,
		      const struct outcome *o, struct error *e)
{
	struct heard h = {
		.kind = SAID_REVIEW,
		.repo = js_str(args, "repo"),
		.number = js_int(args, "number", 0),
		.source = "scan",
	};
	struct scan_record scan;
	bool later = false;
	json_t *review;
	size_t i;

	if (o->code)
		return ERR_OK;
	if (store_scan(g->store, h.repo, g->now_ms, &scan, e))
		return e->code;
	json_array_foreach (o->body, i, review) {
		h.object = review;
		if (hear_found(g, &h, scan.reviews_from_ms, &later, e))
			return e->code;
	}
	if (later)
		return ERR_OK;
	return store_pull_reviewed(g->store, h.repo, h.number,
				   js_int(args, "seen", 0), e);
}
