/*
 * The recipe: stages in order, the jobs of a stage side by side, the verdict
 * from what they say.
 */
#include <ctype.h>
#include <string.h>

#include "bot/base/limits.h"
#include "bot/base/str.h"
#include "deploy/changed.h"
#include "deploy/flow_internal.h"
#include "deploy/recipe.h"
#include "store/outbox.h"
#include "store/request.h"

static const char *class_name(enum job_class c)
{
	static const char *const names[] = {
		[JOB_CODE] = "code",
		[JOB_PREPARE] = "prepare",
		[JOB_DRAIN] = "drain",
		[JOB_STATE] = "state",
	};

	return names[c];
}

/* Is the revision of one list in the other as well? */
static bool has_revision(const struct revision *list, size_t count,
			 const struct revision *r)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].pull_id == r->pull_id &&
		    strcmp(list[i].sha, r->sha) == 0 &&
		    strcmp(list[i].result, "merged") == 0)
			return true;
	return false;
}

static void add_difference(json_t *to, const char *repo,
			   const struct revision *list, size_t count,
			   const struct revision *other, size_t other_count)
{
	for (size_t i = 0; i < count; i++) {
		json_t *one;

		if (strcmp(list[i].repo, repo) != 0 ||
		    strcmp(list[i].result, "merged") != 0 ||
		    has_revision(other, other_count, &list[i]))
			continue;
		one = json_pack("{s:s}", "result", "merged");
		if (list[i].paths)
			json_object_set_new(one, "paths",
					    js_read(list[i].paths));
		json_array_append_new(to, one);
	}
}

/* The base of a repo in a manifest; "" when it is not there. */
static const char *base_in(const struct manifest_project *list, size_t count,
			   const char *repo)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].repo, repo) == 0)
			return list[i].base_sha;
	return "";
}

/*
 * What differs from the manifest of an older cycle, as job_has_changes() wants
 * it: the revisions that came or went; everything where a base moved, and
 * when before is 0.
 */
static enum err difference(const struct flow *f, const struct cycle *c,
			   int64_t before, json_t **ret, struct error *e)
{
	CLEANUP(json_decref) json_t *projects = json_array();
	struct manifest_project *new = NULL, *old = NULL;
	struct revision *now = NULL, *then = NULL;
	size_t new_count = 0, old_count = 0, now_count = 0, then_count = 0;
	enum err code;

	code = store_manifest(f->store, c->id, &new, &new_count, e);
	if (!code)
		code = store_manifest(f->store, before, &old, &old_count, e);
	if (!code)
		code = store_revisions(f->store, c->id, &now, &now_count, e);
	if (!code)
		code = store_revisions(f->store, before, &then, &then_count, e);
	for (size_t i = 0; !code && i < new_count; i++) {
		const char *repo = new[i].repo;
		json_t *list = json_array();
		json_t *one = json_pack("{s:s, s:o}", "repo", repo, "revisions",
					list);

		if (strcmp(base_in(old, old_count, repo), new[i].base_sha) != 0)
			json_object_set_new(one, "paths", json_null());
		add_difference(list, repo, now, now_count, then, then_count);
		add_difference(list, repo, then, then_count, now, now_count);
		json_array_append_new(projects, one);
	}
	free(new);
	free(old);
	revisions_free(now, now_count);
	revisions_free(then, then_count);
	if (code)
		return code;
	*ret = json_pack("{s:O}", "projects", projects);
	return ERR_OK;
}

enum err flow_manifest_json(const struct flow *f, const struct cycle *c,
			    json_t **ret, struct error *e)
{
	CLEANUP(json_decref) json_t *list = json_array();
	struct manifest_project *p;
	struct revision *r;
	size_t count, revision_count;

	if (store_manifest(f->store, c->id, &p, &count, e))
		return e->code;
	if (store_revisions(f->store, c->id, &r, &revision_count, e)) {
		free(p);
		return e->code;
	}
	for (size_t i = 0; i < count; i++) {
		json_t *aboard = json_array();
		const char *slash = strchr(p[i].repo, '/');

		for (size_t j = 0; j < revision_count; j++)
			if (strcmp(r[j].repo, p[i].repo) == 0 &&
			    strcmp(r[j].result, "merged") == 0)
				json_array_append_new(
					aboard,
					json_pack("{s:I, s:s}", "number",
						  (json_int_t)r[j].number,
						  "sha", r[j].sha));
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o}",
					"repo", p[i].repo, "name",
					slash ? slash + 1 : p[i].repo, "base",
					p[i].base, "branch", p[i].branch,
					"base_sha", p[i].base_sha, "sha",
					p[i].sha, "revisions", aboard));
	}
	free(p);
	revisions_free(r, revision_count);
	*ret = json_pack("{s:I, s:s, s:s, s:O}", "cycle",
			 (json_int_t)(c->number ? c->number : c->id), "kind",
			 c->kind, "environment", c->environment, "projects",
			 list);
	/* Two cycles of one number are told apart. */
	if (c->number)
		json_object_set_new(*ret, "attempt", json_integer(c->id));
	return ERR_OK;
}

static json_t *run_json(text_list run)
{
	json_t *argv = json_array();

	for (; *run; run++)
		json_array_append_new(argv, json_string(*run));
	return argv;
}

static json_t *http_json(const struct http_check *h)
{
	json_t *o = json_pack("{s:s, s:i, s:i, s:I}", "url", h->url, "status",
			      h->expect_status, "tries", h->tries, "every_ms",
			      (json_int_t)h->every_ms);

	struct error ignored = ERROR_INIT;
	const char *text = h->expect_json;

	if (text)
		json_object_set_new(o, "json",
				    js_parse_any(text, strlen(text), &ignored));
	return o;
}

static const char *isolation_word(const struct environment *env, char *buf,
				  size_t size)
{
	switch (env->isolation) {
	case ISOLATION_BUBBLEWRAP:
		return "bubblewrap";
	case ISOLATION_NONE:
		return "none";
	case ISOLATION_USER:
		snprintf(buf, size, "user:%s", env->isolation_user);
		return buf;
	case ISOLATION_DEFAULT:
		break;
	}
	return "default";
}

static json_t *job_args(const struct flow *f, const struct cycle *c,
			const struct job_spec *spec, const char *key,
			json_t *manifest)
{
	json_t *secrets = json_object();
	char buf[96];
	json_t *args;

	for (size_t i = 0; i < spec->secret_count; i++)
		json_object_set_new(secrets, spec->secrets[i].name,
				    json_string(spec->secrets[i].file));
	args = json_pack(
		"{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:I, s:o, s:s,"
		" s:O}",
		"key", key, "cycle", (json_int_t)c->id, "kind", c->kind,
		"environment", c->environment, "stage", spec->stage, "job",
		spec->name, "class", class_name(spec->job_class), "timeout_ms",
		(json_int_t)spec->timeout_ms, "secrets", secrets, "isolation",
		isolation_word(f->env, buf, sizeof(buf)), "manifest", manifest);
	if (!args)
		return NULL;
	if (c->number)
		json_object_set_new(args, "number", json_integer(c->number));
	if (spec->http)
		json_object_set_new(args, "http", http_json(spec->http));
	else
		json_object_set_new(args, "run", run_json(spec->run));
	return args;
}

/* A key that may be a folder's name: numbers and the configured name. */
void flow_job_key(const struct cycle *c, const char *name, char *ret,
		  size_t size)
{
	size_t n = (size_t)snprintf(ret, size, "c%lld-", (long long)c->id);

	for (const char *p = name; *p && n + 1 < size; p++)
		ret[n++] = isalnum((unsigned char)*p) || *p == '-' ? *p : '_';
	ret[n] = '\0';
}

enum err flow_want_job(const struct flow *f, const struct cycle *c,
		       const struct job_spec *spec, bool needed,
		       json_t *manifest, struct error *e)
{
	struct job j = {.started_ms = needed ? f->now_ms : 0};
	json_t *args;

	COPY(j.stage, spec->stage);
	COPY(j.name, spec->name);
	COPY(j.state, needed ? "running" : "skipped");
	COPY(j.class, class_name(spec->job_class));
	if (!needed)
		COPY(j.text, "nothing that it looks at has changed");
	if (needed && flow_is_drain(&j) && flow_drain_times(f, spec, &j, e))
		return e->code;
	flow_job_key(c, spec->name, j.key, sizeof(j.key));
	if (store_job_add(f->store, c->id, &j, e))
		return e->code;
	if (!needed)
		return ERR_OK;
	args = job_args(f, c, spec, j.key, manifest);
	if (j.full_until_ms)
		json_object_set_new(args, "full_ms",
				    json_integer(j.full_until_ms - f->now_ms));
	return store_outbox_add(f->store, "job.run", "", j.key, args, 0,
				f->now_ms, e);
}

enum err flow_job_needed(const struct flow *f, const struct cycle *c,
			 const struct job_spec *spec, bool *ret,
			 struct error *e)
{
	CLEANUP(json_decref) json_t *changes = NULL;
	int64_t before;

	*ret = true;
	if (!spec->changed_count)
		return ERR_OK;
	if (store_job_reference(f->store, f->env->name, spec->name, c->id,
				&before, e) ||
	    difference(f, c, before, &changes, e))
		return e->code;
	*ret = job_has_changes(spec, changes);
	return ERR_OK;
}

/* Wants all jobs of one stage; *ret_wanted: how many really run. */
static enum err want_stage(const struct flow *f, const struct cycle *c,
			   const char *stage, size_t *ret_wanted,
			   struct error *e)
{
	CLEANUP(json_decref) json_t *manifest = NULL;

	*ret_wanted = 0;
	if (flow_manifest_json(f, c, &manifest, e))
		return e->code;
	for (size_t i = 0; i < f->env->job_count; i++) {
		const struct job_spec *spec = &f->env->jobs[i];
		bool needed;

		if (spec->job_class == JOB_DRAIN ||
		    strcmp(spec->stage, stage) != 0)
			continue;
		if (flow_job_needed(f, c, spec, &needed, e))
			return e->code;
		*ret_wanted += needed;
		if (flow_want_job(f, c, spec, needed, manifest, e))
			return e->code;
	}
	return ERR_OK;
}

/* All stages are through.  That nothing ran is not a success. */
static enum err all_through(const struct flow *f, struct cycle *c,
			    struct error *e)
{
	struct job *jobs;
	size_t count, ran = 0;

	if (store_jobs(f->store, c->id, &jobs, &count, e))
		return e->code;
	for (size_t i = 0; i < count; i++)
		ran += strcmp(jobs[i].state, "finished") == 0 &&
		       !flow_is_drain(&jobs[i]);
	free(jobs);
	/* The branches of what was put back are there again. */
	if (!ran && !flow_is_rollback(c))
		return flow_finish(f, c, "inconclusive", "nothing_ran",
				   "no job of the recipe applies to these "
				   "changes: nothing was deployed",
				   e);
	return flow_finish(f, c, "success", "ok", "", e);
}

/*
 * The stages are those that it began with, their jobs those of now: between
 * two recipes a job is left out, and nothing would be missing.
 */
static enum err another_recipe(const struct flow *f, struct cycle *c,
			       struct error *e)
{
	return flow_finish(f, c, "error", "recipe_changed",
			   "the recipe was changed while it ran; the next "
			   "deploy goes by the new one",
			   e);
}

enum err flow_enter_stage(const struct flow *f, struct cycle *c, int stage,
			  struct error *e)
{
	char name[64];
	size_t wanted;
	bool changed;

	flow_stage_name(c, stage, name, sizeof(name));
	if (recipe_changed(f->env, c, &changed, e))
		return e->code;
	if (*name && changed)
		return another_recipe(f, c, e);
	for (;; stage++) {
		flow_stage_name(c, stage, name, sizeof(name));
		if (!*name)
			return all_through(f, c, e);
		if (flow_want_drain(f, c, name, &wanted, e))
			return e->code;
		if (wanted)
			break;
		if (want_stage(f, c, name, &wanted, e))
			return e->code;
		if (wanted)
			break;
	}
	if (store_cycle_stage(f->store, c->id, stage, e))
		return e->code;
	return store_touch_cycle(f->store, c->id, e);
}

/*
 * What the jobs of a stage say together: the first that did not succeed, an
 * infrastructure error before a failure, because it may explain that.
 */
static const struct job *worst(const struct job *jobs, size_t count)
{
	const struct job *bad = NULL;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(jobs[i].state, "finished") != 0 ||
		    strcmp(jobs[i].verdict, "success") == 0)
			continue;
		if (!bad || (strcmp(bad->verdict, "failure") == 0 &&
			     strcmp(jobs[i].verdict, "failure") != 0))
			bad = &jobs[i];
	}
	return bad;
}

static const struct job_spec *spec_of(const struct environment *env,
				      const char *name)
{
	for (size_t i = 0; i < env->job_count; i++)
		if (strcmp(env->jobs[i].name, name) == 0)
			return &env->jobs[i];
	return NULL;
}

const char *flow_class_of(const struct environment *env, const struct job *j)
{
	const struct job_spec *spec;

	if (*j->class)
		return j->class;
	spec = spec_of(env, j->name);
	return class_name(spec ? spec->job_class : JOB_CODE);
}

static enum err finish_bad(const struct flow *f, struct cycle *c,
			   const struct job *bad, struct error *e)
{
	const char *class = flow_class_of(f->env, bad);
	bool code = strcmp(class, "code") == 0 || strcmp(class, "state") == 0;
	const char *verdict = strcmp(bad->verdict, "failure") == 0 && !code
				      ? "error"
				      : bad->verdict;
	char text[512];

	snprintf(text, sizeof(text), "stage %s, job %s: %.300s", bad->stage,
		 bad->name, bad->text);
	return flow_finish(f, c, verdict, bad->reason_code, text, e);
}

/* After the end of a job: is the stage through, and how? */
static enum err weigh(const struct flow *f, struct cycle *c, struct error *e)
{
	struct job *jobs;
	const struct job *bad;
	size_t count, running = 0;
	char stage[64];
	enum err code;

	if (store_jobs(f->store, c->id, &jobs, &count, e))
		return e->code;
	for (size_t i = 0; i < count; i++)
		running += strcmp(jobs[i].state, "running") == 0;
	bad = worst(jobs, count);
	flow_stage_name(c, c->stage, stage, sizeof(stage));
	if (running)
		code = store_touch_cycle(f->store, c->id, e);
	else if (strcmp(c->state, "stopping") == 0)
		code = flow_stopped(f, c, e);
	else if (bad)
		code = finish_bad(f, c, bad, e);
	else
		code = flow_enter_stage(
			f, c, c->stage + !flow_only_drained(jobs, count, stage),
			e);
	free(jobs);
	return code;
}

enum err flow_job_ended(const struct flow *f, const json_t *args,
			const struct outcome *o, struct error *e)
{
	struct job j = {0};
	struct cycle c;
	bool was_running;

	if (flow_cycle_of(f, args, &c, e))
		return e->code;
	COPY(j.key, js_str(args, "key"));
	COPY(j.verdict, o->code ? "error" : js_str(o->body, "verdict"));
	COPY(j.reason_code,
	     o->code ? "backend" : js_str(o->body, "reason_code"));
	COPY(j.text, o->code ? o->text : js_str(o->body, "text"));
	j.running = js_int(o->body, "running", -1);
	j.exit_code = js_int(o->body, "exit_code", 0);
	j.tail = js_str(o->body, "tail");
	j.started_ms = js_int(o->body, "started_ms", f->now_ms);
	j.finished_ms = js_int(o->body, "finished_ms", f->now_ms);
	if (store_job_end(f->store, &j, &was_running, e))
		return e->code;
	if (was_running && f->drained &&
	    strcmp(js_str(args, "class"), "drain") == 0)
		f->drained(f->ctx, &j);
	if (!was_running || strcmp(c.state, "finished") == 0)
		return ERR_OK;
	return weigh(f, &c, e);
}
