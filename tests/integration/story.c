#include "tests/integration/story.h"

#include <stdlib.h>

struct story story_begin(void)
{
	struct story s = {.h = house_new(&(struct house_settings){0})};

	s.pull = house_pull(s.h, WEB, "sam", "sams", s.sha);
	house_await_quiet(s.h);
	return s;
}

void story_say(struct story *s)
{
	s->said = house_say(s->h, WEB, s->pull, "mona", "@kcibot deploy");
}

void story_hang(struct story *s, const char *method, const char *path,
		const char *contains, bool apply)
{
	house_fault(s->h,
		    json_pack("{s:s, s:s, s:s, s:s, s:b, s:i}", "kind", "hang",
			      "method", method, "path", path, "contains",
			      contains, "apply", apply, "ms", 120000));
}

static void no_faults(struct story *s)
{
	CLEANUP(sbc_answer_release) struct sbc_answer a;

	sbc_request(s->h->forge, "DELETE", "/_sandbox/faults", NULL, NULL, NULL,
		    &a);
	assert_int_equal(a.status / 100, 2);
}

void story_kill_and_start(struct story *s)
{
	house_kill(s->h);
	no_faults(s);
	house_start(s->h);
}

void story_assert_whole(struct story *s)
{
	struct house *h = s->h;
	CLEANUP(free) char *sticky = NULL, *status = NULL, *history = NULL;
	CLEANUP(free) char *tags = NULL;

	house_await_reaction(h, WEB, s->pull, s->said, "rocket");
	house_await_quiet(h);
	house_assert_reactions(h, WEB, s->pull, s->said, "eyes rocket");
	assert_int_equal(house_count(h, WEB, s->pull, STICKY), 1);
	assert_int_equal(house_count(h, WEB, s->pull, OUTCOME), 1);
	assert_int_equal(house_count(h, WEB, s->pull, ""), 2);
	sticky = house_comment(h, WEB, s->pull, STICKY);
	house_assert_has(sticky, "deployed short in cycle 1");
	status = house_status(h, WEB, s->pull);
	house_assert_has(status, "success: short ok");
	history = house_status_history(h, WEB, s->pull);
	assert_string_equal(history, "pending success");
	assert_int_equal(house_ran(h, "build 1 short"), 1);
	assert_int_equal(house_ran(h, "deploy 1 short"), 1);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM cycle"), 1);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM job"), 2);
	tags = house_git(h, WEB, GIT("tag", "--points-at", "staging"));
	assert_ptr_equal(strchr(tags, '\n'), tags + strlen(tags) - 1);
	house_end(h);
}
