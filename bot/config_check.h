/* What must be right between the keys of a configuration. */
#ifndef BOT_CONFIG_CHECK_H
#define BOT_CONFIG_CHECK_H

#include "bot/config.h"
#include "bot/yaml.h"

/*
 * Reports what single values cannot show.  c is what config_read() made of
 * root; what was found wrong there is passed over.
 */
void config_check(const struct config *c, const struct ynode *root,
		  struct report *report);

#endif
