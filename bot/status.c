#include "bot/status.h"

#include <stdlib.h>
#include <string.h>

#include "bot/base/clock.h"
#include "bot/render.h"
#include "deploy/schedule.h"
#include "store/lock.h"
#include "deploy/standing.h"
#include "store/request.h"

/* All that the rules look at. */
struct facts {
	const struct pull *pull;
	const char *sha;
	struct result result;
	char wish[10];	   /* state of an open request for this sha, or "" */
	char wish_kind[8]; /* "auto", "short", "full" */
	bool booked;
	int64_t full_ms;     /* when a booked full may start */
	bool aboard;	     /* an unfinished cycle carries it */
	bool listed;	     /* some cycle has listed it */
	bool draining;	     /* before the stage of it */
	struct cycle cycle;  /* that one, the newest */
	struct cycle judged; /* the one that the result is from */
	char revision[16];   /* its result there */
	char reason[512];
	char told[16];	   /* state told last */
	bool told_of_this; /* it led to this pull */
	char against[256]; /* what keeps the head out, "" = nothing */
	char forced_by[64], forced_why[256]; /* "" = nobody did */
	struct freeze_record freeze;
};

static enum err look_at_cycle(const struct flow *f, struct facts *x,
			      struct error *e)
{
	struct revision *list;
	size_t count;
	int64_t id;

	if (store_revision_cycle(f->store, x->pull->id, x->sha, f->env->name,
				 &id, e))
		return e->code;
	if (!id)
		return ERR_OK;
	if (store_cycle(f->store, id, &x->cycle, e) ||
	    store_revisions(f->store, id, &list, &count, e))
		return e->code;
	x->listed = true;
	for (size_t i = 0; i < count; i++) {
		if (list[i].pull_id != x->pull->id ||
		    strcmp(list[i].sha, x->sha) != 0)
			continue;
		snprintf(x->revision, sizeof(x->revision), "%s",
			 list[i].result);
		snprintf(x->reason, sizeof(x->reason), "%s", list[i].reason);
	}
	revisions_free(list, count);
	x->aboard = strcmp(x->cycle.state, "finished") != 0 &&
		    (!*x->revision || strcmp(x->revision, "merged") == 0);
	return ERR_OK;
}

static enum err look_at_result(const struct flow *f, struct facts *x,
			       struct error *e)
{
	enum err code;

	if (store_result(f->store, x->pull->id, x->sha, f->env->name,
			 &x->result, e))
		return e->code;
	code = store_cycle(f->store, x->result.cycle_id, &x->judged, e);
	return code == ERR_MISSING ? ERR_OK : code;
}

static bool leads_to(const char *url, const struct pull *p)
{
	char end[256];
	size_t n = (size_t)snprintf(end, sizeof(end), "/pulls/%s/%lld", p->repo,
				    (long long)p->number);
	size_t len = strlen(url);

	return len >= n && strcmp(url + len - n, end) == 0;
}

static enum err look_at_told(const struct flow *f, const char *context,
			     struct facts *x, struct error *e)
{
	struct status_record r;
	enum err code = store_status_get(f->store, x->pull->repo, x->sha,
					 context, &r, e);

	if (code)
		return code == ERR_MISSING ? ERR_OK : code;
	COPY(x->told, r.state);
	x->told_of_this = leads_to(r.target_url, x->pull);
	return ERR_OK;
}

/* Only for a revision that was promised something and gets nothing. */
static enum err look_against(const struct flow *f, struct facts *x,
			     struct error *e)
{
	const struct project *project =
		environment_project(f->env, x->pull->repo);
	CLEANUP(str_release) struct str why = STR_INIT(512);
	enum standing standing;

	if (!project || strcmp(x->told, "pending") != 0)
		return ERR_OK;
	if (standing_of(f->store, f->env, project, x->pull, f->now_ms,
			&standing, e))
		return e->code;
	if (standing != STANDING_IN)
		standing_text(&why, standing, f->env, project, x->pull);
	COPY(x->against, why.text ? why.text : "");
	return ERR_OK;
}

static enum err look(const struct flow *f, const char *context, struct facts *x,
		     struct error *e)
{
	if (look_at_result(f, x, e) ||
	    store_request_booked(f->store, f->env->name, x->pull->id, x->sha,
				 &x->booked, e) ||
	    schedule_full_allowed(f, &x->full_ms, e) ||
	    store_freeze(f->store, f->env->name, &x->freeze, e) ||
	    look_at_told(f, context, x, e) || look_at_cycle(f, x, e) ||
	    store_cycle_draining(f->store, x->cycle.id, &x->draining, e))
		return e->code;
	/* A wish speaks of the head; what was pushed over waits for nothing. */
	if (strcmp(x->pull->head_sha, x->sha) != 0)
		return ERR_OK;
	if (look_against(f, x, e))
		return e->code;
	if (store_request_forced(f->store, f->env->name, x->pull->id, x->sha,
				 x->forced_by, x->forced_why, e))
		return e->code;
	return store_request_pending(f->store, f->env->name, x->pull->id,
				     x->sha, x->wish, x->wish_kind, e);
}

static void add_clock(struct str *out, int64_t ms)
{
	CLEANUP(str_release) struct str iso = STR_INIT(64);

	time_iso(&iso, ms);
	str_addf(out, "%.5s", iso.text + strlen("2026-11-21T"));
}

/* "11-21 14:05 UTC": a freeze may last for days. */
static void add_moment(struct str *out, int64_t ms)
{
	CLEANUP(str_release) struct str iso = STR_INIT(64);

	time_iso(&iso, ms);
	str_addf(out, "%.5s %.5s UTC", iso.text + strlen("2026-"),
		 iso.text + strlen("2026-11-21T"));
}

/* Why the interval does not count for once. */
static void add_forced(const struct facts *x, struct str *out)
{
	if (*x->forced_by)
		str_addf(out, ", forced by %s: %s", x->forced_by,
			 x->forced_why);
}

static bool rule_running(const struct facts *x, struct told_status *ret)
{
	char stage[64];
	bool own = strcmp(x->wish, "running") == 0 &&
		   strcmp(x->wish_kind, "auto") != 0;

	/* Green, and the cycle is somebody else's: it keeps its word. */
	if (!x->aboard || (x->result.short_ok_ms && !own))
		return false;
	ret->state = "pending";
	str_addf(&ret->text, "%s running: ", x->cycle.kind);
	if (strcmp(x->cycle.state, "running") == 0) {
		CLEANUP(json_decref)
		json_t *stages = js_read(x->cycle.stages);
		const char *name = json_string_value(
			json_array_get(stages, (size_t)x->cycle.stage));

		snprintf(stage, sizeof(stage), "%s", name ? name : "");
		str_addf(&ret->text, "%sstage %s (%d of %zu)",
			 x->draining ? "drains before " : "", stage,
			 x->cycle.stage + 1, json_array_size(stages));
	} else {
		str_puts(&ret->text, x->cycle.state);
	}
	add_forced(x, &ret->text);
	return true;
}

static bool rule_waiting(const struct facts *x, struct told_status *ret)
{
	bool own = strcmp(x->wish_kind, "auto") != 0;

	if (strcmp(x->wish, "waiting") != 0 || (x->result.short_ok_ms && !own))
		return false;
	ret->state = "pending";
	str_addf(&ret->text, "%s waiting",
		 own ? x->wish_kind : "short or full");
	add_forced(x, &ret->text);
	if (!*x->freeze.why)
		return true;
	if (x->freeze.until_ms) {
		str_puts(&ret->text, " until ");
		add_moment(&ret->text, x->freeze.until_ms);
	}
	str_addf(&ret->text, ": %s", x->freeze.why);
	return true;
}

static void tell_success(const struct facts *x, struct told_status *ret)
{
	bool latest_full = x->result.full_ok_ms &&
			   x->result.full_ok_ms >= x->result.short_ok_ms;

	ret->state = "success";
	str_puts(&ret->text, latest_full ? "full ok " : "short ok");
	if (latest_full)
		add_clock(&ret->text, x->result.full_ok_ms);
	else if (x->result.full_ok_ms) {
		str_puts(&ret->text, "; full ok ");
		add_clock(&ret->text, x->result.full_ok_ms);
	}
	if (x->booked) {
		str_puts(&ret->text, "; full booked for ");
		add_clock(&ret->text, x->full_ms);
	}
}

static bool rule_green(const struct facts *x, struct told_status *ret)
{
	if (strcmp(x->result.outcome, "success") != 0)
		return false;
	tell_success(x, ret);
	return true;
}

/* The newest cycle that listed it could not take it along. */
static bool rule_left_out(const struct facts *x, struct told_status *ret)
{
	if (!x->listed || !*x->revision || strcmp(x->revision, "merged") == 0)
		return false;
	ret->state = "error";
	str_addf(&ret->text, "%s: left out: %s", x->cycle.kind,
		 *x->reason ? x->reason : x->revision);
	return true;
}

static bool rule_red(const struct facts *x, struct told_status *ret)
{
	const char *outcome = x->result.outcome;
	const struct cycle *c = &x->judged;

	if (!*outcome)
		return false;
	ret->state = strcmp(outcome, "failure") == 0 ? "failure" : "error";
	if (strcmp(outcome, "failure") == 0)
		str_addf(&ret->text, "%s failed: %s", c->kind, c->text);
	else if (strcmp(c->verdict, "failure") == 0)
		str_addf(&ret->text, "%s: staging failed, cause not known (%s)",
			 c->kind, c->text);
	else
		str_addf(&ret->text, "%s not done: %s", c->kind, c->text);
	return true;
}

/* We said pending, and now nothing is under way for it. */
static bool rule_abandoned(const struct facts *x, struct told_status *ret)
{
	if (strcmp(x->told, "pending") != 0)
		return false;
	ret->state = "error";
	if (strcmp(x->pull->head_sha, x->sha) != 0)
		str_puts(&ret->text, "short or full not done: a newer push "
				     "took its place");
	else if (*x->cycle.cancelled_by)
		str_addf(&ret->text, "%s not done: cancelled by %s",
			 x->cycle.kind, x->cycle.cancelled_by);
	else if (x->pull->skipped_ms)
		str_addf(&ret->text, "short or full not done: %s took it out",
			 x->pull->skipped_by);
	else if (*x->against)
		str_addf(&ret->text, "short or full not done: %s", x->against);
	else
		str_puts(&ret->text, "short or full not done: nothing is "
				     "under way for this revision");
	return true;
}

void status_context(const struct environment *env, char ret[STATUS_CONTEXT])
{
	snprintf(ret, STATUS_CONTEXT, STATUS_CONTEXT_BEGIN "%s", env->name);
}

/*
 * Several pulls may have one head, which shows one status.  The loudest speaks:
 * who has most under way for it, or the newest outcome.
 */
enum voice {
	VOICE_NONE,
	VOICE_LEFT_OUT,
	VOICE_RAN,
	VOICE_WAITS,
	VOICE_ABOARD,
};

/* The first that applies decides. */
static const struct rule {
	bool (*applies)(const struct facts *x, struct told_status *ret);
	enum voice voice;
	/* Beside others also of a pull that is closed, or aims elsewhere. */
	bool always;
} rules[] = {
	{rule_running, VOICE_ABOARD, true},
	{rule_waiting, VOICE_WAITS, false},
	{rule_green, VOICE_RAN, true},
	{rule_left_out, VOICE_LEFT_OUT, false},
	{rule_red, VOICE_RAN, false},
	{rule_abandoned, VOICE_NONE, false},
};

/* What one pull has to say. */
struct word {
	struct told_status told;
	enum voice voice;
	int64_t cycle;	/* that an outcome is from */
	int64_t listed; /* the newest cycle that lists the revision */
	bool belongs;	/* the revision could be deployed for this pull */
	bool stands;	/* the same state was told of this pull last */
};

static void word_release_at(struct word *w)
{
	told_status_release_at(&w->told);
}

#define WORD_INIT                                                              \
	{                                                                      \
		.told = TOLD_STATUS_INIT                                       \
	}

static void weigh_word(struct word *w, const struct rule *rule,
		       const struct facts *x)
{
	if (!w->belongs && !rule->always)
		return;
	w->stands = x->told_of_this && strcmp(x->told, w->told.state) == 0;
	w->voice = rule->voice;
	if (w->voice == VOICE_RAN)
		w->cycle = x->result.cycle_id;
	else if (w->voice == VOICE_LEFT_OUT)
		w->cycle = x->cycle.id;
}

static enum err word_of(const struct flow *f, const struct pull *p,
			const char *sha, const char *context, struct word *ret,
			struct error *e)
{
	struct facts x = {.pull = p, .sha = sha};

	if (look(f, context, &x, e))
		return e->code;
	ret->told.number = p->number;
	ret->listed = x.cycle.id;
	ret->belongs = strcmp(p->state, "open") == 0 &&
		       strcmp(p->head_sha, sha) == 0 &&
		       standing_base_fits(f->env, p);
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		if (!rules[i].applies(&x, &ret->told))
			continue;
		weigh_word(ret, &rules[i], &x);
		break;
	}
	return ERR_OK;
}

/* The same whichever of the two was touched. */
static bool is_louder(const struct word *a, const struct word *b)
{
	if (a->voice != b->voice)
		return a->voice > b->voice;
	if (a->cycle != b->cycle)
		return a->cycle > b->cycle;
	if (a->belongs != b->belongs)
		return a->belongs;
	return a->told.number < b->told.number;
}

/* Leaves in *best what the loudest of all with this SHA says. */
static enum err hear_others(const struct flow *f, const struct pull *p,
			    const char *sha, const char *context,
			    struct word *best, struct error *e)
{
	struct pull *list;
	size_t count;
	enum err code = ERR_OK;

	if (store_pulls_with_sha(f->store, p->repo, sha, f->env->name,
				 best->listed, &list, &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++) {
		CLEANUP(word_release) struct word w = WORD_INIT;

		if (list[i].id == p->id)
			continue;
		code = word_of(f, &list[i], sha, context, &w, e);
		/* One that belongs there is not spoken over, though silent. */
		if (code || (!w.told.state && !w.belongs) ||
		    !is_louder(&w, best))
			continue;
		told_status_release_at(&best->told);
		*best = w;
		w = (struct word)WORD_INIT;
	}
	free(list);
	return code;
}

enum err status_of(const struct flow *f, const struct pull *p, const char *sha,
		   const char *context, struct told_status *ret,
		   struct error *e)
{
	CLEANUP(word_release) struct word best = WORD_INIT;

	if (word_of(f, p, sha, context, &best, e))
		return e->code;
	/* Who spoke last and says the same was the loudest, and whoever has got
	 * louder since then was asked: most have no need to look around. */
	if (best.told.state && !best.stands &&
	    hear_others(f, p, sha, context, &best, e))
		return e->code;
	*ret = best.told;
	best = (struct word)WORD_INIT;
	return ERR_OK;
}
