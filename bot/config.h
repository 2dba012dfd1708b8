/*
 * The operator's YAML file as a tree of constants.  Only this file says what
 * the bot may do; nothing is ever read from a pull request.
 *
 * A mistake is reported as FILE:LINE:COL: message; an unknown key with the
 * nearest known one.  All mistakes of a file are reported, not the first.
 */
#ifndef BOT_CONFIG_H
#define BOT_CONFIG_H

#include "bot/base/arena.h"
#include "bot/base/cleanup.h"
#include "bot/base/str.h"
#include "deploy/environment.h"

struct config {
	const char *path;
	const char *hash; /* of the file's bytes (BLAKE2b), 64 hex digits */
	const char *listen_host; /* "127.0.0.1", "::1" (no brackets) */
	int listen_port;	 /* 0 = any free one (tests) */
	const char *public_url;	 /* without slash at the end */
	const char *state_dir;
	const char *bot_name; /* the mention, without @ */

	const char *api_url;   /* without slash at the end */
	const char *clone_url; /* with {repo} */
	const char *token_file;
	int64_t app_id; /* 0 = token_file is used */
	int64_t app_installation;
	const char *app_key_file;
	const char *webhook_secret_file;
	int64_t commit_guard_ms;
	int64_t reconcile_ms;

	text_list admins; /* logins that seed an empty trust table */
	const char *trust_permission; /* that who commands must have on the
					 forge, or "" */

	const struct environment *environments;
	size_t environment_count;

	struct arena arena; /* holds all text and lists above */
};

void config_free(struct config *c);
DEFINE_CLEANUP(struct config *, config_free)

/*
 * Reads and checks the file.  NULL when it has mistakes: each is then a line
 * in *ret_report, and e says how many.  Warnings (an isolation of none, ...)
 * are lines in *ret_report too, with the config returned.  A file that cannot
 * be read, or is larger than LIMIT_CONFIG_FILE, is in e alone.
 */
NODISCARD OWNED_BY(config_free)
struct config *config_load(const char *path, struct str *ret_report,
			   struct error *e);

/*
 * As config_load() of a file that holds len bytes of text.  path stands in the
 * messages, and relative paths in the file start at its folder.
 */
NODISCARD OWNED_BY(config_free)
struct config *config_parse(const char *path, const char *text, size_t len,
			    struct str *ret_report, struct error *e);

/*
 * Looks at what the configuration names on this machine: secrets, token,
 * programs, users, time zones.  Each thing amiss is a line in *report;
 * ERR_INVALID, and how many in e, when with it the bot cannot start.  Opens
 * the files, but keeps nothing of them.
 */
NODISCARD enum err config_check_files(const struct config *c,
				      struct str *report, struct error *e);

/* The environments that repo belongs to: the next one from index *i, or NULL.
 * Start with *i = 0. */
const struct environment *config_environment_of(const struct config *c,
						const char *repo, size_t *i);

/* By name, or NULL. */
const struct environment *config_environment(const struct config *c,
					     const char *name);

#endif
