#include "deploy/sensitive.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bot/base/str.h"
#include "deploy/changed.h"
#include "store/outbox.h"
#include "store/paths.h"
#include "store/trust.h"

bool sensitive_any(const struct environment *env)
{
	return env->grants.sensitive && *env->grants.sensitive;
}

static void lower(char *text)
{
	for (; *text; text++)
		*text = (char)tolower((unsigned char)*text);
}

/* As written, or with all letters small. */
static bool matches(const char *glob, const char *path)
{
	CLEANUP(free) char *small_glob = NULL;
	CLEANUP(free) char *small_path = NULL;

	if (path_glob_match(glob, path))
		return true;
	small_glob = strdup(glob);
	small_path = strdup(path);
	if (!small_glob || !small_path)
		return true; /* not known */
	lower(small_glob);
	lower(small_path);
	return path_glob_match(small_glob, small_path);
}

/*
 * Could something below folder match?  Then one of the glob's own folders
 * matches it, or two stars do.
 */
static bool matches_below(const char *glob, const char *folder)
{
	CLEANUP(free) char *head = strdup(glob);

	if (!head)
		return true; /* not known */
	for (char *at = strrchr(head, '/'); at; at = strrchr(head, '/')) {
		*at = '\0';
		if (matches(head, folder))
			return true;
	}
	/* Two stars reach through every folder. */
	for (const char *at = strstr(glob, "**"); at;
	     at = strstr(at + 1, "**")) {
		CLEANUP(free)
		char *reach = strndup(glob, (size_t)(at + 2 - glob));

		if (!reach || matches(reach, folder))
			return true;
	}
	return false;
}

/*
 * The folder that path speaks for as a whole: a link, a submodule ("NAME/"),
 * or the one whose files a .gitattributes says how to write, and to merge.
 * malloc'ed, "" = all; NULL = it is only a file.
 */
static char *folder_of(const char *path)
{
	static const char attributes[] = ".gitattributes";
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	if (slash && !*name)
		return strndup(path, (size_t)(slash - path));
	if (strcasecmp(name, attributes) == 0)
		return strndup(path, slash ? (size_t)(slash - path) : 0);
	return NULL;
}

bool sensitive_path(const struct environment *env, const char *path)
{
	CLEANUP(free) char *folder = folder_of(path);

	for (text_list g = env->grants.sensitive; g && *g; g++)
		if (matches(*g, path) ||
		    (folder && (!*folder || matches_below(*g, folder))))
			return true;
	return false;
}

/* "lib" and "lib/" are one file to people. */
static void add_file(json_t *files, const char *path)
{
	size_t len = strlen(path);
	const char *last = json_string_value(
		json_array_get(files, json_array_size(files) - 1));

	if (len && path[len - 1] == '/' && last && strlen(last) == len - 1 &&
	    strncmp(last, path, len - 1) == 0)
		return;
	json_array_append_new(files, json_string(path));
}

bool sensitive_paths(const struct environment *env, const json_t *paths,
		     json_t **ret_files)
{
	CLEANUP(json_decref) json_t *files = NULL;
	bool any = false;
	json_t *one;
	size_t i;

	if (ret_files)
		*ret_files = NULL;
	if (!json_is_array(paths))
		return true;
	files = json_array();
	json_array_foreach (paths, i, one) {
		const char *path = json_string_value(one);

		if (path && !sensitive_path(env, path))
			continue;
		any = true;
		if (!ret_files)
			return true;
		add_file(files, path ? path : "?");
	}
	if (ret_files)
		*ret_files = TAKE(files);
	return any;
}

enum err sensitive_of(struct store *s, const struct environment *env,
		      const struct project *project, const struct pull *p,
		      enum sensitivity *ret, json_t **ret_files,
		      struct error *e)
{
	CLEANUP(json_decref) json_t *paths = NULL;
	bool known;

	if (ret_files)
		*ret_files = NULL;
	*ret = SENSITIVITY_NONE;
	if (!sensitive_any(env))
		return ERR_OK;
	if (store_paths(s, p->id, p->head_sha, project->base, &known, &paths,
			e))
		return e->code;
	if (!known)
		*ret = SENSITIVITY_UNREAD;
	else if (sensitive_paths(env, paths, ret_files))
		*ret = SENSITIVITY_SOME;
	return ERR_OK;
}

bool sensitive_role_is_enough(const struct environment *env, const char *role)
{
	return trust_role_reaches(role, env->grants.sensitive_role);
}

const char *sensitive_whose(const struct environment *env)
{
	return strcmp(env->grants.sensitive_role, "admin") == 0
		       ? "an admin"
		       : "a maintainer";
}

json_t *sensitive_question(const struct project *project, const struct pull *p,
			   bool wish)
{
	return json_pack("{s:I, s:s, s:I, s:s, s:s, s:b}", "pull",
			 (json_int_t)p->id, "repo", project->repo, "number",
			 (json_int_t)p->number, "sha", p->head_sha, "base",
			 project->base, "wish", wish);
}

enum err sensitive_want(struct store *s, const struct project *project,
			const struct pull *p, bool wish, int64_t now_ms,
			struct error *e)
{
	char target[400], key[128];
	bool waits;

	snprintf(target, sizeof(target), "paths:%lld:%s:%s", (long long)p->id,
		 p->head_sha, project->base);
	snprintf(key, sizeof(key), "paths:%lld:%s", (long long)p->id,
		 p->head_sha);
	if (store_outbox_waits(s, "git.paths", target, &waits, e) || waits)
		return waits ? ERR_OK : e->code;
	return store_outbox_add(s, "git.paths", target, key,
				sensitive_question(project, p, wish), 0, now_ms,
				e);
}
