/*
 * Who may say what: every cell of the table verbs x roles x (own pull
 * request, somebody else's), by comment and on the command line, through the
 * real engine.  The table is written by hand: a change of the command table
 * must be meant here, too.
 */
#include "tests/unit/engine_world.h"

#include "commands/command.h"

/* The number that a word changes when it is obeyed; %d is the pull. */
#define OF_PULL " FROM pull WHERE number = %d"
#define SKIPPED "SELECT skipped_ms > 0" OF_PULL
#define WISHES(kind)                                                           \
	"SELECT count(*) FROM request q JOIN pull p ON p.id = q.pull_id"       \
	" WHERE p.number = %d AND q.kind = '" kind "'"                         \
	" AND q.said_id = (SELECT max(id) FROM said)"
#define LOUD(word) "SELECT verbosity = '" word "'" OF_PULL

#define LOCKED                                                                 \
	"SELECT count(*) + 0 * %d FROM environment_lock WHERE ended_ms = 0"

#define RETRIES "SELECT count(*) + 0 * %d FROM request WHERE retry_of > 0"
#define STOPPED "SELECT count(*) + 0 * %d FROM cycle WHERE cancelled_by <> ''"

struct row {
	enum verb verb;
	const char *words;
	void (*prepare)(struct world *w, int number);
	const char *effect; /* NULL: it changes nothing */
	/* stranger, contributor, maintainer, admin */
	const char *others, *own;
};

static void make_skipped(struct world *w, int number)
{
	world_say(w, number, ADMIN, "@kcibot skip");
}

static int64_t booked(struct world *w)
{
	return world_ask(w, "SELECT count(*) FROM request"
			    " WHERE state = 'booked'");
}

/* The first full of a world runs at once; the next is booked. */
static void make_booked(struct world *w, int number)
{
	int64_t before = booked(w);

	while (booked(w) == before)
		world_say(w, number, ADMIN, "@kcibot trigger");
}

static void make_trusted(struct world *w, int number)
{
	(void)number;
	world_trust(w, 20, "contributor");
}

/* All pulls share the environment. */
static void make_unlocked(struct world *w, int number)
{
	world_say(w, number, ADMIN, "@kcibot unlock");
}

static void make_locked(struct world *w, int number)
{
	world_say(w, number, ADMIN, "@kcibot lock");
}

static void make_running(struct world *w, int number)
{
	w->hold = "job.run";
	world_say(w, number, ADMIN, "@kcibot deploy");
}

/* The first of a world may be one. */
static void make_full_running(struct world *w, int number)
{
	w->hold = "job.run";
	world_say(w, number, ADMIN, "@kcibot trigger");
}

/* It alone is new: in a world of its own. */
static void make_failed(struct world *w, int number)
{
	w->job_verdict = "failure";
	world_say(w, number, ADMIN, "@kcibot deploy");
	assert_int_equal(world_ask(w, "SELECT count(*) FROM result"
				      " WHERE outcome = 'failure'"),
			 1);
}

/* clang-format off */
static const struct row rows[] = {
	{VERB_DEPLOY, "deploy", NULL, WISHES("short"), "nnyy", "nnyy"},
	{VERB_TRIGGER, "trigger", NULL, WISHES("full"), "nnyy", "nnyy"},
	{VERB_TRIGGER, "trigger force reason=now", NULL, WISHES("full"),
	 "nnny", "nnny"},
	{VERB_RETRY, "retry", make_failed, RETRIES, "nnyy", "nnyy"},
	{VERB_PLAN, "plan", NULL, NULL, "nyyy", "yyyy"},
	{VERB_STATUS, "status", NULL, NULL, "nyyy", "yyyy"},
	{VERB_WHY, "why", NULL, NULL, "nyyy", "yyyy"},
	{VERB_LOCK, "lock", make_unlocked, LOCKED, "nnyy", "nnyy"},
	/* Somebody else's. */
	{VERB_UNLOCK, "unlock", make_locked, LOCKED, "nnny", "nnny"},
	{VERB_UNLOCK, "unlock reason=done", make_locked, LOCKED, "nnyy", "nnyy"},
	{VERB_SKIP, "skip", NULL, SKIPPED, "nyyy", "yyyy"},
	{VERB_INCLUDE, "include", make_skipped, SKIPPED, "nnyy", "nnyy"},
	{VERB_CANCEL, "cancel", make_booked,
	 "SELECT count(*) FROM request q JOIN pull p ON p.id = q.pull_id"
	 " WHERE q.state = 'booked' AND p.number = %d",
	 "nnyy", "yyyy"},
	/* Somebody else asked for what runs. */
	{VERB_CANCEL, "cancel", make_running, STOPPED, "nnyy", "yyyy"},
	{VERB_CANCEL, "cancel", make_full_running, STOPPED, "nnny", "nnny"},
	{VERB_NOTMYFAULT, "notmyfault", make_failed,
	 "SELECT count(*) FROM dispute d JOIN pull p ON p.id = d.pull_id"
	 " WHERE p.number = %d", "nyyy", "yyyy"},
	{VERB_QUIET, "quiet", NULL, LOUD("quiet"), "nnyy", "nnyy"},
	{VERB_VERBOSE, "verbose", NULL, LOUD("verbose"), "nnyy", "nnyy"},
	{VERB_TRUST, "trust @user20 role=contributor", NULL,
	 "SELECT count(*) + 0 * %d FROM trust WHERE principal_id = 20",
	 "nnny", "nnny"},
	{VERB_UNTRUST, "untrust @user20", make_trusted,
	 "SELECT count(*) + 0 * %d FROM trust WHERE principal_id = 20"
	 " AND revoked_ms = 0", "nnny", "nnny"},
	{VERB_TRUSTED, "trusted", NULL, NULL, "nnyy", "nnyy"},
	{VERB_PING, "ping", NULL, NULL, "nyyy", "yyyy"},
	{VERB_HELP, "help", NULL, NULL, "nyyy", "yyyy"},
	{VERB_HELP, "help deploy", NULL, NULL, "nyyy", "yyyy"},
};
/* clang-format on */

static const int64_t speakers[ROLE_MAX] = {
	[ROLE_NONE] = STRANGER,
	[ROLE_CONTRIBUTOR] = CONTRIBUTOR,
	[ROLE_MAINTAINER] = MAINTAINER,
	[ROLE_ADMIN] = ADMIN,
};

/* What came of the last word: its state and the answer on record. */
static void last_said(struct world *w, char state[16], char answer[512])
{
	sqlite3_stmt *s;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(w->store_path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
					    "SELECT state, answer FROM said"
					    " ORDER BY id DESC LIMIT 1",
					    -1, &s, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	snprintf(state, 16, "%s", (const char *)sqlite3_column_text(s, 0));
	snprintf(answer, 512, "%s", (const char *)sqlite3_column_text(s, 1));
	sqlite3_finalize(s);
	sqlite3_close(db);
}

struct cell {
	const struct row *row;
	enum role role;
	bool own, cli;
	int number; /* of its pull */
};

static void say_by_cli(struct world *w, const struct cell *c)
{
	int64_t who = speakers[c->role];

	world_call(w, json_pack("{s:s, s:s, s:I, s:s, s:i, s:s, s:s}", "op",
				"say", "actor", world_login(who), "actor_id",
				(json_int_t)who, "repo", REPO, "number",
				c->number, "text", c->row->words, "by",
				"root at the command line"));
}

static void say_by_comment(struct world *w, const struct cell *c, bool may)
{
	char text[128];
	int64_t id;

	snprintf(text, sizeof(text), "@kcibot %s", c->row->words);
	id = world_say(w, c->number, speakers[c->role], text);
	assert_int_equal(world_reacted(w, id, "confused"), !may);
}

static int64_t effect_of(struct world *w, const struct cell *c)
{
	char sql[512] = "SELECT 0";
	const char *at = c->row->effect ? strstr(c->row->effect, "%d") : NULL;

	if (at)
		snprintf(sql, sizeof(sql), "%.*s%d%s",
			 (int)(at - c->row->effect), c->row->effect, c->number,
			 at + 2);
	return world_ask(w, sql);
}

/* ret_answer: the refusal on record. */
static void check_cell(struct world *w, const struct cell *c,
		       char ret_answer[512])
{
	const struct row *row = c->row;
	bool may = (c->own ? row->own : row->others)[c->role] == 'y';
	char state[16];
	int64_t before;

	world_open(w, c->number, c->own ? speakers[c->role] : OTHER_STRANGER);
	if (row->prepare)
		row->prepare(w, c->number);
	before = effect_of(w, c);
	if (c->cli)
		say_by_cli(w, c);
	else
		say_by_comment(w, c, may);
	last_said(w, state, ret_answer);
	if (strcmp(state, may ? "accepted" : "refused") != 0)
		fail_msg("%s by %s on %s pull: %s: %s", row->words,
			 role_name(c->role), c->own ? "the own" : "another's",
			 state, ret_answer);
	if (row->effect)
		assert_int_equal(effect_of(w, c) != before, may);
	assert_int_equal(*ret_answer == '\0', may);
	if (!c->cli)
		return;
	assert_int_equal(w->answer_ok, may);
	assert_true(*w->answer);
	if (!may)
		assert_string_equal(w->answer, ret_answer);
}

static void begin(struct world *w)
{
	world_begin(w, "");
	world_trust_all(w);
}

/* What its preparation needs is there once in a world. */
static bool is_alone(const struct row *row)
{
	return row->prepare == make_failed || row->prepare == make_running ||
	       row->prepare == make_full_running;
}

/* Each cell has a pull of its own. */
static void check_row(struct world *w, const struct row *row)
{
	char answers[2][512];
	int number = 1;

	begin(w);
	for (int i = 0; i < 4 * ROLE_MAX; i++) {
		struct cell c = {.row = row, .role = (enum role)(i / 4)};

		c.own = i & 2;
		c.cli = i & 1;
		c.number = number++;
		if (is_alone(row) && i) {
			world_end(w);
			begin(w);
		}
		check_cell(w, &c, answers[c.cli]);
		/* The same words, the same answer. */
		if (c.cli)
			assert_string_equal(answers[0], answers[1]);
	}
	world_end(w);
}

static void test_every_cell(void **state UNUSED)
{
	static struct world w;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&w, &rows[i]);
}

static void test_no_verb_is_missing(void **state UNUSED)
{
	for (int v = 0; v < VERB_MAX; v++) {
		bool found = false;

		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
			found |= rows[i].verb == (enum verb)v &&
				 str_starts(rows[i].words,
					    command_table[v].name);
		if (!found)
			fail_msg("%s is not in the table of this test",
				 command_table[v].name);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_verb_is_missing),
		cmocka_unit_test(test_every_cell),
	};

	log_set_level(LOG_ERROR);
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
