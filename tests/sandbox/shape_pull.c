/* Pull requests and what hangs on them; the rest of shape.h is in shape.c. */
#include "tests/sandbox/shape.h"

#include <inttypes.h>
#include <string.h>

#include "tests/sandbox/shape_part.h"

static json_t *labels(const struct sandbox *s, const struct sb_pull *p)
{
	json_t *ret = sb_must(json_array()), *name;
	size_t i;

	json_array_foreach (p->labels, i, name)
		json_array_append_new(
			ret, shape_label(s, p->repo, json_string_value(name)));
	return ret;
}

/* The head or the base; repo NULL: its fork is gone. */
static json_t *side(struct sandbox *s, const struct sb_repo *repo,
		    const struct sb_user *user, const char *ref,
		    const char *sha)
{
	json_t *o = sb_must(json_pack("{s:s,s:s,s:o}", "ref", ref, "sha", sha,
				      "user", shape_user(s, user)));

	shape_setf(o, "label", "%s:%s", user->login, ref);
	shape_set(o, "repo", repo ? shape_repo(s, repo) : json_null());
	return o;
}

static const struct {
	const char *member, *link; /* NULL: not there */
	const char *kind;	   /* folder in the URL */
	const char *tail;
} pull_links[] = {
	{"url", "self", "pulls", ""},
	{"issue_url", "issue", "issues", ""},
	{"comments_url", "comments", "issues", "/comments"},
	{"commits_url", "commits", "pulls", "/commits"},
	{"review_comments_url", "review_comments", "pulls", "/comments"},
};

static void add_pull_links(const struct sandbox *s, const struct sb_pull *p,
			   json_t *o)
{
	const char *full = p->repo->full;
	json_t *links = sb_must(json_object());
	const char *name;
	json_t *url;

	for (size_t i = 0; i < ARRAY_SIZE(pull_links); i++) {
		shape_setf(o, pull_links[i].member, "%s/repos/%s/%s/%d%s",
			   s->url, full, pull_links[i].kind, p->number,
			   pull_links[i].tail);
		shape_set(
			links, pull_links[i].link,
			json_incref(json_object_get(o, pull_links[i].member)));
	}
	shape_setf(o, "html_url", "%s/%s/pull/%d", s->url, full, p->number);
	shape_setf(o, "diff_url", "%s/%s/pull/%d.diff", s->url, full,
		   p->number);
	shape_setf(o, "patch_url", "%s/%s/pull/%d.patch", s->url, full,
		   p->number);
	shape_setf(o, "review_comment_url",
		   "%s/repos/%s/pulls/comments{/number}", s->url, full);
	shape_setf(o, "statuses_url", "%s/repos/%s/statuses/%s", s->url, full,
		   p->head_sha);
	shape_set(links, "html", json_incref(json_object_get(o, "html_url")));
	shape_set(links, "review_comment",
		  json_incref(json_object_get(o, "review_comment_url")));
	shape_set(links, "statuses",
		  json_incref(json_object_get(o, "statuses_url")));
	shape_set(o, "_links", json_object());
	json_object_foreach (links, name, url)
		shape_set(json_object_get(o, "_links"), name,
			  json_pack("{s:O}", "href", url));
	json_decref(links);
}

static int code_comment_count(struct sandbox *s, const struct sb_pull *p)
{
	struct sb_comment *c;
	int n = 0;

	STAILQ_FOREACH(c, &s->code_comments, next)
	n += c->pull == p && !c->deleted;
	return n;
}

static int comment_count(struct sandbox *s, const struct sb_pull *p)
{
	struct sb_comment *c;
	int n = 0;

	STAILQ_FOREACH(c, &s->comments, next)
	n += c->pull == p && !c->deleted;
	return n;
}

static void add_pull_details(struct sandbox *s, const struct sb_pull *p,
			     json_t *o)
{
	const char *state = p->closed	   ? "unknown"
			    : p->draft	   ? "draft"
			    : p->mergeable ? "clean"
					   : "dirty";

	shape_set(o, "merged", json_boolean(p->merged_by));
	shape_set(o, "merged_by",
		  p->merged_by ? shape_user(s, p->merged_by) : json_null());
	shape_set(o, "mergeable",
		  p->closed ? json_null() : json_boolean(p->mergeable));
	shape_set(o, "rebaseable",
		  p->closed ? json_null() : json_boolean(p->mergeable));
	shape_set(o, "mergeable_state", json_string(state));
	shape_set(o, "comments", json_integer(comment_count(s, p)));
	shape_set(o, "review_comments", json_integer(code_comment_count(s, p)));
	shape_set(o, "maintainer_can_modify", json_false());
	shape_set(o, "commits", json_integer(p->commits));
	shape_set(o, "additions", json_integer(p->additions));
	shape_set(o, "deletions", json_integer(p->deletions));
	shape_set(o, "changed_files", json_integer(p->changed_files));
}

json_t *shape_pull(struct sandbox *s, const struct sb_pull *p, bool full)
{
	const struct sb_user *head =
		p->head_repo ? p->head_repo->owner : p->author;
	json_t *o = sb_must(json_pack(
		"{s:I,s:i,s:s,s:b,s:s,s:b,s:[],s:[],s:[],s:s,s:n,s:n,s:n,s:n}",
		"id", (json_int_t)p->id, "number", p->number, "state",
		p->closed ? "closed" : "open", "locked", p->locked, "title",
		p->title, "draft", p->draft, "assignees", "requested_reviewers",
		"requested_teams", "author_association",
		shape_association(p->repo, p->author), "milestone", "assignee",
		"auto_merge", "active_lock_reason"));

	shape_setf(o, "node_id", "PR_%" PRId64, p->id);
	shape_set(o, "user", shape_user(s, p->author));
	shape_set(o, "body", *p->body ? json_string(p->body) : json_null());
	shape_set(o, "labels", labels(s, p));
	shape_set(o, "created_at", shape_time(p->created));
	shape_set(o, "updated_at", shape_time(p->updated));
	shape_set(o, "closed_at", shape_time(p->ended));
	shape_set(o, "merged_at", shape_time(p->merged_by ? p->ended : 0));
	shape_set(o, "merge_commit_sha",
		  *p->merge_sha ? json_string(p->merge_sha) : json_null());
	shape_set(o, "head",
		  side(s, p->head_repo, head, p->head_ref, p->head_sha));
	shape_set(o, "base",
		  side(s, p->repo, p->repo->owner, p->base_ref, p->base_sha));
	add_pull_links(s, p, o);
	if (full)
		add_pull_details(s, p, o);
	return o;
}

json_t *shape_rollup(const struct sandbox *s, const struct sb_repo *r,
		     const char *what, const struct sb_comment *c)
{
	static const char *const contents[] = {"+1",	   "-1",    "laugh",
					       "confused", "heart", "hooray",
					       "eyes",	   "rocket"};
	json_t *o = sb_must(json_object());
	struct sb_reaction *one;
	int total = 0;

	shape_setf(o, "url", "%s/repos/%s/%s/reactions", s->url, r->full, what);
	for (size_t i = 0; i < ARRAY_SIZE(contents); i++) {
		int n = 0;

		if (c)
			STAILQ_FOREACH(one, &c->reactions, next)
		n += !one->deleted && !strcmp(one->content, contents[i]);
		shape_set(o, contents[i], json_integer(n));
		total += n;
	}
	shape_set(o, "total_count", json_integer(total));
	return o;
}

json_t *shape_issue(struct sandbox *s, const struct sb_pull *p)
{
	CLEANUP(free)
	char *base = sb_must(str_format("%s/repos/%s/issues/%d", s->url,
					p->repo->full, p->number));
	CLEANUP(free)
	char *number = sb_must(str_format("issues/%d", p->number));
	static const struct link links[] = {
		{"url", ""},
		{"labels_url", "/labels{/name}"},
		{"comments_url", "/comments"},
		{"events_url", "/events"},
		{"timeline_url", "/timeline"},
	};
	json_t *pull = shape_pull(s, p, false);
	static const char *const same[] = {"node_id",
					   "number",
					   "title",
					   "user",
					   "labels",
					   "state",
					   "locked",
					   "assignee",
					   "assignees",
					   "milestone",
					   "body",
					   "created_at",
					   "updated_at",
					   "closed_at",
					   "author_association",
					   "active_lock_reason",
					   "draft",
					   "html_url"};
	json_t *o =
		sb_must(json_pack("{s:I,s:i,s:n,s:n}", "id", (json_int_t)p->id,
				  "comments", comment_count(s, p),
				  "state_reason", "performed_via_github_app"));
	json_t *link = sb_must(json_object());

	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		json_object_set(o, same[i], json_object_get(pull, same[i]));
	shape_links(o, base, links, ARRAY_SIZE(links));
	shape_setf(o, "repository_url", "%s/repos/%s", s->url, p->repo->full);
	shape_set(o, "reactions", shape_rollup(s, p->repo, number, NULL));
	json_object_set(link, "url", json_object_get(pull, "url"));
	json_object_set(link, "html_url", json_object_get(pull, "html_url"));
	json_object_set(link, "diff_url", json_object_get(pull, "diff_url"));
	json_object_set(link, "patch_url", json_object_get(pull, "patch_url"));
	json_object_set(link, "merged_at", json_object_get(pull, "merged_at"));
	shape_set(o, "pull_request", link);
	json_decref(pull);
	return o;
}

json_t *shape_comment(struct sandbox *s, const struct sb_comment *c)
{
	const struct sb_pull *p = c->pull;
	CLEANUP(free)
	char *what = sb_must(str_format("issues/comments/%" PRId64, c->id));
	json_t *o = sb_must(json_pack(
		"{s:I,s:s,s:o,s:s,s:n}", "id", (json_int_t)c->id, "body",
		c->body, "user", shape_user(s, c->user), "author_association",
		shape_association(p->repo, c->user),
		"performed_via_github_app"));

	shape_setf(o, "node_id", "IC_%" PRId64, c->id);
	shape_setf(o, "url", "%s/repos/%s/%s", s->url, p->repo->full, what);
	shape_setf(o, "html_url", "%s/%s/pull/%d#issuecomment-%" PRId64, s->url,
		   p->repo->full, p->number, c->id);
	shape_setf(o, "issue_url", "%s/repos/%s/issues/%d", s->url,
		   p->repo->full, p->number);
	shape_set(o, "created_at", shape_time(c->created));
	shape_set(o, "updated_at", shape_time(c->updated));
	shape_set(o, "reactions", shape_rollup(s, p->repo, what, c));
	return o;
}

json_t *shape_reaction(const struct sandbox *s, const struct sb_reaction *r)
{
	json_t *o = sb_must(
		json_pack("{s:I,s:o,s:s,s:o}", "id", (json_int_t)r->id, "user",
			  shape_user(s, r->user), "content", r->content,
			  "created_at", shape_time(r->created)));

	shape_setf(o, "node_id", "REA_%" PRId64, r->id);
	return o;
}

json_t *shape_status(const struct sandbox *s, const struct sb_status *st)
{
	json_t *o = sb_must(json_pack(
		"{s:I,s:s,s:s,s:s?,s:s?,s:o,s:o,s:o}", "id", (json_int_t)st->id,
		"state", st->state, "context", st->context, "description",
		st->description, "target_url", st->target_url, "created_at",
		shape_time(st->created), "updated_at", shape_time(st->created),
		"creator", shape_user(s, st->creator)));

	shape_setf(o, "node_id", "SC_%" PRId64, st->id);
	shape_setf(o, "url", "%s/repos/%s/statuses/%s", s->url, st->repo->full,
		   st->sha);
	shape_setf(o, "avatar_url", "%s/_sandbox/avatars/%" PRId64, s->url,
		   st->creator->id);
	return o;
}

/* One bad status makes the whole bad, one open one makes it wait. */
static const char *combined_state(const json_t *statuses)
{
	const char *ret = json_array_size(statuses) ? "success" : "pending";
	json_t *st;
	size_t i;

	json_array_foreach (statuses, i, st) {
		const char *state = js_str(st, "state");

		if (!strcmp(state, "failure") || !strcmp(state, "error"))
			return "failure";
		if (!strcmp(state, "pending"))
			ret = "pending";
	}
	return ret;
}

json_t *shape_combined(struct sandbox *s, const struct sb_repo *r,
		       const char *sha)
{
	json_t *list = sb_must(json_array()), *o;
	struct sb_status *st = NULL;

	while ((st = sb_status_next(s, r, sha, st)))
		json_array_append_new(list, shape_status(s, st));
	o = sb_must(json_pack("{s:s,s:s,s:i,s:o}", "state",
			      combined_state(list), "sha", sha, "total_count",
			      (int)json_array_size(list), "repository",
			      shape_repo(s, r)));
	shape_set(o, "statuses", list);
	shape_setf(o, "commit_url", "%s/repos/%s/commits/%s", s->url, r->full,
		   sha);
	shape_setf(o, "url", "%s/repos/%s/commits/%s/status", s->url, r->full,
		   sha);
	return o;
}
