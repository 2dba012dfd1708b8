#include "commands/call.h"

/* Whether the full may run now or is booked is the timing policy's word. */
enum err command_trigger(struct command_call *call, struct error *e)
{
	return command_ask(call, "full", e);
}
