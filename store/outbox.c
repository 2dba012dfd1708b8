#include "store/outbox.h"

#include <string.h>

#include "bot/base/str.h"
#include "store/internal.h"

void outbox_row_release(struct outbox_row *r)
{
	json_decref(r->args);
	r->args = NULL;
}

static bool is_sent(const struct store *s, int64_t id)
{
	for (size_t i = 0; i < s->sent_count; i++)
		if (s->sent[i] == id)
			return true;
	return false;
}

static enum err mark_sent(struct store *s, int64_t id, struct error *e)
{
	int64_t *more;

	if (s->sent_count == s->sent_room) {
		size_t room = s->sent_room ? 2 * s->sent_room : 32;

		more = realloc(s->sent, room * sizeof(*more));
		if (!more)
			return error_set(e, ERR_FATAL, "out of memory");
		s->sent = more;
		s->sent_room = room;
	}
	s->sent[s->sent_count++] = id;
	return ERR_OK;
}

void store_outbox_unmark(struct store *s, int64_t id)
{
	for (size_t i = 0; i < s->sent_count; i++)
		if (s->sent[i] == id)
			s->sent[i] = s->sent[--s->sent_count];
}

/* One whose end was not seen may have taken effect: what takes its place must
 * look for that. */
static enum err replace(struct store *s, int64_t old, int64_t id,
			int64_t now_ms, struct error *e)
{
	if (db_run(&s->db, STMT_OUTBOX_INHERIT, ARGS(ARG(old), ARG(id)), e))
		return e->code;
	return db_run(&s->db, STMT_OUTBOX_REPLACE, ARGS(ARG(old), ARG(now_ms)),
		      e);
}

/* Ends the older ones on a target that nobody sends now. */
static enum err replace_older(struct store *s, const char *kind,
			      const char *target, int64_t id, int64_t now_ms,
			      struct error *e)
{
	int64_t old[64];
	size_t count = 0;
	sqlite3_stmt *row;
	enum err code;

	if (db_start(&s->db, STMT_OUTBOX_SAME_TARGET,
		     ARGS(ARG(target), ARG(kind), ARG(id)), &row, e))
		return e->code;
	while (db_next(&s->db, row, &code, e))
		if (!is_sent(s, db_int(row, 0)) && count < ARRAY_SIZE(old))
			old[count++] = db_int(row, 0);
	for (size_t i = 0; !code && i < count; i++)
		code = replace(s, old[i], id, now_ms, e);
	return code;
}

enum err store_outbox_add_later(struct store *s, const char *kind,
				const char *target, const char *key,
				json_t *args, int64_t not_before_ms,
				int64_t now_ms, struct error *e)
{
	CLEANUP(json_decref) json_t *owned UNUSED = args;
	CLEANUP(free) char *text = args ? js_dump(args) : NULL;

	if (!text)
		return error_set(e, ERR_FATAL, "out of memory (effect %s)",
				 kind);
	return db_run(&s->db, STMT_OUTBOX_ADD,
		      ARGS(ARG(kind), ARG(target), ARG(key), ARG(text),
			   ARG(now_ms), ARG(not_before_ms)),
		      e);
}

enum err store_outbox_add(struct store *s, const char *kind, const char *target,
			  const char *key, json_t *args,
			  enum outbox_flags flags, int64_t now_ms,
			  struct error *e)
{
	if (store_outbox_add_later(s, kind, target, key, args, 0, now_ms, e))
		return e->code;
	if (flags & OUTBOX_REPLACES)
		return replace_older(s, kind, target, db_last_id(&s->db),
				     now_ms, e);
	return ERR_OK;
}

enum err store_outbox_waits(struct store *s, const char *kind,
			    const char *target, bool *ret, struct error *e)
{
	int64_t one;

	if (db_value(&s->db, STMT_OUTBOX_WAITS, ARGS(ARG(target), ARG(kind)), 0,
		     &one, e))
		return e->code;
	*ret = one != 0;
	return ERR_OK;
}

static enum err read_row(sqlite3_stmt *row, struct outbox_row *r,
			 struct error *e)
{
	const char *args = db_text(row, 4);

	r->id = db_int(row, 0);
	COPY(r->kind, db_text(row, 1));
	COPY(r->target, db_text(row, 2));
	COPY(r->key, db_text(row, 3));
	r->attempts = db_int(row, 5);
	r->unknown = db_int(row, 6) != 0;
	r->not_before_ms = db_int(row, 7);
	r->made_ms = db_int(row, 8);
	r->args = js_parse(args, strlen(args), e);
	return r->args ? ERR_OK : e->code;
}

enum err store_outbox_each(struct store *s, int64_t now_ms,
			   bool (*each)(void *ctx, const struct outbox_row *r),
			   void *ctx, int64_t *ret_next_ms, struct error *e)
{
	sqlite3_stmt *row;
	enum err code;

	*ret_next_ms = 0;
	if (db_start(&s->db, STMT_OUTBOX_FIRST, NO_ARGS, &row, e))
		return e->code;
	while (db_next(&s->db, row, &code, e)) {
		CLEANUP(outbox_row_release) struct outbox_row r = {0};
		int64_t due = db_int(row, 7);

		if (is_sent(s, db_int(row, 0)))
			continue;
		if (due > now_ms) {
			if (!*ret_next_ms || due < *ret_next_ms)
				*ret_next_ms = due;
			continue;
		}
		if (read_row(row, &r, e) ||
		    (each(ctx, &r) && mark_sent(s, r.id, e))) {
			db_done(row);
			return e->code;
		}
	}
	return code;
}

enum err store_outbox_get(struct store *s, int64_t id, struct outbox_row *ret,
			  struct error *e)
{
	sqlite3_stmt *row;
	enum err code;

	if (db_row(&s->db, STMT_OUTBOX_GET, ARGS(ARG(id)), &row, e))
		return e->code;
	code = read_row(row, ret, e);
	db_done(row);
	return code;
}

enum err store_outbox_end(struct store *s, int64_t id, const char *state,
			  const char *error, int64_t now_ms, struct error *e)
{
	return db_run(&s->db, STMT_OUTBOX_END,
		      ARGS(ARG(id), ARG(state), ARG(now_ms), ARG(error)), e);
}

enum err store_outbox_again(struct store *s, int64_t id, int64_t not_before_ms,
			    bool unknown, const char *error, struct error *e)
{
	return db_run(
		&s->db, STMT_OUTBOX_AGAIN,
		ARGS(ARG(id), ARG(not_before_ms), ARG(unknown), ARG(error)), e);
}

enum err store_outbox_yield(struct store *s, const struct outbox_row *r,
			    int64_t now_ms, struct error *e)
{
	const char *target = r->target, *kind = r->kind;
	int64_t newer;

	if (db_value(&s->db, STMT_OUTBOX_NEWEST,
		     ARGS(ARG(target), ARG(kind), ARG(r->id), ARG(now_ms)), 0,
		     &newer, e))
		return e->code;
	return newer ? replace(s, r->id, newer, now_ms, e) : ERR_OK;
}

enum err store_outbox_newest(struct store *s, const char *kind,
			     const char *target, struct outbox_row *ret,
			     struct error *e)
{
	int64_t newest;

	if (db_value(&s->db, STMT_OUTBOX_NEWEST,
		     ARGS(ARG(target), ARG(kind), ARG(0), ARG(INT64_MAX)), 0,
		     &newest, e))
		return e->code;
	return store_outbox_get(s, newest, ret, e);
}

enum err store_outbox_restart(struct store *s, struct error *e)
{
	return db_run(&s->db, STMT_OUTBOX_ALL_UNKNOWN, NO_ARGS, e);
}

enum err store_outbox_prune(struct store *s, int64_t before_ms, struct error *e)
{
	return db_run(&s->db, STMT_OUTBOX_PRUNE, ARGS(ARG(before_ms)), e);
}

enum err store_outbox_drop_cycle(struct store *s, int64_t cycle_id,
				 int64_t now_ms, struct error *e)
{
	return db_run(&s->db, STMT_OUTBOX_DROP_CYCLE,
		      ARGS(ARG(cycle_id), ARG(now_ms)), e);
}

enum err store_outbox_depth(struct store *s, int64_t *ret, struct error *e)
{
	return db_value(&s->db, STMT_OUTBOX_DEPTH, NO_ARGS, 0, ret, e);
}
