#include "commands/person.h"

#include <ctype.h>
#include <string.h>

#include "bot/base/clock.h"
#include "store/audit.h"
#include "store/trust.h"

#define NOT_FOUND 404

enum err person_of(const struct command_call *call, struct person *ret,
		   struct error *e)
{
	const char *login = args_text(call->args, "user");
	const json_t *fact;
	char name[80];

	snprintf(name, sizeof(name), "user:%s", login);
	for (char *c = name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	fact = json_object_get(call->facts, name);
	*ret = (struct person){.id = js_int(fact, "id", 0)};
	COPY(ret->login, login);
	if (js_int(fact, "status", 0) == NOT_FOUND)
		return ERR_OK;
	ret->kind = principal_kind(js_str(fact, "type"));
	if (ret->id <= 0 || !ret->kind)
		return error_set(e, ERR_REFUSED,
				 "I could not find out who that is; nothing "
				 "was done. Say it again later.");
	COPY(ret->login, js_str(fact, "login"));
	return ERR_OK;
}

enum err person_scope(const struct command_call *call, const char **ret,
		      struct error *e)
{
	const char *role;

	if (store_role(call->store, call->actor_id, "", call->now_ms, &role, e))
		return e->code;
	*ret = strcmp(role, "admin") == 0 ? "" : call->pull->repo;
	return ERR_OK;
}

void person_actor(const struct command_call *call, char *ret, size_t size)
{
	audit_actor(ret, size, js_str(call->facts, "operator"), call->actor,
		    call->actor_id);
}

void person_show(struct str *out, const char *login)
{
	str_putc(out, '`');
	for (const char *c = login; *c; c++)
		str_putc(out, isalnum((unsigned char)*c) || strchr("-_[]", *c)
				      ? *c
				      : '?');
	str_putc(out, '`');
}

void person_show_scope(struct str *out, const char *scope)
{
	if (*scope)
		str_addf(out, " on `%s`", scope);
	else
		str_puts(out, " for all projects");
}

void person_show_end(struct str *out, int64_t expires_ms)
{
	CLEANUP(str_release) struct str iso = STR_INIT(64);

	if (!expires_ms) {
		str_puts(out, " without an end");
		return;
	}
	time_iso(&iso, expires_ms);
	str_addf(out, " until %.10s %.5s UTC", iso.text,
		 iso.text + strlen("2026-11-21T"));
}
