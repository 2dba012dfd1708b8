/* GitHub's API: comments and reactions. */
#include <string.h>

#include "bot/base/clock.h"
#include "tests/sandbox/acts.h"
#include "tests/sandbox/api.h"
#include "tests/sandbox/shape.h"

struct sb_comment *api_comment(struct call *c, bool on_code)
{
	struct sb_repo *r = api_repo(c);
	int64_t id = api_number(c->args[2]);
	struct sb_comment *m = on_code ? sb_code_comment_find(c->s, id)
				       : sb_comment_find(c->s, id);

	if (m && m->pull->repo != r)
		m = NULL;
	if (r && !m)
		call_error(c, 404, "Not Found");
	return m;
}

bool api_since(struct call *c, int64_t *ret)
{
	CLEANUP(free) char *since = call_query(c, "since");

	*ret = 0;
	if (!since || time_parse_iso(since, ret))
		return true;
	call_invalid(c, "IssueComment", "since", "is not a time");
	return false;
}

bool api_is_since(const struct sb_comment *m, int64_t since)
{
	return m->updated / 1000 >= since / 1000;
}

static json_t *comments(struct call *c, const struct sb_repo *r,
			const struct sb_pull *p, int64_t since)
{
	json_t *list = sb_must(json_array());
	struct sb_comment *m;

	STAILQ_FOREACH(m, &c->s->comments, next)
	if (!m->deleted && m->pull->repo == r && (!p || m->pull == p) &&
	    api_is_since(m, since))
		json_array_append_new(list, shape_comment(c->s, m));
	return list;
}

static void get_repo_comments(struct call *c)
{
	struct sb_repo *r = api_repo(c);
	CLEANUP(free)
	char *sort = r ? CHOICE(c, "sort", "created", "updated") : NULL;
	CLEANUP(free) char *direction = call_query(c, "direction");
	int64_t since;

	if (!sort || !api_since(c, &since))
		return;
	call_page(c, api_sort(comments(c, r, NULL, since),
			      !strcmp(sort, "updated") ? "updated_at"
						       : "created_at",
			      direction && !strcmp(direction, "desc")));
}

static void get_comments(struct call *c)
{
	struct sb_pull *p = api_pull(c);
	int64_t since;

	if (p && api_since(c, &since))
		call_page(c, comments(c, p->repo, p, since));
}

/* A conversation that is locked is a matter of rights. */
static void refuse(struct call *c, const char *resource, const char *field,
		   const struct error *e)
{
	if (e->code == ERR_REFUSED)
		call_error(c, 403, e->text);
	else
		call_invalid(c, resource, field, e->text);
}

static void post_comment(struct call *c)
{
	struct sb_pull *p = api_pull(c);
	struct error e = ERROR_INIT;
	struct sb_comment *m;

	if (!p)
		return;
	if (!json_is_string(js_get(c->body, "body")))
		call_invalid(c, "IssueComment", "body", "body is missing");
	else if (act_comment(c->s, p, c->user, js_str(c->body, "body"), &m, &e))
		refuse(c, "IssueComment", "data", &e);
	else
		call_json(c, 201, shape_comment(c->s, m));
}

static void get_comment(struct call *c)
{
	struct sb_comment *m = api_comment(c, false);

	if (m)
		call_json(c, 200, shape_comment(c->s, m));
}

/* Its own, or anybody's with the right to write; else a 403. */
static struct sb_comment *own_comment(struct call *c)
{
	struct sb_comment *m = api_comment(c, false);

	if (!m || m->user == c->user || sb_can_write(m->pull->repo, c->user))
		return m;
	call_error(c, 403, "Must have admin rights to Repository.");
	return NULL;
}

static void patch_comment(struct call *c)
{
	struct sb_comment *m = own_comment(c);
	struct error e = ERROR_INIT;

	if (!m)
		return;
	if (act_edit_comment(c->s, m, c->user, js_str(c->body, "body"), &e))
		call_invalid(c, "IssueComment", "data", e.text);
	else
		call_json(c, 200, shape_comment(c->s, m));
}

static void delete_comment(struct call *c)
{
	struct sb_comment *m = own_comment(c);

	if (!m)
		return;
	act_delete_comment(c->s, m, c->user);
	c->status = 204;
}

void api_reactions(struct call *c, const struct sb_comment *m)
{
	CLEANUP(free) char *content = call_query(c, "content");
	struct sb_reaction *r;
	json_t *list;

	if (!m)
		return;
	list = sb_must(json_array());
	STAILQ_FOREACH(r, &m->reactions, next)
	if (!r->deleted && (!content || !strcmp(content, r->content)))
		json_array_append_new(list, shape_reaction(c->s, r));
	call_page(c, list);
}

static void get_reactions(struct call *c)
{
	api_reactions(c, api_comment(c, false));
}

void api_react(struct call *c, struct sb_comment *m)
{
	struct error e = ERROR_INIT;
	struct sb_reaction *r;
	bool new;

	if (!m)
		return;
	if (act_react(c->s, m, c->user, js_str(c->body, "content"), &r, &new,
		      &e))
		refuse(c, "Reaction", "content", &e);
	else
		call_json(c, new ? 201 : 200, shape_reaction(c->s, r));
}

static void post_reaction(struct call *c)
{
	api_react(c, api_comment(c, false));
}

static void delete_reaction(struct call *c)
{
	struct sb_comment *m = api_comment(c, false);
	struct sb_reaction *r =
		m ? sb_reaction_find(m, api_number(c->args[3])) : NULL;

	if (!m)
		return;
	if (!r || r->user != c->user) {
		call_error(c, 404, "Not Found");
		return;
	}
	act_unreact(c->s, m, r);
	c->status = 204;
}

const struct route api_comment_routes[] = {
	{"GET", REPO "/issues/comments", get_repo_comments},
	{"GET", REPO "/issues/:/comments", get_comments},
	{"POST", REPO "/issues/:/comments", post_comment},
	{"GET", REPO "/issues/comments/:", get_comment},
	{"PATCH", REPO "/issues/comments/:", patch_comment},
	{"DELETE", REPO "/issues/comments/:", delete_comment},
	{"GET", REPO "/issues/comments/:/reactions", get_reactions},
	{"POST", REPO "/issues/comments/:/reactions", post_reaction},
	{"DELETE", REPO "/issues/comments/:/reactions/:", delete_reaction},
	{NULL, NULL, NULL},
};
