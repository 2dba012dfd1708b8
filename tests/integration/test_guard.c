/* A real guard: what somebody cannot have seen yet is not deployed. */
#include "tests/integration/house.h"

#include <stdlib.h>

/* The newest head has been known for long enough, both clocks' seconds
 * included. */
#define HEAD_IS_OLD                                                            \
	"SELECT count(*) FROM head WHERE id = (SELECT max(id) FROM head) AND"  \
	" max(seen_ms, coalesce((SELECT max(c.seen_ms) FROM head_confirmed c"  \
	" WHERE c.head_id = head.id), 0)) + 8000 <"                            \
	" (julianday('now') - 2440587.5) * 86400000"

static const struct house_settings guarded = {.guard = "5s"};

static void push(struct house *h, int pull, const char *text, char ret_sha[41])
{
	assert_true(sbc_push(h->forge, WEB, pull, house_file("sams", text),
			     false, ret_sha));
}

/* Says it, is refused, and says what the refusal holds. */
static void is_asked_first(struct house *h, int pull, const char *sha)
{
	CLEANUP(free) char *line = str_format("@kcibot deploy %s", sha);
	int64_t said = house_say(h, WEB, pull, "mona", "@kcibot deploy");

	house_await_reaction(h, WEB, pull, said, "confused");
	house_await_comment(h, WEB, pull, line);
	said = house_say(h, WEB, pull, "mona", line);
	house_await_reaction(h, WEB, pull, said, "rocket");
}

static void test_pushed_just_now(void **state UNUSED)
{
	struct house *h = house_new(&guarded);
	int pull = house_pull(h, WEB, "sam", "sams", NULL);
	char sha[41];
	int64_t said;

	/* Nobody can have looked at another one yet. */
	said = house_say(h, WEB, pull, "mona", "@kcibot deploy");
	house_await_reaction(h, WEB, pull, said, "rocket");
	push(h, pull, "two\n", sha);
	is_asked_first(h, pull, sha);
	push(h, pull, "three\n", sha);
	house_await_quiet(h);
	house_await_sql(h, HEAD_IS_OLD, 1);
	said = house_say(h, WEB, pull, "mona", "@kcibot deploy");
	house_await_reaction(h, WEB, pull, said, "rocket");
	house_await_quiet(h);
	house_end(h);
}

/* A push may have been lost while the bot was gone. */
static void test_restarted_just_now(void **state UNUSED)
{
	struct house *h = house_new(&guarded);
	char sha[41];
	int pull = house_pull(h, WEB, "sam", "sams", sha);
	int64_t said;

	house_await_quiet(h);
	house_kill(h);
	house_start(h);
	is_asked_first(h, pull, sha);
	house_await_sql(h, HEAD_IS_OLD, 1);
	said = house_say(h, WEB, pull, "mona", "@kcibot deploy");
	house_await_reaction(h, WEB, pull, said, "rocket");
	house_await_quiet(h);
	house_end(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOUSE_TEST(test_pushed_just_now),
		HOUSE_TEST(test_restarted_just_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
