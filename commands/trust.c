/*
 * A grant that was said in a comment always ends, and reaches no further than
 * the right of who said it.
 */
#include <string.h>

#include "commands/person.h"
#include "store/trust.h"

#define DAY_MS (24LL * 3600 * 1000)

static void tell(struct command_call *call, const struct person *who,
		 const struct trust_grant *g, const struct trust_held *before)
{
	struct str *out = call->answer;

	person_show(out, who->login);
	str_addf(out, " (%lld%s) is %s", (long long)who->id,
		 strcmp(who->kind, "org") == 0	 ? ", an organisation"
		 : strcmp(who->kind, "app") == 0 ? ", an app"
						 : "",
		 g->role);
	person_show_scope(out, g->scope);
	person_show_end(out, g->expires_ms);
	str_puts(out, g->unasked ? "; the code is deployed unasked."
				 : "; the code is not deployed unasked.");
	if (!args_has(call->args, "for"))
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

/* A role is given to an account that exists. */
static enum err find(const struct command_call *call, struct person *ret,
		     struct error *e)
{
	if (person_of(call, ret, e))
		return e->code;
	if (!ret->id)
		return error_set(e, ERR_REFUSED,
				 "The forge knows nobody of that name; nothing "
				 "was done.");
	return ERR_OK;
}

enum err command_trust(struct command_call *call, struct error *e)
{
	struct trust_held before = {.role = ""};
	struct person who;
	char by[96];
	struct trust_grant g = {
		.by = by,
		.reason = args_text(call->args, "reason"),
		.role = role_name(
			(enum role)args_number(call->args, "role", ROLE_NONE)),
		.expires_ms = call->now_ms + args_number(call->args, "for",
							 GRANT_DAYS * DAY_MS),
		.unasked = args_number(call->args, "unasked", 1) != 0,
	};
	int64_t other;
	enum err code;

	person_actor(call, by, sizeof(by));
	if (find(call, &who, e) || person_scope(call, &g.scope, e))
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
	if (store_trust_add(call->store, &g, call->now_ms, e))
		return e->code;
	call->trust_of = who.id;
	tell(call, &who, &g, &before);
	if (other)
		str_addf(call->answer,
			 "\nBeware: account %lld, which is trusted, had that "
			 "login before.\n",
			 (long long)other);
	return ERR_OK;
}
