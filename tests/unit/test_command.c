/* The command table: its rows, and every row against every kind of person. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bot/base/cleanup.h"
#include "bot/base/fs.h"
#include "commands/args.h"
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
		[VERB_DEPLOY] = "nnyy",	 [VERB_TRIGGER] = "nnyy",
		[VERB_RETRY] = "nnyy",	 [VERB_STATUS] = "nyyy",
		[VERB_SKIP] = "nyyy",	 [VERB_INCLUDE] = "nnyy",
		[VERB_CANCEL] = "nnyy",	 [VERB_NOTMYFAULT] = "nyyy",
		[VERB_QUIET] = "nnyy",	 [VERB_VERBOSE] = "nnyy",
		[VERB_PING] = "nyyy",	 [VERB_PLAN] = "nyyy",
		[VERB_WHY] = "nyyy",	 [VERB_TRUST] = "nnny",
		[VERB_UNTRUST] = "nnny", [VERB_TRUSTED] = "nnyy",
		[VERB_LOCK] = "nnyy",	 [VERB_UNLOCK] = "nnyy",
		[VERB_HELP] = "nyyy",
	};
	static const char may_author[VERB_MAX][ROLE_MAX + 1] = {
		[VERB_DEPLOY] = "nnyy",	 [VERB_TRIGGER] = "nnyy",
		[VERB_RETRY] = "nnyy",	 [VERB_STATUS] = "yyyy",
		[VERB_SKIP] = "yyyy",	 [VERB_INCLUDE] = "nnyy",
		[VERB_CANCEL] = "yyyy",	 [VERB_NOTMYFAULT] = "yyyy",
		[VERB_QUIET] = "nnyy",	 [VERB_VERBOSE] = "nnyy",
		[VERB_PING] = "yyyy",	 [VERB_PLAN] = "yyyy",
		[VERB_WHY] = "yyyy",	 [VERB_TRUST] = "nnny",
		[VERB_UNTRUST] = "nnny", [VERB_TRUSTED] = "nnyy",
		[VERB_LOCK] = "nnyy",	 [VERB_UNLOCK] = "nnyy",
		[VERB_HELP] = "yyyy",
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
		{"skp", "skip"},
		{"cancle", "cancel"},
		{"notmyfalt", "notmyfault"},
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
	assert_non_null(
		strstr(s.text,
		       "- `@kcibot deploy [SHA] [on=ENVIRONMENT]`: deploy this "
		       "pull request now (short)\n"));
	assert_non_null(strstr(s.text, "`@kcibot trigger [SHA] [force] "
				       "[reason=TEXT] [on=ENVIRONMENT]`"));
	/* What the bot says is never a command. */
	assert_int_equal(grammar_read("kcibot", s.text, s.len, &said, &e),
			 ERR_OK);
	assert_int_equal(said.count, 0);

	assert_non_null(strstr(s.text, "Your role here is **maintainer**.\n"));

	help(&s, ROLE_NONE, true);
	assert_null(strstr(s.text, "`@kcibot deploy"));
	assert_null(strstr(s.text, "@kcibot include"));
	assert_non_null(strstr(s.text, "`@kcibot skip [reason=TEXT]`"));
	assert_non_null(strstr(s.text, "**stranger**, and this is your own"));
	assert_non_null(strstr(s.text, "`@kcibot status`"));

	help(&s, ROLE_NONE, false);
	assert_null(strchr(s.text, '@'));
	assert_true(s.len > 0);
}

static void test_help_one(void **state UNUSED)
{
	CLEANUP(str_release) struct str s = STR_INIT(4096);
	struct error e = ERROR_INIT;
	struct args args;

	command_help_one(&s, command_find("trigger"), "kcibot", ROLE_MAINTAINER,
			 false);
	assert_non_null(strstr(s.text, "`@kcibot trigger [SHA] [force] "));
	assert_non_null(
		strstr(s.text, "Who: maintainers and admins. You may."));
	assert_non_null(strstr(s.text, "`force` takes more: admins. You may "
				       "not."));
	str_clear(&s);
	command_help_one(&s, command_find("skip"), "kcibot", ROLE_NONE, true);
	assert_non_null(strstr(s.text, "author of the pull request. You "
				       "may."));
	/* Every example is one. */
	for (int i = 0; i < VERB_MAX; i++) {
		const struct command *c = &command_table[i];

		if (args_read(c, "kcibot", c->example ? c->example : "", &args,
			      &e))
			fail_msg("%s: %s", c->name, e.text);
	}
}

static void test_contradictions(void **state UNUSED)
{
	static const char *const rows[][2] = {
		{"skip", "include"},   {"skip", "deploy"},
		{"skip", "trigger"},   {"cancel", "deploy"},
		{"cancel", "trigger"}, {"quiet", "verbose"},
		{"quiet", "quiet"},    {"verbose", "verbose"},
		{"lock", "unlock"},    {"retry", "deploy"},
		{"retry", "trigger"},  {"retry", "cancel"},
		{"retry", "skip"},
	};
	int count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct command *a = command_find(rows[i][0]);
		const struct command *b = command_find(rows[i][1]);

		assert_true(command_contradicts(a, b));
		assert_true(command_contradicts(b, a));
	}
	for (int i = 0; i < VERB_MAX; i++)
		for (int j = i; j < VERB_MAX; j++)
			count += command_contradicts(&command_table[i],
						     &command_table[j]);
	assert_int_equal(count, ARRAY_SIZE(rows));
}

/*
 * The documents say what the table says, between two marks.  With
 * UPDATE_DOCS=1 they are written anew.
 */
static void check_document(const char *path, const char *begin, const char *end,
			   const struct str *want)
{
	CLEANUP(str_release) struct str page = STR_INIT(1 << 20);
	struct error e = ERROR_INIT;
	const char *a, *b;

	assert_int_equal(fs_read(path, &page, &e), ERR_OK);
	a = strstr(page.text, begin);
	b = strstr(page.text, end);
	assert_true(a && b && a < b);
	a += strlen(begin);
	if (getenv("UPDATE_DOCS")) {
		CLEANUP(str_release) struct str anew = STR_INIT(1 << 20);

		str_add(&anew, page.text, (size_t)(a - page.text));
		str_addf(&anew, "%s%s", want->text, b);
		assert_int_equal(fs_write(path, anew.text, anew.len, 0644, &e),
				 ERR_OK);
		return;
	}
	assert_int_equal(b - a, want->len);
	assert_memory_equal(a, want->text, want->len);
}

static void test_documents(void **state UNUSED)
{
	CLEANUP(str_release) struct str s = STR_INIT(1 << 16);

	str_putc(&s, '\n');
	command_reference(&s, "kcibot");
	str_putc(&s, '\n');
	check_document("docs/commands.md", "<!-- begin of the table -->\n",
		       "<!-- end of the table -->\n", &s);
	str_clear(&s);
	command_reference_man(&s, "kcibot");
	check_document("docs/kcibot.1", ".\\\" begin of the commands\n",
		       ".\\\" end of the commands\n", &s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_help_one),
		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_documents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
