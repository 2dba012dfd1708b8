/* What people do beside comments and pushes; the rest is in client_acts.c. */
#include "tests/sandbox/client.h"

static bool posted(struct sbc *c, const char *path, json_t *body)
{
	CLEANUP(json_decref) json_t *a = sbc_post(c, path, body);

	return a != NULL;
}

static int64_t made(struct sbc *c, const char *path, json_t *body)
{
	CLEANUP(json_decref) json_t *a = sbc_post(c, path, body);

	return js_int(a, "id", 0);
}

int64_t sbc_review(struct sbc *c, const char *repo, int number,
		   const char *user, const char *event, const char *body,
		   const char *commit)
{
	return made(c, "/_sandbox/reviews",
		    json_pack("{s:s,s:i,s:s,s:s,s:s?,s:s?}", "repo", repo,
			      "number", number, "user", user, "event", event,
			      "body", body, "commit", commit));
}

bool sbc_review_edit(struct sbc *c, int64_t review, const char *sender,
		     const char *body)
{
	return posted(c, "/_sandbox/reviews/edit",
		      json_pack("{s:I,s:s?,s:s}", "id", (json_int_t)review,
				"user", sender, "body", body));
}

bool sbc_review_dismiss(struct sbc *c, int64_t review, const char *sender)
{
	return posted(c, "/_sandbox/reviews/dismiss",
		      json_pack("{s:I,s:s?}", "id", (json_int_t)review, "user",
				sender));
}

int64_t sbc_review_comment(struct sbc *c, const char *repo, int number,
			   const char *user, const char *body,
			   const char *commit)
{
	return made(c, "/_sandbox/reviews/comments",
		    json_pack("{s:s,s:i,s:s,s:s,s:s?}", "repo", repo, "number",
			      number, "user", user, "body", body, "commit",
			      commit));
}

int64_t sbc_review_reply(struct sbc *c, const char *repo, int number,
			 const char *user, const char *body, int64_t comment)
{
	return made(c, "/_sandbox/reviews/comments",
		    json_pack("{s:s,s:i,s:s,s:s,s:I}", "repo", repo, "number",
			      number, "user", user, "body", body, "reply_to",
			      (json_int_t)comment));
}

bool sbc_comment_edit(struct sbc *c, const char *repo, int64_t comment,
		      const char *sender, const char *body)
{
	return posted(c, "/_sandbox/comments/edit",
		      json_pack("{s:s,s:I,s:s?,s:s}", "repo", repo, "id",
				(json_int_t)comment, "user", sender, "body",
				body));
}

bool sbc_comment_delete(struct sbc *c, const char *repo, int64_t comment,
			const char *sender)
{
	return posted(c, "/_sandbox/comments/delete",
		      json_pack("{s:s,s:I,s:s?}", "repo", repo, "id",
				(json_int_t)comment, "user", sender));
}

bool sbc_rename(struct sbc *c, const char *login, const char *to)
{
	return posted(c, "/_sandbox/users/rename",
		      json_pack("{s:s,s:s}", "login", login, "to", to));
}

int64_t sbc_org(struct sbc *c, const char *org)
{
	return made(c, "/_sandbox/orgs", json_pack("{s:s}", "org", org));
}

bool sbc_org_member(struct sbc *c, const char *org, const char *user,
		    bool public)
{
	return posted(c, "/_sandbox/orgs/members",
		      json_pack("{s:s,s:s,s:b}", "org", org, "login", user,
				"public", public));
}

bool sbc_org_leave(struct sbc *c, const char *org, const char *user)
{
	return posted(c, "/_sandbox/orgs/members",
		      json_pack("{s:s,s:s,s:b}", "org", org, "login", user,
				"member", false));
}

bool sbc_permission(struct sbc *c, const char *repo, const char *user,
		    const char *role)
{
	return posted(c, "/_sandbox/permissions",
		      json_pack("{s:s,s:s,s:s}", "repo", repo, "login", user,
				"role", role));
}

bool sbc_base(struct sbc *c, const char *repo, int number, const char *user,
	      const char *base)
{
	return posted(c, "/_sandbox/pulls/act",
		      json_pack("{s:s,s:i,s:s,s:s,s:s}", "repo", repo, "number",
				number, "user", user, "action", "edit", "base",
				base));
}

bool sbc_push_to(struct sbc *c, const char *repo, int number, const char *sha)
{
	return posted(c, "/_sandbox/pulls/push",
		      json_pack("{s:s,s:i,s:s}", "repo", repo, "number", number,
				"sha", sha));
}

bool sbc_refuse(struct sbc *c, const char *method, const char *path_end,
		int status, int count)
{
	return posted(c, "/_sandbox/faults",
		      json_pack("{s:s,s:s,s:s,s:i,s:i}", "kind", "status",
				"method", method, "ends", path_end, "status",
				status, "count", count));
}

bool sbc_webhooks(struct sbc *c, const char *action, const char *event,
		  int count)
{
	return posted(c, "/_sandbox/webhooks",
		      json_pack("{s:s,s:s?,s:i}", "action", action, "event",
				event, "count", count));
}

json_t *sbc_deliveries(struct sbc *c)
{
	return sbc_get(c, "/_sandbox/deliveries");
}
