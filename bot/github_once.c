#include "bot/github.h"

#include <pthread.h>
#include <stdio.h>

/* One outcome, handed over from the port's thread. */
struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t there;
	bool ready;
	struct outcome out;
};

static void hand_over(void *ctx, struct outcome *o)
{
	struct waiter *w = ctx;

	pthread_mutex_lock(&w->lock);
	w->out = *o;
	w->ready = true;
	pthread_cond_signal(&w->there);
	pthread_mutex_unlock(&w->lock);
}

enum err github_call(const struct github_settings *settings, const char *kind,
		     json_t *args, struct outcome *ret, struct error *e)
{
	struct effect effect = {.kind = kind, .key = "", .args = args};
	struct waiter w = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.there = PTHREAD_COND_INITIALIZER,
	};
	struct port *p = github_port_new(settings, e);

	*ret = (struct outcome){0};
	if (!p) {
		ret->code = e->code;
		snprintf(ret->text, sizeof(ret->text), "%s", e->text);
		return e->code;
	}
	p->start(p, &effect, hand_over, &w);
	pthread_mutex_lock(&w.lock);
	while (!w.ready)
		pthread_cond_wait(&w.there, &w.lock);
	pthread_mutex_unlock(&w.lock);
	p->stop(p);
	pthread_cond_destroy(&w.there);
	pthread_mutex_destroy(&w.lock);
	*ret = w.out;
	return ret->code ? error_set(e, ret->code, "%s", ret->text) : ERR_OK;
}
