#include "bot/mention.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

/* What a character of the text turned out to be. */
enum {
	UNSEEN = -1, /* or not ASCII: passed over */
	OTHER = -2,
};

struct reader {
	const char *at;
	const char *end;
};

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Behind "\u". */
static int escaped_hex(struct reader *r)
{
	int value = 0;

	for (int n = 0; n < 4; n++) {
		int d = r->at < r->end ? digit(*r->at) : -1;

		if (d < 0)
			return OTHER;
		value = value << 4 | d;
		r->at++;
	}
	return value > 0x20 && value < 0x7f ? value : UNSEEN;
}

/* The next character, unescaped; OTHER at the end. */
static int next(struct reader *r)
{
	unsigned char c;

	if (r->at == r->end)
		return OTHER;
	c = (unsigned char)*r->at++;
	if (c >= 0x7f)
		return UNSEEN;
	if (c != '\\')
		return c;
	if (r->at == r->end)
		return OTHER;
	/* The short escapes stand for nothing that a name could hold. */
	return *r->at++ == 'u' ? escaped_hex(r) : UNSEEN;
}

/* Each character ends it but those that are passed over. */
static bool is_name(const char *name, const char *at, const char *end)
{
	struct reader r = {at, end};

	while (*name) {
		int c = next(&r);

		if (c == UNSEEN)
			continue;
		if (c < 0 || tolower(c) != tolower((unsigned char)*name))
			return false;
		name++;
	}
	return true;
}

/* Is there a name behind one of the signs, which begin with a rare byte? */
static bool is_behind(const char *sign, const char *name, const char *json,
		      size_t len)
{
	const char *at = json, *end = json + len;
	size_t sign_len = strlen(sign);

	/* memchr and not memmem, which takes ten times as long. */
	while ((at = memchr(at, *sign, (size_t)(end - at)))) {
		if ((size_t)(end - at) >= sign_len &&
		    memcmp(at, sign, sign_len) == 0 &&
		    is_name(name, at + sign_len, end))
			return true;
		at++;
	}
	return false;
}

bool mention_possible(const char *name, const char *json, size_t len)
{
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f)
			return true; /* no login: do not guess */
	return is_behind("@", name, json, len) ||
	       is_behind("\\u0040", name, json, len);
}
