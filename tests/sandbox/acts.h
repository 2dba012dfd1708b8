/*
 * What can happen on the forge, whoever starts it: the API, a form or the
 * control interface.  Each act changes the state and the git repository,
 * writes the event log and sends the webhooks, in the order of GitHub.
 *
 * Strings are copied.  ERR_INVALID and ERR_MISSING come with a sentence.
 */
#ifndef SANDBOX_ACTS_H
#define SANDBOX_ACTS_H

#include "tests/sandbox/state.h"

#define SB_COMMENT_MAX 65536 /* characters */
#define SB_DESCRIPTION_MAX 140
#define SB_STATUSES_MAX 1000 /* of one commit and context */

/* Characters of UTF-8 text. */
size_t sb_characters(const char *text);

/* Is it neither blank nor too long? */
NODISCARD enum err act_check_body(const char *body, struct error *e);
/* ERR_REFUSED: the conversation is locked, and user may not write. */
NODISCARD enum err act_check_lock(const struct sb_pull *p,
				  const struct sb_user *user, struct error *e);
void act_log_comment(struct sandbox *s, const char *type,
		     const struct sb_comment *c, const struct sb_user *by);

/* A repository with a first commit of files on branch, by its owner. */
NODISCARD enum err act_repo(struct sandbox *s, const char *full,
			    const char *branch, const json_t *files,
			    struct sb_repo **ret, struct error *e);

struct act_pull {
	struct sb_user *author;
	const char *title, *body;
	const char *base; /* branch; "" = the default branch */
	const char *head; /* branch name; "" = made from the number */
	const json_t *files;
	bool fork, draft;
};
NODISCARD enum err act_pull(struct sandbox *s, struct sb_repo *r,
			    const struct act_pull *a, struct sb_pull **ret,
			    struct error *e);

/*
 * A new head: a commit of files on top of the old head, on top of the base
 * branch (force), or (sha) a commit that is there already.
 */
struct act_push {
	struct sb_user *user;
	const json_t *files; /* NULL: nothing */
	const char *message; /* "" = a usual one */
	const char *sha;     /* "" = make a commit */
	bool force;
};
NODISCARD enum err act_push_pull(struct sandbox *s, struct sb_pull *p,
				 const struct act_push *a, struct error *e);
/*
 * The same on a branch, which may be new; force: from its parent's side, as
 * an amend.
 */
NODISCARD enum err act_push_branch(struct sandbox *s, struct sb_repo *r,
				   const char *branch, const struct act_push *a,
				   char ret_sha[SB_SHA], struct error *e);

NODISCARD enum err act_close(struct sandbox *s, struct sb_pull *p,
			     struct sb_user *user, struct error *e);
NODISCARD enum err act_reopen(struct sandbox *s, struct sb_pull *p,
			      struct sb_user *user, struct error *e);
/* ERR_CONFLICT when it does not merge. */
NODISCARD enum err act_merge(struct sandbox *s, struct sb_pull *p,
			     struct sb_user *user, struct error *e);
/* Only who may write goes on commenting and reacting. */
void act_lock(struct sandbox *s, struct sb_pull *p, struct sb_user *user,
	      bool locked);
void act_draft(struct sandbox *s, struct sb_pull *p, struct sb_user *user,
	       bool draft);
void act_label(struct sandbox *s, struct sb_pull *p, struct sb_user *user,
	       const char *label, bool on);
/* New title or base branch, "" = as it was. */
NODISCARD enum err act_edit_pull(struct sandbox *s, struct sb_pull *p,
				 struct sb_user *user, const char *title,
				 const char *base, struct error *e);
/* Its author deletes the fork: head.repo is null from now on. */
void act_drop_fork(struct sandbox *s, struct sb_pull *p);

/* Looks again whether it merges; cheap when nothing moved. */
void act_refresh(struct sb_pull *p);

NODISCARD enum err act_comment(struct sandbox *s, struct sb_pull *p,
			       struct sb_user *user, const char *body,
			       struct sb_comment **ret, struct error *e);
NODISCARD enum err act_edit_comment(struct sandbox *s, struct sb_comment *c,
				    struct sb_user *user, const char *body,
				    struct error *e);
void act_delete_comment(struct sandbox *s, struct sb_comment *c,
			struct sb_user *user);

struct act_review {
	struct sb_user *user;
	const char *event;  /* APPROVE, COMMENT, REQUEST_CHANGES */
	const char *body;   /* may be "" in an approval */
	const char *commit; /* "" = the head */
};
NODISCARD enum err act_review(struct sandbox *s, struct sb_pull *p,
			      const struct act_review *a,
			      struct sb_review **ret, struct error *e);
NODISCARD enum err act_edit_review(struct sandbox *s, struct sb_review *r,
				   struct sb_user *user, const char *body,
				   struct error *e);
/* ERR_INVALID unless it approves or requests changes. */
NODISCARD enum err act_dismiss_review(struct sandbox *s, struct sb_review *r,
				      struct sb_user *user, struct error *e);

struct act_code_comment {
	struct sb_user *user;
	const char *body;
	const char *commit; /* "" = the head */
	const char *path;   /* "" = the first file that the pull changes */
	const struct sb_comment *reply_to; /* then as that one, or NULL */
};
/* As on GitHub, it comes with a review of its own that has no body. */
NODISCARD enum err act_code_comment(struct sandbox *s, struct sb_pull *p,
				    const struct act_code_comment *a,
				    struct sb_comment **ret, struct error *e);
/* The head has moved: comments on code move along, or are outdated. */
void act_move_comments(struct sandbox *s, struct sb_pull *p);

/* *ret_new is false when the user had given the same before. */
NODISCARD enum err act_react(struct sandbox *s, struct sb_comment *c,
			     struct sb_user *user, const char *content,
			     struct sb_reaction **ret, bool *ret_new,
			     struct error *e);
void act_unreact(struct sandbox *s, struct sb_comment *c,
		 struct sb_reaction *r);

/* Made when it is not there; ERR_CONFLICT when that is a person. */
NODISCARD enum err act_org(struct sandbox *s, const char *login,
			   struct sb_user **ret, struct error *e);
/* The id stays; the old login is free.  Not for owners of repositories. */
NODISCARD enum err act_rename(struct sandbox *s, struct sb_user *u,
			      const char *login, struct error *e);

struct act_status {
	struct sb_user *user;
	const char *sha, *state, *context;
	const char *description, *target_url; /* may be NULL */
};
NODISCARD enum err act_status(struct sandbox *s, struct sb_repo *r,
			      const struct act_status *a,
			      struct sb_status **ret, struct error *e);

#endif
