/*
 * Running what may run, all of it or nothing, and telling what came of it.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "bot/decide.h"
#include "bot/metrics.h"
#include "bot/render.h"
#include "bot/trust.h"
#include "bot/version.h"
#include "bot/view_parts.h"
#include "commands/call.h"

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
	/* A sentence that was cut says something else. */
	return code ? code : str_check(&own, e);
}

/* The dry runs, one environment after the other. */
static enum err show_plan(const struct engine *g,
			  const struct command_call *call, struct error *e)
{
	CLEANUP(json_decref)
	json_t *view = json_pack("{s:s, s:I, s:s}", "repo", call->pull->repo,
				 "number", (json_int_t)call->pull->number,
				 "public_url", g->config->public_url);
	const struct environment *env;
	size_t i = 0;

	while ((env = config_environment_of(g->config, call->pull->repo, &i))) {
		char fact[96];

		snprintf(fact, sizeof(fact), "plan:%s", env->name);
		str_puts(call->answer, call->answer->len ? "\n" : "");
		render_plan(call->answer, view,
			    json_object_get(call->facts, fact));
	}
	return str_check(call->answer, e);
}

/*
 * All words were authorised before the first of them was done, which may have
 * taken from its speaker what the others need.
 */
static enum err authorise_again(struct engine *g, struct command_call *call,
				struct plan *plan, struct error *e)
{
	struct error why = ERROR_INIT;

	if (role_of(g, call->actor_id, call->pull->repo, &call->role, e))
		return e->code;
	if (!plan_authorise(g, plan, call->role, call->is_author, &why))
		return ERR_OK;
	COPY(plan->next, NEXT_NOTHING);
	return error_set(e, ERR_REFUSED,
			 "That would take from you what the rest of the "
			 "comment needs, so nothing was done. Say it last, "
			 "and by itself.");
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
	size_t i;

	if (!list)
		return error_set(e, ERR_FATAL, "out of memory");
	if (store_said_facts(g->store, r->id, &facts, e))
		return e->code;
	call.facts = facts;
	for (i = 0; i < plan->count; i++) {
		const struct command *c = plan->words[i].command;

		call.args = &plan->words[i];
		if (plan_places(g, p->repo, call.args, list,
				&call.environment_count, e) ||
		    run_word(&call, c->verb, e)) {
			plan->files = call.files;
			/* It is not about the head. */
			COPY(plan->next, call.next);
			return e->code;
		}
		if (!call.trust_of)
			continue;
		if (trust_changed(g, call.trust_of, e) ||
		    (i + 1 < plan->count && authorise_again(g, &call, plan, e)))
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
	if (str_check(&told, e) || str_check(&words, e))
		return e->code;
	if (!r->comment_id && !words.len && !told.len)
		return answer(g, r, p, true, "accepted", NULL, "", e);
	return answer(g, r, p, true, told.text, words.len ? words.text : NULL,
		      "", e);
}

enum err plan_accept(struct engine *g, const struct said_record *r,
		     const struct pull *p, struct plan *plan, enum role role,
		     struct error *e)
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
