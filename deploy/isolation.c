#include "deploy/isolation.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "bot/base/proc.h"
#include "deploy/job.h"

static bool is_under(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return str_starts(path, folder) && (path[n] == '/' || !path[n]);
}

static bool is_hidden(const struct isolation_view *view, const char *path)
{
	size_t i;
	json_t *v;

	json_array_foreach (view->hide, i, v) {
		if (is_under(path, json_string_value(v)))
			return true;
	}
	return false;
}

static void add_machine(struct strv *argv)
{
	/*
	 * A session of its own, as "kill 0" knows no pid namespace: it would
	 * reach bubblewrap outside, whose end looks like the machine's fault.
	 */
	STRV_ADD(argv, "bwrap", "--die-with-parent", "--new-session",
		 "--unshare-pid", "--unshare-ipc", "--cap-drop", "ALL",
		 "--bind", "/", "/", "--dev", "/dev", "--proc", "/proc");
	if (geteuid() != 0)
		return;
	/*
	 * Without any capability uid 0 still owns these, and a word written to
	 * kernel/core_pattern runs a program outside.
	 */
	STRV_ADD(argv, "--ro-bind", "/sys", "/sys", "--ro-bind", "/proc/sys",
		 "/proc/sys", "--ro-bind-try", "/proc/sysrq-trigger",
		 "/proc/sysrq-trigger");
}

static void add_bind(struct strv *argv, const char *how, const char *dir,
		     const char *name)
{
	STRV_ADD(argv, how);
	strv_addf(argv, "%s/%s", dir, name);
	strv_addf(argv, "%s/%s", dir, name);
}

static void add_folders(const struct isolation_view *view, struct strv *argv)
{
	size_t i;
	json_t *v;

	json_array_foreach (view->hide, i, v)
		STRV_ADD(argv, "--perms", "0755", "--size", "1048576",
			 "--tmpfs", json_string_value(v));
	add_bind(argv, "--bind", view->dir, JOB_WORK);
	add_bind(argv, "--bind", view->dir, JOB_TMP);
	add_bind(argv, "--ro-bind", view->dir, JOB_MANIFEST);
	json_array_foreach (view->hide, i, v)
		STRV_ADD(argv, "--remount-ro", json_string_value(v));
}

static void add_files(const struct isolation_view *view, struct strv *argv)
{
	char path[PATH_MAX];
	size_t i;
	json_t *v;

	json_array_foreach (view->files, i, v) {
		const char *file = json_string_value(v);

		/* A link may lead to it; what it leads to is hidden. */
		if (file && realpath(file, path) && !is_hidden(view, path))
			STRV_ADD(argv, "--ro-bind", "/dev/null", path);
	}
}

void isolation_bubblewrap(const struct isolation_view *view, int status_fd,
			  struct strv *argv)
{
	add_machine(argv);
	add_folders(view, argv);
	add_files(view, argv);
	STRV_ADD(argv, "--chdir");
	strv_addf(argv, "%s/" JOB_WORK, view->dir);
	/* bubblewrap, but not the job, holds JOB_HOLD until all is gone. */
	STRV_ADD(argv, "--sync-fd");
	strv_addf(argv, "%d", JOB_LOCK_FD);
	STRV_ADD(argv, "--json-status-fd");
	strv_addf(argv, "%d", status_fd);
	STRV_ADD(argv, "--");
}

/* Does it fail now, and perhaps not the next time? */
static bool is_passing(const char *complaint)
{
	static const char *const words[] = {
		"Resource temporarily unavailable",
		"No space left on device", /* too many namespaces */
		"Cannot allocate memory",
		"Too many open files",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(complaint, words[i]))
			return true;
	return false;
}

const char *isolation_best(struct error *e)
{
	static const char *const env[] = {"PATH=/usr/local/bin:/usr/bin:/bin",
					  NULL};
	CLEANUP(strv_release) struct strv argv = STRV_INIT;
	CLEANUP(proc_result_release)
	struct proc_result r = {.out = STR_INIT(1024), .err = STR_INIT(300)};
	struct proc_spec spec = {.env = env, .dir = "/", .timeout_ms = 10000};
	struct error why = ERROR_INIT;
	enum err rc;

	add_machine(&argv);
	STRV_ADD(&argv, "--size", "1048576", "--tmpfs", "/tmp", "--remount-ro",
		 "/tmp", "--json-status-fd", "1", "--", "true");
	spec.argv = (const char *const *)argv.v;
	rc = argv.failed ? error_set(&why, ERR_RETRY, "out of memory")
			 : proc_run(&spec, &r, &why);
	/* In doubt the jobs fail; they do not run in the open. */
	if (rc == ERR_RETRY ||
	    (rc == ERR_OK && (r.timed_out || is_passing(r.err.text))))
		return "bubblewrap";
	if (rc)
		error_set(e, ERR_MISSING, "bubblewrap: %s", why.text);
	else if (r.exit_code != 0)
		error_set(e, ERR_REFUSED, "bubblewrap does not work here: %s",
			  r.err.len ? r.err.text : "it failed");
	return rc || r.exit_code != 0 ? "none" : "bubblewrap";
}
