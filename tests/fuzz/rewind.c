#include "tests/fuzz/rewind.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bot/base/cleanup.h"
#include "bot/base/str.h"
#include "tests/fuzz/fuzz.h"

#define ASKED_MAX 16
/* Two for each table, and what brackets them. */
#define STEPS_MAX 256

struct asked {
	const char *sql;
	sqlite3_stmt *s;
};

struct rewind {
	sqlite3 *db;
	sqlite3_stmt *version;
	sqlite3_stmt *steps[STEPS_MAX];
	size_t step_count;
	struct asked
		asked[ASKED_MAX]; /* prepared, by the address of the text */
	int64_t seen;
};

static void must(struct rewind *r, int code)
{
	if (code == SQLITE_OK)
		return;
	fprintf(stderr, "%s\n", sqlite3_errmsg(r->db));
	MUST(code == SQLITE_OK);
}

static sqlite3_stmt *prepare(struct rewind *r, const char *sql)
{
	sqlite3_stmt *s = NULL;

	must(r, sqlite3_prepare_v2(r->db, sql, -1, &s, NULL));
	return s;
}

static int64_t step(struct rewind *r, sqlite3_stmt *s)
{
	int64_t value;

	MUST(sqlite3_step(s) == SQLITE_ROW);
	value = sqlite3_column_int64(s, 0);
	must(r, sqlite3_reset(s));
	return value;
}

static void add_step(struct rewind *r, const char *fmt, const char *table)
{
	char *sql = sqlite3_mprintf(fmt, table, table);

	MUST(sql && r->step_count < STEPS_MAX);
	r->steps[r->step_count++] = prepare(r, sql);
	sqlite3_free(sql);
}

/* Prepared once: reading them takes longer than doing them. */
static void prepare_steps(struct rewind *r, const char *spare)
{
	sqlite3_stmt *s = prepare(r, "SELECT name FROM main.sqlite_schema"
				     " WHERE type = 'table'"
				     " AND name NOT LIKE 'sqlite_%'");

	add_step(r, "BEGIN IMMEDIATE", NULL);
	while (sqlite3_step(s) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(s, 0);
		char word[128];

		snprintf(word, sizeof(word), " %s ", name);
		if (strstr(spare, word))
			continue;
		add_step(r, "DELETE FROM main.\"%w\"", name);
		add_step(r, "INSERT INTO main.\"%w\" SELECT * FROM kept.\"%w\"",
			 name);
	}
	add_step(r, "COMMIT", NULL);
	sqlite3_finalize(s);
}

struct rewind *rewind_new(const char *path, const char *spare)
{
	CLEANUP(free) char *words = str_format(" %s ", spare);
	struct rewind *r = calloc(1, sizeof(*r));
	char *sql;

	MUST(r);
	must(r, sqlite3_open(path, &r->db));
	/* What may never be done to an audit is done to it here. */
	must(r,
	     sqlite3_db_config(r->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL));
	sql = sqlite3_mprintf("PRAGMA synchronous=OFF; PRAGMA foreign_keys=OFF;"
			      "VACUUM INTO '%q.kept';"
			      "ATTACH '%q.kept' AS kept",
			      path, path);
	must(r, sqlite3_exec(r->db, sql, NULL, NULL, NULL));
	sqlite3_free(sql);
	r->version = prepare(r, "PRAGMA main.data_version");
	r->seen = step(r, r->version);
	prepare_steps(r, words);
	return r;
}

void rewind_free(struct rewind *r)
{
	for (size_t i = 0; i < ASKED_MAX; i++)
		sqlite3_finalize(r->asked[i].s);
	for (size_t i = 0; i < r->step_count; i++)
		sqlite3_finalize(r->steps[i]);
	sqlite3_finalize(r->version);
	must(r, sqlite3_close(r->db));
	free(r);
}

void rewind_back(struct rewind *r)
{
	int64_t now = step(r, r->version);

	if (now == r->seen)
		return;
	r->seen = now;
	for (size_t i = 0; i < r->step_count; i++) {
		MUST(sqlite3_step(r->steps[i]) == SQLITE_DONE);
		must(r, sqlite3_reset(r->steps[i]));
	}
}

int64_t rewind_ask(struct rewind *r, const char *sql, int64_t a, int64_t b)
{
	size_t i = 0;

	while (r->asked[i].sql && r->asked[i].sql != sql)
		MUST(++i < ASKED_MAX);
	if (!r->asked[i].sql)
		r->asked[i] = (struct asked){sql, prepare(r, sql)};
	/* Not every question has both. */
	sqlite3_bind_int64(r->asked[i].s, 1, a);
	sqlite3_bind_int64(r->asked[i].s, 2, b);
	return step(r, r->asked[i].s);
}
