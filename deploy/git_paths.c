#include "deploy/git_paths.h"

#include <stdlib.h>
#include <string.h>

#include "bot/base/cleanup.h"
#include "deploy/git_kind.h"
#include "deploy/git_merge.h"

/* As for a batch: refs/pull may lag behind the webhook. */
#define MOVED_RETRIES 3
/* Nobody's history needs more; what has more was made to have them. */
#define MERGE_BASES_MAX 16

/* --- the set --- */

void git_paths_release(struct git_paths *set)
{
	json_decref(set->names);
	*set = (struct git_paths){0};
}

json_t *git_paths_list(const struct git_paths *set)
{
	json_t *list, *value;
	const char *name;

	if (set->too_many)
		return NULL;
	list = json_array();
	json_object_foreach (set->names, name, value)
		json_array_append_new(list, json_string(name));
	return list;
}

/* done: see struct git_paths. */
static void add_name(struct git_paths *set, const char *bytes, bool everything,
		     const char *done)
{
	CLEANUP(str_release) struct str name = STR_INIT(LIMIT_GIT_PATH_BYTES);

	git_text(&name, bytes, strlen(bytes));
	if (everything)
		str_putc(&name, '/');
	if (!set->names)
		set->names = json_object();
	set->bytes += name.len;
	if (name.failed || set->bytes > LIMIT_GIT_PATH_BYTES ||
	    json_object_set_new(set->names, name.text, json_string(done)) ||
	    json_object_size(set->names) > LIMIT_GIT_PATHS)
		set->too_many = true;
}

void git_paths_join(struct git_paths *set, const struct git_paths *more)
{
	if (!set->names)
		set->names = json_object();
	set->bytes += more->bytes;
	if (more->too_many || set->bytes > LIMIT_GIT_PATH_BYTES ||
	    (more->names && json_object_update(set->names, more->names)) ||
	    json_object_size(set->names) > LIMIT_GIT_PATHS)
		set->too_many = true;
}

static const char *done_to(const struct git_paths *set, const char *name)
{
	const char *done = json_string_value(json_object_get(set->names, name));

	return done ? done : "";
}

json_t *git_paths_carried(const struct git_paths *own,
			  const struct git_paths *merged)
{
	json_t *list = json_array(), *value;
	const char *name;

	json_object_foreach (merged->names, name, value) {
		const char *mine = done_to(own, name);

		if (*mine == 'A' && strcmp(mine, json_string_value(value)) != 0)
			json_array_append_new(list, json_string(name));
	}
	return list;
}

bool git_paths_takes(const struct git_paths *own, const json_t *names)
{
	const json_t *one;
	size_t i;

	json_array_foreach (names, i, one)
		if (*done_to(own, json_string_value(one)) == 'D')
			return true;
	return false;
}

/* Steps over one NUL-terminated field; NULL after the last. */
static const char *next_field(const struct str *s, const char *p)
{
	p += strlen(p) + 1;
	return p < s->text + s->len ? p : NULL;
}

/* ":OLDMODE NEWMODE ...": is either a symbolic link or a submodule? */
static bool stands_for_more(const char *meta)
{
	return str_starts(meta, ":120000") || str_starts(meta, ":160000") ||
	       str_starts(meta + strcspn(meta, " "), " 120000") ||
	       str_starts(meta + strcspn(meta, " "), " 160000");
}

/* From ":OLDMODE NEWMODE OLD NEW STATUS" to what was done: "A" and NEW. */
static void read_done(const char *meta, char ret[GIT_SHA_LEN + 2])
{
	const char *at = meta;

	for (int i = 0; i < 3; i++)
		at += strcspn(at, " ") + (at[strcspn(at, " ")] == ' ');
	snprintf(ret, GIT_SHA_LEN + 2, "%c%.*s",
		 at[strcspn(at, " ")] ? at[strcspn(at, " ") + 1] : '?',
		 GIT_SHA_LEN, at);
}

/* META NUL PATH NUL, again and again. */
static void read_diff(const struct str *out, struct git_paths *set)
{
	const char *meta = out->len ? out->text : NULL;

	while (meta && !set->too_many) {
		const char *path = next_field(out, meta);
		char done[GIT_SHA_LEN + 2];

		if (!path)
			return;
		read_done(meta, done);
		add_name(set, path, false, done);
		if (stands_for_more(meta))
			add_name(set, path, true, done);
		meta = next_field(out, path);
	}
}

enum err git_paths_between(struct git_mirror *m, const char *from,
			   const char *to, struct git_paths *set,
			   struct error *e)
{
	CLEANUP(proc_result_release) struct proc_result r = GIT_RESULT_INIT;
	struct git_call diff = {
		.argv = GIT_ARGV("diff-tree", "-r", "-z", "--raw",
				 "--no-abbrev", "--no-renames",
				 "--ignore-submodules=none", "--end-of-options",
				 from, to),
		.git_dir = m->dir,
	};
	enum err code;

	if (set->too_many)
		return ERR_OK;
	code = git_run_ok(m->git, &diff, &r, e);
	if (r.out.failed == ERR_INVALID) {
		set->too_many = true;
		return ERR_OK;
	}
	if (!code)
		read_diff(&r.out, set);
	return code;
}

enum err git_paths_of(struct git_mirror *m, const char *onto, const char *sha,
		      struct git_paths *set, struct error *e)
{
	CLEANUP(proc_result_release) struct proc_result r = GIT_RESULT_INIT;
	char *rest, *base;
	struct git_call find = {
		.argv = GIT_ARGV("merge-base", "--all", "--end-of-options",
				 onto, sha),
		.git_dir = m->dir,
	};
	int count = 0;

	if (git_run(m->git, &find, &r, e))
		return e->code;
	if (r.exit_code && (r.exit_code != 1 || r.out.len))
		return git_failure(m->git, &find, &r, e);
	rest = r.out.text;
	while (r.out.len && (base = strsep(&rest, "\n")) && *base) {
		if (!git_sha_ok(base))
			return error_set(e, ERR_RETRY,
					 "git merge-base: no commit");
		if (++count > MERGE_BASES_MAX)
			set->too_many = true;
		if (git_paths_between(m, base, sha, set, e))
			return e->code;
	}
	if (!count)
		set->too_many = true;
	return ERR_OK;
}

/* --- git.paths --- */

struct question {
	struct git_mirror *mirror;
	const char *base;
	const char *sha;
	char pull[64]; /* refs/pull/N/head */
	char own[64];  /* where the mirror keeps it */
};

static json_t *not_there(const char *now)
{
	char reason[100];

	if (!now)
		return json_pack("{s:s, s:s}", "result", "missing", "reason",
				 "the forge has no ref for this pull request");
	snprintf(reason, sizeof(reason), "the pull request now stands at %.12s",
		 now);
	return json_pack("{s:s, s:s}", "result", "moved", "reason", reason);
}

/* *ret is the answer already when the ref is not at the wanted sha. */
static enum err look(const struct question *q, json_t **ret, struct error *e)
{
	CLEANUP(git_refs_release) struct git_refs refs = {0};
	char branch[300], patterns[400];
	const char *sha;

	snprintf(branch, sizeof(branch), "refs/heads/%s", q->base);
	snprintf(patterns, sizeof(patterns), "%s\n%s\n", branch, q->pull);
	for (int tries = 0;; tries++) {
		git_refs_release(&refs);
		if (git_mirror_remote_refs(q->mirror, patterns, &refs, e))
			return e->code;
		sha = git_refs_find(&refs, q->pull);
		if ((sha && strcmp(sha, q->sha) == 0) || tries == MOVED_RETRIES)
			break;
		if (!git_pause(q->mirror->git,
			       q->mirror->git->settings->moved_retry_ms))
			return error_set(e, ERR_RETRY, "stopped");
	}
	if (!git_refs_find(&refs, branch))
		return error_set(e, ERR_MISSING, "%s has no branch %s",
				 q->mirror->repo, q->base);
	if (!sha || strcmp(sha, q->sha) != 0)
		*ret = not_there(sha);
	return ERR_OK;
}

/* Both refs, and what they are now; *ret as above. */
static enum err fetch(const struct question *q, char ret_base[GIT_SHA_LEN + 1],
		      json_t **ret, struct error *e)
{
	CLEANUP(git_refs_release) struct git_refs own = {0};
	CLEANUP(str_release) struct str specs = STR_INIT(1024);
	CLEANUP(str_release) struct str branch = STR_INIT(128);
	const char *sha, *base;

	git_mirror_branch_ref(q->base, &branch);
	str_addf(&specs, "+refs/heads/%s:%s\n+%s:%s\n", q->base, branch.text,
		 q->pull, q->own);
	if (str_check(&specs, e) || git_mirror_fetch(q->mirror, specs.text, e))
		return e->code;
	if (git_mirror_own_refs(q->mirror, "refs/kcibot/", &own, e))
		return e->code;
	base = git_refs_find(&own, branch.text);
	sha = git_refs_find(&own, q->own);
	if (!base)
		return error_set(e, ERR_RETRY, "the fetch brought no %s",
				 q->base);
	memcpy(ret_base, base, GIT_SHA_LEN + 1);
	if (!sha || strcmp(sha, q->sha) != 0)
		*ret = not_there(sha);
	return ERR_OK;
}

static enum err answer(const struct question *q, const char *onto, json_t **ret,
		       struct error *e)
{
	CLEANUP(git_paths_release) struct git_paths set = {0};
	json_t *list;
	enum err code = git_weigh(q->mirror, q->sha, e);

	/* A tree that nobody can lay out is a tree that nobody has read. */
	if (code == ERR_INVALID)
		set.too_many = true;
	else if (code || git_paths_of(q->mirror, onto, q->sha, &set, e))
		return e->code;
	*ret = json_pack("{s:s, s:s}", "result", "known", "reason", "");
	list = git_paths_list(&set);
	if (list)
		json_object_set_new(*ret, "paths", list);
	return ERR_OK;
}

static enum err attempt(const struct question *q, json_t **ret, struct error *e)
{
	char base[GIT_SHA_LEN + 1];

	git_mirror_sweep(q->mirror);
	if (look(q, ret, e))
		return e->code;
	if (*ret)
		return ERR_OK;
	switch (fetch(q, base, ret, e)) {
	case ERR_OK:
		break;
	case ERR_INVALID:
		*ret = json_pack("{s:s, s:s}", "result", "missing", "reason",
				 e->text);
		return *ret ? ERR_OK : e->code;
	default:
		return e->code;
	}
	return *ret ? ERR_OK : answer(q, base, ret, e);
}

enum err git_paths(struct git *g, const json_t *args, struct git_answer *ret,
		   struct error *e)
{
	CLEANUP(git_mirror_release) struct git_mirror m = {0};
	int64_t number = js_int(args, "number", 0);
	struct question q = {
		.mirror = &m,
		.base = js_str(args, "base"),
		.sha = js_str(args, "sha"),
	};

	if (number < 1 || number > INT32_MAX || !git_sha_ok(q.sha) ||
	    !git_branch_ok(q.base))
		return error_set(e, ERR_INVALID, "number, sha or base");
	snprintf(q.pull, sizeof(q.pull), "refs/pull/%lld/head",
		 (long long)number);
	snprintf(q.own, sizeof(q.own), "refs/kcibot/pull/%lld",
		 (long long)number);
	g->corrupt = false;
	if (git_mirror_open(g, js_str(args, "repo"), &m, e))
		return e->code;
	if (attempt(&q, &ret->body, e) == ERR_OK)
		return ERR_OK;
	/* A damaged mirror is made anew, once; its content is the forge's. */
	if (!g->corrupt)
		return e->code;
	if (git_mirror_renew(&m, e))
		return e->code;
	return attempt(&q, &ret->body, e);
}
