/*
 * What the demo brings along: the files of the two projects, the recipe and
 * the configuration (real files under tests/demo/, built in), and the changes
 * that people propose.
 */
#ifndef DEMO_PROJECTS_H
#define DEMO_PROJECTS_H

#include "bot/base/json.h"
#include "bot/base/str.h"

#define GREETING "shop/greeting"
#define SERVICE "shop/service"

extern const char demo_config[];

struct recipe_file {
	const char *name, *text;
};
#define RECIPE_FILES 3
extern const struct recipe_file recipe_files[RECIPE_FILES];

/* Whole lines of a file, and what stands in their place afterwards. */
struct edit {
	const char *repo, *path, *from, *to;
};

/* Ends with an edit whose repo is NULL. */
extern const struct edit greet_nicely[];   /* carl, good */
extern const struct edit price_right[];	   /* sam, good */
extern const struct edit hours_broken[];   /* carl, does not compile */
extern const struct edit hours_repaired[]; /* what it lacked */

/* path -> text of all files of a project.  The caller's. */
json_t *project_files(const char *repo);

/*
 * path -> new text of the files that these lists (NULL ends them) change, one
 * after the other, in repo.  The caller's; NULL when an edit does not fit.
 */
json_t *project_edited(const char *repo, const struct edit *const *lists);

/* Adds the edits as people read them: "- old" and "+ new" lines. */
void edits_show(const struct edit *list, struct str *out);

/* Adds text with each @NAME@ replaced; pairs end with NULL. */
void fill_in(struct str *out, const char *text, const char *const (*pairs)[2]);

#endif
