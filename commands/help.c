#include "commands/call.h"

enum err command_show_help(struct command_call *call, struct error *e UNUSED)
{
	const struct command *one = command_find(args_text(call->args, "verb"));

	if (one)
		command_help_one(call->answer, one, call->bot_name, call->role,
				 call->is_author);
	else
		command_help(call->answer, call->bot_name, call->role,
			     call->is_author);
	return ERR_OK;
}
