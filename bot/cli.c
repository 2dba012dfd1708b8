#include "bot/cli.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "bot/cli_engine.h"
#include "bot/cli_parts.h"
#include "bot/cli_text.h"
#include "bot/config_schema.h"
#include "bot/hook.h"
#include "commands/command.h"
#include "deploy/git_port.h"
#include "deploy/isolation.h"
#include "deploy/sensitive.h"

/* --- say --- */

/* "owner/name#7" */
static bool split_pull(const char *text, char *repo, size_t size,
		       int64_t *number)
{
	const char *hash = strchr(text, '#');
	char *end;

	if (!hash || hash == text || (size_t)(hash - text) >= size ||
	    !memchr(text, '/', (size_t)(hash - text)))
		return false;
	memcpy(repo, text, (size_t)(hash - text));
	repo[hash - text] = '\0';
	*number = strtoll(hash + 1, &end, 10);
	return *number > 0 && !*end;
}

int cli_say(const struct config *c, int argc, char **argv)
{
	static const struct option options[] = {
		{"as", required_argument, NULL, 'a'},
		{"on", required_argument, NULL, 'o'},
		{0},
	};
	static const char how[] = "say --config FILE --as LOGIN --on "
				  "OWNER/REPO#N 'deploy'";
	const char *as = NULL, *on = NULL;
	CLEANUP(free) char *login = NULL;
	struct error e = ERROR_INIT;
	char repo[160];
	int64_t number, id;
	int opt;

	optind = 1;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'a')
			as = optarg;
		else if (opt == 'o')
			on = optarg;
		else
			return cli_usage(how);
	}
	if (!as || !on || optind != argc - 1 ||
	    !split_pull(on, repo, sizeof(repo), &number))
		return cli_usage(how);
	if (cli_resolve(c, as + (*as == '@'), &id, &login, &e))
		return cli_fail("", &e);
	return cli_ask_and_print(
		c, json_pack("{s:s, s:s, s:I, s:s, s:I, s:s}", "op", "say",
			     "actor", login, "actor_id", (json_int_t)id, "repo",
			     repo, "number", (json_int_t)number, "text",
			     argv[optind]));
}

/* --- status --- */

int cli_status(const struct config *c, int argc, char **argv)
{
	bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
	CLEANUP(str_release) struct str out = STR_INIT(4u << 20);
	CLEANUP(json_decref) json_t *answer = NULL;

	if (argc > 1 && !json)
		return cli_usage("status --config FILE [--json]");
	answer = cli_ask(c, json_pack("{s:s}", "op", "status"));
	if (!answer)
		return 1;
	if (json) {
		json_dumpf(js_get(answer, "status"), stdout, JSON_INDENT(2));
		putchar('\n');
		return 0;
	}
	cli_status_text(&out, js_get(answer, "status"));
	fputs(out.text, stdout);
	return 0;
}

/* --- check --- */

/* What the token can see; a forge out of reach is no mistake of the file. */
static void note_hooks(const struct config *c)
{
	struct github_settings github;

	cli_github(c, &github);
	for (size_t i = 0; i < c->environment_count; i++)
		for (size_t j = 0; j < c->environments[i].project_count; j++) {
			const char *repo = c->environments[i].projects[j].repo;
			CLEANUP(json_decref)
			json_t *args = json_pack("{s:s}", "repo", repo);
			struct error e = ERROR_INIT;
			struct outcome o = {0};
			enum err code;

			code = github_call(&github, "forge.hooks", args, &o,
					   &e);
			if (code == ERR_RETRY || code == ERR_FATAL) {
				printf("note: the forge was not asked: %s\n",
				       e.text);
				return;
			}
			if (code)
				printf("note: %s: the token may not look at "
				       "webhooks; without one the bot works "
				       "by scan alone\n",
				       repo);
			else if (!hook_find(o.body, c->public_url))
				printf("note: %s: no webhook leads to %s "
				       "(`public_url`) yet; until then the bot "
				       "works by scan alone\n",
				       repo, c->public_url);
			json_decref(o.body);
		}
}

static bool any_drains(const struct environment *env)
{
	for (size_t i = 0; i < env->job_count; i++)
		if (env->jobs[i].drains)
			return true;
	return false;
}

/* How long a deploy may wait for what runs. */
static void note_drains(const struct environment *env)
{
	for (size_t i = 0; i < env->job_count && any_drains(env); i++) {
		CLEANUP(str_release) struct str span = STR_INIT(32);
		CLEANUP(str_release) struct str full = STR_INIT(32);
		const struct job_spec *job = &env->jobs[i];

		if (job->job_class != JOB_DRAIN)
			continue;
		config_span(&span, job->timeout_ms);
		config_span(&full, job->full_timeout_ms);
		printf("note: %s: %s holds a deploy up for %s at most",
		       env->name, job->name, span.text);
		if (job->full_timeout_ms)
			printf("; while it counts something that runs, until "
			       "%s after the end of a full cycle",
			       full.text);
		putchar('\n');
	}
}

/* Whose code goes there on whose word, as the file has it. */
static void note_grants(const struct environment *env)
{
	CLEANUP(str_release) struct str span = STR_INIT(32);
	text_list g = env->grants.sensitive;

	config_span(&span, env->grants.for_ms);
	printf("note: %s: a maintainer's `deploy` on the code of somebody who "
	       "is not trusted holds for that revision, for %s\n",
	       env->name, span.text);
	if (!g || !*g)
		return;
	printf("note: %s: who changes", env->name);
	for (size_t i = 0; g[i]; i++)
		printf("%s %s", i ? "," : "", g[i]);
	printf(" needs %s's `deploy` for each revision, trusted or not\n",
	       sensitive_whose(env));
}

int cli_check(const struct config *c)
{
	CLEANUP(str_release) struct str report = STR_INIT(1u << 20);
	struct error e = ERROR_INIT;
	enum err files = config_check_files(c, &report, &e);

	fputs(report.text, stderr);
	if (files)
		return cli_fail(c->path, &e);
	if (git_check_version(&e))
		return cli_fail("", &e);
	if (strcmp(isolation_best(&e), "none") == 0)
		printf("note: jobs run without isolation: %s\n", e.text);
	for (size_t i = 0; i < c->environment_count; i++) {
		note_grants(&c->environments[i]);
		note_drains(&c->environments[i]);
	}
	note_hooks(c);
	printf("%s: ok\n", c->path);
	return 0;
}
