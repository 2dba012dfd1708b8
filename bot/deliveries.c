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
#include "deploy/standing.h"
#include "store/request.h"
#include "store/trust.h"

/* A handler says in *ret_result what came of it, for the record. */
struct event_kind {
	const char *name;
	enum err (*handle)(struct engine *g, const json_t *payload,
			   const char **ret_result, struct error *e);
	/* Nothing can come of it unless the bot's name is in it. */
	bool needs_mention;
};

static bool is_ours(const struct engine *g, const char *repo)
{
	size_t i = 0;

	return config_environment_of(g->config, repo, &i) != NULL;
}

/* --- pull requests --- */

/* Did the pull leave a mark on what is deployed or about to be? */
static enum err is_aboard(struct engine *g, const struct environment *env,
			  const struct pull *p, bool *ret, struct error *e)
{
	struct environment_record record;
	struct cycle c;
	enum err code;

	if (store_environment(g->store, env->name, g->now_ms, &record, e) ||
	    store_cycle_has_pull(g->store, record.deployed_cycle, p->id, ret,
				 e))
		return e->code;
	if (*ret)
		return ERR_OK;
	code = store_cycle_running(g->store, env->name, &c, e);
	if (code)
		return code == ERR_MISSING ? ERR_OK : code;
	return store_cycle_has_pull(g->store, c.id, p->id, ret, e);
}

/* What a change means for one environment: void old wishes, make a new one. */
static enum err changed_on(struct engine *g, const struct environment *env,
			   const struct pull *p, unsigned changes,
			   struct error *e)
{
	const struct project *project = environment_project(env, p->repo);
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
	    is_aboard(g, env, p, &aboard, e))
		return e->code;
	if (standing != STANDING_IN && !aboard)
		return ERR_OK;
	return schedule_wish(&f,
			     changes & PULL_HEAD     ? "push"
			     : changes & PULL_LABELS ? "label"
						     : "state",
			     p->id, p->head_sha, e);
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
	if (p->author_id > 0 && store_principal_seen(g->store, p->author_id,
						     p->author, g->now_ms, e))
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

static enum err on_pull_request(struct engine *g, const json_t *payload,
				const char **ret_result, struct error *e)
{
	const char *repo = js_str(payload, "repository.full_name");
	const json_t *object = js_get(payload, "pull_request");
	struct pull p;

	if (!object || js_get(payload, "comment") ||
	    js_get(payload, "review")) {
		*ret_result = "shape";
		return ERR_OK;
	}
	if (!is_ours(g, repo)) {
		*ret_result = "ignored";
		return ERR_OK;
	}
	if (pull_from_json(&p, repo, object, e))
		return e->code;
	*ret_result = "handled";
	return pull_seen(g, &p, "webhook", false, e);
}

/* --- comments --- */

static enum err on_issue_comment(struct engine *g, const json_t *payload,
				 const char **ret_result, struct error *e)
{
	const char *repo = js_str(payload, "repository.full_name");
	const json_t *comment = js_get(payload, "comment");

	*ret_result = "ignored";
	if (!comment || !js_get(payload, "issue")) {
		*ret_result = "shape";
		return ERR_OK;
	}
	if (strcmp(js_str(payload, "action"), "created") != 0 ||
	    !js_get(payload, "issue.pull_request") || !is_ours(g, repo) ||
	    strcmp(js_str(payload, "issue.state"), "open") != 0)
		return ERR_OK;
	/* Somebody else's hand on this person's words. */
	if (js_int(payload, "sender.id", 0) != js_int(comment, "user.id", -1))
		return ERR_OK;
	return hear_comment(g, repo, js_int(payload, "issue.number", 0),
			    comment, "webhook", NULL, ret_result, e);
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

static const struct event_kind event_kinds[] = {
	{"pull_request", on_pull_request, false},
	{"issue_comment", on_issue_comment, true},
	{"push", on_push, false},
};

static const struct event_kind *event_kind_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(event_kinds); i++)
		if (strcmp(event_kinds[i].name, name) == 0)
			return &event_kinds[i];
	return NULL;
}

bool delivery_matters(const struct engine *g, const struct inbox_delivery *d)
{
	const struct event_kind *kind = event_kind_of(d->event);

	return kind && d->body &&
	       (!kind->needs_mention ||
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

	if (d->received_ms > 0 && d->received_ms < g->now_ms)
		g->heard_ms = d->received_ms;
	metric_add(METRIC_EVENTS, d->event, NULL, 1);
	if (store_delivery_known(g->store, d->body_hash, d->event, &known, e))
		return e->code;
	if (known)
		r.result = "duplicate";
	else if (read_and_handle(g, d, kind, &r, action, sizeof(action), e))
		return e->code;
	log_debug("delivery %s: %s %s: %s", d->guid, d->event, action,
		  r.result);
	return store_delivery_add(g->store, &r, e);
}
