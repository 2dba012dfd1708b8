/*
 * The grammar against the tables in tests/grammar, and the limits that are too
 * long to write down there.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bot/base/cleanup.h"
#include "bot/base/fs.h"
#include "bot/base/str.h"
#include "commands/args.h"
#include "commands/grammar.h"

static void unescape(struct str *out, const char *s)
{
	for (; *s; s++) {
		char hex[3] = {0};

		if (*s != '\\') {
			str_putc(out, *s);
			continue;
		}
		switch (*++s) {
		case 'n':
			str_putc(out, '\n');
			break;
		case 'r':
			str_putc(out, '\r');
			break;
		case 't':
			str_putc(out, '\t');
			break;
		case 'x':
			memcpy(hex, s + 1, 2);
			str_putc(out, (char)strtol(hex, NULL, 16));
			s += 2;
			break;
		default:
			assert_int_equal(*s, '\\');
			str_putc(out, '\\');
		}
	}
}

/* The reading in the corpus' own words. */
static void describe(struct str *out, const struct said *said)
{
	for (size_t i = 0; i < said->count; i++) {
		const struct said_command *c = &said->commands[i];

		str_addf(out, "%s%d:%s%s%s", i ? "; " : "", c->line, c->verb,
			 *c->args ? " " : "", c->args);
	}
	if (!said->count)
		str_puts(out, "-");
}

static bool check_reading(const char *text, size_t len, const char *want,
			  struct str *got)
{
	struct error e = ERROR_INIT;
	struct said said;

	if (grammar_read("kcibot", text, len, &said, &e)) {
		str_addf(got, "!%s", e.text);
		assert_int_equal(said.count, 0);
		return want[0] == '!' && strstr(e.text, want + 1);
	}
	describe(got, &said);
	return strcmp(got->text, want) == 0;
}

/* Reads text, leaves in got how; is it what is wanted? */
static bool check_row(char *row,
		      bool (*check)(const char *text, size_t len,
				    const char *want, struct str *got))
{
	CLEANUP(str_release) struct str comment = STR_INIT(LIMIT_COMMENT_IN);
	CLEANUP(str_release) struct str want = STR_INIT(LIMIT_COMMENT_IN);
	CLEANUP(str_release) struct str got = STR_INIT(LIMIT_COMMENT_IN);
	char *text = strchr(row, '\t');
	char *reading = text ? strchr(text + 1, '\t') : NULL;

	if (!reading) {
		print_error("no row: %s\n", row);
		return false;
	}
	*text++ = '\0';
	*reading++ = '\0';
	unescape(&comment, text);
	unescape(&want, reading);
	if (check(comment.text, comment.len, want.text, &got))
		return true;
	print_error("%s: %s\n  want %s\n  got  %s\n", row, text, want.text,
		    got.text);
	return false;
}

static void check_table(const char *path,
			bool (*check)(const char *text, size_t len,
				      const char *want, struct str *got),
			int least)
{
	CLEANUP(str_release) struct str file = STR_INIT(1 << 20);
	struct error e = ERROR_INIT;
	int rows = 0, wrong = 0;
	char *save = NULL;

	assert_int_equal(fs_read(path, &file, &e), ERR_OK);
	for (char *row = strtok_r(file.text, "\n", &save); row;
	     row = strtok_r(NULL, "\n", &save)) {
		if (row[0] == '#')
			continue;
		rows++;
		wrong += !check_row(row, check);
	}
	assert_int_equal(wrong, 0);
	assert_true(rows >= least);
}

static void test_corpus(void **state UNUSED)
{
	check_table("tests/grammar/corpus.tsv", check_reading, 200);
}

/* As the command table reads it; false when something in it is refused. */
static bool describe_args(const struct said *said, struct str *got,
			  struct error *e)
{
	for (size_t i = 0; i < said->count; i++) {
		const struct said_command *c = &said->commands[i];
		const struct command *command = command_find(c->verb);
		struct args args;

		if (!command)
			return error_set(e, ERR_REFUSED, "no such verb") ==
			       ERR_OK;
		if (args_read(command, "kcibot", c->args, &args, e))
			return false;
		str_addf(got, "%s%d:%s", i ? "; " : "", c->line, c->verb);
		for (size_t k = 0; k < ARGUMENTS_MAX; k++)
			if (args.values[k].given)
				str_addf(got, " %s=[%s]",
					 command->arguments[k].name,
					 args.values[k].text);
	}
	return true;
}

static bool check_arguments(const char *text, size_t len, const char *want,
			    struct str *got)
{
	struct error e = ERROR_INIT;
	struct said said;

	if (!grammar_read("kcibot", text, len, &said, &e) &&
	    describe_args(&said, got, &e))
		return strcmp(got->text, want) == 0;
	str_addf(got, "!%s", e.text);
	return want[0] == '!' && strstr(e.text, want + 1);
}

static void test_arguments(void **state UNUSED)
{
	check_table("tests/grammar/arguments.tsv", check_arguments, 60);
}

/* A line of exactly len bytes that begins with a command. */
static void add_line(struct str *s, size_t len)
{
	size_t end = s->len + len;

	str_puts(s, "@kcibot deploy ");
	while (s->len < end)
		str_putc(s, 'x');
}

static void test_line_length(void **state UNUSED)
{
	CLEANUP(str_release) struct str s = STR_INIT(4096);
	struct error e = ERROR_INIT;
	struct said said;

	add_line(&s, LIMIT_COMMAND_LINE);
	str_puts(&s, "\r\n");
	assert_int_equal(grammar_read("kcibot", s.text, s.len, &said, &e),
			 ERR_OK);
	assert_int_equal(said.count, 1);
	assert_int_equal(strlen(said.commands[0].args),
			 LIMIT_COMMAND_LINE - strlen("@kcibot deploy "));
	str_clear(&s);
	add_line(&s, LIMIT_COMMAND_LINE + 1);
	assert_int_equal(grammar_read("kcibot", s.text, s.len, &said, &e),
			 ERR_INVALID);
	assert_non_null(strstr(e.text, "line 1 is longer than 512 bytes"));
}

static void test_comment_length(void **state UNUSED)
{
	CLEANUP(str_release) struct str s = STR_INIT(1 << 20);
	struct error e = ERROR_INIT;
	struct said said;

	str_puts(&s, "@kcibot deploy\n\n");
	while (s.len < LIMIT_COMMENT_IN)
		str_putc(&s, 'x');
	assert_int_equal(grammar_read("kcibot", s.text, s.len, &said, &e),
			 ERR_OK);
	assert_int_equal(said.count, 1);
	str_putc(&s, 'x');
	assert_int_equal(grammar_read("kcibot", s.text, s.len, &said, &e),
			 ERR_INVALID);
	assert_non_null(strstr(e.text, "64 KiB"));
	/* Without a mention its length is nobody's business. */
	assert_int_equal(grammar_read("other", s.text, s.len, &said, &e),
			 ERR_OK);
	assert_int_equal(said.count, 0);
}

/* Deep nesting and thousands of mentions must neither crash nor hang. */
static void test_hostile_shapes(void **state UNUSED)
{
	static const char *const units[] = {
		"- ", "> ", "[", "![", "*", "`", "<", "@kcibot a\n", "| a ",
	};
	struct error e = ERROR_INIT;
	struct said said;

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		CLEANUP(str_release) struct str s = STR_INIT(LIMIT_COMMENT_IN);

		while (s.len < LIMIT_COMMENT_IN / 2)
			str_puts(&s, units[i]);
		while (!s.failed)
			str_puts(&s, "\n@kcibot deploy");
		/* Whatever it says, it is never more than eight. */
		(void)!grammar_read("kcibot", s.text, s.len, &said, &e);
		assert_true(said.count <= LIMIT_COMMANDS_PER_COMMENT);
	}
}

static void test_other_names(void **state UNUSED)
{
	static const char text[] = "@kcibot-dev deploy\n@k status\n";
	struct error e = ERROR_INIT;
	struct said said;

	assert_int_equal(
		grammar_read("KCIbot-Dev", text, strlen(text), &said, &e),
		ERR_OK);
	assert_int_equal(said.count, 1);
	assert_string_equal(said.commands[0].verb, "deploy");
	assert_int_equal(grammar_read("k", text, strlen(text), &said, &e),
			 ERR_OK);
	assert_int_equal(said.count, 1);
	assert_string_equal(said.commands[0].verb, "status");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corpus),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_line_length),
		cmocka_unit_test(test_comment_length),
		cmocka_unit_test(test_hostile_shapes),
		cmocka_unit_test(test_other_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
