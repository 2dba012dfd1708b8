#include "tests/demo/child.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "bot/base/cleanup.h"
#include "bot/base/clock.h"

#define STOP_MS 15000
#define PAUSE_MS 20

void child_adopt_orphans(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/* Our handlers are not the child's. */
static void forget_signals(void)
{
	sigset_t none;

	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

pid_t child_fork(const char *log, struct error *e)
{
	CLEANUP(fd_close)
	int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	CLEANUP(fd_close) int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pid_t parent = getpid(), pid;

	if (out < 0 || in < 0) {
		error_errno(e, ERR_FATAL, "cannot open %s", log);
		return -1;
	}
	pid = fork();
	if (pid < 0)
		error_errno(e, ERR_FATAL, "cannot make a process");
	if (pid != 0)
		return pid;
	forget_signals();
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(126);
	setsid();
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	return 0;
}

enum err child_start(const char *const *argv, const char *log, pid_t *ret,
		     struct error *e)
{
	pid_t pid = child_fork(log, e);

	if (pid < 0)
		return e->code;
	if (pid == 0) {
		execv(argv[0], (char *const *)(uintptr_t)argv);
		dprintf(STDERR_FILENO, "cannot start %s: %s\n", argv[0],
			strerror(errno));
		_exit(127);
	}
	*ret = pid;
	return ERR_OK;
}

bool child_ended(pid_t *pid)
{
	if (*pid > 0 && waitpid(*pid, NULL, WNOHANG) == 0)
		return false;
	*pid = -1;
	return true;
}

void child_stop(pid_t *pid)
{
	int64_t end = clock_mono(&clock_system) + STOP_MS;

	if (*pid <= 0)
		return;
	kill(*pid, SIGTERM);
	while (!child_ended(pid)) {
		if (clock_mono(&clock_system) > end)
			kill(*pid, SIGKILL);
		poll(NULL, 0, PAUSE_MS);
	}
}

/* "PID (name) STATE PPID ...", where the name may hold anything. */
static pid_t parent_of(const char *pid)
{
	CLEANUP(free) char *path = str_format("/proc/%s/stat", pid);
	CLEANUP(fclose) FILE *f = path ? fopen(path, "re") : NULL;
	char line[512], *at;
	int ppid = -1;

	if (!f || !fgets(line, sizeof(line), f))
		return -1;
	at = strrchr(line, ')');
	return at && sscanf(at + 1, " %*c %d", &ppid) == 1 ? ppid : -1;
}

static void kill_children(void)
{
	DIR *proc = opendir("/proc");
	const struct dirent *one;

	while (proc && (one = readdir(proc)))
		if (isdigit((unsigned char)one->d_name[0]) &&
		    parent_of(one->d_name) == getpid())
			kill((pid_t)atoi(one->d_name), SIGKILL);
	if (proc)
		closedir(proc);
}

void child_end_all(void)
{
	int64_t end = clock_mono(&clock_system) + STOP_MS;
	pid_t pid;

	/* The children of what dies become ours, until none is left. */
	while (clock_mono(&clock_system) < end) {
		kill_children();
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		if (pid < 0 && errno == ECHILD)
			return;
		poll(NULL, 0, PAUSE_MS);
	}
}
