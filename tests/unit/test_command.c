/* The command table: its rows, and every row against every kind of person. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "bot/base/cleanup.h"
#include "commands/command.h"
#include "commands/grammar.h"

static void test_rows(void **state UNUSED)
{
	for (int i = 0; i < VERB_MAX; i++) {
		const struct command *c = &command_table[i];

		assert_int_equal(c->verb, i);
		assert_true(strlen(c->help) > 0 && strlen(c->help) < 80);
		assert_true(strlen(c->name) <
			    sizeof(((struct said_command *)0)->verb) - 1);
		/* Nobody commands without a role or being the author. */
		assert_int_not_equal(c->role, ROLE_NONE);
		/* The names are found, and are unique. */
		assert_ptr_equal(command_find(c->name), c);
		assert_string_equal(command_nearest(c->name), c->name);
	}
	assert_null(command_find(""));
	assert_null(command_find("deployx"));
	assert_null(command_find("Deploy"));
}

static void test_allowed(void **state UNUSED)
{
	/* [verb][role] for other people's, then for the own pull request. */
	static const char may[VERB_MAX][ROLE_MAX + 1] = {
		[VERB_DEPLOY] = "nnyy", [VERB_TRIGGER] = "nnyy",
		[VERB_PLAN] = "nyyy",	[VERB_STATUS] = "nyyy",
		[VERB_WHY] = "nyyy",	[VERB_LOCK] = "nnyy",
		[VERB_UNLOCK] = "nnyy", [VERB_HELP] = "nyyy",
	};
	static const char may_author[VERB_MAX][ROLE_MAX + 1] = {
		[VERB_DEPLOY] = "nnyy", [VERB_TRIGGER] = "nnyy",
		[VERB_PLAN] = "yyyy",	[VERB_STATUS] = "yyyy",
		[VERB_WHY] = "yyyy",	[VERB_LOCK] = "nnyy",
		[VERB_UNLOCK] = "nnyy", [VERB_HELP] = "yyyy",
	};

	for (int v = 0; v < VERB_MAX; v++) {
		for (int r = 0; r < ROLE_MAX; r++) {
			const struct command *c = &command_table[v];
			enum role role = (enum role)r;

			assert_int_equal(command_allowed(c, role, false),
					 may[v][r] == 'y');
			assert_int_equal(command_allowed(c, role, true),
					 may_author[v][r] == 'y');
		}
	}
}

static void test_roles(void **state UNUSED)
{
	enum role role = ROLE_NONE;

	for (int i = 0; i < ROLE_MAX; i++) {
		assert_true(role_parse(role_name((enum role)i), &role));
		assert_int_equal(role, i);
	}
	assert_true(role_parse("Admin", &role));
	assert_int_equal(role, ROLE_ADMIN);
	assert_false(role_parse("root", &role));
	assert_false(role_parse("", &role));
	assert_string_equal(role_name(ROLE_MAX), "unknown");
}

static void test_nearest(void **state UNUSED)
{
	static const struct {
		const char *verb, *name;
	} rows[] = {
		{"deplyo", "deploy"},	/* swapped neighbours */
		{"dploy", "deploy"},	/* one missing */
		{"deployy", "deploy"},	/* one more */
		{"depoly", "deploy"},	/* swapped */
		{"deplox", "deploy"},	/* one changed */
		{"triger", "trigger"},	/* one missing */
		{"trgiegr", "trigger"}, /* two swaps */
		{"statsu", "status"},
		{"hlep", "help"},
		{"hepl", "help"},
		{"dep", "deploy"}, /* a beginning */
		{"stat", "status"},
		{"deploying", "deploy"}, /* goes on */
		{"**deploy**", "deploy"},
		{"`deploy`", "deploy"},
		{":deploy", "deploy"},
		{"de", NULL},	/* too short for a beginning */
		{"hi", NULL},	/* 2 edits of 2 letters */
		{"hexx", NULL}, /* half of it is wrong */
		{"yolped", NULL},
		{"rebase", NULL},
		{"", NULL},
		{"deployabcdefghijklmnopqrstuvwx", NULL}, /* too long */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *name = command_nearest(rows[i].verb);

		if (!rows[i].name && name)
			print_error("%s: got %s\n", rows[i].verb, name);
		if (rows[i].name)
			assert_string_equal(name ? name : rows[i].verb,
					    rows[i].name);
		else
			assert_null(name);
	}
}

static void help(struct str *out, enum role role, bool is_author)
{
	str_clear(out);
	command_help(out, "kcibot", role, is_author);
}

static void test_help(void **state UNUSED)
{
	CLEANUP(str_release) struct str s = STR_INIT(4096);
	struct error e = ERROR_INIT;
	struct said said;

	help(&s, ROLE_MAINTAINER, false);
	assert_non_null(strstr(s.text, "- `@kcibot deploy [SHA]`: deploy this "
				       "pull request now (short)\n"));
	assert_non_null(strstr(s.text, "`@kcibot trigger [SHA]`"));
	/* What the bot says is never a command. */
	assert_int_equal(grammar_read("kcibot", s.text, s.len, &said, &e),
			 ERR_OK);
	assert_int_equal(said.count, 0);

	help(&s, ROLE_NONE, true);
	assert_null(strstr(s.text, "`@kcibot deploy"));
	assert_non_null(strstr(s.text, "`@kcibot status`"));

	help(&s, ROLE_NONE, false);
	assert_null(strchr(s.text, '@'));
	assert_true(s.len > 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),  cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_roles), cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
