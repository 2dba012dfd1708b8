#include "deploy/environment.h"

#include <strings.h>

const struct project *environment_project(const struct environment *env,
					  const char *repo)
{
	for (size_t i = 0; i < env->project_count; i++)
		if (strcasecmp(env->projects[i].repo, repo) == 0)
			return &env->projects[i];
	return NULL;
}
