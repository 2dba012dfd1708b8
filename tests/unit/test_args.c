/*
 * What stands behind a verb: each type at its limits, and everything that
 * must be refused.  A refusal never repeats what was written.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "bot/base/cleanup.h"
#include "bot/base/str.h"
#include "commands/args.h"

#define MINUTE (60LL * 1000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define SHA40 "0123456789abcdef0123456789abcdef01234567"

/* A command with every type of argument. */
static const struct command one = {
	.name = "one",
	.arguments = {{.name = "sha", .type = ARGUMENT_SHA},
		      {.name = "force", .type = ARGUMENT_FLAG},
		      {.name = "reason",
		       .type = ARGUMENT_TEXT,
		       .keyed = true,
		       .max = 255},
		      {.name = "for",
		       .type = ARGUMENT_SPAN,
		       .keyed = true,
		       .max = 30 * DAY},
		      {.name = "ok", .type = ARGUMENT_YESNO, .keyed = true}},
};
static const struct command two = {
	.name = "two",
	.arguments = {{.name = "user",
		       .type = ARGUMENT_LOGIN,
		       .required = true},
		      {.name = "role",
		       .type = ARGUMENT_ROLE,
		       .keyed = true,
		       .required = true},
		      {.name = "verb", .type = ARGUMENT_VERB, .keyed = true},
		      {.name = "short",
		       .type = ARGUMENT_TEXT,
		       .keyed = true,
		       .max = 5}},
};
static const struct command bare = {.name = "bare"};
/* A value that has no name. */
static const struct command loose = {
	.name = "loose",
	.arguments = {{.name = "on", .type = ARGUMENT_PLACE, .keyed = true},
		      {.name = "time", .type = ARGUMENT_SPAN, .max = DAY},
		      {.name = "note", .type = ARGUMENT_TEXT, .max = 20}},
};

static enum err read_args(const struct command *c, const char *text,
			  struct args *args, struct error *e)
{
	*e = (struct error)ERROR_INIT;
	return args_read(c, "kcibot", text, args, e);
}

/* --- what is understood --- */

struct good {
	const struct command *command;
	const char *text;
	const char *name, *value;
	int64_t number;
};

static const struct good goods[] = {
	{&one, SHA40, "sha", SHA40, 0},
	{&one, "0123456789ab", "sha", "0123456789ab", 0},
	{&one, "0123456789AB", "sha", "0123456789ab", 0},
	{&one, "force", "force", "force", 0},
	{&one, "FORCE", "force", "force", 0},
	{&one, "force 0123456789ab", "sha", "0123456789ab", 0},
	{&one, "0123456789ab force", "force", "force", 0},
	{&one, "reason=x", "reason", "x", 0},
	{&one, "Reason=x", "reason", "x", 0},
	{&one, "reason=\"a  b\"", "reason", "a  b", 0},
	{&one, "reason=\"a=b\"", "reason", "a=b", 0},
	{&one, "reason=a=b", "reason", "a=b", 0},
	{&one, "reason=\" \"", "reason", " ", 0},
	{&one, "reason='x'", "reason", "'x'", 0},
	{&one, "reason=back\\slash", "reason", "back\\slash", 0},
	{&one, "reason=\"\\n\"", "reason", "\\n", 0},
	{&one, "reason=@mona", "reason", "@mona", 0},
	{&one, "reason=gr\xc3\xbc\xc3\x9f", "reason", "gr\xc3\xbc\xc3\x9f", 0},
	{&one, "\t reason=x\t ", "reason", "x", 0},
	{&one, "reason=x force", "force", "force", 0},
	{&one, "for=30m", "for", "30m", 30 * MINUTE},
	{&one, "for=4h", "for", "4h", 4 * HOUR},
	{&one, "for=30d", "for", "30d", 30 * DAY},
	{&one, "for=1s", "for", "1s", 1000},
	{&one, "ok=yes", "ok", "yes", 1},
	{&one, "ok=NO", "ok", "no", 0},
	{&two, "@bob role=maintainer", "user", "bob", 0},
	{&two, "role=admin @bob", "role", "admin", ROLE_ADMIN},
	{&two, "@bob role=Contributor", "role", "Contributor",
	 ROLE_CONTRIBUTOR},
	{&two, "@my-app[bot] role=contributor", "user", "my-app[bot]", 0},
	{&two, "@a role=admin verb=Deploy", "verb", "deploy", 0},
	{&two, "@a role=admin short=12345", "short", "12345", 0},
	{&loose, "5m", "time", "5m", 5 * MINUTE},
	{&loose, "\"a note\"", "note", "a note", 0},
	{&loose, "on=staging-2_B", "on", "staging-2_B", 0},
};

static void test_good(void **state UNUSED)
{
	struct error e;
	struct args args;

	for (size_t i = 0; i < ARRAY_SIZE(goods); i++) {
		const struct good *g = &goods[i];

		if (read_args(g->command, g->text, &args, &e))
			fail_msg("%s: %s", g->text, e.text);
		assert_ptr_equal(args.command, g->command);
		assert_true(args_has(&args, g->name));
		assert_string_equal(args_text(&args, g->name), g->value);
		if (g->number)
			assert_int_equal(args_number(&args, g->name, -1),
					 g->number);
	}
}

static void test_absent(void **state UNUSED)
{
	struct error e;
	struct args args;

	assert_int_equal(read_args(&one, "", &args, &e), ERR_OK);
	assert_int_equal(read_args(&one, " \t ", &args, &e), ERR_OK);
	assert_false(args_has(&args, "reason"));
	assert_string_equal(args_text(&args, "reason"), "");
	assert_int_equal(args_number(&args, "for", 7), 7);
	assert_false(args_has(&args, "no such"));
	assert_string_equal(args_text(&args, "no such"), "");
	assert_int_equal(read_args(&bare, "", &args, &e), ERR_OK);
	/* "no" is given, and is 0. */
	assert_int_equal(read_args(&one, "ok=no", &args, &e), ERR_OK);
	assert_int_equal(args_number(&args, "ok", 7), 0);
}

/* --- what is refused --- */

struct bad {
	const struct command *command;
	const char *text;
	const char *why; /* is in the sentence */
};

static const struct bad bads[] = {
	{&one, "please", "does not fit"},
	{&one, "0123456789a", "does not fit"},	/* 11 digits */
	{&one, SHA40 "8", "does not fit"},	/* 41 */
	{&one, "0123456789ag", "does not fit"}, /* no digit */
	{&one, "0123456789ab 0123456789ab", "does not fit"},
	{&loose, "on=", "environment does not fit"},
	{&loose, "on=../x", "environment does not fit"},
	{&loose, "on=a.b", "environment does not fit"},
	{&loose, "on=a on=b", "twice"},
	{&one, "force force", "twice"},
	{&one, "forced", "does not fit"},
	{&one, "reason", "does not fit"},
	{&one, "reason=", "does not fit"},
	{&one, "reason=\"\"", "does not fit"},
	{&one, "reason=a reason=b", "twice"},
	{&one, "reason=a REASON=a", "twice"},
	{&one, "=x", "name in it is not known"},
	{&one, "why=x", "name in it is not known"},
	{&one, "sha=0123456789ab", "name in it is not known"},
	{&one, "force=yes", "name in it is not known"},
	{&one, "reason =x", "does not fit"},
	{&one, "reason= x", "does not fit"},
	{&one, "abcdefghijabcdefghijabcdefghijab=x", "not known"},
	{&one, "reason=\"open", "not closed"},
	{&one, "reason=\"", "not closed"},
	{&one, "\"", "not closed"},
	{&one, "reason=\"a\"b", "blank is missing"},
	{&one, "reason=\"a\"\"b\"", "blank is missing"},
	{&one, "reason=a\"b\"", "middle of a word"},
	{&one, "rea\"son=x", "middle of a word"},
	{&one, "reason=\xe2\x80\x9cthe fix\xe2\x80\x9d", "plain quotes"},
	{&one, "reason=\xe2\x80\x9ethe fix\xe2\x80\x9c", "plain quotes"},
	{&one, "reason=\xc2\xabthe fix\xc2\xbb", "plain quotes"},
	{&one, "reason=\xff\xfe", "does not fit"},	/* no UTF-8 */
	{&one, "reason=\xc3", "does not fit"},		/* cut off */
	{&one, "reason=\xed\xa0\x80", "does not fit"},	/* half a pair */
	{&one, "reason=a\x1b[31m", "does not fit"},	/* terminal */
	{&one, "reason=\xe2\x80\xae!", "does not fit"}, /* bidi */
	{&one, "reason=a\nb", "does not fit"},
	{&one, "for=0m", "does not fit"},
	{&one, "for=31d", "does not fit"}, /* beyond the row's max */
	{&one, "for=-1d", "does not fit"},
	{&one, "for=99999999999999999999d", "does not fit"},
	{&one, "for=1", "does not fit"},
	{&one, "for=1w", "does not fit"},
	{&one, "for=", "does not fit"},
	{&one, "ok=maybe", "does not fit"},
	{&one, "ok=", "does not fit"},
	{&two, "", "missing"},
	{&two, "@bob", "missing"},
	{&two, "role=admin", "missing"},
	{&two, "bob role=admin", "does not fit"},
	{&two, "@ role=admin", "does not fit"},
	{&two, "@bob/x role=admin", "does not fit"},
	{&two, "@bob[bot]x role=admin", "does not fit"},
	{&two, "@b.ob role=admin", "does not fit"},
	{&two, "@aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd role=admin",
	 "does not fit"}, /* 40 */
	{&two, "@bob @ben role=admin", "twice"},
	{&two, "@bob role=stranger", "does not fit"},
	{&two, "@bob role=root", "does not fit"},
	{&two, "@bob role=", "does not fit"},
	{&two, "@bob role=admin verb=deployx", "does not fit"},
	{&two, "@bob role=admin short=123456", "too long"},
	{&bare, "x", "takes nothing behind it"},
	{&bare, "x=y", "takes nothing behind it"},
	{&bare, "\"", "takes nothing behind it"},
	{&loose, "note=x", "not known"},
};

static void test_bad(void **state UNUSED)
{
	struct error e;
	struct args args;

	for (size_t i = 0; i < ARRAY_SIZE(bads); i++) {
		const struct bad *b = &bads[i];

		if (read_args(b->command, b->text, &args, &e) != ERR_REFUSED)
			fail_msg("understood: %s", b->text);
		if (!strstr(e.text, b->why))
			fail_msg("%s: %s", b->text, e.text);
		if (b->command != &bare)
			assert_non_null(strstr(e.text, "`@kcibot "));
	}
}

/* Nothing of what was written comes back, wherever it stood. */
static void test_no_echo(void **state UNUSED)
{
	static const char *const hostile[] = {
		"@evil",	 "evil=x",
		"reason=\"evil", "reason=\"evil\"evil",
		"evil\"evil",	 "reason=\xe2\x80\x9c evil",
		"sha=evil",	 "[evil](http://evil)",
		"<!--evil-->",	 "`evil`",
	};
	static const struct command *const commands[] = {&one, &two, &bare,
							 &loose};
	struct error e;
	struct args args;

	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++)
		for (size_t j = 0; j < ARRAY_SIZE(commands); j++)
			if (read_args(commands[j], hostile[i], &args, &e))
				assert_null(strstr(e.text, "evil"));
}

/* Text of exactly len bytes behind reason=. */
static enum err read_length(size_t len, bool quoted, struct args *args,
			    struct error *e)
{
	CLEANUP(str_release) struct str s = STR_INIT(1024);

	str_puts(&s, quoted ? "reason=\"" : "reason=");
	for (size_t i = 0; i < len; i++)
		str_putc(&s, 'x');
	str_puts(&s, quoted ? "\"" : "");
	return read_args(&one, s.text, args, e);
}

static void test_length(void **state UNUSED)
{
	struct error e;
	struct args args;

	for (int quoted = 0; quoted < 2; quoted++) {
		assert_int_equal(read_length(255, quoted, &args, &e), ERR_OK);
		assert_int_equal(strlen(args_text(&args, "reason")), 255);
		assert_int_equal(read_length(256, quoted, &args, &e),
				 ERR_REFUSED);
		assert_non_null(strstr(e.text, "too long"));
		assert_int_equal(read_length(600, quoted, &args, &e),
				 ERR_REFUSED);
	}
}

/* The rows of the real table hold what they promise. */
static void test_table(void **state UNUSED)
{
	for (int v = 0; v < VERB_MAX; v++) {
		const struct argument *a = command_table[v].arguments;

		for (size_t i = 0; i < ARGUMENTS_MAX && a[i].type; i++) {
			assert_non_null(a[i].name);
			assert_true(strlen(a[i].name) < 32);
			if (a[i].type == ARGUMENT_TEXT)
				assert_in_range(a[i].max, 1, 255);
			if (a[i].type == ARGUMENT_SPAN)
				assert_true(a[i].max > 0);
		}
	}
}

/* --- two readings --- */

static void test_equal(void **state UNUSED)
{
	struct error e;
	struct args a, b;

	assert_int_equal(read_args(&one, "force reason=x", &a, &e), ERR_OK);
	assert_int_equal(read_args(&one, "reason=\"x\"  FORCE", &b, &e),
			 ERR_OK);
	assert_true(args_equal(&a, &b));
	assert_int_equal(read_args(&one, "force", &b, &e), ERR_OK);
	assert_false(args_equal(&a, &b));
	assert_int_equal(read_args(&one, "force reason=y", &b, &e), ERR_OK);
	assert_false(args_equal(&a, &b));
	assert_int_equal(read_args(&bare, "", &b, &e), ERR_OK);
	assert_false(args_equal(&a, &b));
}

static void test_join(void **state UNUSED)
{
	struct error e;
	struct args a, b;

	assert_int_equal(read_args(&one, "force", &a, &e), ERR_OK);
	assert_int_equal(read_args(&one, "reason=x 0123456789ab", &b, &e),
			 ERR_OK);
	assert_int_equal(args_join(&a, &b, &e), ERR_OK);
	assert_true(args_has(&a, "force"));
	assert_string_equal(args_text(&a, "reason"), "x");
	assert_string_equal(args_text(&a, "sha"), "0123456789ab");
	assert_int_equal(read_args(&one, "reason=y", &b, &e), ERR_OK);
	assert_int_equal(args_join(&a, &b, &e), ERR_REFUSED);
	assert_string_equal(args_text(&a, "reason"), "x");
}

/* The line to paste says the same again, of that revision. */
static void test_line(void **state UNUSED)
{
	CLEANUP(str_release) struct str s = STR_INIT(1024);
	struct error e;
	struct args a, again;

	assert_int_equal(
		read_args(&one, "ok=no reason=\"a b\" force for=2h", &a, &e),
		ERR_OK);
	args_say(&s, "kcibot", &a, SHA40);
	assert_string_equal(s.text, "@kcibot one " SHA40
				    " force reason=\"a b\" for=2h ok=no");
	assert_int_equal(
		read_args(&one, s.text + strlen("@kcibot one "), &again, &e),
		ERR_OK);
	assert_string_equal(args_text(&again, "sha"), SHA40);
	assert_string_equal(args_text(&again, "reason"), "a b");
	str_clear(&s);
	assert_int_equal(read_args(&two, "@bob role=admin", &a, &e), ERR_OK);
	args_say(&s, "kcibot", &a, SHA40);
	assert_string_equal(s.text, "@kcibot two @bob role=admin");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),   cmocka_unit_test(test_absent),
		cmocka_unit_test(test_bad),    cmocka_unit_test(test_no_echo),
		cmocka_unit_test(test_length), cmocka_unit_test(test_table),
		cmocka_unit_test(test_equal),  cmocka_unit_test(test_join),
		cmocka_unit_test(test_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
