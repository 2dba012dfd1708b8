/*
 * From a comment to an answer: what was said, by whom, on what, may they,
 * and then the command itself.
 *
 * Heard is heard once: the comment's id is on record for ever, in the same
 * transaction as what it led to.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/log.h"
#include "bot/engine_internal.h"
#include "bot/metrics.h"
#include "bot/render.h"
#include "commands/call.h"
#include "commands/grammar.h"
#include "store/request.h"
#include "store/trust.h"

#define COPY(to, from) snprintf(to, sizeof(to), "%s", from)

/* A stranger gets one sentence per pull request and day. */
#define STRANGER_MS (24LL * 3600 * 1000)
#define ENVIRONMENTS_MAX 16

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
		/* Only a SHA means anything there. */
		size_t hex = strspn(c->args, "0123456789abcdef");
		const char *args =
			!c->args[hex] && hex < SHA_SIZE ? c->args : "?";
		json_t *word =
			json_pack("{s:s, s:s}", "verb", c->verb, "args", args);

		/* What is no UTF-8 is no verb either. */
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

static enum err role_of(struct engine *g, int64_t user_id, const char *repo,
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

/* Has this person, a stranger, had today's sentence on this pull? */
static enum err is_told(struct engine *g, const struct said_record *r,
			enum role role, bool *ret, struct error *e)
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

static enum err want_pull(struct engine *g, const struct said_record *r,
			  struct error *e)
{
	char key[64];

	snprintf(key, sizeof(key), "said:%lld", (long long)r->id);
	return store_outbox_add(g->store, "forge.pull", "", key,
				json_pack("{s:s, s:I, s:I}", "repo", r->repo,
					  "number", (json_int_t)r->number,
					  "said", (json_int_t)r->id),
				0, g->now_ms, e);
}

static enum err is_known_author(struct engine *g, const struct said_record *r,
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
	log_info("%s (%lld) on %s#%lld said %s", r->actor,
		 (long long)r->actor_id, r->repo, (long long)r->number,
		 r->words);
	if (quiet)
		return report_reaction(g, r->repo, r->comment_id, "confused",
				       e);
	if (role != ROLE_NONE &&
	    report_reaction(g, r->repo, r->comment_id, "eyes", e))
		return e->code;
	return want_pull(g, r, e);
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
	bool known, too_long;

	*ret_result = "ignored";
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
	if (store_said_known(g->store, r.comment_id, &known, e))
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
	*ret_said_id = r.id;
	return want_pull(g, &r, e);
}

/* --- the answer --- */

/* A refusal, or an answer that is not in the sticky comment. */
static enum err answer(struct engine *g, const struct said_record *r,
		       const struct pull *p, bool ok, const char *text,
		       const char *markdown, const char *next, struct error *e)
{
	CLEANUP(str_release) struct str body = STR_INIT(LIMIT_COMMENT);
	char key[64], help[128];
	struct reply reply = {
		.key = key,
		.login = r->actor,
		/* A refusal is all our own words, code spans and all. */
		.text = ok ? text : NULL,
		.markdown = ok ? markdown : text,
		.next = ok	? NULL
			: *next ? next
				: help,
	};

	call_answered(g, r->id, ok, *text ? text : markdown ? markdown : "");
	if (!r->comment_id)
		return ERR_OK;
	if (!ok && report_reaction(g, r->repo, r->comment_id, "confused", e))
		return e->code;
	if (!*text && !markdown)
		return ERR_OK;
	snprintf(key, sizeof(key), "said:%lld", (long long)r->id);
	snprintf(help, sizeof(help), "@%s help", g->config->bot_name);
	render_reply(&body, &reply);
	if (str_check(&body, e))
		return e->code;
	return report_reply(g, p, body.text, key, e);
}

static enum err refuse(struct engine *g, const struct said_record *r,
		       const struct pull *p, const char *text, const char *next,
		       struct error *e)
{
	char actor[96], subject[256];
	enum role role;
	bool told;

	metric_add(METRIC_COMMANDS, "any", "refused", 1);
	snprintf(actor, sizeof(actor), "%s (%lld)", r->actor,
		 (long long)r->actor_id);
	snprintf(subject, sizeof(subject), "%s#%lld", r->repo,
		 (long long)r->number);
	log_info("%s on %s refused: %s", actor, subject, text);
	if (role_of(g, r->actor_id, r->repo, &role, e) ||
	    is_told(g, r, role, &told, e) ||
	    store_said_end(g->store, r->id, "refused", told ? "" : text, e) ||
	    store_audit(g->store, g->now_ms, actor, "refused", subject, text,
			e))
		return e->code;
	if (!p || (told && r->comment_id)) {
		call_answered(g, r->id, false, text);
		return report_reaction(g, r->repo, r->comment_id, "confused",
				       e);
	}
	return answer(g, r, p, false, text, NULL, next, e);
}

/* --- checking --- */

struct plan {
	const struct command *commands[LIMIT_COMMANDS_PER_COMMENT];
	size_t count;
	char sha[SHA_SIZE]; /* that was named, or "" */
	char next[192];	    /* what to type when it is refused */
};

static void plan_add(struct plan *plan, const struct command *c)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->commands[i] == c)
			return;
	if (plan->count < ARRAY_SIZE(plan->commands))
		plan->commands[plan->count++] = c;
}

/* `deploy` beside `trigger` is `trigger`. */
static void drop_deploy(struct plan *plan)
{
	bool trigger = false;
	size_t kept = 0;

	for (size_t i = 0; i < plan->count; i++)
		trigger |= plan->commands[i]->verb == VERB_TRIGGER;
	for (size_t i = 0; i < plan->count; i++)
		if (!trigger || plan->commands[i]->verb != VERB_DEPLOY)
			plan->commands[kept++] = plan->commands[i];
	plan->count = kept;
}

static enum err unknown_word(const struct engine *g, const char *verb,
			     struct error *e)
{
	const char *near = command_nearest(verb);

	if (!*verb)
		return error_set(e, ERR_REFUSED,
				 "There is no command in that line.");
	if (near)
		return error_set(e, ERR_REFUSED,
				 "I do not know that word. Did you mean `@%s "
				 "%s`?",
				 g->config->bot_name, near);
	return error_set(e, ERR_REFUSED, "I do not know that word.");
}

/* Fewer digits than this could be made to fit another commit. */
#define SHA_DIGITS_MIN 12

/*
 * Behind `deploy` and `trigger` stands the SHA that is meant, or nothing: to
 * run something else than what was written would be worse than to ask.
 */
static enum err read_sha(struct plan *plan, const struct command *c,
			 const char *args, struct error *e)
{
	size_t n = strspn(args, "0123456789abcdef");

	if (!c->deploys || !*args)
		return ERR_OK;
	if (args[n] || n < SHA_DIGITS_MIN || n >= SHA_SIZE)
		return error_set(e, ERR_REFUSED,
				 "Behind %s I only understand the SHA of the "
				 "head, with %d digits or more.",
				 c->name, SHA_DIGITS_MIN);
	if (*plan->sha && strcmp(plan->sha, args) != 0)
		return error_set(e, ERR_REFUSED,
				 "That names two different revisions.");
	COPY(plan->sha, args);
	return ERR_OK;
}

/* All words are read, then all are authorised, then all run; one that is
 * wrong stops all. */
static enum err read_words(const struct engine *g, const struct said_record *r,
			   struct plan *plan, struct error *e)
{
	CLEANUP(json_decref) json_t *words = json_loads(r->words, 0, NULL);
	json_t *word;
	size_t i;

	json_array_foreach (words, i, word) {
		const char *verb = js_str(word, "verb");
		const struct command *c = command_find(verb);

		if (*js_str(word, "error"))
			return error_set(e, ERR_REFUSED, "%s",
					 js_str(word, "error"));
		if (!c)
			return unknown_word(g, verb, e);
		if (read_sha(plan, c, js_str(word, "args"), e))
			return e->code;
		plan_add(plan, c);
	}
	drop_deploy(plan);
	return ERR_OK;
}

static enum err authorise(const struct engine *g, const struct plan *plan,
			  enum role role, bool is_author, struct error *e)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct command *c = plan->commands[i];

		if (command_allowed(c, role, is_author))
			continue;
		return error_set(e, ERR_REFUSED,
				 "`%s` needs the role %s; yours is %s. An "
				 "admin of %s can grant it.",
				 c->name, role_name(c->role), role_name(role),
				 g->config->bot_name);
	}
	return ERR_OK;
}

/*
 * A command means the head that its author could see.  Known here: a head
 * that the forge shows but nobody told us of before the command was written
 * is not that head, unless the author names it with all its digits.  The
 * forge gives whole seconds.
 */
static enum err check_head(struct engine *g, const struct said_record *r,
			   struct plan *plan, const char *known_sha,
			   int64_t known_ms, const struct pull *now,
			   struct error *e)
{
	const struct command *last = plan->commands[plan->count - 1];
	const char *live = now->head_sha;

	if (strcmp(plan->sha, live) == 0)
		return ERR_OK;
	snprintf(plan->next, sizeof(plan->next), "@%s %s %s",
		 g->config->bot_name, last->name, live);
	if (*plan->sha && !str_starts(live, plan->sha))
		return error_set(e, ERR_REFUSED,
				 "That is not the head of this pull request. "
				 "If you mean the head as it is now:");
	if (!*known_sha ||
	    (strcmp(known_sha, live) == 0 && known_ms <= r->made_ms + 999))
		return ERR_OK;
	return error_set(e, ERR_REFUSED,
			 "The head of this pull request moved while you wrote. "
			 "Look at the new one; if you mean that:");
}

static enum err run_plan(struct engine *g, const struct said_record *r,
			 const struct pull *p, const struct plan *plan,
			 enum role role, struct str *ret_answer,
			 bool *ret_show_state, struct error *e)
{
	const struct environment *list[ENVIRONMENTS_MAX], *env;
	struct command_call call = {
		.store = g->store,
		.bot_name = g->config->bot_name,
		.now_ms = g->now_ms,
		.environments = list,
		.pull = p,
		.said_id = r->id,
		.actor_id = r->actor_id,
		.actor = r->actor,
		.role = role,
		.is_author = p->author_id == r->actor_id,
		.origin = strcmp(r->source, "cli") == 0 ? "cli" : "comment",
		.answer = ret_answer,
	};
	size_t i = 0;

	while (call.environment_count < ENVIRONMENTS_MAX &&
	       (env = config_environment_of(g->config, p->repo, &i)) != NULL)
		list[call.environment_count++] = env;
	for (i = 0; i < plan->count; i++) {
		if (command_run(plan->commands[i]->verb, &call, e))
			return e->code;
		metric_add(METRIC_COMMANDS, plan->commands[i]->name, "accepted",
			   1);
	}
	*ret_show_state = call.show_state;
	return ERR_OK;
}

/* The author sees the state in the sticky comment, others in our reply. */
static enum err show_state(struct engine *g, const struct said_record *r,
			   const struct pull *p, struct str *text,
			   struct error *e)
{
	const struct environment *env;
	size_t i = 0;

	while ((env = config_environment_of(g->config, p->repo, &i)) != NULL) {
		CLEANUP(json_decref) json_t *view = NULL;

		if (r->comment_id && p->author_id == r->actor_id) {
			if (report_sticky(g, p, env, true, e))
				return e->code;
			continue;
		}
		view = view_pull(g->store, &g->view, env->name, p->repo,
				 p->number, g->now_ms, e);
		if (!view)
			return e->code;
		if (text->len)
			str_puts(text, "; ");
		render_headline(text, view);
	}
	return ERR_OK;
}

static enum err accept(struct engine *g, const struct said_record *r,
		       const struct pull *p, const struct plan *plan,
		       enum role role, struct error *e)
{
	CLEANUP(str_release) struct str words = STR_INIT(LIMIT_COMMENT / 2);
	CLEANUP(str_release) struct str state = STR_INIT(LIMIT_COMMENT / 4);
	bool wants_state = false;

	if (run_plan(g, r, p, plan, role, &words, &wants_state, e))
		return e->code;
	if (wants_state && show_state(g, r, p, &state, e))
		return e->code;
	if (store_said_end(g->store, r->id, "accepted", "", e) ||
	    store_touch(g->store, p->id, e))
		return e->code;
	if (!r->comment_id && !words.len && !state.len)
		return answer(g, r, p, true, "accepted", NULL, "", e);
	return answer(g, r, p, true, state.text, words.len ? words.text : NULL,
		      "", e);
}

static enum err decide(struct engine *g, const struct said_record *r,
		       const struct pull *p, const char *known_sha,
		       int64_t known_ms, struct plan *plan, struct error *e)
{
	enum role role;
	bool deploys = false;
	enum err code;

	if (role_of(g, r->actor_id, p->repo, &role, e))
		return e->code;
	code = read_words(g, r, plan, e);
	if (!code)
		code = authorise(g, plan, role, p->author_id == r->actor_id, e);
	for (size_t i = 0; !code && i < plan->count; i++)
		deploys |= plan->commands[i]->deploys;
	if (!code && deploys)
		code = check_head(g, r, plan, known_sha, known_ms, p, e);
	if (code)
		return code;
	return accept(g, r, p, plan, role, e);
}

enum err hear_failed(struct engine *g, int64_t said_id, struct error *e)
{
	struct said_record r;

	if (store_said(g->store, said_id, &r, e))
		return e->code;
	if (strcmp(r.state, "checking") != 0)
		return ERR_OK;
	return refuse(g, &r, NULL,
		      "Something went wrong here; nothing was done. Say it "
		      "again later.",
		      "", e);
}

enum err hear_checked(struct engine *g, const json_t *args,
		      const struct outcome *o, struct error *e)
{
	int64_t known_ms = 0;
	char known_sha[SHA_SIZE] = "";
	struct said_record r;
	struct error why = ERROR_INIT;
	struct pull p, before;
	struct plan plan = {0};
	enum err code;

	if (store_said(g->store, js_int(args, "said", 0), &r, e))
		return e->code;
	if (strcmp(r.state, "checking") != 0)
		return ERR_OK;
	if (o->code || pull_from_json(&p, r.repo, o->body, &why))
		return refuse(g, &r, NULL,
			      "I could not read this pull request from the "
			      "forge; nothing was done. Say it again later.",
			      "", e);
	code = store_pull(g->store, r.repo, r.number, &before, e);
	if (!code)
		code = store_head_last(g->store, before.id, known_sha,
				       &known_ms, e);
	if (code && code != ERR_MISSING)
		return code;
	if (pull_seen(g, &p, "api", false, e))
		return e->code;
	code = decide(g, &r, &p, known_sha, known_ms, &plan, &why);
	if (code == ERR_REFUSED)
		return refuse(g, &r, &p, why.text, plan.next, e);
	if (code)
		*e = why;
	return code;
}
