/*
 * The forge port for GitHub's REST API (and GitHub Enterprise Server).
 *
 * One thread with one curl multi handle.  A call is one row of the table in
 * github_calls.c; an effect of kind "forge.X" runs the row X with the
 * effect's args as path, query and body parameters.
 *
 * One attempt per effect: a failure that may pass comes back as ERR_RETRY
 * (with wait_ms from Retry-After or X-RateLimit-Reset), and the outbox tries
 * again.  The port itself holds all calls back while the forge has said to
 * wait, and writes are spaced.  GETs are conditional (ETag) where it pays.
 * The token goes to the host of api_url and to no other; redirects to
 * another host are not followed.
 *
 * Kinds, their args, and the body of the outcome:
 *
 *   forge.user        {login}                    the user object
 *   forge.self        {}                         the user that we are
 *   forge.pull        {repo, number}             the pull request object
 *   forge.pulls       {repo}                     array of all open pulls
 *   forge.comments    {repo, since (ISO)}        array of issue comments of
 *                                                the repository, oldest first
 *   forge.hooks       {repo}                     array; 403/404 = no right
 *   forge.comment     {repo, number, body, marker, comment_id (0 = none yet)}
 *                     Creates or edits.  With comment_id: PATCH; a 404 then
 *                     creates it anew.  Without: when args.lookup is true (an
 *                     earlier try had an unknown end) the pull's comments are
 *                     searched for one of ours that holds marker and that one
 *                     is edited.  The comment object.
 *   forge.reaction    {repo, comment_id, content}  the reaction object
 *   forge.status      {repo, sha, state, context, description, target_url}
 *
 * Outcome codes: ERR_OK 2xx; ERR_RETRY network trouble, 5xx, 429, rate limits;
 * 404 and 422 right after a write are retried by the engine, here they are
 * ERR_MISSING and ERR_INVALID; ERR_REFUSED 401, 403; ERR_CONFLICT 409.
 * text holds method, path without query, status and the forge's message.
 */
#ifndef BOT_GITHUB_H
#define BOT_GITHUB_H

#include "bot/base/clock.h"
#include "bot/base/port.h"

struct github_settings {
	const char *api_url;
	const char *token_file; /* read at start and again after a 401 */
	const char *user_agent; /* "kcibot/0.1.0" */
	int64_t write_gap_ms;	/* least time between two writes; 1000 for
				   GitHub, 0 in tests */
	const struct clock *clock;
	/* Counts calls for /metrics; status 0 = no answer.  May be NULL. */
	void (*count)(void *ctx, const char *kind, int status, int64_t ms);
	void *count_ctx;
};

/* NULL when the token cannot be read or curl does not start. */
struct port *github_port_new(const struct github_settings *settings,
			     struct error *e);

/*
 * One call, waited for: for the command line, which has no engine running.
 * The outcome's body is the caller's.
 */
NODISCARD enum err github_call(const struct github_settings *settings,
			       const char *kind, json_t *args,
			       struct outcome *ret, struct error *e);

#endif
