/*
 * Small whole files and folders.  Paths are built by the caller from its own
 * configuration and numbers, never from user text.
 */
#ifndef BASE_FS_H
#define BASE_FS_H

#include <sys/types.h>

#include "bot/base/str.h"

/*
 * Appends the file to out (out's ceiling applies).  ERR_MISSING when there
 * is no such file, ERR_INVALID when it is larger than the ceiling.
 */
NODISCARD enum err fs_read(const char *path, struct str *out, struct error *e);

/*
 * Writes path as a whole or not at all: temporary file beside it, fsync,
 * rename, fsync of the folder.
 */
NODISCARD enum err fs_write(const char *path, const char *data, size_t len,
			    mode_t mode, struct error *e);

/* mkdir -p, each new folder with mode. */
NODISCARD enum err fs_mkdirs(const char *path, mode_t mode, struct error *e);

/* After a power cut the name path is there, if it is there now. */
NODISCARD enum err fs_sync_folder_of(const char *path, struct error *e);

/* rm -rf that never follows a symbolic link; no such path is success. */
NODISCARD enum err fs_remove_tree(const char *path, struct error *e);

/*
 * Takes an exclusive flock on path (made when missing) and keeps it until
 * the descriptor is closed.  ERR_CONFLICT when somebody else holds it.
 */
NODISCARD enum err fs_lock(const char *path, int *ret_fd, struct error *e);

#endif
