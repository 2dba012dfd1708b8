/*
 * Drain jobs: the count, the deadline, and real jobs against a real server.
 */
#include "tests/unit/jobs.h"

#include <microhttpd.h>
#include <netinet/in.h>

#include "deploy/drain.h"

/* --- without a process --- */

static struct drain with(int64_t running, int64_t deadline, int64_t full_until)
{
	return (struct drain){.deadline = deadline,
			      .full_until = full_until,
			      .running = running};
}

/* A service that is silent for a while gets the usual time once more. */
static void deadline_of_the_silent(void **unused UNUSED)
{
	struct drain d = with(DRAIN_UNKNOWN, 130, 1000);

	d.began = 100;
	d.lost = 500;
	assert_int_equal(drain_deadline(&d), 530);
	d.lost = 990;
	assert_int_equal(drain_deadline(&d), 1000);
	d.lost = 110;
	assert_int_equal(drain_deadline(&d), 140);
	d.full_until = 100;
	assert_int_equal(drain_deadline(&d), 130);
	d.running = 0;
	d.full_until = 1000;
	assert_int_equal(drain_deadline(&d), 130);
}

static void deadlines(void **unused UNUSED)
{
	static const struct {
		int64_t running, deadline, full_until, want;
	} cases[] = {
		{DRAIN_UNKNOWN, 30, 0, 30},
		{0, 30, 0, 30},
		{3, 30, 0, 30},
		{3, 30, 20, 30},
		{3, 30, 300, 300},
		{1, 30, 300, 300},
		{DRAIN_UNKNOWN, 30, 300, 30},
		{0, 30, 300, 30},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct drain d = with(cases[i].running, cases[i].deadline,
				      cases[i].full_until);

		assert_int_equal(drain_deadline(&d), cases[i].want);
	}
}

static int64_t fed(const char *text, size_t step)
{
	struct drain d = with(DRAIN_UNKNOWN, 0, 0);
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i += step)
		drain_feed(&d, text + i, len - i < step ? len - i : step);
	drain_feed(&d, NULL, 0);
	return d.running;
}

static void counts_in_output(void **unused UNUSED)
{
	static const struct {
		const char *text;
		int64_t want;
	} cases[] = {
		{"", -1},
		{"\n\n", -1},
		{"3", 3},
		{"3\n", 3},
		{"3\r\n", 3},
		{"   3\n", 3},
		{"12\nwaiting\n7\nbye\n", 7},
		{"3\n0\n", 0},
		{"3\n4 left\n", 3},
		{"3\n-1\n2.5\n1e3\n0x1\n+4\n", 3},
		{"999999999999999999\n", 999999999999999999LL},
		{"3\n9999999999999999999\n", 3},
		{"3\n00000000000000000000000000000000000000000000007\n", 3},
		{"3\n\x1b[31m4\n\xff\n", 3},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (size_t step = 1; step < 8; step++)
			if (fed(cases[i].text, step) != cases[i].want)
				fail_msg("%s: %lld", cases[i].text,
					 (long long)fed(cases[i].text, step));
}

static void shapes(void **unused UNUSED)
{
	static const struct {
		const char *json;
		bool good;
	} cases[] = {
		{"0", true},	 {"{'a':0}", true},  {"{'a':{'b':0}}", true},
		{"1", false},	 {"0.0", false},     {"'0'", false},
		{"null", false}, {"{}", false},	     {"{'a':0,'b':0}", false},
		{"[0]", false},	 {"{'a':1}", false},
	};

	assert_false(drain_shape(NULL));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[60];
		CLEANUP(json_decref) json_t *json = NULL;

		snprintf(text, sizeof(text), "%s", cases[i].json);
		for (char *p = text; *p; p++)
			*p = *p == '\'' ? '"' : *p;
		json = json_loads(text, JSON_DECODE_ANY, NULL);
		assert_non_null(json);
		assert_int_equal(drain_shape(json), cases[i].good);
	}
}

static void words(void **unused UNUSED)
{
	static const struct {
		int64_t running, ms;
		bool forced;
		const char *why, *want;
	} cases[] = {
		{0, 240000, false, "", "drained in 4 min"},
		{3, 1800000, true, "",
		 "forced after 30 min with 3 still running"},
		{3, 1800000, true, "HTTP 503",
		 "forced after 30 min with 3 still running"},
		{-1, 1800000, true, "",
		 "forced after 30 min, not known how many still run"},
		{-1, 1800000, true, "HTTP 503",
		 "forced after 30 min, not known how many still run: HTTP "
		 "503"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(str_release) struct str out = STR_INIT(1000);
		struct drain d = {.began = 5, .running = cases[i].running};

		drain_say(&d, cases[i].forced, 5 + cases[i].ms, cases[i].why,
			  &out);
		assert_string_equal(out.text, cases[i].want);
	}
}

/* --- a server that counts --- */

static struct MHD_Daemon *server;
static unsigned server_port;
static atomic_int asked, once;
static atomic_bool gone; /* for /until */

/*
 * /is/TEXT answers TEXT; /down/A/B/C a letter for each request, the last for
 * all later ones; /until 3 until gone is set; /late/N 3, and from the Nth
 * request on 0; /once 3, and then 503; /status/N with 0 as text; /huge more
 * than anybody reads.
 */
static const char *script(const char *url, unsigned *status, char *buf,
			  size_t size)
{
	int n = ++asked;

	*status = 200;
	if (str_starts(url, "/is/"))
		return url + 4;
	if (str_starts(url, "/status/")) {
		*status = (unsigned)atoi(url + 8);
		return "0";
	}
	if (str_starts(url, "/once")) {
		*status = once++ ? 503 : 200;
		return "3";
	}
	if (str_starts(url, "/until"))
		return gone ? "0" : "3";
	if (str_starts(url, "/late/"))
		return n >= atoi(url + 6) ? "0" : "3";
	if (str_starts(url, "/down/")) {
		size_t at = 6 + 2 * (size_t)(n - 1), last = strlen(url) - 1;

		snprintf(buf, size, "%c", url[at < last ? at : last]);
		return buf;
	}
	*status = 404;
	return "";
}

static enum MHD_Result serve(void *ctx UNUSED, struct MHD_Connection *c,
			     const char *url, const char *method UNUSED,
			     const char *version UNUSED,
			     const char *data UNUSED, size_t *size UNUSED,
			     void **con UNUSED)
{
	static char huge[HTTP_CHECK_ANSWER + 10];
	struct MHD_Response *r;
	enum MHD_Result rc;
	unsigned status = 200;
	char buf[8];

	if (str_starts(url, "/huge")) {
		memset(huge, '0', sizeof(huge));
		r = MHD_create_response_from_buffer(sizeof(huge), huge,
						    MHD_RESPMEM_PERSISTENT);
	} else {
		const char *text = script(url, &status, buf, sizeof(buf));

		r = MHD_create_response_from_buffer(strlen(text),
						    (void *)(uintptr_t)text,
						    MHD_RESPMEM_MUST_COPY);
	}
	if (status == 302)
		MHD_add_response_header(r, "Location", "/is/0");
	rc = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return rc;
}

static int open_world(void **unused)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	if (set_up(unused))
		return -1;
	port->stop(port);
	port = open_port(ANSWERS);
	asked = once = 0;
	gone = false;
	server = MHD_start_daemon(MHD_USE_POLL_INTERNAL_THREAD, 0, NULL, NULL,
				  serve, NULL, MHD_OPTION_SOCK_ADDR, &a,
				  MHD_OPTION_END);
	if (!port || !server)
		return -1;
	server_port =
		MHD_get_daemon_info(server, MHD_DAEMON_INFO_BIND_PORT)->port;
	return 0;
}

static int close_world(void **unused)
{
	MHD_stop_daemon(server);
	return tear_down(unused);
}

/* Starts a drain job that asks for path; more: further members of the args. */
static void drain_http(int id, const char *path, const char *shape,
		       const char *more)
{
	char key[20], text[500];

	snprintf(key, sizeof(key), "d%d", id);
	snprintf(text, sizeof(text),
		 "{'class':'drain',%s'http':{'url':'http://127.0.0.1:%u%s',"
		 "'every_ms':1%s%s}}",
		 more, server_port, path, *shape ? ",'json':" : "", shape);
	run(id, key, text);
}

static void assert_text(int id, const char *part)
{
	const char *text = js_str(await_answer(id)->body, "text");

	if (!strstr(text, part))
		fail_msg("%d: no \"%s\" in \"%s\"", id, part, text);
	/* Who reads the log finds the same there. */
	if (!strstr(tail_of(id), part))
		fail_msg("%d: no \"%s\" in the log", id, part);
}

static int64_t left_running(int id)
{
	return js_int(await_answer(id)->body, "running", -2);
}

static void polls_until_nothing_runs(void **unused UNUSED)
{
	drain_http(0, "/down/3/2/0", "", "");
	expect(0, "success", "drained");
	assert_text(0, "drained in ");
	assert_int_equal(asked, 3);
	assert_int_equal(left_running(0), 0);
	assert_true(strstr(tail_of(0), "3 still running") <
		    strstr(tail_of(0), "2 still running"));
	expect_silence("d0");
	drain_http(1, "/is/{\"items\":{\"running\":0},\"more\":7}",
		   "{'items':{'running':0}}", "");
	expect(1, "success", "drained");
}

/* The longest that a job here waits for a number before it is forced. */
#define SOON "'timeout_ms':6000,"

static void what_is_no_count(void **unused UNUSED)
{
	static const struct {
		const char *path, *shape, *why;
	} cases[] = {
		{"/is/<html>", "", "not JSON"},
		{"/is/", "", "not JSON"},
		{"/is/-1", "", "no whole number"},
		{"/is/0.0", "", "no whole number"},
		{"/is/\"0\"", "", "no whole number"},
		{"/is/null", "", "no whole number"},
		{"/is/false", "", "no whole number"},
		{"/is/[0]", "", "no whole number"},
		{"/is/{\"a\":0}", "", "no whole number"},
		{"/is/0", "{'a':0}", "no whole number"},
		{"/is/{\"a\":{}}", "{'a':{'b':0}}", "no whole number"},
		{"/is/99999999999999999999999999", "", "not JSON"},
		{"/is/0,0", "", "not JSON"},
		{"/status/302", "", "HTTP 302"},
		{"/status/503", "", "HTTP 503"},
		{"/huge", "", "more than"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		drain_http((int)i, cases[i].path, cases[i].shape,
			   /* Not known is no reason to wait longer. */
			   SOON "'full_ms':3600000,");
	for (int i = 0; i < (int)ARRAY_SIZE(cases); i++) {
		expect(i, "success", "forced");
		assert_text(i, ", not known how many still run: ");
		assert_text(i, cases[i].why);
		assert_int_equal(left_running(i), DRAIN_UNKNOWN);
	}
}

static void out_of_time(void **unused UNUSED)
{
	run(0, "a",
	    "{'class':'drain','timeout_ms':2000,'http':{'url':"
	    "'http://127.0.0.1:1/','every_ms':1}}");
	drain_http(1, "/is/3", "", SOON);
	/* What may be the last full's waits as long as it may, and no longer.
	 */
	drain_http(2, "/is/3", "", "'timeout_ms':1000,'full_ms':2500,");
	/* Once known, then silent: long before the hour is over. */
	drain_http(5, "/once", "", "'timeout_ms':4000,'full_ms':3600000,");
	run(3, "b",
	    "{'class':'drain'," SOON "'run':['/bin/sh','-c',"
	    "'echo 7; echo 5; echo bye; exec sleep 1000']}");
	run(4, "c",
	    "{'class':'drain','timeout_ms':1000,"
	    "'run':['/bin/sleep','1000']}");
	expect(0, "success", "forced");
	assert_text(0, ", not known how many still run: ");
	expect(1, "success", "forced");
	assert_text(1, " with 3 still running");
	assert_int_equal(left_running(1), 3);
	expect(2, "success", "forced");
	expect(5, "success", "forced");
	assert_text(5, ", not known how many still run: HTTP 503");
	expect(3, "success", "forced");
	assert_text(3, " with 5 still running");
	expect(4, "success", "forced");
	assert_text(4, ", not known how many still run");
	assert_int_equal(left_running(4), DRAIN_UNKNOWN);
}

/* The deadline is long over when the last of them ends. */
static void a_full_is_not_drained_away(void **unused UNUSED)
{
	drain_http(0, "/late/30", "", "'timeout_ms':2000,'full_ms':3600000,");
	expect(0, "success", "drained");
	assert_true(asked >= 30);
}

static void programs(void **unused UNUSED)
{
	run(0, "a", "{'class':'drain','run':['/bin/sh','-c','echo 3']}");
	run(1, "b", "{'class':'drain','run':['/bin/sh','-c','exit 3']}");
	run(2, "c", "{'class':'drain','run':['/nonexistent/x']}");
	run(3, "d",
	    "{'class':'drain','run':['/bin/true'],"
	    "'secrets':{'A':'/nonexistent/x'}}");
	run(4, "e", "{'class':'code','run':['/bin/true']}");
	run(5, "f", "{'class':'drain','http':{'url':'file:///etc/passwd'}}");
	/* Nothing runs any more when it says so by its end. */
	expect(0, "success", "drained");
	assert_int_equal(left_running(0), 0);
	expect(1, "failure", "exit");
	expect(2, "error", "not_started");
	expect(3, "error", "secret_missing");
	expect(4, "success", "ok");
	assert_int_equal(left_running(4), DRAIN_UNKNOWN);
	expect(5, "error", "not_started");
}

static void cancelled(void **unused UNUSED)
{
	drain_http(0, "/until", "", "");
	AWAIT(asked > 1);
	cancel(1, "d0");
	expect(0, "cancelled", "cancelled");
	assert_int_equal(await_answer(1)->code, ERR_OK);
	expect_silence("d0");
}

/* The bot dies, the drain goes on, and its clock with it. */
static void adopted(void **unused UNUSED)
{
	drain_http(0, "/until", "", "");
	AWAIT(asked > 1);
	port->stop(port);
	port = open_port(4);
	forget_answers();
	drain_http(0, "/until", "", "");
	gone = true;
	expect(0, "success", "drained");
	assert_non_null(strstr(tail_of(0), "3 still running"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deadlines),
		cmocka_unit_test(deadline_of_the_silent),
		cmocka_unit_test(counts_in_output),
		cmocka_unit_test(shapes),
		cmocka_unit_test(words),
#define SERVED(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
		SERVED(polls_until_nothing_runs),
		SERVED(what_is_no_count),
		SERVED(out_of_time),
		SERVED(a_full_is_not_drained_away),
		SERVED(programs),
		SERVED(cancelled),
		SERVED(adopted),
	};

	BE_SUPERVISOR(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
