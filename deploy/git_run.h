/*
 * Running git: an argv, an environment that holds nothing of the machine's
 * or the user's git configuration, no hooks, no prompts, only the protocol
 * that clone_url names, and the token (when the call goes to the forge) as a
 * header of that one origin, in the environment and never in the argv.
 */
#ifndef DEPLOY_GIT_RUN_H
#define DEPLOY_GIT_RUN_H

#include "bot/base/limits.h"
#include "bot/base/proc.h"
#include "deploy/git_name.h"
#include "deploy/git_port.h"

/* One user of git: an effect on a thread of the port, or one checkout. */
struct git {
	const struct git_settings *settings;
	int cancel_fd; /* readable = end what runs; 0 = none */
	bool corrupt;  /* out: a call's complaint speaks of broken objects */
};

struct git_call {
	const char *const *argv;
	const char *git_dir;   /* NULL only for `git --version` and init */
	const char *work_tree; /* also the working folder; NULL = none */
	const char *index;     /* with work_tree */
	const char *input;     /* NULL = /dev/null */
	size_t input_len;
	const struct git_place *remote; /* the call goes there; NULL = local */
	int64_t date;			/* > 0: identity of the bot, at this
					   time (s since 1970 UTC) */
	int64_t timeout_ms;		/* 0 = LIMIT_GIT_MS */
	bool stop_when_full;		/* its output needs not be read whole */
};

#define GIT_ARGV(...) ((const char *const[]){"git", __VA_ARGS__, NULL})

#define GIT_RESULT_INIT                                                        \
	{                                                                      \
		.out = STR_INIT(LIMIT_GIT_OUTPUT),                             \
		.err = STR_INIT(LIMIT_GIT_COMPLAINT),                          \
	}

/* The environment of one call; every item is owned. */
struct git_env {
	char *items[160];
	size_t count;
	bool failed;
};

void git_env_release(struct git_env *env);

static inline void git_env_release_at(struct git_env *env)
{
	git_env_release(env);
}

/* Fills *ret (zeroed by the caller), NULL-terminated.  ERR_RETRY when the
 * token cannot be read. */
NODISCARD enum err git_env_build(const struct git *g, const struct git_call *c,
				 struct git_env *ret, struct error *e);

/*
 * ERR_OK when git ended by itself, with whatever exit code, and its output
 * fitted.  ERR_RETRY when it was ended by the deadline, a signal or
 * cancellation (ret->timed_out, ret->signal tell), ERR_INVALID when it wrote
 * too much.
 */
NODISCARD enum err git_run(struct git *g, const struct git_call *c,
			   struct proc_result *ret, struct error *e);

/* As git_run(), and any exit code but 0 is git_failure(). */
NODISCARD enum err git_run_ok(struct git *g, const struct git_call *c,
			      struct proc_result *ret, struct error *e);

/*
 * The error of a git that ended badly, from its complaint: ERR_REFUSED (no
 * right, bad token), ERR_MISSING (no such repository), ERR_INVALID (objects
 * that fsck refuses), else ERR_RETRY.  Sets g->corrupt.
 */
enum err git_failure(struct git *g, const struct git_call *c,
		     const struct proc_result *r, struct error *e);

/* The line of git's complaint that says most, redacted, at most 240 bytes. */
void git_complaint(struct str *out, const struct proc_result *r);

/* Waits ms (0 = only looks); false as soon as g is cancelled. */
NODISCARD bool git_pause(const struct git *g, int64_t ms);

/*
 * After git_run() failed: was it too much for git (time, memory, output),
 * and not us who ended it?
 */
bool git_overwhelmed(const struct git *g, const struct proc_result *r);

/* Is the complaint about this machine (disk, memory), not about content? */
bool git_machine_trouble(const struct proc_result *r);

#endif
