/* GitHub's API: reviews and comments on code. */
#include <string.h>

#include "tests/sandbox/acts.h"
#include "tests/sandbox/api.h"
#include "tests/sandbox/shape.h"

static void get_reviews(struct call *c)
{
	struct sb_pull *p = api_pull(c);
	struct sb_review *r;
	json_t *list;

	if (!p)
		return;
	list = sb_must(json_array());
	STAILQ_FOREACH(r, &c->s->reviews, next)
	if (r->pull == p)
		json_array_append_new(list, shape_review(c->s, r, false));
	call_page(c, list);
}

static void get_repo_comments(struct call *c)
{
	struct sb_repo *r = api_repo(c);
	CLEANUP(free)
	char *sort = r ? CHOICE(c, "sort", "created", "updated") : NULL;
	CLEANUP(free) char *direction = call_query(c, "direction");
	struct sb_comment *m;
	int64_t since;
	json_t *list;

	if (!sort || !api_since(c, &since))
		return;
	list = sb_must(json_array());
	STAILQ_FOREACH(m, &c->s->code_comments, next)
	if (!m->deleted && m->pull->repo == r && api_is_since(m, since))
		json_array_append_new(list, shape_code_comment(c->s, m));
	call_page(c, api_sort(list,
			      !strcmp(sort, "updated") ? "updated_at"
						       : "created_at",
			      direction && !strcmp(direction, "desc")));
}

static void get_comment(struct call *c)
{
	struct sb_comment *m = api_comment(c, true);

	if (m)
		call_json(c, 200, shape_code_comment(c->s, m));
}

static void get_reactions(struct call *c)
{
	api_reactions(c, api_comment(c, true));
}

static void post_reaction(struct call *c)
{
	api_react(c, api_comment(c, true));
}

const struct route api_review_routes[] = {
	{"GET", REPO "/pulls/:/reviews", get_reviews},
	{"GET", REPO "/pulls/comments", get_repo_comments},
	{"GET", REPO "/pulls/comments/:", get_comment},
	{"GET", REPO "/pulls/comments/:/reactions", get_reactions},
	{"POST", REPO "/pulls/comments/:/reactions", post_reaction},
	{NULL, NULL, NULL},
};
