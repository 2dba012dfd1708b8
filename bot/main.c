/*
 * kcibot: the subcommands, and the one option that most of them share.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "bot/base/log.h"
#include "bot/cli.h"
#include "bot/serve.h"
#include "bot/version.h"
#include "commands/command.h"
#include "deploy/supervisor.h"

struct subcommand {
	const char *name;
	const char *usage; /* after the name */
	const char *help;
	/* With a configuration: argv[0] is the first word after --config. */
	int (*run)(const struct config *c, int argc, char **argv);
	bool warns;	  /* what is doubtful in the file is for them to say */
	const char *more; /* after the usage, or NULL */
};

static int run_serve(const struct config *c, int argc, char **argv UNUSED)
{
	if (argc > 1) {
		fprintf(stderr, "usage: kcibot serve --config FILE\n");
		return 2;
	}
	return serve(c);
}

static int run_check(const struct config *c, int argc UNUSED,
		     char **argv UNUSED)
{
	return cli_check(c);
}

static int run_trust(const struct config *c, int argc, char **argv)
{
	return cli_trust(c, argc - 1, argv + 1);
}

static const struct subcommand subcommands[] = {
	{"serve", "--config FILE", "run the bot in the foreground",
	 .run = run_serve, .warns = true},
	{"check", "--config FILE", "validate the configuration",
	 .run = run_check, .warns = true},
	{"trust", "list|add|remove|import|export --config FILE ...",
	 "show and change who may command", .run = run_trust,
	 .more = "  trust list\n"
		 "  trust add LOGIN --role admin|maintainer|contributor\n"
		 "      [--for 30d | --until 2027-01-31] [--project "
		 "OWNER/REPO]\n"
		 "      [--reason TEXT] [--unasked yes|no]\n"
		 "  trust remove LOGIN | --id NUMBER\n"
		 "  trust import LIST [--apply] [--max-removals NUMBER] "
		 "[--skip-unknown]\n"
		 "  trust export\n"},
	{"say", "--config FILE --as LOGIN --on OWNER/REPO#N 'deploy'",
	 "say it as if in a comment", .run = cli_say},
	{"status", "--config FILE [--json]",
	 "environments, queue, running cycle, last verdicts",
	 .run = cli_status},
	{"audit", "--config FILE [--since 7d] [--json] [--expect ID:HASH]",
	 "print who decided what and why; prove that nothing was changed",
	 .run = cli_audit},
	{"version", "", "print the version", .run = NULL},
	{"help", "[SUBCOMMAND | commands]",
	 "print this, or who may say what in a comment", .run = NULL},
};

static const struct subcommand *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(subcommands); i++)
		if (strcmp(subcommands[i].name, name) == 0)
			return &subcommands[i];
	return NULL;
}

/* Who may say what in a comment, as docs/commands.md has it. */
static int help_commands(FILE *to)
{
	CLEANUP(str_release) struct str table = STR_INIT(1u << 16);

	command_reference(&table, "kcibot");
	fputs(table.text, to);
	return 0;
}

static int help(const char *name, FILE *to)
{
	const struct subcommand *one = name ? find(name) : NULL;

	if (name && strcmp(name, "commands") == 0)
		return help_commands(to);
	if (name && !one) {
		fprintf(stderr, "kcibot: there is no subcommand %s\n", name);
		return 2;
	}
	if (one) {
		fprintf(to, "usage: kcibot %s %s\n%s\n%s\n", one->name,
			one->usage, one->more ? one->more : "", one->help);
		return 0;
	}
	fprintf(to, "usage: kcibot SUBCOMMAND ...\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(subcommands); i++)
		fprintf(to, "  kcibot %s %s\n      %s\n", subcommands[i].name,
			subcommands[i].usage, subcommands[i].help);
	return 0;
}

/* Takes "--config FILE" or "--config=FILE" out of argv, wherever it is. */
static const char *take_config(int *argc, char **argv)
{
	const char *found = NULL;
	int kept = 0;

	for (int i = 0; i < *argc; i++) {
		if (strcmp(argv[i], "--config") == 0 && i + 1 < *argc)
			found = argv[++i];
		else if (strncmp(argv[i], "--config=", 9) == 0)
			found = argv[i] + 9;
		else
			argv[kept++] = argv[i];
	}
	argv[kept] = NULL;
	*argc = kept;
	return found;
}

static int run(const struct subcommand *sub, int argc, char **argv)
{
	CLEANUP(str_release) struct str report = STR_INIT(1u << 20);
	CLEANUP(config_free) struct config *c = NULL;
	const char *path = take_config(&argc, argv);
	struct error e = ERROR_INIT;

	if (!path) {
		fprintf(stderr, "usage: kcibot %s %s\n", sub->name, sub->usage);
		return 2;
	}
	c = config_load(path, &report, &e);
	if (!c || sub->warns)
		fputs(report.text, stderr);
	if (!c) {
		fprintf(stderr, "kcibot: %s\n", e.text);
		return 1;
	}
	return sub->run(c, argc, argv);
}

int main(int argc, char **argv)
{
	const struct subcommand *sub;
	int status;

	if (sodium_init() < 0) {
		fprintf(stderr, "kcibot: libsodium does not start\n");
		return 1;
	}
	/* Not for people: the process between the bot and one job. */
	if (argc == 3 && strcmp(argv[1], "run-job") == 0)
		return supervisor_main(argv[2]);
	if (argc < 2) {
		help(NULL, stderr);
		return 2;
	}
	if (strcmp(argv[1], "version") == 0 ||
	    strcmp(argv[1], "--version") == 0) {
		printf("kcibot %s\n", KCIBOT_VERSION);
		return 0;
	}
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0)
		return help(argc > 2 ? argv[2] : NULL, stdout);
	sub = find(argv[1]);
	if (!sub) {
		fprintf(stderr,
			"kcibot: there is no subcommand %s: try "
			"'kcibot help'\n",
			argv[1]);
		return 2;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	status = run(sub, argc - 1, argv + 1);
	curl_global_cleanup();
	return status;
}
