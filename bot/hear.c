/*
 * Hearing: what was said, by whom, on what.  It is put on record and checked
 * then (decide.c).
 *
 * Heard is heard once: the comment's id is on record for ever, in the same
 * transaction as what it led to.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "bot/base/log.h"
#include "bot/decide.h"
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

static bool is_bot(const struct engine *g, const json_t *comment)
{
	const char *type = js_str(comment, "user.type");
	const char *login = js_str(comment, "user.login");
	size_t n = strlen(login);

	return strcmp(type, "Bot") == 0 || strcmp(type, "Mannequin") == 0 ||
	       (n > 5 && strcmp(login + n - 5, "[bot]") == 0) ||
	       (g->self_id && js_int(comment, "user.id", 0) == g->self_id);
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
				g->now_ms - STRANGER_MS, &answered, e))
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

/* Puts it on record; who may command sees at once that it is. */
static enum err take_note(struct engine *g, struct said_record *r,
			  struct error *e)
{
	bool quiet, is_author;
	enum role role;

	if (role_of(g, r->actor_id, r->repo, &role, e) ||
	    is_known_author(g, r, &is_author, e) ||
	    is_told(g, r, role, &quiet, e))
		return e->code;
	/* The author may ask some things: the words decide. */
	quiet = quiet && !is_author;
	COPY(r->state, quiet ? "refused" : "checking");
	if (store_said_add(g->store, r, "", e) ||
	    store_principal_seen(g->store, r->actor_id, r->actor, g->now_ms, e))
		return e->code;
	log_info("%s (%lld) on %s#%lld said %.200s", r->actor,
		 (long long)r->actor_id, r->repo, (long long)r->number,
		 r->words);
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

	*ret = false;
	if (len <= LIMIT_STRANGER_COMMENT)
		return ERR_OK;
	if (role_of(g, r->actor_id, r->repo, &role, e))
		return e->code;
	*ret = role == ROLE_NONE;
	return ERR_OK;
}

enum err hear_comment(struct engine *g, const char *repo, int64_t number,
		      const json_t *comment, const char *source,
		      const char *doubt, const char **ret_result,
		      struct error *e)
{
	const char *body = js_str(comment, "body");
	struct said_record r = {
		.comment_id = js_int(comment, "id", 0),
		.number = number,
		.actor_id = js_int(comment, "user.id", 0),
		.received_ms = g->now_ms,
	};
	struct said said;
	struct error why = ERROR_INIT;
	enum err code;
	int64_t known;
	bool too_long;

	*ret_result = "ignored";
	COPY(r.kind, SAID_COMMENT);
	COPY(r.repo, repo);
	if (r.comment_id <= 0 || r.actor_id <= 0 || is_bot(g, comment))
		return ERR_OK;
	if (is_too_long(g, &r, strlen(body), &too_long, e))
		return e->code;
	if (too_long)
		return ERR_OK;
	code = grammar_read(g->config->bot_name, body, strlen(body), &said,
			    &why);
	if (code == ERR_FATAL)
		return error_set(e, code, "%s", why.text);
	if (!code && !said.count)
		return ERR_OK;
	if (store_said_find(g->store, r.kind, r.comment_id, &known, e))
		return e->code;
	*ret_result = "duplicate";
	if (known)
		return ERR_OK;
	COPY(r.actor, js_str(comment, "user.login"));
	COPY(r.source, source);
	if (!time_parse_iso(js_str(comment, "created_at"), &r.made_ms))
		r.made_ms = g->now_ms;
	if (words_json(&said, code ? why.text : doubt, r.words, sizeof(r.words),
		       e))
		return e->code;
	*ret_result = "command";
	return take_note(g, &r, e);
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
	    store_principal_seen(g->store, r.actor_id, r.actor, g->now_ms, e))
		return e->code;
	if (*js_str(call, "by") &&
	    store_said_fact(g->store, r.id, "operator",
			    json_string(js_str(call, "by")), e))
		return e->code;
	*ret_said_id = r.id;
	return decide_next(g, &r, e);
}
