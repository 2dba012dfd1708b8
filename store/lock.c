#include "store/lock.h"

#include "bot/base/str.h"
#include "store/internal.h"

enum err store_lock_add(struct store *s, struct lock *l, struct error *e)
{
	const char *environment = l->environment, *owner = l->owner;
	const char *reason = l->reason;

	if (db_run(&s->db, STMT_LOCK_ADD,
		   ARGS(ARG(environment), ARG(l->owner_id), ARG(owner),
			ARG(reason), ARG(l->pull_id), ARG(l->said_id),
			ARG(l->made_ms), ARG(l->warn_ms), ARG(l->until_ms)),
		   e))
		return e->code;
	l->id = db_last_id(&s->db);
	return ERR_OK;
}

static void read_lock(sqlite3_stmt *row, void *element)
{
	struct lock *l = element;

	l->id = db_int(row, 0);
	COPY(l->environment, db_text(row, 1));
	l->owner_id = db_int(row, 2);
	COPY(l->owner, db_text(row, 3));
	COPY(l->reason, db_text(row, 4));
	l->pull_id = db_int(row, 5);
	l->said_id = db_int(row, 6);
	l->made_ms = db_int(row, 7);
	l->warn_ms = db_int(row, 8);
	l->until_ms = db_int(row, 9);
	COPY(l->ended_by, db_text(row, 10));
	COPY(l->end_reason, db_text(row, 11));
}

enum err store_lock(struct store *s, const char *environment, struct lock *ret,
		    struct error *e)
{
	sqlite3_stmt *row;

	if (db_row(&s->db, STMT_LOCK_GET, ARGS(ARG(environment)), &row, e))
		return e->code;
	read_lock(row, ret);
	db_done(row);
	return ERR_OK;
}

enum err store_locks_to_warn(struct store *s, int64_t wall_ms,
			     struct lock **ret, size_t *ret_count,
			     struct error *e)
{
	return db_collect(&s->db, STMT_LOCK_TO_WARN, ARGS(ARG(wall_ms)),
			  sizeof(**ret), read_lock, NULL, ret, ret_count, e);
}

enum err store_locks_to_tell(struct store *s, struct lock **ret,
			     size_t *ret_count, struct error *e)
{
	return db_collect(&s->db, STMT_LOCK_TO_TELL, NO_ARGS, sizeof(**ret),
			  read_lock, NULL, ret, ret_count, e);
}

enum err store_lock_warned(struct store *s, int64_t id, struct error *e)
{
	return db_run(&s->db, STMT_LOCK_WARNED, ARGS(ARG(id)), e);
}

enum err store_lock_told(struct store *s, int64_t id, struct error *e)
{
	return db_run(&s->db, STMT_LOCK_TOLD, ARGS(ARG(id)), e);
}

enum err store_lock_next(struct store *s, int64_t *ret_ms, struct error *e)
{
	return db_value(&s->db, STMT_LOCK_NEXT, NO_ARGS, 0, ret_ms, e);
}

enum err store_locks_expire(struct store *s, int64_t wall_ms, struct error *e)
{
	return db_run(&s->db, STMT_LOCK_EXPIRE, ARGS(ARG(wall_ms)), e);
}

enum err store_lock_end(struct store *s, const struct lock *l, int64_t wall_ms,
			bool told, struct error *e)
{
	const char *by = l->ended_by, *reason = l->end_reason;

	return db_run(
		&s->db, STMT_LOCK_END,
		ARGS(ARG(l->id), ARG(wall_ms), ARG(by), ARG(reason), ARG(told)),
		e);
}

enum err store_freeze(struct store *s, const char *environment,
		      struct freeze_record *ret, struct error *e)
{
	sqlite3_stmt *row;
	enum err code = db_row(&s->db, STMT_FREEZE_GET, ARGS(ARG(environment)),
			       &row, e);

	*ret = (struct freeze_record){0};
	if (code)
		return code == ERR_MISSING ? ERR_OK : code;
	COPY(ret->why, db_text(row, 0));
	ret->until_ms = db_int(row, 1);
	ret->broken_ms = db_int(row, 2);
	ret->broken_cycle = db_int(row, 3);
	ret->broken_told = db_int(row, 4);
	db_done(row);
	return ERR_OK;
}

enum err store_freeze_set(struct store *s, const char *environment,
			  const char *why, int64_t until_ms, bool *ret_changed,
			  struct error *e)
{
	if (db_run(&s->db, STMT_FREEZE_SET,
		   ARGS(ARG(environment), ARG(why), ARG(until_ms)), e))
		return e->code;
	*ret_changed = db_changes(&s->db) > 0;
	return ERR_OK;
}

enum err store_breaker_set(struct store *s, const char *environment,
			   int64_t at_ms, int64_t cycle_id, struct error *e)
{
	return db_run(&s->db, STMT_BREAKER_SET,
		      ARGS(ARG(environment), ARG(at_ms), ARG(cycle_id)), e);
}

enum err store_breaker_told(struct store *s, const char *environment,
			    struct error *e)
{
	return db_run(&s->db, STMT_BREAKER_TOLD, ARGS(ARG(environment)), e);
}

enum err store_breaker_reset(struct store *s, const char *environment,
			     struct error *e)
{
	return db_run(&s->db, STMT_BREAKER_RESET, ARGS(ARG(environment)), e);
}

enum err store_bench_clear(struct store *s, const char *environment,
			   struct error *e)
{
	return db_run(&s->db, STMT_BENCH_CLEAR, ARGS(ARG(environment)), e);
}

enum err store_bench_put(struct store *s, const char *environment,
			 int64_t pull_id, const struct bench_place *place,
			 struct error *e)
{
	return db_run(&s->db, STMT_BENCH_PUT,
		      ARGS(ARG(environment), ARG(pull_id), ARG(place->since_ms),
			   ARG(place->last_ms), ARG(place->position),
			   ARG(place->cycles)),
		      e);
}

enum err store_bench(struct store *s, const char *environment, int64_t pull_id,
		     struct bench_place *ret, struct error *e)
{
	sqlite3_stmt *row;
	enum err code = db_row(&s->db, STMT_BENCH_GET,
			       ARGS(ARG(environment), ARG(pull_id)), &row, e);

	*ret = (struct bench_place){0};
	if (code)
		return code == ERR_MISSING ? ERR_OK : code;
	ret->since_ms = db_int(row, 0);
	ret->last_ms = db_int(row, 1);
	ret->position = db_int(row, 2);
	ret->cycles = db_int(row, 3);
	db_done(row);
	return ERR_OK;
}
