/* What happens to accounts; the rest of acts.h is in acts*.c. */
#include "tests/sandbox/acts.h"

#include <string.h>

#include "tests/sandbox/pushes.h"

enum err act_org(struct sandbox *s, const char *login, struct sb_user **ret,
		 struct error *e)
{
	struct sb_user *u = sb_user_find(s, login);

	if (!sb_name_ok(login))
		return error_set(e, ERR_INVALID, "not a login: %s", login);
	if (u && strcmp(u->type, "Organization") != 0)
		return error_set(e, ERR_CONFLICT, "%s is a person", login);
	*ret = u ? u : sb_user_add(s, login, "Organization", 0);
	return ERR_OK;
}

static bool owns_repository(const struct sandbox *s, const struct sb_user *u)
{
	const struct sb_repo *r;

	STAILQ_FOREACH(r, &s->repos, next)
	if (r->owner == u && r->path)
		return true;
	return false;
}

/* Forks are names only: they follow. */
static void rename_forks(struct sandbox *s, const struct sb_user *u)
{
	struct sb_repo *r;

	STAILQ_FOREACH(r, &s->repos, next)
	{
		if (r->owner != u)
			continue;
		free(r->full);
		r->full = sb_must(str_format("%s/%s", u->login, r->name));
	}
}

enum err act_rename(struct sandbox *s, struct sb_user *u, const char *login,
		    struct error *e)
{
	if (!sb_name_ok(login) || sb_user_find(s, login))
		return error_set(e, ERR_CONFLICT, "not good or taken: %s",
				 login);
	if (owns_repository(s, u))
		return error_set(e, ERR_INVALID,
				 "%s owns a repository, which would move",
				 u->login);
	/* Who pushed is known by name: what is new belongs to the old one. */
	sb_pushes_scan(s);
	sb_log(s, "rename",
	       json_pack("{s:I,s:s,s:s}", "id", (json_int_t)u->id, "from",
			 u->login, "to", login));
	sb_set(&u->login, login);
	rename_forks(s, u);
	return ERR_OK;
}
