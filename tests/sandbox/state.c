#include "tests/sandbox/state.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "bot/base/clock.h"
#include "tests/sandbox/faults.h"
#include "tests/sandbox/webhooks.h"

void *sb_must(void *p)
{
	if (!p) {
		fputs("sandbox: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *sb_new(size_t size)
{
	return sb_must(calloc(1, size));
}

char *sb_dup(const char *text)
{
	return sb_must(strdup(text));
}

json_t *sb_text(const char *text)
{
	json_t *j = json_string(text);

	if (j)
		return j;
	CLEANUP(free) char *clean = sb_dup(text);
	for (char *p = clean; *p; p++) {
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	}
	return sb_must(json_string(clean));
}

void sb_set(char **at, const char *text)
{
	char *copy = text ? sb_dup(text) : NULL;

	free(*at);
	*at = copy;
}

static void init_lock(struct sandbox *s)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->changed, &attr);
	pthread_condattr_destroy(&attr);
}

struct sandbox *sandbox_new(const char *dir, const char *bot, const char *token)
{
	struct sandbox *s = sb_new(sizeof(*s));

	init_lock(s);
	s->dir = sb_dup(dir);
	s->url = sb_dup("");
	s->listen = sb_dup("");
	s->last_id = 2900000000;
	s->last_repo_id = 700000000;
	STAILQ_INIT(&s->users);
	STAILQ_INIT(&s->repos);
	STAILQ_INIT(&s->pulls);
	STAILQ_INIT(&s->comments);
	STAILQ_INIT(&s->reviews);
	STAILQ_INIT(&s->code_comments);
	STAILQ_INIT(&s->statuses);
	s->log = sb_must(json_array());
	s->requests = sb_must(json_array());
	s->rate.limit = 5000;
	s->hooks = sb_hooks_new();
	s->faults = sb_faults_new();
	s->bot = sb_user_add(s, bot, "User", 0);
	s->bot->token = sb_dup(token);
	return s;
}

static void free_repos(struct sandbox *s)
{
	struct sb_repo *r;

	while ((r = STAILQ_FIRST(&s->repos))) {
		STAILQ_REMOVE_HEAD(&s->repos, next);
		json_decref(r->roles);
		json_decref(r->labels);
		json_decref(r->reflogs);
		free(r->name);
		free(r->full);
		free(r->path);
		free(r->default_branch);
		free(r);
	}
}

static void free_comment(struct sb_comment *c)
{
	struct sb_reaction *r;

	while ((r = STAILQ_FIRST(&c->reactions))) {
		STAILQ_REMOVE_HEAD(&c->reactions, next);
		free(r->content);
		free(r);
	}
	free(c->body);
	free(c->path);
	free(c);
}

static void free_comments(struct sandbox *s)
{
	struct sb_comment *c;
	struct sb_review *r;

	while ((c = STAILQ_FIRST(&s->comments))) {
		STAILQ_REMOVE_HEAD(&s->comments, next);
		free_comment(c);
	}
	while ((c = STAILQ_FIRST(&s->code_comments))) {
		STAILQ_REMOVE_HEAD(&s->code_comments, next);
		free_comment(c);
	}
	while ((r = STAILQ_FIRST(&s->reviews))) {
		STAILQ_REMOVE_HEAD(&s->reviews, next);
		free(r->body);
		free(r);
	}
}

void sb_pull_free(struct sb_pull *p)
{
	json_decref(p->labels);
	free(p->title);
	free(p->body);
	free(p->base_ref);
	free(p->head_ref);
	free(p);
}

static void free_pulls(struct sandbox *s)
{
	struct sb_pull *p;

	while ((p = STAILQ_FIRST(&s->pulls))) {
		STAILQ_REMOVE_HEAD(&s->pulls, next);
		sb_pull_free(p);
	}
}

static void free_statuses(struct sandbox *s)
{
	struct sb_status *st;

	while ((st = STAILQ_FIRST(&s->statuses))) {
		STAILQ_REMOVE_HEAD(&s->statuses, next);
		free(st->state);
		free(st->context);
		free(st->description);
		free(st->target_url);
		free(st);
	}
}

void sandbox_free(struct sandbox *s)
{
	struct sb_user *u;

	sb_hooks_free(s->hooks);
	sb_faults_free(s->faults);
	free_statuses(s);
	free_comments(s);
	free_pulls(s);
	free_repos(s);
	while ((u = STAILQ_FIRST(&s->users))) {
		STAILQ_REMOVE_HEAD(&s->users, next);
		free(u->login);
		free(u->type);
		free(u->token);
		json_decref(u->members);
		free(u);
	}
	json_decref(s->log);
	json_decref(s->requests);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s->dir);
	free(s->url);
	free(s->listen);
	free(s);
}

void sandbox_lock(struct sandbox *s)
{
	pthread_mutex_lock(&s->lock);
}

void sandbox_unlock(struct sandbox *s)
{
	pthread_mutex_unlock(&s->lock);
}

int64_t sb_now(const struct sandbox *s)
{
	return clock_wall(&clock_system) + s->clock_skew;
}

int64_t sb_id(struct sandbox *s)
{
	return ++s->last_id;
}

static void append(struct sandbox *s, json_t *list, int64_t *seq, json_t *data)
{
	CLEANUP(str_release) struct str now = STR_INIT(64);

	time_iso(&now, sb_now(s));
	json_object_set_new(data, "seq", json_integer(++*seq));
	json_object_set_new(data, "time", json_string(now.text));
	json_array_append_new(list, data);
	if (json_array_size(list) > SB_LOG_KEPT)
		json_array_remove(list, 0);
	pthread_cond_broadcast(&s->changed);
}

void sb_log(struct sandbox *s, const char *type, json_t *data)
{
	json_object_set_new(sb_must(data), "type", json_string(type));
	append(s, s->log, &s->log_seq, data);
}

void sb_log_request(struct sandbox *s, json_t *data)
{
	append(s, s->requests, &s->request_seq, sb_must(data));
}

static struct timespec in_ms(int64_t ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += (ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

json_t *sb_log_after(struct sandbox *s, json_t *const *list,
		     const int64_t *last, int64_t after, int64_t timeout_ms)
{
	struct timespec end = in_ms(timeout_ms);
	json_t *ret = sb_must(json_array());
	int64_t first;

	while (*last <= after && !s->stopping &&
	       pthread_cond_timedwait(&s->changed, &s->lock, &end) != ETIMEDOUT)
		;
	first = *last - (int64_t)json_array_size(*list);
	for (int64_t i = after > first ? after : first; i < *last; i++)
		json_array_append(ret,
				  json_array_get(*list, (size_t)(i - first)));
	return ret;
}

struct sb_repo *sb_repo_find(struct sandbox *s, const char *full)
{
	struct sb_repo *r;

	STAILQ_FOREACH(r, &s->repos, next)
	if (!strcasecmp(r->full, full))
		return r;
	return NULL;
}

struct sb_pull *sb_pull_find(struct sandbox *s, const struct sb_repo *repo,
			     int64_t number)
{
	struct sb_pull *p;

	STAILQ_FOREACH(p, &s->pulls, next)
	if (p->repo == repo && p->number == number)
		return p;
	return NULL;
}

struct sb_comment *sb_comment_find(struct sandbox *s, int64_t id)
{
	struct sb_comment *c;

	STAILQ_FOREACH(c, &s->comments, next)
	if (c->id == id && !c->deleted)
		return c;
	return NULL;
}

struct sb_comment *sb_code_comment_find(struct sandbox *s, int64_t id)
{
	struct sb_comment *c;

	STAILQ_FOREACH(c, &s->code_comments, next)
	if (c->id == id && !c->deleted)
		return c;
	return NULL;
}

struct sb_review *sb_review_find(struct sandbox *s, int64_t id)
{
	struct sb_review *r;

	STAILQ_FOREACH(r, &s->reviews, next)
	if (r->id == id)
		return r;
	return NULL;
}

struct sb_reaction *sb_reaction_find(struct sb_comment *c, int64_t id)
{
	struct sb_reaction *r;

	STAILQ_FOREACH(r, &c->reactions, next)
	if (r->id == id && !r->deleted)
		return r;
	return NULL;
}

struct sb_repo *sb_repo_add(struct sandbox *s, struct sb_user *owner,
			    const char *name, const char *path)
{
	struct sb_repo *r = sb_new(sizeof(*r));

	r->id = ++s->last_repo_id;
	r->hook_id = sb_id(s);
	r->owner = owner;
	r->name = sb_dup(name);
	r->full = sb_must(str_format("%s/%s", owner->login, name));
	r->path = path ? sb_dup(path) : NULL;
	r->default_branch = sb_dup("main");
	r->created = r->pushed = sb_now(s);
	r->roles = sb_must(json_object());
	r->labels = sb_must(json_object());
	r->reflogs = sb_must(json_object());
	STAILQ_INSERT_TAIL(&s->repos, r, next);
	return r;
}

bool sb_status_is_latest(const struct sb_status *st)
{
	const struct sb_status *later = st;

	while ((later = STAILQ_NEXT(later, next)))
		if (later->repo == st->repo && !strcmp(later->sha, st->sha) &&
		    !strcasecmp(later->context, st->context))
			return false;
	return true;
}

struct sb_status *sb_status_next(struct sandbox *s, const struct sb_repo *repo,
				 const char *sha, struct sb_status *after)
{
	struct sb_status *st =
		after ? STAILQ_NEXT(after, next) : STAILQ_FIRST(&s->statuses);

	while (st && (st->repo != repo || strcmp(st->sha, sha) != 0 ||
		      !sb_status_is_latest(st)))
		st = STAILQ_NEXT(st, next);
	return st;
}
