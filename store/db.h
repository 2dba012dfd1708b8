/*
 * SQLite as this project uses it: a file made only by its migrations,
 * statements from a table, each prepared once, typed arguments.  A handle
 * belongs to one thread.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "bot/base/error.h"

/* What a kind of file is: one constant for each of our databases. */
struct db_schema {
	const char *name;	       /* for messages: "kcibot.db" */
	int application_id;	       /* in the file's header */
	const char *const *migrations; /* SQL texts; [n] leads to version n+1 */
	size_t migration_count;
	const char *const *statements;
	size_t statement_count;
	/* Tables of which db.moved takes no note, up to NULL; may be NULL. */
	const char *const *aside;
};

enum db_flags {
	DB_WRITE = 0,
	DB_READ_ONLY = 1 << 0,
};

struct db {
	sqlite3 *handle;
	sqlite3_stmt **statements; /* NULL: it was not needed yet */
	sqlite3_stmt *begin, *commit;
	const struct db_schema *schema;
	bool read_only;
	/* Since db_begin() a statement was run that writes more than what is
	 * aside; and which ones do. */
	bool moved;
	bool *moves;
	bool move_seen;
};

/*
 * Opens path: WAL, synchronous=FULL, foreign keys, untrusted schema; makes
 * the file (0600) and migrates it, each migration in one transaction.
 * Read-only: the file must exist at exactly our version.
 * ERR_FATAL with both versions named when the file is newer than we are, or
 * is somebody else's.
 */
NODISCARD enum err db_open(struct db *db, const char *path,
			   const struct db_schema *schema, enum db_flags flags,
			   struct error *e);

/* Also for one that db_open() refused; twice is harmless. */
void db_close(struct db *db);

struct arg {
	enum { ARG_INT, ARG_TEXT, ARG_BLOB } type;
	int64_t number;	  /* or the length of a blob */
	const void *data; /* NULL = SQL NULL */
};

static inline struct arg arg_int(int64_t v)
{
	return (struct arg){ARG_INT, v, NULL};
}

static inline struct arg arg_text(const char *v)
{
	return (struct arg){ARG_TEXT, 0, v};
}

static inline struct arg arg_blob(const void *data, size_t len)
{
	return (struct arg){ARG_BLOB, (int64_t)len, data};
}

/* clang-format off */
#define ARG(x) _Generic((x), int: arg_int, bool: arg_int, unsigned: arg_int, \
	int64_t: arg_int, const char *: arg_text, char *: arg_text)(x)
/* clang-format on */

/* ARGS(ARG(a), ARG(b)): the arguments of a statement, in order. */
#define ARGS(...)                                                              \
	(const struct arg[]){__VA_ARGS__},                                     \
		sizeof((const struct arg[]){__VA_ARGS__}) / sizeof(struct arg)
#define NO_ARGS NULL, 0

/*
 * Prepares a statement if nobody needed it yet; db_start() does so by itself,
 * because most handles need few of them.  ERR_FATAL when its text is wrong:
 * test_migrate prepares them all.
 */
NODISCARD enum err db_prepare(struct db *db, size_t statement, struct error *e);

/*
 * A statement in use.  Rows are read with db_int() and friends between
 * db_next() calls; db_done() ends it early (db_next() does at its end).
 */
NODISCARD enum err db_start(struct db *db, size_t statement,
			    const struct arg *args, size_t count,
			    sqlite3_stmt **ret, struct error *e);

/* true: there is a row.  false: the end (ERR_OK) or trouble, see *code. */
bool db_next(struct db *db, sqlite3_stmt *s, enum err *code, struct error *e);
void db_done(sqlite3_stmt *s);

/* Runs a statement to its end and drops any rows. */
NODISCARD enum err db_run(struct db *db, size_t statement,
			  const struct arg *args, size_t count,
			  struct error *e);

/*
 * The first row of a statement; the caller ends it with db_done().
 * ERR_MISSING (without a sentence worth showing) when there is none.
 */
NODISCARD enum err db_row(struct db *db, size_t statement,
			  const struct arg *args, size_t count,
			  sqlite3_stmt **ret, struct error *e);

/* The first column of the first row, or absent. */
NODISCARD enum err db_value(struct db *db, size_t statement,
			    const struct arg *args, size_t count,
			    int64_t absent, int64_t *ret, struct error *e);

/*
 * All rows as a malloc'ed array, which the caller frees: read() fills one
 * zeroed element of size bytes from a row; drop() (or NULL) lets go of what
 * an element holds, when the rest fails.  ret_list points at the caller's
 * pointer; NULL and 0 when there are no rows.
 */
NODISCARD enum err db_collect(struct db *db, size_t statement,
			      const struct arg *args, size_t count, size_t size,
			      void (*read)(sqlite3_stmt *row, void *element),
			      void (*drop)(void *element), void *ret_list,
			      size_t *ret_count, struct error *e);

/* Rows changed by the last db_run(). */
int db_changes(struct db *db);
int64_t db_last_id(struct db *db);

/* Column readers; text is "" for NULL and borrowed until the next step. */
static inline int64_t db_int(sqlite3_stmt *s, int column)
{
	return sqlite3_column_int64(s, column);
}

static inline const char *db_text(sqlite3_stmt *s, int column)
{
	const char *text = (const char *)sqlite3_column_text(s, column);

	return text ? text : "";
}

/* A reader's transaction sees one moment and takes no lock. */
NODISCARD enum err db_begin(struct db *db, struct error *e);
NODISCARD enum err db_commit(struct db *db, struct error *e);
/* Silent, and safe when nothing is open. */
void db_rollback(struct db *db);

/* Turns SQLite's last error on this handle into ours. */
enum err db_error(struct db *db, struct error *e, const char *what);

#endif
