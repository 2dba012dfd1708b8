/*
 * One job on this machine, from its args to its answer: preparing its folder,
 * starting its supervisor, adopting one that runs already.  Blocking; for the
 * threads of deploy/backend.c.
 */
#ifndef DEPLOY_LOCAL_H
#define DEPLOY_LOCAL_H

#include "deploy/backend.h"

struct local {
	const struct backend_settings *settings;
	const char *dir; /* settings->dir and hide without links; hide may be */
	const char *hide; /* NULL */
	/* Waits for ms, or less; true when the bot stops. */
	bool (*pause)(void *ctx, int64_t ms);
	/* Is the record of that job asked for? */
	bool (*wanted)(void *ctx, const char *key);
	void *ctx;
};

bool local_key_valid(const char *key);

/*
 * Runs the job of args, or waits for it when it runs already, or reads how it
 * ended.  ERR_OK with the body of the answer; ERR_CONFLICT when the bot stops
 * (the job goes on); else as deploy/backend.h says.  *ret_unknown, with an
 * error: it may run, or have ended in a way that could not be read.
 */
NODISCARD enum err local_run(const struct local *l, const json_t *args,
			     json_t **ret, bool *ret_unknown, struct error *e);

/* Tells the job to end, for good.  Does not wait. */
NODISCARD enum err local_cancel(const struct local *l, const char *key,
				struct error *e);

/* ERR_OK when nothing runs under key; ERR_CONFLICT when the bot stops. */
NODISCARD enum err local_wait_gone(const struct local *l, const char *key,
				   struct error *e);

/*
 * Removes the folders of jobs whose exit record is older than before_ms (wall
 * ms), their logs with them.  What is wanted, or cannot be removed, stays.
 */
void local_prune(const struct local *l, int64_t before_ms);

#endif
