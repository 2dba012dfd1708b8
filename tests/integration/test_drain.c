/* What still runs on the target, told by a server of the test's own. */
#include "tests/integration/house.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

static struct MHD_Daemon *server;
static unsigned port;
static atomic_int asked;
static atomic_bool gone;

/* /down counts 3, 2, 0; /never stays at 3; /until does so until it is gone. */
static enum MHD_Result serve(void *ctx UNUSED, struct MHD_Connection *c,
			     const char *url, const char *method UNUSED,
			     const char *version UNUSED,
			     const char *data UNUSED, size_t *size UNUSED,
			     void **con UNUSED)
{
	int n = ++asked;
	const char *text = "3";
	struct MHD_Response *r;
	enum MHD_Result rc;

	if (str_starts(url, "/down") && n > 1)
		text = n == 2 ? "2" : "0";
	if (str_starts(url, "/until") && gone)
		text = "0";
	r = MHD_create_response_from_buffer(1, (void *)(uintptr_t)text,
					    MHD_RESPMEM_PERSISTENT);
	rc = MHD_queue_response(c, 200, r);
	MHD_destroy_response(r);
	return rc;
}

static int open_server(void **state UNUSED)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	asked = 0;
	gone = false;
	server = MHD_start_daemon(MHD_USE_POLL_INTERNAL_THREAD, 0, NULL, NULL,
				  serve, NULL, MHD_OPTION_SOCK_ADDR, &a,
				  MHD_OPTION_END);
	if (!server)
		return -1;
	port = MHD_get_daemon_info(server, MHD_DAEMON_INFO_BIND_PORT)->port;
	return 0;
}

static int close_all(void **state)
{
	int rc = house_teardown(state);

	MHD_stop_daemon(server);
	return rc;
}

/* A house whose deploy drains first. */
static struct house *draining(const char *path, const char *timeout)
{
	CLEANUP(free)
	char *jobs = str_format(
		HOUSE_JOB("build", "build", "") HOUSE_JOB("deploy", "deploy",
							  ", drains: true")
			HOUSE_JOB("test", "test",
				  "") "      lull: {class: drain, timeout: %s, "
				      "http: {every: 0s, url: "
				      "'http://"
				      "127.0.0.1:%u%s?kind=kbuild&state="
				      "running'}}\n",
		timeout, port, path);

	assert_non_null(jobs);
	return house_new(&(struct house_settings){.jobs = jobs});
}

static void assert_page(struct house *h, const char *path, const char *part)
{
	CLEANUP(str_release) struct str page = STR_INIT(4u << 20);

	assert_int_equal(house_get(h, path, &page), 200);
	house_assert_has(page.text, part);
}

static void assert_drain(struct house *h, const char *state, int64_t running)
{
	CLEANUP(json_decref) json_t *cycle = house_json(h, "/api/v1/cycles/1");

	assert_string_equal(js_str(cycle, "verdict"), "success");
	assert_string_equal(js_str(cycle, "drain.state"), state);
	assert_int_equal(js_int(cycle, "drain.running", -1), running);
}

static void test_drained(void **state UNUSED)
{
	CLEANUP(str_release) struct str said_there = STR_INIT(1u << 20);
	struct house *h = draining("/down", "10m");
	int pull = house_pull(h, WEB, "sam", "src/a", NULL);
	int64_t said = house_say(h, WEB, pull, "mona", "@kcibot deploy");

	house_await_reaction(h, WEB, pull, said, "rocket");
	house_await_quiet(h);
	assert_int_equal(asked, 3);
	assert_int_equal(house_ran(h, "deploy 1 short"), 1);
	assert_int_equal(house_count(h, WEB, pull, "**Drain:** drained in "),
			 1);
	assert_drain(h, "drained", 0);
	assert_page(h, "/cycles/1", "drained in ");
	assert_page(h, "/cycles/1", "2 still running");
	assert_page(h, "/pulls/" WEB "/1", "Drain: <bdi>drained in ");
	assert_page(h, "/metrics", "kcibot_drains_total{result=\"drained\"} 1");
	assert_page(h, "/metrics", "kcibot_drains_total{result=\"forced\"} 0");
	assert_int_equal(house_cli(h, CLI("check"), &said_there), 0);
	house_assert_has(said_there.text,
			 "note: staging: lull holds a deploy up for 10m at "
			 "most; while it counts something that runs, until 6h "
			 "after the end of a full cycle\n");
	house_end(h);
}

static void test_forced(void **state UNUSED)
{
	struct house *h = draining("/never", "4s");
	int pull = house_pull(h, WEB, "sam", "src/a", NULL);
	int64_t said = house_say(h, WEB, pull, "mona", "@kcibot deploy");

	house_await_reaction(h, WEB, pull, said, "rocket");
	house_await_quiet(h);
	assert_int_equal(house_ran(h, "deploy 1 short"), 1);
	assert_int_equal(house_count(h, WEB, pull,
				     " with 3 "
				     "still running"),
			 1);
	assert_drain(h, "forced", 3);
	assert_page(h, "/cycles/1", "with 3 still running");
	assert_page(h, "/pulls/" WEB "/1", "with 3 still running");
	assert_page(h, "/metrics", "kcibot_drains_total{result=\"forced\"} 1");
	house_end(h);
}

static void await_asked(int count)
{
	for (int i = 0; asked < count; i++) {
		if (i > HOUSE_WAIT_MS / 5)
			fail_msg("nobody asks");
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	}
}

/* Its supervisor goes on asking, and the next life hears how it ended. */
static void test_killed(void **state UNUSED)
{
	struct house *h = draining("/until", "10m");
	int pull = house_pull(h, WEB, "sam", "src/a", NULL);
	int64_t said = house_say(h, WEB, pull, "mona", "@kcibot deploy");

	await_asked(1);
	house_kill(h);
	await_asked(asked + 2);
	house_start(h);
	assert_int_equal(house_ran(h, "deploy 1 short"), 0);
	gone = true;
	house_await_reaction(h, WEB, pull, said, "rocket");
	house_await_quiet(h);
	assert_int_equal(house_ran(h, "deploy 1 short"), 1);
	assert_int_equal(house_ran(h, "build 1 short"), 1);
	assert_drain(h, "drained", 0);
	assert_int_equal(house_sql(h, "SELECT count(*) FROM job"
				      " WHERE name = 'lull'"),
			 1);
	house_end(h);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_server, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_drained),
		TEST(test_forced),
		TEST(test_killed),
	};

	cmocka_set_test_filter(getenv("HOUSE_ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
