/*
 * What other threads hand to the engine: outcomes of ports and calls of the
 * command line, in the order in which they come.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/log.h"
#include "bot/engine_internal.h"

/* The lock is held. */
static void append(struct engine *g, struct event *ev)
{
	if (g->last)
		g->last->next = ev;
	else
		g->first = ev;
	g->last = ev;
	pthread_cond_signal(&g->wake);
}

void engine_outcome(void *ctx, struct outcome *o)
{
	struct engine *g = ctx;
	struct event *ev = calloc(1, sizeof(*ev));

	if (!ev) {
		/* The effect stays ready and is sent again at the next start.
		 */
		json_decref(o->body);
		return;
	}
	ev->type = EVENT_OUTCOME;
	ev->outcome = *o;
	pthread_mutex_lock(&g->lock);
	append(g, ev);
	pthread_mutex_unlock(&g->lock);
}

/* Hands it to the engine's thread, or refuses it at once. */
static void ask(struct engine *g, const struct event *what)
{
	struct event *ev = malloc(sizeof(*ev));
	bool stopped;

	if (ev)
		*ev = *what;
	pthread_mutex_lock(&g->lock);
	stopped = g->stop || g->failed || !ev;
	if (!stopped)
		append(g, ev);
	pthread_mutex_unlock(&g->lock);
	if (stopped) {
		CLEANUP(json_decref)
		json_t *no = json_pack("{s:b, s:s}", "ok", 0, "text",
				       "the bot is stopping: try again");

		free(ev);
		json_decref(what->call);
		config_free(what->config);
		what->answer(what->ctx, no);
	}
}

void engine_call(struct engine *g, json_t *call,
		 void (*answer)(void *ctx, const json_t *object), void *ctx)
{
	const struct event ev = {
		.type = EVENT_CALL,
		.call = call,
		.answer = answer,
		.ctx = ctx,
	};

	ask(g, &ev);
}

void engine_reload(struct engine *g, struct config *c,
		   void (*answer)(void *ctx, const json_t *object), void *ctx)
{
	const struct event ev = {
		.type = EVENT_RELOAD,
		.config = c,
		.answer = answer,
		.ctx = ctx,
	};

	ask(g, &ev);
}

static struct event *take_event(struct engine *g)
{
	struct event *ev;

	pthread_mutex_lock(&g->lock);
	ev = g->first;
	if (ev) {
		g->first = ev->next;
		if (!g->first)
			g->last = NULL;
	}
	pthread_mutex_unlock(&g->lock);
	return ev;
}

static enum err handle_outcome(struct engine *g, void *arg, struct error *e)
{
	return effects_answered(g, arg, e);
}

/* An answer that leads to a mistake of ours ends its effect all the same. */
static enum err pass_outcome(struct engine *g, void *arg, struct error *e)
{
	return effects_given_up(g, arg, e);
}

static enum err outcome_event(struct engine *g, struct outcome *o,
			      struct error *e)
{
	enum err code = engine_transact(g, handle_outcome, o, e);

	if (code && engine_may_pass(code)) {
		log_error("effect %lld given up: %s", (long long)o->id,
			  e->text);
		snprintf(o->text, sizeof(o->text), "%s", e->text);
		code = engine_transact(g, pass_outcome, o, e);
	}
	store_outbox_unmark(g->store, o->id);
	return code;
}

static enum err handle_call(struct engine *g, void *arg, struct error *e)
{
	return call_handle(g, arg, e);
}

static void refuse_call(struct event *ev, const char *text)
{
	CLEANUP(json_decref)
	json_t *no = json_pack("{s:b, s:s}", "ok", 0, "text", text);

	ev->answer(ev->ctx, no);
}

/* What a call said is checked with the forge first. */
static enum err wait_for_said(struct engine *g, const struct event *ev,
			      struct error *e)
{
	struct waiter *w = calloc(1, sizeof(*w));

	if (!w)
		return error_set(e, ERR_FATAL, "out of memory");
	*w = (struct waiter){
		.next = g->waiters,
		.said_id = ev->said_id,
		.answer = ev->answer,
		.ctx = ev->ctx,
	};
	g->waiters = w;
	return ERR_OK;
}

/* Nobody is told of what is not on disk yet. */
static enum err call_event(struct engine *g, struct event *ev, struct error *e)
{
	enum err code = engine_transact(g, handle_call, ev, e);

	if (code && engine_may_pass(code)) {
		refuse_call(ev, e->text);
		return ERR_OK;
	}
	if (!code && !ev->reply)
		code = wait_for_said(g, ev, e);
	if (code)
		refuse_call(ev, "the bot had to give up: see its log");
	else if (ev->reply)
		ev->answer(ev->ctx, ev->reply);
	return code;
}

static enum err reload_event(struct engine *g, struct event *ev,
			     struct error *e)
{
	CLEANUP(json_decref)
	json_t *yes = json_pack("{s:b, s:s}", "ok", 1, "text", "");
	enum err code = engine_take_config(g, &ev->config, e);

	if (code)
		refuse_call(ev, e->text);
	else
		ev->answer(ev->ctx, yes);
	return code && engine_may_pass(code) ? ERR_OK : code;
}

static void event_free(struct event *ev)
{
	config_free(ev->config);
	json_decref(ev->outcome.body);
	json_decref(ev->call);
	json_decref(ev->reply);
	free(ev);
}

/* Nothing is handled any more: nobody shall wait for it. */
void engine_hang_up(struct engine *g, const char *text)
{
	CLEANUP(json_decref)
	json_t *no = json_pack("{s:b, s:s}", "ok", 0, "text", text);
	struct event *ev;

	while ((ev = take_event(g)) != NULL) {
		if (ev->type != EVENT_OUTCOME)
			ev->answer(ev->ctx, no);
		event_free(ev);
	}
	while (g->waiters) {
		struct waiter *w = g->waiters;

		g->waiters = w->next;
		w->answer(w->ctx, no);
		free(w);
	}
}

enum err engine_events(struct engine *g, bool *ret_any, struct error *e)
{
	struct event *ev;
	enum err code = ERR_OK;

	while (!code && (ev = take_event(g)) != NULL) {
		*ret_any = true;
		if (ev->type == EVENT_OUTCOME)
			code = outcome_event(g, &ev->outcome, e);
		else if (ev->type == EVENT_RELOAD)
			code = reload_event(g, ev, e);
		else
			code = call_event(g, ev, e);
		event_free(ev);
		engine_give_answers(g);
	}
	return code;
}
