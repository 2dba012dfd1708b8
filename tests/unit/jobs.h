/*
 * What the tests of jobs share: a state_dir of their own, a job port on it
 * whose supervisor is the test program itself, and waiting for answers.
 */
#ifndef TESTS_UNIT_JOBS_H
#define TESTS_UNIT_JOBS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bot/base/fs.h"
#include "deploy/backend.h"

#define ANSWERS 32
/* Far above what anything here takes; only a failure waits for it. */
#define PATIENCE_MS 60000

static char root[200];	/* removed afterwards */
static char state[256]; /* root/state */
static char jobs[300];	/* root/state/jobs */
static char token[256]; /* root/token */
static char program[1000];
static const struct clock *job_clock = &clock_system;
static struct port *port;
static pthread_mutex_t answer_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t answer_cond = PTHREAD_COND_INITIALIZER;
static struct outcome answers[ANSWERS]; /* by effect id */
static bool answered[ANSWERS];
static atomic_int checkouts;

static UNUSED void put(const char *dir, const char *name, const char *text,
		       mode_t mode)
{
	char path[1000];
	struct error e = ERROR_INIT;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(fs_write(path, text, strlen(text), mode, &e), ERR_OK);
}

static UNUSED bool there(const char *dir, const char *name)
{
	char path[1000];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return lstat(path, &st) == 0;
}

/* A checkout with three programs: one good, one not executable, one broken. */
static enum err copy_checkout(const struct git_settings *git UNUSED,
			      const char *repo, const char *sha,
			      const char *dir, struct error *e)
{
	char path[1000];

	checkouts++;
	if (strcmp(sha, "bad") == 0)
		return error_set(e, ERR_INVALID, "no such commit in %s", repo);
	if (strcmp(sha, "full") == 0 && checkouts == 1)
		return error_set(e, ERR_FATAL, "no space left on device");
	if (fs_mkdirs(dir, 0755, e))
		return e->code;
	put(dir, "good.sh",
	    "#!/bin/sh\necho good $0; cat kernelci-core/sha; exit 0\n", 0755);
	put(dir, "plain.sh", "#!/bin/sh\nexit 0\n", 0644);
	put(dir, "broken.sh", "#!/nonexistent/interpreter\n", 0755);
	put(dir, "sha", sha, 0644);
	snprintf(path, sizeof(path), "%s/link", dir);
	return symlink(token, path) ? ERR_FATAL : ERR_OK;
}

static void take_answer(void *ctx UNUSED, struct outcome *o)
{
	pthread_mutex_lock(&answer_mutex);
	if (answered[o->id])
		abort(); /* twice */
	answers[o->id] = *o;
	answered[o->id] = true;
	pthread_cond_broadcast(&answer_cond);
	pthread_mutex_unlock(&answer_mutex);
}

static UNUSED bool is_answered(int id)
{
	bool yes;

	pthread_mutex_lock(&answer_mutex);
	yes = answered[id];
	pthread_mutex_unlock(&answer_mutex);
	return yes;
}

static UNUSED struct outcome *await_answer(int id)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PATIENCE_MS / 1000;
	pthread_mutex_lock(&answer_mutex);
	while (!answered[id] &&
	       pthread_cond_timedwait(&answer_cond, &answer_mutex, &end) == 0)
		;
	pthread_mutex_unlock(&answer_mutex);
	assert_true(answered[id]);
	return &answers[id];
}

static UNUSED void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

/* Until the condition holds. */
#define AWAIT(condition)                                                       \
	do {                                                                   \
		for (int naps_ = 0; !(condition); naps_++) {                   \
			if (naps_ > PATIENCE_MS / 5)                           \
				fail_msg("never: %s", #condition);             \
			nap();                                                 \
		}                                                              \
	} while (0)

static UNUSED void forget_answers(void)
{
	for (int i = 0; i < ANSWERS; i++)
		json_decref(answers[i].body);
	memset(answers, 0, sizeof(answers));
	memset(answered, 0, sizeof(answered));
}

static struct port *open_port(int parallel)
{
	static const char *files[2];
	struct error e = ERROR_INIT;
	struct backend_settings s = {
		.dir = jobs,
		.hide = state,
		.hide_files = files,
		.program = program,
		.parallel = parallel,
		.clock = job_clock,
		.checkout = copy_checkout,
	};

	files[0] = token;
	return backend_port_new(&s, &e);
}

/* JSON with ' for ", and " and \ as they are inside its texts. */
static UNUSED json_t *read_quoted(const char *quoted)
{
	CLEANUP(str_release) struct str text = STR_INIT(65536);
	json_error_t why;
	json_t *root_value;

	for (const char *p = quoted; *p; p++) {
		if (*p == '"' || *p == '\\')
			str_putc(&text, '\\');
		str_putc(&text, *p == '\'' ? '"' : *p);
	}
	root_value = json_loads(text.text, 0, &why);
	if (!root_value)
		fail_msg("%s: %s", quoted, why.text);
	return root_value;
}

/* The usual args with some replaced. */
static UNUSED json_t *make_args(const char *key, const char *more)
{
	json_t *args, *over = read_quoted(more);

	args = json_pack("{s:s,s:i,s:s,s:s,s:i,s:s,s:{s:[{s:s,s:s,s:s}]}}",
			 "key", key, "cycle", 12, "kind", "short",
			 "environment", "staging", "timeout_ms", PATIENCE_MS,
			 "isolation", "none", "manifest", "projects", "repo",
			 "kernelci/kernelci-core", "name", "kernelci-core",
			 "sha", "0123abc");
	json_object_update(args, over);
	json_decref(over);
	return args;
}

static UNUSED void start_effect(int id, const char *kind, json_t *args)
{
	struct effect effect = {
		.id = id, .kind = kind, .key = "e", .args = args};

	port->start(port, &effect, take_answer, NULL);
	json_decref(args);
}

static UNUSED void run(int id, const char *key, const char *more)
{
	start_effect(id, "job.run", make_args(key, more));
}

static UNUSED void cancel(int id, const char *key)
{
	start_effect(id, "job.cancel", json_pack("{s:s}", "key", key));
}

static UNUSED void expect(int id, const char *verdict, const char *reason)
{
	const struct outcome *o = await_answer(id);

	if (o->code)
		fail_msg("%d: %s: %s", id, err_name(o->code), o->text);
	if (strcmp(js_str(o->body, "verdict"), verdict) != 0 ||
	    strcmp(js_str(o->body, "reason_code"), reason) != 0) {
		CLEANUP(free) char *text = js_dump(o->body);

		fail_msg("%d: not %s/%s: %s", id, verdict, reason, text);
	}
}

static UNUSED const char *tail_of(int id)
{
	return js_str(await_answer(id)->body, "tail");
}

static UNUSED char *job_dir(const char *key)
{
	static char path[500];

	snprintf(path, sizeof(path), "%s/%s", jobs, key);
	return path;
}

/* Nothing but silence from supervisors: sanitizers speak there. */
static UNUSED void expect_silence(const char *key)
{
	CLEANUP(str_release) struct str text = STR_INIT(65536);
	struct error e = ERROR_INIT;
	char path[600];

	snprintf(path, sizeof(path), "%s/supervisor.log", job_dir(key));
	assert_int_equal(fs_read(path, &text, &e), ERR_OK);
	assert_string_equal(text.text, "");
}

/* The supervisor of a job: who of our children has its folder as argument. */
static UNUSED pid_t find_supervisor(const char *key)
{
	DIR *d = opendir("/proc");
	const struct dirent *entry;
	pid_t found = 0;

	while (d && !found && (entry = readdir(d)) != NULL) {
		CLEANUP(str_release) struct str text = STR_INIT(4096);
		struct error e = ERROR_INIT;
		char path[300];
		size_t n;

		snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		if (atoi(entry->d_name) <= 0 || fs_read(path, &text, &e))
			continue;
		n = strlen(text.text) + 1;
		if (n < text.len && strcmp(text.text + n, "run-job") == 0 &&
		    strcmp(text.text + n + 8, job_dir(key)) == 0)
			found = (pid_t)atoi(entry->d_name);
	}
	if (d)
		closedir(d);
	return found;
}

static UNUSED int set_up(void **unused UNUSED)
{
	const char *tmp = getenv("TMPDIR");
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

	if (n < 0)
		return -1;
	program[n] = '\0';
	snprintf(root, sizeof(root), "%s/kcibot-jobs-XXXXXX",
		 tmp ? tmp : "/tmp");
	if (!mkdtemp(root) || chmod(root, 0755))
		return -1;
	snprintf(state, sizeof(state), "%s/state", root);
	snprintf(jobs, sizeof(jobs), "%s/jobs", state);
	snprintf(token, sizeof(token), "%s/token", root);
	if (mkdir(state, 0700))
		return -1;
	put(root, "token", "the-token-of-the-bot", 0600);
	put(state, "kcibot.db", "precious", 0600);
	checkouts = 0;
	port = open_port(4);
	return port ? 0 : -1;
}

static UNUSED int tear_down(void **unused UNUSED)
{
	struct error e = ERROR_INIT;

	if (port)
		port->stop(port);
	port = NULL;
	forget_answers();
	return (int)fs_remove_tree(root, &e);
}

#define JOB_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

/* In main: the program is its own supervisor. */
#define BE_SUPERVISOR(argc, argv)                                              \
	do {                                                                   \
		if ((argc) == 3 && strcmp((argv)[1], "run-job") == 0)          \
			return supervisor_main((argv)[2]);                     \
	} while (0)

#endif
