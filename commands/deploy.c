#include "commands/call.h"

enum err command_deploy(struct command_call *call, struct error *e)
{
	return command_ask(call, "short", e);
}
