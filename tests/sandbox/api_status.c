/* GitHub's API: statuses of commits, and who may write. */
#include <string.h>

#include "tests/sandbox/acts.h"
#include "tests/sandbox/api.h"
#include "tests/sandbox/git.h"
#include "tests/sandbox/shape.h"

static void post_status(struct call *c)
{
	struct sb_repo *r = api_repo(c);
	json_t *description = js_get(c->body, "description");
	json_t *url = js_get(c->body, "target_url");
	struct error e = ERROR_INIT;
	struct sb_status *st;

	if (!r)
		return;
	if (!sb_can_write(r, c->user))
		call_error(c, 404, "Not Found");
	else if (act_status(
			 c->s, r,
			 &(struct act_status){
				 .user = c->user,
				 .sha = c->args[2],
				 .state = js_str(c->body, "state"),
				 .context = js_str(c->body, "context"),
				 .description = json_string_value(description),
				 .target_url = json_string_value(url)},
			 &st, &e))
		call_invalid(c, "Status", "data", e.text);
	else
		call_json(c, 201, shape_status(c->s, st));
}

static bool is_full_id(const char *ref)
{
	return strlen(ref) == SB_SHA - 1 &&
	       strspn(ref, "0123456789abcdef") == SB_SHA - 1;
}

/* A full id, or the name of a branch or tag; "" after a 404. */
static void sha_of(struct call *c, const struct sb_repo *r, char sha[SB_SHA])
{
	static const char *const folders[] = {"", "refs/heads/", "refs/",
					      "refs/tags/"};
	const char *ref = c->args[2];
	struct error e = ERROR_INIT;

	for (size_t i = 0; r->path && i < ARRAY_SIZE(folders); i++) {
		CLEANUP(free)
		char *rev = sb_must(str_format("%s%s", folders[i], ref));

		if ((*folders[i] || is_full_id(ref)) &&
		    !sb_git_resolve(r->path, rev, sha, &e))
			return;
	}
	*sha = '\0';
	call_error(c, 404, "Not Found");
}

static void get_statuses(struct call *c)
{
	struct sb_repo *r = api_repo(c);
	char sha[SB_SHA];
	struct sb_status *st;
	json_t *list;

	if (!r)
		return;
	sha_of(c, r, sha);
	if (!*sha)
		return;
	list = sb_must(json_array());
	STAILQ_FOREACH(st, &c->s->statuses, next)
	if (st->repo == r && !strcmp(st->sha, sha))
		json_array_append_new(list, shape_status(c->s, st));
	api_reverse(list);
	call_page(c, list);
}

static void get_combined(struct call *c)
{
	struct sb_repo *r = api_repo(c);
	char sha[SB_SHA];

	if (!r)
		return;
	sha_of(c, r, sha);
	if (*sha)
		call_json(c, 200, shape_combined(c->s, r, sha));
}

static void get_permission(struct call *c)
{
	struct sb_repo *r = api_repo(c);
	struct sb_user *u = r ? sb_user_find(c->s, c->args[2]) : NULL;

	if (!r)
		return;
	if (u && sb_can_write(r, c->user))
		call_json(c, 200, shape_permission(c->s, r, u));
	else
		call_error(c, u ? 403 : 404,
			   u ? "Must have push access" : "Not Found");
}

const struct route api_status_routes[] = {
	{"POST", REPO "/statuses/:", post_status},
	{"GET", REPO "/commits/:/statuses", get_statuses},
	{"GET", REPO "/commits/:/status", get_combined},
	{"GET", REPO "/collaborators/:/permission", get_permission},
	{NULL, NULL, NULL},
};
