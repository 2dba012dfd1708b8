#include "deploy/local.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bot/base/fs.h"
#include "bot/base/limits.h"
#include "bot/base/redact.h"
#include "deploy/job.h"
#include "deploy/joblog.h"

/* A waiting thread looks at the lock more and more rarely. */
#define LOOK_MIN_MS 5
#define LOOK_MAX_MS 250
/* A sandbox whose supervisor was killed is killed with it, at once. */
#define HOLD_MS 10000

/* One call of local_run(). */
struct visit {
	const struct local *l;
	const json_t *args;
	char *dir;    /* of the job */
	pid_t pid;    /* our supervisor, to be waited for; 0 = none */
	bool started; /* we did so in this visit */
};

static void visit_release_at(struct visit *v)
{
	if (v->pid)
		waitpid(v->pid, NULL, WNOHANG);
	free(v->dir);
}

bool local_key_valid(const char *key)
{
	size_t n = strspn(key, "abcdefghijklmnopqrstuvwxyz"
			       "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return n && !key[n] && n <= 128 && *key != '.';
}

/*
 * A job runs at most once, also when the power goes: what says so lies in its
 * folder, which must not be lost as a whole.
 */
static enum err make_folder(const char *dir, struct error *e)
{
	if (fs_mkdirs(dir, 0711, e))
		return e->code;
	return fs_sync_folder_of(dir, e);
}

static enum err file_write(const char *dir, const char *name, const char *text,
			   mode_t mode, struct error *e)
{
	CLEANUP(free) char *path = str_format("%s/%s", dir, name);

	if (!path || !text)
		return error_set(e, ERR_FATAL, "out of memory");
	return fs_write(path, text, strlen(text), mode, e);
}

static enum err remove_part(const char *dir, const char *name, struct error *e)
{
	CLEANUP(free) char *path = str_format("%s/%s", dir, name);

	if (!path)
		return error_set(e, ERR_FATAL, "out of memory");
	return fs_remove_tree(path, e);
}

/* Waits until this process holds the lock, or, with -1 in *ret_fd, for ms. */
static enum err await_lock(const struct local *l, const char *dir,
			   const char *name, int64_t ms, int *ret_fd,
			   struct error *e)
{
	CLEANUP(free) char *path = str_format("%s/%s", dir, name);
	int64_t nap = LOOK_MIN_MS;
	enum err rc;

	if (!path)
		return error_set(e, ERR_FATAL, "out of memory");
	while ((rc = fs_lock(path, ret_fd, e)) == ERR_CONFLICT) {
		if (l->pause(l->ctx, nap))
			return error_set(e, ERR_CONFLICT, "the bot stops");
		ms -= nap;
		if (ms < 0)
			return ERR_OK;
		nap = nap * 2 < LOOK_MAX_MS ? nap * 2 : LOOK_MAX_MS;
	}
	return rc;
}

/* Waits until this process holds the job's lock. */
static enum err take_lock(const struct local *l, const char *dir, int *ret_fd,
			  struct error *e)
{
	CLEANUP(fd_close) int hold = -1;

	if (await_lock(l, dir, JOB_LOCK, INT64_MAX, ret_fd, e))
		return e->code;
	if (!job_has(dir, JOB_HOLD))
		return ERR_OK;
	/* Bounded: a job may have given it to somebody who lives for ever. */
	return await_lock(l, dir, JOB_HOLD, HOLD_MS, &hold, e);
}

static enum err checkout_one(const struct visit *v, const json_t *project,
			     struct error *e)
{
	const struct backend_settings *s = v->l->settings;
	const char *name = js_str(project, "name");
	CLEANUP(free)
	char *to = str_format("%s/" JOB_WORK ".new/%s", v->dir, name);

	if (!job_folder_valid(name))
		return error_set(e, ERR_INVALID, "a project has no good name");
	if (!to)
		return error_set(e, ERR_FATAL, "out of memory");
	return (s->checkout ? s->checkout
			    : git_checkout)(&s->git, js_str(project, "repo"),
					    js_str(project, "sha"), to, e);
}

/* Whole or not at all; an earlier attempt may have left half of it. */
static enum err make_work(const struct visit *v, struct error *e)
{
	CLEANUP(free) char *fresh = str_format("%s/" JOB_WORK ".new", v->dir);
	CLEANUP(free) char *work = str_format("%s/" JOB_WORK, v->dir);
	CLEANUP(free) char *tmp = str_format("%s/" JOB_TMP, v->dir);
	size_t i;
	json_t *project;

	if (!fresh || !work || !tmp)
		return error_set(e, ERR_FATAL, "out of memory");
	if (fs_remove_tree(fresh, e) || fs_remove_tree(work, e) ||
	    fs_remove_tree(tmp, e) || fs_mkdirs(tmp, 0700, e) ||
	    fs_mkdirs(fresh, 0700, e))
		return e->code;
	json_array_foreach (js_get(v->args, "manifest.projects"), i, project) {
		if (checkout_one(v, project, e))
			return e->code;
	}
	if (rename(fresh, work))
		return error_errno(e, ERR_FATAL, "cannot rename %s", fresh);
	return ERR_OK;
}

static const char *best_isolation;

static void find_best(void)
{
	struct error e = ERROR_INIT;

	best_isolation = isolation_best(&e);
}

static const char *resolve_isolation(const json_t *args)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const char *wanted = js_str(args, "isolation");

	if (*wanted && strcmp(wanted, "default") != 0)
		return wanted;
	pthread_once(&once, find_best);
	return best_isolation;
}

/* Appends a path; false when JSON cannot hold it, as it is no UTF-8. */
static bool add_path(json_t *list, const char *path)
{
	return json_array_append_new(list, json_string(path)) == 0;
}

/*
 * What the job must not see: state_dir, the folder of all jobs where that is
 * not inside, and the files.  All of it, or the job does not run.
 */
static enum err add_hidden(const struct local *l, json_t *spec, struct error *e)
{
	const char *const *file = l->settings->hide_files;
	json_t *folders = json_array(), *files = json_array();
	size_t n = l->hide ? strlen(l->hide) : 0;
	bool good = true;

	if (n)
		good = add_path(folders, l->hide);
	if (!n || strncmp(l->dir, l->hide, n) != 0 || l->dir[n] != '/')
		good = add_path(folders, l->dir) && good;
	for (; file && *file; file++)
		good = add_path(files, *file) && good;
	good = json_object_set_new(spec, "hide", folders) == 0 && good;
	good = json_object_set_new(spec, "hide_files", files) == 0 && good;
	return good ? ERR_OK
		    : error_set(e, ERR_FATAL,
				"cannot hide state_dir or a secret from the "
				"job: its path is not UTF-8");
}

static enum err write_spec(const struct visit *v, struct error *e)
{
	CLEANUP(json_decref)
	json_t *spec = json_copy((json_t *)(uintptr_t)v->args);
	const json_t *manifest = js_get(v->args, "manifest");
	CLEANUP(free)
	char *manifest_text = manifest ? js_dump(manifest) : strdup("{}");

	json_object_set_new(spec, "isolation",
			    json_string(resolve_isolation(v->args)));
	if (add_hidden(v->l, spec, e))
		return e->code;
	CLEANUP(free) char *text = spec ? js_dump(spec) : NULL;
	if (file_write(v->dir, JOB_MANIFEST, manifest_text, 0644, e))
		return e->code;
	return file_write(v->dir, JOB_SPEC, text, 0600, e);
}

static void set_attributes(posix_spawnattr_t *attr)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	sigdelset(&all, SIGKILL);
	sigdelset(&all, SIGSTOP);
	posix_spawnattr_setsigmask(attr, &none);
	posix_spawnattr_setsigdefault(attr, &all);
	posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSID |
					       POSIX_SPAWN_SETSIGMASK |
					       POSIX_SPAWN_SETSIGDEF);
}

/* In a session of its own, with the lock in its hand. */
static int spawn_supervisor(const struct visit *v, int lock, const char *log,
			    pid_t *ret_pid)
{
	const char *program = v->l->settings->program;
	char *argv[] = {(char *)(uintptr_t) "kcibot",
			(char *)(uintptr_t) "run-job", v->dir, NULL};
	char *env[] = {(char *)(uintptr_t) "PATH=/usr/local/bin:/usr/bin:/bin",
		       (char *)(uintptr_t) "LANG=C.UTF-8", NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int rc;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	set_attributes(&attr);
	posix_spawn_file_actions_adddup2(&actions, lock, JOB_LOCK_FD);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, log,
					 O_WRONLY | O_CREAT | O_TRUNC, 0600);
	posix_spawn_file_actions_adddup2(&actions, 1, 2);
	posix_spawn_file_actions_addchdir_np(&actions, "/");
	rc = posix_spawn(ret_pid, program, &actions, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

static enum err start(struct visit *v, int lock, struct error *e)
{
	CLEANUP(free) char *log = str_format("%s/supervisor.log", v->dir);
	/* Not one of the numbers that the actions write to. */
	CLEANUP(fd_close) int fd = fcntl(lock, F_DUPFD_CLOEXEC, 10);
	int rc;

	if (!log || fd < 0)
		return error_set(e, ERR_RETRY, "out of memory or files");
	rc = spawn_supervisor(v, fd, log, &v->pid);
	if (rc) {
		v->pid = 0;
		return error_set(e, ERR_RETRY, "cannot start %s: %s",
				 v->l->settings->program, strerror(rc));
	}
	v->started = true;
	return ERR_OK;
}

static enum err finish(const struct visit *v, const char *verdict,
		       const char *reason, const char *text, struct error *e)
{
	struct job_end end = {.exit_code = -1, .running = -1};
	struct error ignored = ERROR_INIT;
	CLEANUP(json_decref)
	json_t *started = job_read(v->dir, JOB_STARTED, &ignored);

	job_end_set(&end, verdict, reason, "%s", text);
	end.finished_ms = clock_wall(v->l->settings->clock);
	end.started_ms = js_int(started, "started_ms", end.finished_ms);
	if (remove_part(v->dir, JOB_WORK, &ignored) ||
	    remove_part(v->dir, JOB_WORK ".new", &ignored) ||
	    remove_part(v->dir, JOB_TMP, &ignored))
		error_prefix(&ignored, "left behind");
	return job_end_write(&end, v->dir, e);
}

static enum err prepare(struct visit *v, int lock, struct error *e)
{
	struct error why = ERROR_INIT;
	bool program = !js_get(v->args, "http");

	if (program && make_work(v, &why)) {
		/* A disk that is full says nothing about what was checked
		 * out; it may be well at the next try. */
		if (why.code == ERR_RETRY || why.code == ERR_FATAL)
			return error_set(e, ERR_RETRY, "%s", why.text);
		return finish(v, "error", "checkout", why.text, e);
	}
	if (write_spec(v, e))
		return e->code;
	if (v->l->pause(v->l->ctx, 0))
		return error_set(e, ERR_CONFLICT, "the bot stops");
	return start(v, lock, e);
}

/* The lock is ours, so nothing of this job runs. */
static enum err move_on(struct visit *v, int lock, struct error *e)
{
	if (v->pid)
		waitpid(v->pid, NULL, 0);
	v->pid = 0;
	if (job_has(v->dir, JOB_EXIT))
		return ERR_OK;
	if (job_has(v->dir, JOB_STARTED))
		return finish(v, "error", "vanished",
			      "the job's supervisor was killed", e);
	if (job_has(v->dir, JOB_CANCEL))
		return finish(v, "cancelled", "not_started", "cancelled", e);
	if (v->started)
		return finish(v, "error", "not_started",
			      "the job's supervisor did not start", e);
	return prepare(v, lock, e);
}

/* The redacted text of a part of an answer. */
static void set_text(json_t *body, const char *name, const char *text)
{
	CLEANUP(str_release) struct str s = STR_INIT(2 * LIMIT_JOB_TAIL_BYTES);

	redact_text(&s, text, strlen(text));
	json_object_set_new(body, name, json_string(s.text));
}

/*
 * A program of the checkout that cannot be started speaks against the batch
 * only when the base has one that could.
 */
static bool base_has_program(const struct visit *v)
{
	const char *program =
		json_string_value(json_array_get(js_get(v->args, "run"), 0));
	const char *slash = program ? strchr(program, '/') : NULL;
	struct error ignored = ERROR_INIT;
	json_t *project;
	size_t i;

	json_array_foreach (js_get(v->args, "manifest.projects"), i, project) {
		const char *name = js_str(project, "name");
		bool has = true;

		if (!slash || strlen(name) != (size_t)(slash - program) ||
		    strncmp(name, program, strlen(name)) != 0)
			continue;
		if (git_has_program(&v->l->settings->git,
				    js_str(project, "repo"),
				    js_str(project, "base_sha"), slash + 1,
				    &has, &ignored))
			return true; /* not known: the batch answers for it */
		return has;
	}
	return true;
}

static void weigh_not_started(const struct visit *v, json_t *body)
{
	CLEANUP(str_release) struct str text = STR_INIT(1024);

	if (strcmp(js_str(body, "reason_code"), "not_started") != 0 ||
	    strcmp(js_str(body, "verdict"), "failure") != 0 ||
	    base_has_program(v))
		return;
	str_addf(&text,
		 "%s; the base branch has no such program either: a "
		 "matter of configuration",
		 js_str(body, "text"));
	json_object_set_new(body, "verdict", json_string("error"));
	json_object_set_new(body, "text", json_string(text.text));
}

static enum err read_answer(const struct visit *v, json_t **ret,
			    struct error *e)
{
	CLEANUP(str_release) struct str tail = STR_INIT(LIMIT_JOB_TAIL_BYTES);
	CLEANUP(json_decref) json_t *body = job_read(v->dir, JOB_EXIT, e);

	if (!body)
		return e->code;
	weigh_not_started(v, body);
	joblog_tail(v->dir, LIMIT_JOB_TAIL_LINES, LIMIT_JOB_TAIL_BYTES, &tail);
	set_text(body, "text", js_str(body, "text"));
	json_object_set_new(body, "tail", json_string(tail.text));
	*ret = TAKE(body);
	return ERR_OK;
}

/* Whatever the job prints of its secrets must not get into an answer. */
static void learn_secrets(const json_t *args)
{
	const char *name;
	json_t *file;

	json_object_foreach (js_get(args, "secrets"), name, file) {
		CLEANUP(str_release) struct str s = STR_INIT(LIMIT_TOKEN_FILE);
		struct error ignored = ERROR_INIT;

		if (json_is_string(file) &&
		    fs_read(json_string_value(file), &s, &ignored) == ERR_OK)
			redact_secret(s.text);
		explicit_bzero(s.text, s.len);
	}
}

static enum err check_args(const json_t *args, struct error *e)
{
	const json_t *run = js_get(args, "run");

	if (!local_key_valid(js_str(args, "key")))
		return error_set(e, ERR_INVALID, "a job needs a plain key");
	if (js_int(args, "timeout_ms", 0) <= 0)
		return error_set(e, ERR_INVALID, "a job needs a timeout");
	if (!json_array_size(run) == !js_get(args, "http"))
		return error_set(e, ERR_INVALID, "a job needs run or http");
	return ERR_OK;
}

enum err local_run(const struct local *l, const json_t *args, json_t **ret,
		   bool *ret_unknown, struct error *e)
{
	CLEANUP(visit_release) struct visit v = {.l = l, .args = args};

	*ret_unknown = false;
	if (check_args(args, e))
		return e->code;
	v.dir = str_format("%s/%s", l->dir, js_str(args, "key"));
	if (!v.dir)
		return error_set(e, ERR_FATAL, "out of memory");
	if (make_folder(v.dir, e))
		return e->code;
	learn_secrets(args);
	while (!job_has(v.dir, JOB_EXIT)) {
		CLEANUP(fd_close) int lock = -1;

		*ret_unknown = take_lock(l, v.dir, &lock, e) != ERR_OK;
		if (*ret_unknown || move_on(&v, lock, e))
			return e->code;
	}
	*ret_unknown = read_answer(&v, ret, e) != ERR_OK;
	return *ret_unknown ? e->code : ERR_OK;
}

enum err local_cancel(const struct local *l, const char *key, struct error *e)
{
	CLEANUP(free) char *dir = str_format("%s/%s", l->dir, key);

	if (!dir)
		return error_set(e, ERR_FATAL, "out of memory");
	if (make_folder(dir, e))
		return e->code;
	if (job_has(dir, JOB_EXIT))
		return ERR_OK;
	return file_write(dir, JOB_CANCEL, "", 0600, e);
}

enum err local_wait_gone(const struct local *l, const char *key,
			 struct error *e)
{
	CLEANUP(visit_release) struct visit v = {.l = l};
	CLEANUP(fd_close) int lock = -1;

	v.dir = str_format("%s/%s", l->dir, key);
	if (!v.dir)
		return error_set(e, ERR_FATAL, "out of memory");
	if (job_has(v.dir, JOB_EXIT))
		return ERR_OK;
	if (take_lock(l, v.dir, &lock, e))
		return e->code;
	/* Its job.run may have been dropped: nobody else tidies up. */
	return job_has(v.dir, JOB_CANCEL) ? move_on(&v, lock, e) : ERR_OK;
}
