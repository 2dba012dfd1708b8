/*
 * Notices what git pushed into the repositories from outside.  The reflogs
 * are read, so nothing is needed from the pusher, and two pushes in a row
 * are two events.
 */
#ifndef SANDBOX_PUSHES_H
#define SANDBOX_PUSHES_H

#include "tests/sandbox/state.h"

/*
 * Sends a push event for every branch or tag that moved since the last
 * call.  Whoever in the reflog is no user of ours counts as the bot.
 */
void sb_pushes_scan(struct sandbox *s);

#endif
