/*
 * How long cycles take here, how many come before, and when a pull's own
 * should be over.
 */
#include <string.h>

#include "store/eta.h"
#include "store/view_parts.h"

static bool durations(struct view *v, const char *env, const char *kind,
		      struct eta *ret)
{
	CLEANUP(json_decref)
	json_t *rows =
		view_rows(v, STMT_VIEW_DURATIONS,
			  ARGS(ARG(env), ARG(kind), ARG(ETA_SAMPLES_MAX)));
	int64_t ms[ETA_SAMPLES_MAX];
	json_t *row;
	size_t i;

	json_array_foreach (rows, i, row)
		ms[i] = js_int(row, "ms", 0);
	return eta_of(ms, json_array_size(rows), ret);
}

static json_t *eta_json(const char *kind, const struct eta *eta)
{
	return json_pack("{s:s, s:I, s:I, s:I}", "kind", kind, "samples",
			 (json_int_t)eta->samples, "p50_ms",
			 (json_int_t)eta->p50_ms, "p90_ms",
			 (json_int_t)eta->p90_ms);
}

json_t *view_eta_part(struct view *v, const char *env)
{
	static const char *const kinds[] = {"short", "full"};
	json_t *o = json_object();
	struct eta eta;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		view_put(v, o, kinds[i],
			 durations(v, env, kinds[i], &eta)
				 ? eta_json(kinds[i], &eta)
				 : json_null());
	return o;
}

/* From when to when something is expected; 0 = not known. */
struct span {
	int64_t from, to;
};

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* When the running cycle should be over. */
static struct span running_end(struct view *v, const char *env,
			       const json_t *cycle)
{
	int64_t started = js_int(cycle, "started_ms", 0);
	struct eta eta;

	if (!durations(v, env, js_str(cycle, "kind"), &eta))
		return (struct span){0};
	return (struct span){
		.from = later(started + eta.p50_ms, v->now_ms),
		.to = later(started + eta.p90_ms, v->now_ms),
	};
}

/* Is the running cycle to be restarted for those who wait?  Then alone it has
 * a time at which it goes on. */
static bool restarts(const json_t *env)
{
	return js_int(env, "wait_until_ms", 0) && !*js_str(env, "frozen_why");
}

static struct span waiting_start(struct view *v, const json_t *env,
				 const json_t *running)
{
	int64_t at = js_int(env, "wait_until_ms", 0);
	struct span s = {later(at, v->now_ms), later(at, v->now_ms)};

	if (*js_str(env, "frozen_why") && !at)
		return (struct span){0};
	if (running && !restarts(env)) {
		struct span end = running_end(v, js_str(env, "name"), running);

		if (!end.to)
			return end;
		s.from = later(s.from, end.from);
		s.to = later(s.to, end.to);
	}
	return s;
}

/* The kind that the first wish is for; one by itself is mostly a short. */
static const char *wanted_kind(const json_t *requests)
{
	const json_t *first = json_array_get(requests, 0);

	return strcmp(js_str(first, "kind"), "full") == 0 ? "full" : "short";
}

static void put_waiting(struct view *v, json_t *to, const json_t *env,
			const json_t *requests, const json_t *running,
			int64_t benched)
{
	const char *kind = wanted_kind(requests);
	bool booked = strcmp(js_str(json_array_get(requests, 0), "state"),
			     "booked") == 0;
	/* Its place was given when the last cycle began, which counts; a full
	 * has room for what was booked for it. */
	int64_t ahead = booked ? 0 : later(benched - 1, 0);
	struct span s = waiting_start(v, env, running);
	struct eta eta;
	json_t *o;

	view_put(v, to, "position",
		 json_integer(ahead + (running && !restarts(env))));
	if (!durations(v, js_str(env, "name"), kind, &eta))
		return;
	o = eta_json(kind, &eta);
	view_put(v, o, "from_ms",
		 json_integer(s.to ? s.from + (ahead + 1) * eta.p50_ms : 0));
	view_put(v, o, "to_ms",
		 json_integer(s.to ? s.to + (ahead + 1) * eta.p90_ms : 0));
	view_put(v, to, "eta", o);
}

static void put_running(struct view *v, json_t *to, const json_t *env,
			const json_t *cycle)
{
	int64_t started = js_int(cycle, "started_ms", 0);
	const char *kind = js_str(cycle, "kind");
	struct eta eta;
	json_t *o;

	if (!durations(v, js_str(env, "name"), kind, &eta))
		return;
	o = eta_json(kind, &eta);
	view_put(v, o, "from_ms", json_integer(started + eta.p50_ms));
	view_put(v, o, "to_ms", json_integer(started + eta.p90_ms));
	view_put(v, to, "eta", o);
}

void view_put_eta(struct view *v, json_t *to, const json_t *env,
		  const json_t *requests, int64_t benched)
{
	int64_t id = js_int(env, "running_cycle", 0);
	CLEANUP(json_decref)
	json_t *running =
		id ? view_row(v, STMT_VIEW_CYCLE, ARGS(ARG(id))) : NULL;
	const char *state = js_str(to, "state");

	view_put(v, to, "position", json_integer(0));
	view_put(v, to, "eta", json_null());
	if (strcmp(state, "waiting") == 0)
		put_waiting(v, to, env, requests, running, benched);
	else if (strcmp(state, "running") == 0 && running)
		put_running(v, to, env, running);
}
