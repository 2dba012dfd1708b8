#include "commands/call.h"

enum err command_status(struct command_call *call, struct error *e UNUSED)
{
	call->show_state = true;
	return ERR_OK;
}
