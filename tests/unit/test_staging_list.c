/* KernelCI's list of trusted logins: read as it is, written so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "bot/staging_list.h"

/* What a file reads as: "a b c", or the complaint. */
static const char *names_of(const char *text, size_t len)
{
	static struct str out = STR_INIT(1u << 20);
	struct error e = ERROR_INIT;
	CLEANUP(json_decref) json_t *names = staging_list_read(text, len, &e);
	const json_t *one;
	size_t i;

	str_release(&out);
	if (!names)
		str_puts(&out, e.text);
	json_array_foreach (names, i, one)
		str_addf(&out, "%s%s", i ? " " : "", json_string_value(one));
	return out.text;
}

static void test_read(void **state UNUSED)
{
	static const struct {
		const char *text, *names;
	} rows[] = {
		{"[DEFAULT]\nbranch: staging.kernelci.org\nusers:\n    10ne1\n"
		 "    BayLibre\n    broonie\n\n[bootrr]\n\n[kernelci-api]\n",
		 "10ne1 BayLibre broonie"},
		/* Commas, one line, "=" and a mention. */
		{"[DEFAULT]\nusers = a, b,c ,@d\n", "a b c d"},
		{"[DEFAULT]\nusers: a\n  b\n\te,f\n", "a b e f"},
		/* The same twice, in another case too. */
		{"[DEFAULT]\nusers:\n vig\n x\n Vig\n x\n", "vig x"},
		/* Comments and empty lines within; a byte order mark. */
		{"\xef\xbb\xbf; x\n[DEFAULT]\n# y\nusers:\n a\n\n # b\n ; c\n"
		 " d # e\nother: f\n g\n",
		 "a d"},
		{"[DEFAULT]\r\nusers:\r\n    a\r\n    b\r\n", "a b"},
		{"[default]\nUsers:\n a\nOrganisations: o1\n o2\n", "a o1 o2"},
		{"[DEFAULT]\nusers:\n dependabot[bot]\n a_b\n",
		 "dependabot[bot] a_b"},
		{"users: a\n[x]\nbranch: y\n", "a"},
		{"[DEFAULT]\nusers: a\n[x]\n indented\n", "a"},
		{"[DEFAULT]\nusers: z", "z"},
		/* An empty one says so. */
		{"", "there is no name in it: nothing was done"},
		{"[DEFAULT]\nusers:\n", "there is no name in it: nothing was "
					"done"},
		{"[DEFAULT]\nusers:\n # a\n", "there is no name in it: nothing "
					      "was done"},
		/* What would be misread is refused. */
		{"[DEFAULT]\nusers: a\n[x]\nusers: b\n",
		 "line 4: a list for one section alone cannot be taken over: "
		 "use trust add --project"},
		{"[DEFAULT]\nusers:\n a/b\n",
		 "line 3: a name of the list is no login"},
		{"[DEFAULT]\nusers:\n ../../x\n",
		 "line 3: a name of the list is no login"},
		{"[DEFAULT]\nusers:\n a\x1b[31m\n",
		 "line 3: a name of the list is no login"},
		{"[DEFAULT]\nusers:\n a[bot]b\n",
		 "line 3: a name of the list is no login"},
		{"[DEFAULT]\nusers:\n "
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
		 "line 3: a name of the list is no login"},
		{"[DEFAULT]\nusers:\na\n",
		 "line 3: neither a section nor KEY: VALUE"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(
			names_of(rows[i].text, strlen(rows[i].text)),
			rows[i].names);
	assert_string_equal(names_of("users: a\0b", 10),
			    "a NUL byte in the file");
}

/* A line as long as it likes: no name is cut in two. */
static void test_long_line(void **state UNUSED)
{
	CLEANUP(str_release) struct str text = STR_INIT(1u << 20);
	struct error e = ERROR_INIT;
	json_t *names;

	str_puts(&text, "[DEFAULT]\nusers: ");
	for (int i = 0; i < STAGING_LIST_MAX; i++)
		str_addf(&text, "user%d, ", i);
	names = staging_list_read(text.text, text.len, &e);
	assert_int_equal(json_array_size(names), STAGING_LIST_MAX);
	json_decref(names);
	str_puts(&text, "onemore");
	assert_null(staging_list_read(text.text, text.len, &e));
	assert_int_equal(e.code, ERR_INVALID);
}

static json_t *row(const char *login, const char *role, const char *scope,
		   int64_t expires_ms, bool unasked)
{
	return json_pack("{s:s, s:i, s:s, s:s, s:I, s:b}", "login", login, "id",
			 7, "role", role, "scope", scope, "expires_ms",
			 (json_int_t)expires_ms, "unasked", unasked);
}

static void test_write(void **state UNUSED)
{
	CLEANUP(json_decref)
	json_t *trust = json_pack(
		"[o, o, o, o, o, o]", row("zoe", "admin", "", 0, true),
		row("Ben", "maintainer", "", 0, true),
		row("ada", "contributor", "", 0, true),
		row("kim", "contributor", "", 99, true),
		row("cat", "contributor", "acme/web", 0, true),
		row("not", "contributor", "", 0, false));
	CLEANUP(str_release) struct str out = STR_INIT(1u << 20);

	staging_list_write(&out, trust);
	assert_non_null(strstr(out.text, "    ada\n    Ben\n    zoe\n"));
	assert_null(strstr(out.text, "kim"));
	assert_null(strstr(out.text, "cat"));
	assert_non_null(strstr(out.text, "# Roles are not expressible"));
	assert_string_equal(names_of(out.text, out.len), "ada Ben zoe");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
