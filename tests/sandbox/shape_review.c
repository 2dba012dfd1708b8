/* Reviews and comments on code; the rest of shape.h is in shape*.c. */
#include "tests/sandbox/shape.h"

#include <ctype.h>
#include <inttypes.h>

#include "tests/sandbox/shape_part.h"

/* own is the address of the object itself; NULL = it has none to show. */
static json_t *links_of(const struct sandbox *s, const struct sb_pull *p,
			const char *html, const char *own)
{
	json_t *o = sb_must(json_pack("{s:{s:s}}", "html", "href", html));
	json_t *pull = sb_must(json_object());

	shape_setf(pull, "href", "%s/repos/%s/pulls/%d", s->url, p->repo->full,
		   p->number);
	shape_set(o, "pull_request", pull);
	if (own)
		shape_set(o, "self", json_pack("{s:s}", "href", own));
	return o;
}

static json_t *lower(const char *text)
{
	CLEANUP(free) char *copy = sb_dup(text);

	for (char *p = copy; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return sb_text(copy);
}

json_t *shape_review(struct sandbox *s, const struct sb_review *r, bool hook)
{
	const struct sb_pull *p = r->pull;
	CLEANUP(free)
	char *html =
		sb_must(str_format("%s/%s/pull/%d#pullrequestreview-%" PRId64,
				   s->url, p->repo->full, p->number, r->id));
	json_t *o = sb_must(json_pack(
		"{s:I,s:o,s:s,s:s,s:s,s:o,s:o}", "id", (json_int_t)r->id,
		"user", shape_user(s, r->user), "commit_id", r->commit,
		"html_url", html, "author_association",
		shape_association(p->repo, r->user), "submitted_at",
		shape_time(r->submitted), "_links",
		links_of(s, p, html, NULL)));

	shape_setf(o, "node_id", "PRR_%" PRId64, r->id);
	shape_setf(o, "pull_request_url", "%s/repos/%s/pulls/%d", s->url,
		   p->repo->full, p->number);
	/* One and the same thing, said in two ways. */
	shape_set(o, "state", hook ? lower(r->state) : sb_text(r->state));
	shape_set(o, "body",
		  hook && !*r->body ? json_null() : sb_text(r->body));
	if (hook)
		shape_set(o, "updated_at", shape_time(r->updated));
	return o;
}

/* Where it stands in the diff: always its first line. */
static void add_place(json_t *o, const struct sb_comment *c)
{
	static const char *const nulls[] = {"start_line", "original_start_line",
					    "start_side"};
	static const char *const first[] = {"original_position",
					    "original_line"};
	static const char *const now[] = {"position", "line"};

	for (size_t i = 0; i < ARRAY_SIZE(nulls); i++)
		shape_set(o, nulls[i], json_null());
	for (size_t i = 0; i < ARRAY_SIZE(first); i++)
		shape_set(o, first[i], json_integer(1));
	for (size_t i = 0; i < ARRAY_SIZE(now); i++)
		shape_set(o, now[i],
			  c->outdated ? json_null() : json_integer(1));
}

json_t *shape_code_comment(struct sandbox *s, const struct sb_comment *c)
{
	const struct sb_pull *p = c->pull;
	const char *full = p->repo->full;
	CLEANUP(free)
	char *what = sb_must(str_format("pulls/comments/%" PRId64, c->id));
	CLEANUP(free)
	char *own = sb_must(str_format("%s/repos/%s/%s", s->url, full, what));
	CLEANUP(free)
	char *html = sb_must(str_format("%s/%s/pull/%d#discussion_r%" PRId64,
					s->url, full, p->number, c->id));
	json_t *o = sb_must(json_pack(
		"{s:s,s:I,s:I,s:s,s:o,s:s,s:s,s:o,s:s,s:s,s:s,s:s}", "url", own,
		"pull_request_review_id", (json_int_t)c->review->id, "id",
		(json_int_t)c->id, "diff_hunk", "@@ -1 +1 @@", "path",
		sb_text(c->path), "commit_id", c->commit, "original_commit_id",
		c->original, "user", shape_user(s, c->user), "body", c->body,
		"html_url", html, "author_association",
		shape_association(p->repo, c->user), "side", "RIGHT"));

	shape_setf(o, "node_id", "PRRC_%" PRId64, c->id);
	shape_setf(o, "pull_request_url", "%s/repos/%s/pulls/%d", s->url, full,
		   p->number);
	if (c->reply_to)
		shape_set(o, "in_reply_to_id", json_integer(c->reply_to));
	add_place(o, c);
	shape_set(o, "subject_type", json_string("line"));
	shape_set(o, "created_at", shape_time(c->created));
	shape_set(o, "updated_at", shape_time(c->updated));
	shape_set(o, "_links", links_of(s, p, html, own));
	shape_set(o, "reactions", shape_rollup(s, p->repo, what, c));
	return o;
}
