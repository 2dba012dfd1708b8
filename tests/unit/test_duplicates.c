/*
 * What is delivered twice happens once.  A comment is known by its number as
 * well; what has no number is known by its body alone, for the GUID is not
 * covered by the signature.
 */
#include "tests/unit/trusted_world.h"

/* The base branch moves; the same bytes whenever it is sent. */
static void push_to_base(const char *guid, const char *event)
{
	world_deliver_as(&w, guid, event,
			 json_pack("{s:s, s:s, s:{s:s}}", "ref",
				   "refs/heads/main", "after", w.base_sha,
				   "repository", "full_name", REPO));
	world_run(&w);
}

static int64_t base_requests(void)
{
	return world_ask(&w, "SELECT count(*) FROM request"
			     " WHERE origin = 'base'");
}

/* Did the delivery with this GUID end so? */
static bool ended(const char *guid, const char *result)
{
	char sql[200];

	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM delivery WHERE guid = '%s' AND"
		 " result = '%s'",
		 guid, result);
	return world_ask(&w, sql) == 1;
}

static void a_body_under_two_guids_counts_once(void **state UNUSED)
{
	push_to_base("a", "push");
	push_to_base("b", "push");
	assert_int_equal(base_requests(), 1);
	assert_true(ended("a", "handled"));
	assert_true(ended("b", "duplicate"));
	/* Also when what it brought about is over, and by another process. */
	world_pass(&w, HOUR);
	assert_int_equal(world_cycles(&w), 1);
	world_restart(&w);
	push_to_base("c", "push");
	assert_int_equal(base_requests(), 1);
	assert_true(ended("c", "duplicate"));
	/* The base has really moved. */
	world_sha(w.base_sha, '9');
	push_to_base("d", "push");
	assert_int_equal(base_requests(), 2);
	assert_true(ended("d", "handled"));
}

/* The event's name is not covered by the signature, either: who sends a body
 * under another name does not keep the true one from being heard. */
static void another_event_with_the_body_hides_nothing(void **state UNUSED)
{
	push_to_base("a", "pull_request");
	assert_int_equal(base_requests(), 0);
	assert_true(ended("a", "shape"));
	push_to_base("b", "push");
	assert_int_equal(base_requests(), 1);
	assert_true(ended("b", "handled"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	static const struct CMUnitTest tests[] = {
		T(a_body_under_two_guids_counts_once),
		T(another_event_with_the_body_hides_nothing),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
