#include "commands/call.h"

/*
 * Whether the full may run now or is booked is the timing policy's word.  Who
 * breaks the interval says why: it is on record and on show.
 */
enum err command_trigger(struct command_call *call, struct error *e)
{
	if (args_has(call->args, "force") && !args_has(call->args, "reason")) {
		const char *on = args_text(call->args, "on");

		snprintf(call->next, sizeof(call->next),
			 "@%s trigger force reason=\"...\"%s%s", call->bot_name,
			 *on ? " on=" : "", on);
		return error_set(e, ERR_REFUSED,
				 "`trigger force` breaks the interval between "
				 "two fulls, so it needs a reason; nothing was "
				 "done.");
	}
	return command_ask(call, "full", e);
}
