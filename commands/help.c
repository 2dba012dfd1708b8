#include "commands/call.h"

enum err command_show_help(struct command_call *call, struct error *e UNUSED)
{
	command_help(call->answer, call->bot_name, call->role, call->is_author);
	return ERR_OK;
}
