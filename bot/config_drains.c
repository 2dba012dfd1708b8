#include "bot/config_drains.h"

#include <string.h>

#include "deploy/drain.h"

static bool stage_drains(const struct environment *env, const char *stage)
{
	for (size_t i = 0; i < env->job_count; i++)
		if (env->jobs[i].drains && !strcmp(env->jobs[i].stage, stage))
			return true;
	return false;
}

/* Where an http job that drains finds its count. */
static void check_count(const struct job_spec *job, const struct ynode *node,
			struct report *report)
{
	const struct ynode *http = ynode_get(node, "http");
	const char *text = job->http ? job->http->expect_json : NULL;
	struct error ignored = ERROR_INIT;
	CLEANUP(json_decref)
	json_t *shape =
		text ? js_parse_any(text, strlen(text), &ignored) : NULL;

	if (text && !drain_shape(shape))
		report_mistake(report,
			       ynode_where(ynode_get(http, "expect"), "json"),
			       "a drain job waits for a count: 'json' must be "
			       "0, or maps of one member that lead to the 0");
	if (ynode_get(http, "tries"))
		report_warning(report, ynode_where(http, "tries"),
			       "a drain job asks until its time is over: "
			       "'tries' has no effect");
}

static void check_job(const struct environment *env, const struct job_spec *job,
		      const struct ynode *node, struct report *report)
{
	if (job->job_class != JOB_DRAIN) {
		if (ynode_get(node, "full_timeout"))
			report_mistake(report,
				       ynode_where(node, "full_timeout"),
				       "only a job of the class 'drain' has a "
				       "'full_timeout'");
		return;
	}
	check_count(job, node, report);
	if (job->drains)
		report_mistake(report, ynode_where(node, "drains"),
			       "a job of the class 'drain' has nothing "
			       "drained before it");
	else if (*job->stage && !stage_drains(env, job->stage))
		report_warning(report, ynode_where(node, "stage"),
			       "no job of stage '%s' says 'drains': this one "
			       "runs before the first stage with one that does",
			       job->stage);
}

/* Those who drain and those who want it, where the others are missing. */
static void check_halves(const struct environment *env,
			 const struct ynode *jobs, struct report *report)
{
	bool drain = false, wanted = false;

	for (size_t i = 0; i < env->job_count; i++) {
		drain |= env->jobs[i].job_class == JOB_DRAIN;
		wanted |= env->jobs[i].drains;
	}
	for (size_t i = 0; i < env->job_count && drain != wanted; i++) {
		const struct ynode *node = ynode_at(jobs, i);

		if (env->jobs[i].drains)
			report_warning(report, ynode_where(node, "drains"),
				       "no job has the class 'drain'");
		else if (env->jobs[i].job_class == JOB_DRAIN)
			report_warning(report, ynode_where(node, "class"),
				       "no job says 'drains': this one never "
				       "runs");
	}
}

void config_check_drains(const struct environment *env,
			 const struct ynode *jobs, struct report *report)
{
	for (size_t i = 0; i < env->job_count; i++)
		if (ynode_at(jobs, i)->kind == YNODE_MAP)
			check_job(env, &env->jobs[i], ynode_at(jobs, i),
				  report);
	check_halves(env, jobs, report);
}
