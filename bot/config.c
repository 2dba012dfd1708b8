#include "bot/config.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bot/base/fs.h"
#include "bot/base/limits.h"
#include "bot/config_check.h"
#include "bot/config_read.h"

static void dispose(struct config *c)
{
	arena_release(&c->arena);
	free(c);
}
DEFINE_CLEANUP(struct config *, dispose)

void config_free(struct config *c)
{
	if (c)
		dispose(c);
}

/* "HOST:PORT", which was checked, into its parts. */
static void split_listen(struct config *c)
{
	const char *text = c->listen_host;
	const char *colon = strrchr(text, ':');
	bool brackets = *text == '[';

	if (!*c->public_url) {
		CLEANUP(str_release) struct str url = STR_INIT(400);

		str_addf(&url, "http://%s", text);
		c->public_url = arena_text(&c->arena, url.text, url.len);
	}
	c->listen_port = atoi(colon + 1);
	text += brackets;
	c->listen_host =
		arena_text(&c->arena, text, (size_t)(colon - text) - brackets);
}

static void split_isolation(struct environment *env)
{
	const char *text = env->isolation_user;

	env->isolation_user = "";
	if (!strcmp(text, "bubblewrap")) {
		env->isolation = ISOLATION_BUBBLEWRAP;
	} else if (!strcmp(text, "none")) {
		env->isolation = ISOLATION_NONE;
	} else if (*text) {
		env->isolation = ISOLATION_USER;
		env->isolation_user = strchr(text, ':') + 1;
	}
}

/* What the rows cannot say: values that are made of others. */
static void complete(struct config *c)
{
	/* Ours until we hand them out as constants. */
	struct environment *envs = (struct environment *)c->environments;

	split_listen(c);
	for (size_t i = 0; i < c->environment_count; i++) {
		struct environment *env = &envs[i];
		struct project *projects = (struct project *)env->projects;
		struct job_spec *jobs = (struct job_spec *)env->jobs;

		split_isolation(env);
		for (size_t j = 0; j < env->project_count; j++) {
			const char *slash = strchr(projects[j].repo, '/');

			projects[j].name = slash ? slash + 1 : "";
		}
		for (size_t j = 0; j < env->job_count; j++)
			if (!*jobs[j].backend)
				jobs[j].backend = env->backend;
	}
}

/* Absolute, as jobs and children run in other folders. */
static const char *folder_of(const char *path, struct arena *a)
{
	const char *slash = strrchr(path, '/');
	CLEANUP(free)
	char *folder =
		slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	CLEANUP(free) char *real = folder ? realpath(folder, NULL) : NULL;
	const char *use = real ? real : folder ? folder : ".";

	return arena_text(a, use, strlen(use));
}

static void fill(struct config *c, const char *text, size_t len,
		 struct report *report)
{
	struct reader r = {report, folder_of(c->path, &c->arena)};
	const struct ynode *root = yaml_read(text, len, report);

	if (!root || c->arena.failed)
		return;
	if (root->kind != YNODE_MAP) {
		report_mistake(report, root->at, "the file must be a map");
		return;
	}
	config_read(&r, &config_schema, c, root);
	if (c->arena.failed)
		return;
	complete(c);
	config_check(c, root, report);
}

/* Which file it was, for the audit. */
static const char *hash_of(const char *text, size_t len, struct arena *a)
{
	unsigned char hash[crypto_generichash_BYTES];
	char hex[2 * sizeof(hash) + 1];

	crypto_generichash(hash, sizeof(hash), (const unsigned char *)text, len,
			   NULL, 0);
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	return arena_text(a, hex, sizeof(hex) - 1);
}

struct config *config_parse(const char *path, const char *text, size_t len,
			    struct str *ret_report, struct error *e)
{
	CLEANUP(dispose) struct config *c = calloc(1, sizeof(*c));
	struct report report = {.path = path};

	if (!c) {
		error_set(e, ERR_FATAL, "out of memory");
		return NULL;
	}
	report.arena = &c->arena;
	c->path = arena_text(&c->arena, path, strlen(path));
	c->hash = hash_of(text, len, &c->arena);
	if (c->path)
		fill(c, text, len, &report);
	report_write(&report, ret_report);
	if (c->arena.failed) {
		error_set(e, ERR_FATAL, "%s: out of memory", path);
		return NULL;
	}
	if (report.mistakes) {
		error_set(e, ERR_INVALID, "%s has %d mistake%s", path,
			  report.mistakes, report.mistakes == 1 ? "" : "s");
		return NULL;
	}
	return TAKE(c);
}

struct config *config_load(const char *path, struct str *ret_report,
			   struct error *e)
{
	CLEANUP(str_release) struct str text = STR_INIT(LIMIT_CONFIG_FILE);

	if (fs_read(path, &text, e))
		return NULL;
	return config_parse(path, text.text, text.len, ret_report, e);
}

const struct environment *config_environment_of(const struct config *c,
						const char *repo, size_t *i)
{
	while (*i < c->environment_count) {
		const struct environment *env = &c->environments[(*i)++];

		if (environment_project(env, repo))
			return env;
	}
	return NULL;
}

const struct environment *config_environment(const struct config *c,
					     const char *name)
{
	for (size_t i = 0; i < c->environment_count; i++)
		if (!strcmp(c->environments[i].name, name))
			return &c->environments[i];
	return NULL;
}
