/*
 * Jobs: they outlive the process, and not the machine.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "tests/sim/sim.h"

static struct sim_job *find_job(struct sim *s, const char *key)
{
	for (size_t i = 0; i < s->job_count; i++)
		if (!strcmp(s->jobs[i].key, key))
			return &s->jobs[i];
	return NULL;
}

static struct sim_job *make_job(struct sim *s, const char *key)
{
	struct sim_job *j = &s->jobs[s->job_count];

	if (s->job_count == JOBS_MAX) {
		sim_fail(s, "more than %d jobs", JOBS_MAX);
		return NULL;
	}
	s->job_count++;
	*j = (struct sim_job){.known = true};
	COPY(j->key, key);
	return j;
}

static bool holds_broken(struct sim *s, const json_t *args)
{
	json_t *project;
	size_t i;

	json_array_foreach (js_get(args, "manifest.projects"), i, project) {
		const struct sim_result *r =
			find_result(s, js_str(project, "sha"));

		for (size_t n = 0; r && n < r->count; n++)
			if (sha_is_broken(s, r->shas[n]))
				return true;
	}
	return false;
}

static bool is_real(const char *stage)
{
	return !strcmp(stage, "deploy") || !strcmp(stage, "verify");
}

static void choose_end(struct sim *s, struct sim_job *j, const json_t *args)
{
	int64_t longest = !strcmp(j->stage, "test") ? HOUR : 6 * MINUTE;

	j->verdict = "success";
	j->reason = "ok";
	j->due_ms =
		s->now_ms + chance_between(&s->chance, 20 * SECOND, longest);
	if (!s->calm && chance_of(&s->chance, s->knobs.hanging)) {
		j->verdict = "failure";
		j->reason = "timeout";
		j->due_ms = s->now_ms + j->timeout_ms;
	} else if (!s->calm && chance_of(&s->chance, s->knobs.flaky)) {
		j->verdict = chance_of(&s->chance, 500) ? "error" : "failure";
		j->reason = "exit";
	} else if (is_real(j->stage) && holds_broken(s, args)) {
		j->verdict = "failure";
		j->reason = "exit";
	}
}

static json_t *job_body(const struct sim_job *j)
{
	return json_pack("{s:s, s:s, s:s, s:i, s:s, s:I, s:I}", "verdict",
			 j->verdict, "reason_code", j->reason, "text",
			 "it ended", "exit_code", 0, "tail", "", "started_ms",
			 (json_int_t)j->started_ms, "finished_ms",
			 (json_int_t)j->ended_ms);
}

/* Whoever waits for the job hears of it, dead processes do not. */
static void tell_end(struct sim *s, const struct sim_job *j)
{
	for (int64_t i = 0; i < CALLS_MAX; i++) {
		struct call *c = &s->calls[i];

		if (!c->used || !c->waits ||
		    strcmp(js_str(c->args, "key"), j->key) != 0)
			continue;
		c->waits = false;
		call_answer(s, i, ERR_OK, 0,
			    !strcmp(c->kind, "job.run") ? job_body(j)
							: json_object());
	}
}

static void end_now(struct sim *s, struct sim_job *j)
{
	struct sim_cycle *c = cycle_of(s, j->cycle);

	j->running = false;
	j->ended_ms = s->now_ms;
	if (c) {
		c->green += !strcmp(j->verdict, "success");
		c->red += strcmp(j->verdict, "success") != 0;
		c->failed |= !strcmp(j->verdict, "failure");
		c->ended_ms = s->now_ms;
		c->offs_then = s->offs;
	}
	sim_trace(s, "job %s ends: %s", j->key, j->verdict);
	tell_end(s, j);
}

static void end_job(struct sim *s, int64_t index)
{
	struct sim_job *j = &s->jobs[index];

	/* Ended before, or put off since. */
	if (!j->running || j->due_ms > s->now_ms)
		return;
	if (j->cancelled)
		j->verdict = j->reason = "cancelled";
	end_now(s, j);
}

void jobs_vanish(struct sim *s)
{
	for (size_t i = 0; i < s->job_count; i++) {
		struct sim_job *j = &s->jobs[i];

		if (!j->running)
			continue;
		j->verdict = "error";
		j->reason = "vanished";
		end_now(s, j);
	}
}

static bool was_done_well(const struct sim *s, const struct sim_job *first,
			  const char *name)
{
	for (size_t i = 0; i < s->job_count; i++) {
		const struct sim_job *j = &s->jobs[i];

		if (j->number == first->number && !j->running &&
		    !strcmp(j->environment, first->environment) &&
		    !strcmp(j->name, name) && j->verdict &&
		    !strcmp(j->verdict, "success"))
			return true;
	}
	return false;
}

/* A retry begins in the midst of the recipe, on what was done well before. */
static int count_kept(const struct sim *s, const struct sim_job *first)
{
	const struct environment *env =
		setting_environment(s, first->environment);
	text_list stages = !strcmp(first->kind, "full") ? env->recipe_full
							: env->recipe_short;
	int kept = 0;

	for (; *stages && strcmp(*stages, first->stage) != 0; stages++)
		for (size_t i = 0; i < env->job_count; i++)
			kept += !strcmp(env->jobs[i].stage, *stages) &&
				was_done_well(s, first, env->jobs[i].name);
	return kept;
}

static void start_job(struct sim *s, struct sim_job *j, const json_t *args)
{
	struct sim_cycle *c;

	j->cycle = js_int(args, "cycle", 0);
	j->number = js_int(args, "number", j->cycle);
	j->timeout_ms = js_int(args, "timeout_ms", 0);
	if (!j->timeout_ms)
		j->timeout_ms = 30 * MINUTE;
	COPY(j->environment, js_str(args, "environment"));
	COPY(j->kind, js_str(args, "kind"));
	COPY(j->stage, js_str(args, "stage"));
	COPY(j->name, js_str(args, "job"));
	j->started_ms = s->now_ms;
	choose_end(s, j, args);
	j->running = true;
	j->starts++;
	c = cycle_of(s, j->cycle);
	if (c) {
		if (!c->started)
			c->kept = count_kept(s, j);
		c->started = true;
		c->full = !strcmp(j->kind, "full");
		c->tested |= !strcmp(j->stage, "test");
	}
	oracle_job(s, j, args);
	sim_trace(s, "job %s starts", j->key);
	sim_at(s, j->due_ms, end_job, (int64_t)(j - s->jobs));
}

static void perform_run(struct sim *s, int64_t call)
{
	struct call *c = &s->calls[call];
	const char *key = js_str(c->args, "key");
	struct sim_job *j = find_job(s, key);

	if (!j)
		j = make_job(s, key);
	if (!j)
		return;
	if (j->cancelled && !j->starts) {
		j->verdict = "cancelled";
		j->reason = "not_started";
		j->starts = 1;
		j->started_ms = j->ended_ms = s->now_ms;
	}
	if (!j->starts)
		start_job(s, j, c->args);
	c->waits = j->running;
	if (!j->running)
		call_answer(s, call, ERR_OK, 0, job_body(j));
}

static void perform_cancel(struct sim *s, int64_t call)
{
	struct call *c = &s->calls[call];
	const char *key = js_str(c->args, "key");
	struct sim_job *j = find_job(s, key);

	if (!j)
		j = make_job(s, key);
	if (!j)
		return;
	j->cancelled = true;
	c->waits = j->running;
	if (!j->running) {
		call_answer(s, call, ERR_OK, 0, json_object());
		return;
	}
	j->due_ms = s->now_ms + chance_between(&s->chance, 100, 20 * SECOND);
	sim_at(s, j->due_ms, end_job, (int64_t)(j - s->jobs));
}

void jobs_start(struct port *p, const struct effect *effect,
		void (*done)(void *ctx, struct outcome *o), void *ctx)
{
	call_begin((struct sim *)((char *)p - offsetof(struct sim, jobs_port)),
		   effect, done, ctx,
		   !strcmp(effect->kind, "job.run") ? perform_run
						    : perform_cancel);
}
