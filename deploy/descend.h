/*
 * Signals for the processes below us, children of children too.  Their ids
 * are pinned (pidfd) and looked at again before the signal goes out, so that
 * it can never hit a stranger.
 */
#ifndef DEPLOY_DESCEND_H
#define DEPLOY_DESCEND_H

#include <stddef.h>

/*
 * Sends sig to every process that descends from the caller by at least
 * depth steps (1 = children).  Returns how many got it.
 */
size_t descend_signal(int depth, int sig);

#endif
