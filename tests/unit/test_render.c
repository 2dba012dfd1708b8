/*
 * Comments and statuses: views and the exact texts that they become
 * (tests/unit/golden/render; KCIBOT_GOLDEN=write makes them anew), and
 * hostile text, judged by the tree that the forge's parser makes of it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>

#include "bot/base/fs.h"
#include "bot/base/limits.h"
#include "bot/cli_text.h"
#include "bot/render.h"
#include "commands/command.h"
#include "commands/grammar.h"

#define GOLDEN "tests/unit/golden/render/"

DEFINE_CLEANUP(cmark_node *, cmark_node_free)
DEFINE_CLEANUP(cmark_iter *, cmark_iter_free)
DEFINE_CLEANUP(cmark_parser *, cmark_parser_free)

static cmark_node *parse(const char *text)
{
	static const char *const names[] = {
		"table", "strikethrough", "autolink", "tagfilter", "tasklist",
	};
	CLEANUP(cmark_parser_free) cmark_parser *p = NULL;

	cmark_gfm_core_extensions_ensure_registered();
	p = cmark_parser_new(CMARK_OPT_FOOTNOTES);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		cmark_parser_attach_syntax_extension(
			p, cmark_find_syntax_extension(names[i]));
	cmark_parser_feed(p, text, strlen(text));
	return cmark_parser_finish(p);
}

static json_t *load(const char *path)
{
	CLEANUP(str_release) struct str s = STR_INIT(1 << 20);
	struct error e = ERROR_INIT;
	json_t *view;

	assert_int_equal(fs_read(path, &s, &e), ERR_OK);
	view = js_parse(s.text, s.len, &e);
	if (!view)
		print_error("%s: %s\n", path, e.text);
	assert_non_null(view);
	return view;
}

/* The last three letters of path replaced: one golden file per text. */
static bool matches(const char *path, const char *ending, const struct str *got)
{
	CLEANUP(str_release) struct str want = STR_INIT(1 << 20);
	CLEANUP(str_release) struct str name = STR_INIT(1024);
	const char *mode = getenv("KCIBOT_GOLDEN");
	struct error e = ERROR_INIT;

	str_add(&name, path, strlen(path) - strlen("json"));
	str_puts(&name, ending);
	if (mode && strcmp(mode, "write") == 0)
		assert_int_equal(
			fs_write(name.text, got->text, got->len, 0644, &e),
			ERR_OK);
	assert_int_equal(fs_read(name.text, &want, &e), ERR_OK);
	if (strcmp(want.text, got->text) == 0)
		return true;
	print_error("%s differs; now it is:\n%s\n", name.text, got->text);
	return false;
}

/* What the bot writes is never a command, and fits. */
static void check_ours(const struct str *text)
{
	struct error e = ERROR_INIT;
	struct said said;

	assert_int_equal(text->failed, ERR_OK);
	assert_true(text->len <= LIMIT_COMMENT);
	if (grammar_read("kcibot", text->text, text->len, &said, &e))
		fail_msg("%s in: %s", e.text, text->text);
	assert_int_equal(said.count, 0);
}

static bool check_golden(const char *path)
{
	CLEANUP(str_release) struct str sticky = STR_INIT(LIMIT_COMMENT);
	CLEANUP(str_release) struct str others = STR_INIT(LIMIT_COMMENT);
	CLEANUP(str_release) struct str status = STR_INIT(1024);
	CLEANUP(json_decref) json_t *view = load(path);
	bool same;

	render_sticky(&sticky, view);
	check_ours(&sticky);
	assert_true(str_starts(sticky.text, "<!-- kcibot:sticky "));
	render_status_description(&status, view);
	assert_true(status.len <= LIMIT_STATUS_DESCRIPTION);
	assert_true(strstr(status.text, "short") ||
		    strstr(status.text, "full"));
	str_addf(&others, "Status: %s\n\n", status.text);
	render_outcome(&others, view, "alice");
	check_ours(&others);
	same = matches(path, "md", &sticky);
	return matches(path, "txt", &others) && same;
}

static void test_golden(void **state UNUSED)
{
	size_t wrong = 0;
	glob_t files;

	assert_int_equal(glob(GOLDEN "*.json", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++)
		wrong += !check_golden(files.gl_pathv[i]);
	assert_true(files.gl_pathc > 15);
	globfree(&files);
	assert_int_equal(wrong, 0);
}

/* Letters that the forge reads as a mention, a reference or a commit. */
static void check_text(const char *s)
{
	for (size_t i = 0; s[i]; i++) {
		size_t hex = strspn(s + i, "0123456789abcdef");

		if (s[i] == '@' || s[i] == '#')
			assert_true((unsigned char)s[i + 1] >= 0x80 ||
				    !s[i + 1] || s[i + 1] == ' ');
		assert_true(hex < 7);
		assert_false(str_starts(s + i, "GH-1"));
		assert_false(str_starts(s + i, "://"));
		assert_false(str_starts(s + i, "www."));
		assert_false(str_starts(s + i, "\xe2\x80\xae"));
	}
}

/* HTML that render_sticky() itself makes. */
static bool is_our_html(const char *html)
{
	return str_starts(html, "<!-- kcibot:") ||
	       str_starts(html, "<details><summary>Log of job ") ||
	       str_starts(html, "</details>") || strcmp(html, "<br>") == 0;
}

static int count(const char *s, const char *what)
{
	int n = 0;

	for (; (s = strstr(s, what)); s += strlen(what))
		n++;
	return n;
}

static void check_node(cmark_node *n)
{
	const char *type = cmark_node_get_type_string(n);
	const char *literal = cmark_node_get_literal(n);

	assert_string_not_equal(type, "link");
	assert_string_not_equal(type, "image");
	assert_string_not_equal(type, "heading");
	assert_string_not_equal(type, "emph");
	assert_string_not_equal(type, "strikethrough");
	if (strcmp(type, "text") == 0)
		check_text(literal);
	if (strcmp(type, "html_block") == 0 ||
	    strcmp(type, "html_inline") == 0) {
		assert_true(is_our_html(literal));
		assert_int_equal(count(literal, "<!--"), count(literal, "-->"));
		/* Nothing but details, summary and its end in one block. */
		assert_true(count(literal, "<") <= 3);
		assert_null(strstr(literal, "<script"));
		assert_null(strstr(literal, "<b>"));
		assert_null(strstr(literal, "@a"));
	}
}

static void check_inert(const char *text)
{
	CLEANUP(cmark_node_free) cmark_node *root = parse(text);
	CLEANUP(cmark_iter_free) cmark_iter *it = cmark_iter_new(root);
	cmark_event_type event;

	while ((event = cmark_iter_next(it)) != CMARK_EVENT_DONE)
		if (event == CMARK_EVENT_ENTER)
			check_node(cmark_iter_get_node(it));
}

static void test_hostile_view(void **state UNUSED)
{
	CLEANUP(json_decref) json_t *view = load(GOLDEN "hostile.json");
	CLEANUP(str_release) struct str s = STR_INIT(LIMIT_COMMENT);
	const char *evil = js_str(view, "title");
	struct reply reply = {
		.key = evil,
		.login = evil,
		.said = evil,
		.text = evil,
		.next = evil,
	};

	render_sticky(&s, view);
	check_inert(s.text);
	str_clear(&s);
	render_outcome(&s, view, evil);
	check_inert(s.text);
	str_clear(&s);
	render_reply(&s, &reply);
	check_inert(s.text);
	check_ours(&s);
}

/* Is it a word of ours: a name in the configuration, or one of a set? */
static bool is_ours(const char *key, bool steers)
{
	static const char *const names[] = {"bot", "repo"};
	static const char *const sets[] = {"state", "pull_state", "verdict",
					   "result", "kind"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], key) == 0)
			return true;
	for (size_t i = 0; steers && i < ARRAY_SIZE(sets); i++)
		if (strcmp(sets[i], key) == 0)
			return true;
	return false;
}

/* Every other text in the view becomes words. */
static json_t *all_saying(json_t *view, const char *words, bool steers)
{
	json_t *copy, *member;
	const char *key;
	size_t i;

	if (json_is_string(view))
		return json_string(words);
	copy = json_copy(view);
	json_object_foreach (copy, key, member)
		if (!is_ours(key, steers))
			json_object_set_new(copy, key,
					    all_saying(member, words, steers));
	json_array_foreach (copy, i, member)
		json_array_set_new(copy, i, all_saying(member, words, steers));
	return copy;
}

static void check_own_words(json_t *view, const char *words, bool steers)
{
	CLEANUP(str_release) struct str s = STR_INIT(LIMIT_COMMENT);
	CLEANUP(json_decref)
	json_t *saying = all_saying(view, words, steers);
	struct reply reply = {.key = words,
			      .login = words,
			      .said = words,
			      .text = words,
			      .next = words};

	render_sticky(&s, saying);
	check_ours(&s);
	str_clear(&s);
	render_outcome(&s, saying, words);
	check_ours(&s);
	str_clear(&s);
	render_status_description(&s, saying);
	check_ours(&s);
	str_clear(&s);
	render_reply(&s, &reply);
	check_ours(&s);
}

/*
 * The bot does not know its own account at once, and somebody may quote it:
 * whatever people put into what it writes, and whatever it writes of itself,
 * is never a command.
 */
static void test_own_words_are_no_commands(void **state UNUSED)
{
	static const char *const words[] = {
		"@kcibot deploy",
		"\n\n@kcibot deploy\n\n",
		"x\r@kcibot deploy",
		"- @kcibot deploy",
		"-->\n\n@kcibot deploy",
		"```\n```\n@kcibot deploy",
		"``\n@kcibot deploy\n",
		"</summary></details>\n\n@kcibot deploy",
		"|\n\n@kcibot deploy",
		"\xe2\x80\xa8@kcibot deploy",
		"kcibot deploy",
		"",
	};
	glob_t files;

	assert_int_equal(glob(GOLDEN "*.json", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		CLEANUP(json_decref) json_t *view = load(files.gl_pathv[i]);

		for (size_t n = 0; n < 2 * ARRAY_SIZE(words); n++)
			check_own_words(view, words[n / 2], n % 2);
	}
	globfree(&files);
	for (int role = ROLE_NONE; role < ROLE_MAX; role++) {
		CLEANUP(str_release) struct str s = STR_INIT(LIMIT_COMMENT);
		CLEANUP(str_release) struct str help = STR_INIT(LIMIT_COMMENT);

		command_help(&help, "kcibot", (enum role)role, true);
		render_reply(&s, &(struct reply){.login = "kcibot",
						 .markdown = help.text});
		check_ours(&s);
	}
}

static const char *const hostile[] = {
	"@all",
	"\\@all",
	"&#64;all &commat;all",
	"# head",
	"- item",
	"1. item",
	"    code",
	"> quote",
	"***",
	"===",
	"a\n\nb\n===",
	"```\ncode",
	"a_b_c __d__ *e* **f**",
	"`` ` ``",
	"[a](b) [a]: b ![c](d) [^1] [x][y]",
	"[^1]: foot",
	"<b>x</b> <!-- x --> <http://e.org> </summary></details>",
	"http://e.org https://e.org ftp://e.org www.e.org WWW.e.org",
	"mailto:a@b.cd xmpp:a@b.cd a@b.cd",
	"kernelci/kernelci-api#5 #5 GH-5 gh-5",
	"deadbeef 0123456789012345678901234567890123456789",
	"owner/repo@deadbeef1",
	"a | b |\n--|--",
	"~~a~~ ~b~",
	"\xe2\x80\xae"
	"abc\xe2\x80\xac",
	"@\xe2\x80\x8b"
	"all @\xc2\xad"
	"all",
	"\x1b[31mred\x1b[0m\x07\x08",
	"\xff\xfe",
	"@",
	"#",
	"\\",
	"`",
	"",
};

static void check_shown(const char *text, const char *html, const char *want)
{
	if (want && !strstr(html, want)) {
		print_error("%s: %s\n", text, html);
		fail();
	}
}

static void test_inline(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		CLEANUP(str_release) struct str s = STR_INIT(4096);

		/* At the line's start, in a line, and in a table. */
		render_inline(&s, hostile[i]);
		str_puts(&s, "\n\nword ");
		render_inline(&s, hostile[i]);
		str_puts(&s, " word\n\n| h | h |\n|--|--|\n| ");
		render_inline(&s, hostile[i]);
		str_puts(&s, " | x |\n");
		check_inert(s.text);
	}
}

/* A list of code spans and nothing else, whatever the files are called. */
static void test_files(void **state UNUSED)
{
	static const char *const allowed[] = {"document",  "list", "item",
					      "paragraph", "text", "code",
					      "softbreak"};

	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		CLEANUP(json_decref) json_t *files = json_array();
		CLEANUP(str_release) struct str s = STR_INIT(4096);
		cmark_event_type event;

		if (json_array_append_new(files, json_string(hostile[i])))
			continue; /* no UTF-8: no JSON either */
		str_puts(&s, "The files:");
		render_files(&s, files);
		str_puts(&s, "\n\nNext");
		check_inert(s.text);
		CLEANUP(cmark_node_free) cmark_node *root = parse(s.text);
		CLEANUP(cmark_iter_free) cmark_iter *it = cmark_iter_new(root);

		while ((event = cmark_iter_next(it)) != CMARK_EVENT_DONE) {
			const char *type = cmark_node_get_type_string(
				cmark_iter_get_node(it));
			bool good = false;

			for (size_t k = 0; k < ARRAY_SIZE(allowed); k++)
				good |= !strcmp(type, allowed[k]);
			if (!good)
				fail_msg("%s in %s", type, s.text);
		}
	}
}

/* The name of who permitted is anybody's text, too. */
static void test_grant(void **state UNUSED)
{
	static const char *const states[] = {"granted", "expired", "void"};

	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(states); k++) {
			CLEANUP(str_release)
			struct str s = STR_INIT(LIMIT_COMMENT);
			CLEANUP(json_decref)
			json_t *view = json_pack(
				"{s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s}}",
				"environment", "staging", "bot", "kcibot",
				"state", "idle", "grant", "state", states[k],
				"by", hostile[i], "sha", hostile[i], "why",
				"granter");

			if (!view)
				continue; /* no UTF-8: no JSON either */
			render_sticky(&s, view);
			check_inert(s.text);
			assert_non_null(strstr(s.text, "**Permission:** "));
		}
	}
}

/* What is made inert still shows as itself. */
static void test_inline_shows(void **state UNUSED)
{
	static const struct {
		const char *text, *html;
	} rows[] = {
		{"a*b_c`d", "a*b_c`d"},
		{"<b> & \"q\"", "&lt;b&gt; &amp;\xe2\x80\x8b &quot;q&quot;"},
		{"&#64;", "&amp;\xe2\x80\x8b#\xe2\x80\x8b"
			  "64;"},
		{"snake_case_name", "snake_case_name"},
		{"a\r\nb\nc", "a b c"},
		{"\x1b[1;31mred\x1b[0m", "<p>x red</p>"},
		{"a\\b", "a\\b"},
		{"[x](y)", "[x](y)"},
		{"@all", "@\xe2\x80\x8b"
			 "all"},
		{"\xff", "\xef\xbf\xbd"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(str_release) struct str s = STR_INIT(4096);
		CLEANUP(cmark_node_free) cmark_node *root = NULL;
		CLEANUP(free) char *html = NULL;

		str_puts(&s, "x ");
		render_inline(&s, rows[i].text);
		root = parse(s.text);
		html = cmark_render_html(root, CMARK_OPT_DEFAULT, NULL);
		check_shown(rows[i].text, html, rows[i].html);
	}
}

static void test_code(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		CLEANUP(str_release) struct str s = STR_INIT(4096);
		CLEANUP(cmark_node_free) cmark_node *root = NULL;
		cmark_node *code;

		str_puts(&s, "x ");
		render_code(&s, hostile[i]);
		root = parse(s.text);
		/* One paragraph: the word, then one span and no more. */
		code = cmark_node_next(
			cmark_node_first_child(cmark_node_first_child(root)));
		assert_string_equal(cmark_node_get_type_string(code), "code");
		assert_null(cmark_node_next(code));
		assert_null(cmark_node_next(cmark_node_first_child(root)));
	}
}

static void test_block(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		CLEANUP(str_release) struct str s = STR_INIT(4096);
		CLEANUP(cmark_node_free) cmark_node *root = NULL;
		cmark_node *code;

		str_puts(&s, "x");
		render_block(&s, hostile[i]);
		str_puts(&s, "\nend\n");
		root = parse(s.text);
		code = cmark_node_next(cmark_node_first_child(root));
		assert_string_equal(cmark_node_get_type_string(code),
				    "code_block");
		assert_string_equal(
			cmark_node_get_type_string(cmark_node_next(code)),
			"paragraph");
		assert_null(cmark_node_next(cmark_node_next(code)));
		assert_null(strchr(s.text, '\x1b'));
	}
}

static void test_mention(void **state UNUSED)
{
	static const struct {
		const char *login;
		bool live;
	} rows[] = {
		{"alice", true},
		{"a-1", true},
		{"dependabot[bot]", true},
		{"", false},
		{"a b", false},
		{"@alice", false},
		{"alice[bot]x", false},
		{"a_b", false},
		{"abcdefghijabcdefghijabcdefghijabcdefghi", true},
		{"abcdefghijabcdefghijabcdefghijabcdefghij", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(str_release) struct str s = STR_INIT(4096);

		render_mention(&s, rows[i].login);
		if (rows[i].live) {
			assert_int_equal(s.text[0], '@');
			assert_string_equal(s.text + 1, rows[i].login);
		} else {
			check_inert(s.text);
		}
	}
}

static void test_reply(void **state UNUSED)
{
	CLEANUP(str_release) struct str s = STR_INIT(LIMIT_COMMENT);
	struct reply reply = {
		.key = "comment:42",
		.login = "alice",
		.said = "@kcibot dploy",
		.text = "I do not know this. Did you mean deploy?",
		.markdown = "- `@kcibot help`: list what you can say here\n",
		.next = "@kcibot deploy",
	};

	render_reply(&s, &reply);
	assert_string_equal(s.text,
			    "<!-- kcibot:key comment:42 -->\n"
			    "To @alice, about ` @kcibot dploy `: I do not know "
			    "this. Did you mean deploy?\n\n"
			    "- `@kcibot help`: list what you can say here\n\n"
			    "Type next:\n\n```text\n@kcibot deploy\n```\n");
	check_ours(&s);
}

/* Code in a sentence of ours can be copied, and brings nothing to life. */
static void test_reply_code(void **state UNUSED)
{
	static const char *const texts[] = {
		"`@all",	 "`` @all ``",		"`a``@all`",
		"`@all```@all`", "a`@all`b `<b>` @all", "`a` `b`@all`c`",
	};
	CLEANUP(str_release) struct str s = STR_INIT(LIMIT_COMMENT);

	render_reply(&s, &(struct reply){.login = "alice",
					 .text = "Did you mean `@kcibot "
						 "deploy`? No."});
	assert_string_equal(s.text, "To @alice: Did you mean ` @kcibot deploy "
				    "`? No.\n");
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		str_clear(&s);
		render_reply(&s,
			     &(struct reply){.login = "<", .text = texts[i]});
		check_inert(s.text);
		check_ours(&s);
	}
}

static void test_description_cut(void **state UNUSED)
{
	CLEANUP(str_release) struct str s = STR_INIT(1024);
	char text[400];

	memset(text, 'x', sizeof(text));
	memcpy(text + 135, "\xc3\xbc\xc3\xbc\xc3\xbc", 6);
	text[140] = '\0';
	render_description(&s, "a\nb\x07 @all #1");
	assert_string_equal(s.text, "a b @all #1");
	str_clear(&s);
	render_description(&s, "as `tag-1`, `");
	assert_string_equal(s.text, "as tag-1, ");
	str_clear(&s);
	render_description(&s, "`");
	assert_int_equal(s.len, 0);
	text[140] = 'x';
	text[399] = '\0';
	render_description(&s, text);
	/* 137 would end inside the second letter. */
	assert_int_equal(s.len, 137 + 3);
	text[136] = 'x';
	text[135] = 'x';
	memcpy(text + 136, "\xc3\xbc", 2);
	text[138] = 'x';
	str_clear(&s);
	render_description(&s, text);
	assert_int_equal(s.len, 136 + 3);
	assert_string_equal(s.text + 136, "\xe2\x80\xa6");
}

/* A terminal makes no code of backticks, and takes no control characters. */
static void test_on_a_terminal(void **state UNUSED)
{
	CLEANUP(str_release) struct str s = STR_INIT(4096);
	CLEANUP(json_decref)
	json_t *status = json_pack(
		"{s:[{s:s,s:s,s:s,s:{s:i,s:s,s:s,s:s},"
		"s:{s:i,s:s,s:s,s:{s:s,s:I}},s:[]}]}",
		"environments", "name", "lab", "state", "waiting", "wait_why",
		"locked: `x`\033[2J", "deployed", "id", 7, "kind", "short",
		"verdict", "cancelled", "text", "as it was: manifest `t-1`",
		"running", "id", 8, "kind", "full", "state", "running", "drain",
		"state", "running", "until_ms", (json_int_t)1795264500000,
		"last");

	assert_non_null(status);
	cli_status_text(&s, status);
	assert_string_equal(s.text,
			    "lab: waiting: locked: x [2J\n"
			    "  deployed: cycle 7, short, cancelled "
			    "(as it was: manifest t-1)\n"
			    "  running: cycle 8, full, running\n"
			    "    drain: waits for what still runs, until "
			    "21 Nov 12:35 UTC at the latest; then the deploy "
			    "goes on\n");
}

/* A view whose lists and tails are far beyond any comment. */
static json_t *giant_view(size_t revisions, size_t jobs)
{
	json_t *view = load(GOLDEN "failure-unknown.json");
	json_t *all = js_get(view, "cycle.revisions");
	json_t *stage = json_array_get(js_get(view, "cycle.stages"), 0);
	json_t *rev = json_array_get(all, 0);
	json_t *job = json_array_get(js_get(stage, "jobs"), 0);
	char *tail = malloc(100001);

	assert_non_null(tail);
	memset(tail, '`', 100000);
	tail[100000] = '\0';
	json_object_set_new(job, "tail", json_string(tail));
	json_object_set_new(rev, "title", json_string(tail));
	free(tail);
	for (size_t i = 0; i < revisions; i++)
		json_array_append_new(all, json_copy(rev));
	for (size_t i = 0; i < jobs; i++)
		json_array_append_new(js_get(stage, "jobs"), json_copy(job));
	return view;
}

static void check_giant(size_t revisions, size_t jobs, bool has_log)
{
	CLEANUP(json_decref) json_t *view = giant_view(revisions, jobs);
	CLEANUP(str_release) struct str s = STR_INIT(LIMIT_COMMENT);

	render_sticky(&s, view);
	assert_int_equal(s.failed, ERR_OK);
	assert_true(s.len > 500 && s.len <= LIMIT_COMMENT);
	/* Whole to its end, whatever was cut. */
	assert_non_null(strstr(s.text, "help` lists everything."));
	assert_int_equal(strstr(s.text, "<details>") != NULL, has_log);
	assert_int_equal(count(s.text, "<details>"),
			 count(s.text, "</details>"));
	check_ours(&s);
}

static void test_giant(void **state UNUSED)
{
	check_giant(3, 3, true);
	check_giant(3, 20000, true);
	check_giant(20000, 3, false);
	check_giant(20000, 20000, false);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_hostile_view),
		cmocka_unit_test(test_own_words_are_no_commands),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_grant),
		cmocka_unit_test(test_inline),
		cmocka_unit_test(test_inline_shows),
		cmocka_unit_test(test_code),
		cmocka_unit_test(test_block),
		cmocka_unit_test(test_mention),
		cmocka_unit_test(test_reply),
		cmocka_unit_test(test_reply_code),
		cmocka_unit_test(test_description_cut),
		cmocka_unit_test(test_on_a_terminal),
		cmocka_unit_test(test_giant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
