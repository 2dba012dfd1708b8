/*
 * The HTTP side as a client sees it, over loopback, with a real journal.
 * Where a test needs the disk to hang, it holds the journal's write lock.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <cmocka.h>

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <sqlite3.h>

#include "bot/base/fs.h"
#include "bot/base/limits.h"
#include "bot/intake.h"
#include "bot/metrics.h"
#include "store/inbox.h"
#include "tests/unit/http_client.h"

static char folder[200];
static char inbox_path[256];
static char secret_path[256];
static struct intake *intake;
static int port;
static atomic_int commits;

/* A clock that the test moves while the server's threads look at it. */
static atomic_llong offset_ms;

static int64_t moved_wall(const struct clock *c UNUSED)
{
	return clock_wall(&clock_system) + atomic_load(&offset_ms);
}

static int64_t moved_mono(const struct clock *c UNUSED)
{
	return clock_mono(&clock_system) + atomic_load(&offset_ms);
}

static const struct clock moved = {moved_wall, moved_mono};

static void on_commit(void *ctx UNUSED)
{
	atomic_fetch_add(&commits, 1);
}

static void on_page(void *ctx UNUSED, const char *path, struct page *ret)
{
	if (strcmp(path, "/") != 0)
		return;
	ret->status = 200;
	ret->type = "text/html; charset=utf-8";
	str_puts(&ret->body, "<p>hello");
}

static struct intake_settings usual(void)
{
	return (struct intake_settings){
		.host = "127.0.0.1",
		.inbox_path = inbox_path,
		.secret_file = secret_path,
		.clock = &moved,
		/* Generous: only what moves the clock shall see it pass. */
		.request_ms = 120000,
		.idle_ms = 3600000,
		.connections = LIMIT_CONNECTIONS,
		.committed = on_commit,
		.page = on_page,
	};
}

static void start_with(const struct intake_settings *s)
{
	struct error e = ERROR_INIT;

	intake = intake_start(s, &e);
	if (!intake)
		fail_msg("%s", e.text);
	port = intake_port(intake);
}

static void start(void)
{
	struct intake_settings s = usual();

	start_with(&s);
}

static void write_secret(const char *text)
{
	struct error e = ERROR_INIT;

	if (fs_write(secret_path, text, strlen(text), 0600, &e))
		fail_msg("%s", e.text);
}

static int set_up(void **state UNUSED)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%s/intake.XXXXXX",
		 tmp ? tmp : "/tmp");
	if (!mkdtemp(folder))
		return -1;
	snprintf(inbox_path, sizeof(inbox_path), "%s/inbox.db", folder);
	snprintf(secret_path, sizeof(secret_path), "%s/secret", folder);
	write_secret(TEST_SECRET "\n");
	atomic_store(&commits, 0);
	atomic_store(&offset_ms, 0);
	return 0;
}

static int tear_down(void **state UNUSED)
{
	struct error e = ERROR_INIT;

	if (intake)
		intake_stop(intake);
	intake = NULL;
	return fs_remove_tree(folder, &e) ? -1 : 0;
}

static void stop(void)
{
	intake_stop(intake);
	intake = NULL;
}

static struct inbox *reader(void)
{
	struct error e = ERROR_INIT;
	struct inbox *i = inbox_open_reader(inbox_path, &e);

	if (!i)
		fail_msg("%s", e.text);
	return i;
}

static int64_t rows(void)
{
	CLEANUP(inbox_close) struct inbox *i = reader();

	return inbox_depth(i, 0);
}

static long counted(const char *result)
{
	CLEANUP(str_release) struct str page = STR_INIT(LIMIT_PAGE);
	char name[100];
	const char *at;

	metrics_write(&page);
	snprintf(name, sizeof(name), "kcibot_deliveries_total{result=\"%s\"} ",
		 result);
	at = strstr(page.text, name);
	assert_non_null(at);
	return atol(at + strlen(name));
}

/* Takes turns until a condition holds; generous, as it should be soon. */
#define AWAIT(condition)                                                       \
	do {                                                                   \
		int64_t end_ = clock_mono(&clock_system) + 60000;              \
                                                                               \
		while (!(condition)) {                                         \
			if (clock_mono(&clock_system) > end_)                  \
				fail_msg("never: %s", #condition);             \
			usleep(1000);                                          \
		}                                                              \
	} while (0)

/* --- the rows of the contract --- */

static void test_journaled_with_headers_and_raw_body(void **state UNUSED)
{
	static const char body[] = "{\"zen\": \"not parsed \xff\"";
	struct error e = ERROR_INIT;
	struct inbox_delivery d;
	struct inbox *i;
	long before = counted("accepted");

	start();
	assert_int_equal(http_post(port, &(struct post){.guid = "g-1",
							.event = "push",
							.body = body}),
			 202);
	assert_int_equal(counted("accepted"), before + 1);
	assert_true(metric_last_delivery() > 0);
	AWAIT(atomic_load(&commits) == 1);

	i = reader();
	assert_int_equal(inbox_next(i, 0, &d, &e), ERR_OK);
	assert_string_equal(d.guid, "g-1");
	assert_string_equal(d.event, "push");
	assert_int_equal(d.len, strlen(body));
	assert_memory_equal(d.body, body, d.len);
	assert_true(d.received_ms > 1600000000000);
	inbox_close(i);
}

static void test_known_duplicate(void **state UNUSED)
{
	const struct post p = {.guid = "g", .body = "{}"};
	const struct post again = {.guid = "g", .body = "{\"other\":1}"};

	start();
	assert_int_equal(http_post(port, &p), 202);
	assert_int_equal(http_post(port, &p), 200);
	assert_int_equal(http_post(port, &again), 200);
	assert_int_equal(rows(), 1);
	stop();
	start(); /* known beyond a restart */
	assert_int_equal(http_post(port, &p), 200);
	assert_int_equal(rows(), 1);
}

/* What must be refused, each without a trace in the journal. */
static void test_refusals(void **state UNUSED)
{
	static char long_name[130];
	const struct {
		int status;
		struct post post;
	} cases[] = {
		{400, {.event = ""}},
		{400, {.guid = ""}},
		{400, {.guid = long_name}},
		{400, {.event = long_name}},
		{400, {.guid = "a b"}},
		{400, {.guid = "a\x7f"}},
		{400, {.guid = "\xc3\xa9"}},
		{400, {.extra = "X-GitHub-Delivery: another\r\n"}},
		{400, {.extra = "X-GitHub-Event: another\r\n"}},
		{400, {.extra = "X-Hub-Signature-256: sha256=00\r\n"}},
		{400, {.chunked = true, .extra = "Content-Length: 2\r\n"}},
		{401, {.signature = ""}},
		{401, {.signature = "sha256=00"}},
		{401,
		 {.signature = "",
		  .extra =
			  "X-Hub-Signature: "
			  "sha1=0000000000000000000000000000000000000000\r\n"}},
		{401, {.secret = "another secret of forty characters here."}},
		{401, {.secret = ""}},
		{401, {.chunked = true, .secret = "x"}},
		{415, {.type = ""}},
		{415, {.type = "application/x-www-form-urlencoded"}},
		{415, {.type = "application/jsonp"}},
		{415, {.type = "text/plain; application/json"}},
		/* Nothing tells of the secret when something else is wrong. */
		{400, {.event = "", .secret = "x"}},
		{415, {.type = "text/plain", .signature = ""}},
	};

	memset(long_name, 'x', 129);
	start();
	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		struct post p = cases[n].post;
		int status;

		p.body = "{}";
		status = http_post(port, &p);
		if (status != cases[n].status)
			fail_msg("case %zu: %d, not %d", n, status,
				 cases[n].status);
	}
	assert_int_equal(rows(), 0);
	long_name[128] = '\0';
	assert_int_equal(http_post(port, &(struct post){.guid = long_name,
							.event = long_name}),
			 202);
}

static void test_refusals_are_counted(void **state UNUSED)
{
	long requests = counted("bad_request");
	long signatures = counted("bad_signature");

	start();
	http_post(port, &(struct post){.type = "x"});
	http_post(port, &(struct post){.guid = ""});
	http_post(port, &(struct post){.signature = ""});
	http_post(port, &(struct post){.secret = "x", .body = "{}"});
	assert_int_equal(counted("bad_request"), requests + 2);
	assert_int_equal(counted("bad_signature"), signatures + 2);
}

static void test_json_is_said_in_many_ways(void **state UNUSED)
{
	static const char *const types[] = {
		"application/json", "Application/JSON",
		"application/json; charset=utf-8", "application/json;x"};

	start();
	for (size_t n = 0; n < ARRAY_SIZE(types); n++) {
		char guid[8];

		snprintf(guid, sizeof(guid), "g%zu", n);
		assert_int_equal(
			http_post(port, &(struct post){.guid = guid,
						       .type = types[n]}),
			202);
	}
}

/* The one of GitHub's example; the vector itself: test_signature.c. */
static void test_published_vectors_secret_is_too_short(void **state UNUSED)
{
	struct error e = ERROR_INIT;
	struct intake_settings s = usual();

	write_secret("It's a Secret to Everybody\n");
	assert_null(intake_start(&s, &e));
	assert_non_null(strstr(e.text, "at least 32"));
}

static void test_two_secrets_and_rotation(void **state UNUSED)
{
	struct error e = ERROR_INIT;
	const struct post with_new = {.guid = "1", .body = "{}"};
	const struct post with_old = {
		.guid = "2", .body = "{}", .secret = TEST_OLD_SECRET};

	write_secret(TEST_OLD_SECRET "\n");
	start();
	assert_int_equal(http_post(port, &with_new), 401);
	write_secret(TEST_SECRET "\n" TEST_OLD_SECRET "\n");
	assert_int_equal(http_post(port, &with_new), 401);
	assert_int_equal(intake_reload_secret(intake, &e), ERR_OK);
	assert_int_equal(http_post(port, &with_new), 202);
	assert_int_equal(http_post(port, &with_old), 202);
	write_secret("short\n");
	assert_int_not_equal(intake_reload_secret(intake, &e), ERR_OK);
	assert_int_equal(http_post(port, &with_old), 200); /* as it was */
	write_secret(TEST_SECRET "\n");
	assert_int_equal(intake_reload_secret(intake, &e), ERR_OK);
	assert_int_equal(http_post(port, &with_old), 401);
}

static void test_other_methods_and_paths(void **state UNUSED)
{
	CLEANUP(str_release) struct str text = STR_INIT(1 << 20);

	start();
#define REQUEST(line) line " HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"
	assert_int_equal(http_talk(port, REQUEST("GET /webhook"), &text), 405);
	assert_non_null(strstr(text.text, "Allow: POST\r\n"));
	assert_int_equal(http_talk(port, REQUEST("PUT /webhook"), &text), 405);
	assert_int_equal(http_talk(port, REQUEST("GET /"), &text), 200);
	assert_non_null(strstr(text.text, "text/html; charset=utf-8"));
	assert_non_null(strstr(text.text, "\r\n\r\n<p>hello"));
	assert_int_equal(http_talk(port, REQUEST("GET /?a=b"), &text), 200);
	assert_int_equal(http_talk(port, REQUEST("HEAD /"), &text), 200);
	assert_null(strstr(text.text, "<p>"));
	assert_int_equal(http_talk(port, REQUEST("GET /no"), &text), 404);
	assert_int_equal(http_talk(port, REQUEST("GET /webhook/"), &text), 404);
	assert_int_equal(http_talk(port, REQUEST("POST /no"), &text), 404);
	assert_int_equal(http_talk(port, REQUEST("DELETE /"), &text), 405);
	assert_non_null(strstr(text.text, "Allow: GET, HEAD\r\n"));
	assert_int_equal(http_talk(port,
				   "GET / HTTP/1.1\r\nHost: t\r\n"
				   "Content-Length: 9\r\n\r\n",
				   &text),
			 400);
	assert_int_equal(http_talk(port,
				   "POST / HTTP/1.1\r\nHost: t\r\n"
				   "Content-Length: 9000000\r\n\r\n",
				   &text),
			 405); /* at once, with no body */
}

static void test_every_answer_is_dressed(void **state UNUSED)
{
	static const char *const requests[] = {
		REQUEST("GET /"),
		REQUEST("GET /no"),
		REQUEST("GET /webhook"),
		REQUEST("POST /webhook"),
		"POST /webhook HTTP/1.1\r\nContent-Length: 9\r\n\r\n",
	};
	static const char *const wanted[] = {
		"Content-Security-Policy: default-src 'none'; style-src 'self'",
		"frame-ancestors 'none'",
		"X-Content-Type-Options: nosniff\r\n",
		"Referrer-Policy: no-referrer\r\n",
		"Cache-Control: no-store\r\n",
		"Date: ",
		"Content-Type: ",
		"Content-Length: ",
	};

	start();
	for (size_t n = 0; n < ARRAY_SIZE(requests); n++) {
		CLEANUP(str_release) struct str text = STR_INIT(1 << 20);

		assert_true(http_talk(port, requests[n], &text) >= 200);
		for (size_t w = 0; w < ARRAY_SIZE(wanted); w++)
			if (!strstr(text.text, wanted[w]))
				fail_msg("%s lacks %s", text.text, wanted[w]);
	}
}

/* OpenSSL's memory, that a test can take away. */
static atomic_bool no_memory;

static void *our_malloc(size_t n, const char *file UNUSED, int line UNUSED)
{
	return atomic_load(&no_memory) ? NULL : malloc(n);
}

static void *our_realloc(void *p, size_t n, const char *file UNUSED,
			 int line UNUSED)
{
	return atomic_load(&no_memory) ? NULL : realloc(p, n);
}

static void our_free(void *p, const char *file UNUSED, int line UNUSED)
{
	free(p);
}

/* What cannot be checked is not called wrong. */
static void test_error_in_the_check(void **state UNUSED)
{
	char right[80];
	struct post p = {.body = "{}", .signature = right};
	CLEANUP(str_release) struct str text = STR_INIT(1 << 20);
	CLEANUP(str_release) struct str reply = STR_INIT(1 << 20);
	CLEANUP(fd_close) int fd = -1;

	start();
	http_sign(&p, right);
	http_head(&text, &p);
	str_puts(&text, "{}");
	fd = http_connect(port);
	atomic_store(&no_memory, true);
	assert_true(http_send(fd, text.text, text.len));
	assert_int_equal(http_read(fd, &reply, false), 503);
	atomic_store(&no_memory, false);
	assert_non_null(strstr(reply.text, "Retry-After: "));
	assert_int_equal(http_post(port, &p), 202);
}

/* --- sizes --- */

static char *body_of(size_t len)
{
	char *body = malloc(len + 1);

	assert_non_null(body);
	memset(body, 'a', len);
	body[len] = '\0';
	return body;
}

static void test_body_of_the_largest_size(void **state UNUSED)
{
	CLEANUP(free) char *body = body_of(LIMIT_BODY);
	struct post p = {.guid = "1", .body = body};

	start();
	assert_int_equal(http_post(port, &p), 202);
	p.chunked = true;
	p.guid = "2";
	assert_int_equal(http_post(port, &p), 202);
}

static void test_body_above_the_largest_size(void **state UNUSED)
{
	CLEANUP(free) char *body = body_of(LIMIT_BODY + 1);
	CLEANUP(str_release) struct str text = STR_INIT(1 << 20);
	struct post p = {.body = body};
	long before = counted("too_large");

	start();
	/* Sent whole, the answer is not lost; nor is a signature needed. */
	assert_int_equal(http_post(port, &p), 413);
	p.chunked = true;
	assert_int_equal(http_post(port, &p), 413);
	p.signature = "";
	p.chunked = false;
	assert_int_equal(http_post(port, &p), 413);
	/* Announced only: it is not waited for. */
	assert_int_equal(http_talk(port,
				   "POST /webhook HTTP/1.1\r\nHost: t\r\n"
				   "Content-Length: 26214401\r\n\r\n",
				   &text),
			 413);
	assert_int_equal(http_talk(port,
				   "POST /webhook HTTP/1.1\r\nHost: t\r\n"
				   "Content-Length: 999999999999\r\n"
				   "Expect: 100-continue\r\n\r\n",
				   &text),
			 413);
	assert_int_equal(counted("too_large"), before + 5);
	assert_int_equal(rows(), 0);
}

static void test_ceiling_of_all_bodies(void **state UNUSED)
{
	CLEANUP(free) char *body = body_of(80000);
	CLEANUP(str_release) struct str head = STR_INIT(1 << 20);
	struct intake_settings s = usual();
	struct post first = {.guid = "first", .body = body};
	struct post p = {.body = body};
	CLEANUP(fd_close) int fd = -1;
	char guid[16];
	int n = 0;

	s.bodies = 100000;
	start_with(&s);
	fd = http_connect(port);
	http_head(&head, &first);
	assert_true(http_send(fd, head.text, head.len));
	assert_true(http_send(fd, body, 60000));
	p.guid = guid;
	/* Once those 60,000 have been read, another 80,000 are too much. */
	AWAIT(({
		      snprintf(guid, sizeof(guid), "g%d", n++);
		      http_post(port, &p);
	      }) == 503);
	assert_true(http_send(fd, body + 60000, 20000));
	assert_int_equal(http_status(fd), 202);
	AWAIT(http_post(port, &p) == 202);
}

static void test_curl(void **state UNUSED)
{
	CLEANUP(free) char *body = body_of(3 << 20); /* 100-continue */
	struct post p = {.body = body};
	char line[200], signature[80];
	struct curl_slist *headers = NULL;
	CURL *curl = curl_easy_init();
	char url[64];
	long status = 0;

	start();
	http_sign(&p, signature);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/webhook", port);
	snprintf(line, sizeof(line), "X-Hub-Signature-256: %s", signature);
	headers = curl_slist_append(headers, line);
	headers = curl_slist_append(headers, "X-GitHub-Event: push");
	headers = curl_slist_append(headers, "X-GitHub-Delivery: c");
	headers = curl_slist_append(headers, "Content-Type: application/json");
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, 3L << 20);
	/* The same connection again and again. */
	for (int n = 0; n < 3; n++) {
		assert_int_equal(curl_easy_perform(curl), CURLE_OK);
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
		assert_int_equal(status, n ? 200 : 202);
		curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &status);
		assert_int_equal(status, n ? 0 : 1);
	}
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
}

/* Pages that nobody fetches count as well. */
static void test_ceiling_of_pages(void **state UNUSED)
{
	CLEANUP(str_release) struct str text = STR_INIT(1 << 20);
	struct intake_settings s = usual();

	s.bodies = 10; /* less than the page needs */
	start_with(&s);
	assert_int_equal(http_talk(port, REQUEST("GET /"), &text), 503);
	assert_int_equal(http_talk(port, REQUEST("GET /no"), &text), 404);
}

/* --- a disk that hangs --- */

/*
 * Its one HTTP thread has seen what was sent before, and is done with what
 * it answered before.
 */
static void let_server_catch_up(void)
{
	assert_int_equal(http_post(port, &(struct post){.signature = ""}), 401);
}

static sqlite3 *hold_disk(void)
{
	sqlite3 *h;

	assert_int_equal(sqlite3_open(inbox_path, &h), SQLITE_OK);
	sqlite3_busy_timeout(h, 60000);
	assert_int_equal(sqlite3_exec(h, "BEGIN IMMEDIATE", NULL, NULL, NULL),
			 SQLITE_OK);
	return h;
}

static void release_disk(sqlite3 *h)
{
	assert_int_equal(sqlite3_exec(h, "COMMIT", NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(h);
}

#define MOST 200

/* Posts on count connections at once; each guid is used by share of them. */
static void post_many(int *fds, int count, int share)
{
	for (int n = 0; n < count; n++) {
		char guid[16];
		struct post p = {.guid = guid, .body = "{}"};

		snprintf(guid, sizeof(guid), "g%d", n / share);
		fds[n] = http_connect(port);
		assert_true(fds[n] >= 0);
		assert_true(http_send_post(fds[n], &p));
	}
}

/* Reads all the answers; returns how many were status. */
static int answers_of(int *fds, int count, int status)
{
	int got = 0;

	for (int n = 0; n < count; n++) {
		got += http_status(fds[n]) == status;
		close(fds[n]);
	}
	return got;
}

static void parallel(int count)
{
	int fds[MOST];
	sqlite3 *h;

	start();
	h = hold_disk();
	post_many(fds, count, 1);
	release_disk(h);
	assert_int_equal(answers_of(fds, count, 202), count);
	assert_int_equal(rows(), count);
	/* All of them, or nearly, went to disk together. */
	AWAIT(atomic_load(&commits) > 0);
	assert_true(atomic_load(&commits) < count);
}

/* 128 ready sockets are what libmicrohttpd's epoll mode stalls at. */
static void test_128_at_once(void **state UNUSED)
{
	parallel(128);
}

static void test_200_at_once(void **state UNUSED)
{
	parallel(200);
}

static void test_duplicates_in_one_group(void **state UNUSED)
{
	int fds[60], again[60];
	sqlite3 *h;

	start();
	h = hold_disk();
	post_many(fds, 60, 3);
	release_disk(h);
	for (int n = 0; n < 60; n++)
		again[n] = http_status(fds[n]);
	for (int n = 0; n < 60; n += 3) {
		int sum = again[n] + again[n + 1] + again[n + 2];

		assert_int_equal(sum, 202 + 200 + 200); /* one is the first */
		for (int k = n; k < n + 3; k++)
			close(fds[k]);
	}
	assert_int_equal(rows(), 20);
}

static void test_pages_answer_while_the_disk_hangs(void **state UNUSED)
{
	CLEANUP(str_release) struct str text = STR_INIT(1 << 20);
	int fds[10];
	sqlite3 *h;

	start();
	h = hold_disk();
	post_many(fds, 10, 1);
	assert_int_equal(http_talk(port, REQUEST("GET /"), &text), 200);
	assert_int_equal(http_post(port, &(struct post){.signature = ""}), 401);
	release_disk(h);
	assert_int_equal(answers_of(fds, 10, 202), 10);
}

static void test_a_gone_client_is_journaled_all_the_same(void **state UNUSED)
{
	struct linger now = {1, 0}; /* a reset, not an end */
	int fds[3];
	sqlite3 *h;

	start();
	h = hold_disk();
	post_many(fds, 3, 1);
	let_server_catch_up();
	setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fds[0]);
	close(fds[1]);
	shutdown(fds[2], SHUT_WR);
	release_disk(h);
	AWAIT(rows() == 3);
	close(fds[2]);
	assert_int_equal(http_post(port, &(struct post){.guid = "x"}), 202);
}

/* --- clients that take their time --- */

static int half_open(const char *text)
{
	int fd = http_connect(port);

	assert_true(fd >= 0);
	assert_true(http_send(fd, text, strlen(text)));
	return fd;
}

static void test_total_deadline(void **state UNUSED)
{
	static const char *const starts[] = {
		"",
		"POST /webh",
		"POST /webhook HTTP/1.1\r\nHost: t\r\nX-GitHub",
		"POST /webhook HTTP/1.1\r\nHost: t\r\nX-GitHub-Event: p\r\n"
		"X-GitHub-Delivery: g\r\nContent-Type: application/json\r\n"
		"X-Hub-Signature-256: sha256=0000000000000000000000000000000000"
		"000000000000000000000000000000\r\nContent-Length: 9\r\n\r\nab",
	};
	int fds[ARRAY_SIZE(starts)];
	long before = counted("timeout");

	start();
	for (size_t n = 0; n < ARRAY_SIZE(starts); n++)
		fds[n] = half_open(starts[n]);
	let_server_catch_up();
	atomic_fetch_add(&offset_ms, 60000);
	assert_int_equal(http_post(port, &(struct post){.guid = "2"}), 202);
	atomic_fetch_add(&offset_ms, 61000);
	for (size_t n = 0; n < ARRAY_SIZE(starts); n++) {
		assert_true(http_ended(fds[n]));
		close(fds[n]);
	}
	assert_int_equal(counted("timeout"), before + ARRAY_SIZE(starts));
	assert_int_equal(http_post(port, &(struct post){.guid = "3"}), 202);
}

/* A byte now and then keeps libmicrohttpd's own timeout away, not ours. */
static void test_dribbling_is_no_way_around(void **state UNUSED)
{
	struct intake_settings s = usual();
	int fd;

	s.request_ms = 300;
	start_with(&s);
	fd = half_open("POST /webhook HTTP/1.1\r\nX: ");
	AWAIT(!http_send(fd, "x", 1));
	close(fd);
}

static void test_the_deadline_is_each_requests_own(void **state UNUSED)
{
	struct post p = {.guid = "1", .keep = true, .body = "{}"};
	int fd, silent;

	start();
	fd = http_connect(port);
	assert_true(http_send_post(fd, &p));
	assert_int_equal(http_status(fd), 202);
	silent = half_open("");
	let_server_catch_up();
	/* More than a request may take, less than a pause may. */
	atomic_fetch_add(&offset_ms, 300000);
	assert_true(http_ended(silent));
	p.guid = "3";
	assert_true(http_send_post(fd, &p));
	assert_int_equal(http_status(fd), 202);
	/* And a pause has its end, too. */
	let_server_catch_up();
	atomic_fetch_add(&offset_ms, 3700000);
	assert_true(http_ended(fd));
	close(silent);
	close(fd);
}

/* --- the end --- */

struct load {
	pthread_t thread;
	int number;
	atomic_int acked;
};

/* Posts one after the other until the server is gone. */
static void *load_main(void *ctx)
{
	struct load *l = ctx;
	char guid[32];
	int status;

	do {
		struct post p = {.guid = guid, .body = "{}"};

		snprintf(guid, sizeof(guid), "%d-%d", l->number,
			 atomic_load(&l->acked));
		status = http_post(port, &p);
		if (status == 202)
			atomic_fetch_add(&l->acked, 1);
	} while (status == 202);
	return NULL;
}

static void test_stop_under_load(void **state UNUSED)
{
	struct load loads[8];
	int64_t acked = 0;

	start();
	for (int n = 0; n < 8; n++) {
		loads[n].number = n;
		atomic_init(&loads[n].acked, 0);
		assert_int_equal(pthread_create(&loads[n].thread, NULL,
						load_main, &loads[n]),
				 0);
	}
	AWAIT(rows() > 50);
	stop();
	for (int n = 0; n < 8; n++) {
		pthread_join(loads[n].thread, NULL);
		acked += atomic_load(&loads[n].acked);
	}
	/* The last of each may be written with its answer lost. */
	assert_in_range(rows(), acked, acked + 8);
}

static void *stop_main(void *ctx UNUSED)
{
	stop();
	return NULL;
}

static void test_stop_while_suspended(void **state UNUSED)
{
	pthread_t stopper;
	int fds[100];
	int done, refused = 0;
	sqlite3 *h;

	start();
	h = hold_disk();
	post_many(fds, 100, 1);
	let_server_catch_up(); /* what was not accepted yet is reset */
	assert_int_equal(pthread_create(&stopper, NULL, stop_main, NULL), 0);
	/* It has begun: nobody listens any more. */
	AWAIT(({
		int fd = http_connect(port);

		if (fd >= 0)
			close(fd);
		fd < 0;
	}));
	release_disk(h);
	done = 0;
	for (int n = 0; n < 100; n++) {
		int status = http_status(fds[n]);

		done += status == 202;
		refused += status == 503;
		close(fds[n]);
	}
	pthread_join(stopper, NULL);
	assert_int_equal(done + refused, 100); /* each was told something */
	assert_int_equal(rows(), done);
}

static void test_stop_does_not_wait_for_the_slow(void **state UNUSED)
{
	int slow, idle;
	struct post p = {.keep = true};
	int64_t begin;

	start();
	idle = http_connect(port);
	assert_true(http_send_post(idle, &p));
	assert_int_equal(http_status(idle), 202);
	slow = half_open("POST /webhook HTTP/1.1\r\nHost: t\r\nContent-");
	begin = clock_mono(&clock_system);
	stop();
	assert_true(clock_mono(&clock_system) - begin < 60000);
	assert_true(http_ended(idle));
	assert_true(http_ended(slow));
	close(idle);
	close(slow);
}

static void test_keep_alive_is_refused_while_stopping(void **state UNUSED)
{
	struct post p = {.guid = "1", .keep = true, .body = "{}"};
	pthread_t stopper;
	int fd, other;
	sqlite3 *h;

	start();
	fd = http_connect(port);
	assert_true(http_send_post(fd, &p));
	assert_int_equal(http_status(fd), 202);
	h = hold_disk();
	post_many(&other, 1, 1); /* keeps the stop waiting */
	let_server_catch_up();
	assert_int_equal(pthread_create(&stopper, NULL, stop_main, NULL), 0);
	AWAIT(({
		int probe = http_connect(port);

		if (probe >= 0)
			close(probe);
		probe < 0;
	}));
	p.guid = "2";
	assert_true(http_send_post(fd, &p));
	assert_int_equal(http_status(fd), 503);
	release_disk(h);
	assert_int_equal(http_status(other), 202);
	pthread_join(stopper, NULL);
	close(fd);
	close(other);
}

static void test_signals_are_mains(void **state UNUSED)
{
	const struct timespec patience = {.tv_sec = 60};
	sigset_t term, before;

	start();
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	/* Would end the process, if one of our threads took it. */
	pthread_sigmask(SIG_BLOCK, &term, &before);
	assert_int_equal(kill(getpid(), SIGTERM), 0);
	assert_int_equal(sigtimedwait(&term, NULL, &patience), SIGTERM);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* --- crashes and bad disks, in processes of their own --- */

/* Starts an intake in a child, which tells its port. */
static pid_t start_child(void)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		struct intake_settings s = usual();
		struct error e = ERROR_INIT;

		intake = intake_start(&s, &e);
		if (!intake)
			_exit(1);
		port = intake_port(intake);
		if (write(ends[1], &port, sizeof(port)) != sizeof(port))
			_exit(1);
		for (;;)
			pause();
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &port, sizeof(port)), sizeof(port));
	close(ends[0]);
	return pid;
}

static void test_killed_after_the_answer(void **state UNUSED)
{
	for (int n = 1; n <= 5; n++) {
		char guid[16];
		pid_t pid = start_child();

		snprintf(guid, sizeof(guid), "g%d", n);
		assert_int_equal(http_post(port, &(struct post){.guid = guid}),
				 202);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		assert_int_equal(rows(), n);
	}
	/* What was written is known again. */
	start();
	assert_int_equal(http_post(port, &(struct post){.guid = "g1"}), 200);
}

static void limit_files(rlim_t bytes)
{
	struct rlimit l;

	getrlimit(RLIMIT_FSIZE, &l);
	l.rlim_cur = bytes;
	setrlimit(RLIMIT_FSIZE, &l);
}

/* In the child: the number of the line that failed, 0 for none. */
static int full_disk(void)
{
	struct intake_settings s = usual();
	CLEANUP(str_release) struct str reply = STR_INIT(1 << 20);
	static char body[60000];
	struct error e = ERROR_INIT;
	struct post p = {.body = body, .len = sizeof(body)};
	char guid[16];
	uint32_t random = 1;
	int acked = 0, status = 202;

	for (size_t n = 0; n < sizeof(body); n++)
		body[n] = (char)((random = random * 1664525 + 1013904223) >>
				 24); /* cannot be packed */
	intake = intake_start(&s, &e);
	if (!intake)
		return __LINE__;
	port = intake_port(intake);
	p.guid = guid;
	limit_files(300000);
	for (int n = 0; n < 50 && status == 202; n++) {
		CLEANUP(fd_close) int fd = http_connect(port);

		snprintf(guid, sizeof(guid), "g%d", n);
		if (!http_send_post(fd, &p))
			return __LINE__;
		status = http_read(fd, &reply, false);
		acked += status == 202;
	}
	if (status != 503 || !strstr(reply.text, "Retry-After: "))
		return __LINE__;
	if (intake_healthy(intake) || !acked)
		return __LINE__;
	if (http_talk(port, REQUEST("GET /"), &reply) != 200)
		return __LINE__;
	if (rows() != acked)
		return __LINE__;
	/* Room again: it recovers by itself, without any delivery. */
	limit_files(RLIM_INFINITY);
	for (int n = 0; n < 60000 && !intake_healthy(intake); n++)
		usleep(1000);
	if (!intake_healthy(intake))
		return __LINE__;
	if (http_post(port, &p) != 202 || rows() != acked + 1)
		return __LINE__;
	intake_stop(intake);
	return 0;
}

static void test_full_disk(void **state UNUSED)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int line = full_disk();

		if (line)
			fprintf(stderr, "full_disk: line %d\n", line);
		_exit(line != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status)); /* not killed by SIGXFSZ */
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Somebody removed the file: the engine would never look into a new one. */
static void test_another_journal_is_not_written_to(void **state UNUSED)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	sqlite3 *h;

	start();
	assert_int_equal(http_post(port, &(struct post){.guid = "1"}), 202);
	h = hold_disk();
	assert_int_equal(
		sqlite3_exec(h, "DROP TABLE delivery", NULL, NULL, NULL),
		SQLITE_OK);
	release_disk(h);
	assert_int_equal(http_post(port, &(struct post){.guid = "2"}), 503);
	assert_false(intake_healthy(intake));
	for (size_t n = 0; n < ARRAY_SIZE(ends); n++) {
		char path[300];

		snprintf(path, sizeof(path), "%s%s", inbox_path, ends[n]);
		unlink(path);
	}
	/* From now on it finds a sound journal, but not its own. */
	AWAIT(access(inbox_path, F_OK) == 0);
	assert_int_equal(http_post(port, &(struct post){.guid = "3"}), 503);
	assert_false(intake_healthy(intake));
	AWAIT(access(inbox_path, F_OK) == 0 && rows() == 0);
}

static void test_bad_settings(void **state UNUSED)
{
	struct intake_settings s = usual();
	struct error e = ERROR_INIT;

	write_secret("0123456789abcdef0123456789abcde\n");
	assert_null(intake_start(&s, &e));
	assert_non_null(strstr(e.text, "31 bytes"));
	write_secret(TEST_SECRET "\n");
	start();
	s.port = port;
	assert_null(intake_start(&s, &e));
	assert_non_null(strstr(e.text, "in use"));
	s.port = 0;
	s.inbox_path = "/nonexistent/inbox.db";
	assert_null(intake_start(&s, &e));
	assert_non_null(strstr(e.text, "/nonexistent/inbox.db"));
	s = usual();
	s.host = "256.0.0.1";
	assert_null(intake_start(&s, &e));
	assert_non_null(strstr(e.text, "256.0.0.1"));
}

static void test_nothing_is_left_open(void **state UNUSED)
{
	int before = dup(0), after;

	close(before);
	for (int n = 0; n < 3; n++) {
		char guid[16];

		snprintf(guid, sizeof(guid), "g%d", n);
		start();
		assert_int_equal(http_post(port, &(struct post){.guid = guid}),
				 202);
		/* One that is listened to after its refusal. */
		assert_int_equal(http_post(port, &(struct post){.type = "x",
								.body = "{}"}),
				 415);
		stop();
	}
	after = dup(0);
	close(after);
	assert_int_equal(after, before);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_journaled_with_headers_and_raw_body),
		TEST(test_known_duplicate),
		TEST(test_refusals),
		TEST(test_refusals_are_counted),
		TEST(test_json_is_said_in_many_ways),
		TEST(test_published_vectors_secret_is_too_short),
		TEST(test_two_secrets_and_rotation),
		TEST(test_other_methods_and_paths),
		TEST(test_every_answer_is_dressed),
		TEST(test_error_in_the_check),
		TEST(test_body_of_the_largest_size),
		TEST(test_body_above_the_largest_size),
		TEST(test_ceiling_of_all_bodies),
		TEST(test_ceiling_of_pages),
		TEST(test_curl),
		TEST(test_128_at_once),
		TEST(test_200_at_once),
		TEST(test_duplicates_in_one_group),
		TEST(test_pages_answer_while_the_disk_hangs),
		TEST(test_a_gone_client_is_journaled_all_the_same),
		TEST(test_total_deadline),
		TEST(test_dribbling_is_no_way_around),
		TEST(test_the_deadline_is_each_requests_own),
		TEST(test_stop_under_load),
		TEST(test_stop_while_suspended),
		TEST(test_stop_does_not_wait_for_the_slow),
		TEST(test_keep_alive_is_refused_while_stopping),
		TEST(test_signals_are_mains),
		TEST(test_killed_after_the_answer),
		TEST(test_full_disk),
		TEST(test_another_journal_is_not_written_to),
		TEST(test_bad_settings),
		TEST(test_nothing_is_left_open),
	};

	/* Only before OpenSSL's first use. */
	if (!CRYPTO_set_mem_functions(our_malloc, our_realloc, our_free))
		return 1;
	return cmocka_run_group_tests_name("intake", tests, NULL, NULL);
}
