/*
 * Who belongs to an organisation that is trusted.  The forge is asked by
 * names, and names change hands: so both are looked up first, and count only
 * with the ids that we know.  What it does not say is no.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "bot/trust.h"
#include "store/trust.h"

/* At most so many questions at a time that nobody waits for. */
#define REFRESH_MAX 50
/* So often for one word: the answer may grow old while something else is
 * waited for. */
#define ASK_MAX 3

static void fact_name(int64_t org_id, char ret[64])
{
	snprintf(ret, 64, "member:%lld", (long long)org_id);
}

/* --- asking --- */

static enum err want(struct engine *g, const char *kind, int64_t org_id,
		     int64_t user_id, int64_t said_id, json_t *args,
		     struct error *e)
{
	char key[128], target[128] = "";

	json_object_set_new(args, "org_id", json_integer(org_id));
	json_object_set_new(args, "user_id", json_integer(user_id));
	if (said_id) {
		json_object_set_new(args, "said", json_integer(said_id));
		snprintf(key, sizeof(key), "said:%lld:%s:%lld",
			 (long long)said_id, kind, (long long)org_id);
	} else {
		snprintf(target, sizeof(target), "%s:%lld:%lld", kind,
			 (long long)org_id, (long long)user_id);
		COPY(key, target);
	}
	return store_outbox_add(g->store, kind, target, key, args,
				said_id ? 0 : OUTBOX_REPLACES, g->now_ms, e);
}

/* Is the name as old as what will be believed by it? */
static bool is_stale(const struct engine *g, const struct principal *p,
		     int64_t said_id)
{
	int64_t kept_ms = said_id ? MEMBER_COMMAND_MS : MEMBER_KEPT_MS / 2;

	return p->seen_ms > g->now_ms || p->seen_ms + kept_ms < g->now_ms;
}

/* The next question on the way to whether user_id belongs to org_id. */
static enum err ask(struct engine *g, int64_t org_id, int64_t user_id,
		    int64_t said_id, struct error *e)
{
	const struct principal *stale = NULL;
	struct principal org, user;

	if (store_principal(g->store, org_id, &org, e) ||
	    store_principal(g->store, user_id, &user, e))
		return e->code;
	if (is_stale(g, &org, said_id))
		stale = &org;
	else if (is_stale(g, &user, said_id))
		stale = &user;
	if (stale)
		return want(g, "member.name", org_id, user_id, said_id,
			    json_pack("{s:s, s:I}", "login", stale->login, "id",
				      (json_int_t)stale->id),
			    e);
	return want(
		g, "member.ask", org_id, user_id, said_id,
		json_pack("{s:s, s:s}", "org", org.login, "login", user.login),
		e);
}

static enum role role_in(const struct member_question *q)
{
	enum role role;

	return role_parse(q->role, &role) ? role : ROLE_NONE;
}

/* What is unsure again was answered too long ago. */
static bool is_answered(const json_t *fact)
{
	return *js_str(fact, "error") || js_int(fact, "times", 0) >= ASK_MAX;
}

enum err members_ask(struct engine *g, const struct said_record *r,
		     bool *ret_asked, struct error *e)
{
	CLEANUP(json_decref) json_t *facts = NULL;
	CLEANUP(free) char *owned = NULL;
	struct member_question *list;
	enum role role;
	size_t count;

	if (store_member_unsure(g->store, r->actor_id, r->repo, g->now_ms,
				&list, &count, e))
		return e->code;
	owned = (char *)list;
	if (role_of(g, r->actor_id, r->repo, &role, e) ||
	    store_said_facts(g->store, r->id, &facts, e))
		return e->code;
	for (size_t i = 0; i < count; i++) {
		char fact[64];

		fact_name(list[i].org_id, fact);
		if (role_in(&list[i]) <= role ||
		    is_answered(json_object_get(facts, fact)))
			continue;
		*ret_asked = true;
		return ask(g, list[i].org_id, r->actor_id, r->id, e);
	}
	return ERR_OK;
}

enum err members_unsure(struct engine *g, int64_t user_id, const char *repo,
			bool *ret, struct error *e)
{
	struct member_question *list;
	size_t count;

	if (store_member_unsure(g->store, user_id, repo, g->now_ms, &list,
				&count, e))
		return e->code;
	free(list);
	*ret = count > 0;
	return ERR_OK;
}

enum err members_failed(struct engine *g, int64_t said_id, bool *ret,
			struct error *e)
{
	CLEANUP(json_decref) json_t *facts = NULL;
	const char *name;
	json_t *fact;

	*ret = false;
	if (store_said_facts(g->store, said_id, &facts, e))
		return e->code;
	json_object_foreach (facts, name, fact)
		*ret |= str_starts(name, "member:") && *js_str(fact, "error");
	return ERR_OK;
}

enum err members_refresh(struct engine *g, int64_t user_id, struct error *e)
{
	struct member_question *list;
	size_t count;
	enum err code = ERR_OK;

	if (store_member_due(g->store, user_id, g->now_ms, REFRESH_MAX, &list,
			     &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++)
		code = ask(g, list[i].org_id, list[i].user_id, 0, e);
	free(list);
	return code;
}

/* --- what came of it --- */

static enum err note_answer(struct engine *g, int64_t said_id, int64_t org_id,
			    const char *trouble, struct error *e)
{
	CLEANUP(json_decref) json_t *facts = NULL;
	int64_t times;
	char fact[64];

	fact_name(org_id, fact);
	if (store_said_facts(g->store, said_id, &facts, e))
		return e->code;
	times = js_int(json_object_get(facts, fact), "times", 0) + 1;
	return store_said_fact(g->store, said_id, fact,
			       json_pack("{s:s, s:I}", "error", trouble,
					 "times", (json_int_t)times),
			       e);
}

/* Who spoke goes on being decided about. */
static enum err go_on(struct engine *g, const json_t *args, const char *trouble,
		      enum role before, struct error *e)
{
	struct said_record r;
	enum role role;

	if (!js_int(args, "said", 0))
		return ERR_OK;
	if (store_said(g->store, js_int(args, "said", 0), &r, e))
		return e->code;
	if (strcmp(r.state, "checking") != 0)
		return ERR_OK;
	if (note_answer(g, r.id, js_int(args, "org_id", 0), trouble, e) ||
	    role_of(g, r.actor_id, r.repo, &role, e))
		return e->code;
	/* Only now they are somebody who sees that it was heard. */
	if (before == ROLE_NONE && role != ROLE_NONE &&
	    report_reaction(g, &r, "eyes", e))
		return e->code;
	return decide_next(g, &r, e);
}

static enum err role_before(struct engine *g, const json_t *args,
			    enum role *ret, struct error *e)
{
	struct said_record r;

	*ret = ROLE_NONE;
	if (!js_int(args, "said", 0))
		return ERR_OK;
	if (store_said(g->store, js_int(args, "said", 0), &r, e))
		return e->code;
	return role_of(g, r.actor_id, r.repo, ret, e);
}

static enum err known(struct engine *g, const json_t *args, bool is_member,
		      struct error *e)
{
	int64_t user_id = js_int(args, "user_id", 0);
	enum role before;
	bool changed;

	if (role_before(g, args, &before, e) ||
	    store_member_put(g->store, js_int(args, "org_id", 0), user_id,
			     is_member, g->now_ms, &changed, e) ||
	    (changed && pulls_follow(g, user_id, e)))
		return e->code;
	return go_on(g, args, "", before, e);
}

enum err member_named(struct engine *g, const json_t *args,
		      const struct outcome *o, struct error *e)
{
	int64_t want_id = js_int(args, "id", 0), id = js_int(o->body, "id", 0);
	const char *kind = principal_kind(js_str(o->body, "type"));
	struct principal now;

	/* Nobody has the name any more: then nobody can be asked by it. */
	if (o->code == ERR_MISSING)
		return known(g, args, false, e);
	if (o->code || id <= 0 || !kind)
		return go_on(g, args, "the forge did not tell", ROLE_ADMIN, e);
	if (principal_named(g, id, js_str(o->body, "login"), kind, e))
		return e->code;
	if (id != want_id)
		return known(g, args, false, e);
	if (store_principal(g->store, js_int(args, "org_id", 0), &now, e))
		return e->code;
	if (strcmp(now.kind, "org") != 0)
		return known(g, args, false, e);
	return ask(g, js_int(args, "org_id", 0), js_int(args, "user_id", 0),
		   js_int(args, "said", 0), e);
}

enum err member_answered(struct engine *g, const json_t *args,
			 const struct outcome *o, struct error *e)
{
	if (o->code && o->code != ERR_MISSING)
		return go_on(g, args, "the forge did not tell", ROLE_ADMIN, e);
	return known(g, args, o->code == ERR_OK, e);
}
