/*
 * The thread and queue of the git port, and the table of what it can do.
 */
#include "deploy/git_port.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
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
	struct git git;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct task *first, **last;
	size_t waiting;
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

static struct task *take(struct git_port *p)
{
	struct task *t;

	pthread_mutex_lock(&p->lock);
	while (!p->first && !p->stopping)
		pthread_cond_wait(&p->wake, &p->lock);
	t = p->stopping ? NULL : p->first;
	if (t) {
		p->first = t->next;
		if (!p->first)
			p->last = &p->first;
		p->waiting--;
	}
	pthread_mutex_unlock(&p->lock);
	return t;
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

	o.code = t->kind->run(&p->git, t->args, &answer, &e);
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
		t->kind->tend(&p->git, t->args);
}

static void *work(void *arg)
{
	struct git_port *p = arg;
	struct task *t;

	while ((t = take(p))) {
		perform(p, t);
		task_free(t);
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
	full = p->waiting >= QUEUE_MAX;
	if (!full) {
		p->waiting++;
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
	if (p->git.cancel_fd > 0)
		close(p->git.cancel_fd);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
DEFINE_CLEANUP(struct git_port *, dispose)

static void stop(struct port *port)
{
	struct git_port *p = container_of(port, struct git_port, port);
	const uint64_t one = 1;

	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
	/* Ends the git that runs; an eventfd at 0 always takes a 1. */
	while (write(p->git.cancel_fd, &one, sizeof(one)) < 0)
		;
	pthread_join(p->thread, NULL);
	dispose(p);
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
	p->git.settings = &p->settings;
	p->git.cancel_fd = eventfd(0, EFD_CLOEXEC);
	if (p->git.cancel_fd <= 0 || !copy_settings(p, settings)) {
		error_set(e, ERR_FATAL, "git port: out of memory or files");
		return NULL;
	}
	if (git_check_version(e))
		return NULL;
	git_mirror_sweep_all(settings->dir);
	if (pthread_create(&p->thread, NULL, work, p)) {
		error_set(e, ERR_FATAL, "git port: cannot start its thread");
		return NULL;
	}
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
