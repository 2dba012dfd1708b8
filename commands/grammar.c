/*
 * How a command is told from the same words in code, in a quote or behind an
 * escape, without trusting cmark's inline source positions (they are wrong
 * behind hard breaks, multi-line code and link definitions):
 *
 * 1. Find in the source bytes every line that begins with the mention.
 * 2. Parse the comment twice, once as it is and once with a numbered mark in
 *    front of each such mention.
 * 3. Walk both trees side by side.  A command is live when a text node that
 *    begins a line of a plain paragraph is the same in both trees but for
 *    its mark in front.  Only source bytes get marks, so an escape, entity or
 *    forged mark fails, and so does everything when the trees differ.
 */
#include "commands/grammar.h"

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bot/base/cleanup.h"
#include "bot/base/str.h"
#include "bot/base/unicode.h"

/* A character of the last private plane: text, but no letter to Markdown. */
#define MARK "\xf3\xb0\x80\x80"
#define BOM "\xef\xbb\xbf"
#define MARK_SIZE 40 /* two of them around a number */

/* A line that begins with the mention; offsets into the comment. */
struct candidate {
	size_t line_start;
	size_t content;	 /* behind blanks and list marker */
	size_t after;	 /* behind the mention */
	size_t line_end; /* before the line end */
	int line;
	bool live;
};

struct candidates {
	struct candidate *items;
	size_t count, cap;
};

struct reader {
	const char *name;
	const char *text;
	size_t len;
	struct candidates found; /* owned */
};

DEFINE_CLEANUP(cmark_node *, cmark_node_free)
DEFINE_CLEANUP(cmark_iter *, cmark_iter_free)
DEFINE_CLEANUP(cmark_parser *, cmark_parser_free)

static void reader_release_at(struct reader *r)
{
	free(r->found.items);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* One of the marks that may end a sentence behind a word. */
static bool is_stop(char c)
{
	return c && strchr(".,!;:", c);
}

static size_t skip_blanks(const char *s, size_t pos, size_t end)
{
	while (pos < end && is_blank(s[pos]))
		pos++;
	return pos;
}

static size_t trim_blanks(const char *s, size_t pos, size_t end)
{
	while (end > pos && is_blank(s[end - 1]))
		end--;
	return end;
}

/* Behind a list marker and its blanks, or pos when there is none. */
static size_t skip_list_marker(const char *s, size_t pos, size_t end)
{
	size_t p = pos;

	if (p < end && strchr("-+*", s[p]) && s[p]) {
		p++;
	} else {
		while (p < end && p - pos < 9 && is_digit(s[p]))
			p++;
		if (p == pos || p == end || (s[p] != '.' && s[p] != ')'))
			return pos;
		p++;
	}
	return p < end && is_blank(s[p]) ? skip_blanks(s, p, end) : pos;
}

/* Moves over characters that nobody sees. */
static size_t skip_deceivers(const char *s, size_t pos, size_t end)
{
	while (pos < end) {
		size_t next = pos;

		if (!unicode_deceives(unicode_next(s, end, &next)))
			break;
		pos = next;
	}
	return pos;
}

/*
 * Behind the mention that begins at pos, or 0.  Characters that nobody sees
 * are passed over: such a line looks like a command, and must be refused with
 * the reason rather than stay without an answer.
 */
static size_t match_mention(const struct reader *r, size_t pos, size_t end)
{
	for (size_t i = 0; !i || r->name[i - 1]; i++) {
		char want = i ? r->name[i - 1] : '@';

		pos = skip_deceivers(r->text, pos, end);
		if (pos == end || strncasecmp(&r->text[pos], &want, 1) != 0)
			return 0;
		pos++;
	}
	return pos;
}

/* Does the name end here?  "@kcibot-dev" and "@kcibot/team" are others. */
static bool mention_ends(const struct reader *r, size_t pos, size_t end)
{
	end = trim_blanks(r->text, pos, end);
	pos = skip_deceivers(r->text, pos, end);
	if (pos == end || is_blank(r->text[pos]))
		return true;
	if (r->text[pos] == ':' || r->text[pos] == ',')
		return true;
	return pos + 1 == end && is_stop(r->text[pos]);
}

static enum err candidates_add(struct candidates *all,
			       const struct candidate *one, struct error *e)
{
	if (all->count == all->cap) {
		size_t cap = all->cap ? 2 * all->cap : 16;
		struct candidate *items =
			reallocarray(all->items, cap, sizeof(*items));

		if (!items)
			return error_set(e, ERR_FATAL, "out of memory");
		all->items = items;
		all->cap = cap;
	}
	all->items[all->count++] = *one;
	return ERR_OK;
}

static enum err look_at_line(struct reader *r, size_t start, size_t end,
			     int line, struct error *e)
{
	struct candidate c = {
		.line_start = start,
		.line_end = end,
		.line = line,
	};
	size_t pos = start, blanks;

	/* cmark takes it off; a mark in front of it would leave it there. */
	if (start == 0 && end >= strlen(BOM) &&
	    memcmp(r->text, BOM, strlen(BOM)) == 0)
		pos += strlen(BOM);
	blanks = pos;
	while (pos < end && pos - blanks < 4 && r->text[pos] == ' ')
		pos++;
	if (pos - blanks > 3)
		return ERR_OK;
	c.content = skip_list_marker(r->text, pos, end);
	c.after = match_mention(r, c.content, end);
	if (!c.after || !mention_ends(r, c.after, end))
		return ERR_OK;
	return candidates_add(&r->found, &c, e);
}

/*
 * Fills r->found, and cuts r->len before a mail signature: the delimiter
 * would also turn the paragraph above it into a heading.
 */
static enum err find_candidates(struct reader *r, struct error *e)
{
	size_t pos = 0;

	for (int line = 1; pos < r->len; line++) {
		const char *s = r->text;
		size_t end = pos;

		while (end < r->len && s[end] != '\n' && s[end] != '\r')
			end++;
		if (end - pos == 3 && memcmp(&s[pos], "-- ", 3) == 0) {
			r->len = pos;
			break;
		}
		if (look_at_line(r, pos, end, line, e))
			return e->code;
		pos = end + 1;
		if (end + 1 < r->len && s[end] == '\r' && s[end + 1] == '\n')
			pos++;
	}
	return ERR_OK;
}

/* Without an allocation that could fail: a mark that is not found would
 * make a command vanish. */
static void mark(char ret[MARK_SIZE], size_t index)
{
	snprintf(ret, MARK_SIZE, MARK "%zu" MARK, index);
}

/* The comment with the marks in it. */
static void add_marked(struct str *out, const struct reader *r)
{
	size_t pos = 0;

	for (size_t i = 0; i < r->found.count; i++) {
		size_t content = r->found.items[i].content;
		char text[MARK_SIZE];

		mark(text, i);
		str_add(out, r->text + pos, content - pos);
		str_puts(out, text);
		pos = content;
	}
	str_add(out, r->text + pos, r->len - pos);
}

static pthread_once_t extensions_once = PTHREAD_ONCE_INIT;

/* As the forge reads it.  The caller frees the tree. */
static cmark_node *parse(const char *text, size_t len)
{
	static const char *const extensions[] = {
		"table", "strikethrough", "autolink", "tagfilter", "tasklist",
	};
	CLEANUP(cmark_parser_free) cmark_parser *p = NULL;

	pthread_once(&extensions_once,
		     cmark_gfm_core_extensions_ensure_registered);
	p = cmark_parser_new(CMARK_OPT_FOOTNOTES);
	for (size_t i = 0; i < ARRAY_SIZE(extensions); i++)
		cmark_parser_attach_syntax_extension(
			p, cmark_find_syntax_extension(extensions[i]));
	cmark_parser_feed(p, text, len);
	return cmark_parser_finish(p);
}

/* Directly in a paragraph that stands in nothing but list items. */
static bool is_running_text(cmark_node *text)
{
	cmark_node *n = cmark_node_parent(text);
	int depth = 0;

	if (!n || cmark_node_get_type(n) != CMARK_NODE_PARAGRAPH)
		return false;
	for (n = cmark_node_parent(n); n; n = cmark_node_parent(n)) {
		/* By name: a task list item has the type of an item. */
		const char *type = cmark_node_get_type_string(n);

		/* Nobody nests deeper: many lines times many levels is slow. */
		if (++depth > 64)
			return false;
		if (strcmp(type, "document") != 0 &&
		    strcmp(type, "list") != 0 && strcmp(type, "item") != 0)
			return false;
	}
	return true;
}

/* Follows from the mark's place; asked again, as no command may slip in. */
static bool begins_line(cmark_node *text)
{
	cmark_node *before = cmark_node_previous(text);

	return !before || cmark_node_get_type(before) == CMARK_NODE_SOFTBREAK ||
	       cmark_node_get_type(before) == CMARK_NODE_LINEBREAK;
}

/* Sets the candidate live whose mark alone makes marked differ from plain. */
static void look_at_text(struct reader *r, cmark_node *plain,
			 cmark_node *marked)
{
	char want[MARK_SIZE];
	const char *text = cmark_node_get_literal(marked);
	size_t i;

	if (!text || !str_starts(text, MARK) || !begins_line(marked) ||
	    !is_running_text(marked))
		return;
	i = strtoul(text + strlen(MARK), NULL, 10);
	if (i >= r->found.count)
		return;
	mark(want, i);
	if (str_starts(text, want) &&
	    strcmp(text + strlen(want), cmark_node_get_literal(plain)) == 0)
		r->found.items[i].live = true;
}

/* false when the trees are not of one shape. */
static bool walk(struct reader *r, cmark_node *plain, cmark_node *marked)
{
	CLEANUP(cmark_iter_free) cmark_iter *a = cmark_iter_new(plain);
	CLEANUP(cmark_iter_free) cmark_iter *b = cmark_iter_new(marked);

	for (;;) {
		cmark_event_type event = cmark_iter_next(a);
		cmark_node *m, *n;

		if (cmark_iter_next(b) != event)
			return false;
		if (event == CMARK_EVENT_DONE)
			return true;
		n = cmark_iter_get_node(a);
		m = cmark_iter_get_node(b);
		if (cmark_node_get_type(n) != cmark_node_get_type(m))
			return false;
		if (event == CMARK_EVENT_ENTER &&
		    cmark_node_get_type(n) == CMARK_NODE_TEXT)
			look_at_text(r, n, m);
	}
}

static enum err find_live(struct reader *r, struct error *e)
{
	CLEANUP(str_release) struct str with_marks = STR_INIT(SIZE_MAX / 4);
	CLEANUP(cmark_node_free) cmark_node *plain = NULL;
	CLEANUP(cmark_node_free) cmark_node *marked = NULL;

	add_marked(&with_marks, r);
	if (str_check(&with_marks, e))
		return e->code;
	plain = parse(r->text, r->len);
	marked = parse(with_marks.text, with_marks.len);
	if (!walk(r, plain, marked))
		r->found.count = 0;
	return ERR_OK;
}

static enum err check_line(const struct reader *r, const struct candidate *c,
			   struct error *e)
{
	size_t pos = c->line_start;

	if (c->line_end - c->line_start > LIMIT_COMMAND_LINE)
		return error_set(e, ERR_INVALID,
				 "Nothing was done: line %d is longer than %d "
				 "bytes. Say it shorter, in a new comment.",
				 c->line, LIMIT_COMMAND_LINE);
	while (pos < c->line_end) {
		size_t at = pos;
		uint32_t ch = unicode_next(r->text, c->line_end, &pos);
		const char *what = unicode_deceives(ch);

		if (!what)
			continue;
		return error_set(e, ERR_INVALID,
				 "Nothing was done: line %d holds %s, position "
				 "%zu. Type the line anew, in a new comment.",
				 c->line, what, at - c->line_start + 1);
	}
	return ERR_OK;
}

/* Lower case, cut to what fits: no verb of the table is that long. */
static void copy_verb(char *out, size_t size, const char *s, size_t len)
{
	len = str_utf8_cut(s, len, size - 1);
	for (size_t i = 0; i < len; i++)
		out[i] = s[i] >= 'A' && s[i] <= 'Z' ? (char)(s[i] + 32) : s[i];
	out[len] = '\0';
}

static void read_command(const struct reader *r, const struct candidate *c,
			 struct said_command *ret)
{
	const char *s = r->text;
	size_t pos = c->after;
	size_t end = trim_blanks(s, pos, c->line_end);
	size_t verb, verb_end;

	if (end > pos && is_stop(s[end - 1]))
		end = trim_blanks(s, pos, end - 1);
	if (pos < end && (s[pos] == ':' || s[pos] == ',') &&
	    (pos + 1 == end || is_blank(s[pos + 1])))
		pos++;
	verb = verb_end = skip_blanks(s, pos, end);
	while (verb_end < end && !is_blank(s[verb_end]))
		verb_end++;
	pos = skip_blanks(s, verb_end, end);
	if (pos < end && verb_end - verb > 1 && is_stop(s[verb_end - 1]))
		verb_end--;

	ret->line = c->line;
	copy_verb(ret->verb, sizeof(ret->verb), s + verb, verb_end - verb);
	memcpy(ret->args, s + pos, end - pos);
	ret->args[end - pos] = '\0';
}

static enum err read_live(const struct reader *r, struct said *ret,
			  struct error *e)
{
	for (size_t i = 0; i < r->found.count; i++) {
		const struct candidate *c = &r->found.items[i];

		if (!c->live)
			continue;
		if (check_line(r, c, e))
			return e->code;
		if (ret->count == LIMIT_COMMANDS_PER_COMMENT)
			return error_set(e, ERR_INVALID,
					 "Nothing was done: more than %d "
					 "commands in one comment. Say the "
					 "rest in another.",
					 LIMIT_COMMANDS_PER_COMMENT);
		read_command(r, c, &ret->commands[ret->count++]);
	}
	return ERR_OK;
}

enum err grammar_read(const char *bot_name, const char *text, size_t len,
		      struct said *ret, struct error *e)
{
	CLEANUP(reader_release)
	struct reader r = {
		.name = bot_name,
		.text = text,
		.len = len,
	};
	enum err err;

	ret->count = 0;
	if (find_candidates(&r, e))
		return e->code;
	if (!r.found.count)
		return ERR_OK;
	if (len > LIMIT_COMMENT_IN)
		return error_set(e, ERR_INVALID,
				 "Nothing was done: the comment is longer than "
				 "%u KiB. Say it in a short one.",
				 LIMIT_COMMENT_IN >> 10);
	if (find_live(&r, e))
		return e->code;
	err = read_live(&r, ret, e);
	if (err)
		ret->count = 0;
	return err;
}
