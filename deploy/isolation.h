/*
 * What keeps a job away from the bot.
 *
 * bubblewrap  A mount and a pid namespace: the machine as the bot's user sees
 *             it, except that the folders and files to hide are gone (empty
 *             and read-only), /proc shows only the job, /dev holds no disks,
 *             and no capability is left.  When the job ends, all its processes
 *             are killed, daemons too: a deploy reaches its target through
 *             something that is no child of it (a service manager, docker,
 *             ssh, a socket).
 * user:NAME   Another user; the bot must be root.  The same view is made with
 *             namespaces of our own; where the kernel refuses these, the file
 *             permissions alone protect.
 * none        Nothing.
 *
 * root's files are root's also inside bubblewrap: a bot that runs as root
 * should use user:NAME.
 */
#ifndef DEPLOY_ISOLATION_H
#define DEPLOY_ISOLATION_H

#include <sys/types.h>

#include "bot/base/json.h"
#include "deploy/strv.h"

/* What one job may see of the bot's own. */
struct isolation_view {
	const char *dir;     /* absolute; of it only work/, tmp/ (writable) and
				manifest.json (not) */
	const json_t *hide;  /* array of folders, absolute; may be NULL */
	const json_t *files; /* array of files; may be NULL */
};

/*
 * Adds the program and its options, up to the "--" after which the job's own
 * argv follows.  It reports on status_fd.
 */
void isolation_bubblewrap(const struct isolation_view *view, int status_fd,
			  struct strv *argv);

#define ISOLATION_GROUPS 64

struct isolation_user {
	uid_t uid;
	gid_t gid;
	gid_t groups[ISOLATION_GROUPS];
	int count;
};

/* ERR_INVALID for a user that is unknown or root, or when we are not root. */
NODISCARD enum err isolation_find_user(const char *name,
				       struct isolation_user *ret,
				       struct error *e);

/* Gives work/ and tmp/ to the user. */
NODISCARD enum err isolation_give(const struct isolation_view *view,
				  const struct isolation_user *user,
				  struct error *e);

/*
 * In a child: makes the view in a mount namespace of its own.  namespaced
 * says that the child is the first of a new pid namespace.  ERR_REFUSED when
 * the kernel does not allow a mount namespace (nothing has changed then).
 */
NODISCARD enum err isolation_mount(const struct isolation_view *view,
				   bool namespaced, struct error *e);

/* In a child: becomes the user for good.  false on failure. */
NODISCARD bool isolation_become(const struct isolation_user *user);

/*
 * The strongest isolation that works here, tried out: "bubblewrap" or
 * "none"; e tells why not bubblewrap.
 */
const char *isolation_best(struct error *e);

#endif
