/* How git.c and git_list.c call git. */
#ifndef SANDBOX_GIT_RUN_H
#define SANDBOX_GIT_RUN_H

#include <string.h>

#include "bot/base/proc.h"
#include "tests/sandbox/state.h"

/* One call after the other: output, and room for the environment. */
struct git_run {
	struct proc_result result;
	char name[160], mail[192], author[160], author_mail[192];
	char path[4096], home[32];
};

static inline void git_run_init(struct git_run *r)
{
	memset(r, 0, sizeof(*r));
	str_init(&r->result.out, SB_BODY);
	str_init(&r->result.err, 4096);
}

static inline void git_run_release(struct git_run *r)
{
	proc_result_release(&r->result);
}

static inline void git_run_release_at(struct git_run *r)
{
	git_run_release(r);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/*
 * Runs git in path with words as login (NULL = nobody of note).  The exit
 * code is the caller's matter; ERR_OK says only that git ran.
 */
NODISCARD enum err git(struct git_run *r, const char *path, const char *login,
		       const char *input, size_t input_len,
		       const char *const *words, struct error *e);

/* The same without input, and git must succeed. */
NODISCARD enum err git_ok(struct git_run *r, const char *path,
			  const char *login, const char *const *words,
			  struct error *e);

#endif
