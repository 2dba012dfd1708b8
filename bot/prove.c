/*
 * Gathers what a command's SHA is proven by (commands/proof.h), and says what
 * to paste where it is in doubt.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "bot/decide.h"

/* All digits that a command takes. */
#define SHA_DIGITS 40
/* Webhooks and answers take seconds.  What is decided later, after an outage or
 * a restart, may be about a head that came and went unnoticed. */
#define LATE_MS (30LL * 1000)

void record_before_release_at(struct record_before *b)
{
	free(b->seen);
	b->seen = NULL;
}

enum err record_before(struct engine *g, const struct pull *p,
		       struct record_before *ret, struct error *e)
{
	*ret = (struct record_before){0};
	if (!p->id)
		return ERR_OK; /* nothing is known of it */
	return store_sightings(g->store, p->id, &ret->seen, &ret->count, e);
}

/* Every word that was said, with the head as it is now. */
static enum err say_next(struct engine *g, struct plan *plan, const char *sha,
			 struct error *e)
{
	CLEANUP(str_release) struct str lines = STR_INIT(PLAN_NEXT_SIZE);
	char digits[SHA_DIGITS + 1];

	COPY(digits, sha);
	for (size_t i = 0; i < plan->count; i++) {
		if (i)
			str_putc(&lines, '\n');
		args_say(&lines, g->config->bot_name, &plan->words[i], digits);
	}
	if (str_check(&lines, e))
		return e->code;
	COPY(plan->next, lines.text);
	return ERR_OK;
}

static enum err doubt(struct engine *g, struct plan *plan, struct error *e)
{
	CLEANUP(str_release) struct str why = STR_INIT(512);

	if (say_next(g, plan, plan->proof.sha, e))
		return e->code;
	proof_explain(&plan->proof, &why);
	return error_set(e, ERR_REFUSED, "%s", why.text);
}

enum err prove_stale(struct engine *g, struct plan *plan, const struct pull *p,
		     struct error *e)
{
	plan->proof = (struct proof){.reason = PROOF_STALE};
	COPY(plan->proof.sha, p->head_sha);
	return doubt(g, plan, e);
}

static int64_t first_ms(const struct record_before *before)
{
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < before->count; i++)
		if (before->seen[i].at_ms < first)
			first = before->seen[i].at_ms;
	return first;
}

/* As long as the forge's clock is unknown no such head is believed anyway. */
static bool is_late(const struct engine *g, const struct said_record *r)
{
	int64_t said_ms = r->made_ms - (g->skew.known ? g->skew.lo_ms : 0);

	return strcmp(r->source, "scan") == 0 ||
	       g->now_ms - r->received_ms > LATE_MS ||
	       g->now_ms - said_ms > LATE_MS;
}

enum err prove_head(struct engine *g, const struct said_record *r,
		    struct plan *plan, const struct record_before *before,
		    const struct pull *p, struct error *e)
{
	struct proof_question q = {
		.seen = before->seen,
		.seen_count = before->count,
		.live_sha = p->head_sha,
		.named_sha = plan->sha,
		.bound = strcmp(r->kind, SAID_REVIEW) == 0 ||
			 strcmp(r->kind, SAID_REVIEW_COMMENT) == 0,
		.bound_sha = r->commit_sha,
		.operator_call = strcmp(r->kind, SAID_CLI) == 0,
		/* Both on the forge's clock. */
		.stirred = is_late(g, r) && p->updated_ms > r->made_ms,
		.made_ms = r->made_ms,
		.received_ms = r->received_ms,
		.skew = g->skew,
		.wall_off_ms = engine_wall_off(g),
		.guard_ms = g->config->commit_guard_ms,
	};
	struct gap *gaps;

	if (store_gaps(g->store, p->repo, first_ms(before), &gaps, &q.gap_count,
		       e))
		return e->code;
	q.gaps = gaps;
	proof_judge(&q, &plan->proof);
	free(gaps);
	return plan->proof.reason == PROOF_PROVEN ? ERR_OK : doubt(g, plan, e);
}
