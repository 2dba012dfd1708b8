#include "tests/sandbox/shape.h"

#include <inttypes.h>
#include <string.h>

#include "bot/base/clock.h"
#include "tests/sandbox/webhooks.h"

struct link {
	const char *name, *tail;
};

static const struct link user_links[] = {
	{"url", ""},
	{"followers_url", "/followers"},
	{"following_url", "/following{/other_user}"},
	{"gists_url", "/gists{/gist_id}"},
	{"starred_url", "/starred{/owner}{/repo}"},
	{"subscriptions_url", "/subscriptions"},
	{"organizations_url", "/orgs"},
	{"repos_url", "/repos"},
	{"events_url", "/events{/privacy}"},
	{"received_events_url", "/received_events"},
};

static const struct link repo_links[] = {
	{"url", ""},
	{"archive_url", "/{archive_format}{/ref}"},
	{"assignees_url", "/assignees{/user}"},
	{"blobs_url", "/git/blobs{/sha}"},
	{"branches_url", "/branches{/branch}"},
	{"collaborators_url", "/collaborators{/collaborator}"},
	{"comments_url", "/comments{/number}"},
	{"commits_url", "/commits{/sha}"},
	{"compare_url", "/compare/{base}...{head}"},
	{"contents_url", "/contents/{+path}"},
	{"contributors_url", "/contributors"},
	{"deployments_url", "/deployments"},
	{"downloads_url", "/downloads"},
	{"events_url", "/events"},
	{"forks_url", "/forks"},
	{"git_commits_url", "/git/commits{/sha}"},
	{"git_refs_url", "/git/refs{/sha}"},
	{"git_tags_url", "/git/tags{/sha}"},
	{"hooks_url", "/hooks"},
	{"issue_comment_url", "/issues/comments{/number}"},
	{"issue_events_url", "/issues/events{/number}"},
	{"issues_url", "/issues{/number}"},
	{"keys_url", "/keys{/key_id}"},
	{"labels_url", "/labels{/name}"},
	{"languages_url", "/languages"},
	{"merges_url", "/merges"},
	{"milestones_url", "/milestones{/number}"},
	{"notifications_url", "/notifications{?since,all,participating}"},
	{"pulls_url", "/pulls{/number}"},
	{"releases_url", "/releases{/id}"},
	{"stargazers_url", "/stargazers"},
	{"statuses_url", "/statuses/{sha}"},
	{"subscribers_url", "/subscribers"},
	{"subscription_url", "/subscription"},
	{"tags_url", "/tags"},
	{"teams_url", "/teams"},
	{"trees_url", "/git/trees{/sha}"},
};

static const char *const repo_nulls[] = {
	"description", "homepage", "language", "license", "mirror_url",
};

static const char *const repo_zeros[] = {
	"forks",
	"forks_count",
	"open_issues",
	"open_issues_count",
	"network_count",
	"size",
	"stargazers_count",
	"subscribers_count",
	"watchers",
	"watchers_count",
};

static const struct {
	const char *name;
	bool value;
} repo_flags[] = {
	{"private", false},	 {"archived", false},
	{"disabled", false},	 {"has_issues", true},
	{"has_projects", true},	 {"has_wiki", true},
	{"has_pages", false},	 {"has_discussions", false},
	{"has_downloads", true}, {"allow_forking", true},
	{"is_template", false},	 {"web_commit_signoff_required", false},
};

static void set(json_t *o, const char *name, json_t *value)
{
	json_object_set_new(o, name, sb_must(value));
}

PRINTF_LIKE(3, 4)
static void setf(json_t *o, const char *name, const char *fmt, ...)
{
	CLEANUP(str_release) struct str text = STR_INIT(4096);
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	set(o, name, sb_text(text.text));
}

static void add_links(json_t *o, const char *base, const struct link *l,
		      size_t n)
{
	for (; n--; l++)
		setf(o, l->name, "%s%s", base, l->tail);
}

json_t *shape_time(int64_t ms)
{
	CLEANUP(str_release) struct str text = STR_INIT(64);

	if (!ms)
		return json_null();
	time_iso(&text, ms);
	return sb_must(json_string(text.text));
}

json_t *shape_user(const struct sandbox *s, const struct sb_user *u)
{
	CLEANUP(free)
	char *base = sb_must(str_format("%s/users/%s", s->url, u->login));
	json_t *o = sb_must(
		json_pack("{s:s,s:I,s:s,s:s,s:b,s:s}", "login", u->login, "id",
			  (json_int_t)u->id, "gravatar_id", "", "type", u->type,
			  "site_admin", false, "user_view_type", "public"));

	setf(o, "node_id", "U_%" PRId64, u->id);
	setf(o, "avatar_url", "%s/_sandbox/avatars/%" PRId64, s->url, u->id);
	setf(o, "html_url", "%s/%s", s->url, u->login);
	add_links(o, base, user_links, ARRAY_SIZE(user_links));
	return o;
}

json_t *shape_profile(const struct sandbox *s, const struct sb_user *u,
		      bool self)
{
	static const char *const nulls[] = {"name",  "company",	 "location",
					    "email", "hireable", "bio"};
	static const char *const zeros[] = {"public_repos", "public_gists",
					    "followers", "following"};
	static const char *const own[] = {
		"private_gists", "total_private_repos", "owned_private_repos",
		"disk_usage", "collaborators"};
	json_t *o = shape_user(s, u);

	for (size_t i = 0; i < ARRAY_SIZE(nulls); i++)
		set(o, nulls[i], json_null());
	for (size_t i = 0; i < ARRAY_SIZE(zeros); i++)
		set(o, zeros[i], json_integer(0));
	set(o, "blog", json_string(""));
	set(o, "created_at", shape_time(u->created));
	set(o, "updated_at", shape_time(u->created));
	if (!self)
		return o;
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		set(o, own[i], json_integer(0));
	set(o, "two_factor_authentication", json_true());
	set(o, "user_view_type", json_string("private"));
	return o;
}

json_t *shape_repo(struct sandbox *s, const struct sb_repo *r)
{
	CLEANUP(free)
	char *base = sb_must(str_format("%s/repos/%s", s->url, r->full));
	json_t *o = sb_must(json_pack(
		"{s:I,s:s,s:s,s:o,s:b,s:s,s:s,s:[]}", "id", (json_int_t)r->id,
		"name", r->name, "full_name", r->full, "owner",
		shape_user(s, r->owner), "fork", !r->path, "default_branch",
		r->default_branch, "visibility", "public", "topics"));

	setf(o, "node_id", "R_%" PRId64, r->id);
	setf(o, "html_url", "%s/%s", s->url, r->full);
	setf(o, "clone_url", "%s/%s.git", s->url, r->full);
	setf(o, "svn_url", "%s/%s", s->url, r->full);
	setf(o, "git_url", "git://sandbox/%s.git", r->full);
	setf(o, "ssh_url", "git@sandbox:%s.git", r->full);
	add_links(o, base, repo_links, ARRAY_SIZE(repo_links));
	for (size_t i = 0; i < ARRAY_SIZE(repo_nulls); i++)
		set(o, repo_nulls[i], json_null());
	for (size_t i = 0; i < ARRAY_SIZE(repo_zeros); i++)
		set(o, repo_zeros[i], json_integer(0));
	for (size_t i = 0; i < ARRAY_SIZE(repo_flags); i++)
		set(o, repo_flags[i].name, json_boolean(repo_flags[i].value));
	set(o, "created_at", shape_time(r->created));
	set(o, "updated_at", shape_time(r->pushed));
	set(o, "pushed_at", shape_time(r->pushed));
	return o;
}

json_t *shape_repo_push(struct sandbox *s, const struct sb_repo *r)
{
	json_t *o = shape_repo(s, r);

	set(o, "created_at", json_integer(r->created / 1000));
	set(o, "pushed_at", json_integer(r->pushed / 1000));
	set(o, "master_branch", json_string(r->default_branch));
	return o;
}

json_t *shape_label(const struct sandbox *s, const struct sb_repo *r,
		    const char *name)
{
	int64_t id = json_integer_value(json_object_get(r->labels, name));
	json_t *o = sb_must(json_pack(
		"{s:I,s:s,s:s,s:b,s:s}", "id", (json_int_t)id, "color",
		"ededed", "description", "", "default", false, "name", name));

	setf(o, "node_id", "LA_%" PRId64, id);
	setf(o, "url", "%s/repos/%s/labels/%" PRId64, s->url, r->full, id);
	return o;
}

static json_t *labels(const struct sandbox *s, const struct sb_pull *p)
{
	json_t *ret = sb_must(json_array()), *name;
	size_t i;

	json_array_foreach(p->labels, i, name) json_array_append_new(
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

	setf(o, "label", "%s:%s", user->login, ref);
	set(o, "repo", repo ? shape_repo(s, repo) : json_null());
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
		setf(o, pull_links[i].member, "%s/repos/%s/%s/%d%s", s->url,
		     full, pull_links[i].kind, p->number, pull_links[i].tail);
		set(links, pull_links[i].link,
		    json_incref(json_object_get(o, pull_links[i].member)));
	}
	setf(o, "html_url", "%s/%s/pull/%d", s->url, full, p->number);
	setf(o, "diff_url", "%s/%s/pull/%d.diff", s->url, full, p->number);
	setf(o, "patch_url", "%s/%s/pull/%d.patch", s->url, full, p->number);
	setf(o, "review_comment_url", "%s/repos/%s/pulls/comments{/number}",
	     s->url, full);
	setf(o, "statuses_url", "%s/repos/%s/statuses/%s", s->url, full,
	     p->head_sha);
	set(links, "html", json_incref(json_object_get(o, "html_url")));
	set(links, "review_comment",
	    json_incref(json_object_get(o, "review_comment_url")));
	set(links, "statuses", json_incref(json_object_get(o, "statuses_url")));
	set(o, "_links", json_object());
	json_object_foreach(links, name, url)
		set(json_object_get(o, "_links"), name,
		    json_pack("{s:O}", "href", url));
	json_decref(links);
}

const char *shape_association(const struct sb_repo *r, const struct sb_user *u)
{
	if (r->owner == u)
		return "OWNER";
	return strcmp(sb_role(r, u->login), "read") ? "COLLABORATOR" : "NONE";
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

	set(o, "merged", json_boolean(p->merged_by));
	set(o, "merged_by",
	    p->merged_by ? shape_user(s, p->merged_by) : json_null());
	set(o, "mergeable",
	    p->closed ? json_null() : json_boolean(p->mergeable));
	set(o, "rebaseable",
	    p->closed ? json_null() : json_boolean(p->mergeable));
	set(o, "mergeable_state", json_string(state));
	set(o, "comments", json_integer(comment_count(s, p)));
	set(o, "review_comments", json_integer(0));
	set(o, "maintainer_can_modify", json_false());
	set(o, "commits", json_integer(p->commits));
	set(o, "additions", json_integer(p->additions));
	set(o, "deletions", json_integer(p->deletions));
	set(o, "changed_files", json_integer(p->changed_files));
}

json_t *shape_pull(struct sandbox *s, const struct sb_pull *p, bool full)
{
	const struct sb_user *head =
		p->head_repo ? p->head_repo->owner : p->author;
	json_t *o = sb_must(json_pack(
		"{s:I,s:i,s:s,s:b,s:s,s:b,s:[],s:[],s:[],s:s,s:n,s:n,s:n,s:n}",
		"id", (json_int_t)p->id, "number", p->number, "state",
		p->closed ? "closed" : "open", "locked", false, "title",
		p->title, "draft", p->draft, "assignees", "requested_reviewers",
		"requested_teams", "author_association",
		shape_association(p->repo, p->author), "milestone", "assignee",
		"auto_merge", "active_lock_reason"));

	setf(o, "node_id", "PR_%" PRId64, p->id);
	set(o, "user", shape_user(s, p->author));
	set(o, "body", *p->body ? json_string(p->body) : json_null());
	set(o, "labels", labels(s, p));
	set(o, "created_at", shape_time(p->created));
	set(o, "updated_at", shape_time(p->updated));
	set(o, "closed_at", shape_time(p->ended));
	set(o, "merged_at", shape_time(p->merged_by ? p->ended : 0));
	set(o, "merge_commit_sha",
	    *p->merge_sha ? json_string(p->merge_sha) : json_null());
	set(o, "head", side(s, p->head_repo, head, p->head_ref, p->head_sha));
	set(o, "base",
	    side(s, p->repo, p->repo->owner, p->base_ref, p->base_sha));
	add_pull_links(s, p, o);
	if (full)
		add_pull_details(s, p, o);
	return o;
}

static json_t *rollup(const struct sandbox *s, const struct sb_repo *r,
		      const char *what, const struct sb_comment *c)
{
	static const char *const contents[] = {"+1",	   "-1",    "laugh",
					       "confused", "heart", "hooray",
					       "eyes",	   "rocket"};
	json_t *o = sb_must(json_object());
	struct sb_reaction *one;
	int total = 0;

	setf(o, "url", "%s/repos/%s/issues/%s/reactions", s->url, r->full,
	     what);
	for (size_t i = 0; i < ARRAY_SIZE(contents); i++) {
		int n = 0;

		if (c)
			STAILQ_FOREACH(one, &c->reactions, next)
		n += !one->deleted && !strcmp(one->content, contents[i]);
		set(o, contents[i], json_integer(n));
		total += n;
	}
	set(o, "total_count", json_integer(total));
	return o;
}

json_t *shape_issue(struct sandbox *s, const struct sb_pull *p)
{
	CLEANUP(free)
	char *base = sb_must(str_format("%s/repos/%s/issues/%d", s->url,
					p->repo->full, p->number));
	CLEANUP(free) char *number = sb_must(str_format("%d", p->number));
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
	add_links(o, base, links, ARRAY_SIZE(links));
	setf(o, "repository_url", "%s/repos/%s", s->url, p->repo->full);
	set(o, "reactions", rollup(s, p->repo, number, NULL));
	json_object_set(link, "url", json_object_get(pull, "url"));
	json_object_set(link, "html_url", json_object_get(pull, "html_url"));
	json_object_set(link, "diff_url", json_object_get(pull, "diff_url"));
	json_object_set(link, "patch_url", json_object_get(pull, "patch_url"));
	json_object_set(link, "merged_at", json_object_get(pull, "merged_at"));
	set(o, "pull_request", link);
	json_decref(pull);
	return o;
}

json_t *shape_comment(struct sandbox *s, const struct sb_comment *c)
{
	const struct sb_pull *p = c->pull;
	CLEANUP(free)
	char *what = sb_must(str_format("comments/%" PRId64, c->id));
	json_t *o = sb_must(json_pack(
		"{s:I,s:s,s:o,s:s,s:n}", "id", (json_int_t)c->id, "body",
		c->body, "user", shape_user(s, c->user), "author_association",
		shape_association(p->repo, c->user),
		"performed_via_github_app"));

	setf(o, "node_id", "IC_%" PRId64, c->id);
	setf(o, "url", "%s/repos/%s/issues/%s", s->url, p->repo->full, what);
	setf(o, "html_url", "%s/%s/pull/%d#issuecomment-%" PRId64, s->url,
	     p->repo->full, p->number, c->id);
	setf(o, "issue_url", "%s/repos/%s/issues/%d", s->url, p->repo->full,
	     p->number);
	set(o, "created_at", shape_time(c->created));
	set(o, "updated_at", shape_time(c->updated));
	set(o, "reactions", rollup(s, p->repo, what, c));
	return o;
}

json_t *shape_reaction(const struct sandbox *s, const struct sb_reaction *r)
{
	json_t *o = sb_must(
		json_pack("{s:I,s:o,s:s,s:o}", "id", (json_int_t)r->id, "user",
			  shape_user(s, r->user), "content", r->content,
			  "created_at", shape_time(r->created)));

	setf(o, "node_id", "REA_%" PRId64, r->id);
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

	setf(o, "node_id", "SC_%" PRId64, st->id);
	setf(o, "url", "%s/repos/%s/statuses/%s", s->url, st->repo->full,
	     st->sha);
	setf(o, "avatar_url", "%s/_sandbox/avatars/%" PRId64, s->url,
	     st->creator->id);
	return o;
}

/* One bad status makes the whole bad, one open one makes it wait. */
static const char *combined_state(const json_t *statuses)
{
	const char *ret = json_array_size(statuses) ? "success" : "pending";
	json_t *st;
	size_t i;

	json_array_foreach(statuses, i, st)
	{
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
	set(o, "statuses", list);
	setf(o, "commit_url", "%s/repos/%s/commits/%s", s->url, r->full, sha);
	setf(o, "url", "%s/repos/%s/commits/%s/status", s->url, r->full, sha);
	return o;
}

json_t *shape_hook(const struct sandbox *s, const struct sb_repo *r)
{
	CLEANUP(free)
	char *base = sb_must(str_format("%s/repos/%s/hooks/%" PRId64, s->url,
					r->full, r->hook_id));
	static const struct link links[] = {
		{"url", ""},
		{"test_url", "/test"},
		{"ping_url", "/pings"},
		{"deliveries_url", "/deliveries"},
	};
	json_t *o = sb_must(json_pack(
		"{s:s,s:I,s:s,s:b,s:[s,s,s],s:{s:s,s:s,s:s,s:s},"
		"s:{s:n,s:s,s:n}}",
		"type", "Repository", "id", (json_int_t)r->hook_id, "name",
		"web", "active", true, "events", "issue_comment",
		"pull_request", "push", "config", "url", sb_hooks_url(s),
		"content_type", "json", "insecure_ssl", "0", "secret",
		"********", "last_response", "code", "status", "unused",
		"message"));

	add_links(o, base, links, ARRAY_SIZE(links));
	set(o, "created_at", shape_time(r->created));
	set(o, "updated_at", shape_time(r->created));
	return o;
}

json_t *shape_permission(const struct sandbox *s, const struct sb_repo *r,
			 const struct sb_user *u)
{
	const char *role = sb_role(r, u->login);
	const char *coarse = !strcmp(role, "maintain") ? "write"
			     : !strcmp(role, "triage") ? "read"
						       : role;
	json_t *user = shape_user(s, u);

	set(user, "role_name", json_string(role));
	return sb_must(json_pack("{s:s,s:s,s:o}", "permission", coarse,
				 "role_name", role, "user", user));
}

json_t *shape_file(const struct sandbox *s, const struct sb_pull *p,
		   const json_t *file)
{
	json_t *o = sb_must(json_copy((json_t *)(uintptr_t)file));
	const char *sha = p->head_sha, *full = p->repo->full;
	const char *name = js_str(file, "filename");
	CLEANUP(str_release) struct str escaped = STR_INIT(16384);

	for (; *name; name++) {
		if (strchr("/-_.~", *name) || (*name >= '0' && *name <= '9') ||
		    ((*name | 32) >= 'a' && (*name | 32) <= 'z'))
			str_putc(&escaped, *name);
		else
			str_addf(&escaped, "%%%02X", (unsigned char)*name);
	}
	setf(o, "blob_url", "%s/%s/blob/%s/%s", s->url, full, sha,
	     escaped.text);
	setf(o, "raw_url", "%s/%s/raw/%s/%s", s->url, full, sha, escaped.text);
	setf(o, "contents_url", "%s/repos/%s/contents/%s?ref=%s", s->url, full,
	     escaped.text, sha);
	set(o, "changes",
	    json_integer(js_int(file, "additions", 0) +
			 js_int(file, "deletions", 0)));
	return o;
}

json_t *shape_commit(struct sandbox *s, const struct sb_repo *r,
		     const json_t *commit)
{
	const struct sb_user *u = sb_user_find(s, js_str(commit, "name"));
	json_t *person = sb_must(json_pack(
		"{s:O,s:O,s:O}", "name", json_object_get(commit, "name"),
		"email", json_object_get(commit, "email"), "date",
		json_object_get(commit, "timestamp")));
	json_t *o = sb_must(json_copy((json_t *)(uintptr_t)commit));

	if (u)
		set(person, "username", json_string(u->login));
	json_object_del(o, "name");
	json_object_del(o, "email");
	json_object_set(o, "author", person);
	set(o, "committer", person);
	set(o, "distinct", json_true());
	setf(o, "url", "%s/%s/commit/%s", s->url, r->full,
	     js_str(commit, "id"));
	return o;
}
