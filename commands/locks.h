/* What `lock` and `unlock` share. */
#ifndef COMMANDS_LOCKS_H
#define COMMANDS_LOCKS_H

#include "commands/call.h"
#include "store/lock.h"

/* Adds "2026-11-21 14:05 UTC". */
void lock_moment(struct str *out, int64_t wall_ms);

/* Adds "`staging` is locked by `mona` until ... (`the demo`)", for a refusal:
 * what people wrote stands in it as code. */
void lock_describe(struct str *out, const struct lock *l);

/* On record: what was done to an environment, and what it rests on. */
NODISCARD enum err lock_audit(const struct command_call *call,
			      const char *action, const char *environment,
			      const char *why, struct error *e);

#endif
