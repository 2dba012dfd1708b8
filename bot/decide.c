/*
 * Deciding what was said: what must be known for it is asked for first
 * (needs.c), then it is read and authorised (words.c), the head is proven
 * (prove.c), and it runs (accept.c) or is refused (respond.c).
 */
#include <string.h>

#include "bot/base/str.h"
#include "bot/decide.h"
#include "bot/render.h"
#include "bot/trust.h"
#include "commands/evidence.h"

/* The forge's parts do not always agree: it is asked again so often, first
 * after so long. */
#define STALE_TRIES 4
#define STALE_WAIT_MS 1000

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
	code = plan_read(g, r, plan, e);
	if (!code)
		code = plan_authorise_person(g, r, plan, role,
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
	return plan_accept(g, r, p, plan, role, e);
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

	if (plan_read(g, r, &plan, &why))
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
	if (*ret_asked || plan_read(g, r, &plan, &why))
		return ERR_OK;
	if (role_of(g, r->actor_id, r->repo, &role, e) ||
	    is_known_author(g, r, &is_author, e))
		return e->code;
	if (plan_authorise(g, &plan, role, is_author, &why))
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
