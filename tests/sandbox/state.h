/*
 * What the sandbox forge knows.  All of it lives in memory and ends with the
 * process; only the git repositories lie on disk.
 *
 * One lock guards everything (sandbox_lock).  Every function of the other
 * files that takes a struct sandbox wants it held, unless its header says
 * otherwise; objects are never freed before the sandbox is, so pointers to
 * them stay good without the lock.  Out of memory ends the process: a test
 * tool that goes on half-broken would only mislead.
 */
#ifndef SANDBOX_STATE_H
#define SANDBOX_STATE_H

#include <pthread.h>
#include <sys/queue.h>

#include "bot/base/json.h"
#include "bot/base/str.h"

#define SB_SHA 41 /* 40 digits and the NUL */
#define SB_BODY (32u << 20)
#define SB_LOG_KEPT 20000
#define SB_ZEROS "0000000000000000000000000000000000000000"

struct sb_user {
	STAILQ_ENTRY(sb_user) next;
	int64_t id;
	char *login;
	char *type;  /* "User", "Bot", "Organization" */
	char *token; /* NULL: cannot call the API */
	int64_t created;
	json_t *members; /* of an organisation: id -> is it public */
};

struct sb_repo {
	STAILQ_ENTRY(sb_repo) next;
	int64_t id;
	int64_t hook_id;
	char *name;
	char *full; /* OWNER/NAME */
	char *path; /* the bare repository; NULL for a fork, whose commits
		       lie in the repository that it was forked from */
	char *default_branch;
	struct sb_user *owner;
	int64_t created, pushed;
	int numbers;	 /* the last issue number given out */
	json_t *roles;	 /* user id -> see sb_role() */
	json_t *labels;	 /* name -> id */
	json_t *reflogs; /* ref -> {offset, sha}: what pushes.c has seen */
};

struct sb_pull {
	STAILQ_ENTRY(sb_pull) next;
	int64_t id;
	int number;
	struct sb_repo *repo;
	struct sb_repo *head_repo; /* NULL: its owner removed the fork */
	struct sb_user *author;
	char *title, *body;
	char *base_ref, *head_ref;
	char base_sha[SB_SHA], head_sha[SB_SHA];
	char merge_sha[SB_SHA]; /* "" until merged */
	bool closed, draft, locked;
	struct sb_user *merged_by; /* NULL: not merged */
	json_t *labels;		   /* array of names */
	int64_t created, updated, ended;
	/* How it would merge; for the tips in mergeable_for. */
	bool mergeable;
	char mergeable_for[2 * SB_SHA];
	int additions, deletions, changed_files, commits;
};

struct sb_reaction {
	STAILQ_ENTRY(sb_reaction) next;
	int64_t id;
	struct sb_user *user;
	char *content;
	int64_t created;
	bool deleted;
};

struct sb_review {
	STAILQ_ENTRY(sb_review) next;
	int64_t id;
	struct sb_pull *pull;
	struct sb_user *user;
	char *body;
	const char *state; /* APPROVED, COMMENTED, ...; see acts_review.c */
	char commit[SB_SHA];
	int64_t submitted, updated;
};

/* On the conversation, or (then review is set) on a line of the code. */
struct sb_comment {
	STAILQ_ENTRY(sb_comment) next;
	int64_t id;
	struct sb_pull *pull;
	struct sb_user *user;
	char *body;
	int64_t created, updated;
	bool deleted;
	STAILQ_HEAD(, sb_reaction) reactions;
	/* The rest only on code. */
	struct sb_review *review;
	char *path;
	char original[SB_SHA]; /* what its author looked at */
	char commit[SB_SHA];   /* moves along with the head */
	bool outdated;	       /* the code has changed since; stays behind */
	int64_t reply_to;      /* 0: begins a thread */
};

struct sb_status {
	STAILQ_ENTRY(sb_status) next;
	int64_t id;
	struct sb_repo *repo;
	char sha[SB_SHA];
	char *state, *context;
	char *description, *target_url; /* may be NULL */
	struct sb_user *creator;
	int64_t created;
};

struct sb_rate {
	int limit, used;
	int64_t reset; /* wall ms */
};

struct sb_hooks;
struct sb_faults;

struct sandbox {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* the log grew, or the end is near */
	bool stopping;
	char *dir;
	char *url;	    /* how others reach us, no slash at the end */
	char *listen;	    /* HOST:PORT */
	int64_t clock_skew; /* added to the machine's time */
	int64_t last_id, last_user_id, last_repo_id;
	struct sb_user *bot;
	STAILQ_HEAD(, sb_user) users;
	STAILQ_HEAD(, sb_repo) repos;
	STAILQ_HEAD(, sb_pull) pulls;
	STAILQ_HEAD(, sb_comment) comments;
	STAILQ_HEAD(, sb_review) reviews;
	STAILQ_HEAD(, sb_comment) code_comments; /* those of reviews */
	STAILQ_HEAD(, sb_status) statuses;
	json_t *log, *requests; /* arrays; see sb_log() */
	int64_t log_seq, request_seq;
	struct sb_rate rate;
	struct sb_hooks *hooks;
	struct sb_faults *faults;
};

/* Never NULL. */
void *sb_new(size_t size);
char *sb_dup(const char *text);
void *sb_must(void *p);
/* A JSON string; bytes that are not UTF-8 become question marks. */
json_t *sb_text(const char *text);
/* Puts a copy of text in *at, which is freed. */
void sb_set(char **at, const char *text);

/* url without slash at its end; bot is the login that token belongs to. */
struct sandbox *sandbox_new(const char *dir, const char *bot,
			    const char *token);
/* All threads that use it have ended. */
void sandbox_free(struct sandbox *s);
DEFINE_CLEANUP(struct sandbox *, sandbox_free)

void sandbox_lock(struct sandbox *s);
void sandbox_unlock(struct sandbox *s);
int64_t sb_now(const struct sandbox *s);
int64_t sb_id(struct sandbox *s);

/*
 * Appends {seq, time, type, ...data} to the event log and wakes who waits.
 * Takes data over.
 */
void sb_log(struct sandbox *s, const char *type, json_t *data);
/* As sb_log(), for the list of API calls. */
void sb_log_request(struct sandbox *s, json_t *data);

/*
 * The entries of list (s->log or s->requests) after seq `after`, whose last
 * one is `last`; waits up to timeout_ms for the first.  A new array.  May
 * release the lock while it waits.
 */
json_t *sb_log_after(struct sandbox *s, json_t *const *list,
		     const int64_t *last, int64_t after, int64_t timeout_ms);

/* NULL when there is none.  Names compare as on GitHub, without case. */
struct sb_user *sb_user_find(struct sandbox *s, const char *login);
struct sb_user *sb_user_by_id(struct sandbox *s, int64_t id);
struct sb_user *sb_user_by_token(struct sandbox *s, const char *token);
struct sb_repo *sb_repo_find(struct sandbox *s, const char *full);
struct sb_pull *sb_pull_find(struct sandbox *s, const struct sb_repo *repo,
			     int64_t number);
/* One that stands in no list. */
void sb_pull_free(struct sb_pull *p);
DEFINE_CLEANUP(struct sb_pull *, sb_pull_free)
struct sb_comment *sb_comment_find(struct sandbox *s, int64_t id);
struct sb_comment *sb_code_comment_find(struct sandbox *s, int64_t id);
struct sb_review *sb_review_find(struct sandbox *s, int64_t id);
struct sb_reaction *sb_reaction_find(struct sb_comment *c, int64_t id);

/* May stand in a path and in a URL as it is: letters, digits, "-_.". */
bool sb_name_ok(const char *name);

/* id 0 = the next one; every second one is above 2^31.  Must be new. */
struct sb_user *sb_user_add(struct sandbox *s, const char *login,
			    const char *type, int64_t id);
/* Knows it only; the folder is git.h's matter.  path NULL = a fork. */
struct sb_repo *sb_repo_add(struct sandbox *s, struct sb_user *owner,
			    const char *name, const char *path);

/* "admin", "maintain", "write", "triage", "read", "none". */
const char *sb_role(const struct sb_repo *repo, const struct sb_user *u);
void sb_role_set(struct sb_repo *repo, const struct sb_user *u,
		 const char *role);
bool sb_can_write(const struct sb_repo *repo, const struct sb_user *u);

/* *ret_public tells who may know. */
bool sb_is_member(const struct sb_user *org, const struct sb_user *u,
		  bool *ret_public);
void sb_member_set(struct sb_user *org, const struct sb_user *u, bool member,
		   bool public);

/*
 * Walks the newest status of each context of sha, oldest first: after NULL
 * begins, NULL ends.
 */
struct sb_status *sb_status_next(struct sandbox *s, const struct sb_repo *repo,
				 const char *sha, struct sb_status *after);
/* Is no younger status of the same commit and context there? */
bool sb_status_is_latest(const struct sb_status *st);

#endif
