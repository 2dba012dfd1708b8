/*
 * What happens to locks and freezes as time passes, and who is told: a lock
 * is warned of and ends, errors in a row have stopped an environment.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/limits.h"
#include "bot/base/log.h"
#include "bot/base/str.h"
#include "bot/engine_internal.h"
#include "bot/metrics.h"
#include "bot/render.h"
#include "bot/view_parts.h"
#include "deploy/freeze.h"
#include "store/audit.h"
#include "store/lock.h"
#include "store/request.h"

/* A sentence for each of so many environments, and the names of all. */
#define HELD_TOLD 5
#define TEXT_MAX 8192

/* A new comment of its own, which nothing edits later; where people want no
 * new ones, the reply. */
static enum err want_notice(struct engine *g, const struct pull *p,
			    const struct reply *reply, struct error *e)
{
	CLEANUP(str_release) struct str body = STR_INIT(LIMIT_COMMENT);
	char marker[160];

	render_reply(&body, reply);
	if (str_check(&body, e))
		return e->code;
	if (strcmp(p->verbosity, "quiet") == 0)
		return report_reply(g, p, body.text, reply->key, e);
	snprintf(marker, sizeof(marker), "<!-- kcibot:key %s -->", reply->key);
	return store_outbox_add(g->store, "forge.comment", "", reply->key,
				json_pack("{s:s, s:I, s:s, s:s}", "repo",
					  p->repo, "number",
					  (json_int_t)p->number, "body",
					  body.text, "marker", marker),
				0, g->now_ms, e);
}

/* --- locks --- */

/* Those from one word of one person, which are told together. */
static size_t run_of(const struct lock *list, size_t count)
{
	size_t n = 1;

	while (n < count && list[n].said_id == list[0].said_id &&
	       list[n].until_ms == list[0].until_ms &&
	       strcmp(list[n].ended_by, list[0].ended_by) == 0)
		n++;
	return n;
}

static void add_names(struct str *out, const struct lock *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		str_addf(out, "%s`%s`", i ? ", " : "", list[i].environment);
}

static int64_t wall_of(const struct engine *g)
{
	return g->now_ms + g->wall_skew_ms;
}

static enum err warn(struct engine *g, const struct lock *list, size_t count,
		     struct error *e)
{
	CLEANUP(str_release) struct str text = STR_INIT(TEXT_MAX);
	CLEANUP(str_release) struct str body = STR_INIT(LIMIT_COMMENT);
	char key[64];
	struct reply reply = {.key = key, .login = list->owner};
	struct pull p;

	for (size_t i = 0; i < count; i++)
		if (store_lock_warned(g->store, list[i].id, e))
			return e->code;
	str_puts(&text, "your lock of ");
	add_names(&text, list, count);
	str_puts(&text, " ends at ");
	part_moment(&text, list->until_ms, wall_of(g));
	str_addf(&text,
		 ". `@%s lock 2h` makes it longer, `@%s unlock` ends "
		 "it now.",
		 g->config->bot_name, g->config->bot_name);
	reply.text = text.text;
	snprintf(key, sizeof(key), "lock:%lld:warn", (long long)list->id);
	render_reply(&body, &reply);
	if (str_check(&text, e) || str_check(&body, e) ||
	    store_pull_by_id(g->store, list->pull_id, &p, e))
		return e->code;
	return report_reply(g, &p, body.text, key, e);
}

/* A window or errors in a row may hold what the lock held no more. */
static enum err look_at(struct engine *g, const char *name,
			struct freeze_state *ret, struct error *e)
{
	const struct environment *env = config_environment(g->config, name);
	struct flow f;

	*ret = (struct freeze_state){0};
	if (!env)
		return ERR_OK;
	flow_of(g, env, &f);
	return freeze_look(&f, ret, e);
}

static void add_held(const struct engine *g, const char *name,
		     const struct freeze_state *freeze, struct str *out)
{
	str_addf(out, " Still nothing starts on `%s`", name);
	if (freeze->until_ms) {
		str_puts(out, " until ");
		part_moment(out, freeze->until_ms, wall_of(g));
	}
	str_addf(out, ": %s.", freeze->why);
}

static enum err add_what_goes_on(struct engine *g, const struct lock *list,
				 size_t count, struct str *out, struct error *e)
{
	size_t held = 0;

	for (size_t i = 0; i < count; i++) {
		struct freeze_state freeze;

		if (look_at(g, list[i].environment, &freeze, e))
			return e->code;
		if (freeze.frozen && held++ < HELD_TOLD)
			add_held(g, list[i].environment, &freeze, out);
	}
	if (held > HELD_TOLD)
		str_addf(out, " Nor on %zu more.", held - HELD_TOLD);
	if (held < count)
		str_addf(out, " What waited %s goes on.",
			 held ? "elsewhere" : "there");
	return ERR_OK;
}

static enum err tell_end(struct engine *g, const struct lock *list,
			 size_t count, struct error *e)
{
	CLEANUP(str_release) struct str text = STR_INIT(TEXT_MAX);
	char key[64];
	struct reply reply = {.key = key, .login = list->owner};
	struct pull p;

	for (size_t i = 0; i < count; i++)
		if (store_lock_told(g->store, list[i].id, e))
			return e->code;
	str_puts(&text, "your lock of ");
	add_names(&text, list, count);
	if (*list->ended_by)
		str_addf(&text, " was ended by %s", list->ended_by);
	else
		str_puts(&text, " is over, its time has come");
	if (*list->end_reason)
		str_addf(&text, ": %s", list->end_reason);
	str_putc(&text, '.');
	if (add_what_goes_on(g, list, count, &text, e))
		return e->code;
	reply.text = text.text;
	snprintf(key, sizeof(key), "lock:%lld:end", (long long)list->id);
	log_info("to %s: %s", list->owner, text.text);
	if (str_check(&text, e) ||
	    store_pull_by_id(g->store, list->pull_id, &p, e))
		return e->code;
	return want_notice(g, &p, &reply, e);
}

static enum err for_each_run(struct engine *g, struct lock *list, size_t count,
			     enum err (*tell)(struct engine *g,
					      const struct lock *list,
					      size_t count, struct error *e),
			     struct error *e)
{
	enum err code = ERR_OK;
	size_t n;

	for (size_t i = 0; !code && i < count; i += n) {
		n = run_of(&list[i], count - i);
		code = tell(g, &list[i], n, e);
	}
	free(list);
	return code;
}

static enum err tick_locks(struct engine *g, struct error *e)
{
	struct lock *list;
	size_t count;

	if (store_locks_expire(g->store, wall_of(g), e) ||
	    store_locks_to_tell(g->store, &list, &count, e) ||
	    for_each_run(g, list, count, tell_end, e) ||
	    store_locks_to_warn(g->store, wall_of(g), &list, &count, e))
		return e->code;
	return for_each_run(g, list, count, warn, e);
}

/* --- errors in a row --- */

static enum err tell_one_broken(struct engine *g, const struct request *r,
				int64_t cycle, struct error *e)
{
	CLEANUP(str_release) struct str text = STR_INIT(1024);
	char key[96], next[64];
	struct reply reply = {.key = key, .login = r->actor, .next = next};
	struct pull p;

	str_addf(&text,
		 "`%s` is frozen: its last %d cycles ended in errors of the "
		 "infrastructure, the last is cycle %lld. What you asked for "
		 "waits. When it is mended, a maintainer says:",
		 r->environment, FREEZE_ERRORS, (long long)cycle);
	reply.text = text.text;
	snprintf(next, sizeof(next), "@%s unlock", g->config->bot_name);
	snprintf(key, sizeof(key), "broken:%lld:%lld", (long long)cycle,
		 (long long)r->pull_id);
	if (str_check(&text, e) ||
	    store_pull_by_id(g->store, r->pull_id, &p, e))
		return e->code;
	return want_notice(g, &p, &reply, e);
}

/* One comment for each pull that somebody waits for. */
static enum err tell_state(struct engine *g, const char *name,
			   const char *state, int64_t cycle, struct error *e)
{
	struct request *list;
	size_t count;
	enum err code = ERR_OK;

	if (store_requests_in(g->store, name, state, &list, &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++) {
		bool first = list[i].pull_id && *list[i].actor;

		for (size_t j = 0; j < i; j++)
			first &= list[j].pull_id != list[i].pull_id ||
				 !*list[j].actor;
		if (first)
			code = tell_one_broken(g, &list[i], cycle, e);
	}
	free(list);
	return code;
}

static enum err tick_breaker(struct engine *g, const char *name,
			     struct error *e)
{
	struct freeze_record record;

	if (store_freeze(g->store, name, &record, e))
		return e->code;
	if (!record.broken_ms || record.broken_told)
		return ERR_OK;
	log_warning("%s is frozen after %d errors in a row, the last in cycle "
		    "%lld; unlock resumes",
		    name, FREEZE_ERRORS, (long long)record.broken_cycle);
	metric_add(METRIC_BREAKER, name, NULL, 1);
	if (store_breaker_told(g->store, name, e) ||
	    store_audit(g->store, g->now_ms, AUDIT_BOT, "freeze", name,
			"errors in a row", e))
		return e->code;
	return tell_state(g, name, "waiting", record.broken_cycle, e);
}

enum err locks_tick(struct engine *g, struct error *e)
{
	if (tick_locks(g, e))
		return e->code;
	for (size_t i = 0; i < g->config->environment_count; i++)
		if (tick_breaker(g, g->config->environments[i].name, e))
			return e->code;
	return ERR_OK;
}

enum err locks_next(struct engine *g, int64_t *ret_ms, struct error *e)
{
	if (store_lock_next(g->store, ret_ms, e))
		return e->code;
	if (*ret_ms)
		*ret_ms -= g->wall_skew_ms;
	return ERR_OK;
}
