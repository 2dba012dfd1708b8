/*
 * Which paths a revision changes, asked of real repositories: nothing that
 * it does to a file may stay unseen.
 */
#include "git_fixture.h"

static json_t *paths_args(struct fx *f, int n)
{
	char ref[64];

	snprintf(ref, sizeof(ref), "refs/pr/%d/head", n);
	CLEANUP(free) char *sha = fx_sha(f->work, ref);
	return json_pack("{s:s, s:i, s:s, s:s}", "repo", REPO, "number", n,
			 "sha", sha, "base", "main");
}

/* The answer about pull request n; valid until the next. */
static const json_t *ask(struct fx *f, int n)
{
	struct outcome *o = fx_run(f, "git.paths", paths_args(f, n));

	if (o->code)
		fail_msg("git.paths: %s: %s", err_name(o->code), o->text);
	return o->body;
}

/* All paths of a list, in order, separated by blanks. */
static void paths_are(const json_t *answer, const char *want)
{
	CLEANUP(str_release) struct str all = STR_INIT(64u << 10);
	const json_t *one;
	size_t i;

	json_array_foreach (js_get(answer, "paths"), i, one)
		str_addf(&all, "%s%s", i ? " " : "", json_string_value(one));
	if (!json_is_array(js_get(answer, "paths")))
		str_puts(&all, "too many");
	assert_string_equal(all.text, want);
}

static void ask_is(struct fx *f, int n, const char *want)
{
	const json_t *answer = ask(f, n);

	assert_string_equal(js_str(answer, "result"), "known");
	paths_are(answer, want);
}

static void base_with(struct fx *f, const char *name)
{
	fx_write(f, name, "one\ntwo\nthree\n");
	fx_write(f, "other", "x\n");
	fx_commit(f, "base");
}

static void link_at(struct fx *f, const char *name, const char *to)
{
	CLEANUP(free) char *path = str_format("%s/%s", f->work, name);

	unlink(path);
	assert_int_equal(symlink(to, path), 0);
}

static void both_sides_of_a_rename(void **state)
{
	struct fx *f = *state;

	base_with(f, "docker/Dockerfile");
	fx_begin(f, "main");
	fx_git(f->work, "mv", "docker", "harmless");
	fx_pull(f, 1);
	fx_begin(f, "main");
	fx_git(f->work, "rm", "-q", "docker/Dockerfile");
	fx_pull(f, 2);
	fx_begin(f, "main");
	fx_git(f->work, "mv", "docker", "Docker");
	fx_pull(f, 3);
	fx_publish(f);
	ask_is(f, 1, "docker/Dockerfile harmless/Dockerfile");
	ask_is(f, 2, "docker/Dockerfile");
	ask_is(f, 3, "Docker/Dockerfile docker/Dockerfile");
}

static void modes_links_and_submodules(void **state)
{
	struct fx *f = *state;

	base_with(f, "docker/run");
	fx_begin(f, "main");
	fx_git(f->work, "update-index", "--chmod=+x", "docker/run");
	fx_git(f->work, "commit", "-q", "-m", "mode");
	fx_pull_here(f, 1);
	fx_begin(f, "main");
	link_at(f, "lib", "/etc");
	fx_pull(f, 2);
	fx_begin(f, "main");
	fx_git(f->work, "rm", "-q", "-r", "docker");
	link_at(f, "docker", "other");
	fx_pull(f, 3);
	fx_begin(f, "main");
	fx_git(f->work, "update-index", "--add", "--cacheinfo",
	       "160000,1111111111111111111111111111111111111111,sub");
	/* What hides a submodule from git diff must not hide it here. */
	fx_write(f, ".gitmodules",
		 "[submodule \"sub\"]\n\tpath = sub\n\turl = ./x\n"
		 "\tignore = all\n");
	fx_git(f->work, "add", ".gitmodules");
	fx_git(f->work, "commit", "-q", "-m", "submodule");
	fx_pull_here(f, 4);
	fx_publish(f);
	ask_is(f, 1, "docker/run");
	ask_is(f, 2, "lib lib/");
	ask_is(f, 3, "docker docker/ docker/run");
	ask_is(f, 4, ".gitmodules sub sub/");
}

/*
 * Two merge bases, a and b.  The pull takes docker/f from a and the base
 * takes it from b: against one of the two nothing has changed.
 */
static void every_merge_base_counts(void **state)
{
	struct fx *f = *state;

	base_with(f, "docker/f");
	fx_begin(f, "main");
	fx_write(f, "docker/f", "from a\n");
	fx_commit(f, "a");
	CLEANUP(free) char *a = fx_sha(f->work, "HEAD");
	fx_begin(f, "main");
	fx_write(f, "b", "b\n");
	fx_commit(f, "b");
	CLEANUP(free) char *b = fx_sha(f->work, "HEAD");
	/* The pull: all of a's docker, all of b's files. */
	fx_git(f->work, "merge", "-q", "--no-edit", a);
	fx_pull(f, 1);
	/* The base: the same two, but docker/f as it was before a. */
	fx_git(f->work, "checkout", "-q", "-f", "main");
	fx_git(f->work, "merge", "-q", "--no-ff", "--no-edit", a);
	fx_git(f->work, "merge", "-q", "--no-ff", "--no-edit", b);
	fx_write(f, "docker/f", "one\ntwo\nthree\n");
	fx_commit(f, "take a back");
	fx_publish(f);
	CLEANUP(free)
	char *bases = fx_out(f->work, "merge-base", "--all", "main",
			     "refs/pr/1/head");
	assert_non_null(strchr(bases, '\n'));
	/* Against a: only b; against b: docker/f. */
	ask_is(f, 1, str_starts(bases, a) ? "b docker/f" : "docker/f b");
}

static void names_of_any_bytes(void **state)
{
	struct fx *f = *state;
	const json_t *answer, *one;
	size_t i, found = 0;

	base_with(f, "docker/f");
	fx_begin(f, "main");
	fx_write(f, "docker/\xff\xfe", "x");
	fx_write(f, "docker/new\nline", "x");
	fx_write(f, "docker/`@all` <b>", "x");
	fx_pull(f, 1);
	fx_publish(f);
	answer = ask(f, 1);
	json_array_foreach (js_get(answer, "paths"), i, one)
		found += str_starts(json_string_value(one), "docker/");
	assert_int_equal(found, 3);
	paths_are(answer, "docker/`@all` <b> docker/new line "
			  "docker/\xef\xbf\xbd\xef\xbf\xbd");
}

static void many(struct fx *f, int n, int count)
{
	CLEANUP(str_release) struct str index = STR_INIT(1u << 20);
	CLEANUP(free) char *blob = fx_sha(f->work, "main:other");

	fx_begin(f, "main");
	for (int i = 0; i < count; i++)
		str_addf(&index, "100644 %s\tfile%d\n", blob, i);
	free(fx_input(f->work, index.text, "update-index", "--add",
		      "--index-info", NULL));
	fx_git(f->work, "commit", "-q", "-m", "many");
	fx_pull_here(f, n);
}

static void more_than_the_ceiling_is_not_known(void **state)
{
	struct fx *f = *state;

	base_with(f, "docker/f");
	many(f, 1, LIMIT_GIT_PATHS);
	many(f, 2, LIMIT_GIT_PATHS + 1);
	fx_publish(f);
	assert_int_equal(json_array_size(js_get(ask(f, 1), "paths")),
			 LIMIT_GIT_PATHS);
	ask_is(f, 2, "too many");
}

static void what_has_no_common_commit_is_not_known(void **state)
{
	struct fx *f = *state;

	base_with(f, "docker/f");
	fx_git(f->work, "checkout", "-q", "--orphan", "lone");
	fx_pull(f, 1);
	fx_publish(f);
	ask_is(f, 1, "too many");
}

static void only_the_head_itself_is_answered(void **state)
{
	struct fx *f = *state;
	json_t *stale, *gone;
	struct outcome *o;

	base_with(f, "docker/f");
	fx_begin(f, "main");
	fx_write(f, "docker/f", "evil\n");
	fx_pull(f, 1);
	fx_publish(f);
	stale = paths_args(f, 1);
	fx_begin(f, "main");
	fx_write(f, "harmless", "x\n");
	fx_pull(f, 1);
	fx_publish(f);
	o = fx_run(f, "git.paths", stale);
	assert_int_equal(o->code, ERR_OK);
	assert_string_equal(js_str(o->body, "result"), "moved");
	assert_null(js_get(o->body, "paths"));
	ask_is(f, 1, "harmless");
	gone = paths_args(f, 1);
	json_object_set_new(gone, "number", json_integer(2));
	o = fx_run(f, "git.paths", gone);
	assert_string_equal(js_str(o->body, "result"), "missing");
	gone = paths_args(f, 1);
	json_object_set_new(gone, "base", json_string("no-such"));
	assert_int_equal(fx_run(f, "git.paths", gone)->code, ERR_MISSING);
	gone = paths_args(f, 1);
	json_object_set_new(gone, "base", json_string("--upload-pack=x"));
	assert_int_equal(fx_run(f, "git.paths", gone)->code, ERR_INVALID);
}

/* A damaged mirror is made anew. */
static void a_broken_mirror_is_mended(void **state)
{
	struct fx *f = *state;
	CLEANUP(free) char *mirror = fx_mirror(f);

	base_with(f, "docker/f");
	fx_begin(f, "main");
	fx_write(f, "docker/f", "y\n");
	fx_pull(f, 1);
	fx_publish(f);
	ask_is(f, 1, "docker/f");
	CLEANUP(free) char *objects = str_format("%s/objects", mirror);
	struct error e = ERROR_INIT;
	assert_int_equal(fs_remove_tree(objects, &e), ERR_OK);
	fx_mkdirs(objects);
	ask_is(f, 1, "docker/f");
}

/*
 * The pull changes src/f; the base has moved that file to docker/f since.
 * The merge changes docker/f, which the pull alone does not say.
 */
static void a_batch_says_what_the_merge_changed(void **state)
{
	struct fx *f = *state;
	const int numbers[] = {1};
	json_t *project;

	base_with(f, "src/f");
	fx_begin(f, "main");
	fx_write(f, "src/f", "one\ntwo\nfour\n");
	fx_pull(f, 1);
	fx_git(f->work, "checkout", "-q", "-f", "main");
	fx_git(f->work, "mv", "src", "docker");
	fx_commit(f, "move");
	fx_publish(f);
	ask_is(f, 1, "src/f");
	project = fx_batch(f, fx_batch_args(f, numbers, 1));
	assert_string_equal(fx_result(project, 1), "merged");
	paths_are(fx_revision(project, 1), "src/f docker/f");
}

/*
 * The first changes lib/f, the second moves lib below docker: what the first
 * says is in docker with that merge, and no word for the second covers it.
 */
static void what_a_later_one_moves_is_told_of_the_first(void **state)
{
	struct fx *f = *state;
	const int numbers[] = {1, 2, 3};
	json_t *project;

	base_with(f, "lib/f");
	fx_begin(f, "main");
	fx_write(f, "lib/f", "one\ntwo\nfour\n");
	fx_pull(f, 1);
	fx_begin(f, "main");
	fx_write(f, "other", "y\n");
	fx_pull(f, 2);
	fx_begin(f, "main");
	fx_git(f->work, "mv", "lib", "docker");
	fx_pull(f, 3);
	fx_publish(f);
	ask_is(f, 1, "lib/f");
	project = fx_batch(f, fx_batch_args(f, numbers, 3));
	assert_string_equal(fx_result(project, 3), "merged");
	paths_are(fx_revision(project, 1), "lib/f docker/f");
	/* Who has nothing to do with it is not drawn into it. */
	paths_are(fx_revision(project, 2), "other");
	paths_are(fx_revision(project, 3), "docker/f lib/f");
}

/* The base alone went on in the file that is moved: nobody's business. */
static void what_the_base_says_is_nobodys(void **state)
{
	struct fx *f = *state;
	const int numbers[] = {1, 2};
	json_t *project;

	base_with(f, "lib/f");
	fx_begin(f, "main");
	fx_write(f, "other", "y\n");
	fx_pull(f, 1);
	fx_begin(f, "main");
	fx_git(f->work, "mv", "lib", "docker");
	fx_write(f, "other", "x\n");
	fx_pull(f, 2);
	fx_git(f->work, "checkout", "-q", "-f", "main");
	fx_write(f, "lib/f", "one\ntwo\nfour\n");
	fx_commit(f, "on");
	fx_publish(f);
	project = fx_batch(f, fx_batch_args(f, numbers, 2));
	assert_string_equal(fx_result(project, 2), "merged");
	paths_are(fx_revision(project, 1), "other");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		T(both_sides_of_a_rename),
		T(modes_links_and_submodules),
		T(every_merge_base_counts),
		T(names_of_any_bytes),
		T(more_than_the_ceiling_is_not_known),
		T(what_has_no_common_commit_is_not_known),
		T(only_the_head_itself_is_answered),
		T(a_broken_mirror_is_mended),
		T(a_batch_says_what_the_merge_changed),
		T(what_a_later_one_moves_is_told_of_the_first),
		T(what_the_base_says_is_nobodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
