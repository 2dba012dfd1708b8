#include "store/missed.h"

#include "bot/base/str.h"
#include "store/internal.h"

enum err store_missed_add(struct store *s, const char *repo,
			  const struct missed_attempt *a, int64_t now_ms,
			  bool *ret_new, struct error *e)
{
	if (db_run(&s->db, STMT_MISSED_ADD,
		   ARGS(ARG(a->guid), ARG(repo), ARG(a->delivery_id),
			ARG(a->failed_ms), ARG(a->takes_back), ARG(now_ms)),
		   e))
		return e->code;
	*ret_new = db_changes(&s->db) > 0;
	if (*ret_new)
		return ERR_OK;
	return db_run(&s->db, STMT_MISSED_AGAIN,
		      ARGS(ARG(a->guid), ARG(a->delivery_id)), e);
}

static void read_missed(sqlite3_stmt *row, void *element)
{
	struct missed *m = element;

	COPY(m->guid, db_text(row, 0));
	m->delivery_id = db_int(row, 1);
	m->tries = db_int(row, 2);
}

enum err store_missed_due(struct store *s, const char *repo, int64_t now_ms,
			  int64_t max, struct missed **ret, size_t *ret_count,
			  struct error *e)
{
	return db_collect(&s->db, STMT_MISSED_DUE,
			  ARGS(ARG(repo), ARG(now_ms), ARG(max)), sizeof(**ret),
			  read_missed, NULL, ret, ret_count, e);
}

enum err store_missed_failed(struct store *s, const char *guid, int64_t *ret_ms,
			     struct error *e)
{
	return db_value(&s->db, STMT_MISSED_FAILED, ARGS(ARG(guid)), 0, ret_ms,
			e);
}

enum err store_missed_asked(struct store *s, const char *guid, int64_t next_ms,
			    struct error *e)
{
	return db_run(&s->db, STMT_MISSED_ASKED, ARGS(ARG(guid), ARG(next_ms)),
		      e);
}

enum err store_missed_end(struct store *s, const char *guid, struct error *e)
{
	return db_run(&s->db, STMT_MISSED_END, ARGS(ARG(guid)), e);
}

enum err store_missed_prune(struct store *s, int64_t before_ms, struct error *e)
{
	return db_run(&s->db, STMT_MISSED_PRUNE, ARGS(ARG(before_ms)), e);
}
