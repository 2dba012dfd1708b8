/*
 * What a webhook says, as far as it matters here.
 *
 * The event's name is not covered by the signature, so the body's shape must
 * agree with it.  Anything else that is new on the forge since then is found
 * by asking the forge (scan.c).
 */
#include <string.h>

#include "bot/base/str.h"
#include "bot/base/limits.h"
#include "bot/base/log.h"
#include "bot/engine_internal.h"
#include "bot/mention.h"
#include "bot/metrics.h"
#include "bot/trust.h"
#include "deploy/standing.h"
#include "store/missed.h"
#include "store/request.h"

/* A handler says in *ret_result what came of it, for the record. */
struct event_kind {
	const char *name;
	enum err (*handle)(struct engine *g, const json_t *payload,
			   const char **ret_result, struct error *e);
	/* With this action nothing can come of it unless the bot's name is in
	 * it.  With another it may take back what had it.  NULL: no such. */
	const char *says;
	/* Nothing can come of it unless this is in it; NULL: no such.  Letters
	 * only, which the forge never escapes. */
	const char *holds;
};

static bool is_ours(const struct engine *g, const char *repo)
{
	size_t i = 0;

	return config_environment_of(g->config, repo, &i) != NULL;
}

/* --- pull requests --- */

/* What a change means for one environment: void old wishes, make a new one. */
static enum err changed_on(struct engine *g, const struct environment *env,
			   const struct pull *p, unsigned changes,
			   struct error *e)
{
	const struct project *project = environment_project(env, p->repo);
	const char *origin = changes & PULL_HEAD     ? "push"
			     : changes & PULL_LABELS ? "label"
						     : "state";
	enum standing standing;
	struct flow f;
	bool aboard;

	flow_of(g, env, &f);
	if (strcmp(p->state, "open") != 0 &&
	    schedule_void(&f, p, "", "closed", e))
		return e->code;
	if ((changes & PULL_HEAD) &&
	    schedule_void(&f, p, p->head_sha, "moved", e))
		return e->code;
	if ((changes & PULL_BASE) && schedule_void(&f, p, "", "base", e))
		return e->code;
	if (standing_of(g->store, env, project, p, g->now_ms, &standing, e) ||
	    store_pull_aboard(g->store, p->id, env->name, &aboard, e))
		return e->code;
	if (standing == STANDING_IN)
		return schedule_wish(&f, origin, p->id, p->head_sha, e);
	/* To be rid of it is a wish of the environment: the pull waits for
	 * nothing, and its author cannot stop what runs for that. */
	return aboard ? schedule_wish(&f, origin, 0, "", e) : ERR_OK;
}

enum err pull_seen(struct engine *g, struct pull *p, const char *source,
		   bool quiet, struct error *e)
{
	const struct environment *env;
	unsigned changes;
	bool news;
	size_t i = 0;

	if (store_pull_put(g->store, p, source, g->heard_ms, &changes, e))
		return e->code;
	if (p->author_id > 0 &&
	    principal_named(g, p->author_id, p->author, "", e))
		return e->code;
	if ((changes & ~(unsigned)PULL_TITLE) && p->author_id > 0 &&
	    members_refresh(g, p->author_id, e))
		return e->code;
	news = (changes & ~(unsigned)PULL_TITLE) && !quiet;
	while (news &&
	       (env = config_environment_of(g->config, p->repo, &i)) != NULL)
		if (changed_on(g, env, p, changes, e))
			return e->code;
	/* Also without news: an earlier question may have come to nothing. */
	if (paths_ask(g, p, !quiet, e))
		return e->code;
	return news ? store_touch(g->store, p->id, e) : ERR_OK;
}

/*
 * The forge tells whole seconds: which of two states of the same one came
 * last, nobody can say who was only told.  So it is asked; that there was such
 * a head is on record.
 */
static enum err ask_tie(struct engine *g, const struct pull *p, bool *ret_tie,
			struct error *e)
{
	struct pull known;
	unsigned changes;
	enum err code = store_pull(g->store, p->repo, p->number, &known, e);

	*ret_tie = false;
	if (code)
		return code == ERR_MISSING ? ERR_OK : code;
	changes = pull_changes(&known, p) & ~(unsigned)PULL_TITLE;
	*ret_tie = changes && known.updated_ms == p->updated_ms;
	if (!*ret_tie)
		return ERR_OK;
	if ((changes & PULL_HEAD) &&
	    store_head_late(g->store, &known, p->head_sha, g->heard_ms, e))
		return e->code;
	return scan_ask_pull(g, p->repo, p->number, e);
}

/*
 * Told of late: between what was said before it and the head of now there was
 * another one, also where that is the head of then once more (A, B, A).
 */
static enum err void_passed(struct engine *g, const struct pull *p,
			    struct error *e)
{
	const struct environment *env;
	struct pull known;
	size_t i = 0;
	enum err code = store_pull(g->store, p->repo, p->number, &known, e);

	if (code)
		return code == ERR_MISSING ? ERR_OK : code;
	if (p->updated_ms > known.updated_ms ||
	    strcmp(p->head_sha, known.head_sha) == 0)
		return ERR_OK;
	while ((env = config_environment_of(g->config, p->repo, &i)) != NULL) {
		struct flow f;

		flow_of(g, env, &f);
		if (schedule_void_said(&f, &known, p->updated_ms, "moved", e))
			return e->code;
	}
	return store_touch(g->store, known.id, e);
}

static enum err on_pull_request(struct engine *g, const json_t *payload,
				const char **ret_result, struct error *e)
{
	const char *repo = js_str(payload, "repository.full_name");
	const json_t *object = js_get(payload, "pull_request");
	struct pull p;
	bool tie;

	if (!object || js_get(payload, "comment") ||
	    js_get(payload, "review")) {
		*ret_result = "shape";
		return ERR_OK;
	}
	if (!is_ours(g, repo)) {
		*ret_result = "ignored";
		return ERR_OK;
	}
	if (pull_from_json(&p, repo, object, e) || void_passed(g, &p, e) ||
	    ask_tie(g, &p, &tie, e))
		return e->code;
	*ret_result = tie ? "asked" : "handled";
	if (tie)
		return ERR_OK;
	return pull_seen(g, &p,
			 strcmp(js_str(payload, "action"), "opened") == 0
				 ? PULL_SOURCE_OPENED
				 : PULL_SOURCE_WEBHOOK,
			 false, e);
}

/* --- comments and reviews --- */

/* What an event that speaks is made of. */
struct speech {
	const char *kind;   /* SAID_... */
	const char *object; /* what speaks */
	const char *pull;   /* what it stands on; its state may be partial */
	const char *absent; /* in another event's body only */
};

/* What is said, and what takes it back. */
static const char *taken_back(const char *action)
{
	static const char *const hows[] = {"edited", "dismissed", "deleted"};

	for (size_t i = 0; i < ARRAY_SIZE(hows); i++)
		if (strcmp(hows[i], action) == 0)
			return hows[i];
	return NULL;
}

static enum err hear_event(struct engine *g, const struct speech *s,
			   const char *made, const json_t *payload,
			   const char **ret_result, struct error *e)
{
	const char *action = js_str(payload, "action");
	const char *how = taken_back(action);
	const json_t *on = js_get(payload, s->pull);
	const json_t *sender = js_get(payload, "sender");
	bool missed = g->missed_ms && strcmp(s->kind, SAID_REVIEW_COMMENT) == 0;
	const struct heard h = {
		.kind = s->kind,
		.repo = js_str(payload, "repository.full_name"),
		.number = js_int(on, "number", 0),
		.object = js_get(payload, s->object),
		.source = "webhook",
		/* It does not tell when it was said; that it failed does. */
		.doubt = missed ? scan_too_late(g, g->missed_ms, g->heard_ms)
				: NULL,
	};

	*ret_result = "shape";
	if (!h.object || !on || js_get(payload, s->absent))
		return ERR_OK;
	*ret_result = "ignored";
	if (h.number <= 0 || !is_ours(g, h.repo))
		return ERR_OK;
	if (how)
		return hear_taken_back(g, &h, how, sender, ret_result, e);
	/* Not somebody else's hand on this person's words. */
	if (strcmp(action, made) != 0 ||
	    js_int(sender, "id", 0) != js_int(h.object, "user.id", -1))
		return ERR_OK;
	if (strcmp(js_str(on, "state"), "closed") == 0)
		return hear_closed(g, &h, ret_result, e);
	if (strcmp(js_str(on, "state"), "open") != 0)
		return ERR_OK;
	return hear(g, &h, ret_result, e);
}

static enum err on_issue_comment(struct engine *g, const json_t *payload,
				 const char **ret_result, struct error *e)
{
	static const struct speech s = {SAID_COMMENT, "comment", "issue",
					"pull_request"};

	*ret_result = "ignored";
	if (js_get(payload, "issue") && !js_get(payload, "issue.pull_request"))
		return ERR_OK;
	/* Told, we need not wait whether the forge only does not show it. */
	if (strcmp(js_str(payload, "action"), "deleted") == 0 &&
	    store_posted_gone(g->store, js_str(payload, "repository.full_name"),
			      js_int(payload, "issue.number", 0),
			      js_int(payload, "comment.id", 0), e))
		return e->code;
	return hear_event(g, &s, "created", payload, ret_result, e);
}

static enum err on_review(struct engine *g, const json_t *payload,
			  const char **ret_result, struct error *e)
{
	static const struct speech s = {SAID_REVIEW, "review", "pull_request",
					"comment"};

	return hear_event(g, &s, "submitted", payload, ret_result, e);
}

static enum err on_review_comment(struct engine *g, const json_t *payload,
				  const char **ret_result, struct error *e)
{
	static const struct speech s = {SAID_REVIEW_COMMENT, "comment",
					"pull_request", "issue"};

	return hear_event(g, &s, "created", payload, ret_result, e);
}

/* --- base branches --- */

static enum err on_push(struct engine *g, const json_t *payload,
			const char **ret_result, struct error *e)
{
	const char *repo = js_str(payload, "repository.full_name");
	const char *ref = js_str(payload, "ref");
	const struct environment *env;
	size_t i = 0;

	*ret_result = "ignored";
	if (!js_get(payload, "ref") || !js_get(payload, "after")) {
		*ret_result = "shape";
		return ERR_OK;
	}
	if (!str_starts(ref, "refs/heads/"))
		return ERR_OK;
	while ((env = config_environment_of(g->config, repo, &i)) != NULL) {
		const struct project *p = environment_project(env, repo);
		struct flow f;

		if (strcmp(ref + strlen("refs/heads/"), p->base) != 0)
			continue;
		flow_of(g, env, &f);
		*ret_result = "handled";
		if (schedule_wish(&f, "base", 0, js_str(payload, "after"), e))
			return e->code;
	}
	return ERR_OK;
}

/* --- statuses --- */

static enum err on_status(struct engine *g, const json_t *payload,
			  const char **ret_result, struct error *e)
{
	*ret_result = "shape";
	if (!js_get(payload, "sha") || !js_get(payload, "context") ||
	    !js_get(payload, "state") || js_get(payload, "action"))
		return ERR_OK;
	*ret_result = "ignored";
	if (!is_ours(g, js_str(payload, "repository.full_name")))
		return ERR_OK;
	return foreign_status(g, payload, ret_result, e);
}

static const struct event_kind event_kinds[] = {
	{"pull_request", on_pull_request, NULL, NULL},
	{"issue_comment", on_issue_comment, "created", NULL},
	{"pull_request_review", on_review, "submitted", NULL},
	{"pull_request_review_comment", on_review_comment, "created", NULL},
	{"push", on_push, NULL, NULL},
	{"status", on_status, NULL, "kcibot"},
};

static const struct event_kind *event_kind_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(event_kinds); i++)
		if (strcmp(event_kinds[i].name, name) == 0)
			return &event_kinds[i];
	return NULL;
}

/* As the forge writes it; anything else is read to know. */
static bool begins_with_action(const struct inbox_delivery *d,
			       const char *action)
{
	char begin[64];
	int n = snprintf(begin, sizeof(begin), "{\"action\":\"%s\"", action);

	return d->len >= (size_t)n && memcmp(d->body, begin, (size_t)n) == 0;
}

bool delivery_takes_back(const char *action)
{
	return taken_back(action) != NULL;
}

bool delivery_wanted(const char *event)
{
	const struct event_kind *kind = event_kind_of(event);

	return kind && !kind->holds;
}

bool delivery_matters(const struct engine *g, const struct inbox_delivery *d)
{
	const struct event_kind *kind = event_kind_of(d->event);

	return kind && d->body &&
	       (!kind->holds ||
		memmem(d->body, d->len, kind->holds, strlen(kind->holds))) &&
	       (!kind->says || !begins_with_action(d, kind->says) ||
		mention_possible(g->config->bot_name, d->body, d->len));
}

static enum err read_and_handle(struct engine *g,
				const struct inbox_delivery *d,
				const struct event_kind *kind,
				struct delivery_record *r, char *action,
				size_t size, struct error *e)
{
	CLEANUP(json_decref)
	json_t *payload = js_parse(d->body, d->len, e);

	if (!payload) {
		r->result = "unreadable";
		log_warning("delivery %s (%s): %s", d->guid, d->event, e->text);
		return ERR_OK;
	}
	snprintf(action, size, "%s", js_str(payload, "action"));
	return kind->handle(g, payload, &r->result, e);
}

enum err delivery_handle(struct engine *g, const struct inbox_delivery *d,
			 struct error *e)
{
	const struct event_kind *kind = event_kind_of(d->event);
	char action[64] = "";
	struct delivery_record r = {
		.seq = d->seq,
		.guid = d->guid,
		.event = d->event,
		.action = action,
		.body_hash = d->body_hash,
		.at_ms = g->now_ms,
		.result = "ignored",
	};
	bool known;

	if (d->received_ms > 0 && d->received_ms < g->now_ms &&
	    !engine_wall_jumped(g))
		g->heard_ms = d->received_ms;
	metric_add(METRIC_EVENTS, d->event, NULL, 1);
	if (store_delivery_known(g->store, d->body_hash, d->event, &known, e) ||
	    store_missed_failed(g->store, d->guid, &g->missed_ms, e))
		return e->code;
	if (known)
		r.result = "duplicate";
	else if (read_and_handle(g, d, kind, &r, action, sizeof(action), e))
		return e->code;
	log_debug("delivery %s: %s %s: %s", d->guid, d->event, action,
		  r.result);
	return store_delivery_add(g->store, &r, e);
}
