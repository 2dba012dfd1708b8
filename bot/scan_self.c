/*
 * Ourselves on the forge: is our webhook there, who are we, and who are the
 * first admins.
 */
#include <string.h>

#include "bot/base/log.h"
#include "bot/base/str.h"
#include "bot/engine_internal.h"
#include "bot/hook.h"
#include "store/trust.h"

/* For readiness: does every repository tell us what happens? */
static enum err tell_hooks(struct engine *g, struct error *e)
{
	bool known = true, missing = false;

	for (size_t i = 0; i < g->config->environment_count; i++) {
		const struct environment *env = &g->config->environments[i];

		for (size_t j = 0; j < env->project_count; j++) {
			struct scan_record scan;

			if (store_scan(g->store, env->projects[j].repo,
				       g->now_ms, &scan, e))
				return e->code;
			known = known && *scan.hook;
			missing = missing ||
				  (*scan.hook && strcmp(scan.hook, "ok") != 0);
		}
	}
	pthread_mutex_lock(&g->lock);
	g->gauges.hooks_known = known;
	g->gauges.hooks_missing = missing;
	pthread_mutex_unlock(&g->lock);
	return ERR_OK;
}

enum err scan_hooks(struct engine *g, const json_t *args,
		    const struct outcome *o, struct error *e)
{
	const json_t *hook =
		o->code ? NULL : hook_find(o->body, g->config->public_url);
	const char *word = hook ? "ok" : o->code ? "no right" : "none";
	const char *repo = js_str(args, "repo");
	struct scan_record scan;

	if (o->code == ERR_RETRY)
		return ERR_OK; /* the forge was away: that says nothing */
	if (js_int(hook, "id", 0) > 0 &&
	    redeliver_look(g, repo, js_int(hook, "id", 0), e))
		return e->code;
	if (store_scan(g->store, repo, g->now_ms, &scan, e))
		return e->code;
	if (strcmp(scan.hook, word) != 0 && strcmp(word, "ok") != 0)
		log_warning("%s: webhook: %s; the bot works by scanning every "
			    "few minutes",
			    repo, word);
	if (store_scan_hook(g->store, repo, word, e))
		return e->code;
	return tell_hooks(g, e);
}

static enum err take_self(struct engine *g, int64_t id, const char *login,
			  struct error *e)
{
	char text[32];

	if (g->self_id)
		log_warning("the token is another account's than before (%lld)",
			    (long long)g->self_id);
	g->self_id = id;
	snprintf(text, sizeof(text), "%lld", (long long)id);
	log_info("working as %s (%s)", login, text);
	return store_meta_set(g->store, "self_id", text, e);
}

enum err scan_learn_self(struct engine *g, int64_t id, const char *login,
			 struct error *e)
{
	/* Who may edit a comment need not be who wrote it. */
	if (id <= 0 || g->self_id)
		return ERR_OK;
	return take_self(g, id, login, e);
}

enum err scan_self(struct engine *g, const json_t *args UNUSED,
		   const struct outcome *o, struct error *e)
{
	int64_t id = o->code ? 0 : js_int(o->body, "id", 0);

	g->self_asked = true;
	if (id <= 0 || id == g->self_id)
		return ERR_OK;
	return take_self(g, id, js_str(o->body, "login"), e);
}

enum err scan_seed(struct engine *g, const json_t *args,
		   const struct outcome *o, struct error *e)
{
	const char *kind = principal_kind(js_str(o->body, "type"));
	struct trust_grant grant = {
		.user_id = js_int(o->body, "id", 0),
		.login = js_str(o->body, "login"),
		.kind = kind,
		.role = "admin",
		.scope = "",
		.by = "configuration",
		.reason = "trust.admins",
		.unasked = true,
	};

	if (o->code || grant.user_id <= 0 || !kind ||
	    strcmp(kind, "user") != 0) {
		log_error("trust.admins: %s is no person that the forge knows",
			  js_str(args, "login"));
		return ERR_OK;
	}
	log_info("%s (%lld) is admin now, by trust.admins", grant.login,
		 (long long)grant.user_id);
	return store_trust_add(g->store, &grant, g->now_ms, e);
}
