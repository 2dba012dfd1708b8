/*
 * Two steps: mark the bytes of the text that are secret, then copy it with
 * every marked run replaced.  Registered secrets are found by Knuth, Morris
 * and Pratt, which sees overlaps and never goes back; the shapes of secrets
 * (redact_shapes.c) are scanners that move forward only.
 */
#include "bot/base/redact.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bot/base/cleanup.h"
#include "bot/base/redact_shapes.h"

/* Shorter secrets are not looked for; shorter pieces of one are not, too. */
#define LEAST 8

struct secret {
	struct secret *next;
	size_t len;
	unsigned *back; /* [i]: longest start that also ends text[0..i] */
	char *text;
};

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static struct secret *secrets;
static bool lost; /* a secret that we could not remember */

static size_t advance(const struct secret *s, size_t matched, char c)
{
	while (matched && (matched == s->len || s->text[matched] != c))
		matched = s->back[matched - 1];
	return s->text[matched] == c ? matched + 1 : 0;
}

static void fill_back(struct secret *s)
{
	size_t k = 0;

	s->back[0] = 0;
	for (size_t i = 1; i < s->len; i++) {
		while (k && s->text[k] != s->text[i])
			k = s->back[k - 1];
		if (s->text[k] == s->text[i])
			k++;
		s->back[i] = (unsigned)k;
	}
}

static void dispose(struct secret *s)
{
	free(s->back);
	free(s->text);
	free(s);
}
DEFINE_CLEANUP(struct secret *, dispose)

static struct secret *new_secret(const char *text, size_t len)
{
	CLEANUP(dispose) struct secret *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->len = len;
	s->text = malloc(len);
	s->back = calloc(len, sizeof(*s->back));
	if (!s->text || !s->back)
		return NULL;
	memcpy(s->text, text, len);
	fill_back(s);
	return TAKE(s);
}

/* With the write lock held. */
static void remember(const char *text, size_t len)
{
	struct secret *s;

	for (s = secrets; s; s = s->next)
		if (s->len == len && !memcmp(s->text, text, len))
			return;
	s = new_secret(text, len);
	if (!s) {
		lost = true;
		return;
	}
	s->next = secrets;
	secrets = s;
}

static void add_base64(struct str *out, const char *text, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = 0;
	int have = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | (unsigned char)text[i];
		for (have += 8; have >= 6; have -= 6)
			str_putc(out, digits[bits >> (have - 6) & 63]);
	}
	if (have)
		str_putc(out, digits[bits << (6 - have) & 63]);
}

/* As HTTP carries it: the padding says nothing and is left out. */
static void remember_base64(const char *user, const char *text, size_t len)
{
	CLEANUP(str_release) struct str plain = STR_INIT(SIZE_MAX / 4);
	CLEANUP(str_release) struct str coded = STR_INIT(SIZE_MAX / 2);

	str_puts(&plain, user);
	str_add(&plain, text, len);
	add_base64(&coded, plain.text, plain.len);
	if (plain.failed || coded.failed)
		lost = true;
	else
		remember(coded.text, coded.len);
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

void redact_secret(const char *secret)
{
	pthread_rwlock_wrlock(&lock);
	while (*secret) {
		size_t line = strcspn(secret, "\n");
		const char *from = secret;
		size_t len = line;

		while (len && blank(from[0]))
			from++, len--;
		while (len && blank(from[len - 1]))
			len--;
		if (len >= LEAST) {
			remember(from, len);
			remember_base64("", from, len);
			remember_base64("x-access-token:", from, len);
		}
		secret += line + (secret[line] == '\n');
	}
	pthread_rwlock_unlock(&lock);
}

/*
 * A text that was cut out of a longer one may begin in the middle of a
 * secret: the longest end of s that text begins with is marked.  False when
 * out of memory.
 */
static bool mark_cut_start(const struct secret *s, unsigned char *marks,
			   const char *text, size_t len)
{
	size_t n = len < s->len ? len : s->len;
	CLEANUP(dispose) struct secret *start = NULL;
	size_t matched = 0;

	if (n < LEAST)
		return true;
	start = new_secret(text, n);
	if (!start)
		return false;
	for (size_t i = 0; i < s->len; i++)
		matched = advance(start, matched, s->text[i]);
	if (matched >= LEAST)
		memset(marks, 1, matched);
	return true;
}

/* False when out of memory. */
static bool mark_secret(const struct secret *s, unsigned char *marks,
			const char *text, size_t len)
{
	size_t matched = 0, marked = 0;

	for (size_t i = 0; i < len; i++) {
		if (!matched) {
			const char *p = memchr(text + i, *s->text, len - i);

			if (!p)
				break;
			i = (size_t)(p - text);
		}
		matched = advance(s, matched, text[i]);
		if (matched == s->len) {
			size_t from = i + 1 - s->len;

			/* Nothing is marked twice, so that the time is ours. */
			if (from < marked)
				from = marked;
			memset(marks + from, 1, i + 1 - from);
			marked = i + 1;
		}
	}
	/* ... and may end in the middle of one. */
	if (matched >= LEAST)
		memset(marks + len - matched, 1, matched);
	return mark_cut_start(s, marks, text, len);
}

static void copy_unmarked(struct str *out, const unsigned char *marks,
			  const char *text, size_t len)
{
	size_t i = 0;

	while (i < len) {
		const unsigned char *end;
		size_t n;

		end = memchr(marks + i, marks[i] ? 0 : 1, len - i);
		n = end ? (size_t)(end - marks) - i : len - i;
		if (marks[i])
			str_puts(out, "[redacted]");
		else
			str_add(out, text + i, n);
		i += n;
	}
}

void redact_text(struct str *out, const char *text, size_t len)
{
	CLEANUP(free) char *marks = calloc(1, len + 1);
	bool blind, starved = !marks;

	pthread_rwlock_rdlock(&lock);
	blind = lost;
	for (struct secret *s = secrets; s && !blind && !starved; s = s->next)
		starved = !mark_secret(s, (unsigned char *)marks, text, len);
	pthread_rwlock_unlock(&lock);
	if (blind || starved) {
		str_puts(out, "[redacted: out of memory]");
		/* Next time it may be well; what shows a text that failed
		 * all the same shows this. */
		if (starved)
			out->failed = ERR_FATAL;
		return;
	}
	redact_mark_shapes((unsigned char *)marks, text, len);
	copy_unmarked(out, (unsigned char *)marks, text, len);
}
