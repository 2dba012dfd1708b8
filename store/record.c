#include "store/record.h"

#include <string.h>

#include "bot/base/str.h"
#include "bot/base/clock.h"
#include "store/internal.h"

enum err store_not_later(struct store *s, int64_t now_ms, struct error *e)
{
	static const enum statement all[] = {
		STMT_ENV_NOT_LATER,	  STMT_REQUESTS_NOT_LATER,
		STMT_OUTBOX_NOT_LATER,	  STMT_HEADS_NOT_LATER,
		STMT_CONFIRMED_NOT_LATER, STMT_GAPS_NOT_LATER,
		STMT_CYCLES_NOT_LATER,	  STMT_BENCH_NOT_LATER,
		STMT_PULLS_NOT_LATER,	  STMT_STATUS_NOT_LATER,
		STMT_MISSED_NOT_LATER,
	};
	CLEANUP(str_release) struct str iso = STR_INIT(64);
	const char *text;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (db_run(&s->db, all[i], ARGS(ARG(now_ms)), e))
			return e->code;
	time_iso(&iso, now_ms);
	text = iso.text;
	return db_run(&s->db, STMT_SCANS_NOT_LATER,
		      ARGS(ARG(now_ms), ARG(text)), e);
}

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
	ret->reviews_from_ms = db_int(row, 5);
	COPY(ret->review_comments_since, db_text(row, 6));
	ret->deliveries_ms = db_int(row, 7);
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

enum err store_scan_review_comments_done(struct store *s, const char *repo,
					 const char *since, struct error *e)
{
	return db_run(&s->db, STMT_SCAN_REVIEW_COMMENTS,
		      ARGS(ARG(repo), ARG(since)), e);
}

enum err store_scan_deliveries_done(struct store *s, const char *repo,
				    int64_t until_ms, struct error *e)
{
	return db_run(&s->db, STMT_SCAN_DELIVERIES,
		      ARGS(ARG(repo), ARG(until_ms)), e);
}

enum err store_scan_hook(struct store *s, const char *repo, const char *hook,
			 struct error *e)
{
	return db_run(&s->db, STMT_SCAN_HOOK, ARGS(ARG(repo), ARG(hook)), e);
}
