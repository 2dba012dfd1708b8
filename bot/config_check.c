#include "bot/config_check.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "bot/base/near.h"
#include "bot/config_drains.h"
#include "bot/config_values.h"

/* One environment with its place in the file. */
struct place {
	const struct config *c;
	const struct environment *env;
	const struct ynode *node;
	struct report *report;
};

static struct mark at(const struct ynode *map, const char *key)
{
	return ynode_where(map, key);
}

static bool listed(text_list list, const char *word)
{
	for (; *list; list++)
		if (!strcmp(*list, word))
			return true;
	return false;
}

static const struct ynode *project_node(const struct place *p, size_t i)
{
	return ynode_at(ynode_get(p->node, "projects"), i);
}

static void check_forge(const struct config *c, const struct ynode *root,
			struct report *report)
{
	const struct ynode *forge = ynode_get(root, "forge");
	const struct ynode *app = ynode_get(forge, "app");

	if (!forge || forge->kind != YNODE_MAP)
		return;
	if (app)
		report_mistake(report, app->key_at,
			       "GitHub App authentication is not supported "
			       "yet; use token_file");
	else if (!ynode_get(forge, "token_file"))
		report_mistake(report, forge->key_at,
			       "missing key 'token_file'");
	if (url_is_exposed(c->api_url))
		report_warning(report, at(forge, "api_url"),
			       "the token goes to another machine in the "
			       "clear; use https");
	if (url_is_exposed(c->clone_url))
		report_warning(report, at(forge, "clone_url"),
			       "the token goes to another machine in the "
			       "clear; use https");
}

/* Are the two the same once they are names of variables? */
static bool same_variable(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (toupper((unsigned char)*a) != toupper((unsigned char)*b) &&
		    (isalnum((unsigned char)*a) || isalnum((unsigned char)*b)))
			return false;
	return *a == *b;
}

static void check_folder(const struct place *p, size_t i)
{
	const struct project *a = &p->env->projects[i], *b;

	for (size_t j = 0; *a->repo && j < i; j++) {
		struct mark here = at(project_node(p, i), "repo");

		b = &p->env->projects[j];
		if (!strcasecmp(a->repo, b->repo))
			report_mistake(p->report, here,
				       "'%s' is a project here already",
				       a->repo);
		else if (*b->repo && same_variable(a->name, b->name))
			report_mistake(p->report, here,
				       "'%s' and '%s' clash: their folders or "
				       "variables in a job would be the same",
				       a->repo, b->repo);
		else
			continue;
		return;
	}
}

/* Nobody else may push what we push, and it must not be anybody's base. */
static void check_branch(const struct place *p, size_t i)
{
	const struct project *mine = &p->env->projects[i];
	struct mark here = at(project_node(p, i), "branch");

	if (!*mine->repo || !*mine->branch)
		return;
	if (!strcmp(mine->branch, mine->base)) {
		report_mistake(p->report, here,
			       "'branch' and 'base' are the same: the bot "
			       "would overwrite '%s'",
			       mine->base);
		return;
	}
	for (size_t e = 0; e < p->c->environment_count; e++) {
		const struct environment *env = &p->c->environments[e];
		const struct project *other =
			env == p->env ? NULL
				      : environment_project(env, mine->repo);

		if (!other)
			continue;
		if (!strcmp(other->base, mine->branch))
			report_mistake(p->report, here,
				       "environment '%s' merges onto branch "
				       "'%s' of %s, which this one overwrites",
				       env->name, mine->branch, mine->repo);
		if (env < p->env && !strcmp(other->branch, mine->branch))
			report_mistake(p->report, here,
				       "environment '%s' pushes branch '%s' "
				       "of %s, too",
				       env->name, mine->branch, mine->repo);
	}
}

static void check_policy(const struct place *p)
{
	const struct policy *policy = &p->env->policy;
	const struct ynode *node = ynode_get(p->node, "policy");

	if (node && policy->settle_ms > policy->settle_max_ms)
		report_mistake(p->report, at(node, "settle"),
			       "'settle' is longer than 'settle_max'");
}

static bool stage_has_job(const struct environment *env, const char *stage)
{
	for (size_t i = 0; i < env->job_count; i++)
		if (env->jobs[i].job_class != JOB_DRAIN &&
		    !strcmp(env->jobs[i].stage, stage))
			return true;
	return false;
}

static void check_recipe(const struct place *p, const char *key,
			 text_list stages)
{
	const struct ynode *list = ynode_get(ynode_get(p->node, "recipe"), key);
	const struct ynode *n = list ? list->first : NULL;

	for (size_t i = 0; n && stages[i]; i++, n = n->next) {
		for (size_t j = 0; *stages[i] && j < i; j++)
			if (!strcmp(stages[i], stages[j]))
				report_mistake(p->report, n->at,
					       "stage '%s' is in '%s' twice",
					       stages[i], key);
		if (*stages[i] && !stage_has_job(p->env, stages[i]))
			report_warning(p->report, n->at,
				       "stage '%s' has no jobs", stages[i]);
	}
}

static void check_stage(const struct place *p, const struct job_spec *job,
			const struct ynode *node)
{
	text_list lists[] = {p->env->recipe_short, p->env->recipe_full};
	struct near near = {.word = job->stage};

	if (!ynode_get(node, "stage") && job->job_class != JOB_DRAIN)
		report_mistake(p->report, node->key_at, "missing key 'stage'");
	if (!*job->stage)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		if (listed(lists[i], job->stage))
			return;
		for (text_list s = lists[i]; *s; s++)
			near_try(&near, *s);
	}
	if (near.best)
		report_mistake(p->report, at(node, "stage"),
			       "no recipe has a stage '%s'; did you mean '%s'?",
			       job->stage, near.best);
	else
		report_mistake(p->report, at(node, "stage"),
			       "no recipe has a stage '%s'", job->stage);
}

/* A path into the checkout begins with a project's folder. */
static void check_program(const struct place *p, const struct job_spec *job,
			  const struct ynode *node)
{
	const char *program = job->run[0];
	const char *slash = program ? strchr(program, '/') : NULL;
	size_t n = slash ? (size_t)(slash - program) : 0;
	struct mark here;

	if (!program || !ynode_get(node, "run")->first)
		return;
	here = ynode_get(node, "run")->first->at;
	if (!*program) {
		report_mistake(p->report, here, "the program is empty");
		return;
	}
	if (!n)
		return;
	for (size_t i = 0; i < p->env->project_count; i++)
		if (strlen(p->env->projects[i].name) == n &&
		    !strncmp(p->env->projects[i].name, program, n)) {
			if (strstr(program, "/../") || !slash[1])
				break;
			return;
		}
	report_mistake(p->report, here,
		       "'%s' is neither an absolute path nor one that begins "
		       "with the folder of a project",
		       program);
}

static void check_changed(const struct place *p, const struct job_spec *job,
			  const struct ynode *node)
{
	const struct ynode *map = ynode_get(node, "changed");

	for (size_t i = 0; i < job->changed_count; i++) {
		struct near near = {.word = job->changed[i].repo};
		struct mark here = ynode_at(map, i)->key_at;

		if (environment_project(p->env, near.word))
			continue;
		for (size_t j = 0; j < p->env->project_count; j++)
			near_try(&near, p->env->projects[j].repo);
		if (near.best)
			report_mistake(p->report, here,
				       "'%s' is not a project of this "
				       "environment; did you mean '%s'?",
				       near.word, near.best);
		else
			report_mistake(p->report, here,
				       "'%s' is not a project of this "
				       "environment",
				       near.word);
	}
}

static void check_job(const struct place *p, const struct job_spec *job,
		      const struct ynode *node)
{
	bool run = ynode_get(node, "run"), http = ynode_get(node, "http");

	if (node->kind != YNODE_MAP)
		return;
	if (run == http)
		report_mistake(p->report, node->key_at,
			       "job '%s' needs %s 'run' or 'http'%s", job->name,
			       run ? "either" : "one of",
			       run ? ", not both" : "");
	if (http && job->secret_count)
		report_warning(p->report, at(node, "secrets"),
			       "an http job has no use for secrets");
	check_stage(p, job, node);
	check_program(p, job, node);
	check_changed(p, job, node);
}

static void check_isolation(const struct place *p)
{
	if (p->env->isolation == ISOLATION_NONE)
		report_warning(p->report, at(p->node, "isolation"),
			       "jobs can read the bot's secrets and state; "
			       "use bubblewrap or user:NAME");
}

static void check_freezes(const struct place *p)
{
	const struct ynode *list = ynode_get(p->node, "freeze");
	int a, b;

	for (size_t i = 0; i < p->env->freeze_count; i++) {
		const struct ynode *from = ynode_get(ynode_at(list, i), "from");
		const struct ynode *to = ynode_get(ynode_at(list, i), "to");

		if (from && to && from->text && to->text &&
		    parse_moment(from->text, &a) &&
		    parse_moment(to->text, &b) && a == b)
			report_mistake(p->report, to->at,
				       "'from' and 'to' are the same moment");
	}
}

static void check_blame(const struct place *p)
{
	const char *name = p->env->blame.environment;
	struct near near = {.word = name};
	struct mark here;

	if (!*name || config_environment(p->c, name))
		return;
	here = at(ynode_get(p->node, "blame"), "environment");
	for (size_t i = 0; i < p->c->environment_count; i++)
		near_try(&near, p->c->environments[i].name);
	if (near.best)
		report_mistake(p->report, here,
			       "no environment '%s'; did you mean '%s'?", name,
			       near.best);
	else
		report_mistake(p->report, here, "no environment '%s'", name);
}

static void check_environment(const struct place *p)
{
	const struct ynode *jobs = ynode_get(p->node, "jobs");

	for (size_t i = 0; i < p->env->project_count; i++) {
		check_folder(p, i);
		check_branch(p, i);
	}
	check_policy(p);
	check_recipe(p, "short", p->env->recipe_short);
	check_recipe(p, "full", p->env->recipe_full);
	for (size_t i = 0; i < p->env->job_count; i++)
		check_job(p, &p->env->jobs[i], ynode_at(jobs, i));
	config_check_drains(p->env, jobs, p->report);
	check_isolation(p);
	check_freezes(p);
	check_blame(p);
}

void config_check(const struct config *c, const struct ynode *root,
		  struct report *report)
{
	const struct ynode *list = ynode_get(root, "environments");

	check_forge(c, root, report);
	for (size_t i = 0; i < c->environment_count; i++) {
		const struct place p = {
			.c = c,
			.env = &c->environments[i],
			.node = ynode_at(list, i),
			.report = report,
		};

		check_environment(&p);
	}
}
