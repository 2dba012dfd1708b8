#include "store/trust.h"

#include <string.h>

#include "store/audit.h"
#include "bot/base/str.h"
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

bool trust_role_reaches(const char *role, const char *least)
{
	return rank_of(role) >= rank_of(least);
}

const char *trust_role_word(const char *role)
{
	return roles[rank_of(role)];
}

enum err store_role_held(struct store *s, int64_t user_id, const char *repo,
			 int64_t believed_ms, int64_t now_ms, const char **ret,
			 struct error *e)
{
	int64_t since = now_ms - believed_ms;
	sqlite3_stmt *row;
	size_t best = 0;
	enum err code;

	if (db_start(&s->db, STMT_TRUST_ROLES,
		     ARGS(ARG(user_id), ARG(repo), ARG(now_ms), ARG(since),
			  ARG(wall_at(s, now_ms))),
		     &row, e))
		return e->code;
	while (db_next(&s->db, row, &code, e)) {
		size_t rank = rank_of(db_text(row, 0));

		if (rank > best)
			best = rank;
	}
	*ret = roles[best];
	return code;
}

enum err store_role(struct store *s, int64_t user_id, const char *repo,
		    int64_t now_ms, const char **ret, struct error *e)
{
	return store_role_held(s, user_id, repo, MEMBER_COMMAND_MS, now_ms, ret,
			       e);
}

enum err store_unasked(struct store *s, int64_t author_id, const char *repo,
		       int64_t now_ms, bool *ret, struct error *e)
{
	int64_t unasked;

	if (db_value(&s->db, STMT_TRUST_UNASKED,
		     ARGS(ARG(author_id), ARG(repo), ARG(now_ms),
			  ARG(wall_at(s, now_ms))),
		     0, &unasked, e))
		return e->code;
	*ret = unasked != 0;
	return ERR_OK;
}

/* --- what nobody may take away --- */

/* Who is admin of all for ever: this principal, and others. */
static enum err lasting_admins(struct store *s, int64_t id, int64_t *ret_self,
			       int64_t *ret_others, struct error *e)
{
	if (db_value(&s->db, STMT_TRUST_ADMINS, ARGS(ARG(id), ARG(1)), 0,
		     ret_self, e))
		return e->code;
	return db_value(&s->db, STMT_TRUST_ADMINS, ARGS(ARG(id), ARG(0)), 0,
			ret_others, e);
}

/* Refuses if this is the only one who stays admin whatever time does. */
static enum err keep_last_admin(struct store *s, int64_t id, const char *login,
				struct error *e)
{
	int64_t self, others;

	if (lasting_admins(s, id, &self, &others, e))
		return e->code;
	if (self && !others)
		return error_set(e, ERR_REFUSED,
				 "%s is the last admin: make another one "
				 "first, for all projects and without an end",
				 login);
	return ERR_OK;
}

/* One whose time runs out must not be all there is. */
static enum err check_ending_admin(struct store *s, const struct trust_grant *g,
				   struct error *e)
{
	int64_t self, others;

	if (strcmp(g->role, "admin") != 0 || !g->expires_ms)
		return ERR_OK;
	if (lasting_admins(s, g->user_id, &self, &others, e))
		return e->code;
	if (!others)
		return error_set(e, ERR_REFUSED,
				 "%s would be the last admin, and only for a "
				 "time: make one without an end first",
				 g->login);
	return ERR_OK;
}

static enum err check_kind(const struct trust_grant *g, struct error *e)
{
	size_t rank = rank_of(g->role);

	if (!rank)
		return error_set(e, ERR_INVALID,
				 "a role is admin, maintainer or contributor");
	if (strcmp(g->kind, "app") == 0 && rank > rank_of("contributor"))
		return error_set(e, ERR_REFUSED,
				 "%s is an app, and an app never commands: it "
				 "can only be contributor",
				 g->login);
	if (strcmp(g->kind, "org") == 0 && rank > rank_of("maintainer"))
		return error_set(e, ERR_REFUSED,
				 "%s is an organisation: whoever is let in "
				 "there would be admin here; make single "
				 "people admin",
				 g->login);
	return ERR_OK;
}

/* --- granting --- */

static enum err replace(struct store *s, const struct trust_grant *g,
			int64_t now_ms, struct error *e)
{
	struct principal_news news;

	if (store_principal_named(s, g->user_id, g->login, g->kind, now_ms,
				  &news, e) ||
	    db_run(&s->db, STMT_TRUST_REVOKE,
		   ARGS(ARG(g->user_id), ARG(g->scope), ARG(now_ms),
			ARG(g->by)),
		   e) ||
	    db_run(&s->db, STMT_TRUST_ADD,
		   ARGS(ARG(g->user_id), ARG(g->role), ARG(g->scope),
			ARG(now_ms), ARG(g->by), ARG(g->reason),
			ARG(g->expires_ms), ARG(g->unasked)),
		   e))
		return e->code;
	/* What was asked for by who may not any more is ended by the schedule.
	 */
	return ERR_OK;
}

enum err store_trust_add(struct store *s, const struct trust_grant *g,
			 int64_t now_ms, struct error *e)
{
	bool stays = strcmp(g->role, "admin") == 0 && !g->expires_ms;
	char subject[320];
	const char *before;

	if (check_kind(g, e) ||
	    store_role(s, g->user_id, g->scope, now_ms, &before, e))
		return e->code;
	if (!*g->scope &&
	    (check_ending_admin(s, g, e) ||
	     (!stays && keep_last_admin(s, g->user_id, g->login, e))))
		return e->code;
	if (replace(s, g, now_ms, e))
		return e->code;
	snprintf(subject, sizeof(subject), "%s (%lld, %s) as %s%s%s%s",
		 g->login, (long long)g->user_id, g->kind, g->role,
		 *g->scope ? " on " : "", g->scope,
		 g->unasked ? "" : ", not unasked");
	return store_audit_with(
		s, now_ms, g->by, "trust.add", subject, g->reason,
		json_pack("{s:I, s:s, s:s, s:s, s:b, s:s, s:I}", "user",
			  (json_int_t)g->user_id, "kind", g->kind, "role",
			  g->role, "scope", g->scope, "unasked", g->unasked,
			  "role_before", before, "expires_ms",
			  (json_int_t)g->expires_ms),
		e);
}

/* Takes it back, everywhere or in one scope. */
static enum err take_back(struct store *s, int64_t id, const char *scope,
			  const char *by, int64_t now_ms, struct error *e)
{
	if (strcmp(scope, TRUST_ALL_SCOPES) == 0)
		return db_run(&s->db, STMT_TRUST_REVOKE_ALL,
			      ARGS(ARG(id), ARG(now_ms), ARG(by)), e);
	return db_run(&s->db, STMT_TRUST_REVOKE,
		      ARGS(ARG(id), ARG(scope), ARG(now_ms), ARG(by)), e);
}

enum err store_trust_remove(struct store *s, int64_t user_id, const char *login,
			    const char *scope, const char *by, int64_t now_ms,
			    struct error *e)
{
	bool whole = strcmp(scope, TRUST_ALL_SCOPES) == 0;
	const char *before;
	char subject[320];
	int64_t held;

	if (store_role(s, user_id, whole ? "" : scope, now_ms, &before, e) ||
	    db_value(&s->db, STMT_TRUST_IN_FORCE,
		     ARGS(ARG(user_id), ARG(scope), ARG(wall_at(s, now_ms))), 0,
		     &held, e))
		return e->code;
	if (!held)
		return error_set(e, ERR_MISSING, "%s is not on the trust list",
				 login);
	if ((whole || !*scope) && keep_last_admin(s, user_id, login, e))
		return e->code;
	if (take_back(s, user_id, scope, by, now_ms, e))
		return e->code;
	snprintf(subject, sizeof(subject), "%s (%lld)%s%s", login,
		 (long long)user_id, !whole && *scope ? " on " : "",
		 whole ? "" : scope);
	return store_audit_with(s, now_ms, by, "trust.remove", subject, "",
				json_pack("{s:I, s:s, s:s}", "user",
					  (json_int_t)user_id, "scope", scope,
					  "role_before", before),
				e);
}

enum err store_trust_held(struct store *s, int64_t id, const char *scope,
			  int64_t now_ms, struct trust_held *ret,
			  struct error *e)
{
	sqlite3_stmt *row;

	if (db_row(&s->db, STMT_TRUST_HELD,
		   ARGS(ARG(id), ARG(scope), ARG(wall_at(s, now_ms))), &row, e))
		return e->code;
	COPY(ret->role, db_text(row, 0));
	COPY(ret->by, db_text(row, 1));
	ret->expires_ms = db_int(row, 2);
	ret->unasked = db_int(row, 3) != 0;
	db_done(row);
	return ERR_OK;
}

enum err store_trust_admin_until(struct store *s, int64_t id, const char *scope,
				 int64_t now_ms, int64_t *ret_ms,
				 struct error *e)
{
	return db_value(&s->db, STMT_TRUST_ADMIN_UNTIL,
			ARGS(ARG(id), ARG(scope), ARG(wall_at(s, now_ms))), 0,
			ret_ms, e);
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

	if (db_start(&s->db, STMT_TRUST_LIST, ARGS(ARG(wall_at(s, now_ms))),
		     &row, e))
		return e->code;
	while (db_next(&s->db, row, &code, e))
		json_array_append_new(
			list,
			json_pack("{s:s, s:I, s:s, s:s, s:I, s:s, s:s, s:I,"
				  " s:s, s:b}",
				  "login", db_text(row, 0), "id",
				  (json_int_t)db_int(row, 1), "role",
				  db_text(row, 2), "scope", db_text(row, 3),
				  "expires_ms", (json_int_t)db_int(row, 4),
				  "by", db_text(row, 5), "reason",
				  db_text(row, 6), "granted_ms",
				  (json_int_t)db_int(row, 7), "kind",
				  db_text(row, 8), "unasked",
				  db_int(row, 9) != 0));
	if (code)
		return code;
	*ret = TAKE(list);
	return ERR_OK;
}
