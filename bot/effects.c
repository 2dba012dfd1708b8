/*
 * The kinds of effects: which port performs one, how often it is tried, and
 * what its answer leads to.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/limits.h"
#include "bot/base/log.h"
#include "bot/engine_internal.h"
#include "bot/metrics.h"
#include "bot/trust.h"

enum which_port {
	PORT_FORGE,
	PORT_GIT,
	PORT_JOBS,
};

enum kind_flags {
	/* A 404 or 422 may only mean that the forge has not caught up with a
	 * write of a moment ago: believed at the LAG_TRIESth try. */
	LAGS = 1 << 0,
	/* Nobody waits for it: a failure is a line in the log. */
	QUIET = 1 << 1,
	/* That it is not there, or not for us, is an answer as any other. */
	MAY_LACK = 1 << 2,
	/* What may have begun is asked about until it is known: giving up does
	 * not stop it, and the next must not begin beside it. */
	MUST_KNOW = 1 << 3,
	/* What people read.  Nobody asks and waits for the answer, so a 404 or
	 * 422 is not believed for LAG_MS; what has a target tells how things
	 * stand and is put off, not given up. */
	TELLS = 1 << 4,
};

struct effect_kind {
	const char *name;
	const char *call; /* the port's kind; NULL = the same */
	enum which_port port;
	int tries; /* 0 = until LIMIT_EFFECT_AGE_MS */
	unsigned flags;
	/* Also called with a final failure (o->code).  NULL: nothing more. */
	enum err (*answered)(struct engine *g, const json_t *args,
			     const struct outcome *o, struct error *e);
};

#define LAG_TRIES 4
/* For so long the forge has been seen not to know what it had made. */
#define LAG_MS (15LL * 60 * 1000)
/* What was put off waits for people, or for luck. */
#define PUT_OFF_LEAST_MS (5LL * 60 * 1000)

static enum err batched(struct engine *g, const json_t *args,
			const struct outcome *o, struct error *e);
static enum err pushed(struct engine *g, const json_t *args,
		       const struct outcome *o, struct error *e);
static enum err tagged(struct engine *g, const json_t *args,
		       const struct outcome *o, struct error *e);
static enum err job_ended(struct engine *g, const json_t *args,
			  const struct outcome *o, struct error *e);

/* clang-format off */
static const struct effect_kind kinds[] = {
	/* name             call          port        tries flags         answered */
	{ "forge.self",      NULL,         PORT_FORGE, 0,     QUIET,        scan_self },
	{ "forge.user",      NULL,         PORT_FORGE, 0,     0,            scan_seed },
	{ "forge.pull",      NULL,         PORT_FORGE, 8,     LAGS | QUIET,         hear_checked },
	{ "forge.refresh",   "forge.pull", PORT_FORGE, 8,     QUIET,        scan_pull },
	{ "forge.pulls",     NULL,         PORT_FORGE, 3,     QUIET,        scan_pulls },
	{ "forge.comments",  NULL,         PORT_FORGE, 3,     QUIET,        scan_comments },
	{ "forge.review_comments", NULL,   PORT_FORGE, 3,     QUIET,        scan_review_comments },
	{ "forge.reviews",   NULL,         PORT_FORGE, 3,     QUIET,        scan_reviews },
	{ "forge.hooks",     NULL,         PORT_FORGE, 2,     QUIET | MAY_LACK, scan_hooks },
	{ "forge.deliveries", NULL,        PORT_FORGE, 2,     QUIET | MAY_LACK, redeliver_listed },
	{ "forge.redeliver", NULL,         PORT_FORGE, 2,     QUIET | MAY_LACK, NULL },
	{ "forge.comment",   NULL,         PORT_FORGE, 0,     LAGS | TELLS, report_posted },
	{ "forge.reaction",  NULL,         PORT_FORGE, 0,     LAGS | QUIET, NULL },
	{ "forge.review_reaction", NULL,   PORT_FORGE, 0,     LAGS | QUIET, NULL },
	{ "forge.status",    NULL,         PORT_FORGE, 0,     LAGS | TELLS, NULL },
	{ "said.user",       "forge.user", PORT_FORGE, 4,     LAGS | QUIET, needs_answered },
	{ "said.pull",       "forge.pull", PORT_FORGE, 8,    LAGS | QUIET, needs_pull_answered },
	{ "said.plan",       "git.batch",  PORT_GIT,  2,     QUIET,        needs_plan_answered },
	{ "said.permission", "forge.permission", PORT_FORGE, 4, QUIET,      permission_answered },
	{ "member.name",     "forge.user", PORT_FORGE, 4,     QUIET,        member_named },
	{ "member.ask",      "forge.org_member", PORT_FORGE, 4, QUIET,      member_answered },
	{ "said.paths",      "git.paths",   PORT_GIT,   4,     QUIET,        paths_said },
	{ "git.paths",       NULL,         PORT_GIT,   6,     QUIET,        paths_answered },
	{ "git.batch",       NULL,         PORT_GIT,   6,     0,            batched },
	{ "git.push",        NULL,         PORT_GIT,   6,     0,            pushed },
	{ "git.tag",         NULL,         PORT_GIT,   6,     QUIET,        tagged },
	{ "job.run",         NULL,         PORT_JOBS,  4,     MUST_KNOW,    job_ended },
	{ "job.cancel",      NULL,         PORT_JOBS,  0,     QUIET,        NULL },
};
/* clang-format on */

static const struct effect_kind *kind_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

/* --- sending --- */

static struct port *port_of(struct engine *g, enum which_port port)
{
	switch (port) {
	case PORT_FORGE:
		return g->set.forge;
	case PORT_GIT:
		return g->set.git;
	case PORT_JOBS:
		break;
	}
	return g->set.jobs;
}

/* The comment of a slot, once an earlier effect has made it. */
static void set_comment_id(struct engine *g, json_t *args)
{
	struct error e = ERROR_INIT;
	struct posted posted;

	if (store_posted(g->store, js_int(args, "pull", 0),
			 js_str(args, "slot"), &posted, &e))
		return;
	json_object_set_new(args, "comment_id",
			    json_integer(posted.comment_id));
}

static bool is_lag(const struct outcome *o)
{
	return (o->code == ERR_MISSING || o->code == ERR_INVALID) &&
	       (o->http_status == 404 || o->http_status == 422);
}

/* A newer text for the same place does not begin the wait anew; a restart
 * does. */
static void note_lag(struct engine *g, const struct outbox_row *r,
		     const struct outcome *o)
{
	if (!o->code)
		json_object_del(g->lagging, r->target);
	else if (is_lag(o) && !json_object_get(g->lagging, r->target))
		json_object_set_new(g->lagging, r->target,
				    json_integer(g->now_ms));
}

/* For how long the forge has not shown what it is about. */
static int64_t lag_ms(const struct engine *g, const struct outbox_row *r,
		      int64_t now_ms)
{
	const json_t *since = json_object_get(g->lagging, r->target);

	if (!*r->target)
		return now_ms - r->made_ms;
	return since ? now_ms - json_integer_value(since) : 0;
}

/* Is a 404 or 422 to the next try no answer yet? */
static bool may_lag(const struct engine *g, const struct effect_kind *k,
		    const struct outbox_row *r, int64_t now_ms)
{
	if (!(k->flags & LAGS))
		return false;
	return k->flags & TELLS ? lag_ms(g, r, now_ms) < LAG_MS
				: r->attempts + 1 < LAG_TRIES;
}

static bool send(void *ctx, const struct outbox_row *r)
{
	struct engine *g = ctx;
	const struct effect_kind *kind = kind_of(r->kind);
	struct port *port = kind ? port_of(g, kind->port) : NULL;
	struct effect effect = {
		.id = r->id,
		.kind = kind && kind->call ? kind->call : r->kind,
		.key = r->key,
		.args = r->args,
	};

	if (!port)
		return false; /* the command line has no such port */
	if (r->unknown)
		json_object_set_new(r->args, "lookup", json_true());
	if (*js_str(r->args, "slot"))
		set_comment_id(g, r->args);
	if (*js_str(r->args, "marker"))
		json_object_set_new(r->args, "self_id",
				    json_integer(g->self_id));
	/* A comment that we made may not be there yet. */
	if (may_lag(g, kind, r, engine_now(g)))
		json_object_set_new(r->args, "patient", json_true());
	port->start(port, &effect, engine_outcome, g);
	return true;
}

/* Only a transaction and time make effects due. */
enum err effects_pump(struct engine *g, struct error *e)
{
	int64_t now = engine_now(g);

	if (!g->outbox_news && (!g->outbox_ms || now < g->outbox_ms))
		return ERR_OK;
	if (store_outbox_each(g->store, now, send, g, &g->outbox_ms, e))
		return e->code;
	g->outbox_news = false;
	return ERR_OK;
}

/* --- answers --- */

/*
 * Up to a quarter more, by the effect's id, so that what failed together does
 * not come back together.
 */
static int64_t spread_ms(const struct outbox_row *r, int64_t ms)
{
	uint64_t mix = (uint64_t)(r->id * 2654435761LL + r->attempts * 40503LL);

	return ms + (int64_t)(mix % 1000) * ms / 4000;
}

/* 2 s, 4 s, 8 s, ... */
static int64_t back_off_ms(const struct outbox_row *r)
{
	int64_t n = r->attempts;
	int64_t ms = 1000LL << (n < 10 ? n + 1 : 11);

	if (ms > LIMIT_EFFECT_BACKOFF_MS)
		ms = LIMIT_EFFECT_BACKOFF_MS;
	return spread_ms(r, ms);
}

/* As long again as it has been tried. */
static int64_t put_off_ms(const struct outbox_row *r, int64_t now_ms)
{
	int64_t ms = now_ms - r->made_ms;

	if (ms < PUT_OFF_LEAST_MS)
		ms = PUT_OFF_LEAST_MS;
	if (ms > LIMIT_PUT_OFF_MS)
		ms = LIMIT_PUT_OFF_MS;
	return spread_ms(r, ms);
}

/* Does it say how things stand, until a newer one takes its place? */
static bool tells_state(const struct effect_kind *k, const struct outbox_row *r)
{
	return (k->flags & TELLS) && *r->target;
}

static bool may_try_again(const struct engine *g, const struct effect_kind *k,
			  const struct outbox_row *r, const struct outcome *o)
{
	bool lag = (k->flags & LAGS) && is_lag(o);
	bool must_know = (k->flags & MUST_KNOW) && (r->unknown || o->unknown);

	if (lag)
		return may_lag(g, k, r, g->now_ms);
	/* A token that ran out is put right by people, in their time. */
	if (o->code != ERR_RETRY && o->http_status != 401)
		return false;
	if (k->tries && r->attempts + 1 >= k->tries && !must_know)
		return false;
	return g->now_ms - r->made_ms < LIMIT_EFFECT_AGE_MS;
}

/*
 * Nothing is told twice, so a state whose telling were given up would be
 * believed told until it changes: a status would stay pending for ever.  What
 * the forge does not let us say (a token that ran out, an archived repository,
 * a locked conversation) is put off instead, until it does or something newer
 * takes its place.  What it never saw is our own mistake.
 */
static bool may_put_off(const struct engine *g, const struct effect_kind *k,
			const struct outbox_row *r, const struct outcome *o)
{
	bool answer = strcmp(js_str(r->args, "slot"), SLOT_REPLY) == 0;
	int64_t age = answer ? LIMIT_ANSWER_AGE_MS : LIMIT_STATE_AGE_MS;
	size_t first = 0;

	return tells_state(k, r) &&
	       (o->http_status >= 300 || o->code == ERR_RETRY) &&
	       g->now_ms - r->made_ms < age &&
	       config_environment_of(g->config, js_str(r->args, "repo"),
				     &first);
}

static enum err try_again(struct engine *g, const struct effect_kind *k,
			  const struct outbox_row *r, const struct outcome *o,
			  int64_t wait, enum log_level level, struct error *e)
{
	if (o->wait_ms > wait)
		wait = o->wait_ms;
	metric_add(METRIC_EFFECTS, r->kind, "retry", 1);
	log_at(level, "%s (effect %lld, try %lld) again in %lld s: %s", r->kind,
	       (long long)r->id, (long long)r->attempts + 1,
	       (long long)(wait + 999) / 1000, o->text);
	if (store_outbox_again(g->store, r->id, g->now_ms + wait, o->unknown,
			       o->text, e))
		return e->code;
	return tells_state(k, r) ? store_outbox_yield(g->store, r, g->now_ms, e)
				 : ERR_OK;
}

/* It was not sent before it was due. */
static void measure_skew(struct engine *g, const struct outbox_row *r,
			 const struct outcome *o)
{
	if (o->date_ms)
		skew_measure(&g->skew, o->date_ms,
			     r->not_before_ms > r->made_ms ? r->not_before_ms
							   : r->made_ms,
			     g->now_ms);
}

static enum log_level failure_level(const struct effect_kind *k,
				    const struct outcome *o)
{
	if ((k->flags & MAY_LACK) &&
	    (o->code == ERR_MISSING || o->code == ERR_REFUSED))
		return LOG_DEBUG;
	return k->flags & QUIET ? LOG_WARNING : LOG_ERROR;
}

enum err effects_answered(struct engine *g, struct outcome *o, struct error *e)
{
	CLEANUP(outbox_row_release)
	struct outbox_row r = {0};
	const struct effect_kind *k;
	enum err code = store_outbox_get(g->store, o->id, &r, e);

	if (code)
		return code == ERR_MISSING ? ERR_OK : code;
	k = kind_of(r.kind);
	if (!k)
		return error_set(e, ERR_INVALID, "unknown effect %s", r.kind);
	measure_skew(g, &r, o);
	if ((k->flags & TELLS) && *r.target)
		note_lag(g, &r, o);
	if (o->code && may_try_again(g, k, &r, o))
		return try_again(g, k, &r, o, back_off_ms(&r), LOG_INFO, e);
	if (o->code && may_put_off(g, k, &r, o))
		return try_again(g, k, &r, o, put_off_ms(&r, g->now_ms),
				 failure_level(k, o), e);
	metric_add(METRIC_EFFECTS, r.kind, o->code ? "failed" : "done", 1);
	if (o->code)
		log_at(failure_level(k, o), "%s (effect %lld) failed: %s",
		       r.kind, (long long)r.id, o->text);
	if (store_outbox_end(g->store, r.id, o->code ? "failed" : "done",
			     o->code ? o->text : "", g->now_ms, e))
		return e->code;
	return k->answered ? k->answered(g, r.args, o, e) : ERR_OK;
}

/* --- answers that belong to a cycle --- */

static enum err with_flow(
	struct engine *g, const json_t *args, const struct outcome *o,
	enum err (*step)(const struct flow *f, const json_t *args,
			 const struct outcome *o, struct error *e),
	struct error *e)
{
	const struct environment *env;
	struct cycle c;
	struct flow f;

	if (store_cycle(g->store, js_int(args, "cycle", 0), &c, e))
		return e->code;
	env = config_environment(g->config, c.environment);
	if (!env)
		return ERR_OK; /* ended when the engine started */
	flow_of(g, env, &f);
	return step(&f, args, o, e);
}

static enum err batched(struct engine *g, const json_t *args,
			const struct outcome *o, struct error *e)
{
	return with_flow(g, args, o, flow_batched, e);
}

static enum err pushed(struct engine *g, const json_t *args,
		       const struct outcome *o, struct error *e)
{
	return with_flow(g, args, o, flow_pushed, e);
}

static enum err tagged(struct engine *g, const json_t *args,
		       const struct outcome *o, struct error *e)
{
	return with_flow(g, args, o, flow_tagged, e);
}

static enum err job_ended(struct engine *g, const json_t *args,
			  const struct outcome *o, struct error *e)
{
	return with_flow(g, args, o, flow_job_ended, e);
}

/* --- what cannot be handled --- */

static enum err failed(const struct flow *f, const json_t *args,
		       const struct outcome *o, struct error *e)
{
	return flow_failed(f, args, o->text, e);
}

enum err effects_given_up(struct engine *g, const struct outcome *o,
			  struct error *e)
{
	__attribute__((cleanup(outbox_row_release_at))) struct outbox_row r = {
		0};
	enum err code = store_outbox_get(g->store, o->id, &r, e);
	const struct effect_kind *k;

	if (code)
		return code == ERR_MISSING ? ERR_OK : code;
	if (store_outbox_end(g->store, r.id, "failed", o->text, g->now_ms, e))
		return e->code;
	k = kind_of(r.kind);
	if (js_int(r.args, "said", 0))
		return hear_failed(g, js_int(r.args, "said", 0), e);
	if (js_int(r.args, "cycle", 0) && k && !(k->flags & QUIET))
		return with_flow(g, r.args, o, failed, e);
	return ERR_OK;
}
