#include "deploy/standing.h"

#include <stdlib.h>
#include <string.h>

#include "bot/base/clock.h"
#include "deploy/sensitive.h"
#include "store/lock.h"
#include "store/request.h"
#include "store/trust.h"

static bool base_fits(const struct environment *env,
		      const struct project *project, const struct pull *p)
{
	if (strcmp(p->base_ref, project->base) == 0)
		return true;
	return env->label_include && *env->label_include &&
	       pull_has_label(p, env->label_include);
}

bool standing_base_fits(const struct environment *env, const struct pull *p)
{
	const struct project *project = environment_project(env, p->repo);

	return project && base_fits(env, project, p);
}

/* What the pull itself says, without asking who wants it. */
static enum standing plain_standing(const struct environment *env,
				    const struct project *project,
				    const struct pull *p)
{
	if (strcmp(p->state, "open") != 0)
		return STANDING_CLOSED;
	if (p->draft)
		return STANDING_DRAFT;
	if (!base_fits(env, project, p))
		return STANDING_BASE;
	if (env->label_skip && *env->label_skip &&
	    pull_has_label(p, env->label_skip))
		return STANDING_SKIP;
	if (p->skipped_ms)
		return STANDING_SKIPPED;
	return STANDING_IN;
}

/* Whom people's words have made of a revision. */
struct asked {
	const char *role; /* the highest that asked for it, "" = nobody */
	bool failed;	  /* it was found guilty; they asked since then */
};

/* What was said before the revision was found guilty does not count. */
static enum err asked_for(struct store *s, const struct environment *env,
			  const struct pull *p, int64_t now_ms,
			  struct asked *ret, struct error *e)
{
	struct result r;
	struct cycle c = {0};

	if (store_result(s, p->id, p->head_sha, env->name, &r, e))
		return e->code;
	ret->failed = strcmp(r.outcome, "failure") == 0;
	if (ret->failed && store_cycle(s, r.cycle_id, &c, e))
		return e->code;
	return store_request_asked(s, env->name, p, c.finished_ms, now_ms,
				   &ret->role, e);
}

/* The last question: does it touch what not everybody's word is for? */
static enum err touching(struct store *s, const struct environment *env,
			 const struct project *project, const struct pull *p,
			 const char *role, enum standing *ret, struct error *e)
{
	enum sensitivity found;

	if (sensitive_role_is_enough(env, role))
		return ERR_OK;
	if (sensitive_of(s, env, project, p, &found, NULL, e))
		return e->code;
	if (found == SENSITIVITY_SOME)
		*ret = STANDING_SENSITIVE;
	else if (found == SENSITIVITY_UNREAD)
		*ret = STANDING_UNREAD;
	return ERR_OK;
}

/* What keeps a revision away that nobody asked for. */
static enum err unasked(struct store *s, const struct environment *env,
			const struct pull *p, int64_t now_ms, bool failed,
			enum standing *ret, struct error *e)
{
	bool trusted;

	if (store_unasked(s, p->author_id, p->repo, now_ms, &trusted, e))
		return e->code;
	if (failed)
		*ret = STANDING_FAILED;
	else if (!trusted)
		*ret = STANDING_UNTRUSTED;
	else if (env->policy.stale_after_ms &&
		 p->active_ms + env->policy.stale_after_ms < now_ms)
		*ret = STANDING_STALE;
	return ERR_OK;
}

/* role: as if somebody of that role had just asked; "" = as it is. */
static enum err standing_and_asked(struct store *s,
				   const struct environment *env,
				   const struct project *project,
				   const struct pull *p, const char *role,
				   int64_t now_ms, enum standing *ret,
				   bool *ret_asked, struct error *e)
{
	struct asked asked = {.role = ""};
	bool quarantined;

	*ret_asked = false;
	*ret = plain_standing(env, project, p);
	if (*ret != STANDING_IN)
		return ERR_OK;
	if (store_quarantined(s, p->id, p->head_sha, env->name, &quarantined,
			      e) ||
	    asked_for(s, env, p, now_ms, &asked, e))
		return e->code;
	if (trust_role_reaches(role, "maintainer") &&
	    trust_role_reaches(role, asked.role))
		asked.role = role;
	*ret_asked = *asked.role != '\0';
	if (quarantined)
		*ret = STANDING_QUARANTINED;
	else if (!*ret_asked &&
		 unasked(s, env, p, now_ms, asked.failed, ret, e))
		return e->code;
	if (*ret != STANDING_IN)
		return ERR_OK;
	return touching(s, env, project, p, asked.role, ret, e);
}

enum err standing_of(struct store *s, const struct environment *env,
		     const struct project *project, const struct pull *p,
		     int64_t now_ms, enum standing *ret, struct error *e)
{
	bool asked;

	return standing_and_asked(s, env, project, p, "", now_ms, ret, &asked,
				  e);
}

enum err standing_if_asked(struct store *s, const struct environment *env,
			   const struct project *project, const struct pull *p,
			   const char *role, int64_t now_ms, enum standing *ret,
			   struct error *e)
{
	bool asked;

	return standing_and_asked(s, env, project, p, role, now_ms, ret, &asked,
				  e);
}

enum err standing_has_word(struct store *s, const struct environment *env,
			   const struct pull *p, int64_t now_ms, bool *ret,
			   struct error *e)
{
	struct asked asked = {.role = ""};

	if (asked_for(s, env, p, now_ms, &asked, e))
		return e->code;
	*ret = sensitive_role_is_enough(env, asked.role);
	return ERR_OK;
}

bool standing_can_be_asked(enum standing standing)
{
	switch (standing) {
	case STANDING_IN:
	case STANDING_FAILED:
	case STANDING_STALE:
	case STANDING_UNTRUSTED:
	case STANDING_SENSITIVE:
	case STANDING_UNREAD:
		return true;
	default:
		return false;
	}
}

/* Only what a login is made of may stand there as code. */
static bool is_plain(const char *login)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_";

	return *login && !login[strspn(login, chars)];
}

/* "`mona` took it out with `skip` on 2026-11-21 14:05 UTC" */
static void add_skip(struct str *out, const struct pull *p)
{
	CLEANUP(str_release) struct str iso = STR_INIT(64);

	time_iso(&iso, p->skipped_ms);
	if (is_plain(p->skipped_by))
		str_addf(out, "`%s`", p->skipped_by);
	else
		str_puts(out, "somebody");
	str_addf(out,
		 " took it out with `skip` on %.10s %.5s UTC: a maintainer "
		 "puts it back with `include`",
		 iso.text, iso.text + strlen("2026-11-21T"));
}

void standing_text(struct str *out, enum standing standing,
		   const struct environment *env, const struct project *project,
		   const struct pull *p)
{
	switch (standing) {
	case STANDING_IN:
		str_puts(out, "it belongs onto staging");
		break;
	case STANDING_CLOSED:
		str_puts(out, "it is closed: reopen it first");
		break;
	case STANDING_DRAFT:
		str_puts(out, "it is a draft: mark it ready for review first");
		break;
	case STANDING_BASE:
		str_addf(out, "it aims at another branch than `%s`",
			 project->base);
		if (env->label_include && *env->label_include)
			str_addf(out,
				 ": change its base, or add the label `%s`",
				 env->label_include);
		break;
	case STANDING_SKIP:
		str_addf(out, "it carries the label `%s`: remove that first",
			 env->label_skip);
		break;
	case STANDING_SKIPPED:
		add_skip(out, p);
		break;
	case STANDING_QUARANTINED:
		str_puts(out, "this revision broke the environment before: "
			      "push a fixed one");
		break;
	case STANDING_FAILED:
		str_puts(out, "this revision failed here: push a fix, or a "
			      "maintainer tries it again with `deploy`");
		break;
	case STANDING_STALE:
		str_puts(out, "nothing happened on it for long: push, or a "
			      "maintainer writes `deploy`");
		break;
	case STANDING_UNTRUSTED:
		str_puts(out, "its author is not on the trust list: a "
			      "maintainer can ask for this revision with "
			      "`deploy`");
		break;
	case STANDING_SENSITIVE:
		str_addf(out,
			 "it changes files that need the word of %s: one can "
			 "ask for this revision with `deploy`",
			 sensitive_whose(env));
		break;
	case STANDING_UNREAD:
		str_addf(out,
			 "what it changes is not read from the repository yet, "
			 "and some files need the word of %s: wait a moment",
			 sensitive_whose(env));
		break;
	case STANDING_MAX:
		break;
	}
}

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

		if (standing_and_asked(s, env, project, &pulls[i], "", now_ms,
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

enum err standing_select(struct store *s, const struct environment *env,
			 enum cycle_kind kind, int64_t now_ms,
			 struct batch *ret, struct error *e)
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

int64_t standing_cycles(const struct environment *env, int64_t position)
{
	int max = env->policy.max_batch;

	return max > 0 ? 1 + (position - 1) / max : 1;
}
