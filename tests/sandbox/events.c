#include "tests/sandbox/events.h"

#include <inttypes.h>
#include <string.h>

#include "tests/sandbox/git.h"
#include "tests/sandbox/shape.h"
#include "tests/sandbox/webhooks.h"

#define COMMITS_MAX 20 /* in a push event */

void event_comment(struct sandbox *s, const char *action,
		   const struct sb_comment *c, const struct sb_user *sender,
		   json_t *changes)
{
	json_t *o = sb_must(json_pack(
		"{s:s,s:o,s:o,s:o,s:o}", "action", action, "issue",
		shape_issue(s, c->pull), "comment", shape_comment(s, c),
		"repository", shape_repo(s, c->pull->repo), "sender",
		shape_user(s, sender)));

	if (changes)
		json_object_set_new(o, "changes", changes);
	sb_hooks_send(s, c->pull->repo, "issue_comment", action, o);
}

/* What is said about the code comes with the pull request in short. */
static void send_on_code(struct sandbox *s, const char *event,
			 const char *action, const struct sb_pull *p,
			 const struct sb_user *sender, json_t *changes,
			 const char *member, json_t *value)
{
	json_t *o = sb_must(json_pack(
		"{s:s,s:o,s:o,s:o,s:o}", "action", action, member, value,
		"pull_request", shape_pull(s, p, false), "repository",
		shape_repo(s, p->repo), "sender", shape_user(s, sender)));

	if (changes)
		json_object_set_new(o, "changes", changes);
	sb_hooks_send(s, p->repo, event, action, o);
}

void event_code_comment(struct sandbox *s, const char *action,
			const struct sb_comment *c,
			const struct sb_user *sender, json_t *changes)
{
	send_on_code(s, "pull_request_review_comment", action, c->pull, sender,
		     changes, "comment", shape_code_comment(s, c));
}

void event_review(struct sandbox *s, const char *action,
		  const struct sb_review *r, const struct sb_user *sender,
		  json_t *changes)
{
	send_on_code(s, "pull_request_review", action, r->pull, sender, changes,
		     "review", shape_review(s, r, true));
}

void event_pull(struct sandbox *s, const char *action, const struct sb_pull *p,
		const struct sb_user *sender, json_t *extra)
{
	json_t *o = sb_must(json_pack(
		"{s:s,s:i,s:o,s:o,s:o}", "action", action, "number", p->number,
		"pull_request", shape_pull(s, p, true), "repository",
		shape_repo(s, p->repo), "sender", shape_user(s, sender)));

	if (extra) {
		json_object_update(o, extra);
		json_decref(extra);
	}
	sb_hooks_send(s, p->repo, "pull_request", action, o);
}

static json_t *commits_of(struct sandbox *s, struct sb_repo *r,
			  const struct sb_push *p)
{
	const char *base = strcmp(p->before, SB_ZEROS) ? p->before : NULL;
	CLEANUP(json_decref)
	json_t *list =
		strcmp(p->after, SB_ZEROS)
			? sb_git_commits(r->path, base, p->after, COMMITS_MAX)
			: NULL;
	json_t *ret = sb_must(json_array()), *commit;
	size_t i;

	json_array_foreach (list, i, commit)
		json_array_append_new(ret, shape_commit(s, r, commit));
	return ret;
}

void event_push(struct sandbox *s, struct sb_repo *r, const struct sb_push *p)
{
	bool created = !strcmp(p->before, SB_ZEROS);
	bool deleted = !strcmp(p->after, SB_ZEROS);
	bool forced = !created && !deleted &&
		      !sb_git_is_ancestor(r->path, p->before, p->after);
	CLEANUP(free)
	char *mail = sb_must(str_format("%s@sandbox", p->pusher->login));
	CLEANUP(free)
	char *compare =
		sb_must(str_format("%s/%s/compare/%.12s...%.12s", s->url,
				   r->full, p->before, p->after));
	json_t *o, *commits;

	r->pushed = sb_now(s);
	sb_log(s, "push",
	       json_pack("{s:s,s:s,s:s,s:s,s:s}", "repo", r->full, "ref",
			 p->ref, "before", p->before, "after", p->after, "user",
			 p->pusher->login));
	commits = commits_of(s, r, p);
	o = sb_must(json_pack("{s:s,s:s,s:s,s:o,s:{s:s,s:s},s:o,s:b,s:b,s:b,"
			      "s:n,s:s}",
			      "ref", p->ref, "before", p->before, "after",
			      p->after, "repository", shape_repo_push(s, r),
			      "pusher", "name", p->pusher->login, "email", mail,
			      "sender", shape_user(s, p->pusher), "created",
			      created, "deleted", deleted, "forced", forced,
			      "base_ref", "compare", compare));
	if (json_array_size(commits))
		json_object_set(
			o, "head_commit",
			json_array_get(commits, json_array_size(commits) - 1));
	else
		json_object_set_new(o, "head_commit", json_null());
	json_object_set_new(o, "commits", commits);
	sb_hooks_send(s, r, "push", NULL, o);
}

void event_ping(struct sandbox *s, const struct sb_repo *r)
{
	sb_hooks_send(s, r, "ping", NULL,
		      sb_must(json_pack("{s:s,s:I,s:o,s:o,s:o}", "zen",
					"Keep it logically awesome.", "hook_id",
					(json_int_t)r->hook_id, "hook",
					shape_hook(s, r), "repository",
					shape_repo(s, r), "sender",
					shape_user(s, r->owner))));
}
