/*
 * How user text is made inert.  Three things may bring it to life: the
 * Markdown parser, the HTML parser (inside <summary>), and the forge's own
 * search for mentions, references, commits and links in what they leave.
 *
 * The first two are met with character references, which mean themselves to
 * both.  The third decodes references before it looks, and backslashes do not
 * stop it, so its triggers are broken by a zero-width space.  Zero-width
 * characters of the text itself are dropped before.
 */
#include "bot/render.h"

#include <string.h>
#include <strings.h>

#include "bot/base/limits.h"
#include "bot/base/redact.h"
#include "bot/base/unicode.h"

#define ZWSP "\xe2\x80\x8b"
#define MIDDLE_DOT "\xc2\xb7"

/* What becomes live when it stands in a line; NULL: nothing. */
static const char *reference(char c)
{
	static const char *const references[128] = {
		['\\'] = "&#92;", ['`'] = "&#96;",  ['*'] = "&#42;",
		['_'] = "&#95;",  ['['] = "&#91;",  [']'] = "&#93;",
		['<'] = "&lt;",	  ['>'] = "&gt;",   ['&'] = "&amp;",
		['|'] = "&#124;", ['~'] = "&#126;", ['$'] = "&#36;",
		['"'] = "&quot;",
	};

	return (unsigned char)c < 128 ? references[(unsigned char)c] : NULL;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_alnum(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9');
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
	       (c >= 'A' && c <= 'F');
}

/* Behind a terminal's colour and cursor sequence at pos ("\033[31m"). */
static size_t skip_escape(const char *text, size_t len, size_t pos)
{
	size_t p = pos + 2;

	if (pos + 1 >= len || text[pos] != '\033' || text[pos + 1] != '[')
		return pos;
	while (p < len && text[p] >= 0x20 && text[p] < 0x40)
		p++;
	return p < len && text[p] >= 0x40 && text[p] < 0x7f ? p + 1 : p;
}

/*
 * Adds text without what cannot be seen.  Line ends become newline, a
 * carriage return alone as well: progress bars.
 */
static void clean(struct str *out, const char *text, const char *newline)
{
	size_t len = strlen(text);
	size_t pos = 0;

	while (pos < len) {
		size_t at = pos;
		uint32_t c;

		pos = skip_escape(text, len, at);
		if (pos > at)
			continue;
		c = unicode_next(text, len, &pos);
		if (c == '\r' && text[pos] == '\n')
			continue;
		if (c == '\n' || c == '\r')
			str_puts(out, newline);
		else if (c == UNICODE_INVALID)
			str_puts(out, "\xef\xbf\xbd");
		else if (!unicode_deceives(c))
			str_add(out, text + at, pos - at);
	}
}

/*
 * Redacted last, so that no secret hides behind characters which vanish.
 */
static void clean_and_redact(struct str *out, const char *text,
			     const char *newline)
{
	CLEANUP(str_release) struct str plain = STR_INIT(out->max);

	clean(&plain, text, newline);
	redact_text(out, plain.text, plain.len);
	str_inherit(out, &plain);
}

/* Does "GH-12", "GHSA-..." or "CVE-..." have its dash at s[i]? */
static bool is_reference_dash(const char *s, size_t i)
{
	static const char *const words[] = {"GH", "GHSA", "CVE"};

	for (size_t w = 0; w < ARRAY_SIZE(words); w++) {
		size_t n = strlen(words[w]);

		if (i >= n && strncasecmp(s + i - n, words[w], n) == 0)
			return true;
	}
	return false;
}

/* Must a zero-width space stand behind s[i] to break a trigger? */
static bool breaks_behind(const char *s, size_t i)
{
	switch (s[i]) {
	case '@':
	case '#':
	case '&':
		return true;
	case ':': /* URLs, mailto:, emoji names */
		return is_letter(s[i + 1]) ||
		       (s[i + 1] && strchr("/+-_", s[i + 1]));
	case '-':
		return is_reference_dash(s, i);
	case 'w':
	case 'W':
		return i >= 2 && strncasecmp(s + i - 2, "www.", 4) == 0;
	default:
		return false;
	}
}

/* A "_" inside a word is no markup; elsewhere it may be. */
static bool is_harmless(const char *s, size_t i)
{
	return s[i] == '_' && i && is_alnum(s[i - 1]) && is_alnum(s[i + 1]);
}

static void add_inert(struct str *out, const char *s)
{
	size_t hex = 0;

	for (size_t i = 0; s[i]; i++) {
		const char *ref = reference(s[i]);

		if (ref && !is_harmless(s, i))
			str_puts(out, ref);
		else
			str_putc(out, s[i]);
		/* Seven hexadecimal digits may be a commit. */
		hex = is_hex(s[i]) ? hex + 1 : 0;
		if (breaks_behind(s, i) || (hex == 6 && is_hex(s[i + 1]))) {
			str_puts(out, ZWSP);
			hex = 0;
		}
	}
}

static bool begins_line(const struct str *out)
{
	return !out->len || out->text[out->len - 1] == '\n';
}

void render_inline(struct str *out, const char *text)
{
	CLEANUP(str_release) struct str s = STR_INIT(out->max);

	clean_and_redact(&s, text, " ");
	/* Lists, headings, rules and indented code begin with no letter.  What
	 * begins with a mention must not even look like a command to us, who
	 * look through what cannot be seen (commands/grammar.c). */
	if (s.len && begins_line(out) && !is_letter(s.text[0]))
		str_puts(out, s.text[0] == '@' ? MIDDLE_DOT " " : ZWSP);
	add_inert(out, s.text);
	str_inherit(out, &s);
}

/* The longest run of backticks. */
static size_t longest_run(const char *s)
{
	size_t run = 0, most = 0;

	for (; *s; s++) {
		run = *s == '`' ? run + 1 : 0;
		if (run > most)
			most = run;
	}
	return most;
}

static void add_fence(struct str *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		str_putc(out, '`');
}

void render_code(struct str *out, const char *text)
{
	CLEANUP(str_release) struct str s = STR_INIT(out->max);
	const char *pad;
	size_t fence;

	clean_and_redact(&s, text, " ");
	fence = longest_run(s.text) + 1;
	/* One blank at both ends is taken off again by the parser. */
	pad = !s.len || is_alnum(s.text[0]) ? "" : " ";
	if (s.len && !is_alnum(s.text[s.len - 1]))
		pad = " ";
	add_fence(out, fence);
	str_puts(out, s.len ? pad : " ");
	str_puts(out, s.text);
	str_puts(out, pad);
	add_fence(out, fence);
	str_inherit(out, &s);
}

void render_block(struct str *out, const char *text)
{
	CLEANUP(str_release) struct str s = STR_INIT(out->max);
	size_t fence;

	clean_and_redact(&s, text, "\n");
	fence = longest_run(s.text) + 1;
	fence = fence < 3 ? 3 : fence;
	if (!begins_line(out))
		str_putc(out, '\n');
	add_fence(out, fence);
	str_puts(out, "text\n");
	str_puts(out, s.text);
	if (s.len && s.text[s.len - 1] != '\n')
		str_putc(out, '\n');
	add_fence(out, fence);
	str_putc(out, '\n');
	str_inherit(out, &s);
}

/* "octo-cat" or "octo-cat[bot]": what the forge gives as a login. */
static bool is_login(const char *login)
{
	size_t n = 0;

	while (is_alnum(login[n]) || login[n] == '-')
		n++;
	if (n < 1 || n > 39)
		return false;
	return !login[n] || strcmp(login + n, "[bot]") == 0;
}

void render_mention(struct str *out, const char *login)
{
	if (is_login(login))
		str_addf(out, "@%s", login);
	else
		render_inline(out, login);
}

void render_unquoted(struct str *out, const char *text)
{
	for (; *text; text++)
		if (*text != '`')
			str_putc(out, *text);
}

void render_description(struct str *out, const char *text)
{
	CLEANUP(str_release) struct str bare = STR_INIT(64u << 10);
	CLEANUP(str_release) struct str s = STR_INIT(64u << 10);
	size_t max = LIMIT_STATUS_DESCRIPTION;

	render_unquoted(&bare, text);
	clean_and_redact(&s, bare.len ? bare.text : "", " ");
	str_inherit(out, &bare);
	str_inherit(out, &s);
	if (s.len <= max) {
		str_add(out, s.text, s.len);
		return;
	}
	str_add(out, s.text, str_utf8_cut(s.text, s.len, max - 3));
	str_puts(out, "\xe2\x80\xa6");
}
