/*
 * A list of logins taken over as it is: what is on it is granted, and what an
 * earlier one of this name granted and this one lacks is taken back.  Grants
 * made otherwise are not touched.  All of it happens in one event.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/trust.h"
#include "store/trust.h"

#define ROLE "contributor"

struct plan_lines {
	struct str *text;
	size_t add, keep, remove;
};

static bool is_listed(const json_t *list, int64_t id)
{
	const json_t *one;
	size_t i;

	json_array_foreach (list, i, one)
		if (js_int(one, "id", 0) == id)
			return true;
	return false;
}

static enum err grant(struct engine *g, const json_t *call, const json_t *one,
		      struct error *e)
{
	char reason[160];
	struct trust_grant grant = {
		.user_id = js_int(one, "id", 0),
		.login = js_str(one, "login"),
		.kind = js_str(one, "kind"),
		.role = ROLE,
		.scope = "",
		.by = js_str(call, "source"),
		.reason = reason,
		.unasked = true,
	};

	snprintf(reason, sizeof(reason), "taken over by %s",
		 js_str(call, "by"));
	if (store_trust_add(g->store, &grant, g->now_ms, e))
		return e->code;
	return pulls_follow(g, grant.user_id, e);
}

/* A name on an old list may have changed hands since. */
static enum err check_hands(struct engine *g, const json_t *one,
			    struct error *e)
{
	const char *login = js_str(one, "login");
	int64_t id = js_int(one, "id", 0), before;

	if (store_login_before(g->store, login, id, g->now_ms, &before, e))
		return e->code;
	if (before)
		return error_set(e, ERR_REFUSED,
				 "%s is account %lld now, but was %lld, which "
				 "is trusted: nothing was done. Look who that "
				 "is; trust add or trust remove --id say so",
				 login, (long long)id, (long long)before);
	return ERR_OK;
}

static enum err add_one(struct engine *g, const json_t *call, const json_t *one,
			bool apply, struct plan_lines *lines, struct error *e)
{
	int64_t id = js_int(one, "id", 0);
	const char *kind = js_str(one, "kind");
	struct trust_held held;
	enum err code;

	if (id <= 0 || !*js_str(one, "login") || !*kind)
		return error_set(e, ERR_INVALID, "a name without an account");
	code = store_trust_held(g->store, id, "", g->now_ms, &held, e);
	if (code && code != ERR_MISSING)
		return code;
	if (!code) {
		lines->keep++;
		str_addf(lines->text, "keep    %s (%lld): %s, by %s\n",
			 js_str(one, "login"), (long long)id, held.role,
			 held.by);
		return ERR_OK;
	}
	if (check_hands(g, one, e))
		return e->code;
	lines->add++;
	str_addf(lines->text, "add     %s (%lld, %s)\n", js_str(one, "login"),
		 (long long)id, kind);
	return apply ? grant(g, call, one, e) : ERR_OK;
}

static enum err add_all(struct engine *g, const json_t *call, bool apply,
			struct plan_lines *lines, struct error *e)
{
	const json_t *list = js_get(call, "list"), *one;
	size_t i;

	json_array_foreach (list, i, one)
		if (add_one(g, call, one, apply, lines, e))
			return e->code;
	return ERR_OK;
}

/* Who is there by an earlier list, and not on this one. */
static enum err remove_rest(struct engine *g, const json_t *call, bool apply,
			    struct plan_lines *lines, struct error *e)
{
	CLEANUP(json_decref) json_t *all = NULL;
	const json_t *one;
	size_t i;

	if (store_trust_list(g->store, g->now_ms, &all, e))
		return e->code;
	json_array_foreach (all, i, one) {
		int64_t id = js_int(one, "id", 0);
		const char *login = js_str(one, "login");

		if (strcmp(js_str(one, "by"), js_str(call, "source")) != 0 ||
		    *js_str(one, "scope") ||
		    is_listed(js_get(call, "list"), id))
			continue;
		lines->remove++;
		str_addf(lines->text, "remove  %s (%lld)\n", login,
			 (long long)id);
		if (apply &&
		    (store_trust_remove(g->store, id, login, "",
					js_str(call, "by"), g->now_ms, e) ||
		     pulls_follow(g, id, e)))
			return e->code;
	}
	return ERR_OK;
}

static enum err sum_up(const json_t *call, bool apply, struct plan_lines *lines,
		       struct error *e)
{
	int64_t max = js_int(call, "max_removals", 0);
	bool too_many = (int64_t)lines->remove > max;

	if (apply && too_many)
		return error_set(e, ERR_REFUSED,
				 "%zu would be removed and at most %lld may: "
				 "nothing was done. Look at it without "
				 "--apply, then say --max-removals %zu",
				 lines->remove, (long long)max, lines->remove);
	str_addf(lines->text, "%zu to add, %zu to keep, %zu to remove: %s",
		 lines->add, lines->keep, lines->remove,
		 apply ? "done" : "nothing was done yet, --apply does it");
	if (!apply && too_many)
		str_addf(lines->text, ", with --max-removals %zu",
			 lines->remove);
	return str_check(lines->text, e);
}

enum err trust_import(struct engine *g, const json_t *call, json_t **ret_answer,
		      struct error *e)
{
	CLEANUP(str_release) struct str text = STR_INIT(1u << 20);
	struct plan_lines lines = {.text = &text};
	bool apply = js_bool(call, "apply", false);

	if (json_array_size(js_get(call, "list")) == 0)
		return error_set(e, ERR_REFUSED,
				 "the list is empty: nothing was done");
	if (!str_starts(js_str(call, "source"), "import "))
		return error_set(e, ERR_INVALID, "an import without a source");
	if (add_all(g, call, apply, &lines, e) ||
	    remove_rest(g, call, apply, &lines, e) ||
	    (apply && members_refresh(g, 0, e)) ||
	    sum_up(call, apply, &lines, e))
		return e->code;
	*ret_answer = json_pack("{s:b, s:s}", "ok", 1, "text", text.text);
	return ERR_OK;
}
