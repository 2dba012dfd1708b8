/*
 * Where the demo plays: a folder of its own, and in it a forge (the sandbox),
 * a staging machine, and a bot with its configuration.
 */
#ifndef DEMO_STAGE_H
#define DEMO_STAGE_H

#include <signal.h>

#include "tests/sandbox/client.h"

#define STAGE_PATH 256

struct stage {
	char dir[STAGE_PATH];	   /* "" = not made yet */
	char programs[STAGE_PATH]; /* the folder of kcibot and sandbox */
	char url[64];		   /* of the bot */
	char service[64];	   /* of the deployed service, with a "/" */
	int port, service_port;
	char key[65]; /* of the staging machine */
	struct sbc *forge;
	pid_t bot, machine; /* -1 = not running */
};

/* Set by SIGINT, SIGTERM and SIGHUP. */
extern volatile sig_atomic_t stage_interrupted;

#define STAGE_INIT                                                             \
	{                                                                      \
		.bot = -1, .machine = -1,                                      \
	}

/* The folder, the forge with two projects and four people, the machine. */
NODISCARD enum err stage_set(struct stage *s, struct error *e);

/* The bot; returns when it is ready. */
NODISCARD enum err stage_start_bot(struct stage *s, struct error *e);

/* kcibot trust add LOGIN --role ROLE */
NODISCARD enum err stage_trust(const struct stage *s, const char *login,
			       const char *role, struct error *e);

/* "DIR/NAME"; the caller's. */
char *stage_path(const struct stage *s, const char *name);

/*
 * Ends everything that was started, waits for it, and removes the folder
 * unless keep_files.
 */
void stage_end(struct stage *s, bool keep_files);

#endif
