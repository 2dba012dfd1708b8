#include "deploy/forecast.h"

#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "deploy/batch.h"
#include "deploy/schedule.h"
#include "deploy/sensitive.h"
#include "deploy/standing.h"

/* So many of those that stay out are named. */
#define OUT_MAX 20

/* --- when --- */

static const char *action_name(enum policy_action action)
{
	static const char *const names[] = {
		[POLICY_IDLE] = "idle",
		[POLICY_WAIT] = "wait",
		[POLICY_START] = "start",
		[POLICY_RESTART] = "restart",
	};

	return names[action];
}

static enum err add_when(const struct flow *f, json_t *forecast,
			 const char *name, enum cycle_kind wish,
			 struct error *e)
{
	CLEANUP(str_release) struct str why = STR_INIT(1024);
	struct policy_decision d;
	int64_t full_ms;

	if (schedule_forecast(f, wish, &d, &why, e) ||
	    schedule_full_allowed(f, &full_ms, e))
		return e->code;
	json_object_set_new(forecast, name,
			    json_pack("{s:s, s:s, s:I, s:I, s:s}", "action",
				      action_name(d.action), "kind",
				      d.kind == KIND_FULL ? "full" : "short",
				      "at_ms", (json_int_t)d.at_ms, "full_ms",
				      (json_int_t)full_ms, "why", d.why));
	return ERR_OK;
}

/* --- what --- */

static json_t *revision_json(int64_t number, const char *sha, const char *title,
			     bool is_new)
{
	return json_pack("{s:I, s:s, s:s, s:b}", "number", (json_int_t)number,
			 "sha", sha, "title", title, "new", is_new);
}

/* In its place by number, unless it is there. */
static void insert_wished(json_t *list, const struct pull *p)
{
	size_t at = 0;

	while (at < json_array_size(list) &&
	       js_int(json_array_get(list, at), "number", 0) < p->number)
		at++;
	if (js_int(json_array_get(list, at), "number", 0) == p->number)
		return;
	json_array_insert_new(
		list, at,
		revision_json(p->number, p->head_sha, p->title, true));
}

static json_t *project_json(const struct project *project,
			    const struct revision *revisions, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		if (strcmp(revisions[i].repo, project->repo) == 0)
			json_array_append_new(
				list, revision_json(revisions[i].number,
						    revisions[i].sha,
						    revisions[i].title,
						    revisions[i].is_new));
	return json_pack("{s:s, s:s, s:s, s:o}", "repo", project->repo, "base",
			 project->base, "branch", project->branch, "revisions",
			 list);
}

static enum err add_projects(const struct flow *f, const struct pull *p,
			     bool wished, json_t *forecast, struct error *e)
{
	const struct project *own = environment_project(f->env, p->repo);
	CLEANUP(batch_release) struct batch b = {0};
	json_t *list = json_array(), *full = json_array();

	json_object_set_new(forecast, "projects", list);
	json_object_set_new(forecast, "full_batch", full);
	if (batch_select(f->store, f->env, KIND_SHORT, f->now_ms, &b, e))
		return e->code;
	for (size_t i = 0; i < b.out_count; i++)
		json_array_append_new(full, json_integer(b.out[i].pull_id));
	for (size_t i = 0; i < f->env->project_count; i++) {
		const struct project *project = &f->env->projects[i];
		json_t *one = project_json(project, b.in, b.in_count);

		if (project == own && wished)
			insert_wished(json_object_get(one, "revisions"), p);
		json_array_append_new(list, one);
	}
	return ERR_OK;
}

/* --- who not --- */

static bool is_in(const json_t *project, int64_t number)
{
	json_t *rev;
	size_t i;

	json_array_foreach (js_get(project, "revisions"), i, rev)
		if (js_int(rev, "number", 0) == number)
			return true;
	return false;
}

static size_t position(const json_t *full, int64_t pull_id)
{
	json_t *one;
	size_t i;

	json_array_foreach (full, i, one)
		if (json_integer_value(one) == pull_id)
			break;
	return i + 1;
}

static enum err add_out(const struct flow *f, const struct project *project,
			const struct pull *p, const json_t *forecast,
			json_t *out, struct error *e)
{
	CLEANUP(str_release) struct str why = STR_INIT(512);
	enum standing standing;

	if (standing_of(f->store, f->env, project, p, f->now_ms, &standing, e))
		return e->code;
	if (standing == STANDING_IN)
		str_addf(&why, "the batch is full, position %zu for the next",
			 position(json_object_get(forecast, "full_batch"),
				  p->id));
	else
		standing_text(&why, standing, f->env, project, p);
	json_array_append_new(out, json_pack("{s:s, s:I, s:s}", "repo",
					     project->repo, "number",
					     (json_int_t)p->number, "why",
					     why.text));
	return ERR_OK;
}

static enum err add_out_of(const struct flow *f, size_t index, json_t *forecast,
			   json_t *out, int64_t *count, struct error *e)
{
	const struct project *project = &f->env->projects[index];
	const json_t *in =
		json_array_get(json_object_get(forecast, "projects"), index);
	CLEANUP(free) char *owned = NULL;
	struct pull *pulls;
	size_t n;

	if (store_pulls_open(f->store, project->repo, &pulls, &n, e))
		return e->code;
	owned = (char *)pulls;
	for (size_t i = 0; i < n; i++) {
		if (is_in(in, pulls[i].number))
			continue;
		if (++*count <= OUT_MAX &&
		    add_out(f, project, &pulls[i], forecast, out, e))
			return e->code;
	}
	return ERR_OK;
}

static enum err add_outs(const struct flow *f, json_t *forecast,
			 struct error *e)
{
	json_t *out = json_array();
	int64_t count = 0;

	json_object_set_new(forecast, "out", out);
	for (size_t i = 0; i < f->env->project_count; i++)
		if (add_out_of(f, i, forecast, out, &count, e))
			return e->code;
	json_object_set_new(forecast, "out_count", json_integer(count));
	return ERR_OK;
}

static json_t *stages_json(text_list stages)
{
	json_t *list = json_array();

	for (; *stages; stages++)
		json_array_append_new(list, json_string(*stages));
	return list;
}

enum err forecast(const struct flow *f, const struct pull *p, json_t **ret,
		  struct error *e)
{
	CLEANUP(str_release) struct str why = STR_INIT(512);
	CLEANUP(json_decref) json_t *all = NULL;
	const struct project *project = environment_project(f->env, p->repo);
	enum standing standing;

	if (standing_if_asked(f->store, f->env, project, p, "maintainer",
			      f->now_ms, &standing, e))
		return e->code;
	/* What is not read yet is read when somebody asks for it. */
	if (standing != STANDING_IN && standing != STANDING_UNREAD)
		standing_text(&why, standing, f->env, project, p);
	all = json_pack("{s:s, s:s, s:I, s:s, s:o, s:o}", "environment",
			f->env->name, "head_sha", p->head_sha, "at_ms",
			(json_int_t)f->now_ms, "standing",
			why.len ? why.text : "", "short",
			stages_json(f->env->recipe_short), "full",
			stages_json(f->env->recipe_full));
	if (!all)
		return error_set(e, ERR_FATAL, "out of memory");
	if (standing == STANDING_UNREAD)
		json_object_set_new(all, "may_need",
				    json_string(sensitive_whose(f->env)));
	if (add_projects(f, p, !why.len, all, e) || add_outs(f, all, e) ||
	    add_when(f, all, "deploy", KIND_SHORT, e) ||
	    add_when(f, all, "trigger", KIND_FULL, e) ||
	    add_when(f, all, "alone", KIND_NONE, e))
		return e->code;
	*ret = TAKE(all);
	return ERR_OK;
}
