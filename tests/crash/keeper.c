/*
 * In the place of the bot: starts it with the shim, and again whenever it
 * ends by itself, as systemd would.  A test that calls it sees one program
 * that lives until it is told to stop.
 *
 * The shim lies beside it, the real program two folders up.  What is not
 * `serve` is handed to the real program as it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/crash/fault.h"
#include "tests/crash/power.h"

/* More is a loop, and not what a single fault explains. */
#define LIVES_MOST 200
#define PAUSE_MS 50

static volatile sig_atomic_t told_to_stop;
static volatile sig_atomic_t child;

static void on_term(int sig)
{
	told_to_stop = 1;
	if (child > 0)
		kill(child, sig);
}

static char program[PATH_MAX], shim[PATH_MAX];

static int find_programs(void)
{
	char self[PATH_MAX - 32];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0)
		return -1;
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	snprintf(program, sizeof(program), "%s/../../kcibot", self);
	snprintf(shim, sizeof(shim), "%s/shim.so", self);
	return 0;
}

static struct fault_block *open_block(void)
{
	const char *path = getenv(FAULT_ENV);
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *at = fd < 0 ? MAP_FAILED
			  : mmap(NULL, FAULT_SIZE, PROT_READ | PROT_WRITE,
				 MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

static void run(char **argv, const sigset_t *mask)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	setenv("LD_PRELOAD", shim, 1);
	execv(program, argv);
	_exit(127);
}

/* The signal is blocked while the child has no number yet. */
static int one_life(char **argv, struct fault_block *block)
{
	sigset_t term, old;
	int status = 0;
	pid_t pid;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &old);
	pid = told_to_stop ? 0 : fork();
	if (!pid && !told_to_stop)
		run(argv, &old);
	child = pid;
	if (block)
		atomic_store(&block->pid, pid);
	sigprocmask(SIG_SETMASK, &old, NULL);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	child = 0;
	return status;
}

/* The bot died of it: what is left of its jobs and of git ends by itself. */
static void cut_power(struct fault_block *block)
{
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	fprintf(stderr, "keeper: the power is cut\n");
	power_cut(block->dir, block->ledger, block->at % 2 == 0);
	block->what = FAULT_NONE;
}

int main(int argc, char **argv)
{
	struct fault_block *block = open_block();
	bool power = block && block->what == FAULT_POWER;
	struct sigaction act = {.sa_handler = on_term};
	int status;

	if (find_programs())
		return 2;
	if (argc < 2 || strcmp(argv[1], "serve") != 0) {
		unsetenv(FAULT_ENV);
		execv(program, argv);
		return 127;
	}
	sigaction(SIGTERM, &act, NULL);
	if (power)
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	do {
		if (block && atomic_fetch_add(&block->lives, 1) >= LIVES_MOST) {
			fprintf(stderr, "keeper: it died too often\n");
			return 99;
		}
		status = one_life(argv, block);
		if (told_to_stop)
			break;
		fprintf(stderr, "keeper: the bot ended with %s %d\n",
			WIFSIGNALED(status) ? "signal" : "status",
			WIFSIGNALED(status) ? WTERMSIG(status)
					    : WEXITSTATUS(status));
		if (power && block->what == FAULT_POWER &&
		    atomic_load(&block->hits))
			cut_power(block);
		nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L},
			  NULL);
	} while (!told_to_stop);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}
