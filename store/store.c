#include "store/store.h"

#include <stdlib.h>

#include "store/internal.h"

/* "kcib" */
#define APPLICATION_ID 0x6b636962

static const char *const migrations[] = {
#include "store/migrations/kcibot_0001_init.sql.inc"
	,
#include "store/migrations/kcibot_0002_words.sql.inc"
	,
#include "store/migrations/kcibot_0003_locks.sql.inc"
	,
#include "store/migrations/kcibot_0004_catchup.sql.inc"
	,
#include "store/migrations/kcibot_0005_drain.sql.inc"
	,
#include "store/migrations/kcibot_0006_cancel.sql.inc"
};

#define STATEMENT(name, sql) [STMT_##name] = sql,
static const char *const statements[] = {
#include "store/sql/intake.def"
#include "store/sql/trust.def"
#include "store/sql/pull.def"
#include "store/sql/request.def"
#include "store/sql/paths.def"
#include "store/sql/cycle.def"
#include "store/sql/lock.def"
#include "store/sql/outbox.def"
#include "store/sql/view.def"
};
#undef STATEMENT

/* What the forge and people were told or said: no decision about an
 * environment is made of it. */
static const char *const aside[] = {
	"audit",	  "cursor",	"delivery",  "gap",    "head",
	"head_confirmed", "login",	"meta",	     "missed", "outbox",
	"posted",	  "pull",	"principal", "said",   "scan",
	"status",	  "taken_back", "told",	     NULL,
};

static const struct db_schema schema = {
	.name = "kcibot.db",
	.application_id = APPLICATION_ID,
	.migrations = migrations,
	.migration_count = ARRAY_SIZE(migrations),
	.statements = statements,
	.statement_count = ARRAY_SIZE(statements),
	.aside = aside,
};

static struct store *open_with(const char *path, enum db_flags flags,
			       struct error *e)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s) {
		error_set(e, ERR_FATAL, "out of memory");
		return NULL;
	}
	if (db_open(&s->db, path, &schema, flags, e)) {
		free(s);
		return NULL;
	}
	return s;
}

/* gcc takes store_close() for the other end of store_open() alone. */
static void release(struct store *s)
{
	if (!s)
		return;
	db_close(&s->db);
	free(s->sent);
	free(s->touched);
	free(s);
}

struct store *store_open(const char *path, struct error *e)
{
	struct store *s = open_with(path, DB_WRITE, e);

	if (s && audit_begin_chain(s, e)) {
		release(s);
		return NULL;
	}
	return s;
}

struct store *store_open_reader(const char *path, struct error *e)
{
	return open_with(path, DB_READ_ONLY, e);
}

void store_close(struct store *s)
{
	release(s);
}

enum err store_begin(struct store *s, struct error *e)
{
	return db_begin(&s->db, e);
}

enum err store_commit(struct store *s, struct error *e)
{
	return db_commit(&s->db, e);
}

bool store_moved(const struct store *s)
{
	return s->db.moved;
}

enum err store_try(struct store *s, struct error *e)
{
	return db_run(&s->db, STMT_TRY, NO_ARGS, e);
}

enum err store_try_keep(struct store *s, struct error *e)
{
	return db_run(&s->db, STMT_TRY_KEEP, NO_ARGS, e);
}

enum err store_try_undo(struct store *s, struct error *e)
{
	if (db_run(&s->db, STMT_TRY_UNDO, NO_ARGS, e))
		return e->code;
	return store_try_keep(s, e);
}

void store_set_wall(struct store *s, int64_t skew_ms)
{
	s->wall_skew_ms = skew_ms;
}

void store_rollback(struct store *s)
{
	db_rollback(&s->db);
	s->touched_count = 0;
}
