#include "bot/committer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "bot/base/log.h"
#include "store/inbox.h"

/* A group is cut off here, so that the first of it need not wait too long. */
#define GROUP_BYTES (32u << 20)
/* Write back in the background after this many new pages (4 MB) ... */
#define LOG_SLICE 1000
/* ... or when there was nothing more for this long. */
#define LOG_QUIET_MS 500
/* From here on (16 MB) the committer itself lends a hand, see below. */
#define LOG_MOST 4000
/* While the disk refuses, it is tried this often without any traffic. */
#define PROBE_MS 1000

struct committer {
	struct committer_settings s;
	char journal_id[33];
	pthread_t writer;
	pthread_t keeper;

	pthread_mutex_t lock; /* of the following */
	pthread_cond_t work;
	pthread_cond_t log_grew;
	struct job *first;
	struct job **last;
	unsigned waiting;
	bool stopping;
	int64_t log_new; /* pages not written back yet */

	atomic_bool healthy;
	/* The writer's own: */
	struct inbox *inbox; /* NULL after trouble */
	int64_t log_pages;
	struct inbox_delivery *group;
	/* The keeper's own: */
	struct inbox *side;
};

bool committer_healthy(struct committer *c)
{
	return atomic_load(&c->healthy);
}

bool committer_add(struct committer *c, struct job *j)
{
	bool room;

	pthread_mutex_lock(&c->lock);
	room = !c->stopping && c->waiting < c->s.most;
	if (room) {
		j->next = NULL;
		*c->last = j;
		c->last = &j->next;
		c->waiting++;
		pthread_cond_signal(&c->work);
	}
	pthread_mutex_unlock(&c->lock);
	return room;
}

/* Under the lock.  False after a timeout. */
static bool wait_ms(struct committer *c, pthread_cond_t *cond, int64_t ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return pthread_cond_timedwait(cond, &c->lock, &t) == 0;
}

/* Under the lock: the next group, in order of arrival. */
static struct job *take_group(struct committer *c)
{
	struct job *group = c->first;
	struct job **end = &c->first;
	size_t bytes = 0;

	while (*end && (end == &c->first || bytes < GROUP_BYTES)) {
		bytes += (*end)->len;
		c->waiting--;
		end = &(*end)->next;
	}
	c->first = *end;
	if (!c->first)
		c->last = &c->first;
	*end = NULL;
	return group;
}

static void set_health(struct committer *c, bool healthy, const char *why)
{
	if (atomic_exchange(&c->healthy, healthy) == healthy)
		return;
	if (healthy)
		log_info("deliveries are written again");
	else
		log_error("deliveries are refused: %s", why);
}

/*
 * After trouble the old handle is not used again: what SQLite and the kernel
 * believe to be on the disk need not be there.  The keeper's handle stays
 * open, and with it the shared index, which knows nothing of the failed
 * group; so the next one is written over it instead of behind it.
 */
static enum err reopen(struct committer *c, struct error *e)
{
	if (c->inbox)
		return ERR_OK;
	c->inbox = inbox_open(c->s.path, e);
	if (!c->inbox)
		return e->code;
	if (!strcmp(inbox_journal_id(c->inbox), c->journal_id))
		return ERR_OK;
	inbox_close(c->inbox);
	c->inbox = NULL;
	return error_set(e, ERR_FATAL, "%s: was replaced by another journal",
			 c->s.path);
}

static void let_go(struct committer *c)
{
	if (c->inbox)
		inbox_close(c->inbox);
	c->inbox = NULL;
}

/* Tells the keeper how much there is to write back. */
static void note_log(struct committer *c)
{
	int64_t pages = inbox_log_pages(c->inbox);
	int64_t grown = pages - c->log_pages;

	/* It shrinks when SQLite begins it anew. */
	if (grown < 0)
		grown = pages;
	c->log_pages = pages;
	/*
	 * Under steady load the keeper never catches up with the very last
	 * page, and only then SQLite begins the log anew.  Here nobody writes
	 * at the moment, and little is left to do.
	 */
	if (pages > LOG_MOST)
		inbox_checkpoint(c->inbox);
	pthread_mutex_lock(&c->lock);
	c->log_new += grown;
	pthread_cond_signal(&c->log_grew);
	pthread_mutex_unlock(&c->lock);
}

static size_t fill_group(struct committer *c, const struct job *jobs)
{
	size_t count = 0;

	for (const struct job *j = jobs; j; j = j->next)
		c->group[count++] = (struct inbox_delivery){
			.guid = j->guid,
			.event = j->event,
			.body = j->body,
			.len = j->len,
			.received_ms = j->received_ms,
		};
	return count;
}

/* Returns how many were new. */
static size_t answer_group(struct committer *c, struct job *jobs, enum err code)
{
	size_t added = 0;

	for (size_t n = 0; jobs; n++) {
		struct job *j = jobs;

		jobs = j->next; /* after done() it is not ours */
		j->code = code;
		j->duplicate = !code && c->group[n].duplicate;
		added += !code && !j->duplicate;
		c->s.done(c->s.done_ctx, j);
	}
	return added;
}

static void commit_group(struct committer *c, struct job *jobs)
{
	struct error e = ERROR_INIT;
	size_t count = fill_group(c, jobs);
	enum err code = reopen(c, &e);

	if (!code)
		code = inbox_add(c->inbox, c->group, count, &e);
	set_health(c, !code, e.text);
	if (answer_group(c, jobs, code) && c->s.committed)
		c->s.committed(c->s.committed_ctx);
	if (code)
		let_go(c);
	else
		note_log(c);
}

/* Without this a load balancer that sees us ill would keep us so. */
static void probe(struct committer *c)
{
	struct error e = ERROR_INIT;

	if (reopen(c, &e) ||
	    inbox_probe(c->inbox, clock_wall(c->s.clock), &e)) {
		let_go(c);
		return;
	}
	set_health(c, true, "");
	note_log(c);
}

static void *write_loop(void *ctx)
{
	struct committer *c = ctx;

	pthread_mutex_lock(&c->lock);
	while (!c->stopping || c->first) {
		struct job *group = take_group(c);
		bool ill = !committer_healthy(c);

		if (!group && !ill) {
			pthread_cond_wait(&c->work, &c->lock);
			continue;
		}
		if (!group && wait_ms(c, &c->work, PROBE_MS))
			continue;
		pthread_mutex_unlock(&c->lock);
		if (group)
			commit_group(c, group);
		else
			probe(c);
		pthread_mutex_lock(&c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* Under the lock: waits until there is enough, or quiet; false at the end. */
static bool wait_for_log(struct committer *c)
{
	while (!c->stopping && !c->log_new)
		pthread_cond_wait(&c->log_grew, &c->lock);
	while (!c->stopping && c->log_new < LOG_SLICE)
		if (!wait_ms(c, &c->log_grew, LOG_QUIET_MS))
			break;
	c->log_new = 0;
	return !c->stopping;
}

static void *keep_loop(void *ctx)
{
	struct committer *c = ctx;

	pthread_mutex_lock(&c->lock);
	while (wait_for_log(c)) {
		pthread_mutex_unlock(&c->lock);
		inbox_checkpoint(c->side);
		pthread_mutex_lock(&c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static void init_locks(struct committer *c)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->work, &attr);
	pthread_cond_init(&c->log_grew, &attr);
	pthread_condattr_destroy(&attr);
}

static void destroy(struct committer *c)
{
	if (c->inbox)
		inbox_close(c->inbox);
	if (c->side)
		inbox_close(c->side);
	pthread_cond_destroy(&c->work);
	pthread_cond_destroy(&c->log_grew);
	pthread_mutex_destroy(&c->lock);
	free(c->group);
	free(c);
}

static void tell_to_stop(struct committer *c)
{
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	pthread_cond_broadcast(&c->work);
	pthread_cond_broadcast(&c->log_grew);
	pthread_mutex_unlock(&c->lock);
}

static enum err start(struct committer *c, struct error *e)
{
	c->group = calloc(c->s.most, sizeof(*c->group));
	if (!c->group)
		return error_set(e, ERR_FATAL, "out of memory");
	c->inbox = inbox_open(c->s.path, e);
	if (!c->inbox)
		return e->code;
	memcpy(c->journal_id, inbox_journal_id(c->inbox),
	       sizeof(c->journal_id));
	c->side = inbox_open(c->s.path, e);
	if (!c->side)
		return e->code;
	if (pthread_create(&c->keeper, NULL, keep_loop, c))
		return error_set(e, ERR_FATAL, "cannot start a thread");
	if (pthread_create(&c->writer, NULL, write_loop, c)) {
		tell_to_stop(c);
		pthread_join(c->keeper, NULL);
		return error_set(e, ERR_FATAL, "cannot start a thread");
	}
	return ERR_OK;
}

struct committer *committer_start(const struct committer_settings *s,
				  struct error *e)
{
	struct committer *c = calloc(1, sizeof(*c));

	if (!c) {
		error_set(e, ERR_FATAL, "out of memory");
		return NULL;
	}
	c->s = *s;
	c->last = &c->first;
	atomic_store(&c->healthy, true);
	init_locks(c);
	if (start(c, e)) {
		destroy(c);
		return NULL;
	}
	return c;
}

void committer_stop(struct committer *c)
{
	if (c->stopping) /* only ever set by our caller's thread */
		return;
	tell_to_stop(c);
	pthread_join(c->writer, NULL);
	pthread_join(c->keeper, NULL);
}

void committer_free(struct committer *c)
{
	committer_stop(c);
	destroy(c);
}
