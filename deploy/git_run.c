#include "deploy/git_run.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "bot/base/cleanup.h"
#include "bot/base/clock.h"
#include "bot/base/fs.h"
#include "bot/base/redact.h"

/* Nothing that a user, the system or a repository configured counts. */
static const char *const fixed[] = {
	"LC_ALL=C",
	"TZ=UTC",
	"HOME=/nonexistent",
	"XDG_CONFIG_HOME=/nonexistent",
	"GIT_CONFIG_NOSYSTEM=1",
	"GIT_CONFIG_SYSTEM=/dev/null",
	"GIT_CONFIG_GLOBAL=/dev/null",
	"GIT_ATTR_NOSYSTEM=1",
	"GIT_TERMINAL_PROMPT=0",
	"GIT_ASKPASS=/bin/false",
	"SSH_ASKPASS=/bin/false",
	"GIT_NO_REPLACE_OBJECTS=1",
	"GIT_OPTIONAL_LOCKS=0",
};

/* What the operator's machine needs to reach the forge at all. */
static const char *const passed[] = {
	"PATH",		"TMPDIR",	  "http_proxy", "https_proxy",
	"HTTPS_PROXY",	"no_proxy",	  "NO_PROXY",	"SSL_CERT_FILE",
	"SSL_CERT_DIR", "GIT_SSL_CAINFO",
};

static const struct {
	const char *key;
	const char *value;
} config[] = {
	{"core.hooksPath", "/dev/null"},
	{"core.attributesFile", "/dev/null"},
	{"core.excludesFile", "/dev/null"},
	{"core.fsmonitor", "false"},
	{"credential.helper", ""},
	{"protocol.allow", "never"},
	{"http.followRedirects", "false"},
	{"submodule.recurse", "false"},
	{"fetch.fsckObjects", "true"},
	/* Old blunders of real histories, which no checkout can be hurt by. */
	{"fetch.fsck.badTimezone", "warn"},
	{"fetch.fsck.missingEmail", "warn"},
	{"fetch.fsck.missingSpaceBeforeDate", "warn"},
	{"fetch.fsck.missingSpaceBeforeEmail", "warn"},
	{"fetch.fsck.zeroPaddedDate", "warn"},
	{"fetch.fsck.zeroPaddedFilemode", "warn"},
	/* A fetch that is killed leaves no commit without its files, and a
	 * power cut no empty object. */
	{"fetch.unpackLimit", "1"},
	{"core.fsync", "committed"},
	{"gc.bigPackThreshold", "256m"},
	{"maintenance.auto", "false"},
	{"gc.autoDetach", "false"},
};

void git_env_release(struct git_env *env)
{
	for (size_t i = 0; i < env->count; i++) {
		sodium_memzero(env->items[i], strlen(env->items[i]));
		free(env->items[i]);
	}
	env->count = 0;
}

/* Takes item; keeps the last slot for the NULL. */
static void keep(struct git_env *env, char *item)
{
	if (!item || env->count + 1 >= ARRAY_SIZE(env->items)) {
		env->failed = true;
		free(item);
		return;
	}
	env->items[env->count++] = item;
}

static void add(struct git_env *env, const char *name, const char *value)
{
	keep(env, str_format("%s=%s", name, value));
}

static void add_config(struct git_env *env, int *n, const char *key,
		       const char *value)
{
	keep(env, str_format("GIT_CONFIG_KEY_%d=%s", *n, key));
	keep(env, str_format("GIT_CONFIG_VALUE_%d=%s", *n, value));
	(*n)++;
}

/* The first line of the file, which must look like a token. */
static enum err read_token(const char *path, struct str *token, struct error *e)
{
	if (fs_read(path, token, e))
		return error_set(e, ERR_RETRY, "cannot read the token file");
	str_truncate(token, strcspn(token->text, "\r\n"));
	for (size_t i = 0; i < token->len; i++)
		if (token->text[i] <= ' ' || token->text[i] > '~')
			token->failed = ERR_INVALID;
	if (!token->len || token->failed)
		return error_set(e, ERR_RETRY,
				 "the token file does not hold a token");
	redact_secret(token->text);
	return ERR_OK;
}

/* "Authorization: Basic ..." for the token, malloc'ed; NULL = no memory. */
static char *basic_header(const char *token)
{
	char *pair = str_format("x-access-token:%s", token);
	size_t len = pair ? strlen(pair) : 0;
	size_t room =
		sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_ORIGINAL);
	char *code = pair ? calloc(1, room) : NULL;
	char *header = NULL;

	if (code) {
		sodium_bin2base64(code, room, (const unsigned char *)pair, len,
				  sodium_base64_VARIANT_ORIGINAL);
		redact_secret(code);
		header = str_format("Authorization: Basic %s", code);
		sodium_memzero(code, room);
	}
	if (pair)
		sodium_memzero(pair, len);
	free(code);
	free(pair);
	return header;
}

static enum err add_token(struct git_env *env, int *n, const char *path,
			  const struct git_place *remote, struct error *e)
{
	CLEANUP(str_release) struct str token = STR_INIT(LIMIT_TOKEN_FILE);
	CLEANUP(free) char *header = NULL;
	char key[1100];

	if (read_token(path, &token, e))
		return e->code;
	header = basic_header(token.text);
	sodium_memzero(token.text, token.len);
	if (!header)
		return error_set(e, ERR_RETRY, "out of memory");
	snprintf(key, sizeof(key), "http.%s/.extraHeader", remote->origin.text);
	add_config(env, n, key, header);
	sodium_memzero(header, strlen(header));
	return ERR_OK;
}

static void add_identity(struct git_env *env, const struct git_settings *s,
			 int64_t date)
{
	static const char *const who[] = {"AUTHOR", "COMMITTER"};

	for (size_t i = 0; i < ARRAY_SIZE(who); i++) {
		keep(env, str_format("GIT_%s_NAME=%s", who[i], s->bot_name));
		keep(env, str_format("GIT_%s_EMAIL=%s", who[i], s->bot_email));
		keep(env, str_format("GIT_%s_DATE=@%lld +0000", who[i],
				     (long long)date));
	}
}

static void add_places(struct git_env *env, const struct git_call *c)
{
	if (c->git_dir)
		add(env, "GIT_DIR", c->git_dir);
	if (c->work_tree)
		add(env, "GIT_WORK_TREE", c->work_tree);
	if (c->index)
		add(env, "GIT_INDEX_FILE", c->index);
}

enum err git_env_build(const struct git *g, const struct git_call *c,
		       struct git_env *ret, struct error *e)
{
	const char *file = g->settings->token_file;
	char allow[40];
	int n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		keep(ret, strdup(fixed[i]));
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		if (getenv(passed[i]))
			add(ret, passed[i], getenv(passed[i]));
	for (size_t i = 0; i < ARRAY_SIZE(config); i++)
		add_config(ret, &n, config[i].key, config[i].value);
	add_places(ret, c);
	if (c->date > 0)
		add_identity(ret, g->settings, c->date);
	if (c->remote) {
		snprintf(allow, sizeof(allow), "protocol.%s.allow",
			 c->remote->scheme);
		add_config(ret, &n, allow, "always");
		if (c->remote->origin.len && file && *file &&
		    add_token(ret, &n, file, c->remote, e))
			return e->code;
	}
	keep(ret, str_format("GIT_CONFIG_COUNT=%d", n));
	if (ret->failed)
		return error_set(e, ERR_RETRY, "no room for git's environment");
	return ERR_OK;
}

/* The subcommand, for messages. */
static const char *verb(const struct git_call *c)
{
	return c->argv[1];
}

enum err git_run(struct git *g, const struct git_call *c,
		 struct proc_result *ret, struct error *e)
{
	CLEANUP(git_env_release) struct git_env env = {.count = 0};
	struct proc_spec spec = {
		.argv = c->argv,
		.env = (const char *const *)env.items,
		.dir = c->work_tree,
		.input = c->input,
		.input_len = c->input_len,
		.timeout_ms = c->timeout_ms ? c->timeout_ms : LIMIT_GIT_MS,
		.stop_when_full = c->stop_when_full,
		.cancel_fd = g->cancel_fd,
	};

	str_clear(&ret->out);
	str_clear(&ret->err);
	if (git_env_build(g, c, &env, e) || proc_run(&spec, ret, e))
		return error_prefix(e, "git %s", verb(c));
	if (ret->timed_out)
		return error_set(e, ERR_RETRY, "git %s: not done after %lld s",
				 verb(c), (long long)(spec.timeout_ms / 1000));
	if (ret->out.failed)
		return error_set(e, ERR_INVALID,
				 "git %s: wrote more than %zu bytes", verb(c),
				 ret->out.max);
	if (ret->signal)
		return error_set(e, ERR_RETRY, "git %s: killed by signal %d",
				 verb(c), ret->signal);
	return ERR_OK;
}

enum err git_run_ok(struct git *g, const struct git_call *c,
		    struct proc_result *ret, struct error *e)
{
	if (git_run(g, c, ret, e))
		return e->code;
	return ret->exit_code ? git_failure(g, c, ret, e) : ERR_OK;
}

/*
 * What git's complaints mean, the surest first.  They are git's own words in
 * the C locale; a server's words after "remote:" can at worst make a call
 * final that might have been repeated.
 */
static const struct {
	const char *text;
	enum err code;
} complaints[] = {
	{"fsck error", ERR_INVALID},
	{"error: 401", ERR_REFUSED},
	{"error: 403", ERR_REFUSED},
	{"Authentication failed", ERR_REFUSED},
	{"could not read Username", ERR_REFUSED},
	{"could not read Password", ERR_REFUSED},
	{"Permission denied", ERR_REFUSED},
	{"error: 404", ERR_MISSING},
	{"error: 30", ERR_MISSING}, /* moved; the token follows nowhere */
	{"Repository not found", ERR_MISSING},
	{"' not found", ERR_MISSING}, /* fatal: repository 'URL' not found */
	{"does not appear to be a git repository", ERR_MISSING},
};

/*
 * What only a damaged mirror makes git say.  "Could not read from remote
 * repository" is the network's, and must not be matched.
 */
static const char *const damage[] = {
	"not a git repository", "is corrupt",	      "corrupted",
	"object file",		"bad object",	      "unable to read tree",
	"unable to read sha1",	"unable to unpack",   "packfile",
	"bad config line",	"could not parse",    "cannot read object",
	"does not match index", "Failed to traverse", "revision walk setup",
};

static const char *const machine[] = {
	"No space left",      "Disk quota",	     "unable to write",
	"unable to create",   "out of memory",	     "Out of memory",
	"Cannot allocate",    "Too many open files", "Read-only file system",
	"Input/output error",
};

static bool says(const struct proc_result *r, const char *text)
{
	return strstr(r->err.text, text) != NULL;
}

bool git_overwhelmed(const struct git *g, const struct proc_result *r)
{
	return git_pause(g, 0) && (r->timed_out || r->signal || r->out.failed);
}

bool git_machine_trouble(const struct proc_result *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(machine); i++)
		if (says(r, machine[i]))
			return true;
	return false;
}

void git_complaint(struct str *out, const struct proc_result *r)
{
	static const char *const best[] = {"remote: ", "fatal: ", "error: "};
	CLEANUP(str_release) struct str safe = STR_INIT(240);
	CLEANUP(str_release) struct str clean = STR_INIT(LIMIT_GIT_COMPLAINT);
	const char *line = r->err.text;
	size_t len;

	for (size_t i = 0; i < ARRAY_SIZE(best); i++) {
		const char *found = strstr(r->err.text, best[i]);

		if (found && (found == r->err.text || found[-1] == '\n')) {
			line = found + strlen(best[i]);
			break;
		}
	}
	len = strcspn(line, "\n");
	redact_text(&clean, line, len);
	git_text(&safe, clean.text, clean.len);
	str_add(out, safe.text, str_utf8_cut(safe.text, safe.len, 236));
	if (!safe.len)
		str_addf(out, "exit code %d", r->exit_code);
}

static enum err code_of(struct git *g, const struct git_call *c,
			const struct proc_result *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(complaints); i++)
		if (says(r, complaints[i].text))
			return complaints[i].code;
	if (git_machine_trouble(r))
		return ERR_RETRY;
	for (size_t i = 0; c->git_dir && i < ARRAY_SIZE(damage); i++)
		if (says(r, damage[i]))
			g->corrupt = true;
	return ERR_RETRY;
}

enum err git_failure(struct git *g, const struct git_call *c,
		     const struct proc_result *r, struct error *e)
{
	CLEANUP(str_release) struct str why = STR_INIT(300);
	enum err code = code_of(g, c, r);

	git_complaint(&why, r);
	return error_set(e, code, "git %s: %s", verb(c), why.text);
}

bool git_pause(const struct git *g, int64_t ms)
{
	struct pollfd fd = {.fd = g->cancel_fd > 0 ? g->cancel_fd : -1,
			    .events = POLLIN};
	int64_t end = clock_mono(&clock_system) + ms;
	int64_t left = ms;
	int n;

	do {
		n = poll(&fd, 1, left > 0 ? (int)left : 0);
		left = end - clock_mono(&clock_system);
	} while (n < 0 && errno == EINTR);
	return n <= 0;
}
