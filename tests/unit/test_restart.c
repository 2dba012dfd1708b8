/*
 * The table "After a restart" of ARCHITECTURE.md, row by row: killed there
 * once or again and again, the engine repeats what had no answer, marked as
 * perhaps done, and the story ends as if nothing had happened.  What the ports
 * make of that mark is in test_backend, test_git_push and test_github.
 */
#include "tests/unit/engine_world.h"

static struct world w;

/* At one place, before it may go on. */
#define KILLS 2

static const struct row {
	const char *state;   /* of the cycle when it is killed */
	const char *hold;    /* what has no answer by then */
	const char *repeats; /* separated by blanks: what the next life sends */
	bool stops;	     /* somebody's command restarts the cycle */
} rows[] = {
	{"merging", "git.batch", "git.batch", false},
	{"pushing", "git.push", "git.push", false},
	{"running", "job.run", "job.run", false},
	{"stopping", "job.run job.cancel", "job.run job.cancel", true},
	/* The cancel was answered, the job's end was not heard of. */
	{"stopping", "job.run", "job.run", true},
	{"stopping", "git.push", "git.push", true},
	{"finished", "git.tag", "git.tag", false},
	{"finished", "forge.comment", "forge.comment", false},
	{"finished", "forge.reaction", "forge.reaction", false},
	{"finished", "forge.status", "forge.status", false},
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

static int64_t in_state(const char *state)
{
	char sql[128];

	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM cycle WHERE state = '%s'", state);
	return world_ask(&w, sql);
}

/* Was this one sent in a former life, and never answered? */
static const struct world_effect *before(size_t from,
					 const struct world_effect *x)
{
	for (size_t i = 0; i < from; i++)
		if (w.sent[i].id == x->id && !strcmp(w.sent[i].key, x->key))
			return &w.sent[i];
	return NULL;
}

/* All that this life has sent of that kind is the same as before, and says
 * that it may have been done. */
static void assert_repeated(const struct row *r, const char *kind, size_t from)
{
	size_t count = 0;

	for (size_t i = from; i < w.sent_count; i++) {
		if (strcmp(w.sent[i].kind, kind) != 0)
			continue;
		if (!before(from, &w.sent[i]) ||
		    !js_bool(w.sent[i].args, "lookup", false))
			fail_msg("%s, %s: %s is not a repeat", r->state,
				 r->hold, w.sent[i].key);
		count++;
	}
	if (!count)
		fail_msg("%s, %s: %s is not repeated", r->state, r->hold, kind);
}

static void assert_repeats(const struct row *r, size_t from)
{
	static const char *const kinds[] = {
		"git.batch",  "git.push",      "git.tag",      "job.run",
		"job.cancel", "forge.comment", "forge.status", "forge.reaction",
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (world_has_word(r->repeats, kinds[i]))
			assert_repeated(r, kinds[i], from);
}

static void play(const struct row *r)
{
	int64_t said, second = 0;

	world_open(&w, 1, STRANGER);
	world_open(&w, 2, STRANGER);
	w.hold = r->hold;
	said = world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	if (r->stops)
		second = world_say(&w, 2, MAINTAINER, "@kcibot deploy");
	assert_int_equal(in_state(r->state), 1);
	for (int i = 0; i < KILLS; i++) {
		size_t from = w.sent_count;

		world_restart(&w);
		world_run(&w);
		assert_int_equal(in_state(r->state), 1);
		assert_repeats(r, from);
	}
	w.hold = NULL;
	world_restart(&w);
	world_run(&w);
	world_pass(&w, 2 * MINUTE);
	assert_int_equal(world_cycles(&w), r->stops ? 2 : 1);
	assert_string_equal(world_status(&w, 1), "success");
	assert_true(world_reacted(&w, said, "rocket"));
	assert_true(!second || world_reacted(&w, second, "rocket"));
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM outbox"
				       " WHERE state = 'ready'"),
			 0);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM cycle"
				       " WHERE verdict = 'success'"),
			 1);
	assert_int_equal(world_ask(&w, "SELECT max(restarts) FROM cycle"),
			 r->stops);
}

static void every_row(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		begin(state);
		play(&rows[i]);
		end(state);
	}
}

/* A staging branch stood at a third value: another merge. */
static void pushed_by_somebody_meanwhile(void **state UNUSED)
{
	struct world_effect *push;
	struct outcome o = {.code = ERR_CONFLICT};

	world_open(&w, 1, STRANGER);
	w.hold = "git.push";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_restart(&w);
	world_run(&w);
	push = world_last(&w, "git.push", "");
	assert_true(js_bool(push->args, "lookup", false));
	push->answered = true;
	o.id = push->id;
	o.body = json_pack("{s:[{s:s, s:b, s:s, s:s}]}", "projects", "repo",
			   REPO, "pushed", 0, "reason", "it moved", "refused",
			   "lease");
	w.hold = NULL;
	push->done(push->ctx, &o);
	world_run(&w);
	assert_int_equal(world_sent(&w, "git.batch"), 2);
	assert_string_equal(world_status(&w, 1), "success");
	assert_int_equal(world_cycles(&w), 1);
}

/* Its supervisor went without a record: an error of nobody's, not repeated. */
static void vanished_meanwhile(void **state UNUSED)
{
	struct world_effect *job;
	int64_t said;

	world_open(&w, 1, STRANGER);
	w.hold = "job.run";
	said = world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_restart(&w);
	world_run(&w);
	job = world_last(&w, "job.run", "");
	world_answer(job, ERR_OK,
		     json_pack("{s:s, s:s, s:s, s:i, s:s}", "verdict", "error",
			       "reason_code", "vanished", "text", "gone",
			       "exit_code", 0, "tail", ""));
	world_run(&w);
	assert_true(world_reacted(&w, said, "-1"));
	assert_string_equal(world_status(&w, 1), "error");
	world_restart(&w);
	world_pass(&w, HOUR);
	assert_int_equal(world_cycles(&w), 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

/* Nobody knows whether it runs, and whom to ask does not answer: it is asked
 * about until somebody knows, and no other cycle begins. */
static void what_may_run_is_not_given_up(void **state UNUSED)
{
	world_open(&w, 1, STRANGER);
	w.hold = "job.run";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_kill(&w);
	world_boot(&w);
	world_run(&w);
	for (int i = 0; i < 8; i++) {
		world_answer(world_last(&w, "job.run", "c1-"), ERR_RETRY, NULL);
		world_run(&w);
		world_pass(&w, 10 * MINUTE);
		assert_int_equal(in_state("running"), 1);
	}
	w.hold = NULL;
	world_answer(world_last(&w, "job.run", "c1-"), ERR_OK,
		     json_pack("{s:s}", "verdict", "success"));
	world_run(&w);
	assert_string_equal(world_status(&w, 1), "success");
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM cycle"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row),
		T(pushed_by_somebody_meanwhile),
		T(vanished_meanwhile),
		T(what_may_run_is_not_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
