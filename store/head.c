#include "store/head.h"

#include <stdio.h>
#include <stdlib.h>

#include "bot/base/str.h"
#include "store/internal.h"
#include "store/record.h"

static void read_sighting(sqlite3_stmt *row, void *element)
{
	struct sighting *at = element;

	COPY(at->sha, db_text(row, 0));
	at->at_ms = db_int(row, 1);
	at->opened = db_int(row, 2) != 0;
	at->again = db_int(row, 3) != 0;
}

enum err store_sightings(struct store *s, int64_t pull_id,
			 struct sighting **ret, size_t *ret_count,
			 struct error *e)
{
	return db_collect(&s->db, STMT_SIGHTINGS, ARGS(ARG(pull_id)),
			  sizeof(**ret), read_sighting, NULL, ret, ret_count,
			  e);
}

enum err store_head_confirm(struct store *s, const struct pull *p,
			    int64_t now_ms, struct error *e)
{
	const char *repo = p->repo;

	return db_run(&s->db, STMT_HEAD_CONFIRM,
		      ARGS(ARG(p->id), ARG(repo), ARG(now_ms)), e);
}

enum err store_head_late(struct store *s, const struct pull *now,
			 const char *sha, int64_t now_ms, struct error *e)
{
	const char *shas[] = {sha, now->head_sha}, *source = "webhook";
	int64_t known;

	if (db_value(&s->db, STMT_HEAD_KNOWN, ARGS(ARG(now->id), ARG(sha)), 0,
		     &known, e))
		return e->code;
	for (size_t i = 0; !known && i < ARRAY_SIZE(shas); i++)
		if (db_run(&s->db, STMT_HEAD_ADD,
			   ARGS(ARG(now->id), ARG(shas[i]), ARG(now_ms),
				ARG(source), ARG(false)),
			   e))
			return e->code;
	return ERR_OK;
}

/* --- gaps --- */

enum err store_gap_add(struct store *s, const char *repo, const struct gap *gap,
		       const char *why, struct error *e)
{
	if (db_run(&s->db, STMT_GAP_EXTEND,
		   ARGS(ARG(repo), ARG(gap->from_ms), ARG(gap->to_ms),
			ARG(why)),
		   e))
		return e->code;
	if (db_changes(&s->db))
		return ERR_OK;
	return db_run(
		&s->db, STMT_GAP_ADD,
		ARGS(ARG(repo), ARG(gap->from_ms), ARG(gap->to_ms), ARG(why)),
		e);
}

static void read_gap(sqlite3_stmt *row, void *element)
{
	struct gap *gap = element;

	gap->from_ms = db_int(row, 0);
	gap->to_ms = db_int(row, 1);
}

enum err store_gaps(struct store *s, const char *repo, int64_t after_ms,
		    struct gap **ret, size_t *ret_count, struct error *e)
{
	return db_collect(&s->db, STMT_GAP_LIST, ARGS(ARG(repo), ARG(after_ms)),
			  sizeof(**ret), read_gap, NULL, ret, ret_count, e);
}

enum err store_gap_prune(struct store *s, int64_t before_ms, struct error *e)
{
	return db_run(&s->db, STMT_GAP_PRUNE, ARGS(ARG(before_ms)), e);
}

enum err store_alive(struct store *s, int64_t *ret_ms, struct error *e)
{
	CLEANUP(str_release) struct str text = STR_INIT(32);

	if (store_meta(s, "alive_ms", &text, e))
		return e->code;
	*ret_ms = strtoll(text.text, NULL, 10);
	return ERR_OK;
}

enum err store_alive_set(struct store *s, int64_t now_ms, struct error *e)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", (long long)now_ms);
	return store_meta_set(s, "alive_ms", text, e);
}
