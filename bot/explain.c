#include "bot/explain.h"

#include <string.h>

#include "bot/base/log.h"
#include "deploy/sensitive.h"
#include "deploy/standing.h"

/* Of the files that are in the way: so many, and of each so much. */
#define FILES_NAMED 5
#define NAME_SHOWN 80

static void name_files(struct str *out, const json_t *files)
{
	size_t count = json_array_size(files), i;
	const json_t *one;

	json_array_foreach (files, i, one) {
		const char *name = json_string_value(one);
		size_t len = strlen(name);

		if (i == FILES_NAMED)
			break;
		str_puts(out, i ? ", " : " (");
		str_add(out, name, str_utf8_cut(name, len, NAME_SHOWN));
		str_puts(out, len > NAME_SHOWN ? "..." : "");
	}
	if (count > FILES_NAMED)
		str_addf(out, " and %zu more", count - FILES_NAMED);
	str_puts(out, count ? ")" : " (more than can be looked at)");
}

static enum err explain(struct store *s, const struct environment *env,
			const struct pull *p, int64_t now_ms, struct str *out,
			struct error *e)
{
	const struct project *project = environment_project(env, p->repo);
	CLEANUP(json_decref) json_t *files = NULL;
	enum sensitivity found;
	enum standing standing;

	if (!project)
		return ERR_OK;
	if (standing_of(s, env, project, p, now_ms, &standing, e))
		return e->code;
	if (standing == STANDING_IN)
		return ERR_OK;
	standing_text(out, standing, env, project, p);
	if (standing != STANDING_SENSITIVE)
		return ERR_OK;
	if (sensitive_of(s, env, project, p, &found, &files, e))
		return e->code;
	name_files(out, files);
	return ERR_OK;
}

void explain_against(const void *ctx, struct store *s, const char *environment,
		     const char *repo, int64_t number, int64_t now_ms,
		     struct str *out)
{
	const struct environment *env = config_environment(ctx, environment);
	struct error e = ERROR_INIT;
	struct pull p;

	if (env && !store_pull(s, repo, number, &p, &e) &&
	    !explain(s, env, &p, now_ms, out, &e))
		return;
	if (env)
		log_warning("%s#%lld: not explained: %s", repo,
			    (long long)number, e.text);
}
