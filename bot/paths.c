/*
 * The paths that revisions change, for environments with sensitive ones:
 * asked of git when the answer matters, and what follows from the answer.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/log.h"
#include "bot/decide.h"
#include "deploy/sensitive.h"
#include "deploy/standing.h"
#include "store/paths.h"

/* --- asking --- */

enum err paths_ask(struct engine *g, const struct pull *p, bool wish,
		   struct error *e)
{
	const struct environment *env;
	size_t i = 0;

	while ((env = config_environment_of(g->config, p->repo, &i)) != NULL) {
		const struct project *project =
			environment_project(env, p->repo);
		enum standing standing;

		if (!sensitive_any(env))
			continue;
		if (standing_of(g->store, env, project, p, g->now_ms, &standing,
				e) ||
		    (standing == STANDING_UNREAD &&
		     sensitive_want(g->store, project, p, wish, g->now_ms, e)))
			return e->code;
	}
	return ERR_OK;
}

static bool deploys(const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->words[i].command->deploys)
			return true;
	return false;
}

/* Asks once for what one environment lacks. */
static enum err need_on(struct engine *g, const struct said_record *r,
			const struct environment *env, const struct pull *p,
			enum role role, const json_t *facts, bool *ret_asked,
			struct error *e)
{
	const struct project *project = environment_project(env, p->repo);
	char fact[400], key[128];
	enum standing standing;
	json_t *args;

	if (!sensitive_any(env))
		return ERR_OK;
	if (standing_if_asked(g->store, env, project, p, role_name(role),
			      g->now_ms, &standing, e))
		return e->code;
	snprintf(fact, sizeof(fact), "paths:%s:%s", p->head_sha, project->base);
	if (standing != STANDING_UNREAD || json_object_get(facts, fact))
		return ERR_OK;
	if (needs_lacks_git(g, r))
		return error_set(e, ERR_REFUSED,
				 "What this revision changes is not read from "
				 "the repository yet, which the bot does, and "
				 "it does not run: start it, or let %s say "
				 "it.",
				 sensitive_whose(env));
	*ret_asked = true;
	args = sensitive_question(project, p, true);
	json_object_set_new(args, "said", json_integer(r->id));
	json_object_set_new(args, "fact", json_string(fact));
	snprintf(key, sizeof(key), "said:%lld:paths:%s", (long long)r->id,
		 p->head_sha);
	return store_outbox_add(g->store, "said.paths", "", key, args, 0,
				g->now_ms, e);
}

enum err paths_need(struct engine *g, const struct said_record *r,
		    const struct plan *plan, const struct pull *live,
		    enum role role, bool *ret_asked, struct error *e)
{
	CLEANUP(json_decref) json_t *facts = NULL;
	const struct environment *env;
	size_t i = 0;

	*ret_asked = false;
	if (!deploys(plan))
		return ERR_OK;
	if (store_said_facts(g->store, r->id, &facts, e))
		return e->code;
	while (!*ret_asked &&
	       (env = config_environment_of(g->config, live->repo, &i)) != NULL)
		if (need_on(g, r, env, live, role, facts, ret_asked, e))
			return e->code;
	return ERR_OK;
}

/* --- the answer --- */

/*
 * It may belong now: as if it had been pushed this moment.  If not for what
 * it touches, its author hears that without asking.
 */
static enum err wish_on(struct engine *g, const struct environment *env,
			const struct pull *p, const char *base, struct error *e)
{
	const struct project *project = environment_project(env, p->repo);
	enum standing standing;
	struct flow f;

	if (!sensitive_any(env) || strcmp(project->base, base) != 0)
		return ERR_OK;
	if (standing_of(g->store, env, project, p, g->now_ms, &standing, e))
		return e->code;
	if (standing == STANDING_SENSITIVE)
		return report_sticky(g, p, env, true, e);
	if (standing != STANDING_IN)
		return ERR_OK;
	flow_of(g, env, &f);
	return schedule_wish(&f, "push", p->id, p->head_sha, e);
}

static enum err wish(struct engine *g, const struct pull *p, const char *base,
		     struct error *e)
{
	const struct environment *env;
	size_t i = 0;

	while ((env = config_environment_of(g->config, p->repo, &i)) != NULL)
		if (wish_on(g, env, p, base, e))
			return e->code;
	return ERR_OK;
}

/* Notes the paths; what was known before leads to nothing new. */
static enum err take(struct engine *g, const json_t *args,
		     const struct outcome *o, struct error *e)
{
	const char *sha = js_str(args, "sha"), *base = js_str(args, "base");
	int64_t id = js_int(args, "pull", 0);
	CLEANUP(json_decref) json_t *before = NULL;
	struct pull p;
	bool known;

	if (o->code)
		return ERR_OK; /* asked again by the next scan */
	if (strcmp(js_str(o->body, "result"), "known") != 0) {
		log_info("%s#%lld at %s: %s", js_str(args, "repo"),
			 (long long)js_int(args, "number", 0), sha,
			 js_str(o->body, "reason"));
		return ERR_OK;
	}
	if (store_paths(g->store, id, sha, base, &known, &before, e) ||
	    store_paths_put(g->store, id, sha, base, js_get(o->body, "paths"),
			    e) ||
	    store_pull_by_id(g->store, id, &p, e))
		return e->code;
	if (!known && js_bool(args, "wish", false) &&
	    strcmp(p.head_sha, sha) == 0 && wish(g, &p, base, e))
		return e->code;
	return store_touch(g->store, id, e);
}

enum err paths_answered(struct engine *g, const json_t *args,
			const struct outcome *o, struct error *e)
{
	return take(g, args, o, e);
}

/* The fact is only that git was asked: the paths have a place of their own. */
enum err paths_said(struct engine *g, const json_t *args,
		    const struct outcome *o, struct error *e)
{
	CLEANUP(json_decref)
	json_t *brief = json_pack("{s:s}", "result", js_str(o->body, "result"));
	struct outcome fact = *o;

	fact.body = brief;
	if (take(g, args, o, e))
		return e->code;
	return needs_answered(g, args, &fact, e);
}
