/*
 * bot/inert.c: hostile text in what the bot writes, judged by the tree that
 * the forge's parser makes of it.  Wherever the text stands, the page has the
 * shape that the bot meant, nobody is mentioned, nothing is linked or a
 * command, and no secret shows.
 */
#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>
#include <string.h>

#include "bot/base/limits.h"
#include "bot/base/redact.h"
#include "bot/base/unicode.h"
#include "bot/render.h"
#include "commands/grammar.h"
#include "tests/fuzz/fuzz.h"

/* No login: those come from the forge, and are shown as they are. */
#define SECRET "hunter2_hunter2_hunter2_hunter2_1"
#define ZWSP "\xe2\x80\x8b"
#define ROOM (1u << 20)

DEFINE_CLEANUP(cmark_node *, cmark_node_free)
DEFINE_CLEANUP(cmark_iter *, cmark_iter_free)
DEFINE_CLEANUP(cmark_parser *, cmark_parser_free)

/* How many of what; in the order of their names below. */
enum { PARAGRAPHS, TEXTS, TABLES, ROWS, CELLS, SPANS, BLOCKS, KINDS };

static const char *const kinds[KINDS] = {
	"paragraph",  "text", "table",	    "table_row",
	"table_cell", "code", "code_block",
};

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

/* Not even between the characters that break it. */
static void check_no_secret(const char *s)
{
	CLEANUP(str_release) struct str plain = STR_INIT(ROOM);

	while (*s) {
		if (str_starts(s, ZWSP))
			s += strlen(ZWSP);
		else
			str_putc(&plain, *s++);
	}
	MUST(!plain.failed && !strstr(plain.text, SECRET));
}

/* What the forge would find in text: people, pulls, commits, addresses. */
static void check_text(const char *s)
{
	check_no_secret(s);
	for (size_t i = 0; s[i]; i++) {
		unsigned char next = (unsigned char)s[i + 1];

		if (s[i] == '@' || s[i] == '#')
			MUST(!next || next == ' ' || next >= 0x80);
		MUST(strspn(s + i, "0123456789abcdef") < 7);
		MUST(!str_starts(s + i, "://"));
		MUST(!str_starts(s + i, "www."));
	}
}

/* Kinds of HTML blocks and links are in no list. */
static void count_node(cmark_node *n, size_t counts[KINDS])
{
	const char *type = cmark_node_get_type_string(n);

	if (strcmp(type, "document") == 0)
		return;
	if (strcmp(type, "table_header") == 0)
		type = "table_row";
	for (size_t i = 0; i < KINDS; i++) {
		if (strcmp(type, kinds[i]) != 0)
			continue;
		counts[i]++;
		if (i == TEXTS)
			check_text(cmark_node_get_literal(n));
		if (i == SPANS || i == BLOCKS)
			check_no_secret(cmark_node_get_literal(n));
		return;
	}
	fprintf(stderr, "a %s\n", type);
	MUST(!"a kind of node that the bot did not mean");
}

static void count_nodes(const char *text, size_t counts[KINDS])
{
	CLEANUP(cmark_node_free) cmark_node *root = parse(text);
	CLEANUP(cmark_iter_free) cmark_iter *it = cmark_iter_new(root);
	cmark_event_type event;

	while ((event = cmark_iter_next(it)) != CMARK_EVENT_DONE)
		if (event == CMARK_EVENT_ENTER)
			count_node(cmark_iter_get_node(it), counts);
}

/* Refused, and answered, is a line that begins with the broken mention. */
static enum err check_ours(const struct str *s)
{
	struct error e = ERROR_INIT;
	struct said said;
	size_t pos = 0;

	MUST(!s->failed);
	while (pos < s->len)
		MUST(unicode_next(s->text, s->len, &pos) != UNICODE_INVALID);
	if (grammar_read("kcibot", s->text, s->len, &said, &e))
		MUST(e.code == ERR_INVALID);
	MUST(!said.count);
	return e.code;
}

/* At a line's start, in a line, in a table; as a span and as a block. */
static void check_shapes(const char *text)
{
	CLEANUP(str_release) struct str s = STR_INIT(ROOM);
	size_t counts[KINDS] = {0};

	render_inline(&s, text);
	str_puts(&s, "\n\nword ");
	render_inline(&s, text);
	str_puts(&s, " word\n\n| h | h |\n|--|--|\n| ");
	render_inline(&s, text);
	str_puts(&s, " | x |\n\nword ");
	render_code(&s, text);
	str_puts(&s, "\n\n");
	render_block(&s, text);
	str_puts(&s, "\nword\n");
	check_ours(&s);
	count_nodes(s.text, counts);
	/* The first is empty when the text shows nothing. */
	MUST(counts[PARAGRAPHS] == 4 || counts[PARAGRAPHS] == 3);
	MUST(counts[TABLES] == 1 && counts[ROWS] == 2 && counts[CELLS] == 4);
	MUST(counts[SPANS] == 1 && counts[BLOCKS] == 1);
}

/* Shown as it is: no Markdown, but nothing that deceives. */
static void check_description(const char *text)
{
	CLEANUP(str_release) struct str s = STR_INIT(ROOM);

	render_description(&s, text);
	check_no_secret(s.text);
	MUST(s.len <= LIMIT_STATUS_DESCRIPTION);
	for (size_t pos = 0; pos < s.len;)
		MUST(!unicode_deceives(unicode_next(s.text, s.len, &pos)));
}

/* Its own marker, then nothing that it did not mean. */
static void check_reply(const char *text)
{
	CLEANUP(str_release) struct str s = STR_INIT(ROOM);
	struct reply reply = {
		.key = text,
		.login = "", /* a login is mentioned, and shall be */
		.said = text,
		.text = text,
		.next = text,
	};
	size_t counts[KINDS] = {0};
	const char *rest;

	render_reply(&s, &reply);
	MUST(check_ours(&s) == ERR_OK || s.len > LIMIT_COMMENT);
	MUST(str_starts(s.text, "<!-- kcibot:"));
	rest = strstr(s.text, "-->");
	/* Keys are the bot's own; here one has to stay in its marker. */
	MUST(rest);
	count_nodes(rest + strlen("-->"), counts);
	MUST(counts[BLOCKS] == (*text != 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool begun;
	CLEANUP(free) char *text = fuzz_text(data, size);

	if (!begun)
		redact_secret(SECRET);
	begun = true;
	check_shapes(text);
	check_description(text);
	check_reply(text);
	return 0;
}

void fuzz_seeds(void)
{
	static const char *const texts[] = {
		"A change",
		"@all \\@all &#64;all &commat;all #5 GH-5 a/b#5 a/b@deadbeef1",
		"# head\n- item\n1. item\n    code\n> quote\n***\n===\n- [ ] x",
		"```\ncode\n~~~\n`` ` `` a_b_c __d__ *e* **f** ~~g~~",
		"[a](b) [a]: b ![c](d) [^1] [x][y]\n[^1]: foot",
		"<b>x</b> <!-- x --> <http://e.org> </summary></details>",
		"http://e.org ftp://e.org www.e.org mailto:a@b.cd a@b.cd",
		("a | b |\n--|--\n\xe2\x80\xae@\xe2\x80\x8b"
		 "all\xff\xfe\x1b[31mred\x1b[0m\x07\r\n"),
		SECRET,
		"hunter2_hunter2\xe2\x80\x8b_hunter2_\x1b[0mhunter2_1",
		"@kcibot deploy\n\n@kcibot trigger",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		fuzz_seed(texts[i], strlen(texts[i]));
}
