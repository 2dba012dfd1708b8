/*
 * Pages over a real store whose texts are all hostile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sqlite3.h>
#include <string.h>

#include "bot/base/fs.h"
#include "bot/base/limits.h"
#include "bot/base/redact.h"
#include "bot/html.h"
#include "bot/pages.h"

#define NOW 1795264200000 /* 2026-11-21 12:30 UTC */
#define SHA_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define EVIL "<script>alert(1)</script>\" onclick=\"x\" ''&amp;"

static const char rows[] =
	"INSERT INTO environment(name,deployed_cycle,last_finish_ms,"
	"last_full_ms,schedule_from_ms,wait_why,wait_until_ms,frozen_why,"
	"frozen_until_ms) VALUES('staging',2,1,1795264140000,1,"
	"'cool <down>',1795264500000,'locked by <b>mona: `x`',"
	"1795264500000);"
	"INSERT INTO pull(id,repo,number,title,author_id,author,state,draft,"
	"base_ref,head_sha,labels,active_ms,updated_ms) VALUES"
	"(1,'o/r',7,'" EVIL "',70,'<i>ann','open',0,'main','" SHA_A
	"','[]',1,1),"
	"(2,'o/r',8,'plain',80,'bob','open',0,'main','" SHA_B "','[]',1,1),"
	"(3,'o/r',10,'new',90,'eve','open',0,'main','" SHA_B "','[]',1,1);"
	"INSERT INTO head(pull_id,sha,seen_ms,source) VALUES(1,'" SHA_A
	"',1795177800000,'api');"
	"INSERT INTO cycle(id,environment,kind,state,stage,stages,verdict,"
	"reason_code,text,tag,started_ms,finished_ms) VALUES"
	"(2,'staging','short','finished',1,'[\"build\"]','success','','`ok` "
	"` as <it> was',"
	"'staging-20261121.1',1795264000000,1795264020000),"
	"(3,'staging','full','finished',1,'[\"build\",\"<u>\"]','failure',"
	"'job_failed','<p>" EVIL "','',1795264100000,1795264110000);"
	"INSERT INTO manifest VALUES(3,0,'o/r','main','stage','" SHA_B
	"','','" SHA_A "');"
	"INSERT INTO revision(cycle_id,position,pull_id,repo,number,sha,title,"
	"author,result,reason,is_new) VALUES"
	"(2,0,1,'o/r',7,'" SHA_A "','" EVIL "','<i>ann','merged','',1),"
	"(2,1,2,'o/r',8,'" SHA_B "','gone','bob','conflict','<q>',0),"
	"(3,0,1,'o/r',7,'" SHA_A "','" EVIL "','<i>ann','conflict','<q>',1);"
	"INSERT INTO job(cycle_id,stage,name,key,state,verdict,text,tail,"
	"started_ms,finished_ms) VALUES(3,'build','<s>','k','finished',"
	"'failure','" EVIL "','</pre><script>'||char(27)||'[31mred'||char(27)||"
	"'[0m'||char(13)||char(10)||char(7)||'end',1,5001);"
	"INSERT INTO "
	"said(kind,repo,number,actor_id,actor,words,made_ms,received_ms,"
	"source,state,answer) "
	"VALUES('comment','o/r',7,9,'<b>mia','[{\"verb\":\"<tt>\"}]',5,6,"
	"'webhook','refused','" EVIL "');"
	"INSERT INTO request(environment,kind,origin,pull_id,sha,actor,made_ms,"
	"state) VALUES('staging','short','comment',1,'" SHA_A
	"','<b>mia',1795264080000,'waiting');";

struct world {
	char dir[256];
	char path[300];
	struct fake_clock clock;
	struct pages *pages;
	struct page page;
};

static void make_store(struct world *w, const char *sql)
{
	struct error e = ERROR_INIT;
	CLEANUP(store_close) struct store *s = store_open(w->path, &e);
	sqlite3 *db;
	char *why = NULL;

	assert_non_null(s);
	assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s", why);
	sqlite3_close(db);
}

static int setup_empty(void **state)
{
	static const struct view_settings v = {
		.bot = "kcibot",
		.public_url = "http://bot",
		.web_url = "https://forge",
	};
	struct world *w = calloc(1, sizeof(*w));
	const char *tmp = getenv("TMPDIR");
	struct error e = ERROR_INIT;

	snprintf(w->dir, sizeof(w->dir), "%s/pagesXXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof(w->path), "%s/kcibot.db", w->dir);
	fake_clock_init(&w->clock, NOW);
	w->pages = pages_new(w->path, &v, &w->clock.clock, &e);
	assert_non_null(w->pages);
	str_init(&w->page.body, LIMIT_PAGE);
	*state = w;
	return 0;
}

static int setup(void **state)
{
	setup_empty(state);
	make_store(*state, rows);
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	struct error e = ERROR_INIT;

	str_release(&w->page.body);
	pages_free(w->pages);
	assert_int_equal(fs_remove_tree(w->dir, &e), ERR_OK);
	free(w);
	return 0;
}

/* The answer for path; its body lives until the next call. */
static const char *get(struct world *w, const char *path, int status)
{
	str_clear(&w->page.body);
	w->page.status = 0;
	w->page.type = NULL;
	pages_answer(w->pages, path, &w->page);
	if (w->page.status != status)
		fail_msg("%s: %d", path, w->page.status);
	assert_non_null(w->page.type);
	return w->page.body.text;
}

static void assert_has(const char *body, const char *text)
{
	if (!strstr(body, text))
		fail_msg("no %s in %s", text, body);
}

static void assert_not(const char *body, const char *text)
{
	if (strstr(body, text))
		fail_msg("%s in %s", text, body);
}

/* Every user text of the store, as it must not arrive. */
static void assert_inert(const char *body)
{
	static const char *const live[] = {
		"<script", "</pre><s", " onclick=\"", "<down>", "<i>",
		"<tt>",	   "<q>",      "<u>",	      "<s>",	"<b>mia",
	};

	for (size_t i = 0; i < ARRAY_SIZE(live); i++)
		assert_not(body, live[i]);
}

static void test_overview(void **state)
{
	struct world *w = *state;
	const char *body = get(w, "/", 200);

	assert_string_equal(w->page.type, "text/html; charset=utf-8");
	assert_inert(body);
	assert_has(body, "&lt;script&gt;alert(1)&lt;/script&gt;&quot; onclick");
	assert_has(body, "href=\"pulls/o/r/7\"");
	assert_has(body, "href=\"https://forge/o/r/commit/" SHA_A "\"");
	assert_has(body, "href=\"cycles/3\"");
	/* One without a partner is itself. */
	assert_has(body,
		   "<bdi class=\"reason\"><code>ok</code> ` as &lt;it&gt; "
		   "was</bdi>");
	assert_has(body, "href=\"style.css\"");
	assert_has(body, "href=\"api/v1/status\"");
	assert_has(body, "Waits: <bdi>cool &lt;down&gt;</bdi>.");
	assert_has(body, "Nothing starts: <bdi>locked by &lt;b&gt;mona: "
			 "<code>x</code></bdi>");
	assert_has(body, ">12:35 UTC</time> <span class=\"soft\">in 5 min");
	assert_has(body, "<bdi>&lt;b&gt;mia</bdi>, by comment");
	assert_has(body, ">12:28 UTC</time> <span class=\"soft\">2 min ago");
	assert_has(body, "http-equiv=\"refresh\" content=\"5\"");
	/* Deployed is what was merged, not what was wanted. */
	assert_not(body, "gone");
}

static void test_overview_at_rest(void **state)
{
	struct world *w = *state;

	make_store(w, "UPDATE request SET state='done'");
	assert_has(get(w, "/", 200), "http-equiv=\"refresh\" content=\"30\"");
}

static void test_cycle(void **state)
{
	struct world *w = *state;
	const char *body = get(w, "/cycles/3", 200);

	assert_inert(body);
	assert_has(body, "<title>Cycle 3 \u00b7 kcibot</title>");
	assert_has(body, "The code failed.");
	assert_has(body, "href=\"../pulls/o/r/7\"");
	assert_has(body, "href=\"../style.css\"");
	assert_has(body, "&lt;/pre&gt;&lt;script&gt;red\n\u2407end</pre>");
	assert_has(body, "\u2717</span> failed");
	assert_has(body, "\u2013</span> skipped");
	assert_has(body, "<span class=\"soft\">5 s</span>");
	assert_has(body, "<td data-name=\"Project\">o/r</td>");
	/* Finished: it never changes. */
	assert_not(body, "http-equiv");
}

static void test_pull(void **state)
{
	struct world *w = *state;
	const char *body = get(w, "/pulls/o/r/7", 200);

	assert_inert(body);
	assert_has(body, "<title>o/r#7 \u00b7 kcibot</title>");
	assert_has(body, "href=\"https://forge/o/r/pull/7\"");
	assert_has(body, "href=\"../../../cycles/3\"");
	assert_has(body, "on board");
	assert_has(body, ">2026-11-20 12:30 UTC</time> <span class=\"soft\">"
			 "1 d ago");
	assert_has(body, "<code>&lt;tt&gt;</code>");
	body = get(w, "/pulls/o/r/8", 200);
	assert_has(body, "not on board");
	assert_has(body, "left out of cycle 2: &lt;q&gt;");
	body = get(w, "/pulls/o/r/10", 200);
	assert_has(body, "can write <code>@kcibot deploy</code></bdi>");
	assert_has(body, "content=\"30\"");
}

static void test_twins(void **state)
{
	struct world *w = *state;
	static const char *const paths[] = {
		"/api/v1/status", "/api/v1/cycles/3", "/api/v1/pulls/o/r/7"};
	struct error e = ERROR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		const char *body = get(w, paths[i], 200);
		CLEANUP(json_decref)
		json_t *root = js_parse(body, strlen(body), &e);

		assert_non_null(root);
		assert_string_equal(w->page.type, "application/json");
		if (i == 2)
			assert_string_equal(js_str(root, "title"),
					    "<script>alert(1)</script>\" "
					    "onclick=\"x\" '&amp;");
	}
	assert_has(get(w, "/api/v1/cycles/99", 404), "\"error\"");
	assert_string_equal(w->page.type, "application/json");
}

/* A secret that reached the store, by a title or a log, stops here. */
static void test_redacted(void **state)
{
	static const char secret[] = "swordfish-and-other-fish";
	CLEANUP(str_release) struct str shown = STR_INIT(100);
	struct world *w = *state;

	redact_secret(secret);
	redact_text(&shown, secret, strlen(secret));
	str_puts(&shown, "!");
	make_store(w, "UPDATE job SET tail='swordfish-and-other-fish!';"
		      "UPDATE job SET text='swordfish-and-other-fish!'");
	assert_has(get(w, "/cycles/3", 200), shown.text);
	assert_has(get(w, "/api/v1/cycles/3", 200), shown.text);
}

static void test_one_slash_more(void **state)
{
	struct world *w = *state;

	assert_has(get(w, "/cycles/3/", 200), "href=\"../../style.css\"");
	get(w, "/pulls/O/r/7/", 200);
	get(w, "/api/v1/status/", 200);
}

static void test_no_such_page(void **state)
{
	static const char *const paths[] = {
		"",
		"//",
		"/x",
		"/api/v1",
		"/api/v1/",
		"/api/v1/statusx",
		"/cycles",
		"/cycles/",
		"/cycles/0",
		"/cycles/03",
		"/cycles/-3",
		"/cycles/+3",
		"/cycles/3x",
		"/cycles/3//",
		"/cycles/4",
		"/cycles/99999999999999999999999",
		"/cycles/%33",
		"/pulls/o/r",
		"/pulls/o/r/",
		"/pulls/o/r/07",
		"/pulls/o/r/9",
		"/pulls/o/r/7/x",
		"/pulls//r/7",
		"/pulls/o//7",
		"/pulls/../r/7",
		"/pulls/o/./7",
		"/pulls/o/r%2e/7",
		"/pulls/<script>/r/7",
		"/style.css/",
	};
	struct world *w = *state;
	char longest[5000];

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		assert_not(get(w, paths[i], 404), "<script");
		assert_true(w->page.body.len);
	}
	assert_has(get(w, "/pulls/o/r/9", 404), "href=\"../../../\"");
	memset(longest, '/', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	get(w, longest, 404);
	memset(longest + 7, 'a', sizeof(longest) - 8);
	memcpy(longest, "/pulls/", 7);
	get(w, longest, 404);
}

static void test_before_the_store_is_there(void **state)
{
	struct world *w = *state;
	const char *body = get(w, "/", 503);

	assert_has(body, "http-equiv=\"refresh\"");
	assert_not(body, w->dir);
	assert_not(get(w, "/api/v1/status", 503), w->dir);
	assert_has(get(w, "/style.css", 200), ":root");
	assert_string_equal(w->page.type, "text/css; charset=utf-8");
	make_store(w, rows);
	get(w, "/", 200);
}

/* Of a newer bot, after a downgrade: the pages say so and do not crash. */
static void test_foreign_store(void **state)
{
	struct world *w = *state;

	make_store(w, "PRAGMA user_version=99");
	assert_not(get(w, "/", 503), w->dir);
}

static void test_too_large(void **state)
{
	struct world *w = *state;

	w->page.body.max = 2000;
	assert_has(get(w, "/pulls/o/r/7", 500), "too large");
	assert_int_equal(w->page.body.failed, ERR_OK);
}

static void test_no_links_without_a_forge(void **state)
{
	static const struct view_settings v = {
		.bot = "kcibot",
		.public_url = "",
		.web_url = "javascript:x//",
	};
	struct world *w = *state;
	struct error e = ERROR_INIT;

	pages_free(w->pages);
	w->pages = pages_new(w->path, &v, &w->clock.clock, &e);
	assert_not(get(w, "/pulls/o/r/7", 200), "javascript:");
	assert_has(w->page.body.text, "<code title=\"" SHA_A "\">");
}

static void assert_html(const char *in, const char *out)
{
	CLEANUP(str_release) struct str s = STR_INIT(1000);

	html_text(&s, in);
	assert_string_equal(s.text, out);
}

static void test_html_text(void **state UNUSED)
{
	assert_html("<a href=\"x\" b='y'>&amp;",
		    "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;");
	assert_html("a\tb\nc", "a\tb\nc");
	assert_html("\001\033\177", "\u2401\u241b\u2421");
	/* Right-to-left override and isolates hide what a text says. */
	assert_html("a\u202eb\u2066c\u200fd", "a\ufffdb\ufffdc\ufffdd");
	assert_html("\u00e9\u4e2d\U0001f600\u2192",
		    "\u00e9\u4e2d\U0001f600\u2192");
	/* The start of such a character at the very end. */
	assert_html("\xe2\x80", "\xe2\x80");
}

static void test_html_addf(void **state UNUSED)
{
	CLEANUP(str_release) struct str s = STR_INIT(1000);

	html_addf(&s, "<b>%s</b>%lld%%", "<i>", -5LL);
	assert_string_equal(s.text, "<b>&lt;i&gt;</b>-5%");
}

static void test_html_log(void **state UNUSED)
{
	CLEANUP(str_release) struct str s = STR_INIT(1000);

	html_log(&s, "\033[1;31mred\033[0m<\r\n10%\r20%\033]x\033[");
	assert_string_equal(s.text, "red&lt;\n10%\n20%\u241b]x\u241b[");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_overview),
		T(test_overview_at_rest),
		T(test_cycle),
		T(test_pull),
		T(test_twins),
		T(test_redacted),
		T(test_one_slash_more),
		T(test_no_such_page),
		cmocka_unit_test_setup_teardown(test_before_the_store_is_there,
						setup_empty, teardown),
		cmocka_unit_test_setup_teardown(test_foreign_store, setup_empty,
						teardown),
		T(test_too_large),
		T(test_no_links_without_a_forge),
		cmocka_unit_test(test_html_text),
		cmocka_unit_test(test_html_addf),
		cmocka_unit_test(test_html_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
