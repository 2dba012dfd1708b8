#include "bot/hook.h"

#include <string.h>

#include "bot/base/str.h"

/* Another host may begin with the name of ours. */
static bool leads_to(const char *url, const char *place)
{
	char next;

	if (!str_starts(url, place))
		return false;
	next = url[strlen(place)];
	return !next || next == '/' || next == '?';
}

const json_t *hook_find(const json_t *hooks, const char *public_url)
{
	json_t *hook;
	size_t i;

	json_array_foreach (hooks, i, hook)
		if (js_bool(hook, "active", false) &&
		    leads_to(js_str(hook, "config.url"), public_url))
			return hook;
	return NULL;
}
