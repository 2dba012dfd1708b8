#include "bot/github_run.h"

#include <string.h>

#include "bot/base/clock.h"
#include "bot/base/limits.h"
#include "bot/github_url.h"

void run_init(struct run *r, int64_t id, const char *kind, json_t *args)
{
	*r = (struct run){.kind = kind, .args = args, .out = {.id = id}};
}

void run_release(struct run *r)
{
	github_request_release(&r->req);
	json_decref(r->args);
	json_decref(r->list);
	json_decref(r->out.body);
	*r = (struct run){0};
}

/* A lost write stays lost until the lookup has come to its end. */
static bool still_unknown(const struct run *r, enum err code)
{
	return code == ERR_RETRY && r->step != COMMENT_NONE &&
	       js_bool(r->args, "lookup", false);
}

static enum run_next stop_run(struct run *r, enum err code, int64_t wait_ms,
			      bool unknown)
{
	r->out.code = code;
	r->out.wait_ms = code == ERR_RETRY ? wait_ms : 0;
	r->out.unknown = unknown || still_unknown(r, code);
	return RUN_DONE;
}

enum run_next run_give_up(struct run *r, enum err code, int64_t wait_ms,
			  const char *words)
{
	github_explain(r->kind, words, r->out.text, sizeof(r->out.text));
	return stop_run(r, code, wait_ms, false);
}

/* The answer is a failure, or (note) is good but of no use. */
static enum run_next fail(struct run *r, const struct github_answer *a,
			  enum err code, int64_t wait_ms, const char *note)
{
	bool unknown = github_answer_unknown(a, r->req.row);

	if (a->status >= 200 && a->status <= 299)
		unknown = r->req.row->write;
	github_answer_explain(a, &r->req, note, r->out.text,
			      sizeof(r->out.text));
	return stop_run(r, code, wait_ms, unknown);
}

static enum run_next ask(struct run *r, struct run_shared *s, const char *kind)
{
	const struct github_row *row = github_row(kind);
	struct error e = ERROR_INIT;

	github_request_release(&r->req);
	json_decref(r->list);
	r->list = NULL;
	r->listed = 0;
	r->pages = 0;
	r->redirects = 0;
	r->bare = false;
	if (!row)
		return run_give_up(r, ERR_INVALID, 0, "no such call");
	if (github_request_build(row, s->base, r->args, &r->req, &e))
		return run_give_up(r, e.code, 0, e.text);
	if (row->pages && !(r->list = json_array()))
		return run_give_up(r, ERR_RETRY, 0, "out of memory");
	return RUN_SEND;
}

static enum run_next take_step(struct run *r, struct run_shared *s,
			       enum comment_step step)
{
	r->step = step;
	return ask(r, s, comment_kind(step));
}

static enum run_next begin_comment(struct run *r, struct run_shared *s)
{
	struct error e = ERROR_INIT;

	r->self_id = s->self_id;
	/* Builds the last step first: bad arguments stop before the first. */
	if (take_step(r, s, COMMENT_CREATE) == RUN_DONE)
		return RUN_DONE;
	if (comment_check(r->args, &e))
		return run_give_up(r, e.code, 0, e.text);
	return take_step(r, s, comment_first(r->args, r->self_id));
}

enum run_next run_begin(struct run *r, struct run_shared *s)
{
	if (strcmp(r->kind, comment_kind(COMMENT_CREATE)) == 0)
		return begin_comment(r, s);
	return ask(r, s, r->kind);
}

const char *run_etag(struct run *r, struct run_shared *s)
{
	struct github_cached kept;

	if (!r->req.row->cache || r->bare ||
	    !github_cache_get(s->cache, r->req.url, &kept))
		return NULL;
	return kept.etag;
}

static enum run_next go_to(struct run *r, const struct github_answer *a,
			   const char *link)
{
	char *url = github_url_follow(r->req.url, link);

	if (!url)
		return fail(r, a, ERR_INVALID, 0,
			    "points to another host, not followed");
	free(r->req.url);
	r->req.url = url;
	r->bare = false;
	return RUN_SEND;
}

static enum run_next redirect(struct run *r, const struct github_answer *a)
{
	if (r->req.row->write)
		return fail(r, a, ERR_INVALID, 0,
			    "has moved; the configuration names an old place");
	if (!a->location)
		return fail(r, a, ERR_INVALID, 0, "redirected to nowhere");
	if (r->redirects++ >= LIMIT_FORGE_REDIRECTS)
		return fail(r, a, ERR_INVALID, 0, "redirected too often");
	return go_to(r, a, a->location);
}

static enum run_next renew(struct run *r, struct run_shared *s,
			   const struct github_answer *a)
{
	struct error e = ERROR_INIT;
	bool changed = false;

	r->renewed = true;
	if (github_token_renew(s->token, &changed, &e))
		return fail(r, a, ERR_REFUSED, 0, e.text);
	if (changed) {
		github_cache_clear(s->cache);
		s->self_id = 0;
	}
	return RUN_SEND;
}

static enum run_next found_none(struct run *r, struct run_shared *s)
{
	return take_step(r, s, comment_after_none(r->step, r->self_id));
}

static enum run_next found(struct run *r, struct run_shared *s, int64_t id)
{
	json_t *args = json_copy(r->args);

	if (!args ||
	    json_object_set_new(args, "comment_id", json_integer(id))) {
		json_decref(args);
		return run_give_up(r, ERR_RETRY, 0, "out of memory");
	}
	json_decref(r->args);
	r->args = args;
	return take_step(r, s, COMMENT_EDIT_FOUND);
}

static enum run_next finish_comment(struct run *r, struct run_shared *s,
				    const json_t *body)
{
	int64_t id;

	if (r->step == COMMENT_SELF) {
		r->self_id = js_int(body, "id", 0);
		return take_step(r, s, COMMENT_LIST);
	}
	id = comment_find(body, r->self_id, js_str(r->args, "marker"));
	return id ? found(r, s, id) : found_none(r, s);
}

/* The call, or this step of it, has its whole answer; takes body. */
static enum run_next finish(struct run *r, struct run_shared *s,
			    const struct github_answer *a, json_t *body)
{
	CLEANUP(json_decref) json_t *mine = body;
	bool whole = r->step == COMMENT_NONE || r->req.row->write;

	/* Whoever cannot be named later is as good as not answered. */
	if ((r->step != COMMENT_NONE && r->step != COMMENT_LIST) &&
	    js_int(mine, "id", 0) <= 0)
		return fail(r, a, ERR_RETRY, 0, "the answer has no id");
	if (strcmp(r->req.row->kind, "forge.self") == 0)
		s->self_id = js_int(mine, "id", 0);
	if (!whole)
		return finish_comment(r, s, mine);
	r->out.body = TAKE(mine);
	return stop_run(r, ERR_OK, 0, false);
}

/* Newest first: is the last entry of the page older than what is wanted? */
static bool reaches_back(const struct run *r, const json_t *entries)
{
	const json_t *last =
		json_array_get(entries, json_array_size(entries) - 1);
	int64_t ms;

	return r->req.row->until && r->req.since_ms &&
	       time_parse_iso(js_str(last, r->req.row->until), &ms) &&
	       ms < r->req.since_ms;
}

/* One page has arrived: more of them, or the end. */
static enum run_next add_page(struct run *r, struct run_shared *s,
			      const struct github_answer *a,
			      const struct github_cached *page,
			      const json_t *entries)
{
	bool full;

	r->listed += page->len;
	r->pages++;
	if (json_array_extend(r->list, (json_t *)(uintptr_t)entries))
		return fail(r, a, ERR_RETRY, 0, "out of memory");
	full = r->pages >= LIMIT_FORGE_PAGES || r->listed > LIMIT_FORGE_ANSWER;
	r->out.part = full && page->next && r->req.row->onward;
	/* Of what comes newest first, a part is of use, too. */
	if (!page->next || r->out.part || reaches_back(r, entries) ||
	    (full && r->req.row->until))
		return finish(r, s, a, TAKE(r->list));
	if (full)
		return fail(r, a, ERR_INVALID, 0,
			    "the listing is too long to be read whole");
	return go_to(r, a, page->next);
}

/* A full page without a next one may get one while its ETag stays. */
static bool may_keep(const struct run *r, const struct github_answer *a,
		     const json_t *root)
{
	return r->req.row->cache && a->etag &&
	       (!r->req.row->pages || a->next ||
		json_array_size(root) < GITHUB_PER_PAGE);
}

/* Has everything been said without a body? */
static bool is_bare(const struct github_row *row, const struct github_answer *a)
{
	if (row->none)
		return a->status == 204;
	return row->write && (a->status == 204 || a->status == 205 ||
			      (a->status == 202 && !a->body.len));
}

static bool fits(const struct github_row *row, const json_t *root)
{
	if (row->none)
		return false;
	return row->pages ? json_is_array(root) : json_is_object(root);
}

/* page is from the wire, or from the cache when the forge said 304. */
static enum run_next take_body(struct run *r, struct run_shared *s,
			       const struct github_answer *a,
			       const struct github_cached *page)
{
	struct error e = ERROR_INIT;
	CLEANUP(json_decref) json_t *root = NULL;

	if (is_bare(r->req.row, a))
		return finish(r, s, a, NULL);
	root = js_parse(page->body, page->len, &e);
	if (!root)
		return fail(r, a, ERR_RETRY, 0, "the answer is not JSON");
	if (!fits(r->req.row, root))
		return fail(r, a, ERR_RETRY, 0, "the answer is something else");
	if (page->etag && may_keep(r, a, root))
		github_cache_put(s->cache, r->req.url, page);
	if (r->req.row->pages)
		return add_page(r, s, a, page, root);
	return finish(r, s, a, TAKE(root));
}

static enum run_next unchanged(struct run *r, struct run_shared *s,
			       const struct github_answer *a)
{
	struct github_cached kept;

	if (!github_cache_get(s->cache, r->req.url, &kept)) {
		/* Thrown out while the question was under way. */
		if (r->bare || !r->req.row->cache)
			return fail(r, a, ERR_RETRY, 0, "unasked for");
		r->bare = true;
		return RUN_SEND;
	}
	kept.etag = NULL; /* it is kept already */
	return take_body(r, s, a, &kept);
}

static bool is_redirect(int status)
{
	return status >= 300 && status <= 399 && status != 304;
}

/* An app may not ask who it is, but may have been told. */
static bool knows_self(struct run *r)
{
	r->self_id = js_int(r->args, "self_id", 0);
	return r->self_id > 0;
}

enum run_next run_answer(struct run *r, struct run_shared *s,
			 const struct github_answer *a)
{
	int64_t wait = github_limits_note(&s->limits, a, clock_mono(s->clock),
					  clock_wall(s->clock));
	struct github_cached page = {
		.etag = a->etag,
		.body = a->body.text,
		.len = a->body.len,
		.next = a->next,
	};
	enum err code = github_answer_code(a, r->req.row);

	if (s->count)
		s->count(s->count_ctx, r->req.row->kind, a->status, a->took_ms);
	r->out.http_status = a->status;
	r->out.date_ms = a->date_ms;
	if (a->status == 401 && !r->renewed)
		return renew(r, s, a);
	if (a->status == 304)
		return unchanged(r, s, a);
	/* We know where that would lead: nobody's Location is followed. */
	if (a->status == 302 && r->req.row->instead)
		return ask(r, s, r->req.row->instead);
	if (is_redirect(a->status))
		return redirect(r, a);
	if (code == ERR_REFUSED && r->step == COMMENT_SELF && knows_self(r))
		return take_step(r, s, COMMENT_LIST);
	if (code == ERR_MISSING && comment_is_edit(r->step) &&
	    !(a->status == 404 && js_bool(r->args, "patient", false)))
		return found_none(r, s);
	if (code)
		return fail(r, a, code, wait, NULL);
	if (a->next_lost)
		return fail(r, a, ERR_INVALID, 0,
			    "the address of the next page is too long");
	return take_body(r, s, a, &page);
}
