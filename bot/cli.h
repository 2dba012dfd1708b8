/*
 * The subcommands that talk to the engine: trust, say, status.  They use the
 * running bot through its socket; when none runs they take the lock and run
 * the engine themselves for one call.
 */
#ifndef BOT_CLI_H
#define BOT_CLI_H

#include "bot/config.h"

/* Exit status: 0 done, 1 refused or failed, 2 usage.  args are what follows
 * the subcommand's name, without --config FILE. */
int cli_trust(const struct config *c, int argc, char **argv);
int cli_say(const struct config *c, int argc, char **argv);
int cli_status(const struct config *c, int argc, char **argv);

/* Reads kcibot.db by itself; 1 also when the chain is broken. */
int cli_audit(const struct config *c, int argc, char **argv);

/* `kcibot check`, after the file itself was read without mistakes. */
int cli_check(const struct config *c);

#endif
