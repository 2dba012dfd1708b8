/*
 * The forge as it is.  Webhooks only make the bot fast: what it believes
 * follows from asking, at every start and every few minutes.  The first scan
 * of a repository only takes note; nothing of its history is acted on.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "bot/base/log.h"
#include "bot/engine_internal.h"
#include "bot/metrics.h"
#include "store/trust.h"

/* A command runs when we learned of it before it was older than this. */
#define FRESH_MS (30LL * 60 * 1000)
/*
 * A scan begins so long before the newest comment that the last one saw: on
 * the forge's several machines a comment may show up after, or bear an earlier
 * time than, one that was already listed.  What is known is known by its id.
 */
#define LOOK_BACK_MS (2LL * 60 * 1000)
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

enum err scan_ask_pulls(struct engine *g, const char *repo, struct error *e)
{
	return want(g, "forge.pulls", repo, json_pack("{s:s}", "repo", repo),
		    e);
}

enum err scan_ask_pull(struct engine *g, const char *repo, int64_t number,
		       struct error *e)
{
	char target[256];

	snprintf(target, sizeof(target), "refresh:%s#%lld", repo,
		 (long long)number);
	return store_outbox_add(g->store, "forge.refresh", target, target,
				json_pack("{s:s, s:I}", "repo", repo, "number",
					  (json_int_t)number),
				OUTBOX_REPLACES, g->now_ms, e);
}

static void look_back(const char *since, struct str *ret)
{
	int64_t ms;

	if (time_parse_iso(since, &ms))
		time_iso(ret, ms - LOOK_BACK_MS);
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
	    want(g, "forge.comments", repo,
		 json_pack("{s:s, s:s}", "repo", repo, "since", since.text),
		 e) ||
	    want(g, "forge.review_comments", repo,
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
	if (!g->self_id && want(g, "forge.self", "", json_object(), e))
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
		if (!is_listed(list, pulls[i].number))
			code = scan_ask_pull(g, repo, pulls[i].number, e);
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

enum err scan_pull(struct engine *g, const json_t *args,
		   const struct outcome *o, struct error *e)
{
	struct error why = ERROR_INIT;
	struct pull p, known;
	enum err code;

	if (o->code)
		return ERR_OK;
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

/* --- comments --- */

/*
 * The pull's number from ".../pull/7#issuecomment-1"; 0 = an issue.  The last
 * "/pull/" counts: an owner or a repository may be called pull.
 */
static int64_t pull_number_of(const json_t *comment)
{
	const char *at = js_str(comment, "html_url"), *last = NULL;

	while ((at = strstr(at, "/pull/")) != NULL)
		last = at += strlen("/pull");
	return last ? strtoll(last + 1, NULL, 10) : 0;
}

const char *scan_too_late(const struct engine *g, int64_t made_ms,
			  int64_t heard_ms)
{
	int64_t ahead = g->skew.known ? g->skew.lo_ms : 0;

	return heard_ms + ahead - made_ms <= FRESH_MS
		       ? NULL
		       : "I learned of this comment too late to act on it, so "
			 "nothing was done. If you still want it, say it "
			 "again.";
}

/*
 * Why what only a scan found must not run; NULL = it may.  Reviews do not
 * tell when they were edited.
 */
static const char *doubt_about(const struct engine *g, const struct heard *h,
			       int64_t made_ms)
{
	const char *updated = js_str(h->object, "updated_at");

	if (heard_dismissed(h))
		return "I learned of this review only after it was dismissed, "
		       "so nothing was done.";
	if (*updated && strcmp(js_str(h->object, "created_at"), updated) != 0)
		return "I learned of this comment only after it was edited, so "
		       "nothing was done. Say it again in a new one.";
	return scan_too_late(g, made_ms, g->now_ms);
}

/* Webhooks of closed pulls are not heard either; one not known is asked. */
static enum err is_closed(struct engine *g, const struct heard *h, bool *ret,
			  struct error *e)
{
	struct pull p;
	enum err code = store_pull(g->store, h->repo, h->number, &p, e);

	*ret = !code && strcmp(p.state, "open") != 0;
	return code == ERR_MISSING ? ERR_OK : code;
}

/* from_ms: nothing older is acted on. */
static enum err hear_found(struct engine *g, struct heard *h, int64_t from_ms,
			   struct error *e)
{
	const char *result;
	int64_t made_ms;
	bool known, closed;

	/* The forge gives whole seconds. */
	from_ms -= from_ms % FORGE_SECOND_MS;
	if (h->number <= 0 || !heard_made_ms(h, &made_ms) || made_ms < from_ms)
		return ERR_OK;
	if (hear_again(g, h, &known, e) || is_closed(g, h, &closed, e))
		return e->code;
	if (known || closed)
		return ERR_OK;
	h->doubt = doubt_about(g, h, made_ms);
	if (hear(g, h, &result, e))
		return e->code;
	if (strcmp(result, "command") == 0)
		metric_add(METRIC_LOST,
			   strcmp(h->kind, SAID_COMMENT) == 0 ? "comment"
							      : "review",
			   NULL, 1);
	return ERR_OK;
}

/* All of a listing by time of change; *ret_since: how far it went, or "". */
static enum err hear_listed(struct engine *g, const char *kind,
			    const char *repo, const json_t *list,
			    int64_t from_ms, const char **ret_since,
			    struct error *e)
{
	json_t *comment;
	size_t i;

	*ret_since = "";
	json_array_foreach (list, i, comment) {
		struct heard h = {
			.kind = kind,
			.repo = repo,
			.number = pull_number_of(comment),
			.object = comment,
			.source = "scan",
		};
		int64_t when;

		if (hear_found(g, &h, from_ms, e))
			return e->code;
		if (time_parse_iso(js_str(comment, "updated_at"), &when))
			*ret_since = js_str(comment, "updated_at");
	}
	return ERR_OK;
}

enum err scan_comments(struct engine *g, const json_t *args,
		       const struct outcome *o, struct error *e)
{
	const char *repo = js_str(args, "repo"), *since;
	struct scan_record scan;

	if (o->code)
		return ERR_OK;
	if (store_scan(g->store, repo, g->now_ms, &scan, e) ||
	    hear_listed(g, SAID_COMMENT, repo, o->body, scan.first_ms, &since,
			e))
		return e->code;
	return *since ? store_scan_comments_done(g->store, repo, since, e)
		      : ERR_OK;
}

enum err scan_review_comments(struct engine *g, const json_t *args,
			      const struct outcome *o, struct error *e)
{
	const char *repo = js_str(args, "repo"), *since;
	struct scan_record scan;

	if (o->code)
		return ERR_OK;
	if (store_scan(g->store, repo, g->now_ms, &scan, e) ||
	    hear_listed(g, SAID_REVIEW_COMMENT, repo, o->body,
			scan.reviews_from_ms, &since, e))
		return e->code;
	return *since ? store_scan_review_comments_done(g->store, repo, since,
							e)
		      : ERR_OK;
}

enum err scan_reviews(struct engine *g, const json_t *args,
		      const struct outcome *o, struct error *e)
{
	struct heard h = {
		.kind = SAID_REVIEW,
		.repo = js_str(args, "repo"),
		.number = js_int(args, "number", 0),
		.source = "scan",
	};
	struct scan_record scan;
	json_t *review;
	size_t i;

	if (o->code)
		return ERR_OK;
	if (store_scan(g->store, h.repo, g->now_ms, &scan, e))
		return e->code;
	json_array_foreach (o->body, i, review) {
		h.object = review;
		if (hear_found(g, &h, scan.reviews_from_ms, e))
			return e->code;
	}
	return store_pull_reviewed(g->store, h.repo, h.number,
				   js_int(args, "seen", 0), e);
}

/* --- hooks, ourselves, the first admins --- */

/* The webhook that calls us, NULL = none. */
static const json_t *our_hook(const struct engine *g, const json_t *list)
{
	json_t *hook;
	size_t i;

	json_array_foreach (list, i, hook)
		if (js_bool(hook, "active", false) &&
		    str_starts(js_str(hook, "config.url"),
			       g->config->public_url))
			return hook;
	return NULL;
}

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
	const json_t *hook = o->code ? NULL : our_hook(g, o->body);
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

enum err scan_learn_self(struct engine *g, int64_t id, const char *login,
			 struct error *e)
{
	char text[32];

	if (id <= 0 || g->self_id)
		return ERR_OK;
	g->self_id = id;
	snprintf(text, sizeof(text), "%lld", (long long)id);
	log_info("working as %s (%s)", login, text);
	return store_meta_set(g->store, "self_id", text, e);
}

enum err scan_self(struct engine *g, const json_t *args UNUSED,
		   const struct outcome *o, struct error *e)
{
	if (o->code)
		return ERR_OK;
	return scan_learn_self(g, js_int(o->body, "id", 0),
			       js_str(o->body, "login"), e);
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
