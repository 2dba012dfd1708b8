/*
 * The stricter second condition: who commands must also have a permission on
 * the repository at the forge.  Off unless the configuration names one.
 */
#include <string.h>

#include "bot/trust.h"
#include "store/principal.h"

/* The forge's own order, weakest first. */
static const char *const permissions[] = {"none",  "read",     "triage",
					  "write", "maintain", "admin"};

static int rank_of(const char *permission)
{
	for (size_t i = 0; i < ARRAY_SIZE(permissions); i++)
		if (strcmp(permissions[i], permission) == 0)
			return (int)i;
	return -1;
}

/* Does it want what is not for everybody who may ask? */
static bool is_command(const struct plan *plan, bool is_author)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct command *c = plan->words[i].command;

		if (c->role >= ROLE_MAINTAINER && !(c->author_may && is_author))
			return true;
	}
	return false;
}

/* The command line has the operator behind it. */
static bool is_wanted(const struct engine *g, const struct said_record *r,
		      const struct plan *plan, bool is_author)
{
	return *g->config->trust_permission && strcmp(r->source, "cli") != 0 &&
	       is_command(plan, is_author);
}

enum err permission_ask(struct engine *g, const struct said_record *r,
			const struct plan *plan, const json_t *facts,
			bool *ret_asked, struct error *e)
{
	char known[16], key[64];
	bool is_author;

	if (json_object_get(facts, "permission"))
		return ERR_OK;
	if (is_known_author(g, r, &is_author, e))
		return e->code;
	if (!is_wanted(g, r, plan, is_author))
		return ERR_OK;
	if (store_permission(g->store, r->repo, r->actor_id, g->now_ms, known,
			     e))
		return e->code;
	if (*known)
		return ERR_OK;
	*ret_asked = true;
	snprintf(key, sizeof(key), "said:%lld:permission", (long long)r->id);
	return store_outbox_add(
		g->store, "said.permission", "", key,
		json_pack("{s:s, s:s, s:I, s:I, s:s}", "repo", r->repo, "login",
			  r->actor, "user_id", (json_int_t)r->actor_id, "said",
			  (json_int_t)r->id, "fact", "permission"),
		0, g->now_ms, e);
}

/* The old field knows no triage and no maintain; the new one also has names
 * that an organisation made up. */
static const char *effective(const json_t *body)
{
	const char *permission = js_str(body, "permission");
	const char *role = js_str(body, "role_name");

	if (strcmp(permission, "read") == 0 && strcmp(role, "triage") == 0)
		return role;
	if (strcmp(permission, "write") == 0 && strcmp(role, "maintain") == 0)
		return role;
	return permission;
}

enum err permission_answered(struct engine *g, const json_t *args,
			     const struct outcome *o, struct error *e)
{
	int64_t user_id = js_int(args, "user_id", 0);
	const char *permission = effective(o->body);

	/* A login that has changed hands meanwhile says nothing of them. */
	if (!o->code && js_int(o->body, "user.id", 0) == user_id &&
	    rank_of(permission) >= 0 &&
	    store_permission_put(g->store, js_str(args, "repo"), user_id,
				 permission, g->now_ms, e))
		return e->code;
	return needs_answered(g, args, o, e);
}

enum err permission_check(struct engine *g, const struct said_record *r,
			  const struct plan *plan, bool is_author,
			  struct error *e)
{
	const char *least = g->config->trust_permission;
	char has[16];

	if (!is_wanted(g, r, plan, is_author))
		return ERR_OK;
	if (store_permission(g->store, r->repo, r->actor_id, g->now_ms, has, e))
		return e->code;
	if (!*has)
		return error_set(e, ERR_REFUSED,
				 "I could not find out what you may do in this "
				 "repository; nothing was done. Say it again "
				 "later.");
	if (rank_of(has) >= rank_of(least))
		return ERR_OK;
	return error_set(e, ERR_REFUSED,
			 "Who commands here must have the permission `%s` on "
			 "this repository; yours is `%s`. An admin of the "
			 "repository can give it.",
			 least, has);
}
