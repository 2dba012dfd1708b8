/*
 * commands/args.c, with every row of the command table.  What is understood
 * can be said again and is understood as the same; a refusal is a plain
 * sentence that says how, whatever was written.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/cleanup.h"
#include "bot/base/str.h"
#include "commands/args.h"
#include "tests/fuzz/fuzz.h"

#define NAME "kcibot"

static void check_refusal(const struct command *c, const struct error *e)
{
	MUST(e->code == ERR_REFUSED && *e->text);
	MUST(strstr(e->text, c->name));
	for (const char *at = e->text; *at; at++)
		MUST(*at >= ' ' && *at <= '~');
}

static void check_values(const struct args *args)
{
	const struct command *c = args->command;

	for (size_t i = 0; i < ARGUMENTS_MAX; i++) {
		const struct argument *a = &c->arguments[i];
		size_t len = strnlen(args->values[i].text,
				     sizeof(args->values[i].text));

		MUST(len < sizeof(args->values[i].text));
		MUST(!args->values[i].given == !len);
		MUST(!strchr(args->values[i].text, '"'));
		if (!args->values[i].given)
			continue;
		MUST(a->type != ARGUMENT_NONE);
		if (a->type == ARGUMENT_TEXT)
			MUST(len <= (size_t)a->max);
		if (a->type == ARGUMENT_SPAN)
			MUST(args->values[i].number > 0 &&
			     args->values[i].number <= a->max);
	}
}

/* As it is offered for pasting. */
static void check_said_again(const struct args *args)
{
	CLEANUP(str_release) struct str line = STR_INIT(4096);
	struct error e = ERROR_INIT;
	struct args again;
	size_t prefix = strlen("@" NAME " ") + strlen(args->command->name);

	args_say(&line, NAME, args, "");
	MUST(!line.failed && line.len >= prefix);
	MUST(args_read(args->command, NAME, line.text + prefix, &again, &e) ==
	     ERR_OK);
	MUST(args_equal(args, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(free) char *text = fuzz_text(data, size);

	for (int v = 0; v < VERB_MAX; v++) {
		const struct command *c = &command_table[v];
		struct error e = ERROR_INIT;
		struct args args;

		if (args_read(c, NAME, text, &args, &e)) {
			check_refusal(c, &e);
			continue;
		}
		check_values(&args);
		check_said_again(&args);
	}
	return 0;
}

void fuzz_seeds(void)
{
	static const char *const seeds[] = {
		"0123456789ab",
		"force reason=\"the fix\"",
		"reason=x 0123456789ab force",
		"off",
		"on=staging force",
		"deploy",
		"@mona role=maintainer for=30d",
		"reason=\"open",
		"reason=\xe2\x80\x9cx\xe2\x80\x9d",
	};

	for (size_t i = 0; i < ARRAY_SIZE(seeds); i++)
		fuzz_seed(seeds[i], strlen(seeds[i]));
}
