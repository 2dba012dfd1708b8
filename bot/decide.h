/*
 * Between hearing, deciding and what must be known in between.
 */
#ifndef BOT_DECIDE_H
#define BOT_DECIDE_H

#include "bot/engine_internal.h"
#include "commands/args.h"
#include "store/said.h"

/* All that one comment wants. */
struct plan {
	struct args words[LIMIT_COMMANDS_PER_COMMENT];
	size_t count;
	char sha[SHA_SIZE]; /* that was named, or "" */
	char next[192];	    /* what to type when it is refused */
	json_t *files;	    /* owned: names that the refusal is about */
};

static inline void plan_release_at(struct plan *plan)
{
	json_decref(plan->files);
}

/* --- hear.c --- */

NODISCARD enum err role_of(struct engine *g, int64_t user_id, const char *repo,
			   enum role *ret, struct error *e);
/* Has this person, a stranger, had today's sentence on this pull? */
NODISCARD enum err is_told(struct engine *g, const struct said_record *r,
			   enum role role, bool *ret, struct error *e);
NODISCARD enum err is_known_author(struct engine *g,
				   const struct said_record *r, bool *ret,
				   struct error *e);

/* --- decide.c --- */

/* The next thing that must be known about it, or the decision. */
NODISCARD enum err decide_next(struct engine *g, const struct said_record *r,
			       struct error *e);

/* --- needs.c --- */

/* Asks the world for what the plan needs and the facts lack. */
NODISCARD enum err needs_ask(struct engine *g, const struct said_record *r,
			     const struct plan *plan, bool *ret_asked,
			     struct error *e);

/* --- paths.c --- */

/*
 * Asks git what the live head changes, when a wish for a deploy by somebody
 * of this role hangs on it and it was not asked for yet.
 */
NODISCARD enum err paths_need(struct engine *g, const struct said_record *r,
			      const struct plan *plan, const struct pull *live,
			      enum role role, bool *ret_asked, struct error *e);

#endif
