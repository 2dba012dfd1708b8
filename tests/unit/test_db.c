/* store/db.c: a file is ours, of our version, or is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "bot/base/cleanup.h"
#include "bot/base/fs.h"
#include "store/db.h"

static char folder[200];
static char path[256];

static int set_up(void **state UNUSED)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%s/db.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/t.db", folder);
	return 0;
}

static int tear_down(void **state UNUSED)
{
	struct error e = ERROR_INIT;

	return fs_remove_tree(folder, &e) ? -1 : 0;
}

static const char *const migrations[] = {
	"CREATE TABLE a(id INTEGER PRIMARY KEY, n INTEGER NOT NULL) STRICT;",
	"CREATE TABLE b(id INTEGER PRIMARY KEY, t TEXT) STRICT;"
	"INSERT INTO b(t) VALUES('second');",
	"CREATE TABLE c(id INTEGER PRIMARY KEY) STRICT;"
	"INSERT INTO no_such_table VALUES(1);",
};

enum { ADD, GET, ADD_ANY };

static const char *const statements[] = {
	[ADD] = "INSERT INTO a(n) VALUES(?1)",
	[GET] = "SELECT n FROM a WHERE id = ?1",
	[ADD_ANY] = "INSERT INTO a(n) VALUES(?1)",
};

static struct db_schema schema_of(size_t version)
{
	return (struct db_schema){
		.name = "t.db",
		.application_id = 0x74657374,
		.migrations = migrations,
		.migration_count = version,
		.statements = statements,
		.statement_count = ARRAY_SIZE(statements),
	};
}

static int64_t pragma(const char *sql)
{
	sqlite3 *h;
	sqlite3_stmt *s;
	int64_t value;

	assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(h, sql, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	value = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(h);
	return value;
}

static void execute(const char *sql)
{
	sqlite3 *h;

	assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
	assert_int_equal(sqlite3_exec(h, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(h);
}

static void test_made_private_durable_and_strict(void **state UNUSED)
{
	struct db_schema schema = schema_of(1);
	struct error e = ERROR_INIT;
	struct stat st;
	sqlite3_stmt *s;
	int64_t value;
	struct db db;

	assert_int_equal(db_open(&db, path, &schema, DB_WRITE, &e), ERR_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);

	assert_int_equal(sqlite3_prepare_v2(db.handle, "PRAGMA synchronous", -1,
					    &s, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(s, 0), 2); /* FULL */
	sqlite3_finalize(s);

	assert_int_equal(db_run(&db, ADD, ARGS(ARG(7)), &e), ERR_OK);
	assert_int_equal(db_run(&db, ADD_ANY, ARGS(ARG("no number")), &e),
			 ERR_CONFLICT);
	assert_int_equal(db_value(&db, GET, ARGS(ARG(1)), -1, &value, &e),
			 ERR_OK);
	assert_int_equal(value, 7);
	assert_int_equal(db_value(&db, GET, ARGS(ARG(2)), -1, &value, &e),
			 ERR_OK);
	assert_int_equal(value, -1);
	db_close(&db);
	db_close(&db); /* harmless */
	assert_int_equal(pragma("PRAGMA user_version"), 1);
	assert_int_equal(pragma("PRAGMA application_id"), 0x74657374);
}

static void test_migrates_step_by_step(void **state UNUSED)
{
	struct db_schema old = schema_of(1), newer = schema_of(2);
	struct error e = ERROR_INIT;
	struct db db;

	assert_int_equal(db_open(&db, path, &old, DB_WRITE, &e), ERR_OK);
	assert_int_equal(db_run(&db, ADD, ARGS(ARG(7)), &e), ERR_OK);
	db_close(&db);
	assert_int_equal(db_open(&db, path, &newer, DB_WRITE, &e), ERR_OK);
	db_close(&db);
	assert_int_equal(pragma("SELECT count(*) FROM b"), 1);
	assert_int_equal(pragma("SELECT n FROM a"), 7);
	/* And is not done again. */
	assert_int_equal(db_open(&db, path, &newer, DB_WRITE, &e), ERR_OK);
	db_close(&db);
	assert_int_equal(pragma("SELECT count(*) FROM b"), 1);
}

static void test_newer_file_is_refused_by_both_versions(void **state UNUSED)
{
	struct db_schema old = schema_of(1), newer = schema_of(2);
	struct error e = ERROR_INIT;
	struct db db;

	assert_int_equal(db_open(&db, path, &newer, DB_WRITE, &e), ERR_OK);
	db_close(&db);
	execute("PRAGMA user_version=17");
	assert_int_equal(db_open(&db, path, &old, DB_WRITE, &e), ERR_FATAL);
	assert_non_null(strstr(e.text, "version 17"));
	assert_non_null(strstr(e.text, "version 1:"));
	assert_non_null(strstr(e.text, path));
	assert_null(db.handle);
	assert_int_equal(pragma("PRAGMA user_version"), 17);
}

static void test_reader_wants_exactly_our_version(void **state UNUSED)
{
	struct db_schema old = schema_of(1), newer = schema_of(2);
	struct error e = ERROR_INIT;
	struct db db;

	assert_int_equal(db_open(&db, path, &newer, DB_READ_ONLY, &e),
			 ERR_FATAL); /* no file, and none made */
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_equal(db_open(&db, path, &old, DB_WRITE, &e), ERR_OK);
	db_close(&db);
	assert_int_equal(db_open(&db, path, &newer, DB_READ_ONLY, &e),
			 ERR_FATAL);
	assert_non_null(strstr(e.text, "version 1, not 2"));
	assert_int_equal(db_open(&db, path, &old, DB_READ_ONLY, &e), ERR_OK);
	assert_int_not_equal(db_run(&db, ADD, ARGS(ARG(7)), &e), ERR_OK);
	db_close(&db);
}

/* Somebody else's database is refused without a byte of it changed. */
static void refuse_foreign(const char *sql)
{
	struct db_schema schema = schema_of(1);
	CLEANUP(str_release) struct str before = STR_INIT(1 << 20);
	CLEANUP(str_release) struct str after = STR_INIT(1 << 20);
	struct error e = ERROR_INIT;
	struct db db;

	unlink(path);
	execute(sql);
	assert_int_equal(fs_read(path, &before, &e), ERR_OK);
	assert_int_equal(db_open(&db, path, &schema, DB_WRITE, &e), ERR_FATAL);
	assert_non_null(strstr(e.text, "not a t.db"));
	assert_int_equal(fs_read(path, &after, &e), ERR_OK);
	assert_int_equal(after.len, before.len);
	assert_memory_equal(after.text, before.text, before.len);
}

static void test_foreign_database_is_refused(void **state UNUSED)
{
	refuse_foreign("CREATE TABLE x(y)"); /* version 0, no id */
	refuse_foreign("PRAGMA application_id=5; CREATE TABLE x(y)");
	refuse_foreign("PRAGMA user_version=1; CREATE TABLE a(id, n)");
	refuse_foreign("PRAGMA user_version=1; PRAGMA application_id=5");
}

static void test_no_database_is_refused(void **state UNUSED)
{
	struct db_schema schema = schema_of(1);
	char noise[4096];
	struct error e = ERROR_INIT;
	struct db db;

	memset(noise, 'x', sizeof(noise));
	assert_int_equal(fs_write(path, noise, sizeof(noise), 0600, &e),
			 ERR_OK);
	assert_int_equal(db_open(&db, path, &schema, DB_WRITE, &e), ERR_FATAL);
	assert_non_null(strstr(e.text, "not a database"));
}

static void test_failed_migration_leaves_the_old_version(void **state UNUSED)
{
	struct db_schema good = schema_of(2), bad = schema_of(3);
	struct error e = ERROR_INIT;
	struct db db;

	assert_int_equal(db_open(&db, path, &good, DB_WRITE, &e), ERR_OK);
	db_close(&db);
	assert_int_equal(db_open(&db, path, &bad, DB_WRITE, &e), ERR_FATAL);
	assert_non_null(strstr(e.text, "migration 3"));
	assert_non_null(strstr(e.text, "no_such_table"));
	assert_int_equal(pragma("PRAGMA user_version"), 2);
	assert_int_equal(pragma("SELECT count(*) FROM sqlite_schema"
				" WHERE name = 'c'"),
			 0);
	assert_int_equal(db_open(&db, path, &good, DB_WRITE, &e), ERR_OK);
	db_close(&db);
}

static void test_rollback(void **state UNUSED)
{
	struct db_schema schema = schema_of(1);
	struct error e = ERROR_INIT;
	int64_t value;
	struct db db;

	assert_int_equal(db_open(&db, path, &schema, DB_WRITE, &e), ERR_OK);
	assert_int_equal(db_begin(&db, &e), ERR_OK);
	assert_int_equal(db_run(&db, ADD, ARGS(ARG(7)), &e), ERR_OK);
	assert_int_equal(db_changes(&db), 1);
	assert_int_equal(db_last_id(&db), 1);
	db_rollback(&db);
	db_rollback(&db);
	assert_int_equal(db_value(&db, GET, ARGS(ARG(1)), -1, &value, &e),
			 ERR_OK);
	assert_int_equal(value, -1);
	db_close(&db);
}

static void test_statement_text_is_checked(void **state UNUSED)
{
	static const char *const surplus[] = {"SELECT 1; DELETE FROM a"};
	static const char *const wrong[] = {"SELECT nothing FROM nowhere"};
	struct db_schema schema = schema_of(1);
	struct error e = ERROR_INIT;
	struct db db;

	schema.statement_count = 1;
	schema.statements = surplus;
	assert_int_equal(db_open(&db, path, &schema, DB_WRITE, &e), ERR_OK);
	assert_int_equal(db_prepare(&db, 0, &e), ERR_FATAL);
	assert_non_null(strstr(e.text, "surplus"));
	schema.statements = wrong;
	assert_int_equal(db_run(&db, 0, NO_ARGS, &e), ERR_FATAL);
	assert_non_null(strstr(e.text, "nowhere"));
	db_close(&db);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_made_private_durable_and_strict),
		TEST(test_migrates_step_by_step),
		TEST(test_newer_file_is_refused_by_both_versions),
		TEST(test_reader_wants_exactly_our_version),
		TEST(test_foreign_database_is_refused),
		TEST(test_no_database_is_refused),
		TEST(test_failed_migration_leaves_the_old_version),
		TEST(test_rollback),
		TEST(test_statement_text_is_checked),
	};

	return cmocka_run_group_tests_name("db", tests, NULL, NULL);
}
