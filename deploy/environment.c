#include "deploy/environment.h"

#include <string.h>
#include <strings.h>

const struct project *environment_project(const struct environment *env,
					  const char *repo)
{
	for (size_t i = 0; i < env->project_count; i++)
		if (strcasecmp(env->projects[i].repo, repo) == 0)
			return &env->projects[i];
	return NULL;
}

bool environment_in_short(const struct environment *env, const char *stage)
{
	for (text_list list = env->recipe_short; *list; list++)
		if (strcmp(*list, stage) == 0)
			return true;
	return false;
}
