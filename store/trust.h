/*
 * Who may what: principals are numeric user ids of the forge, a login is only
 * the name they had when last seen.  A grant has a role, a scope ('' or one
 * repository), may expire, and is revoked rather than deleted.
 */
#ifndef STORE_TRUST_H
#define STORE_TRUST_H

#include <stdbool.h>
#include <stdint.h>

#include "bot/base/json.h"
#include "store/store.h"

struct trust_grant {
	int64_t user_id;
	const char *login;
	const char *role;  /* "admin", "maintainer", "contributor" */
	const char *scope; /* "" everywhere, or "owner/name" */
	const char *by;	   /* who granted, for the record */
	const char *reason;
	int64_t expires_ms; /* 0 = never */
};

/* Remembers that this user id carried this login. */
NODISCARD enum err store_principal_seen(struct store *s, int64_t id,
					const char *login, int64_t now_ms,
					struct error *e);

/* Is role as much as least?  "" is a stranger, and so is what is no role. */
bool trust_role_reaches(const char *role, const char *least);
/* The static word that equals role, "" for what is no role. */
const char *trust_role_word(const char *role);

/*
 * The highest role in force for a user on repo: a static word, "" for a
 * stranger.
 */
NODISCARD enum err store_role(struct store *s, int64_t user_id,
			      const char *repo, int64_t now_ms,
			      const char **ret, struct error *e);

/*
 * Replaces what the user had in that scope; audited.  ERR_REFUSED when that
 * would leave nobody admin, now or when it expires.
 */
NODISCARD enum err store_trust_add(struct store *s, const struct trust_grant *g,
				   int64_t now_ms, struct error *e);

/*
 * Revokes everything the user has.  ERR_MISSING when that is nothing;
 * ERR_REFUSED when nobody would be admin any more; audited.
 */
NODISCARD enum err store_trust_remove(struct store *s, int64_t user_id,
				      const char *login, const char *by,
				      int64_t now_ms, struct error *e);

/* The id of somebody who holds a grant under this login; 0 = nobody. */
NODISCARD enum err store_trust_find(struct store *s, const char *login,
				    int64_t *ret_id, struct error *e);

/* Was anything ever granted here? */
NODISCARD enum err store_trust_ever(struct store *s, bool *ret,
				    struct error *e);

/* Array of {login, id, role, scope, expires_ms, by, reason, granted_ms}. */
NODISCARD enum err store_trust_list(struct store *s, int64_t now_ms,
				    json_t **ret, struct error *e);

#endif
