#include "bot/base/unicode.h"

#include "bot/base/attr.h"

static const struct {
	uint32_t first, last;
	const char *what;
} deceivers[] = {
	{0x0000, 0x0000, "a NUL"},
	{0x0001, 0x0008, "a control character"},
	{0x000a, 0x001f, "a control character"},
	{0x007f, 0x009f, "a control character"},
	{0x00ad, 0x00ad, "a zero-width character"},
	{0x034f, 0x034f, "a zero-width character"},
	{0x061c, 0x061c, "a text direction (bidi) character"},
	{0x115f, 0x1160, "a zero-width character"},
	{0x17b4, 0x17b5, "a zero-width character"},
	{0x180b, 0x180f, "a zero-width character"},
	{0x200b, 0x200d, "a zero-width character"},
	{0x200e, 0x200f, "a text direction (bidi) character"},
	{0x2028, 0x2029, "a control character"},
	{0x202a, 0x202e, "a text direction (bidi) character"},
	{0x2060, 0x2065, "a zero-width character"},
	{0x2066, 0x2069, "a text direction (bidi) character"},
	{0x206a, 0x206f, "a control character"},
	{0x3164, 0x3164, "a zero-width character"},
	{0xfe00, 0xfe0f, "a zero-width character"},
	{0xfeff, 0xfeff, "a zero-width character"},
	{0xffa0, 0xffa0, "a zero-width character"},
	{0xfff0, 0xfffb, "a control character"},
	{0x1d173, 0x1d17a, "a control character"},
	{0xe0000, 0xe0fff, "a zero-width character"},
	{UNICODE_INVALID, UNICODE_INVALID, "bytes that are not UTF-8"},
};

const char *unicode_deceives(uint32_t c)
{
	for (size_t i = 0; i < ARRAY_SIZE(deceivers); i++)
		if (c >= deceivers[i].first && c <= deceivers[i].last)
			return deceivers[i].what;
	return NULL;
}

uint32_t unicode_next(const char *text, size_t len, size_t *pos)
{
	/* The least character that needs so many bytes: none is longer than
	 * it has to be. */
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *s = (const unsigned char *)text + *pos;
	size_t left = len - *pos;
	size_t n = s[0] < 0x80	 ? 1
		   : s[0] < 0xc2 ? 0
		   : s[0] < 0xe0 ? 2
		   : s[0] < 0xf0 ? 3
		   : s[0] < 0xf5 ? 4
				 : 0;
	uint32_t c;

	*pos += 1;
	if (n == 1)
		return s[0];
	if (!n || n > left)
		return UNICODE_INVALID;
	c = s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return UNICODE_INVALID;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return UNICODE_INVALID;
	*pos += n - 1;
	return c;
}
