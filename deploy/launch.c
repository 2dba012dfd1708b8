#include "deploy/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bot/base/fs.h"
#include "deploy/descend.h"
#include "deploy/job.h"

/* What a step on the way to the program says when it fails. */
struct report {
	int error;	/* errno */
	int is_program; /* it was the job's program, not the isolation */
	char text[300];
};

/* Everything that the child needs, made before it is. */
struct plan {
	const struct launch *l;
	struct strv wrapper; /* bubblewrap's argv with the job's behind it */
	struct isolation_user user;
	bool change_user;
	bool namespaced; /* the child is the first of a pid namespace */
	int out[2];
	int report[2];
};

static void plan_release(struct plan *p)
{
	int fds[] = {p->out[0], p->out[1], p->report[0], p->report[1]};

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	strv_release(&p->wrapper);
}

static void plan_release_at(struct plan *p)
{
	plan_release(p);
}

void child_release(struct child *c)
{
	if (c->output >= 0)
		close(c->output);
	if (c->report >= 0)
		close(c->report);
	*c = (struct child)CHILD_INIT;
}

static NORETURN void fail_as(const struct plan *p, bool is_program, int error,
			     const char *text)
{
	struct report r = {.error = error, .is_program = is_program};
	ssize_t n UNUSED;

	strncpy(r.text, text, sizeof(r.text) - 1);
	n = write(p->report[1], &r, sizeof(r));
	_exit(127);
}

static NORETURN void fail(const struct plan *p, int error, const char *text)
{
	fail_as(p, false, error, text);
}

static void reset_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * Gets sig when the parent dies, and ends when the supervisor died a moment
 * ago.
 */
static void follow_parent(const struct plan *p, int sig)
{
	struct pollfd pipe_end = {.fd = p->report[1], .events = POLLOUT};

	prctl(PR_SET_PDEATHSIG, sig);
	if (poll(&pipe_end, 1, 0) == 1 && (pipe_end.revents & POLLERR))
		_exit(127);
}

static void set_descriptors(const struct plan *p)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, 0) < 0 || dup2(p->out[1], 1) < 0 ||
	    dup2(p->out[1], 2) < 0)
		fail(p, errno, "cannot set up its output");
}

/* execve() of what a shell would find; a text without #! is no program. */
static void exec_found(char *const *argv, char *const *env)
{
	static const char *const folders[] = {"/usr/local/bin", "/usr/bin",
					      "/bin"};
	char path[4096];
	int error = ENOENT;

	if (strchr(argv[0], '/')) {
		execve(argv[0], argv, env);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", folders[i], argv[0]);
		execve(path, argv, env);
		if (errno != ENOENT && errno != ENOTDIR)
			error = errno;
	}
	errno = error;
}

/*
 * A lock of its own for the sandbox: a job may be able to take what the first
 * process in there holds, and to let it go.
 */
static void take_hold(const struct plan *p)
{
	CLEANUP(free)
	char *path = str_format("%s/" JOB_HOLD, p->l->view.dir);
	struct error e = ERROR_INIT;
	int fd;

	if (!path || fs_lock(path, &fd, &e) || dup2(fd, JOB_LOCK_FD) < 0)
		fail(p, errno, "cannot lock its folder");
}

static NORETURN void run_program(const struct plan *p)
{
	const struct launch *l = p->l;

	if (p->change_user && !isolation_become(&p->user))
		fail(p, EPERM, "cannot change the user");
	if (p->change_user)
		follow_parent(
			p, SIGKILL); /* the kernel forgets it with the user */
	if (p->wrapper.v) {
		fcntl(p->report[1], F_SETFD, 0);
		take_hold(p);
		exec_found(p->wrapper.v, l->env);
		fail(p, errno, p->wrapper.v[0]);
	}
	exec_found(l->argv, l->env);
	fail_as(p, true, errno, l->argv[0]);
}

static NORETURN void exit_like(int status)
{
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* The first process of a pid namespace: its end is everybody's in it. */
static NORETURN void be_init(const struct plan *p, pid_t job)
{
	int status;
	pid_t pid;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	close(p->report[1]);
	while ((pid = waitpid(-1, &status, 0)) != job) {
		if (pid < 0 && errno != EINTR)
			_exit(127);
	}
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/*
 * Without a pid namespace somebody must outlive the supervisor, to take the
 * job's processes along.  Until that is done it also holds the lock.
 */
static NORETURN void be_keeper(pid_t job, const sigset_t *waited)
{
	int status, sig;
	pid_t pid;

	for (;;) {
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
			if (pid == job)
				exit_like(status); /* the supervisor sweeps */
		}
		if (sigwait(waited, &sig) || sig != SIGTERM)
			continue;
		while (descend_signal(1, SIGKILL))
			poll(NULL, 0, 1);
		_exit(127);
	}
}

static NORETURN void run_open(const struct plan *p)
{
	sigset_t waited;
	pid_t job;

	sigemptyset(&waited);
	sigaddset(&waited, SIGCHLD);
	sigaddset(&waited, SIGTERM);
	sigprocmask(SIG_BLOCK, &waited, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	follow_parent(p, SIGTERM);
	job = fork();
	if (job < 0)
		fail(p, errno, "cannot fork");
	if (job > 0)
		be_keeper(job, &waited);
	sigprocmask(SIG_UNBLOCK, &waited, NULL);
	follow_parent(p, SIGKILL);
	/* "kill 0" is for the job's own processes, not for its keeper. */
	setsid();
	run_program(p);
}

static NORETURN void run_user(const struct plan *p)
{
	struct error e = ERROR_INIT;
	pid_t job;

	if (isolation_mount(&p->l->view, p->namespaced, &e) &&
	    e.code != ERR_REFUSED)
		fail(p, EPERM, e.text);
	if (chdir(p->l->view.dir) || chdir(JOB_WORK))
		fail(p, errno, "cannot enter its folder");
	if (!p->namespaced)
		run_open(p);
	job = fork();
	if (job < 0)
		fail(p, errno, "cannot fork");
	if (job > 0)
		be_init(p, job);
	run_program(p);
}

/* A job that eats the memory is to die of it before the bot does. */
static void offer_for_oom(void)
{
	CLEANUP(fd_close)
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	ssize_t n UNUSED = fd < 0 ? -1 : write(fd, "500", 3);
}

static NORETURN void run_child(const struct plan *p)
{
	/* Else the pipe would never break. */
	close(p->report[0]);
	follow_parent(p, SIGKILL);
	reset_signals();
	setsid();
	umask(022);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	offer_for_oom();
	set_descriptors(p);
	if (p->change_user)
		run_user(p);
	if (chdir(p->l->view.dir) || chdir(JOB_WORK))
		fail(p, errno, "cannot enter its folder");
	if (p->wrapper.v)
		run_program(p);
	run_open(p);
}

static enum err make_plan(struct plan *p, struct error *e)
{
	const struct launch *l = p->l;
	const char *how = l->isolation;

	if (pipe2(p->out, O_CLOEXEC) || pipe2(p->report, O_CLOEXEC))
		return error_errno(e, ERR_RETRY, "cannot make a pipe");
	fcntl(p->out[0], F_SETFL, O_NONBLOCK);
	fcntl(p->report[0], F_SETFL, O_NONBLOCK);
	if (str_starts(how, "user:")) {
		p->change_user = true;
		if (isolation_find_user(how + 5, &p->user, e))
			return e->code;
		return isolation_give(&l->view, &p->user, e);
	}
	if (strcmp(how, "none") == 0)
		return ERR_OK;
	if (strcmp(how, "bubblewrap") != 0)
		return error_set(e, ERR_INVALID, "unknown isolation %s", how);
	isolation_bubblewrap(&l->view, p->report[1], &p->wrapper);
	strv_add_all(&p->wrapper, (const char *const *)l->argv);
	if (p->wrapper.failed)
		return error_set(e, ERR_FATAL, "out of memory");
	return ERR_OK;
}

static void take_end(int *from, int *to)
{
	*to = *from;
	*from = -1;
}

/* fork(), where possible as process 1 of a new namespace. */
static pid_t make_child(struct plan *p)
{
	long pid = -1;

	if (p->change_user) {
		/* The child reads it, too. */
		p->namespaced = true;
		pid = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
		if (pid < 0)
			p->namespaced = false;
	}
	return pid < 0 ? fork() : (pid_t)pid;
}

enum err launch_start(const struct launch *l, struct child *ret,
		      struct error *e)
{
	CLEANUP(plan_release)
	struct plan p = {.l = l, .out = {-1, -1}, .report = {-1, -1}};

	if (make_plan(&p, e))
		return e->code;
	ret->pid = make_child(&p);
	if (ret->pid < 0)
		return error_errno(e, ERR_RETRY, "cannot fork");
	if (ret->pid == 0)
		run_child(&p);
	take_end(&p.out[0], &ret->output);
	take_end(&p.report[0], &ret->report);
	ret->scaffold = p.wrapper.v ? 2 : 1;
	return ERR_OK;
}

/* bubblewrap says {"exit-code": N} only of a program that it could start. */
static bool exit_was_reported(const char *text)
{
	return strstr(text, "\"exit-code\"") != NULL;
}

static enum err not_started(const struct report *r, struct error *e)
{
	char why[128];

	return error_set(e, r->is_program ? ERR_MISSING : ERR_FATAL, "%s: %s",
			 r->text, strerror_r(r->error, why, sizeof(why)));
}

static void split_code(int code, int *ret_code, int *ret_signal)
{
	bool by_signal = code > 128 && code <= 128 + SIGRTMAX;

	*ret_code = by_signal ? -1 : code;
	*ret_signal = by_signal ? code - 128 : 0;
}

enum err launch_result(const struct child *c, int status, const char *output,
		       int *ret_code, int *ret_signal, struct error *e)
{
	union {
		struct report r;
		char text[1000];
	} in = {.text = {0}};
	ssize_t n = read(c->report, in.text, sizeof(in.text) - 1);

	*ret_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	*ret_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	if (n == (ssize_t)sizeof(in.r) && in.text[0] != '{')
		return not_started(&in.r, e);
	if (*ret_signal)
		return error_set(e, ERR_CONFLICT,
				 "the job's isolation was killed (signal %d)",
				 *ret_signal);
	if (c->scaffold == 2 && !exit_was_reported(in.text))
		return error_set(e,
				 str_starts(output, "bwrap: execvp ")
					 ? ERR_MISSING
					 : ERR_FATAL,
				 "%s", output);
	split_code(*ret_code, ret_code, ret_signal);
	return ERR_OK;
}
