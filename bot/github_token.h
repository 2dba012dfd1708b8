/*
 * Where the token comes from.  The rest of the client asks for the text and
 * says when the forge refused it; that the token lies in a file is known
 * here only.  One thread.
 */
#ifndef BOT_GITHUB_TOKEN_H
#define BOT_GITHUB_TOKEN_H

#include "bot/base/cleanup.h"
#include "bot/base/str.h"

struct github_token;

void github_token_free(struct github_token *t);
DEFINE_CLEANUP(struct github_token *, github_token_free)

/* Reads the file.  The token is known to redact_text() from then on. */
NODISCARD OWNED_BY(github_token_free)
struct github_token *github_token_new(const char *file, struct error *e);

/* Borrowed until the next renewal. */
const char *github_token_text(const struct github_token *t);

/*
 * The forge did not take it: gets it anew.  *ret_changed tells whether it is
 * another one now.  On failure the old one stays.
 */
NODISCARD enum err github_token_renew(struct github_token *t, bool *ret_changed,
				      struct error *e);

#endif
