/*
 * A cycle as JSON.  The table keeps the names of the stages, the index of
 * the running one, and the jobs that were started; what a person wants to
 * know is the state of each stage, which is worked out here.
 */
#include "store/view_parts.h"

#include <string.h>

/* The worst of a stage's jobs speaks for it; the order is that of badness. */
static const char *const job_states[] = {"skipped", "success", "cancelled",
					 "error", "failure"};

static size_t badness(const char *state)
{
	for (size_t i = 0; i < ARRAY_SIZE(job_states); i++)
		if (!strcmp(state, job_states[i]))
			return i;
	return 0;
}

static const char *job_state(const json_t *job, bool finished)
{
	const char *state = js_str(job, "state");
	const char *verdict = js_str(job, "verdict");

	/* A cycle that was stopped may leave jobs without an end. */
	if (!strcmp(state, "running"))
		return finished ? "cancelled" : "running";
	if (!strcmp(state, "skipped"))
		return "skipped";
	for (size_t i = 0; i < ARRAY_SIZE(job_states); i++)
		if (!strcmp(verdict, job_states[i]))
			return job_states[i];
	return "error";
}

static int64_t span(int64_t from, int64_t to, int64_t now)
{
	if (!from)
		return 0;
	if (!to)
		to = now;
	return to > from ? to - from : 0;
}

/* The tail, as long as the view has room for it. */
static json_t *job_tail(struct view *v, const json_t *job)
{
	const json_t *tail = js_get(job, "tail");
	size_t n = json_string_length(tail);

	if (n > v->tails_left)
		return json_string("");
	v->tails_left -= n;
	return json_incref((json_t *)(uintptr_t)tail);
}

static json_t *job_json(struct view *v, const json_t *job, const char *state)
{
	static const char *const copied[] = {"name", "class", "reason_code",
					     "text", "exit_code"};
	/* One that was cut off has no end to count to. */
	int64_t now = strcmp(state, "cancelled") ? v->now_ms : 0;
	json_t *o = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(copied); i++)
		view_put(v, o, copied[i],
			 json_incref(json_object_get(job, copied[i])));
	view_put(v, o, "state", json_string(state));
	view_put(v, o, "ms",
		 json_integer(span(js_int(job, "started_ms", 0),
				   js_int(job, "finished_ms", 0), now)));
	view_put(v, o, "tail", job_tail(v, job));
	if (view_is_drain(job))
		view_put_drain_job(v, o, job);
	return o;
}

/* What the jobs of one stage add up to. */
struct sum {
	size_t jobs;
	bool running;
	size_t worst;
	int64_t first_ms;
	int64_t last_ms;
};

static void sum_add(struct sum *sum, const json_t *job, const char *state)
{
	int64_t from = js_int(job, "started_ms", 0);
	int64_t to = js_int(job, "finished_ms", 0);

	sum->jobs++;
	sum->running |= !strcmp(state, "running");
	if (badness(state) > sum->worst)
		sum->worst = badness(state);
	if (from && (!sum->first_ms || from < sum->first_ms))
		sum->first_ms = from;
	if (to > sum->last_ms)
		sum->last_ms = to;
}

static const char *stage_state(const json_t *cycle, int64_t index,
			       const struct sum *sum)
{
	const char *state = js_str(cycle, "state");
	int64_t now_at = js_int(cycle, "stage", 0);
	bool finished = !strcmp(state, "finished");
	bool begun = strcmp(state, "merging") && strcmp(state, "pushing");
	bool current = begun && !finished && index == now_at;

	if (index >= 0 && index < js_int(cycle, "first_stage", 0))
		return "kept";
	if (sum->running)
		return "running";
	if (current && sum->worst < badness("cancelled"))
		return strcmp(state, "stopping") ? "running" : "cancelled";
	if (sum->jobs)
		return job_states[sum->worst];
	if (!finished)
		return begun && index < now_at ? "skipped" : "waiting";
	if (index == now_at && !strcmp(js_str(cycle, "verdict"), "cancelled"))
		return "cancelled";
	return "skipped";
}

/* Moves the jobs of the stage out of the list jobs. */
static json_t *stage_json(struct view *v, const json_t *cycle, json_t *jobs,
			  const char *name, int64_t index)
{
	bool finished = !strcmp(js_str(cycle, "state"), "finished");
	json_t *stage = json_object(), *mine = json_array();
	struct sum sum = {0};
	const char *state;

	for (size_t i = 0; i < json_array_size(jobs);) {
		json_t *job = json_array_get(jobs, i);

		if (strcmp(js_str(job, "stage"), name)) {
			i++;
			continue;
		}
		state = job_state(job, finished);
		sum_add(&sum, job, state);
		view_push(v, mine, job_json(v, job, state));
		json_array_remove(jobs, i);
	}
	state = stage_state(cycle, index, &sum);
	view_put(v, stage, "name", json_string(name));
	view_put(v, stage, "state", json_string(state));
	view_put(v, stage, "ms",
		 json_integer(span(sum.first_ms, sum.running ? 0 : sum.last_ms,
				   sum.running ? v->now_ms : 0)));
	view_put(v, stage, "jobs", mine);
	return stage;
}

static json_t *stages_json(struct view *v, const json_t *cycle, bool tails)
{
	CLEANUP(json_decref) json_t *jobs = NULL, *names = NULL;
	const char *text = js_str(cycle, "stages");
	json_t *list = json_array();
	struct error ignored = ERROR_INIT;
	json_t *name;
	size_t i;

	jobs = view_rows(v, STMT_VIEW_JOBS,
			 ARGS(ARG(js_int(cycle, "id", 0)), ARG(tails)));
	names = js_parse(text, strlen(text), &ignored);
	json_array_foreach (names, i, name)
		if (json_is_string(name))
			view_push(v, list,
				  stage_json(v, cycle, jobs,
					     json_string_value(name),
					     (int64_t)i));
	/* Work outside the recipe is not hidden. */
	while (json_array_size(jobs)) {
		CLEANUP(json_decref)
		json_t *job = json_incref(json_array_get(jobs, 0));

		view_push(v, list,
			  stage_json(v, cycle, jobs, js_str(job, "stage"), -1));
	}
	return list;
}

json_t *view_cycle_part(struct view *v, int64_t id, bool tails)
{
	json_t *cycle = view_row(v, STMT_VIEW_CYCLE, ARGS(ARG(id))), *put_back;

	if (!cycle)
		return NULL;
	view_put(v, cycle, "stages", stages_json(v, cycle, tails));
	view_put(v, cycle, "drain", view_drain(v, js_get(cycle, "stages")));
	json_object_del(cycle, "stage");
	put_back = view_row(v, STMT_VIEW_PUT_BACK, ARGS(ARG(id)));
	view_put(v, cycle, "put_back", put_back ? put_back : json_null());
	view_put(v, cycle, "projects",
		 view_rows(v, STMT_VIEW_MANIFEST, ARGS(ARG(id))));
	view_put(v, cycle, "revisions",
		 view_rows(v, STMT_VIEW_REVISIONS, ARGS(ARG(id))));
	view_put(v, cycle, "asked",
		 view_rows(v, STMT_VIEW_ASKED, ARGS(ARG(id))));
	return cycle;
}
