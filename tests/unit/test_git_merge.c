/*
 * Batches against what `git merge --no-ff` makes in a real work tree of the
 * same repository, in the same order.
 */
#include "git_fixture.h"

/*
 * Merges each revision with git itself and compares: which were merged, which
 * were already there, which were refused, and the tree at the end.
 */
static void same_as_git_merge(struct fx *f, const json_t *project)
{
	CLEANUP(free) char *mirror = fx_mirror(f);
	const json_t *one;
	size_t i;

	fx_begin(f, js_str(project, "base_sha"));
	json_array_foreach (js_get(project, "revisions"), i, one) {
		CLEANUP(free) char *before = fx_sha(f->work, "HEAD");
		int rc = fx_try(f->work, "merge", "-q", "--no-ff", "--no-edit",
				js_str(one, "sha"), NULL);
		CLEANUP(free) char *after = fx_sha(f->work, "HEAD");
		const char *want = rc			   ? "conflict"
				   : strcmp(before, after) ? "merged"
							   : "merged_already";

		if (strcmp(js_str(one, "result"), want) != 0)
			fail_msg("#%d: git merge says %s, the port %s (%s)",
				 (int)js_int(one, "number", 0), want,
				 js_str(one, "result"), js_str(one, "reason"));
		if (rc) {
			fx_git(f->work, "reset", "-q", "--hard");
			fx_git(f->work, "clean", "-q", "-d", "-f", "-x");
			assert_true(*js_str(one, "reason"));
		}
	}
	CLEANUP(free) char *tree = fx_sha(f->work, "HEAD^{tree}");
	CLEANUP(free)
	char *spec = str_format("%s^{tree}", js_str(project, "sha"));
	CLEANUP(free) char *ours = fx_sha(mirror, spec);
	assert_string_equal(ours, tree);
}

static json_t *batch_of(struct fx *f, int first, int last)
{
	int numbers[100];
	size_t n = 0;

	for (int i = first; i <= last; i++)
		numbers[n++] = i;
	return fx_batch(f, fx_batch_args(f, numbers, n));
}

static void many_lines(struct str *s, int line, const char *text)
{
	for (int i = 1; i <= 40; i++) {
		if (i == line)
			str_addf(s, "%s\n", text);
		else
			str_addf(s, "line %d\n", i);
	}
}

static void write_lines(struct fx *f, const char *name, int line,
			const char *text)
{
	CLEANUP(str_release) struct str s = STR_INIT(4096);

	many_lines(&s, line, text);
	fx_write(f, name, s.text);
}

static void fifty_of_which_five_conflict(void **state)
{
	struct fx *f = *state;
	CLEANUP(free) char *mirror = fx_mirror(f);
	CLEANUP(free) char *first = NULL;
	json_t *project;
	int conflicts = 0;

	for (int i = 0; i < 8; i++) {
		char name[32];

		snprintf(name, sizeof(name), "dir%d/file", i);
		write_lines(f, name, 0, "");
	}
	fx_commit(f, "base");
	for (int n = 1; n <= 50; n++) {
		char name[32], text[32];

		fx_begin(f, "main");
		snprintf(text, sizeof(text), "pull %d", n);
		/* Every tenth changes the line that the one before changed;
		 * the others keep lines apart by more than git's context. */
		snprintf(name, sizeof(name), "dir%d/file",
			 (n % 10 ? n : n - 1) % 8);
		write_lines(f, name, 1 + (n % 10 ? n : n - 1) / 8 * 6, text);
		fx_pull(f, n);
	}
	fx_publish(f);
	project = batch_of(f, 1, 50);
	for (int n = 1; n <= 50; n++) {
		bool lost = strcmp(fx_result(project, n), "conflict") == 0;

		assert_int_equal(lost, n % 10 == 0);
		conflicts += lost;
	}
	assert_int_equal(conflicts, 5);
	same_as_git_merge(f, project);
	assert_string_equal(js_str(fx_revision(project, 10), "reason"),
			    "conflict (contents) with #9 in dir1/file");
	assert_string_equal(js_str(project, "old_sha"), "");

	first = strdup(js_str(project, "sha"));
	CLEANUP(free)
	char *log = fx_out(mirror, "log", "--first-parent", "-2",
			   "--format=%s|%an|%ae|%cn|%ct|%P", first);
	CLEANUP(free) char *head = fx_sha(f->work, "refs/pr/49/head");
	char want[200];
	snprintf(want, sizeof(want),
		 "kcibot: merge " REPO "#49 at %s|kcibot|"
		 "kcibot@example.org|kcibot|1700000000|",
		 head);
	assert_memory_equal(log, want, strlen(want));
	assert_non_null(strstr(log, head));

	/* The same batch, in a new mirror and at another time: same commit. */
	fx_port_stop(f);
	struct error e = ERROR_INIT;
	assert_int_equal(fs_remove_tree(f->state, &e), ERR_OK);
	fx_port_start(f);
	project = batch_of(f, 1, 50);
	assert_string_equal(js_str(project, "sha"), first);
}

/* Base of the attribute cases. */
static void attributes_base(struct fx *f)
{
	fx_write(f, ".gitattributes",
		 "root.txt merge=union\n*.bin binary\n*.crlf text eol=crlf\n"
		 "custom.txt merge=nosuchdriver\n");
	fx_write(f, "root.txt", "a\nb\nc\n");
	fx_write(f, "nested/.gitattributes",
		 "u.txt merge=union\nno.txt -merge\nbin.txt merge=binary\n");
	fx_write(f, "nested/deep/.gitattributes", "u.txt !merge\n");
	fx_write(f, "nested/u.txt", "a\nb\nc\n");
	fx_write(f, "nested/deep/u.txt", "a\nb\nc\n");
	write_lines(f, "nested/no.txt", 0, "");
	write_lines(f, "nested/bin.txt", 0, "");
	write_lines(f, "custom.txt", 0, "");
	write_lines(f, "lines.crlf", 0, "");
	fx_write(f, "later/x.txt", "a\nb\nc\n");
	fx_write(f, "plain.txt", "a\nb\nc\n");
	fx_write(f, "blob.bin", "one\ntwo\n");
	fx_commit(f, "base");
}

static void one_file(struct fx *f, int n, const char *name, const char *text)
{
	fx_begin(f, "main");
	fx_write(f, name, text);
	fx_pull(f, n);
}

static void one_line(struct fx *f, int n, const char *name, int line)
{
	char text[32];

	fx_begin(f, "main");
	snprintf(text, sizeof(text), "changed by %d", n);
	write_lines(f, name, line, text);
	fx_pull(f, n);
}

static void attributes_are_those_of_the_tip(void **state)
{
	struct fx *f = *state;
	json_t *project;

	attributes_base(f);
	one_file(f, 1, "root.txt", "a\none\nc\n");
	one_file(f, 2, "root.txt", "a\ntwo\nc\n");
	one_file(f, 3, "nested/u.txt", "a\none\nc\n");
	one_file(f, 4, "nested/u.txt", "a\ntwo\nc\n");
	one_file(f, 5, "nested/deep/u.txt", "a\none\nc\n");
	one_file(f, 6, "nested/deep/u.txt", "a\ntwo\nc\n");
	one_line(f, 7, "nested/no.txt", 2);
	one_line(f, 8, "nested/no.txt", 30);
	one_line(f, 9, "nested/bin.txt", 2);
	one_line(f, 10, "nested/bin.txt", 30);
	one_line(f, 11, "custom.txt", 2);
	one_line(f, 12, "custom.txt", 30);
	one_line(f, 13, "lines.crlf", 2);
	one_line(f, 14, "lines.crlf", 30);
	one_file(f, 15, "blob.bin", "one\nthree\n");
	one_file(f, 16, "blob.bin", "four\ntwo\n");
	/* 17 brings its own union: not yet the tip's, so 18 before it... */
	one_file(f, 17, "plain.txt", "a\none\nc\n");
	fx_begin(f, "main");
	fx_write(f, ".gitattributes", "* merge=union\n");
	fx_write(f, "plain.txt", "a\ntwo\nc\n");
	fx_pull(f, 18);
	/* ...conflicts, and 19's attributes count for 20 and 21. */
	fx_begin(f, "main");
	fx_write(f, "later/.gitattributes", "x.txt merge=union\n");
	fx_pull(f, 19);
	one_file(f, 20, "later/x.txt", "a\none\nc\n");
	one_file(f, 21, "later/x.txt", "a\ntwo\nc\n");
	/* 22 takes the union of nested away: 23 conflicts with 3 and 4. */
	fx_begin(f, "main");
	fx_git(f->work, "rm", "-q", "nested/.gitattributes");
	fx_pull(f, 22);
	one_file(f, 23, "nested/u.txt", "a\nthree\nc\n");
	/* An attributes file behind a symbolic link is none. */
	fx_begin(f, "main");
	fx_write(f, "linked/real", "y.txt merge=union\n");
	fx_write(f, "linked/y.txt", "a\nb\nc\n");
	CLEANUP(free)
	char *link = str_format("%s/linked/.gitattributes", f->work);
	assert_int_equal(symlink("real", link), 0);
	fx_pull(f, 24);
	fx_write(f, "linked/y.txt", "a\none\nc\n");
	fx_pull(f, 25);
	fx_begin(f, "refs/pr/24/head");
	fx_write(f, "linked/y.txt", "a\ntwo\nc\n");
	fx_pull(f, 26);
	fx_publish(f);

	project = batch_of(f, 1, 26);
	same_as_git_merge(f, project);
	/* What the comparison relies on is really covered. */
	assert_string_equal(fx_result(project, 2), "merged");
	assert_string_equal(fx_result(project, 4), "merged");
	assert_string_equal(fx_result(project, 6), "conflict");
	assert_string_equal(fx_result(project, 8), "conflict");
	assert_string_equal(fx_result(project, 10), "conflict");
	assert_string_equal(fx_result(project, 12), "merged");
	assert_string_equal(fx_result(project, 16), "conflict");
	assert_string_equal(fx_result(project, 18), "conflict");
	assert_string_equal(fx_result(project, 21), "merged");
	assert_string_equal(fx_result(project, 23), "conflict");
	assert_string_equal(fx_result(project, 26), "conflict");
}

static void chmod_x(struct fx *f, const char *name)
{
	fx_git(f->work, "update-index", "--chmod=+x", name);
	fx_git(f->work, "commit", "-q", "-m", "mode");
}

static void symlink_pull(struct fx *f, int n, const char *to)
{
	CLEANUP(free) char *path = str_format("%s/link", f->work);

	fx_begin(f, "main");
	unlink(path);
	assert_int_equal(symlink(to, path), 0);
	fx_pull(f, n);
}

static void submodule_pull(struct fx *f, int n, const char *digit)
{
	char info[80] = "160000,";

	fx_begin(f, "main");
	for (int i = 0; i < 40; i++)
		strncat(info, digit, 1);
	strncat(info, ",sub", 5);
	fx_git(f->work, "update-index", "--add", "--cacheinfo", info);
	fx_git(f->work, "commit", "-q", "-m", "submodule");
	fx_pull_here(f, n);
}

static void every_shape_of_change(void **state)
{
	struct fx *f = *state;
	CLEANUP(free) char *base = NULL;
	json_t *project;

	write_lines(f, "moved.txt", 0, "");
	write_lines(f, "mode.sh", 0, "");
	write_lines(f, "olddir/a.txt", 0, "");
	write_lines(f, "olddir/b.txt", 3, "b");
	fx_write(f, "gone.txt", "unlike\nall\nother\nfiles\n");
	fx_write(f, "target", "t");
	CLEANUP(free) char *path = str_format("%s/link", f->work);
	assert_int_equal(symlink("target", path), 0);
	fx_commit(f, "base");
	base = fx_sha(f->work, "HEAD");

	fx_begin(f, "main"); /* rename here, edit there */
	fx_git(f->work, "mv", "moved.txt", "elsewhere.txt");
	fx_pull(f, 1);
	one_line(f, 2, "moved.txt", 7);
	fx_begin(f, "main"); /* renamed twice, differently */
	fx_git(f->work, "mv", "moved.txt", "third.txt");
	fx_pull(f, 3);
	fx_begin(f, "main"); /* mode here, content there */
	chmod_x(f, "mode.sh");
	fx_pull_here(f, 4);
	one_line(f, 5, "mode.sh", 9);
	symlink_pull(f, 6, "elsewhere.txt");
	symlink_pull(f, 7, "nowhere");
	submodule_pull(f, 8, "1");
	submodule_pull(f, 9, "2");
	one_file(f, 10, "dirfile", "a file");
	one_file(f, 11, "dirfile/inside", "a folder");
	fx_begin(f, "main"); /* folder renamed here, file added there */
	fx_git(f->work, "mv", "olddir", "newdir");
	fx_pull(f, 12);
	one_file(f, 13, "olddir/new.txt", "new\n");
	fx_begin(f, "main"); /* deleted here, changed there */
	fx_git(f->work, "rm", "-q", "gone.txt");
	fx_pull(f, 14);
	one_file(f, 15, "gone.txt", "unlike\nall\nother\nfiles, changed\n");
	fx_begin(f, "refs/pr/2/head"); /* stacked on 2, and 2 itself again */
	fx_write(f, "stacked", "s");
	fx_pull(f, 16);
	fx_begin(f, "refs/pr/2/head");
	fx_pull_here(f, 17);
	fx_begin(f, "main"); /* nothing new */
	fx_pull_here(f, 18);
	fx_git(f->work, "checkout", "-q", "--orphan", "island");
	fx_pull(f, 19);
	fx_begin(f, "main"); /* the same change twice */
	one_file(f, 20, "twin", "same");
	one_file(f, 21, "twin", "same");
	fx_begin(f, "main"); /* empty commit, still a merge */
	fx_pull(f, 22);
	/* Criss-cross: 23 and 24 have merged each other's first commits. */
	one_line(f, 90, "mode.sh", 20);
	one_line(f, 91, "moved.txt", 30);
	fx_begin(f, "refs/pr/90/head");
	fx_git(f->work, "merge", "-q", "--no-ff", "refs/pr/91/head");
	fx_write(f, "cross1", "1");
	fx_pull(f, 23);
	fx_begin(f, "refs/pr/91/head");
	fx_git(f->work, "merge", "-q", "--no-ff", "refs/pr/90/head");
	fx_write(f, "cross2", "2");
	write_lines(f, "moved.txt", 30, "another");
	fx_pull(f, 24);
	/* Names that look like options, commands and bytes of no charset. */
	fx_begin(f, "main");
	fx_write(f, "--upload-pack=touch owned", "x");
	fx_write(f, "$(touch owned); `touch owned`\n\"'", "x");
	fx_write(f, "latin-\xe9", "x");
	fx_pull(f, 25);
	fx_begin(f, "main");
	fx_write(f, "latin-\xe9", "y");
	fx_pull(f, 26);
	fx_git(f->work, "branch", "-D", "-q", "island");
	fx_publish(f);

	project = batch_of(f, 1, 26);
	same_as_git_merge(f, project);
	assert_string_equal(fx_result(project, 2), "merged");
	assert_string_equal(fx_result(project, 3), "conflict");
	assert_string_equal(fx_result(project, 5), "merged");
	assert_string_equal(fx_result(project, 9), "conflict");
	assert_string_equal(fx_result(project, 11), "conflict");
	assert_string_equal(fx_result(project, 15), "conflict");
	assert_non_null(
		strstr(js_str(fx_revision(project, 15), "reason"),
		       "conflict (modify/delete) with #14 in gone.txt"));
	assert_string_equal(fx_result(project, 17), "merged_already");
	assert_string_equal(fx_result(project, 18), "merged_already");
	assert_string_equal(fx_result(project, 19), "conflict");
	assert_non_null(strstr(js_str(fx_revision(project, 19), "reason"),
			       "unrelated"));
	assert_string_equal(fx_result(project, 22), "merged");
	assert_string_equal(fx_result(project, 26), "conflict");
	assert_int_equal(
		json_array_size(js_get(fx_revision(project, 25), "paths")), 3);
	assert_string_equal(
		json_string_value(json_array_get(
			js_get(fx_revision(project, 26), "files"), 0)),
		"latin-\xef\xbf\xbd");
	/* A stacked one changes what it changes against the base. */
	assert_int_equal(
		json_array_size(js_get(fx_revision(project, 16), "paths")), 2);
	assert_string_equal(js_str(project, "base_sha"), base);
}

static void conflict_with_the_base_is_said(void **state)
{
	struct fx *f = *state;
	json_t *project;

	fx_write(f, "f", "a\n");
	fx_commit(f, "base");
	fx_begin(f, "main");
	fx_write(f, "f", "b\n");
	fx_pull(f, 1);
	fx_git(f->work, "checkout", "-q", "main");
	fx_write(f, "f", "c\n");
	fx_commit(f, "base moves");
	fx_publish(f);
	project = batch_of(f, 1, 1);
	assert_string_equal(js_str(fx_revision(project, 1), "reason"),
			    "conflict (contents) with main in f");
	assert_string_equal(js_str(project, "sha"),
			    js_str(project, "base_sha"));
}

static void moved_and_deleted_refs_are_left_out(void **state)
{
	struct fx *f = *state;
	const int numbers[] = {1, 2, 3};
	json_t *args, *project;

	fx_write(f, "f", "a\n");
	fx_commit(f, "base");
	one_file(f, 1, "one", "1");
	one_file(f, 2, "two", "2");
	one_file(f, 3, "three", "3");
	fx_publish(f);
	args = fx_batch_args(f, numbers, 3);
	one_file(f, 2, "two", "moved");
	fx_publish(f);
	fx_git(f->bare, "update-ref", "-d", "refs/pull/3/head");
	project = fx_batch(f, args);
	assert_string_equal(fx_result(project, 1), "merged");
	assert_string_equal(fx_result(project, 2), "moved");
	assert_string_equal(fx_result(project, 3), "missing");
	assert_true(*js_str(fx_revision(project, 2), "reason"));
	assert_null(js_get(fx_revision(project, 2), "paths"));
}

/* refs/pull lags: the third look finds it. */
struct late {
	struct fx *f;
	char *sha;
};

static void *arrive_late(void *arg)
{
	struct late *l = arg;
	CLEANUP(free)
	char *mark = str_format("%s/state/git", l->f->root);
	struct stat st;

	/* The mirror's folder appears when the batch has begun. */
	for (int i = 0; i < 20000 && stat(mark, &st); i++)
		usleep(1000);
	fx_git(l->f->work, "push", "-q", "-f", l->f->bare,
	       "refs/pr/1/head:refs/pull/1/head");
	return NULL;
}

static void a_lagging_ref_is_waited_for(void **state)
{
	struct fx *f = *state;
	const int numbers[] = {1};
	struct late late = {.f = f};
	json_t *args;
	pthread_t thread;

	fx_write(f, "f", "a\n");
	fx_commit(f, "base");
	fx_pull_here(f, 1);
	fx_publish(f);
	one_file(f, 1, "one", "1");
	fx_port_stop(f);
	f->settings.moved_retry_ms = 1000;
	fx_port_start(f);
	args = fx_batch_args(f, numbers, 1);
	assert_int_equal(pthread_create(&thread, NULL, arrive_late, &late), 0);
	assert_string_equal(fx_result(fx_batch(f, args), 1), "merged");
	pthread_join(thread, NULL);
}

static void a_hostile_tree_costs_only_itself(void **state)
{
	struct fx *f = *state;
	json_t *project;

	fx_write(f, "f", "a\n");
	fx_commit(f, "base");
	one_file(f, 1, "one", "1");
	CLEANUP(free) char *blob = fx_sha(f->work, "main:f");
	CLEANUP(free)
	char *inner = str_format("100644 blob %s\tconfig\n", blob);
	CLEANUP(free)
	char *git = fx_input(f->work, inner, "mktree", NULL);
	CLEANUP(free) char *outer = str_format("040000 tree %s\t.git\n", git);
	CLEANUP(free) char *tree = fx_input(f->work, outer, "mktree", NULL);
	CLEANUP(free)
	char *bad =
		fx_out(f->work, "commit-tree", "-p", "main", "-m", "bad", tree);
	fx_git(f->work, "update-ref", "refs/pr/2/head", bad);
	one_file(f, 3, "three", "3");
	fx_publish(f);
	project = batch_of(f, 1, 3);
	assert_string_equal(fx_result(project, 1), "merged");
	assert_string_equal(fx_result(project, 2), "missing");
	assert_non_null(
		strstr(js_str(fx_revision(project, 2), "reason"), "fsck"));
	assert_string_equal(fx_result(project, 3), "merged");
}

/* Pull request n: on top of main, what tree is under "x". */
static void pull_of_tree(struct fx *f, int n, const char *tree)
{
	char ref[64];
	CLEANUP(free) char *line = str_format("040000 tree %s\tx\n", tree);
	CLEANUP(free) char *top = fx_input(f->work, line, "mktree", NULL);
	CLEANUP(free)
	char *commit =
		fx_out(f->work, "commit-tree", "-p", "main", "-m", "x", top);

	snprintf(ref, sizeof(ref), "refs/pr/%d/head", n);
	fx_git(f->work, "update-ref", ref, commit);
}

/* A tree that names entry (a line for mktree up to its tab) `times` times. */
static char *tree_of(struct fx *f, char *entry, int times)
{
	CLEANUP(str_release) struct str lines = STR_INIT(4096);

	for (int i = 0; i < times; i++)
		str_addf(&lines, "%s\t%c\n", entry, 'a' + i);
	free(entry);
	return fx_input(f->work, lines.text, "mktree", NULL);
}

static char *blob_entry(struct fx *f, const char *text)
{
	CLEANUP(free)
	char *blob =
		fx_input(f->work, text, "hash-object", "-w", "--stdin", NULL);

	return str_format("100644 blob %s", blob);
}

/* Ten folders of ten folders of ...: 10^10 files in eleven objects. */
static void pull_of_bomb(struct fx *f, int n)
{
	char *tree = tree_of(f, blob_entry(f, "x"), 10);

	for (int level = 0; level < 9; level++) {
		char *entry = str_format("040000 tree %s", tree);

		free(tree);
		tree = tree_of(f, entry, 10);
	}
	pull_of_tree(f, n, tree);
	free(tree);
}

/* The same with few names, but 26^2 times 8 MiB. */
static void pull_of_bulk(struct fx *f, int n)
{
	char *text = calloc(1, (8u << 20) + 1);
	char *tree, *entry;

	memset(text, 'x', 8u << 20);
	tree = tree_of(f, blob_entry(f, text), 26);
	free(text);
	entry = str_format("040000 tree %s", tree);
	free(tree);
	tree = tree_of(f, entry, 26);
	pull_of_tree(f, n, tree);
	free(tree);
}

static void pull_of_long_name(struct fx *f, int n)
{
	CLEANUP(free) char *entry = blob_entry(f, "x");
	CLEANUP(free) char *line = str_format("%s\t%0256d\n", entry, 1);
	CLEANUP(free) char *tree = fx_input(f->work, line, "mktree", NULL);

	pull_of_tree(f, n, tree);
}

static void a_tree_for_no_disk_costs_only_itself(void **state)
{
	struct fx *f = *state;
	json_t *project;

	fx_write(f, "f", "a\n");
	fx_commit(f, "base");
	one_file(f, 1, "one", "1");
	pull_of_bomb(f, 2);
	pull_of_bulk(f, 3);
	pull_of_long_name(f, 4);
	one_file(f, 5, "five", "5");
	fx_publish(f);
	project = batch_of(f, 1, 5);
	assert_string_equal(fx_result(project, 1), "merged");
	for (int n = 2; n <= 4; n++)
		assert_string_equal(fx_result(project, n), "conflict");
	assert_string_equal(js_str(fx_revision(project, 2), "reason"),
			    "it has too many files, or too deep folders");
	assert_string_equal(js_str(fx_revision(project, 3), "reason"),
			    "its files have more than 4096 MiB");
	assert_non_null(
		strstr(js_str(fx_revision(project, 4), "reason"), "too long"));
	assert_string_equal(fx_result(project, 5), "merged");
}

static void args_that_are_nonsense_are_refused(void **state)
{
	struct fx *f = *state;
	static const struct {
		const char *repo, *base, *branch, *sha;
		int number;
	} cases[] = {
		{"../widget", "main", "staging", "", 1},
		{"acme/widget", "--upload-pack=x", "staging", "", 1},
		{"acme/widget", "main", "a..b", "", 1},
		{"acme/widget", "main", "staging", "--help", 1},
		{"acme/widget", "main", "staging", "", 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct outcome *o =
			fx_run(f, "git.batch",
			       json_pack("{s:[{s:s,s:s,s:s,s:[{s:i,s:s}]}]}",
					 "projects", "repo", cases[i].repo,
					 "base", cases[i].base, "branch",
					 cases[i].branch, "revisions", "number",
					 cases[i].number, "sha", cases[i].sha));
		assert_int_equal(o->code, ERR_INVALID);
		assert_true(*o->text);
	}
	assert_int_equal(fx_run(f, "git.nosuch", json_object())->code,
			 ERR_INVALID);
}

static void no_base_branch_and_no_repository_are_said(void **state)
{
	struct fx *f = *state;
	struct outcome *o;

	o = fx_run(f, "git.batch",
		   json_pack("{s:[{s:s,s:s,s:s,s:[]}]}", "projects", "repo",
			     REPO, "base", "main", "branch", "staging",
			     "revisions"));
	assert_int_equal(o->code, ERR_MISSING);
	assert_non_null(strstr(o->text, "main"));
	o = fx_run(f, "git.batch",
		   json_pack("{s:[{s:s,s:s,s:s,s:[]}]}", "projects", "repo",
			     "acme/none", "base", "main", "branch", "staging",
			     "revisions"));
	assert_int_equal(o->code, ERR_MISSING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(fifty_of_which_five_conflict,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(attributes_are_those_of_the_tip,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(every_shape_of_change, fx_setup,
						fx_teardown),
		cmocka_unit_test_setup_teardown(conflict_with_the_base_is_said,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(
			moved_and_deleted_refs_are_left_out, fx_setup,
			fx_teardown),
		cmocka_unit_test_setup_teardown(a_lagging_ref_is_waited_for,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(
			a_hostile_tree_costs_only_itself, fx_setup,
			fx_teardown),
		cmocka_unit_test_setup_teardown(
			a_tree_for_no_disk_costs_only_itself, fx_setup,
			fx_teardown),
		cmocka_unit_test_setup_teardown(
			args_that_are_nonsense_are_refused, fx_setup,
			fx_teardown),
		cmocka_unit_test_setup_teardown(
			no_base_branch_and_no_repository_are_said, fx_setup,
			fx_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
