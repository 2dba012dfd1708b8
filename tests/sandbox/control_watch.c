/*
 * The control interface, second half: looking at what is there, and making
 * trouble.  The table of all calls stands in control.c.
 */
#include <string.h>

#include "tests/sandbox/faults.h"
#include "tests/sandbox/git.h"
#include "tests/sandbox/http.h"
#include "tests/sandbox/shape.h"
#include "tests/sandbox/webhooks.h"

#define WAIT_MAX_MS 60000

static void get_state(struct call *c)
{
	CLEANUP(free)
	char *clone =
		sb_must(str_format("file://%s/repos/{repo}.git", c->s->dir));

	call_json(c, 200,
		  json_pack("{s:s,s:s,s:{s:s,s:I}}", "url", c->s->url,
			    "clone_url", clone, "bot", "login",
			    c->s->bot->login, "id", (json_int_t)c->s->bot->id));
}

static json_t *reactions_of(const struct sb_comment *m)
{
	json_t *ret = sb_must(json_array());
	struct sb_reaction *r;

	STAILQ_FOREACH(r, &m->reactions, next)
	if (!r->deleted)
		json_array_append_new(ret, json_pack("{s:s,s:s}", "user",
						     r->user->login, "content",
						     r->content));
	return ret;
}

static json_t *comment_json(const struct sb_comment *m)
{
	json_t *o = sb_must(json_pack(
		"{s:I,s:s,s:s,s:o,s:o,s:o}", "id", (json_int_t)m->id, "user",
		m->user->login, "body", m->body, "created_at",
		shape_time(m->created), "updated_at", shape_time(m->updated),
		"reactions", reactions_of(m)));

	if (!m->review)
		return o;
	json_object_set_new(o, "commit_id", json_string(m->commit));
	json_object_set_new(o, "original_commit_id", json_string(m->original));
	return o;
}

static json_t *comments_of(struct sandbox *s, const struct sb_pull *p,
			   bool on_code)
{
	json_t *ret = sb_must(json_array());
	struct sb_comment *m = on_code ? STAILQ_FIRST(&s->code_comments)
				       : STAILQ_FIRST(&s->comments);

	for (; m; m = STAILQ_NEXT(m, next))
		if (m->pull == p && !m->deleted)
			json_array_append_new(ret, comment_json(m));
	return ret;
}

static json_t *reviews_of(struct sandbox *s, const struct sb_pull *p)
{
	json_t *ret = sb_must(json_array());
	struct sb_review *r;

	STAILQ_FOREACH(r, &s->reviews, next)
	if (r->pull == p)
		json_array_append_new(
			ret, sb_must(json_pack("{s:I,s:s,s:s,s:s,s:s}", "id",
					       (json_int_t)r->id, "user",
					       r->user->login, "state",
					       r->state, "body", r->body,
					       "commit_id", r->commit)));
	return ret;
}

/* All statuses of the head, or only what now stands. */
static json_t *statuses_of(struct sandbox *s, const struct sb_pull *p,
			   bool latest)
{
	json_t *ret = sb_must(json_array());
	struct sb_status *st;

	STAILQ_FOREACH(st, &s->statuses, next)
	if (st->repo == p->repo && !strcmp(st->sha, p->head_sha) &&
	    (!latest || sb_status_is_latest(st)))
		json_array_append_new(
			ret, sb_must(json_pack("{s:s,s:s,s:s?,s:s?}", "context",
					       st->context, "state", st->state,
					       "description", st->description,
					       "target_url", st->target_url)));
	return ret;
}

static void get_conversation(struct call *c)
{
	CLEANUP(free) char *full = call_query(c, "repo");
	struct sb_repo *r = full ? sb_repo_find(c->s, full) : NULL;
	struct sb_pull *p =
		r ? sb_pull_find(c->s, r, call_query_int(c, "number", 0))
		  : NULL;

	if (!p) {
		call_missing(c, "pull request in", full ? full : "");
		return;
	}
	call_json(c, 200,
		  json_pack("{s:{s:i,s:s,s:s,s:s,s:b,s:b,s:b,s:s,s:s,s:s,s:O},"
			    "s:o,s:o,s:o,s:o,s:o}",
			    "pull", "number", p->number, "title", p->title,
			    "author", p->author->login, "state",
			    p->closed ? "closed" : "open", "merged",
			    p->merged_by != NULL, "draft", p->draft, "locked",
			    p->locked, "head_sha", p->head_sha, "base_sha",
			    p->base_sha, "base_ref", p->base_ref, "labels",
			    p->labels, "comments", comments_of(c->s, p, false),
			    "reviews", reviews_of(c->s, p), "review_comments",
			    comments_of(c->s, p, true), "statuses",
			    statuses_of(c->s, p, true), "history",
			    statuses_of(c->s, p, false)));
}

static void answer_log(struct call *c, json_t *const *list, const int64_t *last)
{
	int64_t wait = call_query_int(c, "timeout", 0);

	call_json(c, 200,
		  sb_log_after(c->s, list, last, call_query_int(c, "after", 0),
			       wait > WAIT_MAX_MS ? WAIT_MAX_MS
			       : wait < 0	  ? 0
						  : wait));
}

static void get_log(struct call *c)
{
	answer_log(c, &c->s->log, &c->s->log_seq);
}

static void get_requests(struct call *c)
{
	answer_log(c, &c->s->requests, &c->s->request_seq);
}

static void get_ref(struct call *c)
{
	CLEANUP(free) char *full = call_query(c, "repo");
	CLEANUP(free) char *ref = call_query(c, "ref");
	struct sb_repo *r = full ? sb_repo_find(c->s, full) : NULL;
	struct error e = ERROR_INIT;
	char sha[SB_SHA];

	if (!r || !r->path || !ref || sb_git_resolve(r->path, ref, sha, &e))
		call_missing(c, "ref", ref ? ref : "");
	else
		call_json(c, 200, json_pack("{s:s}", "sha", sha));
}

static void post_hook(struct call *c)
{
	sb_hooks_set(c->s, js_str(c->body, "url"), js_str(c->body, "secret"));
	call_done(c, ERR_OK, NULL);
}

static void post_webhooks(struct call *c)
{
	struct error e = ERROR_INIT;

	call_done(c, sb_hooks_gate(c->s, c->body, &e), &e);
}

static void get_deliveries(struct call *c)
{
	int64_t id = call_query_int(c, "id", 0);
	json_t *one = id ? sb_hooks_get(c->s, id) : NULL;

	if (!id)
		call_json(c, 200, sb_hooks_list(c->s, NULL));
	else if (one)
		call_json(c, 200, one);
	else
		call_missing(c, "such", "delivery");
}

static void post_redeliver(struct call *c)
{
	struct error e = ERROR_INIT;

	call_done(c,
		  sb_hooks_redeliver(c->s, js_int(c->body, "id", 0),
				     js_str(c->body, "guid"), &e),
		  &e);
}

static void post_fault(struct call *c)
{
	struct error e = ERROR_INIT;

	call_done(c, sb_faults_add(c->s, c->body, &e), &e);
}

static void delete_faults(struct call *c)
{
	sb_faults_clear(c->s);
	call_done(c, ERR_OK, NULL);
}

static void post_rate(struct call *c)
{
	struct sb_rate *r = &c->s->rate;

	r->limit = (int)js_int(c->body, "limit", r->limit);
	r->used = r->limit -
		  (int)js_int(c->body, "remaining", r->limit - r->used);
	if (js_get(c->body, "reset_s"))
		r->reset = sb_now(c->s) + js_int(c->body, "reset_s", 0) * 1000;
	call_done(c, ERR_OK, NULL);
}

static void post_clock(struct call *c)
{
	c->s->clock_skew = js_int(c->body, "skew_ms", 0);
	call_done(c, ERR_OK, NULL);
}

const struct route control_watch_routes[] = {
	{"GET", "/_sandbox/state", get_state},
	{"GET", "/_sandbox/conversation", get_conversation},
	{"GET", "/_sandbox/log", get_log},
	{"GET", "/_sandbox/requests", get_requests},
	{"GET", "/_sandbox/ref", get_ref},
	{"POST", "/_sandbox/hook", post_hook},
	{"POST", "/_sandbox/webhooks", post_webhooks},
	{"GET", "/_sandbox/deliveries", get_deliveries},
	{"POST", "/_sandbox/redeliver", post_redeliver},
	{"POST", "/_sandbox/faults", post_fault},
	{"DELETE", "/_sandbox/faults", delete_faults},
	{"POST", "/_sandbox/rate", post_rate},
	{"POST", "/_sandbox/clock", post_clock},
	{NULL, NULL, NULL},
};
