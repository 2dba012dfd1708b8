#include "commands/call.h"

#include "store/record.h"

void command_actor(struct str *out, const char *actor, int64_t actor_id,
		   const char *keyboard)
{
	str_addf(out, "%s (%lld)", actor, (long long)actor_id);
	if (*keyboard)
		str_addf(out, " by %s", keyboard);
}

enum err command_audit(const struct command_call *call, const char *action,
		       const char *why, struct error *e)
{
	CLEANUP(str_release) struct str actor = STR_INIT(256);
	char subject[256];

	command_actor(&actor, call->actor, call->actor_id, call->keyboard);
	snprintf(subject, sizeof(subject), "%s#%lld at %s", call->pull->repo,
		 (long long)call->pull->number, call->pull->head_sha);
	return store_audit(call->store, call->now_ms, actor.text, action,
			   subject, why, e);
}

struct flow command_flow(const struct command_call *call,
			 const struct environment *env)
{
	return (struct flow){
		.store = call->store,
		.env = env,
		.now_ms = call->now_ms,
	};
}
