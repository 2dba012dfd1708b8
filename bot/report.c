/*
 * What people are told.  Comments and statuses follow from the state: after
 * each event every pull that was touched is rendered anew, and what differs
 * from what was last wanted becomes an effect.  Reactions and the one outcome
 * comment follow from the end of a request.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "bot/base/limits.h"
#include "bot/base/log.h"
#include "bot/engine_internal.h"
#include "bot/render.h"
#include "bot/status.h"
#include "store/request.h"

/* --- comments --- */

static void hash_text(const char *text, char ret[65])
{
	unsigned char hash[crypto_generichash_BYTES];

	crypto_generichash(hash, sizeof(hash), (const unsigned char *)text,
			   strlen(text), NULL, 0);
	sodium_bin2hex(ret, 65, hash, sizeof(hash));
}

static void comment_target(const struct pull *p, const char *slot,
			   char ret[256])
{
	snprintf(ret, 256, "comment:%s#%lld:%s", p->repo, (long long)p->number,
		 slot);
}

/* Wants body in a slot of the pull, unless that is what was wanted last. */
static enum err want_comment(struct engine *g, const struct pull *p,
			     const char *slot, const char *marker,
			     const char *body, const char *key, struct error *e)
{
	struct posted posted;
	char hash[65], target[256];

	hash_text(body, hash);
	if (store_posted(g->store, p->id, slot, &posted, e))
		return e->code;
	if (strcmp(posted.body_hash, hash) == 0)
		return ERR_OK;
	comment_target(p, slot, target);
	if (store_posted_want(g->store, p->id, slot, hash, e))
		return e->code;
	/* comment_id is filled in when it is sent: an earlier one of this
	 * target may be creating the comment right now.  Where none is known
	 * by then, it may have made one all the same. */
	return store_outbox_add(
		g->store, "forge.comment", target, key,
		json_pack("{s:s, s:I, s:s, s:s, s:I, s:s, s:b}", "repo",
			  p->repo, "number", (json_int_t)p->number, "body",
			  body, "marker", marker, "pull", (json_int_t)p->id,
			  "slot", slot, "lookup", *posted.body_hash != '\0'),
		OUTBOX_REPLACES, g->now_ms, e);
}

enum err report_sticky(struct engine *g, const struct pull *p,
		       const struct environment *env, bool force,
		       struct error *e)
{
	CLEANUP(str_release) struct str body = STR_INIT(LIMIT_COMMENT);
	CLEANUP(json_decref)
	json_t *view = view_pull(g->store, &g->view, env->name, p->repo,
				 p->number, g->now_ms, e);
	struct posted posted;
	char marker[96], key[96];
	size_t first = 0;

	if (!view || store_posted(g->store, p->id, env->name, &posted, e))
		return e->code;
	/* Nobody asked and nothing happened: no comment. */
	if (!force && !*posted.body_hash &&
	    strcmp(js_str(view, "state"), "idle") == 0)
		return ERR_OK;
	snprintf(marker, sizeof(marker), "<!-- kcibot:sticky %s -->",
		 env->name);
	snprintf(key, sizeof(key), "sticky:%s:%lld", env->name,
		 (long long)p->id);
	json_object_set_new(view, "key", json_string(key));
	/* Once is enough where a pull has several of these comments. */
	if (config_environment_of(g->config, p->repo, &first) != env)
		json_object_del(view, "answer");
	render_sticky(&body, view);
	if (str_check(&body, e))
		return e->code;
	return want_comment(g, p, env->name, marker, body.text, key, e);
}

/* Older answers that wait to be sent are read with the newest, if short. */
#define UNSENT_MAX (16u << 10)

/* There is one comment for answers: what nobody has seen of it yet is not to
 * get lost for what is said next. */
static enum err add_unsent(struct engine *g, const struct pull *p,
			   const char *marker, const char *body,
			   const char *key, struct str *out, struct error *e)
{
	__attribute__((cleanup(outbox_row_release_at))) struct outbox_row r = {
		0};
	char target[256], mine[96];
	const char *text;
	enum err code;

	comment_target(p, SLOT_REPLY, target);
	code = store_outbox_newest(g->store, "forge.comment", target, &r, e);
	if (code)
		return code == ERR_MISSING ? ERR_OK : code;
	text = js_str(r.args, "body");
	snprintf(mine, sizeof(mine), "<!-- kcibot:key %s -->", key);
	if (str_starts(text, marker) && !strstr(text, mine) &&
	    strlen(text) <= UNSENT_MAX &&
	    strlen(text) + strlen(body) <= LIMIT_COMMENT)
		str_addf(out, "%s\n", text + strlen(marker) + 1);
	return ERR_OK;
}

enum err report_reply(struct engine *g, const struct pull *p, const char *body,
		      const char *key, struct error *e)
{
	CLEANUP(str_release) struct str whole = STR_INIT(LIMIT_COMMENT + 64);
	static const char marker[] = "<!-- kcibot:reply -->";

	str_addf(&whole, "%s\n", marker);
	if (add_unsent(g, p, marker, body, key, &whole, e))
		return e->code;
	str_puts(&whole, body);
	if (str_check(&whole, e))
		return e->code;
	return want_comment(g, p, SLOT_REPLY, marker, whole.text, key, e);
}

enum err report_posted(struct engine *g, const json_t *args,
		       const struct outcome *o, struct error *e)
{
	int64_t id = js_int(o->body, "id", 0);
	int64_t pull = js_int(args, "pull", 0);

	/* Locked conversations and the like never break a command. */
	if (o->code || !id)
		return ERR_OK;
	/* An app cannot ask the forge who it is; what it wrote tells. */
	if (scan_learn_self(g, js_int(o->body, "user.id", 0),
			    js_str(o->body, "user.login"), e))
		return e->code;
	if (!pull)
		return ERR_OK;
	return store_posted_is(g->store, pull, js_str(args, "slot"), id, e);
}

enum err report_reaction(struct engine *g, const struct said_record *said,
			 const char *content, struct error *e)
{
	bool on_code = strcmp(said->kind, SAID_REVIEW_COMMENT) == 0;
	int64_t comment_id = said->comment_id;
	char key[128], target[96];

	/* Neither the command line nor a review can be reacted to. */
	if (!comment_id || strcmp(said->kind, SAID_REVIEW) == 0)
		return ERR_OK;
	/* One after the other: people read them in this order. */
	snprintf(target, sizeof(target), "%s:%lld",
		 on_code ? "review_reaction" : "reaction",
		 (long long)comment_id);
	snprintf(key, sizeof(key), "%s:%s", target, content);
	return store_outbox_add(
		g->store, on_code ? "forge.review_reaction" : "forge.reaction",
		target, key,
		json_pack("{s:s, s:I, s:s}", "repo", said->repo, "comment_id",
			  (json_int_t)comment_id, "content", content),
		0, g->now_ms, e);
}

/* --- statuses --- */

void status_target(const struct status_record *r, char *ret, size_t size)
{
	snprintf(ret, size, "status:%s:%s:%s", r->repo, r->sha, r->context);
}

bool status_is_ours(const struct engine *g, const char *repo,
		    const char *context)
{
	const struct environment *env;
	char ours[STATUS_CONTEXT];
	size_t i = 0;

	while ((env = config_environment_of(g->config, repo, &i)) != NULL) {
		status_context(env, ours);
		if (strcmp(context, ours) == 0)
			return true;
	}
	return false;
}

enum err status_send(struct engine *g, const struct status_record *r,
		     int64_t not_before_ms, struct error *e)
{
	char target[512];
	json_t *args = json_pack("{s:s, s:s, s:s, s:s, s:s}", "repo", r->repo,
				 "sha", r->sha, "state", r->state, "context",
				 r->context, "description", r->description);

	status_target(r, target, sizeof(target));
	if (args && *r->target_url)
		json_object_set_new(args, "target_url",
				    json_string(r->target_url));
	if (not_before_ms > g->now_ms)
		return store_outbox_add_later(g->store, "forge.status", target,
					      target, args, not_before_ms,
					      g->now_ms, e);
	return store_outbox_add(g->store, "forge.status", target, target, args,
				OUTBOX_REPLACES, g->now_ms, e);
}

static enum err want_status(struct engine *g, const struct pull *p,
			    const char *sha, const struct environment *env,
			    const struct told_status *status, struct error *e)
{
	CLEANUP(str_release) struct str short_text = STR_INIT(512);
	struct status_record r = {0};
	bool news;

	render_description(&short_text, status->text.text);
	COPY(r.repo, p->repo);
	COPY(r.sha, sha);
	status_context(env, r.context);
	COPY(r.state, status->state);
	COPY(r.description, short_text.text);
	snprintf(r.target_url, sizeof(r.target_url), "%s/pulls/%s/%lld",
		 g->config->public_url, p->repo, (long long)status->number);
	if (store_status_want(g->store, &r, &news, e))
		return e->code;
	return news ? status_send(g, &r, 0, e) : ERR_OK;
}

static enum err report_statuses(struct engine *g, const struct pull *p,
				const struct environment *env, struct error *e)
{
	char(*shas)[SHA_SIZE];
	char context[STATUS_CONTEXT];
	size_t count;
	struct flow f;
	enum err code = ERR_OK;

	flow_of(g, env, &f);
	status_context(env, context);
	if (store_status_shas(g->store, p->id, context, &shas, &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++) {
		CLEANUP(told_status_release)
		struct told_status status = TOLD_STATUS_INIT;

		code = status_of(&f, p, shas[i], context, &status, e);
		if (!code && status.state)
			code = want_status(g, p, shas[i], env, &status, e);
	}
	free(shas);
	return code;
}

/* --- the end of a request --- */

static const char *reaction_for(const struct request *r)
{
	if (strcmp(r->outcome, "success") == 0)
		return "rocket";
	if (strcmp(r->state, "dropped") == 0)
		return "confused";
	return "-1";
}

/* Why a request came to nothing, where the sticky cannot tell. */
static const char *dropped_text(const char *outcome)
{
	static const struct {
		const char *outcome, *text;
	} texts[] = {
		{"moved", "The head moved before it was deployed, so the "
			  "request is void. Look at the new revision and "
			  "ask again."},
		{"closed", "The pull request was closed before it was "
			   "deployed, so the request is void."},
		{"base", "The base branch was changed before it was "
			 "deployed, so the request is void. Ask again."},
		{"unconfigured", "The environment is not configured any more, "
				 "so the request is void."},
		{"granter", "Who asked for it may not ask any more, so the "
			    "request is void."},
		{"cancelled", "It was withdrawn with `cancel` before the "
			      "deploy began."},
		{"stopped", "The deploy was stopped with `cancel`."},
		{"taken back", "You withdrew it."},
		{"skipped", "The pull request was taken out with `skip`, so "
			    "the request is void. After `include`, ask "
			    "again."},
		{"short failed", "The full that was booked is dropped, "
				 "because the short failed."},
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (strcmp(texts[i].outcome, outcome) == 0)
			return texts[i].text;
	return NULL;
}

/* The cycle is over, but another request of the pull is not seen off yet. */
static bool is_over(const json_t *view)
{
	return strcmp(js_str(view, "state"), "running") == 0 &&
	       strcmp(js_str(view, "cycle.state"), "finished") == 0;
}

/*
 * The pull as that cycle left it: another one may have begun in the meantime.
 * The caller frees; NULL with an error.
 */
static json_t *outcome_view(struct engine *g, const struct pull *p,
			    const char *environment, int64_t cycle_id,
			    const char *key, struct error *e)
{
	json_t *view = view_pull(g->store, &g->view, environment, p->repo,
				 p->number, g->now_ms, e);
	json_t *cycle;

	if (!view)
		return NULL;
	json_object_set_new(view, "key", json_string(key));
	if (!cycle_id ||
	    (js_int(view, "cycle.id", 0) == cycle_id && !is_over(view)))
		return view;
	if (js_int(view, "cycle.id", 0) == cycle_id) {
		json_object_set_new(view, "state", json_string("done"));
		return view;
	}
	cycle = view_cycle(g->store, &g->view, cycle_id, g->now_ms, e);
	if (!cycle) {
		json_decref(view);
		return NULL;
	}
	json_object_set_new(view, "cycle", cycle);
	json_object_set_new(view, "state", json_string("done"));
	return view;
}

static enum err outcome_body(struct engine *g, const struct request *r,
			     const struct pull *p, struct str *body,
			     struct error *e)
{
	CLEANUP(json_decref) json_t *view = NULL;
	char key[64];
	struct reply reply = {
		.key = key,
		.login = r->actor,
		.text = dropped_text(r->outcome),
	};

	snprintf(key, sizeof(key), "request:%lld", (long long)r->id);
	if (reply.text) {
		render_reply(body, &reply);
		return str_check(body, e);
	}
	view = outcome_view(g, p, r->environment, r->cycle_id, key, e);
	if (!view)
		return e->code;
	render_outcome(body, view, r->actor);
	return str_check(body, e);
}

/* May a new comment tell how this request ended?  Who heard that one half of
 * what they said was dropped heard it of both. */
static enum err is_told_anew(struct engine *g, const struct request *r,
			     const struct pull *p, bool *ret, struct error *e)
{
	bool told = false;

	if (strcmp(r->state, "dropped") == 0 &&
	    store_request_twin_told(g->store, r, &told, e))
		return e->code;
	*ret = !told && strcmp(p->verbosity, "quiet") != 0 &&
	       strcmp(r->outcome, "taken back") != 0;
	return ERR_OK;
}

static enum err new_comment(struct engine *g, const struct pull *p,
			    const char *body, const char *key, struct error *e)
{
	char marker[128];

	snprintf(marker, sizeof(marker), "<!-- kcibot:key %s -->", key);
	return store_outbox_add(g->store, "forge.comment", "", key,
				json_pack("{s:s, s:I, s:s, s:s}", "repo",
					  p->repo, "number",
					  (json_int_t)p->number, "body", body,
					  "marker", marker),
				0, g->now_ms, e);
}

/* One reaction on the comment, one short new comment for who asked. */
static enum err announce(struct engine *g, const struct request *r,
			 struct error *e)
{
	CLEANUP(str_release) struct str body = STR_INIT(LIMIT_COMMENT);
	struct said_record said;
	struct pull p;
	char key[64];
	bool anew = false;

	if (strcmp(r->kind, "auto") == 0 || !r->said_id || !r->pull_id)
		return ERR_OK;
	if (store_said(g->store, r->said_id, &said, e) ||
	    store_pull_by_id(g->store, r->pull_id, &p, e))
		return e->code;
	if (!said.comment_id)
		return ERR_OK;
	snprintf(key, sizeof(key), "request:%lld", (long long)r->id);
	if (report_reaction(g, &said, reaction_for(r), e) ||
	    is_told_anew(g, r, &p, &anew, e))
		return e->code;
	if (!anew)
		return ERR_OK;
	if (outcome_body(g, r, &p, &body, e) ||
	    (r->cycle_id &&
	     store_told(g->store, p.id, r->environment, r->cycle_id, e)))
		return e->code;
	return new_comment(g, &p, body.text, key, e);
}

static enum err announce_all(struct engine *g, struct error *e)
{
	struct request *list;
	size_t count;
	enum err code = ERR_OK;

	if (store_requests_to_announce(g->store, &list, &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++) {
		code = announce(g, &list[i], e);
		if (code && engine_may_pass(code)) {
			log_error("request %lld is not told: %s",
				  (long long)list[i].id, e->text);
			code = ERR_OK;
		}
		if (!code)
			code = store_request_announced(g->store, list[i].id, e);
		if (!code)
			code = store_touch(g->store, list[i].pull_id, e);
	}
	free(list);
	return code;
}

/* Where somebody wanted to hear of everything: also what came by itself. */
static enum err tell_outcome(struct engine *g, const struct pull *p,
			     const struct environment *env, struct error *e)
{
	CLEANUP(str_release) struct str body = STR_INIT(LIMIT_COMMENT);
	CLEANUP(json_decref) json_t *view = NULL;
	char key[96];
	int64_t cycle;

	if (strcmp(p->verbosity, "verbose") != 0)
		return ERR_OK;
	if (store_untold(g->store, p->id, p->head_sha, env->name, &cycle, e))
		return e->code;
	if (!cycle)
		return ERR_OK;
	snprintf(key, sizeof(key), "told:%lld:%lld", (long long)cycle,
		 (long long)p->id);
	view = outcome_view(g, p, env->name, cycle, key, e);
	if (!view)
		return e->code;
	render_outcome(&body, view, p->author);
	if (str_check(&body, e) ||
	    store_told(g->store, p->id, env->name, cycle, e))
		return e->code;
	return new_comment(g, p, body.text, key, e);
}

static enum err report_pull(struct engine *g, int64_t pull_id, struct error *e)
{
	const struct environment *env;
	struct pull p;
	size_t i = 0;

	if (store_pull_by_id(g->store, pull_id, &p, e))
		return e->code;
	while ((env = config_environment_of(g->config, p.repo, &i)) != NULL)
		if (report_statuses(g, &p, env, e) ||
		    report_sticky(g, &p, env, false, e) ||
		    tell_outcome(g, &p, env, e))
			return e->code;
	return ERR_OK;
}

enum err report_all(struct engine *g, struct error *e)
{
	int64_t pull_id;

	if (announce_all(g, e))
		return e->code;
	while (store_touched(g->store, &pull_id)) {
		enum err code = report_pull(g, pull_id, e);

		/* What cannot be told must not undo what has happened. */
		if (!engine_may_pass(code))
			return code;
		if (code)
			log_error("pull %lld is not told: %s",
				  (long long)pull_id, e->text);
	}
	return ERR_OK;
}
