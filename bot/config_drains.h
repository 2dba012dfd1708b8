/*
 * What must fit together around jobs of the class `drain`: for
 * bot/config_check.c only.
 */
#ifndef BOT_CONFIG_DRAINS_H
#define BOT_CONFIG_DRAINS_H

#include "bot/config_report.h"
#include "bot/yaml.h"
#include "deploy/environment.h"

/* jobs: the map that env->jobs was read from, or NULL. */
void config_check_drains(const struct environment *env,
			 const struct ynode *jobs, struct report *report);

#endif
