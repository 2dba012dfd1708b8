#include "commands/call.h"

enum err command_run(enum verb verb, struct command_call *call, struct error *e)
{
	/* It takes the stars for multiplications. */
	/* clang-format off */
	static enum err (*const handlers[VERB_MAX])(struct command_call *call,
						    struct error *e) = {
		/* clang-format on */
		[VERB_DEPLOY] = command_deploy,
		[VERB_TRIGGER] = command_trigger,
		[VERB_PLAN] = command_plan,
		[VERB_STATUS] = command_status,
		[VERB_WHY] = command_why,
		[VERB_LOCK] = command_lock,
		[VERB_UNLOCK] = command_unlock,
		[VERB_HELP] = command_show_help,
	};

	return handlers[verb](call, e);
}
