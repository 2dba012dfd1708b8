/* Users, organisations, rights; the rest of state.h is in state.c. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "tests/sandbox/state.h"

struct sb_user *sb_user_find(struct sandbox *s, const char *login)
{
	struct sb_user *u;

	STAILQ_FOREACH(u, &s->users, next)
	if (!strcasecmp(u->login, login))
		return u;
	return NULL;
}

struct sb_user *sb_user_by_id(struct sandbox *s, int64_t id)
{
	struct sb_user *u;

	STAILQ_FOREACH(u, &s->users, next)
	if (u->id == id)
		return u;
	return NULL;
}

struct sb_user *sb_user_by_token(struct sandbox *s, const char *token)
{
	struct sb_user *u;

	STAILQ_FOREACH(u, &s->users, next)
	if (u->token && !strcmp(u->token, token))
		return u;
	return NULL;
}

bool sb_name_ok(const char *name)
{
	if (!*name || *name == '.' || *name == '-' || strlen(name) > 100)
		return false;
	for (const char *p = name; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("-_.", *p))
			return false;
	}
	return true;
}

/* Half of the ids do not fit in 32 bits, so that whoever cuts them is seen. */
static int64_t next_user_id(struct sandbox *s)
{
	int64_t n = ++s->last_user_id;

	return n % 2 ? 1000 + n : 3000000000 + n;
}

struct sb_user *sb_user_add(struct sandbox *s, const char *login,
			    const char *type, int64_t id)
{
	struct sb_user *u = sb_new(sizeof(*u));

	u->id = id ? id : next_user_id(s);
	u->login = sb_dup(login);
	u->type = sb_dup(type);
	u->created = sb_now(s);
	STAILQ_INSERT_TAIL(&s->users, u, next);
	return u;
}

/* Kept by id, so that a new login changes nothing. */
static void key_of(const struct sb_user *u, char out[24])
{
	snprintf(out, 24, "%" PRId64, u->id);
}

const char *sb_role(const struct sb_repo *repo, const struct sb_user *u)
{
	const char *role;
	char key[24];

	key_of(u, key);
	role = json_string_value(json_object_get(repo->roles, key));
	if (role)
		return role;
	return repo->owner == u ? "admin" : "read";
}

void sb_role_set(struct sb_repo *repo, const struct sb_user *u,
		 const char *role)
{
	char key[24];

	key_of(u, key);
	json_object_set_new(repo->roles, key, sb_text(role));
}

bool sb_can_write(const struct sb_repo *repo, const struct sb_user *u)
{
	const char *role = sb_role(repo, u);

	return !strcmp(role, "admin") || !strcmp(role, "maintain") ||
	       !strcmp(role, "write");
}

bool sb_is_member(const struct sb_user *org, const struct sb_user *u,
		  bool *ret_public)
{
	const json_t *shown;
	char key[24];

	key_of(u, key);
	shown = json_object_get(org->members, key);
	*ret_public = json_is_true(shown);
	return shown != NULL;
}

void sb_member_set(struct sb_user *org, const struct sb_user *u, bool member,
		   bool public)
{
	char key[24];

	key_of(u, key);
	if (!org->members)
		org->members = sb_must(json_object());
	if (member)
		json_object_set_new(org->members, key, json_boolean(public));
	else
		json_object_del(org->members, key);
}
