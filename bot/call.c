/*
 * What the command line asks the engine for.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/trust.h"
#include "store/trust.h"

struct operation {
	const char *name;
	/* Fills *ret_answer, or leaves it NULL to answer later. */
	enum err (*run)(struct engine *g, struct event *ev, json_t **ret_answer,
			struct error *e);
};

static json_t *done(const char *fmt, ...) PRINTF_LIKE(1, 2);

static json_t *done(const char *fmt, ...)
{
	CLEANUP(str_release) struct str text = STR_INIT(1024);
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	return json_pack("{s:b, s:s}", "ok", 1, "text", text.text);
}

static enum err trust_list(struct engine *g, struct event *ev UNUSED,
			   json_t **ret_answer, struct error *e)
{
	json_t *list;

	if (store_trust_list(g->store, g->now_ms, &list, e))
		return e->code;
	*ret_answer = json_pack("{s:b, s:s, s:o}", "ok", 1, "text", "", "trust",
				list);
	return ERR_OK;
}

static enum err trust_add(struct engine *g, struct event *ev,
			  json_t **ret_answer, struct error *e)
{
	struct trust_grant grant = {
		.user_id = js_int(ev->call, "id", 0),
		.login = js_str(ev->call, "login"),
		.kind = *js_str(ev->call, "kind") ? js_str(ev->call, "kind")
						  : "user",
		.unasked = js_bool(ev->call, "unasked", true),
		.role = js_str(ev->call, "role"),
		.scope = js_str(ev->call, "scope"),
		.by = js_str(ev->call, "by"),
		.reason = js_str(ev->call, "reason"),
		.expires_ms = js_int(ev->call, "expires_ms", 0),
	};
	enum role role;
	int64_t before;
	size_t i = 0;

	if (grant.user_id <= 0 || !role_parse(grant.role, &role) ||
	    role == ROLE_NONE)
		return error_set(e, ERR_INVALID,
				 "trust add needs a user and a role: admin, "
				 "maintainer or contributor");
	if (*grant.scope && !config_environment_of(g->config, grant.scope, &i))
		return error_set(e, ERR_INVALID,
				 "%s is not a project of any environment",
				 grant.scope);
	if (grant.expires_ms && grant.expires_ms <= g->now_ms + g->wall_skew_ms)
		return error_set(e, ERR_INVALID, "that is in the past");
	if (store_login_before(g->store, grant.login, grant.user_id, g->now_ms,
			       &before, e) ||
	    store_trust_add(g->store, &grant, g->now_ms, e) ||
	    trust_changed(g, grant.user_id, e))
		return e->code;
	*ret_answer = done("%s (%lld, %s) is %s%s%s now%s%s", grant.login,
			   (long long)grant.user_id, grant.kind, grant.role,
			   *grant.scope ? " on " : "", grant.scope,
			   grant.unasked ? "" : ", not deployed unasked",
			   before ? "; beware: another account with a role "
				    "here had that login before"
				  : "");
	return ERR_OK;
}

static enum err remove_all(struct engine *g, const struct event *ev, int64_t id,
			   struct error *e)
{
	const char *login = js_str(ev->call, "login");
	char number[32];

	snprintf(number, sizeof(number), "number %lld", (long long)id);
	return store_trust_remove(g->store, id, *login ? login : number,
				  TRUST_ALL_SCOPES, js_str(ev->call, "by"),
				  g->now_ms, e);
}

static enum err import(struct engine *g, struct event *ev, json_t **ret_answer,
		       struct error *e)
{
	return trust_import(g, ev->call, ret_answer, e);
}

static enum err trust_remove(struct engine *g, struct event *ev,
			     json_t **ret_answer, struct error *e)
{
	const char *login = js_str(ev->call, "login");
	int64_t id = js_int(ev->call, "id", 0);
	enum err code = ERR_MISSING;

	if (id > 0)
		code = remove_all(g, ev, id, e);
	/* One that was deleted, or gave its login away, is known by the login
	 * it had here. */
	if (code == ERR_MISSING && *login) {
		if (store_trust_find(g->store, login, &id, e))
			return e->code;
		code = remove_all(g, ev, id, e);
	}
	if (code || trust_changed(g, id, e))
		return e->code;
	*ret_answer =
		done("%s (%lld) is not trusted any more", login, (long long)id);
	return ERR_OK;
}

static enum err say(struct engine *g, struct event *ev,
		    json_t **ret_answer UNUSED, struct error *e)
{
	return hear_call(g, ev->call, &ev->said_id, e);
}

static enum err status(struct engine *g, struct event *ev UNUSED,
		       json_t **ret_answer, struct error *e)
{
	json_t *view = view_status(g->store, &g->view, g->now_ms, e);
	json_t *note = engine_reload_note(g);

	if (!view) {
		json_decref(note);
		return e->code;
	}
	if (note)
		json_object_set_new(view, "configuration", note);
	*ret_answer = json_pack("{s:b, s:s, s:o}", "ok", 1, "text", "",
				"status", view);
	return ERR_OK;
}

enum err call_handle(struct engine *g, struct event *ev, struct error *e)
{
	static const struct operation operations[] = {
		{"trust.list", trust_list},
		{"trust.add", trust_add},
		{"trust.remove", trust_remove},
		{"trust.import", import},
		{"say", say},
		{"status", status},
	};
	const char *name = js_str(ev->call, "op");

	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		if (strcmp(operations[i].name, name) == 0)
			return operations[i].run(g, ev, &ev->reply, e);
	}
	return error_set(e, ERR_INVALID, "unknown operation %s", name);
}
