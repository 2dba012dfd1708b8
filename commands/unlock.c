/*
 * `unlock`: ends what people locked, and what errors in a row froze.  Whose
 * lock it is may end it, and an admin.  Another maintainer may when the owner
 * has gone home, but says why: that is on record, and the owner is told.
 * A freeze window belongs to the operator and is not ended here.
 */
#include <string.h>

#include "commands/locks.h"

static enum err check_may(const struct command_call *call, const struct lock *l,
			  struct error *e)
{
	CLEANUP(str_release) struct str text = STR_INIT(1024);

	if (l->owner_id == call->actor_id || call->role >= ROLE_ADMIN ||
	    args_has(call->args, "reason"))
		return ERR_OK;
	lock_describe(&text, l);
	return error_set(e, ERR_REFUSED,
			 "%s. To end somebody else's lock, say why: `@%s "
			 "unlock reason=\"...\"`.",
			 text.text, call->bot_name);
}

/* *ret_any: there was one. */
static enum err end_lock(const struct command_call *call, const char *name,
			 bool *ret_any, struct error *e)
{
	int64_t wall = call->now_ms + call->wall_skew_ms;
	CLEANUP(str_release) struct str why = STR_INIT(1024);
	struct lock l;
	enum err code = store_lock(call->store, name, &l, e);

	if (code)
		return code == ERR_MISSING ? ERR_OK : code;
	if (check_may(call, &l, e))
		return e->code;
	*ret_any = true;
	COPY(l.ended_by, call->actor);
	COPY(l.end_reason, args_text(call->args, "reason"));
	str_addf(&why, "the lock of %s%s%s", l.owner, *l.end_reason ? ": " : "",
		 l.end_reason);
	if (store_lock_end(call->store, &l, wall, l.owner_id == call->actor_id,
			   e))
		return e->code;
	return lock_audit(call, "unlock", name, why.text, e);
}

/* Errors in a row are nobody's: whoever may unlock has looked. */
static enum err end_breaker(const struct command_call *call, const char *name,
			    bool *ret_any, struct error *e)
{
	CLEANUP(str_release) struct str why = STR_INIT(512);
	struct freeze_record record;

	if (store_freeze(call->store, name, &record, e))
		return e->code;
	if (!record.broken_ms)
		return ERR_OK;
	*ret_any = true;
	str_addf(&why, "errors in a row up to cycle %lld: %s",
		 (long long)record.broken_cycle,
		 args_text(call->args, "reason"));
	if (store_breaker_reset(call->store, name, e))
		return e->code;
	return lock_audit(call, "unlock", name, why.text, e);
}

static enum err refuse_nothing(const struct command_call *call, struct error *e)
{
	for (size_t i = 0; i < call->environment_count; i++) {
		const char *name = call->environments[i]->name;
		struct freeze_record record;

		if (store_freeze(call->store, name, &record, e))
			return e->code;
		if (*record.why)
			return error_set(e, ERR_REFUSED,
					 "`%s` is not locked: %s. That comes "
					 "from the configuration and ends by "
					 "itself.",
					 name, record.why);
	}
	return error_set(e, ERR_REFUSED, "Nothing is locked here.");
}

enum err command_unlock(struct command_call *call, struct error *e)
{
	size_t count = 0;

	for (size_t i = 0; i < call->environment_count; i++) {
		const char *name = call->environments[i]->name;
		bool any = false;

		if (end_lock(call, name, &any, e) ||
		    end_breaker(call, name, &any, e))
			return e->code;
		if (any)
			str_addf(call->answer, "%s`%s`",
				 count++ ? ", " : "Unlocked: ", name);
	}
	if (!count)
		return refuse_nothing(call, e);
	str_puts(call->answer, ". What waits goes on as its time comes.\n");
	return str_check(call->answer, e);
}
