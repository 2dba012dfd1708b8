/*
 * commands/grammar.c and bot/mention.c.  What is heard stands in the source
 * where it is said to stand, and in a paragraph that people see; in a quote
 * or in code nothing is heard; and nothing is heard, or answered, in a comment
 * that the look at the raw delivery would have passed by.
 */
#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bot/base/fs.h"
#include "bot/base/json.h"
#include "bot/base/unicode.h"
#include "bot/mention.h"
#include "commands/grammar.h"
#include "tests/fuzz/fuzz.h"

#define NAME "kcibot"
#define CORPUS "tests/grammar/corpus.tsv"

DEFINE_CLEANUP(cmark_node *, cmark_node_free)
DEFINE_CLEANUP(cmark_iter *, cmark_iter_free)
DEFINE_CLEANUP(cmark_parser *, cmark_parser_free)

static enum err hear(const char *text, size_t len, struct said *ret,
		     struct error *e)
{
	/* Without a NUL, so that a read behind the end is found. */
	CLEANUP(free) char *exact = malloc(len);
	enum err code;

	MUST(exact || !len);
	if (len)
		memcpy(exact, text, len);
	/* Nothing of what was there may count as read. */
	memset(ret, 0x5a, sizeof(*ret));
	code = grammar_read(NAME, exact, len, ret, e);
	MUST(code == ERR_OK || code == ERR_INVALID);
	MUST(code == ERR_OK || (!ret->count && e->code == code && *e->text));
	return code;
}

/* --- where it stands --- */

struct line {
	const char *text;
	size_t len;
};

/* A line ends at LF, CR or CR LF. */
static struct line take_line(const char **at, const char *end)
{
	struct line l = {*at, 0};

	while (*at < end && **at != '\n' && **at != '\r')
		++*at;
	l.len = (size_t)(*at - l.text);
	if (*at + 1 < end && (*at)[0] == '\r' && (*at)[1] == '\n')
		++*at;
	if (*at < end)
		++*at;
	return l;
}

static struct line line_of(const char *text, size_t len, int number)
{
	const char *at = text, *end = text + len;
	struct line l = {text, 0};

	MUST(number > 0);
	while (number--) {
		MUST(at < end);
		l = take_line(&at, end);
	}
	return l;
}

static const char *behind_blanks(const char *at)
{
	return at + strspn(at, " \t");
}

static const char *behind_list_marker(const char *at)
{
	const char *p = at;

	if (*p && strchr("-+*", *p)) {
		p++;
	} else {
		p += strspn(p, "0123456789");
		if (p == at || p - at > 9 || (*p != '.' && *p != ')'))
			return at;
		p++;
	}
	return *p == ' ' || *p == '\t' ? behind_blanks(p) : at;
}

/* The line ends in args, but for blanks and a mark. */
static void check_end(const char *line, const char *args)
{
	size_t len = strlen(line), n = strlen(args);

	while (len > n && strchr(" \t.,:;!", line[len - 1]) &&
	       memcmp(line + len - n, args, n) != 0)
		len--;
	MUST(len >= n && memcmp(line + len - n, args, n) == 0);
}

/* The command is in the bytes of its line, in this order and nothing else. */
static void check_place(const struct said_command *c, const char *line)
{
	const char *at = line + strspn(line, " ");
	size_t n = strlen(c->verb);

	MUST(at - line <= 3);
	at = behind_list_marker(at);
	MUST(strncasecmp(at, "@" NAME, strlen("@" NAME)) == 0);
	at += strlen("@" NAME);
	MUST(!*at || strchr(" \t.,:;!", *at));
	if (strspn(at, ",:") == 1 && (!at[1] || strchr(" \t", at[1])))
		at++;
	at = behind_blanks(at);
	MUST(strncasecmp(at, c->verb, n) == 0);
	check_end(at + n, c->args);
}

static void check_words(const struct said_command *c)
{
	size_t verb = strnlen(c->verb, sizeof(c->verb));
	size_t args = strnlen(c->args, sizeof(c->args));

	MUST(verb < sizeof(c->verb) && args < sizeof(c->args));
	MUST(!strpbrk(c->verb, "ABCDEFGHIJKLMNOPQRSTUVWXYZ \t\r\n"));
	MUST(!strpbrk(c->args, "\r\n"));
	MUST(*c->verb || !*c->args);
	MUST(!args ||
	     (!strchr(" \t", c->args[0]) && !strchr(" \t", c->args[args - 1])));
}

static void check_said(const struct said *said, const char *text, size_t len)
{
	MUST(said->count <= LIMIT_COMMANDS_PER_COMMENT);
	for (size_t i = 0; i < said->count; i++) {
		const struct said_command *c = &said->commands[i];
		struct line l = line_of(text, len, c->line);
		CLEANUP(free) char *line = fuzz_text(l.text, l.len);

		MUST(!i || c->line > said->commands[i - 1].line);
		MUST(l.len <= LIMIT_COMMAND_LINE && strlen(line) == l.len);
		for (size_t pos = 0; pos < l.len;)
			MUST(!unicode_deceives(
				unicode_next(line, l.len, &pos)));
		check_words(c);
		check_place(c, line);
	}
}

static void check_same(const struct said *a, const struct said *b)
{
	MUST(a->count == b->count);
	for (size_t i = 0; i < a->count; i++) {
		MUST(strcmp(a->commands[i].verb, b->commands[i].verb) == 0);
		MUST(strcmp(a->commands[i].args, b->commands[i].args) == 0);
		MUST(a->commands[i].line == b->commands[i].line);
	}
}

/* --- what people see --- */

static cmark_node *parse(const char *text, size_t len)
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
	cmark_parser_feed(p, text, len);
	return cmark_parser_finish(p);
}

static bool is_in_view(cmark_node *n)
{
	if (cmark_node_get_type(n) != CMARK_NODE_PARAGRAPH)
		return false;
	while ((n = cmark_node_parent(n)) != NULL) {
		const char *type = cmark_node_get_type_string(n);

		if (strcmp(type, "document") != 0 &&
		    strcmp(type, "list") != 0 && strcmp(type, "item") != 0)
			return false;
	}
	return true;
}

/* Lines of a paragraph that show the mention first. */
static size_t count_shown(cmark_node *paragraph)
{
	CLEANUP(free)
	char *html = cmark_render_html(paragraph, CMARK_OPT_DEFAULT, NULL);
	size_t n = 0;

	for (const char *at = html; (at = strchr(at, '@')) != NULL; at++)
		n += (at == html || strchr(">\n ", at[-1])) &&
		     strncasecmp(at + 1, NAME, strlen(NAME)) == 0;
	return n;
}

/*
 * No more is heard than paragraphs show; a signature is cut off before, as
 * its delimiter makes the paragraph above it a heading.
 */
static void check_shown(const struct said *said, const char *text, size_t len)
{
	CLEANUP(cmark_node_free) cmark_node *root = NULL;
	CLEANUP(cmark_iter_free) cmark_iter *it = NULL;
	const char *at = text, *end = text + len;
	cmark_event_type event;
	size_t shown = 0;

	while (at < end) {
		struct line l = take_line(&at, end);

		if (l.len == 3 && memcmp(l.text, "-- ", 3) == 0)
			len = (size_t)(l.text - text);
		if (l.len == 3 && len < (size_t)(end - text))
			break;
	}
	root = parse(text, len);
	it = cmark_iter_new(root);
	while ((event = cmark_iter_next(it)) != CMARK_EVENT_DONE)
		if (event == CMARK_EVENT_ENTER &&
		    is_in_view(cmark_iter_get_node(it)))
			shown += count_shown(cmark_iter_get_node(it));
	MUST(said->count <= shown);
}

/* --- where nothing is heard --- */

static void check_silent(const struct str *text)
{
	struct error e = ERROR_INIT;
	struct said said;
	enum err code = hear(text->text, text->len, &said, &e);

	MUST(!text->failed);
	MUST(!said.count);
	MUST(!code || text->len > LIMIT_COMMENT_IN);
}

static void check_quoted(const char *text, size_t len)
{
	CLEANUP(str_release) struct str s = STR_INIT(1u << 20);
	const char *at = text, *end = text + len;

	while (at < end) {
		struct line l = take_line(&at, end);

		str_puts(&s, "> ");
		str_add(&s, l.text, (size_t)(at - l.text));
	}
	check_silent(&s);
}

static void check_fenced(const char *text, size_t len)
{
	CLEANUP(str_release) struct str s = STR_INIT(1u << 20);
	size_t run = 0, fence = 3;

	for (size_t i = 0; i < len; i++) {
		run = text[i] == '`' ? run + 1 : 0;
		if (run >= fence)
			fence = run + 1;
	}
	for (size_t i = 0; i < fence; i++)
		str_putc(&s, '`');
	str_putc(&s, '\n');
	str_add(&s, text, len);
	str_putc(&s, '\n');
	for (size_t i = 0; i < fence; i++)
		str_putc(&s, '`');
	check_silent(&s);
}

/* --- the look at the raw delivery --- */

/* As a hostile sender would write it: nothing but escapes. */
static void add_escaped(struct str *out, const char *text)
{
	size_t len = strlen(text), pos = 0;

	str_puts(out, "{\"comment\":{\"body\":\"");
	while (pos < len) {
		bool upper = pos & 1;
		uint32_t c = unicode_next(text, len, &pos);

		if (c >= 0x10000) {
			str_addf(out, "\\u%04x",
				 0xd800 + ((c - 0x10000) >> 10));
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		if (upper)
			str_addf(out, "\\u%04X", c);
		else
			str_addf(out, "\\u%04x", c);
	}
	str_puts(out, "\"}}");
}

/* The delivery says text, and may not be passed by. */
static void check_seen(const char *json, const char *text)
{
	CLEANUP(json_decref) json_t *root = NULL;
	CLEANUP(free) char *exact = NULL;
	struct error e = ERROR_INIT;
	size_t len;

	MUST(json);
	len = strlen(json);
	root = js_parse(json, len, &e);
	MUST(strcmp(js_str(root, "comment.body"), text) == 0);
	exact = malloc(len);
	MUST(exact);
	memcpy(exact, json, len);
	MUST(mention_possible(NAME, exact, len));
}

/* What arrives is UTF-8 without NUL. */
static void as_delivered(struct str *out, const char *text, size_t len)
{
	size_t pos = 0;

	while (pos < len && text[pos]) {
		size_t at = pos;

		if (unicode_next(text, len, &pos) == UNICODE_INVALID)
			str_puts(out, "\xef\xbf\xbd");
		else
			str_add(out, text + at, pos - at);
	}
}

static void check_prefilter(const char *text, size_t len)
{
	CLEANUP(str_release) struct str body = STR_INIT(1u << 20);
	CLEANUP(str_release) struct str escaped = STR_INIT(1u << 20);
	CLEANUP(json_decref) json_t *root = NULL;
	CLEANUP(free) char *ascii = NULL;
	CLEANUP(free) char *raw = NULL;
	struct error e = ERROR_INIT;
	struct said said;

	as_delivered(&body, text, len);
	if (!hear(body.text, body.len, &said, &e) && !said.count)
		return;
	root = json_pack("{s:{s:s}}", "comment", "body", body.text);
	ascii = json_dumps(root, JSON_COMPACT | JSON_ENSURE_ASCII);
	raw = json_dumps(root, JSON_INDENT(2));
	add_escaped(&escaped, body.text);
	check_seen(ascii, body.text);
	check_seen(raw, body.text);
	check_seen(escaped.text, body.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(free) char *text = fuzz_text(data, size);
	struct error e = ERROR_INIT, e2 = ERROR_INIT;
	struct said said, again;

	if (!hear(text, size, &said, &e)) {
		check_said(&said, text, size);
		if (said.count)
			check_shown(&said, text, size);
	}
	hear(text, size, &again, &e2);
	MUST(e.code == e2.code && strcmp(e.text, e2.text) == 0);
	check_same(&said, &again);
	check_quoted(text, size);
	check_fenced(text, size);
	check_prefilter(text, size);
	return 0;
}

/*
 * Seeds: the comments of the corpus.  None at the limit of 64 KiB: one such
 * would make most of the others long, and thirty times as slow.
 */

static int unescape(const char **at)
{
	char hex[3] = {0};

	if (**at != '\\')
		return (unsigned char)*(*at)++;
	*at += 2;
	switch ((*at)[-1]) {
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case 'x':
		memcpy(hex, *at, 2);
		*at += 2;
		return (int)strtol(hex, NULL, 16);
	default:
		return '\\';
	}
}

static void seed_row(const char *row)
{
	CLEANUP(str_release) struct str s = STR_INIT(1u << 20);
	const char *at = strchr(row, '\t');

	if (*row == '#' || !at)
		return;
	for (at++; *at != '\t' && *at != '\n';)
		str_putc(&s, (char)unescape(&at));
	fuzz_seed(s.text, s.len);
}

void fuzz_seeds(void)
{
	CLEANUP(fclose) FILE *f = fopen(CORPUS, "r");
	CLEANUP(free) char *row = NULL;
	size_t cap = 0;

	MUST(f);
	while (getline(&row, &cap, f) > 0)
		seed_row(row);
}
