#include "bot/github_calls.h"

#include <string.h>

/* The forge is busy or says to wait. */
#define BUSY "408 425 429 5xx"

/* clang-format off */
const struct github_row github_rows[] = {
	{
		.kind = "forge.user",
		.method = "GET",
		.path = "/users/{login}",
		.cache = true,
		.retried = BUSY,
		.meaning = "who a login is",
	},
	{
		.kind = "forge.self",
		.method = "GET",
		.path = "/user",
		.retried = BUSY,
		.meaning = "who we are",
	},
	{
		.kind = "forge.pull",
		.method = "GET",
		.path = "/repos/{repo}/pulls/{number}",
		.cache = true,
		.retried = BUSY,
		.meaning = "a pull request as it is now",
	},
	{
		.kind = "forge.pulls",
		.method = "GET",
		.path = "/repos/{repo}/pulls",
		.query = "state=open&sort=created&direction=asc",
		.pages = true,
		.cache = true,
		.retried = BUSY,
		.meaning = "all open pull requests, oldest first",
	},
	{
		.kind = "forge.comments",
		.method = "GET",
		.path = "/repos/{repo}/issues/comments",
		.query = "sort=updated&direction=asc",
		.ask = "since",
		.pages = true,
		.onward = true,
		.retried = BUSY,
		.meaning = "comments of a repository changed since a time",
	},
	{
		.kind = "forge.hooks",
		.method = "GET",
		.path = "/repos/{repo}/hooks",
		.pages = true,
		.retried = BUSY,
		.meaning = "webhooks of a repository, when we may see them",
	},
	{
		.kind = "forge.deliveries",
		.method = "GET",
		.path = "/repos/{repo}/hooks/{hook_id}/deliveries",
		.pages = true,
		.until = "delivered_at",
		.retried = BUSY,
		.meaning = "what a webhook was sent, newest first",
	},
	{
		.kind = "forge.redeliver",
		.method = "POST",
		.path = "/repos/{repo}/hooks/{hook_id}/deliveries/"
			"{delivery_id}/attempts",
		.write = true,
		.retried = BUSY,
		.meaning = "has a delivery sent once more, with its GUID",
	},
	{
		.kind = "forge.permission",
		.method = "GET",
		.path = "/repos/{repo}/collaborators/{login}/permission",
		.cache = true,
		.retried = BUSY,
		.meaning = "what a login may do to a repository",
	},
	{
		.kind = "forge.org_member",
		.method = "GET",
		.path = "/orgs/{org}/members/{login}",
		.none = true,
		.instead = "forge.org_public_member",
		.retried = BUSY,
		.meaning = "whether a login is known to belong to an "
			   "organisation",
	},
	{
		.kind = "forge.org_public_member",
		.method = "GET",
		.path = "/orgs/{org}/public_members/{login}",
		.none = true,
		.retried = BUSY,
		.meaning = "whether a login shows that it belongs there",
	},
	{
		.kind = "forge.reviews",
		.method = "GET",
		.path = "/repos/{repo}/pulls/{number}/reviews",
		.pages = true,
		.cache = true,
		.retried = BUSY,
		.meaning = "all reviews of a pull request, oldest first",
	},
	{
		.kind = "forge.review_comments",
		.method = "GET",
		.path = "/repos/{repo}/pulls/comments",
		.query = "sort=updated&direction=asc",
		.ask = "since",
		.pages = true,
		.onward = true,
		.retried = BUSY,
		.meaning = "comments on code changed since a time",
	},
	{
		.kind = "forge.review_reaction",
		.method = "POST",
		.path = "/repos/{repo}/pulls/comments/{comment_id}/reactions",
		.send = { "content" },
		.write = true,
		.retried = BUSY,
		.meaning = "reacts to a comment on code",
	},
	{
		.kind = "forge.comment.get",
		.method = "GET",
		.path = "/repos/{repo}/issues/comments/{comment_id}",
		.retried = BUSY,
		.meaning = "a comment as it is now",
	},
	{
		.kind = "forge.comment",
		.method = "POST",
		.path = "/repos/{repo}/issues/{number}/comments",
		.send = { "body" },
		.write = true,
		.retried = BUSY,
		.meaning = "writes a new comment",
	},
	{
		.kind = "forge.comment.edit",
		.method = "PATCH",
		.path = "/repos/{repo}/issues/comments/{comment_id}",
		.send = { "body" },
		.write = true,
		.retried = BUSY,
		.meaning = "replaces the text of a comment of ours",
	},
	{
		.kind = "forge.comment.list",
		.method = "GET",
		.path = "/repos/{repo}/issues/{number}/comments",
		.pages = true,
		.retried = BUSY,
		.meaning = "all comments of a pull request, oldest first",
	},
	{
		.kind = "forge.reaction",
		.method = "POST",
		.path = "/repos/{repo}/issues/comments/{comment_id}/reactions",
		.send = { "content" },
		.write = true,
		.retried = BUSY,
		.meaning = "reacts to a comment; a second time is the first",
	},
	{
		.kind = "forge.status",
		.method = "POST",
		.path = "/repos/{repo}/statuses/{sha}",
		.send = { "state", "context", "description", "target_url" },
		.write = true,
		.retried = BUSY,
		.meaning = "sets a commit status; the newest of a context counts",
	},
	{ 0 },
};
/* clang-format on */

const struct github_row *github_row(const char *kind)
{
	for (const struct github_row *r = github_rows; r->kind; r++)
		if (strcmp(r->kind, kind) == 0)
			return r;
	return NULL;
}

bool github_row_retries(const struct github_row *row, int status)
{
	char have[16];
	const char *p = row->retried;

	snprintf(have, sizeof(have), "%d", status);
	for (; *p; p += strcspn(p, " "), p += strspn(p, " ")) {
		if (p[0] == have[0] && (p[1] == 'x' || p[1] == have[1]) &&
		    (p[2] == 'x' || p[2] == have[2]) && strlen(have) == 3)
			return true;
	}
	return false;
}
