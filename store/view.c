#include "store/view.h"

#include <string.h>

#include "store/view_parts.h"

/* The cycle with this id, as a member; 0 or unknown is null. */
static void put_cycle(struct view *v, json_t *to, const char *key, int64_t id)
{
	json_t *cycle = id ? view_cycle_part(v, id, false) : NULL;

	view_put(v, to, key, cycle ? cycle : json_null());
}

/* A list of ids becomes a list of cycles. */
static json_t *cycles(struct view *v, json_t *ids)
{
	json_t *list = json_array(), *id;
	size_t i;

	json_array_foreach (ids, i, id)
		view_push(v, list,
			  view_cycle_part(v, js_int(id, "id", 0), false));
	json_decref(ids);
	return list;
}

static void environment(struct view *v, json_t *env)
{
	/* Copied: the members it is read from are replaced below. */
	json_t *queue =
		view_rows(v, STMT_VIEW_QUEUE, ARGS(ARG(js_str(env, "name"))));
	int64_t running = js_int(env, "running_cycle", 0);
	const char *state = "idle";

	if (running)
		state = "running";
	else if (json_array_size(queue))
		state = "waiting";
	view_put(v, env, "state", json_string(state));
	view_put(v, env, "eta", view_eta_part(v, js_str(env, "name")));
	put_cycle(v, env, "running", running);
	put_cycle(v, env, "deployed", js_int(env, "deployed_cycle", 0));
	json_object_del(env, "running_cycle");
	json_object_del(env, "deployed_cycle");
	view_put(v, env, "queue", queue);
	view_put(v, env, "excluded",
		 view_rows(v, STMT_VIEW_EXCLUDED,
			   ARGS(ARG(js_str(env, "name")))));
	view_put(v, env, "last",
		 cycles(v, view_rows(v, STMT_VIEW_LAST_CYCLES,
				     ARGS(ARG(js_str(env, "name"))))));
}

json_t *view_status(struct store *s, const struct view_settings *settings,
		    int64_t now_ms, struct error *e)
{
	json_t *root = json_object(), *list, *env;
	struct view v;
	size_t i;

	view_init(&v, s, settings, now_ms, e);
	list = view_rows(&v, STMT_VIEW_ENVIRONMENTS, ARGS(ARG("")));
	json_array_foreach (list, i, env)
		environment(&v, env);
	view_put(&v, root, "bot", view_text(settings->bot));
	view_put(&v, root, "public_url", view_text(settings->public_url));
	view_put(&v, root, "now_ms", json_integer(now_ms));
	view_put(&v, root, "environments", list);
	return view_take(&v, root);
}

json_t *view_cycle(struct store *s, const struct view_settings *settings,
		   int64_t cycle_id, int64_t now_ms, struct error *e)
{
	struct view v;
	json_t *cycle;

	view_init(&v, s, settings, now_ms, e);
	cycle = view_cycle_part(&v, cycle_id, true);
	if (!cycle && !v.failed)
		v.failed = error_set(e, ERR_MISSING, "there is no cycle %lld",
				     (long long)cycle_id);
	return view_take(&v, cycle);
}

static json_t *find_pull(struct view *v, const char *repo, int64_t number)
{
	json_t *pull =
		view_row(v, STMT_VIEW_PULL, ARGS(ARG(repo), ARG(number)));

	if (!pull && !v->failed)
		v->failed = error_set(v->e, ERR_MISSING,
				      "nothing is known of %s#%lld", repo,
				      (long long)number);
	return pull;
}

static json_t *find_environment(struct view *v, const char *name)
{
	/* "" would be any of them. */
	json_t *env =
		*name ? view_row(v, STMT_VIEW_ENVIRONMENTS, ARGS(ARG(name)))
		      : NULL;

	if (!env && !v->failed)
		v->failed = error_set(v->e, ERR_MISSING,
				      "there is no environment %s", name);
	return env;
}

json_t *view_pull(struct store *s, const struct view_settings *settings,
		  const char *environment_name, const char *repo,
		  int64_t number, int64_t now_ms, struct error *e)
{
	CLEANUP(json_decref) json_t *pull = NULL, *env = NULL;
	json_t *root = NULL;
	struct view v;

	view_init(&v, s, settings, now_ms, e);
	pull = find_pull(&v, repo, number);
	env = find_environment(&v, environment_name);
	if (!v.failed)
		root = view_pull_part(&v, pull, env);
	return view_take(&v, root);
}

static json_t *pull_environments(struct view *v, const json_t *pull)
{
	CLEANUP(json_decref) json_t *names = NULL;
	json_t *list = json_array(), *name;
	size_t i;

	names = view_rows(
		v, STMT_VIEW_ENVIRONMENTS_OF,
		ARGS(ARG(js_int(pull, "id", 0)), ARG(js_str(pull, "repo"))));
	json_array_foreach (names, i, name) {
		CLEANUP(json_decref)
		json_t *env = find_environment(v, js_str(name, "name"));

		view_push(v, list, view_pull_part(v, pull, env));
	}
	return list;
}

/* words is stored as JSON text; a reader wants it as JSON. */
static json_t *said(struct view *v, int64_t pull_id)
{
	json_t *list = view_rows(v, STMT_VIEW_SAID, ARGS(ARG(pull_id)));
	struct error ignored = ERROR_INIT;
	json_t *one, *words;
	size_t i;

	json_array_foreach (list, i, one) {
		const char *text = js_str(one, "words");

		words = js_parse(text, strlen(text), &ignored);
		view_put(v, one, "words", words ? words : json_array());
	}
	return list;
}

json_t *view_pull_all(struct store *s, const struct view_settings *settings,
		      const char *repo, int64_t number, int64_t now_ms,
		      struct error *e)
{
	CLEANUP(json_decref) json_t *pull = NULL;
	json_t *root;
	struct view v;
	int64_t id;

	view_init(&v, s, settings, now_ms, e);
	pull = find_pull(&v, repo, number);
	if (!pull)
		return view_take(&v, NULL);
	id = js_int(pull, "id", 0);
	root = json_object();
	view_put(&v, root, "bot", view_text(settings->bot));
	view_put_pull(&v, root, pull);
	view_put(&v, root, "environments", pull_environments(&v, pull));
	view_put(&v, root, "heads",
		 view_rows(&v, STMT_VIEW_HEADS, ARGS(ARG(id))));
	view_put(&v, root, "said", said(&v, id));
	view_put(&v, root, "history",
		 cycles(&v,
			view_rows(&v, STMT_VIEW_PULL_CYCLES, ARGS(ARG(id)))));
	return view_take(&v, root);
}
