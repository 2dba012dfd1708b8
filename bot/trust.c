#include "bot/trust.h"

#include <stdlib.h>

#include "bot/base/log.h"
#include "bot/metrics.h"
#include "deploy/standing.h"
#include "store/principal.h"

/* A delivery that waited may know an older name than we do. */
static enum err is_overtaken(struct engine *g, int64_t id, bool *ret,
			     struct error *e)
{
	struct principal known;
	enum err code;

	*ret = false;
	if (g->heard_ms >= g->now_ms)
		return ERR_OK;
	code = store_principal(g->store, id, &known, e);
	if (code)
		return code == ERR_MISSING ? ERR_OK : code;
	*ret = known.seen_ms > g->heard_ms && known.seen_ms <= g->now_ms;
	return ERR_OK;
}

enum err principal_named(struct engine *g, int64_t id, const char *login,
			 const char *kind, struct error *e)
{
	struct principal_news news;
	bool overtaken;

	if (is_overtaken(g, id, &overtaken, e))
		return e->code;
	if (overtaken)
		return ERR_OK;
	if (store_principal_named(g->store, id, login, kind, g->heard_ms, &news,
				  e))
		return e->code;
	if (*news.before) {
		log_info("%s (%lld) was called %s before", login, (long long)id,
			 news.before);
		metric_add(METRIC_LOGINS, "changed", NULL, 1);
	}
	if (news.before_id) {
		log_warning("%s (%lld) has a login that belonged to %lld, who "
			    "is trusted; nothing is transferred",
			    login, (long long)id, (long long)news.before_id);
		metric_add(METRIC_LOGINS, "reused", NULL, 1);
	}
	return ERR_OK;
}

static enum err follow_on(struct engine *g, const struct environment *env,
			  const struct project *project, int64_t author_id,
			  struct error *e)
{
	CLEANUP(free) char *owned = NULL;
	struct pull *pulls;
	struct flow f;
	size_t count;

	if (store_pulls_open(g->store, project->repo, &pulls, &count, e))
		return e->code;
	owned = (char *)pulls;
	flow_of(g, env, &f);
	for (size_t i = 0; i < count; i++) {
		const struct pull *p = &pulls[i];
		enum standing standing;

		if (p->author_id != author_id)
			continue;
		if (store_touch(g->store, p->id, e) ||
		    standing_of(g->store, env, project, p, g->now_ms, &standing,
				e) ||
		    (standing == STANDING_IN &&
		     schedule_wish(&f, "state", p->id, p->head_sha, e)))
			return e->code;
	}
	return ERR_OK;
}

enum err pulls_follow(struct engine *g, int64_t author_id, struct error *e)
{
	for (size_t i = 0; i < g->config->environment_count; i++) {
		const struct environment *env = &g->config->environments[i];

		for (size_t j = 0; j < env->project_count; j++)
			if (follow_on(g, env, &env->projects[j], author_id, e))
				return e->code;
	}
	return ERR_OK;
}

enum err trust_changed(struct engine *g, int64_t id, struct error *e)
{
	if (pulls_follow(g, id, e))
		return e->code;
	/* Of an organisation: its members', once it is known who they are. */
	return members_refresh(g, 0, e);
}
