/*
 * Who may what.  A grant belongs to a principal (store/principal.h), has a
 * role, a scope ('' or one repository), may expire, and is revoked rather
 * than deleted.  One to an organisation covers whom the forge calls a member.
 *
 * "May command" (the role) and "is deployed unasked" are two questions.
 */
#ifndef STORE_TRUST_H
#define STORE_TRUST_H

#include <stdbool.h>
#include <stdint.h>

#include "bot/base/json.h"
#include "store/principal.h"
#include "store/store.h"

struct trust_grant {
	int64_t user_id; /* of the principal, whatever its kind */
	const char *login;
	const char *kind;  /* "user", "org", "app" */
	const char *role;  /* "admin", "maintainer", "contributor" */
	const char *scope; /* "" everywhere, or "owner/name" */
	const char *by;	   /* who granted, for the record */
	const char *reason;
	int64_t expires_ms; /* 0 = never */
	bool unasked;	    /* is their code deployed unasked? */
};

/* Is role as much as least?  "" is a stranger, and so is what is no role. */
bool trust_role_reaches(const char *role, const char *least);
/* The static word that equals role, "" for what is no role. */
const char *trust_role_word(const char *role);

/*
 * May command: the highest role in force for a user on repo, their own or as
 * a member of an organisation: a static word, "" for a stranger.  repo "":
 * everywhere.  An app has none.
 */
NODISCARD enum err store_role(struct store *s, int64_t user_id,
			      const char *repo, int64_t now_ms,
			      const char **ret, struct error *e);
/*
 * The same behind a word that was given before: a membership counts that the
 * forge told of no longer ago than believed_ms, not only for as long as one
 * may command by it.
 */
NODISCARD enum err store_role_held(struct store *s, int64_t user_id,
				   const char *repo, int64_t believed_ms,
				   int64_t now_ms, const char **ret,
				   struct error *e);

/*
 * Is this author's code deployed unasked on repo?  What was said of them
 * counts before what was said of their organisations, and what was said for
 * the project before what was said for all.
 */
NODISCARD enum err store_unasked(struct store *s, int64_t author_id,
				 const char *repo, int64_t now_ms, bool *ret,
				 struct error *e);

/*
 * Replaces what the principal had in that scope; audited.  What they asked
 * for and may not ask for any more is void.  ERR_REFUSED, with the reason,
 * for a role that the kind cannot have, and when nobody would be left who is
 * admin of all for ever.
 */
NODISCARD enum err store_trust_add(struct store *s, const struct trust_grant *g,
				   int64_t now_ms, struct error *e);

/*
 * Revokes what the principal has in a scope, TRUST_ALL_SCOPES: everything;
 * and voids what they asked for with it.  ERR_MISSING when that is nothing;
 * ERR_REFUSED as above; audited.
 */
#define TRUST_ALL_SCOPES "*"
NODISCARD enum err store_trust_remove(struct store *s, int64_t user_id,
				      const char *login, const char *scope,
				      const char *by, int64_t now_ms,
				      struct error *e);

/* What a principal holds in exactly this scope; ERR_MISSING = nothing. */
struct trust_held {
	char role[16];
	char by[96];
	int64_t expires_ms;
	bool unasked;
};
NODISCARD enum err store_trust_held(struct store *s, int64_t id,
				    const char *scope, int64_t now_ms,
				    struct trust_held *ret, struct error *e);

/* Until when an admin of a scope (their own, or of everything) is one; 0 =
 * without an end. */
NODISCARD enum err store_trust_admin_until(struct store *s, int64_t id,
					   const char *scope, int64_t now_ms,
					   int64_t *ret_ms, struct error *e);

/* The id of somebody who holds a grant under this login; 0 = nobody. */
NODISCARD enum err store_trust_find(struct store *s, const char *login,
				    int64_t *ret_id, struct error *e);

/* Was anything ever granted here? */
NODISCARD enum err store_trust_ever(struct store *s, bool *ret,
				    struct error *e);

/* Array of {login, id, kind, role, scope, unasked, expires_ms, by, reason,
 * granted_ms}, the highest role first, then by login. */
NODISCARD enum err store_trust_list(struct store *s, int64_t now_ms,
				    json_t **ret, struct error *e);

#endif
