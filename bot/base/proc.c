#include "bot/base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bot/base/cleanup.h"
#include "bot/base/clock.h"

/* Everything that belongs to one run; -1 = closed. */
struct child {
	int in; /* what it reads, a file in memory: no SIGPIPE, no deadlock */
	int out[2];
	int err[2];
	int pidfd;
};

#define CHILD_INIT                                                             \
	{                                                                      \
		-1, {-1, -1}, {-1, -1}, -1                                     \
	}

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void child_release(struct child *c)
{
	close_end(&c->in);
	close_end(&c->out[0]);
	close_end(&c->out[1]);
	close_end(&c->err[0]);
	close_end(&c->err[1]);
	close_end(&c->pidfd);
}

static void child_release_at(struct child *c)
{
	child_release(c);
}

void proc_result_release(struct proc_result *r)
{
	str_release(&r->out);
	str_release(&r->err);
}

static int spawn(const struct proc_spec *spec, const struct child *c,
		 pid_t *ret_pid)
{
	static const char *const no_env[] = {NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int rc;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	if (c->in >= 0)
		posix_spawn_file_actions_adddup2(&actions, c->in, 0);
	else
		posix_spawn_file_actions_addopen(&actions, 0, "/dev/null",
						 O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, c->out[1], 1);
	posix_spawn_file_actions_adddup2(&actions, c->err[1], 2);
	/* Libraries open descriptors that are not close-on-exec. */
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	if (spec->dir)
		posix_spawn_file_actions_addchdir_np(&actions, spec->dir);
	sigemptyset(&none);
	sigfillset(&all);
	sigdelset(&all, SIGKILL);
	sigdelset(&all, SIGSTOP);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP |
						POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF);
	rc = posix_spawnp(
		ret_pid, spec->argv[0], &actions, &attr,
		(char *const *)(uintptr_t)spec->argv,
		(char *const *)(uintptr_t)(spec->env ? spec->env : no_env));
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

/* Reads what is there; closes the descriptor at its end.  false = no more. */
static bool drain(int *fd, struct str *to)
{
	char buf[16384];
	ssize_t n;

	if (*fd < 0)
		return false;
	n = read(*fd, buf, sizeof(buf));
	if (n > 0) {
		str_add(to, buf, (size_t)n);
		return true;
	}
	if (n < 0 && errno == EINTR)
		return true;
	if (n == 0 || errno != EAGAIN)
		close_end(fd);
	return false;
}

/* Milliseconds to wait in poll, at most what it can take. */
static int poll_ms(const struct proc_spec *spec, int64_t end)
{
	int64_t left;

	if (!spec->timeout_ms)
		return -1;
	left = end - clock_mono(&clock_system);
	return (int)(left < 0 ? 0 : left > INT_MAX ? INT_MAX : left);
}

/*
 * Reads until the program has ended, false when the deadline, the wish to
 * cancel or the ceiling came first.
 * Its end is that of the process, not that of its pipes: a program may close
 * them and go on, and what it left in the background may keep them open.
 */
static bool converse(const struct proc_spec *spec, struct child *c,
		     struct proc_result *ret)
{
	int64_t end = clock_mono(&clock_system) + spec->timeout_ms;

	for (;;) {
		struct pollfd fds[] = {
			{.fd = c->pidfd, .events = POLLIN},
			{.fd = c->out[0], .events = POLLIN},
			{.fd = c->err[0], .events = POLLIN},
			{.fd = spec->cancel_fd > 0 ? spec->cancel_fd : -1,
			 .events = POLLIN},
		};
		int wait = poll_ms(spec, end);

		if (!wait)
			return false;
		if (poll(fds, ARRAY_SIZE(fds), wait) < 0)
			continue;
		if (fds[0].revents)
			break;
		if (fds[3].revents)
			return false;
		if (fds[1].revents)
			drain(&c->out[0], &ret->out);
		if (spec->stop_when_full && ret->out.failed)
			return false;
		if (fds[2].revents)
			drain(&c->err[0], &ret->err);
	}
	/* A pipe holds 64 KiB, but something left behind may go on writing. */
	for (int i = 0; i < 64 && drain(&c->out[0], &ret->out); i++)
		;
	for (int i = 0; i < 64 && drain(&c->err[0], &ret->err); i++)
		;
	return true;
}

static int fill_input(const struct proc_spec *spec, int *ret_fd)
{
	const char *at = spec->input;
	size_t left = spec->input_len;

	*ret_fd = memfd_create("input", MFD_CLOEXEC);
	if (*ret_fd < 0)
		return -1;
	while (left) {
		ssize_t n = write(*ret_fd, at, left);

		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0) {
			at += n;
			left -= (size_t)n;
		}
	}
	return lseek(*ret_fd, 0, SEEK_SET) < 0 ? -1 : 0;
}

static int open_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC))
		return -1;
	return fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

static void reap(pid_t pid, struct proc_result *ret)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status))
		ret->exit_code = WEXITSTATUS(status);
	else if (WIFSIGNALED(status))
		ret->signal = WTERMSIG(status);
}

enum err proc_run(const struct proc_spec *spec, struct proc_result *ret,
		  struct error *e)
{
	CLEANUP(child_release) struct child c = CHILD_INIT;
	pid_t pid;
	int rc;

	ret->exit_code = -1;
	ret->signal = 0;
	ret->timed_out = false;
	if (open_pipe(c.out) || open_pipe(c.err))
		return error_errno(e, ERR_RETRY, "cannot make a pipe");
	if (spec->input && fill_input(spec, &c.in))
		return error_errno(e, ERR_RETRY, "cannot hold the input");
	rc = spawn(spec, &c, &pid);
	if (rc)
		return error_set(e,
				 rc == EAGAIN || rc == ENOMEM ? ERR_RETRY
							      : ERR_MISSING,
				 "cannot start %s: %s", spec->argv[0],
				 strerrordesc_np(rc));
	close_end(&c.out[1]);
	close_end(&c.err[1]);
	c.pidfd = pidfd_open(pid, 0);
	if (c.pidfd < 0) {
		error_errno(e, ERR_RETRY, "cannot watch %s", spec->argv[0]);
		kill(-pid, SIGKILL);
		reap(pid, ret);
		return e->code;
	}
	if (!converse(spec, &c, ret)) {
		ret->timed_out = !spec->stop_when_full || !ret->out.failed;
		kill(-pid, SIGKILL);
	}
	reap(pid, ret);
	return ERR_OK;
}
