/*
 * How one comment of ours comes to be, at most once: a few requests in turn.
 *
 *	EDIT ──404──▶ SELF ▶ LIST ──found──▶ EDIT_FOUND ──404──▶ CREATE
 *	                       └───none────────────────────────▶ CREATE
 *
 * It begins at EDIT with a comment_id, else at SELF when one may have been
 * made that we do not know (args.lookup), else at CREATE.  SELF is only passed
 * while our user id is not known.
 * Decisions only, no I/O.
 */
#ifndef BOT_GITHUB_COMMENT_H
#define BOT_GITHUB_COMMENT_H

#include "bot/base/json.h"

enum comment_step {
	COMMENT_NONE, /* not a call of this sort */
	COMMENT_EDIT,
	COMMENT_SELF,
	COMMENT_LIST,
	COMMENT_EDIT_FOUND,
	COMMENT_CREATE,
};

/* The row of github_calls.c that a step is. */
const char *comment_kind(enum comment_step step);

/* ERR_INVALID unless the marker is one of the body's first lines. */
NODISCARD enum err comment_check(const json_t *args, struct error *e);

/* self_id: our user id, 0 = not known. */
enum comment_step comment_first(const json_t *args, int64_t self_id);

/* Does a 404 for step only say that this comment was deleted? */
bool comment_is_edit(enum comment_step step);

/* After an edit found no such comment, or the list none of ours. */
enum comment_step comment_after_none(enum comment_step step, int64_t self_id);

/*
 * The id of the first comment in list that the user self_id wrote and that
 * has the marker among its first lines; 0 = none.  Anybody can write a marker,
 * and get us to quote one further down: only ours count.
 */
int64_t comment_find(const json_t *list, int64_t self_id, const char *marker);

#endif
