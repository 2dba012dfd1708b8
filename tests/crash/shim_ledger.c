/* What is on the disk for sure, as of the last syncs; see power.h. */
#include "tests/crash/power.h"
#include "tests/crash/shim.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PIECE (64 << 10)

static bool put(int to, const char *data, size_t len)
{
	while (len) {
		long n = syscall(SYS_write, to, data, len);

		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/*
 * SQLite's locks are gone when any descriptor of the file is closed: only
 * what cannot be read through fd itself is opened once more.
 */
static bool copy_file(int to, int fd)
{
	bool readable = (fcntl(fd, F_GETFL) & O_ACCMODE) != O_WRONLY;
	char path[64], piece[PIECE];
	int from = fd;
	off_t at = 0;
	long n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!readable)
		from = (int)syscall(SYS_openat, AT_FDCWD, path,
				    O_RDONLY | O_CLOEXEC);
	while ((n = syscall(SYS_pread64, from, piece, PIECE, at)) > 0 &&
	       put(to, piece, (size_t)n))
		at += n;
	if (!readable)
		syscall(SYS_close, from);
	return n == 0;
}

/* As the kernel gives it. */
struct entry {
	unsigned long long inode;
	long long next;
	unsigned short len;
	unsigned char type;
	char name[];
};

static bool copy_entry(int to, const struct entry *e)
{
	char line[300];
	int n;

	if (strcmp(e->name, ".") == 0 || strcmp(e->name, "..") == 0 ||
	    (e->type != DT_REG && e->type != DT_DIR))
		return true;
	n = snprintf(line, sizeof(line), "%c %llu %s\n",
		     e->type == DT_DIR ? 'd' : 'f', e->inode, e->name);
	return put(to, line, (size_t)n);
}

static bool copy_folder(int to, int fd)
{
	_Alignas(struct entry) char piece[PIECE];
	int from = (int)syscall(SYS_openat, fd, ".",
				O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = true;
	long n = -1;

	while (good && (n = syscall(SYS_getdents64, from, piece, PIECE)) > 0)
		for (long at = 0; good && at < n;) {
			const struct entry *e = (void *)(piece + at);

			good = copy_entry(to, e);
			at += e->len;
		}
	syscall(SYS_close, from);
	return good && n == 0;
}

/* Whole or not at all: we may be killed in its midst. */
void ledger_note(int fd)
{
	char temp[400], path[400];
	const char *dir;
	struct stat st;
	bool good;
	int to;

	if (!shim_block || shim_block->what != FAULT_POWER || fstat(fd, &st) ||
	    !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		return;
	dir = shim_block->ledger;
	snprintf(path, sizeof(path),
		 S_ISDIR(st.st_mode) ? LEDGER_FOLDER : LEDGER_FILE, dir,
		 (unsigned long long)st.st_ino);
	snprintf(temp, sizeof(temp), "%s/new-%ld", dir, syscall(SYS_gettid));
	to = (int)syscall(SYS_openat, AT_FDCWD, temp,
			  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (to < 0)
		return;
	good = S_ISDIR(st.st_mode) ? copy_folder(to, fd) : copy_file(to, fd);
	syscall(SYS_close, to);
	if (good)
		syscall(SYS_rename, temp, path);
}
