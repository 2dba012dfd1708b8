/* Repositories, pull requests and pushes; the rest of acts.h is in acts.c. */
#include "tests/sandbox/acts.h"

#include <string.h>

#include "tests/sandbox/events.h"
#include "tests/sandbox/git.h"
#include "tests/sandbox/pushes.h"
#include "tests/sandbox/shape.h"

static struct sb_user *owner_of(struct sandbox *s, const char *full,
				const char **ret_name, struct error *e)
{
	const char *slash = strchr(full, '/');
	struct sb_user *u;

	if (!slash || !sb_name_ok(slash + 1)) {
		error_set(e, ERR_INVALID, "not OWNER/NAME: %s", full);
		return NULL;
	}
	CLEANUP(free)
	char *login = sb_must(strndup(full, (size_t)(slash - full)));
	if (!sb_name_ok(login)) {
		error_set(e, ERR_INVALID, "not an owner: %s", login);
		return NULL;
	}
	*ret_name = slash + 1;
	u = sb_user_find(s, login);
	return u ? u : sb_user_add(s, login, "Organization", 0);
}

/* NULL when it would not be a plain branch name. */
static char *branch_ref(const char *branch, struct error *e)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_./#+@";

	if (!*branch || branch[strspn(branch, allowed)] ||
	    strstr(branch, "..") || *branch == '/' || *branch == '-') {
		error_set(e, ERR_INVALID, "not a branch: %s", branch);
		return NULL;
	}
	return sb_must(str_format("refs/heads/%s", branch));
}

static enum err first_commit(struct sandbox *s, const struct sb_user *owner,
			     const char *path, const char *branch,
			     const json_t *files, struct error *e)
{
	char sha[SB_SHA];
	CLEANUP(free) char *ref = branch_ref(branch, e);

	if (!ref || sb_git_init(path, branch, e))
		return e->code;
	return sb_git_commit(path,
			     &(struct sb_commit){.ref = ref,
						 .login = owner->login,
						 .message = "Initial commit\n",
						 .files = files,
						 .time_ms = sb_now(s)},
			     sha, e);
}

enum err act_repo(struct sandbox *s, const char *full, const char *branch,
		  const json_t *files, struct sb_repo **ret, struct error *e)
{
	const char *name;
	struct sb_user *owner;
	struct sb_repo *r;

	if (sb_repo_find(s, full))
		return error_set(e, ERR_CONFLICT, "%s exists", full);
	owner = owner_of(s, full, &name, e);
	if (!owner)
		return e->code;
	CLEANUP(free)
	char *path = sb_must(
		str_format("%s/repos/%s/%s.git", s->dir, owner->login, name));
	if (first_commit(s, owner, path, branch, files, e))
		return e->code;
	r = sb_repo_add(s, owner, name, path);
	sb_set(&r->default_branch, branch);
	sb_role_set(r, s->bot, "admin");
	sb_log(s, "repo",
	       json_pack("{s:s,s:I}", "repo", r->full, "id",
			 (json_int_t)r->id));
	event_ping(s, r);
	sb_pushes_scan(s);
	*ret = r;
	return ERR_OK;
}

static void log_pull(struct sandbox *s, const char *action,
		     const struct sb_pull *p, const struct sb_user *by)
{
	sb_log(s, "pull",
	       json_pack("{s:s,s:s,s:i,s:s,s:s,s:s}", "action", action, "repo",
			 p->repo->full, "number", p->number, "title", p->title,
			 "head", p->head_sha, "user", by->login));
}

static void changed(struct sandbox *s, const char *action, struct sb_pull *p,
		    const struct sb_user *by, json_t *extra)
{
	p->updated = sb_now(s);
	act_refresh(p);
	log_pull(s, action, p, by);
	event_pull(s, action, p, by, extra);
}

static enum err base_tip(const struct sb_pull *p, char ret[SB_SHA],
			 struct error *e)
{
	CLEANUP(free) char *ref = branch_ref(p->base_ref, e);

	return ref ? sb_git_resolve(p->repo->path, ref, ret, e) : e->code;
}

static void count_changes(struct sb_pull *p)
{
	const char *path = p->repo->path;
	CLEANUP(json_decref)
	json_t *files = sb_git_files(path, p->base_sha, p->head_sha);
	CLEANUP(json_decref)
	json_t *commits = sb_git_commits(path, p->base_sha, p->head_sha, 1000);
	json_t *f;
	size_t i;

	p->additions = p->deletions = 0;
	json_array_foreach (files, i, f) {
		p->additions += (int)js_int(f, "additions", 0);
		p->deletions += (int)js_int(f, "deletions", 0);
	}
	p->changed_files = (int)json_array_size(files);
	p->commits = (int)json_array_size(commits);
}

void act_refresh(struct sb_pull *p)
{
	char tip[SB_SHA], tree[SB_SHA], both[2 * SB_SHA];
	struct error e = ERROR_INIT;

	if (p->closed || base_tip(p, tip, &e))
		return;
	snprintf(both, sizeof(both), "%s %s", tip, p->head_sha);
	if (!strcmp(both, p->mergeable_for))
		return;
	p->mergeable =
		!sb_git_merge_tree(p->repo->path, tip, p->head_sha, tree, &e);
	memcpy(p->mergeable_for, both, sizeof(both));
}

/* The commit becomes the head; as GitHub, base.sha is looked up then. */
static enum err take_head(struct sb_pull *p, const char *sha,
			  const struct sb_user *by, struct error *e)
{
	CLEANUP(free)
	char *ref = sb_must(str_format("refs/pull/%d/head", p->number));
	CLEANUP(free) char *branch = NULL;

	if (sb_git_set_ref(p->repo->path, ref, sha, by->login, e))
		return e->code;
	if (p->head_repo == p->repo) {
		branch = branch_ref(p->head_ref, e);
		if (!branch ||
		    sb_git_set_ref(p->repo->path, branch, sha, by->login, e))
			return e->code;
	}
	memcpy(p->head_sha, sha, SB_SHA);
	if (base_tip(p, p->base_sha, e))
		return e->code;
	count_changes(p);
	return ERR_OK;
}

static enum err commit_for(struct sandbox *s, struct sb_pull *p,
			   const char *from, const struct act_push *a,
			   char ret[SB_SHA], struct error *e)
{
	CLEANUP(free)
	char *ref = sb_must(str_format("refs/pull/%d/head", p->number));
	struct sb_commit c = {.ref = ref,
			      .from = from,
			      .login = a->user->login,
			      .message = *a->message ? a->message : p->title,
			      .files = a->files,
			      .time_ms = sb_now(s)};

	return sb_git_commit(p->repo->path, &c, ret, e);
}

static struct sb_repo *fork_of(struct sandbox *s, struct sb_repo *r,
			       struct sb_user *author)
{
	CLEANUP(free)
	char *full = sb_must(str_format("%s/%s", author->login, r->name));
	struct sb_repo *fork = sb_repo_find(s, full);

	return fork ? fork : sb_repo_add(s, author, r->name, NULL);
}

static struct sb_pull *pull_new(struct sandbox *s, struct sb_repo *r,
				const struct act_pull *a)
{
	struct sb_pull *p = sb_new(sizeof(*p));

	p->number = r->numbers + 1;
	p->repo = r;
	p->author = a->author;
	p->title = sb_dup(a->title);
	p->body = sb_dup(a->body);
	p->base_ref = sb_dup(*a->base ? a->base : r->default_branch);
	p->head_ref = *a->head ? sb_dup(a->head)
			       : sb_must(str_format("patch-%d", p->number));
	p->head_repo = a->fork ? fork_of(s, r, a->author) : r;
	p->draft = a->draft;
	p->labels = sb_must(json_array());
	p->created = p->updated = sb_now(s);
	return p;
}

enum err act_pull(struct sandbox *s, struct sb_repo *r,
		  const struct act_pull *a, struct sb_pull **ret,
		  struct error *e)
{
	struct act_push first = {
		.user = a->author, .files = a->files, .message = a->title};
	char sha[SB_SHA];

	if (!r->path || !*a->title)
		return error_set(e, ERR_INVALID,
				 "a pull request wants a "
				 "repository and a title");
	CLEANUP(sb_pull_free) struct sb_pull *p = pull_new(s, r, a);
	if (base_tip(p, p->base_sha, e) ||
	    commit_for(s, p, p->base_sha, &first, sha, e) ||
	    take_head(p, sha, a->author, e))
		return e->code;
	p->id = sb_id(s);
	r->numbers = p->number;
	STAILQ_INSERT_TAIL(&s->pulls, p, next);
	sb_pushes_scan(s);
	changed(s, "opened", p, a->author, NULL);
	*ret = TAKE(p);
	return ERR_OK;
}

enum err act_push_pull(struct sandbox *s, struct sb_pull *p,
		       const struct act_push *a, struct error *e)
{
	char before[SB_SHA], sha[SB_SHA], from[SB_SHA];
	enum err err;

	memcpy(before, p->head_sha, SB_SHA);
	memcpy(from, p->head_sha, SB_SHA);
	if (p->closed)
		return error_set(e, ERR_INVALID, "it is closed");
	if (a->force && base_tip(p, from, e))
		return e->code;
	err = *a->sha ? sb_git_resolve(p->repo->path, a->sha, sha, e)
		      : commit_for(s, p, from, a, sha, e);
	if (!err && !strcmp(sha, before))
		return error_set(e, ERR_INVALID, "that is the head already");
	if (err || take_head(p, sha, a->user, e))
		return e->code;
	act_move_comments(s, p);
	sb_pushes_scan(s);
	changed(s, "synchronize", p, a->user,
		sb_must(json_pack("{s:s,s:s}", "before", before, "after",
				  p->head_sha)));
	return ERR_OK;
}

/* A branch that is not there yet begins at the default branch. */
static bool branches_off(const struct sb_repo *r, const char *ref,
			 char from[SB_SHA])
{
	struct error e = ERROR_INIT;
	char tip[SB_SHA];

	return sb_git_resolve(r->path, ref, tip, &e) &&
	       !sb_git_resolve(r->path, "HEAD", from, &e);
}

enum err act_push_branch(struct sandbox *s, struct sb_repo *r,
			 const char *branch, const struct act_push *a,
			 char ret_sha[SB_SHA], struct error *e)
{
	CLEANUP(free) char *ref = branch_ref(branch, e);
	CLEANUP(free) char *parent = NULL;
	char from[SB_SHA];
	bool new;
	enum err err;

	if (!ref)
		return e->code;
	if (!r->path)
		return error_set(e, ERR_INVALID, "%s is a fork", r->full);
	parent = sb_must(str_format("%s%s", ref, a->force ? "~" : ""));
	new = sb_git_resolve(r->path, parent, from, e) != ERR_OK &&
	      !branches_off(r, ref, from);
	if (*a->sha) {
		err = sb_git_resolve(r->path, a->sha, ret_sha, e);
		if (!err)
			err = sb_git_set_ref(r->path, ref, ret_sha,
					     a->user->login, e);
	} else {
		err = sb_git_commit(
			r->path,
			&(struct sb_commit){.ref = ref,
					    .from = new ? NULL : from,
					    .login = a->user->login,
					    .message = *a->message ? a->message
								   : "Change",
					    .files = a->files,
					    .time_ms = sb_now(s)},
			ret_sha, e);
	}
	if (!err)
		sb_pushes_scan(s);
	return err;
}

enum err act_close(struct sandbox *s, struct sb_pull *p, struct sb_user *user,
		   struct error *e)
{
	if (p->closed)
		return error_set(e, ERR_INVALID, "it is closed");
	p->closed = true;
	p->ended = sb_now(s);
	changed(s, "closed", p, user, NULL);
	return ERR_OK;
}

enum err act_reopen(struct sandbox *s, struct sb_pull *p, struct sb_user *user,
		    struct error *e)
{
	if (!p->closed || p->merged_by)
		return error_set(e, ERR_INVALID, "it cannot be reopened");
	p->closed = false;
	p->ended = 0;
	changed(s, "reopened", p, user, NULL);
	return ERR_OK;
}

enum err act_merge(struct sandbox *s, struct sb_pull *p, struct sb_user *user,
		   struct error *e)
{
	const char *path = p->repo->path;
	CLEANUP(free) char *ref = branch_ref(p->base_ref, e);
	CLEANUP(free)
	char *message =
		sb_must(str_format("Merge pull request #%d from %s/%s",
				   p->number, p->author->login, p->head_ref));
	char tip[SB_SHA], tree[SB_SHA];

	if (p->closed)
		return error_set(e, ERR_INVALID, "it is closed");
	if (!ref || base_tip(p, tip, e) ||
	    sb_git_merge_tree(path, tip, p->head_sha, tree, e) ||
	    sb_git_commit_merge(path, tree, tip, p->head_sha, user->login,
				message, p->merge_sha, e) ||
	    sb_git_set_ref(path, ref, p->merge_sha, user->login, e))
		return e->code;
	p->merged_by = user;
	sb_pushes_scan(s);
	return act_close(s, p, user, e);
}

void act_lock(struct sandbox *s, struct sb_pull *p, struct sb_user *user,
	      bool locked)
{
	p->locked = locked;
	changed(s, locked ? "locked" : "unlocked", p, user, NULL);
}

void act_draft(struct sandbox *s, struct sb_pull *p, struct sb_user *user,
	       bool draft)
{
	p->draft = draft;
	changed(s, draft ? "converted_to_draft" : "ready_for_review", p, user,
		NULL);
}

static bool has_label(const struct sb_pull *p, const char *label,
		      size_t *ret_at)
{
	json_t *one;
	size_t i;

	json_array_foreach (p->labels, i, one) {
		*ret_at = i;
		if (!strcmp(json_string_value(one), label))
			return true;
	}
	return false;
}

void act_label(struct sandbox *s, struct sb_pull *p, struct sb_user *user,
	       const char *label, bool on)
{
	json_t *known = p->repo->labels;
	size_t at = 0;

	if (has_label(p, label, &at) == on)
		return;
	if (!json_object_get(known, label))
		json_object_set_new(known, label, json_integer(sb_id(s)));
	if (on)
		json_array_append_new(p->labels, sb_text(label));
	else
		json_array_remove(p->labels, at);
	changed(s, on ? "labeled" : "unlabeled", p, user,
		sb_must(json_pack("{s:o}", "label",
				  shape_label(s, p->repo, label))));
}

enum err act_edit_pull(struct sandbox *s, struct sb_pull *p,
		       struct sb_user *user, const char *title,
		       const char *base, struct error *e)
{
	CLEANUP(json_decref) json_t *changes = sb_must(json_object());
	CLEANUP(free) char *ref = *base ? branch_ref(base, e) : NULL;
	char tip[SB_SHA];

	if (*base && (!ref || sb_git_resolve(p->repo->path, ref, tip, e)))
		return e->code;
	if (*title) {
		json_object_set_new(changes, "title",
				    json_pack("{s:s}", "from", p->title));
		sb_set(&p->title, title);
	}
	if (*base) {
		json_object_set_new(changes, "base",
				    json_pack("{s:{s:s},s:{s:s}}", "ref",
					      "from", p->base_ref, "sha",
					      "from", p->base_sha));
		sb_set(&p->base_ref, base);
		memcpy(p->base_sha, tip, SB_SHA);
		count_changes(p);
	}
	changed(s, "edited", p, user,
		sb_must(json_pack("{s:O}", "changes", changes)));
	return ERR_OK;
}

void act_drop_fork(struct sandbox *s, struct sb_pull *p)
{
	p->head_repo = NULL;
	p->updated = sb_now(s);
}
