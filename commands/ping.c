/* Am I there, and how busy?  From what is at hand, without the forge. */
#include <string.h>

#include "bot/base/clock.h"
#include "bot/base/str.h"
#include "commands/call.h"
#include "store/request.h"

static enum err count_waiting(const struct command_call *call, int64_t *ret,
			      struct error *e)
{
	*ret = 0;
	for (size_t i = 0; i < call->environment_count; i++) {
		struct request_facts r;

		if (store_request_facts(call->store,
					call->environments[i]->name, false, &r,
					e))
			return e->code;
		*ret += r.auto_count + r.deploy_count + r.trigger_count +
			r.booked_count + r.forced_count;
	}
	return ERR_OK;
}

enum err command_ping(struct command_call *call, struct error *e)
{
	CLEANUP(str_release) struct str iso = STR_INIT(64);
	const struct command_bot *bot = call->bot;
	/* The forge's clock is not ours. */
	int64_t lag =
		call->now_ms > call->made_ms ? call->now_ms - call->made_ms : 0;
	int64_t waiting;

	if (count_waiting(call, &waiting, e))
		return e->code;
	time_iso(&iso, bot->since_ms);
	str_addf(call->text,
		 "pong. Version %s, running since %.10s %.5s UTC. In the "
		 "queue: %lld. Deliveries unread: %lld. Answered "
		 "%lld.%lld s after you wrote.",
		 bot->version, iso.text, iso.text + strlen("2026-11-21T"),
		 (long long)waiting, (long long)bot->unread,
		 (long long)(lag / 1000), (long long)(lag % 1000 / 100));
	return ERR_OK;
}
