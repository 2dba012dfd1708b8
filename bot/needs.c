/*
 * What must be known before something that was said can be decided.  Each
 * need is asked for once, as an effect that carries the id of what was said;
 * the answer becomes a fact of it, and the next need is looked at.
 */
#include <ctype.h>
#include <string.h>

#include "bot/decide.h"
#include "deploy/forecast.h"
#include "bot/trust.h"

struct need {
	/* Asks for what is not among the facts yet. */
	enum err (*ask)(struct engine *g, const struct said_record *r,
			const struct plan *plan, const json_t *facts,
			bool *ret_asked, struct error *e);
};

/* An effect for a fact. */
static enum err ask(struct engine *g, const struct said_record *r,
		    const char *kind, const char *fact, json_t *args,
		    struct error *e)
{
	char key[128];

	snprintf(key, sizeof(key), "said:%lld:%s", (long long)r->id, fact);
	json_object_set_new(args, "said", json_integer(r->id));
	json_object_set_new(args, "fact", json_string(fact));
	return store_outbox_add(g->store, kind, "", key, args, 0, g->now_ms, e);
}

/* There is nothing to ask: the fact is known.  Takes value over. */
static enum err needs_none(struct engine *g, const struct said_record *r,
			   const char *fact, json_t *value, struct error *e)
{
	if (store_said_fact(g->store, r->id, fact, value, e))
		return e->code;
	return decide_next(g, r, e);
}

bool needs_lacks_git(const struct engine *g, const struct said_record *r)
{
	return !g->set.git && strcmp(r->kind, SAID_CLI) == 0;
}

/* "user:bob", whatever case it was written in. */
static void user_fact(const char *login, char *ret, size_t size)
{
	snprintf(ret, size, "user:%s", login);
	for (char *c = ret; *c; c++)
		*c = (char)tolower((unsigned char)*c);
}

/* Who is the "@login" of a command? */
static enum err ask_user(struct engine *g, const struct said_record *r,
			 const struct plan *plan, const json_t *facts,
			 bool *ret_asked, struct error *e)
{
	for (size_t i = 0; i < plan->count; i++) {
		const char *login = args_text(&plan->words[i], "user");
		char fact[64];

		user_fact(login, fact, sizeof(fact));
		if (!*login || json_object_get(facts, fact))
			continue;
		*ret_asked = true;
		return ask(g, r, "said.user", fact,
			   json_pack("{s:s}", "login", login), e);
	}
	return ERR_OK;
}

static bool has_verb(const struct plan *plan, enum verb verb)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->words[i].command->verb == verb)
			return true;
	return false;
}

/* A dry run is made for the head as it is now. */
static enum err ask_pull(struct engine *g, const struct said_record *r,
			 const struct plan *plan, const json_t *facts,
			 bool *ret_asked, struct error *e)
{
	if (!has_verb(plan, VERB_PLAN) || json_object_get(facts, "pull"))
		return ERR_OK;
	*ret_asked = true;
	return ask(g, r, "said.pull", "pull",
		   json_pack("{s:s, s:I}", "repo", r->repo, "number",
			     (json_int_t)r->number),
		   e);
}

static enum err ask_dry_run(struct engine *g, const struct said_record *r,
			    const struct environment *env, const char *fact,
			    struct error *e)
{
	json_t *all, *projects;
	struct pull p;
	struct flow f;
	enum err code = store_pull(g->store, r->repo, r->number, &p, e);

	/* The forge does not show it: the decision will say so. */
	if (code)
		return code == ERR_MISSING
			       ? needs_none(g, r, fact, json_object(), e)
			       : code;
	flow_of(g, env, &f);
	if (forecast(&f, &p, &all, e))
		return e->code;
	if (needs_lacks_git(g, r))
		return needs_none(g, r, fact,
				  json_pack("{s:o, s:s, s:[]}", "forecast", all,
					    "error",
					    "the bot does not run, and only "
					    "it merges",
					    "projects"),
				  e);
	projects = json_incref(json_object_get(all, "projects"));
	return ask(
		g, r, "said.plan", fact,
		json_pack("{s:o, s:o}", "projects", projects, "forecast", all),
		e);
}

static enum err ask_plan(struct engine *g, const struct said_record *r,
			 const struct plan *plan, const json_t *facts,
			 bool *ret_asked, struct error *e)
{
	const struct environment *env;
	size_t i = 0;

	if (!has_verb(plan, VERB_PLAN))
		return ERR_OK;
	while ((env = config_environment_of(g->config, r->repo, &i)) != NULL) {
		char fact[96];

		snprintf(fact, sizeof(fact), "plan:%s", env->name);
		if (json_object_get(facts, fact))
			continue;
		*ret_asked = true;
		return ask_dry_run(g, r, env, fact, e);
	}
	return ERR_OK;
}

static const struct need needs[] = {
	{permission_ask},
	{ask_user},
	{ask_pull},
	{ask_plan},
};

enum err needs_ask(struct engine *g, const struct said_record *r,
		   const struct plan *plan, bool *ret_asked, struct error *e)
{
	CLEANUP(json_decref) json_t *facts = NULL;

	*ret_asked = false;
	if (store_said_facts(g->store, r->id, &facts, e))
		return e->code;
	for (size_t i = 0; i < ARRAY_SIZE(needs) && !*ret_asked; i++)
		if (needs[i].ask(g, r, plan, facts, ret_asked, e))
			return e->code;
	return ERR_OK;
}

/* The answer as it is kept: the object, or why there is none. */
static json_t *fact_of(const struct outcome *o)
{
	if (!o->code)
		return o->body ? json_incref(o->body) : json_object();
	return json_pack("{s:s, s:i}", "error", o->text, "status",
			 o->http_status);
}

/* Takes fact over; then the next need is looked at. */
static enum err note_fact(struct engine *g, const json_t *args, json_t *fact,
			  struct error *e)
{
	CLEANUP(json_decref) json_t *owned = fact;
	struct said_record r;

	if (store_said(g->store, js_int(args, "said", 0), &r, e))
		return e->code;
	if (strcmp(r.state, "checking") != 0)
		return ERR_OK;
	if (store_said_fact(g->store, r.id, js_str(args, "fact"), TAKE(owned),
			    e))
		return e->code;
	return decide_next(g, &r, e);
}

enum err needs_answered(struct engine *g, const json_t *args,
			const struct outcome *o, struct error *e)
{
	return note_fact(g, args, fact_of(o), e);
}

enum err needs_pull_answered(struct engine *g, const json_t *args,
			     const struct outcome *o, struct error *e)
{
	if (scan_pull(g, args, o, e))
		return e->code;
	/* What it says is in the store now. */
	return note_fact(g, args, json_object(), e);
}

/* Who is on board and what conflicts; the paths would be too much. */
static json_t *merge_of(const json_t *body)
{
	json_t *projects = json_deep_copy(js_get(body, "projects"));
	json_t *project, *rev;
	size_t i, j;

	json_array_foreach (projects, i, project)
		json_array_foreach (js_get(project, "revisions"), j, rev)
			json_object_del(rev, "paths");
	return projects ? projects : json_array();
}

enum err needs_plan_answered(struct engine *g, const json_t *args,
			     const struct outcome *o, struct error *e)
{
	json_t *fact =
		json_pack("{s:O, s:s}", "forecast", js_get(args, "forecast"),
			  "error", o->code ? o->text : "");

	json_object_set_new(fact, "projects", merge_of(o->body));
	return note_fact(g, args, fact, e);
}
