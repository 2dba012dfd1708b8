/*
 * Who is who: accounts of the forge by their numeric id.  A login is only the
 * name that an account had when it was last seen; it can change hands, and
 * what was given to an account stays with the account.
 *
 * Beside it what the forge said of them, and when: who belongs to an
 * organisation, and what somebody may do in a repository.
 */
#ifndef STORE_PRINCIPAL_H
#define STORE_PRINCIPAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

/* How long the forge's word on a membership counts: for a command, and for
 * what stands (code that goes unasked, a wish that waits); see HOLDS_AT. */
#define MEMBER_COMMAND_MS (5LL * 60 * 1000)
#define MEMBER_KEPT_MS (60LL * 60 * 1000)
/* ... and its word on what somebody may do in a repository. */
#define PERMISSION_MS (5LL * 60 * 1000)

struct principal {
	int64_t id;
	char login[64];
	char kind[8];	 /* "user", "org" or "app" */
	int64_t seen_ms; /* when it was seen with this login */
};

/* ERR_MISSING when it was never seen. */
NODISCARD enum err store_principal(struct store *s, int64_t id,
				   struct principal *ret, struct error *e);

/* What the forge calls "User", "Organization", "Bot"; NULL for anything else,
 * which nothing can be granted to. */
const char *principal_kind(const char *type);

/* What is to be told of a name; it is in the audit already. */
struct principal_news {
	char before[64];   /* the login that the account had, "" = no change */
	int64_t before_id; /* a trusted account that had this login; 0 = none */
};

/*
 * The forge says now that this id carries this login.  kind: "" when it did
 * not say what it is.  An account that turns into another kind loses what it
 * was given as the one it was.
 */
NODISCARD enum err store_principal_named(struct store *s, int64_t id,
					 const char *login, const char *kind,
					 int64_t now_ms,
					 struct principal_news *ret,
					 struct error *e);

/* The same when nobody wants to hear of news. */
NODISCARD enum err store_principal_seen(struct store *s, int64_t id,
					const char *login, int64_t now_ms,
					struct error *e);

/* A trusted account other than id that ever had this login; 0 = none. */
NODISCARD enum err store_login_before(struct store *s, const char *login,
				      int64_t id, int64_t now_ms, int64_t *ret,
				      struct error *e);

/* --- members of organisations --- */

/* That somebody belongs to an organisation is to be asked. */
struct member_question {
	int64_t org_id;
	int64_t user_id;
	char role[16]; /* what it would give them, "" = does not matter */
};

/*
 * Which organisations with a grant on repo the forge did not speak about
 * lately enough for a command of this person; malloc'ed, the caller frees.
 */
NODISCARD enum err store_member_unsure(struct store *s, int64_t user_id,
				       const char *repo, int64_t now_ms,
				       struct member_question **ret,
				       size_t *ret_count, struct error *e);

/*
 * Whose membership matters (authors of open pulls, people whose word waits or
 * counts) and will soon not be believed any more: the oldest first, at most
 * max.  user_id 0 = everybody's.  malloc'ed, the caller frees.
 */
NODISCARD enum err store_member_due(struct store *s, int64_t user_id,
				    int64_t now_ms, int max,
				    struct member_question **ret,
				    size_t *ret_count, struct error *e);

/*
 * The forge's word.  *ret_changed: it is another than before; audited then,
 * and who is no member any more takes along what they asked for as one.
 */
NODISCARD enum err store_member_put(struct store *s, int64_t org_id,
				    int64_t user_id, bool is_member,
				    int64_t now_ms, bool *ret_changed,
				    struct error *e);

/* Did the forge last say of any organisation that they belong to it? */
NODISCARD enum err store_member_ever(struct store *s, int64_t user_id,
				     bool *ret, struct error *e);

/* --- permissions on repositories --- */

/* ret is "" when the forge did not say, or too long ago. */
NODISCARD enum err store_permission(struct store *s, const char *repo,
				    int64_t user_id, int64_t now_ms,
				    char ret[16], struct error *e);
NODISCARD enum err store_permission_put(struct store *s, const char *repo,
					int64_t user_id, const char *permission,
					int64_t now_ms, struct error *e);

#endif
