#include "tests/sandbox/shape.h"

#include <inttypes.h>
#include <string.h>

#include "bot/base/clock.h"
#include "tests/sandbox/shape_part.h"
#include "tests/sandbox/webhooks.h"

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

void shape_set(json_t *o, const char *name, json_t *value)
{
	json_object_set_new(o, name, sb_must(value));
}

void shape_setf(json_t *o, const char *name, const char *fmt, ...)
{
	CLEANUP(str_release) struct str text = STR_INIT(4096);
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	shape_set(o, name, sb_text(text.text));
}

void shape_links(json_t *o, const char *base, const struct link *l, size_t n)
{
	for (; n--; l++)
		shape_setf(o, l->name, "%s%s", base, l->tail);
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

	shape_setf(o, "node_id", "U_%" PRId64, u->id);
	shape_setf(o, "avatar_url", "%s/_sandbox/avatars/%" PRId64, s->url,
		   u->id);
	shape_setf(o, "html_url", "%s/%s", s->url, u->login);
	shape_links(o, base, user_links, ARRAY_SIZE(user_links));
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
		shape_set(o, nulls[i], json_null());
	for (size_t i = 0; i < ARRAY_SIZE(zeros); i++)
		shape_set(o, zeros[i], json_integer(0));
	shape_set(o, "blog", json_string(""));
	shape_set(o, "created_at", shape_time(u->created));
	shape_set(o, "updated_at", shape_time(u->created));
	if (!self)
		return o;
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		shape_set(o, own[i], json_integer(0));
	shape_set(o, "two_factor_authentication", json_true());
	shape_set(o, "user_view_type", json_string("private"));
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

	shape_setf(o, "node_id", "R_%" PRId64, r->id);
	shape_setf(o, "html_url", "%s/%s", s->url, r->full);
	shape_setf(o, "clone_url", "%s/%s.git", s->url, r->full);
	shape_setf(o, "svn_url", "%s/%s", s->url, r->full);
	shape_setf(o, "git_url", "git://sandbox/%s.git", r->full);
	shape_setf(o, "ssh_url", "git@sandbox:%s.git", r->full);
	shape_links(o, base, repo_links, ARRAY_SIZE(repo_links));
	for (size_t i = 0; i < ARRAY_SIZE(repo_nulls); i++)
		shape_set(o, repo_nulls[i], json_null());
	for (size_t i = 0; i < ARRAY_SIZE(repo_zeros); i++)
		shape_set(o, repo_zeros[i], json_integer(0));
	for (size_t i = 0; i < ARRAY_SIZE(repo_flags); i++)
		shape_set(o, repo_flags[i].name,
			  json_boolean(repo_flags[i].value));
	shape_set(o, "created_at", shape_time(r->created));
	shape_set(o, "updated_at", shape_time(r->pushed));
	shape_set(o, "pushed_at", shape_time(r->pushed));
	return o;
}

json_t *shape_repo_push(struct sandbox *s, const struct sb_repo *r)
{
	json_t *o = shape_repo(s, r);

	shape_set(o, "created_at", json_integer(r->created / 1000));
	shape_set(o, "pushed_at", json_integer(r->pushed / 1000));
	shape_set(o, "master_branch", json_string(r->default_branch));
	return o;
}

json_t *shape_label(const struct sandbox *s, const struct sb_repo *r,
		    const char *name)
{
	int64_t id = json_integer_value(json_object_get(r->labels, name));
	json_t *o = sb_must(json_pack(
		"{s:I,s:s,s:s,s:b,s:s}", "id", (json_int_t)id, "color",
		"ededed", "description", "", "default", false, "name", name));

	shape_setf(o, "node_id", "LA_%" PRId64, id);
	shape_setf(o, "url", "%s/repos/%s/labels/%" PRId64, s->url, r->full,
		   id);
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
		"{s:s,s:I,s:s,s:b,s:[s,s,s,s,s],s:{s:s,s:s,s:s,s:s},"
		"s:{s:n,s:s,s:n}}",
		"type", "Repository", "id", (json_int_t)r->hook_id, "name",
		"web", "active", true, "events", "issue_comment",
		"pull_request", "pull_request_review",
		"pull_request_review_comment", "push", "config", "url",
		sb_hooks_url(s), "content_type", "json", "insecure_ssl", "0",
		"secret", "********", "last_response", "code", "status",
		"unused", "message"));

	shape_links(o, base, links, ARRAY_SIZE(links));
	shape_set(o, "created_at", shape_time(r->created));
	shape_set(o, "updated_at", shape_time(r->created));
	return o;
}

json_t *shape_permission(const struct sandbox *s, const struct sb_repo *r,
			 const struct sb_user *u)
{
	const char *role = sb_role(r, u);
	const char *coarse = !strcmp(role, "maintain") ? "write"
			     : !strcmp(role, "triage") ? "read"
						       : role;
	json_t *user = shape_user(s, u);

	shape_set(user, "role_name", json_string(role));
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
	shape_setf(o, "blob_url", "%s/%s/blob/%s/%s", s->url, full, sha,
		   escaped.text);
	shape_setf(o, "raw_url", "%s/%s/raw/%s/%s", s->url, full, sha,
		   escaped.text);
	shape_setf(o, "contents_url", "%s/repos/%s/contents/%s?ref=%s", s->url,
		   full, escaped.text, sha);
	shape_set(o, "changes",
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
		shape_set(person, "username", json_string(u->login));
	json_object_del(o, "name");
	json_object_del(o, "email");
	json_object_set(o, "author", person);
	shape_set(o, "committer", person);
	shape_set(o, "distinct", json_true());
	shape_setf(o, "url", "%s/%s/commit/%s", s->url, r->full,
		   js_str(commit, "id"));
	return o;
}

const char *shape_association(const struct sb_repo *r, const struct sb_user *u)
{
	const char *role = sb_role(r, u);
	bool public;

	if (r->owner == u)
		return "OWNER";
	if (sb_is_member(r->owner, u, &public))
		return "MEMBER";
	return strcmp(role, "read") && strcmp(role, "none") ? "COLLABORATOR"
							    : "NONE";
}
