/*
 * What the parts of the control interface share: what the members of a
 * call's body name.  NULL has been answered already.
 */
#ifndef SANDBOX_CONTROL_H
#define SANDBOX_CONTROL_H

#include "tests/sandbox/http.h"

/* {repo} */
struct sb_repo *control_repo(struct call *c);
/* {repo, number} */
struct sb_pull *control_pull(struct call *c);
/* The user that member names; absent when it names none. */
struct sb_user *control_user(struct call *c, const char *member,
			     struct sb_user *absent);
/* {id}, and {repo} if it is there: of the conversation or of the code. */
struct sb_comment *control_comment(struct call *c);
/* 201 {id} */
void control_made(struct call *c, int64_t id);

#endif
