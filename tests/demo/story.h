/* What the demo plays. */
#ifndef DEMO_STORY_H
#define DEMO_STORY_H

#include "tests/demo/watch.h"

struct story {
	struct watch watch;
	int pulls, deploys, failed;
	char answer[256]; /* of the service, at the end */
};

/*
 * All scenes, one after the other; stops at the first thing that is not as it
 * should be.
 */
NODISCARD enum err story_play(struct story *s, struct error *e);

#endif
