/* Part of a YAML file as JSON. */
#ifndef BOT_CONFIG_JSON_H
#define BOT_CONFIG_JSON_H

#include "bot/yaml.h"

/*
 * The compact JSON of n with sorted keys, from the report's arena.  Text
 * without quotes is true, false, null or a number when it looks like one.
 * NULL when a key occurs twice, which is reported, or without memory.
 */
const char *config_json(const struct ynode *n, struct report *report);

#endif
