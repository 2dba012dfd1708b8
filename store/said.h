/*
 * What people said to the bot, whatever came of it; kept for ever, so that
 * nothing is ever executed twice.
 */
#ifndef STORE_SAID_H
#define STORE_SAID_H

#include <stdbool.h>
#include <stdint.h>

#include "bot/base/json.h"
#include "bot/base/limits.h"
#include "store/pull.h"

/* Where it was said; ids of comments are the kind's own. */
#define SAID_COMMENT "comment"
#define SAID_REVIEW "review"
#define SAID_REVIEW_COMMENT "review_comment"
#define SAID_CLI "cli"

/* Room for all the commands of a comment as JSON, every byte escaped. */
#define SAID_WORDS_SIZE                                                        \
	(LIMIT_COMMANDS_PER_COMMENT * (2 * LIMIT_COMMAND_LINE + 64))

struct said_record {
	int64_t id;
	char kind[16];	    /* SAID_... */
	int64_t comment_id; /* 0: the command line */
	char repo[160];
	int64_t number;
	int64_t actor_id;
	char actor[64];
	char words[SAID_WORDS_SIZE]; /* JSON: [{"verb", "args"}], or
					[{"error"}] */
	char commit_sha[SHA_SIZE];   /* that a review is bound to, or "" */
	int64_t made_ms;	     /* on the forge's clock */
	int64_t received_ms;
	int64_t edited_ms; /* updated_at when it was heard; 0 = none */
	bool limited;	   /* one too many in its time; only to be added */
	char source[16];   /* "webhook", "scan", "cli" */
	char state[16];	   /* "checking", "accepted", "refused", "withdrawn" */
};

/* Sets r->id.  ERR_CONFLICT when the comment is known. */
NODISCARD enum err store_said_add(struct store *s, struct said_record *r,
				  const char *answer, struct error *e);
/* The id of what that comment said; 0 = it is not known. */
NODISCARD enum err store_said_find(struct store *s, const char *kind,
				   int64_t comment_id, int64_t *ret,
				   struct error *e);
NODISCARD enum err store_said(struct store *s, int64_t id,
			      struct said_record *ret, struct error *e);
/* From "checking" to another state; ERR_CONFLICT when it was answered. */
NODISCARD enum err store_said_end(struct store *s, int64_t id,
				  const char *state, const char *answer,
				  struct error *e);

/*
 * What was found out for it while it is being checked: a JSON object, the
 * caller's.  Setting one adds to the others; takes value over.
 */
NODISCARD enum err store_said_facts(struct store *s, int64_t id, json_t **ret,
				    struct error *e);
NODISCARD enum err store_said_fact(struct store *s, int64_t id,
				   const char *name, json_t *value,
				   struct error *e);

/* How often this actor got a sentence on this pull from then to now. */
NODISCARD enum err store_said_answered(struct store *s, const char *repo,
				       int64_t number, int64_t actor_id,
				       int64_t since_ms, int64_t now_ms,
				       int64_t *ret, struct error *e);

/* What was said in a time by one person, on the forge and in vain or not. */
struct said_rate {
	int64_t received_ms;
	int64_t commands;
	bool here; /* on the pull that was asked about */
};
/*
 * Those received after since_ms and until now_ms that were not limited
 * themselves, oldest first; malloc'ed, the caller frees.
 */
NODISCARD enum err store_said_rate(struct store *s, const struct said_record *r,
				   int64_t since_ms, int64_t now_ms,
				   struct said_rate **ret, size_t *ret_count,
				   struct error *e);
/* How many of this person were limited in that time, and how many of them
 * got a sentence. */
NODISCARD enum err store_said_limited(struct store *s, int64_t actor_id,
				      int64_t since_ms, int64_t now_ms,
				      int64_t *ret_count, int64_t *ret_answered,
				      struct error *e);

/*
 * A comment or review that is not known was "edited", "dismissed" or
 * "deleted"; deleted is the last word.
 */
NODISCARD enum err store_taken_back_add(struct store *s, const char *kind,
					int64_t comment_id, const char *how,
					int64_t now_ms, struct error *e);
/* How; "" = it was not. */
NODISCARD enum err store_taken_back(struct store *s, const char *kind,
				    int64_t comment_id, char ret_how[12],
				    struct error *e);
NODISCARD enum err store_taken_back_prune(struct store *s, int64_t before_ms,
					  struct error *e);

#endif
