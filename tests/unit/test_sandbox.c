/*
 * The sandbox forge as its users see it: the real program, real git, real
 * webhooks over loopback.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <microhttpd.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>

#include "bot/base/fs.h"
#include "bot/base/proc.h"
#include "tests/sandbox/client.h"

#define REPO "kernelci/api"
#define API "/repos/" REPO
#define TOKEN "sandbox-token"
#define SECRET "a secret of more than thirty-two bytes"
#define HOOKS_MAX 64

/* Who receives the webhooks: keeps each, answers 202. */
struct receiver {
	struct MHD_Daemon *daemon;
	pthread_mutex_t lock;
	struct {
		char event[64], guid[64], signature[128];
		struct str body;
	} got[HOOKS_MAX];
	size_t n;
};

struct world {
	char dir[64];
	struct sbc *c;
	struct receiver r;
	char base[41], head[41];
	int pull;
};

static void copy_header(struct MHD_Connection *conn, const char *name, char *to,
			size_t max)
{
	const char *v =
		MHD_lookup_connection_value(conn, MHD_HEADER_KIND, name);

	snprintf(to, max, "%s", v ? v : "");
}

static enum MHD_Result receive(void *ctx, struct MHD_Connection *conn,
			       const char *url UNUSED,
			       const char *method UNUSED,
			       const char *version UNUSED, const char *data,
			       size_t *len, void **at)
{
	struct receiver *r = ctx;
	struct MHD_Response *a;
	enum MHD_Result ret;

	pthread_mutex_lock(&r->lock);
	if (!*at) {
		*at = r;
		str_init(&r->got[r->n].body, 1u << 20);
		pthread_mutex_unlock(&r->lock);
		return MHD_YES;
	}
	if (*len) {
		str_add(&r->got[r->n].body, data, *len);
		*len = 0;
		pthread_mutex_unlock(&r->lock);
		return MHD_YES;
	}
	copy_header(conn, "X-GitHub-Event", r->got[r->n].event, 64);
	copy_header(conn, "X-GitHub-Delivery", r->got[r->n].guid, 64);
	copy_header(conn, "X-Hub-Signature-256", r->got[r->n].signature, 128);
	assert_true(++r->n < HOOKS_MAX);
	pthread_mutex_unlock(&r->lock);
	a = MHD_create_response_from_buffer(2, (void *)(uintptr_t) "ok",
					    MHD_RESPMEM_PERSISTENT);
	ret = MHD_queue_response(conn, 202, a);
	MHD_destroy_response(a);
	return ret;
}

static json_t *files(const char *path, const char *text)
{
	return json_pack("{s:s?}", path, text);
}

static void start_receiver(struct world *w)
{
	char url[64];

	pthread_mutex_init(&w->r.lock, NULL);
	w->r.daemon = MHD_start_daemon(MHD_USE_POLL_INTERNAL_THREAD, 0, NULL,
				       NULL, receive, &w->r, MHD_OPTION_END);
	assert_non_null(w->r.daemon);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/webhook",
		 MHD_get_daemon_info(w->r.daemon, MHD_DAEMON_INFO_BIND_PORT)
			 ->port);
	assert_true(sbc_hook(w->c, url, SECRET));
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	const char *tmp = getenv("TMPDIR");
	struct error e = ERROR_INIT;

	snprintf(w->dir, sizeof(w->dir), "%s/sandbox.XXXXXX",
		 tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	assert_non_null(mkdtemp(w->dir));
	if (sbc_start(&(struct sbc_settings){.dir = w->dir}, &w->c, &e))
		fail_msg("%s", e.text);
	assert_true(sbc_user(w->c, "alice") > INT32_MAX);
	assert_int_not_equal(sbc_user(w->c, "bob"), 0);
	assert_true(sbc_repo(w->c, REPO, files("README", "one\n"), w->base));
	start_receiver(w);
	w->pull = sbc_pull(w->c, REPO, "alice", "Fix it",
			   files("src/a.c", "int a;\n"), w->head);
	assert_int_equal(w->pull, 1);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	struct error e = ERROR_INIT;

	assert_int_equal(sbc_stop(w->c), 0);
	MHD_stop_daemon(w->r.daemon);
	for (size_t i = 0; i <= w->r.n; i++)
		str_release(&w->r.got[i].body);
	pthread_mutex_destroy(&w->r.lock);
	assert_int_equal(fs_remove_tree(w->dir, &e), ERR_OK);
	free(w);
	return 0;
}

/* Waits until the sandbox has sent so an event, and has been answered. */
static json_t *sent(struct world *w, int64_t *after, const char *event)
{
	json_t *one = sbc_await_log(w->c, after, "webhook", "event", event,
				    SBC_WAIT_MS);

	assert_non_null(one);
	return one;
}

static int call(struct world *w, const char *method, const char *path,
		json_t *body, struct sbc_answer *a)
{
	sbc_request(w->c, method, path, body, TOKEN, NULL, a);
	json_decref(body);
	return (int)a->status;
}

/* Its status only. */
static int status_of(struct world *w, const char *method, const char *path,
		     json_t *body)
{
	CLEANUP(sbc_answer_release) struct sbc_answer a;

	return call(w, method, path, body, &a);
}

static void git(struct world *w, const char *const *argv, const char *expect)
{
	const char *env[] = {
		"PATH=/usr/bin:/bin",	       "GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=x",
		"GIT_AUTHOR_EMAIL=x@x",	       "GIT_COMMITTER_NAME=x",
		"GIT_COMMITTER_EMAIL=x@x",     NULL};
	CLEANUP(proc_result_release) struct proc_result r = {0};
	struct error e = ERROR_INIT;

	str_init(&r.out, 1u << 20);
	str_init(&r.err, 1u << 16);
	assert_int_equal(
		proc_run(&(struct proc_spec){.argv = argv,
					     .env = env,
					     .dir = w->dir,
					     .timeout_ms = SBC_WAIT_MS},
			 &r, &e),
		ERR_OK);
	if (r.exit_code != 0)
		fail_msg("git %s: %s", argv[1], r.err.text);
	if (expect)
		assert_true(str_starts(r.out.text, expect));
}

#define GIT(w, expect, ...)                                                    \
	git(w, (const char *const[]){"git", __VA_ARGS__, NULL}, expect)

/* Anybody can fetch a pull request by ref and by commit id. */
static void test_pull_is_fetchable(void **state)
{
	struct world *w = *state;
	CLEANUP(free) char *pattern = sbc_clone_url(w->c);
	CLEANUP(free)
	char *url = str_format("file://%s/repos/" REPO ".git", w->dir);

	assert_non_null(strstr(pattern, "/repos/{repo}.git"));
	GIT(w, NULL, "init", "-q", "clone");
	GIT(w, NULL, "-C", "clone", "fetch", "-q", url, "refs/pull/1/head");
	GIT(w, w->head, "-C", "clone", "rev-parse", "FETCH_HEAD");
	GIT(w, w->base, "-C", "clone", "rev-parse", "FETCH_HEAD^");
	GIT(w, "alice", "-C", "clone", "log", "-1", "--format=%an",
	    "FETCH_HEAD");
	GIT(w, "int a;\n", "-C", "clone", "show", "FETCH_HEAD:src/a.c");
	/* No ref holds the old head any more. */
	assert_true(sbc_push(w->c, REPO, 1, files("b", "b"), true, NULL));
	GIT(w, NULL, "-C", "clone", "fetch", "-q", url, w->head);
}

static void check_signature(const char *signature, const struct str *body)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	char want[80] = "sha256=";
	unsigned int len = 0;

	HMAC(EVP_sha256(), SECRET, strlen(SECRET),
	     (const unsigned char *)body->text, body->len, mac, &len);
	for (unsigned int i = 0; i < len; i++)
		snprintf(want + 7 + 2 * i, 3, "%02x", mac[i]);
	assert_string_equal(signature, want);
}

static void test_webhooks_are_signed(void **state)
{
	struct world *w = *state;
	int64_t after = 0;
	struct error e = ERROR_INIT;

	json_decref(sent(w, &after, "pull_request"));
	assert_true(sbc_comment(w->c, REPO, 1, "bob", "caf\u00e9 \U0001f680") >
		    INT32_MAX);
	json_decref(sent(w, &after, "issue_comment"));
	pthread_mutex_lock(&w->r.lock);
	assert_int_equal(w->r.n, 2);
	for (size_t i = 0; i < 2; i++) {
		check_signature(w->r.got[i].signature, &w->r.got[i].body);
		assert_int_equal(strlen(w->r.got[i].guid), 36);
	}
	assert_string_not_equal(w->r.got[0].guid, w->r.got[1].guid);
	CLEANUP(json_decref)
	json_t *p = js_parse(w->r.got[1].body.text, w->r.got[1].body.len, &e);
	pthread_mutex_unlock(&w->r.lock);
	assert_string_equal(js_str(p, "action"), "created");
	assert_string_equal(js_str(p, "comment.body"), "caf\u00e9 \U0001f680");
	assert_string_equal(js_str(p, "sender.login"), "bob");
	assert_string_equal(js_str(p, "comment.user.login"), "bob");
	assert_string_equal(js_str(p, "repository.full_name"), REPO);
	assert_int_equal(js_int(p, "issue.number", 0), 1);
	assert_non_null(js_get(p, "issue.pull_request.url"));
}

static void test_comment_round_trip(void **state)
{
	struct world *w = *state;
	CLEANUP(sbc_answer_release) struct sbc_answer made, edited;
	char path[128];
	int64_t after = 0;

	assert_int_equal(call(w, "POST", API "/issues/1/comments",
			      json_pack("{s:s}", "body", "queued"), &made),
			 201);
	assert_string_equal(js_str(made.json, "user.login"), "kcibot");
	assert_string_equal(js_str(made.json, "created_at"),
			    js_str(made.json, "updated_at"));
	snprintf(path, sizeof(path), API "/issues/comments/%" PRId64,
		 js_int(made.json, "id", 0));
	assert_int_equal(call(w, "PATCH", path,
			      json_pack("{s:s}", "body", "deployed"), &edited),
			 200);
	assert_string_equal(js_str(edited.json, "body"), "deployed");
	assert_string_not_equal(js_str(edited.json, "created_at"),
				js_str(edited.json, "updated_at"));
	assert_true(sbc_await_comment(w->c, REPO, 1, "kcibot", "deployed",
				      SBC_WAIT_MS));
	assert_int_equal(status_of(w, "DELETE", path, NULL), 204);
	assert_int_equal(status_of(w, "GET", path, NULL), 404);
	/* The bot hears of its own doings, as on GitHub. */
	CLEANUP(json_decref)
	json_t *last = sbc_await_log(w->c, &after, "webhook", "action",
				     "deleted", SBC_WAIT_MS);
	assert_non_null(last);
	assert_string_equal(js_str(last, "status"), "OK");
}

static void test_comment_limits(void **state)
{
	struct world *w = *state;
	CLEANUP(str_release) struct str body = STR_INIT(1u << 20);

	/* Characters count, not bytes. */
	for (int i = 0; i < 65536; i++)
		str_puts(&body, "\u00e9");
	assert_int_equal(status_of(w, "POST", API "/issues/1/comments",
				   json_pack("{s:s}", "body", body.text)),
			 201);
	str_putc(&body, 'x');
	assert_int_equal(status_of(w, "POST", API "/issues/1/comments",
				   json_pack("{s:s}", "body", body.text)),
			 422);
	assert_int_equal(status_of(w, "POST", API "/issues/1/comments",
				   json_pack("{s:s}", "body", " \n")),
			 422);
	assert_int_equal(status_of(w, "POST", API "/issues/9/comments",
				   json_pack("{s:s}", "body", "x")),
			 404);
}

static void test_reactions(void **state)
{
	struct world *w = *state;
	int64_t id = sbc_comment(w->c, REPO, 1, "bob", "@kcibot deploy");
	CLEANUP(sbc_answer_release) struct sbc_answer one;
	char path[160];

	snprintf(path, sizeof(path),
		 API "/issues/comments/%" PRId64 "/reactions", id);
	assert_int_equal(call(w, "POST", path,
			      json_pack("{s:s}", "content", "eyes"), &one),
			 201);
	assert_int_equal(status_of(w, "POST", path,
				   json_pack("{s:s}", "content", "eyes")),
			 200);
	assert_int_equal(status_of(w, "POST", path,
				   json_pack("{s:s}", "content", "smile")),
			 422);
	assert_true(sbc_await_reaction(w->c, REPO, 1, id, "kcibot", "eyes",
				       SBC_WAIT_MS));
	snprintf(path, sizeof(path),
		 API "/issues/comments/%" PRId64 "/reactions/%" PRId64, id,
		 js_int(one.json, "id", 0));
	assert_int_equal(status_of(w, "DELETE", path, NULL), 204);
	assert_false(
		sbc_await_reaction(w->c, REPO, 1, id, "kcibot", "eyes", 0));
}

static json_t *status_body(const char *state, const char *description)
{
	return json_pack("{s:s,s:s,s:s,s:s}", "state", state, "context",
			 "kcibot/staging", "description", description,
			 "target_url", "http://127.0.0.1/x");
}

static void test_statuses(void **state)
{
	struct world *w = *state;
	CLEANUP(sbc_answer_release) struct sbc_answer a;
	char path[160], text[142] = "";

	memset(text, 'x', 141);
	snprintf(path, sizeof(path), API "/statuses/%s", w->head);
	assert_int_equal(
		status_of(w, "POST", path, status_body("pending", "q")), 201);
	assert_int_equal(
		status_of(w, "POST", path, status_body("success", "d")), 201);
	assert_int_equal(
		status_of(w, "POST", path, status_body("success", text)), 422);
	assert_int_equal(status_of(w, "POST", path, status_body("green", "d")),
			 422);
	assert_int_equal(status_of(w, "POST",
				   API
				   "/statuses/"
				   "1111111111111111111111111111111111111111",
				   status_body("success", "d")),
			 422);
	assert_true(sbc_await_status(w->c, REPO, 1, "kcibot/staging", "success",
				     SBC_WAIT_MS));
	snprintf(path, sizeof(path), API "/commits/%s/status", w->head);
	assert_int_equal(call(w, "GET", path, NULL, &a), 200);
	assert_string_equal(js_str(a.json, "state"), "success");
	assert_int_equal(js_int(a.json, "total_count", 0), 1);
}

/* The URL of rel in the Link header, without the host; "" = none. */
static void link_of(struct world *w, const struct sbc_answer *a,
		    const char *rel, char *to, size_t max)
{
	CLEANUP(free) char *mark = str_format(">; rel=\"%s\"", rel);
	char *line = strcasestr(a->headers.text, "\nLink:");
	char *end = line ? strstr(line, mark) : NULL;
	const char *url = end;

	*to = '\0';
	if (!end)
		return;
	while (*url != '<')
		url--;
	url++;
	assert_true(str_starts(url, sbc_url(w->c)));
	url += strlen(sbc_url(w->c));
	snprintf(to, max, "%.*s", (int)(end - url), url);
}

static void test_pages_follow_links(void **state)
{
	struct world *w = *state;
	char path[256] = API "/issues/comments?per_page=2&sort=created";
	int64_t before = 0;
	int pages = 0;

	for (int i = 0; i < 5; i++)
		assert_true(sbc_comment(w->c, REPO, 1, "bob", "hello"));
	for (size_t seen = 0; *path; pages++) {
		CLEANUP(sbc_answer_release) struct sbc_answer a;
		json_t *one;
		size_t i;

		assert_int_equal(call(w, "GET", path, NULL, &a), 200);
		json_array_foreach (a.json, i, one) {
			assert_true(js_int(one, "id", 0) > before);
			before = js_int(one, "id", 0);
			seen++;
		}
		assert_int_equal(seen, pages == 2 ? 5 : 2 * (pages + 1));
		link_of(w, &a, "next", path, sizeof(path));
	}
	assert_int_equal(pages, 3);
}

static void test_etag(void **state)
{
	struct world *w = *state;
	CLEANUP(sbc_answer_release) struct sbc_answer first, again, later;
	char header[160], *tag;

	assert_int_equal(call(w, "GET", API "/pulls/1", NULL, &first), 200);
	tag = strcasestr(first.headers.text, "ETag: ");
	assert_non_null(tag);
	snprintf(header, sizeof(header), "If-None-Match: %.*s",
		 (int)strcspn(tag + 6, "\r\n"), tag + 6);
	sbc_request(w->c, "GET", API "/pulls/1", NULL, TOKEN, header, &again);
	assert_int_equal(again.status, 304);
	assert_int_equal(again.text.len, 0);
	assert_true(sbc_push(w->c, REPO, 1, files("b", "b"), false, NULL));
	sbc_request(w->c, "GET", API "/pulls/1", NULL, TOKEN, header, &later);
	assert_int_equal(later.status, 200);
	assert_non_null(
		strcasestr(later.headers.text, "X-RateLimit-Remaining"));
	assert_non_null(strcasestr(later.headers.text, "\nDate: "));
}

static void test_who_may_call(void **state)
{
	struct world *w = *state;
	CLEANUP(sbc_answer_release) struct sbc_answer none, wrong, self;
	CLEANUP(sbc_answer_release) struct sbc_answer foreign;

	sbc_request(w->c, "GET", "/user", NULL, NULL, NULL, &none);
	assert_int_equal(none.status, 401);
	sbc_request(w->c, "GET", "/user", NULL, "nonsense", NULL, &wrong);
	assert_int_equal(wrong.status, 401);
	assert_string_equal(js_str(wrong.json, "message"), "Bad credentials");
	assert_int_equal(call(w, "GET", "/user", NULL, &self), 200);
	assert_string_equal(js_str(self.json, "login"), "kcibot");
	assert_int_equal(status_of(w, "GET", API "/pulls/", NULL), 404);
	assert_int_equal(status_of(w, "GET", "/users/nobody", NULL), 404);
	/* Another site's page cannot steer us. */
	sbc_request(w->c, "GET", "/_sandbox/state", NULL, NULL,
		    "Origin: http://evil.example", &foreign);
	assert_int_equal(foreign.status, 403);
}

static json_t *fault(const char *kind, const char *method, json_t *more)
{
	json_t *f = json_pack("{s:s,s:s,s:s}", "kind", kind, "method", method,
			      "path", API "/issues/1/comments");

	if (more)
		json_object_update(f, more);
	json_decref(more);
	return f;
}

static void add_fault(struct world *w, json_t *f)
{
	json_t *a = sbc_post(w->c, "/_sandbox/faults", f);

	assert_non_null(a);
	json_decref(a);
}

static size_t comment_count(struct world *w)
{
	CLEANUP(json_decref) json_t *now = sbc_conversation(w->c, REPO, 1);

	return json_array_size(js_get(now, "comments"));
}

static void test_faults(void **state)
{
	struct world *w = *state;
	CLEANUP(sbc_answer_release) struct sbc_answer limited, cut;
	static const char path[] = API "/issues/1/comments";

	add_fault(w, fault("status", "POST",
			   json_pack("{s:i,s:{s:s}}", "status", 429, "headers",
				     "Retry-After", "7")));
	assert_int_equal(call(w, "POST", path, json_pack("{s:s}", "body", "a"),
			      &limited),
			 429);
	assert_non_null(strcasestr(limited.headers.text, "\nRetry-After: 7"));
	assert_int_equal(comment_count(w), 0);
	/* The second that comes along, and it is written all the same. */
	add_fault(w, fault("close", "POST", json_pack("{s:i}", "skip", 1)));
	assert_int_equal(
		status_of(w, "POST", path, json_pack("{s:s}", "body", "b")),
		201);
	assert_int_equal(
		status_of(w, "POST", path, json_pack("{s:s}", "body", "c")), 0);
	assert_int_equal(comment_count(w), 2);
	add_fault(w, fault("cut", "GET", NULL));
	assert_int_equal(call(w, "GET", path, NULL, &cut), 0);
	assert_true(cut.text.len > 0);
	assert_null(cut.json);
	assert_int_equal(status_of(w, "GET", path, NULL), 200);
	add_fault(w, fault("hang", "GET", json_pack("{s:i}", "ms", 10)));
	assert_int_equal(status_of(w, "GET", path, NULL), 0);
}

static size_t received(struct world *w)
{
	size_t n;

	pthread_mutex_lock(&w->r.lock);
	n = w->r.n;
	pthread_mutex_unlock(&w->r.lock);
	return n;
}

static void gate(struct world *w, const char *action, const char *order)
{
	json_t *a = sbc_post(
		w->c, "/_sandbox/webhooks",
		json_pack("{s:s,s:s?}", "action", action, "order", order));

	assert_non_null(a);
	json_decref(a);
}

static void test_webhooks_go_astray(void **state)
{
	struct world *w = *state;
	int64_t after = 0;

	json_decref(sent(w, &after, "pull_request"));
	gate(w, "drop", NULL);
	assert_true(sbc_comment(w->c, REPO, 1, "bob", "dropped"));
	CLEANUP(json_decref) json_t *lost = sent(w, &after, "issue_comment");
	assert_int_equal(js_int(lost, "status_code", 0), 502);
	assert_int_equal(received(w), 1);
	CLEANUP(json_decref)
	json_t *asked UNUSED =
		sbc_post(w->c, "/_sandbox/redeliver",
			 json_pack("{s:s}", "guid", js_str(lost, "guid")));
	CLEANUP(json_decref) json_t *again = sent(w, &after, "issue_comment");
	assert_true(js_bool(again, "redelivery", false));
	assert_string_equal(w->r.got[1].guid, js_str(lost, "guid"));
	gate(w, "duplicate", NULL);
	assert_true(sbc_comment(w->c, REPO, 1, "bob", "twice"));
	json_decref(sent(w, &after, "issue_comment"));
	json_decref(sent(w, &after, "issue_comment"));
	assert_int_equal(received(w), 4);
	assert_string_equal(w->r.got[2].guid, w->r.got[3].guid);
	gate(w, "hold", NULL);
	assert_true(sbc_comment(w->c, REPO, 1, "bob", "first"));
	assert_true(sbc_act(w->c, REPO, 1, "alice", "label", "staging-skip"));
	gate(w, "release", "reverse");
	json_decref(sent(w, &after, "issue_comment"));
	assert_int_equal(received(w), 6);
	assert_string_equal(w->r.got[4].event, "pull_request");
	assert_string_equal(w->r.got[5].event, "issue_comment");
}

static void test_deliveries_list(void **state)
{
	struct world *w = *state;
	CLEANUP(sbc_answer_release) struct sbc_answer hooks, failed, one;
	char path[160];
	int64_t after = 0;

	gate(w, "drop", NULL);
	assert_true(sbc_comment(w->c, REPO, 1, "bob", "dropped"));
	json_decref(sent(w, &after, "issue_comment"));
	assert_int_equal(call(w, "GET", API "/hooks", NULL, &hooks), 200);
	snprintf(path, sizeof(path),
		 API "/hooks/%" PRId64 "/deliveries?status=failure",
		 js_int(json_array_get(hooks.json, 0), "id", 0));
	assert_int_equal(call(w, "GET", path, NULL, &failed), 200);
	assert_int_equal(json_array_size(failed.json), 1);
	snprintf(strchr(path, '?'), 64, "/%" PRId64,
		 js_int(json_array_get(failed.json, 0), "id", 0));
	assert_int_equal(call(w, "GET", path, NULL, &one), 200);
	assert_string_equal(js_str(one.json, "request.payload.comment.body"),
			    "dropped");
	snprintf(path + strlen(path), 16, "/attempts");
	assert_int_equal(status_of(w, "POST", path, json_object()), 202);
	json_decref(sent(w, &after, "issue_comment"));
}

static void test_push_from_outside(void **state)
{
	struct world *w = *state;
	CLEANUP(free)
	char *url = str_format("file://%s/repos/" REPO ".git", w->dir);
	int64_t after = 0;

	GIT(w, NULL, "clone", "-q", url, "clone");
	GIT(w, NULL, "-C", "clone", "commit", "-q", "--allow-empty", "-m",
	    "merge");
	GIT(w, NULL, "-C", "clone", "push", "-q", "origin",
	    "HEAD:staging.kernelci.org");
	CLEANUP(json_decref)
	json_t *push =
		sbc_await_log(w->c, &after, "push", "ref",
			      "refs/heads/staging.kernelci.org", SBC_WAIT_MS);
	assert_non_null(push);
	assert_string_equal(js_str(push, "user"), "kcibot");
	assert_true(strspn(js_str(push, "before"), "0") == 40);
	json_decref(sent(w, &after, "push"));
}

static void test_life_of_a_pull(void **state)
{
	struct world *w = *state;
	static const char *const actions[][2] = {
		{"draft", "converted_to_draft"},
		{"ready", "ready_for_review"},
		{"label", "labeled"},
		{"unlabel", "unlabeled"},
		{"close", "closed"},
		{"reopen", "reopened"},
		{"merge", "closed"},
	};
	int64_t after = 0;

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		assert_true(sbc_act(w->c, REPO, 1, "alice", actions[i][0],
				    "staging-skip"));
		json_t *event = sbc_await_log(w->c, &after, "webhook", "action",
					      actions[i][1], SBC_WAIT_MS);
		assert_non_null(event);
		json_decref(event);
	}
	CLEANUP(sbc_answer_release) struct sbc_answer a;
	assert_int_equal(call(w, "GET", API "/pulls/1", NULL, &a), 200);
	assert_true(js_bool(a.json, "merged", false));
	CLEANUP(json_decref)
	json_t *tip = sbc_get(w->c, "/_sandbox/ref?repo=" REPO
				    "&ref=refs/heads/main");
	assert_string_equal(js_str(tip, "sha"),
			    js_str(a.json, "merge_commit_sha"));
}

static void test_files_and_conflicts(void **state)
{
	struct world *w = *state;
	CLEANUP(sbc_answer_release) struct sbc_answer list, pull, after;
	json_t *moved =
		json_pack("{s:n,s:s}", "README", "docs/README", "one\n");
	json_t *a;

	assert_int_equal(sbc_pull(w->c, REPO, "bob", "Move", moved, NULL), 2);
	assert_int_equal(call(w, "GET", API "/pulls/2/files", NULL, &list),
			 200);
	assert_int_equal(json_array_size(list.json), 1);
	a = json_array_get(list.json, 0);
	assert_string_equal(js_str(a, "status"), "renamed");
	assert_string_equal(js_str(a, "previous_filename"), "README");
	assert_int_equal(call(w, "GET", API "/pulls/1", NULL, &pull), 200);
	assert_true(js_bool(pull.json, "mergeable", false));
	a = sbc_post(w->c, "/_sandbox/push",
		     json_pack("{s:s,s:{s:s}}", "repo", REPO, "files",
			       "src/a.c", "int b;\n"));
	assert_non_null(a);
	json_decref(a);
	assert_int_equal(call(w, "GET", API "/pulls/1", NULL, &after), 200);
	assert_false(js_bool(after.json, "mergeable", true));
}

/* What users wrote is text on the page, whatever it looks like. */
static void test_pages_escape(void **state)
{
	struct world *w = *state;
	CLEANUP(sbc_answer_release) struct sbc_answer a, home;

	assert_int_equal(sbc_pull(w->c, REPO, "bob", "<i>\"&'</i>",
				  files("a", "b"), NULL),
			 2);
	assert_true(sbc_comment(w->c, REPO, 2, "bob",
				"see <script>x</script> **bold** "
				"[l](javascript:alert(1))"));
	sbc_request(w->c, "GET", "/" REPO "/pull/2", NULL, NULL, NULL, &a);
	assert_int_equal(a.status, 200);
	assert_non_null(strstr(a.text.text, "&lt;i&gt;&quot;&amp;&#39;"));
	assert_non_null(strstr(a.text.text, "<strong>bold</strong>"));
	assert_null(strstr(a.text.text, "<script>"));
	assert_null(strstr(a.text.text, "<i>"));
	assert_null(strstr(a.text.text, "javascript:"));
	assert_non_null(strcasestr(a.headers.text, "default-src 'none'"));
	sbc_request(w->c, "GET", "/", NULL, NULL, NULL, &home);
	assert_non_null(strstr(home.text.text, "/" REPO "/pull/2"));
}

/* The payload of the next webhook of that event and action. */
static json_t *payload(struct world *w, int64_t *after, const char *event,
		       const char *action)
{
	for (;;) {
		CLEANUP(json_decref) json_t *log = sent(w, after, event);
		CLEANUP(free)
		char *path = str_format("/_sandbox/deliveries?id=%" PRId64,
					js_int(log, "id", 0));
		CLEANUP(json_decref) json_t *d = NULL;

		if (strcmp(js_str(log, "action"), action) != 0)
			continue;
		d = sbc_get(w->c, path);
		assert_non_null(js_get(d, "request.payload"));
		return json_incref(js_get(d, "request.payload"));
	}
}

/* GET path, 200, and its body. */
static json_t *got(struct world *w, const char *path)
{
	CLEANUP(sbc_answer_release) struct sbc_answer a;

	assert_int_equal(call(w, "GET", path, NULL, &a), 200);
	return json_incref(a.json);
}

/* There, and null. */
static bool says_null(const json_t *o, const char *name)
{
	return json_is_null(json_object_get(o, name));
}

static void test_reviews(void **state)
{
	struct world *w = *state;
	int64_t after = 0;
	int64_t id = sbc_review(w->c, REPO, 1, "bob", "APPROVE", NULL, NULL);
	CLEANUP(json_decref)
	json_t *said = payload(w, &after, "pull_request_review", "submitted");

	assert_true(id > INT32_MAX);
	assert_int_equal(js_int(said, "review.id", 0), id);
	assert_string_equal(js_str(said, "review.state"), "approved");
	assert_true(says_null(js_get(said, "review"), "body"));
	assert_string_equal(js_str(said, "review.commit_id"), w->head);
	assert_string_equal(js_str(said, "sender.login"), "bob");
	assert_int_equal(js_int(said, "pull_request.number", 0), 1);
	assert_null(js_get(said, "pull_request.merged"));
	assert_string_equal(js_str(said, "repository.full_name"), REPO);
	/* What was read is an older commit than the head. */
	assert_true(sbc_push(w->c, REPO, 1, files("b", "b"), false, NULL));
	assert_true(sbc_review(w->c, REPO, 1, "bob", "REQUEST_CHANGES", "no",
			       w->head));
	CLEANUP(json_decref) json_t *list = got(w, API "/pulls/1/reviews");
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(js_str(json_array_get(list, 0), "state"),
			    "APPROVED");
	assert_true(json_is_string(js_get(json_array_get(list, 0), "body")));
	assert_string_equal(js_str(json_array_get(list, 1), "state"),
			    "CHANGES_REQUESTED");
	assert_string_equal(js_str(json_array_get(list, 1), "commit_id"),
			    w->head);
	assert_int_equal(status_of(w, "GET", API "/pulls/9/reviews", NULL),
			 404);
}

static void test_review_rules(void **state)
{
	struct world *w = *state;
	int64_t after = 0;
	int64_t id = sbc_review(w->c, REPO, 1, "bob", "APPROVE", "fine", NULL);

	assert_false(sbc_review(w->c, REPO, 1, "alice", "APPROVE", "me", NULL));
	assert_false(sbc_review(w->c, REPO, 1, "bob", "COMMENT", "", NULL));
	assert_false(sbc_review(w->c, REPO, 1, "bob", "LGTM", "x", NULL));
	assert_false(sbc_review(w->c, REPO, 1, "bob", "APPROVE", "x",
				"1111111111111111111111111111111111111111"));
	assert_true(sbc_review_edit(w->c, id, "alice", "@kcibot deploy"));
	CLEANUP(json_decref)
	json_t *edited = payload(w, &after, "pull_request_review", "edited");
	assert_string_equal(js_str(edited, "changes.body.from"), "fine");
	assert_string_equal(js_str(edited, "review.user.login"), "bob");
	assert_string_equal(js_str(edited, "sender.login"), "alice");
	assert_true(sbc_review_dismiss(w->c, id, "alice"));
	CLEANUP(json_decref)
	json_t *gone = payload(w, &after, "pull_request_review", "dismissed");
	assert_string_equal(js_str(gone, "review.state"), "dismissed");
	assert_false(sbc_review_dismiss(w->c, id, "alice"));
}

static void test_comment_on_code(void **state)
{
	struct world *w = *state;
	int64_t after = 0;
	int64_t id = sbc_review_comment(w->c, REPO, 1, "bob", "why?", NULL);
	CLEANUP(json_decref)
	json_t *review = payload(w, &after, "pull_request_review", "submitted");
	CLEANUP(json_decref)
	json_t *said =
		payload(w, &after, "pull_request_review_comment", "created");
	char path[160];

	assert_true(says_null(js_get(review, "review"), "body"));
	assert_int_equal(js_int(said, "comment.id", 0), id);
	assert_int_equal(js_int(said, "comment.pull_request_review_id", 0),
			 js_int(review, "review.id", 1));
	assert_string_equal(js_str(said, "comment.path"), "src/a.c");
	assert_string_equal(js_str(said, "comment.original_commit_id"),
			    w->head);
	snprintf(path, sizeof(path),
		 API "/pulls/comments/%" PRId64 "/reactions", id);
	assert_int_equal(status_of(w, "POST", path,
				   json_pack("{s:s}", "content", "eyes")),
			 201);
	assert_int_equal(status_of(w, "POST", path,
				   json_pack("{s:s}", "content", "eyes")),
			 200);
	assert_true(sbc_await_reaction(w->c, REPO, 1, id, "kcibot", "eyes",
				       SBC_WAIT_MS));
	/* It is no comment of the conversation. */
	snprintf(path, sizeof(path), API "/issues/comments/%" PRId64, id);
	assert_int_equal(status_of(w, "GET", path, NULL), 404);
	assert_true(sbc_comment_edit(w->c, REPO, id, "alice", "because"));
	CLEANUP(json_decref)
	json_t *edited =
		payload(w, &after, "pull_request_review_comment", "edited");
	assert_string_equal(js_str(edited, "changes.body.from"), "why?");
	assert_string_equal(js_str(edited, "sender.login"), "alice");
	assert_true(sbc_comment_delete(w->c, REPO, id, NULL));
	json_decref(
		payload(w, &after, "pull_request_review_comment", "deleted"));
	CLEANUP(json_decref) json_t *none = got(w, API "/pulls/comments");
	assert_int_equal(json_array_size(none), 0);
}

/* One comment of the code, as the API shows it. */
static json_t *on_code(struct world *w, int64_t id)
{
	char path[160];

	snprintf(path, sizeof(path), API "/pulls/comments/%" PRId64, id);
	return got(w, path);
}

static void test_comment_moves_with_the_head(void **state)
{
	struct world *w = *state;
	int64_t id = sbc_review_comment(w->c, REPO, 1, "bob", "why?", NULL);
	char second[41];

	assert_true(sbc_push(w->c, REPO, 1, files("b", "b"), false, second));
	CLEANUP(json_decref) json_t *moved = on_code(w, id);
	assert_string_equal(js_str(moved, "commit_id"), second);
	assert_string_equal(js_str(moved, "original_commit_id"), w->head);
	assert_int_equal(js_int(moved, "position", 0), 1);
	assert_true(sbc_push(w->c, REPO, 1, files("src/a.c", "long a;\n"),
			     false, NULL));
	CLEANUP(json_decref) json_t *stays = on_code(w, id);
	assert_string_equal(js_str(stays, "commit_id"), second);
	assert_true(says_null(stays, "position"));
	int64_t reply = sbc_review_reply(w->c, REPO, 1, "alice", "so", id);
	CLEANUP(json_decref) json_t *answer = on_code(w, reply);
	assert_int_equal(js_int(answer, "in_reply_to_id", 0), id);
	assert_string_equal(js_str(answer, "original_commit_id"), w->head);
	assert_false(sbc_review_reply(w->c, REPO, 1, "alice", "so", 77));
	/* Only what is as young as that. */
	CLEANUP(json_decref)
	json_t *young = got(w, API "/pulls/comments?sort=updated"
				   "&since=2999-01-01T00:00:00Z");
	assert_int_equal(json_array_size(young), 0);
	CLEANUP(json_decref)
	json_t *all = got(w, API "/pulls/comments?sort=updated"
				 "&direction=desc&since=2000-01-01T00:00:00Z");
	assert_int_equal(js_int(json_array_get(all, 0), "id", 0), reply);
}

static void test_others_edit_comments(void **state)
{
	struct world *w = *state;
	int64_t after = 0;
	int64_t id = sbc_comment(w->c, REPO, 1, "bob", "@kcibot ping");
	char path[160];

	snprintf(path, sizeof(path), API "/issues/comments/%" PRId64, id);
	assert_true(sbc_comment_edit(w->c, REPO, id, "alice", "changed"));
	CLEANUP(json_decref)
	json_t *edited = payload(w, &after, "issue_comment", "edited");
	assert_string_equal(js_str(edited, "sender.login"), "alice");
	assert_string_equal(js_str(edited, "comment.user.login"), "bob");
	assert_string_equal(js_str(edited, "changes.body.from"),
			    "@kcibot ping");
	assert_false(sbc_comment_edit(w->c, "no/repo", id, NULL, "x"));
	assert_int_equal(status_of(w, "GET", path, NULL), 200);
	assert_true(sbc_comment_delete(w->c, REPO, id, "alice"));
	CLEANUP(json_decref)
	json_t *gone = payload(w, &after, "issue_comment", "deleted");
	assert_string_equal(js_str(gone, "sender.login"), "alice");
	assert_int_equal(status_of(w, "GET", path, NULL), 404);
}

static void test_a_login_changes_hands(void **state)
{
	struct world *w = *state;

	CLEANUP(json_decref) json_t *before = got(w, "/users/bob");
	assert_true(sbc_permission(w->c, REPO, "bob", "maintain"));
	assert_false(sbc_rename(w->c, "bob", "alice"));
	assert_false(sbc_rename(w->c, "kernelci", "other"));
	assert_true(sbc_rename(w->c, "bob", "robert"));
	assert_int_equal(status_of(w, "GET", "/users/bob", NULL), 404);
	CLEANUP(json_decref) json_t *after = got(w, "/users/robert");
	assert_int_equal(js_int(after, "id", 0), js_int(before, "id", 1));
	assert_int_not_equal(sbc_user(w->c, "bob"), js_int(before, "id", 0));
	CLEANUP(json_decref)
	json_t *old = got(w, API "/collaborators/robert/permission");
	CLEANUP(json_decref)
	json_t *new = got(w, API "/collaborators/bob/permission");
	assert_string_equal(js_str(old, "role_name"), "maintain");
	assert_string_equal(js_str(old, "permission"), "write");
	assert_string_equal(js_str(new, "role_name"), "read");
}

static void test_permissions(void **state)
{
	struct world *w = *state;
	static const char *const roles[][2] = {
		{"admin", "admin"}, {"maintain", "write"}, {"write", "write"},
		{"triage", "read"}, {"read", "read"},	   {"none", "none"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
		assert_true(sbc_permission(w->c, REPO, "bob", roles[i][0]));
		CLEANUP(json_decref)
		json_t *a = got(w, API "/collaborators/bob/permission");

		assert_string_equal(js_str(a, "role_name"), roles[i][0]);
		assert_string_equal(js_str(a, "permission"), roles[i][1]);
		assert_int_not_equal(js_int(a, "user.id", 0), 0);
	}
	assert_false(sbc_permission(w->c, REPO, "bob", "owner"));
	assert_int_equal(status_of(w, "GET",
				   API "/collaborators/nobody/permission",
				   NULL),
			 404);
	/* Who cannot push may not ask. */
	assert_true(sbc_permission(w->c, REPO, "kcibot", "read"));
	assert_int_equal(
		status_of(w, "GET", API "/collaborators/bob/permission", NULL),
		403);
}

#define MEMBER "/orgs/kernelci/members/"
#define SHOWN "/orgs/kernelci/public_members/"

static void test_organisations(void **state)
{
	struct world *w = *state;
	CLEANUP(sbc_answer_release) struct sbc_answer outside;

	assert_true(sbc_org(w->c, "kernelci")); /* it owns REPO already */
	assert_false(sbc_org(w->c, "bob"));
	assert_true(sbc_org_member(w->c, "kernelci", "alice", true));
	assert_true(sbc_org_member(w->c, "kernelci", "bob", false));
	assert_int_equal(call(w, "GET", MEMBER "bob", NULL, &outside), 302);
	assert_non_null(strcasestr(outside.headers.text, SHOWN "bob"));
	assert_int_equal(status_of(w, "GET", SHOWN "bob", NULL), 404);
	assert_int_equal(status_of(w, "GET", SHOWN "alice", NULL), 204);
	assert_int_equal(status_of(w, "GET", MEMBER "nobody", NULL), 404);
	assert_true(sbc_org_member(w->c, "kernelci", "kcibot", false));
	assert_int_equal(status_of(w, "GET", MEMBER "bob", NULL), 204);
	assert_true(sbc_org_leave(w->c, "kernelci", "bob"));
	assert_int_equal(status_of(w, "GET", MEMBER "bob", NULL), 404);
	assert_int_equal(status_of(w, "GET", "/orgs/alice/members/bob", NULL),
			 404);
}

static int comment_status(struct world *w)
{
	return status_of(w, "POST", API "/issues/1/comments",
			 json_pack("{s:s}", "body", "hello"));
}

static void test_locked(void **state)
{
	struct world *w = *state;
	int64_t after = 0;
	int64_t id = sbc_comment(w->c, REPO, 1, "bob", "hello");
	char path[160];

	snprintf(path, sizeof(path),
		 API "/issues/comments/%" PRId64 "/reactions", id);
	assert_true(sbc_act(w->c, REPO, 1, "alice", "lock", NULL));
	CLEANUP(json_decref)
	json_t *told = payload(w, &after, "pull_request", "locked");
	assert_true(js_bool(told, "pull_request.locked", false));
	assert_false(sbc_comment(w->c, REPO, 1, "bob", "me too"));
	assert_false(
		sbc_review(w->c, REPO, 1, "bob", "COMMENT", "me too", NULL));
	assert_int_equal(comment_status(w), 201); /* who may write, may */
	assert_true(sbc_permission(w->c, REPO, "kcibot", "read"));
	assert_int_equal(comment_status(w), 403);
	assert_int_equal(status_of(w, "POST", path,
				   json_pack("{s:s}", "content", "eyes")),
			 403);
	assert_true(sbc_act(w->c, REPO, 1, "alice", "unlock", NULL));
	assert_int_equal(comment_status(w), 201);
}

static void test_refusals(void **state)
{
	struct world *w = *state;
	char path[160];

	snprintf(path, sizeof(path),
		 API "/issues/comments/%" PRId64 "/reactions",
		 sbc_comment(w->c, REPO, 1, "bob", "hello"));
	assert_true(sbc_refuse(w->c, "POST", "/reactions", 403, 1));
	assert_int_equal(comment_status(w), 201);
	assert_int_equal(status_of(w, "POST", path,
				   json_pack("{s:s}", "content", "eyes")),
			 403);
	assert_int_equal(status_of(w, "POST", path,
				   json_pack("{s:s}", "content", "eyes")),
			 201);
}

static void test_base_and_head_go_back(void **state)
{
	struct world *w = *state;
	int64_t after = 0;
	char b[41];

	json_t *branch =
		sbc_post(w->c, "/_sandbox/push",
			 json_pack("{s:s,s:s,s:{s:s}}", "repo", REPO, "branch",
				   "next", "files", "n", "n"));
	assert_non_null(branch);
	json_decref(branch);
	assert_false(sbc_base(w->c, REPO, 1, "alice", "nowhere"));
	assert_true(sbc_base(w->c, REPO, 1, "alice", "next"));
	CLEANUP(json_decref)
	json_t *moved = payload(w, &after, "pull_request", "edited");
	assert_string_equal(js_str(moved, "changes.base.ref.from"), "main");
	assert_string_equal(js_str(moved, "changes.base.sha.from"), w->base);
	assert_string_equal(js_str(moved, "pull_request.base.ref"), "next");
	assert_true(sbc_push(w->c, REPO, 1, files("b", "b"), true, b));
	assert_true(sbc_push_to(w->c, REPO, 1, w->head));
	json_decref(payload(w, &after, "pull_request", "synchronize"));
	CLEANUP(json_decref)
	json_t *back = payload(w, &after, "pull_request", "synchronize");
	assert_string_equal(js_str(back, "before"), b);
	assert_string_equal(js_str(back, "after"), w->head);
	CLEANUP(json_decref) json_t *pull = got(w, API "/pulls/1");
	assert_string_equal(js_str(pull, "head.sha"), w->head);
	assert_false(sbc_push_to(w->c, REPO, 1, w->head));
}

static void test_deliveries_by_cursor(void **state)
{
	struct world *w = *state;
	CLEANUP(json_decref) json_t *hooks = got(w, API "/hooks");
	int64_t after = 0, last = INT64_MAX;
	char path[256];
	int seen = 0;

	assert_true(sbc_webhooks(w->c, "drop", "issue_comment", 1));
	for (int i = 0; i < 2; i++) {
		assert_true(sbc_comment(w->c, REPO, 1, "bob", "hello"));
		json_decref(sent(w, &after, "issue_comment"));
	}
	snprintf(path, sizeof(path),
		 API "/hooks/%" PRId64 "/deliveries?per_page=1",
		 js_int(json_array_get(hooks, 0), "id", 0));
	for (; *path; seen++) {
		CLEANUP(sbc_answer_release) struct sbc_answer a;
		json_t *one;

		assert_int_equal(call(w, "GET", path, NULL, &a), 200);
		assert_int_equal(json_array_size(a.json), 1);
		one = json_array_get(a.json, 0);
		assert_true(js_int(one, "id", 0) < last);
		assert_string_equal(js_str(one, "status"),
				    seen == 1 ? "failed to connect to host"
					      : "OK");
		last = js_int(one, "id", 0);
		link_of(w, &a, "next", path, sizeof(path));
		assert_true(!*path || strstr(path, "cursor=v1_"));
	}
	assert_int_equal(seen, 3);
	CLEANUP(json_decref) json_t *all = sbc_deliveries(w->c);
	assert_int_equal(json_array_size(all), 3);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_pull_is_fetchable),
		T(test_webhooks_are_signed),
		T(test_comment_round_trip),
		T(test_comment_limits),
		T(test_reactions),
		T(test_statuses),
		T(test_pages_follow_links),
		T(test_etag),
		T(test_who_may_call),
		T(test_faults),
		T(test_webhooks_go_astray),
		T(test_deliveries_list),
		T(test_push_from_outside),
		T(test_life_of_a_pull),
		T(test_files_and_conflicts),
		T(test_pages_escape),
		T(test_reviews),
		T(test_review_rules),
		T(test_comment_on_code),
		T(test_comment_moves_with_the_head),
		T(test_others_edit_comments),
		T(test_a_login_changes_hands),
		T(test_permissions),
		T(test_organisations),
		T(test_locked),
		T(test_refusals),
		T(test_base_and_head_go_back),
		T(test_deliveries_by_cursor),
	};
	int failed;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	curl_global_cleanup();
	return failed;
}
