/*
 * Webhook payloads: what each event holds, handed to webhooks.h.  changes
 * and extra are taken over and may be NULL.
 */
#ifndef SANDBOX_EVENTS_H
#define SANDBOX_EVENTS_H

#include "tests/sandbox/state.h"

/* changes: of an edit, as {"body": {"from": ...}}. */
void event_comment(struct sandbox *s, const char *action,
		   const struct sb_comment *c, const struct sb_user *sender,
		   json_t *changes);

void event_code_comment(struct sandbox *s, const char *action,
			const struct sb_comment *c,
			const struct sb_user *sender, json_t *changes);
void event_review(struct sandbox *s, const char *action,
		  const struct sb_review *r, const struct sb_user *sender,
		  json_t *changes);

/* extra: members beside the usual ones (before, after, label, changes). */
void event_pull(struct sandbox *s, const char *action, const struct sb_pull *p,
		const struct sb_user *sender, json_t *extra);

struct sb_push {
	const char *ref;
	const char *before, *after; /* SB_ZEROS: made, removed */
	const struct sb_user *pusher;
};
void event_push(struct sandbox *s, struct sb_repo *r, const struct sb_push *p);

void event_ping(struct sandbox *s, const struct sb_repo *r);

#endif
