/*
 * The views over a real store, filled by plain SQL through a second handle.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

#include "bot/base/fs.h"
#include "bot/base/limits.h"
#include "store/view.h"

#define NOW 1795264200000
#define SHA_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define SHA_C "cccccccccccccccccccccccccccccccccccccccc"

static const struct view_settings settings = {
	.bot = "kcibot",
	.public_url = "http://bot",
	.web_url = "",
};

struct world {
	char dir[256];
	char path[300];
	struct store *writer;
	struct store *reader;
	sqlite3 *sql;
};

static void run(struct world *w, const char *sql)
{
	char *why = NULL;

	if (sqlite3_exec(w->sql, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
}

static const char base_rows[] =
	"INSERT INTO environment(name, schedule_from_ms) VALUES('staging', 1);"
	"INSERT INTO pull(id,repo,number,title,author_id,author,state,draft,"
	"base_ref,head_sha,labels,active_ms,updated_ms) VALUES"
	" (1,'o/r',7,'Add <b>',70,'ann','open',0,'main','" SHA_A "','[]',1,1),"
	" (2,'o/r',8,'Other',80,'bob','open',0,'main','" SHA_B "','[]',1,1);"
	"INSERT INTO principal(id,login,seen_ms) "
	"VALUES(70,'ann',1),(80,'bob',1);"
	"INSERT INTO "
	"trust(principal_id,role,scope,granted_ms,granted_by,reason)"
	" VALUES(70,'contributor','',1,'x','y');"
	"INSERT INTO head(pull_id,sha,seen_ms,source) VALUES"
	" (1,'" SHA_C "',100,'api'),(1,'" SHA_A "',200,'webhook');";

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	const char *tmp = getenv("TMPDIR");
	struct error e = ERROR_INIT;

	snprintf(w->dir, sizeof(w->dir), "%s/viewXXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof(w->path), "%s/kcibot.db", w->dir);
	w->writer = store_open(w->path, &e);
	assert_non_null(w->writer);
	w->reader = store_open_reader(w->path, &e);
	assert_non_null(w->reader);
	assert_int_equal(sqlite3_open(w->path, &w->sql), SQLITE_OK);
	run(w, base_rows);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	struct error e = ERROR_INIT;

	sqlite3_close(w->sql);
	store_close(w->reader);
	store_close(w->writer);
	assert_int_equal(fs_remove_tree(w->dir, &e), ERR_OK);
	free(w);
	return 0;
}

/* A cycle with revisions of both pulls and its jobs. */
static void add_cycle(struct world *w, int id, const char *state,
		      const char *verdict, int stage)
{
	char *sql = sqlite3_mprintf(
		"INSERT INTO cycle(id,environment,kind,state,stage,stages,"
		"verdict,started_ms,finished_ms) VALUES(%d,'staging','short',"
		"%Q,%d,'[\"build\",\"deploy\",\"verify\"]',%Q,%lld,%lld);"
		"INSERT INTO revision(cycle_id,position,pull_id,repo,number,"
		"sha,title,author,result,is_new) VALUES"
		"(%d,0,1,'o/r',7,'" SHA_A "','t','ann','merged',1),"
		"(%d,1,2,'o/r',8,'" SHA_B "','u','bob','merged',0)",
		id, state, stage, verdict, (long long)NOW - 60000,
		*verdict ? (long long)NOW - 1000 : 0LL, id, id);

	run(w, sql);
	sqlite3_free(sql);
}

static json_t *pull7(struct world *w)
{
	struct error e = ERROR_INIT;
	json_t *view =
		view_pull(w->reader, &settings, "staging", "o/r", 7, NOW, &e);

	if (!view)
		fail_msg("%s", e.text);
	return view;
}

static void assert_stage(const json_t *cycle, size_t i, const char *name,
			 const char *state)
{
	const json_t *stage = json_array_get(js_get(cycle, "stages"), i);

	assert_string_equal(js_str(stage, "name"), name);
	assert_string_equal(js_str(stage, "state"), state);
}

static void test_idle_pull(void **state)
{
	CLEANUP(json_decref) json_t *view = pull7(*state);

	assert_string_equal(js_str(view, "bot"), "kcibot");
	assert_string_equal(js_str(view, "environment"), "staging");
	assert_string_equal(js_str(view, "title"), "Add <b>");
	assert_string_equal(js_str(view, "head_sha"), SHA_A);
	assert_string_equal(js_str(view, "pull_state"), "open");
	assert_true(json_is_false(js_get(view, "draft")));
	assert_string_equal(js_str(view, "state"), "idle");
	assert_string_equal(js_str(view, "why"), "");
	assert_true(json_is_null(json_object_get(view, "cycle")));
	assert_true(json_is_null(json_object_get(view, "on_staging")));
	assert_string_equal(js_str(view, "result.sha"), SHA_A);
	assert_string_equal(js_str(view, "result.outcome"), "");
	assert_int_equal(js_int(view, "now_ms", 0), NOW);
}

static void test_repo_ignores_case(void **state)
{
	struct world *w = *state;
	struct error e = ERROR_INIT;
	CLEANUP(json_decref)
	json_t *view =
		view_pull(w->reader, &settings, "staging", "O/R", 7, NOW, &e);

	assert_string_equal(js_str(view, "repo"), "o/r");
}

static void test_missing(void **state)
{
	struct world *w = *state;
	struct error e = ERROR_INIT;

	assert_null(
		view_pull(w->reader, &settings, "staging", "o/r", 99, NOW, &e));
	assert_int_equal(e.code, ERR_MISSING);
	e = (struct error)ERROR_INIT;
	assert_null(view_pull(w->reader, &settings, "none", "o/r", 7, NOW, &e));
	assert_int_equal(e.code, ERR_MISSING);
	e = (struct error)ERROR_INIT;
	assert_null(view_pull(w->reader, &settings, "", "o/r", 7, NOW, &e));
	assert_int_equal(e.code, ERR_MISSING);
	e = (struct error)ERROR_INIT;
	assert_null(view_cycle(w->reader, &settings, 1, NOW, &e));
	assert_int_equal(e.code, ERR_MISSING);
	e = (struct error)ERROR_INIT;
	assert_null(view_pull_all(w->reader, &settings, "o/x", 7, NOW, &e));
	assert_int_equal(e.code, ERR_MISSING);
}

static void test_waiting_pull_says_why_and_when(void **state)
{
	struct world *w = *state;
	CLEANUP(json_decref) json_t *view = NULL;
	const json_t *q;

	run(w, "INSERT INTO request(environment,kind,origin,pull_id,sha,actor,"
	       "made_ms,state) VALUES('staging','full','comment',1,'" SHA_A
	       "','mia',55,'booked'),('staging','auto','push',1,'" SHA_A
	       "','',50,'done');"
	       "UPDATE environment SET wait_why='cooldown',wait_until_ms=99");
	view = pull7(w);
	assert_string_equal(js_str(view, "state"), "waiting");
	assert_string_equal(js_str(view, "why"), "cooldown");
	assert_int_equal(js_int(view, "at_ms", 0), 99);
	assert_int_equal(json_array_size(js_get(view, "requests")), 1);
	q = json_array_get(js_get(view, "requests"), 0);
	assert_string_equal(js_str(q, "kind"), "full");
	assert_string_equal(js_str(q, "by"), "mia");
	assert_string_equal(js_str(q, "origin"), "comment");
	assert_string_equal(js_str(q, "state"), "booked");
	assert_int_equal(js_int(q, "since_ms", 0), 55);
	assert_int_equal(js_int(q, "at_ms", 0), 99);
}

static void test_running_cycle_carries_it(void **state)
{
	struct world *w = *state;
	CLEANUP(json_decref) json_t *view = NULL;
	const json_t *cycle, *job;

	add_cycle(w, 12, "running", "", 1);
	run(w,
	    "INSERT INTO job(cycle_id,stage,name,key,state,verdict,text,tail,"
	    "started_ms,finished_ms) VALUES"
	    "(12,'build','b1','k1','finished','success','','log',1000,3500),"
	    "(12,'build','b2','k2','skipped','','','',0,0),"
	    "(12,'deploy','d1','k3','running','','','',1795264193000,0)");
	view = pull7(w);
	assert_string_equal(js_str(view, "state"), "running");
	assert_string_equal(js_str(view, "why"), "");
	cycle = js_get(view, "cycle");
	assert_int_equal(js_int(cycle, "id", 0), 12);
	assert_int_equal(json_array_size(js_get(cycle, "stages")), 3);
	assert_stage(cycle, 0, "build", "success");
	assert_stage(cycle, 1, "deploy", "running");
	assert_stage(cycle, 2, "verify", "waiting");
	job = json_array_get(
		js_get(json_array_get(js_get(cycle, "stages"), 0), "jobs"), 0);
	assert_string_equal(js_str(job, "name"), "b1");
	assert_int_equal(js_int(job, "ms", 0), 2500);
	assert_string_equal(js_str(job, "tail"), "log");
	job = json_array_get(
		js_get(json_array_get(js_get(cycle, "stages"), 1), "jobs"), 0);
	assert_int_equal(js_int(job, "ms", 0), 7000);
	assert_null(json_object_get(cycle, "stage"));
	assert_int_equal(json_array_size(js_get(cycle, "revisions")), 2);
	assert_true(json_is_true(
		js_get(json_array_get(js_get(cycle, "revisions"), 0), "new")));
}

static void test_left_out_is_not_running(void **state)
{
	struct world *w = *state;
	CLEANUP(json_decref) json_t *view = NULL;

	add_cycle(w, 12, "running", "", 0);
	run(w, "UPDATE revision SET result='conflict',reason='clashes with #8'"
	       " WHERE number=7");
	view = pull7(w);
	assert_string_equal(js_str(view, "state"), "idle");
	assert_string_equal(js_str(view, "why"),
			    "it was left out of cycle 12: clashes with #8");
}

static void test_stages_before_the_first_job(void **state)
{
	struct world *w = *state;
	CLEANUP(json_decref) json_t *view = NULL;

	add_cycle(w, 12, "merging", "", 0);
	run(w, "UPDATE revision SET result=''");
	view = pull7(w);
	assert_string_equal(js_str(view, "state"), "running");
	assert_stage(js_get(view, "cycle"), 0, "build", "waiting");
}

static void test_failed_cycle(void **state)
{
	struct world *w = *state;
	struct error e = ERROR_INIT;
	CLEANUP(json_decref) json_t *cycle = NULL, *view = NULL;

	add_cycle(w, 12, "finished", "failure", 1);
	run(w, "INSERT INTO job(cycle_id,stage,name,key,state,verdict,"
	       "started_ms,finished_ms) VALUES"
	       "(12,'build','b','k1','finished','success',1,2),"
	       "(12,'deploy','d1','k2','finished','error',10,20),"
	       "(12,'deploy','d2','k3','finished','failure',12,90),"
	       "(12,'deploy','d3','k4','running','',15,0),"
	       "(12,'extra','x','k5','finished','success',1,2)");
	cycle = view_cycle(w->reader, &settings, 12, NOW, &e);
	assert_string_equal(js_str(cycle, "environment"), "staging");
	assert_stage(cycle, 1, "deploy", "failure");
	assert_stage(cycle, 2, "verify", "skipped");
	assert_stage(cycle, 3, "extra", "success");
	assert_int_equal(
		js_int(json_array_get(js_get(cycle, "stages"), 1), "ms", 0),
		80);
	assert_string_equal(
		js_str(json_array_get(
			       js_get(json_array_get(js_get(cycle, "stages"),
						     1),
				      "jobs"),
			       2),
		       "state"),
		"cancelled");
	view = pull7(w);
	assert_string_equal(js_str(view, "state"), "done");
	assert_string_equal(js_str(view, "why"), "cycle 12 with it failed");
}

static void test_on_staging(void **state)
{
	struct world *w = *state;
	CLEANUP(json_decref) json_t *view = NULL, *moved = NULL;

	add_cycle(w, 11, "finished", "success", 3);
	run(w, "UPDATE environment SET deployed_cycle=11;"
	       "UPDATE revision SET result='conflict' WHERE number=8;"
	       "INSERT INTO result VALUES(1,'" SHA_A
	       "','staging','success',11,5,6)");
	view = pull7(w);
	assert_string_equal(js_str(view, "state"), "done");
	assert_string_equal(js_str(view, "why"), "");
	assert_int_equal(js_int(view, "on_staging.cycle", 0), 11);
	assert_int_equal(js_int(view, "on_staging.since_ms", 0), NOW - 1000);
	assert_int_equal(json_array_size(js_get(view, "on_staging.revisions")),
			 1);
	assert_string_equal(js_str(view, "result.outcome"), "success");
	assert_int_equal(js_int(view, "result.full_ok_ms", 0), 6);

	/* Another head: what was known does not speak of it. */
	run(w, "UPDATE pull SET head_sha='" SHA_C "', draft=1 WHERE id=1");
	moved = pull7(w);
	assert_string_equal(js_str(moved, "result.outcome"), "");
	assert_string_equal(js_str(moved, "why"), "it is a draft");
}

static void assert_why(struct world *w, const char *change, const char *why)
{
	CLEANUP(json_decref) json_t *view = NULL;

	run(w, change);
	view = pull7(w);
	assert_string_equal(js_str(view, "why"), why);
}

static void test_why_not(void **state)
{
	struct world *w = *state;

	assert_why(w, "UPDATE trust SET expires_ms=5",
		   "its author is not on the trust list: a maintainer can "
		   "write `@kcibot deploy`");
	assert_why(w, "UPDATE trust SET expires_ms=0, scope='x/y'",
		   "its author is not on the trust list: a maintainer can "
		   "write `@kcibot deploy`");
	assert_why(w, "UPDATE trust SET scope='O/R'", "");
	assert_why(
		w,
		"UPDATE trust SET revoked_ms=1; INSERT INTO request("
		"environment,kind,origin,pull_id,sha,base_ref,made_ms,"
		"until_ms,state) VALUES('staging','short','comment',1,'" SHA_A
		"','main',1,9000000000000000,'done')",
		"");
	add_cycle(w, 3, "finished", "success", 3);
	assert_why(w,
		   "INSERT INTO quarantine(pull_id,sha,environment,cycle_id,"
		   "reason,since_ms) VALUES(1,'" SHA_A
		   "','staging',3,'breaks verify',1)",
		   "this revision is excluded: breaks verify");
	assert_why(w, "UPDATE pull SET draft=1", "it is a draft");
	assert_why(w, "UPDATE pull SET state='closed'", "it is closed");
	assert_why(w, "UPDATE pull SET state='merged'", "it is merged");
	assert_why(w,
		   "UPDATE pull SET state='open',draft=0;"
		   "UPDATE quarantine SET lifted_ms=4;"
		   "INSERT INTO cycle(id,environment,kind,state,stages,verdict,"
		   "started_ms) VALUES(4,'staging','short','finished','[]',"
		   "'success',1);UPDATE environment SET deployed_cycle=4",
		   "cycle 4, which is deployed, is without it");
}

/* The first line of a sentence about the permission, and its state. */
static void assert_grant(struct world *w, const char *change, const char *state,
			 const char *why, const char *phrase)
{
	CLEANUP(json_decref) json_t *view = NULL;

	run(w, change);
	view = pull7(w);
	assert_string_equal(js_str(view, "grant.state"), state);
	assert_string_equal(js_str(view, "grant.why"), why);
	if (!strstr(js_str(view, "why"), phrase))
		fail_msg("%s: %s", change, js_str(view, "why"));
}

static void test_grant(void **state)
{
	struct world *w = *state;
	CLEANUP(json_decref) json_t *view = NULL;

	assert_grant(w, "UPDATE trust SET revoked_ms=1", "", "",
		     "not on the trust list");
	assert_grant(w,
		     "INSERT INTO request(environment,kind,origin,pull_id,sha,"
		     "base_ref,actor,made_ms,until_ms,state) VALUES('staging',"
		     "'short','comment',1,'" SHA_A
		     "','main','mia',1,9000000000000000,'done')",
		     "granted", "", "");
	/* Who is trusted needs none and shows none. */
	assert_grant(w, "UPDATE trust SET revoked_ms=0", "", "", "");
	assert_grant(w, "UPDATE trust SET revoked_ms=1", "granted", "", "");
	assert_grant(w, "UPDATE request SET until_ms=5", "expired", "",
		     "the permission of mia for this revision has ended");
	assert_grant(w,
		     "UPDATE request SET until_ms=9000000000000000, voided=1, "
		     "void_why='granter'",
		     "void", "granter", "who gave it may not any more");
	assert_grant(w, "UPDATE request SET void_why='closed'", "void",
		     "closed", "it was closed");
	assert_grant(w, "UPDATE request SET void_why='base'", "void", "base",
		     "its base branch was changed");
	assert_grant(w, "UPDATE pull SET head_sha='" SHA_C "'", "void", "moved",
		     "the permission for `aaaaaaaaaaaa` was for that revision "
		     "only: look at the new one, then `@kcibot deploy`");
	view = pull7(w);
	assert_string_equal(js_str(view, "grant.by"), "mia");
	assert_string_equal(js_str(view, "grant.sha"), SHA_A);
}

static void test_status(void **state)
{
	struct world *w = *state;
	struct error e = ERROR_INIT;
	CLEANUP(json_decref) json_t *view = NULL;
	const json_t *env, *q;
	char sql[200];

	for (int i = 1; i <= 12; i++)
		add_cycle(w, i, "finished", "success", 3);
	add_cycle(w, 13, "running", "", 0);
	snprintf(sql, sizeof(sql),
		 "UPDATE environment SET deployed_cycle=12, last_full_ms=4;"
		 "INSERT INTO job(cycle_id,stage,name,key,state,tail)"
		 " VALUES(13,'build','b','k','running','long log')");
	run(w, sql);
	run(w, "INSERT INTO request(environment,kind,origin,base_ref,made_ms,"
	       "state) VALUES('staging','auto','base','main',1,'waiting'),"
	       "('staging','auto','base','main',1,'running');"
	       "INSERT INTO quarantine(pull_id,sha,environment,cycle_id,"
	       "reason,since_ms) VALUES(2,'" SHA_B "','staging',3,'bad',1),"
	       "(1,'" SHA_C "','staging',3,'an older head',1)");
	view = view_status(w->reader, &settings, NOW, &e);
	assert_int_equal(json_array_size(js_get(view, "environments")), 1);
	env = json_array_get(js_get(view, "environments"), 0);
	assert_string_equal(js_str(env, "name"), "staging");
	assert_string_equal(js_str(env, "state"), "running");
	assert_int_equal(js_int(env, "running.id", 0), 13);
	assert_int_equal(js_int(env, "deployed.id", 0), 12);
	assert_int_equal(js_int(env, "last_full_ms", 0), 4);
	assert_int_equal(json_array_size(js_get(env, "last")), 10);
	assert_int_equal(
		js_int(json_array_get(js_get(env, "last"), 0), "id", 0), 12);
	assert_int_equal(json_array_size(js_get(env, "queue")), 1);
	q = json_array_get(js_get(env, "queue"), 0);
	assert_string_equal(js_str(q, "repo"), "");
	assert_string_equal(js_str(q, "base"), "main");
	assert_int_equal(json_array_size(js_get(env, "excluded")), 1);
	assert_int_equal(
		js_int(json_array_get(js_get(env, "excluded"), 0), "number", 0),
		8);
	q = json_array_get(js_get(env, "running.stages"), 0);
	q = json_array_get(js_get(q, "jobs"), 0);
	assert_string_equal(js_str(q, "tail"), "");
}

/* Finished cycles of these lengths in minutes, from id on. */
static void add_durations(struct world *w, int id, const char *kind,
			  const char *verdict, int count)
{
	for (int i = 0; i < count; i++) {
		char *sql = sqlite3_mprintf(
			"INSERT INTO cycle(id,environment,kind,state,stages,"
			"verdict,started_ms,finished_ms) VALUES(%d,'staging',"
			"%Q,'finished','[]',%Q,0,%lld)",
			id + i, kind, verdict, (i + 1) * 60000LL);

		run(w, sql);
		sqlite3_free(sql);
	}
}

static void assert_eta(const json_t *o, int64_t before, int64_t from,
		       int64_t to)
{
	assert_int_equal(js_int(o, "position", -1), before);
	assert_int_equal(js_int(o, "eta.from_ms", -1), from);
	assert_int_equal(js_int(o, "eta.to_ms", -1), to);
}

/* The page says the same of the one that waits. */
static void assert_queued(struct world *w, int64_t before)
{
	struct error e = ERROR_INIT;
	json_t *o = view_status(w->reader, &settings, NOW, &e);
	const json_t *env = json_array_get(js_get(o, "environments"), 0);
	const json_t *first = json_array_get(js_get(env, "queue"), 0);

	assert_int_equal(js_int(first, "position", -1), before);
	json_decref(o);
}

#define MINUTES 60000LL

static void test_eta(void **state)
{
	struct world *w = *state;
	json_t *o;

	/* Two say nothing, cancelled ones and those with an error neither. */
	add_durations(w, 1, "short", "success", 2);
	add_durations(w, 11, "short", "cancelled", 5);
	add_durations(w, 21, "short", "error", 5);
	add_durations(w, 31, "full", "success", 2);
	run(w, "INSERT INTO request(environment,kind,origin,pull_id,sha,"
	       "made_ms,state) VALUES('staging','short','comment',1,'" SHA_A
	       "',1,'waiting')");
	o = pull7(w);
	assert_null(js_get(o, "eta"));
	assert_int_equal(js_int(o, "position", -1), 0);
	json_decref(o);
	/* 1 to 10 minutes, so that the older two do not count any more. */
	add_durations(w, 41, "short", "failure", 10);
	add_durations(w, 51, "short", "success", 10);
	o = pull7(w);
	assert_int_equal(js_int(o, "eta.samples", 0), 20);
	assert_int_equal(js_int(o, "eta.p50_ms", 0), 5 * MINUTES);
	assert_int_equal(js_int(o, "eta.p90_ms", 0), 9 * MINUTES);
	assert_eta(o, 0, NOW + 5 * MINUTES, NOW + 9 * MINUTES);
	json_decref(o);
	/* Behind a running one, which began a minute ago. */
	run(w, "INSERT INTO cycle(id,environment,kind,state,stages,started_ms)"
	       " VALUES(99,'staging','short','running','[]',1)");
	run(w, "UPDATE cycle SET started_ms = 1795264200000 - 60000"
	       " WHERE id = 99");
	o = pull7(w);
	assert_eta(o, 1, NOW + 9 * MINUTES, NOW + 17 * MINUTES);
	json_decref(o);
	assert_queued(w, 1);
	/* No place in its next batch, nor in the one after that. */
	run(w, "INSERT INTO bench VALUES('staging', 1, 1, 1, 7, 2)");
	o = pull7(w);
	assert_eta(o, 2, NOW + 14 * MINUTES, NOW + 26 * MINUTES);
	assert_non_null(strstr(js_str(o, "why"), "position 7"));
	json_decref(o);
	assert_queued(w, 2);
	/* The one that ran meanwhile was the first of the two. */
	run(w, "UPDATE cycle SET state = 'finished', verdict = 'cancelled'"
	       " WHERE id = 99");
	o = pull7(w);
	assert_eta(o, 1, NOW + 10 * MINUTES, NOW + 18 * MINUTES);
	json_decref(o);
	assert_queued(w, 1);
	run(w, "UPDATE cycle SET state = 'running', verdict = ''"
	       " WHERE id = 99");
	/* Whoever was taken out has no place. */
	run(w, "UPDATE pull SET skipped_ms = 1 WHERE id = 1");
	o = pull7(w);
	assert_null(strstr(js_str(o, "why"), "position"));
	json_decref(o);
	run(w, "UPDATE pull SET skipped_ms = 0 WHERE id = 1");
	/* Nobody knows how long somebody's lock is. */
	run(w, "UPDATE environment SET frozen_why = 'locked'");
	o = pull7(w);
	assert_eta(o, 2, 0, 0);
	assert_string_equal(js_str(o, "frozen_why"), "locked");
	json_decref(o);
	/* Aboard: from its begin, however late it is. */
	run(w, "UPDATE environment SET frozen_why = '';"
	       "UPDATE request SET state = 'running', cycle_id = 99");
	o = pull7(w);
	assert_eta(o, 0, NOW + 4 * MINUTES, NOW + 8 * MINUTES);
	json_decref(o);
}

static void test_pull_all(void **state)
{
	struct world *w = *state;
	struct error e = ERROR_INIT;
	CLEANUP(json_decref) json_t *view = NULL;
	const json_t *said;

	run(w, "INSERT INTO environment(name,schedule_from_ms) VALUES('qa',1);"
	       "INSERT INTO cycle(id,environment,kind,state,stages,verdict,"
	       "started_ms) VALUES(1,'qa','short','finished','[]','success',1);"
	       "INSERT INTO manifest(cycle_id,position,repo,base,branch)"
	       " VALUES(1,0,'some/where','main','s');"
	       "INSERT INTO said(kind,repo,number,actor_id,actor,words,made_ms,"
	       "received_ms,source,state) VALUES('comment','o/r',7,9,'mia',"
	       "'[{\"verb\":\"deploy\"}]',5,6,'webhook','accepted'),"
	       "('comment','o/r',7,9,'mia','broken',5,6,'webhook','refused')");
	add_cycle(w, 2, "finished", "success", 3);
	view = view_pull_all(w->reader, &settings, "o/r", 7, NOW, &e);
	assert_int_equal(json_array_size(js_get(view, "environments")), 1);
	assert_string_equal(
		js_str(json_array_get(js_get(view, "environments"), 0),
		       "environment"),
		"staging");
	assert_int_equal(json_array_size(js_get(view, "heads")), 2);
	assert_string_equal(
		js_str(json_array_get(js_get(view, "heads"), 0), "sha"), SHA_A);
	assert_int_equal(json_array_size(js_get(view, "history")), 1);
	said = js_get(view, "said");
	assert_int_equal(
		json_array_size(js_get(json_array_get(said, 0), "words")), 0);
	said = js_get(json_array_get(said, 1), "words");
	assert_string_equal(js_str(json_array_get(said, 0), "verb"), "deploy");
}

/* A log is bytes, not text; JSON and pages need text. */
static void test_broken_bytes(void **state)
{
	struct world *w = *state;
	struct error e = ERROR_INIT;
	CLEANUP(json_decref) json_t *cycle = NULL;
	const json_t *job;

	add_cycle(w, 1, "finished", "failure", 0);
	run(w, "INSERT INTO job(cycle_id,stage,name,key,state,verdict,tail)"
	       " VALUES(1,'build','b','k','finished','failure',"
	       " CAST(x'61FF62C3A9E282' AS TEXT))");
	cycle = view_cycle(w->reader, &settings, 1, NOW, &e);
	job = json_array_get(
		js_get(json_array_get(js_get(cycle, "stages"), 0), "jobs"), 0);
	assert_string_equal(js_str(job, "tail"),
			    "a\xef\xbf\xbd"
			    "b\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd");
}

static void test_logs_are_bounded(void **state)
{
	struct world *w = *state;
	struct error e = ERROR_INIT;
	CLEANUP(json_decref) json_t *cycle = NULL;
	CLEANUP(free) char *text = NULL;

	add_cycle(w, 1, "finished", "failure", 0);
	run(w, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n"
	       " WHERE i<300) INSERT INTO job(cycle_id,stage,name,key,state,"
	       "verdict,tail) SELECT 1,'build','b'||i,'k'||i,'finished',"
	       "'failure',replace(hex(zeroblob(3000)),'00',char(27,27))"
	       " FROM n");
	cycle = view_cycle(w->reader, &settings, 1, NOW, &e);
	text = js_dump(cycle);
	assert_true(strlen(text) > VIEW_TAILS);
	assert_true(strlen(text) < LIMIT_PAGE);
}

/* The reader's transaction takes no lock and sees one moment. */
static void test_reader_sees_one_moment(void **state)
{
	struct world *w = *state;
	struct error e = ERROR_INIT;
	CLEANUP(json_decref) json_t *before = NULL, *after = NULL;

	assert_int_equal(store_begin(w->reader, &e), ERR_OK);
	before = pull7(w);
	assert_int_equal(store_begin(w->writer, &e), ERR_OK);
	assert_int_equal(store_commit(w->writer, &e), ERR_OK);
	run(w, "UPDATE pull SET title='new'");
	after = pull7(w);
	assert_true(json_equal(before, after));
	assert_int_equal(store_commit(w->reader, &e), ERR_OK);
	json_decref(after);
	after = pull7(w);
	assert_string_equal(js_str(after, "title"), "new");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_idle_pull),
		T(test_repo_ignores_case),
		T(test_missing),
		T(test_waiting_pull_says_why_and_when),
		T(test_running_cycle_carries_it),
		T(test_left_out_is_not_running),
		T(test_stages_before_the_first_job),
		T(test_failed_cycle),
		T(test_on_staging),
		T(test_why_not),
		T(test_grant),
		T(test_status),
		T(test_eta),
		T(test_pull_all),
		T(test_broken_bytes),
		T(test_logs_are_bounded),
		T(test_reader_sees_one_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
