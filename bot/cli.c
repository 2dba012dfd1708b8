#include "bot/cli.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "bot/base/clock.h"
#include "bot/cli_engine.h"
#include "bot/cli_text.h"
#include "commands/command.h"
#include "deploy/git_port.h"
#include "deploy/isolation.h"

static int fail(const char *what, const struct error *e)
{
	fprintf(stderr, "kcibot: %s%s%s\n", what, *what ? ": " : "", e->text);
	return 1;
}

static int usage(const char *text)
{
	fprintf(stderr, "usage: kcibot %s\n", text);
	return 2;
}

/* Sends the call; prints a refusal.  NULL: said already. */
static json_t *ask(const struct config *c, json_t *call)
{
	struct error e = ERROR_INIT;
	json_t *answer = NULL;

	if (cli_engine_call(c, call, &answer, &e)) {
		fail("", &e);
		return NULL;
	}
	if (!js_bool(answer, "ok", false)) {
		fprintf(stderr, "kcibot: %s\n", js_str(answer, "text"));
		json_decref(answer);
		return NULL;
	}
	return answer;
}

static int ask_and_print(const struct config *c, json_t *call)
{
	CLEANUP(json_decref) json_t *answer = ask(c, call);

	if (!answer)
		return 1;
	printf("%s\n", js_str(answer, "text"));
	return 0;
}

/* --- trust --- */

static int trust_list(const struct config *c, int argc UNUSED,
		      char **argv UNUSED)
{
	CLEANUP(json_decref)
	json_t *answer = ask(c, json_pack("{s:s}", "op", "trust.list"));
	CLEANUP(str_release) struct str out = STR_INIT(4u << 20);

	if (!answer)
		return 1;
	cli_trust_table(&out, js_get(answer, "trust"));
	fputs(out.text, stdout);
	return 0;
}

struct add_options {
	const char *login, *role, *scope, *reason;
	int64_t expires_ms;
};

static bool set_expiry(struct add_options *o, const char *until,
		       const char *span)
{
	int64_t ms;
	char iso[64];

	if (span) {
		if (!time_parse_span(span, &ms))
			return false;
		o->expires_ms = clock_wall(&clock_system) + ms;
		return true;
	}
	snprintf(iso, sizeof(iso), "%.20sT23:59:59Z", until);
	return time_parse_iso(iso, &o->expires_ms) ||
	       time_parse_iso(until, &o->expires_ms);
}

static bool read_add_options(int argc, char **argv, struct add_options *o)
{
	static const struct option options[] = {
		{"role", required_argument, NULL, 'r'},
		{"for", required_argument, NULL, 'f'},
		{"until", required_argument, NULL, 'u'},
		{"project", required_argument, NULL, 'p'},
		{"reason", required_argument, NULL, 'w'},
		{0},
	};
	int opt;

	*o = (struct add_options){.role = "", .scope = "", .reason = ""};
	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'r')
			o->role = optarg;
		else if (opt == 'p')
			o->scope = optarg;
		else if (opt == 'w')
			o->reason = optarg;
		else if (opt == 'f' && !set_expiry(o, NULL, optarg))
			return false;
		else if (opt == 'u' && !set_expiry(o, optarg, NULL))
			return false;
		else if (opt == '?')
			return false;
	}
	if (optind != argc - 1)
		return false;
	o->login = argv[optind] + (argv[optind][0] == '@');
	return *o->login && *o->role;
}

static int trust_add(const struct config *c, int argc, char **argv)
{
	CLEANUP(free) char *login = NULL;
	struct error e = ERROR_INIT;
	struct add_options o;
	int64_t id;

	if (!read_add_options(argc, argv, &o))
		return usage("trust add --config FILE LOGIN --role admin|"
			     "maintainer|contributor\n"
			     "       [--for 30d | --until 2027-01-31] "
			     "[--project OWNER/REPO] [--reason TEXT]");
	if (cli_resolve(c, o.login, &id, &login, &e))
		return fail("", &e);
	return ask_and_print(
		c, json_pack("{s:s, s:s, s:I, s:s, s:s, s:s, s:I}", "op",
			     "trust.add", "login", login, "id", (json_int_t)id,
			     "role", o.role, "scope", o.scope, "reason",
			     o.reason, "expires_ms", (json_int_t)o.expires_ms));
}

static int trust_remove(const struct config *c, int argc, char **argv)
{
	CLEANUP(free) char *login = NULL;
	struct error e = ERROR_INIT;
	int64_t id = 0;
	enum err code;

	if (argc != 2)
		return usage("trust remove --config FILE LOGIN");
	code = cli_resolve(c, argv[1] + (argv[1][0] == '@'), &id, &login, &e);
	/* A deleted account is still found by the login we know. */
	if (code && code != ERR_MISSING)
		return fail("", &e);
	return ask_and_print(
		c, json_pack("{s:s, s:s, s:I}", "op", "trust.remove", "login",
			     login ? login : argv[1], "id", (json_int_t)id));
}

int cli_trust(const struct config *c, int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(const struct config *c, int argc, char **argv);
	} verbs[] = {
		{"list", trust_list},
		{"add", trust_add},
		{"remove", trust_remove},
	};

	for (size_t i = 0; argc > 0 && i < ARRAY_SIZE(verbs); i++)
		if (strcmp(verbs[i].name, argv[0]) == 0)
			return verbs[i].run(c, argc, argv);
	return usage("trust list|add|remove --config FILE ...");
}

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
			return usage(how);
	}
	if (!as || !on || optind != argc - 1 ||
	    !split_pull(on, repo, sizeof(repo), &number))
		return usage(how);
	if (cli_resolve(c, as + (*as == '@'), &id, &login, &e))
		return fail("", &e);
	return ask_and_print(c, json_pack("{s:s, s:s, s:I, s:s, s:I, s:s}",
					  "op", "say", "actor", login,
					  "actor_id", (json_int_t)id, "repo",
					  repo, "number", (json_int_t)number,
					  "text", argv[optind]));
}

/* --- status --- */

int cli_status(const struct config *c, int argc, char **argv)
{
	bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
	CLEANUP(str_release) struct str out = STR_INIT(4u << 20);
	CLEANUP(json_decref) json_t *answer = NULL;

	if (argc > 1 && !json)
		return usage("status --config FILE [--json]");
	answer = ask(c, json_pack("{s:s}", "op", "status"));
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
			else if (!cli_has_hook(o.body, c->public_url))
				printf("note: %s: no webhook leads here yet; "
				       "until then the bot works by scan "
				       "alone\n",
				       repo);
			json_decref(o.body);
		}
}

/* What the file may say already and the bot does not do yet. */
static void note_idle_keys(const struct environment *env)
{
	if (env->freeze_count)
		printf("note: %s: freeze has no effect yet: cycles start at "
		       "any time\n",
		       env->name);
	if (env->grants.sensitive && *env->grants.sensitive)
		printf("note: %s: grants.sensitive has no effect yet: a "
		       "maintainer's word is enough for every path\n",
		       env->name);
	for (size_t i = 0; i < env->job_count; i++)
		if (env->jobs[i].drains)
			printf("note: %s: drains of job %s has no effect yet\n",
			       env->name, env->jobs[i].name);
}

int cli_check(const struct config *c)
{
	CLEANUP(str_release) struct str report = STR_INIT(1u << 20);
	struct error e = ERROR_INIT;
	enum err files = config_check_files(c, &report, &e);

	fputs(report.text, stderr);
	if (files)
		return fail(c->path, &e);
	if (git_check_version(&e))
		return fail("", &e);
	if (strcmp(isolation_best(&e), "none") == 0)
		printf("note: jobs run without isolation: %s\n", e.text);
	for (size_t i = 0; i < c->environment_count; i++)
		note_idle_keys(&c->environments[i]);
	note_hooks(c);
	printf("%s: ok\n", c->path);
	return 0;
}
