#include "store/db.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUSY_MS 5000

enum err db_error(struct db *db, struct error *e, const char *what)
{
	int rc = sqlite3_errcode(db->handle);
	enum err code = ERR_FATAL;

	if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
		code = ERR_RETRY;
	else if (rc == SQLITE_CONSTRAINT)
		code = ERR_CONFLICT;
	return error_set(e, code, "%s: %s: %s", db->schema->name, what,
			 sqlite3_errmsg(db->handle));
}

static enum err exec(struct db *db, const char *sql, struct error *e)
{
	if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
		return db_error(db, e, sql);
	return ERR_OK;
}

/* For statements outside the table: pragmas and migrations. */
static enum err ask_int(struct db *db, const char *sql, int64_t *ret,
			struct error *e)
{
	sqlite3_stmt *s;

	if (sqlite3_prepare_v2(db->handle, sql, -1, &s, NULL) != SQLITE_OK)
		return db_error(db, e, sql);
	if (sqlite3_step(s) == SQLITE_ROW) {
		*ret = sqlite3_column_int64(s, 0);
		sqlite3_finalize(s);
		return ERR_OK;
	}
	db_error(db, e, sql);
	sqlite3_finalize(s);
	return e->code;
}

static enum err exec_int(struct db *db, const char *fmt, int64_t value,
			 struct error *e)
{
	char sql[128];

	sqlite3_snprintf(sizeof(sql), sql, fmt, (long long)value);
	return exec(db, sql, e);
}

/* Foreign keys are off while a table is made anew, and checked here. */
static enum err check_references(struct db *db, struct error *e)
{
	int64_t wrong;

	if (ask_int(db, "SELECT count(*) FROM pragma_foreign_key_check", &wrong,
		    e))
		return e->code;
	if (wrong)
		return error_set(e, ERR_FATAL, "%lld rows would point nowhere",
				 (long long)wrong);
	return ERR_OK;
}

/* One migration, with its version number, in one transaction. */
static enum err migrate_one(struct db *db, size_t n, struct error *e)
{
	const struct db_schema *schema = db->schema;

	if (exec(db, "BEGIN IMMEDIATE", e))
		return e->code;
	if (exec(db, schema->migrations[n], e) || check_references(db, e) ||
	    exec_int(db, "PRAGMA user_version=%lld", (int64_t)n + 1, e) ||
	    exec_int(db, "PRAGMA application_id=%lld", schema->application_id,
		     e) ||
	    exec(db, "COMMIT", e)) {
		db_rollback(db);
		return error_prefix(e, "migration %zu", n + 1);
	}
	return ERR_OK;
}

static enum err check_version(struct db *db, int64_t *ret_version,
			      struct error *e)
{
	const struct db_schema *schema = db->schema;
	int64_t version, id;

	if (ask_int(db, "PRAGMA user_version", &version, e) ||
	    ask_int(db, "PRAGMA application_id", &id, e))
		return e->code;
	/* A file of somebody else's may well have version 0. */
	if (!version && !id &&
	    ask_int(db, "SELECT count(*) FROM sqlite_schema", &id, e))
		return e->code;
	if ((version || id) && id != schema->application_id)
		return error_set(e, ERR_FATAL, "this is not a %s",
				 schema->name);
	if (version > (int64_t)schema->migration_count)
		return error_set(e, ERR_FATAL,
				 "the file has version %lld, this kcibot knows "
				 "up to version %zu: install the newer kcibot "
				 "again, or restore a backup",
				 (long long)version, schema->migration_count);
	*ret_version = version;
	return ERR_OK;
}

static enum err migrate(struct db *db, int64_t version, enum db_flags flags,
			struct error *e)
{
	if ((flags & DB_READ_ONLY) &&
	    version != (int64_t)db->schema->migration_count)
		return error_set(
			e, ERR_FATAL, "the file has version %lld, not %zu",
			(long long)version, db->schema->migration_count);
	/* A table that others point at can only be made anew without. */
	if (exec(db, "PRAGMA foreign_keys=0", e))
		return e->code;
	for (size_t n = (size_t)version; n < db->schema->migration_count; n++)
		if (migrate_one(db, n, e))
			return e->code;
	return exec(db, "PRAGMA foreign_keys=1", e);
}

static bool is_aside(const struct db_schema *schema, const char *table)
{
	for (const char *const *t = schema->aside; t && *t; t++)
		if (strcmp(*t, table) == 0)
			return true;
	return false;
}

/* Called by SQLite for whatever a statement that is being prepared will do. */
static int look_at(void *ctx, int action, const char *table,
		   const char *two UNUSED, const char *three UNUSED,
		   const char *four UNUSED)
{
	struct db *db = ctx;

	if ((action == SQLITE_INSERT || action == SQLITE_UPDATE ||
	     action == SQLITE_DELETE) &&
	    !is_aside(db->schema, table))
		db->move_seen = true;
	return SQLITE_OK;
}

static enum err make_table(struct db *db, struct error *e)
{
	size_t count = db->schema->statement_count;

	db->statements = calloc(count, sizeof(*db->statements));
	db->moves = calloc(count, sizeof(*db->moves));
	if (!db->statements || !db->moves)
		return error_set(e, ERR_FATAL, "out of memory");
	if (!db->read_only)
		sqlite3_set_authorizer(db->handle, look_at, db);
	return ERR_OK;
}

static enum err open_file(struct db *db, const char *path, enum db_flags flags,
			  struct error *e)
{
	int how = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW |
		  SQLITE_OPEN_EXRESCODE;

	if (flags & DB_READ_ONLY) {
		how |= SQLITE_OPEN_READWRITE; /* WAL needs its -shm */
	} else {
		/* SQLite would make it with the umask's rights. */
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

		if (fd < 0)
			return error_errno(e, ERR_FATAL, "cannot open");
		close(fd);
		how |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	}
	if (sqlite3_open_v2(path, &db->handle, how, NULL) != SQLITE_OK)
		return error_set(e, ERR_FATAL, "cannot open: %s",
				 db->handle ? sqlite3_errmsg(db->handle)
					    : "out of memory");
	sqlite3_extended_result_codes(db->handle, 0);
	sqlite3_busy_timeout(db->handle, BUSY_MS);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	return ERR_OK;
}

static enum err configure(struct db *db, enum db_flags flags, struct error *e)
{
	if (flags & DB_READ_ONLY)
		return exec(db,
			    "PRAGMA query_only=1; PRAGMA trusted_schema=0;"
			    "PRAGMA temp_store=memory",
			    e);
	return exec(db,
		    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
		    "PRAGMA trusted_schema=0; PRAGMA temp_store=memory",
		    e);
}

enum err db_open(struct db *db, const char *path,
		 const struct db_schema *schema, enum db_flags flags,
		 struct error *e)
{
	int64_t version = 0;

	*db = (struct db){.schema = schema, .read_only = flags & DB_READ_ONLY};
	/* Looked at before anything, WAL mode included, is written to it. */
	if (open_file(db, path, flags, e) || check_version(db, &version, e) ||
	    configure(db, flags, e) || migrate(db, version, flags, e) ||
	    make_table(db, e)) {
		error_prefix(e, "%s", path);
		e->code = ERR_FATAL;
		db_close(db);
		return e->code;
	}
	return ERR_OK;
}

void db_close(struct db *db)
{
	if (db->statements)
		for (size_t i = 0; i < db->schema->statement_count; i++)
			sqlite3_finalize(db->statements[i]);
	sqlite3_finalize(db->begin);
	sqlite3_finalize(db->commit);
	free(db->statements);
	free(db->moves);
	sqlite3_close(db->handle);
	db->statements = NULL;
	db->moves = NULL;
	db->begin = db->commit = NULL;
	db->handle = NULL;
}

static int bind(sqlite3_stmt *s, int at, const struct arg *a)
{
	if (a->type == ARG_INT)
		return sqlite3_bind_int64(s, at, a->number);
	if (!a->data)
		return sqlite3_bind_null(s, at);
	if (a->type == ARG_TEXT)
		return sqlite3_bind_text(s, at, a->data, -1, SQLITE_TRANSIENT);
	return sqlite3_bind_blob64(s, at, a->data, (sqlite3_uint64)a->number,
				   SQLITE_TRANSIENT);
}

enum err db_prepare(struct db *db, size_t statement, struct error *e)
{
	const char *sql = db->schema->statements[statement], *tail;
	sqlite3_stmt *s;

	assert(statement < db->schema->statement_count);
	if (db->statements[statement])
		return ERR_OK;
	if (!sql)
		return error_set(e, ERR_FATAL, "statement %zu is empty",
				 statement);
	db->move_seen = false;
	if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
			       &s, &tail) != SQLITE_OK)
		return db_error(db, e, sql);
	if (*tail) {
		sqlite3_finalize(s);
		return error_set(e, ERR_FATAL,
				 "surplus text after a statement: %s", tail);
	}
	db->statements[statement] = s;
	db->moves[statement] = db->move_seen;
	return ERR_OK;
}

enum err db_start(struct db *db, size_t statement, const struct arg *args,
		  size_t count, sqlite3_stmt **ret, struct error *e)
{
	sqlite3_stmt *s;

	if (db_prepare(db, statement, e))
		return e->code;
	s = db->statements[statement];
	db->moved |= db->moves[statement];
	assert((size_t)sqlite3_bind_parameter_count(s) == count);
	assert(!sqlite3_stmt_busy(s)); /* two uses at once would mix */
	sqlite3_reset(s);
	for (size_t i = 0; i < count; i++)
		if (bind(s, (int)i + 1, &args[i]) != SQLITE_OK)
			return db_error(db, e, "bind");
	*ret = s;
	return ERR_OK;
}

bool db_next(struct db *db, sqlite3_stmt *s, enum err *code, struct error *e)
{
	int rc = sqlite3_step(s);

	*code = ERR_OK;
	if (rc == SQLITE_ROW)
		return true;
	if (rc != SQLITE_DONE)
		*code = db_error(db, e, sqlite3_sql(s));
	db_done(s);
	return false;
}

void db_done(sqlite3_stmt *s)
{
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
}

enum err db_run(struct db *db, size_t statement, const struct arg *args,
		size_t count, struct error *e)
{
	sqlite3_stmt *s;
	enum err code;

	if (db_start(db, statement, args, count, &s, e))
		return e->code;
	while (db_next(db, s, &code, e))
		;
	return code;
}

enum err db_row(struct db *db, size_t statement, const struct arg *args,
		size_t count, sqlite3_stmt **ret, struct error *e)
{
	enum err code;

	if (db_start(db, statement, args, count, ret, e))
		return e->code;
	if (db_next(db, *ret, &code, e))
		return ERR_OK;
	return code ? code : error_set(e, ERR_MISSING, "no such row");
}

enum err db_value(struct db *db, size_t statement, const struct arg *args,
		  size_t count, int64_t absent, int64_t *ret, struct error *e)
{
	sqlite3_stmt *s;
	enum err code = db_row(db, statement, args, count, &s, e);

	*ret = absent;
	if (code == ERR_MISSING)
		return ERR_OK;
	if (code)
		return code;
	if (sqlite3_column_type(s, 0) != SQLITE_NULL)
		*ret = db_int(s, 0);
	db_done(s);
	return ERR_OK;
}

static void drop_all(char *list, size_t count, size_t size,
		     void (*drop)(void *element))
{
	for (size_t i = 0; drop && i < count; i++)
		drop(list + i * size);
	free(list);
}

enum err db_collect(struct db *db, size_t statement, const struct arg *args,
		    size_t count, size_t size,
		    void (*read)(sqlite3_stmt *row, void *element),
		    void (*drop)(void *element), void *ret_list,
		    size_t *ret_count, struct error *e)
{
	char *list = NULL;
	size_t n = 0, room = 0;
	sqlite3_stmt *row;
	enum err code;

	if (db_start(db, statement, args, count, &row, e))
		return e->code;
	while (db_next(db, row, &code, e)) {
		if (n == room) {
			size_t more = room ? 2 * room : 8;
			char *bigger = realloc(list, more * size);

			if (!bigger) {
				db_done(row);
				drop_all(list, n, size, drop);
				return error_set(e, ERR_FATAL, "out of memory");
			}
			list = bigger;
			room = more;
		}
		memset(list + n * size, 0, size);
		read(row, list + n++ * size);
	}
	if (code) {
		drop_all(list, n, size, drop);
		return code;
	}
	memcpy(ret_list, &list, sizeof(list));
	*ret_count = n;
	return ERR_OK;
}

int db_changes(struct db *db)
{
	return sqlite3_changes(db->handle);
}

int64_t db_last_id(struct db *db)
{
	return sqlite3_last_insert_rowid(db->handle);
}

/* Prepared once, as they are in the way of every event. */
static enum err run_word(struct db *db, sqlite3_stmt **word, const char *sql,
			 struct error *e)
{
	int rc;

	if (!*word &&
	    sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
			       word, NULL) != SQLITE_OK)
		return db_error(db, e, sql);
	rc = sqlite3_step(*word);
	if (rc != SQLITE_DONE)
		db_error(db, e, sql);
	sqlite3_reset(*word);
	return rc == SQLITE_DONE ? ERR_OK : e->code;
}

enum err db_begin(struct db *db, struct error *e)
{
	db->moved = false;
	return run_word(db, &db->begin,
			db->read_only ? "BEGIN" : "BEGIN IMMEDIATE", e);
}

enum err db_commit(struct db *db, struct error *e)
{
	return run_word(db, &db->commit, "COMMIT", e);
}

void db_rollback(struct db *db)
{
	if (db->handle && !sqlite3_get_autocommit(db->handle))
		sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}
