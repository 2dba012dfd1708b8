/*
 * What the engine does about people beside running their words: notices names
 * that change hands, asks the forge who belongs to an organisation and who may
 * what in a repository, and lets their pulls follow.  On the engine's thread,
 * inside the event's transaction.
 */
#ifndef BOT_TRUST_H
#define BOT_TRUST_H

#include "bot/decide.h"

/* --- trust.c --- */

/* The forge shows this account with this login; kind "" = it did not say. */
NODISCARD enum err principal_named(struct engine *g, int64_t id,
				   const char *login, const char *kind,
				   struct error *e);

/* Their open pulls go where they belong now, and are told of it. */
NODISCARD enum err pulls_follow(struct engine *g, int64_t author_id,
				struct error *e);

/*
 * What somebody, or an organisation, is trusted with has changed: their pulls
 * follow, and those of members as soon as it is known who they are.
 */
NODISCARD enum err trust_changed(struct engine *g, int64_t id, struct error *e);

/* The list of a file against what it granted before: call.c's operation. */
NODISCARD enum err trust_import(struct engine *g, const json_t *call,
				json_t **ret_answer, struct error *e);

/* --- membership.c --- */

/*
 * Asks what must be known of the memberships of somebody who spoke, and of
 * nobody who has a role of their own that is as high.
 */
NODISCARD enum err members_ask(struct engine *g, const struct said_record *r,
			       bool *ret_asked, struct error *e);
/* Could they be somebody, for all that is known now? */
NODISCARD enum err members_unsure(struct engine *g, int64_t user_id,
				  const char *repo, bool *ret, struct error *e);
/* Did the forge fail to tell for this? */
NODISCARD enum err members_failed(struct engine *g, int64_t said_id, bool *ret,
				  struct error *e);
/* Whose membership will soon not be believed any more; user_id 0 = all. */
NODISCARD enum err members_refresh(struct engine *g, int64_t user_id,
				   struct error *e);

/* What the effects member.name and member.ask bring. */
NODISCARD enum err member_named(struct engine *g, const json_t *args,
				const struct outcome *o, struct error *e);
NODISCARD enum err member_answered(struct engine *g, const json_t *args,
				   const struct outcome *o, struct error *e);

/* --- permission.c: trust.permission --- */

/* A need (needs.c). */
NODISCARD enum err permission_ask(struct engine *g, const struct said_record *r,
				  const struct plan *plan, const json_t *facts,
				  bool *ret_asked, struct error *e);
/* What the effect said.permission brings. */
NODISCARD enum err permission_answered(struct engine *g, const json_t *args,
				       const struct outcome *o,
				       struct error *e);
/* ERR_REFUSED, with the reason, when it is not enough or not known. */
NODISCARD enum err permission_check(struct engine *g,
				    const struct said_record *r,
				    const struct plan *plan, bool is_author,
				    struct error *e);

#endif
