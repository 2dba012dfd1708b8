/*
 * The threads and the queue of the git port, and the table of what it can do.
 * What has a repository in common goes in order, one at a time; the rest need
 * not wait for a fetch that hangs.
 */
#include "deploy/git_port.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bot/base/cleanup.h"
#include "deploy/git_kind.h"
#include "deploy/git_mirror.h"

/* Far above what an engine with one cycle per environment can want. */
#define QUEUE_MAX 1000

static const struct kind {
	const char *name;
	git_kind_run *run;
	/* After the answer, with the same args; NULL = nothing. */
	void (*tend)(struct git *g, const json_t *args);
} kinds[] = {
	{"git.batch", git_batch, NULL},
	{"git.paths", git_paths, NULL},
	{"git.push", git_push, NULL},
	/* The last of a cycle: nobody waits for what comes after it. */
	{"git.tag", git_tag, git_tend},
};

struct task {
	struct task *next;
	bool running;
	const struct kind *kind;
	json_t *args;
	int64_t id;
	void (*done)(void *ctx, struct outcome *o);
	void *ctx;
};

struct git_port {
	struct port port;
	struct git_settings settings;
	char *texts[5]; /* what settings points at */
	int cancel_fd;
	pthread_t threads[LIMIT_GIT_PARALLEL];
	size_t thread_count;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct task *first, **last; /* those that run are still among them */
	size_t count;
	bool stopping;
};

static void task_free(struct task *t)
{
	json_decref(t->args);
	free(t);
}

static const struct kind *kind_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

/* The i-th repository that its args name, or NULL. */
static const char *repo_of(const struct task *t, size_t i)
{
	const json_t *list = js_get(t->args, "projects");
	const char *repo = list ? js_str(json_array_get(list, i), "repo")
				: js_str(i ? NULL : t->args, "repo");

	return *repo ? repo : NULL;
}

/* The forge takes names in any case. */
static bool touches(const struct task *t, const char *repo)
{
	const char *other;

	for (size_t i = 0; (other = repo_of(t, i)) != NULL; i++)
		if (strcasecmp(other, repo) == 0)
			return true;
	return false;
}

/* Does nothing before it in the queue have a repository of its? */
static bool may_run(const struct git_port *p, const struct task *t)
{
	const char *repo;

	for (const struct task *o = p->first; o != t; o = o->next)
		for (size_t i = 0; (repo = repo_of(t, i)) != NULL; i++)
			if (touches(o, repo))
				return false;
	return true;
}

static struct task *next_to_run(const struct git_port *p)
{
	for (struct task *t = p->first; t; t = t->next)
		if (!t->running && may_run(p, t))
			return t;
	return NULL;
}

/* NULL: the port stops. */
static struct task *take(struct git_port *p)
{
	struct task *t = NULL;

	pthread_mutex_lock(&p->lock);
	while (!p->stopping && !(t = next_to_run(p)))
		pthread_cond_wait(&p->wake, &p->lock);
	if (p->stopping)
		t = NULL;
	if (t)
		t->running = true;
	pthread_mutex_unlock(&p->lock);
	return t;
}

/* It is over: others may have waited for its repositories. */
static void leave(struct git_port *p, struct task *t)
{
	struct task **at = &p->first;

	pthread_mutex_lock(&p->lock);
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	if (p->last == &t->next)
		p->last = at;
	p->count--;
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
	task_free(t);
}

static bool stopping(struct git_port *p)
{
	bool yes;

	pthread_mutex_lock(&p->lock);
	yes = p->stopping;
	pthread_mutex_unlock(&p->lock);
	return yes;
}

static void perform(struct git_port *p, struct task *t)
{
	struct outcome o = {.id = t->id};
	struct error e = ERROR_INIT;
	struct git_answer answer = {0};
	struct git git = {.settings = &p->settings, .cancel_fd = p->cancel_fd};

	o.code = t->kind->run(&git, t->args, &answer, &e);
	/* A disk or memory of ours that fails says nothing about what was
	 * asked; it may be well at the next try. */
	if (o.code == ERR_FATAL)
		o.code = ERR_RETRY;
	o.body = answer.body;
	if (o.code) {
		o.unknown = answer.unknown;
		memcpy(o.text, e.text, sizeof(o.text));
	}
	/* An effect that was cut short is repeated after the restart. */
	if (stopping(p)) {
		json_decref(o.body);
		return;
	}
	t->done(t->ctx, &o);
	if (t->kind->tend)
		t->kind->tend(&git, t->args);
}

static void *work(void *arg)
{
	struct git_port *p = arg;
	struct task *t;

	while ((t = take(p))) {
		perform(p, t);
		leave(p, t);
	}
	return NULL;
}

static void refuse(const struct effect *effect,
		   void (*done)(void *ctx, struct outcome *o), void *ctx,
		   enum err code, const char *text)
{
	struct outcome o = {.id = effect->id, .code = code};

	snprintf(o.text, sizeof(o.text), "%s", text);
	done(ctx, &o);
}

static void start(struct port *port, const struct effect *effect,
		  void (*done)(void *ctx, struct outcome *o), void *ctx)
{
	struct git_port *p = container_of(port, struct git_port, port);
	const struct kind *kind = kind_of(effect->kind);
	struct task *t = calloc(1, sizeof(*t));
	bool full;

	if (!kind || !t) {
		free(t);
		refuse(effect, done, ctx, kind ? ERR_RETRY : ERR_INVALID,
		       kind ? "out of memory" : "git knows no such effect");
		return;
	}
	*t = (struct task){
		.kind = kind,
		/* A copy: reference counts are not for two threads. */
		.args = json_deep_copy(effect->args),
		.id = effect->id,
		.done = done,
		.ctx = ctx,
	};
	pthread_mutex_lock(&p->lock);
	full = p->count >= QUEUE_MAX;
	if (!full) {
		p->count++;
		*p->last = t;
		p->last = &t->next;
		pthread_cond_signal(&p->wake);
	}
	pthread_mutex_unlock(&p->lock);
	if (full) {
		task_free(t);
		refuse(effect, done, ctx, ERR_RETRY,
		       "too many effects wait for git");
	}
}

static void dispose(struct git_port *p)
{
	while (p->first) {
		struct task *t = p->first;

		p->first = t->next;
		task_free(t);
	}
	for (size_t i = 0; i < ARRAY_SIZE(p->texts); i++)
		free(p->texts[i]);
	if (p->cancel_fd > 0)
		close(p->cancel_fd);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
DEFINE_CLEANUP(struct git_port *, dispose)

static void stop_threads(struct git_port *p)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
	/* Ends the gits that run; an eventfd at 0 always takes a 1. */
	while (write(p->cancel_fd, &one, sizeof(one)) < 0)
		;
	for (size_t i = 0; i < p->thread_count; i++)
		pthread_join(p->threads[i], NULL);
	p->thread_count = 0;
}

static void stop(struct port *port)
{
	struct git_port *p = container_of(port, struct git_port, port);

	stop_threads(p);
	dispose(p);
}

static enum err start_threads(struct git_port *p, struct error *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(p->threads); i++) {
		if (pthread_create(&p->threads[i], NULL, work, p)) {
			stop_threads(p);
			return error_set(e, ERR_FATAL,
					 "git port: cannot start its threads");
		}
		p->thread_count++;
	}
	return ERR_OK;
}

/* The settings outlive the caller's. */
static bool copy_settings(struct git_port *p, const struct git_settings *s)
{
	const char *const from[] = {s->dir, s->clone_url,
				    s->token_file ? s->token_file : "",
				    s->bot_name, s->bot_email};

	for (size_t i = 0; i < ARRAY_SIZE(from); i++) {
		p->texts[i] = strdup(from[i]);
		if (!p->texts[i])
			return false;
	}
	p->settings = (struct git_settings){
		.dir = p->texts[0],
		.clone_url = p->texts[1],
		.token_file = p->texts[2],
		.bot_name = p->texts[3],
		.bot_email = p->texts[4],
		.moved_retry_ms = s->moved_retry_ms,
	};
	return true;
}

struct port *git_port_new(const struct git_settings *settings, struct error *e)
{
	CLEANUP(dispose) struct git_port *p = calloc(1, sizeof(*p));

	if (!p) {
		error_set(e, ERR_FATAL, "out of memory");
		return NULL;
	}
	p->port = (struct port){start, stop};
	p->last = &p->first;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	p->cancel_fd = eventfd(0, EFD_CLOEXEC);
	if (p->cancel_fd <= 0 || !copy_settings(p, settings)) {
		error_set(e, ERR_FATAL, "git port: out of memory or files");
		return NULL;
	}
	if (git_check_version(e))
		return NULL;
	git_mirror_sweep_all(settings->dir);
	if (start_threads(p, e))
		return NULL;
	return &TAKE(p)->port;
}

enum err git_check_version(struct error *e)
{
	CLEANUP(proc_result_release) struct proc_result r = GIT_RESULT_INIT;
	static const struct git_settings none;
	struct git g = {.settings = &none};
	struct git_call ask = {.argv = GIT_ARGV("--version")};
	int major = 0, minor = 0;

	if (git_run_ok(&g, &ask, &r, e))
		return error_set(e, ERR_FATAL,
				 "git cannot be started: install git 2.38 or "
				 "later");
	if (sscanf(r.out.text, "git version %d.%d", &major, &minor) != 2 ||
	    major < 2 || (major == 2 && minor < 38))
		return error_set(e, ERR_FATAL,
				 "git %d.%d is too old: install git 2.38 or "
				 "later",
				 major, minor);
	return ERR_OK;
}
