/*
 * The story of the tests that kill the bot: a maintainer says deploy on a
 * stranger's pull, and in the end everybody was told once, and every job has
 * run once.
 */
#ifndef TESTS_STORY_H
#define TESTS_STORY_H

#include "tests/integration/house.h"

#define STICKY "<!-- kcibot:sticky staging -->"
#define OUTCOME "<!-- kcibot:key request:"

struct story {
	struct house *h;
	int pull;
	char sha[41];
	int64_t said;
};

/* A house with the pull. */
struct story story_begin(void);
/* The maintainer says it. */
void story_say(struct story *s);
/* The forge takes a call of the bot (apply), and never answers. */
void story_hang(struct story *s, const char *method, const char *path,
		const char *contains, bool apply);
/* kill -9, the forge is well again, and the bot starts. */
void story_kill_and_start(struct story *s);
/* Waits for the end, which is as if nothing had happened. */
void story_assert_whole(struct story *s);

#endif
