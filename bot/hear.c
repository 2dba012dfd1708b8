/*
 * Hearing: what was said, by whom, on what, in a comment, a review or a
 * comment on code.  It is put on record and checked then (decide.c).
 *
 * Heard is heard once: the id is on record for ever, in the same transaction
 * as what it led to.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "bot/base/log.h"
#include "bot/decide.h"
#include "bot/metrics.h"
#include "bot/trust.h"
#include "commands/grammar.h"
#include "store/trust.h"

/* A stranger gets one sentence per pull request and day. */
#define STRANGER_MS (24LL * 3600 * 1000)

/* --- what was said --- */

/* The words as they are kept: [{"verb", "args"}], or {"error"}. */
static enum err words_json(const struct said *said, const char *trouble,
			   char *ret, size_t size, struct error *e)
{
	CLEANUP(json_decref) json_t *list = json_array();
	CLEANUP(free) char *text = NULL;

	if (trouble)
		json_array_append_new(list,
				      json_pack("{s:s}", "error", trouble));
	for (size_t i = 0; i < said->count; i++) {
		const struct said_command *c = &said->commands[i];
		json_t *word = json_pack("{s:s, s:s}", "verb", c->verb, "args",
					 c->args);

		/* What is no UTF-8 is no word either. */
		json_array_append_new(
			list, word ? word : json_pack("{s:s}", "verb", "?"));
	}
	text = js_dump(list);
	if (!text || strlen(text) >= size)
		return error_set(e, ERR_INVALID, "too much was said");
	memcpy(ret, text, strlen(text) + 1);
	return ERR_OK;
}

/* Fails closed: a type that the forge makes up tomorrow is no person. */
bool is_bot(const struct engine *g, const json_t *object)
{
	const char *login = js_str(object, "user.login");
	size_t n = strlen(login);

	return strcmp(js_str(object, "user.type"), "User") != 0 ||
	       (n > 5 && strcmp(login + n - 5, "[bot]") == 0) ||
	       json_is_object(js_get(object, "performed_via_github_app")) ||
	       (g->self_id && js_int(object, "user.id", 0) == g->self_id);
}

enum err role_of(struct engine *g, int64_t user_id, const char *repo,
		 enum role *ret, struct error *e)
{
	const char *word;

	*ret = ROLE_NONE;
	if (store_role(g->store, user_id, repo, g->now_ms, &word, e))
		return e->code;
	if (*word && !role_parse(word, ret))
		return error_set(e, ERR_INVALID, "unknown role %s", word);
	return ERR_OK;
}

enum err is_told(struct engine *g, const struct said_record *r, enum role role,
		 bool *ret, struct error *e)
{
	int64_t answered;

	*ret = false;
	if (role != ROLE_NONE)
		return ERR_OK;
	if (store_said_answered(g->store, r->repo, r->number, r->actor_id,
				g->now_ms - STRANGER_MS, g->now_ms, &answered,
				e))
		return e->code;
	*ret = answered > 0;
	return ERR_OK;
}

enum err is_known_author(struct engine *g, const struct said_record *r,
			 bool *ret, struct error *e)
{
	struct pull p;
	enum err code = store_pull(g->store, r->repo, r->number, &p, e);

	*ret = false;
	if (code)
		return code == ERR_MISSING ? ERR_OK : code;
	*ret = p.author_id == r->actor_id;
	return ERR_OK;
}

static enum err add_note(struct engine *g, struct said_record *r,
			 const char *state, struct error *e)
{
	COPY(r->state, state);
	if (store_said_add(g->store, r, "", e) ||
	    principal_named(g, r->actor_id, r->actor, "", e))
		return e->code;
	log_info("%s (%lld) on %s#%lld said %.*s", r->actor,
		 (long long)r->actor_id, r->repo, (long long)r->number,
		 (int)str_utf8_cut(r->words, strlen(r->words), 200), r->words);
	return ERR_OK;
}

/*
 * One too many: a sentence in the hour, a sign for some more, then nothing.
 * Nothing is asked of the forge, so the pull is taken as it is known.
 */
static enum err note_limited(struct engine *g, struct said_record *r,
			     const struct rate *rate, bool quiet,
			     struct error *e)
{
	CLEANUP(str_release) struct str text = STR_INIT(300);

	r->limited = true;
	metric_add(METRIC_COMMANDS, "any", "limited", 1);
	quiet = quiet || rate->told || rate->silent;
	if (add_note(g, r, quiet ? "refused" : "checking", e))
		return e->code;
	if (rate->silent)
		return ERR_OK;
	if (quiet)
		return report_reaction(g, r, "confused", e);
	rate_text(&text, rate, g->now_ms);
	return refuse_blind(g, r, text.text, NULL, e);
}

/* Puts it on record; who may command sees at once that it is. */
static enum err take_note(struct engine *g, struct said_record *r,
			  int64_t commands, struct error *e)
{
	bool quiet, is_author, unsure;
	struct rate rate;
	enum role role;

	if (role_of(g, r->actor_id, r->repo, &role, e) ||
	    is_known_author(g, r, &is_author, e) ||
	    members_unsure(g, r->actor_id, r->repo, &unsure, e) ||
	    is_told(g, r, role, &quiet, e) || rate_of(g, r, commands, &rate, e))
		return e->code;
	if (rate.until_ms)
		return note_limited(g, r, &rate, quiet, e);
	/* The author may ask some things: the words decide. */
	quiet = quiet && !is_author && !unsure;
	if (add_note(g, r, quiet ? "refused" : "checking", e))
		return e->code;
	if (quiet)
		return report_reaction(g, r, "confused", e);
	if (role != ROLE_NONE && report_reaction(g, r, "eyes", e))
		return e->code;
	return decide_next(g, r, e);
}

/*
 * cmark takes up to half a second for 64 KiB made to be slow, so who is not
 * trusted is only read when it is short.
 */
static enum err is_too_long(struct engine *g, const struct said_record *r,
			    size_t len, bool *ret, struct error *e)
{
	enum role role;
	bool was_member;

	*ret = false;
	if (len <= LIMIT_STRANGER_COMMENT)
		return ERR_OK;
	if (role_of(g, r->actor_id, r->repo, &role, e) ||
	    store_member_ever(g->store, r->actor_id, &was_member, e))
		return e->code;
	*ret = role == ROLE_NONE && !was_member;
	return ERR_OK;
}

/* Where each kind keeps what matters of it. */
struct tongue {
	const char *kind;
	const char *made; /* when it was written */
	const char *sha;  /* the revision that it is about, or NULL */
};

static const struct tongue tongues[] = {
	{SAID_COMMENT, "created_at", NULL},
	{SAID_REVIEW, "submitted_at", "commit_id"},
	{SAID_REVIEW_COMMENT, "created_at", "original_commit_id"},
};

static const struct tongue *tongue_of(const char *kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(tongues); i++)
		if (strcmp(tongues[i].kind, kind) == 0)
			return &tongues[i];
	return NULL;
}

bool heard_made_ms(const struct heard *h, int64_t *ret)
{
	const struct tongue *t = tongue_of(h->kind);

	return t && time_parse_iso(js_str(h->object, t->made), ret);
}

bool heard_dismissed(const struct heard *h)
{
	return strcmp(h->kind, SAID_REVIEW) == 0 &&
	       strcmp(js_str(h->object, "state"), "DISMISSED") == 0;
}

/* A revision that is none stays "", which is no head of anything. */
static void copy_sha(struct said_record *r, const struct heard *h)
{
	const struct tongue *t = tongue_of(h->kind);
	const char *sha = t && t->sha ? js_str(h->object, t->sha) : "";
	size_t n = strspn(sha, "0123456789abcdef");

	if (!sha[n] && (n == 40 || n == 64))
		COPY(r->commit_sha, sha);
}

static void read_heard(const struct engine *g, const struct heard *h,
		       struct said_record *r)
{
	*r = (struct said_record){
		.comment_id = js_int(h->object, "id", 0),
		.number = h->number,
		.actor_id = js_int(h->object, "user.id", 0),
		.received_ms = g->heard_ms,
	};
	COPY(r->kind, h->kind);
	COPY(r->repo, h->repo);
	COPY(r->actor, js_str(h->object, "user.login"));
	COPY(r->source, h->source);
	copy_sha(r, h);
	/* Without it nothing proves what its author saw. */
	if (!heard_made_ms(h, &r->made_ms))
		r->made_ms = 0;
	if (!time_parse_iso(js_str(h->object, "updated_at"), &r->edited_ms))
		r->edited_ms = 0;
}

/* The commands in it; *ret_trouble: why they cannot be read, or "". */
static enum err read_body(struct engine *g, const struct heard *h,
			  const struct said_record *r, struct said *ret,
			  struct error *ret_trouble, struct error *e)
{
	const char *body = js_str(h->object, "body");
	bool too_long;
	enum err code;

	ret->count = 0;
	if (is_too_long(g, r, strlen(body), &too_long, e))
		return e->code;
	if (too_long)
		return ERR_OK;
	code = grammar_read(g->config->bot_name, body, strlen(body), ret,
			    ret_trouble);
	return code == ERR_FATAL ? error_set(e, code, "%s", ret_trouble->text)
				 : ERR_OK;
}

/* The delivery that tells of its end came before that of its beginning. */
static enum err note_gone(struct engine *g, struct said_record *r,
			  const char *how, bool *ret_gone, const char **doubt,
			  struct error *e)
{
	*ret_gone = strcmp(how, "deleted") == 0;
	if (*ret_gone)
		return add_note(g, r, "withdrawn", e);
	if (*how)
		*doubt = strcmp(how, "dismissed") == 0
				 ? "I learned of this review only after it was "
				   "dismissed, so nothing was done."
				 : "I learned of this comment only after it "
				   "was edited, so nothing was done. Say it "
				   "again in a new one.";
	return ERR_OK;
}

enum err hear(struct engine *g, const struct heard *h, const char **ret_result,
	      struct error *e)
{
	struct error why = ERROR_INIT;
	const char *doubt = h->doubt;
	struct said_record r;
	struct said said;
	char how[12];
	int64_t known;
	bool gone;

	*ret_result = "ignored";
	read_heard(g, h, &r);
	if (r.comment_id <= 0 || r.number <= 0 || r.actor_id <= 0 ||
	    is_bot(g, h->object))
		return ERR_OK;
	if (read_body(g, h, &r, &said, &why, e))
		return e->code;
	if (!why.code && !said.count)
		return ERR_OK;
	if (store_said_find(g->store, r.kind, r.comment_id, &known, e))
		return e->code;
	*ret_result = "duplicate";
	if (known)
		return ERR_OK;
	*ret_result = "command";
	if (store_taken_back(g->store, r.kind, r.comment_id, how, e) ||
	    words_json(&said, why.code ? why.text : NULL, r.words,
		       sizeof(r.words), e) ||
	    note_gone(g, &r, how, &gone, &doubt, e))
		return e->code;
	if (gone)
		return ERR_OK;
	if (doubt && words_json(&said, doubt, r.words, sizeof(r.words), e))
		return e->code;
	return take_note(g, &r, said.count ? (int64_t)said.count : 1, e);
}

enum err hear_closed(struct engine *g, const struct heard *h,
		     const char **ret_result, struct error *e)
{
	struct heard closed = *h;
	enum role role;

	*ret_result = "ignored";
	if (role_of(g, js_int(h->object, "user.id", 0), h->repo, &role, e))
		return e->code;
	if (role < ROLE_MAINTAINER)
		return ERR_OK;
	closed.doubt = "This pull request is closed, so nothing was done. "
		       "Reopen it, then say it again.";
	return hear(g, &closed, ret_result, e);
}

enum err hear_call(struct engine *g, const json_t *call, int64_t *ret_said_id,
		   struct error *e)
{
	const char *text = js_str(call, "text");
	CLEANUP(str_release) struct str comment = STR_INIT(LIMIT_COMMENT_IN);
	struct said_record r = {
		.number = js_int(call, "number", 0),
		.actor_id = js_int(call, "actor_id", 0),
		.made_ms = g->now_ms,
		.received_ms = g->now_ms,
	};
	struct said said;
	size_t i = 0;

	COPY(r.repo, js_str(call, "repo"));
	COPY(r.actor, js_str(call, "actor"));
	COPY(r.kind, SAID_CLI);
	COPY(r.source, "cli");
	COPY(r.state, "checking");
	if (!config_environment_of(g->config, r.repo, &i))
		return error_set(e, ERR_MISSING,
				 "%s is not a project of any environment",
				 r.repo);
	/* On the command line the mention may be left out. */
	if (*text != '@')
		str_addf(&comment, "@%s ", g->config->bot_name);
	str_puts(&comment, text);
	if (str_check(&comment, e) ||
	    grammar_read(g->config->bot_name, comment.text, comment.len, &said,
			 e))
		return e->code;
	if (!said.count)
		return error_set(e, ERR_INVALID, "there is no command in it");
	if (words_json(&said, NULL, r.words, sizeof(r.words), e) ||
	    store_said_add(g->store, &r, "", e) ||
	    principal_named(g, r.actor_id, r.actor, "", e))
		return e->code;
	if (*js_str(call, "by") &&
	    store_said_fact(g->store, r.id, "operator",
			    json_string(js_str(call, "by")), e))
		return e->code;
	*ret_said_id = r.id;
	return decide_next(g, &r, e);
}
