/*
 * All times on record, and what becomes of them when the clock jumps.  While
 * the bot runs nothing does, its clock only goes on (test_locks has the jumps
 * of the wall then).  Between two lives it may stand anywhere.
 */
#include "tests/unit/engine_world.h"

static struct world w;

enum kind {
	/* For people, or to be thrown away by: may be wrong by the jump. */
	TOLD,
	/* Only whether it is there counts. */
	SIGN,
	/* As the forge tells it; compared with what the forge tells. */
	FORGE,
	/* People mean the clock on their wall: a lock's end, a word's. */
	WALL,
	/* Believed for so long since; what is yet to come is not believed. */
	BELIEF,
	/* Said anew by the policy before anybody reads it. */
	POLICY,
	/* Delays count from it: never later than the start. */
	DELAY,
	/* The same, but for what is rightly booked for an hour ahead. */
	BOOKED,
};

static const struct column {
	const char *table, *name;
	enum kind kind;
} columns[] = {
	{"audit", "at_ms", TOLD},
	{"bench", "since_ms", DELAY},
	{"bench", "last_ms", DELAY},
	{"cycle", "started_ms", DELAY},
	{"cycle", "finished_ms", DELAY},
	{"delivery", "at_ms", TOLD},
	{"dispute", "made_ms", TOLD},
	{"environment", "last_finish_ms", DELAY},
	{"environment", "last_full_ms", DELAY},
	{"environment", "schedule_from_ms", DELAY},
	{"environment", "wait_until_ms", POLICY},
	{"environment", "broken_ms", SIGN},
	{"environment", "frozen_until_ms", POLICY},
	{"environment_lock", "made_ms", TOLD},
	{"environment_lock", "warn_ms", WALL},
	{"environment_lock", "until_ms", WALL},
	{"environment_lock", "ended_ms", SIGN},
	{"gap", "from_ms", DELAY},
	{"gap", "to_ms", DELAY},
	{"head", "seen_ms", DELAY},
	{"head_confirmed", "seen_ms", DELAY},
	{"job", "started_ms", TOLD},
	{"job", "finished_ms", TOLD},
	/* The supervisor counts by its monotonic clock. */
	{"job", "until_ms", TOLD},
	{"job", "full_until_ms", TOLD},
	{"login", "first_ms", TOLD},
	{"member", "asked_ms", BELIEF},
	{"missed", "failed_ms", FORGE},
	{"missed", "next_ms", DELAY},
	{"missed", "noted_ms", DELAY},
	{"outbox", "not_before_ms", DELAY},
	{"outbox", "made_ms", DELAY},
	{"outbox", "ended_ms", TOLD},
	{"permission", "asked_ms", BELIEF},
	{"principal", "seen_ms", TOLD},
	{"pull", "active_ms", DELAY},
	{"pull", "updated_ms", FORGE},
	{"pull", "reviews_ms", FORGE},
	{"pull", "skipped_ms", SIGN},
	{"pull", "answer_ms", TOLD},
	{"quarantine", "since_ms", TOLD},
	{"quarantine", "lifted_ms", SIGN},
	{"request", "made_ms", DELAY},
	{"request", "until_ms", WALL},
	{"result", "short_ok_ms", TOLD},
	{"result", "full_ok_ms", TOLD},
	{"said", "made_ms", FORGE},
	{"said", "received_ms", BELIEF}, /* counted up to now */
	{"said", "edited_ms", FORGE},
	{"scan", "first_ms", DELAY},
	{"scan", "last_ms", DELAY},
	{"scan", "reviews_from_ms", DELAY},
	{"scan", "deliveries_ms", DELAY},
	{"status", "repaired_ms", BOOKED},
	{"taken_back", "at_ms", TOLD},
	{"trust", "granted_ms", TOLD},
	{"trust", "expires_ms", WALL},
	{"trust", "revoked_ms", SIGN},
};

static int begin(void **state UNUSED)
{
	log_set_level(LOG_ERROR);
	world_begin(&w, "");
	world_trust_all(&w);
	return 0;
}

static int end(void **state UNUSED)
{
	world_end(&w);
	return 0;
}

static int64_t now(void)
{
	return clock_wall(&w.clock.clock);
}

/* The bot is down, and its clock is set. */
static void jump(int64_t by)
{
	world_kill(&w);
	w.clock.wall += by;
	world_boot(&w);
	world_run(&w);
}

/* --- the list --- */

static bool is_listed(const char *table, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		if (!strcmp(columns[i].table, table) &&
		    !strcmp(columns[i].name, name))
			return true;
	return false;
}

/* Who adds a time says what it is; what is gone is not listed. */
static void every_time_is_listed(void **state UNUSED)
{
	sqlite3_stmt *s;
	sqlite3 *db;
	size_t found = 0;

	assert_int_equal(sqlite3_open(w.store_path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(
			db,
			"SELECT m.name, c.name FROM sqlite_master m,"
			" pragma_table_info(m.name) c WHERE m.type = 'table'"
			" AND c.name LIKE '%\\_ms' ESCAPE '\\'",
			-1, &s, NULL),
		SQLITE_OK);
	for (; sqlite3_step(s) == SQLITE_ROW; found++) {
		const char *table = (const char *)sqlite3_column_text(s, 0);
		const char *name = (const char *)sqlite3_column_text(s, 1);

		if (!is_listed(table, name))
			fail_msg("%s.%s: what becomes of it when the clock "
				 "jumps?",
				 table, name);
	}
	sqlite3_finalize(s);
	sqlite3_close(db);
	assert_int_equal(found, ARRAY_SIZE(columns));
}

/* --- each of them after a jump back --- */

static void put(const char *sql)
{
	world_ask(&w, sql);
}

/* A row of everything that delays count from. */
static void fill(void)
{
	w.scans = true;
	world_restart(&w);
	world_run(&w);
	world_open(&w, 1, CONTRIBUTOR);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	w.hold = "forge.comment";
	world_open(&w, 2, CONTRIBUTOR);
	world_say(&w, 2, STRANGER, "@kcibot deploy");
	world_kill(&w);
	put("INSERT INTO missed SELECT 'g', '" REPO "', 7, 1, 0, 0, 1,"
	    " max(made_ms) FROM outbox");
	put("INSERT INTO bench VALUES('staging', 2, 1, 1, 1, 1)");
	put("INSERT OR IGNORE INTO head_confirmed"
	    " SELECT max(id), 1 FROM head");
	world_boot(&w);
}

/* Sets it to two days from now; the highest value after the start. */
static int64_t set_ahead(const struct column *c)
{
	int64_t after;
	char *sql = sqlite3_mprintf("UPDATE \"%w\" SET \"%w\" = %lld", c->table,
				    c->name, (long long)now() + 48 * HOUR);

	world_kill(&w);
	put(sql);
	sqlite3_free(sql);
	world_boot(&w);
	sql = sqlite3_mprintf("SELECT coalesce(max(\"%w\"), 0) FROM \"%w\"%s",
			      c->name, c->table,
			      strcmp(c->table, "outbox") == 0
				      ? " WHERE state = 'ready'"
				      : "");
	after = world_ask(&w, sql);
	sqlite3_free(sql);
	return after;
}

static void delays_are_not_stretched(void **state UNUSED)
{
	fill();
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		const struct column *c = &columns[i];
		int64_t slack = c->kind == BOOKED ? HOUR : 0;

		if ((c->kind == DELAY || c->kind == BOOKED) &&
		    set_ahead(c) > now() + slack)
			fail_msg("%s.%s is still to come", c->table, c->name);
	}
	world_run(&w);
}

/* The same for what is kept as text. */
static void a_scan_is_not_ahead(void **state UNUSED)
{
	char sql[256];

	fill();
	world_kill(&w);
	put("UPDATE scan SET comments_since = '2099-01-01T00:00:00Z',"
	    " review_comments_since = '2099-01-01T00:00:00Z'");
	world_boot(&w);
	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM scan WHERE comments_since > '%s'"
		 " OR review_comments_since > '%s'",
		 world_iso(now()), world_iso(now()));
	assert_int_equal(world_ask(&w, sql), 0);
}

/* An ordinary start changes none of them. */
static void a_start_changes_nothing(void **state UNUSED)
{
	static const char sum[] =
		"SELECT (SELECT sum(made_ms + not_before_ms) FROM outbox)"
		" + (SELECT sum(made_ms) FROM request)"
		" + (SELECT sum(started_ms + finished_ms) FROM cycle)"
		" + (SELECT sum(active_ms) FROM pull)"
		" + (SELECT sum(next_ms + noted_ms) FROM missed)"
		" + (SELECT sum(last_ms + deliveries_ms) FROM scan)"
		" + (SELECT sum(last_finish_ms + schedule_from_ms)"
		"    FROM environment)";
	int64_t before;

	fill();
	world_pass(&w, MINUTE);
	put("UPDATE missed SET next_ms = (SELECT max(made_ms) FROM outbox)"
	    " + 36000000");
	put("UPDATE outbox SET not_before_ms = made_ms + 3600000"
	    " WHERE state = 'ready'");
	world_kill(&w);
	before = world_ask(&w, sum);
	world_boot(&w);
	assert_true(before > 0);
	assert_int_equal(world_ask(&w, sum), before);
}

/* --- what people see of it --- */

/* Asked anew after a failure: what was asked before does not count, what is
 * asked now does, wherever the clock stands. */
static void asked_again_after_a_failure(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	w.job_verdict = "failure";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_string_equal(world_status(&w, 1), "failure");
	w.job_verdict = "success";
	jump(-48 * HOUR);
	world_pass(&w, HOUR);
	/* The environment was put back without it. */
	assert_int_equal(world_cycles(&w), 2);
	assert_string_equal(world_status(&w, 1), "failure");
	world_tell(&w, 1, "labeled");
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_string_equal(world_status(&w, 1), "success");
}

/* The schedule, the cooldown and the interval, each once more. */
static void delays_after_a_jump_back(void **state UNUSED)
{
	world_open(&w, 1, CONTRIBUTOR);
	world_say(&w, 1, MAINTAINER, "@kcibot trigger");
	assert_int_equal(world_cycles(&w), 1);
	jump(-48 * HOUR);
	world_pass(&w, 6 * HOUR + MINUTE);
	world_say(&w, 1, MAINTAINER, "@kcibot trigger");
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM cycle"
				       " WHERE kind = 'full'"),
			 2);
	world_pass(&w, 8 * HOUR + MINUTE);
	assert_int_equal(world_cycles(&w), 3);
}

/* Nobody can say that less has passed: all that waits is due. */
static void delays_after_a_jump_ahead(void **state UNUSED)
{
	world_open(&w, 1, CONTRIBUTOR);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_push(&w, 1, 'b');
	assert_int_equal(world_cycles(&w), 1);
	jump(48 * HOUR);
	assert_int_equal(world_cycles(&w), 2);
	/* And only once. */
	world_pass(&w, 7 * HOUR);
	assert_int_equal(world_cycles(&w), 2);
}

static void grant_for_a_day(void)
{
	world_call(&w,
		   json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:I}", "op",
			     "trust.add", "id", (json_int_t)OTHER_STRANGER,
			     "login", world_login(OTHER_STRANGER), "role",
			     "maintainer", "scope", "", "by", "test", "reason",
			     "", "expires_ms", (json_int_t)now() + 24 * HOUR));
	assert_int_equal(w.answer_ok, 1);
}

/* A date is a date: over when the clock says so. */
static void an_expiry_after_a_jump(void **state UNUSED)
{
	int64_t said;

	grant_for_a_day();
	world_open(&w, 1, STRANGER);
	jump(-48 * HOUR);
	world_tell(&w, 1, "labeled");
	world_pass(&w, MINUTE);
	jump(48 * HOUR + 23 * HOUR);
	world_change(&w, 1);
	world_tell(&w, 1, "labeled");
	world_pass(&w, MINUTE);
	world_say(&w, 1, OTHER_STRANGER, "@kcibot status");
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM said"
				       " WHERE state = 'accepted'"),
			 1);
	jump(2 * HOUR);
	world_pass(&w, MINUTE);
	said = world_say(&w, 1, OTHER_STRANGER, "@kcibot status");
	assert_true(world_reacted(&w, said, "confused"));
}

/* Today's sentence to a stranger is not that of a day to come. */
static void a_stranger_after_a_jump_back(void **state UNUSED)
{
	size_t before;

	world_open(&w, 1, STRANGER);
	world_say(&w, 1, OTHER_STRANGER, "@kcibot deploy");
	before = world_sent(&w, "forge.comment");
	assert_true(before > 0);
	world_say(&w, 1, OTHER_STRANGER, "@kcibot deploy");
	assert_int_equal(world_sent(&w, "forge.comment"), before);
	jump(-48 * HOUR);
	world_say(&w, 1, OTHER_STRANGER, "@kcibot deploy");
	assert_int_equal(world_sent(&w, "forge.comment"), before + 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_time_is_listed),	 T(delays_are_not_stretched),
		T(a_scan_is_not_ahead),		 T(a_start_changes_nothing),
		T(asked_again_after_a_failure),	 T(delays_after_a_jump_back),
		T(delays_after_a_jump_ahead),	 T(an_expiry_after_a_jump),
		T(a_stranger_after_a_jump_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
