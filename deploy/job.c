#include "deploy/job.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "bot/base/fs.h"
#include "bot/base/limits.h"

void job_end_set(struct job_end *end, const char *verdict, const char *reason,
		 const char *fmt, ...)
{
	va_list ap;

	end->verdict = verdict;
	end->reason = reason;
	va_start(ap, fmt);
	vsnprintf(end->text, sizeof(end->text), fmt, ap);
	va_end(ap);
	/* It goes into JSON, and may be cut inside a character. */
	for (char *p = end->text; *p; p++) {
		if ((unsigned char)*p >= 0x80 || (unsigned char)*p < 0x20)
			*p = '?';
	}
}

enum err job_end_write(const struct job_end *end, const char *dir,
		       struct error *e)
{
	CLEANUP(free) char *path = str_format("%s/" JOB_EXIT, dir);
	CLEANUP(json_decref)
	json_t *root = json_pack("{s:s,s:s,s:s,s:i,s:i,s:I,s:I,s:I,s:I}",
				 "verdict", end->verdict, "reason_code",
				 end->reason, "text", end->text, "exit_code",
				 end->exit_code, "signal", end->signal,
				 "started_ms", (json_int_t)end->started_ms,
				 "finished_ms", (json_int_t)end->finished_ms,
				 "running", (json_int_t)end->running,
				 "log_lost", (json_int_t)end->log_lost);
	CLEANUP(free) char *text = root ? js_dump(root) : NULL;

	if (!path || !text)
		return error_set(e, ERR_FATAL, "out of memory");
	return fs_write(path, text, strlen(text), 0600, e);
}

json_t *job_read(const char *dir, const char *name, struct error *e)
{
	CLEANUP(str_release) struct str text = STR_INIT(JOB_SPEC_MAX);
	CLEANUP(free) char *path = str_format("%s/%s", dir, name);
	json_t *root;

	if (!path) {
		error_set(e, ERR_FATAL, "out of memory");
		return NULL;
	}
	if (fs_read(path, &text, e))
		return NULL;
	root = js_parse(text.text, text.len, e);
	if (!root)
		error_prefix(e, "%s", path);
	return root;
}

bool job_has(const char *dir, const char *name)
{
	CLEANUP(free) char *path = str_format("%s/%s", dir, name);

	return path && access(path, F_OK) == 0;
}

/* A retry goes on with what the first cycle of its number has built. */
static long long number_of(const json_t *spec)
{
	return (long long)js_int(spec, "number", js_int(spec, "cycle", 0));
}

/* Adds text with the placeholders replaced by numbers and configured names. */
static void expand(const json_t *spec, const char *text, struct str *out)
{
	static const char *const names[] = {"cycle", "kind", "environment"};
	char cycle[24];

	snprintf(cycle, sizeof(cycle), "%lld", number_of(spec));
	while (*text) {
		size_t i, n = 0;

		for (i = 0; i < ARRAY_SIZE(names) && *text == '{'; i++) {
			n = strlen(names[i]);
			if (strncmp(text + 1, names[i], n) == 0 &&
			    text[n + 1] == '}')
				break;
			n = 0;
		}
		if (n)
			str_puts(out, i ? js_str(spec, names[i]) : cycle);
		else
			str_putc(out, *text);
		text += n ? n + 2 : 1;
	}
}

enum err job_argv(const json_t *spec, struct strv *ret, struct error *e)
{
	const json_t *run = js_get(spec, "run");
	size_t i;
	json_t *v;

	json_array_foreach (run, i, v) {
		CLEANUP(str_release) struct str s = STR_INIT(128u << 10);

		if (!json_is_string(v))
			return error_set(e, ERR_INVALID, "run is not text");
		expand(spec, json_string_value(v), &s);
		if (str_check(&s, e))
			return e->code;
		STRV_ADD(ret, s.text);
	}
	if (ret->failed)
		return error_set(e, ERR_FATAL, "out of memory");
	if (!ret->count || !ret->v[0][0])
		return error_set(e, ERR_INVALID, "there is no program to run");
	return ERR_OK;
}

bool job_folder_valid(const char *name)
{
	return *name && *name != '.' && !strchr(name, '/') &&
	       strlen(name) < 200;
}

bool job_program_inside(const json_t *spec)
{
	const char *program =
		json_string_value(json_array_get(js_get(spec, "run"), 0));
	const json_t *projects = js_get(spec, "manifest.projects");
	size_t i, n;
	json_t *project;

	while (program && str_starts(program, "./"))
		program += 2;
	n = program ? strcspn(program, "/") : 0;
	if (!n || !program[n])
		return false;
	json_array_foreach (projects, i, project) {
		const char *name = js_str(project, "name");

		if (strlen(name) == n && strncmp(name, program, n) == 0)
			return true;
	}
	return false;
}

/* KCIBOT_SHA_KERNELCI_CORE=... */
static void add_sha(const json_t *project, struct strv *ret)
{
	CLEANUP(free) char *name = strdup(js_str(project, "name"));

	if (!name) {
		ret->failed = true;
		return;
	}
	for (char *p = name; *p; p++) {
		*p = (char)toupper((unsigned char)*p);
		if (!isalnum((unsigned char)*p))
			*p = '_';
	}
	strv_addf(ret, "KCIBOT_SHA_%s=%s", name, js_str(project, "sha"));
}

static enum err add_secret(const char *name, const char *file, struct strv *ret,
			   struct error *e)
{
	CLEANUP(str_release) struct str text = STR_INIT(LIMIT_TOKEN_FILE);
	struct error why = ERROR_INIT;

	if (!file || fs_read(file, &text, &why))
		return error_set(
			e, text.failed == ERR_FATAL ? ERR_FATAL : ERR_MISSING,
			"secret %s: %s", name, file ? why.text : "no file");
	while (text.len && (text.text[text.len - 1] == '\n' ||
			    text.text[text.len - 1] == '\r'))
		str_truncate(&text, text.len - 1);
	if (!text.len || memchr(text.text, 0, text.len))
		return error_set(e, ERR_MISSING,
				 "secret %s: %s is empty or not text", name,
				 file);
	strv_addf(ret, "%s=%s", name, text.text);
	explicit_bzero(text.text, text.len);
	return ERR_OK;
}

enum err job_env(const json_t *spec, const char *dir, struct strv *ret,
		 struct error *e)
{
	const json_t *projects = js_get(spec, "manifest.projects");
	json_t *value;
	const char *name;
	size_t i;

	STRV_ADD(ret, "PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8");
	strv_addf(ret, "HOME=%s/" JOB_WORK, dir);
	strv_addf(ret, "TMPDIR=%s/" JOB_TMP, dir);
	strv_addf(ret, "KCIBOT_CYCLE=%lld", number_of(spec));
	strv_addf(ret, "KCIBOT_KIND=%s", js_str(spec, "kind"));
	strv_addf(ret, "KCIBOT_ENVIRONMENT=%s", js_str(spec, "environment"));
	strv_addf(ret, "KCIBOT_MANIFEST=%s/" JOB_MANIFEST, dir);
	json_array_foreach (projects, i, value)
		add_sha(value, ret);
	json_object_foreach (js_get(spec, "secrets"), name, value) {
		if (add_secret(name, json_string_value(value), ret, e))
			return e->code;
	}
	return ret->failed ? error_set(e, ERR_FATAL, "out of memory") : ERR_OK;
}
