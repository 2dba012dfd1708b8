#include "tests/soak/sample.h"

#include <ctype.h>
#include <dirent.h>
#include <ftw.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bot/base/cleanup.h"
#include "bot/base/fs.h"
#include "bot/base/str.h"

DEFINE_CLEANUP(DIR *, closedir)

/* --- memory and threads --- */

static int64_t number_after(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtoll(at + strlen(name), NULL, 10) : 0;
}

static bool read_proc(pid_t pid, const char *name, struct str *ret)
{
	struct error e = ERROR_INIT;
	char path[64];

	str_clear(ret);
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return fs_read(path, ret, &e) == ERR_OK;
}

static bool take_memory(struct sample *s, pid_t pid)
{
	CLEANUP(str_release) struct str text = STR_INIT(64u << 10);

	if (!read_proc(pid, "smaps_rollup", &text))
		return false;
	s->rss_kb = number_after(text.text, "\nRss:");
	s->pss_kb = number_after(text.text, "\nPss:");
	s->anonymous_kb = number_after(text.text, "\nAnonymous:");
	if (!read_proc(pid, "status", &text))
		return false;
	s->threads = (int)number_after(text.text, "\nThreads:");
	return s->rss_kb > 0;
}

/* --- children: "PID (NAME) STATE PPID ..." --- */

static void count_child(struct sample *s, pid_t parent, const char *stat)
{
	const char *end = strrchr(stat, ')'); /* the name may hold anything */

	if (!end || end[1] != ' ' || !end[2])
		return;
	if (strtol(end + 3, NULL, 10) != parent)
		return;
	s->children++;
	s->zombies += end[2] == 'Z';
}

static void take_children(struct sample *s, pid_t pid)
{
	CLEANUP(str_release) struct str text = STR_INIT(64u << 10);
	CLEANUP(closedir) DIR *dir = opendir("/proc");
	const struct dirent *d;

	while (dir && (d = readdir(dir)) != NULL)
		if (isdigit((unsigned char)*d->d_name) &&
		    read_proc((pid_t)atoi(d->d_name), "stat", &text))
			count_child(s, pid, text.text);
}

/* --- descriptors --- */

/* The port at the other end of the process's socket, 0 = there is none. */
static int port_of_peer(int pidfd, int fd)
{
	CLEANUP(fd_close)
	int ours = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	struct sockaddr_in a = {0};
	socklen_t len = sizeof(a);

	if (ours < 0 || getpeername(ours, (struct sockaddr *)&a, &len) ||
	    a.sin_family != AF_INET)
		return 0;
	return ntohs(a.sin_port);
}

static void count_fd(struct sample *s, const char *to, bool is_forge)
{
	s->fds++;
	if (is_forge)
		s->forge++;
	else if (str_starts(to, "socket:"))
		s->sockets++;
	else if (str_starts(to, "pipe:"))
		s->pipes++;
	else if (strstr(to, ".db"))
		s->books++;
	else if (*to == '/')
		s->files++;
	else
		s->others++;
}

static void take_fds(struct sample *s, const struct sample_of *of)
{
	CLEANUP(free) char *path = str_format("/proc/%d/fd", (int)of->pid);
	CLEANUP(fd_close) int pidfd = (int)syscall(SYS_pidfd_open, of->pid, 0);
	CLEANUP(closedir) DIR *dir = opendir(path);
	const struct dirent *d;

	while (dir && (d = readdir(dir)) != NULL) {
		char to[4096];
		ssize_t n =
			readlinkat(dirfd(dir), d->d_name, to, sizeof(to) - 1);

		if (n <= 0)
			continue;
		to[n] = '\0';
		count_fd(s, to,
			 str_starts(to, "socket:") &&
				 port_of_peer(pidfd, atoi(d->d_name)) ==
					 of->forge_port);
	}
}

/* --- the folder --- */

static int64_t size_of(const char *dir, const char *name)
{
	CLEANUP(free) char *path = str_format("%s/%s", dir, name);
	struct stat st;

	return stat(path, &st) ? 0 : st.st_size;
}

static int64_t walked;

static int add_size(const char *path UNUSED, const struct stat *st, int type,
		    struct FTW *at UNUSED)
{
	if (type == FTW_F)
		walked += st->st_size;
	return 0;
}

static int64_t tree_size(const char *dir, const char *name)
{
	CLEANUP(free) char *path = str_format("%s/%s", dir, name);

	walked = 0;
	nftw(path, add_size, 16, FTW_PHYS);
	return walked;
}

static void take_state(struct sample *s, const char *dir, bool whole)
{
	s->kcibot_db = size_of(dir, "kcibot.db");
	s->kcibot_wal = size_of(dir, "kcibot.db-wal");
	s->inbox_db = size_of(dir, "inbox.db");
	s->inbox_wal = size_of(dir, "inbox.db-wal");
	if (!whole)
		return;
	s->jobs = tree_size(dir, "jobs");
	s->git = tree_size(dir, "git");
	s->state = tree_size(dir, ".");
}

/* --- all of it --- */

bool samples_open(struct samples *s, const char *csv)
{
	*s = (struct samples){.csv = fopen(csv, "we")};
	if (!s->csv)
		return false;
	setvbuf(s->csv, NULL, _IOLBF, 0);
	fputs("seconds,quiet,rss_kb,pss_kb,anonymous_kb,threads,children,"
	      "zombies,fds,books,files,pipes,sockets,forge,others,kcibot_db,"
	      "kcibot_wal,inbox_db,inbox_wal,jobs,git,state\n",
	      s->csv);
	return true;
}

void samples_close(struct samples *s)
{
	if (s->csv)
		fclose(s->csv);
	free(s->all);
}

static void write_csv(FILE *csv, const struct sample *s)
{
	fprintf(csv, "%.1f,%d,%lld,%lld,%lld,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d",
		(double)s->at_ms / 1000, s->quiet, (long long)s->rss_kb,
		(long long)s->pss_kb, (long long)s->anonymous_kb, s->threads,
		s->children, s->zombies, s->fds, s->books, s->files, s->pipes,
		s->sockets, s->forge, s->others);
	fprintf(csv, ",%lld,%lld,%lld,%lld,%lld,%lld,%lld\n",
		(long long)s->kcibot_db, (long long)s->kcibot_wal,
		(long long)s->inbox_db, (long long)s->inbox_wal,
		(long long)s->jobs, (long long)s->git, (long long)s->state);
}

/* What a walk tells is what it was, until the next one. */
static struct sample *add(struct samples *s)
{
	struct sample one = {0};

	if (!s->all || s->count == s->room) {
		s->room = s->room ? 2 * s->room : 256;
		s->all = reallocarray(s->all, (size_t)s->room, sizeof(*s->all));
		if (!s->all)
			abort();
	}
	if (s->count) {
		const struct sample *last = &s->all[s->count - 1];

		one.jobs = last->jobs;
		one.git = last->git;
		one.state = last->state;
	}
	s->all[s->count] = one;
	return &s->all[s->count++];
}

const struct sample *samples_take(struct samples *s, const struct sample_of *of,
				  int64_t at_ms, bool quiet, bool whole)
{
	struct sample *one = add(s);

	one->at_ms = at_ms;
	one->quiet = quiet;
	if (!take_memory(one, of->pid)) {
		s->count--;
		return NULL;
	}
	take_children(one, of->pid);
	take_fds(one, of);
	take_state(one, of->state_dir, whole);
	write_csv(s->csv, one);
	return one;
}
