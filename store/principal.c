#include "store/principal.h"

#include <string.h>
#include <strings.h>

#include "bot/base/str.h"
#include "store/internal.h"
#include "store/audit.h"

/* Asked again when half the time has passed, so that it never runs out while
 * the forge answers. */
#define MEMBER_ASK_MS (MEMBER_KEPT_MS / 2)

enum err store_principal(struct store *s, int64_t id, struct principal *ret,
			 struct error *e)
{
	sqlite3_stmt *row;

	if (db_row(&s->db, STMT_PRINCIPAL_GET, ARGS(ARG(id)), &row, e))
		return e->code;
	ret->id = db_int(row, 0);
	COPY(ret->login, db_text(row, 1));
	COPY(ret->kind, db_text(row, 2));
	ret->seen_ms = db_int(row, 3);
	db_done(row);
	return ERR_OK;
}

const char *principal_kind(const char *type)
{
	static const struct {
		const char *type, *kind;
	} kinds[] = {
		{"User", "user"},
		{"Organization", "org"},
		{"Bot", "app"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].type, type) == 0)
			return kinds[i].kind;
	return NULL;
}

/* --- names --- */

static enum err note_change(struct store *s, const struct principal *before,
			    const char *login, int64_t now_ms, struct error *e)
{
	char subject[128], why[128];

	snprintf(subject, sizeof(subject), "%s (%lld)", login,
		 (long long)before->id);
	snprintf(why, sizeof(why), "was %s before", before->login);
	return store_audit(s, now_ms, "kcibot", "login.changed", subject, why,
			   e);
}

static enum err note_reuse(struct store *s, int64_t id, const char *login,
			   int64_t before_id, int64_t now_ms, struct error *e)
{
	char subject[128], why[128];

	snprintf(subject, sizeof(subject), "%s (%lld)", login, (long long)id);
	snprintf(why, sizeof(why),
		 "was the login of %lld, whose trust stays where it is",
		 (long long)before_id);
	return store_audit(s, now_ms, "kcibot", "login.reused", subject, why,
			   e);
}

/* What a person may, everybody in an organisation would be able to. */
static enum err turned_into(struct store *s, const struct principal *before,
			    const char *kind, int64_t now_ms, struct error *e)
{
	const char *by = "kcibot";
	char subject[128], why[64];

	if (db_run(&s->db, STMT_TRUST_REVOKE_ALL,
		   ARGS(ARG(before->id), ARG(now_ms), ARG(by)), e))
		return e->code;
	if (db_changes(&s->db) == 0)
		return ERR_OK;
	snprintf(subject, sizeof(subject), "%s (%lld)", before->login,
		 (long long)before->id);
	snprintf(why, sizeof(why), "it was %s and is %s now", before->kind,
		 kind);
	return store_audit(s, now_ms, by, "trust.remove", subject, why, e);
}

static enum err name_again(struct store *s, const struct principal *before,
			   const char *login, const char *kind, int64_t now_ms,
			   struct principal_news *ret, struct error *e)
{
	if (*kind && strcmp(kind, before->kind) != 0 &&
	    turned_into(s, before, kind, now_ms, e))
		return e->code;
	if (strcasecmp(before->login, login) == 0)
		return ERR_OK;
	COPY(ret->before, before->login);
	return note_change(s, before, login, now_ms, e);
}

enum err store_login_before(struct store *s, const char *login, int64_t id,
			    int64_t now_ms, int64_t *ret, struct error *e)
{
	return db_value(&s->db, STMT_LOGIN_BEFORE,
			ARGS(ARG(login), ARG(id), ARG(wall_at(s, now_ms))), 0,
			ret, e);
}

/* The first time that the account has this login. */
static enum err name_first(struct store *s, int64_t id, const char *login,
			   int64_t now_ms, struct principal_news *ret,
			   struct error *e)
{
	if (db_run(&s->db, STMT_LOGIN_ADD,
		   ARGS(ARG(login), ARG(id), ARG(now_ms)), e))
		return e->code;
	if (db_changes(&s->db) == 0)
		return ERR_OK;
	if (store_login_before(s, login, id, now_ms, &ret->before_id, e))
		return e->code;
	return ret->before_id
		       ? note_reuse(s, id, login, ret->before_id, now_ms, e)
		       : ERR_OK;
}

enum err store_principal_named(struct store *s, int64_t id, const char *login,
			       const char *kind, int64_t now_ms,
			       struct principal_news *ret, struct error *e)
{
	struct principal before;
	enum err code = store_principal(s, id, &before, e);

	*ret = (struct principal_news){0};
	if (code && code != ERR_MISSING)
		return code;
	if (!code && name_again(s, &before, login, kind, now_ms, ret, e))
		return e->code;
	if (db_run(&s->db, STMT_PRINCIPAL_SEEN,
		   ARGS(ARG(id), ARG(login), ARG(now_ms), ARG(kind)), e))
		return e->code;
	if (!code && strcmp(before.login, login) == 0)
		return ERR_OK;
	return name_first(s, id, login, now_ms, ret, e);
}

enum err store_principal_seen(struct store *s, int64_t id, const char *login,
			      int64_t now_ms, struct error *e)
{
	struct principal_news news;

	return store_principal_named(s, id, login, "", now_ms, &news, e);
}

/* --- members of organisations --- */

static void read_question(sqlite3_stmt *row, void *element)
{
	struct member_question *q = element;

	q->org_id = db_int(row, 0);
	q->user_id = db_int(row, 1);
	COPY(q->role, db_text(row, 2));
}

enum err store_member_unsure(struct store *s, int64_t user_id, const char *repo,
			     int64_t now_ms, struct member_question **ret,
			     size_t *ret_count, struct error *e)
{
	int64_t since = now_ms - MEMBER_COMMAND_MS;

	return db_collect(&s->db, STMT_MEMBER_UNSURE,
			  ARGS(ARG(user_id), ARG(repo), ARG(since), ARG(now_ms),
			       ARG(wall_at(s, now_ms))),
			  sizeof(**ret), read_question, NULL, ret, ret_count,
			  e);
}

enum err store_member_due(struct store *s, int64_t user_id, int64_t now_ms,
			  int max, struct member_question **ret,
			  size_t *ret_count, struct error *e)
{
	int64_t since = now_ms - MEMBER_ASK_MS;
	int64_t any;

	*ret = NULL;
	*ret_count = 0;
	/* Most have none, and need not look at every request for it. */
	if (db_value(&s->db, STMT_MEMBER_ANY, NO_ARGS, 0, &any, e))
		return e->code;
	if (!any)
		return ERR_OK;
	return db_collect(&s->db, STMT_MEMBER_DUE,
			  ARGS(ARG(since), ARG(now_ms), ARG(user_id), ARG(max),
			       ARG(wall_at(s, now_ms))),
			  sizeof(**ret), read_question, NULL, ret, ret_count,
			  e);
}

static enum err membership_changed(struct store *s, int64_t org_id,
				   int64_t user_id, bool is_member,
				   int64_t now_ms, struct error *e)
{
	char subject[64], why[64];

	snprintf(subject, sizeof(subject), "%lld", (long long)user_id);
	snprintf(why, sizeof(why), "organisation %lld", (long long)org_id);
	return store_audit(s, now_ms, "kcibot",
			   is_member ? "member.in" : "member.out", subject, why,
			   e);
}

enum err store_member_put(struct store *s, int64_t org_id, int64_t user_id,
			  bool is_member, int64_t now_ms, bool *ret_changed,
			  struct error *e)
{
	int64_t before;

	if (db_value(&s->db, STMT_MEMBER_GET, ARGS(ARG(org_id), ARG(user_id)),
		     0, &before, e) ||
	    db_run(&s->db, STMT_MEMBER_PUT,
		   ARGS(ARG(org_id), ARG(user_id), ARG(is_member), ARG(now_ms)),
		   e))
		return e->code;
	*ret_changed = is_member != (before != 0);
	return *ret_changed ? membership_changed(s, org_id, user_id, is_member,
						 now_ms, e)
			    : ERR_OK;
}

enum err store_member_ever(struct store *s, int64_t user_id, bool *ret,
			   struct error *e)
{
	int64_t any;

	if (db_value(&s->db, STMT_MEMBER_EVER, ARGS(ARG(user_id)), 0, &any, e))
		return e->code;
	*ret = any != 0;
	return ERR_OK;
}

/* --- permissions on repositories --- */

enum err store_permission(struct store *s, const char *repo, int64_t user_id,
			  int64_t now_ms, char ret[16], struct error *e)
{
	int64_t since = now_ms - PERMISSION_MS;
	sqlite3_stmt *row;
	enum err code =
		db_row(&s->db, STMT_PERMISSION_GET,
		       ARGS(ARG(repo), ARG(user_id), ARG(since), ARG(now_ms)),
		       &row, e);

	*ret = '\0';
	if (code)
		return code == ERR_MISSING ? ERR_OK : code;
	str_copy(ret, 16, db_text(row, 0));
	db_done(row);
	return ERR_OK;
}

enum err store_permission_put(struct store *s, const char *repo,
			      int64_t user_id, const char *permission,
			      int64_t now_ms, struct error *e)
{
	return db_run(
		&s->db, STMT_PERMISSION_PUT,
		ARGS(ARG(repo), ARG(user_id), ARG(permission), ARG(now_ms)), e);
}
