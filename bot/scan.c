/*
 * The forge as it is.  Webhooks only make the bot fast: what it believes
 * follows from asking, at every start and every few minutes.  The first scan
 * of a repository only takes note; nothing of its history is acted on.
 * Here: what is asked, and the pulls; what people said is in scan_said.c.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "bot/base/log.h"
#include "bot/engine_internal.h"
#include "bot/metrics.h"
#include "store/trust.h"

/* The forge gives whole seconds. */
#define FORGE_SECOND_MS 1000
/* A pull that moved longer ago shows all that moved it. */
#define SETTLED_MS 60000

/* --- asking --- */

static enum err want(struct engine *g, const char *kind, const char *repo,
		     json_t *args, struct error *e)
{
	char target[256];

	snprintf(target, sizeof(target), "scan:%s:%s", kind, repo);
	return store_outbox_add(g->store, kind, target, target, args,
				OUTBOX_REPLACES, g->now_ms, e);
}

/* The listings of a repository are made one after another, pulls first: what
 * was said on one that was opened again was not said on a closed one. */
static enum err want_list(struct engine *g, const char *kind, const char *repo,
			  json_t *args, struct error *e)
{
	char target[256], key[256];

	snprintf(target, sizeof(target), "scan:%s", repo);
	snprintf(key, sizeof(key), "scan:%s:%s", kind, repo);
	return store_outbox_add(g->store, kind, target, key, args,
				OUTBOX_REPLACES, g->now_ms, e);
}

enum err scan_ask_pulls(struct engine *g, const char *repo, struct error *e)
{
	return want_list(g, "forge.pulls", repo,
			 json_pack("{s:s}", "repo", repo), e);
}

/* unlisted: a whole listing lacks it. */
static enum err ask_pull(struct engine *g, const char *repo, int64_t number,
			 bool unlisted, struct error *e)
{
	char target[256];

	snprintf(target, sizeof(target), "refresh:%s#%lld", repo,
		 (long long)number);
	return store_outbox_add(g->store, "forge.refresh", target, target,
				json_pack("{s:s, s:I, s:b}", "repo", repo,
					  "number", (json_int_t)number,
					  "unlisted", unlisted),
				OUTBOX_REPLACES, g->now_ms, e);
}

enum err scan_ask_pull(struct engine *g, const char *repo, int64_t number,
		       struct error *e)
{
	return ask_pull(g, repo, number, false, e);
}

static void look_back(const char *since, struct str *ret)
{
	int64_t ms;

	if (time_parse_iso(since, &ms))
		time_iso(ret, ms - SCAN_LOOK_BACK_MS);
	else
		str_puts(ret, since);
}

static enum err scan_repo(struct engine *g, const char *repo, struct error *e)
{
	CLEANUP(str_release) struct str since = STR_INIT(64);
	CLEANUP(str_release) struct str review_since = STR_INIT(64);
	struct scan_record scan;

	if (store_scan(g->store, repo, g->now_ms, &scan, e))
		return e->code;
	look_back(scan.comments_since, &since);
	look_back(scan.review_comments_since, &review_since);
	if (str_check(&since, e) || str_check(&review_since, e) ||
	    scan_ask_pulls(g, repo, e) ||
	    want_list(
		    g, "forge.comments", repo,
		    json_pack("{s:s, s:s}", "repo", repo, "since", since.text),
		    e) ||
	    want_list(g, "forge.review_comments", repo,
		      json_pack("{s:s, s:s}", "repo", repo, "since",
				review_since.text),
		      e))
		return e->code;
	return want(g, "forge.hooks", repo, json_pack("{s:s}", "repo", repo),
		    e);
}

/* An empty trust list takes the admins of the configuration. */
static enum err seed_trust(struct engine *g, struct error *e)
{
	bool ever;

	if (store_trust_ever(g->store, &ever, e))
		return e->code;
	for (text_list a = g->config->admins; !ever && *a; a++)
		if (want(g, "forge.user", *a, json_pack("{s:s}", "login", *a),
			 e))
			return e->code;
	return ERR_OK;
}

enum err scan_start(struct engine *g, struct error *e)
{
	if (seed_trust(g, e))
		return e->code;
	/* Once in a life, too: the token may be another account's since. */
	if ((!g->self_id || !g->self_asked) &&
	    want(g, "forge.self", "", json_object(), e))
		return e->code;
	for (size_t i = 0; i < g->config->environment_count; i++) {
		const struct environment *env = &g->config->environments[i];

		for (size_t j = 0; j < env->project_count; j++)
			if (scan_repo(g, env->projects[j].repo, e))
				return e->code;
	}
	return ERR_OK;
}

/* --- pulls --- */

static bool is_listed(const json_t *list, int64_t number)
{
	json_t *one;
	size_t i;

	json_array_foreach (list, i, one)
		if (js_int(one, "number", 0) == number)
			return true;
	return false;
}

/* Under which it is kept among the unseen. */
static const char *unseen_name(char ret[256], const char *repo, int64_t number)
{
	snprintf(ret, 256, "%s#%lld", repo, (long long)number);
	return ret;
}

static void is_seen(struct engine *g, const char *repo, int64_t number)
{
	char name[256];

	json_object_del(g->unseen, unseen_name(name, repo, number));
}

/* Those we hold for open that the listing lacks are asked for one by one. */
static enum err ask_missing(struct engine *g, const char *repo,
			    const json_t *list, struct error *e)
{
	struct pull *pulls;
	size_t count;
	enum err code = ERR_OK;

	if (store_pulls_open(g->store, repo, &pulls, &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++)
		if (is_listed(list, pulls[i].number))
			is_seen(g, repo, pulls[i].number);
		else
			code = ask_pull(g, repo, pulls[i].number, true, e);
	free(pulls);
	return code;
}

/*
 * A review moves its pull's time, so only pulls that moved are looked at.
 * The forge counts whole seconds and its clock may differ: one that moved
 * just now is looked at once more.
 */
static enum err ask_reviews(struct engine *g, const char *repo,
			    const struct scan_record *scan, struct error *e)
{
	struct unreviewed *list;
	size_t count;
	enum err code = ERR_OK;

	if (store_pulls_unreviewed(g->store, repo,
				   scan->reviews_from_ms - FORGE_SECOND_MS,
				   &list, &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++) {
		int64_t number = list[i].number, seen = list[i].updated_ms;
		char target[256];

		if (seen > g->now_ms - SETTLED_MS)
			seen--;
		snprintf(target, sizeof(target), "scan:forge.reviews:%s#%lld",
			 repo, (long long)number);
		code = store_outbox_add(
			g->store, "forge.reviews", target, target,
			json_pack("{s:s, s:I, s:I}", "repo", repo, "number",
				  (json_int_t)number, "seen", (json_int_t)seen),
			OUTBOX_REPLACES, g->now_ms, e);
	}
	free(list);
	return code;
}

/* Does it show a head that we ought to have been told of? */
static enum err is_unheard(struct engine *g, const char *repo,
			   const json_t *object, bool *ret, struct error *e)
{
	struct error why = ERROR_INIT;
	struct pull now, known;
	enum err code;

	*ret = false;
	if (pull_from_json(&now, repo, object, &why))
		return ERR_OK;
	code = store_pull(g->store, repo, now.number, &known, e);
	if (code && code != ERR_MISSING)
		return code;
	*ret = code == ERR_MISSING ||
	       (strcmp(known.head_sha, now.head_sha) != 0 &&
		now.updated_ms >= known.updated_ms);
	return ERR_OK;
}

/* One webhook that did not come makes others doubtful; before they are
 * confirmed by the same listing. */
static enum err note_unheard(struct engine *g, const char *repo,
			     const struct scan_record *scan, const json_t *list,
			     struct error *e)
{
	int64_t count = 0;
	json_t *object;
	size_t i;

	json_array_foreach (list, i, object) {
		bool unheard;

		if (is_unheard(g, repo, object, &unheard, e))
			return e->code;
		count += unheard;
	}
	if (!count)
		return ERR_OK;
	metric_add(METRIC_LOST, "pull", NULL, count);
	return gaps_unheard(g, repo, scan->last_ms, e);
}

enum err scan_pulls(struct engine *g, const json_t *args,
		    const struct outcome *o, struct error *e)
{
	const char *repo = js_str(args, "repo");
	struct scan_record scan;
	json_t *object;
	size_t i;

	if (o->code)
		return ERR_OK;
	if (store_scan(g->store, repo, g->now_ms, &scan, e) ||
	    (scan.pulls_known && note_unheard(g, repo, &scan, o->body, e)))
		return e->code;
	json_array_foreach (o->body, i, object) {
		struct error why = ERROR_INIT;
		struct pull p;

		if (pull_from_json(&p, repo, object, &why)) {
			if (why.code == ERR_FATAL)
				return error_set(e, ERR_FATAL, "%s", why.text);
			log_warning("%s: %s", repo, why.text);
			continue;
		}
		if (pull_seen(g, &p, PULL_SOURCE_API, !scan.pulls_known, e))
			return e->code;
	}
	if (ask_missing(g, repo, o->body, e) || ask_reviews(g, repo, &scan, e))
		return e->code;
	return store_scan_pulls_done(g->store, repo, g->now_ms, e);
}

/* As if it had been closed: it may not stay aboard, and nobody can take out
 * what nobody can see. */
static enum err close_unseen(struct engine *g, const char *repo, int64_t number,
			     struct error *e)
{
	struct pull p;
	enum err code = store_pull(g->store, repo, number, &p, e);

	is_seen(g, repo, number);
	if (code)
		return code == ERR_MISSING ? ERR_OK : code;
	if (strcmp(p.state, "open") != 0)
		return ERR_OK;
	log_warning("%s#%lld: the forge shows it no more; it counts as closed",
		    repo, (long long)number);
	metric_add(METRIC_LOST, "pull", NULL, 1);
	COPY(p.state, "closed");
	return pull_seen(g, &p, PULL_SOURCE_UNSEEN, false, e);
}

/*
 * Neither the listing nor the question shows an open pull: the forge hides
 * those of a person whose account it has blocked.  Once may be a slip, so it
 * counts with the second scan; that there was a listing shows that the
 * repository is there, and our right to read it.  A restart begins anew.
 */
static enum err is_unseen(struct engine *g, const json_t *args, struct error *e)
{
	const char *repo = js_str(args, "repo");
	int64_t number = js_int(args, "number", 0), since_ms;
	char name[256];

	if (!js_bool(args, "unlisted", false))
		return ERR_OK;
	since_ms = json_integer_value(
		json_object_get(g->unseen, unseen_name(name, repo, number)));
	if (!since_ms)
		json_object_set_new(g->unseen, name, json_integer(g->now_ms));
	/* One scan may list twice. */
	if (!since_ms || g->now_ms - since_ms < g->config->reconcile_ms / 2)
		return ERR_OK;
	return close_unseen(g, repo, number, e);
}

enum err scan_pull(struct engine *g, const json_t *args,
		   const struct outcome *o, struct error *e)
{
	struct error why = ERROR_INIT;
	struct pull p, known;
	enum err code;

	if (o->code == ERR_MISSING)
		return is_unseen(g, args, e);
	if (o->code)
		return ERR_OK;
	is_seen(g, js_str(args, "repo"), js_int(args, "number", 0));
	if (pull_from_json(&p, js_str(args, "repo"), o->body, &why)) {
		if (why.code == ERR_FATAL)
			return error_set(e, ERR_FATAL, "%s", why.text);
		log_warning("%s: %s", js_str(args, "repo"), why.text);
		return ERR_OK;
	}
	code = store_pull(g->store, p.repo, p.number, &known, e);
	if (code && code != ERR_MISSING)
		return code;
	/* It left the listing, and nobody had told us. */
	if (!code && strcmp(known.state, "open") == 0 &&
	    strcmp(p.state, "open") != 0)
		metric_add(METRIC_LOST, "pull", NULL, 1);
	return pull_seen(g, &p, PULL_SOURCE_API, false, e);
}
