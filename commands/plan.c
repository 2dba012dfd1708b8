/*
 * The dry run was made before (bot/needs.c): for each environment there is a
 * fact "plan:NAME" with what would go and what git says of it.
 */
#include <string.h>

#include "commands/call.h"

enum err command_plan(struct command_call *call, struct error *e)
{
	for (size_t i = 0; i < call->environment_count; i++) {
		const char *name = call->environments[i]->name;
		char fact[96];
		const json_t *plan;

		snprintf(fact, sizeof(fact), "plan:%s", name);
		plan = json_object_get(call->facts, fact);
		if (!plan)
			return error_set(e, ERR_REFUSED,
					 "The dry run for %s is missing; "
					 "nothing was done. Ask again.",
					 name);
		/* It was made for the head of a moment ago. */
		if (strcmp(js_str(plan, "forecast.head_sha"),
			   call->pull->head_sha) != 0)
			return error_set(e, ERR_REFUSED,
					 "The head of this pull request moved "
					 "while I tried it. Ask again.");
	}
	call->show_plan = true;
	return ERR_OK;
}
