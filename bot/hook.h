/* The webhook that calls us, among those of a repository.  Pure. */
#ifndef BOT_HOOK_H
#define BOT_HOOK_H

#include "bot/base/json.h"

/*
 * The active one that leads to public_url or below it, of a list as the forge
 * answers it; NULL = none.  The list's.
 */
const json_t *hook_find(const json_t *hooks, const char *public_url);

#endif
