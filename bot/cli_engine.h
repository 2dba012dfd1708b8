/* One call of the engine from the command line, wherever it runs. */
#ifndef BOT_CLI_ENGINE_H
#define BOT_CLI_ENGINE_H

#include "bot/base/json.h"
#include "bot/config.h"
#include "bot/github.h"
#include "store/principal.h"

/* Takes over the reference on call; the caller owns *ret_answer. */
NODISCARD enum err cli_engine_call(const struct config *c, json_t *call,
				   json_t **ret_answer, struct error *e);

/* The settings of the forge's client, as the command line uses it. */
void cli_github(const struct config *c, struct github_settings *ret);

/* Who a login is now: id, spelling and kind.  ERR_MISSING: nobody. */
NODISCARD enum err cli_look_up(const struct config *c, const char *login,
			       struct principal *ret, struct error *e);

/* The forge's id for a login, and how it spells it; *ret_login malloc'ed. */
NODISCARD enum err cli_resolve(const struct config *c, const char *login,
			       int64_t *ret_id, char **ret_login,
			       struct error *e);

#endif
