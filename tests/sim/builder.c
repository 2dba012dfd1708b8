/*
 * Git: merges whose result says what is in it, branches that only move from
 * where they stand.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "tests/sim/sim.h"

/* --- merging --- */

const struct sim_result *find_result(const struct sim *s, const char *sha)
{
	for (size_t i = 0; i < s->result_count; i++)
		if (!strcmp(s->results[i].sha, sha))
			return &s->results[i];
	return NULL;
}

struct sim_branch *find_branch(struct sim *s, const char *repo,
			       const char *name)
{
	int at = find_repo(repo);

	for (int i = 0; i < BRANCHES_MAX; i++)
		if (s->branches[i].repo == at &&
		    !strcmp(s->branches[i].name, name))
			return &s->branches[i];
	sim_fail(s, "%s has no branch %s", repo, name);
	return &s->branches[0];
}

struct sim_cycle *cycle_of(struct sim *s, int64_t id)
{
	if (id > 0 && id < CYCLES_MAX)
		return &s->cycles[id];
	if (id)
		sim_fail(s, "more than %d cycles", CYCLES_MAX);
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
	const char *branch = js_str(project, "branch");
	struct sim_result r = {.repo = find_repo(repo)};
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
			 "base", "main", "branch", branch, "base_sha",
			 s->bases[r.repo], "old_sha",
			 find_branch(s, repo, branch)->sha, "sha", r.sha,
			 "revisions", list);
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

static struct sim_branch *branch_of(struct sim *s, const json_t *project)
{
	return find_branch(s, js_str(project, "repo"),
			   js_str(project, "branch"));
}

static bool fits(const struct sim_branch *b, const json_t *project)
{
	return !strcmp(b->sha, js_str(project, "sha")) ||
	       !strcmp(b->sha, js_str(project, "old_sha"));
}

static void push_one(struct sim *s, struct sim_branch *b, const char *sha,
		     int64_t cycle)
{
	const struct sim_result *r = find_result(s, sha);
	struct sim_cycle *c = cycle_of(s, cycle);

	COPY(b->sha, sha);
	if (c)
		COPY(c->results[b - s->branches], sha);
	if (r)
		oracle_pushed(s, b, r, cycle);
}

static enum err push(struct sim *s, const json_t *args, json_t **ret)
{
	json_t *list = json_array(), *project;
	bool good = true;
	size_t i;

	json_array_foreach (js_get(args, "projects"), i, project)
		good = good && fits(branch_of(s, project), project);
	json_array_foreach (js_get(args, "projects"), i, project) {
		if (good)
			push_one(s, branch_of(s, project),
				 js_str(project, "sha"),
				 js_int(args, "cycle", 0));
		json_array_append_new(
			list, json_pack("{s:s, s:b, s:s, s:s}", "repo",
					js_str(project, "repo"), "pushed", good,
					"reason", good ? "" : "it moved",
					"refused", good ? "" : "lease"));
	}
	*ret = json_pack("{s:o}", "projects", list);
	return good ? ERR_OK : ERR_CONFLICT;
}

static json_t *tag(struct sim *s, const json_t *args)
{
	struct sim_cycle *c = cycle_of(s, js_int(args, "cycle", 0));

	if (c)
		c->tagged = true;
	return json_pack("{s:s}", "tag", "staging-1");
}

static json_t *paths_of(const struct sim *s, const json_t *args, int *status)
{
	int i = find_pull(s, js_str(args, "repo"), js_int(args, "number", 0));

	if (i >= 0 && !strcmp(pull_head(&s->pulls[i]), js_str(args, "sha")))
		return json_pack("{s:s, s:[s]}", "result", "known", "paths",
				 "src/a.c");
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
		body = tag(s, c->args);
	else if (!strcmp(c->kind, "git.paths"))
		body = paths_of(s, c->args, &status);
	if (!body)
		code = ERR_MISSING;
	call_answer(s, call, code, status, body);
}

static bool merges_any(const json_t *args)
{
	json_t *project;
	size_t i;

	json_array_foreach (js_get(args, "projects"), i, project)
		if (json_array_size(js_get(project, "revisions")))
			return true;
	return false;
}

/* That a cycle began shows in its first wish for a merge. */
static void note_cycle(struct sim *s, const struct effect *effect)
{
	json_t *project = json_array_get(js_get(effect->args, "projects"), 0);
	int64_t id = js_int(effect->args, "cycle", 0);
	struct sim_cycle *c = cycle_of(s, id);

	if (!c || c->begun || process_dead())
		return;
	c->begun = true;
	c->begun_ms = s->now_ms;
	c->wall_then = s->clock.wall;
	c->merges = merges_any(effect->args);
	COPY(c->environment, branch_of(s, project)->environment);
	oracle_begins(s, id);
}

void git_start(struct port *p, const struct effect *effect,
	       void (*done)(void *ctx, struct outcome *o), void *ctx)
{
	struct sim *s = (struct sim *)((char *)p - offsetof(struct sim, git));

	if (!strcmp(effect->kind, "git.batch"))
		note_cycle(s, effect);
	call_begin(s, effect, done, ctx, perform_git);
}
