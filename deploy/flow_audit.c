#include "deploy/flow_audit.h"

#include <stdlib.h>
#include <string.h>

#include "bot/base/json.h"
#include "bot/base/limits.h"
#include "bot/base/str.h"
#include "store/audit.h"
#include "store/pull.h"

/* --- what it rests on --- */

/* A list that was cut says how much there was. */
static void put_list(json_t *evidence, const char *name, json_t *list,
		     size_t count)
{
	char total[64];

	json_object_set_new(evidence, name, list);
	if (count <= LIMIT_AUDIT_LIST)
		return;
	snprintf(total, sizeof(total), "%s_count", name);
	json_object_set_new(evidence, total, json_integer((json_int_t)count));
}

static enum err put_requests(const struct flow *f, int64_t cycle_id,
			     json_t *evidence, struct error *e)
{
	json_t *list = json_array();
	struct request *r;
	size_t count;

	if (store_requests_of_cycle(f->store, cycle_id, &r, &count, e)) {
		json_decref(list);
		return e->code;
	}
	for (size_t i = 0; i < count && i < LIMIT_AUDIT_LIST; i++)
		json_array_append_new(list, json_integer(r[i].id));
	free(r);
	put_list(evidence, "requests", list, count);
	return ERR_OK;
}

static json_t *revision_json(const struct revision *r)
{
	json_t *one = json_pack("{s:s, s:I, s:s, s:b}", "repo", r->repo,
				"number", (json_int_t)r->number, "sha", r->sha,
				"new", r->is_new);

	if (*r->result)
		json_object_set_new(one, "result", json_string(r->result));
	if (*r->reason)
		json_object_set_new(one, "reason", json_string(r->reason));
	return one;
}

static enum err put_revisions(const struct flow *f, int64_t cycle_id,
			      json_t *evidence, struct error *e)
{
	json_t *list = json_array();
	struct revision *r;
	size_t count;

	if (store_revisions(f->store, cycle_id, &r, &count, e)) {
		json_decref(list);
		return e->code;
	}
	for (size_t i = 0; i < count && i < LIMIT_AUDIT_LIST; i++)
		json_array_append_new(list, revision_json(&r[i]));
	revisions_free(r, count);
	put_list(evidence, "revisions", list, count);
	return ERR_OK;
}

static enum err put_manifest(const struct flow *f, int64_t cycle_id,
			     json_t *evidence, struct error *e)
{
	json_t *list = json_array();
	struct manifest_project *p;
	size_t count;

	if (store_manifest(f->store, cycle_id, &p, &count, e)) {
		json_decref(list);
		return e->code;
	}
	for (size_t i = 0; i < count && i < LIMIT_AUDIT_LIST; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}",
						      "repo", p[i].repo,
						      "branch", p[i].branch,
						      "base_sha", p[i].base_sha,
						      "sha", p[i].sha));
	free(p);
	put_list(evidence, "projects", list, count);
	return ERR_OK;
}

static json_t *cycle_json(const struct cycle *c)
{
	json_t *o = json_pack(
		"{s:I, s:s, s:s, s:I, s:b}", "cycle", (json_int_t)c->id,
		"environment", c->environment, "kind", c->kind, "restarts",
		(json_int_t)c->restarts, "scheduled", c->scheduled);

	if (*c->purpose)
		json_object_set_new(o, c->purpose, json_integer(c->of_cycle));
	if (*c->cancelled_by)
		json_object_set_new(o, "cancelled_by",
				    json_string(c->cancelled_by));
	return o;
}

/* --- cycles --- */

enum err flow_audit_begin(const struct flow *f, const struct cycle *c,
			  struct error *e)
{
	CLEANUP(json_decref) json_t *evidence = cycle_json(c);
	char subject[128], why[96];

	if (put_requests(f, c->id, evidence, e) ||
	    put_revisions(f, c->id, evidence, e))
		return e->code;
	snprintf(subject, sizeof(subject), "cycle %lld on %s", (long long)c->id,
		 f->env->name);
	snprintf(why, sizeof(why), "%s, %s", c->kind,
		 strcmp(c->purpose, "rollback") == 0
			 ? "puts the last green manifest back"
		 : strcmp(c->purpose, "retry") == 0 ? "does a cycle again"
		 : c->scheduled			    ? "by the schedule"
		 : c->restarts ? "again, with newer revisions"
			       : "for the requests that waited");
	return store_audit_with(f->store, f->now_ms, AUDIT_BOT, "cycle.begin",
				subject, why, json_incref(evidence), e);
}

enum err flow_audit_end(const struct flow *f, const struct cycle *c,
			struct error *e)
{
	CLEANUP(json_decref) json_t *evidence = cycle_json(c);
	char subject[128];
	CLEANUP(str_release) struct str why = STR_INIT(1024);

	json_object_set_new(evidence, "verdict", json_string(c->verdict));
	json_object_set_new(evidence, "reason_code",
			    json_string(c->reason_code));
	if (put_requests(f, c->id, evidence, e) ||
	    put_revisions(f, c->id, evidence, e) ||
	    put_manifest(f, c->id, evidence, e))
		return e->code;
	snprintf(subject, sizeof(subject), "cycle %lld on %s", (long long)c->id,
		 f->env->name);
	str_addf(&why, "%s, %s%s%s", c->verdict, c->reason_code,
		 *c->text ? ": " : "", c->text);
	return store_audit_with(f->store, f->now_ms, AUDIT_BOT, "cycle.end",
				subject, why.text, json_incref(evidence), e);
}

enum err flow_audit_guilty(const struct flow *f, const struct cycle *c,
			   const struct revision *r, struct error *e)
{
	char subject[320], why[128];

	snprintf(subject, sizeof(subject), "%s#%lld at %s", r->repo,
		 (long long)r->number, r->sha);
	snprintf(why, sizeof(why),
		 "the one new revision of cycle %lld, which failed",
		 (long long)c->id);
	return store_audit_with(f->store, f->now_ms, AUDIT_BOT,
				"revision.exclude", subject, why,
				json_pack("{s:I, s:s, s:s, s:s}", "cycle",
					  (json_int_t)c->id, "environment",
					  f->env->name, "verdict", c->verdict,
					  "reason_code", c->reason_code),
				e);
}

/* --- requests --- */

/* "acme/api#7 at SHA", or what of it is known. */
static enum err name_revision(const struct flow *f, const struct request *r,
			      char *ret, size_t size, struct error *e)
{
	struct pull p = {0};
	enum err code = r->pull_id
				? store_pull_by_id(f->store, r->pull_id, &p, e)
				: ERR_MISSING;

	if (code && code != ERR_MISSING)
		return code;
	snprintf(ret, size, "%s#%lld at %s", p.repo, (long long)p.number,
		 r->sha);
	return ERR_OK;
}

static enum err add_request(const struct flow *f, const struct request *r,
			    const char *action, const char *why,
			    struct error *e)
{
	char subject[320], by[AUDIT_ACTOR_SIZE];

	if (name_revision(f, r, subject, sizeof(subject), e))
		return e->code;
	audit_actor(by, sizeof(by), "", r->actor, r->actor_id);
	return store_audit_with(
		f->store, f->now_ms, AUDIT_BOT, action, subject, why,
		json_pack("{s:I, s:s, s:s, s:s, s:s, s:I, s:I}", "request",
			  (json_int_t)r->id, "environment", r->environment,
			  "kind", r->kind, "state", r->state, "by", by, "said",
			  (json_int_t)r->said_id, "cycle",
			  (json_int_t)r->cycle_id),
		e);
}

enum err flow_drop(const struct flow *f, const struct request *r,
		   const char *outcome, struct error *e)
{
	if (store_request_end(f->store, r->id, "dropped", outcome, e))
		return e->code;
	return add_request(f, r, "request.drop", outcome, e);
}

enum err flow_audit_void_one(const struct flow *f, const struct request *r,
			     const char *why, struct error *e)
{
	return add_request(f, r, "request.void", why, e);
}

enum err flow_audit_void(const struct flow *f, const struct pull *p,
			 const char *keep_sha, int64_t count,
			 const char *outcome, struct error *e)
{
	char subject[320];

	if (!count)
		return ERR_OK;
	snprintf(subject, sizeof(subject), "%s#%lld at %s", p->repo,
		 (long long)p->number, p->head_sha);
	return store_audit_with(f->store, f->now_ms, AUDIT_BOT, "request.void",
				subject, outcome,
				json_pack("{s:s, s:I, s:s, s:s}", "environment",
					  f->env->name, "requests",
					  (json_int_t)count, "kept", keep_sha,
					  "base", p->base_ref),
				e);
}
