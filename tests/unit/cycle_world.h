/*
 * A world in which everybody is trusted, and what tests of cycles that are cut
 * short ask it.  Include it in place of engine_world.h, in one file of a
 * program: it holds the world.
 */
#ifndef KCIBOT_TESTS_CYCLE_WORLD_H
#define KCIBOT_TESTS_CYCLE_WORLD_H

#include "tests/unit/trusted_world.h"

/* One number of a cycle. */
static inline int64_t cycle(int64_t id, const char *column)
{
	char sql[200];

	snprintf(sql, sizeof(sql), "SELECT %s FROM cycle WHERE id = %lld",
		 column, (long long)id);
	return world_ask(&w, sql);
}

/* How many requests are so. */
static inline int64_t requests(const char *where)
{
	char sql[256];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM request WHERE %s",
		 where);
	return world_ask(&w, sql);
}

/* The last answer to a command holds the text. */
static inline void assert_said(const char *part)
{
	const struct world_effect *x =
		world_last(&w, "forge.comment", "kcibot:reply");

	assert_non_null(x);
	if (!strstr(js_str(x->args, "body"), part))
		fail_msg("no \"%s\" in: %s", part, js_str(x->args, "body"));
}

/* One of a kind that runs and holds it; its jobs wait to be answered. */
static inline void running(int64_t number, const char *words, const char *hold)
{
	world_open(&w, number, STRANGER);
	w.hold = hold;
	world_say(&w, number, MAINTAINER, words);
}

/* #1 is deployed and green by cycle 1, under the tag staging-1. */
static inline void deployed(void)
{
	world_open(&w, 1, STRANGER);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_string_equal(world_status(&w, 1), "success");
}

/* The newest job of that key ends so. */
static inline void job_ends(const char *key, const char *verdict)
{
	world_answer(world_last(&w, "job.run", key), ERR_OK,
		     json_pack("{s:s}", "verdict", verdict));
	world_run(&w);
}

#endif
