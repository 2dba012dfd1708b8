#include "tests/sim/oracle.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <string.h>

static sqlite3 *open_db(struct sim *s)
{
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(s->store_path, &db, SQLITE_OPEN_READWRITE, NULL) ==
	    SQLITE_OK)
		return db;
	sqlite3_close(db);
	return NULL;
}

/* While the oracle looks at the end, it keeps one open. */
static sqlite3 *kept;

int64_t ask(struct sim *s, const char *fmt, ...)
{
	sqlite3 *db = kept ? kept : open_db(s);
	sqlite3_stmt *row = NULL;
	int64_t value = -1;
	char *sql;
	va_list ap;

	va_start(ap, fmt);
	sql = sqlite3_vmprintf(fmt, ap);
	va_end(ap);
	if (!db || sqlite3_prepare_v2(db, sql, -1, &row, NULL) != SQLITE_OK)
		sim_fail(s, "%s: %s", sql, sqlite3_errmsg(db));
	else if (sqlite3_step(row) == SQLITE_ROW)
		value = sqlite3_column_int64(row, 0);
	sqlite3_finalize(row);
	sqlite3_free(sql);
	if (db != kept)
		sqlite3_close(db);
	return value;
}

bool oracle_keep_store(struct sim *s, const char *path)
{
	sqlite3 *db = open_db(s);
	sqlite3_int64 size = 0;
	unsigned char *bytes =
		db ? sqlite3_serialize(db, "main", &size, 0) : NULL;
	FILE *to = bytes ? fopen(path, "wb") : NULL;
	bool good = to && fwrite(bytes, 1, (size_t)size, to) == (size_t)size;

	if (to)
		good &= fclose(to) == 0;
	sqlite3_free(bytes);
	sqlite3_close(db);
	return good;
}

const struct person *who_is(int64_t id)
{
	for (int i = 0; i < PEOPLE_MAX; i++)
		if (people[i].id == id)
			return &people[i];
	return NULL;
}

bool may_deploy(const struct person *p)
{
	return p &&
	       (!strcmp(p->role, "maintainer") || !strcmp(p->role, "admin"));
}

const char *speech_word(enum speech kind)
{
	static const char *const words[SPEECH_MAX] = {"comment", "review",
						      "review_comment"};

	return words[kind];
}

bool was_accepted(struct sim *s, const struct sim_comment *c)
{
	return ask(s,
		   "SELECT count(*) FROM said WHERE kind = %Q AND comment_id = "
		   "%lld AND state = 'accepted'",
		   speech_word(c->kind), (long long)c->id) > 0;
}

const struct sim_result *result_of(const struct sim *s,
				   const struct sim_cycle *c, int branch)
{
	return *c->results[branch] ? find_result(s, c->results[branch]) : NULL;
}

bool cycle_holds(const struct sim *s, const struct sim_cycle *c, int pull,
		 const char *sha)
{
	for (int b = 0; b < BRANCHES_MAX; b++) {
		const struct sim_result *r = result_of(s, c, b);

		for (size_t i = 0; r && i < r->count; i++)
			if (r->pulls[i] == pull &&
			    (!*sha || !strcmp(r->shas[i], sha)))
				return true;
	}
	return false;
}

bool cycle_is_green(const struct sim *s, const struct sim_cycle *c)
{
	const struct environment *env = setting_environment(s, c->environment);
	text_list stages = c->full ? env->recipe_full : env->recipe_short;
	int wanted = 0;

	for (; *stages; stages++)
		for (size_t i = 0; i < env->job_count; i++)
			wanted += !strcmp(env->jobs[i].stage, *stages);
	return c->begun && !c->red && c->kept + c->green == wanted;
}

bool oracle_busy(struct sim *s)
{
	return ask(s, "SELECT count(*) FROM cycle WHERE state <> "
		      "'finished'") > 0;
}

void oracle_end(struct sim *s)
{
	if (!s->engine) {
		sim_fail(s, "the process is not there in the end");
		return;
	}
	kept = open_db(s);
	if (!kept) {
		sim_fail(s, "the database does not open");
		return;
	}
	oracle_talk(s);
	oracle_rest(s);
	sqlite3_close(kept);
	kept = NULL;
}
