/*
 * What must be known before something that was said can be decided.  Each
 * need is asked for once, as an effect that carries the id of what was said;
 * the answer becomes a fact of it, and the next need is looked at.
 */
#include <ctype.h>
#include <string.h>

#include "bot/decide.h"
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

static const struct need needs[] = {
	{permission_ask},
	{ask_user},
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

enum err needs_answered(struct engine *g, const json_t *args,
			const struct outcome *o, struct error *e)
{
	struct said_record r;

	if (store_said(g->store, js_int(args, "said", 0), &r, e))
		return e->code;
	if (strcmp(r.state, "checking") != 0)
		return ERR_OK;
	if (store_said_fact(g->store, r.id, js_str(args, "fact"), fact_of(o),
			    e))
		return e->code;
	return decide_next(g, &r, e);
}
