/*
 * Git and jobs: merges whose result says what is in it, branches that only
 * move from where they stand, jobs that outlive the process.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "tests/sim/sim.h"

/* --- merging --- */

static int repo_index(const char *repo)
{
	for (int i = 0; i < REPOS_MAX; i++)
		if (!strcmp(repos[i], repo))
			return i;
	return -1;
}

static const struct sim_result *find_result(const struct sim *s,
					    const char *sha)
{
	for (size_t i = 0; i < s->result_count; i++)
		if (!strcmp(s->results[i].sha, sha))
			return &s->results[i];
	return NULL;
}

static const char *merge_word(const struct sim *s, int pull, const char *sha)
{
	const struct sim_pull *p = &s->pulls[pull];

	if (pull < 0)
		return "missing";
	if (strcmp(pull_head(p), sha) != 0)
		return "moved";
	return sha_conflicts(s, sha) ? "conflict" : "merged";
}

static json_t *merge_one(struct sim *s, struct sim_result *r, const char *repo,
			 const json_t *revision)
{
	const char *sha = js_str(revision, "sha");
	int pull = find_pull(s, repo, js_int(revision, "number", 0));
	const char *word = merge_word(s, pull, sha);

	if (!strcmp(word, "merged")) {
		if (r->count == BATCH_MAX) {
			sim_fail(s, "a batch of more than %d", BATCH_MAX);
			return json_null();
		}
		r->pulls[r->count] = pull;
		COPY(r->shas[r->count], sha);
		r->count++;
	}
	return json_pack("{s:I, s:s, s:s, s:s, s:[s]}", "number",
			 (json_int_t)js_int(revision, "number", 0), "sha", sha,
			 "result", word, "reason", "", "paths", "src/a.c");
}

static void name_result(struct sim *s, struct sim_result *r)
{
	char text[41];

	memcpy(text, s->bases[r->repo], sizeof(text));
	for (size_t i = 0; i < r->count; i++) {
		char mixed[96];

		snprintf(mixed, sizeof(mixed), "%s+%s", text, r->shas[i]);
		sha_of(text, mixed, 0, 0);
	}
	memcpy(r->sha, text, sizeof(text));
}

static json_t *merge_project(struct sim *s, const json_t *project)
{
	const char *repo = js_str(project, "repo");
	struct sim_result r = {.repo = repo_index(repo)};
	json_t *list = json_array(), *revision;
	size_t i;

	json_array_foreach (js_get(project, "revisions"), i, revision)
		json_array_append_new(list, merge_one(s, &r, repo, revision));
	name_result(s, &r);
	if (!find_result(s, r.sha)) {
		if (s->result_count == RESULTS_MAX)
			sim_fail(s, "more than %d results", RESULTS_MAX);
		else
			s->results[s->result_count++] = r;
	}
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "repo", repo,
			 "base", "main", "branch", "staging", "base_sha",
			 s->bases[r.repo], "old_sha", s->branches[r.repo],
			 "sha", r.sha, "revisions", list);
}

static json_t *merge(struct sim *s, const json_t *args)
{
	json_t *projects = json_array(), *project;
	size_t i;

	json_array_foreach (js_get(args, "projects"), i, project)
		json_array_append_new(projects, merge_project(s, project));
	return json_pack("{s:o}", "projects", projects);
}

/* --- pushing: all or none --- */

static bool fits(const struct sim *s, const json_t *project)
{
	int repo = repo_index(js_str(project, "repo"));

	return !strcmp(s->branches[repo], js_str(project, "sha")) ||
	       !strcmp(s->branches[repo], js_str(project, "old_sha"));
}

static enum err push(struct sim *s, const json_t *args, json_t **ret)
{
	json_t *list = json_array(), *project;
	bool good = true;
	size_t i;

	json_array_foreach (js_get(args, "projects"), i, project)
		good = good && fits(s, project);
	json_array_foreach (js_get(args, "projects"), i, project) {
		int repo = repo_index(js_str(project, "repo"));
		const struct sim_result *r =
			find_result(s, js_str(project, "sha"));

		if (good) {
			COPY(s->branches[repo], js_str(project, "sha"));
			if (r)
				oracle_pushed(s, r);
		}
		json_array_append_new(
			list, json_pack("{s:s, s:b, s:s, s:s}", "repo",
					js_str(project, "repo"), "pushed", good,
					"reason", good ? "" : "it moved",
					"refused", good ? "" : "lease"));
	}
	*ret = json_pack("{s:o}", "projects", list);
	return good ? ERR_OK : ERR_CONFLICT;
}

static json_t *paths_of(const struct sim *s, const json_t *args, int *status)
{
	int i = find_pull(s, js_str(args, "repo"), js_int(args, "number", 0));

	if (i >= 0 && !strcmp(pull_head(&s->pulls[i]), js_str(args, "sha")))
		return json_pack("{s:[s]}", "paths", "src/a.c");
	*status = 404;
	return NULL;
}

static void perform_git(struct sim *s, int64_t call)
{
	struct call *c = &s->calls[call];
	enum err code = ERR_OK;
	json_t *body = NULL;
	int status = 0;

	if (!strcmp(c->kind, "git.batch"))
		body = merge(s, c->args);
	else if (!strcmp(c->kind, "git.push"))
		code = push(s, c->args, &body);
	else if (!strcmp(c->kind, "git.tag"))
		body = json_pack("{s:s}", "tag", "staging-1");
	else if (!strcmp(c->kind, "git.paths"))
		body = paths_of(s, c->args, &status);
	if (!body)
		code = ERR_MISSING;
	call_answer(s, call, code, status, body);
}

void git_start(struct port *p, const struct effect *effect,
	       void (*done)(void *ctx, struct outcome *o), void *ctx)
{
	call_begin((struct sim *)((char *)p - offsetof(struct sim, git)),
		   effect, done, ctx, perform_git);
}

/* --- jobs --- */

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

static const char *verdict_of(struct sim *s, const json_t *args)
{
	if (!s->calm && chance_of(&s->chance, s->knobs.flaky))
		return chance_of(&s->chance, 500) ? "error" : "failure";
	if (!strcmp(js_str(args, "stage"), "deploy") && holds_broken(s, args))
		return "failure";
	return "success";
}

static json_t *job_body(const struct sim_job *j)
{
	return json_pack("{s:s, s:s, s:s, s:i, s:s, s:I, s:I}", "verdict",
			 j->verdict, "reason_code",
			 !strcmp(j->verdict, "success") ? "ok" : "exit", "text",
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

static void end_job(struct sim *s, int64_t index)
{
	struct sim_job *j = &s->jobs[index];

	/* Ended before, or put off since. */
	if (!j->running || j->due_ms > s->now_ms)
		return;
	j->running = false;
	j->ended_ms = s->now_ms;
	if (j->cancelled)
		j->verdict = "cancelled";
	sim_trace(s, "job %s ends: %s", j->key, j->verdict);
	tell_end(s, j);
}

static void start_job(struct sim *s, struct sim_job *j, const json_t *args)
{
	j->cycle = js_int(args, "cycle", 0);
	COPY(j->environment, js_str(args, "environment"));
	COPY(j->kind, js_str(args, "kind"));
	COPY(j->stage, js_str(args, "stage"));
	COPY(j->name, js_str(args, "job"));
	j->started_ms = s->now_ms;
	j->verdict = verdict_of(s, args);
	j->due_ms =
		s->now_ms +
		chance_between(&s->chance, 20 * SECOND,
			       !strcmp(j->stage, "test") ? HOUR : 6 * MINUTE);
	j->running = true;
	j->starts++;
	oracle_job(s, j);
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
