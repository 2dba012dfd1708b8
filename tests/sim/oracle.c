/*
 * What must be true, whatever happened.  It is told from the world's own
 * record; of the bot's database it reads only what nobody else can know:
 * what the bot believes it answered.
 */
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "store/audit.h"
#include "tests/sim/sim.h"

static const struct person *person_of(int64_t id)
{
	for (int i = 0; i < PEOPLE_MAX; i++)
		if (people[i].id == id)
			return &people[i];
	return NULL;
}

static bool may_deploy(const struct person *p)
{
	return p &&
	       (!strcmp(p->role, "maintainer") || !strcmp(p->role, "admin"));
}

/* --- while it runs --- */

/* Did somebody who may speak of this pull when this was its head? */
static bool was_asked_for(const struct sim *s, int pull, const char *sha)
{
	for (size_t i = 0; i < s->comment_count; i++) {
		const struct sim_comment *c = &s->comments[i];

		if (c->pull == pull && c->verb &&
		    may_deploy(person_of(c->user)) &&
		    (!strcmp(c->verb, "deploy") ||
		     !strcmp(c->verb, "trigger")) &&
		    !strcmp(c->head_then, sha))
			return true;
	}
	return false;
}

/* In the list, or an admin has once said so: the oracle does not follow when
 * that was taken back. */
static bool is_trusted(const struct sim *s, const struct person *p)
{
	for (size_t i = 0; i < s->comment_count && !*p->role; i++) {
		const struct sim_comment *c = &s->comments[i];
		const struct person *by = person_of(c->user);

		if (c->verb && by && !strcmp(by->role, "admin") &&
		    !strcmp(c->verb, "trust") && !strcmp(p->login, "sam"))
			return true;
	}
	return *p->role != '\0';
}

void oracle_pushed(struct sim *s, const struct sim_result *r)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct sim_pull *p = &s->pulls[r->pulls[i]];

		if (is_trusted(s, &people[p->author]) ||
		    was_asked_for(s, r->pulls[i], r->shas[i]))
			continue;
		sim_fail(s,
			 "#%lld at %.8s was deployed: its author is a stranger "
			 "and nobody who may asked for it",
			 (long long)p->number, r->shas[i]);
	}
}

void oracle_job(struct sim *s, const struct sim_job *j)
{
	for (size_t i = 0; i < s->job_count; i++) {
		const struct sim_job *o = &s->jobs[i];

		if (o != j && o->running && o->cycle != j->cycle &&
		    !strcmp(o->environment, j->environment))
			sim_fail(s,
				 "cycle %lld starts a job while cycle %lld "
				 "still runs one",
				 (long long)j->cycle, (long long)o->cycle);
	}
	if (j->starts > 1)
		sim_fail(s, "job %s started twice", j->key);
}

/* --- when all is calm --- */

struct db {
	sqlite3 *handle;
};

/* One number; fails the run when it cannot be had. */
static int64_t ask(struct sim *s, struct db *db, const char *fmt, ...)
{
	sqlite3_stmt *row = NULL;
	int64_t value = -1;
	char *sql;
	va_list ap;

	va_start(ap, fmt);
	sql = sqlite3_vmprintf(fmt, ap);
	va_end(ap);
	if (sqlite3_prepare_v2(db->handle, sql, -1, &row, NULL) != SQLITE_OK)
		sim_fail(s, "%s: %s", sql, sqlite3_errmsg(db->handle));
	else if (sqlite3_step(row) == SQLITE_ROW)
		value = sqlite3_column_int64(row, 0);
	sqlite3_finalize(row);
	sqlite3_free(sql);
	return value;
}

/* At most one comment of the bot's with this in it, per pull. */
static void check_single(struct sim *s, const char *marker)
{
	for (int pull = 0; pull < PULLS_MAX; pull++) {
		int count = 0;

		for (size_t i = 0; i < s->comment_count; i++) {
			const struct sim_comment *c = &s->comments[i];

			count += !c->user && !c->deleted && c->pull == pull &&
				 strstr(c->body, marker);
		}
		if (count > 1)
			sim_fail(s, "#%d has %d comments with %s", pull + 1,
				 count, marker);
	}
}

/* No two comments of the bot's carry the same key. */
static void check_keys(struct sim *s)
{
	static const char open[] = "<!-- kcibot:key ";

	for (size_t i = 0; i < s->comment_count; i++) {
		const struct sim_comment *c = &s->comments[i];
		const char *key =
			c->user || c->deleted ? NULL : strstr(c->body, open);
		char marker[128];

		if (!key)
			continue;
		snprintf(marker, sizeof(marker), "%.*s",
			 (int)strcspn(key, "\n"), key);
		check_single(s, marker);
	}
}

/* What was said while the pull was open, by somebody with a role. */
static bool must_be_answered(const struct sim *s, const struct sim_comment *c)
{
	const struct person *p = person_of(c->user);

	/* What is on a closed pull is not heard, also when it is found late. */
	if (c->closed_then || s->pulls[c->pull].closed_ms >= c->made_ms)
		return false;
	return c->verb && p && *p->role && !p->is_bot && !c->deleted &&
	       c->updated_ms == c->made_ms;
}

static void check_comment(struct sim *s, struct db *db,
			  const struct sim_comment *c)
{
	long long id = (long long)c->id;
	int64_t said;

	if (!must_be_answered(s, c))
		return;
	said = ask(s, db,
		   "SELECT count(*) FROM said WHERE kind = 'comment' AND "
		   "comment_id = %lld AND state <> 'checking'",
		   id);
	if (said != 1)
		sim_fail(s, "comment %lld (%s) was %s", id, c->verb,
			 said == 0 ? "never answered" : "answered twice");
	if (!c->reactions)
		sim_fail(s, "comment %lld (%s) got no reaction", id, c->verb);
	if (strcmp(c->verb, "deploy") != 0 && strcmp(c->verb, "trigger") != 0)
		return;
	said = ask(s, db,
		   "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM "
		   "request q JOIN said d ON d.id = q.said_id WHERE "
		   "d.comment_id = %lld GROUP BY q.environment, q.kind)",
		   id);
	if (said > 1)
		sim_fail(s, "comment %lld made %lld requests", id,
			 (long long)said);
	said = ask(s, db,
		   "SELECT (d.state = 'accepted') <> (q.id IS NOT NULL) FROM "
		   "said d LEFT JOIN request q ON q.said_id = d.id WHERE "
		   "d.comment_id = %lld AND d.kind = 'comment'",
		   id);
	if (said == 1)
		sim_fail(s,
			 "comment %lld: what was said and what is wanted "
			 "do not agree",
			 id);
}

static void check_statuses(struct sim *s, struct db *db)
{
	for (size_t i = 0; i < s->status_count; i++) {
		const struct sim_status *st = &s->statuses[i];

		if (ask(s, db,
			"SELECT count(*) FROM status WHERE repo = %Q AND sha = "
			"%Q AND context = %Q AND state = %Q",
			repos[st->repo], st->sha, st->context, st->state) != 1)
			sim_fail(s,
				 "%s at %.8s shows %s, which the bot does "
				 "not know of",
				 st->context, st->sha, st->state);
		if (!strcmp(st->state, "pending") &&
		    ask(s, db,
			"SELECT count(*) FROM request WHERE sha = %Q AND"
			" state = 'booked'",
			st->sha) == 0)
			sim_fail(s, "%.8s stays pending: %s", st->sha,
				 st->description);
		if (!strcmp(st->state, "success") &&
		    ask(s, db,
			"SELECT count(*) FROM revision r JOIN cycle c ON c.id ="
			" r.cycle_id WHERE r.sha = %Q AND r.result = 'merged' "
			"AND c.verdict = 'success'",
			st->sha) == 0)
			sim_fail(s, "%.8s is green and was never deployed",
				 st->sha);
		if (!strcmp(st->state, "success") && sha_is_broken(s, st->sha))
			sim_fail(s, "%.8s is green and breaks every deploy",
				 st->sha);
	}
}

static void check_rest(struct sim *s, struct db *db)
{
	static const struct {
		const char *sql, *what;
	} none[] = {
		{"SELECT count(*) FROM cycle WHERE state <> 'finished'",
		 "cycles that never end"},
		{"SELECT count(*) FROM request WHERE state IN ('waiting', "
		 "'running')",
		 "requests that wait for ever"},
		{"SELECT count(*) FROM said WHERE state = 'checking'",
		 "comments that are checked for ever"},
		{"SELECT count(*) FROM outbox WHERE state = 'ready' AND kind "
		 "NOT LIKE 'forge.%'",
		 "effects that are never done"},
		{"SELECT count(*) FROM cycle WHERE restarts > 1",
		 "cycles that were restarted more than once"},
		{"SELECT count(*) FROM request WHERE announced = 0 AND state IN"
		 " ('done', 'dropped')",
		 "outcomes that nobody was told"},
		/* A forced one may break the interval. */
		{"SELECT count(*) FROM cycle a JOIN cycle b ON b.environment ="
		 " a.environment AND b.id > a.id AND a.kind = 'full' AND b.kind"
		 " = 'full' AND a.verdict = 'success' AND a.reason_code <> "
		 "'nothing_new' AND b.started_ms < a.finished_ms + 21600000"
		 " AND NOT EXISTS(SELECT 1 FROM request q WHERE q.cycle_id = "
		 "b.id AND q.forced)",
		 "fulls within the interval"},
	};

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		int64_t n = ask(s, db, "%s", none[i].sql);

		if (n > 0)
			sim_fail(s, "%lld %s", (long long)n, none[i].what);
	}
}

static bool open_db(struct sim *s, struct db *db)
{
	if (sqlite3_open_v2(s->store_path, &db->handle, SQLITE_OPEN_READWRITE,
			    NULL) == SQLITE_OK)
		return true;
	sim_fail(s, "the database does not open");
	return false;
}

static void check_audit(struct sim *s)
{
	struct error e = ERROR_INIT;
	struct audit_report report = {0};
	struct store *reader = store_open_reader(s->store_path, &e);

	if (!reader || store_begin(reader, &e) ||
	    store_audit_verify(reader, NULL, NULL, &report, &e))
		sim_fail(s, "the audit cannot be read: %s", e.text);
	else if (report.broken)
		sim_fail(s, "the audit is broken at %lld: %s",
			 (long long)report.broken_id, report.broken_how);
	else if (!report.count)
		sim_fail(s, "the audit is empty");
	if (reader)
		store_rollback(reader);
	store_close(reader);
}

bool oracle_busy(struct sim *s)
{
	struct db db;
	bool busy;

	if (!open_db(s, &db))
		return false;
	busy = ask(s, &db,
		   "SELECT count(*) FROM cycle WHERE state <> 'finished'") > 0;
	sqlite3_close(db.handle);
	return busy;
}

void oracle_end(struct sim *s)
{
	struct db db;

	if (!s->engine) {
		sim_fail(s, "the process is not there in the end");
		return;
	}
	check_single(s, "<!-- kcibot:sticky ");
	check_single(s, "<!-- kcibot:reply ");
	check_keys(s);
	if (!open_db(s, &db))
		return;
	for (size_t i = 0; i < s->comment_count && !*s->failure; i++)
		check_comment(s, &db, &s->comments[i]);
	check_statuses(s, &db);
	check_rest(s, &db);
	sqlite3_close(db.handle);
	check_audit(s);
}
