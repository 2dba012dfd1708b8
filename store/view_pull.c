/*
 * A pull as one environment sees it, and why it is not deployed there.
 */
#include "store/view_parts.h"

#include <string.h>

#include "bot/base/limits.h"
#include "bot/base/str.h"

/* What is known while one pull is described. */
struct subject {
	const json_t *pull; /* a row of VIEW_PULL */
	const json_t *env;  /* a row of VIEW_ENVIRONMENTS */
	int64_t pull_id;
	const char *env_name;
	const char *head;
	int64_t newest;	  /* cycle that lists it, 0 = none */
	json_t *in_cycle; /* its revision there, or NULL */
	int64_t deployed; /* cycle, 0 = none */
	json_t *grant;	  /* a row of VIEW_GRANT, or NULL */
};

static bool is(const json_t *o, const char *key, const char *word)
{
	return !strcmp(js_str(o, key), word);
}

static bool carried(const json_t *revision)
{
	return is(revision, "result", "") || is(revision, "result", "merged") ||
	       is(revision, "result", "merged_already");
}

static bool has_state(const json_t *requests, const char *state)
{
	json_t *q;
	size_t i;

	json_array_foreach (requests, i, q)
		if (is(q, "state", state))
			return true;
	return false;
}

static const char *state_of(const struct subject *s, const json_t *requests)
{
	bool finished = is(s->in_cycle, "state", "finished");

	/* What runs without it, maybe to be rid of it, is not its own. */
	if (!finished && ((s->in_cycle && carried(s->in_cycle)) ||
			  has_state(requests, "running")))
		return "running";
	if (has_state(requests, "waiting") || has_state(requests, "booked"))
		return "waiting";
	return finished ? "done" : "idle";
}

/* Is the head part of what is deployed? */
static bool staged(struct view *v, const struct subject *s)
{
	CLEANUP(json_decref) json_t *r = NULL;

	if (!s->deployed)
		return false;
	r = view_row(v, STMT_VIEW_PULL_IN_CYCLE,
		     ARGS(ARG(s->deployed), ARG(s->pull_id)));
	return r && is(r, "sha", s->head) && carried(r);
}

static bool why_state(struct view *v UNUSED, const struct subject *s,
		      struct str *out)
{
	if (is(s->pull, "pull_state", "merged"))
		str_puts(out, "it is merged");
	else if (is(s->pull, "pull_state", "closed"))
		str_puts(out, "it is closed");
	else if (js_bool(s->pull, "draft", false))
		str_puts(out, "it is a draft");
	return out->len;
}

static bool why_skipped(struct view *v, const struct subject *s,
			struct str *out)
{
	if (js_int(s->pull, "skipped_ms", 0))
		str_addf(out,
			 "%s took it out with `skip`: a maintainer puts it "
			 "back with `@%s include`",
			 js_str(s->pull, "skipped_by"), v->settings->bot);
	return out->len;
}

static bool why_excluded(struct view *v, const struct subject *s,
			 struct str *out)
{
	CLEANUP(json_decref)
	json_t *q =
		view_row(v, STMT_VIEW_QUARANTINE,
			 ARGS(ARG(s->pull_id), ARG(s->head), ARG(s->env_name)));

	if (q)
		str_addf(out, "this revision is excluded: %s",
			 js_str(q, "reason"));
	return out->len;
}

static const char *ended(const char *verdict)
{
	static const char *const words[][2] = {
		{"failure", "failed"},
		{"error", "ended in an error of the infrastructure"},
		{"cancelled", "was cancelled"},
		{"inconclusive", "gave no clear answer"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(verdict, words[i][0]))
			return words[i][1];
	return NULL;
}

static bool why_last_cycle(struct view *v UNUSED, const struct subject *s,
			   struct str *out)
{
	const char *reason = js_str(s->in_cycle, "reason");
	const char *end = ended(js_str(s->in_cycle, "verdict"));

	if (!s->in_cycle || !is(s->in_cycle, "sha", s->head))
		return false;
	if (!carried(s->in_cycle))
		str_addf(out, "it was left out of cycle %lld: %s",
			 (long long)s->newest,
			 *reason ? reason : js_str(s->in_cycle, "result"));
	else if (end)
		str_addf(out, "cycle %lld with it %s", (long long)s->newest,
			 end);
	return out->len;
}

/* Nothing else is known against it. */
static bool why_without(struct view *v UNUSED, const struct subject *s,
			struct str *out)
{
	if (s->in_cycle && is(s->in_cycle, "sha", s->head) && s->deployed &&
	    is(s->in_cycle, "verdict", "success"))
		str_addf(out, "cycle %lld, which is deployed, is without it",
			 (long long)s->deployed);
	return out->len;
}

/* It was permitted, and is not any more. */
static bool why_ended(struct view *v, const struct subject *s, struct str *out)
{
	const char *bot = v->settings->bot, *why = js_str(s->grant, "why");

	if (is(s->grant, "state", "expired"))
		str_addf(out,
			 "the permission of %s for this revision has ended: a "
			 "maintainer can give it again with `@%s deploy`",
			 js_str(s->grant, "by"), bot);
	else if (!is(s->grant, "state", "void"))
		return false;
	else if (!strcmp(why, "moved"))
		str_addf(out,
			 "the permission for `%.12s` was for that revision "
			 "only: look at the new one, then `@%s deploy`",
			 js_str(s->grant, "sha"), bot);
	else
		str_addf(out,
			 "the permission for `%.12s` is void, because %s: a "
			 "maintainer can look at it again, then `@%s deploy`",
			 js_str(s->grant, "sha"),
			 !strcmp(why, "closed") ? "it was closed"
			 : !strcmp(why, "granter")
				 ? "who gave it may not any more"
				 : "its base branch was changed",
			 bot);
	return true;
}

static bool why_unasked(struct view *v, const struct subject *s,
			struct str *out)
{
	if (is(s->grant, "state", "granted") ||
	    view_value(v, STMT_TRUST_UNASKED,
		       ARGS(ARG(js_int(s->pull, "author_id", 0)),
			    ARG(js_str(s->pull, "repo")), ARG(v->now_ms),
			    ARG(wall_at(v->store, v->now_ms))),
		       0))
		return false;
	str_addf(out,
		 "its author is not on the trust list: a maintainer can write "
		 "`@%s deploy`",
		 v->settings->bot);
	return true;
}

static bool why_against(struct view *v, const struct subject *s,
			struct str *out)
{
	if (v->settings->against)
		v->settings->against(v->settings->ctx, v->store, s->env_name,
				     js_str(s->pull, "repo"),
				     js_int(s->pull, "number", 0), v->now_ms,
				     out);
	return out->len;
}

/* The first reason that applies is the one to mend first. */
static void why_not(struct view *v, const struct subject *s, struct str *out)
{
	static bool (*const reasons[])(struct view *, const struct subject *,
				       struct str *) = {
		why_state,	why_skipped, why_excluded, why_ended,
		why_last_cycle, why_unasked, why_against,  why_without,
	};

	if (staged(v, s))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i](v, s, out))
			return;
}

/* Closed, taken out or not entitled: it has no place in a batch. */
static bool is_gone(struct view *v, const struct subject *s)
{
	CLEANUP(str_release) struct str why = STR_INIT(LIMIT_COMMENT);

	return why_state(v, s, &why) || why_skipped(v, s, &why) ||
	       why_against(v, s, &why);
}

static void put_why(struct view *v, json_t *to, const struct subject *s,
		    const json_t *bench)
{
	CLEANUP(str_release) struct str why = STR_INIT(LIMIT_COMMENT);
	bool waiting = is(to, "state", "waiting");
	int64_t running = js_int(s->env, "running_cycle", 0);

	if (waiting && *js_str(s->env, "wait_why"))
		str_puts(&why, js_str(s->env, "wait_why"));
	else if (waiting && running)
		str_addf(&why, "cycle %lld is running", (long long)running);
	else if (!waiting && !is(to, "state", "running"))
		why_not(v, s, &why);
	if (bench && !why.len && !waiting && !is(to, "state", "running") &&
	    !staged(v, s))
		str_puts(&why, "it belongs there");
	if (bench && !is(to, "state", "running") && !staged(v, s))
		str_addf(&why,
			 "%sthe batch was full, position %lld for the "
			 "next",
			 why.len ? "; " : "",
			 (long long)js_int(bench, "position", 0));
	view_put(v, to, "why", view_text(why.text));
	view_put(
		v, to, "at_ms",
		json_integer(waiting ? js_int(s->env, "wait_until_ms", 0) : 0));
}

static json_t *on_staging(struct view *v, int64_t cycle)
{
	json_t *o = cycle ? view_row(v, STMT_VIEW_ON_STAGING, ARGS(ARG(cycle)))
			  : NULL;

	if (!o)
		return json_null();
	view_put(v, o, "revisions",
		 view_rows(v, STMT_VIEW_STAGED, ARGS(ARG(cycle))));
	return o;
}

static json_t *result_of(struct view *v, const struct subject *s)
{
	json_t *o = json_object();
	CLEANUP(json_decref)
	json_t *row =
		view_row(v, STMT_VIEW_RESULT,
			 ARGS(ARG(s->pull_id), ARG(s->head), ARG(s->env_name)));

	view_put(v, o, "sha", json_string(s->head));
	view_put(v, o, "outcome", json_string(js_str(row, "outcome")));
	view_put(v, o, "cycle", json_integer(js_int(row, "cycle", 0)));
	view_put(v, o, "short_ok_ms",
		 json_integer(js_int(row, "short_ok_ms", 0)));
	view_put(v, o, "full_ok_ms",
		 json_integer(js_int(row, "full_ok_ms", 0)));
	return o;
}

static json_t *skipped(const json_t *pull)
{
	if (!js_int(pull, "skipped_ms", 0))
		return json_null();
	return json_pack("{s:O, s:O, s:O}", "by",
			 json_object_get(pull, "skipped_by"), "since_ms",
			 json_object_get(pull, "skipped_ms"), "reason",
			 json_object_get(pull, "skip_reason"));
}

/* What people said of it, beside wishes. */
static void put_words(struct view *v, json_t *to, const struct subject *s)
{
	view_put(v, to, "verbosity",
		 json_incref(json_object_get(s->pull, "verbosity")));
	view_put(v, to, "skipped", skipped(s->pull));
	view_put(v, to, "disputes",
		 view_rows(v, STMT_VIEW_DISPUTES,
			   ARGS(ARG(s->pull_id), ARG(s->head),
				ARG(s->env_name))));
}

void view_put_pull(struct view *v, json_t *to, const json_t *pull)
{
	static const char *const members[] = {
		"repo",	    "number",	  "title", "author",
		"head_sha", "pull_state", "draft"};

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		view_put(v, to, members[i],
			 json_incref(json_object_get(pull, members[i])));
	view_put(v, to, "now_ms", json_integer(v->now_ms));
}

static void put_cycle(struct view *v, json_t *to, int64_t id)
{
	json_t *cycle = id ? view_cycle_part(v, id, true) : NULL;

	view_put(v, to, "cycle", cycle ? cycle : json_null());
}

static void put_heard(struct view *v, json_t *to, int64_t pull_id)
{
	json_t *heard = view_row(v, STMT_VIEW_HEARD, ARGS(ARG(pull_id)));

	view_put(v, to, "heard", heard ? heard : json_null());
}

json_t *view_pull_part(struct view *v, const json_t *pull, const json_t *env)
{
	struct subject s = {
		.pull = pull,
		.env = env,
		.pull_id = js_int(pull, "id", 0),
		.env_name = js_str(env, "name"),
		.head = js_str(pull, "head_sha"),
		.deployed = js_int(env, "deployed_cycle", 0),
	};
	CLEANUP(json_decref) json_t *in_cycle = NULL, *bench = NULL;
	json_t *o = json_object(), *requests;
	int64_t author_id = js_int(pull, "author_id", 0);

	s.newest = view_value(v, STMT_VIEW_PULL_CYCLE,
			      ARGS(ARG(s.pull_id), ARG(s.env_name)), 0);
	in_cycle = view_row(v, STMT_VIEW_PULL_IN_CYCLE,
			    ARGS(ARG(s.newest), ARG(s.pull_id)));
	s.in_cycle = in_cycle;
	s.grant = view_row(v, STMT_VIEW_GRANT,
			   ARGS(ARG(s.pull_id), ARG(s.env_name), ARG(author_id),
				ARG(v->now_ms),
				ARG(wall_at(v->store, v->now_ms))));
	requests = view_rows(v, STMT_VIEW_PULL_REQUESTS,
			     ARGS(ARG(s.env_name), ARG(s.pull_id)));
	view_put(v, o, "bot", view_text(v->settings->bot));
	view_put(v, o, "environment", json_string(s.env_name));
	view_put(v, o, "public_url", view_text(v->settings->public_url));
	view_put_pull(v, o, pull);
	view_put(v, o, "state", json_string(state_of(&s, requests)));
	if (!is_gone(v, &s))
		bench = view_row(v, STMT_VIEW_BENCH,
				 ARGS(ARG(s.env_name), ARG(s.pull_id)));
	put_why(v, o, &s, bench);
	view_put(v, o, "frozen_why", view_text(js_str(env, "frozen_why")));
	view_put(v, o, "frozen_until_ms",
		 json_integer(js_int(env, "frozen_until_ms", 0)));
	view_put_eta(v, o, env, requests, js_int(bench, "cycles", 0));
	view_put(v, o, "grant", s.grant ? s.grant : json_null());
	view_put(v, o, "requests", requests);
	put_heard(v, o, s.pull_id);
	put_cycle(v, o, s.newest);
	view_put(v, o, "on_staging", on_staging(v, s.deployed));
	view_put(v, o, "result", result_of(v, &s));
	put_words(v, o, &s);
	view_put(v, o, "answer", view_text(js_str(pull, "answer")));
	view_put(v, o, "answer_ms", json_integer(js_int(pull, "answer_ms", 0)));
	return o;
}
