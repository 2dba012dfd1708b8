#include "deploy/descend.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "bot/base/cleanup.h"

struct process {
	pid_t pid;
	pid_t parent;
	unsigned long long start; /* in ticks: with pid it names one process */
	char state;
};

static void close_folder(DIR *d)
{
	closedir(d);
}
DEFINE_CLEANUP(DIR *, close_folder)

/* Its name, in brackets, may hold anything, brackets too. */
static bool read_process(pid_t pid, struct process *ret)
{
	char path[40], text[1024];
	const char *p;
	int parent;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	p = strrchr(text, ')');
	if (!p || sscanf(p + 1,
			 " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u "
			 "%*d %*d %*d %*d %*d %*d %llu",
			 &ret->state, &parent, &ret->start) != 3)
		return false;
	ret->pid = pid;
	ret->parent = parent;
	return true;
}

static struct process *list_processes(size_t *ret_count)
{
	CLEANUP(close_folder) DIR *d = opendir("/proc");
	struct process *list = NULL;
	const struct dirent *entry;
	size_t cap = 0;

	*ret_count = 0;
	while (d && (entry = readdir(d)) != NULL) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		if (*ret_count == cap) {
			size_t more = cap ? 2 * cap : 256;
			void *bigger = reallocarray(list, more, sizeof(*list));

			if (!bigger)
				break;
			list = bigger;
			cap = more;
		}
		if (read_process((pid_t)atol(entry->d_name), &list[*ret_count]))
			++*ret_count;
	}
	return list;
}

static const struct process *find(const struct process *list, size_t count,
				  pid_t pid)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i].pid == pid)
			return &list[i];
	}
	return NULL;
}

/* Steps from p up to us; 0 when we are not above it. */
static int depth_of(const struct process *list, size_t count,
		    const struct process *p)
{
	pid_t self = getpid();

	/* The list is no snapshot: a chain longer than it is a circle. */
	for (int n = 1; p && (size_t)n <= count; n++) {
		if (p->parent == self)
			return n;
		p = find(list, count, p->parent);
	}
	return 0;
}

static bool signal_one(const struct process *p, int sig)
{
	CLEANUP(fd_close) int fd = pidfd_open(p->pid, 0);
	struct process now;

	return fd >= 0 && read_process(p->pid, &now) && now.start == p->start &&
	       pidfd_send_signal(fd, sig, NULL, 0) == 0;
}

size_t descend_signal(int depth, int sig)
{
	size_t count, sent = 0;
	CLEANUP(free) char *memory = NULL;
	struct process *list = list_processes(&count);

	memory = (char *)list;
	for (size_t i = 0; i < count; i++) {
		int n = depth_of(list, count, &list[i]);

		if (n >= depth && n && list[i].state != 'Z' &&
		    signal_one(&list[i], sig))
			sent++;
	}
	return sent;
}
