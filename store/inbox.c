#include "store/inbox.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bot/base/limits.h"
#include "store/db.h"
#include "store/pack.h"

/* "kcin" */
#define APPLICATION_ID 0x6b63696e
/* What the file may keep after the log was written back. */
#define WAL_KEEP (16 << 20)
/* Deliveries per transaction of pruning: the committer waits for one. */
#define PRUNE_SLICE 500
#define NAME_MAX_BYTES 128

struct inbox {
	struct db db;
	char journal_id[33];
	int64_t wal_pages;
	struct packer *packer;
	char guid[NAME_MAX_BYTES + 1];
	char event[NAME_MAX_BYTES + 1];
	unsigned char *body; /* the last one read */
};

static const char *const migrations[] = {
#include "store/migrations/inbox_0001_init.sql.inc"
};

enum {
	JOURNAL_ID,
	PROBE,
	ADD,
	NEXT,
	HAS,
	LAST,
	LAST_RECEIVED,
	FIRST,
	CAN_PRUNE,
	FORGET_BODIES,
	FORGET_GUIDS,
};

static const char *const statements[] = {
	[JOURNAL_ID] = "SELECT journal_id FROM meta",
	[PROBE] = "UPDATE meta SET probed_ms = ?1",
	[ADD] = "INSERT INTO delivery"
		"(guid, event, received_ms, size, packed, body)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(guid) DO NOTHING",
	[NEXT] = "SELECT seq, guid, event, received_ms, size, packed, body"
		 " FROM delivery WHERE seq > ?1 ORDER BY seq LIMIT 1",
	[HAS] = "SELECT 1 FROM delivery WHERE guid = ?1",
	[LAST] = "SELECT max(seq) FROM delivery",
	[LAST_RECEIVED] = "SELECT received_ms FROM delivery"
			  " ORDER BY seq DESC LIMIT 1",
	[FIRST] = "SELECT min(seq) FROM delivery",
	[CAN_PRUNE] = "SELECT EXISTS(SELECT 1 FROM delivery"
		      " WHERE seq BETWEEN ?1 AND ?2 AND"
		      " ((body IS NOT NULL AND received_ms < ?3)"
		      " OR (received_ms < ?4"
		      " AND seq < (SELECT max(seq) FROM delivery))))",
	[FORGET_BODIES] = "UPDATE delivery SET body = NULL"
			  " WHERE seq BETWEEN ?1 AND ?2"
			  " AND body IS NOT NULL AND received_ms < ?3",
	/* The last one stays, so that its number is not given again. */
	[FORGET_GUIDS] = "DELETE FROM delivery"
			 " WHERE seq BETWEEN ?1 AND ?2 AND received_ms < ?3"
			 " AND seq < (SELECT max(seq) FROM delivery)",
};

static const struct db_schema schema = {
	.name = "inbox.db",
	.application_id = APPLICATION_ID,
	.migrations = migrations,
	.migration_count = ARRAY_SIZE(migrations),
	.statements = statements,
	.statement_count = ARRAY_SIZE(statements),
};

/* Apart from inbox_close(), as the compiler pairs that with inbox_open(). */
static void destroy(struct inbox *i)
{
	db_close(&i->db);
	packer_free(i->packer);
	free(i->body);
	free(i);
}

void inbox_close(struct inbox *i)
{
	if (i)
		destroy(i);
}

/*
 * Takes the place of SQLite's automatic checkpoint, which would run inside
 * of somebody's commit: we only remember how long the log has become.
 */
static int note_wal(void *ctx, sqlite3 *handle UNUSED, const char *name UNUSED,
		    int pages)
{
	struct inbox *i = ctx;

	i->wal_pages = pages;
	return SQLITE_OK;
}

static enum err read_journal_id(struct inbox *i, struct error *e)
{
	sqlite3_stmt *s;

	if (db_row(&i->db, JOURNAL_ID, NO_ARGS, &s, e))
		return error_set(e, ERR_FATAL, "inbox.db has no journal id");
	memcpy(i->journal_id, db_text(s, 0), 32); /* CHECKed by the schema */
	db_done(s);
	return ERR_OK;
}

static enum err prepare_writer(struct inbox *i, struct error *e)
{
	char sql[64];

	sqlite3_wal_hook(i->db.handle, note_wal, i);
	sqlite3_snprintf(sizeof(sql), sql, "PRAGMA journal_size_limit=%d",
			 WAL_KEEP);
	if (sqlite3_exec(i->db.handle, sql, NULL, NULL, NULL) != SQLITE_OK)
		return db_error(&i->db, e, sql);
	return ERR_OK;
}

static struct inbox *open_with(const char *path, enum db_flags flags,
			       struct error *e)
{
	struct inbox *i = calloc(1, sizeof(*i));

	if (!i) {
		error_set(e, ERR_FATAL, "out of memory");
		return NULL;
	}
	if (db_open(&i->db, path, &schema, flags, e)) {
		free(i);
		return NULL;
	}
	if (read_journal_id(i, e) ||
	    (!(flags & DB_READ_ONLY) && prepare_writer(i, e))) {
		destroy(i);
		return NULL;
	}
	return i;
}

struct inbox *inbox_open(const char *path, struct error *e)
{
	return open_with(path, DB_WRITE, e);
}

struct inbox *inbox_open_reader(const char *path, struct error *e)
{
	return open_with(path, DB_READ_ONLY, e);
}

const char *inbox_journal_id(const struct inbox *i)
{
	return i->journal_id;
}

/* Made at its first use: not every handle packs, and raw is always right. */
static bool pack(struct inbox *i, const struct inbox_delivery *d,
		 const void **ret, size_t *ret_len)
{
	if (!i->packer)
		i->packer = packer_new();
	return i->packer &&
	       packer_pack(i->packer, d->body, d->len, ret, ret_len);
}

static enum err add_one(struct inbox *i, struct inbox_delivery *d,
			struct error *e)
{
	const void *body = d->body;
	size_t len = d->len;
	bool packed = pack(i, d, &body, &len);
	sqlite3_stmt *s;
	enum err code;

	if (db_start(&i->db, ADD,
		     ARGS(ARG(d->guid), ARG(d->event), ARG(d->received_ms),
			  ARG((int64_t)d->len), ARG(packed), arg_text(NULL)),
		     &s, e))
		return e->code;
	/* Not through an argument: that would copy up to 25 MB. */
	if (sqlite3_bind_blob64(s, 6, len ? body : "", len, SQLITE_STATIC) !=
	    SQLITE_OK)
		return db_error(&i->db, e, "bind");
	while (db_next(&i->db, s, &code, e))
		;
	d->duplicate = !code && db_changes(&i->db) == 0;
	d->seq = d->duplicate ? 0 : db_last_id(&i->db);
	return code;
}

enum err inbox_add(struct inbox *i, struct inbox_delivery *d, size_t count,
		   struct error *e)
{
	enum err code = db_begin(&i->db, e);

	for (size_t n = 0; n < count && !code; n++)
		code = add_one(i, &d[n], e);
	if (!code)
		code = db_commit(&i->db, e);
	if (code)
		db_rollback(&i->db);
	return code;
}

enum err inbox_probe(struct inbox *i, int64_t now_ms, struct error *e)
{
	return db_run(&i->db, PROBE, ARGS(ARG(now_ms)), e);
}

/* Copies a name that the schema CHECKed (characters; a byte each). */
static void copy_name(char to[NAME_MAX_BYTES + 1], const char *from)
{
	size_t len = strnlen(from, NAME_MAX_BYTES);

	memcpy(to, from, len);
	to[len] = '\0';
}

static enum err copy_body(struct inbox *i, sqlite3_stmt *s, size_t size,
			  struct error *e)
{
	const void *data = sqlite3_column_blob(s, 6);
	size_t len = (size_t)sqlite3_column_bytes(s, 6);

	free(i->body);
	i->body = NULL;
	if (sqlite3_column_type(s, 6) == SQLITE_NULL)
		return ERR_OK;
	if (size > LIMIT_BODY)
		return error_set(e, ERR_INVALID, "a body is too large");
	i->body = malloc(size + 1);
	if (!i->body)
		return error_set(e, ERR_RETRY, "out of memory");
	i->body[size] = '\0';
	if (db_int(s, 5))
		return unpack(data, len, i->body, size, e);
	if (len != size)
		return error_set(e, ERR_INVALID, "a body is cut off");
	if (len)
		memcpy(i->body, data, len);
	return ERR_OK;
}

enum err inbox_next(struct inbox *i, int64_t after, struct inbox_delivery *ret,
		    struct error *e)
{
	sqlite3_stmt *s;
	enum err code;

	if (db_row(&i->db, NEXT, ARGS(ARG(after)), &s, e))
		return e->code;
	*ret = (struct inbox_delivery){
		.seq = db_int(s, 0),
		.guid = i->guid,
		.event = i->event,
		.received_ms = db_int(s, 3),
	};
	copy_name(i->guid, db_text(s, 1));
	copy_name(i->event, db_text(s, 2));
	code = copy_body(i, s, (size_t)db_int(s, 4), e);
	if (i->body && !code) {
		ret->body = i->body;
		ret->len = (size_t)db_int(s, 4);
	}
	/* Ended here, as an open read would keep the log from shrinking. */
	db_done(s);
	if (code)
		error_prefix(e, "delivery %lld", (long long)ret->seq);
	return code;
}

void inbox_hash(struct inbox_delivery *d)
{
	SHA256(d->body, d->len, d->body_hash);
}

/* For questions whose caller has nothing better to do than to go on. */
static int64_t ask(struct inbox *i, size_t statement, const struct arg *args,
		   size_t count)
{
	struct error e = ERROR_INIT;
	int64_t value;

	if (db_value(&i->db, statement, args, count, 0, &value, &e))
		return 0;
	return value;
}

enum err inbox_has(struct inbox *i, const char *guid, bool *ret,
		   struct error *e)
{
	int64_t one;

	if (db_value(&i->db, HAS, ARGS(ARG(guid)), 0, &one, e))
		return e->code;
	*ret = one != 0;
	return ERR_OK;
}

enum err inbox_last_received(struct inbox *i, int64_t *ret_ms, struct error *e)
{
	return db_value(&i->db, LAST_RECEIVED, NO_ARGS, 0, ret_ms, e);
}

int64_t inbox_last(struct inbox *i)
{
	return ask(i, LAST, NO_ARGS);
}

int64_t inbox_depth(struct inbox *i, int64_t after)
{
	int64_t last = inbox_last(i);

	/* Counting would read every row, again and again under load. */
	return last > after ? last - after : 0;
}

int64_t inbox_log_pages(const struct inbox *i)
{
	return i->wal_pages;
}

void inbox_checkpoint(struct inbox *i)
{
	/* PASSIVE waits for nobody; what it cannot do now, the next one does.
	 * A full or broken disk shows itself in the next commit. */
	sqlite3_wal_checkpoint_v2(i->db.handle, NULL, SQLITE_CHECKPOINT_PASSIVE,
				  NULL, NULL);
}

static enum err prune_slice(struct inbox *i, int64_t from, int64_t to,
			    int64_t before_ms, int64_t guid_before_ms,
			    struct error *e)
{
	enum err code = db_begin(&i->db, e);

	if (!code)
		code = db_run(&i->db, FORGET_BODIES,
			      ARGS(ARG(from), ARG(to), ARG(before_ms)), e);
	if (!code)
		code = db_run(&i->db, FORGET_GUIDS,
			      ARGS(ARG(from), ARG(to), ARG(guid_before_ms)), e);
	if (!code)
		code = db_commit(&i->db, e);
	if (code)
		db_rollback(&i->db);
	return code;
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/*
 * SQLite's lock is not fair: who wants it again at once gets it again.  So
 * the other writer is left as much time as we took.
 */
static void give_way(int64_t ns)
{
	struct timespec t = {ns / 1000000000, ns % 1000000000};

	nanosleep(&t, NULL);
}

bool inbox_can_prune(struct inbox *i, int64_t upto, int64_t before_ms,
		     int64_t guid_before_ms)
{
	return ask(i, CAN_PRUNE,
		   ARGS(ARG(ask(i, FIRST, NO_ARGS)), ARG(upto), ARG(before_ms),
			ARG(guid_before_ms))) != 0;
}

enum err inbox_prune(struct inbox *i, int64_t upto, int64_t before_ms,
		     int64_t guid_before_ms, struct error *e)
{
	int64_t from = ask(i, FIRST, NO_ARGS);
	int64_t last = inbox_last(i);

	if (upto > last)
		upto = last;
	for (; from <= upto; from += PRUNE_SLICE) {
		int64_t to = from + PRUNE_SLICE - 1;
		int64_t start = now_ns();

		if (to > upto)
			to = upto;
		/* Asked first, as looking takes no lock. */
		if (!ask(i, CAN_PRUNE,
			 ARGS(ARG(from), ARG(to), ARG(before_ms),
			      ARG(guid_before_ms))))
			continue;
		if (prune_slice(i, from, to, before_ms, guid_before_ms, e))
			return e->code;
		give_way(now_ns() - start);
	}
	return ERR_OK;
}
