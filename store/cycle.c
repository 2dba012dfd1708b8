#include "store/cycle.h"

#include <string.h>

#include "bot/base/str.h"
#include "store/internal.h"

enum err store_cycle_add(struct store *s, struct cycle *c, struct error *e)
{
	const char *environment = c->environment, *kind = c->kind;
	const char *stages = c->stages, *recipe = c->recipe;
	const char *purpose = c->purpose, *tag = c->tag;

	if (db_run(&s->db, STMT_CYCLE_ADD,
		   ARGS(ARG(environment), ARG(kind), ARG(stages),
			ARG(c->scheduled), ARG(c->restarts), ARG(c->started_ms),
			ARG(recipe), ARG(purpose), ARG(c->of_cycle),
			ARG(c->number), ARG(tag)),
		   e))
		return e->code;
	c->id = db_last_id(&s->db);
	COPY(c->state, "merging");
	return ERR_OK;
}

static void read_cycle(sqlite3_stmt *row, struct cycle *c)
{
	c->id = db_int(row, 0);
	COPY(c->environment, db_text(row, 1));
	COPY(c->kind, db_text(row, 2));
	COPY(c->state, db_text(row, 3));
	c->stage = (int)db_int(row, 4);
	COPY(c->stages, db_text(row, 5));
	c->scheduled = db_int(row, 6) != 0;
	c->restarts = db_int(row, 7);
	COPY(c->restart_as, db_text(row, 8));
	c->batches = db_int(row, 9);
	COPY(c->content, db_text(row, 10));
	COPY(c->verdict, db_text(row, 11));
	COPY(c->reason_code, db_text(row, 12));
	COPY(c->text, db_text(row, 13));
	COPY(c->tag, db_text(row, 14));
	c->started_ms = db_int(row, 15);
	c->finished_ms = db_int(row, 16);
	COPY(c->purpose, db_text(row, 17));
	c->of_cycle = db_int(row, 18);
	c->number = db_int(row, 19);
	c->first_stage = (int)db_int(row, 20);
	COPY(c->whole_why, db_text(row, 21));
	COPY(c->recipe, db_text(row, 22));
	c->moved = db_int(row, 23) != 0;
	COPY(c->cancelled_by, db_text(row, 24));
	c->awaits_push = db_int(row, 25) != 0;
	db_done(row);
}

enum err store_cycle(struct store *s, int64_t id, struct cycle *ret,
		     struct error *e)
{
	sqlite3_stmt *row;

	if (db_row(&s->db, STMT_CYCLE_GET, ARGS(ARG(id)), &row, e))
		return e->code;
	read_cycle(row, ret);
	return ERR_OK;
}

enum err store_cycle_running(struct store *s, const char *environment,
			     struct cycle *ret, struct error *e)
{
	sqlite3_stmt *row;

	if (db_row(&s->db, STMT_CYCLE_RUNNING, ARGS(ARG(environment)), &row, e))
		return e->code;
	read_cycle(row, ret);
	return ERR_OK;
}

enum err store_cycle_move(struct store *s, int64_t id, const char *from,
			  const char *to, struct error *e)
{
	if (db_run(&s->db, STMT_CYCLE_MOVE, ARGS(ARG(id), ARG(from), ARG(to)),
		   e))
		return e->code;
	if (db_changes(&s->db) == 0)
		return error_set(e, ERR_CONFLICT, "cycle %lld is not %s",
				 (long long)id, from);
	return ERR_OK;
}

enum err store_cycle_stage(struct store *s, int64_t id, int stage,
			   struct error *e)
{
	return db_run(&s->db, STMT_CYCLE_STAGE, ARGS(ARG(id), ARG(stage)), e);
}

enum err store_cycle_stopping(struct store *s, int64_t id,
			      const char *restart_as, struct error *e)
{
	return db_run(&s->db, STMT_CYCLE_STOPPING,
		      ARGS(ARG(id), ARG(restart_as)), e);
}

enum err store_cycle_cancel(struct store *s, int64_t id, const char *login,
			    struct error *e)
{
	return db_run(&s->db, STMT_CYCLE_CANCEL, ARGS(ARG(id), ARG(login)), e);
}

enum err store_cycle_moved(struct store *s, int64_t id, struct error *e)
{
	return db_run(&s->db, STMT_CYCLE_MOVED, ARGS(ARG(id)), e);
}

enum err store_cycle_retries(struct store *s, const struct cycle *c,
			     struct error *e)
{
	const char *why = c->whole_why;

	return db_run(&s->db, STMT_CYCLE_RETRIES,
		      ARGS(ARG(c->id), ARG(c->of_cycle), ARG(c->number),
			   ARG(c->first_stage), ARG(why)),
		      e);
}

enum err store_cycle_last_moved(struct store *s, const char *environment,
				int64_t but_id, int64_t *ret_cycle,
				struct error *e)
{
	return db_value(&s->db, STMT_CYCLE_LAST_MOVED,
			ARGS(ARG(environment), ARG(but_id)), 0, ret_cycle, e);
}

enum err store_cycle_restarts(struct store *s, const char *environment,
			      int64_t *ret_restarts, struct error *e)
{
	return db_value(&s->db, STMT_CYCLE_RESTARTED, ARGS(ARG(environment)), 0,
			ret_restarts, e);
}

enum err store_cycle_left_moved(struct store *s, const char *environment,
				int64_t green, int64_t id, int64_t *ret_cycle,
				struct error *e)
{
	return db_value(&s->db, STMT_CYCLE_LEFT_MOVED,
			ARGS(ARG(environment), ARG(green), ARG(id)), 0,
			ret_cycle, e);
}

enum err store_cycle_of_pull(struct store *s, int64_t pull_id,
			     const char *environment, int64_t *ret_cycle,
			     struct error *e)
{
	return db_value(&s->db, STMT_CYCLE_OF_PULL,
			ARGS(ARG(pull_id), ARG(environment)), 0, ret_cycle, e);
}

enum err store_base_moved_since(struct store *s, const char *environment,
				int64_t since_ms, bool *ret, struct error *e)
{
	int64_t found;

	if (db_value(&s->db, STMT_BASE_MOVED_SINCE,
		     ARGS(ARG(environment), ARG(since_ms)), 0, &found, e))
		return e->code;
	*ret = found != 0;
	return ERR_OK;
}

enum err store_cycle_batched(struct store *s, int64_t id, const char *content,
			     struct error *e)
{
	return db_run(&s->db, STMT_CYCLE_BATCHED, ARGS(ARG(id), ARG(content)),
		      e);
}

enum err store_cycle_finish(struct store *s, int64_t id, const char *verdict,
			    const char *reason_code, const char *text,
			    int64_t now_ms, struct error *e)
{
	return db_run(&s->db, STMT_CYCLE_FINISH,
		      ARGS(ARG(id), ARG(verdict), ARG(reason_code), ARG(text),
			   ARG(now_ms)),
		      e);
}

enum err store_cycle_touched(struct store *s, const char *environment,
			     int64_t *ret_cycle, struct error *e)
{
	return db_value(&s->db, STMT_CYCLE_TOUCHED, ARGS(ARG(environment)), 0,
			ret_cycle, e);
}

enum err store_cycle_tag(struct store *s, int64_t id, const char *tag,
			 struct error *e)
{
	return db_run(&s->db, STMT_CYCLE_TAG, ARGS(ARG(id), ARG(tag)), e);
}

enum err store_manifest_add(struct store *s, int64_t cycle_id, int position,
			    const struct manifest_project *p, struct error *e)
{
	const char *repo = p->repo, *base = p->base, *branch = p->branch;

	return db_run(&s->db, STMT_MANIFEST_ADD,
		      ARGS(ARG(cycle_id), ARG(position), ARG(repo), ARG(base),
			   ARG(branch)),
		      e);
}

enum err store_manifest_result(struct store *s, int64_t cycle_id,
			       const struct manifest_project *p,
			       struct error *e)
{
	const char *repo = p->repo, *base_sha = p->base_sha;
	const char *old_sha = p->old_sha, *sha = p->sha;

	return db_run(&s->db, STMT_MANIFEST_RESULT,
		      ARGS(ARG(cycle_id), ARG(repo), ARG(base_sha),
			   ARG(old_sha), ARG(sha)),
		      e);
}

static void read_project(sqlite3_stmt *row, void *element)
{
	struct manifest_project *p = element;

	COPY(p->repo, db_text(row, 0));
	COPY(p->base, db_text(row, 1));
	COPY(p->branch, db_text(row, 2));
	COPY(p->base_sha, db_text(row, 3));
	COPY(p->old_sha, db_text(row, 4));
	COPY(p->sha, db_text(row, 5));
}

enum err store_manifest(struct store *s, int64_t cycle_id,
			struct manifest_project **ret, size_t *ret_count,
			struct error *e)
{
	return db_collect(&s->db, STMT_MANIFEST_LIST, ARGS(ARG(cycle_id)),
			  sizeof(**ret), read_project, NULL, ret, ret_count, e);
}

void revisions_free(struct revision *r, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(r[i].paths);
	free(r);
}

enum err store_revision_add(struct store *s, int64_t cycle_id, int position,
			    const struct revision *r, struct error *e)
{
	const char *repo = r->repo, *sha = r->sha, *title = r->title;
	const char *author = r->author;

	return db_run(&s->db, STMT_REVISION_ADD,
		      ARGS(ARG(cycle_id), ARG(position), ARG(r->pull_id),
			   ARG(repo), ARG(r->number), ARG(sha), ARG(title),
			   ARG(author), ARG(r->is_new)),
		      e);
}

enum err store_revision_result(struct store *s, int64_t cycle_id,
			       const struct revision *r, struct error *e)
{
	const char *repo = r->repo, *result = r->result, *reason = r->reason;
	const char *paths = r->paths ? r->paths : "";

	return db_run(&s->db, STMT_REVISION_RESULT,
		      ARGS(ARG(cycle_id), ARG(repo), ARG(r->number),
			   ARG(result), ARG(reason), ARG(paths)),
		      e);
}

static void read_revision(sqlite3_stmt *row, void *element)
{
	struct revision *r = element;

	r->pull_id = db_int(row, 0);
	COPY(r->repo, db_text(row, 1));
	r->number = db_int(row, 2);
	COPY(r->sha, db_text(row, 3));
	COPY(r->title, db_text(row, 4));
	COPY(r->author, db_text(row, 5));
	COPY(r->result, db_text(row, 6));
	COPY(r->reason, db_text(row, 7));
	r->is_new = db_int(row, 8) != 0;
	r->paths = *db_text(row, 9) ? strdup(db_text(row, 9)) : NULL;
}

static void drop_revision(void *element)
{
	free(((struct revision *)element)->paths);
}

enum err store_revisions(struct store *s, int64_t cycle_id,
			 struct revision **ret, size_t *ret_count,
			 struct error *e)
{
	return db_collect(&s->db, STMT_REVISION_LIST, ARGS(ARG(cycle_id)),
			  sizeof(**ret), read_revision, drop_revision, ret,
			  ret_count, e);
}

enum err store_revision_cycle(struct store *s, int64_t pull_id, const char *sha,
			      const char *environment, int64_t *ret_cycle,
			      struct error *e)
{
	return db_value(&s->db, STMT_REVISION_LAST,
			ARGS(ARG(pull_id), ARG(sha), ARG(environment)), 0,
			ret_cycle, e);
}

enum err store_pull_aboard(struct store *s, int64_t pull_id,
			   const char *environment, bool *ret, struct error *e)
{
	int64_t one;

	if (db_value(&s->db, STMT_PULL_ABOARD,
		     ARGS(ARG(pull_id), ARG(environment)), 0, &one, e))
		return e->code;
	*ret = one != 0;
	return ERR_OK;
}

enum err store_job_add(struct store *s, int64_t cycle_id, const struct job *j,
		       struct error *e)
{
	const char *stage = j->stage, *name = j->name, *key = j->key;
	const char *state = j->state, *verdict = j->verdict, *text = j->text;
	const char *class = j->class;

	return db_run(&s->db, STMT_JOB_ADD,
		      ARGS(ARG(cycle_id), ARG(stage), ARG(name), ARG(key),
			   ARG(state), ARG(j->started_ms), ARG(verdict),
			   ARG(text), ARG(class), ARG(j->until_ms),
			   ARG(j->full_until_ms)),
		      e);
}

enum err store_job_end(struct store *s, const struct job *j,
		       bool *ret_was_running, struct error *e)
{
	const char *key = j->key, *verdict = j->verdict;
	const char *reason_code = j->reason_code, *text = j->text;

	if (db_run(&s->db, STMT_JOB_END,
		   ARGS(ARG(key), ARG(verdict), ARG(reason_code), ARG(text),
			ARG(j->exit_code), ARG(j->tail), ARG(j->started_ms),
			ARG(j->finished_ms), ARG(j->running)),
		   e))
		return e->code;
	*ret_was_running = db_changes(&s->db) > 0;
	return ERR_OK;
}

static void read_job(sqlite3_stmt *row, void *element)
{
	struct job *j = element;

	COPY(j->stage, db_text(row, 0));
	COPY(j->name, db_text(row, 1));
	COPY(j->key, db_text(row, 2));
	COPY(j->state, db_text(row, 3));
	COPY(j->verdict, db_text(row, 4));
	COPY(j->reason_code, db_text(row, 5));
	COPY(j->text, db_text(row, 6));
	j->exit_code = db_int(row, 7);
	j->started_ms = db_int(row, 9);
	j->finished_ms = db_int(row, 10);
	COPY(j->class, db_text(row, 11));
	j->running = db_int(row, 12);
	j->until_ms = db_int(row, 13);
	j->full_until_ms = db_int(row, 14);
}

enum err store_jobs(struct store *s, int64_t cycle_id, struct job **ret,
		    size_t *ret_count, struct error *e)
{
	return db_collect(&s->db, STMT_JOB_LIST, ARGS(ARG(cycle_id)),
			  sizeof(**ret), read_job, NULL, ret, ret_count, e);
}

enum err store_cycle_draining(struct store *s, int64_t cycle_id, bool *ret,
			      struct error *e)
{
	int64_t one;

	if (db_value(&s->db, STMT_CYCLE_DRAINING, ARGS(ARG(cycle_id)), 0, &one,
		     e))
		return e->code;
	*ret = one != 0;
	return ERR_OK;
}

enum err store_job_reference(struct store *s, const char *environment,
			     const char *name, int64_t cycle_id,
			     int64_t *ret_cycle, struct error *e)
{
	return db_value(&s->db, STMT_JOB_REFERENCE,
			ARGS(ARG(environment), ARG(name), ARG(cycle_id)), 0,
			ret_cycle, e);
}

enum err store_result(struct store *s, int64_t pull_id, const char *sha,
		      const char *environment, struct result *ret,
		      struct error *e)
{
	sqlite3_stmt *row;
	enum err code =
		db_row(&s->db, STMT_RESULT_GET,
		       ARGS(ARG(pull_id), ARG(sha), ARG(environment)), &row, e);

	*ret = (struct result){0};
	if (code)
		return code == ERR_MISSING ? ERR_OK : code;
	COPY(ret->outcome, db_text(row, 0));
	ret->cycle_id = db_int(row, 1);
	ret->short_ok_ms = db_int(row, 2);
	ret->full_ok_ms = db_int(row, 3);
	db_done(row);
	return ERR_OK;
}

enum err store_result_put(struct store *s, int64_t pull_id, const char *sha,
			  const char *environment, const struct result *r,
			  struct error *e)
{
	const char *outcome = r->outcome;

	return db_run(&s->db, STMT_RESULT_PUT,
		      ARGS(ARG(pull_id), ARG(sha), ARG(environment),
			   ARG(outcome), ARG(r->cycle_id), ARG(r->short_ok_ms),
			   ARG(r->full_ok_ms)),
		      e);
}

enum err store_quarantined(struct store *s, int64_t pull_id, const char *sha,
			   const char *environment, bool *ret, struct error *e)
{
	int64_t one;

	if (db_value(&s->db, STMT_QUARANTINED,
		     ARGS(ARG(pull_id), ARG(sha), ARG(environment)), 0, &one,
		     e))
		return e->code;
	*ret = one != 0;
	return ERR_OK;
}

enum err store_touch(struct store *s, int64_t pull_id, struct error *e)
{
	if (!pull_id)
		return ERR_OK;
	for (size_t i = 0; i < s->touched_count; i++)
		if (s->touched[i] == pull_id)
			return ERR_OK;
	if (s->touched_count == s->touched_room) {
		size_t room = s->touched_room ? 2 * s->touched_room : 32;
		int64_t *more = realloc(s->touched, room * sizeof(*more));

		if (!more)
			return error_set(e, ERR_FATAL, "out of memory");
		s->touched = more;
		s->touched_room = room;
	}
	s->touched[s->touched_count++] = pull_id;
	return ERR_OK;
}

enum err store_touch_cycle(struct store *s, int64_t cycle_id, struct error *e)
{
	struct revision *list;
	size_t count;
	enum err code;

	if (store_revisions(s, cycle_id, &list, &count, e))
		return e->code;
	code = ERR_OK;
	for (size_t i = 0; !code && i < count; i++)
		code = store_touch(s, list[i].pull_id, e);
	revisions_free(list, count);
	return code;
}

bool store_touched(struct store *s, int64_t *ret_pull_id)
{
	if (!s->touched_count)
		return false;
	*ret_pull_id = s->touched[--s->touched_count];
	return true;
}
