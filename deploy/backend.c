#include "deploy/backend.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bot/base/limits.h"
#include "bot/base/fs.h"
#include "deploy/local.h"

enum job_state {
	JOB_QUEUED,
	JOB_RUNNING,
	JOB_OVER, /* answered; its thread waits to be joined */
};

/* One effect: a job to run, or to cancel. */
struct job {
	struct backend *backend;
	struct job *next;
	enum job_state state;
	bool cancels; /* is a job.cancel */
	bool urgent;  /* does not wait for a free place */
	bool placed;  /* holds a place of its environment while it runs */
	bool threaded;
	int64_t id;
	json_t *args;
	void (*done)(void *ctx, struct outcome *o);
	void *ctx;
	pthread_t thread;
};

struct backend {
	struct port port;
	struct backend_settings settings;
	struct local local;
	char dir[PATH_MAX];
	char hide[PATH_MAX];
	pthread_mutex_t mutex;
	pthread_cond_t wake; /* stopping was set */
	bool stopping;
	int64_t pruned_ms; /* mono ms of the last look at old folders */
	struct job *jobs;  /* oldest first */
};

static struct backend *backend_of(struct port *p)
{
	return container_of(p, struct backend, port);
}

static void job_free(struct job *j)
{
	json_decref(j->args);
	free(j);
}

static void answer(const struct job *j, enum err code, bool unknown,
		   const char *text, json_t *body)
{
	struct outcome o = {
		.id = j->id,
		.code = code,
		.unknown = unknown,
		.body = body,
	};

	if (code)
		snprintf(o.text, sizeof(o.text), "%s", text);
	j->done(j->ctx, &o);
}

/* struct local's pause(): true when the bot stops. */
static bool pause_thread(void *ctx, int64_t ms)
{
	struct backend *b = ctx;
	struct timespec end;
	bool stopping;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_nsec += ms % 1000 * 1000000;
	end.tv_sec += ms / 1000 + end.tv_nsec / 1000000000;
	end.tv_nsec %= 1000000000;
	pthread_mutex_lock(&b->mutex);
	while (ms && !b->stopping &&
	       pthread_cond_timedwait(&b->wake, &b->mutex, &end) == 0)
		;
	stopping = b->stopping;
	pthread_mutex_unlock(&b->mutex);
	return stopping;
}

static struct job *dispatch(struct backend *b);
static void refuse(struct job *list);

static bool takes_place(const struct job *j)
{
	return !j->cancels && !j->urgent;
}

/*
 * Is there a place for it?  Each environment has its own, so that the long
 * jobs of one keep no other waiting.  With the mutex.
 */
static bool has_room(const struct backend *b, const struct job *mine)
{
	const char *environment = js_str(mine->args, "environment");
	int running = 0;

	for (const struct job *j = b->jobs; j; j = j->next)
		running += j->state == JOB_RUNNING && j->placed &&
			   strcmp(js_str(j->args, "environment"),
				  environment) == 0;
	return running < b->settings.parallel;
}

/* A job in the queue that is cancelled need not wait for its turn. */
static void hurry(struct backend *b, const char *key)
{
	struct job *refused;

	pthread_mutex_lock(&b->mutex);
	for (struct job *j = b->jobs; j; j = j->next) {
		if (j->state == JOB_QUEUED &&
		    strcmp(js_str(j->args, "key"), key) == 0)
			j->urgent = true;
	}
	refused = dispatch(b);
	pthread_mutex_unlock(&b->mutex);
	refuse(refused);
}

static enum err perform_cancel(struct job *j, json_t **ret, struct error *e)
{
	const char *key = js_str(j->args, "key");
	const struct local *l = &j->backend->local;

	if (!local_key_valid(key))
		return error_set(e, ERR_INVALID, "a job needs a plain key");
	if (local_cancel(l, key, e))
		return e->code;
	hurry(j->backend, key);
	if (local_wait_gone(l, key, e))
		return e->code;
	*ret = json_object();
	return ERR_OK;
}

/* struct local's wanted(): is anybody asking for that job? */
static bool is_wanted(void *ctx, const char *key)
{
	struct backend *b = ctx;
	bool wanted = false;

	pthread_mutex_lock(&b->mutex);
	for (const struct job *j = b->jobs; j; j = j->next)
		wanted |= strcmp(js_str(j->args, "key"), key) == 0;
	pthread_mutex_unlock(&b->mutex);
	return wanted;
}

/*
 * Old folders go when a new one comes, at most once an hour.  Not in the first
 * hour: after a long absence it is for old records that the bot asks first.
 */
static void prune_now_and_then(struct backend *b)
{
	int64_t now = clock_mono(b->settings.clock);
	bool due;

	pthread_mutex_lock(&b->mutex);
	due = now - b->pruned_ms > 3600 * 1000;
	if (due)
		b->pruned_ms = now;
	pthread_mutex_unlock(&b->mutex);
	if (due)
		local_prune(&b->local,
			    clock_wall(b->settings.clock) - LIMIT_JOB_KEEP_MS);
}

static void *perform(void *arg)
{
	struct job *j = arg;
	struct backend *b = j->backend;
	struct error e = ERROR_INIT;
	struct job *refused;
	json_t *body = NULL;
	bool unknown = false;
	enum err rc;

	prune_now_and_then(b);
	rc = j->cancels ? perform_cancel(j, &body, &e)
			: local_run(&b->local, j->args, &body, &unknown, &e);

	/* A disk that is full now may not be later. */
	if (rc == ERR_FATAL)
		rc = ERR_RETRY;
	/* Conflict: the bot stops, and nobody wants to hear of it any more. */
	if (rc != ERR_CONFLICT)
		answer(j, rc, unknown, e.text, body);
	pthread_mutex_lock(&b->mutex);
	j->state = JOB_OVER;
	refused = dispatch(b);
	pthread_mutex_unlock(&b->mutex);
	refuse(refused);
	return NULL;
}

/* The thread takes no signals: those are for the program's own loop. */
static bool begin(struct job *j)
{
	sigset_t all, old;

	j->state = JOB_RUNNING;
	j->placed = takes_place(j);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	j->threaded = pthread_create(&j->thread, NULL, perform, j) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return j->threaded;
}

/*
 * Starts what there is room for.  With the mutex; what got no thread is taken
 * out of the list, to be refused without it.
 */
static struct job *dispatch(struct backend *b)
{
	struct job *out = NULL, **at = &b->jobs;

	while (*at && !b->stopping) {
		struct job *j = *at;

		if (j->state == JOB_QUEUED &&
		    (!takes_place(j) || has_room(b, j)) && !begin(j)) {
			*at = j->next;
			j->next = out;
			out = j;
		} else {
			at = &j->next;
		}
	}
	return out;
}

/* Nobody here would ever look at them again; who wants them does. */
static void refuse(struct job *list)
{
	while (list) {
		struct job *next = list->next;

		answer(list, ERR_RETRY, false, "no thread to be had", NULL);
		job_free(list);
		list = next;
	}
}

/* Takes out of the list what is over (or all).  With the mutex. */
static struct job *collect(struct backend *b, bool all)
{
	struct job *out = NULL, **at = &b->jobs;

	while (*at) {
		struct job *j = *at;

		if (!all && j->state != JOB_OVER) {
			at = &j->next;
			continue;
		}
		*at = j->next;
		j->next = out;
		out = j;
	}
	return out;
}

static void bury(struct job *list)
{
	while (list) {
		struct job *next = list->next;

		if (list->threaded)
			pthread_join(list->thread, NULL);
		job_free(list);
		list = next;
	}
}

static struct job *make_job(struct backend *b, const struct effect *effect,
			    void (*done)(void *ctx, struct outcome *o),
			    void *ctx)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->backend = b;
	j->id = effect->id;
	/* A copy: its owner may go on changing it, on another thread. */
	j->args = json_deep_copy(effect->args);
	j->cancels = strcmp(effect->kind, "job.cancel") == 0;
	j->done = done;
	j->ctx = ctx;
	return j;
}

static void enqueue(struct backend *b, struct job *j)
{
	struct job **end, *over, *refused;

	pthread_mutex_lock(&b->mutex);
	over = collect(b, false);
	for (end = &b->jobs; *end; end = &(*end)->next)
		;
	*end = j;
	refused = dispatch(b);
	pthread_mutex_unlock(&b->mutex);
	refuse(refused);
	bury(over);
}

static void backend_start(struct port *p, const struct effect *effect,
			  void (*done)(void *ctx, struct outcome *o), void *ctx)
{
	bool known = strcmp(effect->kind, "job.run") == 0 ||
		     strcmp(effect->kind, "job.cancel") == 0;
	struct job *j =
		known ? make_job(backend_of(p), effect, done, ctx) : NULL;
	struct outcome o = {.id = effect->id};

	if (j) {
		enqueue(backend_of(p), j);
		return;
	}
	o.code = known ? ERR_RETRY : ERR_INVALID;
	snprintf(o.text, sizeof(o.text), "%s",
		 known ? "out of memory" : "not an effect of jobs");
	done(ctx, &o);
}

static void dispose(struct backend *b)
{
	pthread_cond_destroy(&b->wake);
	pthread_mutex_destroy(&b->mutex);
	free(b);
}
DEFINE_CLEANUP(struct backend *, dispose)

static void backend_stop(struct port *p)
{
	struct backend *b = backend_of(p);
	struct job *all;

	pthread_mutex_lock(&b->mutex);
	b->stopping = true;
	pthread_cond_broadcast(&b->wake);
	all = collect(b, true);
	pthread_mutex_unlock(&b->mutex);
	bury(all);
	dispose(b);
}

static void init_locks(struct backend *b)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&b->mutex, NULL);
	pthread_cond_init(&b->wake, &attr);
	pthread_condattr_destroy(&attr);
}

struct port *backend_port_new(const struct backend_settings *settings,
			      struct error *e)
{
	CLEANUP(dispose) struct backend *b = calloc(1, sizeof(*b));
	struct backend *made;

	if (!b) {
		error_set(e, ERR_FATAL, "out of memory");
		return NULL;
	}
	init_locks(b);
	b->settings = *settings;
	b->pruned_ms = clock_mono(settings->clock);
	b->port = (struct port){.start = backend_start, .stop = backend_stop};
	b->local = (struct local){
		.settings = &b->settings,
		.dir = b->dir,
		.hide = settings->hide ? b->hide : NULL,
		.pause = pause_thread,
		.wanted = is_wanted,
		.ctx = b,
	};
	if (fs_mkdirs(settings->dir, 0711, e) ||
	    fs_sync_folder_of(settings->dir, e))
		return NULL;
	if (!realpath(settings->dir, b->dir) ||
	    (settings->hide && !realpath(settings->hide, b->hide))) {
		error_errno(e, ERR_FATAL, "%s", settings->dir);
		return NULL;
	}
	made = TAKE(b);
	return &made->port;
}
