/* Reviews and comments on code; the rest of acts.h is in acts*.c. */
#include "tests/sandbox/acts.h"

#include <string.h>

#include "tests/sandbox/events.h"
#include "tests/sandbox/git.h"

/* What is done, and what the review is from then on. */
static const struct {
	const char *event, *state;
	bool by_author; /* may be said of one's own pull request */
	bool silent;	/* may go without a word */
} kinds[] = {
	{"APPROVE", "APPROVED", false, true},
	{"COMMENT", "COMMENTED", true, false},
	{"REQUEST_CHANGES", "CHANGES_REQUESTED", false, false},
};

#define COMMENTED kinds[1].state
#define DISMISSED "DISMISSED"

/* NULL after an error. */
static const char *state_of(const struct sb_pull *p, const struct act_review *a,
			    struct error *e)
{
	size_t k = 0;

	while (k < ARRAY_SIZE(kinds) && strcmp(kinds[k].event, a->event) != 0)
		k++;
	if (k == ARRAY_SIZE(kinds))
		error_set(e, ERR_INVALID, "no such event: %s", a->event);
	else if (!kinds[k].by_author && a->user == p->author)
		error_set(e, ERR_INVALID,
			  "Can not do that on your own pull request");
	else if (!act_check_lock(p, a->user, e) &&
		 ((kinds[k].silent && !*a->body) ||
		  !act_check_body(a->body, e)))
		return kinds[k].state;
	return NULL;
}

static enum err commit_of(const struct sb_pull *p, const char *commit,
			  char ret[SB_SHA], struct error *e)
{
	return sb_git_resolve(p->repo->path, *commit ? commit : p->head_sha,
			      ret, e);
}

static void log_review(struct sandbox *s, const char *type,
		       const struct sb_review *r, const struct sb_user *by)
{
	sb_log(s, type,
	       json_pack("{s:I,s:s,s:i,s:s,s:s,s:s,s:s}", "id",
			 (json_int_t)r->id, "repo", r->pull->repo->full,
			 "number", r->pull->number, "user", by->login, "state",
			 r->state, "body", r->body, "commit", r->commit));
}

static struct sb_review *review_new(struct sandbox *s, struct sb_pull *p,
				    struct sb_user *user, const char *state,
				    const char *body, const char *sha)
{
	struct sb_review *r = sb_new(sizeof(*r));

	r->id = sb_id(s);
	r->pull = p;
	r->user = user;
	r->state = state;
	r->body = sb_dup(body);
	memcpy(r->commit, sha, SB_SHA);
	r->submitted = r->updated = p->updated = sb_now(s);
	STAILQ_INSERT_TAIL(&s->reviews, r, next);
	log_review(s, "review", r, user);
	event_review(s, "submitted", r, user, NULL);
	return r;
}

enum err act_review(struct sandbox *s, struct sb_pull *p,
		    const struct act_review *a, struct sb_review **ret,
		    struct error *e)
{
	const char *state = state_of(p, a, e);
	char sha[SB_SHA];

	if (!state || commit_of(p, a->commit, sha, e))
		return e->code;
	*ret = review_new(s, p, a->user, state, a->body, sha);
	return ERR_OK;
}

enum err act_edit_review(struct sandbox *s, struct sb_review *r,
			 struct sb_user *user, const char *body,
			 struct error *e)
{
	json_t *changes;

	if (act_check_body(body, e))
		return e->code;
	changes = sb_must(json_pack("{s:{s:s}}", "body", "from", r->body));
	sb_set(&r->body, body);
	r->updated = sb_now(s);
	log_review(s, "review_edited", r, user);
	event_review(s, "edited", r, user, changes);
	return ERR_OK;
}

enum err act_dismiss_review(struct sandbox *s, struct sb_review *r,
			    struct sb_user *user, struct error *e)
{
	if (r->state == COMMENTED || !strcmp(r->state, DISMISSED))
		return error_set(e, ERR_INVALID,
				 "Can not dismiss a %s pull request review",
				 r->state);
	r->state = DISMISSED;
	r->updated = sb_now(s);
	log_review(s, "review_dismissed", r, user);
	event_review(s, "dismissed", r, user, NULL);
	return ERR_OK;
}

/* The first file that the pull changes; an empty one changes none. */
static char *first_path(const struct sb_pull *p)
{
	CLEANUP(json_decref)
	json_t *files = sb_git_files(p->repo->path, p->base_sha, p->head_sha);
	const char *name = js_str(json_array_get(files, 0), "filename");

	return sb_dup(*name ? name : "README");
}

/* Says where it stands: where it was put, or as the thread that it joins. */
static void place(struct sb_comment *c, const struct act_code_comment *a,
		  const char *sha)
{
	const struct sb_comment *to = a->reply_to;

	memcpy(c->original, to ? to->original : sha, SB_SHA);
	memcpy(c->commit, to ? to->commit : sha, SB_SHA);
	if (to)
		c->path = sb_dup(to->path);
	else
		c->path = *a->path ? sb_dup(a->path) : first_path(c->pull);
	if (to) {
		c->outdated = to->outdated;
		c->reply_to = to->reply_to ? to->reply_to : to->id;
	}
}

enum err act_code_comment(struct sandbox *s, struct sb_pull *p,
			  const struct act_code_comment *a,
			  struct sb_comment **ret, struct error *e)
{
	struct sb_comment *c;
	char sha[SB_SHA];

	if (act_check_lock(p, a->user, e) || act_check_body(a->body, e) ||
	    commit_of(p, a->commit, sha, e))
		return e->code;
	c = sb_new(sizeof(*c));
	c->id = sb_id(s);
	c->pull = p;
	c->user = a->user;
	c->body = sb_dup(a->body);
	STAILQ_INIT(&c->reactions);
	place(c, a, sha);
	c->review = review_new(s, p, a->user, COMMENTED, "", sha);
	c->created = c->updated = sb_now(s);
	STAILQ_INSERT_TAIL(&s->code_comments, c, next);
	act_log_comment(s, "review_comment", c, a->user);
	event_code_comment(s, "created", c, a->user, NULL);
	*ret = c;
	return ERR_OK;
}

void act_move_comments(struct sandbox *s, struct sb_pull *p)
{
	struct sb_comment *c;

	STAILQ_FOREACH(c, &s->code_comments, next)
	{
		if (c->pull != p || c->deleted || c->outdated)
			continue;
		c->outdated = !sb_git_is_same(p->repo->path, c->commit,
					      p->head_sha, c->path);
		if (!c->outdated)
			memcpy(c->commit, p->head_sha, SB_SHA);
	}
}
