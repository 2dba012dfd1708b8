#include <string.h>
#include <strings.h>

#include "commands/person.h"
#include "store/trust.h"

/* More would bury the answer; the command line shows all. */
#define SHOWN_MAX 50

static void show(struct str *out, const json_t *t)
{
	const char *kind = js_str(t, "kind");

	str_puts(out, "- ");
	person_show(out, js_str(t, "login"));
	str_addf(out, "%s: %s",
		 strcmp(kind, "org") == 0   ? " (organisation)"
		 : strcmp(kind, "app") == 0 ? " (app)"
					    : "",
		 js_str(t, "role"));
	person_show_scope(out, js_str(t, "scope"));
	person_show_end(out, js_int(t, "expires_ms", 0));
	str_puts(out, js_bool(t, "unasked", true) ? "\n" : ", not unasked\n");
}

enum err command_trusted(struct command_call *call, struct error *e)
{
	CLEANUP(json_decref) json_t *list = NULL;
	size_t i, here = 0;
	json_t *t;

	if (store_trust_list(call->store, call->now_ms, &list, e))
		return e->code;
	str_puts(call->answer, "Who is trusted here:\n\n");
	json_array_foreach (list, i, t) {
		const char *scope = js_str(t, "scope");

		if (*scope && strcasecmp(scope, call->pull->repo) != 0)
			continue;
		if (++here <= SHOWN_MAX)
			show(call->answer, t);
	}
	if (here > SHOWN_MAX)
		str_addf(call->answer,
			 "\n... and %zu more: `kcibot trust list` shows all.\n",
			 here - SHOWN_MAX);
	return ERR_OK;
}
