/* Comments, reactions and statuses; acts on pull requests: acts_pull.c. */
#include "tests/sandbox/acts.h"

#include <string.h>
#include <strings.h>

#include "tests/sandbox/events.h"
#include "tests/sandbox/git.h"

size_t sb_characters(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

enum err act_check_lock(const struct sb_pull *p, const struct sb_user *user,
			struct error *e)
{
	if (!p->locked || sb_can_write(p->repo, user))
		return ERR_OK;
	return error_set(e, ERR_REFUSED,
			 "Unable to create comment because issue is locked.");
}

enum err act_check_body(const char *body, struct error *e)
{
	if (!body[strspn(body, " \t\r\n")])
		return error_set(e, ERR_INVALID, "Body can't be blank");
	if (sb_characters(body) > SB_COMMENT_MAX)
		return error_set(e, ERR_INVALID,
				 "Body is too long (maximum is %d characters)",
				 SB_COMMENT_MAX);
	return ERR_OK;
}

void act_log_comment(struct sandbox *s, const char *type,
		     const struct sb_comment *c, const struct sb_user *by)
{
	sb_log(s, type,
	       json_pack("{s:I,s:s,s:i,s:s,s:s}", "id", (json_int_t)c->id,
			 "repo", c->pull->repo->full, "number", c->pull->number,
			 "user", by->login, "body", c->body));
}

enum err act_comment(struct sandbox *s, struct sb_pull *p, struct sb_user *user,
		     const char *body, struct sb_comment **ret, struct error *e)
{
	struct sb_comment *c;

	if (act_check_lock(p, user, e) || act_check_body(body, e))
		return e->code;
	c = sb_new(sizeof(*c));
	c->id = sb_id(s);
	c->pull = p;
	c->user = user;
	c->body = sb_dup(body);
	c->created = c->updated = sb_now(s);
	STAILQ_INIT(&c->reactions);
	STAILQ_INSERT_TAIL(&s->comments, c, next);
	p->updated = c->created;
	act_log_comment(s, "comment", c, user);
	event_comment(s, "created", c, user, NULL);
	*ret = c;
	return ERR_OK;
}

/* It was edited or deleted; on the conversation or on the code. */
static void tell_comment(struct sandbox *s, const char *action,
			 const struct sb_comment *c, const struct sb_user *by,
			 json_t *changes)
{
	CLEANUP(free)
	char *type = sb_must(
		str_format("%scomment_%s", c->review ? "review_" : "", action));

	act_log_comment(s, type, c, by);
	if (c->review)
		event_code_comment(s, action, c, by, changes);
	else
		event_comment(s, action, c, by, changes);
}

enum err act_edit_comment(struct sandbox *s, struct sb_comment *c,
			  struct sb_user *user, const char *body,
			  struct error *e)
{
	json_t *changes;

	if (act_check_body(body, e))
		return e->code;
	changes = sb_must(json_pack("{s:{s:s}}", "body", "from", c->body));
	sb_set(&c->body, body);
	/* Shown in whole seconds: an edit must be visible all the same. */
	c->updated += 1000;
	if (c->updated < sb_now(s))
		c->updated = sb_now(s);
	tell_comment(s, "edited", c, user, changes);
	return ERR_OK;
}

void act_delete_comment(struct sandbox *s, struct sb_comment *c,
			struct sb_user *user)
{
	c->deleted = true;
	tell_comment(s, "deleted", c, user, NULL);
}

static bool known_reaction(const char *content)
{
	static const char *const all[] = {"+1",	      "-1",    "laugh",
					  "confused", "heart", "hooray",
					  "rocket",   "eyes"};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (!strcmp(all[i], content))
			return true;
	return false;
}

static void log_reaction(struct sandbox *s, const char *type,
			 const struct sb_comment *c,
			 const struct sb_reaction *r)
{
	sb_log(s, type,
	       json_pack("{s:I,s:I,s:s,s:i,s:s,s:s}", "id", (json_int_t)r->id,
			 "comment", (json_int_t)c->id, "repo",
			 c->pull->repo->full, "number", c->pull->number, "user",
			 r->user->login, "content", r->content));
}

enum err act_react(struct sandbox *s, struct sb_comment *c,
		   struct sb_user *user, const char *content,
		   struct sb_reaction **ret, bool *ret_new, struct error *e)
{
	struct sb_reaction *r;

	if (act_check_lock(c->pull, user, e))
		return e->code;
	if (!known_reaction(content))
		return error_set(e, ERR_INVALID, "no such reaction");
	STAILQ_FOREACH(r, &c->reactions, next)
	{
		if (!r->deleted && r->user == user &&
		    !strcmp(r->content, content)) {
			*ret = r;
			*ret_new = false;
			return ERR_OK;
		}
	}
	r = sb_new(sizeof(*r));
	r->id = sb_id(s);
	r->user = user;
	r->content = sb_dup(content);
	r->created = sb_now(s);
	STAILQ_INSERT_TAIL(&c->reactions, r, next);
	log_reaction(s, "reaction", c, r);
	*ret = r;
	*ret_new = true;
	return ERR_OK;
}

void act_unreact(struct sandbox *s, struct sb_comment *c, struct sb_reaction *r)
{
	r->deleted = true;
	log_reaction(s, "reaction_deleted", c, r);
}

static int count_statuses(struct sandbox *s, const struct sb_repo *r,
			  const struct act_status *a)
{
	struct sb_status *st;
	int n = 0;

	STAILQ_FOREACH(st, &s->statuses, next)
	n += st->repo == r && !strcmp(st->sha, a->sha) &&
	     !strcasecmp(st->context, a->context);
	return n;
}

static enum err check_status(const struct sb_repo *r,
			     const struct act_status *a, struct error *e)
{
	static const char *const states[] = {"error", "failure", "pending",
					     "success"};
	char sha[SB_SHA];
	size_t i = 0;

	while (i < ARRAY_SIZE(states) && strcmp(states[i], a->state) != 0)
		i++;
	if (i == ARRAY_SIZE(states))
		return error_set(e, ERR_INVALID,
				 "State is not included in "
				 "the list");
	if (a->description &&
	    sb_characters(a->description) > SB_DESCRIPTION_MAX)
		return error_set(e, ERR_INVALID,
				 "Description is too long (maximum is %d "
				 "characters)",
				 SB_DESCRIPTION_MAX);
	if (strspn(a->sha, "0123456789abcdef") != SB_SHA - 1 ||
	    a->sha[SB_SHA - 1] || !r->path ||
	    sb_git_resolve(r->path, a->sha, sha, e))
		return error_set(e, ERR_INVALID, "No commit found for SHA: %s",
				 a->sha);
	return ERR_OK;
}

enum err act_status(struct sandbox *s, struct sb_repo *r,
		    const struct act_status *a, struct sb_status **ret,
		    struct error *e)
{
	struct sb_status *st;

	if (check_status(r, a, e))
		return e->code;
	if (count_statuses(s, r, a) >= SB_STATUSES_MAX)
		return error_set(e, ERR_INVALID,
				 "This SHA and context has reached the maximum "
				 "number of statuses.");
	st = sb_new(sizeof(*st));
	st->id = sb_id(s);
	st->repo = r;
	memcpy(st->sha, a->sha, SB_SHA);
	st->state = sb_dup(a->state);
	st->context = sb_dup(*a->context ? a->context : "default");
	sb_set(&st->description, a->description);
	sb_set(&st->target_url, a->target_url);
	st->creator = a->user;
	st->created = sb_now(s);
	STAILQ_INSERT_TAIL(&s->statuses, st, next);
	sb_log(s, "status",
	       json_pack("{s:I,s:s,s:s,s:s,s:s,s:s?,s:s?,s:s}", "id",
			 (json_int_t)st->id, "repo", r->full, "sha", st->sha,
			 "state", st->state, "context", st->context,
			 "description", st->description, "target_url",
			 st->target_url, "user", a->user->login));
	*ret = st;
	return ERR_OK;
}
