/*
 * Withdraws what people asked for on this pull request, and stops the cycle
 * that runs with it.  What came by itself stays: the pull request belongs
 * there all the same, and `skip` is the word against that.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "commands/evidence.h"
#include "deploy/schedule.h"
#include "deploy/standing.h"
#include "store/request.h"

/* What has come of it so far. */
struct cancelling {
	struct command_call *call;
	struct str withdrawn; /* "full for staging by bob, ..." */
	struct str said;      /* sentences about cycles */
	struct str refused;   /* why a cycle goes on */
	json_t *cycles;	      /* ids of those that are stopped */
	int count;	      /* of requests and cycles */
};

/* The cycle that runs on an environment, as seen by who wants its end. */
struct running {
	const struct environment *env;
	struct cycle cycle;
	bool aboard;	/* this pull request is in it, or asked for it */
	bool asked;	/* by the caller's own command */
	int others;	/* commands for other pull requests */
	bool only_this; /* nothing else has led to it */
	bool guarded;	/* nobody interrupts what it does now */
};

/* The asker's own hand needs no word to the asker. */
static const char *outcome_for(const struct command_call *call,
			       const struct request *r, const char *otherwise)
{
	return r->actor_id == call->actor_id ? "taken back" : otherwise;
}

/* --- what waits --- */

/* Who asked twice for one thing is named once. */
static void note(struct str *out, const struct request *r,
		 const struct environment *env)
{
	CLEANUP(str_release) struct str one = STR_INIT(512);

	str_addf(&one, "%s for %s by %s", r->kind, env->name, r->actor);
	if (out->len && strstr(out->text, one.text))
		return;
	str_addf(out, "%s%s", out->len ? ", " : "", one.text);
}

static enum err withdraw(struct cancelling *x, const struct environment *env,
			 struct error *e)
{
	struct command_call *call = x->call;
	struct request *list;
	size_t count;
	enum err code = ERR_OK;

	if (store_requests_of_pull(call->store, call->pull->id, &list, &count,
				   e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++) {
		const struct request *r = &list[i];

		if (strcmp(r->environment, env->name) != 0 ||
		    strcmp(r->kind, "auto") == 0)
			continue;
		code = store_request_end(call->store, r->id, "dropped",
					 outcome_for(call, r, "cancelled"), e);
		note(&x->withdrawn, r, env);
		x->count++;
	}
	free(list);
	return code;
}

/* --- what runs --- */

static enum err look_aboard(const struct command_call *call, struct running *r,
			    struct error *e)
{
	struct revision *list;
	size_t count;

	if (store_revisions(call->store, r->cycle.id, &list, &count, e))
		return e->code;
	for (size_t i = 0; i < count; i++)
		if (list[i].pull_id == call->pull->id &&
		    (!*list[i].result || strcmp(list[i].result, "merged") == 0))
			r->aboard = true;
	revisions_free(list, count);
	return ERR_OK;
}

/* Not pushed over, taken back or taken out while it runs. */
static bool is_wanted(const struct request *r)
{
	return !r->voided && !*r->outcome;
}

/* Whoever rides in a full for less did not ask for it. */
static bool asks_for(const struct request *q, const struct cycle *c)
{
	return strcmp(q->kind, "full") == 0 || strcmp(q->kind, c->kind) == 0;
}

static enum err look(const struct command_call *call, struct running *r,
		     struct error *e)
{
	struct flow f = command_flow(call, r->env);
	struct request *list;
	size_t count;

	if (schedule_guards(&f, &r->cycle, &r->guarded, e) ||
	    store_requests_of_cycle(call->store, r->cycle.id, &list, &count, e))
		return e->code;
	r->only_this = count > 0;
	for (size_t i = 0; i < count; i++) {
		bool own = list[i].pull_id == call->pull->id;
		bool command = strcmp(list[i].kind, "auto") != 0;

		r->aboard |= own;
		r->only_this &= own;
		r->asked |= asks_for(&list[i], &r->cycle) &&
			    list[i].actor_id == call->actor_id;
		r->others += command && !own && is_wanted(&list[i]);
	}
	free(list);
	return look_aboard(call, r, e);
}

/* NULL: the caller may stop it; else why not. */
static const char *why_not(const struct command_call *call,
			   const struct running *r)
{
	bool full = strcmp(r->cycle.kind, "full") == 0;

	if (flow_is_rollback(&r->cycle))
		return "it puts the last green deploy back, and that is not "
		       "interrupted";
	if (r->guarded)
		return "it checks the health of what it deployed, and that is "
		       "not interrupted";
	if (r->asked || call->role == ROLE_ADMIN)
		return NULL;
	if (full)
		return "a full is stopped by who asked for it, or by an admin";
	if (call->role >= ROLE_MAINTAINER || r->only_this)
		return NULL;
	return "it runs for others as well, so it takes a maintainer to stop "
	       "it";
}

/* What people asked for here is over; the rest waits again. */
static enum err drop_own(struct cancelling *x, const struct running *r,
			 int *ret_count, struct error *e)
{
	struct command_call *call = x->call;
	struct request *list;
	size_t count;
	enum err code = ERR_OK;

	*ret_count = 0;
	if (store_requests_of_cycle(call->store, r->cycle.id, &list, &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++)
		if (list[i].pull_id == call->pull->id &&
		    strcmp(list[i].kind, "auto") != 0 && is_wanted(&list[i])) {
			code = store_request_end(
				call->store, list[i].id, "dropped",
				outcome_for(call, &list[i], "stopped"), e);
			++*ret_count;
		}
	free(list);
	return code;
}

static void say_rest(struct cancelling *x, const struct running *r,
		     const struct flow_rest *rest)
{
	bool pushing =
		r->cycle.awaits_push || strcmp(r->cycle.state, "pushing") == 0;

	if (pushing)
		str_addf(&x->said,
			 ". Its branches are being pushed: what has moved by "
			 "then is put back");
	else
		str_puts(&x->said, "; ");
	if (!pushing)
		flow_say_rest(&x->said, r->env, rest);
	str_putc(&x->said, '.');
	if (r->others)
		str_addf(&x->said,
			 " What was asked for on other pull requests "
			 "(%d) waits again.",
			 r->others);
}

static enum err stop(struct cancelling *x, const struct running *r,
		     struct error *e)
{
	struct flow f = command_flow(x->call, r->env);
	struct flow_rest rest;
	int unused;

	if (drop_own(x, r, &unused, e) ||
	    flow_rest_of(&f, &r->cycle, &rest, e) ||
	    flow_cancel(&f, &r->cycle, x->call->actor, e))
		return e->code;
	str_addf(&x->said, "%sStopped: cycle %lld (%s) on %s, ",
		 x->said.len ? " " : "", (long long)r->cycle.id, r->cycle.kind,
		 r->env->name);
	flow_say_where(&x->said, &r->cycle);
	say_rest(x, r, &rest);
	json_array_append_new(x->cycles, json_integer(r->cycle.id));
	x->count++;
	return ERR_OK;
}

/* Somebody was faster; what was asked for here is over all the same. */
static enum err join(struct cancelling *x, const struct running *r,
		     struct error *e)
{
	int count;

	if (drop_own(x, r, &count, e))
		return e->code;
	str_addf(&x->said, "%sCycle %lld on %s is being stopped already, by %s",
		 x->said.len ? " " : "", (long long)r->cycle.id, r->env->name,
		 r->cycle.cancelled_by);
	str_puts(&x->said, count ? "; what was asked for here does not wait "
				   "again."
				 : ".");
	if (count)
		json_array_append_new(x->cycles, json_integer(r->cycle.id));
	x->count += count;
	return ERR_OK;
}

static enum err stop_running(struct cancelling *x,
			     const struct environment *env, struct error *e)
{
	struct running r = {.env = env};
	const char *why;
	enum err code =
		store_cycle_running(x->call->store, env->name, &r.cycle, e);

	if (code)
		return code == ERR_MISSING ? ERR_OK : code;
	if (look(x->call, &r, e))
		return e->code;
	if (!r.aboard)
		return ERR_OK;
	if (*r.cycle.cancelled_by)
		return join(x, &r, e);
	why = why_not(x->call, &r);
	if (!why)
		return stop(x, &r, e);
	str_addf(&x->refused, "%sCycle %lld on %s goes on: %s.",
		 x->refused.len ? " " : "", (long long)r.cycle.id, env->name,
		 why);
	return ERR_OK;
}

/* --- what is said --- */

/* It may have ended the moment before. */
static enum err say_ended(struct cancelling *x, const struct environment *env,
			  struct error *e)
{
	struct cycle c;
	int64_t last;

	if (store_cycle_of_pull(x->call->store, x->call->pull->id, env->name,
				&last, e))
		return e->code;
	if (!last)
		return ERR_OK;
	if (store_cycle(x->call->store, last, &c, e))
		return e->code;
	str_addf(x->call->text,
		 " Cycle %lld on %s with this pull request has ended already: "
		 "%s.",
		 (long long)c.id, env->name, c.verdict);
	return ERR_OK;
}

static enum err say_nothing_done(struct cancelling *x, struct error *e)
{
	struct command_call *call = x->call;

	str_puts(call->text, "There is nothing to cancel: nobody's request "
			     "waits here, and no deploy runs with this pull "
			     "request.");
	for (size_t i = 0; i < call->environment_count; i++)
		if (say_ended(x, call->environments[i], e))
			return e->code;
	return ERR_OK;
}

static enum err say_what_stays(struct command_call *call,
			       const struct environment *env, struct error *e)
{
	const struct project *project =
		environment_project(env, call->pull->repo);
	enum standing standing;

	if (standing_of(call->store, env, project, call->pull, call->now_ms,
			&standing, e))
		return e->code;
	if (standing == STANDING_IN)
		str_addf(call->text,
			 " The pull request belongs on %s and goes along with "
			 "the next "
			 "deploy all the same; `@%s skip` keeps it out.",
			 env->name, call->bot_name);
	return ERR_OK;
}

static enum err tell(struct cancelling *x, struct error *e)
{
	struct command_call *call = x->call;
	struct str *text = call->text;

	if (str_check(&x->withdrawn, e) || str_check(&x->said, e) ||
	    str_check(&x->refused, e))
		return e->code;
	if (!x->count && x->refused.len) {
		COPY(call->next, NEXT_NOTHING);
		return error_set(e, ERR_REFUSED, "%s", x->refused.text);
	}
	if (x->withdrawn.len)
		str_addf(text, "Withdrawn: %s.", x->withdrawn.text);
	if (x->said.len)
		str_addf(text, "%s%s", text->len ? " " : "", x->said.text);
	if (x->refused.len)
		str_addf(text, " %s", x->refused.text);
	if (!text->len && say_nothing_done(x, e))
		return e->code;
	for (size_t i = 0; i < call->environment_count; i++)
		if (say_what_stays(call, call->environments[i], e))
			return e->code;
	if (!x->count)
		return ERR_OK;
	return evidence_of_call(call, "cancel",
				x->withdrawn.len ? x->withdrawn.text
						 : x->said.text,
				json_pack("{s:O}", "cycles", x->cycles), e);
}

static void cancelling_release_at(struct cancelling *x)
{
	str_release(&x->withdrawn);
	str_release(&x->said);
	str_release(&x->refused);
	json_decref(x->cycles);
}

enum err command_cancel(struct command_call *call, struct error *e)
{
	CLEANUP(cancelling_release)
	struct cancelling x = {
		.call = call,
		.withdrawn = STR_INIT(4096),
		.said = STR_INIT(4096),
		.refused = STR_INIT(4096),
		.cycles = json_array(),
	};

	for (size_t i = 0; i < call->environment_count; i++)
		if (withdraw(&x, call->environments[i], e) ||
		    stop_running(&x, call->environments[i], e))
			return e->code;
	return tell(&x, e);
}
