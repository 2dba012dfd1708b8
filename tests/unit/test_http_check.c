#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>

#include "bot/base/str.h"
#include "deploy/http_check.h"

static struct MHD_Daemon *server;
static char base[60];
static atomic_int requests;

/* "/STATUS/TEXT"; "/after/N" is well from the Nth request on. */
static enum MHD_Result serve(void *ctx UNUSED, struct MHD_Connection *c,
			     const char *url, const char *method UNUSED,
			     const char *version UNUSED,
			     const char *data UNUSED, size_t *size UNUSED,
			     void **con UNUSED)
{
	unsigned status = (unsigned)atoi(url + 1);
	const char *text = strchr(url + 1, '/');
	struct MHD_Response *r;
	enum MHD_Result rc;
	int count = ++requests;

	if (str_starts(url, "/after/")) {
		status = count >= atoi(url + 7) ? 200 : 503;
		text = "/{\"ok\":true,\"v\":[1,2],\"more\":{\"a\":1}}";
	}
	if (str_starts(url, "/big")) {
		static char big[HTTP_CHECK_ANSWER + 10];

		memset(big, ' ', sizeof(big));
		r = MHD_create_response_from_buffer(sizeof(big), big,
						    MHD_RESPMEM_PERSISTENT);
		status = 200;
	} else {
		text = text ? text + 1 : "";
		r = MHD_create_response_from_buffer(strlen(text),
						    (void *)(uintptr_t)text,
						    MHD_RESPMEM_MUST_COPY);
	}
	if (status == 302)
		MHD_add_response_header(r, "Location", "/200/{}");
	rc = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return rc;
}

static int set_up(void **state UNUSED)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const union MHD_DaemonInfo *info;

	server = MHD_start_daemon(MHD_USE_POLL_INTERNAL_THREAD, 0, NULL, NULL,
				  serve, NULL, MHD_OPTION_SOCK_ADDR, &a,
				  MHD_OPTION_END);
	if (!server)
		return -1;
	info = MHD_get_daemon_info(server, MHD_DAEMON_INFO_BIND_PORT);
	snprintf(base, sizeof(base), "http://127.0.0.1:%u", info->port);
	return 0;
}

static int tear_down(void **state UNUSED)
{
	MHD_stop_daemon(server);
	return 0;
}

static char said[4000];

static void say(void *ctx UNUSED, const char *line)
{
	size_t n = strlen(said);

	snprintf(said + n, sizeof(said) - n, "%s|", line);
}

static enum err check(const char *path, int status, const char *json, int tries,
		      bool (*stop)(void *), struct error *e)
{
	char url[200];
	json_error_t why;
	CLEANUP(json_decref)
	json_t *part = json ? json_loads(json, JSON_DECODE_ANY, &why) : NULL;
	struct http_probe p = {.url = url,
			       .status = status,
			       .json = part,
			       .tries = tries,
			       .every_ms = 1,
			       .stop = stop,
			       .say = say};

	said[0] = '\0';
	requests = 0;
	snprintf(url, sizeof(url), "%s%s", *path == '/' ? base : "", path);
	return http_check_run(&p, e);
}

static void answers(void **state UNUSED)
{
	static const struct {
		const char *path;
		int status;
		const char *json;
		enum err rc;
		const char *text;
	} cases[] = {
		{"/200/", 200, NULL, ERR_OK, ""},
		{"/204/", 204, NULL, ERR_OK, ""},
		{"/500/", 200, NULL, ERR_MISSING, "HTTP 500, expected 200"},
		{"/302/", 200, NULL, ERR_MISSING, "HTTP 302"},
		{"/302/", 302, NULL, ERR_OK, ""},
		{"/200/{\"ok\":true,\"x\":1}", 200, "{\"ok\":true}", ERR_OK,
		 ""},
		{"/200/{\"ok\":false}", 200, "{\"ok\":true}", ERR_MISSING,
		 "not what is expected"},
		{"/200/5", 200, "5", ERR_OK, ""},
		{"/200/6", 200, "5", ERR_MISSING, "not what is expected"},
		{"/200/<html>", 200, "{\"ok\":true}", ERR_MISSING, "not JSON"},
		{"/500/{\"ok\":true}", 200, "{\"ok\":true}", ERR_MISSING,
		 "HTTP 500"},
		{"/big", 200, NULL, ERR_MISSING, "more than"},
		{"file:///etc/hostname", 200, NULL, ERR_INVALID, ""},
		{"gopher://127.0.0.1/", 200, NULL, ERR_INVALID, ""},
		{"http://127.0.0.1:1/", 200, NULL, ERR_MISSING, ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error e = ERROR_INIT;
		enum err rc = check(cases[i].path, cases[i].status,
				    cases[i].json, 1, NULL, &e);

		if (rc != cases[i].rc || !strstr(e.text, cases[i].text))
			fail_msg("%s: %s: %s", cases[i].path, err_name(rc),
				 e.text);
	}
}

static void tries(void **state UNUSED)
{
	struct error e = ERROR_INIT;

	assert_int_equal(check("/after/3", 200, "{\"ok\":true}", 5, NULL, &e),
			 ERR_OK);
	assert_int_equal(requests, 3);
	assert_string_equal(said, "try 1 of 5: HTTP 503, expected 200|"
				  "try 2 of 5: HTTP 503, expected 200|"
				  "try 3 of 5: as expected|");
	assert_int_equal(check("/after/9", 200, NULL, 2, NULL, &e),
			 ERR_MISSING);
	assert_int_equal(requests, 2);
}

static bool stop_after_two(void *ctx UNUSED)
{
	return requests >= 2;
}

static void stopped(void **state UNUSED)
{
	struct error e = ERROR_INIT;

	assert_int_equal(check("/500/", 200, NULL, 1000000, stop_after_two, &e),
			 ERR_CONFLICT);
	assert_true(requests <= 3);
}

static void contains(void **state UNUSED)
{
	static const struct {
		const char *whole, *part;
		bool in;
	} cases[] = {
		{"{}", "{}", true},
		{"{'a':1}", "{}", true},
		{"{}", "{'a':1}", false},
		{"{'a':{'b':1,'c':2},'d':3}", "{'a':{'b':1}}", true},
		{"{'a':{'b':2}}", "{'a':{'b':1}}", false},
		{"{'a':1.0}", "{'a':1}", true},
		{"{'a':9007199254740993}", "{'a':9007199254740992}", false},
		{"{'a':'1'}", "{'a':1}", false},
		{"{'a':null}", "{'a':null}", true},
		{"{}", "{'a':null}", false},
		{"{'a':[{'x':1,'y':2},2]}", "{'a':[{'x':1},2]}", true},
		{"{'a':[1,2,3]}", "{'a':[1,2]}", false},
		{"{'a':true}", "{'a':false}", false},
		{"[1]", "{}", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[2][100];
		json_t *v[2];

		for (int k = 0; k < 2; k++) {
			snprintf(text[k], sizeof(text[k]), "%s",
				 k ? cases[i].part : cases[i].whole);
			for (char *p = text[k]; *p; p++)
				*p = *p == '\'' ? '"' : *p;
			v[k] = json_loads(text[k], JSON_DECODE_ANY, NULL);
			assert_non_null(v[k]);
		}
		if (json_contains(v[0], v[1]) != cases[i].in)
			fail_msg("%s in %s", text[1], text[0]);
		json_decref(v[0]);
		json_decref(v[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(tries),
		cmocka_unit_test(stopped),
		cmocka_unit_test(contains),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
