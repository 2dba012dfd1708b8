/*
 * What the subcommands share: a call of the engine, and how they end.
 */
#ifndef BOT_CLI_PARTS_H
#define BOT_CLI_PARTS_H

#include "bot/base/json.h"
#include "bot/config.h"

/* Each says it on standard error and returns the exit status. */
int cli_fail(const char *what, const struct error *e);
int cli_usage(const char *text);

/* Sends the call (taken over); a refusal is printed, and NULL then. */
json_t *cli_ask(const struct config *c, json_t *call);

/* The same, and prints the answer's text; the exit status. */
int cli_ask_and_print(const struct config *c, json_t *call);

/* The rest of `kcibot trust import|export ...`; args begin behind it. */
int cli_trust_import(const struct config *c, int argc, char **argv);
int cli_trust_export(const struct config *c, int argc, char **argv);

#endif
