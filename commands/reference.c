/*
 * The command table for people: help in a comment, who may say what in the
 * documents.
 */
#include "bot/base/cleanup.h"
#include "commands/command.h"

/* "@kcibot trigger [SHA] [force] [reason=TEXT]" */
static void add_line(struct str *out, const struct command *c,
		     const char *bot_name)
{
	str_addf(out, "@%s %s%s", bot_name, c->name,
		 c->arguments[0].type ? " " : "");
	command_usage(out, c);
}

static void add_role(struct str *out, enum role role, bool is_author)
{
	str_addf(out, "Your role here is **%s**", role_name(role));
	str_puts(out, is_author ? ", and this is your own pull request.\n\n"
				: ".\n\n");
}

void command_help(struct str *out, const char *bot_name, enum role role,
		  bool is_author)
{
	int rows = 0;

	for (int i = 0; i < VERB_MAX; i++) {
		const struct command *c = &command_table[i];

		if (!command_allowed(c, role, is_author))
			continue;
		if (!rows++) {
			add_role(out, role, is_author);
			str_puts(out, "Write one of these at the start of a "
				      "line:\n\n");
		}
		str_puts(out, "- `");
		add_line(out, c, bot_name);
		str_addf(out, "`: %s\n", c->help);
	}
	if (!rows)
		str_puts(out, "There is nothing here that you may ask of me; "
			      "a maintainer of this repository may.\n");
}

/* "maintainers and admins, and the author of the pull request" */
static void add_who(struct str *out, enum role least, bool author_may)
{
	static const char *const people[ROLE_MAX] = {
		[ROLE_NONE] = "everybody",
		[ROLE_CONTRIBUTOR] = "contributors, maintainers and admins",
		[ROLE_MAINTAINER] = "maintainers and admins",
		[ROLE_ADMIN] = "admins",
	};

	str_puts(out, people[least]);
	if (author_may && least != ROLE_NONE)
		str_puts(out, ", and the author of the pull request");
}

void command_help_one(struct str *out, const struct command *c,
		      const char *bot_name, enum role role, bool is_author)
{
	str_puts(out, "- How: `");
	add_line(out, c, bot_name);
	str_addf(out, "`: %s\n- Who: ", c->help);
	add_who(out, c->role, c->author_may);
	str_addf(out, ". You %s.\n",
		 command_allowed(c, role, is_author) ? "may" : "may not");
	for (size_t i = 0; i < ARGUMENTS_MAX && c->arguments[i].type; i++) {
		const struct argument *a = &c->arguments[i];

		if (a->role <= c->role)
			continue;
		str_addf(out, "- `%s` takes more: ", a->name);
		add_who(out, a->role, false);
		str_addf(out, ". You %s.\n",
			 role >= a->role ? "may" : "may not");
	}
	str_addf(out, "- Example: `@%s %s%s%s`\n", bot_name, c->name,
		 c->example ? " " : "", c->example ? c->example : "");
}

/* --- documents --- */

/* A row for each command, and for each argument that takes more. */
struct row {
	const struct command *command;
	const struct argument *argument; /* or NULL */
};

static void each_row(struct str *out, const char *bot_name,
		     void (*add)(struct str *out, const char *bot_name,
				 const struct row *row))
{
	for (int i = 0; i < VERB_MAX; i++) {
		struct row row = {.command = &command_table[i]};

		add(out, bot_name, &row);
		for (size_t j = 0;
		     j < ARGUMENTS_MAX && row.command->arguments[j].type; j++) {
			row.argument = &row.command->arguments[j];
			if (row.argument->role > row.command->role)
				add(out, bot_name, &row);
		}
	}
}

static bool may(const struct row *row, enum role role, bool is_author)
{
	return command_allowed(row->command, role, is_author) &&
	       (!row->argument || role >= row->argument->role);
}

/* A "|" in a cell would end it, code or not. */
static void add_cell(struct str *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			str_putc(out, '\\');
		str_putc(out, *text);
	}
}

static void add_markdown(struct str *out, const char *bot_name,
			 const struct row *row)
{
	CLEANUP(str_release) struct str line = STR_INIT(512);

	if (row->argument)
		str_addf(&line, "... %s", row->argument->name);
	else
		add_line(&line, row->command, bot_name);
	str_puts(out, "| `");
	add_cell(out, line.text);
	str_puts(out, "` |");
	for (int role = 0; role < ROLE_MAX; role++)
		str_addf(out, " %s |",
			 may(row, (enum role)role, false)  ? "yes"
			 : may(row, (enum role)role, true) ? "own"
							   : "no");
	str_putc(out, ' ');
	if (row->argument)
		str_addf(out, "with `%s`", row->argument->name);
	else
		add_cell(out, row->command->help);
	str_puts(out, " |\n");
}

void command_reference(struct str *out, const char *bot_name)
{
	str_puts(out, "| what |");
	for (int role = 0; role < ROLE_MAX; role++)
		str_addf(out, " %s |", role_name((enum role)role));
	str_puts(out, " does |\n|:--|");
	for (int role = 0; role < ROLE_MAX; role++)
		str_puts(out, ":--|");
	str_puts(out, ":--|\n");
	each_row(out, bot_name, add_markdown);
}

/* Help texts hold code in backquotes; mdoc has none, the text stays. */
static void add_plain(struct str *out, const char *text)
{
	for (; *text; text++)
		if (*text != '`')
			str_putc(out, *text);
}

static void add_man(struct str *out, const char *bot_name UNUSED,
		    const struct row *row)
{
	if (row->argument) {
		str_addf(out, "With\n.Cm %s :\n", row->argument->name);
		add_who(out, row->argument->role, false);
		str_puts(out, ".\n");
		return;
	}
	str_addf(out, ".It Li \"%s%s", row->command->name,
		 row->command->arguments[0].type ? " " : "");
	command_usage(out, row->command);
	str_puts(out, "\"\n");
	add_plain(out, row->command->help);
	str_puts(out, ".\nFor ");
	add_who(out, row->command->role, row->command->author_may);
	str_puts(out, ".\n");
}

void command_reference_man(struct str *out, const char *bot_name)
{
	str_puts(out, ".Bl -tag -width Ds\n");
	each_row(out, bot_name, add_man);
	str_puts(out, ".El\n");
}
