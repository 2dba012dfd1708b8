#include "bot/github_token.h"

#include <string.h>

#include "bot/base/fs.h"
#include "bot/base/limits.h"
#include "bot/base/redact.h"

struct github_token {
	char *file;
	char *text;
};

static void dispose(struct github_token *t)
{
	if (t->text)
		explicit_bzero(t->text, strlen(t->text));
	free(t->text);
	free(t->file);
	free(t);
}
DEFINE_CLEANUP(struct github_token *, dispose)

/*
 * Visible ASCII only: a line break inside would begin another header.  The
 * length is free, tokens have grown before.
 */
static enum err read_token(const char *file, char **ret, struct error *e)
{
	CLEANUP(str_release) struct str s = STR_INIT(LIMIT_TOKEN_FILE);

	if (fs_read(file, &s, e))
		return e->code;
	while (s.len && strchr(" \t\r\n", s.text[s.len - 1]))
		str_truncate(&s, s.len - 1);
	if (!s.len)
		return error_set(e, ERR_INVALID, "%s: holds no token", file);
	for (size_t i = 0; i < s.len; i++)
		if (s.text[i] <= ' ' || s.text[i] >= 0x7f)
			return error_set(e, ERR_INVALID,
					 "%s: holds more than one token, or "
					 "none: byte %zu is no part of one",
					 file, i + 1);
	redact_secret(s.text);
	return str_take(&s, ret, e);
}

struct github_token *github_token_new(const char *file, struct error *e)
{
	CLEANUP(dispose) struct github_token *t = calloc(1, sizeof(*t));

	if (!file || !*file) {
		error_set(e, ERR_INVALID, "no token_file is named");
		return NULL;
	}
	if (!t || !(t->file = strdup(file))) {
		error_set(e, ERR_FATAL, "out of memory");
		return NULL;
	}
	if (read_token(file, &t->text, e))
		return NULL;
	return TAKE(t);
}

void github_token_free(struct github_token *t)
{
	if (t)
		dispose(t);
}

const char *github_token_text(const struct github_token *t)
{
	return t->text;
}

enum err github_token_renew(struct github_token *t, bool *ret_changed,
			    struct error *e)
{
	char *fresh;

	if (read_token(t->file, &fresh, e))
		return e->code;
	*ret_changed = strcmp(fresh, t->text) != 0;
	explicit_bzero(t->text, strlen(t->text));
	free(t->text);
	t->text = fresh;
	return ERR_OK;
}
