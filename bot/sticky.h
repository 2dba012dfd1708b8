/*
 * The lower parts of the sticky comment.  Each adds nothing when the view has
 * nothing for it, and no more than there is room for.
 */
#ifndef BOT_STICKY_H
#define BOT_STICKY_H

#include "bot/base/json.h"
#include "bot/base/str.h"

struct room {
	size_t tails;	   /* logs */
	size_t tail_bytes; /* of each, its end */
	size_t rows;	   /* of each list */
	size_t text_bytes; /* of each reason, title or name */
};

/* Inert text of at most max bytes, cut with an ellipsis. */
void sticky_text(struct str *out, const char *text, size_t max);

/* The same for a sentence of ours: what stands between backticks is code. */
void sticky_prose(struct str *out, const char *text, size_t max);

/* A sign with a blank for a state or verdict, "" when it has none. */
const char *sticky_icon(const char *state);

/* The word for people for what became of a revision in a batch. */
const char *sticky_result(const char *result);

void sticky_stages(struct str *out, const json_t *view,
		   const struct room *room);
void sticky_logs(struct str *out, const json_t *view, const struct room *room);
void sticky_aboard(struct str *out, const json_t *view,
		   const struct room *room);
void sticky_left_out(struct str *out, const json_t *view,
		     const struct room *room);

#endif
