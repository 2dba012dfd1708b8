#include "bot/base/redact_shapes.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "bot/base/attr.h"

struct scan {
	unsigned char *marks;
	const char *text;
	size_t len;
	size_t header_end; /* up to here a header has marked all */
};

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_';
}

/* A byte of a token: base64 in both spellings and what JWTs add. */
static bool is_token(char c)
{
	return is_word(c) || (c && strchr("-.~+/=", c));
}

/* Newer installation tokens are a JWT behind the prefix. */
static bool is_github(char c)
{
	return is_word(c) || c == '-' || c == '.';
}

static bool is_secret_text(char c)
{
	return c && !strchr(" \t\r\n\"'<>@", c);
}

/* How far what ok says goes on from at. */
static size_t span(const struct scan *s, size_t at, bool (*ok)(char))
{
	size_t end = at;

	while (end < s->len && ok(s->text[end]))
		end++;
	return end;
}

static void mark(const struct scan *s, size_t from, size_t to)
{
	memset(s->marks + from, 1, to - from);
}

static bool here(const struct scan *s, size_t at, const char *word)
{
	size_t n = strlen(word);

	return s->len - at >= n && !strncasecmp(s->text + at, word, n);
}

/*
 * Tokens: after the prefix come at least so many bytes of the kind.  With
 * keep the prefix is no part of the secret.
 */
static const struct token {
	const char *prefix;
	bool (*kind)(char);
	size_t least;
	bool keep;
} tokens[] = {
	{"ghp_", is_github, 16, false},
	{"gho_", is_github, 16, false},
	{"ghu_", is_github, 16, false},
	{"ghs_", is_github, 16, false},
	{"ghr_", is_github, 16, false},
	{"github_pat_", is_github, 16, false},
	{"eyJ", is_github, 17, false},
	{"x-access-token:", is_secret_text, 1, true},
	{"bearer ", is_token, 8, true},
};

/* Each scanner returns where to go on; that is at when it took nothing. */
static size_t take_token(struct scan *s, size_t at)
{
	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
		size_t from, to;

		if (!here(s, at, tokens[i].prefix))
			continue;
		from = at + strlen(tokens[i].prefix);
		to = span(s, from, tokens[i].kind);
		if (to - from < tokens[i].least)
			continue;
		mark(s, tokens[i].keep ? from : at, to);
		return to;
	}
	return at;
}

/* Authorization: anything up to the end of the line, also inside JSON. */
static size_t take_header(struct scan *s, size_t at)
{
	size_t from = at + strlen("authorization");
	const char *end;

	if (at < s->header_end || !here(s, at, "authorization"))
		return at;
	while (from < s->len && strchr(" \t\"'\\", s->text[from]) &&
	       s->text[from])
		from++;
	if (from == s->len || (s->text[from] != ':' && s->text[from] != '='))
		return at;
	from++;
	while (from < s->len && (s->text[from] == ' ' || s->text[from] == '\t'))
		from++;
	end = memchr(s->text + from, '\n', s->len - from);
	s->header_end = end ? (size_t)(end - s->text) : s->len;
	mark(s, from, s->header_end);
	/* A key may begin on this line: nothing is skipped. */
	return from;
}

/* Ends at the line of dashes; a key without one goes on to the end. */
static size_t take_pem(struct scan *s, size_t at)
{
	static const char key[] = "PRIVATE KEY-----";
	static const char tail[] = "-----END";
	const char *dashes, *end;
	size_t from;

	if (!here(s, at, "-----BEGIN "))
		return at;
	from = at + strlen("-----BEGIN ");
	dashes = memchr(s->text + from, '-', s->len - from);
	if (!dashes)
		return at;
	from = (size_t)(dashes - s->text) + strlen("-----");
	if (from > s->len || (size_t)(dashes - s->text) < strlen("PRIVATE KEY"))
		return at;
	if (!here(s, (size_t)(dashes - s->text) - strlen("PRIVATE KEY"), key))
		return at;
	end = memmem(s->text + from, s->len - from, tail, strlen(tail));
	mark(s, from, end ? (size_t)(end - s->text) : s->len);
	return end ? (size_t)(end - s->text) : s->len;
}

static bool is_pem_body(char c)
{
	return is_token(c) ? c != '-' : c && strchr(" \t\r\n\\,:", c);
}

/* The tail of a log may hold the end of a key alone. */
static size_t take_pem_end(struct scan *s, size_t at)
{
	static const char key[] = "PRIVATE KEY-----";
	size_t from = at, name = at + strlen("-----END ");
	const char *dashes;

	if (!here(s, at, "-----END "))
		return at;
	dashes = memchr(s->text + name, '-', s->len - name);
	if (!dashes || (size_t)(dashes - s->text) < name + strlen(key) - 5)
		return at;
	if (!here(s, (size_t)(dashes - s->text) - (strlen(key) - 5), key))
		return at;
	while (from && !s->marks[from - 1] && is_pem_body(s->text[from - 1]))
		from--;
	mark(s, from, at);
	return (size_t)(dashes - s->text) + 5;
}

static bool is_userinfo(char c)
{
	return c && !strchr(" \t\r\n\"'<>/?#", c);
}

/* scheme://user:password@host; ssh://git@host holds no secret. */
static size_t take_url(struct scan *s, size_t at)
{
	size_t from = at + strlen("://"), end, last;
	bool http;

	if (!here(s, at, "://"))
		return at;
	http = (at >= 4 && here(s, at - 4, "http")) ||
	       (at >= 5 && here(s, at - 5, "https"));
	end = span(s, from, is_userinfo);
	for (last = end; last > from && s->text[last - 1] != '@'; last--)
		;
	if (last > from && (http || memchr(s->text + from, ':', last - from)))
		mark(s, from, last - 1);
	/* What follows may be a token, so it is looked at again. */
	return from;
}

void redact_mark_shapes(unsigned char *marks, const char *text, size_t len)
{
	static size_t (*const takers[])(struct scan *, size_t) = {
		take_token, take_header, take_pem, take_pem_end, take_url,
	};
	/* What any of them begins with, in both cases. */
	static const char first[] = "aAbBeEgGxX-:";
	struct scan s = {marks, text, len, 0};
	size_t at = 0;

	while (at < len) {
		size_t next = at;

		if (text[at] && strchr(first, text[at]))
			for (size_t i = 0; next == at && i < ARRAY_SIZE(takers);
			     i++)
				next = takers[i](&s, at);
		at = next > at ? next : at + 1;
	}
}
