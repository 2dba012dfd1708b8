#include "tests/crash/power.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bot/base/cleanup.h"
#include "bot/base/fs.h"

#define TEXT_MAX (64u << 20)
#define MIRRORS "git"

/* One in the life of a program. */
static struct cut {
	const char *ledger;
	bool empty_mirrors;
} cut;

static NORETURN void give_up(const char *what)
{
	fprintf(stderr, "power cut: %s\n", what);
	_exit(97);
}

static void restore_file(const char *path, unsigned long long inode)
{
	CLEANUP(free) char *noted = str_format(LEDGER_FILE, cut.ledger, inode);
	CLEANUP(str_release) struct str text = STR_INIT(TEXT_MAX);
	struct stat st = {.st_mode = 0600};
	struct error e = ERROR_INIT;
	enum err code = fs_read(noted, &text, &e);

	/* Its name was synced, its text never. */
	if (code && code != ERR_MISSING)
		give_up(e.text);
	stat(path, &st);
	if (fs_write(path, text.text, text.len, st.st_mode & 0777, &e))
		give_up(e.text);
}

static bool synced(unsigned long long inode)
{
	CLEANUP(free) char *noted = str_format(LEDGER_FILE, cut.ledger, inode);

	return access(noted, F_OK) == 0;
}

static int empty_file(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)ftw;
	if (type != FTW_F ||
	    (!cut.empty_mirrors &&
	     (strstr(path, "/objects/") || strstr(path, "/refs/") ||
	      strstr(path, "/packed-refs") || synced(st->st_ino))))
		return 0;
	if (chmod(path, 0600) || truncate(path, 0))
		give_up(path);
	return 0;
}

/* Is name one of the listing's?  With its line if so. */
static const char *listed(const char *listing, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = listing; *at;) {
		size_t line = strcspn(at, "\n");
		const char *sp = memchr(at + 2, ' ', line - 2);

		if (sp && (size_t)(at + line - sp - 1) == len &&
		    strncmp(sp + 1, name, len) == 0)
			return at;
		at += line + (at[line] == '\n');
	}
	return NULL;
}

/* What was made since the folder was synced is not there. */
static void remove_unlisted(const char *path, const char *listing)
{
	DIR *dir = opendir(path);
	struct error e = ERROR_INIT;
	struct dirent *d;

	while (dir && (d = readdir(dir))) {
		CLEANUP(free) char *sub = str_format("%s/%s", path, d->d_name);
		struct stat st;

		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, "..") ||
		    listed(listing, d->d_name) || lstat(sub, &st))
			continue;
		if (S_ISDIR(st.st_mode) ? fs_remove_tree(sub, &e) != ERR_OK
					: unlink(sub))
			give_up(sub);
	}
	if (dir)
		closedir(dir);
}

static void restore_folder(const char *path, unsigned long long inode);

static void restore_entry(const char *path, char *line)
{
	char *name;
	unsigned long long inode = strtoull(line + 2, &name, 10);
	CLEANUP(free) char *sub = str_format("%s/%s", path, ++name);
	struct error e = ERROR_INIT;

	if (*line == 'f') {
		restore_file(sub, inode);
	} else if (strcmp(name, MIRRORS) == 0) {
		nftw(sub, empty_file, 16, FTW_PHYS);
	} else {
		if (fs_mkdirs(sub, 0700, &e))
			give_up(e.text);
		restore_folder(sub, inode);
	}
}

static void restore_folder(const char *path, unsigned long long inode)
{
	CLEANUP(free)
	char *noted = str_format(LEDGER_FOLDER, cut.ledger, inode);
	CLEANUP(str_release) struct str listing = STR_INIT(TEXT_MAX);
	struct error e = ERROR_INIT;
	char *rest;

	/* Never synced: it is empty. */
	if (fs_read(noted, &listing, &e) && e.code != ERR_MISSING)
		give_up(e.text);
	remove_unlisted(path, listing.text);
	rest = listing.text;
	for (char *line; (line = strsep(&rest, "\n"));)
		if (*line)
			restore_entry(path, line);
}

void power_cut(const char *state, const char *ledger, bool empty_mirrors)
{
	struct stat st;

	cut = (struct cut){.ledger = ledger, .empty_mirrors = empty_mirrors};
	if (stat(state, &st) == 0)
		restore_folder(state, st.st_ino);
}
