/*
 * What who said something is told: an answer, or a refusal that says why and
 * what to type.
 */
#include <string.h>

#include "bot/base/log.h"
#include "bot/base/str.h"
#include "bot/decide.h"
#include "bot/metrics.h"
#include "bot/render.h"
#include "commands/evidence.h"

/* What to type after a refusal; NULL: the sentence says it all. */
static const char *next_line(const char *next, const char *help)
{
	if (next && strcmp(next, NEXT_NOTHING) == 0)
		return NULL;
	return next && !*next ? help : next;
}

enum err answer(struct engine *g, const struct said_record *r,
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

enum err refuse_with(struct engine *g, const struct said_record *r,
		     const struct pull *p, const char *text, const char *next,
		     json_t *more, struct error *e)
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
