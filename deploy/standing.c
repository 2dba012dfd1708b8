#include "deploy/standing.h"

#include <stdlib.h>
#include <string.h>

#include "bot/base/clock.h"
#include "deploy/sensitive.h"
#include "store/lock.h"
#include "store/request.h"
#include "store/trust.h"

static bool base_fits(const struct environment *env,
		      const struct project *project, const struct pull *p)
{
	if (strcmp(p->base_ref, project->base) == 0)
		return true;
	return env->label_include && *env->label_include &&
	       pull_has_label(p, env->label_include);
}

bool standing_base_fits(const struct environment *env, const struct pull *p)
{
	const struct project *project = environment_project(env, p->repo);

	return project && base_fits(env, project, p);
}

/* What the pull itself says, without asking who wants it. */
static enum standing plain_standing(const struct environment *env,
				    const struct project *project,
				    const struct pull *p)
{
	if (strcmp(p->state, "open") != 0)
		return STANDING_CLOSED;
	if (p->draft)
		return STANDING_DRAFT;
	if (!base_fits(env, project, p))
		return STANDING_BASE;
	if (env->label_skip && *env->label_skip &&
	    pull_has_label(p, env->label_skip))
		return STANDING_SKIP;
	if (p->skipped_ms)
		return STANDING_SKIPPED;
	return STANDING_IN;
}

/* Whom people's words have made of a revision. */
struct asked {
	const char *role; /* the highest that asked for it, "" = nobody */
	bool failed;	  /* it was found guilty; they asked since then */
};

/* What was said before the revision was found guilty does not count. */
static enum err asked_for(struct store *s, const struct environment *env,
			  const struct pull *p, int64_t now_ms,
			  struct asked *ret, struct error *e)
{
	struct result r;
	struct cycle c = {0};

	if (store_result(s, p->id, p->head_sha, env->name, &r, e))
		return e->code;
	ret->failed = strcmp(r.outcome, "failure") == 0;
	if (ret->failed && store_cycle(s, r.cycle_id, &c, e))
		return e->code;
	return store_request_asked(s, env->name, p, c.finished_ms, now_ms,
				   &ret->role, e);
}

/* The last question: does it touch what not everybody's word is for? */
static enum err touching(struct store *s, const struct environment *env,
			 const struct project *project, const struct pull *p,
			 const char *role, enum standing *ret, struct error *e)
{
	enum sensitivity found;

	if (sensitive_role_is_enough(env, role))
		return ERR_OK;
	if (sensitive_of(s, env, project, p, &found, NULL, e))
		return e->code;
	if (found == SENSITIVITY_SOME)
		*ret = STANDING_SENSITIVE;
	else if (found == SENSITIVITY_UNREAD)
		*ret = STANDING_UNREAD;
	return ERR_OK;
}

/* What keeps a revision away that nobody asked for. */
static enum err unasked(struct store *s, const struct environment *env,
			const struct pull *p, int64_t now_ms, bool failed,
			enum standing *ret, struct error *e)
{
	bool trusted;

	if (store_unasked(s, p->author_id, p->repo, now_ms, &trusted, e))
		return e->code;
	if (failed)
		*ret = STANDING_FAILED;
	else if (!trusted)
		*ret = STANDING_UNTRUSTED;
	else if (env->policy.stale_after_ms &&
		 p->active_ms + env->policy.stale_after_ms < now_ms)
		*ret = STANDING_STALE;
	return ERR_OK;
}

/* role: as if somebody of that role had just asked; "" = as it is. */
static enum err stand(struct store *s, const struct environment *env,
		      const struct project *project, const struct pull *p,
		      const char *role, int64_t now_ms, enum standing *ret,
		      bool *ret_asked, struct error *e)
{
	struct asked asked = {.role = ""};
	bool quarantined;

	*ret_asked = false;
	*ret = plain_standing(env, project, p);
	if (*ret != STANDING_IN)
		return ERR_OK;
	if (store_quarantined(s, p->id, p->head_sha, env->name, &quarantined,
			      e) ||
	    asked_for(s, env, p, now_ms, &asked, e))
		return e->code;
	if (trust_role_reaches(role, "maintainer") &&
	    trust_role_reaches(role, asked.role))
		asked.role = role;
	*ret_asked = *asked.role != '\0';
	if (quarantined)
		*ret = STANDING_QUARANTINED;
	else if (!*ret_asked &&
		 unasked(s, env, p, now_ms, asked.failed, ret, e))
		return e->code;
	if (*ret != STANDING_IN)
		return ERR_OK;
	return touching(s, env, project, p, asked.role, ret, e);
}

enum err standing_of(struct store *s, const struct environment *env,
		     const struct project *project, const struct pull *p,
		     int64_t now_ms, enum standing *ret, struct error *e)
{
	bool asked;

	return stand(s, env, project, p, "", now_ms, ret, &asked, e);
}

enum err standing_and_asked(struct store *s, const struct environment *env,
			    const struct project *project, const struct pull *p,
			    int64_t now_ms, enum standing *ret, bool *ret_asked,
			    struct error *e)
{
	return stand(s, env, project, p, "", now_ms, ret, ret_asked, e);
}

enum err standing_if_asked(struct store *s, const struct environment *env,
			   const struct project *project, const struct pull *p,
			   const char *role, int64_t now_ms, enum standing *ret,
			   struct error *e)
{
	bool asked;

	return stand(s, env, project, p, role, now_ms, ret, &asked, e);
}

enum err standing_has_word(struct store *s, const struct environment *env,
			   const struct pull *p, int64_t now_ms, bool *ret,
			   struct error *e)
{
	struct asked asked = {.role = ""};

	if (asked_for(s, env, p, now_ms, &asked, e))
		return e->code;
	*ret = sensitive_role_is_enough(env, asked.role);
	return ERR_OK;
}

bool standing_can_be_asked(enum standing standing)
{
	switch (standing) {
	case STANDING_IN:
	case STANDING_FAILED:
	case STANDING_STALE:
	case STANDING_UNTRUSTED:
	case STANDING_SENSITIVE:
	case STANDING_UNREAD:
		return true;
	default:
		return false;
	}
}

/* Only what a login is made of may stand there as code. */
static bool is_plain(const char *login)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_";

	return *login && !login[strspn(login, chars)];
}

/* "`mona` took it out with `skip` on 2026-11-21 14:05 UTC" */
static void add_skip(struct str *out, const struct pull *p)
{
	CLEANUP(str_release) struct str iso = STR_INIT(64);

	time_iso(&iso, p->skipped_ms);
	if (is_plain(p->skipped_by))
		str_addf(out, "`%s`", p->skipped_by);
	else
		str_puts(out, "somebody");
	str_addf(out,
		 " took it out with `skip` on %.10s %.5s UTC: a maintainer "
		 "puts it back with `include`",
		 iso.text, iso.text + strlen("2026-11-21T"));
}

void standing_text(struct str *out, enum standing standing,
		   const struct environment *env, const struct project *project,
		   const struct pull *p)
{
	switch (standing) {
	case STANDING_IN:
		str_puts(out, "it belongs onto staging");
		break;
	case STANDING_CLOSED:
		str_puts(out, "it is closed: reopen it first");
		break;
	case STANDING_DRAFT:
		str_puts(out, "it is a draft: mark it ready for review first");
		break;
	case STANDING_BASE:
		str_addf(out, "it aims at another branch than `%s`",
			 project->base);
		if (env->label_include && *env->label_include)
			str_addf(out,
				 ": change its base, or add the label `%s`",
				 env->label_include);
		break;
	case STANDING_SKIP:
		str_addf(out, "it carries the label `%s`: remove that first",
			 env->label_skip);
		break;
	case STANDING_SKIPPED:
		add_skip(out, p);
		break;
	case STANDING_QUARANTINED:
		str_puts(out, "this revision broke the environment before: "
			      "push a fixed one");
		break;
	case STANDING_FAILED:
		str_puts(out, "this revision failed here: push a fix, or a "
			      "maintainer tries it again with `deploy`");
		break;
	case STANDING_STALE:
		str_puts(out, "nothing happened on it for long: push, or a "
			      "maintainer writes `deploy`");
		break;
	case STANDING_UNTRUSTED:
		str_puts(out, "its author is not on the trust list: a "
			      "maintainer can ask for this revision with "
			      "`deploy`");
		break;
	case STANDING_SENSITIVE:
		str_addf(out,
			 "it changes files that need the word of %s: one can "
			 "ask for this revision with `deploy`",
			 sensitive_whose(env));
		break;
	case STANDING_UNREAD:
		str_addf(out,
			 "what it changes is not read from the repository yet, "
			 "and some files need the word of %s: wait a moment",
			 sensitive_whose(env));
		break;
	case STANDING_MAX:
		break;
	}
}
