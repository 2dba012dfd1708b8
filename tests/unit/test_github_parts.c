/*
 * The parts of the forge client that need no network: the table of calls,
 * addresses from headers, and what is kept by ETag.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "bot/base/limits.h"
#include "bot/github_cache.h"
#include "bot/github_calls.h"
#include "bot/github_comment.h"
#include "bot/github_limits.h"
#include "bot/github_url.h"

/* Everything that any row may want. */
static json_t *all_args(void)
{
	return json_pack("{s:s, s:i, s:I, s:i, s:i, s:s, s:s, s:s, s:s, s:s,"
			 " s:s, s:s, s:s}",
			 "repo", "o/r", "number", 7, "comment_id",
			 (json_int_t)5000000000, "hook_id", 8, "delivery_id", 9,
			 "org", "o", "sha",
			 "0123456789abcdef0123456789abcdef01234567", "login",
			 "me", "since", "2026-11-21T14:00:00Z", "body", "b",
			 "content", "eyes", "state", "success", "context", "c");
}

static void test_every_row_is_whole(void **state UNUSED)
{
	CLEANUP(json_decref) json_t *args = all_args();

	for (const struct github_row *r = github_rows; r->kind; r++) {
		bool get = strcmp(r->method, "GET") == 0;
		struct github_request req = {0};
		struct error e = ERROR_INIT;

		assert_ptr_equal(github_row(r->kind), r); /* unique */
		assert_true(str_starts(r->kind, "forge."));
		assert_true(*r->meaning);
		/* What writes is no GET, and is never cached. */
		assert_int_equal(r->write, !get);
		assert_false(get && r->send[0]);
		assert_false(r->write && (r->cache || r->pages || r->none));
		/* No body has no ETag; a time to stop at wants pages. */
		assert_false(r->none && (r->cache || r->pages));
		assert_false(r->until && !r->pages);
		if (r->instead)
			assert_true(github_row(r->instead)->none);
		if (github_request_build(r, "http://h", args, &req, &e))
			fail_msg("%s: %s", r->kind, e.text);
		assert_true(str_starts(req.url, "http://h/"));
		assert_null(strchr(req.url, '{'));
		assert_null(strchr(req.path, '?'));
		assert_int_equal(req.body != NULL, r->send[0] != NULL);
		assert_int_equal(req.since_ms != 0, r->until != NULL);
		github_request_release(&req);
		/* Without arguments only who we are can be asked. */
		assert_int_equal(
			github_request_build(r, "http://h", NULL, &req, &e),
			strcmp(r->kind, "forge.self") ? ERR_INVALID : ERR_OK);
		github_request_release(&req);
	}
	for (enum comment_step s = COMMENT_EDIT; s <= COMMENT_CREATE; s++)
		assert_non_null(github_row(comment_kind(s)));
	assert_null(github_row("forge.nonsense"));
}

static void test_retried_statuses(void **state UNUSED)
{
	struct github_row row = {.retried = "408 429 5xx"};

	assert_true(github_row_retries(&row, 408));
	assert_true(github_row_retries(&row, 429));
	assert_true(github_row_retries(&row, 500));
	assert_true(github_row_retries(&row, 599));
	assert_false(github_row_retries(&row, 409));
	assert_false(github_row_retries(&row, 404));
	assert_false(github_row_retries(&row, 200));
	assert_false(github_row_retries(&row, 5));
	row.retried = "";
	assert_false(github_row_retries(&row, 500));
}

static void test_link_header(void **state UNUSED)
{
	static const struct {
		const char *header, *next;
	} rows[] = {
		{"<http://h/2>; rel=\"next\"", "http://h/2"},
		{"<http://h/2>;rel=next", "http://h/2"},
		{"<http://h/2> ; REL = \"NEXT\"", "http://h/2"},
		{"<a>; rel=\"prev\", <b>; rel=\"next\"", "b"},
		{"<a>; rel=\"last\", <b,;>; x=y; rel=\"prev next\"", "b,;"},
		{"<a>; title=\"x, <y>; rel=next\"; rel=\"next\"", "a"},
		{"<a>; title=\"\\\"; rel=next\"", NULL},
		{"<a>; rel=\"nextish\"", NULL},
		{"<a>; rel=\"prev\"", NULL},
		{"<a>; rel=\"\"; x=next", NULL},
		{"<a>; rel=; next", NULL},
		{"<a>; relation=next", NULL},
		{"<a>, rel=\"next\"", NULL},
		{"a; rel=\"next\"", NULL},
		{"<a; rel=\"next\"", NULL},
		{"<a>; rel=\"", NULL},
		{"<a>; rel", NULL},
		{"<a>;", NULL},
		{"<", NULL},
		{"", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(str_release) struct str out = STR_INIT(100);
		bool found = github_link_next(rows[i].header, &out);

		if (found != (rows[i].next != NULL) ||
		    strcmp(out.text, found ? rows[i].next : "") != 0)
			fail_msg("%s -> %s", rows[i].header, out.text);
	}
}

static void test_where_a_link_may_lead(void **state UNUSED)
{
	static const struct {
		const char *from, *link, *to;
	} rows[] = {
		{"https://h/a?b", "https://h/c?d", "https://h/c?d"},
		{"https://h/a", "https://H:443/c", ""},
		{"https://h/a/b", "/c", "https://h/c"},
		{"https://h/a/b", "c", "https://h/a/c"},
		{"https://h:8443/a", "https://h:8443/c", "https://h:8443/c"},
		{"https://h/a", "http://h/c", NULL},
		{"https://h/a", "https://h:444/c", NULL},
		{"https://h:8443/a", "http://h:8443/c", NULL},
		{"https://h/a", "https://h.evil.org/c", NULL},
		{"https://h/a", "https://evil.org/h", NULL},
		{"https://h/a", "https://h@evil.org/", NULL},
		{"https://h/a", "https://u:p@h/", NULL},
		{"https://h/a", "//evil.org/", NULL},
		{"https://h/a", "ftp://h/", NULL},
		{"https://h/a", "https://h\\@evil.org/", NULL},
		{"https://h/a", "https://h#@evil.org/", ""},
		{"https://h/a", "https://h/c\r\nX: y", NULL},
		{"https://h/a", "https://", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(free)
		char *to = github_url_follow(rows[i].from, rows[i].link);

		if ((to != NULL) != (rows[i].to != NULL))
			fail_msg("%s -> %s", rows[i].link, to ? to : "NULL");
		if (to && *rows[i].to)
			assert_string_equal(to, rows[i].to);
		/* Whatever it is, it is our host. */
		if (to && strncasecmp(to, "https://h", 9) != 0)
			fail_msg("%s -> %s", rows[i].link, to);
	}
}

static bool kept(struct github_cache *c, const char *url, const char *body)
{
	struct github_cached got;

	return github_cache_get(c, url, &got) && strcmp(got.body, body) == 0 &&
	       got.len == strlen(body);
}

static void keep(struct github_cache *c, const char *url, const char *body)
{
	struct github_cached what = {
		.etag = "e", .body = body, .len = strlen(body)};

	github_cache_put(c, url, &what);
}

static void test_cache_drops_the_longest_unused(void **state UNUSED)
{
	CLEANUP(github_cache_free)
	struct github_cache *c = github_cache_new(1000, 3);

	keep(c, "a", "1");
	keep(c, "b", "2");
	keep(c, "c", "3");
	assert_true(kept(c, "a", "1"));
	keep(c, "d", "4");
	assert_false(kept(c, "b", "2"));
	assert_true(kept(c, "a", "1"));
	assert_true(kept(c, "c", "3"));
	assert_true(kept(c, "d", "4"));
	keep(c, "a", "5");
	assert_true(kept(c, "a", "5"));
	assert_true(kept(c, "c", "3"));
	github_cache_clear(c);
	assert_false(kept(c, "a", "5"));
	keep(c, "a", "6");
	assert_true(kept(c, "a", "6"));
}

static void test_cache_is_bounded_in_bytes(void **state UNUSED)
{
	CLEANUP(github_cache_free)
	struct github_cache *c = github_cache_new(100, 50);
	char body[62] = "";

	memset(body, 'x', 40);
	keep(c, "a", body);
	keep(c, "b", body);
	assert_true(kept(c, "a", body));
	assert_true(kept(c, "b", body));
	keep(c, "c", body);
	assert_false(kept(c, "a", body));
	assert_true(kept(c, "b", body));
	memset(body, 'x', 61);
	keep(c, "b", body); /* too large: and the old one is not true */
	assert_false(kept(c, "b", body));
	body[40] = '\0';
	assert_true(kept(c, "c", body));
}

static void test_holds_and_gaps(void **state UNUSED)
{
	struct github_limits l = {.write_gap_ms = 1000};
	struct github_answer a;

	github_answer_init(&a);
	a.status = 429;
	a.retry_after = 100;
	assert_int_equal(github_limits_note(&l, &a, 5000, 0), 100000);
	/* An answer that was under way meanwhile makes it no shorter. */
	a.retry_after = 10;
	assert_int_equal(github_limits_note(&l, &a, 5000, 0), 10000);
	assert_int_equal(github_limits_held(&l, 5000), 100000);
	assert_int_equal(github_limits_held(&l, 104999), 1);
	assert_int_equal(github_limits_held(&l, 105000), 0);
	/* The first write after boot need not wait for anything. */
	assert_int_equal(github_limits_gap(&l, 0), 0);
	github_limits_write(&l, 7000);
	assert_int_equal(github_limits_gap(&l, 7001), 999);
	assert_int_equal(github_limits_gap(&l, 8000), 0);
	github_answer_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_row_is_whole),
		cmocka_unit_test(test_retried_statuses),
		cmocka_unit_test(test_link_header),
		cmocka_unit_test(test_where_a_link_may_lead),
		cmocka_unit_test(test_holds_and_gaps),
		cmocka_unit_test(test_cache_drops_the_longest_unused),
		cmocka_unit_test(test_cache_is_bounded_in_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
