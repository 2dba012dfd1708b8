/*
 * The control interface: reviews, accounts and rights.  The table of all
 * calls stands in control.c.
 */
#include <string.h>

#include "tests/sandbox/acts.h"
#include "tests/sandbox/control.h"

static void post_permission(struct call *c)
{
	static const char *const roles[] = {"admin",  "maintain", "write",
					    "triage", "read",	  "none"};
	struct sb_repo *r = control_repo(c);
	struct sb_user *u = r ? control_user(c, "login", NULL) : NULL;
	const char *role = js_str(c->body, "role");

	if (!u)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
		if (strcmp(roles[i], role) != 0)
			continue;
		sb_role_set(r, u, role);
		call_done(c, ERR_OK, NULL);
		return;
	}
	call_error(c, 422, "no such role");
}

static void post_rename(struct call *c)
{
	struct sb_user *u = control_user(c, "login", NULL);
	struct error e = ERROR_INIT;

	if (u)
		call_done(c, act_rename(c->s, u, js_str(c->body, "to"), &e),
			  &e);
}

static void post_org(struct call *c)
{
	struct error e = ERROR_INIT;
	struct sb_user *u;

	if (act_org(c->s, js_str(c->body, "org"), &u, &e))
		call_failed(c, &e);
	else
		control_made(c, u->id);
}

static void post_member(struct call *c)
{
	struct sb_user *u = control_user(c, "login", NULL);
	struct error e = ERROR_INIT;
	struct sb_user *org;

	if (!u)
		return;
	if (act_org(c->s, js_str(c->body, "org"), &org, &e)) {
		call_failed(c, &e);
		return;
	}
	sb_member_set(org, u, js_bool(c->body, "member", true),
		      js_bool(c->body, "public", false));
	call_done(c, ERR_OK, NULL);
}

static void post_review(struct call *c)
{
	struct sb_pull *p = control_pull(c);
	struct sb_user *u = p ? control_user(c, "user", NULL) : NULL;
	struct error e = ERROR_INIT;
	struct sb_review *r;

	if (!u)
		return;
	if (act_review(
		    c->s, p,
		    &(struct act_review){.user = u,
					 .event = js_str(c->body, "event"),
					 .body = js_str(c->body, "body"),
					 .commit = js_str(c->body, "commit")},
		    &r, &e))
		call_failed(c, &e);
	else
		control_made(c, r->id);
}

static struct sb_review *review_in(struct call *c)
{
	struct sb_review *r = sb_review_find(c->s, js_int(c->body, "id", 0));

	if (!r)
		call_missing(c, "review with this", "id");
	return r;
}

static void post_review_edit(struct call *c)
{
	struct sb_review *r = review_in(c);
	struct sb_user *u = r ? control_user(c, "user", r->user) : NULL;
	struct error e = ERROR_INIT;

	if (u)
		call_done(c,
			  act_edit_review(c->s, r, u, js_str(c->body, "body"),
					  &e),
			  &e);
}

static void post_review_dismiss(struct call *c)
{
	struct sb_review *r = review_in(c);
	struct sb_user *u = r ? control_user(c, "user", r->user) : NULL;
	struct error e = ERROR_INIT;

	if (u)
		call_done(c, act_dismiss_review(c->s, r, u, &e), &e);
}

/* The thread that is answered; false when there is none such. */
static bool reply_in(struct call *c, const struct sb_pull *p,
		     const struct sb_comment **ret)
{
	int64_t id = js_int(c->body, "reply_to", 0);

	*ret = id ? sb_code_comment_find(c->s, id) : NULL;
	if (!id || (*ret && (*ret)->pull == p))
		return true;
	call_missing(c, "comment on code with this", "id");
	return false;
}

static void post_code_comment(struct call *c)
{
	struct sb_pull *p = control_pull(c);
	struct sb_user *u = p ? control_user(c, "user", NULL) : NULL;
	struct act_code_comment a = {.user = u,
				     .body = js_str(c->body, "body"),
				     .commit = js_str(c->body, "commit"),
				     .path = js_str(c->body, "path")};
	struct error e = ERROR_INIT;
	struct sb_comment *m;

	if (!u || !reply_in(c, p, &a.reply_to))
		return;
	if (act_code_comment(c->s, p, &a, &m, &e))
		call_failed(c, &e);
	else
		control_made(c, m->id);
}

const struct route control_people_routes[] = {
	{"POST", "/_sandbox/permissions", post_permission},
	{"POST", "/_sandbox/users/rename", post_rename},
	{"POST", "/_sandbox/orgs", post_org},
	{"POST", "/_sandbox/orgs/members", post_member},
	{"POST", "/_sandbox/reviews", post_review},
	{"POST", "/_sandbox/reviews/edit", post_review_edit},
	{"POST", "/_sandbox/reviews/dismiss", post_review_dismiss},
	{"POST", "/_sandbox/reviews/comments", post_code_comment},
	{NULL, NULL, NULL},
};
