/*
 * Between hearing, deciding and what must be known in between.
 */
#ifndef BOT_DECIDE_H
#define BOT_DECIDE_H

#include "bot/engine_internal.h"
#include "commands/args.h"
#include "commands/proof.h"
#include "store/said.h"

/* Room for all lines of a comment, with a SHA in each. */
#define PLAN_NEXT_SIZE                                                         \
	(LIMIT_COMMANDS_PER_COMMENT * (LIMIT_COMMAND_LINE + SHA_SIZE))

/* All that one comment wants. */
struct plan {
	struct args words[LIMIT_COMMANDS_PER_COMMENT];
	size_t count;
	char sha[SHA_SIZE];	   /* that was named, or "" */
	struct proof proof;	   /* of the head, when it needs one */
	char next[PLAN_NEXT_SIZE]; /* what to type when it is refused */
	json_t *files;		   /* owned: names that a refusal is about */
	bool taken_back; /* one was refused, so the others were undone */
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

/* Is this user no person: an app, a bot, an organisation, ourselves? */
bool is_bot(const struct engine *g, const json_t *object);

/* --- rate.c --- */

struct rate {
	int64_t until_ms; /* when it has room again; 0 = it has */
	bool told;	  /* this hour's sentence about it was said */
	bool silent;	  /* so many since then that nothing is said */
};
/* May this person give so many commands more there, at this time? */
NODISCARD enum err rate_of(struct engine *g, const struct said_record *r,
			   int64_t commands, struct rate *ret, struct error *e);

/* For people: why not, and until when. */
void rate_text(struct str *out, const struct rate *rate, int64_t now_ms);

/* --- respond.c --- */

/*
 * An answer that is not in the sticky comment, or a refusal.  text: sentences,
 * made inert unless they are a refusal, which is all our own words; markdown:
 * our own, or NULL; next as for refuse().
 */
NODISCARD enum err answer(struct engine *g, const struct said_record *r,
			  const struct pull *p, bool ok, const char *text,
			  const char *markdown, const char *next,
			  struct error *e);

/*
 * Ends what is being checked with a sentence, or with a sign only where there
 * was one or the pull is not known (p NULL).  next: the line to type, "" for
 * the help, NULL for none.
 */
NODISCARD enum err refuse(struct engine *g, const struct said_record *r,
			  const struct pull *p, const char *text,
			  const char *next, struct error *e);
/* more: evidence for the audit, taken over, or NULL. */
NODISCARD enum err refuse_with(struct engine *g, const struct said_record *r,
			       const struct pull *p, const char *text,
			       const char *next, json_t *more, struct error *e);

/* The same with the pull as it is known, where the forge did not show it. */
NODISCARD enum err refuse_blind(struct engine *g, const struct said_record *r,
				const char *text, const char *next,
				struct error *e);

/* --- words.c --- */

/*
 * All words are read, then all are authorised, then all run: ERR_REFUSED with
 * the reason when one is wrong, and what to type in plan->next.
 */
NODISCARD enum err plan_read(const struct engine *g,
			     const struct said_record *r, struct plan *plan,
			     struct error *e);
/*
 * The environments of the repository that a command means: the one behind
 * `on=`, else all.  list has room for all that are configured.  ERR_REFUSED
 * with their names when it is none of them.
 */
NODISCARD enum err plan_places(const struct engine *g, const char *repo,
			       const struct args *args,
			       const struct environment **list,
			       size_t *ret_count, struct error *e);
/* By the role alone; asks nobody. */
NODISCARD enum err plan_authorise(const struct engine *g,
				  const struct plan *plan, enum role role,
				  bool is_author, struct error *e);
/* With what the forge has told of the person, too. */
NODISCARD enum err plan_authorise_person(struct engine *g,
					 const struct said_record *r,
					 struct plan *plan, enum role role,
					 bool is_author, struct error *e);

/* --- accept.c --- */

/*
 * Runs all of it and answers.  One that is refused (ERR_REFUSED) when others
 * have run already takes them back: what was said together happens together.
 */
NODISCARD enum err plan_accept(struct engine *g, const struct said_record *r,
			       const struct pull *p, struct plan *plan,
			       enum role role, struct error *e);

/* --- decide.c --- */

/* The next thing that must be known about it, or the decision. */
NODISCARD enum err decide_next(struct engine *g, const struct said_record *r,
			       struct error *e);

/* --- prove.c --- */

/* What was on record of a pull before the forge was asked for it. */
struct record_before {
	struct sighting *seen;
	size_t count;
};
void record_before_release_at(struct record_before *b);
NODISCARD enum err record_before(struct engine *g, const struct pull *p,
				 struct record_before *ret, struct error *e);

/*
 * Is p's head the one that the author of r meant?  ERR_REFUSED with the
 * reason, and the lines to paste in plan->next.  Sets plan->proof.
 */
NODISCARD enum err prove_head(struct engine *g, const struct said_record *r,
			      struct plan *plan,
			      const struct record_before *before,
			      const struct pull *p, struct error *e);
/* The same for an answer of the forge that is older than what is known. */
NODISCARD enum err prove_stale(struct engine *g, struct plan *plan,
			       const struct pull *p, struct error *e);

/* --- needs.c --- */

/* Asks the world for what the plan needs and the facts lack. */
NODISCARD enum err needs_ask(struct engine *g, const struct said_record *r,
			     const struct plan *plan, bool *ret_asked,
			     struct error *e);
/* A call that is answered without a running bot, where nobody has git: its
 * answer would never come. */
bool needs_lacks_git(const struct engine *g, const struct said_record *r);

/* --- paths.c --- */

/*
 * Asks git what the live head changes, when a wish for a deploy by somebody
 * of this role hangs on it and it was not asked for yet.  ERR_REFUSED where
 * git cannot be asked.
 */
NODISCARD enum err paths_need(struct engine *g, const struct said_record *r,
			      const struct plan *plan, const struct pull *live,
			      enum role role, bool *ret_asked, struct error *e);

#endif
