/*
 * The second look at sensitive paths, at what was really merged: whatever was
 * believed of a revision when it was chosen, without the word of who must say
 * it nothing sensitive goes on.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/limits.h"
#include "bot/base/str.h"
#include "deploy/flow_internal.h"
#include "deploy/sensitive.h"
#include "deploy/standing.h"
#include "store/paths.h"
#include "store/audit.h"

static void say_files(struct str *out, const struct environment *env,
		      const json_t *files)
{
	size_t count = json_array_size(files);
	const char *first = json_string_value(json_array_get(files, 0));

	if (first)
		str_addf(out, "it changes %.*s",
			 (int)str_utf8_cut(first, strlen(first), 200), first);
	else
		str_puts(out, "it changes more files than can be looked at");
	if (count > 1)
		str_addf(out, " and %zu more sensitive file%s", count - 1,
			 count > 2 ? "s" : "");
	str_addf(out,
		 "; that needs the word of %s for this revision: one can say "
		 "deploy",
		 sensitive_whose(env));
}

/* Takes over nothing; a list that was cut says how much there was. */
static json_t *evidence(const struct flow *f, const struct cycle *c,
			const json_t *files)
{
	json_t *all =
		json_pack("{s:I, s:s, s:s, s:I}", "cycle", (json_int_t)c->id,
			  "environment", f->env->name, "needs",
			  f->env->grants.sensitive_role, "file_count",
			  (json_int_t)json_array_size(files));
	json_t *some = json_array();

	for (size_t i = 0; i < json_array_size(files) && i < LIMIT_AUDIT_LIST;
	     i++)
		json_array_append(some, json_array_get(files, i));
	json_object_set_new(all, "files", some);
	return all;
}

/* The next choice knows what this merge has shown. */
static enum err note(const struct flow *f, const struct cycle *c,
		     const struct project *project, const struct revision *r,
		     const json_t *paths, const json_t *files, struct error *e)
{
	char subject[256];

	snprintf(subject, sizeof(subject), "%s#%lld at %s", r->repo,
		 (long long)r->number, r->sha);
	if (store_paths_put(f->store, r->pull_id, r->sha, project->base, paths,
			    e))
		return e->code;
	return store_audit_with(f->store, f->now_ms, AUDIT_BOT,
				"revision.left_out", subject, r->reason,
				evidence(f, c, files), e);
}

/* *ret: it must not go on.  r->result and r->reason are set then. */
static enum err look_at(const struct flow *f, const struct cycle *c,
			struct revision *r, bool *ret, struct error *e)
{
	const struct project *project = environment_project(f->env, r->repo);
	CLEANUP(json_decref)
	json_t *paths = js_read(r->paths);
	CLEANUP(json_decref) json_t *files = NULL;
	CLEANUP(str_release) struct str why = STR_INIT(sizeof(r->reason));
	struct pull p;
	bool word;

	*ret = false;
	if (strcmp(r->result, "merged") != 0 || !project ||
	    !sensitive_paths(f->env, paths, &files))
		return ERR_OK;
	if (store_pull_by_id(f->store, r->pull_id, &p, e))
		return e->code;
	COPY(p.head_sha, r->sha);
	if (standing_has_word(f->store, f->env, &p, f->now_ms, &word, e))
		return e->code;
	if (word)
		return ERR_OK;
	*ret = true;
	say_files(&why, f->env, files);
	COPY(r->result, "left_out");
	COPY(r->reason, why.text);
	return note(f, c, project, r, paths, files, e);
}

enum err flow_gate(const struct flow *f, const struct cycle *c, bool *ret_any,
		   struct error *e)
{
	struct revision *list;
	size_t count;
	enum err code = ERR_OK;

	*ret_any = false;
	if (!sensitive_any(f->env))
		return ERR_OK;
	if (store_revisions(f->store, c->id, &list, &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++) {
		bool out;

		code = look_at(f, c, &list[i], &out, e);
		if (!code && out) {
			*ret_any = true;
			code = store_revision_result(f->store, c->id, &list[i],
						     e);
		}
	}
	revisions_free(list, count);
	return code;
}
