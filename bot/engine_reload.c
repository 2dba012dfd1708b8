/*
 * Another configuration for a running engine.  Nothing of the old one is kept
 * beyond an event, so that it can go as soon as the new one has carried one.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/engine_internal.h"
#include "bot/explain.h"
#include "deploy/recipe.h"
#include "store/request.h"

/* One that is being stopped begins again in the new one. */
static enum err check_cycle(const struct environment *env,
			    const struct cycle *c, struct error *e)
{
	bool changed;

	if (!env)
		return error_set(e, ERR_REFUSED,
				 "cycle %lld runs on %s, which is not in the "
				 "new configuration: try again when it has "
				 "ended",
				 (long long)c->id, c->environment);
	if (recipe_changed(env, c, &changed, e))
		return e->code;
	if (!changed || strcmp(c->state, "stopping") == 0)
		return ERR_OK;
	return error_set(e, ERR_REFUSED,
			 "cycle %lld runs on %s by another recipe: try again "
			 "when it has ended, or was cancelled",
			 (long long)c->id, c->environment);
}

/* What runs must end in the world in which it began. */
static enum err check_running(struct engine *g, struct error *e)
{
	char(*names)[64];
	size_t count;
	enum err code = ERR_OK;

	if (store_environments_busy(g->store, &names, &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++) {
		struct cycle c;

		code = store_cycle_running(g->store, names[i], &c, e);
		if (!code)
			code = check_cycle(
				config_environment(g->config, names[i]), &c, e);
		else if (code == ERR_MISSING)
			code = ERR_OK;
	}
	free(names);
	return code;
}

static enum err handle_reload(struct engine *g, void *arg, struct error *e)
{
	if (check_running(g, e) || engine_audit_config(g, "reload", e))
		return e->code;
	return engine_end_unconfigured(g, arg, e);
}

static void use(struct engine *g, const struct config *c)
{
	pthread_rwlock_wrlock(&g->config_lock);
	g->config = c;
	pthread_rwlock_unlock(&g->config_lock);
	g->view.bot = c->bot_name;
	g->view.public_url = c->public_url;
	g->settled_ms = 0;
}

enum err engine_take_config(struct engine *g, struct config **c,
			    struct error *e)
{
	const struct config *before = g->config;
	enum err code;

	use(g, *c);
	code = engine_transact(g, handle_reload, NULL, e);
	if (code) {
		use(g, before);
		/* What the other one made of it counts no more. */
		g->timer_ms = engine_now(g);
		return code;
	}
	config_free(g->reloaded);
	g->reloaded = TAKE(*c);
	/* Projects may be new. */
	g->next_scan_ms = 0;
	return ERR_OK;
}

void engine_note_reload(struct engine *g, json_t *note)
{
	json_t *before;

	pthread_mutex_lock(&g->lock);
	before = g->reload_note;
	g->reload_note = note;
	pthread_mutex_unlock(&g->lock);
	json_decref(before);
}

json_t *engine_reload_note(struct engine *g)
{
	json_t *note;

	pthread_mutex_lock(&g->lock);
	note = json_deep_copy(g->reload_note);
	pthread_mutex_unlock(&g->lock);
	return note;
}

void engine_against(const void *ctx, struct store *s, const char *environment,
		    const char *repo, int64_t number, int64_t now_ms,
		    struct str *out)
{
	struct engine *g = (struct engine *)(uintptr_t)ctx;

	/* Pages ask on threads of their own, and what they look at may not be
	 * freed meanwhile. */
	pthread_rwlock_rdlock(&g->config_lock);
	explain_against(g->config, s, environment, repo, number, now_ms, out);
	pthread_rwlock_unlock(&g->config_lock);
}
