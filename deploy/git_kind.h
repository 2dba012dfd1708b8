/*
 * The kinds of effect that the git port knows; deploy/git_port.h says their
 * args and bodies.  Each is called on a thread of the port, which has their
 * repositories to itself meanwhile, may take minutes,
 * and returns the outcome's code; *ret_body may be set with any code.
 */
#ifndef DEPLOY_GIT_KIND_H
#define DEPLOY_GIT_KIND_H

#include "bot/base/json.h"
#include "deploy/git_run.h"

struct git_answer {
	json_t *body; /* NULL = none; the caller's */
	bool unknown; /* a push may have arrived */
};

typedef enum err git_kind_run(struct git *g, const json_t *args,
			      struct git_answer *ret, struct error *e);

git_kind_run git_batch;
git_kind_run git_paths;
git_kind_run git_push;
git_kind_run git_tag;

/* Housekeeping of the mirrors of args' projects. */
void git_tend(struct git *g, const json_t *args);

/* What a refused push was refused for; names as in git.push's body. */
enum git_refusal {
	GIT_ACCEPTED,
	GIT_REFUSED_LEASE,
	GIT_REFUSED_CONTENT,
	GIT_REFUSED_RIGHTS,
};

/*
 * Reads a failed `git push --porcelain` of one ref.  GIT_ACCEPTED = not
 * refused by anybody: the connection failed.  Adds the reason.
 */
enum git_refusal git_refusal_of(const struct proc_result *r,
				struct str *reason);

#endif
