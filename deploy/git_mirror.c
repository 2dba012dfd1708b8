#include "deploy/git_mirror.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bot/base/cleanup.h"
#include "bot/base/clock.h"
#include "bot/base/fs.h"

/* No git of ours lives longer: what is older was left behind. */
#define STALE_S (2 * LIMIT_GIT_MS / 1000)
/* Refs of pull requests that are kept to make the next fetch small. */
#define PULL_REFS_KEPT 300

void git_mirror_release(struct git_mirror *m)
{
	git_place_release(&m->place);
	free(m->dir);
	m->dir = NULL;
}

static bool stale(const struct stat *st)
{
	return st->st_mtime < clock_wall(&clock_system) / 1000 - STALE_S;
}

static bool ends(const char *name, const char *with)
{
	size_t n = strlen(name), w = strlen(with);

	return n >= w && strcmp(name + n - w, with) == 0;
}

/*
 * Locks go at once: only the port takes them, and it runs no git here
 * now.  Objects may be a checkout's, so they must also be old.
 */
static int sweep_file(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	const char *name = path + ftw->base;

	if (type != FTW_F)
		return 0;
	if (ends(name, ".lock") || strcmp(name, "gc.pid") == 0)
		unlink(path);
	else if ((str_starts(name, "tmp_") || ends(name, ".keep")) && stale(st))
		unlink(path);
	return 0;
}

void git_mirror_sweep(const struct git_mirror *m)
{
	nftw(m->dir, sweep_file, 16, FTW_PHYS);
}

static void sweep_entry(const char *path, const char *name)
{
	struct error ignored;
	struct stat st;

	if (lstat(path, &st) || !S_ISDIR(st.st_mode))
		return;
	if (ends(name, ".git"))
		nftw(path, sweep_file, 16, FTW_PHYS);
	else if (ends(name, ".git.work") ||
		 (strstr(name, ".git.new-") && stale(&st)))
		if (fs_remove_tree(path, &ignored))
			return; /* tried again at the next start */
}

void git_mirror_sweep_all(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	if (!d)
		return;
	while ((entry = readdir(d))) {
		CLEANUP(free)
		char *path = str_format("%s/%s", dir, entry->d_name);

		if (path)
			sweep_entry(path, entry->d_name);
	}
	closedir(d);
}

/* git syncs what it commits (core.fsync); what makes the folder a repository
 * it does not. */
static enum err sync_parts(const char *temp, struct error *e)
{
	static const char *const parts[] = {"HEAD", "config"};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		CLEANUP(free) char *path = str_format("%s/%s", temp, parts[i]);
		CLEANUP(fd_close)
		int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

		if (fd < 0 || fsync(fd))
			return error_errno(e, ERR_RETRY, "cannot sync %s of %s",
					   parts[i], temp);
	}
	return ERR_OK;
}

static enum err init_at(struct git_mirror *m, const char *temp, struct error *e)
{
	CLEANUP(proc_result_release) struct proc_result r = GIT_RESULT_INIT;
	CLEANUP(free) char *file = str_format("%s/description", temp);
	struct git_call init = {
		.argv = GIT_ARGV("init", "--quiet", "--bare", "--template=",
				 "--initial-branch=main", "--", temp),
	};

	if (!file)
		return error_set(e, ERR_RETRY, "out of memory");
	if (git_run_ok(m->git, &init, &r, e) || sync_parts(temp, e))
		return e->code;
	/* Syncs the folder as well. */
	return fs_write(file, m->repo, strlen(m->repo), 0600, e);
}

static enum err make_at(struct git_mirror *m, const char *temp, struct error *e)
{
	if (init_at(m, temp, e))
		return e->code;
	/* A checkout may have made the same mirror meanwhile: as good. */
	if (rename(temp, m->dir) && errno != ENOTEMPTY && errno != EEXIST)
		return error_errno(e, ERR_RETRY, "cannot make %s", m->dir);
	return fs_sync_folder_of(m->dir, e);
}

static enum err make(struct git_mirror *m, struct error *e)
{
	CLEANUP(free) char *temp = str_format("%s.new-XXXXXX", m->dir);
	struct error ignored;
	enum err code;

	if (fs_mkdirs(m->git->settings->dir, 0700, e))
		return e->code;
	if (!temp || !mkdtemp(temp))
		return error_errno(e, ERR_RETRY, "cannot make a mirror");
	code = make_at(m, temp, e);
	if (fs_remove_tree(temp, &ignored))
		return code; /* swept at a later start */
	return code;
}

enum err git_mirror_open(struct git *g, const char *repo,
			 struct git_mirror *ret, struct error *e)
{
	char hash[GIT_HASH_LEN + 1];
	struct stat st;

	ret->git = g;
	ret->repo = repo;
	if (git_place_of(g->settings->clone_url, repo, &ret->place, e))
		return e->code;
	git_name_hash(repo, hash);
	ret->dir = str_format("%s/%s.git", g->settings->dir, hash);
	if (!ret->dir)
		return error_set(e, ERR_RETRY, "out of memory");
	if (stat(ret->dir, &st) == 0)
		return ERR_OK;
	return make(ret, e);
}

/* In one step: whoever uses it now, in another thread, finds none of it, and
 * not a part. */
static enum err move_away(struct git_mirror *m, const char *away,
			  struct error *e)
{
	if (rename(m->dir, away) && errno != ENOENT)
		return error_errno(e, ERR_RETRY, "cannot move %s", m->dir);
	return fs_remove_tree(away, e);
}

enum err git_mirror_renew(struct git_mirror *m, struct error *e)
{
	CLEANUP(free) char *away = str_format("%s.new-XXXXXX", m->dir);

	m->git->corrupt = false;
	if (!away || !mkdtemp(away))
		return error_errno(e, ERR_RETRY, "cannot move %s", m->dir);
	if (move_away(m, away, e))
		return e->code;
	return make(m, e);
}

void git_refs_release(struct git_refs *r)
{
	free(r->items);
	free(r->text);
	*r = (struct git_refs){0};
}

const char *git_refs_find(const struct git_refs *r, const char *name)
{
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->items[i].name, name) == 0)
			return r->items[i].sha;
	return NULL;
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

/* Lines "SHA\tNAME\n" in r->text, which is cut up; others are skipped. */
static enum err parse_refs(struct git_refs *r, struct error *e)
{
	char *next;

	r->items = calloc(count_lines(r->text) + 1, sizeof(*r->items));
	if (!r->items)
		return error_set(e, ERR_RETRY, "out of memory");
	for (char *line = r->text; (next = strchr(line, '\n'));
	     line = next + 1) {
		char *tab = strchr(line, '\t');

		*next = '\0';
		if (!tab || tab > next)
			continue;
		*tab = '\0';
		if (!git_sha_ok(line))
			continue;
		r->items[r->count].sha = line;
		r->items[r->count++].name = tab + 1;
	}
	return ERR_OK;
}

static enum err list_refs(struct git_mirror *m, const struct git_call *c,
			  struct git_refs *ret, struct error *e)
{
	CLEANUP(proc_result_release) struct proc_result r = GIT_RESULT_INIT;

	if (git_run_ok(m->git, c, &r, e) || str_take(&r.out, &ret->text, e))
		return e->code;
	return parse_refs(ret, e);
}

enum err git_mirror_remote_refs(struct git_mirror *m, const char *patterns,
				struct git_refs *ret, struct error *e)
{
	const char *const head[] = {"git", "ls-remote", "--quiet",
				    "--end-of-options", m->place.url.text};
	size_t n = ARRAY_SIZE(head);
	const char **argv =
		calloc(n + count_lines(patterns) + 2, sizeof(*argv));
	char *text = strdup(patterns), *rest = text, *line;
	struct git_call list = {
		.argv = argv,
		.git_dir = m->dir,
		.remote = &m->place,
	};
	enum err code = ERR_RETRY;

	if (argv && text) {
		memcpy(argv, head, sizeof(head));
		while ((line = strsep(&rest, "\n")))
			if (*line)
				argv[n++] = line;
		code = list_refs(m, &list, ret, e);
	} else {
		error_set(e, code, "out of memory");
	}
	free(text);
	free(argv);
	return code;
}

enum err git_mirror_own_refs(struct git_mirror *m, const char *prefix,
			     struct git_refs *ret, struct error *e)
{
	struct git_call list = {
		.argv = GIT_ARGV("for-each-ref",
				 "--format=%(objectname)%09%(refname)", "--",
				 prefix),
		.git_dir = m->dir,
	};

	return list_refs(m, &list, ret, e);
}

enum err git_mirror_fetch(struct git_mirror *m, const char *refspecs,
			  struct error *e)
{
	CLEANUP(proc_result_release) struct proc_result r = GIT_RESULT_INIT;
	struct git_call fetch = {
		.argv = GIT_ARGV(
			"fetch", "--quiet", "--no-tags", "--force",
			"--no-write-fetch-head", "--no-auto-maintenance",
			"--no-recurse-submodules", "--no-show-forced-updates",
			"--stdin", "--end-of-options", m->place.url.text),
		.git_dir = m->dir,
		.remote = &m->place,
		.input = refspecs,
		.input_len = strlen(refspecs),
	};

	if (!*refspecs)
		return ERR_OK;
	return git_run_ok(m->git, &fetch, &r, e);
}

/* Is the commit here, with its whole history? */
static bool present(struct git_mirror *m, const char *sha)
{
	CLEANUP(proc_result_release) struct proc_result r = GIT_RESULT_INIT;
	char spec[GIT_SHA_LEN + 10];
	struct git_call look = {
		.argv = GIT_ARGV("cat-file", "-e", spec),
		.git_dir = m->dir,
	};
	struct error ignored;

	snprintf(spec, sizeof(spec), "%s^{commit}", sha);
	return git_run_ok(m->git, &look, &r, &ignored) == ERR_OK;
}

enum err git_mirror_need(struct git_mirror *m, const char *sha, struct error *e)
{
	char line[GIT_SHA_LEN + 2];

	if (present(m, sha))
		return ERR_OK;
	snprintf(line, sizeof(line), "%s\n", sha);
	if (git_mirror_fetch(m, line, e)) {
		if (strstr(e->text, "not our ref") ||
		    strstr(e->text, "unadvertised object"))
			e->code = ERR_MISSING;
		return e->code;
	}
	if (!present(m, sha))
		return error_set(e, ERR_MISSING, "%s has no commit %s", m->repo,
				 sha);
	return ERR_OK;
}

void git_mirror_branch_ref(const char *branch, struct str *out)
{
	char hash[GIT_HASH_LEN + 1];

	git_name_hash(branch, hash);
	str_addf(out, "refs/kcibot/head/%s", hash);
}

static void forget_pulls(struct git_mirror *m, const struct git_refs *pulls)
{
	CLEANUP(proc_result_release) struct proc_result r = GIT_RESULT_INIT;
	CLEANUP(str_release) struct str input = STR_INIT(LIMIT_GIT_OUTPUT);
	struct git_call forget = {
		.argv = GIT_ARGV("update-ref", "--stdin"),
		.git_dir = m->dir,
	};
	struct error ignored;

	for (size_t i = 0; i < pulls->count; i++)
		str_addf(&input, "delete %s\n", pulls->items[i].name);
	forget.input = input.text;
	forget.input_len = input.len;
	if (git_run_ok(m->git, &forget, &r, &ignored))
		return;
}

void git_mirror_tend(struct git_mirror *m)
{
	CLEANUP(proc_result_release) struct proc_result r = GIT_RESULT_INIT;
	CLEANUP(git_refs_release) struct git_refs pulls = {0};
	struct git_call pack = {
		.argv = GIT_ARGV("gc", "--auto", "--quiet"),
		.git_dir = m->dir,
	};
	struct error ignored;

	if (git_mirror_own_refs(m, "refs/kcibot/pull/", &pulls, &ignored) ==
		    ERR_OK &&
	    pulls.count > PULL_REFS_KEPT)
		forget_pulls(m, &pulls);
	if (git_run_ok(m->git, &pack, &r, &ignored))
		return;
}
