/* What the parts of the API share; a NULL has been answered already. */
#ifndef SANDBOX_API_H
#define SANDBOX_API_H

#include "tests/sandbox/http.h"

#define REPO "/repos/:/:"

/* The whole text as a number; -1 when it is none. */
int64_t api_number(const char *text);

/* What the first arguments of the path name; a 404 when there is none. */
struct sb_repo *api_repo(struct call *c);
struct sb_pull *api_pull(struct call *c);
/* The third argument names a comment, of the conversation or of the code. */
struct sb_comment *api_comment(struct call *c, bool on_code);

/*
 * The value of a query parameter, one of few words of which the first is the
 * default; a 422 when it is another.  The caller frees it.
 */
char *api_choice(struct call *c, const char *name, const char *const *words);

#define CHOICE(c, name, ...)                                                   \
	api_choice(c, name, (const char *const[]){__VA_ARGS__, NULL})

void api_reverse(json_t *list);

/* The parameter "since"; 0 when there is none, false after a 422. */
bool api_since(struct call *c, int64_t *ret);
/* Is it as young as that?  GitHub compares and shows whole seconds. */
bool api_is_since(const struct sb_comment *m, int64_t since);

/* What can be done with the reactions of m; NULL has been answered. */
void api_reactions(struct call *c, const struct sb_comment *m);
void api_react(struct call *c, struct sb_comment *m);

/* By the time in member, then by id.  Takes list over. */
json_t *api_sort(json_t *list, const char *member, bool descending);

#endif
