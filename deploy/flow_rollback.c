/*
 * Putting the last green manifest back: a short cycle that merges nothing.
 * Its git.batch has no revisions and only finds out where the branches are
 * now; what is pushed are the commits of then.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "deploy/flow_audit.h"
#include "deploy/flow_internal.h"
#include "store/request.h"

bool flow_is_rollback(const struct cycle *c)
{
	return strcmp(c->purpose, "rollback") == 0;
}

static const struct manifest_project *in_manifest(
	const struct manifest_project *list, size_t count, const char *repo)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].repo, repo) == 0)
			return &list[i];
	return NULL;
}

enum err flow_can_roll_back(const struct flow *f, const struct cycle *green,
			    bool *ret, struct error *e)
{
	struct manifest_project *list;
	size_t count;

	if (store_manifest(f->store, green->id, &list, &count, e))
		return e->code;
	*ret = count == f->env->project_count;
	for (size_t i = 0; i < f->env->project_count; i++) {
		const struct project *now = &f->env->projects[i];
		const struct manifest_project *then =
			in_manifest(list, count, now->repo);

		*ret = *ret && then && *then->sha &&
		       strcmp(then->branch, now->branch) == 0;
	}
	free(list);
	return ERR_OK;
}

static enum err copy_projects(const struct flow *f, int64_t to, int64_t from,
			      struct error *e)
{
	struct manifest_project *list;
	size_t count;
	enum err code = ERR_OK;

	if (store_manifest(f->store, from, &list, &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++)
		code = store_manifest_add(f->store, to, (int)i, &list[i], e);
	free(list);
	return code;
}

static enum err copy_revisions(const struct flow *f, int64_t to, int64_t from,
			       struct error *e)
{
	struct revision *list;
	size_t count;
	int position = 0;
	enum err code = ERR_OK;

	if (store_revisions(f->store, from, &list, &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++) {
		struct revision *r = &list[i];

		if (strcmp(r->result, "merged") != 0)
			continue;
		r->is_new = false;
		code = store_revision_add(f->store, to, position++, r, e);
		if (!code)
			code = store_revision_result(f->store, to, r, e);
		if (!code)
			code = store_touch(f->store, r->pull_id, e);
	}
	revisions_free(list, count);
	return code;
}

enum err flow_rollback(const struct flow *f, const struct cycle *after,
		       const struct cycle *green, struct error *e)
{
	struct cycle c;

	if (flow_new(f, KIND_SHORT, &c, e))
		return e->code;
	COPY(c.purpose, "rollback");
	COPY(c.tag, green->tag);
	c.of_cycle = after->id;
	c.number = green->number ? green->number : green->id;
	if (store_cycle_add(f->store, &c, e) ||
	    copy_projects(f, c.id, green->id, e) ||
	    copy_revisions(f, c.id, green->id, e) || flow_audit_begin(f, &c, e))
		return e->code;
	return flow_want_batch(f, c.id, e);
}

/* Where each branch is now; *ret_count: of how many the answer tells. */
static enum err take_branches(const struct flow *f, const struct cycle *c,
			      const struct manifest_project *list, size_t count,
			      const json_t *body, size_t *ret_count,
			      struct error *e)
{
	json_t *project;
	size_t i;

	*ret_count = 0;
	json_array_foreach (js_get(body, "projects"), i, project) {
		const struct manifest_project *then =
			in_manifest(list, count, js_str(project, "repo"));
		struct manifest_project p;

		if (!then)
			continue;
		p = *then;
		COPY(p.old_sha, js_str(project, "old_sha"));
		if (store_manifest_result(f->store, c->id, &p, e))
			return e->code;
		*ret_count += 1;
	}
	return ERR_OK;
}

enum err flow_rollback_batched(const struct flow *f, const struct cycle *c,
			       const json_t *body, struct error *e)
{
	struct environment_record record;
	struct manifest_project *list;
	struct cycle green;
	size_t count, told;
	enum err code;

	/* No other cycle can have become the last green one meanwhile. */
	if (store_environment(f->store, f->env->name, f->now_ms, &record, e) ||
	    store_cycle(f->store, record.deployed_cycle, &green, e) ||
	    store_manifest(f->store, green.id, &list, &count, e))
		return e->code;
	code = take_branches(f, c, list, count, body, &told, e);
	free(list);
	if (code)
		return code;
	if (told != count)
		return error_set(e, ERR_INVALID,
				 "git tells of %zu projects, not of %zu", told,
				 count);
	return store_cycle_batched(f->store, c->id, green.content, e);
}
