/* git.push, git.tag and git_checkout() on real repositories. */
#include "git_fixture.h"

#include <ftw.h>

#define OTHER "acme/gadget"

struct two {
	char *other;		/* path of OTHER on the forge */
	char *base, *one, *two; /* commits in both repositories */
};

/* Both repositories hold main at base; one and two are pull requests. */
static struct two two_projects(struct fx *f)
{
	struct two t = {.other = fx_repo(f, OTHER)};

	fx_write(f, "f", "base\n");
	fx_commit(f, "base");
	t.base = fx_sha(f->work, "HEAD");
	fx_write(f, "f", "one\n");
	fx_commit(f, "one");
	fx_pull_here(f, 1);
	t.one = fx_sha(f->work, "HEAD");
	fx_write(f, "f", "two\n");
	fx_commit(f, "two");
	fx_pull_here(f, 2);
	t.two = fx_sha(f->work, "HEAD");
	fx_git(f->work, "update-ref", "refs/heads/main", t.base);
	fx_publish(f);
	fx_git(f->work, "push", "-q", "-f", t.other,
	       "refs/heads/*:refs/heads/*", "refs/pr/*:refs/pull/*");
	return t;
}

static void two_free(struct two *t)
{
	free(t->other);
	free(t->base);
	free(t->one);
	free(t->two);
}

static json_t *push_args(const char *old, const char *sha,
			 const char *other_old, const char *other_sha)
{
	return json_pack("{s:[{s:s,s:s,s:s,s:s},{s:s,s:s,s:s,s:s}]}",
			 "projects", "repo", REPO, "branch", "staging",
			 "old_sha", old, "sha", sha, "repo", OTHER, "branch",
			 "staging", "old_sha", other_old, "sha", other_sha);
}

static void stands_at(const char *bare, const char *ref, const char *want)
{
	CLEANUP(free)
	char *now = fx_out(bare, "for-each-ref", "--format=%(objectname)", ref);

	assert_string_equal(now, want);
}

static const json_t *pushed(const struct outcome *o, size_t i)
{
	return json_array_get(js_get(o->body, "projects"), i);
}

static void hook(const char *bare, const char *name, const char *text)
{
	CLEANUP(free) char *file = str_format("hooks/%s", name);
	CLEANUP(free) char *path = str_format("%s/%s", bare, file);

	fx_write_at(bare, file, text);
	assert_int_equal(chmod(path, 0755), 0);
}

static void all_are_pushed_and_a_repeat_is_harmless(void **state)
{
	struct fx *f = *state;
	struct two t = two_projects(f);
	struct outcome *o;

	for (int i = 0; i < 2; i++) {
		o = fx_run(f, "git.push", push_args("", t.one, "", t.one));
		assert_int_equal(o->code, ERR_OK);
		assert_true(js_bool(pushed(o, 0), "pushed", false));
		assert_true(js_bool(pushed(o, 1), "pushed", false));
	}
	stands_at(f->bare, "refs/heads/staging", t.one);
	stands_at(t.other, "refs/heads/staging", t.one);
	/* Backwards is as good: a lease, not a fast-forward. */
	o = fx_run(f, "git.push", push_args(t.one, t.base, t.one, t.two));
	assert_int_equal(o->code, ERR_OK);
	stands_at(f->bare, "refs/heads/staging", t.base);
	/* A crash between the two pushes: the first is done already. */
	fx_git(f->bare, "update-ref", "refs/heads/staging", t.two);
	o = fx_run(f, "git.push", push_args(t.base, t.two, t.two, t.one));
	assert_int_equal(o->code, ERR_OK);
	stands_at(f->bare, "refs/heads/staging", t.two);
	stands_at(t.other, "refs/heads/staging", t.one);
	two_free(&t);
}

static void a_moved_branch_stops_all(void **state)
{
	struct fx *f = *state;
	struct two t = two_projects(f);
	struct outcome *o;

	fx_git(t.other, "update-ref", "refs/heads/staging", t.base);
	o = fx_run(f, "git.push", push_args("", t.one, "", t.one));
	assert_int_equal(o->code, ERR_CONFLICT);
	assert_string_equal(js_str(pushed(o, 1), "refused"), "lease");
	assert_false(js_bool(pushed(o, 0), "pushed", true));
	stands_at(f->bare, "refs/heads/staging", "");
	stands_at(t.other, "refs/heads/staging", t.base);
	two_free(&t);
}

static void a_refusal_puts_the_others_back(void **state)
{
	static const struct {
		const char *says;
		const char *refused;
	} cases[] = {
		{"refusing to allow a GitHub App to create or update workflow "
		 "`.github/workflows/x.yml` without `workflows` permission",
		 "content"},
		{"error: GH006: Protected branch update failed", "rights"},
		{"error: too large", "content"},
	};
	struct fx *f = *state;
	struct two t = two_projects(f);
	struct outcome *o;
	char script[400];

	fx_git(f->bare, "update-ref", "refs/heads/staging", t.two);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(script, sizeof(script),
			 "#!/bin/sh\necho '%s' >&2\nexit 1\n", cases[i].says);
		hook(t.other, "pre-receive", script);
		o = fx_run(f, "git.push", push_args(t.two, t.one, "", t.one));
		assert_int_equal(o->code, ERR_CONFLICT);
		assert_string_equal(js_str(pushed(o, 1), "refused"),
				    cases[i].refused);
		assert_non_null(strstr(js_str(pushed(o, 1), "reason"),
				       "pre-receive hook declined"));
		assert_non_null(
			strstr(js_str(pushed(o, 1), "reason"), cases[i].says));
		assert_false(js_bool(pushed(o, 0), "pushed", true));
		stands_at(f->bare, "refs/heads/staging", t.two);
		stands_at(t.other, "refs/heads/staging", "");
	}
	/* A branch that was new is gone again. */
	fx_git(f->bare, "update-ref", "-d", "refs/heads/staging");
	o = fx_run(f, "git.push", push_args("", t.one, "", t.one));
	assert_int_equal(o->code, ERR_CONFLICT);
	stands_at(f->bare, "refs/heads/staging", "");
	two_free(&t);
}

/* It stood where it should be: a refusal elsewhere says nothing of it. */
static void what_did_not_move_was_not_pushed(void **state)
{
	struct fx *f = *state;
	struct two t = two_projects(f);
	struct outcome *o;

	hook(t.other, "pre-receive", "#!/bin/sh\nexit 1\n");
	fx_git(f->bare, "update-ref", "refs/heads/staging", t.two);
	o = fx_run(f, "git.push", push_args(t.two, t.two, "", t.one));
	assert_int_equal(o->code, ERR_CONFLICT);
	assert_false(js_bool(pushed(o, 0), "pushed", true));
	assert_string_equal(js_str(pushed(o, 0), "reason"), "");
	stands_at(f->bare, "refs/heads/staging", t.two);
	two_free(&t);
}

static void what_was_not_put_back_is_said(void **state)
{
	struct fx *f = *state;
	struct two t = two_projects(f);
	struct outcome *o;

	hook(t.other, "pre-receive", "#!/bin/sh\nexit 1\n");
	fx_git(f->bare, "update-ref", "refs/heads/staging", t.two);
	/* Lets the push through and forbids the way back. */
	hook(f->bare, "update",
	     "#!/bin/sh\ntest ! -e passed || exit 1\ntouch passed\n");
	o = fx_run(f, "git.push", push_args(t.two, t.one, "", t.one));
	assert_int_equal(o->code, ERR_CONFLICT);
	assert_true(js_bool(pushed(o, 0), "pushed", false));
	assert_non_null(strstr(js_str(pushed(o, 0), "reason"),
			       "could not be put back"));
	two_free(&t);
}

/* The ref moved although git reported a failure: the ref has the last word. */
static void a_lost_answer_is_found_in_the_ref(void **state)
{
	struct fx *f = *state;
	struct two t = two_projects(f);
	struct outcome *o;
	char script[400];

	snprintf(script, sizeof(script),
		 "#!/bin/sh\nunset GIT_QUARANTINE_PATH\n"
		 "git update-ref refs/heads/staging %s\nexit 1\n",
		 t.one);
	hook(t.other, "pre-receive", script);
	o = fx_run(f, "git.push", push_args("", t.one, "", t.one));
	assert_int_equal(o->code, ERR_OK);
	stands_at(t.other, "refs/heads/staging", t.one);
	two_free(&t);
}

static void a_forge_that_is_away_is_tried_again(void **state)
{
	struct fx *f = *state;
	struct two t = two_projects(f);
	struct outcome *o;

	o = fx_run(f, "git.push", push_args("", t.one, "", t.one));
	assert_int_equal(o->code, ERR_OK);
	/* Reading works, writing breaks off without a word. */
	hook(t.other, "pre-receive", "#!/bin/sh\nkill -9 $PPID\n");
	o = fx_run(f, "git.push", push_args(t.one, t.two, t.one, t.two));
	assert_int_equal(o->code, ERR_RETRY);
	stands_at(f->bare, "refs/heads/staging", t.one);
	stands_at(t.other, "refs/heads/staging", t.one);
	two_free(&t);
}

static json_t *tag_args(const char *message, const char *sha, const char *other)
{
	return json_pack("{s:s,s:s,s:[{s:s,s:s},{s:s,s:s}]}", "prefix",
			 "staging-20261121.", "message", message, "projects",
			 "repo", REPO, "sha", sha, "repo", OTHER, "sha", other);
}

static void tags_count_up_over_all_projects(void **state)
{
	struct fx *f = *state;
	struct two t = two_projects(f);
	struct outcome *o;

	fx_git(f->bare, "tag", "staging-20261121.9", t.base);
	fx_git(f->bare, "tag", "staging-20261121.9x", t.base);
	fx_git(f->bare, "tag", "staging-20261120.77", t.base);
	fx_git(t.other, "tag", "staging-20261121.10", t.base);
	for (int i = 0; i < 2; i++) {
		o = fx_run(f, "git.tag", tag_args("{\"a\":1}", t.one, t.two));
		assert_int_equal(o->code, ERR_OK);
		assert_string_equal(js_str(o->body, "tag"),
				    "staging-20261121.11");
	}
	o = fx_run(f, "git.tag", tag_args("{\"a\":2}", t.one, t.two));
	assert_string_equal(js_str(o->body, "tag"), "staging-20261121.12");

	/* A crash between the two pushes. */
	fx_git(t.other, "tag", "-d", "staging-20261121.12");
	o = fx_run(f, "git.tag", tag_args("{\"a\":2}", t.one, t.two));
	assert_string_equal(js_str(o->body, "tag"), "staging-20261121.12");
	CLEANUP(free)
	char *text =
		fx_out(t.other, "for-each-ref",
		       "--format=%(objecttype) %(*objectname) %(taggername) "
		       "%(contents)",
		       "refs/tags/staging-20261121.12");
	CLEANUP(free)
	char *want = str_format("tag %s kcibot {\"a\":2}\n", t.two);
	assert_string_equal(text, want);
	two_free(&t);
}

static void a_refused_tag_is_final_and_said(void **state)
{
	struct fx *f = *state;
	struct two t = two_projects(f);
	struct outcome *o;

	hook(t.other, "pre-receive", "#!/bin/sh\nexit 1\n");
	o = fx_run(f, "git.tag", tag_args("m", t.one, t.two));
	assert_int_equal(o->code, ERR_REFUSED);
	assert_non_null(strstr(o->text, "hook declined"));
	o = fx_run(f, "git.tag", tag_args("m", "--help", t.two));
	assert_int_equal(o->code, ERR_INVALID);
	two_free(&t);
}

static void text_is(const char *dir, const char *name, const char *want)
{
	CLEANUP(free) char *path = str_format("%s/%s", dir, name);
	CLEANUP(str_release) struct str s = STR_INIT(4096);
	struct error e = ERROR_INIT;

	if (fs_read(path, &s, &e))
		fail_msg("%s", e.text);
	assert_string_equal(s.text, want);
}

static void a_checkout_is_the_files_and_nothing_else(void **state)
{
	struct fx *f = *state;
	CLEANUP(free) char *dir = str_format("%s/out", f->root);
	CLEANUP(free) char *link = str_format("%s/work/link", f->root);
	CLEANUP(free) char *mark = str_format("%s/owned", f->root);
	CLEANUP(free) char *path = NULL;
	struct error e = ERROR_INIT;
	char target[64] = "";
	struct stat st;

	fx_write(f, ".gitattributes", "* filter=evil\n");
	fx_write(f, ".gitmodules",
		 "[submodule \"sub\"]\n\tpath = sub\n\turl = ../x\n");
	fx_write(f, "a/b.sh", "b\n");
	assert_int_equal(symlink("/etc/passwd", link), 0);
	fx_git(f->work, "add", "-A");
	fx_git(f->work, "update-index", "--chmod=+x", "a/b.sh");
	fx_git(f->work, "update-index", "--add", "--cacheinfo",
	       "160000,1111111111111111111111111111111111111111,sub");
	fx_git(f->work, "commit", "-q", "-m", "all");
	fx_publish(f);
	CLEANUP(free) char *sha = fx_sha(f->work, "HEAD");

	/* No mirror yet, and what a mirror's own hooks say does not count. */
	assert_int_equal(git_checkout(&f->settings, REPO, sha, dir, &e),
			 ERR_OK);
	text_is(dir, "a/b.sh", "b\n");
	path = str_format("%s/a/b.sh", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_mode & S_IXUSR);
	free(path);
	path = str_format("%s/link", dir);
	assert_true(readlink(path, target, sizeof(target) - 1) > 0);
	assert_string_equal(target, "/etc/passwd");
	free(path);
	path = str_format("%s/.git", dir);
	assert_int_equal(lstat(path, &st), -1);
	free(path);
	path = str_format("%s/sub", dir);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(stat(mark, &st), -1);
	/* The folder must be new. */
	assert_int_equal(git_checkout(&f->settings, REPO, sha, dir, &e),
			 ERR_CONFLICT);
}

/* A commit in the mirror whose only entry has a hostile name. */
static char *hostile_commit(const char *mirror, const char *name)
{
	CLEANUP(free)
	char *blob =
		fx_input(mirror, "x", "hash-object", "-w", "--stdin", NULL);
	CLEANUP(free)
	char *line = str_format("100644 blob %s\tf\n", blob);
	CLEANUP(free) char *inner = fx_input(mirror, line, "mktree", NULL);
	CLEANUP(free)
	char *outer = str_format("040000 tree %s\t%s\n", inner, name);
	CLEANUP(free) char *tree = fx_input(mirror, outer, "mktree", NULL);

	return fx_out(mirror, "-c", "user.name=x", "-c", "user.email=x@y",
		      "commit-tree", "-m", "m", tree);
}

static void a_checkout_never_leaves_its_folder(void **state)
{
	static const char *const names[] = {"..", ".git", ".GIT", "."};
	struct fx *f = *state;
	CLEANUP(free) char *mirror = fx_mirror(f);
	CLEANUP(free) char *dir = str_format("%s/in/out", f->root);
	CLEANUP(free) char *parent = str_format("%s/in", f->root);
	CLEANUP(free) char *escaped = str_format("%s/in/f", f->root);
	struct error e = ERROR_INIT;
	struct stat st;

	fx_mkdirs(parent);
	fx_write(f, "f", "a");
	fx_commit(f, "base");
	fx_publish(f);
	fx_batch(f, fx_batch_args(f, NULL, 0));
	/* Past fsck: even objects that are in the mirror do no harm. */
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CLEANUP(free) char *sha = hostile_commit(mirror, names[i]);

		assert_int_not_equal(
			git_checkout(&f->settings, REPO, sha, dir, &e), ERR_OK);
		assert_int_equal(lstat(escaped, &st), -1);
		assert_int_equal(lstat(dir, &st), -1);
	}
	assert_int_equal(git_checkout(&f->settings, REPO, "HEAD", dir, &e),
			 ERR_INVALID);
	assert_int_equal(
		git_checkout(&f->settings, REPO,
			     "1234567890123456789012345678901234567890", dir,
			     &e),
		ERR_MISSING);
}

static int empty_file(const char *path, const struct stat *st UNUSED, int type,
		      struct FTW *ftw UNUSED)
{
	return type == FTW_F && (chmod(path, 0600) || truncate(path, 0));
}

/* As a power cut may leave it: all names are there, and nothing in them. */
static void damage(struct fx *f)
{
	CLEANUP(free) char *mirror = fx_mirror(f);

	assert_int_equal(nftw(mirror, empty_file, 16, FTW_PHYS), 0);
}

static void a_damaged_mirror_heals_in_every_kind(void **state)
{
	struct fx *f = *state;
	struct two t = two_projects(f);
	CLEANUP(free) char *dir = str_format("%s/out", f->root);
	struct error e = ERROR_INIT;
	struct outcome *o;

	o = fx_run(f, "git.push", push_args("", t.base, "", t.base));
	assert_int_equal(o->code, ERR_OK);
	damage(f);
	o = fx_run(f, "git.push", push_args(t.base, t.one, t.base, t.one));
	assert_int_equal(o->code, ERR_OK);
	stands_at(f->bare, "refs/heads/staging", t.one);
	damage(f);
	o = fx_run(f, "git.tag", tag_args("m", t.one, t.one));
	assert_int_equal(o->code, ERR_OK);
	damage(f);
	assert_int_equal(git_checkout(&f->settings, REPO, t.one, dir, &e),
			 ERR_OK);
	text_is(dir, "f", "one\n");
	two_free(&t);
}

/* What was merged and not yet pushed goes with the mirror: that is said. */
static void a_merge_that_is_lost_is_missing(void **state)
{
	struct fx *f = *state;
	struct two t = two_projects(f);
	CLEANUP(free) char *mirror = fx_mirror(f);
	CLEANUP(free) char *merge = NULL;
	struct outcome *o;

	o = fx_run(f, "git.push", push_args("", t.one, "", t.one));
	assert_int_equal(o->code, ERR_OK);
	merge = hostile_commit(mirror, "harmless");
	damage(f);
	o = fx_run(f, "git.push", push_args(t.one, merge, t.one, t.two));
	assert_int_equal(o->code, ERR_MISSING);
	stands_at(f->bare, "refs/heads/staging", t.one);
	stands_at(t.other, "refs/heads/staging", t.one);
	two_free(&t);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		T(all_are_pushed_and_a_repeat_is_harmless),
		T(a_moved_branch_stops_all),
		T(a_refusal_puts_the_others_back),
		T(what_did_not_move_was_not_pushed),
		T(what_was_not_put_back_is_said),
		T(a_lost_answer_is_found_in_the_ref),
		T(a_forge_that_is_away_is_tried_again),
		T(tags_count_up_over_all_projects),
		T(a_refused_tag_is_final_and_said),
		T(a_checkout_is_the_files_and_nothing_else),
		T(a_checkout_never_leaves_its_folder),
		T(a_damaged_mirror_heals_in_every_kind),
		T(a_merge_that_is_lost_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
