#include "deploy/batch.h"

#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "deploy/standing.h"
#include "store/lock.h"
#include "store/request.h"

/* In which order places in a batch are given. */
enum rank {
	RANK_COMMANDED, /* somebody waits for it */
	RANK_BENCHED,	/* it found no place before */
	RANK_ASKED,	/* asked for not long ago, or already there */
	RANK_NEW,
};

struct candidate {
	struct revision revision;
	bool asked;
	enum rank rank;
	int64_t since_ms;
	size_t index; /* in the order of the merge */
};

struct candidates {
	struct candidate *list;
	size_t count;
};

static void candidates_release_at(struct candidates *c)
{
	free(c->list);
}

static enum err add_candidate(struct candidates *c,
			      const struct project *project,
			      const struct pull *p, bool asked, struct error *e)
{
	struct candidate *more =
		realloc(c->list, (c->count + 1) * sizeof(*more));
	struct revision *r;

	if (!more)
		return error_set(e, ERR_FATAL, "out of memory");
	c->list = more;
	c->list[c->count] = (struct candidate){.asked = asked};
	r = &c->list[c->count++].revision;
	r->pull_id = p->id;
	r->number = p->number;
	r->is_new = true;
	/* As configured: the forge may spell it in another case. */
	snprintf(r->repo, sizeof(r->repo), "%s", project->repo);
	snprintf(r->sha, sizeof(r->sha), "%s", p->head_sha);
	snprintf(r->title, sizeof(r->title), "%s", p->title);
	snprintf(r->author, sizeof(r->author), "%s", p->author);
	return ERR_OK;
}

static enum err collect(struct store *s, const struct environment *env,
			const struct project *project, int64_t now_ms,
			struct candidates *c, struct error *e)
{
	CLEANUP(free) char *owned = NULL;
	struct pull *pulls;
	size_t count;

	if (store_pulls_open(s, project->repo, &pulls, &count, e))
		return e->code;
	owned = (char *)pulls;
	for (size_t i = 0; i < count; i++) {
		enum standing standing;
		bool asked;

		if (standing_and_asked(s, env, project, &pulls[i], now_ms,
				       &standing, &asked, e) ||
		    (standing == STANDING_IN &&
		     add_candidate(c, project, &pulls[i], asked, e)))
			return e->code;
	}
	return ERR_OK;
}

static enum err mark_known(struct store *s, const struct environment *env,
			   int64_t now_ms, struct candidates *c,
			   struct error *e)
{
	struct environment_record record;
	struct revision *green;
	size_t count;

	if (store_environment(s, env->name, now_ms, &record, e) ||
	    store_revisions(s, record.deployed_cycle, &green, &count, e))
		return e->code;
	for (size_t i = 0; i < c->count; i++)
		for (size_t j = 0; j < count; j++)
			if (green[j].pull_id == c->list[i].revision.pull_id &&
			    strcmp(green[j].sha, c->list[i].revision.sha) ==
				    0 &&
			    strcmp(green[j].result, "merged") == 0)
				c->list[i].revision.is_new = false;
	revisions_free(green, count);
	return ERR_OK;
}

static enum err rank_one(struct store *s, const struct environment *env,
			 enum cycle_kind kind, struct candidate *c,
			 struct error *e)
{
	const struct revision *r = &c->revision;
	struct bench_place place;

	c->rank = c->asked || !r->is_new ? RANK_ASKED : RANK_NEW;
	/* A full that is booked has had its short: it needs a place in no
	 * other. */
	if (store_request_since(s, env->name, r->pull_id, r->sha,
				kind == KIND_FULL, &c->since_ms, e) ||
	    store_bench(s, env->name, r->pull_id, &place, e))
		return e->code;
	if (c->since_ms) {
		c->rank = RANK_COMMANDED;
	} else if (place.position) {
		c->rank = RANK_BENCHED;
		c->since_ms = place.since_ms;
	}
	return ERR_OK;
}

static int by_rank(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->since_ms != y->since_ms)
		return x->since_ms < y->since_ms ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

static int by_index(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return (x->index > y->index) - (x->index < y->index);
}

static enum err take(const struct candidate *list, size_t count,
		     struct revision **ret, size_t *ret_count, struct error *e)
{
	*ret = calloc(count + 1, sizeof(**ret));
	if (!*ret)
		return error_set(e, ERR_FATAL, "out of memory");
	for (size_t i = 0; i < count; i++)
		(*ret)[i] = list[i].revision;
	*ret_count = count;
	return ERR_OK;
}

static enum err divide(struct store *s, const struct environment *env,
		       enum cycle_kind kind, struct candidates *c,
		       struct batch *ret, struct error *e)
{
	size_t max = env->policy.max_batch > 0 ? (size_t)env->policy.max_batch
					       : c->count;

	if (c->count <= max)
		return take(c->list, c->count, &ret->in, &ret->in_count, e);
	for (size_t i = 0; i < c->count; i++) {
		c->list[i].index = i;
		if (rank_one(s, env, kind, &c->list[i], e))
			return e->code;
	}
	qsort(c->list, c->count, sizeof(*c->list), by_rank);
	qsort(c->list, max, sizeof(*c->list), by_index);
	if (take(c->list, max, &ret->in, &ret->in_count, e))
		return e->code;
	return take(c->list + max, c->count - max, &ret->out, &ret->out_count,
		    e);
}

void batch_release_at(struct batch *b)
{
	revisions_free(b->in, b->in_count);
	revisions_free(b->out, b->out_count);
}

enum err batch_select(struct store *s, const struct environment *env,
		      enum cycle_kind kind, int64_t now_ms, struct batch *ret,
		      struct error *e)
{
	CLEANUP(candidates_release) struct candidates c = {0};

	*ret = (struct batch){0};
	for (size_t i = 0; i < env->project_count; i++)
		if (collect(s, env, &env->projects[i], now_ms, &c, e))
			return e->code;
	if (mark_known(s, env, now_ms, &c, e))
		return e->code;
	return divide(s, env, kind, &c, ret, e);
}

int64_t batch_cycles(const struct environment *env, int64_t position)
{
	int max = env->policy.max_batch;

	return max > 0 ? 1 + (position - 1) / max : 1;
}
