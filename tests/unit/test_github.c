/*
 * The forge client on the wire: what leaves, what is believed of what comes
 * back, and what happens when nothing does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "bot/base/fs.h"
#include "bot/base/limits.h"
#include "bot/github.h"
#include "script_server.h"

#define SHA "0123456789abcdef0123456789abcdef01234567"
#define WALL INT64_C(1795269600000) /* 2026-11-21T14:00:00Z */
#define DATE "Date: Sat, 21 Nov 2026 14:00:00 GMT\r\n"
#define MARKER "<!-- kcibot:sticky staging -->"

/* Time that a test moves while the port's thread reads it. */
struct hand_clock {
	struct clock clock;
	_Atomic int64_t ms;
};

/* Outcomes by the effect's id, as they come. */
#define BOX 2048
struct box {
	pthread_mutex_t lock;
	pthread_cond_t news;
	struct outcome out[BOX];
	int times[BOX];
	int count;
};

static struct fix {
	struct script_server server;
	struct hand_clock clock;
	char dir[64], token_file[96];
	struct github_settings settings;
	struct port *port;
	struct box box;
	int64_t next_id;
	_Atomic int counted, counted_ok;
} f;

static int64_t hand_ms(const struct clock *c)
{
	return WALL + ((const struct hand_clock *)c)->ms;
}

static void count_call(void *ctx, const char *kind, int status, int64_t ms)
{
	assert_ptr_equal(ctx, &f);
	assert_non_null(kind);
	assert_true(ms >= 0);
	f.counted++;
	f.counted_ok += status >= 200 && status <= 299;
}

static void write_token(const char *text)
{
	struct error e = ERROR_INIT;

	assert_int_equal(fs_write(f.token_file, text, strlen(text), 0600, &e),
			 ERR_OK);
}

static int setup(void **state UNUSED)
{
	const char *tmp = getenv("TMPDIR");

	memset(&f, 0, sizeof(f));
	script_start(&f.server);
	snprintf(f.dir, sizeof(f.dir), "%.40s/github-XXXXXX",
		 tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(f.dir));
	snprintf(f.token_file, sizeof(f.token_file), "%s/token", f.dir);
	write_token("ghs_first\n");
	f.clock = (struct hand_clock){.clock = {hand_ms, hand_ms}};
	pthread_mutex_init(&f.box.lock, NULL);
	pthread_cond_init(&f.box.news, NULL);
	f.settings = (struct github_settings){
		.api_url = f.server.base,
		.token_file = f.token_file,
		.user_agent = "kcibot/test",
		.clock = &f.clock.clock,
		.count = count_call,
		.count_ctx = &f,
	};
	return 0;
}

static void open_port(void)
{
	struct error e = ERROR_INIT;

	f.port = github_port_new(&f.settings, &e);
	if (!f.port)
		fail_msg("%s", e.text);
}

static void close_port(void)
{
	if (f.port)
		f.port->stop(f.port);
	f.port = NULL;
}

static int teardown(void **state UNUSED)
{
	struct error e = ERROR_INIT;

	close_port();
	script_stop(&f.server);
	for (int i = 0; i < BOX; i++)
		json_decref(f.box.out[i].body);
	return fs_remove_tree(f.dir, &e) == ERR_OK ? 0 : -1;
}

static void on_done(void *ctx, struct outcome *o)
{
	struct box *box = ctx;

	pthread_mutex_lock(&box->lock);
	box->out[o->id] = *o;
	box->times[o->id]++;
	box->count++;
	pthread_cond_broadcast(&box->news);
	pthread_mutex_unlock(&box->lock);
}

/* Starts a call (args are taken) and returns its id. */
static int64_t begin(const char *kind, json_t *args)
{
	struct effect effect = {
		.id = f.next_id++, .kind = kind, .key = "k", .args = args};

	if (!f.port)
		open_port();
	assert_non_null(args);
	f.port->start(f.port, &effect, on_done, &f.box);
	json_decref(args);
	return effect.id;
}

/* The outcome of a call; its body stays with the box. */
static struct outcome *await(int64_t id)
{
	struct timespec until;
	int bad = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += SCRIPT_PATIENCE_S;
	pthread_mutex_lock(&f.box.lock);
	while (!f.box.times[id] && !bad)
		bad = pthread_cond_timedwait(&f.box.news, &f.box.lock, &until);
	pthread_mutex_unlock(&f.box.lock);
	assert_int_equal(f.box.times[id], 1);
	assert_int_equal(f.box.out[id].id, id);
	return &f.box.out[id];
}

static struct outcome *run(const char *kind, json_t *args)
{
	return await(begin(kind, args));
}

static void say(const char *expect, int status, const char *headers,
		const char *body)
{
	script_add(&f.server, (struct script_step){.expect = expect,
						   .status = status,
						   .headers = headers,
						   .body = body});
}

static void misbehave(const char *expect, enum script_way way)
{
	script_add(&f.server, (struct script_step){.expect = expect,
						   .status = 200,
						   .body = "{\"id\": 1}",
						   .way = way});
}

static json_t *pull_args(void)
{
	return json_pack("{s:s, s:i}", "repo", "o/r", "number", 7);
}

static json_t *status_args(void)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "repo", "o/r", "sha",
			 SHA, "state", "pending", "context", "kcibot/staging",
			 "description", "short: queued", "target_url",
			 "https://kcibot.example.org/pulls/o/r/7");
}

static json_t *comment_args(int comment_id, bool lookup)
{
	return json_pack("{s:s, s:i, s:s, s:s, s:i, s:b}", "repo", "o/r",
			 "number", 7, "body", MARKER "\nqueued", "marker",
			 MARKER, "comment_id", comment_id, "lookup", lookup);
}

static const char PULL[] = "GET /repos/o/r/pulls/7";
static const char STATUS[] = "POST /repos/o/r/statuses/" SHA;
static const char CREATE[] = "POST /repos/o/r/issues/7/comments";
static const char LIST[] = "GET /repos/o/r/issues/7/comments?per_page=100";

/* -- what leaves -- */

static void test_headers_and_body(void **state UNUSED)
{
	struct script_server *s = &f.server;
	CLEANUP(json_decref) json_t *sent = NULL;
	struct outcome *o;

	say(STATUS, 201, DATE, "{\"id\": 5000000000}");
	o = run("forge.status", status_args());
	assert_int_equal(o->code, ERR_OK);
	assert_int_equal(o->http_status, 201);
	assert_int_equal(o->date_ms, WALL);
	assert_int_equal(js_int(o->body, "id", 0), 5000000000);
	assert_true(script_line(s, 0, STATUS));
	assert_true(script_has(s, 0, "Authorization", "Bearer ghs_first"));
	assert_true(script_has(s, 0, "Accept", "application/vnd.github+json"));
	assert_true(script_has(s, 0, "X-GitHub-Api-Version", "2022-11-28"));
	assert_true(script_has(s, 0, "User-Agent", "kcibot/test"));
	assert_true(script_has(s, 0, "Content-Type", "application/json"));
	sent = json_loads(s->requests[0].body, 0, NULL);
	assert_int_equal(json_object_size(sent), 4);
	assert_string_equal(js_str(sent, "state"), "pending");
	assert_string_equal(js_str(sent, "context"), "kcibot/staging");
	assert_string_equal(js_str(sent, "description"), "short: queued");
	assert_string_equal(js_str(sent, "target_url"),
			    "https://kcibot.example.org/pulls/o/r/7");
	assert_int_equal(f.counted, 1);
	assert_int_equal(f.counted_ok, 1);
}

static void test_a_read_has_no_body(void **state UNUSED)
{
	say(PULL, 200, "", "{\"number\": 7}");
	assert_int_equal(run("forge.pull", pull_args())->code, ERR_OK);
	assert_true(script_line(&f.server, 0, PULL));
	assert_true(script_has(&f.server, 0, "Content-Type", NULL));
	assert_true(script_has(&f.server, 0, "Content-Length", NULL));
}

static void test_every_row_on_the_wire(void **state UNUSED)
{
	static const struct {
		const char *kind, *args, *line, *body;
	} rows[] = {
		{"forge.user", "{\"login\": \"dependabot[bot]\"}",
		 "GET /users/dependabot%5Bbot%5D", "{}"},
		{"forge.user", "{\"login\": \"a/../b?c#d\\r\\ne\"}",
		 "GET /users/a%2F..%2Fb%3Fc%23d%0D%0Ae", "{}"},
		{"forge.self", "{}", "GET /user", "{\"id\": 3}"},
		{"forge.pull", "{\"repo\": \"o/.github\", \"number\": 7}",
		 "GET /repos/o/.github/pulls/7", "{}"},
		{"forge.pulls", "{\"repo\": \"o/r\"}",
		 "GET /repos/o/r/pulls?per_page=100&state=open&sort=created"
		 "&direction=asc",
		 "[]"},
		{"forge.comments",
		 "{\"repo\": \"o/r\", \"since\": \"2026-11-21T14:00:00Z\"}",
		 "GET /repos/o/r/issues/comments?per_page=100&sort=updated"
		 "&direction=asc&since=2026-11-21T14%3A00%3A00Z",
		 "[]"},
		{"forge.comments", "{\"repo\": \"o/r\", \"since\": \"\"}",
		 "GET /repos/o/r/issues/comments?per_page=100&sort=updated"
		 "&direction=asc",
		 "[]"},
		{"forge.hooks", "{\"repo\": \"o/r\"}",
		 "GET /repos/o/r/hooks?per_page=100", "[]"},
		{"forge.reaction",
		 "{\"repo\": \"o/r\", \"comment_id\": 5000000000,"
		 " \"content\": \"-1\"}",
		 "POST /repos/o/r/issues/comments/5000000000/reactions", "{}"},
		{"forge.permission",
		 "{\"repo\": \"o/r\", \"login\": \"x[bot]\"}",
		 "GET /repos/o/r/collaborators/x%5Bbot%5D/permission", "{}"},
		{"forge.reviews", "{\"repo\": \"o/r\", \"number\": 7}",
		 "GET /repos/o/r/pulls/7/reviews?per_page=100", "[]"},
		{"forge.review_comments",
		 "{\"repo\": \"o/r\", \"since\": \"2026-11-21T14:00:00Z\"}",
		 "GET /repos/o/r/pulls/comments?per_page=100&sort=updated"
		 "&direction=asc&since=2026-11-21T14%3A00%3A00Z",
		 "[]"},
		{"forge.review_reaction",
		 "{\"repo\": \"o/r\", \"comment_id\": 9,"
		 " \"content\": \"eyes\"}",
		 "POST /repos/o/r/pulls/comments/9/reactions", "{}"},
		{"forge.comment.get", "{\"repo\": \"o/r\", \"comment_id\": 9}",
		 "GET /repos/o/r/issues/comments/9", "{}"},
		{"forge.deliveries",
		 "{\"repo\": \"o/r\", \"hook_id\": 5000000001}",
		 "GET /repos/o/r/hooks/5000000001/deliveries?per_page=100",
		 "[]"},
		{"forge.redeliver",
		 "{\"repo\": \"o/r\", \"hook_id\": 1,"
		 " \"delivery_id\": 12077215967}",
		 "POST /repos/o/r/hooks/1/deliveries/12077215967/attempts",
		 "{}"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct outcome *o;

		say(rows[i].line, 200, "", rows[i].body);
		o = run(rows[i].kind, json_loads(rows[i].args, 0, NULL));
		if (o->code || !script_line(&f.server, (int)i, rows[i].line))
			fail_msg("%s: %s", rows[i].line, o->text);
	}
	assert_string_equal(f.server.requests[8].body, "{\"content\":\"-1\"}");
	assert_int_equal(f.server.strays, 0);
}

static void test_bad_arguments_are_not_sent(void **state UNUSED)
{
	static const struct {
		const char *kind, *args;
	} rows[] = {
		{"forge.nonsense", "{}"},
		{"forge.pull", "{\"number\": 7}"},
		{"forge.pull", "{\"repo\": \"o/r\"}"},
		{"forge.pull", "{\"repo\": \"o/r\", \"number\": 0}"},
		{"forge.pull", "{\"repo\": \"o/r\", \"number\": \"7\"}"},
		{"forge.pull", "{\"repo\": \"o\", \"number\": 7}"},
		{"forge.pull", "{\"repo\": \"o/\", \"number\": 7}"},
		{"forge.pull", "{\"repo\": \"/r\", \"number\": 7}"},
		{"forge.pull", "{\"repo\": \"o/r/x\", \"number\": 7}"},
		{"forge.pull", "{\"repo\": \"../user\", \"number\": 7}"},
		{"forge.pull", "{\"repo\": \"o/..\", \"number\": 7}"},
		{"forge.pull", "{\"repo\": \"o/r?x\", \"number\": 7}"},
		{"forge.pull", "{\"repo\": \"o/r\\u0000x\", \"number\": 7}"},
		{"forge.pull", "{\"repo\": \"o/r \", \"number\": 7}"},
		{"forge.user", "{\"login\": \"\"}"},
		{"forge.user", "{\"login\": \"..\"}"},
		{"forge.permission", "{\"repo\": \"o/r\", \"login\": \".\"}"},
		{"forge.org_member", "{\"org\": \"..\", \"login\": \"x\"}"},
		{"forge.org_member", "{\"org\": \"\", \"login\": \"x\"}"},
		{"forge.org_member", "{\"org\": \"o\"}"},
		{"forge.deliveries", "{\"repo\": \"o/r\"}"},
		{"forge.deliveries", "{\"repo\": \"o/r\", \"hook_id\": 1,"
				     " \"since\": \"yesterday\"}"},
		{"forge.redeliver", "{\"repo\": \"o/r\", \"hook_id\": 1,"
				    " \"delivery_id\": -1}"},
		{"forge.comments", "{\"repo\": \"o/r\", \"since\": \"now\"}"},
		{"forge.reaction", "{\"repo\": \"o/r\", \"comment_id\": 1,"
				   " \"content\": \"ey\"}"},
		{"forge.status", "{\"repo\": \"o/r\", \"sha\": \"main\","
				 " \"state\": \"success\","
				 " \"context\": \"c\"}"},
		{"forge.status", "{\"repo\": \"o/r\", \"sha\": \"" SHA "\","
				 " \"state\": \"green\","
				 " \"context\": \"c\"}"},
		{"forge.status", "{\"repo\": \"o/r\", \"sha\": \"" SHA "\","
				 " \"state\": \"error failure\","
				 " \"context\": \"c\"}"},
		{"forge.comment", "{\"repo\": \"o/r\", \"number\": 7,"
				  " \"body\": \"b\", \"marker\": \"\"}"},
		{"forge.comment", "{\"repo\": \"o/r\", \"number\": 7,"
				  " \"body\": \"b\", \"marker\": \"m\"}"},
		{"forge.comment", "{\"repo\": \"o/r\", \"comment_id\": 7,"
				  " \"body\": \"b\", \"marker\": \"b\"}"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct outcome *o =
			run(rows[i].kind,
			    json_loads(rows[i].args, JSON_ALLOW_NUL, NULL));

		if (o->code != ERR_INVALID || !*o->text || o->unknown)
			fail_msg("%s %s", rows[i].kind, rows[i].args);
	}
	assert_int_equal(script_count(&f.server), 0);
}

static void test_status_description_is_at_most_140(void **state UNUSED)
{
	char text[2 * 141 + 1] = "";
	json_t *args = status_args(), *longer = status_args();

	for (int i = 0; i < 140; i++)
		memcpy(text + 2 * i, "\xc3\xa4", 3); /* characters, not bytes */
	json_object_set_new(args, "description", json_string(text));
	memcpy(text + 2 * 140, "\xc3\xa4", 3);
	json_object_set_new(longer, "description", json_string(text));
	say(STATUS, 201, "", "{}");
	assert_int_equal(run("forge.status", args)->code, ERR_OK);
	assert_int_equal(run("forge.status", longer)->code, ERR_INVALID);
	assert_int_equal(script_count(&f.server), 1);
}

static void test_path_of_an_enterprise_server(void **state UNUSED)
{
	char url[96];

	snprintf(url, sizeof(url), "%s/api/v3/", f.server.base);
	f.settings.api_url = url;
	say("GET /api/v3/user", 200, "", "{\"id\": 3}");
	assert_int_equal(run("forge.self", json_object())->code, ERR_OK);
	assert_true(script_line(&f.server, 0, "GET /api/v3/user"));
}

/* -- the token -- */

static void test_token_of_any_length(void **state UNUSED)
{
	char token[6000], header[6100];

	memset(token, 'x', sizeof(token));
	memcpy(token, "ghs_", 4);
	memcpy(token + sizeof(token) - 3, "\r\n", 3);
	write_token(token);
	token[sizeof(token) - 3] = '\0';
	snprintf(header, sizeof(header), "Bearer %s", token);
	say("GET /user", 200, "", "{\"id\": 3}");
	assert_int_equal(run("forge.self", json_object())->code, ERR_OK);
	assert_true(script_has(&f.server, 0, "Authorization", header));
}

static void test_bad_token_files(void **state UNUSED)
{
	static const char *const bad[] = {"", "\n", "a b", "a\r\nX-Evil: 1",
					  "caf\xc3\xa9"};
	struct error e = ERROR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		write_token(bad[i]);
		assert_null(github_port_new(&f.settings, &e));
	}
	f.settings.token_file = "/nonexistent/token";
	assert_null(github_port_new(&f.settings, &e));
	assert_int_equal(e.code, ERR_MISSING);
}

static void test_bad_api_urls(void **state UNUSED)
{
	static const char *const bad[] = {
		"",
		"api.github.com",
		"ftp://example.org",
		"file:///etc/passwd",
		"https://u:p@host",
		"https://host/?x=1",
		"https://host/#frag",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error e = ERROR_INIT;

		f.settings.api_url = bad[i];
		assert_null(github_port_new(&f.settings, &e));
		assert_int_equal(e.code, ERR_INVALID);
	}
}

static void test_401_reads_the_token_again(void **state UNUSED)
{
	say("GET /user", 401, "", "{\"message\": \"Bad credentials\"}");
	say("GET /user", 200, "", "{\"id\": 3}");
	open_port();
	write_token("ghs_second");
	assert_int_equal(run("forge.self", json_object())->code, ERR_OK);
	assert_true(
		script_has(&f.server, 0, "Authorization", "Bearer ghs_first"));
	assert_true(
		script_has(&f.server, 1, "Authorization", "Bearer ghs_second"));
}

static void test_401_twice_is_refused(void **state UNUSED)
{
	struct outcome *o;

	script_add(&f.server,
		   (struct script_step){.expect = "GET /user",
					.status = 401,
					.body = "{\"message\": \"Bad\"}",
					.times = SCRIPT_FOREVER});
	o = run("forge.self", json_object());
	assert_int_equal(o->code, ERR_REFUSED);
	assert_int_equal(o->http_status, 401);
	assert_string_equal(o->text, "GET /user: HTTP 401: Bad");
	assert_int_equal(script_count(&f.server), 2);
}

static void test_401_forgets_what_the_old_token_saw(void **state UNUSED)
{
	say(PULL, 200, "ETag: \"v1\"\r\n", "{\"number\": 7}");
	say(PULL, 401, "", "{}");
	say(PULL, 200, "", "{\"number\": 7}");
	run("forge.pull", pull_args());
	write_token("ghs_second");
	assert_int_equal(run("forge.pull", pull_args())->code, ERR_OK);
	assert_true(script_has(&f.server, 1, "If-None-Match", "\"v1\""));
	assert_true(script_has(&f.server, 2, "If-None-Match", NULL));
}

static void test_environment_proxy_does_not_see_it(void **state UNUSED)
{
	struct script_server other;

	script_start(&other);
	setenv("http_proxy", other.base, 1);
	setenv("all_proxy", other.base, 1);
	say("GET /user", 200, "", "{\"id\": 3}");
	assert_int_equal(run("forge.self", json_object())->code, ERR_OK);
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	assert_int_equal(script_count(&other), 0);
	script_stop(&other);
}

/* -- redirects -- */

static void test_redirect_on_the_same_host(void **state UNUSED)
{
	say(PULL, 301, "Location: {base}/repositories/1/pulls/7\r\n", "{}");
	say("GET /repositories/1/pulls/7", 307, "Location: /there\r\n", "");
	say("GET /there", 200, "", "{\"number\": 7}");
	assert_int_equal(run("forge.pull", pull_args())->code, ERR_OK);
	assert_true(script_line(&f.server, 2, "GET /there"));
	assert_true(
		script_has(&f.server, 2, "Authorization", "Bearer ghs_first"));
}

static void refuse_to_go(const char *location)
{
	struct outcome *o;

	say(PULL, 302, location, "{}");
	o = run("forge.pull", pull_args());
	assert_int_equal(o->code, ERR_INVALID);
	assert_non_null(strstr(o->text, "another host"));
}

static void test_redirect_to_another_host(void **state UNUSED)
{
	struct script_server other;
	char location[128];

	script_start(&other);
	snprintf(location, sizeof(location), "Location: %s/x\r\n", other.base);
	refuse_to_go(location);
	refuse_to_go("Location: https://127.0.0.1/x\r\n");
	refuse_to_go("Location: //example.invalid/x\r\n");
	refuse_to_go("Location: file:///etc/passwd\r\n");
	refuse_to_go("Location: http://user@{base}/x\r\n");
	assert_int_equal(script_count(&f.server), 5);
	assert_int_equal(script_count(&other), 0);
	script_stop(&other);
}

static void test_redirect_in_a_circle(void **state UNUSED)
{
	script_add(&f.server,
		   (struct script_step){.expect = PULL,
					.status = 302,
					.headers = "Location: "
						   "/repos/o/r/pulls/7\r\n",
					.times = SCRIPT_FOREVER});
	assert_int_equal(run("forge.pull", pull_args())->code, ERR_INVALID);
	assert_int_equal(script_count(&f.server), 1 + LIMIT_FORGE_REDIRECTS);
}

static void test_redirect_of_a_write(void **state UNUSED)
{
	struct outcome *o;

	say(STATUS, 307, "Location: {base}/elsewhere\r\n", "{}");
	o = run("forge.status", status_args());
	assert_int_equal(o->code, ERR_INVALID);
	assert_false(o->unknown);
	assert_int_equal(script_count(&f.server), 1);
}

/* -- listings -- */

static char *numbers(int from, int count)
{
	struct str s = STR_INIT(1 << 20);
	struct error e = ERROR_INIT;
	char *text = NULL;

	str_putc(&s, '[');
	for (int i = 0; i < count; i++)
		str_addf(&s, "%s{\"number\": %d}", i ? "," : "", from + i);
	str_putc(&s, ']');
	assert_int_equal(str_take(&s, &text, &e), ERR_OK);
	return text;
}

static void test_pages_are_joined(void **state UNUSED)
{
	CLEANUP(free) char *one = numbers(1, 100);
	CLEANUP(free) char *two = numbers(101, 100);
	struct outcome *o;

	say("GET /repos/o/r/pulls?", 200,
	    "Link: <{base}/p2?x=1,2>; rel=\"next\", <{base}/p9>; "
	    "rel=\"last\"\r\n",
	    one);
	say("GET /p2?x=1,2", 200,
	    "Link: <{base}/p1>; rel=\"prev\"\r\nLink: </p3>; rel=next\r\n",
	    two);
	say("GET /p3", 200, "Link: <{base}/p2>; rel=\"prev\"\r\n",
	    "[{\"number\": 201}]");
	o = run("forge.pulls", pull_args());
	assert_int_equal(o->code, ERR_OK);
	assert_int_equal(json_array_size(o->body), 201);
	for (size_t i = 0; i < 201; i++)
		assert_int_equal(
			js_int(json_array_get(o->body, i), "number", 0), i + 1);
	assert_int_equal(script_count(&f.server), 3);
}

static void test_next_page_on_another_host(void **state UNUSED)
{
	struct script_server other;
	char link[128];
	struct outcome *o;

	script_start(&other);
	snprintf(link, sizeof(link), "Link: <%s/p2>; rel=\"next\"\r\n",
		 other.base);
	say("GET /repos/o/r/pulls?", 200, link, "[]");
	o = run("forge.pulls", pull_args());
	assert_int_equal(o->code, ERR_INVALID);
	assert_null(o->body);
	assert_int_equal(script_count(&other), 0);
	script_stop(&other);
}

static void test_endless_listing(void **state UNUSED)
{
	struct outcome *o;

	script_add(&f.server,
		   (struct script_step){
			   .expect = "GET /repos/o/r/",
			   .status = 200,
			   .headers = "Link: <{base}/repos/o/r/again>; "
				      "rel=\"next\"\r\n",
			   .body = "[1]",
			   .times = SCRIPT_FOREVER});
	o = run("forge.pulls", pull_args());
	assert_int_equal(o->code, ERR_INVALID);
	assert_null(o->body);
	assert_int_equal(script_count(&f.server), LIMIT_FORGE_PAGES);
}

/* Since a time, and oldest first: the next call goes on from there. */
static void test_endless_listing_in_parts(void **state UNUSED)
{
	static const char *const kinds[] = {"forge.comments",
					    "forge.review_comments"};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		json_t *args = json_pack("{s:s, s:s}", "repo", "o/r", "since",
					 "2026-11-21T14:00:00Z");
		struct outcome *o;

		for (int n = 0; n < LIMIT_FORGE_PAGES; n++)
			say("GET /repos/o/r/", 200,
			    "Link: <{base}/repos/o/r/again>; rel=\"next\"\r\n",
			    "[1]");
		o = run(kinds[i], args);
		assert_int_equal(o->code, ERR_OK);
		assert_int_equal(json_array_size(o->body), LIMIT_FORGE_PAGES);
		assert_true(o->part);
		/* Exactly to its end. */
		say("GET /repos/o/r/", 200, "", "[1]");
		args = json_pack("{s:s, s:s}", "repo", "o/r", "since",
				 "2026-11-21T14:00:00Z");
		o = run(kinds[i], args);
		assert_int_equal(json_array_size(o->body), 1);
		assert_false(o->part);
	}
}

static void test_half_a_listing_is_none(void **state UNUSED)
{
	struct outcome *o;

	say("GET /repos/o/r/pulls?", 200, "Link: <{base}/p2>; rel=\"next\"\r\n",
	    "[1]");
	say("GET /p2", 502, "", "<html>");
	o = run("forge.pulls", pull_args());
	assert_int_equal(o->code, ERR_RETRY);
	assert_null(o->body);
}

/* -- conditional requests -- */

static void test_304_gives_the_kept_answer(void **state UNUSED)
{
	struct outcome *o;

	say(PULL, 200, "ETag: W/\"v1\"\r\n", "{\"number\": 7}");
	say(PULL, 304, DATE "ETag: W/\"v1\"\r\n", NULL);
	say(PULL, 200, "ETag: W/\"v2\"\r\n", "{\"number\": 8}");
	say(PULL, 304, "", NULL);
	json_object_clear(run("forge.pull", pull_args())->body);
	o = run("forge.pull", pull_args());
	assert_int_equal(o->code, ERR_OK);
	assert_int_equal(o->date_ms, WALL);
	assert_int_equal(js_int(o->body, "number", 0), 7);
	o = run("forge.pull", pull_args());
	assert_int_equal(js_int(o->body, "number", 0), 8);
	o = run("forge.pull", pull_args());
	assert_int_equal(js_int(o->body, "number", 0), 8);
	assert_true(script_has(&f.server, 0, "If-None-Match", NULL));
	assert_true(script_has(&f.server, 1, "If-None-Match", "W/\"v1\""));
	assert_true(script_has(&f.server, 3, "If-None-Match", "W/\"v2\""));
}

static void test_304_of_pages(void **state UNUSED)
{
	CLEANUP(free) char *one = numbers(1, 100);
	struct outcome *o;

	say("GET /repos/o/r/pulls?", 200,
	    "ETag: \"a\"\r\nLink: <{base}/p2>; rel=\"next\"\r\n", one);
	say("GET /p2", 200, "ETag: \"b\"\r\n", "[{\"number\": 101}]");
	say("GET /repos/o/r/pulls?", 304, "", NULL);
	say("GET /p2", 304, "", NULL);
	run("forge.pulls", pull_args());
	o = run("forge.pulls", pull_args());
	assert_int_equal(json_array_size(o->body), 101);
	assert_true(script_has(&f.server, 2, "If-None-Match", "\"a\""));
	assert_true(script_has(&f.server, 3, "If-None-Match", "\"b\""));
}

/* A second page may begin while the first one's ETag stays the same. */
static void test_full_last_page_is_asked_anew(void **state UNUSED)
{
	CLEANUP(free) char *one = numbers(1, 100);

	say("GET /repos/o/r/pulls?", 200, "ETag: \"a\"\r\n", one);
	say("GET /repos/o/r/pulls?", 200, "ETag: \"a\"\r\n", one);
	run("forge.pulls", pull_args());
	assert_int_equal(run("forge.pulls", pull_args())->code, ERR_OK);
	assert_true(script_has(&f.server, 1, "If-None-Match", NULL));
}

static void test_304_unasked(void **state UNUSED)
{
	script_add(&f.server, (struct script_step){.expect = PULL,
						   .status = 304,
						   .times = SCRIPT_FOREVER});
	assert_int_equal(run("forge.pull", pull_args())->code, ERR_RETRY);
	assert_int_equal(script_count(&f.server), 2);
}

/* -- limits of the forge -- */

static void test_limited_or_without_right(void **state UNUSED)
{
	static const struct {
		int status;
		const char *headers, *message;
		enum err code;
		int64_t wait_ms;
	} rows[] = {
		{403, "X-RateLimit-Remaining: 12\r\n", "Must have admin rights",
		 ERR_REFUSED, 0},
		{403, "Retry-After: 120\r\n", "slow down", ERR_RETRY, 120000},
		/* 14:10 by a forge whose clock says 14:00. */
		{403,
		 DATE "X-RateLimit-Remaining: 0\r\n"
		      "X-RateLimit-Reset: 1795270200\r\n",
		 "API rate limit exceeded for user", ERR_RETRY, 601000},
		{403, "",
		 "You have exceeded a secondary rate limit. Please wait",
		 ERR_RETRY, 60000},
		{403, "", "You have triggered an abuse detection mechanism",
		 ERR_RETRY, 60000},
		{429, "", "", ERR_RETRY, 60000},
		{429, "Retry-After: 0\r\n", "", ERR_RETRY, 1000},
		{429, "Retry-After: 99999999999999999999\r\n", "", ERR_RETRY,
		 LIMIT_FORGE_HOLD_MS},
		{429, DATE "Retry-After: Sat, 21 Nov 2026 14:00:30 GMT\r\n", "",
		 ERR_RETRY, 30000},
		{503, "Retry-After: 30\r\n", "", ERR_RETRY, 30000},
		{503, "", "", ERR_RETRY, 0},
		{404, "", "Not Found", ERR_MISSING, 0},
		{410, "", "Gone", ERR_MISSING, 0},
		{409, "", "Conflict", ERR_CONFLICT, 0},
		{422, "", "Validation Failed", ERR_INVALID, 0},
		{400, "", "Problems parsing JSON", ERR_INVALID, 0},
		{451, "", "", ERR_REFUSED, 0},
		{408, "", "", ERR_RETRY, 0},
		{500, "", "", ERR_RETRY, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char body[160];
		struct outcome *o;

		snprintf(body, sizeof(body), "{\"message\": \"%s\"}",
			 rows[i].message);
		say(STATUS, rows[i].status, rows[i].headers, body);
		o = run("forge.status", status_args());
		if (o->code != rows[i].code || o->wait_ms != rows[i].wait_ms ||
		    o->http_status != rows[i].status ||
		    o->unknown != (rows[i].status >= 500) ||
		    !strstr(o->text, rows[i].message))
			fail_msg("row %zu: %s, %lld ms: %s", i,
				 err_name(o->code), (long long)o->wait_ms,
				 o->text);
		close_port();
	}
}

static void test_hold_goes_back_to_the_caller(void **state UNUSED)
{
	struct outcome *o;

	say("GET /user", 429, "Retry-After: 120\r\n", "{}");
	say(PULL, 200, "", "{\"number\": 7}");
	assert_int_equal(run("forge.self", json_object())->wait_ms, 120000);
	f.clock.ms += 20000;
	o = run("forge.pull", pull_args());
	assert_int_equal(o->code, ERR_RETRY);
	assert_int_equal(o->wait_ms, 100000);
	assert_int_equal(o->http_status, 0);
	assert_false(o->unknown);
	assert_int_equal(script_count(&f.server), 1);
	f.clock.ms += 100000;
	assert_int_equal(run("forge.pull", pull_args())->code, ERR_OK);
}

static void test_short_hold_waits_inside(void **state UNUSED)
{
	int64_t id;

	say("GET /user", 429, "Retry-After: 3\r\n", "{}");
	say(PULL, 200, "", "{\"number\": 7}");
	assert_int_equal(run("forge.self", json_object())->wait_ms, 3000);
	id = begin("forge.pull", pull_args());
	/* Refused on the thread, so the thread has seen the one above. */
	run("forge.nonsense", json_object());
	assert_int_equal(f.box.times[id], 0);
	assert_int_equal(script_count(&f.server), 1);
	f.clock.ms += 3000;
	assert_int_equal(await(id)->code, ERR_OK);
}

static void test_last_request_of_the_window(void **state UNUSED)
{
	struct outcome *o;

	say(PULL, 200,
	    DATE "X-RateLimit-Remaining: 0\r\n"
		 "X-RateLimit-Reset: 1795270200\r\n",
	    "{\"number\": 7}");
	assert_int_equal(run("forge.pull", pull_args())->code, ERR_OK);
	o = run("forge.pull", pull_args());
	assert_int_equal(o->code, ERR_RETRY);
	assert_int_equal(o->wait_ms, 601000);
	assert_int_equal(script_count(&f.server), 1);
}

static void test_reset_that_has_passed(void **state UNUSED)
{
	script_add(&f.server,
		   (struct script_step){.expect = PULL,
					.status = 200,
					.headers = DATE
					"X-RateLimit-Remaining: 0\r\n"
					"X-RateLimit-Reset: 1795269000\r\n",
					.body = "{\"number\": 7}",
					.times = 2});
	run("forge.pull", pull_args());
	assert_int_equal(run("forge.pull", pull_args())->code, ERR_OK);
}

static void test_untimed_limits_wait_longer(void **state UNUSED)
{
	script_add(&f.server,
		   (struct script_step){.expect = "GET /user",
					.status = 403,
					.body = "{\"message\": \"secondary "
						"rate limit\"}",
					.times = 3});
	say("GET /user", 200, "", "{\"id\": 3}");
	say("GET /user", 429, "", "{}");
	for (int64_t wait = 60000; wait <= 240000; wait *= 2) {
		assert_int_equal(run("forge.self", json_object())->wait_ms,
				 wait);
		f.clock.ms += wait;
	}
	assert_int_equal(run("forge.self", json_object())->code, ERR_OK);
	assert_int_equal(run("forge.self", json_object())->wait_ms, 60000);
}

static void test_writes_are_spaced(void **state UNUSED)
{
	int64_t second;

	f.settings.write_gap_ms = 1000;
	script_add(&f.server, (struct script_step){.expect = "POST ",
						   .status = 201,
						   .body = "{}",
						   .times = 2});
	script_add(&f.server, (struct script_step){.expect = "GET ",
						   .status = 200,
						   .body = "{\"id\": 1}",
						   .times = 20});
	run("forge.status", status_args());
	second = begin("forge.status", status_args());
	/* Reads do not wait; long before the last of them it would be there. */
	for (int k = 0; k < 20; k++)
		assert_int_equal(run("forge.self", json_object())->code,
				 ERR_OK);
	assert_int_equal(f.box.times[second], 0);
	assert_int_equal(script_count(&f.server), 21);
	f.clock.ms += 1000;
	assert_int_equal(await(second)->code, ERR_OK);
}

static void test_writes_go_one_by_one(void **state UNUSED)
{
	int64_t first, second;

	script_add(&f.server, (struct script_step){.expect = "POST ",
						   .status = 201,
						   .body = "{}",
						   .way = SCRIPT_GATE,
						   .times = 2});
	say("GET /user", 200, "", "{\"id\": 3}");
	first = begin("forge.status", status_args());
	second = begin("forge.status", status_args());
	assert_true(script_wait(&f.server, 1));
	assert_int_equal(run("forge.self", json_object())->code, ERR_OK);
	assert_int_equal(script_count(&f.server), 2);
	script_open_gate(&f.server);
	assert_int_equal(await(first)->code, ERR_OK);
	assert_int_equal(await(second)->code, ERR_OK);
	assert_true(script_line(&f.server, 2, STATUS));
}

/* -- a network that fails -- */

static void expect_lost(const char *kind, json_t *args, bool unknown)
{
	struct outcome *o = run(kind, args);

	if (o->code != ERR_RETRY || o->unknown != unknown || o->body ||
	    !*o->text)
		fail_msg("%s: %s, %d: %s", kind, err_name(o->code), o->unknown,
			 o->text);
}

static void test_cut_answers(void **state UNUSED)
{
	misbehave(PULL, SCRIPT_CUT);
	misbehave(STATUS, SCRIPT_CUT);
	expect_lost("forge.pull", pull_args(), false);
	expect_lost("forge.status", status_args(), true);
	assert_int_equal(f.counted, 2);
	assert_int_equal(f.counted_ok, 0);
}

/*
 * The connection was used before and dies under the write: whoever sends it
 * again by himself makes a second comment.
 */
static void test_lost_write_is_sent_once(void **state UNUSED)
{
	say("GET /user", 200, "", "{\"id\": 3}");
	script_add(&f.server, (struct script_step){.expect = CREATE,
						   .way = SCRIPT_CLOSE,
						   .times = SCRIPT_FOREVER});
	assert_int_equal(run("forge.self", json_object())->code, ERR_OK);
	expect_lost("forge.comment", comment_args(0, false), true);
	assert_int_equal(script_count(&f.server), 2);
}

static void test_hang_ends(void **state UNUSED)
{
	f.settings.call_ms = 150;
	misbehave(PULL, SCRIPT_HANG);
	misbehave(STATUS, SCRIPT_HANG);
	expect_lost("forge.pull", pull_args(), false);
	expect_lost("forge.status", status_args(), true);
}

static void test_nobody_there(void **state UNUSED)
{
	struct script_server gone;

	script_start(&gone);
	script_stop(&gone);
	f.settings.api_url = gone.base;
	expect_lost("forge.status", status_args(), false);
	assert_int_equal(f.box.out[0].http_status, 0);
	assert_non_null(strstr(f.box.out[0].text, "POST /repos/o/r/statuses/"));
}

static void test_5xx(void **state UNUSED)
{
	say(PULL, 502, "", "<html>Bad gateway</html>");
	say(STATUS, 500, "", "");
	expect_lost("forge.pull", pull_args(), false);
	expect_lost("forge.status", status_args(), true);
}

static void test_answers_without_sense(void **state UNUSED)
{
	static const char *const bodies[] = {"<html>hello</html>", "",
					     "{\"id\": 1", "[]", "7"};

	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		say(PULL, 200, "", bodies[i]);
		say(STATUS, 201, "", bodies[i]);
		expect_lost("forge.pull", pull_args(), false);
		expect_lost("forge.status", status_args(), true);
	}
	say("GET /repos/o/r/pulls?", 200, "", "{}");
	expect_lost("forge.pulls", pull_args(), false);
	say(CREATE, 201, "", "{\"body\": \"no id\"}");
	expect_lost("forge.comment", comment_args(0, false), true);
	say(PULL, 204, "", NULL);
	expect_lost("forge.pull", pull_args(), false);
}

static void test_204_has_no_body(void **state UNUSED)
{
	say(STATUS, 204, "", NULL);
	assert_int_equal(run("forge.status", status_args())->code, ERR_OK);
	assert_null(f.box.out[0].body);
}

/* -- answers without a body -- */

static const char MEMBER[] = "GET /orgs/o/members/x";
static const char PUBLIC[] = "GET /orgs/o/public_members/x";

static struct outcome *ask_member(void)
{
	return run("forge.org_member",
		   json_pack("{s:s, s:s}", "org", "o", "login", "x"));
}

static void test_member_or_not(void **state UNUSED)
{
	struct outcome *o;

	say(MEMBER, 204, "", NULL);
	o = ask_member();
	assert_int_equal(o->code, ERR_OK);
	assert_int_equal(o->http_status, 204);
	assert_null(o->body);
	say(MEMBER, 404, "", "{\"message\": \"Not Found\"}");
	assert_int_equal(ask_member()->code, ERR_MISSING);
	assert_int_equal(script_count(&f.server), 2);
}

/* Whoever answers anything else has not said that it is a member. */
static void test_only_204_is_a_member(void **state UNUSED)
{
	static const struct {
		int status;
		const char *body;
	} rows[] = {{200, "{}"}, {200, ""}, {202, ""}, {205, ""}, {200, "[]"}};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		say(MEMBER, rows[i].status, "", rows[i].body);
		assert_int_equal(ask_member()->code, ERR_RETRY);
	}
}

static void test_member_of_a_foreign_org(void **state UNUSED)
{
	struct script_server other;
	char location[128];

	script_start(&other);
	snprintf(location, sizeof(location), "Location: %s/x\r\n", other.base);
	say(MEMBER, 302, location, NULL);
	say(PUBLIC, 204, "", NULL);
	assert_int_equal(ask_member()->code, ERR_OK);
	say(MEMBER, 302, "Location: {base}/user\r\n", NULL);
	say(PUBLIC, 404, "", "{\"message\": \"Not Found\"}");
	assert_int_equal(ask_member()->code, ERR_MISSING);
	/* The public list says it itself: another 302 leads nowhere. */
	say(MEMBER, 302, "", NULL);
	say(PUBLIC, 302, location, NULL);
	assert_int_equal(ask_member()->code, ERR_INVALID);
	assert_int_equal(script_count(&f.server), 6);
	for (int i = 0; i < 6; i++)
		assert_true(script_line(&f.server, i, i % 2 ? PUBLIC : MEMBER));
	assert_int_equal(script_count(&other), 0);
	script_stop(&other);
}

static const char ATTEMPT[] = "POST /repos/o/r/hooks/1/deliveries/2/attempts";

static json_t *attempt_args(void)
{
	return json_pack("{s:s, s:i, s:i}", "repo", "o/r", "hook_id", 1,
			 "delivery_id", 2);
}

static void test_202_with_and_without_body(void **state UNUSED)
{
	say(ATTEMPT, 202, "", "");
	assert_int_equal(run("forge.redeliver", attempt_args())->code, ERR_OK);
	say(ATTEMPT, 202, "", "{}");
	assert_int_equal(run("forge.redeliver", attempt_args())->code, ERR_OK);
	assert_true(script_has(&f.server, 0, "Content-Length", "0"));
	assert_true(script_has(&f.server, 0, "Content-Type", NULL));
	assert_string_equal(f.server.requests[0].body, "");
	/* What must name something is not done by an empty 202. */
	say(CREATE, 202, "", "");
	expect_lost("forge.comment", comment_args(0, false), true);
}

/* -- pages that come newest first -- */

#define HOOK "GET /repos/o/r/hooks/1/deliveries?"

static json_t *hook_args(const char *since)
{
	return json_pack("{s:s, s:i, s:s}", "repo", "o/r", "hook_id", 1,
			 "since", since);
}

static void say_deliveries(void)
{
	say(HOOK "per_page=100", 200,
	    "Link: <{base}/repos/o/r/hooks/1/deliveries?per_page=100"
	    "&cursor=v1_7>; rel=\"next\"\r\n",
	    "[{\"id\": 9, \"delivered_at\": \"2026-11-21T14:00:09Z\"},"
	    " {\"id\": 8, \"delivered_at\": \"2026-11-21T14:00:08Z\"}]");
	say(HOOK "per_page=100&cursor=v1_7", 200,
	    "Link: <{base}/repos/o/r/hooks/1/deliveries?per_page=100"
	    "&cursor=v1_6>; rel=\"next\"\r\n",
	    "[{\"id\": 7, \"delivered_at\": \"2026-11-21T14:00:07Z\"}]");
	say(HOOK "per_page=100&cursor=v1_6", 200, "",
	    "[{\"id\": 6, \"delivered_at\": \"2026-11-21T14:00:06.5Z\"}]");
}

static void expect_deliveries(const char *since, size_t entries, int requests)
{
	int before = script_count(&f.server);
	struct outcome *o = run("forge.deliveries", hook_args(since));

	assert_int_equal(o->code, ERR_OK);
	assert_int_equal(json_array_size(o->body), entries);
	assert_int_equal(script_count(&f.server) - before, requests);
}

static void test_deliveries_by_cursor(void **state UNUSED)
{
	say_deliveries();
	expect_deliveries("", 4, 3);
}

static void test_deliveries_back_to_a_time(void **state UNUSED)
{
	say_deliveries();
	/* One of that very second may stand on the next page. */
	expect_deliveries("2026-11-21T14:00:07Z", 4, 3);
	say_deliveries();
	expect_deliveries("2026-11-21T14:00:08Z", 3, 2);
}

static void test_deliveries_without_end(void **state UNUSED)
{
	script_add(&f.server,
		   (struct script_step){
			   .expect = HOOK,
			   .status = 200,
			   .headers = "Link: <{base}/repos/o/r/hooks/1/"
				      "deliveries?cursor=x>; rel=\"next\"\r\n",
			   .body = "[{\"delivered_at\": null}]",
			   .times = SCRIPT_FOREVER});
	expect_deliveries("2026-11-21T14:00:00Z", LIMIT_FORGE_PAGES,
			  LIMIT_FORGE_PAGES);
}

static void test_huge_answers(void **state UNUSED)
{
	CLEANUP(free) char *block = calloc(1, (1 << 20) + 1);
	struct outcome *o;

	memset(block, ' ', 1 << 20);
	say(PULL, 200, "Content-Length: 40000000\r\n", "{");
	script_add(&f.server, (struct script_step){.expect = PULL,
						   .status = 200,
						   .body = block,
						   .way = SCRIPT_HUGE});
	for (int i = 0; i < 2; i++) {
		o = run("forge.pull", pull_args());
		assert_int_equal(o->code, ERR_INVALID);
		assert_non_null(strstr(o->text, "too large"));
	}
}

static void test_text_for_people(void **state UNUSED)
{
	struct outcome *o;

	say(STATUS, 422, "",
	    "{\"message\": \"Validation\\nFailed\", \"errors\": [{\"field\":"
	    " \"sha\", \"code\": \"invalid\", \"message\": \"No commit\"}]}");
	o = run("forge.status", status_args());
	assert_string_equal(o->text,
			    "POST /repos/o/r/statuses/" SHA
			    ": HTTP 422: Validation Failed: No commit");
	say("GET /repos/o/r/pulls?", 418, "", "{\"message\": \"tea\"}");
	o = run("forge.pulls", pull_args());
	assert_string_equal(o->text, "GET /repos/o/r/pulls: HTTP 418: tea");
}

/* -- comments -- */

static const char EDIT[] = "PATCH /repos/o/r/issues/comments/55";
static const char FOUND[] = "PATCH /repos/o/r/issues/comments/66";
/*
 * A stranger wrote the marker before us, and we wrote something else, and
 * quoted a job that printed it.
 */
static const char LISTING[] =
	"[{\"id\": 64, \"user\": {\"id\": 9}, \"body\": \"" MARKER " me!\"},"
	" {\"id\": 65, \"user\": {\"id\": 3}, \"body\": \"hello\"},"
	" {\"id\": 68, \"user\": {\"id\": 3}, \"body\": \"<!-- kcibot:x "
	"-->\\n\\n"
	"```text\\n" MARKER "\\n```\"},"
	" {\"id\": 66, \"user\": {\"id\": 3}, \"body\": \"<!-- kcibot:x "
	"-->\\r\\n" MARKER "\\r\\nx\"},"
	" {\"id\": 67, \"user\": null, \"body\": null}]";

static void expect_comment(json_t *args, int64_t id)
{
	struct outcome *o = run("forge.comment", args);

	if (o->code || js_int(o->body, "id", 0) != id)
		fail_msg("%s", o->text);
}

static void test_comment_is_created(void **state UNUSED)
{
	say(CREATE, 201, "", "{\"id\": 70}");
	expect_comment(comment_args(0, false), 70);
	assert_string_equal(f.server.requests[0].body,
			    "{\"body\":\"" MARKER "\\nqueued\"}");
	assert_int_equal(script_count(&f.server), 1);
}

static void test_comment_is_edited(void **state UNUSED)
{
	say(EDIT, 200, "", "{\"id\": 55}");
	expect_comment(comment_args(55, false), 55);
	assert_string_equal(f.server.requests[0].body,
			    "{\"body\":\"" MARKER "\\nqueued\"}");
}

static void test_deleted_comment_is_made_anew(void **state UNUSED)
{
	say(EDIT, 404, "", "{\"message\": \"Not Found\"}");
	say("GET /user", 200, "", "{\"id\": 4}");
	say(LIST, 200, "", LISTING);
	say(CREATE, 201, "", "{\"id\": 70}");
	expect_comment(comment_args(55, false), 70);
	assert_int_equal(script_count(&f.server), 4);
}

/* The one that is known may not be the only one. */
static void test_in_place_of_one_that_is_gone(void **state UNUSED)
{
	say(EDIT, 410, "", "{}");
	say("GET /user", 200, "", "{\"id\": 3}");
	say(LIST, 200, "", LISTING);
	say(FOUND, 200, "", "{\"id\": 66}");
	expect_comment(comment_args(55, false), 66);
	assert_int_equal(script_count(&f.server), 4);
}

/* An app may not ask who it is. */
static void test_who_we_are_is_told(void **state UNUSED)
{
	json_t *args = comment_args(55, false);

	json_object_set_new(args, "self_id", json_integer(3));
	say(EDIT, 404, "", "{}");
	say("GET /user", 403, "", "{\"message\": \"Not for you\"}");
	say(LIST, 200, "", LISTING);
	say(FOUND, 200, "", "{\"id\": 66}");
	expect_comment(args, 66);
	say(EDIT, 404, "", "{}");
	say("GET /user", 403, "", "{\"message\": \"Not for you\"}");
	assert_int_equal(run("forge.comment", comment_args(55, false))->code,
			 ERR_REFUSED);
	assert_int_equal(script_count(&f.server), 6);
}

/* Made a moment ago: who is patient asks again before he believes it. */
static void test_patient_404_makes_no_other(void **state UNUSED)
{
	json_t *args = comment_args(55, false);

	json_object_set_new(args, "patient", json_true());
	say(EDIT, 404, "", "{\"message\": \"Not Found\"}");
	assert_int_equal(run("forge.comment", args)->code, ERR_MISSING);
	assert_int_equal(script_count(&f.server), 1);
}

static void test_edit_refused_makes_no_other(void **state UNUSED)
{
	say(EDIT, 403, "", "{\"message\": \"Forbidden\"}");
	say(EDIT, 500, "", "{}");
	assert_int_equal(run("forge.comment", comment_args(55, false))->code,
			 ERR_REFUSED);
	assert_int_equal(run("forge.comment", comment_args(55, false))->code,
			 ERR_RETRY);
	assert_int_equal(script_count(&f.server), 2);
}

static void test_lookup_finds_only_ours(void **state UNUSED)
{
	say("GET /user", 200, "", "{\"id\": 3}");
	say(LIST, 200, "Link: <{base}/p2>; rel=\"next\"\r\n",
	    "[{\"id\": 9, \"user\": {\"id\": 9}, \"body\": \"" MARKER "\"}]");
	say("GET /p2", 200, "", LISTING);
	say(FOUND, 200, "", "{\"id\": 66}");
	expect_comment(comment_args(0, true), 66);
	assert_int_equal(script_count(&f.server), 4);
	/* Who we are is asked once. */
	say(LIST, 200, "", LISTING);
	say(FOUND, 200, "", "{\"id\": 66}");
	expect_comment(comment_args(0, true), 66);
	assert_int_equal(script_count(&f.server), 6);
}

static void test_lookup_finds_none(void **state UNUSED)
{
	say("GET /user", 200, "", "{\"id\": 4}");
	say(LIST, 200, "", LISTING);
	say(CREATE, 201, "", "{\"id\": 70}");
	expect_comment(comment_args(0, true), 70);
}

static void test_edit_404_looks_when_told(void **state UNUSED)
{
	say(EDIT, 404, "", "{}");
	say("GET /user", 200, "", "{\"id\": 3}");
	say(LIST, 200, "", LISTING);
	say(FOUND, 404, "", "{}");
	say(CREATE, 201, "", "{\"id\": 70}");
	expect_comment(comment_args(55, true), 70);
	assert_int_equal(script_count(&f.server), 5);
}

/* Not to know whether it is there is no reason to write a second one. */
static void test_lookup_that_fails_creates_nothing(void **state UNUSED)
{
	say("GET /user", 200, "", "{\"id\": 3}");
	say(LIST, 404, "", "{}");
	say(LIST, 502, "", "");
	assert_int_equal(run("forge.comment", comment_args(0, true))->code,
			 ERR_MISSING);
	expect_lost("forge.comment", comment_args(0, true), true);
	assert_int_equal(script_count(&f.server), 3);
}

static void test_create_404(void **state UNUSED)
{
	say(CREATE, 404, "", "{\"message\": \"Not Found\"}");
	assert_int_equal(run("forge.comment", comment_args(0, false))->code,
			 ERR_MISSING);
	assert_int_equal(script_count(&f.server), 1);
}

/* -- the port -- */

/* A job that is started meanwhile must not inherit a way to the forge. */
static void test_sockets_are_not_inherited(void **state UNUSED)
{
	int sockets = 0;

	say("GET /user", 200, "", "{\"id\": 3}");
	assert_int_equal(run("forge.self", json_object())->code, ERR_OK);
	for (int fd = 3; fd < 256; fd++) {
		int family = 0;
		socklen_t len = sizeof(family);

		if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) ||
		    family != AF_INET)
			continue;
		sockets++;
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	}
	assert_true(sockets >= 3); /* listening, and both ends of one */
}

static void test_at_most_so_many_at_once(void **state UNUSED)
{
	int64_t first, last = 0;

	script_add(&f.server, (struct script_step){.expect = "GET ",
						   .status = 200,
						   .body = "{\"id\": 3}",
						   .way = SCRIPT_GATE,
						   .times = SCRIPT_FOREVER});
	first = begin("forge.self", json_object());
	for (int i = 0; i < 199; i++)
		last = begin("forge.self", json_object());
	assert_true(script_wait(&f.server, LIMIT_FORGE_PARALLEL));
	run("forge.nonsense", json_object());
	assert_int_equal(script_count(&f.server), LIMIT_FORGE_PARALLEL);
	script_open_gate(&f.server);
	for (int64_t id = first; id <= last; id++)
		assert_int_equal(await(id)->code, ERR_OK);
	assert_int_equal(script_count(&f.server), 200);
	assert_int_equal(f.server.peak, LIMIT_FORGE_PARALLEL);
}

static void test_queue_is_bounded(void **state UNUSED)
{
	script_add(&f.server, (struct script_step){.expect = "GET ",
						   .way = SCRIPT_HANG,
						   .times = SCRIPT_FOREVER});
	for (int i = 0; i < LIMIT_FORGE_QUEUE; i++)
		begin("forge.self", json_object());
	/* Answered at once, on this thread. */
	assert_int_equal(f.box.count, 0);
	begin("forge.self", json_object());
	assert_int_equal(f.box.count, 1);
	assert_int_equal(f.box.out[LIMIT_FORGE_QUEUE].code, ERR_RETRY);
	assert_false(f.box.out[LIMIT_FORGE_QUEUE].unknown);
}

static void test_stop_with_calls_under_way(void **state UNUSED)
{
	script_add(&f.server, (struct script_step){.expect = "",
						   .way = SCRIPT_HANG,
						   .times = SCRIPT_FOREVER});
	for (int i = 0; i < 20; i++)
		begin("forge.self", json_object());
	begin("forge.status", status_args());
	begin("forge.status", status_args());
	assert_true(script_wait(&f.server, LIMIT_FORGE_PARALLEL));
	close_port();
	assert_int_equal(f.box.count, 0);
}

static void test_stop_at_once(void **state UNUSED)
{
	open_port();
	close_port();
	begin("forge.self", json_object());
	close_port();
}

/* What an engine does: answers start the next call. */
static void chain(void *ctx, struct outcome *o)
{
	struct effect effect = {.id = o->id + 1, .kind = "forge.self"};
	struct port *p = f.port;

	json_decref(o->body);
	o->body = NULL;
	on_done(ctx, o);
	if (effect.id < 50)
		p->start(p, &effect, chain, ctx);
}

static void test_done_may_start_more(void **state UNUSED)
{
	struct effect effect = {.id = 0, .kind = "forge.self"};

	script_add(&f.server, (struct script_step){.expect = "GET ",
						   .status = 200,
						   .body = "{\"id\": 3}",
						   .times = SCRIPT_FOREVER});
	open_port();
	f.port->start(f.port, &effect, chain, &f.box);
	assert_int_equal(await(49)->code, ERR_OK);
}

static void test_one_call_waited_for(void **state UNUSED)
{
	CLEANUP(json_decref) json_t *args = pull_args();
	struct error e = ERROR_INIT;
	struct outcome o;

	say(PULL, 200, "", "{\"number\": 7}");
	say(PULL, 404, "", "{\"message\": \"Not Found\"}");
	f.settings.clock = &clock_system;
	assert_int_equal(github_call(&f.settings, "forge.pull", args, &o, &e),
			 ERR_OK);
	assert_int_equal(js_int(o.body, "number", 0), 7);
	json_decref(o.body);
	assert_int_equal(github_call(&f.settings, "forge.pull", args, &o, &e),
			 ERR_MISSING);
	assert_string_equal(e.text, "GET /repos/o/r/pulls/7: HTTP 404: Not "
				    "Found");
	assert_null(o.body);
	f.settings.token_file = "";
	assert_int_equal(github_call(&f.settings, "forge.pull", args, &o, &e),
			 ERR_INVALID);
	assert_int_equal(o.code, ERR_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(test_headers_and_body),
	TEST(test_a_read_has_no_body),
	TEST(test_every_row_on_the_wire),
	TEST(test_bad_arguments_are_not_sent),
	TEST(test_status_description_is_at_most_140),
	TEST(test_path_of_an_enterprise_server),
	TEST(test_token_of_any_length),
	TEST(test_bad_token_files),
	TEST(test_bad_api_urls),
	TEST(test_401_reads_the_token_again),
	TEST(test_401_twice_is_refused),
	TEST(test_401_forgets_what_the_old_token_saw),
	TEST(test_environment_proxy_does_not_see_it),
	TEST(test_redirect_on_the_same_host),
	TEST(test_redirect_to_another_host),
	TEST(test_redirect_in_a_circle),
	TEST(test_redirect_of_a_write),
	TEST(test_pages_are_joined),
	TEST(test_next_page_on_another_host),
	TEST(test_endless_listing),
	TEST(test_endless_listing_in_parts),
	TEST(test_half_a_listing_is_none),
	TEST(test_304_gives_the_kept_answer),
	TEST(test_304_of_pages),
	TEST(test_full_last_page_is_asked_anew),
	TEST(test_304_unasked),
	TEST(test_limited_or_without_right),
	TEST(test_hold_goes_back_to_the_caller),
	TEST(test_short_hold_waits_inside),
	TEST(test_last_request_of_the_window),
	TEST(test_reset_that_has_passed),
	TEST(test_untimed_limits_wait_longer),
	TEST(test_writes_are_spaced),
	TEST(test_writes_go_one_by_one),
	TEST(test_cut_answers),
	TEST(test_lost_write_is_sent_once),
	TEST(test_hang_ends),
	TEST(test_nobody_there),
	TEST(test_5xx),
	TEST(test_answers_without_sense),
	TEST(test_204_has_no_body),
	TEST(test_member_or_not),
	TEST(test_only_204_is_a_member),
	TEST(test_member_of_a_foreign_org),
	TEST(test_202_with_and_without_body),
	TEST(test_deliveries_by_cursor),
	TEST(test_deliveries_back_to_a_time),
	TEST(test_deliveries_without_end),
	TEST(test_huge_answers),
	TEST(test_text_for_people),
	TEST(test_comment_is_created),
	TEST(test_comment_is_edited),
	TEST(test_deleted_comment_is_made_anew),
	TEST(test_patient_404_makes_no_other),
	TEST(test_edit_refused_makes_no_other),
	TEST(test_lookup_finds_only_ours),
	TEST(test_lookup_finds_none),
	TEST(test_edit_404_looks_when_told),
	TEST(test_in_place_of_one_that_is_gone),
	TEST(test_who_we_are_is_told),
	TEST(test_lookup_that_fails_creates_nothing),
	TEST(test_create_404),
	TEST(test_sockets_are_not_inherited),
	TEST(test_at_most_so_many_at_once),
	TEST(test_queue_is_bounded),
	TEST(test_stop_with_calls_under_way),
	TEST(test_stop_at_once),
	TEST(test_done_may_start_more),
	TEST(test_one_call_waited_for),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
