/*
 * Doing a cycle again: what of it can be kept?  Only when the very same
 * content shall go where the cycle left it, by the same recipe.  It is
 * foretold when somebody asks, and decided when it is merged.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "deploy/batch.h"
#include "deploy/flow_internal.h"
#include "deploy/recipe.h"
#include "store/request.h"

enum err flow_retry_begin(const struct flow *f, struct cycle *c,
			  struct error *e)
{
	if (store_request_retry_of(f->store, c->id, &c->of_cycle, e))
		return e->code;
	if (!c->of_cycle)
		return ERR_OK;
	COPY(c->purpose, "retry");
	return store_cycle_retries(f->store, c, e);
}

/* --- what has changed? --- */

static const struct revision *find(const struct revision *list, size_t count,
				   int64_t pull_id)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].pull_id == pull_id &&
		    (!*list[i].result || strcmp(list[i].result, "merged") == 0))
			return &list[i];
	return NULL;
}

/* Says of the first that differs what became of it. */
static void compare_revisions(struct str *out, const struct revision *then,
			      size_t then_count, const struct revision *now,
			      size_t now_count)
{
	for (size_t i = 0; !out->len && i < then_count; i++) {
		const struct revision *a = &then[i], *b;

		if (strcmp(a->result, "merged") != 0)
			continue;
		b = find(now, now_count, a->pull_id);
		if (!b)
			str_addf(out, "#%lld is not aboard any more",
				 (long long)a->number);
		else if (strcmp(a->sha, b->sha) != 0)
			str_addf(out, "#%lld was pushed since",
				 (long long)a->number);
	}
	for (size_t i = 0; !out->len && i < now_count; i++) {
		const struct revision *b = &now[i];

		/* One that could not be merged then may not be now. */
		if (*b->result && strcmp(b->result, "merged") != 0)
			continue;
		if (!find(then, then_count, b->pull_id))
			str_addf(out, "#%lld is aboard now",
				 (long long)b->number);
	}
}

static enum err compare_deploys(const struct flow *f, const struct cycle *of,
				int64_t but_id, struct str *out,
				struct error *e)
{
	int64_t last;

	if (store_cycle_last_moved(f->store, f->env->name, but_id, &last, e))
		return e->code;
	if (last != of->id)
		str_addf(out, "cycle %lld has deployed since", (long long)last);
	return ERR_OK;
}

/* The same in the forecast and in the decision. */
static enum err compare_common(const struct flow *f, const struct cycle *of,
			       const char *recipe, int64_t but_id,
			       struct str *out, struct error *e)
{
	if (!of->moved)
		str_addf(out, "cycle %lld ended before its first stage",
			 (long long)of->id);
	else if (strcmp(of->recipe, recipe) != 0)
		str_puts(out, "the recipe was changed since");
	else
		return compare_deploys(f, of, but_id, out, e);
	return ERR_OK;
}

/* --- the forecast --- */

/* Those that belong there but could not be merged then are no news. */
static void forget_left_out(const struct revision *then, size_t count,
			    struct batch *b)
{
	for (size_t i = 0; i < b->in_count; i++)
		for (size_t j = 0; j < count; j++)
			if (then[j].pull_id == b->in[i].pull_id &&
			    strcmp(then[j].sha, b->in[i].sha) == 0)
				COPY(b->in[i].result, then[j].result);
}

static enum err compare_batch(const struct flow *f, const struct cycle *of,
			      enum cycle_kind kind, struct str *out,
			      struct error *e)
{
	CLEANUP(batch_release) struct batch b = {0};
	struct revision *then;
	size_t count;
	bool moved;

	if (batch_select(f->store, f->env, kind, f->now_ms, &b, e) ||
	    store_base_moved_since(f->store, f->env->name, of->started_ms,
				   &moved, e) ||
	    store_revisions(f->store, of->id, &then, &count, e))
		return e->code;
	forget_left_out(then, count, &b);
	compare_revisions(out, then, count, b.in, b.in_count);
	if (!out->len && moved)
		str_puts(out, "a base branch has moved since");
	revisions_free(then, count);
	return ERR_OK;
}

enum err flow_retry_against(const struct flow *f, const struct cycle *of,
			    struct str *out, struct error *e)
{
	enum cycle_kind kind =
		strcmp(of->kind, "full") == 0 ? KIND_FULL : KIND_SHORT;
	char recipe[65];

	if (recipe_hash(f->env, kind, recipe, e) ||
	    compare_common(f, of, recipe, 0, out, e))
		return e->code;
	return out->len ? ERR_OK : compare_batch(f, of, kind, out, e);
}

/* --- the decision --- */

static void compare_projects(struct str *out,
			     const struct manifest_project *then,
			     const struct manifest_project *now, size_t count)
{
	for (size_t i = 0; !out->len && i < count; i++) {
		const struct manifest_project *a = &then[i], *b = &now[i];

		if (strcmp(a->repo, b->repo) != 0 ||
		    strcmp(a->branch, b->branch) != 0)
			str_puts(out, "the projects were changed since");
		else if (strcmp(a->base_sha, b->base_sha) != 0)
			str_addf(out, "%s of %s has moved since", b->base,
				 b->repo);
		else if (strcmp(a->sha, b->old_sha) != 0)
			str_addf(out, "somebody moved %s of %s since",
				 b->branch, b->repo);
		else if (strcmp(a->sha, b->sha) != 0)
			str_puts(out, "the merge came out differently");
	}
}

static enum err compare_manifests(const struct flow *f, const struct cycle *of,
				  const struct cycle *c, struct str *out,
				  struct error *e)
{
	struct manifest_project *a = NULL, *b = NULL;
	struct revision *then = NULL, *now = NULL;
	size_t a_count = 0, b_count = 0, then_count = 0, now_count = 0;
	enum err code = store_manifest(f->store, of->id, &a, &a_count, e);

	if (!code)
		code = store_manifest(f->store, c->id, &b, &b_count, e);
	if (!code)
		code = store_revisions(f->store, of->id, &then, &then_count, e);
	if (!code)
		code = store_revisions(f->store, c->id, &now, &now_count, e);
	if (!code)
		compare_revisions(out, then, then_count, now, now_count);
	if (!code && !out->len && a_count != b_count)
		str_puts(out, "the projects were changed since");
	if (!code && !out->len)
		compare_projects(out, a, b, a_count);
	if (!code && !out->len && strcmp(of->content, c->content) != 0)
		str_puts(out, "the content is another");
	free(a);
	free(b);
	revisions_free(then, then_count);
	revisions_free(now, now_count);
	return code;
}

static enum err against(const struct flow *f, const struct cycle *of,
			const struct cycle *c, struct str *out, struct error *e)
{
	if (strcmp(of->kind, c->kind) != 0)
		str_addf(out, "cycle %lld was a %s, and this is a %s",
			 (long long)of->id, of->kind, c->kind);
	else if (strcmp(of->state, "finished") != 0)
		str_addf(out, "cycle %lld has not ended", (long long)of->id);
	else if (compare_common(f, of, c->recipe, c->id, out, e))
		return e->code;
	return out->len ? ERR_OK : compare_manifests(f, of, c, out, e);
}

/* What runs by now has to end all the same: a drain is never kept. */
enum err flow_retry_keep(const struct flow *f, const struct cycle *c,
			 struct error *e)
{
	char failed[64];
	struct job *jobs;
	size_t count;
	enum err code = ERR_OK;

	if (!c->first_stage)
		return ERR_OK;
	flow_stage_name(c, c->first_stage, failed, sizeof(failed));
	if (store_jobs(f->store, c->of_cycle, &jobs, &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++) {
		struct job kept = {.started_ms = 0};

		if (strcmp(jobs[i].stage, failed) == 0 ||
		    flow_is_drain(&jobs[i]))
			continue;
		COPY(kept.stage, jobs[i].stage);
		COPY(kept.name, jobs[i].name);
		COPY(kept.state, "skipped");
		snprintf(kept.text, sizeof(kept.text), "kept from cycle %lld",
			 (long long)c->of_cycle);
		flow_job_key(c, kept.name, kept.key, sizeof(kept.key));
		code = store_job_add(f->store, c->id, &kept, e);
	}
	free(jobs);
	return code;
}

enum err flow_retry_batched(const struct flow *f, struct cycle *c,
			    struct error *e)
{
	CLEANUP(str_release) struct str why = STR_INIT(1024);
	struct cycle of;

	if (strcmp(c->purpose, "retry") != 0)
		return ERR_OK;
	if (store_cycle(f->store, c->of_cycle, &of, e) ||
	    against(f, &of, c, &why, e) || str_check(&why, e))
		return e->code;
	/* A refused push leads to another merge, and may change the answer. */
	c->first_stage = 0;
	c->number = 0;
	c->whole_why[0] = '\0';
	if (why.len) {
		snprintf(c->whole_why, sizeof(c->whole_why), "%.*s",
			 (int)str_utf8_cut(why.text, why.len,
					   sizeof(c->whole_why) - 1),
			 why.text);
	} else {
		c->first_stage = of.stage;
		if (c->first_stage)
			c->number = of.number ? of.number : of.id;
	}
	return store_cycle_retries(f->store, c, e);
}
