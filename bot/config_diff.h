/*
 * What differs between two readings of the configuration file, key by key,
 * as the operator wrote it.
 */
#ifndef BOT_CONFIG_DIFF_H
#define BOT_CONFIG_DIFF_H

#include "bot/config.h"
#include "bot/yaml.h"

/* Lists every value of the file with its key: fills c->settings. */
void config_list_settings(struct config *c, const struct ynode *root);

/*
 * Adds a line for each difference:
 *
 *	environments.staging.policy.settle: 5m, was 10m
 *	environments.staging.freeze[0].zone: UTC is new
 *	public_url: is gone, was https://x
 *
 * The count of them.
 */
size_t config_diff(const struct config *from, const struct config *to,
		   struct str *out);

/*
 * Adds what of it a running bot cannot take over, separated by commas; false
 * when there is nothing.  from: what the bot was started with.
 */
NODISCARD bool config_needs_restart(const struct config *from,
				    const struct config *to, struct str *out);

#endif
