/*
 * A database of the first version, with a row in every table, becomes one of
 * today: nothing is lost, nothing points nowhere, and its audit is held on
 * to by the chain.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "bot/base/cleanup.h"
#include "bot/base/fs.h"
#include "bot/base/str.h"
#include "store/audit.h"
#include "store/internal.h"
#include "store/record.h"
#include "store/trust.h"

#define SHA "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const char first_version[] =
#include "store/migrations/kcibot_0001_init.sql.inc"
	;

static const char rows[] =
	"INSERT INTO meta VALUES('self_id', '1');"
	"INSERT INTO cursor VALUES(1, '0123456789abcdef0123456789abcdef', 42);"
	"INSERT INTO delivery VALUES(42, 'guid', 'issue_comment', 'created',"
	" zeroblob(32), 5, 'command');"
	"INSERT INTO pull VALUES(1, 'o/r', 7, 'Title', 70, 'ann', 'open', 0,"
	" 'main', '" SHA "', '[\"a\"]', 3, 4);"
	"INSERT INTO head VALUES(1, 1, '" SHA "', 100, 'webhook');"
	"INSERT INTO principal VALUES(70, 'ann', 9), (71, 'mona', 9);"
	"INSERT INTO trust VALUES(1, 71, 'admin', '', 1, 'x', 'y', 0, 0, ''),"
	" (2, 70, 'contributor', 'o/r', 1, 'mona', 'helps', 99, 7, 'mona');"
	"INSERT INTO said VALUES"
	" (1, 500, 'o/r', 7, 71, 'mona', '[{\"verb\":\"deploy\"}]', 10, 11,"
	"  'webhook', 'accepted', 'yes'),"
	" (2, NULL, 'o/r', 7, 71, 'mona', '[]', 12, 13, 'cli', 'refused', ''),"
	" (9, 501, 'o/r', 7, 70, 'ann', '[]', 14, 15, 'scan', 'checking', '');"
	"INSERT INTO environment VALUES('staging', 1, 2, 3, 4, 5, 'why', 6);"
	"INSERT INTO cycle VALUES(1, 'staging', 'full', 'finished', 2,"
	" '[\"a\"]', 1, 1, '', 1, 'c', 'success', 'ok', 't', 'tag', 1, 2);"
	"INSERT INTO request VALUES"
	" (1, 'staging', 'full', 'comment', 1, '" SHA "', 'main', 71, 'mona',"
	"  1, 10, 'done', 1, 'success', 1, 0),"
	" (2, 'staging', 'auto', 'base', NULL, '', '', 0, '', NULL, 11,"
	"  'waiting', NULL, '', 0, 0),"
	" (3, 'staging', 'short', 'cli', 1, '" SHA "', 'main', 70, 'ann', 9,"
	"  12, 'waiting', NULL, '', 0, 1);"
	"INSERT INTO manifest VALUES(1, 0, 'o/r', 'main', 'st', 'b', 'o', 's');"
	"INSERT INTO revision VALUES(1, 0, 1, 'o/r', 7, '" SHA "', 't', 'ann',"
	" 'merged', '', 1, '[]');"
	"INSERT INTO job VALUES(1, 1, 'a', 'deploy', 'key', 'finished',"
	" 'success', 'exit', 't', 0, 'tail', 1, 2);"
	"INSERT INTO result VALUES(1, '" SHA "', 'staging', 'success', 1, 2,"
	" 3);"
	"INSERT INTO quarantine VALUES(1, 1, '" SHA "', 'staging', 1, 'bad', 1,"
	" 2, 'mona');"
	"INSERT INTO posted VALUES(1, 'reply', 900, 'hash');"
	"INSERT INTO status VALUES('o/r', '" SHA "', 'kcibot/staging',"
	" 'success', 'fine');"
	"INSERT INTO outbox VALUES(1, 'forge.comment', 't', 'k', '{}', 'done',"
	" 1, 0, 0, 1, 2, '');"
	"INSERT INTO scan VALUES('o/r', 1, '2026-11-01T00:00:00Z', 2, 1, 'ok');"
	"INSERT INTO audit VALUES"
	" (1, 10, 'mona (71)', 'trigger', 'o/r#7', 'comment'),"
	" (2, 11, 'mona (71)', 'trust.add', 'ann (70)', 'helps'),"
	" (3, 12, 'ann (70)', 'refused', 'o/r#7', 'no role');";

static char folder[200];
static char path[256];

static sqlite3 *open_raw(void)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	return db;
}

static void run(const char *sql)
{
	sqlite3 *db = open_raw();
	char *why = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
	sqlite3_close(db);
}

static int set_up(void **state UNUSED)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%s/migrate.XXXXXX",
		 tmp ? tmp : "/tmp");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/kcibot.db", folder);
	run("PRAGMA foreign_keys=1");
	run(first_version);
	run(rows);
	run("PRAGMA user_version=1; PRAGMA application_id=0x6b636962");
	return 0;
}

static int tear_down(void **state UNUSED)
{
	struct error e = ERROR_INIT;

	return fs_remove_tree(folder, &e) ? -1 : 0;
}

static void migrate(void)
{
	struct error e = ERROR_INIT;
	struct store *s = store_open(path, &e);

	if (!s)
		fail_msg("%s", e.text);
	store_close(s);
}

/* All rows of a query as text, a line each. */
static char *dump(sqlite3 *db, const char *sql)
{
	CLEANUP(str_release) struct str out = STR_INIT(1u << 20);
	struct error e = ERROR_INIT;
	sqlite3_stmt *s;
	char *text;

	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	while (sqlite3_step(s) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(s); i++)
			str_addf(&out, "%s|",
				 sqlite3_column_type(s, i) == SQLITE_NULL
					 ? "NULL"
					 : (const char *)sqlite3_column_text(
						   s, i));
		str_putc(&out, '\n');
	}
	sqlite3_finalize(s);
	assert_int_equal(str_take(&out, &text, &e), ERR_OK);
	return text;
}

/* The columns of every table of the first version: "SELECT a, b FROM t". */
static size_t remember_tables(char queries[32][600])
{
	sqlite3 *db = open_raw();
	sqlite3_stmt *s;
	size_t n = 0;

	assert_int_equal(
		sqlite3_prepare_v2(
			db,
			"SELECT format('SELECT %s FROM %s ORDER BY 1, 2',"
			" group_concat(c.name), t.name) FROM sqlite_schema t"
			" JOIN pragma_table_info(t.name) c"
			" WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%'"
			" GROUP BY t.name",
			-1, &s, NULL),
		SQLITE_OK);
	while (sqlite3_step(s) == SQLITE_ROW)
		snprintf(queries[n++], 600, "%s",
			 (const char *)sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	sqlite3_close(db);
	return n;
}

/* The head of the chain is kept in meta: that row is new. */
static void forget_head(sqlite3 *db)
{
	assert_int_equal(
		sqlite3_exec(db, "DELETE FROM meta WHERE key = 'audit_head'",
			     NULL, NULL, NULL),
		SQLITE_OK);
}

static void test_nothing_is_lost(void **state UNUSED)
{
	static char queries[32][600];
	static char *before[32];
	size_t count = remember_tables(queries);
	sqlite3 *db = open_raw();

	assert_int_equal(count, 21);
	for (size_t i = 0; i < count; i++) {
		before[i] = dump(db, queries[i]);
		if (!*before[i])
			fail_msg("no row: %s", queries[i]);
	}
	sqlite3_close(db);
	migrate();
	db = open_raw();
	forget_head(db);
	for (size_t i = 0; i < count; i++) {
		CLEANUP(free) char *now = dump(db, queries[i]);

		assert_string_equal(now, before[i]);
		free(before[i]);
	}
	sqlite3_close(db);
}

static void assert_one(const char *sql, const char *want)
{
	sqlite3 *db = open_raw();
	CLEANUP(free) char *got = dump(db, sql);

	assert_string_equal(got, want);
	sqlite3_close(db);
}

static void test_references_hold(void **state UNUSED)
{
	migrate();
	assert_one("SELECT count(*) FROM pragma_foreign_key_check", "0|\n");
	assert_one("SELECT q.id, s.comment_id, s.kind FROM request q"
		   " JOIN said s ON s.id = q.said_id ORDER BY 1",
		   "1|500|comment|\n3|501|comment|\n");
	assert_one("SELECT kind FROM said WHERE comment_id IS NULL", "cli|\n");
	/* And they are enforced, on the table of today. */
	assert_one("SELECT DISTINCT \"table\" FROM"
		   " pragma_foreign_key_list('request') ORDER BY 1",
		   "cycle|\nenvironment|\npull|\nsaid|\n");
	/* Twice is harmless. */
	migrate();
	assert_one("SELECT count(*) FROM said", "3|\n");
}

static void verify(struct audit_report *ret)
{
	struct error e = ERROR_INIT;
	struct store *s = store_open_reader(path, &e);

	assert_non_null(s);
	assert_int_equal(store_audit_verify(s, NULL, NULL, ret, &e), ERR_OK);
	store_close(s);
}

static void add_entry(void)
{
	struct error e = ERROR_INIT;
	struct store *s = store_open(path, &e);

	assert_non_null(s);
	assert_int_equal(store_begin(s, &e), ERR_OK);
	assert_int_equal(store_audit(s, 20, AUDIT_BOT, "start", "", "", &e),
			 ERR_OK);
	assert_int_equal(store_commit(s, &e), ERR_OK);
	store_close(s);
}

static void test_chain_holds_on_to_old_entries(void **state UNUSED)
{
	struct audit_report r;

	migrate();
	verify(&r);
	assert_false(r.broken);
	assert_int_equal(r.count, 3);
	add_entry();
	verify(&r);
	assert_false(r.broken);
	assert_int_equal(r.count, 4);
	assert_int_equal(r.head.id, 4);
	run("DROP TRIGGER audit_no_update;"
	    "UPDATE audit SET why = 'she has one' WHERE id = 3");
	verify(&r);
	assert_true(r.broken);
	assert_int_equal(r.broken_id, 4);
	assert_non_null(strstr(r.broken_how, "older entries"));
}

/* Also before anything was added behind them. */
static void test_old_entries_alone_are_held(void **state UNUSED)
{
	struct audit_report r;

	migrate();
	run("DROP TRIGGER audit_no_update;"
	    "UPDATE audit SET actor = 'eve (6)' WHERE id = 1");
	verify(&r);
	assert_true(r.broken);
	/* Another start does not bless it. */
	migrate();
	add_entry();
	verify(&r);
	assert_true(r.broken);
}

static void test_old_entry_taken_away(void **state UNUSED)
{
	struct audit_report r;

	migrate();
	add_entry();
	run("DROP TRIGGER audit_no_delete; DELETE FROM audit WHERE id = 2");
	verify(&r);
	assert_true(r.broken);
	assert_int_equal(r.broken_id, 2);
	assert_non_null(strstr(r.broken_how, "missing"));
}

/* They are prepared when they are needed: a wrong one would show late. */
static void test_every_statement_is_right(void **state UNUSED)
{
	struct error e = ERROR_INIT;
	struct store *s = store_open(path, &e);

	assert_non_null(s);
	for (size_t i = 0; i < STMT_MAX; i++)
		if (db_prepare(&s->db, i, &e))
			fail_msg("%s", e.text);
	store_close(s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_is_lost),
		TEST(test_references_hold),
		TEST(test_chain_holds_on_to_old_entries),
		TEST(test_old_entries_alone_are_held),
		TEST(test_old_entry_taken_away),
		TEST(test_every_statement_is_right),
	};

	return cmocka_run_group_tests_name("migrate", tests, NULL, NULL);
}
