#include "bot/base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bot/base/cleanup.h"
#include "bot/base/clock.h"

/* Both ends of up to three pipes; -1 = closed. */
struct pipes {
	int in[2];
	int out[2];
	int err[2];
};

static void pipes_release(struct pipes *p)
{
	int *fds[] = {&p->in[0],  &p->in[1],  &p->out[0],
		      &p->out[1], &p->err[0], &p->err[1]};

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

static void pipes_release_at(struct pipes *p)
{
	pipes_release(p);
}

static void close_end(int *fd)
{
	close(*fd);
	*fd = -1;
}

void proc_result_release(struct proc_result *r)
{
	str_release(&r->out);
	str_release(&r->err);
}

static int spawn(const struct proc_spec *spec, const struct pipes *p,
		 pid_t *ret_pid)
{
	static const char *const no_env[] = {NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int rc;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	if (p->in[0] >= 0)
		posix_spawn_file_actions_adddup2(&actions, p->in[0], 0);
	else
		posix_spawn_file_actions_addopen(&actions, 0, "/dev/null",
						 O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, p->out[1], 1);
	posix_spawn_file_actions_adddup2(&actions, p->err[1], 2);
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

/* Reads what is there; closes the descriptor at its end. */
static void drain(int *fd, struct str *to)
{
	char buf[16384];
	ssize_t n = read(*fd, buf, sizeof(buf));

	if (n > 0)
		str_add(to, buf, (size_t)n);
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		close_end(fd);
}

static void feed(int *fd, const struct proc_spec *spec, size_t *done)
{
	ssize_t n = write(*fd, spec->input + *done, spec->input_len - *done);

	if (n > 0)
		*done += (size_t)n;
	if ((n < 0 && errno != EINTR && errno != EAGAIN) ||
	    *done == spec->input_len)
		close_end(fd);
}

/* false when the deadline or the wish to cancel came first. */
static bool converse(const struct proc_spec *spec, struct pipes *p,
		     struct proc_result *ret)
{
	int64_t end = clock_mono(&clock_system) + spec->timeout_ms;
	size_t fed = 0;

	if (p->in[1] >= 0 && !spec->input_len)
		close_end(&p->in[1]);
	while (p->out[0] >= 0 || p->err[0] >= 0) {
		struct pollfd fds[] = {
			{.fd = p->out[0], .events = POLLIN},
			{.fd = p->err[0], .events = POLLIN},
			{.fd = p->in[1], .events = POLLOUT},
			{.fd = spec->cancel_fd > 0 ? spec->cancel_fd : -1,
			 .events = POLLIN},
		};
		int64_t left = end - clock_mono(&clock_system);

		if (spec->timeout_ms && left <= 0)
			return false;
		if (poll(fds, ARRAY_SIZE(fds),
			 spec->timeout_ms ? (int)left : -1) < 0)
			continue;
		if (fds[3].revents)
			return false;
		if (fds[0].revents)
			drain(&p->out[0], &ret->out);
		if (fds[1].revents)
			drain(&p->err[0], &ret->err);
		if (fds[2].revents)
			feed(&p->in[1], spec, &fed);
	}
	return true;
}

enum err proc_run(const struct proc_spec *spec, struct proc_result *ret,
		  struct error *e)
{
	CLEANUP(pipes_release)
	struct pipes p = {{-1, -1}, {-1, -1}, {-1, -1}};
	pid_t pid;
	int rc, status;

	ret->exit_code = -1;
	ret->signal = 0;
	ret->timed_out = false;
	if (pipe2(p.out, O_CLOEXEC) || pipe2(p.err, O_CLOEXEC) ||
	    (spec->input && pipe2(p.in, O_CLOEXEC)))
		return error_errno(e, ERR_RETRY, "cannot make a pipe");
	if (spec->input)
		fcntl(p.in[1], F_SETFL, O_NONBLOCK);
	rc = spawn(spec, &p, &pid);
	if (rc)
		return error_set(
			e,
			rc == EAGAIN || rc == ENOMEM ? ERR_RETRY : ERR_MISSING,
			"cannot start %s: %s", spec->argv[0], strerror(rc));
	close_end(&p.out[1]);
	close_end(&p.err[1]);
	if (spec->input)
		close_end(&p.in[0]);
	if (!converse(spec, &p, ret)) {
		ret->timed_out = true;
		kill(-pid, SIGKILL);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status))
		ret->exit_code = WEXITSTATUS(status);
	else if (WIFSIGNALED(status))
		ret->signal = WTERMSIG(status);
	return ERR_OK;
}
