/*
 * What was decided about something that people said, for the audit: who
 * said it (and which operator for them), the words, the comment, the role,
 * the head and when it was put on record, and the facts that were asked for.
 */
#ifndef COMMANDS_EVIDENCE_H
#define COMMANDS_EVIDENCE_H

#include "commands/call.h"

struct decision {
	int64_t said_id;
	const struct pull *pull; /* or NULL */
	enum role role;
	const char *action;
	const char *subject;
	const char *why;
	int64_t at_ms;
};

/* more: an object that is added to the evidence and taken over, or NULL. */
NODISCARD enum err evidence_audit(struct store *s, const struct decision *d,
				  json_t *more, struct error *e);

/* {"proof": what it rested on}, the caller's. */
json_t *evidence_of_proof(const struct proof *proof);

/* The same for a command that runs: it acts on the pull at its head. */
NODISCARD enum err evidence_of_call(const struct command_call *call,
				    const char *action, const char *why,
				    json_t *more, struct error *e);

#endif
