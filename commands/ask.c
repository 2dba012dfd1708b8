/*
 * A wish for a deploy: may this revision go there at all?  If so it is on
 * record with its exact SHA and base; whatever the author does next does not
 * change what was asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "commands/evidence.h"
#include "deploy/sensitive.h"
#include "deploy/standing.h"
#include "store/request.h"

/* requests: {"ENVIRONMENT": id}, for the audit. */
static enum err ask_on(const struct command_call *call,
		       const struct command_wish *wish, json_t *requests,
		       struct error *e)
{
	const struct environment *env = wish->env;
	const struct pull *p = call->pull;
	struct request r = {
		.pull_id = p->id,
		.actor_id = call->actor_id,
		.said_id = call->said_id,
		.made_ms = call->now_ms,
		.until_ms =
			call->now_ms + call->wall_skew_ms + env->grants.for_ms,
	};

	COPY(r.environment, env->name);
	COPY(r.kind, wish->kind);
	COPY(r.origin, call->origin);
	COPY(r.sha, p->head_sha);
	COPY(r.base_ref, p->base_ref);
	COPY(r.actor, call->actor);
	COPY(r.state, wish->booked ? "booked" : "waiting");
	COPY(r.role, role_name(call->role));
	COPY(r.reason, args_text(call->args, "reason"));
	r.forced = args_has(call->args, "force");
	if (store_request_add(call->store, &r, e) ||
	    (wish->retry_of &&
	     store_request_retries(call->store, r.id, wish->retry_of, e)))
		return e->code;
	json_object_set_new(requests, env->name, json_integer(r.id));
	return ERR_OK;
}

/* The files are for the caller to show: their names are anybody's text. */
static enum err refuse_sensitive(struct command_call *call,
				 const struct environment *env,
				 const struct project *project, struct error *e)
{
	enum sensitivity found;

	json_decref(call->files);
	call->files = NULL;
	COPY(call->next, NEXT_NOTHING);
	if (sensitive_of(call->store, env, project, call->pull, &found,
			 &call->files, e))
		return e->code;
	return error_set(e, ERR_REFUSED,
			 "This revision cannot go to %s on your word: it "
			 "changes %s and needs the word of %s, who can write "
			 "`@%s %s`.%s",
			 env->name,
			 call->files ? "sensitive files"
				     : "more files than can be looked at",
			 sensitive_whose(env), call->bot_name,
			 call->args->command->name,
			 call->files ? " The files:" : "");
}

bool command_means(const struct command_call *call,
		   const struct environment *env)
{
	const struct environment *const *all = call->environments;
	const struct pull *p = call->pull;
	bool any = false;

	for (size_t i = 0; i < call->environment_count; i++)
		any |= standing_base_fits(all[i], p);
	return !any || args_has(call->args, "on") || standing_base_fits(env, p);
}

/* The command once more, for next. */
static void say_again(struct command_call *call, const char *verb)
{
	const char *on = args_text(call->args, "on");

	snprintf(call->next, sizeof(call->next), "@%s %s%s%s", call->bot_name,
		 verb, *on ? " on=" : "", on);
}

static enum err check_standing(struct command_call *call,
			       const struct environment *env, struct error *e)
{
	const struct project *project =
		environment_project(env, call->pull->repo);
	CLEANUP(str_release) struct str why = STR_INIT(300);
	struct environment_record record;
	enum standing standing;

	/* Makes the environment's row, which requests point at. */
	if (store_environment(call->store, env->name, call->now_ms, &record,
			      e) ||
	    standing_if_asked(call->store, env, project, call->pull,
			      role_name(call->role), call->now_ms, &standing,
			      e))
		return e->code;
	if (standing == STANDING_IN)
		return ERR_OK;
	if (standing == STANDING_SENSITIVE)
		return refuse_sensitive(call, env, project, e);
	standing_text(&why, standing, env, project, call->pull);
	/* The same again, once what is in the way is gone. */
	if (standing == STANDING_SKIPPED)
		snprintf(call->next, sizeof(call->next), "@%s include",
			 call->bot_name);
	else
		say_again(call, call->args->command->name);
	return error_set(e, ERR_REFUSED,
			 "This pull request cannot go to %s: %s.", env->name,
			 why.text);
}

enum err command_ask_for(struct command_call *call,
			 const struct command_wish *wishes, size_t count,
			 const char *action, struct error *e)
{
	const char *reason = args_text(call->args, "reason");
	CLEANUP(json_decref) json_t *requests = json_object();

	for (size_t i = 0; i < count; i++)
		if (check_standing(call, wishes[i].env, e))
			return e->code;
	for (size_t i = 0; i < count; i++)
		if (ask_on(call, &wishes[i], requests, e))
			return e->code;
	if (store_pull_active(call->store, call->pull->id, call->now_ms, e))
		return e->code;
	return evidence_of_call(call, action, *reason ? reason : call->origin,
				json_pack("{s:O}", "requests", requests), e);
}

enum err command_ask(struct command_call *call, const char *kind,
		     struct error *e)
{
	struct command_wish *wishes =
		calloc(call->environment_count + 1, sizeof(*wishes));
	const char *action = strcmp(kind, "full") == 0 ? "trigger" : "deploy";
	size_t count = 0;
	enum err code;

	if (!wishes)
		return error_set(e, ERR_FATAL, "out of memory");
	for (size_t i = 0; i < call->environment_count; i++)
		if (command_means(call, call->environments[i]))
			wishes[count++] = (struct command_wish){
				.env = call->environments[i],
				.kind = kind,
			};
	if (args_has(call->args, "force"))
		action = "trigger force";
	code = command_ask_for(call, wishes, count, action, e);
	free(wishes);
	return code;
}
