/*
 * The sandbox as tests and the demo use it: started as a child process,
 * steered over its control interface (table in control.c), awaited without
 * sleeping.  One client belongs to one thread.
 *
 * A call that the sandbox refuses prints why on standard error and returns
 * 0 or NULL, for the test to assert on.
 */
#ifndef SANDBOX_CLIENT_H
#define SANDBOX_CLIENT_H

#include "bot/base/json.h"
#include "bot/base/str.h"

/* Long enough for a slow machine: only a failing test waits that long. */
#define SBC_WAIT_MS 60000

struct sbc;

struct sbc_settings {
	const char *dir; /* made when missing; the repositories stay in it */
	/* All may be NULL: then as in the program's usage. */
	const char *webhook, *secret_file, *token_file, *bot, *url;
	/* NULL: $KCIBOT_SANDBOX, else ../sandbox beside our own program. */
	const char *program;
};

NODISCARD enum err sbc_start(const struct sbc_settings *settings,
			     struct sbc **ret, struct error *e);
/* Ends the child, waits for it, and returns its exit code; frees. */
int sbc_stop(struct sbc *c);

/* "http://127.0.0.1:PORT" */
const char *sbc_url(const struct sbc *c);
/* "file://DIR/repos/{repo}.git", as the bot's configuration wants it. */
char *sbc_clone_url(const struct sbc *c);

struct sbc_answer {
	long status;	    /* 0 = no answer */
	json_t *json;	    /* NULL when it is none */
	struct str text;    /* the body */
	struct str headers; /* all lines as they came */
};
void sbc_answer_release(struct sbc_answer *a);
static inline void sbc_answer_release_at(struct sbc_answer *a)
{
	sbc_answer_release(a);
}

/*
 * Any request.  body may be NULL and is not taken over; token NULL = without
 * Authorization; header: one more line or NULL.
 */
void sbc_request(struct sbc *c, const char *method, const char *path,
		 const json_t *body, const char *token, const char *header,
		 struct sbc_answer *ret);

/* A control call; takes body over.  The answer, NULL when refused. */
json_t *sbc_post(struct sbc *c, const char *path, json_t *body);
json_t *sbc_get(struct sbc *c, const char *path);

/* The numeric id. */
int64_t sbc_user(struct sbc *c, const char *login);
/* files (taken over): path -> text.  The first commit's id in ret_sha. */
bool sbc_repo(struct sbc *c, const char *repo, json_t *files, char ret_sha[41]);
/* The number.  files taken over. */
int sbc_pull(struct sbc *c, const char *repo, const char *author,
	     const char *title, json_t *files, char ret_sha[41]);
/* A new commit of its author.  files taken over. */
bool sbc_push(struct sbc *c, const char *repo, int number, json_t *files,
	      bool force, char ret_sha[41]);
/* The comment's id. */
int64_t sbc_comment(struct sbc *c, const char *repo, int number,
		    const char *user, const char *body);
/* close, reopen, merge, draft, ready; label and unlabel with a label. */
bool sbc_act(struct sbc *c, const char *repo, int number, const char *user,
	     const char *action, const char *label);
/* Webhooks go there from now on. */
bool sbc_hook(struct sbc *c, const char *url, const char *secret);

/* {pull, comments, statuses, history} */
json_t *sbc_conversation(struct sbc *c, const char *repo, int number);

/*
 * Wait up to wait_ms until something is so, looking again whenever the
 * sandbox logs an event.  false when it did not come true.
 */
bool sbc_await(struct sbc *c, const char *repo, int number,
	       bool (*is_so)(const json_t *conversation, void *ctx), void *ctx,
	       int64_t wait_ms);
/* A comment of user that holds text. */
bool sbc_await_comment(struct sbc *c, const char *repo, int number,
		       const char *user, const char *text, int64_t wait_ms);
/* The head's status. */
bool sbc_await_status(struct sbc *c, const char *repo, int number,
		      const char *context, const char *state, int64_t wait_ms);
bool sbc_await_reaction(struct sbc *c, const char *repo, int number,
			int64_t comment, const char *user, const char *content,
			int64_t wait_ms);
/*
 * The first entry of the log after *after that has type and, if member is
 * not NULL, value in it; *after becomes its number.  The caller's.
 */
json_t *sbc_await_log(struct sbc *c, int64_t *after, const char *type,
		      const char *member, const char *value, int64_t wait_ms);

#endif
