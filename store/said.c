#include "store/said.h"

#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "store/internal.h"

enum err store_said_add(struct store *s, struct said_record *r,
			const char *answer, struct error *e)
{
	const char *kind = r->kind, *repo = r->repo, *actor = r->actor;
	const char *words = r->words, *sha = r->commit_sha;
	const char *source = r->source, *state = r->state;

	if (db_run(&s->db, STMT_SAID_ADD,
		   ARGS(ARG(kind), ARG(r->comment_id), ARG(repo),
			ARG(r->number), ARG(r->actor_id), ARG(actor),
			ARG(words), ARG(sha), ARG(r->made_ms),
			ARG(r->received_ms), ARG(source), ARG(state),
			ARG(answer), ARG(r->edited_ms), ARG(r->limited)),
		   e))
		return e->code;
	r->id = db_last_id(&s->db);
	return ERR_OK;
}

enum err store_said_find(struct store *s, const char *kind, int64_t comment_id,
			 int64_t *ret, struct error *e)
{
	return db_value(&s->db, STMT_SAID_FIND,
			ARGS(ARG(kind), ARG(comment_id)), 0, ret, e);
}

enum err store_said(struct store *s, int64_t id, struct said_record *ret,
		    struct error *e)
{
	sqlite3_stmt *row;

	if (db_row(&s->db, STMT_SAID_GET, ARGS(ARG(id)), &row, e))
		return e->code;
	ret->id = db_int(row, 0);
	COPY(ret->kind, db_text(row, 1));
	ret->comment_id = db_int(row, 2);
	COPY(ret->repo, db_text(row, 3));
	ret->number = db_int(row, 4);
	ret->actor_id = db_int(row, 5);
	COPY(ret->actor, db_text(row, 6));
	COPY(ret->words, db_text(row, 7));
	COPY(ret->commit_sha, db_text(row, 8));
	ret->made_ms = db_int(row, 9);
	ret->received_ms = db_int(row, 10);
	COPY(ret->source, db_text(row, 11));
	COPY(ret->state, db_text(row, 12));
	ret->edited_ms = db_int(row, 14);
	ret->limited = false;
	db_done(row);
	return ERR_OK;
}

enum err store_said_end(struct store *s, int64_t id, const char *state,
			const char *answer, struct error *e)
{
	if (db_run(&s->db, STMT_SAID_END,
		   ARGS(ARG(id), ARG(state), ARG(answer)), e))
		return e->code;
	if (db_changes(&s->db) == 0)
		return error_set(e, ERR_CONFLICT,
				 "what was said (%lld) is answered already",
				 (long long)id);
	return ERR_OK;
}

enum err store_said_facts(struct store *s, int64_t id, json_t **ret,
			  struct error *e)
{
	sqlite3_stmt *row;

	if (db_row(&s->db, STMT_SAID_GET, ARGS(ARG(id)), &row, e))
		return e->code;
	*ret = js_read(db_text(row, 13));
	db_done(row);
	if (!json_is_object(*ret)) {
		json_decref(*ret);
		*ret = NULL;
		return error_set(e, ERR_INVALID, "facts are no JSON object");
	}
	return ERR_OK;
}

enum err store_said_fact(struct store *s, int64_t id, const char *name,
			 json_t *value, struct error *e)
{
	CLEANUP(json_decref) json_t *owned = value;
	CLEANUP(json_decref) json_t *facts = NULL;
	CLEANUP(free) char *text = NULL;
	const char *all;

	if (store_said_facts(s, id, &facts, e))
		return e->code;
	json_object_set(facts, name, owned);
	text = js_dump(facts);
	if (!text)
		return error_set(e, ERR_FATAL, "out of memory");
	all = text;
	return db_run(&s->db, STMT_SAID_FACTS, ARGS(ARG(id), ARG(all)), e);
}

enum err store_said_answered(struct store *s, const char *repo, int64_t number,
			     int64_t actor_id, int64_t since_ms, int64_t now_ms,
			     int64_t *ret, struct error *e)
{
	return db_value(&s->db, STMT_SAID_ANSWERED_SINCE,
			ARGS(ARG(repo), ARG(number), ARG(actor_id),
			     ARG(since_ms), ARG(now_ms)),
			0, ret, e);
}

static void read_rate(sqlite3_stmt *row, void *element)
{
	struct said_rate *r = element;

	r->received_ms = db_int(row, 0);
	r->commands = db_int(row, 1);
	r->here = db_int(row, 2) != 0;
}

enum err store_said_rate(struct store *s, const struct said_record *r,
			 int64_t since_ms, int64_t now_ms,
			 struct said_rate **ret, size_t *ret_count,
			 struct error *e)
{
	const char *repo = r->repo;

	return db_collect(&s->db, STMT_SAID_RATE,
			  ARGS(ARG(r->actor_id), ARG(repo), ARG(r->number),
			       ARG(since_ms), ARG(now_ms)),
			  sizeof(**ret), read_rate, NULL, ret, ret_count, e);
}

enum err store_said_limited(struct store *s, int64_t actor_id, int64_t since_ms,
			    int64_t now_ms, int64_t *ret_count,
			    int64_t *ret_answered, struct error *e)
{
	sqlite3_stmt *row;

	if (db_row(&s->db, STMT_SAID_LIMITED,
		   ARGS(ARG(actor_id), ARG(since_ms), ARG(now_ms)), &row, e))
		return e->code;
	*ret_count = db_int(row, 0);
	*ret_answered = db_int(row, 1);
	db_done(row);
	return ERR_OK;
}

enum err store_taken_back_add(struct store *s, const char *kind,
			      int64_t comment_id, const char *how,
			      int64_t now_ms, struct error *e)
{
	return db_run(&s->db, STMT_TAKEN_BACK_ADD,
		      ARGS(ARG(kind), ARG(comment_id), ARG(how), ARG(now_ms)),
		      e);
}

enum err store_taken_back(struct store *s, const char *kind, int64_t comment_id,
			  char ret_how[12], struct error *e)
{
	sqlite3_stmt *row;
	enum err code = db_row(&s->db, STMT_TAKEN_BACK_GET,
			       ARGS(ARG(kind), ARG(comment_id)), &row, e);

	*ret_how = '\0';
	if (code)
		return code == ERR_MISSING ? ERR_OK : code;
	str_copy(ret_how, 12, db_text(row, 0));
	db_done(row);
	return ERR_OK;
}

enum err store_taken_back_prune(struct store *s, int64_t before_ms,
				struct error *e)
{
	return db_run(&s->db, STMT_TAKEN_BACK_PRUNE, ARGS(ARG(before_ms)), e);
}
