#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bot/base/fs.h"
#include "bot/base/limits.h"
#include "bot/config.h"
#include "deploy/zone.h"

struct look {
	const struct config *c;
	struct str *report;
	int mistakes;
};

static void mistake(struct look *l, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void warning(struct look *l, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void mistake(struct look *l, const char *fmt, ...)
{
	va_list ap;

	l->mistakes++;
	str_addf(l->report, "%s: ", l->c->path);
	va_start(ap, fmt);
	str_vaddf(l->report, fmt, ap);
	va_end(ap);
	str_putc(l->report, '\n');
}

static void warning(struct look *l, const char *fmt, ...)
{
	va_list ap;

	str_addf(l->report, "%s: warning: ", l->c->path);
	va_start(ap, fmt);
	str_vaddf(l->report, fmt, ap);
	va_end(ap);
	str_putc(l->report, '\n');
}

/* A secret does not stay in memory that was given back. */
static void wipe(struct str *s)
{
	if (s->cap)
		explicit_bzero(s->text, s->cap);
	str_release(s);
}

static void wipe_at(struct str *s)
{
	wipe(s);
}

/* The content of a secret file; false when there is none to look at. */
static bool read_secret(struct look *l, const char *path, struct str *out)
{
	struct error e = ERROR_INIT;
	struct stat st;

	if (fs_read(path, out, &e)) {
		mistake(l, "%s", e.text);
		return false;
	}
	if (!stat(path, &st) && st.st_mode & 077)
		warning(l, "%s can be read by others (mode %04o); chmod 600 it",
			path, st.st_mode & 07777);
	return true;
}

static void look_at_webhook_secret(struct look *l)
{
	CLEANUP(wipe) struct str text = STR_INIT(2 * LIMIT_SECRET_MAX + 4);
	const char *path = l->c->webhook_secret_file;
	int lines = 0;

	if (!read_secret(l, path, &text))
		return;
	for (const char *p = text.text; *p;) {
		size_t n = strcspn(p, "\n");
		size_t len = n && p[n - 1] == '\r' ? n - 1 : n;

		lines++;
		if (len < LIMIT_SECRET_MIN || len > LIMIT_SECRET_MAX)
			mistake(l,
				"%s: line %d has %zu bytes; a secret has %d "
				"to %d",
				path, lines, len, LIMIT_SECRET_MIN,
				LIMIT_SECRET_MAX);
		p += n + (p[n] == '\n');
	}
	if (!lines)
		mistake(l, "%s is empty", path);
	if (lines > 2)
		mistake(l,
			"%s has %d lines; the new and the old secret make "
			"two",
			path, lines);
	if (strlen(text.text) != text.len)
		mistake(l, "%s holds a NUL byte", path);
}

static void look_at_token(struct look *l)
{
	CLEANUP(wipe) struct str text = STR_INIT(LIMIT_TOKEN_FILE);
	const char *path = l->c->token_file;
	size_t n;

	if (!read_secret(l, path, &text))
		return;
	n = strcspn(text.text, " \t\r\n");
	if (!n)
		mistake(l, "%s is empty, or begins with a blank", path);
	else if (n + strspn(text.text + n, " \t\r\n") != text.len)
		mistake(l, "%s holds more than one token", path);
}

static void look_at_program(struct look *l, const struct job_spec *job)
{
	const char *program = job->run[0];
	struct stat st;

	if (!program || program[0] != '/')
		return;
	if (stat(program, &st))
		warning(l, "job '%s': %s: %s", job->name, program,
			strerrordesc_np(errno));
	else if (!S_ISREG(st.st_mode) || access(program, X_OK))
		warning(l, "job '%s': %s cannot be executed", job->name,
			program);
}

static void look_at_job(struct look *l, const struct job_spec *job)
{
	look_at_program(l, job);
	for (size_t i = 0; i < job->secret_count; i++)
		if (access(job->secrets[i].file, R_OK))
			warning(l, "job '%s': secret %s: %s: %s", job->name,
				job->secrets[i].name, job->secrets[i].file,
				strerrordesc_np(errno));
}

/* A misspelt zone must not freeze at other hours than was meant. */
static void look_at_zone(struct look *l, const struct environment *env,
			 const char *name)
{
	struct error e = ERROR_INIT;
	const struct zone *zone;

	if (zone_find(name, &zone, &e))
		mistake(l, "environment '%s': %s", env->name, e.text);
}

static void look_at_environment(struct look *l, const struct environment *env)
{
	if (env->isolation == ISOLATION_USER && !getpwnam(env->isolation_user))
		mistake(l, "environment '%s': no user '%s' on this machine",
			env->name, env->isolation_user);
	for (size_t i = 0; i < env->job_count; i++)
		look_at_job(l, &env->jobs[i]);
	for (size_t i = 0; i < env->freeze_count; i++)
		look_at_zone(l, env, env->freezes[i].zone);
}

enum err config_check_files(const struct config *c, struct str *report,
			    struct error *e)
{
	struct look l = {.c = c, .report = report};

	look_at_webhook_secret(&l);
	look_at_token(&l);
	for (size_t i = 0; i < c->environment_count; i++)
		look_at_environment(&l, &c->environments[i]);
	if (!l.mistakes)
		return ERR_OK;
	return error_set(e, ERR_INVALID, "%s: %d thing%s amiss on this machine",
			 c->path, l.mistakes, l.mistakes == 1 ? "" : "s");
}
