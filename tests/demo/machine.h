/*
 * The staging machine of the demo: runs the one service that was deployed.
 * A process of its own, since what a job leaves behind ends with it.
 *
 * It is steered over a Unix socket, a line and perhaps a file each time:
 *
 *	put NAME SIZE\n<SIZE bytes>  takes a build; the one before is dropped
 *	start NAME KEY\n             runs it in place of what runs now; what
 *	                             ran before comes back when it does not
 *	                             answer /healthz with 200 in time
 *
 * and answers "ok TEXT\n" or "error TEXT\n".
 */
#ifndef DEMO_MACHINE_H
#define DEMO_MACHINE_H

#include "bot/base/attr.h"

#define MACHINE_KEY_LEN 64

struct machine_settings {
	const char *dir; /* of the machine's own; the socket is dir/socket */
	int port;	 /* where the service answers */
	int web_fd;	 /* bound there, not yet listening */
	const char *key; /* MACHINE_KEY_LEN characters; needed to start */
};

/* The machine; ends with the process that made it. */
NORETURN void machine_main(const struct machine_settings *s);

/*
 * The client, as the jobs call it:
 *	put SOCKET NAME FILE | start SOCKET NAME   (key: $MACHINE_KEY)
 * Prints the answer; the exit status of main.
 */
int machine_client(int argc, char **argv);

#endif
