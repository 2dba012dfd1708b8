#include "store/trust.h"

#include <string.h>

#include "store/audit.h"
#include "store/internal.h"

/* Weakest first. */
static const char *const roles[] = {"", "contributor", "maintainer", "admin"};

static size_t rank_of(const char *role)
{
	for (size_t i = 1; i < ARRAY_SIZE(roles); i++)
		if (strcmp(roles[i], role) == 0)
			return i;
	return 0;
}

enum err store_principal_seen(struct store *s, int64_t id, const char *login,
			      int64_t now_ms, struct error *e)
{
	return db_run(&s->db, STMT_PRINCIPAL_SEEN,
		      ARGS(ARG(id), ARG(login), ARG(now_ms)), e);
}

enum err store_role(struct store *s, int64_t user_id, const char *repo,
		    int64_t now_ms, const char **ret, struct error *e)
{
	sqlite3_stmt *row;
	size_t best = 0;
	enum err code;

	if (db_start(&s->db, STMT_TRUST_ROLES,
		     ARGS(ARG(user_id), ARG(repo), ARG(now_ms)), &row, e))
		return e->code;
	while (db_next(&s->db, row, &code, e)) {
		size_t rank = rank_of(db_text(row, 0));

		if (rank > best)
			best = rank;
	}
	*ret = roles[best];
	return code;
}

/* Refuses if user_id is the only admin. */
static enum err keep_last_admin(struct store *s, int64_t user_id,
				const char *login, int64_t now_ms,
				struct error *e)
{
	const char *role;
	int64_t others;

	if (store_role(s, user_id, "", now_ms, &role, e) ||
	    db_value(&s->db, STMT_TRUST_ADMINS, ARGS(ARG(user_id), ARG(now_ms)),
		     0, &others, e))
		return e->code;
	if (strcmp(role, "admin") == 0 && others == 0)
		return error_set(e, ERR_REFUSED,
				 "%s is the last admin: make another one first",
				 login);
	return ERR_OK;
}

enum err store_trust_add(struct store *s, const struct trust_grant *g,
			 int64_t now_ms, struct error *e)
{
	bool stays = strcmp(g->role, "admin") == 0 && !g->expires_ms;
	char subject[320];
	const char *before;

	if (store_role(s, g->user_id, g->scope, now_ms, &before, e))
		return e->code;
	if (!*g->scope && !stays &&
	    keep_last_admin(s, g->user_id, g->login, now_ms, e))
		return e->code;
	if (store_principal_seen(s, g->user_id, g->login, now_ms, e) ||
	    db_run(&s->db, STMT_TRUST_REVOKE,
		   ARGS(ARG(g->user_id), ARG(g->scope), ARG(now_ms),
			ARG(g->by)),
		   e) ||
	    db_run(&s->db, STMT_TRUST_ADD,
		   ARGS(ARG(g->user_id), ARG(g->role), ARG(g->scope),
			ARG(now_ms), ARG(g->by), ARG(g->reason),
			ARG(g->expires_ms)),
		   e))
		return e->code;
	snprintf(subject, sizeof(subject), "%s (%lld) as %s%s%s", g->login,
		 (long long)g->user_id, g->role, *g->scope ? " on " : "",
		 g->scope);
	return store_audit_with(
		s, now_ms, g->by, "trust.add", subject, g->reason,
		json_pack("{s:I, s:s, s:s, s:s, s:I}", "user",
			  (json_int_t)g->user_id, "role", g->role, "scope",
			  g->scope, "role_before", before, "expires_ms",
			  (json_int_t)g->expires_ms),
		e);
}

enum err store_trust_remove(struct store *s, int64_t user_id, const char *login,
			    const char *by, int64_t now_ms, struct error *e)
{
	const char *before;
	char subject[128];

	if (store_role(s, user_id, "", now_ms, &before, e) ||
	    keep_last_admin(s, user_id, login, now_ms, e))
		return e->code;
	if (db_run(&s->db, STMT_TRUST_REVOKE_ALL,
		   ARGS(ARG(user_id), ARG(now_ms), ARG(by)), e))
		return e->code;
	if (db_changes(&s->db) == 0)
		return error_set(e, ERR_MISSING, "%s is not on the trust list",
				 login);
	snprintf(subject, sizeof(subject), "%s (%lld)", login,
		 (long long)user_id);
	return store_audit_with(s, now_ms, by, "trust.remove", subject, "",
				json_pack("{s:I, s:s}", "user",
					  (json_int_t)user_id, "role_before",
					  before),
				e);
}

enum err store_trust_find(struct store *s, const char *login, int64_t *ret_id,
			  struct error *e)
{
	return db_value(&s->db, STMT_TRUST_FIND_LOGIN, ARGS(ARG(login)), 0,
			ret_id, e);
}

enum err store_trust_ever(struct store *s, bool *ret, struct error *e)
{
	int64_t any;

	if (db_value(&s->db, STMT_TRUST_EVER, NO_ARGS, 0, &any, e))
		return e->code;
	*ret = any != 0;
	return ERR_OK;
}

enum err store_trust_list(struct store *s, int64_t now_ms, json_t **ret,
			  struct error *e)
{
	CLEANUP(json_decref) json_t *list = json_array();
	sqlite3_stmt *row;
	enum err code;

	if (db_start(&s->db, STMT_TRUST_LIST, ARGS(ARG(now_ms)), &row, e))
		return e->code;
	while (db_next(&s->db, row, &code, e))
		json_array_append_new(
			list,
			json_pack("{s:s, s:I, s:s, s:s, s:I, s:s, s:s, s:I}",
				  "login", db_text(row, 0), "id",
				  (json_int_t)db_int(row, 1), "role",
				  db_text(row, 2), "scope", db_text(row, 3),
				  "expires_ms", (json_int_t)db_int(row, 4),
				  "by", db_text(row, 5), "reason",
				  db_text(row, 6), "granted_ms",
				  (json_int_t)db_int(row, 7)));
	if (code)
		return code;
	*ret = TAKE(list);
	return ERR_OK;
}
