/*
 * The forge port for GitHub's REST API (and GitHub Enterprise Server).
 *
 * One thread with one curl multi handle.  A call is one row of the table in
 * github_calls.c; an effect of kind "forge.X" runs the row X with the
 * effect's args as path, query and body parameters.  Arguments are checked
 * before anything is sent; what does not fit is ERR_INVALID.
 *
 * One attempt per effect: a failure that may pass comes back as ERR_RETRY
 * (with wait_ms when the forge named a time), and the outbox tries again.
 * While the forge has said to stay away (Retry-After, or no requests left
 * until X-RateLimit-Reset) nothing at all is sent: a call that would have to
 * wait longer than LIMIT_FORGE_WAIT_MS comes back as ERR_RETRY with what is
 * left of it as wait_ms, a shorter one waits inside.  At most
 * LIMIT_FORGE_PARALLEL requests are under way; writes go one after another,
 * write_gap_ms apart.  GETs are conditional (ETag) where it pays.
 *
 * The token goes to the host of api_url and to no other; redirects (of reads
 * only) and next pages are followed on that host only.  A 401 makes the token
 * file be read again and the request be sent once more.  An https proxy of
 * the environment is used; one for plain http is not.
 *
 * A listing comes whole or not at all: one of more than LIMIT_FORGE_PAGES
 * pages is ERR_INVALID (but see forge.deliveries; of comments since a time, a
 * part is given, with part set).  It is no snapshot: an entry that leaves while
 * pages are read can hide another at a page's edge.  So what is absent from a
 * listing of more than 100 is to be asked for by itself.
 *
 * Kinds, their args, and the body of the outcome:
 *
 *   forge.user        {login}                    the user object
 *   forge.self        {}                         the user that we are
 *   forge.pull        {repo, number}             the pull request object
 *   forge.pulls       {repo}                     array of all open pulls
 *   forge.comments    {repo, since (ISO)}        array of issue comments of
 *                                                the repository that were
 *                                                changed since, oldest change
 *                                                first; no since = all
 *   forge.hooks       {repo}                     array; 403/404 = no right
 *   forge.deliveries  {repo, hook_id, since (ISO)}  array, newest first, of
 *                                                what the hook was sent,
 *                                                without payloads; reading
 *                                                ends with the page that
 *                                                reaches back before since
 *                                                (no since = all), or after
 *                                                LIMIT_FORGE_PAGES pages:
 *                                                delivered_at of the last
 *                                                entry says how far it goes
 *   forge.redeliver   {repo, hook_id, delivery_id}  202: it will be sent
 *                                                again, with its GUID; the
 *                                                body is {} or none
 *   forge.permission  {repo, login}              {permission, role_name,
 *                                                user}: permission is admin,
 *                                                write, read or none;
 *                                                role_name also maintain,
 *                                                triage or a role of the
 *                                                organisation's own.  user.id
 *                                                must be compared: a login
 *                                                can change hands.  404 = no
 *                                                such login; 403 = we may not
 *                                                ask (it wants push rights)
 *   forge.org_member  {org, login}               ERR_OK without a body: a
 *                                                member.  ERR_MISSING: not
 *                                                one, or not known to be: to
 *                                                who is not in the
 *                                                organisation the forge names
 *                                                public members only, and
 *                                                says so with a 302, whose
 *                                                Location is not followed:
 *                                                forge.org_public_member is
 *                                                asked instead.  A team's or
 *                                                an outside collaborator's
 *                                                rights are no membership
 *   forge.org_public_member {org, login}         the same, of public members
 *   forge.reviews     {repo, number}             array, oldest first; state is
 *                                                APPROVED, COMMENTED,
 *                                                CHANGES_REQUESTED, DISMISSED
 *                                                (in webhooks lower case)
 *   forge.review_comments {repo, since (ISO)}    as forge.comments, of
 *                                                comments on code.  Their
 *                                                commit_id moves along with
 *                                                the head, original_commit_id
 *                                                is what the author saw
 *   forge.review_reaction {repo, comment_id, content}  the reaction object
 *   forge.comment.get {repo, comment_id}         the comment; 404, 410 = it
 *                                                was deleted
 *   forge.comment     {repo, number, body, marker, comment_id (0 = none yet)}
 *                     Creates or edits; one of the body's first lines
 *                     must be the marker.  With comment_id: PATCH; a 404
 *                     then creates it anew, unless args.patient is true:
 *                     then it is the outcome.  Before anything takes the
 *                     place of one that was not found, or when args.lookup
 *                     is true (there may be one whose id is not known), the
 *                     pull's comments are searched for one of ours that
 *                     begins so, and that one is edited.  Who we are is
 *                     asked for that; who may not ask, as an app, is
 *                     args.self_id.  The comment object.
 *   forge.comment.list {repo, number}            array, oldest first
 *   forge.reaction    {repo, comment_id, content}  the reaction object
 *   forge.status      {repo, sha, state, context, description, target_url}
 *                     description (at most 140 characters) and target_url
 *                     may be absent or "".  The status object.
 *
 * Outcome codes: ERR_OK 2xx; ERR_RETRY network trouble, 5xx, 429, rate limits
 * and answers that make no sense; ERR_MISSING 404, 410; ERR_REFUSED 401, 403
 * (no right); ERR_CONFLICT 409; ERR_INVALID 422 and the rest.  404 and 422
 * right after a write are retried by the engine, not here.
 *
 * unknown is true when a write may have been done: it left this machine and
 * no answer, 5xx, or an unreadable 2xx came back.  For forge.comment the next
 * try must then have args.lookup.  date_ms is the forge's clock.  text holds
 * method, path without query, status and the forge's message, redacted.
 */
#ifndef BOT_GITHUB_H
#define BOT_GITHUB_H

#include "bot/base/clock.h"
#include "bot/base/port.h"

struct github_settings {
	const char *api_url;
	const char *token_file;	   /* read at start and again after a 401 */
	const char *user_agent;	   /* "kcibot/0.1.0" */
	int64_t write_gap_ms;	   /* least time between two writes; 1000 for
				      GitHub, 0 in tests */
	int64_t connect_ms;	   /* 0 = LIMIT_FORGE_CONNECT_MS */
	int64_t call_ms;	   /* one request; 0 = LIMIT_FORGE_CALL_MS */
	const struct clock *clock; /* for holds and gaps; outlives the port */
	/* Counts requests for /metrics, on the port's thread; status 0 = no
	 * answer.  May be NULL. */
	void (*count)(void *ctx, const char *kind, int status, int64_t ms);
	void *count_ctx;
};

/*
 * Copies the settings.  NULL when api_url is none, the token cannot be read,
 * or curl does not start.  done() runs on the port's thread (on the caller's
 * only when the queue is full) and must not stop the port.  stop() breaks off
 * what is under way.
 */
struct port *github_port_new(const struct github_settings *settings,
			     struct error *e);

/*
 * One call, waited for: for the command line, which has no engine running.
 * *ret is always filled; its body is the caller's.  Returns its code, with
 * its text in e.
 */
NODISCARD enum err github_call(const struct github_settings *settings,
			       const char *kind, json_t *args,
			       struct outcome *ret, struct error *e);

#endif
