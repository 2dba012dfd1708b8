/*
 * The .gitattributes files of a commit, laid out in a folder of their own so
 * that git merge-tree finds them as it would in a work tree.
 */
#ifndef DEPLOY_GIT_ATTRIBUTES_H
#define DEPLOY_GIT_ATTRIBUTES_H

#include "deploy/git_merge.h"

/*
 * Makes m->tree hold the .gitattributes files (regular ones: git follows no
 * symbolic link here) of commit, and nothing else.  git itself checks the
 * paths and writes the files.  ERR_INVALID when git refuses the paths.
 */
NODISCARD enum err git_attributes_lay(struct git_merger *m, const char *commit,
				      struct error *e);

#endif
