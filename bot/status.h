/*
 * The commit status of one revision on one environment: derived from what is
 * stored, never from what was said before.  The rules are those of
 * ARCHITECTURE.md ("Statuses").
 */
#ifndef BOT_STATUS_H
#define BOT_STATUS_H

#include "bot/base/str.h"
#include "deploy/flow.h"
#include "store/pull.h"

struct told_status {
	const char *state; /* "pending", ... static; NULL = say nothing */
	struct str text;   /* always says short or full */
	int64_t number;	   /* of the pull that it speaks of */
};

#define TOLD_STATUS_INIT                                                       \
	{                                                                      \
		.state = NULL, .text = STR_INIT(1024)                          \
	}

static inline void told_status_release_at(struct told_status *s)
{
	str_release(&s->text);
}

/* The same whatever the bot's account is called: rules of the forge that
 * require a status name it. */
#define STATUS_CONTEXT_BEGIN "kcibot/"
#define STATUS_CONTEXT 128
void status_context(const struct environment *env, char ret[STATUS_CONTEXT]);

/*
 * What the revision shows, seen from a pull that has it.  Others may have it as
 * well, and one of them more to say: then it is what that one says.  context:
 * that of the status, to know what was told last.
 */
NODISCARD enum err status_of(const struct flow *f, const struct pull *p,
			     const char *sha, const char *context,
			     struct told_status *ret, struct error *e);

#endif
