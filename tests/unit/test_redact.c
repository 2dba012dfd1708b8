/*
 * Redaction: what must not come out, and what must not be lost.  Registered
 * secrets stay for the life of the process, so each test has its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "bot/base/cleanup.h"
#include "bot/base/redact.h"

static void check(const char *text, const char *want)
{
	CLEANUP(str_release) struct str out = STR_INIT(1 << 20);

	redact_text(&out, text, strlen(text));
	assert_string_equal(out.text, want);
}

static void shapes(void **state UNUSED)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"", ""},
		{"nothing to see", "nothing to see"},
		{"a ghp_0123456789abcdef b", "a [redacted] b"},
		{"ghp_0123456789abcde", "ghp_0123456789abcde"},
		{"gho_AAAAAAAAAAAAAAAA", "[redacted]"},
		{"ghu_AAAAAAAAAAAAAAAA,", "[redacted],"},
		{"ghr_AAAAAAAAAAAAAAAA", "[redacted]"},
		{"ghx_AAAAAAAAAAAAAAAA", "ghx_AAAAAAAAAAAAAAAA"},
		{"ghs_12_eyJhbGci.eyJpc-3Mi.Zm_9v!", "[redacted]!"},
		{"github_pat_11AAAAAAA0123456789_abc", "[redacted]"},
		{"x=ghp_0123456789abcdefghp_0123456789abcdef", "x=[redacted]"},
		{"Authorization: token abc\nHost: x",
		 "Authorization: [redacted]\nHost: x"},
		{"authorization:abc", "authorization:[redacted]"},
		{"{\"Authorization\": \"Basic abc\"}",
		 "{\"Authorization\": [redacted]"},
		{"Proxy-AUTHORIZATION: x", "Proxy-AUTHORIZATION: [redacted]"},
		{"http.extraheader=AUTHORIZATION: basic eA==",
		 "http.extraheader=AUTHORIZATION: [redacted]"},
		{"authorization of users", "authorization of users"},
		{"Authorization:", "Authorization:"},
		{"Authorization", "Authorization"},
		{"use bearer abcd1234-._~+/= now", "use bearer [redacted] now"},
		{"Bearer abc", "Bearer abc"},
		{"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln ok",
		 "[redacted] ok"},
		{"eyJ and eyJabc", "eyJ and eyJabc"},
		{"https://me:pw@host/x", "https://[redacted]@host/x"},
		{"http://token@host/x", "http://[redacted]@host/x"},
		{"https://me:p@w@host/x", "https://[redacted]@host/x"},
		{"ssh://git@host/x", "ssh://git@host/x"},
		{"ssh://git:pw@host/x", "ssh://[redacted]@host/x"},
		{"https://host/a@b", "https://host/a@b"},
		{"https://host?a@b", "https://host?a@b"},
		{"https://x:ghp_0123456789abcdef", "https://x:[redacted]"},
		{"x-access-token:abc@github.com",
		 "x-access-token:[redacted]@github.com"},
		{"://", "://"},
		{"@://@", "@://@"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(cases[i].text, cases[i].want);
}

static void keys(void **state UNUSED)
{
	check("a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\nAA==\n"
	      "-----END RSA PRIVATE KEY-----\nb",
	      "a\n-----BEGIN RSA PRIVATE KEY-----[redacted]"
	      "-----END RSA PRIVATE KEY-----\nb");
	check("-----BEGIN PRIVATE KEY-----\nMIIE\nno end",
	      "-----BEGIN PRIVATE KEY-----[redacted]");
	check("-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
	      "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----");
	check("log!\nMIIEabc\nAA==\n-----END EC PRIVATE KEY-----\nb",
	      "log![redacted]-----END EC PRIVATE KEY-----\nb");
	check("-----BEGIN ", "-----BEGIN ");
	check("-----BEGIN -", "-----BEGIN -");
	check("-----END ", "-----END ");
	check("-----BEGIN PRIVATE KEY-", "-----BEGIN PRIVATE KEY-");
}

static void registered(void **state UNUSED)
{
	redact_secret("correct-horse");
	check("a correct-horse b", "a [redacted] b");
	check("correct-horsecorrect-horse", "[redacted]");
	check("correct-horse correct-horse", "[redacted] [redacted]");
	check("correct-hors", "[redacted]"); /* cut off by somebody */
	check("the correct-", "the [redacted]");
	check("ct-horse!", "[redacted]!");
	check("correct", "correct"); /* seven bytes say little */
	check("correct-correct-horse", "correct-[redacted]");
}

static void lines(void **state UNUSED)
{
	redact_secret("first-line-1\r\n  second-line-2  \nshort\n\n\tthird-33");
	check("first-line-1", "[redacted]");
	check("second-line-2", "[redacted]");
	check("third-33 short", "[redacted] short");
	check("first-line-1\nsecond-line-2", "[redacted]\n[redacted]");
}

static void overlapping(void **state UNUSED)
{
	redact_secret("abcdabcd");
	redact_secret("dabcdxyz");
	check("-abcdabcdabcd-", "-[redacted]-");
	check("-abcdabcdxyz-", "-[redacted]-");
	check("-abcdabcd-dabcdxyz-", "-[redacted]-[redacted]-");
	redact_secret("aaaaaaaab");
	check("aaaaaaaaaaaab!", "aaaa[redacted]!");
}

static void short_words(void **state UNUSED)
{
	redact_secret("");
	redact_secret("deploy");
	redact_secret("staging");
	redact_secret("       \n\n  password1  x\n");
	check("deploy to staging", "deploy to staging");
	check("       ", "       ");
	check("password1  x", "[redacted]");
}

static void basic_authentication(void **state UNUSED)
{
	redact_secret("tok-en-0123456789");
	/* printf x-access-token:tok-en-0123456789 | base64 */
	check("u eC1hY2Nlc3MtdG9rZW46dG9rLWVuLTAxMjM0NTY3ODk= v",
	      "u [redacted]= v");
	/* printf tok-en-0123456789 | base64 */
	check("dG9rLWVuLTAxMjM0NTY3ODk=", "[redacted]=");
}

static void binary(void **state UNUSED)
{
	static const char text[] = "\0\xff\x80"
				   "binary-secret\0ghp_0123456789abcdef\0";
	static const char want[] = "\0\xff\x80[redacted]\0[redacted]\0";
	CLEANUP(str_release) struct str out = STR_INIT(1000);

	redact_secret("binary-secret");
	redact_text(&out, text, sizeof(text));
	assert_int_equal(out.len, sizeof(want));
	assert_memory_equal(out.text, want, sizeof(want));
}

/* Each of these took minutes if anything were done twice per byte. */
static void linear(void **state UNUSED)
{
	static const char *const seeds[] = {
		"authorization:",
		"-----BEGIN ",
		"-----END PRIVATE KEY-----",
		"://",
		"eyJ",
		"ghp_",
		"aaaaaaaa",
		"bearer ",
		"-----BEGIN PRIVATE KEY-----",
	};
	static char text[256 << 10];

	redact_secret(
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");
	for (size_t i = 0; i < ARRAY_SIZE(seeds); i++) {
		CLEANUP(str_release) struct str out = STR_INIT(64 << 20);
		size_t n = strlen(seeds[i]);

		for (size_t at = 0; at < sizeof(text); at++)
			text[at] = seeds[i][at % n];
		redact_text(&out, text, sizeof(text));
		assert_int_equal(out.failed, ERR_OK);
	}
}

static void *hammer(void *arg)
{
	int id = *(int *)arg;

	for (int i = 0; i < 50; i++) {
		CLEANUP(str_release) struct str out = STR_INIT(1000);
		char secret[64];

		snprintf(secret, sizeof(secret), "thread-%d-secret-%d-", id, i);
		redact_secret(secret);
		redact_text(&out, secret, strlen(secret));
		if (strcmp(out.text, "[redacted]") != 0)
			return arg;
	}
	return NULL;
}

static void threads(void **state UNUSED)
{
	pthread_t t[4];
	int ids[4];

	for (int i = 0; i < 4; i++) {
		ids[i] = i;
		assert_int_equal(pthread_create(&t[i], NULL, hammer, &ids[i]),
				 0);
	}
	for (int i = 0; i < 4; i++) {
		void *bad;

		pthread_join(t[i], &bad);
		assert_null(bad);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes),
		cmocka_unit_test(keys),
		cmocka_unit_test(registered),
		cmocka_unit_test(lines),
		cmocka_unit_test(overlapping),
		cmocka_unit_test(short_words),
		cmocka_unit_test(basic_authentication),
		cmocka_unit_test(binary),
		cmocka_unit_test(linear),
		cmocka_unit_test(threads),
	};

	return cmocka_run_group_tests_name("redact", tests, NULL, NULL);
}
