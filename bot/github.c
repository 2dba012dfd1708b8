#include "bot/github.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/queue.h>

#include "bot/base/limits.h"
#include "bot/github_http.h"
#include "bot/github_run.h"
#include "bot/github_url.h"

/* The clock may be one that a test moves: look at it this often. */
#define LOOK_MS 1000
/* With nothing to wait for; start() and stop() wake the thread. */
#define IDLE_MS 60000

struct call {
	TAILQ_ENTRY(call) link;
	struct run run;
	char *kind;
	void (*done)(void *ctx, struct outcome *o);
	void *ctx;
	struct exchange *x; /* while its request is under way */
	bool begun;
};

TAILQ_HEAD(calls, call);

struct github {
	struct port port;
	char *base, *user_agent;
	struct github_http http;
	struct run_shared shared;
	CURLM *multi;

	/* The thread's own. */
	struct calls waiting, flying;
	size_t in_flight;
	bool writing;

	pthread_t thread;
	pthread_mutex_t lock; /* for what follows */
	struct calls fresh;
	size_t count; /* calls taken and not answered */
	bool stopping;
};

static void call_free(struct call *c)
{
	exchange_free(c->x);
	run_release(&c->run);
	free(c->kind);
	free(c);
}

static struct call *call_new(const struct effect *effect,
			     void (*done)(void *ctx, struct outcome *o),
			     void *ctx)
{
	CLEANUP(free) char *kind = strdup(effect->kind);
	/* A copy: counting references from two threads is no certain thing. */
	CLEANUP(json_decref) json_t *args = json_deep_copy(effect->args);
	struct call *c = calloc(1, sizeof(*c));

	if (!c || !kind || (effect->args && !args)) {
		free(c);
		return NULL;
	}
	c->kind = TAKE(kind);
	run_init(&c->run, effect->id, c->kind, TAKE(args));
	c->done = done;
	c->ctx = ctx;
	return c;
}

/* Answers and frees; c is in no list any more. */
static void answer(struct github *g, struct call *c)
{
	struct outcome out = c->run.out;

	c->run.out.body = NULL;
	pthread_mutex_lock(&g->lock);
	g->count--;
	pthread_mutex_unlock(&g->lock);
	c->done(c->ctx, &out);
	call_free(c);
}

static void refuse(const struct effect *effect, const char *why,
		   void (*done)(void *ctx, struct outcome *o), void *ctx)
{
	struct outcome out = {.id = effect->id, .code = ERR_RETRY};

	snprintf(out.text, sizeof(out.text), "%s: %s", effect->kind, why);
	done(ctx, &out);
}

/* Takes c unless too many wait. */
static bool enqueue(struct github *g, struct call *c)
{
	bool room;

	pthread_mutex_lock(&g->lock);
	room = g->count < LIMIT_FORGE_QUEUE;
	if (room) {
		g->count++;
		TAILQ_INSERT_TAIL(&g->fresh, c, link);
	}
	pthread_mutex_unlock(&g->lock);
	return room;
}

static void start(struct port *p, const struct effect *effect,
		  void (*done)(void *ctx, struct outcome *o), void *ctx)
{
	struct github *g = container_of(p, struct github, port);
	struct call *c = call_new(effect, done, ctx);

	if (c && enqueue(g, c)) {
		curl_multi_wakeup(g->multi);
		return;
	}
	refuse(effect, c ? "too many calls are waiting" : "out of memory", done,
	       ctx);
	if (c)
		call_free(c);
}

/* false when the port is to stop. */
static bool take_fresh(struct github *g)
{
	bool go_on;

	pthread_mutex_lock(&g->lock);
	go_on = !g->stopping;
	TAILQ_CONCAT(&g->waiting, &g->fresh, link);
	pthread_mutex_unlock(&g->lock);
	return go_on;
}

static bool is_write(const struct call *c)
{
	return c->run.req.row->write;
}

/* Sends the request that is due; c leaves the waiting list. */
static void send_off(struct github *g, struct call *c, int64_t now)
{
	struct error e = ERROR_INIT;

	TAILQ_REMOVE(&g->waiting, c, link);
	c->x = exchange_new(&g->http, &c->run.req,
			    github_token_text(g->shared.token),
			    run_etag(&c->run, &g->shared), c, &e);
	if (!c->x || curl_multi_add_handle(g->multi, exchange_handle(c->x))) {
		run_give_up(&c->run, ERR_RETRY, 0, *e.text ? e.text : "curl");
		answer(g, c);
		return;
	}
	TAILQ_INSERT_TAIL(&g->flying, c, link);
	g->in_flight++;
	if (is_write(c)) {
		g->writing = true;
		github_limits_write(&g->shared.limits, now);
	}
}

static void hold_back(struct github *g, struct call *c, int64_t wait)
{
	TAILQ_REMOVE(&g->waiting, c, link);
	run_give_up(&c->run, ERR_RETRY, wait,
		    "the forge said to wait, nothing was sent");
	answer(g, c);
}

/*
 * Sends, answers or leaves c where it is.  Returns after how many ms it is
 * worth another look; 0 when the clock has no part in it.
 */
static int64_t consider(struct github *g, struct call *c)
{
	int64_t now = clock_mono(g->shared.clock);
	int64_t held = github_limits_held(&g->shared.limits, now);
	int64_t gap = github_limits_gap(&g->shared.limits, now);

	if (!c->begun && run_begin(&c->run, &g->shared) == RUN_DONE) {
		TAILQ_REMOVE(&g->waiting, c, link);
		answer(g, c);
		return 0;
	}
	c->begun = true;
	if (held > LIMIT_FORGE_WAIT_MS) {
		hold_back(g, c, held);
		return 0;
	}
	if (held)
		return held;
	if (g->in_flight >= LIMIT_FORGE_PARALLEL || (is_write(c) && g->writing))
		return 0;
	if (is_write(c) && gap)
		return gap;
	send_off(g, c, now);
	return 0;
}

/* Returns how long to sleep when nothing happens, in ms. */
static int schedule(struct github *g)
{
	struct call *c, *next;
	int64_t sleep = IDLE_MS;

	for (c = TAILQ_FIRST(&g->waiting); c; c = next) {
		int64_t due;

		next = TAILQ_NEXT(c, link);
		due = consider(g, c);
		if (due && due < sleep)
			sleep = due < LOOK_MS ? due : LOOK_MS;
	}
	return (int)sleep;
}

/* Takes the ended request out of the air. */
static void land(struct github *g, struct call *c)
{
	TAILQ_REMOVE(&g->flying, c, link);
	g->in_flight--;
	if (is_write(c))
		g->writing = false;
	curl_multi_remove_handle(g->multi, exchange_handle(c->x));
}

static void ended(struct github *g, struct call *c, CURLcode code)
{
	enum run_next next;

	land(g, c);
	next = run_answer(&c->run, &g->shared, exchange_end(c->x, code));
	exchange_free(c->x);
	c->x = NULL;
	if (next == RUN_DONE)
		answer(g, c);
	else /* in front: what was begun is to end */
		TAILQ_INSERT_HEAD(&g->waiting, c, link);
}

/* true when something has ended. */
static bool reap(struct github *g)
{
	CURLMsg *m;
	bool any = false;
	int left;

	while ((m = curl_multi_info_read(g->multi, &left))) {
		struct call *c;

		if (m->msg != CURLMSG_DONE)
			continue;
		c = exchange_owner(m->easy_handle);
		if (c)
			ended(g, c, m->data.result);
		any = true;
	}
	return any;
}

static void pause_briefly(void)
{
	struct timespec t = {.tv_nsec = 100000000};

	nanosleep(&t, NULL);
}

static void *run_thread(void *ctx)
{
	struct github *g = ctx;

	while (take_fresh(g)) {
		int sleep = schedule(g);
		int running;
		CURLMcode bad = curl_multi_perform(g->multi, &running);

		if (reap(g))
			continue;
		bad |= curl_multi_poll(g->multi, NULL, 0, sleep, NULL);
		if (bad) /* no memory or descriptors: do not spin */
			pause_briefly();
	}
	return NULL;
}

static void drop_calls(struct github *g, struct calls *list)
{
	struct call *c;

	while ((c = TAILQ_FIRST(list))) {
		TAILQ_REMOVE(list, c, link);
		if (c->x)
			curl_multi_remove_handle(g->multi,
						 exchange_handle(c->x));
		call_free(c);
	}
}

static void dispose(struct github *g)
{
	drop_calls(g, &g->flying);
	drop_calls(g, &g->waiting);
	drop_calls(g, &g->fresh);
	if (g->multi)
		curl_multi_cleanup(g->multi);
	github_token_free(g->shared.token);
	github_cache_free(g->shared.cache);
	pthread_mutex_destroy(&g->lock);
	free(g->base);
	free(g->user_agent);
	free(g);
}
DEFINE_CLEANUP(struct github *, dispose)

static void stop(struct port *p)
{
	struct github *g = container_of(p, struct github, port);

	pthread_mutex_lock(&g->lock);
	g->stopping = true;
	pthread_mutex_unlock(&g->lock);
	curl_multi_wakeup(g->multi);
	pthread_join(g->thread, NULL);
	dispose(g);
}

static enum err start_thread(struct github *g, struct error *e)
{
	sigset_t all, old;
	int bad;

	/*
	 * Signals are the main thread's.  And a write to a connection that the
	 * forge has closed must not end the process by SIGPIPE.
	 */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	bad = pthread_create(&g->thread, NULL, run_thread, g);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return bad ? error_set(e, ERR_FATAL, "no thread: error %d", bad)
		   : ERR_OK;
}

static bool copy_settings(struct github *g, const struct github_settings *s)
{
	size_t n;

	g->base = strdup(s->api_url);
	g->user_agent = strdup(s->user_agent);
	if (!g->base || !g->user_agent)
		return false;
	for (n = strlen(g->base); n && g->base[n - 1] == '/'; n--)
		g->base[n - 1] = '\0';
	g->http = (struct github_http){
		.user_agent = g->user_agent,
		.connect_ms =
			s->connect_ms ? s->connect_ms : LIMIT_FORGE_CONNECT_MS,
		.call_ms = s->call_ms ? s->call_ms : LIMIT_FORGE_CALL_MS,
	};
	g->shared = (struct run_shared){
		.base = g->base,
		.clock = s->clock,
		.limits = {.write_gap_ms = s->write_gap_ms},
		.count = s->count,
		.count_ctx = s->count_ctx,
	};
	return true;
}

static enum err open_parts(struct github *g, const struct github_settings *s,
			   struct error *e)
{
	if (github_http_start(e) || github_url_check(s->api_url, e))
		return e->code;
	if (!copy_settings(g, s))
		return error_set(e, ERR_FATAL, "out of memory");
	g->shared.token = github_token_new(s->token_file, e);
	if (!g->shared.token)
		return e->code;
	g->shared.cache =
		github_cache_new(LIMIT_FORGE_CACHE, LIMIT_FORGE_CACHE_ENTRIES);
	g->multi = curl_multi_init();
	if (!g->shared.cache || !g->multi)
		return error_set(e, ERR_FATAL, "out of memory");
	curl_multi_setopt(g->multi, CURLMOPT_MAXCONNECTS,
			  (long)LIMIT_FORGE_PARALLEL);
	return ERR_OK;
}

struct port *github_port_new(const struct github_settings *settings,
			     struct error *e)
{
	CLEANUP(dispose) struct github *g = calloc(1, sizeof(*g));

	if (!g) {
		error_set(e, ERR_FATAL, "out of memory");
		return NULL;
	}
	TAILQ_INIT(&g->waiting);
	TAILQ_INIT(&g->flying);
	TAILQ_INIT(&g->fresh);
	pthread_mutex_init(&g->lock, NULL);
	g->port = (struct port){.start = start, .stop = stop};
	if (open_parts(g, settings, e) || start_thread(g, e))
		return NULL;
	return &TAKE(g)->port;
}
