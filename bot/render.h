/*
 * Comments and status descriptions, as pure functions from values to
 * Markdown.  All user text (titles, logins, log lines) is made inert here:
 * no mention, command, link or markup in it survives, and it is redacted.
 */
#ifndef BOT_RENDER_H
#define BOT_RENDER_H

#include <stdint.h>

#include "bot/base/json.h"
#include "bot/base/str.h"

/*
 * Text that shows as itself inside a line of Markdown, a table cell or an
 * HTML element; line ends become blanks.
 */
void render_inline(struct str *out, const char *text);

/*
 * Text as an inline code span with a safe fence; newlines become blanks.
 * Not for table cells: a "|" would end the cell.
 */
void render_code(struct str *out, const char *text);

/*
 * A sentence of ours, in which what stands between backticks is code, so that
 * it can be copied; the rest is made inert.
 */
void render_prose(struct str *out, const char *text);

/*
 * Names of files, an array of texts, as a list on lines of its own, each an
 * inline code span; so many as anybody reads, and how many more there are.
 */
void render_files(struct str *out, const json_t *files);

/* A fenced block, redacted, whose fence the text cannot close. */
void render_block(struct str *out, const char *text);

/*
 * "@login", which notifies this person: for the one who asked, once.  What
 * is no login of the forge is shown as inert text.
 */
void render_mention(struct str *out, const char *login);

/*
 * The sticky comment.  view is the JSON twin of the pull's page (store/view.h
 * says its members); everything shown comes from it.  Every member may be
 * absent.  view.key, when given, becomes a hidden marker.  Never longer than
 * LIMIT_COMMENT: log tails are cut first, then lists.
 */
void render_sticky(struct str *out, const json_t *view);

/*
 * The one short comment that tells login, who asked, how it ended.  view as
 * for the sticky.
 */
void render_outcome(struct str *out, const json_t *view, const char *login);

/* The answer to a comment; every member but login may be NULL. */
struct reply {
	const char *key;      /* idempotency key, for the hidden marker */
	const char *login;    /* who is answered (and mentioned) */
	const char *said;     /* the line that is answered */
	const char *text;     /* a sentence, made inert here */
	const char *markdown; /* the bot's own words, e.g. command_help() */
	const char *own;      /* our own Markdown, on the first line */
	const char *next;     /* the line to type or paste next */
};
void render_reply(struct str *out, const struct reply *reply);

/*
 * The answer to `plan` for one environment: fact as bot/needs.c kept it
 * (deploy/forecast.h has its "forecast"); of view: repo, number, public_url.
 */
void render_plan(struct str *out, const json_t *view, const json_t *fact);

/*
 * The sentence that says how the pull request stands, without Markdown
 * (user text in it is not inert yet): for pages, and for the sticky.
 */
void render_headline(struct str *out, const json_t *view);

/*
 * The commit status for view, by render_description(); always says short or
 * full: "short running: stage build (2 of 3)".
 */
void render_status_description(struct str *out, const json_t *view);

/*
 * A sentence of ours without the backticks around code, for where nothing
 * makes code of them: a terminal, a commit status.  Before what redacts it, or
 * two halves of a secret could meet.
 */
void render_unquoted(struct str *out, const char *text);

/*
 * At most LIMIT_STATUS_DESCRIPTION bytes, cut at a character, without
 * backticks.
 */
void render_description(struct str *out, const char *text);

#endif
