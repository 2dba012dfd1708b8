/*
 * Between the bot and the world: a call takes time, may fail before it does
 * anything, may be done without an answer, and outlives the process that made
 * it.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

static int64_t free_call(struct sim *s)
{
	for (int64_t i = 0; i < CALLS_MAX; i++)
		if (!s->calls[i].used)
			return i;
	sim_fail(s, "more than %d calls at once", CALLS_MAX);
	return -1;
}

static void call_end(struct call *c)
{
	json_decref(c->args);
	*c = (struct call){0};
}

static void give(struct sim *s, struct call *c, struct outcome *o)
{
	/* Who asked is dead: nobody hears it. */
	if (!s->engine || c->life != s->life)
		json_decref(o->body);
	else
		c->done(c->ctx, o);
	s->woken = true;
	call_end(c);
}

/* The answers that are on their way, by the index of their call. */
static struct outcome answers[CALLS_MAX];

void calls_reset(void)
{
	for (int i = 0; i < CALLS_MAX; i++)
		json_decref(answers[i].body);
	memset(answers, 0, sizeof(answers));
}

static void deliver(struct sim *s, int64_t call)
{
	struct outcome o = answers[call];

	answers[call] = (struct outcome){0};
	sim_trace(s, "  answer %s %s: %s%s", s->calls[call].kind,
		  s->calls[call].key, err_name(o.code),
		  o.unknown ? " (nobody knows)" : "");
	give(s, &s->calls[call], &o);
}

static int64_t delay(struct sim *s)
{
	if (s->calm)
		return chance_between(&s->chance, 10, 500);
	if (chance_of(&s->chance, 20))
		return chance_between(&s->chance, 10 * SECOND, 2 * MINUTE);
	return chance_between(&s->chance, 20, 3 * SECOND);
}

static void answer_at(struct sim *s, int64_t call, const struct outcome *o)
{
	answers[call] = *o;
	answers[call].id = s->calls[call].id;
	answers[call].date_ms = s->now_ms / 1000 * 1000;
	sim_at(s, s->now_ms + delay(s), deliver, call);
}

/* Nothing was done; sometimes not even that is known. */
static void fail_call(struct sim *s, int64_t call)
{
	struct outcome o = {.code = ERR_RETRY, .http_status = 502};

	snprintf(o.text, sizeof(o.text), "the world says no");
	if (chance_of(&s->chance, 300)) {
		o.http_status = 0;
		o.unknown = true;
	} else if (chance_of(&s->chance, 100)) {
		o.http_status = 403;
		o.wait_ms = chance_between(&s->chance, MINUTE, 10 * MINUTE);
	}
	answer_at(s, call, &o);
}

static void perform(struct sim *s, int64_t which)
{
	struct call *c = &s->calls[which % CALLS_MAX];
	void (*run)(struct sim * sim, int64_t call) = c->perform;

	if (!c->used || c->number != which / CALLS_MAX || !run)
		return;
	c->perform = NULL;
	run(s, which % CALLS_MAX);
}

void calls_cut(struct sim *s)
{
	for (int64_t i = 0; i < CALLS_MAX; i++) {
		struct call *c = &s->calls[i];

		if (!c->used || !c->perform)
			continue;
		if (chance_of(&s->chance, 500))
			perform(s, c->number * CALLS_MAX + i);
		else
			call_end(c);
	}
}

void call_begin(struct sim *s, const struct effect *effect,
		void (*done)(void *ctx, struct outcome *o), void *ctx,
		void (*perform_it)(struct sim *s, int64_t call))
{
	int64_t i;
	struct call *c;

	/* What a dying process still says is said to nobody. */
	if (process_dead())
		return;
	i = free_call(s);
	if (i < 0)
		return;
	c = &s->calls[i];
	s->forge_calls++;
	*c = (struct call){
		.used = true,
		.life = s->life,
		.id = effect->id,
		.args = json_deep_copy(effect->args),
		.done = done,
		.ctx = ctx,
		.perform = perform_it,
		.number = s->forge_calls,
	};
	snprintf(c->kind, sizeof(c->kind), "%s", effect->kind);
	snprintf(c->key, sizeof(c->key), "%s", effect->key);
	sim_trace(s, "  call %s %s", c->kind, c->key);
	if (!s->calm && chance_of(&s->chance, s->knobs.failing)) {
		c->perform = NULL;
		fail_call(s, i);
		return;
	}
	sim_at(s, s->now_ms + delay(s), perform, c->number * CALLS_MAX + i);
}

void call_answer(struct sim *s, int64_t call, enum err code, int http_status,
		 json_t *body)
{
	struct outcome o = {
		.code = code, .http_status = http_status, .body = body};

	if (code)
		snprintf(o.text, sizeof(o.text), "the world answers %d",
			 http_status);
	if (!s->calm && chance_of(&s->chance, s->knobs.unanswered)) {
		json_decref(o.body);
		o = (struct outcome){.code = ERR_RETRY, .unknown = true};
		snprintf(o.text, sizeof(o.text), "the answer was lost");
	}
	answer_at(s, call, &o);
}
