/*
 * git.batch: look at the remote, fetch all that is wanted at once, merge in
 * the given order, say what became of each revision.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/cleanup.h"
#include "deploy/git_kind.h"
#include "deploy/git_merge.h"
#include "deploy/git_paths.h"

/* refs/pull may lag behind the webhook: how often it is looked at again. */
#define MOVED_RETRIES 3
#define REASON_MAX 1024
/* Merges tried to find out with whom a revision conflicts. */
#define CLASHES_TRIED 20

struct batch {
	struct git_mirror *mirror;
	const char *base;
	const char *branch;
	json_t *revisions; /* the answer's; "result" "" = still in play */
	char base_sha[GIT_SHA_LEN + 1];
	char old_sha[GIT_SHA_LEN + 1]; /* "" = no such branch */
};

static void settle(json_t *revision, const char *result, const char *reason)
{
	json_object_set_new(revision, "result", json_string(result));
	json_object_set_new(revision, "reason", json_string(reason));
}

static bool in_play(const json_t *revision)
{
	return !*js_str(revision, "result");
}

static void pull_ref(const json_t *revision, const char *space, char *ret,
		     size_t size)
{
	snprintf(ret, size, "refs/%spull/%lld%s", space,
		 (long long)js_int(revision, "number", 0),
		 *space ? "" : "/head");
}

/* The answer's list from the wanted one; ERR_INVALID when it is nonsense. */
static enum err take_revisions(const json_t *args, json_t **ret,
			       struct error *e)
{
	const json_t *wanted = js_get(args, "revisions"), *one;
	size_t i;

	*ret = json_array();
	json_array_foreach (wanted, i, one) {
		int64_t number = js_int(one, "number", 0);
		const char *sha = js_str(one, "sha");

		if (number < 1 || number > INT32_MAX || !git_sha_ok(sha))
			return error_set(e, ERR_INVALID,
					 "revision %zu: number or sha", i);
		json_array_append_new(
			*ret, json_pack("{s:I, s:s, s:s, s:s, s:[]}", "number",
					(json_int_t)number, "sha", sha,
					"result", "", "reason", "", "files"));
	}
	return ERR_OK;
}

/* Waits for refs/pull to catch up; the last look decides. */
static enum err look(struct batch *b, struct git_refs *refs, struct error *e)
{
	CLEANUP(str_release) struct str patterns = STR_INIT(LIMIT_GIT_OUTPUT);
	char name[256];
	const json_t *one;
	size_t i, wrong;

	str_addf(&patterns, "refs/heads/%s\nrefs/heads/%s\n", b->base,
		 b->branch);
	json_array_foreach (b->revisions, i, one) {
		pull_ref(one, "", name, sizeof(name));
		str_addf(&patterns, "%s\n", name);
	}
	for (int tries = 0;; tries++) {
		git_refs_release(refs);
		if (git_mirror_remote_refs(b->mirror, patterns.text, refs, e))
			return e->code;
		wrong = 0;
		json_array_foreach (b->revisions, i, one) {
			const char *sha;

			pull_ref(one, "", name, sizeof(name));
			sha = git_refs_find(refs, name);
			wrong += !sha || strcmp(sha, js_str(one, "sha")) != 0;
		}
		if (!wrong || tries == MOVED_RETRIES)
			return ERR_OK;
		if (!git_pause(b->mirror->git,
			       b->mirror->git->settings->moved_retry_ms))
			return error_set(e, ERR_RETRY, "stopped");
	}
}

static void settle_moved(json_t *revision, const char *now)
{
	char reason[200];

	if (now)
		snprintf(reason, sizeof(reason),
			 "the pull request now stands at %.12s", now);
	else
		snprintf(reason, sizeof(reason),
			 "the forge has no ref for this pull request");
	settle(revision, now ? "moved" : "missing", reason);
}

/* Takes what is not at its wanted sha out of play. */
static void judge(struct batch *b, const struct git_refs *refs,
		  const char *space)
{
	char name[256];
	json_t *one;
	size_t i;

	json_array_foreach (b->revisions, i, one) {
		const char *sha;

		pull_ref(one, space, name, sizeof(name));
		sha = git_refs_find(refs, name);
		if (in_play(one) && (!sha || strcmp(sha, js_str(one, "sha"))))
			settle_moved(one, sha);
	}
}

static void add_branch_spec(struct str *specs, const char *branch)
{
	str_addf(specs, "+refs/heads/%s:", branch);
	git_mirror_branch_ref(branch, specs);
	str_putc(specs, '\n');
}

static void add_pull_spec(struct str *specs, const json_t *revision)
{
	char from[256], to[256];

	pull_ref(revision, "", from, sizeof(from));
	pull_ref(revision, "kcibot/", to, sizeof(to));
	str_addf(specs, "+%s:%s\n", from, to);
}

static bool branch_exists(const struct git_refs *refs, const char *branch)
{
	char name[256];

	snprintf(name, sizeof(name), "refs/heads/%s", branch);
	return git_refs_find(refs, name) != NULL;
}

static void add_branches(struct batch *b, const struct git_refs *refs,
			 struct str *specs)
{
	add_branch_spec(specs, b->base);
	if (branch_exists(refs, b->branch) && strcmp(b->base, b->branch) != 0)
		add_branch_spec(specs, b->branch);
}

/*
 * One pull request with objects that git refuses makes the common fetch
 * fail; one at a time, only that one is left out.
 */
static enum err fetch_singly(struct batch *b, const struct git_refs *refs,
			     struct error *e)
{
	CLEANUP(str_release) struct str specs = STR_INIT(LIMIT_GIT_OUTPUT);
	json_t *one;
	size_t i;

	add_branches(b, refs, &specs);
	if (git_mirror_fetch(b->mirror, specs.text, e))
		return e->code;
	json_array_foreach (b->revisions, i, one) {
		if (!in_play(one))
			continue;
		str_clear(&specs);
		add_pull_spec(&specs, one);
		switch (git_mirror_fetch(b->mirror, specs.text, e)) {
		case ERR_OK:
			break;
		case ERR_INVALID:
			settle(one, "missing", e->text);
			break;
		default:
			return e->code;
		}
	}
	return ERR_OK;
}

static enum err fetch(struct batch *b, const struct git_refs *refs,
		      struct error *e)
{
	CLEANUP(str_release) struct str specs = STR_INIT(LIMIT_GIT_OUTPUT);
	const json_t *one;
	size_t i;

	add_branches(b, refs, &specs);
	json_array_foreach (b->revisions, i, one) {
		if (in_play(one))
			add_pull_spec(&specs, one);
	}
	if (str_check(&specs, e))
		return e->code;
	switch (git_mirror_fetch(b->mirror, specs.text, e)) {
	case ERR_INVALID:
		return fetch_singly(b, refs, e);
	default:
		return e->code;
	case ERR_OK:
		return ERR_OK;
	}
}

static void copy_sha(const struct git_refs *own, const char *branch,
		     char ret[GIT_SHA_LEN + 1])
{
	CLEANUP(str_release) struct str name = STR_INIT(128);
	const char *sha;

	git_mirror_branch_ref(branch, &name);
	sha = git_refs_find(own, name.text);
	if (sha)
		memcpy(ret, sha, GIT_SHA_LEN + 1);
}

/* Fills in base_sha and old_sha; revisions in play are here afterwards. */
static enum err gather(struct batch *b, struct error *e)
{
	CLEANUP(git_refs_release) struct git_refs remote = {0};
	CLEANUP(git_refs_release) struct git_refs own = {0};

	if (look(b, &remote, e))
		return e->code;
	if (!branch_exists(&remote, b->base))
		return error_set(e, ERR_MISSING, "%s has no branch %s",
				 b->mirror->repo, b->base);
	judge(b, &remote, "");
	if (fetch(b, &remote, e) ||
	    git_mirror_own_refs(b->mirror, "refs/kcibot/", &own, e))
		return e->code;
	judge(b, &own, "kcibot/");
	copy_sha(&own, b->base, b->base_sha);
	if (branch_exists(&remote, b->branch))
		copy_sha(&own, b->branch, b->old_sha);
	return ERR_OK;
}

/* Do two arrays of text share an element? */
static bool meet(const json_t *a, const json_t *b)
{
	const json_t *x, *y;
	size_t i, k;

	json_array_foreach (a, i, x) {
		json_array_foreach (b, k, y) {
			if (json_equal(x, y))
				return true;
		}
	}
	return false;
}

/* Adds "#1, #2": those merged before loser that change its files. */
static bool add_earlier(struct batch *b, struct git_merger *m,
			const json_t *loser, const json_t *files, bool certain,
			struct str *reason)
{
	const char *space = " with ";
	const json_t *one;
	size_t i;
	int tries = 0;

	json_array_foreach (b->revisions, i, one) {
		if (one == loser)
			break;
		if (strcmp(js_str(one, "result"), "merged") != 0 ||
		    !meet(js_get(one, "paths"), files))
			continue;
		if (certain && (++tries > CLASHES_TRIED ||
				!git_merger_clash(m, js_str(one, "sha"),
						  js_str(loser, "sha"))))
			continue;
		str_addf(reason, "%s#%lld", space,
			 (long long)js_int(one, "number", 0));
		space = ", ";
	}
	return *space == ',';
}

/*
 * With whom: the base; else those that it also conflicts with alone; else
 * all that changed the same files.
 */
static void add_opponents(struct batch *b, struct git_merger *m,
			  const json_t *loser, const json_t *files,
			  struct str *reason)
{
	if (git_merger_clash(m, b->base_sha, js_str(loser, "sha")))
		str_addf(reason, " with %s", b->base);
	else if (!add_earlier(b, m, loser, files, true, reason) &&
		 !add_earlier(b, m, loser, files, false, reason))
		str_puts(reason, " with the pull requests before it");
}

static void add_files(const struct git_merge_result *r, struct str *reason)
{
	const char *space = " in ";
	const json_t *one;
	size_t i;

	json_array_foreach (r->files, i, one) {
		if (i == 3)
			break;
		str_addf(reason, "%s%s", space, json_string_value(one));
		space = ", ";
	}
	if (r->file_count > 3)
		str_addf(reason, " and %zu more", r->file_count - 3);
}

static void left_out(struct batch *b, struct git_merger *m, json_t *one,
		     struct git_merge_result *r)
{
	CLEANUP(str_release) struct str safe = STR_INIT(REASON_MAX);

	if (r->file_count) {
		add_opponents(b, m, one, r->files, &r->reason);
		add_files(r, &r->reason);
	}
	str_add(&safe, r->reason.text,
		str_utf8_cut(r->reason.text, r->reason.len, REASON_MAX));
	settle(one, "conflict", safe.text);
	json_object_set(one, "files", r->files);
}

static void note_paths(json_t *one, const struct git_paths *set)
{
	json_t *list = git_paths_list(set);

	if (list)
		json_object_set_new(one, "paths", list);
	else
		json_object_del(one, "paths");
}

/* Adds the texts of more that list does not have. */
static void add_missing(json_t *list, const json_t *more)
{
	const json_t *one, *known;
	size_t i, k;

	json_array_foreach (more, i, one) {
		bool found = false;

		json_array_foreach (list, k, known)
			found |= json_equal(known, one) != 0;
		if (!found)
			json_array_append_new(
				list, json_string(json_string_value(one)));
	}
}

/*
 * What those before changed, and this one moves elsewhere, is theirs there as
 * well: whoever let this one go on did not look at it.
 */
static void tell_of_moves(struct batch *b, const json_t *mover,
			  const struct git_paths *own,
			  const struct git_paths *merged)
{
	CLEANUP(json_decref) json_t *carried = git_paths_carried(own, merged);
	const json_t *one;
	size_t i;

	json_array_foreach (b->revisions, i, one) {
		if (one == mover || !json_array_size(carried))
			break;
		if (strcmp(js_str(one, "result"), "merged") == 0 &&
		    git_paths_takes(own, js_get(one, "paths")))
			add_missing(json_object_get(one, "paths"), carried);
	}
}

/*
 * A merge can change more than the revision says: what the base has moved
 * since goes where it was moved to.
 */
static enum err note_merge(struct batch *b, const char *before,
			   const struct git_merger *m, json_t *one,
			   struct git_paths *set, struct error *e)
{
	CLEANUP(git_paths_release) struct git_paths merged = {0};

	if (git_paths_between(b->mirror, before, m->tip, &merged, e))
		return e->code;
	tell_of_moves(b, one, set, &merged);
	git_paths_join(set, &merged);
	note_paths(one, set);
	settle(one, "merged", "");
	return ERR_OK;
}

static enum err merge_one(struct batch *b, struct git_merger *m, json_t *one,
			  struct error *e)
{
	CLEANUP(json_decref) json_t *files = json_array();
	CLEANUP(git_paths_release) struct git_paths set = {0};
	struct git_merge_result r = {
		.files = files,
		.reason = STR_INIT(LIMIT_GIT_COMPLAINT),
	};
	const char *sha = js_str(one, "sha");
	char message[300], before[GIT_SHA_LEN + 1];
	enum err code;

	code = git_weigh(b->mirror, sha, e);
	if (code == ERR_INVALID)
		settle(one, "conflict", e->text);
	if (code)
		return code == ERR_INVALID ? ERR_OK : code;
	if (git_paths_of(b->mirror, b->base_sha, sha, &set, e))
		return e->code;
	note_paths(one, &set);
	snprintf(message, sizeof(message), "kcibot: merge %s#%lld at %s",
		 b->mirror->repo, (long long)js_int(one, "number", 0), sha);
	memcpy(before, m->tip, sizeof(before));
	code = git_merger_add(m, sha, message, &r, e);
	if (code == ERR_OK && r.end == GIT_MERGE_LEFT_OUT)
		left_out(b, m, one, &r);
	else if (code == ERR_OK && r.end == GIT_MERGED_ALREADY)
		settle(one, "merged_already", "");
	else if (code == ERR_OK)
		code = note_merge(b, before, m, one, &set, e);
	str_release(&r.reason);
	return code;
}

static enum err merge_all(struct batch *b, json_t *answer, struct error *e)
{
	CLEANUP(git_merger_release) struct git_merger m = {0};
	json_t *one;
	size_t i;

	if (git_merger_open(&m, b->mirror, b->base_sha, e))
		return e->code;
	json_array_foreach (b->revisions, i, one) {
		if (!in_play(one) || merge_one(b, &m, one, e) == ERR_OK)
			continue;
		return error_prefix(e, "#%lld",
				    (long long)js_int(one, "number", 0));
	}
	json_object_set_new(answer, "base_sha", json_string(b->base_sha));
	json_object_set_new(answer, "old_sha", json_string(b->old_sha));
	json_object_set_new(answer, "sha", json_string(m.tip));
	return ERR_OK;
}

/* One project from the start; *ret is its part of the answer. */
static enum err attempt(struct git_mirror *m, const json_t *args, json_t **ret,
			struct error *e)
{
	CLEANUP(json_decref) json_t *answer = NULL;
	struct batch b = {
		.mirror = m,
		.base = js_str(args, "base"),
		.branch = js_str(args, "branch"),
	};

	if (!git_branch_ok(b.base) || !git_branch_ok(b.branch))
		return error_set(e, ERR_INVALID, "not a branch's name");
	answer = json_pack("{s:s, s:s, s:s}", "repo", m->repo, "base", b.base,
			   "branch", b.branch);
	if (!answer)
		return error_set(e, ERR_INVALID, "not a branch's name");
	if (take_revisions(args, &b.revisions, e) == ERR_OK) {
		json_object_set_new(answer, "revisions", b.revisions);
	} else {
		json_decref(b.revisions);
		return e->code;
	}
	git_mirror_sweep(m);
	if (gather(&b, e) || merge_all(&b, answer, e))
		return e->code;
	*ret = TAKE(answer);
	return ERR_OK;
}

/* A damaged mirror is made anew, once; its content is the forge's. */
static enum err project(struct git *g, const json_t *args, json_t **ret,
			struct error *e)
{
	CLEANUP(git_mirror_release) struct git_mirror m = {0};

	g->corrupt = false;
	if (git_mirror_open(g, js_str(args, "repo"), &m, e))
		return e->code;
	if (attempt(&m, args, ret, e) == ERR_OK)
		return ERR_OK;
	if (!g->corrupt)
		return e->code;
	if (git_mirror_renew(&m, e))
		return e->code;
	return attempt(&m, args, ret, e);
}

enum err git_batch(struct git *g, const json_t *args, struct git_answer *ret,
		   struct error *e)
{
	CLEANUP(json_decref) json_t *list = json_array();
	const json_t *one;
	size_t i;

	json_array_foreach (js_get(args, "projects"), i, one) {
		json_t *answer = NULL;

		if (project(g, one, &answer, e))
			return error_prefix(e, "%s", js_str(one, "repo"));
		json_array_append_new(list, answer);
	}
	ret->body = json_pack("{s:O}", "projects", list);
	return ERR_OK;
}

void git_tend(struct git *g, const json_t *args)
{
	const json_t *one;
	size_t i;

	json_array_foreach (js_get(args, "projects"), i, one) {
		CLEANUP(git_mirror_release) struct git_mirror m = {0};
		struct error ignored;

		if (git_mirror_open(g, js_str(one, "repo"), &m, &ignored) ==
		    ERR_OK)
			git_mirror_tend(&m);
	}
}
