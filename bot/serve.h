/*
 * The bot in the foreground: everything put together, until SIGTERM or
 * SIGINT, or until the engine has to give up.
 */
#ifndef BOT_SERVE_H
#define BOT_SERVE_H

#include "bot/config.h"

/* The exit status of main. */
int serve(const struct config *c);

/*
 * The address of the forge for people, from clone_url: "https://github.com";
 * "" when that is no web address.  malloc'ed.
 */
char *web_url_of(const struct config *c);

/* Paths below state_dir. */
struct state_paths {
	char *lock, *store, *inbox, *control, *git, *jobs;
};
void state_paths_init(struct state_paths *p, const struct config *c);
void state_paths_release(struct state_paths *p);

static inline void state_paths_release_at(struct state_paths *p)
{
	state_paths_release(p);
}

#endif
