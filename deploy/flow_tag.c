/*
 * A green cycle gets a tag with its manifest.
 */
#include "bot/base/str.h"
#include "deploy/flow.h"

#include <stdlib.h>
#include <string.h>

#include "bot/base/clock.h"
#include "deploy/flow_internal.h"
#include "store/outbox.h"

/* {"message", "projects": [{repo, sha}]}: the manifest, as the tag tells it. */
static json_t *tag_args(const struct flow *f, const struct cycle *c,
			const struct manifest_project *projects, size_t count,
			struct error *e)
{
	json_t *list = json_array();
	char day[16], prefix[96];
	CLEANUP(str_release) struct str iso = STR_INIT(64);
	struct revision *revisions;
	size_t revision_count;
	CLEANUP(str_release) struct str text = STR_INIT(64u << 10);

	time_iso(&iso, f->now_ms);
	snprintf(day, sizeof(day), "%.4s%.2s%.2s", iso.text, iso.text + 5,
		 iso.text + 8);
	snprintf(prefix, sizeof(prefix), "%s-%s.", f->env->name, day);
	str_addf(&text, "kcibot: cycle %lld, %s, on %s\n", (long long)c->id,
		 c->kind, f->env->name);
	if (store_revisions(f->store, c->id, &revisions, &revision_count, e)) {
		json_decref(list);
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		json_array_append_new(list, json_pack("{s:s, s:s}", "repo",
						      projects[i].repo, "sha",
						      projects[i].sha));
		str_addf(&text, "\n%s %s\n  base %s %s\n", projects[i].repo,
			 projects[i].sha, projects[i].base,
			 projects[i].base_sha);
		for (size_t j = 0; j < revision_count; j++)
			if (strcmp(revisions[j].repo, projects[i].repo) == 0 &&
			    strcmp(revisions[j].result, "merged") == 0)
				str_addf(&text, "  #%lld %s\n",
					 (long long)revisions[j].number,
					 revisions[j].sha);
	}
	revisions_free(revisions, revision_count);
	return json_pack("{s:I, s:s, s:s, s:o}", "cycle", (json_int_t)c->id,
			 "prefix", prefix, "message", text.text, "projects",
			 list);
}

enum err flow_want_tag(const struct flow *f, const struct cycle *c,
		       struct error *e)
{
	struct manifest_project *projects;
	size_t count;
	char key[64];
	json_t *args;

	if (store_manifest(f->store, c->id, &projects, &count, e))
		return e->code;
	snprintf(key, sizeof(key), "cycle:%lld:tag", (long long)c->id);
	args = tag_args(f, c, projects, count, e);
	free(projects);
	if (!args)
		return error_set(e, ERR_FATAL, "cannot describe the manifest");
	return store_outbox_add(f->store, "git.tag", "", key, args, 0,
				f->now_ms, e);
}

enum err flow_tagged(const struct flow *f, const json_t *args,
		     const struct outcome *o, struct error *e)
{
	struct cycle c;

	if (o->code)
		return ERR_OK; /* a warning in the log; no verdict changes */
	if (flow_cycle_of(f, args, &c, e))
		return e->code;
	if (store_cycle_tag(f->store, c.id, js_str(o->body, "tag"), e))
		return e->code;
	return store_touch_cycle(f->store, c.id, e);
}
