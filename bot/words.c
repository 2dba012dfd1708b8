/*
 * From the words that are kept to a plan, and whether this person may have it.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "bot/decide.h"
#include "bot/trust.h"
#include "commands/call.h"

/* Is an environment meant by both?  *ret_same: are all of them? */
static bool overlap(const struct args *a, const struct args *b, bool *ret_same)
{
	const char *x = args_text(a, "on"), *y = args_text(b, "on");

	*ret_same = strcmp(x, y) == 0;
	return *ret_same || !*x || !*y;
}

static enum err plan_add(struct plan *plan, const struct args *args,
			 struct error *e)
{
	for (size_t i = 0; i < plan->count; i++) {
		struct args *known = &plan->words[i];
		bool same;

		if (args_equal(known, args))
			return ERR_OK;
		/* Two wishes for one thing are one wish. */
		if (known->command == args->command && args->command->deploys &&
		    overlap(known, args, &same) && same)
			return args_join(known, args, e);
	}
	if (plan->count == ARRAY_SIZE(plan->words))
		return error_set(e, ERR_REFUSED,
				 "Those are too many commands at once.");
	plan->words[plan->count++] = *args;
	return ERR_OK;
}

static bool has_trigger(const struct plan *plan, const struct args *deploy)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct args *a = &plan->words[i];
		bool same;

		if (a->command->verb == VERB_TRIGGER &&
		    overlap(a, deploy, &same) && same)
			return true;
	}
	return false;
}

/* `deploy` beside `trigger` is `trigger`. */
static void drop_deploy(struct plan *plan)
{
	size_t kept = 0;

	for (size_t i = 0; i < plan->count; i++)
		if (plan->words[i].command->verb != VERB_DEPLOY ||
		    !has_trigger(plan, &plan->words[i]))
			plan->words[kept++] = plan->words[i];
	plan->count = kept;
}

/* Each environment gets one wish of a comment, so that it is told once. */
static enum err check_places(struct plan *plan, struct error *e)
{
	for (size_t i = 0; i < plan->count; i++)
		for (size_t j = i + 1; j < plan->count; j++) {
			const struct args *a = &plan->words[i];
			const struct args *b = &plan->words[j];
			bool same;

			if (!a->command->deploys || !b->command->deploys ||
			    !overlap(a, b, &same) || same)
				continue;
			COPY(plan->next, NEXT_NOTHING);
			return error_set(e, ERR_REFUSED,
					 "`%s` and `%s` mean one environment "
					 "twice, so nothing was done. Say "
					 "`on=` with both, or with none.",
					 a->command->name, b->command->name);
		}
	return ERR_OK;
}

static enum err check_contradictions(struct plan *plan, struct error *e)
{
	for (size_t i = 0; i < plan->count; i++)
		for (size_t j = i + 1; j < plan->count; j++) {
			const struct command *a = plan->words[i].command;
			const struct command *b = plan->words[j].command;

			if (!command_contradicts(a, b))
				continue;
			COPY(plan->next, NEXT_NOTHING);
			return error_set(e, ERR_REFUSED,
					 "`%s` and `%s` contradict "
					 "each other, so nothing was "
					 "done. Say one of them.",
					 a->name, b->name);
		}
	return ERR_OK;
}

static enum err unknown_word(const struct engine *g, const char *verb,
			     struct plan *plan, struct error *e)
{
	const char *near = command_nearest(verb);

	if (near)
		snprintf(plan->next, sizeof(plan->next), "@%s %s",
			 g->config->bot_name, near);

	if (!*verb)
		return error_set(e, ERR_REFUSED,
				 "There is no command behind my name.");
	if (near)
		return error_set(e, ERR_REFUSED,
				 "I do not know that word, so nothing was "
				 "done. Did you mean `@%s %s`?",
				 g->config->bot_name, near);
	return error_set(e, ERR_REFUSED,
			 "I do not know that word, so nothing was done.");
}

/* The one revision that all of them mean, if any is named. */
static enum err note_sha(struct plan *plan, const struct args *args,
			 struct error *e)
{
	const char *sha = args_text(args, "sha");

	if (!*sha)
		return ERR_OK;
	if (*plan->sha && strcmp(plan->sha, sha) != 0)
		return error_set(e, ERR_REFUSED,
				 "That names two different revisions, so "
				 "nothing was done. Name one, or none.");
	COPY(plan->sha, sha);
	return ERR_OK;
}

enum err plan_places(const struct engine *g, const char *repo,
		     const struct args *args, const struct environment **list,
		     size_t *ret_count, struct error *e)
{
	CLEANUP(str_release) struct str names = STR_INIT(4096);
	const char *on = args_text(args, "on");
	const struct environment *env;
	size_t i = 0;

	*ret_count = 0;
	while ((env = config_environment_of(g->config, repo, &i)) != NULL) {
		str_addf(&names, "%s`%s`", names.len ? ", " : "", env->name);
		if (!*on || strcmp(env->name, on) == 0)
			list[(*ret_count)++] = env;
	}
	if (*ret_count || !*on)
		return ERR_OK;
	return error_set(e, ERR_REFUSED,
			 "`%s` is no environment of this repository, so "
			 "nothing was done. It has %s.",
			 on, names.text);
}

static void free_places(const struct environment ***list)
{
	free((void *)*list);
}

static enum err check_place(const struct engine *g, const char *repo,
			    const struct args *args, struct plan *plan,
			    struct error *e)
{
	__attribute__((cleanup(free_places))) const struct environment **list =
		calloc(g->config->environment_count + 1, sizeof(*list));
	size_t count;

	if (!list)
		return error_set(e, ERR_FATAL, "out of memory");
	COPY(plan->next, NEXT_NOTHING);
	if (plan_places(g, repo, args, list, &count, e))
		return e->code;
	plan->next[0] = '\0';
	return ERR_OK;
}

static enum err read_word(const struct engine *g, const char *repo,
			  const json_t *word, struct plan *plan,
			  struct error *e)
{
	const char *verb = js_str(word, "verb");
	const struct command *c = command_find(verb);
	struct args args;

	if (*js_str(word, "error")) {
		COPY(plan->next, NEXT_NOTHING);
		return error_set(e, ERR_REFUSED, "%s", js_str(word, "error"));
	}
	if (!c)
		return unknown_word(g, verb, plan, e);
	if (args_read(c, g->config->bot_name, js_str(word, "args"), &args, e)) {
		snprintf(plan->next, sizeof(plan->next), "@%s help %s",
			 g->config->bot_name, c->name);
		return e->code;
	}
	if (check_place(g, repo, &args, plan, e) || note_sha(plan, &args, e))
		return e->code;
	return plan_add(plan, &args, e);
}

/*
 * The forge may send a delivery again days later.  Asked here, where its clock
 * was just looked at; a clock that is wrong makes nothing late.  When a
 * comment on code was said is not known: its draft is made long before.
 */
static const char *too_late(const struct engine *g, const struct said_record *r)
{
	if (!g->skew.known || !r->made_ms ||
	    strcmp(r->source, "webhook") != 0 ||
	    strcmp(r->kind, SAID_REVIEW_COMMENT) == 0)
		return NULL;
	return scan_too_late(g, r->made_ms, r->received_ms);
}

enum err plan_read(const struct engine *g, const struct said_record *r,
		   struct plan *plan, struct error *e)
{
	CLEANUP(json_decref) json_t *words = js_read(r->words);
	const char *late = too_late(g, r);
	json_t *word;
	size_t i;

	if (late)
		return error_set(e, ERR_REFUSED, "%s", late);
	json_array_foreach (words, i, word)
		if (read_word(g, r->repo, word, plan, e))
			return e->code;
	if (!plan->count)
		return error_set(e, ERR_REFUSED,
				 "There is no command behind my name.");
	if (check_contradictions(plan, e) || check_places(plan, e))
		return e->code;
	drop_deploy(plan);
	return ERR_OK;
}

static const char *role_phrase(enum role role)
{
	static const char *const phrases[ROLE_MAX] = {
		[ROLE_NONE] = "not known",
		[ROLE_CONTRIBUTOR] = "a contributor",
		[ROLE_MAINTAINER] = "a maintainer",
		[ROLE_ADMIN] = "an admin",
	};

	return phrases[role];
}

static enum err authorise_arguments(const struct args *args, enum role role,
				    struct error *e)
{
	const struct command *c = args->command;

	for (size_t i = 0; i < ARGUMENTS_MAX && c->arguments[i].type; i++) {
		const struct argument *a = &c->arguments[i];

		if (args->values[i].given && role < a->role)
			return error_set(e, ERR_REFUSED,
					 "`%s %s` needs the role %s, and you "
					 "are %s here. Leave `%s` out, or ask "
					 "somebody who may.",
					 c->name, a->name, role_name(a->role),
					 role_phrase(role), a->name);
	}
	return ERR_OK;
}

enum err plan_authorise(const struct engine *g, const struct plan *plan,
			enum role role, bool is_author, struct error *e)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct command *c = plan->words[i].command;

		if (command_allowed(c, role, is_author)) {
			if (authorise_arguments(&plan->words[i], role, e))
				return e->code;
			continue;
		}
		return error_set(e, ERR_REFUSED,
				 "`%s` needs the role %s, and you are %s here. "
				 "Ask somebody who may to say it, or an admin "
				 "of %s for the role.",
				 c->name, role_name(c->role), role_phrase(role),
				 g->config->bot_name);
	}
	return ERR_OK;
}

enum err plan_authorise_person(struct engine *g, const struct said_record *r,
			       struct plan *plan, enum role role,
			       bool is_author, struct error *e)
{
	struct error why = ERROR_INIT;
	bool failed;

	if (!plan_authorise(g, plan, role, is_author, &why))
		return permission_check(g, r, plan, is_author, e);
	if (members_failed(g, r->id, &failed, e))
		return e->code;
	if (failed)
		return error_set(e, ERR_REFUSED,
				 "I could not find out whether you belong to "
				 "an organisation that is trusted here; "
				 "nothing was done. Say it again later.");
	/* `help` is refused to them, too. */
	if (role == ROLE_NONE && !is_author)
		COPY(plan->next, NEXT_NOTHING);
	*e = why;
	return e->code;
}
