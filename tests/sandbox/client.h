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
/* close, reopen, merge, draft, ready, lock, unlock; label and unlabel with a
 * label. */
bool sbc_act(struct sbc *c, const char *repo, int number, const char *user,
	     const char *action, const char *label);
/* Another base branch, which must be there: `edited` with changes.base. */
bool sbc_base(struct sbc *c, const char *repo, int number, const char *user,
	      const char *base);
/* The head becomes a commit that was pushed before: A, B, and A again. */
bool sbc_push_to(struct sbc *c, const char *repo, int number, const char *sha);
/* By whoever, NULL = its author; also of a comment on code. */
bool sbc_comment_edit(struct sbc *c, const char *repo, int64_t comment,
		      const char *sender, const char *body);
bool sbc_comment_delete(struct sbc *c, const char *repo, int64_t comment,
			const char *sender);

/*
 * A review's id.  event: APPROVE (body may be NULL), COMMENT or
 * REQUEST_CHANGES; nobody approves what is one's own.  commit: what was
 * looked at, NULL = the head.
 */
int64_t sbc_review(struct sbc *c, const char *repo, int number,
		   const char *user, const char *event, const char *body,
		   const char *commit);
bool sbc_review_edit(struct sbc *c, int64_t review, const char *sender,
		     const char *body);
/* An approval or a wish for changes; its state becomes DISMISSED. */
bool sbc_review_dismiss(struct sbc *c, int64_t review, const char *sender);
/*
 * A comment's id, on the first file that the pull changes.  As on GitHub, it
 * brings a review without body, whose webhook comes first.
 */
int64_t sbc_review_comment(struct sbc *c, const char *repo, int number,
			   const char *user, const char *body,
			   const char *commit);
/* One more in that comment's thread, on the commit that began it. */
int64_t sbc_review_reply(struct sbc *c, const char *repo, int number,
			 const char *user, const char *body, int64_t comment);

/* The id stays, the old login is free for somebody else. */
bool sbc_rename(struct sbc *c, const char *login, const char *to);
/* Its id; made when it is not there, as the owner of a repository is. */
int64_t sbc_org(struct sbc *c, const char *org);
/* The bot sees those who are not public only as a member itself. */
bool sbc_org_member(struct sbc *c, const char *org, const char *user,
		    bool public);
bool sbc_org_leave(struct sbc *c, const char *org, const char *user);
/* admin, maintain, write, triage, read, none */
bool sbc_permission(struct sbc *c, const char *repo, const char *user,
		    const char *role);

/* Webhooks go there from now on. */
bool sbc_hook(struct sbc *c, const char *url, const char *secret);
/* drop, lose, duplicate the next count ones of event (NULL = any); hold,
 * release. */
bool sbc_webhooks(struct sbc *c, const char *action, const char *event,
		  int count);
/* {id, guid, event, action, status, status_code, redelivery, ...}, newest
 * first. */
json_t *sbc_deliveries(struct sbc *c);
/*
 * The next count calls of the API with method ("" = any) and a path that
 * ends so are answered with status and take no effect: "/reactions", 403.
 */
bool sbc_refuse(struct sbc *c, const char *method, const char *path_end,
		int status, int count);

/* {pull, comments, reviews, review_comments, statuses, history} */
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
