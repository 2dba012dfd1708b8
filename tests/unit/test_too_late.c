/*
 * A command runs when we learned of it within 30 minutes, the last second of
 * them included; what is older is asked about.  However we learned of it, and
 * counted on the forge's clock, for that one says when it was said.
 */
#include "tests/unit/engine_world.h"

#define FRESH (30 * MINUTE)
#define SECOND 1000
/* Not so far apart that nobody could know which head was seen. */
#define APART (GUARD / 2)

static struct world w;

/* skew_ms: the forge's clock minus ours. */
static void begin(int64_t skew_ms, bool scans)
{
	world_begin(&w, "");
	w.skew_ms = skew_ms;
	world_trust_all(&w);
	world_kill(&w);
	w.scans = scans;
	world_boot(&w);
	world_run(&w);
	/* So that the first look at what was said is over. */
	world_pass(&w, 2 * MINUTE);
	world_open(&w, 1, STRANGER);
	world_pass(&w, MINUTE);
}

static json_t *deploy_said(void)
{
	return world_comment_json(&w, 50, 1, MAINTAINER, "@kcibot deploy");
}

/* Was it obeyed?  Else it was asked about, and that was why. */
static bool obeyed(void)
{
	bool wished = world_ask(&w, "SELECT count(*) FROM request"
				    " WHERE origin = 'comment'") == 1;
	bool told = world_last(&w, "forge.comment", "too late") != NULL;

	assert_true(wished != told);
	assert_int_equal(world_cycles(&w), wished);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM said WHERE"
				       " state = 'refused'"),
			 told);
	world_end(&w);
	return wished;
}

/* No webhook told; the next scan is so long after it was said. */
static bool found_after(int64_t ms, int64_t skew_ms)
{
	begin(skew_ms, true);
	json_array_append_new(w.comments, deploy_said());
	fake_clock_advance(&w.clock, ms);
	world_run(&w);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM said"
				       " WHERE source = 'scan'"),
			 1);
	return obeyed();
}

/* The webhook comes so long after it was said. */
static bool delivered_after(int64_t ms, int64_t skew_ms)
{
	json_t *payload;

	begin(skew_ms, false);
	payload = world_comment_payload(&w, 1, MAINTAINER, deploy_said());
	fake_clock_advance(&w.clock, ms);
	world_deliver(&w, "issue_comment", payload);
	world_run(&w);
	return obeyed();
}

static void found_by_a_scan(void **state UNUSED)
{
	assert_true(found_after(FRESH - SECOND, 0));
	assert_true(found_after(FRESH, 0));
	assert_false(found_after(FRESH + SECOND, 0));
}

static void found_by_a_scan_of_another_clock(void **state UNUSED)
{
	assert_true(found_after(FRESH, APART));
	assert_false(found_after(FRESH + SECOND, APART));
	assert_true(found_after(FRESH, -APART));
	assert_false(found_after(FRESH + SECOND, -APART));
}

static void delivered_late(void **state UNUSED)
{
	assert_true(delivered_after(FRESH, 0));
	assert_false(delivered_after(FRESH + SECOND, 0));
}

static void delivered_late_by_another_clock(void **state UNUSED)
{
	assert_true(delivered_after(FRESH, APART));
	assert_false(delivered_after(FRESH + SECOND, APART));
	assert_true(delivered_after(FRESH, -APART));
	assert_false(delivered_after(FRESH + SECOND, -APART));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_by_a_scan),
		cmocka_unit_test(found_by_a_scan_of_another_clock),
		cmocka_unit_test(delivered_late),
		cmocka_unit_test(delivered_late_by_another_clock),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
