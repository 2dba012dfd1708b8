#include "commands/call.h"

struct flow command_flow(const struct command_call *call,
			 const struct environment *env)
{
	return (struct flow){
		.store = call->store,
		.env = env,
		.now_ms = call->now_ms,
	};
}
