/*
 * `lock`: nothing starts on the environments of the pull's repository until
 * the owner ends it or its time is over.  The owner may say it again, which
 * sets a new end; a lock of somebody else is not taken over silently.
 */
#include <string.h>

#include "bot/base/clock.h"
#include "commands/evidence.h"
#include "commands/locks.h"
#include "store/request.h"

#define MINUTE_MS (60LL * 1000)
#define USUAL_MS (120 * MINUTE_MS)
/* The owner is told so long before the end, of a short lock later. */
#define WARN_MS (15 * MINUTE_MS)
#define WARN_PART 4

void lock_moment(struct str *out, int64_t wall_ms)
{
	CLEANUP(str_release) struct str iso = STR_INIT(64);

	time_iso(&iso, wall_ms);
	str_addf(out, "%.10s %.5s UTC", iso.text,
		 iso.text + strlen("2026-11-21T"));
}

/* People's words as code, out of which nothing in them leads. */
static void add_code(struct str *out, const char *text)
{
	str_putc(out, '`');
	for (; *text; text++)
		str_putc(out, *text == '`' ? '\'' : *text);
	str_putc(out, '`');
}

void lock_describe(struct str *out, const struct lock *l)
{
	str_addf(out, "`%s` is locked by ", l->environment);
	add_code(out, l->owner);
	str_puts(out, " until ");
	lock_moment(out, l->until_ms);
	if (!*l->reason)
		return;
	str_puts(out, " (");
	add_code(out, l->reason);
	str_putc(out, ')');
}

enum err lock_audit(const struct command_call *call, const char *action,
		    const char *environment, const char *why, struct error *e)
{
	CLEANUP(str_release) struct str text = STR_INIT(1024);

	str_addf(&text, "%s: %s", environment, why);
	if (str_check(&text, e))
		return e->code;
	return evidence_of_call(call, action, text.text,
				json_pack("{s:s}", "environment", environment),
				e);
}

static enum err refuse_foreign(const struct command_call *call,
			       const struct lock *l, struct error *e)
{
	CLEANUP(str_release) struct str text = STR_INIT(1024);

	lock_describe(&text, l);
	return error_set(e, ERR_REFUSED,
			 "%s. Ask there, or end that lock first: `@%s unlock "
			 "reason=\"...\"`.",
			 text.text, call->bot_name);
}

/* Room for a new lock: none is there, or the own one, which ends. */
static enum err make_room(const struct command_call *call,
			  const struct environment *env, int64_t wall_ms,
			  struct error *e)
{
	struct environment_record record;
	struct lock l;
	enum err code;

	/* Makes the environment's row, which locks point at. */
	if (store_environment(call->store, env->name, call->now_ms, &record, e))
		return e->code;
	code = store_lock(call->store, env->name, &l, e);
	if (code)
		return code == ERR_MISSING ? ERR_OK : code;
	if (l.owner_id != call->actor_id && wall_ms < l.until_ms)
		return refuse_foreign(call, &l, e);
	COPY(l.ended_by, call->actor);
	COPY(l.end_reason, "another lock follows");
	return store_lock_end(call->store, &l, wall_ms, true, e);
}

static enum err lock_one(const struct command_call *call,
			 const struct environment *env, int64_t span_ms,
			 int64_t wall_ms, struct error *e)
{
	int64_t warn =
		span_ms / WARN_PART < WARN_MS ? span_ms / WARN_PART : WARN_MS;
	struct lock l = {
		.owner_id = call->actor_id,
		.pull_id = call->pull->id,
		.said_id = call->said_id,
		.made_ms = wall_ms,
		.until_ms = wall_ms + span_ms,
		.warn_ms = wall_ms + span_ms - warn,
	};
	CLEANUP(str_release) struct str why = STR_INIT(512);

	COPY(l.environment, env->name);
	COPY(l.owner, call->actor);
	COPY(l.reason, args_text(call->args, "reason"));
	if (make_room(call, env, wall_ms, e) ||
	    store_lock_add(call->store, &l, e))
		return e->code;
	str_puts(&why, "until ");
	lock_moment(&why, l.until_ms);
	str_addf(&why, "%s%s", *l.reason ? ": " : "", l.reason);
	return lock_audit(call, "lock", env->name, why.text, e);
}

enum err command_lock(struct command_call *call, struct error *e)
{
	int64_t span = args_number(call->args, "duration", USUAL_MS);
	int64_t wall = call->now_ms + call->wall_skew_ms;

	for (size_t i = 0; i < call->environment_count; i++) {
		if (lock_one(call, call->environments[i], span, wall, e))
			return e->code;
		str_addf(call->answer, "%s`%s`",
			 i ? ", " : "Locked: ", call->environments[i]->name);
	}
	str_puts(call->answer, " until ");
	lock_moment(call->answer, wall + span);
	str_addf(call->answer,
		 ". Nothing starts there; what is asked for waits, and what "
		 "runs goes on to its end. `@%s unlock` ends it, another "
		 "`lock` moves its end.\n",
		 call->bot_name);
	return str_check(call->answer, e);
}
