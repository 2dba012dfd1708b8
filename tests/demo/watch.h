/*
 * Follows what happens on the forge and prints it, until it is what the story
 * waits for.
 */
#ifndef DEMO_WATCH_H
#define DEMO_WATCH_H

#include "tests/demo/stage.h"

struct watch {
	struct stage *stage;
	int64_t after;	  /* number of the last event that was seen */
	json_t *places;	  /* head SHA -> "shop/service#1" */
	json_t *comments; /* id -> what was shown of it */
	char red[512];	  /* the last failure that was shown as a whole */
};

/* Something that shall happen; what is NULL or 0 is not looked at. */
struct wish {
	const char *type; /* of the event: "status", "comment" (or its edit),
			     "reaction", "push" */
	const char *sha, *state;
	const char *repo, *text; /* text: somewhere in the comment */
	const char *content;	 /* of a reaction */
	const char *ref;	 /* how it begins */
	int64_t comment;	 /* that the reaction is on */
	int number;
	bool seen;
};

void watch_init(struct watch *w, struct stage *stage);
void watch_release(struct watch *w);

/* Passes over what has happened so far. */
void watch_skip(struct watch *w);

/*
 * Prints until all wishes came true and it has become quiet.  ERR_CONFLICT
 * when interrupted, ERR_INVALID when a status ended otherwise than wished,
 * ERR_FATAL when the bot ended, ERR_RETRY after SBC_WAIT_MS.
 */
NODISCARD enum err watch_until(struct watch *w, struct wish *wishes,
			       size_t count, struct error *e);

/* Prints for as long as nobody interrupts it and the bot lives. */
NODISCARD enum err watch_on(struct watch *w, bool (*done)(void),
			    struct error *e);

#endif
