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
		[VERB_RETRY] = command_retry,
		[VERB_PLAN] = command_plan,
		[VERB_STATUS] = command_status,
		[VERB_WHY] = command_why,
		[VERB_LOCK] = command_lock,
		[VERB_UNLOCK] = command_unlock,
		[VERB_SKIP] = command_skip,
		[VERB_INCLUDE] = command_include,
		[VERB_CANCEL] = command_cancel,
		[VERB_NOTMYFAULT] = command_notmyfault,
		[VERB_QUIET] = command_quiet,
		[VERB_VERBOSE] = command_verbose,
		[VERB_PING] = command_ping,
		[VERB_TRUST] = command_trust,
		[VERB_UNTRUST] = command_untrust,
		[VERB_TRUSTED] = command_trusted,
		[VERB_HELP] = command_show_help,
	};

	return handlers[verb](call, e);
}
