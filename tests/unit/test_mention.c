/* bot/mention.c: never says no where the grammar would hear something. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bot/base/json.h"
#include "bot/base/str.h"
#include "bot/base/unicode.h"
#include "bot/mention.h"

static bool possible(const char *json)
{
	/* A copy without a NUL, so that a read behind the end is found. */
	size_t len = strlen(json);
	char *copy = malloc(len ? len : 1);
	bool is;

	assert_non_null(copy);
	memcpy(copy, json, len);
	is = mention_possible("kcibot", copy, len);
	free(copy);
	return is;
}

static void test_a_mention_in_any_spelling_is_seen(void **state UNUSED)
{
	static const char *const yes[] = {
		"{\"body\":\"@kcibot deploy\"}",
		"{\"body\":\"x\\n@KciBot deploy\"}",
		"\"\\u0040kcibot\"",
		"\"@\\u006bcibot\"",
		"\"@\\u004Bcib\\u006ft\"",
		"\"\\u0040\\u006b\\u0063\\u0069\\u0062\\u006f\\u0074\"",
		"\"@k\xe2\x80\x8b"
		"cibot\"", /* a zero-width space */
		"\"@k\\u200bcibot\"",
		"\"@k\\u0001cibot\"",
		"\"@k\\bcibot\"",
		"\"@k\\ud83d\\ude00cibot\"",
		"\"@\x7fkcibot\"",
		"\"@@kcibot\"",
		"\"@kcib @kcibot\"",
		"\"\\u0040\\u0040kcibot\"",
		"\"@kcibot-dev\"", /* may be wrong, and is */
		"@kcibot",
	};

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		if (!possible(yes[i]))
			fail_msg("not seen: %s", yes[i]);
}

static void test_other_words_are_no_mention(void **state UNUSED)
{
	static const char *const no[] = {
		"",
		"@",
		"@kcibo",
		"@kcibo\\",
		"@kcibo\\u",
		"@kcibo\\u007",
		"\\u004",
		"\"kcibot\"",
		"\"@octocat kcibot\"",
		"\"@ kcibot\"",
		"\"@k cibot\"",
		"\"@\\u0020kcibo\"",
		"\"\\u0041kcibot\"",
		"\"@\\u0041kcibot\"",
		"\"me@example.org, \\u003ckcibot\\u003e\"",
	};

	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		if (possible(no[i]))
			fail_msg("seen: %s", no[i]);
}

static void test_a_name_that_is_no_login_is_always_possible(void **state UNUSED)
{
	assert_true(mention_possible("k\xc3\xa9", "{}", 2));
	assert_true(mention_possible("k i", "{}", 2));
	assert_false(mention_possible("ki", "{}", 2));
}

/* What the grammar sees: "@kcibot" in any case, deceivers left out. */
static bool is_heard(const char *text)
{
	CLEANUP(str_release) struct str plain = STR_INIT(4096);
	size_t len = strlen(text), pos = 0;

	while (pos < len) {
		size_t from = pos;

		if (!unicode_deceives(unicode_next(text, len, &pos)))
			str_add(&plain, text + from, pos - from);
	}
	return strcasestr(plain.text, "@kcibot") != NULL;
}

/* Each piece one character or none that anybody sees. */
static const char *const pieces[] = {
	"@",	    "\\u0040", "k",
	"K",	    "\\u006b", "c",
	"\\u0063",  "i",       "I",
	"b",	    "o",       "\\u006F",
	"t",	    "\\u0054", " ",
	"\\n",	    "\\u200b", "\\u0008",
	"\\t",	    "\\b",     "\xe2\x80\x8b",
	"\x7f",	    "-",       "\\u00e9",
	"\xc3\xa9",
};

static void add_random(struct str *out, const char *mention)
{
	/* Mostly the mention's next character, so that it comes about. */
	while (*mention || random() % 3) {
		const char *piece =
			pieces[(size_t)random() % ARRAY_SIZE(pieces)];
		bool right = *mention && random() % 8;

		if (right && random() % 3)
			str_addf(out, "%c", *mention);
		else if (right)
			str_addf(out, "\\u%04x", (unsigned)*mention);
		else
			str_puts(out, piece);
		mention += right;
	}
}

static void test_whatever_is_heard_is_possible(void **state UNUSED)
{
	int heard = 0;

	srandom(20261121);
	for (int n = 0; n < 20000; n++) {
		CLEANUP(str_release) struct str json = STR_INIT(4096);
		CLEANUP(json_decref) json_t *root = NULL;
		struct error e = ERROR_INIT;

		str_puts(&json, "{\"b\":\"");
		add_random(&json, n % 4 ? "@kcibot" : "");
		str_puts(&json, "\"}");
		root = js_parse(json.text, json.len, &e);
		if (!root || !is_heard(js_str(root, "b")))
			continue;
		heard++;
		if (!possible(json.text))
			fail_msg("not seen: %s", json.text);
	}
	assert_true(heard > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_mention_in_any_spelling_is_seen),
		cmocka_unit_test(test_other_words_are_no_mention),
		cmocka_unit_test(
			test_a_name_that_is_no_login_is_always_possible),
		cmocka_unit_test(test_whatever_is_heard_is_possible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
