#include "store/record.h"

#include <string.h>

#include "bot/base/str.h"
#include "bot/base/clock.h"
#include "store/internal.h"

enum err store_meta(struct store *s, const char *key, struct str *out,
		    struct error *e)
{
	sqlite3_stmt *row;
	enum err code = db_row(&s->db, STMT_META_GET, ARGS(ARG(key)), &row, e);

	if (code)
		return code == ERR_MISSING ? ERR_OK : code;
	str_puts(out, db_text(row, 0));
	db_done(row);
	return ERR_OK;
}

enum err store_meta_set(struct store *s, const char *key, const char *value,
			struct error *e)
{
	return db_run(&s->db, STMT_META_SET, ARGS(ARG(key), ARG(value)), e);
}

enum err store_cursor_bind(struct store *s, const char *journal_id,
			   int64_t *ret_seq, struct error *e)
{
	sqlite3_stmt *row;
	enum err code = db_row(&s->db, STMT_CURSOR_GET, NO_ARGS, &row, e);
	bool same;

	*ret_seq = 0;
	if (code == ERR_MISSING)
		return db_run(&s->db, STMT_CURSOR_INIT, ARGS(ARG(journal_id)),
			      e);
	if (code)
		return code;
	same = strcmp(db_text(row, 0), journal_id) == 0;
	*ret_seq = db_int(row, 1);
	db_done(row);
	if (!same)
		return error_set(e, ERR_FATAL,
				 "inbox.db is not the journal that kcibot.db "
				 "belongs to: restore both files from the same "
				 "backup, or remove both to start anew (trust "
				 "list and history are in kcibot.db)");
	return ERR_OK;
}

enum err store_cursor_move(struct store *s, int64_t seq, struct error *e)
{
	return db_run(&s->db, STMT_CURSOR_MOVE, ARGS(ARG(seq)), e);
}

enum err store_delivery_add(struct store *s, const struct delivery_record *d,
			    struct error *e)
{
	return db_run(&s->db, STMT_DELIVERY_ADD,
		      ARGS(ARG(d->seq), ARG(d->guid), ARG(d->event),
			   ARG(d->action), arg_blob(d->body_hash, 32),
			   ARG(d->at_ms), ARG(d->result)),
		      e);
}

/* Does a statement of the form SELECT 1 have a row? */
static enum err exists(struct store *s, size_t statement,
		       const struct arg *args, size_t count, bool *ret,
		       struct error *e)
{
	int64_t one;

	if (db_value(&s->db, statement, args, count, 0, &one, e))
		return e->code;
	*ret = one != 0;
	return ERR_OK;
}

enum err store_delivery_known(struct store *s, const unsigned char *body_hash,
			      const char *event, bool *ret, struct error *e)
{
	return exists(s, STMT_DELIVERY_KNOWN,
		      ARGS(arg_blob(body_hash, 32), ARG(event)), ret, e);
}

enum err store_delivery_prune(struct store *s, int64_t before_ms,
			      struct error *e)
{
	return db_run(&s->db, STMT_DELIVERY_PRUNE, ARGS(ARG(before_ms)), e);
}

enum err store_said_add(struct store *s, struct said_record *r,
			const char *answer, struct error *e)
{
	const char *repo = r->repo, *actor = r->actor, *words = r->words;
	const char *source = r->source, *state = r->state;

	if (db_run(&s->db, STMT_SAID_ADD,
		   ARGS(ARG(r->comment_id), ARG(repo), ARG(r->number),
			ARG(r->actor_id), ARG(actor), ARG(words),
			ARG(r->made_ms), ARG(r->received_ms), ARG(source),
			ARG(state), ARG(answer)),
		   e))
		return e->code;
	r->id = db_last_id(&s->db);
	return ERR_OK;
}

enum err store_said_known(struct store *s, int64_t comment_id, bool *ret,
			  struct error *e)
{
	return exists(s, STMT_SAID_KNOWN, ARGS(ARG(comment_id)), ret, e);
}

enum err store_said(struct store *s, int64_t id, struct said_record *ret,
		    struct error *e)
{
	sqlite3_stmt *row;

	if (db_row(&s->db, STMT_SAID_GET, ARGS(ARG(id)), &row, e))
		return e->code;
	ret->id = db_int(row, 0);
	ret->comment_id = db_int(row, 1);
	COPY(ret->repo, db_text(row, 2));
	ret->number = db_int(row, 3);
	ret->actor_id = db_int(row, 4);
	COPY(ret->actor, db_text(row, 5));
	COPY(ret->words, db_text(row, 6));
	ret->made_ms = db_int(row, 7);
	ret->received_ms = db_int(row, 8);
	COPY(ret->source, db_text(row, 9));
	COPY(ret->state, db_text(row, 10));
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

enum err store_said_answered(struct store *s, const char *repo, int64_t number,
			     int64_t actor_id, int64_t since_ms, int64_t *ret,
			     struct error *e)
{
	return db_value(
		&s->db, STMT_SAID_ANSWERED_SINCE,
		ARGS(ARG(repo), ARG(number), ARG(actor_id), ARG(since_ms)), 0,
		ret, e);
}

enum err store_scan(struct store *s, const char *repo, int64_t now_ms,
		    struct scan_record *ret, struct error *e)
{
	CLEANUP(str_release) struct str since = STR_INIT(64);
	sqlite3_stmt *row;
	const char *text;

	time_iso(&since, now_ms);
	text = since.text;
	if (db_run(&s->db, STMT_SCAN_ADD,
		   ARGS(ARG(repo), ARG(now_ms), ARG(text)), e) ||
	    db_row(&s->db, STMT_SCAN_GET, ARGS(ARG(repo)), &row, e))
		return e->code;
	ret->first_ms = db_int(row, 0);
	COPY(ret->comments_since, db_text(row, 1));
	ret->last_ms = db_int(row, 2);
	ret->pulls_known = db_int(row, 3) != 0;
	COPY(ret->hook, db_text(row, 4));
	db_done(row);
	return ERR_OK;
}

enum err store_scan_pulls_done(struct store *s, const char *repo,
			       int64_t now_ms, struct error *e)
{
	return db_run(&s->db, STMT_SCAN_PULLS, ARGS(ARG(repo), ARG(now_ms)), e);
}

enum err store_scan_comments_done(struct store *s, const char *repo,
				  const char *since, struct error *e)
{
	return db_run(&s->db, STMT_SCAN_COMMENTS, ARGS(ARG(repo), ARG(since)),
		      e);
}

enum err store_scan_hook(struct store *s, const char *repo, const char *hook,
			 struct error *e)
{
	return db_run(&s->db, STMT_SCAN_HOOK, ARGS(ARG(repo), ARG(hook)), e);
}

enum err store_audit(struct store *s, int64_t at_ms, const char *actor,
		     const char *action, const char *subject, const char *why,
		     struct error *e)
{
	return db_run(&s->db, STMT_AUDIT_ADD,
		      ARGS(ARG(at_ms), ARG(actor), ARG(action), ARG(subject),
			   ARG(why)),
		      e);
}
