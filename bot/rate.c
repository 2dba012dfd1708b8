/*
 * How much one person may say in an hour, whatever the role: an account can
 * be stolen.  Counted from what is on record, so a restart forgets nothing.
 */
#include <stdlib.h>

#include "bot/decide.h"
#include "bot/view_parts.h"

#define HOUR_MS (3600LL * 1000)

/*
 * When enough of list, which is sorted by time, is an hour old to make room
 * for so many commands more; 0 = there is room now.
 */
static int64_t room_at(const struct said_rate *list, size_t count,
		       bool only_here, int64_t limit, int64_t commands)
{
	int64_t over = commands - limit;

	for (size_t i = 0; i < count; i++)
		if (list[i].here || !only_here)
			over += list[i].commands;
	for (size_t i = 0; i < count && over > 0; i++) {
		if (!list[i].here && only_here)
			continue;
		over -= list[i].commands;
		if (over <= 0)
			return list[i].received_ms + HOUR_MS;
	}
	return 0;
}

enum err rate_of(struct engine *g, const struct said_record *r,
		 int64_t commands, struct rate *ret, struct error *e)
{
	/* What waited in the journal counts where it came in. */
	int64_t now = r->received_ms, since = now - HOUR_MS;
	int64_t in_vain, answered, here;
	struct said_rate *list;
	size_t count;

	*ret = (struct rate){0};
	if (store_said_limited(g->store, r->actor_id, since, now, &in_vain,
			       &answered, e) ||
	    store_said_rate(g->store, r, since, now, &list, &count, e))
		return e->code;
	ret->told = answered > 0;
	/* Each sign is a write to the forge: they end, too. */
	ret->silent = in_vain >= LIMIT_COMMANDS_PER_HOUR;
	ret->until_ms =
		room_at(list, count, false, LIMIT_COMMANDS_PER_HOUR, commands);
	here = room_at(list, count, true, LIMIT_COMMANDS_PER_HOUR_HERE,
		       commands);
	if (here > ret->until_ms)
		ret->until_ms = here;
	free(list);
	return ERR_OK;
}

void rate_text(struct str *out, const struct rate *rate, int64_t now_ms)
{
	/* The minute that has begun then is still too early. */
	int64_t until = rate->until_ms + 59999;

	str_addf(out,
		 "That was more than I do for one person in an hour: %d "
		 "commands, %d of them on one pull request. Nothing was done. "
		 "Say it again after ",
		 LIMIT_COMMANDS_PER_HOUR, LIMIT_COMMANDS_PER_HOUR_HERE);
	part_moment(out, until, now_ms);
	str_puts(out, "; until then I only leave a reaction.");
}
