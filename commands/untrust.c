/*
 * Taking away is easier than giving: it also reaches an account that the
 * forge does not know any more, or that gave its login to another.
 */
#include <string.h>

#include "commands/evidence.h"
#include "commands/person.h"
#include "store/audit.h"
#include "store/trust.h"

static enum err remove_here(struct command_call *call, struct person *who,
			    const char *scope, struct error *e)
{
	const char *where = *scope ? scope : TRUST_ALL_SCOPES;
	enum err code = ERR_MISSING;
	char by[AUDIT_ACTOR_SIZE];

	person_actor(call, by, sizeof(by));
	if (who->id)
		code = store_trust_remove(call->store, who->id, who->login,
					  where, by, call->now_ms, e);
	if (code != ERR_MISSING)
		return code;
	if (store_trust_find(call->store, who->login, &who->id, e))
		return e->code;
	if (!who->id)
		return ERR_MISSING;
	return store_trust_remove(call->store, who->id, who->login, where, by,
				  call->now_ms, e);
}

/* What stays: a grant for all, that of an organisation. */
static enum err tell_rest(struct command_call *call, const struct person *who,
			  struct error *e)
{
	const char *role;

	if (store_role(call->store, who->id, call->pull->repo, call->now_ms,
		       &role, e))
		return e->code;
	if (*role)
		str_addf(call->answer,
			 " Still %s here, by a grant for all projects or as a "
			 "member of an organisation: see `trusted`.",
			 role);
	str_putc(call->answer, '\n');
	return ERR_OK;
}

static enum err nothing_here(const char *scope, struct error *e)
{
	return error_set(e, ERR_REFUSED, "That account has no role %s.",
			 *scope ? "for this project alone; what it has for all "
				  "projects, an admin of all of them takes away"
				: "here of its own");
}

enum err command_untrust(struct command_call *call, struct error *e)
{
	struct person who;
	const char *scope;
	enum err code;

	if (person_of(call, &who, e) || person_scope(call, &scope, e))
		return e->code;
	code = remove_here(call, &who, scope, e);
	if (code)
		snprintf(call->next, sizeof(call->next), "@%s trusted",
			 call->bot_name);
	if (code == ERR_MISSING)
		return nothing_here(scope, e);
	if (code || evidence_of_call(call, "untrust", "",
				     json_pack("{s:I, s:s, s:s}", "user",
					       (json_int_t)who.id, "login",
					       who.login, "scope", scope),
				     e))
		return e->code;
	call->trust_of = who.id;
	person_show(call->answer, who.login);
	str_addf(call->answer, " (account %lld) is not trusted any more",
		 (long long)who.id);
	person_show_scope(call->answer, scope);
	str_puts(call->answer,
		 "; what they asked for with it and has not begun is void.");
	return tell_rest(call, &who, e);
}
