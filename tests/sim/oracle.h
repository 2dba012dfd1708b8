/*
 * Between the files of the oracle only.
 *
 *	oracle.c	the questions, and all rules one after the other
 *	oracle_run.c	what must never happen while it runs
 *	oracle_talk.c	what people said, and what came of it
 *	oracle_taken.c	what they took back, or was heard late
 *	oracle_words.c	what some words mean for as long as they hold
 *	oracle_rest.c	what must be so once all is calm
 *
 * A rule is a function whose comment says it, and which section of the design
 * it is from.  It is told from the world's own record; of the bot's database
 * it reads only what nobody else can know: what the bot believes it did.
 */
#ifndef TESTS_SIM_ORACLE_H
#define TESTS_SIM_ORACLE_H

#include "tests/sim/sim.h"

/* Between saying something and its being decided lie late webhooks, scans and
 * answers that are asked for again; what is later than this was refused. */
#define DECIDED_MS (40 * MINUTE)

/* The first value of the first row, -1 when there is none; a question that
 * cannot be asked fails the run. */
int64_t ask(struct sim *s, const char *fmt, ...);

const struct person *who_is(int64_t id);
/* May they say `deploy`? */
bool may_deploy(const struct person *p);
/* The word that the bot's database has for a kind of speech. */
const char *speech_word(enum speech kind);
/* Does the bot say that it accepted this? */
bool was_accepted(struct sim *s, const struct sim_comment *c);
/* Said while the pull was open, by somebody with a role. */
bool is_heard(const struct sim *s, const struct sim_comment *c);
/* What was pushed for a cycle, by branch; NULL = nothing. */
const struct sim_result *result_of(const struct sim *s,
				   const struct sim_cycle *c, int branch);
bool cycle_holds(const struct sim *s, const struct sim_cycle *c, int pull,
		 const char *sha);
/* All that its kind has to do there was done and was green. */
bool cycle_is_green(const struct sim *s, const struct sim_cycle *c);

/*
 * 6.5: what a cancelled cycle had moved is put back, by one that merges
 * nothing.
 */
bool puts_back(struct sim *s, const struct sim_cycle *c);

void oracle_talk(struct sim *s);
/* About one that a person wrote. */
void oracle_taken(struct sim *s, const struct sim_comment *c);
void oracle_words(struct sim *s, const struct sim_comment *c);
/* About one that must be answered. */
void oracle_says_why(struct sim *s, const struct sim_comment *c);
void oracle_stopped(struct sim *s);
void oracle_rest(struct sim *s);

#endif
