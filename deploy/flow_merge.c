/*
 * From the wish to the staging branches: the merge, what it says of each
 * revision, and the push of all projects or none.
 */
#include <sodium.h>
#include <string.h>

#include "bot/base/str.h"
#include "deploy/flow_internal.h"
#include "store/outbox.h"
#include "store/request.h"

static const char workflow_dir[] = ".github/workflows/";

static json_t *batch_project(const struct manifest_project *p,
			     const struct revision *revisions, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		if (strcmp(revisions[i].repo, p->repo) == 0 &&
		    strcmp(revisions[i].result, "left_out") != 0)
			json_array_append_new(
				list, json_pack("{s:I, s:s}", "number",
						(json_int_t)revisions[i].number,
						"sha", revisions[i].sha));
	return json_pack("{s:s, s:s, s:s, s:o}", "repo", p->repo, "base",
			 p->base, "branch", p->branch, "revisions", list);
}

enum err flow_want_batch(const struct flow *f, int64_t cycle_id,
			 struct error *e)
{
	CLEANUP(json_decref) json_t *list = json_array();
	struct manifest_project *projects;
	struct revision *revisions;
	size_t project_count, count, wanted;
	struct cycle c;
	char key[64];

	if (store_cycle(f->store, cycle_id, &c, e) ||
	    store_manifest(f->store, cycle_id, &projects, &project_count, e))
		return e->code;
	if (store_revisions(f->store, cycle_id, &revisions, &count, e)) {
		free(projects);
		return e->code;
	}
	/* What is put back was merged long ago. */
	wanted = flow_is_rollback(&c) ? 0 : count;
	for (size_t i = 0; i < project_count; i++)
		json_array_append_new(
			list, batch_project(&projects[i], revisions, wanted));
	free(projects);
	revisions_free(revisions, count);
	snprintf(key, sizeof(key), "cycle:%lld:batch", (long long)cycle_id);
	return store_outbox_add(f->store, "git.batch", "", key,
				json_pack("{s:I, s:O}", "cycle",
					  (json_int_t)cycle_id, "projects",
					  list),
				0, f->now_ms, e);
}

static enum err take_revision(const struct flow *f, const struct cycle *c,
			      const char *repo, const json_t *answer,
			      struct error *e)
{
	struct revision r = {.number = js_int(answer, "number", 0)};
	const json_t *paths = js_get(answer, "paths");
	CLEANUP(free) char *text = paths ? js_dump(paths) : NULL;

	COPY(r.repo, repo);
	COPY(r.result, js_str(answer, "result"));
	COPY(r.reason, js_str(answer, "reason"));
	r.paths = text;
	return store_revision_result(f->store, c->id, &r, e);
}

/* Takes the answer over and hashes what went in. */
static enum err take_answer(const struct flow *f, const struct cycle *c,
			    const json_t *body, char ret_hash[65],
			    struct error *e)
{
	CLEANUP(str_release) struct str input = STR_INIT(1u << 20);
	unsigned char hash[crypto_hash_sha256_BYTES];
	json_t *project, *revision;
	size_t i, j;

	json_array_foreach (js_get(body, "projects"), i, project) {
		const char *repo = js_str(project, "repo");
		struct manifest_project p = {0};

		COPY(p.repo, repo);
		COPY(p.base_sha, js_str(project, "base_sha"));
		COPY(p.old_sha, js_str(project, "old_sha"));
		COPY(p.sha, js_str(project, "sha"));
		str_addf(&input, "%s %s\n", repo, p.base_sha);
		if (store_manifest_result(f->store, c->id, &p, e))
			return e->code;
		json_array_foreach (js_get(project, "revisions"), j, revision) {
			if (take_revision(f, c, repo, revision, e))
				return e->code;
			if (strcmp(js_str(revision, "result"), "merged") == 0)
				str_addf(&input, "+%s\n",
					 js_str(revision, "sha"));
		}
	}
	if (str_check(&input, e))
		return e->code;
	crypto_hash_sha256(hash, (const unsigned char *)input.text, input.len);
	sodium_bin2hex(ret_hash, 65, hash, sizeof(hash));
	return ERR_OK;
}

/* The requests whose own revision is not aboard have their answer now. */
static enum err end_left_out(const struct flow *f, const struct cycle *c,
			     size_t *ret_aboard, struct error *e)
{
	struct revision *revisions;
	struct request *requests;
	size_t count, request_count;
	enum err code = ERR_OK;

	*ret_aboard = 0;
	if (store_revisions(f->store, c->id, &revisions, &count, e))
		return e->code;
	if (store_requests_of_cycle(f->store, c->id, &requests, &request_count,
				    e)) {
		revisions_free(revisions, count);
		return e->code;
	}
	for (size_t i = 0; !code && i < request_count; i++) {
		const struct request *r = &requests[i];
		const char *why = "left_out";

		if (strcmp(r->kind, "auto") == 0)
			continue;
		for (size_t j = 0; j < count; j++)
			if (revisions[j].pull_id == r->pull_id &&
			    strcmp(revisions[j].sha, r->sha) == 0)
				why = revisions[j].result;
		if (strcmp(why, "merged") == 0) {
			*ret_aboard += 1;
			continue;
		}
		code = store_request_end(f->store, r->id, "done", why, e);
		if (!code)
			code = flow_drop_booked(f, r, e);
	}
	free(requests);
	revisions_free(revisions, count);
	return code;
}

static enum err want_push(const struct flow *f, const struct cycle *c,
			  struct error *e)
{
	CLEANUP(json_decref) json_t *list = json_array();
	struct manifest_project *p;
	size_t count;
	char key[64], target[96];

	if (store_manifest(f->store, c->id, &p, &count, e))
		return e->code;
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:s, s:s}", "repo",
						p[i].repo, "branch",
						p[i].branch, "old_sha",
						p[i].old_sha, "sha", p[i].sha));
	free(p);
	snprintf(key, sizeof(key), "cycle:%lld:push:%lld", (long long)c->id,
		 (long long)c->batches + 1);
	snprintf(target, sizeof(target), "refs:%s", f->env->name);
	return store_outbox_add(f->store, "git.push", target, key,
				json_pack("{s:I, s:O}", "cycle",
					  (json_int_t)c->id, "projects", list),
				0, f->now_ms, e);
}

/*
 * Is what would be deployed on the environment already?  Not when a cycle
 * that did not work has come after the green one.
 */
static enum err is_deployed(const struct flow *f, const char *content,
			    bool *ret, struct error *e)
{
	struct environment_record r;
	struct cycle green;
	int64_t touched;
	enum err code;

	*ret = false;
	if (store_environment(f->store, f->env->name, f->now_ms, &r, e) ||
	    store_cycle_touched(f->store, f->env->name, &touched, e))
		return e->code;
	if (touched != r.deployed_cycle)
		return ERR_OK;
	code = store_cycle(f->store, r.deployed_cycle, &green, e);
	if (code)
		return code == ERR_MISSING ? ERR_OK : code;
	*ret = strcmp(green.content, content) == 0;
	return ERR_OK;
}

static enum err go_on_to_push(const struct flow *f, const struct cycle *c,
			      struct error *e)
{
	if (store_cycle_move(f->store, c->id, "merging", "pushing", e) ||
	    store_touch_cycle(f->store, c->id, e))
		return e->code;
	return want_push(f, c, e);
}

static enum err merged(const struct flow *f, struct cycle *c,
		       const json_t *body, struct error *e)
{
	size_t aboard;
	bool deployed, again;

	if (take_answer(f, c, body, c->content, e) ||
	    store_cycle_batched(f->store, c->id, c->content, e) ||
	    flow_gate(f, c, &again, e))
		return e->code;
	if (again)
		return flow_want_batch(f, c->id, e);
	if (end_left_out(f, c, &aboard, e) ||
	    is_deployed(f, c->content, &deployed, e))
		return e->code;
	if (deployed && !aboard)
		return flow_finish(f, c, "inconclusive", "nothing_new",
				   "nothing to deploy: what is on the "
				   "environment is up to date",
				   e);
	if (flow_retry_batched(f, c, e))
		return e->code;
	return go_on_to_push(f, c, e);
}

enum err flow_batched(const struct flow *f, const json_t *args,
		      const struct outcome *o, struct error *e)
{
	struct cycle c;

	if (flow_cycle_of(f, args, &c, e))
		return e->code;
	if (strcmp(c.state, "merging") != 0)
		return ERR_OK;
	if (o->code)
		return flow_finish(f, &c, "error", "merge_failed", o->text, e);
	if (!flow_is_rollback(&c))
		return merged(f, &c, o->body, e);
	if (flow_rollback_batched(f, &c, o->body, e))
		return e->code;
	return go_on_to_push(f, &c, e);
}

static bool touches_workflows(const struct revision *r)
{
	CLEANUP(json_decref)
	json_t *paths = r->paths ? js_read(r->paths) : NULL;
	json_t *one;
	size_t i;

	json_array_foreach (paths, i, one)
		if (str_starts(json_string_value(one), workflow_dir))
			return true;
	return !paths; /* too many to know */
}

/* Leaves out what the forge does not let us push; *ret_any: something. */
static enum err leave_out_content(const struct flow *f, const struct cycle *c,
				  const char *repo, const char *reason,
				  bool *ret_any, struct error *e)
{
	struct revision *list;
	size_t count;
	enum err code = ERR_OK;

	if (store_revisions(f->store, c->id, &list, &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++) {
		if (strcmp(list[i].repo, repo) != 0 ||
		    strcmp(list[i].result, "merged") != 0 ||
		    !touches_workflows(&list[i]))
			continue;
		*ret_any = true;
		COPY(list[i].result, "left_out");
		snprintf(list[i].reason, sizeof(list[i].reason),
			 "the forge refused the push of its workflow files: "
			 "%s",
			 reason);
		code = store_revision_result(f->store, c->id, &list[i], e);
	}
	revisions_free(list, count);
	return code;
}

static enum err merge_again(const struct flow *f, const struct cycle *c,
			    struct error *e)
{
	if (store_cycle_move(f->store, c->id, "pushing", "merging", e))
		return e->code;
	return flow_want_batch(f, c->id, e);
}

/* A refused push: merge again where that can help, else an error. */
static enum err push_refused(const struct flow *f, struct cycle *c,
			     const struct outcome *o, struct error *e)
{
	bool again = false;
	json_t *project;
	size_t i;

	json_array_foreach (js_get(o->body, "projects"), i, project) {
		const char *why = js_str(project, "refused");

		if (strcmp(why, "lease") == 0)
			again = true;
		if (strcmp(why, "content") == 0 && !flow_is_rollback(c) &&
		    leave_out_content(f, c, js_str(project, "repo"),
				      js_str(project, "reason"), &again, e))
			return e->code;
	}
	if (!again || c->batches >= FLOW_BATCHES_MAX)
		return flow_finish(f, c, "error", "push_refused", o->text, e);
	return merge_again(f, c, e);
}

/* A refused push was put back, unless that failed as well. */
static bool may_have_moved(const struct outcome *o)
{
	json_t *project;
	size_t i;

	json_array_foreach (js_get(o->body, "projects"), i, project)
		if (js_bool(project, "pushed", false))
			return true;
	return o->code != ERR_CONFLICT;
}

static enum err note_moved(const struct flow *f, struct cycle *c,
			   const struct outcome *o, struct error *e)
{
	if (!may_have_moved(o))
		return ERR_OK;
	c->moved = true;
	return store_cycle_moved(f->store, c->id, e);
}

enum err flow_pushed(const struct flow *f, const json_t *args,
		     const struct outcome *o, struct error *e)
{
	struct cycle c;

	if (flow_cycle_of(f, args, &c, e))
		return e->code;
	if (strcmp(c.state, "finished") == 0)
		return ERR_OK;
	if (note_moved(f, &c, o, e))
		return e->code;
	if (strcmp(c.state, "stopping") == 0)
		return flow_stopped(f, &c, e);
	if (strcmp(c.state, "pushing") != 0)
		return ERR_OK;
	if (o->code == ERR_CONFLICT)
		return push_refused(f, &c, o, e);
	/* The mirror that held the merge was damaged, and made anew. */
	if (o->code == ERR_MISSING && c.batches < FLOW_BATCHES_MAX)
		return merge_again(f, &c, e);
	if (o->code)
		return flow_finish(f, &c, "error", "push_failed", o->text, e);
	if (store_cycle_move(f->store, c.id, "pushing", "running", e) ||
	    flow_retry_keep(f, &c, e))
		return e->code;
	return flow_enter_stage(f, &c, c.first_stage, e);
}
