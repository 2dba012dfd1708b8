/*
 * The schedule: counted from the end of the last cycle, a deploy only where
 * what is there would become another, else silence.
 */
#include "tests/unit/engine_world.h"

#include "bot/cli_text.h"
#include "bot/page_parts.h"
#include "store/view.h"

static struct world w;

/* What the world has heard and seen of us. */
struct noise {
	size_t statuses, comments, reactions, moves, jobs;
};

static struct noise noise(void)
{
	return (struct noise){
		.statuses = world_sent(&w, "forge.status"),
		.comments = world_sent(&w, "forge.comment"),
		.reactions = world_sent(&w, "forge.reaction"),
		.moves = world_sent(&w, "git.push") + world_sent(&w, "git.tag"),
		.jobs = world_sent(&w, "job.run"),
	};
}

static void assert_silent_since(const struct noise *before)
{
	struct noise now = noise();

	assert_memory_equal(&now, before, sizeof(now));
}

static int begin(void **state UNUSED)
{
	world_begin_with(&w, "schedule: 8h", "schedule: 8h");
	return 0;
}

static int end(void **state UNUSED)
{
	world_end(&w);
	return 0;
}

/* Looks at the world that found nothing to do. */
static int64_t looks(void)
{
	return world_ask(&w, "SELECT count(*) FROM cycle WHERE scheduled"
			     " AND reason_code = 'nothing_new'");
}

/* Cycles of the schedule that found something. */
static int64_t deploys(void)
{
	return world_ask(&w, "SELECT count(*) FROM cycle WHERE scheduled"
			     " AND reason_code <> 'nothing_new'");
}

static int64_t last_end(void)
{
	return world_ask(&w, "SELECT max(finished_ms) FROM cycle");
}

/* As far as there is, and to this distance from the end of the last cycle. */
static void until(int64_t after_end)
{
	world_pass(&w, last_end() + after_end - clock_wall(&w.clock.clock));
}

/* Green with a trusted pull, and nothing waits. */
static void deployed(void)
{
	world_open(&w, 1, CONTRIBUTOR);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_string_equal(world_status(&w, 1), "success");
	assert_int_equal(world_cycles(&w), 1);
}

/* It looks when it is due, not before, and then counts again. */
static void silence(void **state UNUSED)
{
	struct noise before;

	deployed();
	before = noise();
	until(8 * HOUR - MINUTE);
	assert_int_equal(looks(), 0);
	until(8 * HOUR);
	assert_int_equal(looks(), 1);
	world_pass(&w, 8 * HOUR - 2 * MINUTE);
	assert_int_equal(looks(), 1);
	world_pass(&w, 3 * MINUTE);
	assert_int_equal(looks(), 2);
	assert_int_equal(deploys(), 0);
	assert_silent_since(&before);
	/* The cooldown is for deploys. */
	world_push(&w, 1, 'a');
	world_pass(&w, 5 * MINUTE);
	assert_int_equal(world_sent_with(&w, "job.run", "\"cycle\":4"), 3);
}

/* Nobody sees it while git takes its time either. */
static void silence_while_it_looks(void **state UNUSED)
{
	struct noise before;

	deployed();
	before = noise();
	w.hold = "git.batch";
	until(8 * HOUR);
	assert_int_equal(world_ask(&w,
				   "SELECT count(*) FROM cycle"
				   " WHERE scheduled AND state = 'merging'"),
			 1);
	world_pass(&w, 10 * MINUTE);
	assert_silent_since(&before);
	/* Killed there it looks again, and that is the only trace. */
	w.hold = NULL;
	world_restart(&w);
	world_run(&w);
	assert_int_equal(looks(), 1);
	assert_silent_since(&before);
}

/* --- what differs --- */

/* Nothing told of it: only the schedule can find it. */
static void deploys_at_the_schedule_only(void)
{
	int64_t before = world_cycles(&w);

	until(8 * HOUR - MINUTE);
	assert_int_equal(world_cycles(&w), before);
	until(8 * HOUR);
	assert_int_equal(world_cycles(&w), before + 1);
	assert_int_equal(deploys(), 1);
	assert_int_equal(looks(), 0);
	world_pass(&w, 8 * HOUR + MINUTE);
	assert_int_equal(deploys(), 1);
	assert_int_equal(looks(), 1);
}

static void a_base_moved_untold(void **state UNUSED)
{
	deployed();
	world_sha(w.base_sha, '9');
	deploys_at_the_schedule_only();
}

/* Who is deployed unasked goes out again when that has grown old. */
static void a_pull_went_stale(void **state UNUSED)
{
	world_begin_with(&w, "stale_after: 14d", "stale_after: 6h");
	world_open(&w, 1, CONTRIBUTOR);
	world_pass(&w, 6 * MINUTE);
	assert_string_equal(world_status(&w, 1), "success");
	deploys_at_the_schedule_only();
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM revision"
				       " WHERE cycle_id = 2"),
			 0);
	/* What is pushed then is news by itself. */
	world_push(&w, 1, 'a');
	world_pass(&w, 6 * MINUTE);
	assert_string_equal(world_status(&w, 1), "success");
}

static void an_author_is_trusted_no_more(void **state UNUSED)
{
	world_open(&w, 1, CONTRIBUTOR);
	world_pass(&w, 6 * MINUTE);
	assert_string_equal(world_status(&w, 1), "success");
	world_call(&w, json_pack("{s:s, s:I, s:s, s:s, s:s}", "op",
				 "trust.remove", "id", (json_int_t)CONTRIBUTOR,
				 "scope", "", "by", "test", "reason", "gone"));
	assert_int_equal(w.answer_ok, 1);
	deploys_at_the_schedule_only();
}

/* Closed, and no webhook told: what a scan finds needs no schedule. */
static void a_pull_was_closed(void **state UNUSED)
{
	deployed();
	world_set_state(&w, 1, "closed");
	world_pass(&w, 31 * MINUTE);
	assert_int_equal(world_cycles(&w), 2);
	assert_int_equal(deploys(), 0);
	until(8 * HOUR);
	assert_int_equal(deploys(), 0);
	assert_int_equal(looks(), 1);
}

/* Nothing is there yet: what the base branches have is something. */
static void nothing_was_ever_deployed(void **state UNUSED)
{
	world_pass(&w, 8 * HOUR - MINUTE);
	assert_int_equal(world_cycles(&w), 0);
	world_pass(&w, 2 * MINUTE);
	assert_int_equal(deploys(), 1);
	assert_int_equal(world_sent(&w, "git.push"), 1);
	world_pass(&w, 8 * HOUR + MINUTE);
	assert_int_equal(deploys(), 1);
	assert_int_equal(looks(), 1);
}

/* What a failed cycle left behind is not what was green, so it is tried once
 * more each time it is due, and no more often. */
static void after_a_failure(void **state UNUSED)
{
	deployed();
	world_open(&w, 2, CONTRIBUTOR);
	world_open(&w, 3, CONTRIBUTOR);
	w.job_verdict = "failure";
	world_pass(&w, 31 * MINUTE);
	assert_int_equal(world_cycles(&w), 2);
	until(8 * HOUR - MINUTE);
	assert_int_equal(world_cycles(&w), 2);
	until(8 * HOUR);
	assert_int_equal(world_cycles(&w), 3);
	w.job_verdict = "success";
	world_pass(&w, 7 * HOUR);
	assert_int_equal(world_cycles(&w), 3);
	world_pass(&w, HOUR + MINUTE);
	assert_int_equal(world_cycles(&w), 4);
	assert_string_equal(world_status(&w, 3), "success");
	world_pass(&w, 8 * HOUR + MINUTE);
	assert_int_equal(looks(), 1);
}

/* --- what holds it up --- */

static void zero_is_none(void **state UNUSED)
{
	world_begin_with(&w, "schedule: 8h", "schedule: 0s");
	deployed();
	world_sha(w.base_sha, '9');
	world_pass(&w, 72 * HOUR);
	assert_int_equal(world_cycles(&w), 1);
	assert_int_equal(world_ask(&w, "SELECT wait_until_ms FROM environment"),
			 0);
}

/* It was due meanwhile, and is made up for once. */
static void across_a_restart(void **state UNUSED)
{
	deployed();
	world_pass(&w, 5 * HOUR);
	world_restart(&w);
	world_run(&w);
	until(8 * HOUR - MINUTE);
	assert_int_equal(looks(), 0);
	world_kill(&w);
	fake_clock_advance(&w.clock, 30 * HOUR);
	world_boot(&w);
	world_run(&w);
	assert_int_equal(looks(), 1);
	world_pass(&w, 7 * HOUR);
	assert_int_equal(looks(), 1);
}

/* Due under a lock, it begins when that ends, and not before. */
static void under_a_lock(void **state UNUSED)
{
	struct noise before;

	deployed();
	world_sha(w.base_sha, '9');
	world_pass(&w, 7 * HOUR);
	world_say(&w, 1, MAINTAINER, "@kcibot lock 4h");
	before = noise();
	world_pass(&w, 3 * HOUR);
	assert_int_equal(world_cycles(&w), 1);
	assert_silent_since(&before);
	world_pass(&w, HOUR + 2 * MINUTE);
	assert_int_equal(deploys(), 1);
}

/* As it is under a freeze window. */
static void under_a_window(void **state UNUSED)
{
	/* The world begins on Mon 2026-09-21 at 14:13 UTC. */
	world_begin_with(
		&w, "    isolation: none\n",
		"    isolation: none\n    freeze: [{from: \"Mon 20:00\","
		" to: \"Tue 06:00\", zone: UTC}]\n");
	deployed();
	world_sha(w.base_sha, '9');
	world_pass(&w, 15 * HOUR);
	assert_int_equal(world_cycles(&w), 1);
	world_pass(&w, HOUR);
	assert_int_equal(deploys(), 1);
}

/* --- it is on show --- */

static json_t *status(void)
{
	static const struct view_settings settings = {.bot = "kcibot",
						      .public_url = ""};
	struct error e = ERROR_INIT;
	struct store *s = store_open_reader(w.store_path, &e);
	json_t *view =
		view_status(s, &settings, clock_wall(&w.clock.clock), &e);

	assert_non_null(view);
	store_close(s);
	return view;
}

static void assert_shown(bool there)
{
	CLEANUP(json_decref) json_t *view = status();
	const json_t *env = json_array_get(js_get(view, "environments"), 0);
	CLEANUP(str_release) struct str page = STR_INIT(1u << 20);
	CLEANUP(str_release) struct str text = STR_INIT(1u << 20);
	const struct view_settings settings = {
		.bot = "kcibot", .public_url = "", .web_url = ""};
	const struct sheet sheet = {
		.out = &page,
		.settings = &settings,
		.root = "",
		.now_ms = clock_wall(&w.clock.clock),
	};

	assert_int_equal(js_int(env, "schedule_ms", -1),
			 there ? last_end() + 8 * HOUR : 0);
	assert_int_equal(js_int(env, "wait_until_ms", -1) != 0,
			 strcmp(js_str(env, "state"), "waiting") == 0);
	page_overview(&sheet, view);
	assert_int_equal(strstr(page.text, "the schedule deploys it") != NULL,
			 there);
	cli_status_text(&text, view);
	assert_int_equal(strstr(text.text, "by schedule") != NULL, there);
	/* Silence is no news. */
	assert_null(strstr(text.text, "nothing to deploy"));
}

static void the_time_is_on_show(void **state UNUSED)
{
	deployed();
	assert_shown(true);
	until(8 * HOUR);
	assert_int_equal(looks(), 1);
	assert_shown(true);
	/* Something else comes first. */
	world_push(&w, 1, 'a');
	world_pass(&w, 4 * MINUTE);
	assert_shown(false);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
/* Begins by itself. */
#define T_OWN(f) cmocka_unit_test_teardown(f, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(silence),
		T(silence_while_it_looks),
		T(a_base_moved_untold),
		T_OWN(a_pull_went_stale),
		T(an_author_is_trusted_no_more),
		T(a_pull_was_closed),
		T(nothing_was_ever_deployed),
		T(after_a_failure),
		T_OWN(zero_is_none),
		T(across_a_restart),
		T(under_a_lock),
		T_OWN(under_a_window),
		T(the_time_is_on_show),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
