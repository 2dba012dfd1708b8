/*
 * A grant that was said in a comment always ends, and reaches no further than
 * the right of who said it.
 */
#include <string.h>

#include "commands/evidence.h"
#include "commands/person.h"
#include "store/audit.h"
#include "store/trust.h"

#define DAY_MS (24LL * 3600 * 1000)

static void tell(struct command_call *call, const struct person *who,
		 const struct trust_grant *g, const struct trust_held *before,
		 bool capped)
{
	struct str *out = call->answer;

	person_show(out, who->login);
	str_addf(out, " (account %lld%s) is %s now", (long long)who->id,
		 strcmp(who->kind, "org") == 0	 ? ", an organisation"
		 : strcmp(who->kind, "app") == 0 ? ", an app"
						 : "",
		 g->role);
	person_show_scope(out, g->scope);
	person_show_end(out, g->expires_ms);
	str_puts(out, g->unasked ? "; their pull requests are deployed unasked."
				 : "; their pull requests are not deployed "
				   "unasked.");
	if (capped)
		str_puts(out, " That is as long as your own role lasts.");
	else if (!args_has(call->args, "for"))
		str_addf(out,
			 " Without `for=` that is %d days; %d at most in a "
			 "comment.",
			 GRANT_DAYS, GRANT_DAYS_MAX);
	if (*before->role) {
		str_addf(out, " Before: %s", before->role);
		person_show_end(out, before->expires_ms);
		str_putc(out, '.');
	}
	str_putc(out, '\n');
}

/* Nobody makes an admin, themselves least of all, who stays longer. */
static enum err cap(const struct command_call *call, struct trust_grant *g,
		    bool *ret_capped, struct error *e)
{
	int64_t until;

	*ret_capped = false;
	if (strcmp(g->role, role_name(ROLE_ADMIN)) != 0)
		return ERR_OK;
	if (store_trust_admin_until(call->store, call->actor_id, g->scope,
				    call->now_ms, &until, e))
		return e->code;
	*ret_capped = until && until < g->expires_ms;
	if (*ret_capped)
		g->expires_ms = until;
	return ERR_OK;
}

/* A role is given to an account that exists. */
static enum err find(struct command_call *call, struct person *ret,
		     struct error *e)
{
	if (person_of(call, ret, e))
		return e->code;
	if (!ret->id) {
		snprintf(call->next, sizeof(call->next), "@%s help trust",
			 call->bot_name);
		return error_set(e, ERR_REFUSED,
				 "The forge knows nobody of that name; nothing "
				 "was done.");
	}
	return ERR_OK;
}

enum err command_trust(struct command_call *call, struct error *e)
{
	struct trust_held before = {.role = ""};
	struct person who;
	char by[AUDIT_ACTOR_SIZE];
	struct trust_grant g = {
		.by = by,
		.reason = args_text(call->args, "reason"),
		.role = role_name(
			(enum role)args_number(call->args, "role", ROLE_NONE)),
		.expires_ms =
			call->now_ms + call->wall_skew_ms +
			args_number(call->args, "for", GRANT_DAYS * DAY_MS),
		.unasked = args_number(call->args, "unasked", 1) != 0,
	};
	int64_t other;
	bool capped;
	enum err code;

	person_actor(call, by, sizeof(by));
	if (find(call, &who, e) || person_scope(call, &g.scope, e) ||
	    cap(call, &g, &capped, e))
		return e->code;
	g.user_id = who.id;
	g.login = who.login;
	g.kind = who.kind;
	if (store_login_before(call->store, who.login, who.id, call->now_ms,
			       &other, e))
		return e->code;
	code = store_trust_held(call->store, who.id, g.scope, call->now_ms,
				&before, e);
	if (code && code != ERR_MISSING)
		return code;
	if (store_trust_add(call->store, &g, call->now_ms, e) ||
	    evidence_of_call(call, "trust", g.reason,
			     json_pack("{s:I, s:s, s:s, s:s}", "user",
				       (json_int_t)who.id, "login", who.login,
				       "gives", g.role, "scope", g.scope),
			     e))
		return e->code;
	call->trust_of = who.id;
	tell(call, &who, &g, &before, capped);
	if (other)
		str_addf(call->answer,
			 "\nBeware: account %lld, which is trusted, had that "
			 "login before.\n",
			 (long long)other);
	return ERR_OK;
}
