/*
 * git.push: all staging branches or none.  There is no transaction over
 * several repositories, so: look at all refs first, push one after the other
 * with the expected value named, and put back what was pushed when one is
 * refused.  A ref that stands at the new value counts as pushed, whoever
 * did it, so a repeat after a crash ends the same way.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/cleanup.h"
#include "deploy/git_kind.h"
#include "deploy/git_mirror.h"

#define PUSH_PROJECTS_MAX 64
#define REASON_MAX 600

struct target {
	struct git_mirror mirror;
	const char *branch;
	const char *old; /* "" = no such branch */
	const char *sha;
	bool pushed;
	enum git_refusal refused;
	struct str reason;
};

struct targets {
	struct target *items;
	size_t count;
};

static void targets_release(struct targets *t)
{
	for (size_t i = 0; i < t->count; i++) {
		git_mirror_release(&t->items[i].mirror);
		str_release(&t->items[i].reason);
	}
	free(t->items);
}

static void targets_release_at(struct targets *t)
{
	targets_release(t);
}

static enum err target_open(struct git *g, const json_t *args, struct target *t,
			    struct error *e)
{
	t->branch = js_str(args, "branch");
	t->old = js_str(args, "old_sha");
	t->sha = js_str(args, "sha");
	str_init(&t->reason, REASON_MAX);
	if (!git_branch_ok(t->branch) || !git_sha_ok(t->sha) ||
	    (*t->old && !git_sha_ok(t->old)))
		return error_set(e, ERR_INVALID, "branch, old_sha or sha");
	return git_mirror_open(g, js_str(args, "repo"), &t->mirror, e);
}

static enum err targets_open(struct git *g, const json_t *args,
			     struct targets *t, struct error *e)
{
	const json_t *list = js_get(args, "projects"), *one;
	size_t i;

	if (json_array_size(list) > PUSH_PROJECTS_MAX)
		return error_set(e, ERR_INVALID, "more than %d projects",
				 PUSH_PROJECTS_MAX);
	t->items = calloc(json_array_size(list) + 1, sizeof(*t->items));
	if (!t->items)
		return error_set(e, ERR_RETRY, "out of memory");
	json_array_foreach (list, i, one) {
		t->count++;
		if (target_open(g, one, &t->items[i], e))
			return error_prefix(e, "%s", js_str(one, "repo"));
	}
	return ERR_OK;
}

/* Where the branch stands on the forge; "" = it does not exist. */
static enum err read_remote(struct target *t, char ret[GIT_SHA_LEN + 1],
			    struct error *e)
{
	CLEANUP(git_refs_release) struct git_refs refs = {0};
	char name[256];
	const char *sha;

	snprintf(name, sizeof(name), "refs/heads/%s", t->branch);
	if (git_mirror_remote_refs(&t->mirror, name, &refs, e))
		return error_prefix(e, "%s", t->mirror.repo);
	sha = git_refs_find(&refs, name);
	snprintf(ret, GIT_SHA_LEN + 1, "%s", sha ? sha : "");
	return ERR_OK;
}

/*
 * Before anything moves: every ref is where it is expected, and all commits
 * are here, those to put back too.
 */
static enum err check(struct target *t, struct error *e)
{
	char now[GIT_SHA_LEN + 1];

	if (read_remote(t, now, e))
		return e->code;
	t->pushed = strcmp(now, t->sha) == 0;
	if (!t->pushed && strcmp(now, t->old) != 0) {
		t->refused = GIT_REFUSED_LEASE;
		str_addf(&t->reason, "%s moved to %.12s meanwhile", t->branch,
			 *now ? now : "nothing");
		return ERR_OK;
	}
	if (t->pushed)
		return ERR_OK;
	if ((*t->old && git_mirror_need(&t->mirror, t->old, e)) ||
	    git_mirror_need(&t->mirror, t->sha, e))
		return error_prefix(e, "%s", t->mirror.repo);
	return ERR_OK;
}

/*
 * A damaged mirror is made anew, once.  Then what was merged and never pushed
 * is nowhere: ERR_MISSING, and it has to be merged again.
 */
static enum err check_well(struct target *t, struct error *e)
{
	struct git *g = t->mirror.git;
	enum err code;

	g->corrupt = false;
	code = check(t, e);
	if (!code || !g->corrupt)
		return code;
	if (git_mirror_renew(&t->mirror, e))
		return e->code;
	return check(t, e);
}

static enum err run_push(struct target *t, const char *from, const char *to,
			 struct proc_result *r, struct error *e)
{
	char lease[400], spec[400];
	struct git_call push = {
		.argv = GIT_ARGV("push", "--porcelain", "--no-verify",
				 "--no-follow-tags", "--no-signed",
				 "--recurse-submodules=no", lease,
				 "--end-of-options", t->mirror.place.url.text,
				 spec),
		.git_dir = t->mirror.dir,
		.remote = &t->mirror.place,
	};

	snprintf(lease, sizeof(lease), "--force-with-lease=refs/heads/%s:%s",
		 t->branch, from);
	snprintf(spec, sizeof(spec), "%s:refs/heads/%s", to, t->branch);
	if (git_run(t->mirror.git, &push, r, e))
		return e->code;
	if (!r->exit_code)
		return ERR_OK;
	git_failure(t->mirror.git, &push, r, e);
	return e->code = ERR_CONFLICT;
}

/*
 * Moves the branch.  Whatever git said, the ref has the last word: an answer
 * may be lost, and a refusal may be of a push that was no longer needed.
 */
static enum err move(struct target *t, const char *from, const char *to,
		     struct git_answer *answer, struct error *e)
{
	CLEANUP(proc_result_release) struct proc_result r = GIT_RESULT_INIT;
	char now[GIT_SHA_LEN + 1];
	struct error lost;

	if (run_push(t, from, to, &r, e) == ERR_OK)
		return ERR_OK;
	if (read_remote(t, now, &lost)) {
		answer->unknown = true;
		return e->code = ERR_RETRY;
	}
	if (strcmp(now, to) == 0)
		return ERR_OK;
	t->refused = e->code == ERR_CONFLICT ? git_refusal_of(&r, &t->reason)
					     : GIT_ACCEPTED;
	return e->code = t->refused ? ERR_CONFLICT : ERR_RETRY;
}

static void put_back(struct targets *all, const char *why,
		     struct git_answer *answer)
{
	struct error e = ERROR_INIT;

	for (size_t i = 0; i < all->count; i++) {
		struct target *t = &all->items[i];

		/* What stood there before any of it was not moved. */
		t->pushed = t->pushed && strcmp(t->old, t->sha) != 0;
		if (!t->pushed)
			continue;
		if (move(t, t->sha, t->old, answer, &e) == ERR_OK) {
			t->pushed = false;
			str_addf(&t->reason, "put back: %s was refused", why);
		} else {
			str_clear(&t->reason);
			str_addf(&t->reason, "could not be put back: %.300s",
				 e.text);
		}
		t->refused = GIT_ACCEPTED;
	}
}

static json_t *report(const struct targets *all)
{
	static const char *const names[] = {
		[GIT_ACCEPTED] = "",
		[GIT_REFUSED_LEASE] = "lease",
		[GIT_REFUSED_CONTENT] = "content",
		[GIT_REFUSED_RIGHTS] = "rights",
	};
	json_t *list = json_array();

	for (size_t i = 0; i < all->count; i++) {
		const struct target *t = &all->items[i];
		size_t len = str_utf8_cut(t->reason.text, t->reason.len,
					  REASON_MAX - 4);

		json_array_append_new(
			list,
			json_pack("{s:s, s:b, s:o, s:s}", "repo",
				  t->mirror.repo, "pushed", t->pushed, "reason",
				  json_stringn(t->reason.text, len), "refused",
				  names[t->refused]));
	}
	return json_pack("{s:o}", "projects", list);
}

/* The first that was refused, or NULL. */
static const struct target *refused(const struct targets *all)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->items[i].refused)
			return &all->items[i];
	return NULL;
}

static enum err check_all(struct targets *all, struct error *e)
{
	for (size_t i = 0; i < all->count; i++)
		if (check_well(&all->items[i], e))
			return e->code;
	return ERR_OK;
}

/* Stops at the first that does not move. */
static enum err push_all(struct targets *all, struct git_answer *answer,
			 struct error *e)
{
	for (size_t i = 0; i < all->count; i++) {
		struct target *t = &all->items[i];

		if (t->pushed)
			continue;
		if (move(t, t->old, t->sha, answer, e))
			return error_prefix(e, "%s", t->mirror.repo);
		t->pushed = true;
	}
	return ERR_OK;
}

enum err git_push(struct git *g, const json_t *args, struct git_answer *ret,
		  struct error *e)
{
	CLEANUP(targets_release) struct targets all = {NULL, 0};
	const struct target *loser;
	enum err code;

	if (targets_open(g, args, &all, e) || check_all(&all, e))
		return e->code;
	code = refused(&all) ? ERR_CONFLICT : push_all(&all, ret, e);
	if (code == ERR_OK) {
		ret->body = report(&all);
		return ERR_OK;
	}
	/* Stopping now must be quick; the repeat finds what is half done. */
	if (!git_pause(g, 0))
		return error_set(e, ERR_RETRY, "stopped");
	loser = refused(&all);
	put_back(&all, loser ? loser->mirror.repo : "another push", ret);
	ret->body = report(&all);
	if (loser)
		return error_set(e, ERR_CONFLICT, "%s: %.300s",
				 loser->mirror.repo, loser->reason.text);
	return e->code;
}
