/*
 * From what was said to an answer: read, authorise, prove, run.  What must be
 * known for it is asked for first (needs.c).
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/log.h"
#include "bot/base/str.h"
#include "bot/decide.h"
#include "bot/metrics.h"
#include "bot/render.h"
#include "bot/trust.h"
#include "bot/view_parts.h"
#include "commands/call.h"
#include "bot/version.h"
#include "commands/evidence.h"

/* The forge's parts do not always agree: it is asked again so often, first
 * after so long. */
#define STALE_TRIES 4
#define STALE_WAIT_MS 1000

/* --- the answer --- */

/* What to type after a refusal; NULL: the sentence says it all. */
static const char *next_line(const char *next, const char *help)
{
	if (next && strcmp(next, NEXT_NOTHING) == 0)
		return NULL;
	return next && !*next ? help : next;
}

/* A refusal, or an answer that is not in the sticky comment. */
static enum err answer(struct engine *g, const struct said_record *r,
		       const struct pull *p, bool ok, const char *text,
		       const char *markdown, const char *next, struct error *e)
{
	CLEANUP(str_release) struct str body = STR_INIT(LIMIT_COMMENT);
	CLEANUP(str_release) struct str whole = STR_INIT(LIMIT_COMMENT);
	char key[64], help[128];
	struct reply reply = {
		.key = key,
		.login = r->actor,
		/* A refusal is all our own words, code spans and all. */
		.text = ok ? text : NULL,
		.own = ok ? NULL : text,
		.markdown = ok ? markdown : NULL,
		.next = ok ? NULL : next_line(next, help),
	};

	str_addf(&whole, "%s%s%s", text, *text && markdown ? "\n" : "",
		 markdown ? markdown : "");
	call_answered(g, r->id, ok, whole.len ? whole.text : "");
	if (!r->comment_id)
		return ERR_OK;
	if (!ok && report_reaction(g, r, "confused", e))
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

/* more: evidence, taken over, or NULL. */
static enum err refuse_with(struct engine *g, const struct said_record *r,
			    const struct pull *p, const char *text,
			    const char *next, json_t *more, struct error *e)
{
	CLEANUP(json_decref) json_t *owned = more;
	char subject[256];
	struct decision d = {
		.said_id = r->id,
		.pull = p,
		.action = "refused",
		.subject = subject,
		.why = text,
		.at_ms = g->now_ms,
	};
	bool told;

	metric_add(METRIC_COMMANDS, "any", "refused", 1);
	snprintf(subject, sizeof(subject), "%s#%lld", r->repo,
		 (long long)r->number);
	log_info("%s (%lld) on %s refused: %s", r->actor,
		 (long long)r->actor_id, subject, text);
	if (role_of(g, r->actor_id, r->repo, &d.role, e) ||
	    is_told(g, r, d.role, &told, e) ||
	    store_said_end(g->store, r->id, "refused", told ? "" : text, e) ||
	    evidence_audit(g->store, &d, TAKE(owned), e))
		return e->code;
	if (!p || (told && r->comment_id)) {
		call_answered(g, r->id, false, text);
		return report_reaction(g, r, "confused", e);
	}
	return answer(g, r, p, false, text, NULL, next, e);
}

enum err refuse(struct engine *g, const struct said_record *r,
		const struct pull *p, const char *text, const char *next,
		struct error *e)
{
	return refuse_with(g, r, p, text, next, NULL, e);
}

enum err refuse_blind(struct engine *g, const struct said_record *r,
		      const char *text, const char *next, struct error *e)
{
	struct pull p;
	enum err code = store_pull(g->store, r->repo, r->number, &p, e);

	if (code && code != ERR_MISSING)
		return code;
	return refuse(g, r, code ? NULL : &p, text, next, e);
}

/* --- checking --- */

static enum err plan_add(struct plan *plan, const struct args *args,
			 struct error *e)
{
	for (size_t i = 0; i < plan->count; i++) {
		struct args *known = &plan->words[i];

		if (args_equal(known, args))
			return ERR_OK;
		/* Two wishes for one thing are one wish. */
		if (known->command == args->command && args->command->deploys)
			return args_join(known, args, e);
	}
	if (plan->count == ARRAY_SIZE(plan->words))
		return error_set(e, ERR_REFUSED,
				 "Those are too many commands at once.");
	plan->words[plan->count++] = *args;
	return ERR_OK;
}

/* `deploy` beside `trigger` is `trigger`. */
static void drop_deploy(struct plan *plan)
{
	bool trigger = false;
	size_t kept = 0;

	for (size_t i = 0; i < plan->count; i++)
		trigger |= plan->words[i].command->verb == VERB_TRIGGER;
	for (size_t i = 0; i < plan->count; i++)
		if (!trigger || plan->words[i].command->verb != VERB_DEPLOY)
			plan->words[kept++] = plan->words[i];
	plan->count = kept;
}

static enum err check_contradictions(struct plan *plan, struct error *e)
{
	for (size_t i = 0; i < plan->count; i++)
		for (size_t j = i + 1; j < plan->count; j++) {
			const struct command *a = plan->words[i].command;
			const struct command *b = plan->words[j].command;

			if (!command_contradicts(a, b))
				continue;
			COPY(plan->next, NEXT_NOTHING);
			return error_set(e, ERR_REFUSED,
					 "`%s` and `%s` contradict "
					 "each other, so nothing was "
					 "done. Say one of them.",
					 a->name, b->name);
		}
	return ERR_OK;
}

static enum err unknown_word(const struct engine *g, const char *verb,
			     struct plan *plan, struct error *e)
{
	const char *near = command_nearest(verb);

	if (near)
		snprintf(plan->next, sizeof(plan->next), "@%s %s",
			 g->config->bot_name, near);

	if (!*verb)
		return error_set(e, ERR_REFUSED,
				 "There is no command behind my name.");
	if (near)
		return error_set(e, ERR_REFUSED,
				 "I do not know that word, so nothing was "
				 "done. Did you mean `@%s %s`?",
				 g->config->bot_name, near);
	return error_set(e, ERR_REFUSED,
			 "I do not know that word, so nothing was done.");
}

/* The one revision that all of them mean, if any is named. */
static enum err note_sha(struct plan *plan, const struct args *args,
			 struct error *e)
{
	const char *sha = args_text(args, "sha");

	if (!*sha)
		return ERR_OK;
	if (*plan->sha && strcmp(plan->sha, sha) != 0)
		return error_set(e, ERR_REFUSED,
				 "That names two different revisions, so "
				 "nothing was done. Name one, or none.");
	COPY(plan->sha, sha);
	return ERR_OK;
}

static enum err read_word(const struct engine *g, const json_t *word,
			  struct plan *plan, struct error *e)
{
	const char *verb = js_str(word, "verb");
	const struct command *c = command_find(verb);
	struct args args;

	if (*js_str(word, "error")) {
		COPY(plan->next, NEXT_NOTHING);
		return error_set(e, ERR_REFUSED, "%s", js_str(word, "error"));
	}
	if (!c)
		return unknown_word(g, verb, plan, e);
	if (args_read(c, g->config->bot_name, js_str(word, "args"), &args, e)) {
		snprintf(plan->next, sizeof(plan->next), "@%s help %s",
			 g->config->bot_name, c->name);
		return e->code;
	}
	if (note_sha(plan, &args, e))
		return e->code;
	return plan_add(plan, &args, e);
}

/*
 * The forge may send a delivery again days later.  Asked here, where its clock
 * was just looked at; a clock that is wrong makes nothing late.  When a
 * comment on code was said is not known: its draft is made long before.
 */
static const char *too_late(const struct engine *g, const struct said_record *r)
{
	if (!g->skew.known || !r->made_ms ||
	    strcmp(r->source, "webhook") != 0 ||
	    strcmp(r->kind, SAID_REVIEW_COMMENT) == 0)
		return NULL;
	return scan_too_late(g, r->made_ms, r->received_ms);
}

/* All words are read, then all are authorised, then all run; one that is
 * wrong stops all. */
static enum err read_words(const struct engine *g, const struct said_record *r,
			   struct plan *plan, struct error *e)
{
	CLEANUP(json_decref) json_t *words = js_read(r->words);
	const char *late = too_late(g, r);
	json_t *word;
	size_t i;

	if (late)
		return error_set(e, ERR_REFUSED, "%s", late);
	json_array_foreach (words, i, word)
		if (read_word(g, word, plan, e))
			return e->code;
	if (!plan->count)
		return error_set(e, ERR_REFUSED,
				 "There is no command behind my name.");
	if (check_contradictions(plan, e))
		return e->code;
	drop_deploy(plan);
	return ERR_OK;
}

static const char *role_phrase(enum role role)
{
	static const char *const phrases[ROLE_MAX] = {
		[ROLE_NONE] = "not known",
		[ROLE_CONTRIBUTOR] = "a contributor",
		[ROLE_MAINTAINER] = "a maintainer",
		[ROLE_ADMIN] = "an admin",
	};

	return phrases[role];
}

static enum err authorise_arguments(const struct args *args, enum role role,
				    struct error *e)
{
	const struct command *c = args->command;

	for (size_t i = 0; i < ARGUMENTS_MAX && c->arguments[i].type; i++) {
		const struct argument *a = &c->arguments[i];

		if (args->values[i].given && role < a->role)
			return error_set(e, ERR_REFUSED,
					 "`%s %s` needs the role %s, and you "
					 "are %s here. Leave `%s` out, or ask "
					 "somebody who may.",
					 c->name, a->name, role_name(a->role),
					 role_phrase(role), a->name);
	}
	return ERR_OK;
}

static enum err authorise(const struct engine *g, const struct plan *plan,
			  enum role role, bool is_author, struct error *e)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct command *c = plan->words[i].command;

		if (command_allowed(c, role, is_author)) {
			if (authorise_arguments(&plan->words[i], role, e))
				return e->code;
			continue;
		}
		return error_set(e, ERR_REFUSED,
				 "`%s` needs the role %s, and you are %s here. "
				 "Ask somebody who may to say it, or an admin "
				 "of %s for the role.",
				 c->name, role_name(c->role), role_phrase(role),
				 g->config->bot_name);
	}
	return ERR_OK;
}

/* With what the forge has to say of the person, too. */
static enum err authorise_person(struct engine *g, const struct said_record *r,
				 struct plan *plan, enum role role,
				 bool is_author, struct error *e)
{
	struct error why = ERROR_INIT;
	bool failed;

	if (!authorise(g, plan, role, is_author, &why))
		return permission_check(g, r, plan, is_author, e);
	if (members_failed(g, r->id, &failed, e))
		return e->code;
	if (failed)
		return error_set(e, ERR_REFUSED,
				 "I could not find out whether you belong to "
				 "an organisation that is trusted here; "
				 "nothing was done. Say it again later.");
	/* `help` is refused to them, too. */
	if (role == ROLE_NONE && !is_author)
		COPY(plan->next, NEXT_NOTHING);
	*e = why;
	return e->code;
}

static void free_environments(const struct environment ***list)
{
	free((void *)*list);
}

/* Its sentences stand behind those of the words before. */
static enum err run_word(struct command_call *call, enum verb verb,
			 struct error *e)
{
	CLEANUP(str_release) struct str own = STR_INIT(LIMIT_COMMENT / 8);
	struct str *all = call->text;
	enum err code;

	call->text = &own;
	call->trust_of = 0;
	code = command_run(verb, call, e);
	call->text = all;
	str_addf(all, "%s%s", all->len && own.len ? " " : "", own.text);
	return code;
}

/* The dry runs, one environment after the other. */
static enum err show_plan(const struct engine *g,
			  const struct command_call *call, struct error *e)
{
	CLEANUP(json_decref)
	json_t *view = json_pack("{s:s, s:I, s:s}", "repo", call->pull->repo,
				 "number", (json_int_t)call->pull->number,
				 "public_url", g->config->public_url);

	for (size_t i = 0; i < call->environment_count; i++) {
		char fact[96];

		snprintf(fact, sizeof(fact), "plan:%s",
			 call->environments[i]->name);
		str_puts(call->answer, call->answer->len ? "\n" : "");
		render_plan(call->answer, view,
			    json_object_get(call->facts, fact));
	}
	return str_check(call->answer, e);
}

static enum err run_plan(struct engine *g, const struct said_record *r,
			 const struct pull *p, struct plan *plan,
			 enum role role, struct str *ret_answer,
			 struct str *ret_text, bool *ret_show_state,
			 struct error *e)
{
	__attribute__((cleanup(free_environments)))
	const struct environment **list =
		calloc(g->config->environment_count + 1, sizeof(*list));
	const struct environment *env;
	CLEANUP(json_decref) json_t *facts = NULL;
	const struct command_bot bot = {
		.version = KCIBOT_VERSION,
		.since_ms = g->wall_anchor_ms,
		.unread = g->inbox ? inbox_depth(g->inbox, g->cursor) : 0,
	};
	struct command_call call = {
		.store = g->store,
		.bot = &bot,
		.bot_name = g->config->bot_name,
		.now_ms = g->now_ms,
		.wall_skew_ms = g->wall_skew_ms,
		.environments = list,
		.pull = p,
		.proof = *plan->proof.sha ? &plan->proof : NULL,
		.said_id = r->id,
		.actor_id = r->actor_id,
		.actor = r->actor,
		.role = role,
		.is_author = p->author_id == r->actor_id,
		.origin = strcmp(r->source, "cli") == 0 ? "cli" : "comment",
		.made_ms = r->made_ms,
		.answer = ret_answer,
		.text = ret_text,
	};
	size_t i = 0;

	if (!list)
		return error_set(e, ERR_FATAL, "out of memory");
	while ((env = config_environment_of(g->config, p->repo, &i)) != NULL)
		list[call.environment_count++] = env;
	if (store_said_facts(g->store, r->id, &facts, e))
		return e->code;
	call.facts = facts;
	for (i = 0; i < plan->count; i++) {
		const struct command *c = plan->words[i].command;

		call.args = &plan->words[i];
		if (run_word(&call, c->verb, e)) {
			plan->files = call.files;
			/* It is not about the head. */
			COPY(plan->next, call.next);
			return e->code;
		}
		if (call.trust_of && trust_changed(g, call.trust_of, e))
			return e->code;
	}
	for (i = 0; i < plan->count; i++)
		metric_add(METRIC_COMMANDS, plan->words[i].command->name,
			   "accepted", 1);
	metric_add(METRIC_DISPUTES, p->repo, NULL, call.disputed);
	*ret_show_state = call.show_state;
	return call.show_plan ? show_plan(g, &call, e) : ERR_OK;
}

/* Who waits is told with the reason for waiting. */
static void add_frozen(struct str *text, const json_t *view)
{
	if (!*js_str(view, "frozen_why") ||
	    strcmp(js_str(view, "state"), "waiting") == 0)
		return;
	str_addf(text, "; nothing starts on %s ", js_str(view, "environment"));
	part_frozen(text, view);
}

/* How it stands, in a sentence for each environment. */
static enum err show_state(struct engine *g, const struct pull *p,
			   struct str *text, struct error *e)
{
	const struct environment *env;
	size_t i = 0;

	while ((env = config_environment_of(g->config, p->repo, &i)) != NULL) {
		CLEANUP(json_decref)
		json_t *view = view_pull(g->store, &g->view, env->name, p->repo,
					 p->number, g->now_ms, e);

		if (!view)
			return e->code;
		str_addf(text, "%s%s: ", text->len ? " " : "", env->name);
		render_headline(text, view);
		add_frozen(text, view);
		str_putc(text, '.');
	}
	return ERR_OK;
}

/* A review can get no reaction: the sticky comments say that it was heard. */
static enum err acknowledge(struct engine *g, const struct said_record *r,
			    const struct pull *p, struct error *e)
{
	const struct environment *env;
	size_t i = 0;

	if (strcmp(r->kind, SAID_REVIEW) != 0)
		return ERR_OK;
	while ((env = config_environment_of(g->config, p->repo, &i)) != NULL)
		if (report_sticky(g, p, env, true, e))
			return e->code;
	return ERR_OK;
}

/* Questions of the author are answered in the sticky comment. */
static bool is_for_sticky(const struct said_record *r, const struct pull *p,
			  const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (!plan->words[i].command->question)
			return false;
	return r->comment_id && p->author_id == r->actor_id;
}

static enum err answer_in_sticky(struct engine *g, const struct said_record *r,
				 const struct pull *p, const char *markdown,
				 struct error *e)
{
	const struct environment *env;
	size_t i = 0;

	if (store_pull_answer(g->store, p->id, markdown, g->now_ms, e))
		return e->code;
	while ((env = config_environment_of(g->config, p->repo, &i)) != NULL)
		if (report_sticky(g, p, env, true, e))
			return e->code;
	call_answered(g, r->id, true, markdown);
	return ERR_OK;
}

static enum err accept(struct engine *g, const struct said_record *r,
		       const struct pull *p, struct plan *plan, enum role role,
		       struct error *e)
{
	CLEANUP(str_release) struct str told = STR_INIT(LIMIT_COMMENT / 4);
	CLEANUP(str_release) struct str words = STR_INIT(LIMIT_COMMENT / 2);
	CLEANUP(str_release) struct str state = STR_INIT(LIMIT_COMMENT / 4);
	bool wants_state = false;

	/* Who has a role saw that sign when it was heard. */
	if (role == ROLE_NONE && report_reaction(g, r, "eyes", e))
		return e->code;
	if (run_plan(g, r, p, plan, role, &words, &told, &wants_state, e) ||
	    store_said_end(g->store, r->id, "accepted", "", e) ||
	    acknowledge(g, r, p, e) || store_touch(g->store, p->id, e))
		return e->code;
	if (is_for_sticky(r, p, plan))
		return answer_in_sticky(g, r, p, words.len ? words.text : "",
					e);
	if (wants_state && show_state(g, p, &state, e))
		return e->code;
	str_addf(&told, "%s%s", told.len && state.len ? " " : "", state.text);
	if (!r->comment_id && !words.len && !told.len)
		return answer(g, r, p, true, "accepted", NULL, "", e);
	return answer(g, r, p, true, told.text, words.len ? words.text : NULL,
		      "", e);
}

/*
 * One that is refused when others have run already takes them back: what was
 * said together happens together.
 */
static enum err accept_whole(struct engine *g, const struct said_record *r,
			     const struct pull *p, struct plan *plan,
			     enum role role, struct error *e)
{
	enum err code;

	if (store_try(g->store, e))
		return e->code;
	code = accept(g, r, p, plan, role, e);
	if (!code)
		return store_try_keep(g->store, e);
	if (code == ERR_REFUSED) {
		struct error why = ERROR_INIT;

		plan->taken_back = plan->count > 1;
		if (store_try_undo(g->store, &why)) {
			*e = why;
			return e->code;
		}
	}
	return code;
}

/* What came of asking the forge for the pull. */
struct checked {
	struct record_before before;
	bool stale; /* the answer is older than what is known */
};

/* Or asks for what is only worth asking now. */
static enum err decide(struct engine *g, const struct said_record *r,
		       const struct pull *p, const struct checked *checked,
		       struct plan *plan, struct error *e)
{
	enum role role;
	bool deploys = false, asked = false;
	enum err code;
	size_t first = 0;

	if (!config_environment_of(g->config, p->repo, &first))
		return error_set(e, ERR_REFUSED,
				 "This repository is not deployed by me any "
				 "more; nothing was done.");
	if (role_of(g, r->actor_id, p->repo, &role, e))
		return e->code;
	code = read_words(g, r, plan, e);
	if (!code)
		code = authorise_person(g, r, plan, role,
					p->author_id == r->actor_id, e);
	for (size_t i = 0; !code && i < plan->count; i++)
		deploys |= plan->words[i].command->deploys;
	if (!code && deploys)
		code = checked->stale
			       ? prove_stale(g, plan, p, e)
			       : prove_head(g, r, plan, &checked->before, p, e);
	/* Not before: a doubtful head is not worth reading. */
	if (!code)
		code = paths_need(g, r, plan, p, role, &asked, e);
	if (code || asked)
		return code;
	return accept_whole(g, r, p, plan, role, e);
}

static void release_checked(struct checked *c)
{
	record_before_release_at(&c->before);
}

/* Before the answer changes what is on record. */
static enum err compare_with_record(struct engine *g, const struct pull *now,
				    struct checked *ret, struct error *e)
{
	struct pull known = {0};
	enum err code = store_pull(g->store, now->repo, now->number, &known, e);

	if (code && code != ERR_MISSING)
		return code;
	ret->stale = now->updated_ms && now->updated_ms < known.updated_ms;
	return record_before(g, &known, &ret->before, e);
}

/*
 * The pull as the forge shows it, which is the last thing to know.  again:
 * how often it showed something older than it had told before; it is asked
 * later then, by twice the time each.
 */
static enum err want_pull(struct engine *g, const struct said_record *r,
			  int64_t again, struct error *e)
{
	int64_t wait = again ? STALE_WAIT_MS << (again - 1) : 0;
	char key[64];

	snprintf(key, sizeof(key), "said:%lld", (long long)r->id);
	return store_outbox_add_later(
		g->store, "forge.pull", "", key,
		json_pack("{s:s, s:I, s:I, s:I}", "repo", r->repo, "number",
			  (json_int_t)r->number, "said", (json_int_t)r->id,
			  "again", (json_int_t)again),
		g->now_ms + wait, g->now_ms, e);
}

/* --- before it can be decided --- */

/* Who they are comes first, and again when that has grown old meanwhile. */
static enum err ask_members(struct engine *g, const struct said_record *r,
			    bool *ret_asked, struct error *e)
{
	struct error why = ERROR_INIT;
	struct plan plan = {0};

	if (read_words(g, r, &plan, &why))
		return ERR_OK;
	return members_ask(g, r, ret_asked, e);
}

/*
 * Nothing is asked of the forge for somebody who will be refused anyway; the
 * refusal itself needs the pull.
 */
static enum err ask_needs(struct engine *g, const struct said_record *r,
			  bool *ret_asked, struct error *e)
{
	struct error why = ERROR_INIT;
	struct plan plan = {0};
	enum role role;
	bool is_author;

	if (ask_members(g, r, ret_asked, e))
		return e->code;
	if (*ret_asked || read_words(g, r, &plan, &why))
		return ERR_OK;
	if (role_of(g, r->actor_id, r->repo, &role, e) ||
	    is_known_author(g, r, &is_author, e))
		return e->code;
	if (authorise(g, &plan, role, is_author, &why))
		return ERR_OK;
	return needs_ask(g, r, &plan, ret_asked, e);
}

/* A refusal that is about files lists them. */
static enum err refuse_plan(struct engine *g, const struct said_record *r,
			    const struct pull *p, const struct plan *plan,
			    const char *why, struct error *e)
{
	CLEANUP(str_release) struct str text = STR_INIT(LIMIT_COMMENT / 2);

	str_puts(&text, why);
	if (plan->files)
		render_files(&text, plan->files);
	if (plan->taken_back)
		str_addf(&text, "%sSo none of the other commands was done.",
			 plan->files ? "\n\n" : " ");
	if (str_check(&text, e))
		return e->code;
	return refuse_with(
		g, r, p, text.text, plan->next,
		*plan->proof.sha ? evidence_of_proof(&plan->proof) : NULL, e);
}

enum err hear_checked(struct engine *g, const json_t *args,
		      const struct outcome *o, struct error *e)
{
	__attribute__((cleanup(release_checked))) struct checked checked = {0};
	int64_t tries = js_int(args, "again", 0);
	struct said_record r;
	struct error why = ERROR_INIT;
	struct pull p;
	CLEANUP(plan_release) struct plan plan = {0};
	bool asked = false;
	enum err code;

	if (store_said(g->store, js_int(args, "said", 0), &r, e))
		return e->code;
	if (strcmp(r.state, "checking") != 0)
		return ERR_OK;
	if (o->code && o->http_status == 404)
		return refuse_blind(g, &r,
				    "There is no pull request of that number, "
				    "or I may not see it; nothing was done.",
				    "", e);
	if (o->code || pull_from_json(&p, r.repo, o->body, &why))
		return refuse_blind(g, &r,
				    "I could not read this pull request from "
				    "the forge; nothing was done. Say it "
				    "again later.",
				    "", e);
	if (compare_with_record(g, &p, &checked, e))
		return e->code;
	if (checked.stale && tries < STALE_TRIES)
		return want_pull(g, &r, tries + 1, e);
	if (pull_seen(g, &p, PULL_SOURCE_API, false, e) ||
	    ask_members(g, &r, &asked, e))
		return e->code;
	if (asked)
		return ERR_OK;
	code = decide(g, &r, &p, &checked, &plan, &why);
	if (code == ERR_REFUSED)
		return refuse_plan(g, &r, &p, &plan, why.text, e);
	if (code)
		*e = why;
	return code;
}

enum err hear_failed(struct engine *g, int64_t said_id, struct error *e)
{
	struct said_record r;

	if (store_said(g->store, said_id, &r, e))
		return e->code;
	if (strcmp(r.state, "checking") != 0)
		return ERR_OK;
	return refuse_blind(g, &r,
			    "Something went wrong here; nothing was done. Say "
			    "it again later.",
			    "", e);
}

enum err decide_next(struct engine *g, const struct said_record *r,
		     struct error *e)
{
	bool asked = false;

	if (ask_needs(g, r, &asked, e))
		return e->code;
	/* The pull comes last: nothing is fresher when it is decided. */
	return asked ? ERR_OK : want_pull(g, r, 0, e);
}
