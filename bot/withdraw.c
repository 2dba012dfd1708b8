/*
 * Taking back: who edits or deletes what was said means it no more.  What has
 * not started is dropped; a cycle that runs goes on.  Nothing ever runs
 * because of an edit.
 */
#include <string.h>

#include "bot/base/log.h"
#include "bot/base/str.h"
#include "bot/decide.h"
#include "bot/metrics.h"
#include "bot/render.h"
#include "store/audit.h"
#include "store/request.h"

/* How it was taken back, and by whom. */
struct taking {
	const char *how; /* "edited", "dismissed", "deleted" */
	const char *login;
	int64_t id; /* 0: nobody told us */
};

static const char *text_for(const struct taking *t)
{
	if (strcmp(t->how, "dismissed") == 0)
		return "The review was dismissed, so I dropped what it asked "
		       "for and had not started. If you still want it, say it "
		       "in a comment.";
	return "That was edited, so I dropped what it asked for and had not "
	       "started: I never act on an edit. If you still want it, say it "
	       "in a new comment.";
}

static bool is_gone(const struct taking *t)
{
	return strcmp(t->how, "deleted") == 0;
}

/* One short line, at most; on what is deleted there is nothing to sign. */
static enum err tell(struct engine *g, const struct said_record *r,
		     const struct pull *p, const struct taking *t, bool told,
		     struct error *e)
{
	CLEANUP(str_release) struct str body = STR_INIT(LIMIT_COMMENT);
	char key[64];
	struct reply reply = {
		.key = key,
		.login = t->id ? t->login : r->actor,
		.text = text_for(t),
	};

	if (is_gone(t))
		return ERR_OK;
	if (report_reaction(g, r, "confused", e))
		return e->code;
	if (!p || told)
		return ERR_OK;
	snprintf(key, sizeof(key), "withdrawn:%lld", (long long)r->id);
	render_reply(&body, &reply);
	if (str_check(&body, e))
		return e->code;
	return report_reply(g, p, body.text, key, e);
}

static enum err note(struct engine *g, const struct said_record *r,
		     const struct taking *t, struct error *e)
{
	char actor[96], subject[256];

	if (t->id)
		snprintf(actor, sizeof(actor), "%s (%lld)", t->login,
			 (long long)t->id);
	else
		snprintf(actor, sizeof(actor), "unknown");
	snprintf(subject, sizeof(subject), "%s#%lld, %s %lld of %s (%lld)",
		 r->repo, (long long)r->number, r->kind,
		 (long long)r->comment_id, r->actor, (long long)r->actor_id);
	metric_add(METRIC_COMMANDS, "any", "withdrawn", 1);
	log_info("%s was %s by %s", subject, t->how, actor);
	return store_audit(g->store, g->now_ms, actor, "withdrawn", subject,
			   t->how, e);
}

static enum err take_back(struct engine *g, int64_t said_id,
			  const struct taking *t, bool *ret_any,
			  struct error *e)
{
	struct said_record r;
	bool checking, dropped, told;
	enum role role;
	struct pull p;
	enum err code;

	*ret_any = false;
	if (store_said(g->store, said_id, &r, e) ||
	    store_requests_withdraw(g->store, said_id, &dropped, e) ||
	    role_of(g, r.actor_id, r.repo, &role, e) ||
	    is_told(g, &r, role, &told, e))
		return e->code;
	checking = strcmp(r.state, "checking") == 0;
	if (checking &&
	    store_said_end(g->store, r.id, "withdrawn", told ? "" : t->how, e))
		return e->code;
	if (!checking && !dropped)
		return ERR_OK;
	*ret_any = true;
	code = store_pull(g->store, r.repo, r.number, &p, e);
	if (code && code != ERR_MISSING)
		return code;
	if (note(g, &r, t, e) || (!code && store_touch(g->store, p.id, e)))
		return e->code;
	return tell(g, &r, code ? NULL : &p, t, told, e);
}

enum err hear_taken_back(struct engine *g, const struct heard *h,
			 const char *how, const json_t *sender,
			 const char **ret_result, struct error *e)
{
	const struct taking t = {
		.how = how,
		.login = js_str(sender, "login"),
		.id = js_int(sender, "id", 0),
	};
	int64_t id = js_int(h->object, "id", 0), known;
	bool any;

	*ret_result = "ignored";
	/* Bots edit all day, and were never heard. */
	if (id <= 0 || is_bot(g, h->object))
		return ERR_OK;
	if (store_said_find(g->store, h->kind, id, &known, e))
		return e->code;
	/* Kept for when its beginning is heard of after its end. */
	if (!known)
		return store_taken_back_add(g->store, h->kind, id, how,
					    g->now_ms, e);
	if (take_back(g, known, &t, &any, e))
		return e->code;
	*ret_result = any ? "withdrawn" : "ignored";
	return ERR_OK;
}

enum err hear_again(struct engine *g, const struct heard *h, bool *ret_known,
		    struct error *e)
{
	const struct taking t = {
		.how = heard_dismissed(h) ? "dismissed" : "edited",
		.login = "",
	};
	int64_t id = js_int(h->object, "id", 0), known, edited_ms;
	struct said_record r;
	bool any;

	*ret_known = false;
	if (store_said_find(g->store, h->kind, id, &known, e))
		return e->code;
	if (!known)
		return ERR_OK;
	*ret_known = true;
	/* The webhook that told of it may not have come. */
	if (heard_dismissed(h))
		return take_back(g, known, &t, &any, e);
	if (store_said(g->store, known, &r, e))
		return e->code;
	/* Compared with what was heard, not with its making: a draft comment
	 * on code is made long before its review is submitted. */
	if (!r.edited_ms ||
	    !time_parse_iso(js_str(h->object, "updated_at"), &edited_ms) ||
	    edited_ms <= r.edited_ms)
		return ERR_OK;
	return take_back(g, known, &t, &any, e);
}
