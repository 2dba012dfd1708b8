/*
 * The control interface: what people do on the forge, for tests and the
 * demo.  JSON in, JSON out; a POST wants an object, even if it is empty.
 *
 *  GET    /_sandbox/state        {url, clone_url, bot: {login, id}}
 *  POST   /_sandbox/users        {login, id?, type?, token?} -> {login, id}
 *  POST   /_sandbox/users/rename {login, to}: the id stays
 *  POST   /_sandbox/orgs         {org} -> {id}: made when it is not there
 *  POST   /_sandbox/orgs/members {org, login, public? (false),
 *                                member? (true; false: leaves)}
 *  POST   /_sandbox/repos        {repo, branch? (main), files? | folder?}
 *                                -> {repo, id, sha}
 *  POST   /_sandbox/permissions  {repo, login, role}: admin, maintain, write,
 *                                triage, read, none
 *  POST   /_sandbox/pulls        {repo, author, title, body?, base?, head?,
 *                                files?, fork? (true), draft?}
 *                                -> {number, sha, base_sha}
 *  POST   /_sandbox/pulls/push   {repo, number, user?, files?, message?,
 *                                sha?, force?} -> {sha}
 *  POST   /_sandbox/pulls/act    {repo, number, user?, action, label?, title?,
 *                                base?}: close, reopen, merge, draft, ready,
 *                                label, unlabel, lock, unlock, edit, drop_fork
 *  POST   /_sandbox/push         {repo, branch?, user?, files?, message?,
 *                                sha?, force?} -> {sha}
 *  POST   /_sandbox/comments         {repo, number, user, body} -> {id}
 *  POST   /_sandbox/comments/edit    {id, repo?, user?, body}: also of one on
 *  POST   /_sandbox/comments/delete  {id, repo?, user?}        code
 *  POST   /_sandbox/reviews          {repo, number, user, event, body?,
 *                                    commit? (the head)} -> {id}; event:
 *                                    APPROVE, COMMENT, REQUEST_CHANGES
 *  POST   /_sandbox/reviews/edit     {id, user?, body}
 *  POST   /_sandbox/reviews/dismiss  {id, user?}
 *  POST   /_sandbox/reviews/comments {repo, number, user, body, commit? (the
 *                                    head), path?, reply_to?} -> {id}
 *  GET    /_sandbox/conversation?repo=&number=
 *                                {pull, comments, reviews, review_comments,
 *                                statuses, history}
 *  GET    /_sandbox/log?after=N&timeout=MS       what happened, from N on;
 *  GET    /_sandbox/requests?after=N&timeout=MS  calls of the API; both wait
 *                                up to timeout for the first new entry
 *  GET    /_sandbox/ref?repo=&ref=   {sha}
 *  POST   /_sandbox/hook         {url, secret?}: webhooks go there from now on
 *  POST   /_sandbox/ping         {repo}
 *  POST   /_sandbox/webhooks     {action, count? (1), event? (any), order?}:
 *                                drop (recorded as failed), lose (never were),
 *                                duplicate: the next count ones of event;
 *                                hold, release (order: "reverse" or as made)
 *  GET    /_sandbox/deliveries?id=   all, newest first, without payloads; or
 *                                (id) the whole of one
 *  POST   /_sandbox/redeliver    {id | guid}
 *  POST   /_sandbox/faults       {kind, method?, path?, ends?, contains?,
 *                                skip? (0), count? (1), apply?, status?,
 *                                headers?, body?, ms?}; kind: status (another
 *                                answer), hang (none for ms, then closed),
 *                                close, cut (half of the body), delay (answer
 *                                ms later); path: how it begins; ends: how it
 *                                ends; contains: in the body; apply: does the
 *                                call take effect first (status: false)
 *  DELETE /_sandbox/faults       none any more
 *  POST   /_sandbox/rate         {limit?, remaining?, reset_s?}
 *  POST   /_sandbox/clock        {skew_ms}: of Date and of all times
 */
#include <string.h>

#include "tests/sandbox/acts.h"
#include "tests/sandbox/control.h"
#include "tests/sandbox/events.h"
#include "tests/sandbox/git.h"

struct sb_repo *control_repo(struct call *c)
{
	const char *full = js_str(c->body, "repo");
	struct sb_repo *r = sb_repo_find(c->s, full);

	if (!r)
		call_missing(c, "repository", full);
	return r;
}

struct sb_pull *control_pull(struct call *c)
{
	struct sb_repo *r = control_repo(c);
	struct sb_pull *p =
		r ? sb_pull_find(c->s, r, js_int(c->body, "number", 0)) : NULL;

	if (r && !p)
		call_missing(c, "pull request in", r->full);
	return p;
}

struct sb_comment *control_comment(struct call *c)
{
	int64_t id = js_int(c->body, "id", 0);
	const char *full = js_str(c->body, "repo");
	struct sb_comment *m = sb_comment_find(c->s, id);

	if (!m)
		m = sb_code_comment_find(c->s, id);
	if (m && *full && m->pull->repo != sb_repo_find(c->s, full))
		m = NULL;
	if (!m)
		call_missing(c, "comment with this", "id");
	return m;
}

void control_made(struct call *c, int64_t id)
{
	call_json(c, 201, json_pack("{s:I}", "id", (json_int_t)id));
}

struct sb_user *control_user(struct call *c, const char *member,
			     struct sb_user *absent)
{
	const char *login = js_str(c->body, member);
	struct sb_user *u = *login ? sb_user_find(c->s, login) : absent;

	if (!u)
		call_missing(c, "user", login);
	return u;
}

static void post_user(struct call *c)
{
	const char *login = js_str(c->body, "login");
	const char *type = js_str(c->body, "type");
	const char *token = js_str(c->body, "token");
	int64_t id = js_int(c->body, "id", 0);
	struct sb_user *u;

	if (!sb_name_ok(login) || sb_user_find(c->s, login) ||
	    (id && sb_user_by_id(c->s, id))) {
		call_error(c, 409, "login or id is not good or is taken");
		return;
	}
	u = sb_user_add(c->s, login, *type ? type : "User", id);
	if (*token)
		u->token = sb_dup(token);
	call_json(c, 201,
		  json_pack("{s:s,s:I}", "login", u->login, "id",
			    (json_int_t)u->id));
}

static void post_repo(struct call *c)
{
	const char *folder = js_str(c->body, "folder");
	const char *branch = js_str(c->body, "branch");
	CLEANUP(json_decref) json_t *read = NULL;
	struct error e = ERROR_INIT;
	char sha[SB_SHA] = "";
	struct sb_repo *r;

	branch = *branch ? branch : "main";
	if ((*folder && sb_git_read_folder(folder, &read, &e)) ||
	    act_repo(c->s, js_str(c->body, "repo"), branch,
		     read ? read : js_get(c->body, "files"), &r, &e) ||
	    sb_git_resolve(r->path, "HEAD", sha, &e)) {
		call_failed(c, &e);
		return;
	}
	call_json(c, 201,
		  json_pack("{s:s,s:I,s:s}", "repo", r->full, "id",
			    (json_int_t)r->id, "sha", sha));
}

static void post_pull(struct call *c)
{
	struct sb_repo *r = control_repo(c);
	struct sb_user *u = r ? control_user(c, "author", NULL) : NULL;
	struct error e = ERROR_INIT;
	struct sb_pull *p;

	if (!u)
		return;
	if (act_pull(c->s, r,
		     &(struct act_pull){
			     .author = u,
			     .title = js_str(c->body, "title"),
			     .body = js_str(c->body, "body"),
			     .base = js_str(c->body, "base"),
			     .head = js_str(c->body, "head"),
			     .files = js_get(c->body, "files"),
			     .fork = js_bool(c->body, "fork", true),
			     .draft = js_bool(c->body, "draft", false)},
		     &p, &e)) {
		call_failed(c, &e);
		return;
	}
	call_json(c, 201,
		  json_pack("{s:i,s:s,s:s}", "number", p->number, "sha",
			    p->head_sha, "base_sha", p->base_sha));
}

static struct act_push push_in(struct call *c, struct sb_user *u)
{
	return (struct act_push){.user = u,
				 .files = js_get(c->body, "files"),
				 .message = js_str(c->body, "message"),
				 .sha = js_str(c->body, "sha"),
				 .force = js_bool(c->body, "force", false)};
}

static void post_pull_push(struct call *c)
{
	struct sb_pull *p = control_pull(c);
	struct sb_user *u = p ? control_user(c, "user", p->author) : NULL;
	struct error e = ERROR_INIT;

	if (!u)
		return;
	struct act_push a = push_in(c, u);
	if (act_push_pull(c->s, p, &a, &e))
		call_failed(c, &e);
	else
		call_json(c, 200, json_pack("{s:s}", "sha", p->head_sha));
}

static void post_push(struct call *c)
{
	struct sb_repo *r = control_repo(c);
	struct sb_user *u = r ? control_user(c, "user", r->owner) : NULL;
	const char *branch = js_str(c->body, "branch");
	struct error e = ERROR_INIT;
	char sha[SB_SHA];

	if (!u)
		return;
	struct act_push a = push_in(c, u);
	if (act_push_branch(c->s, r, *branch ? branch : r->default_branch, &a,
			    sha, &e))
		call_failed(c, &e);
	else
		call_json(c, 200, json_pack("{s:s}", "sha", sha));
}

static enum err do_draft(struct call *c, struct sb_pull *p, struct sb_user *u,
			 struct error *e UNUSED)
{
	act_draft(c->s, p, u, !strcmp(js_str(c->body, "action"), "draft"));
	return ERR_OK;
}

static enum err do_lock(struct call *c, struct sb_pull *p, struct sb_user *u,
			struct error *e UNUSED)
{
	act_lock(c->s, p, u, !strcmp(js_str(c->body, "action"), "lock"));
	return ERR_OK;
}

static enum err do_label(struct call *c, struct sb_pull *p, struct sb_user *u,
			 struct error *e)
{
	const char *label = js_str(c->body, "label");

	if (!*label)
		return error_set(e, ERR_INVALID, "label is missing");
	act_label(c->s, p, u, label,
		  !strcmp(js_str(c->body, "action"), "label"));
	return ERR_OK;
}

static enum err do_close(struct call *c, struct sb_pull *p, struct sb_user *u,
			 struct error *e)
{
	return act_close(c->s, p, u, e);
}

static enum err do_reopen(struct call *c, struct sb_pull *p, struct sb_user *u,
			  struct error *e)
{
	return act_reopen(c->s, p, u, e);
}

static enum err do_merge(struct call *c, struct sb_pull *p, struct sb_user *u,
			 struct error *e)
{
	return act_merge(c->s, p, u, e);
}

static enum err do_edit(struct call *c, struct sb_pull *p, struct sb_user *u,
			struct error *e)
{
	return act_edit_pull(c->s, p, u, js_str(c->body, "title"),
			     js_str(c->body, "base"), e);
}

static enum err do_drop_fork(struct call *c, struct sb_pull *p,
			     struct sb_user *u UNUSED, struct error *e UNUSED)
{
	act_drop_fork(c->s, p);
	return ERR_OK;
}

static const struct {
	const char *name;
	enum err (*run)(struct call *c, struct sb_pull *p, struct sb_user *u,
			struct error *e);
} pull_acts[] = {
	{"close", do_close},	     {"reopen", do_reopen},
	{"merge", do_merge},	     {"draft", do_draft},
	{"ready", do_draft},	     {"label", do_label},
	{"unlabel", do_label},	     {"edit", do_edit},
	{"drop_fork", do_drop_fork}, {"lock", do_lock},
	{"unlock", do_lock},
};

static void post_pull_act(struct call *c)
{
	struct sb_pull *p = control_pull(c);
	struct sb_user *u = p ? control_user(c, "user", p->author) : NULL;
	struct error e = ERROR_INIT;

	if (!u)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(pull_acts); i++) {
		if (strcmp(pull_acts[i].name, js_str(c->body, "action")) != 0)
			continue;
		call_done(c, pull_acts[i].run(c, p, u, &e), &e);
		return;
	}
	call_error(c, 422, "no such action");
}

static void post_comment(struct call *c)
{
	struct sb_pull *p = control_pull(c);
	struct sb_user *u = p ? control_user(c, "user", NULL) : NULL;
	struct error e = ERROR_INIT;
	struct sb_comment *m;

	if (!u)
		return;
	if (act_comment(c->s, p, u, js_str(c->body, "body"), &m, &e))
		call_failed(c, &e);
	else
		control_made(c, m->id);
}

static void post_comment_edit(struct call *c)
{
	struct sb_comment *m = control_comment(c);
	struct sb_user *u = m ? control_user(c, "user", m->user) : NULL;
	struct error e = ERROR_INIT;

	if (u)
		call_done(c,
			  act_edit_comment(c->s, m, u, js_str(c->body, "body"),
					   &e),
			  &e);
}

static void post_comment_delete(struct call *c)
{
	struct sb_comment *m = control_comment(c);
	struct sb_user *u = m ? control_user(c, "user", m->user) : NULL;

	if (!u)
		return;
	act_delete_comment(c->s, m, u);
	call_done(c, ERR_OK, NULL);
}

static void post_ping(struct call *c)
{
	struct sb_repo *r = control_repo(c);

	if (!r)
		return;
	event_ping(c->s, r);
	call_done(c, ERR_OK, NULL);
}

const struct route control_routes[] = {
	{"POST", "/_sandbox/users", post_user},
	{"POST", "/_sandbox/repos", post_repo},
	{"POST", "/_sandbox/pulls", post_pull},
	{"POST", "/_sandbox/pulls/push", post_pull_push},
	{"POST", "/_sandbox/pulls/act", post_pull_act},
	{"POST", "/_sandbox/push", post_push},
	{"POST", "/_sandbox/comments", post_comment},
	{"POST", "/_sandbox/comments/edit", post_comment_edit},
	{"POST", "/_sandbox/comments/delete", post_comment_delete},
	{"POST", "/_sandbox/ping", post_ping},
	{NULL, NULL, NULL},
};
