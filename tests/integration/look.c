/* The house: what can be seen from outside, and waiting for it. */
#include "tests/integration/look.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bot/base/clock.h"
#include "bot/base/fs.h"
#include "bot/base/proc.h"
#include "deploy/job.h"

#define LOG_SHOWN (24u << 10)

static int pause_ms = 15;

void look_each_ms(int ms)
{
	pause_ms = ms;
}

void look_pause(void)
{
	nanosleep(&(struct timespec){.tv_nsec = pause_ms * 1000000L}, NULL);
}

static void print_log(const struct house *h)
{
	CLEANUP(str_release) struct str log = STR_INIT(16u << 20);
	struct error e = ERROR_INIT;

	if (fs_read(h->log, &log, &e) == ERR_OK)
		fprintf(stderr, "--- the bot's log\n%s",
			log.text + (log.len > LOG_SHOWN ? log.len - LOG_SHOWN
							: 0));
}

static void print_said(struct house *h)
{
	static const char *const repos[] = {API, WEB};

	for (size_t i = 0; h->forge && i < ARRAY_SIZE(repos); i++)
		for (int n = 1; n < 10; n++) {
			CLEANUP(json_decref)
			json_t *all = sbc_conversation(h->forge, repos[i], n);
			CLEANUP(free)
			char *text =
				all ? json_dumps(all, JSON_INDENT(1)) : NULL;

			if (!text)
				break;
			fprintf(stderr, "--- %s#%d\n%s\n", repos[i], n, text);
		}
}

NORETURN void look_fail(struct house *h, const char *why)
{
	print_log(h);
	print_said(h);
	fprintf(stderr, "--- %s\n", why);
	fail_msg("%s", why);
	abort();
}

/* --- the store --- */

static int64_t query_one(sqlite3 *db, const char *query, const char *inbox)
{
	sqlite3_stmt *attach = NULL, *row = NULL;
	int64_t ret = -1;

	sqlite3_busy_timeout(db, 10000);
	if (sqlite3_prepare_v2(db, "ATTACH ?1 AS inbox", -1, &attach, NULL))
		return -1;
	sqlite3_bind_text(attach, 1, inbox, -1, SQLITE_STATIC);
	if (sqlite3_step(attach) == SQLITE_DONE &&
	    !sqlite3_prepare_v2(db, query, -1, &row, NULL) &&
	    sqlite3_step(row) == SQLITE_ROW)
		ret = sqlite3_column_int64(row, 0);
	sqlite3_finalize(attach);
	sqlite3_finalize(row);
	return ret;
}

int64_t house_sql(struct house *h, const char *query)
{
	CLEANUP(free) char *path = str_format("%s/kcibot.db", h->state);
	CLEANUP(free) char *inbox = str_format("%s/inbox.db", h->state);
	int64_t ret = -1;
	sqlite3 *db;

	if (!sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL))
		ret = query_one(db, query, inbox);
	sqlite3_close(db);
	return ret;
}

/* --- waiting --- */

static void await(struct house *h, bool (*is_so)(struct house *h, void *ctx),
		  void *ctx, const char *what)
{
	int64_t end = clock_mono(&clock_system) + HOUSE_WAIT_MS;

	while (!is_so(h, ctx)) {
		if (clock_mono(&clock_system) > end)
			look_fail(h, what);
		look_pause();
	}
}

struct wanted_number {
	const char *query;
	int64_t want;
};

static bool is_number(struct house *h, void *ctx)
{
	const struct wanted_number *w = ctx;

	return house_sql(h, w->query) == w->want;
}

void house_await_sql(struct house *h, const char *query, int64_t want)
{
	struct wanted_number w = {query, want};

	await(h, is_number, &w, query);
}

static bool all_delivered(struct house *h)
{
	CLEANUP(json_decref)
	json_t *list = sbc_get(h->forge, "/_sandbox/deliveries");
	json_t *one;
	size_t i;

	json_array_foreach (list, i, one) {
		if (strcmp(js_str(one, "status"), "pending") == 0)
			return false;
	}
	return true;
}

bool house_is_quiet(struct house *h)
{
	static const char query[] =
		"SELECT (SELECT count(*) FROM outbox WHERE state = 'ready')"
		" + (SELECT count(*) FROM cycle WHERE state <> 'finished')"
		" + (SELECT count(*) FROM request WHERE state = 'waiting')"
		" + (SELECT count(*) FROM inbox.delivery, main.cursor"
		"    WHERE delivery.seq > cursor.seq)";

	/* In this order: what is delivered later is not asked about.  Asked
	 * first as well, because it costs less than the list of deliveries. */
	return house_sql(h, query) == 0 && all_delivered(h) &&
	       house_sql(h, query) == 0;
}

static bool is_quiet(struct house *h, void *ctx UNUSED)
{
	return house_is_quiet(h);
}

void house_await_quiet(struct house *h)
{
	await(h, is_quiet, NULL, "it does not become quiet");
}

static bool is_logged(struct house *h, void *ctx)
{
	CLEANUP(str_release) struct str log = STR_INIT(16u << 20);
	struct error e = ERROR_INIT;

	return fs_read(h->log, &log, &e) == ERR_OK && strstr(log.text, ctx);
}

void house_await_log(struct house *h, const char *text)
{
	await(h, is_logged, (void *)(uintptr_t)text, text);
}

static bool has_faults(struct house *h, void *ctx)
{
	CLEANUP(json_decref)
	json_t *all = sbc_get(h->forge, "/_sandbox/requests");
	int count = 0;
	json_t *one;
	size_t i;

	json_array_foreach (all, i, one) {
		count += js_bool(one, "fault", false);
	}
	return count >= *(const int *)ctx;
}

void house_await_faults(struct house *h, int count)
{
	await(h, has_faults, &count, "the forge did not meet the fault");
}

static bool is_there(const char *dir, const char *name)
{
	CLEANUP(free) char *path = str_format("%s/%s", dir, name);
	struct stat st;

	return stat(path, &st) == 0;
}

static bool has_ended(struct house *h, void *ctx)
{
	CLEANUP(free)
	char *dir = str_format("%s/jobs/%s", h->state, (const char *)ctx);

	return is_there(dir, JOB_EXIT);
}

void house_await_job_end(struct house *h, const char *key)
{
	await(h, has_ended, (void *)(uintptr_t)key, key);
}

/* --- jobs --- */

static int count_lines(struct house *h, const char *line)
{
	CLEANUP(free) char *path = str_format("%s/ran", h->dir);
	CLEANUP(str_release) struct str text = STR_INIT(1u << 20);
	struct error e = ERROR_INIT;
	size_t len = strlen(line);
	int count = 0;

	assert_int_equal(fs_read(path, &text, &e), ERR_OK);
	for (const char *at = text.text; at && *at; at = strchr(at, '\n')) {
		at += *at == '\n';
		count += strncmp(at, line, len) == 0 &&
			 (at[len] == ' ' || at[len] == '\n');
	}
	return count;
}

int house_ran(struct house *h, const char *line)
{
	return count_lines(h, line);
}

static bool has_run(struct house *h, void *ctx)
{
	const struct wanted_number *w = ctx;

	return count_lines(h, w->query) >= w->want;
}

void house_await_ran(struct house *h, const char *line, int count)
{
	struct wanted_number w = {line, count};

	await(h, has_run, &w, line);
}

void house_hold(struct house *h, const char *job)
{
	CLEANUP(free) char *path = str_format("%s/hold-%s", h->dir, job);
	struct error e = ERROR_INIT;

	assert_int_equal(fs_write(path, "", 0, 0644, &e), ERR_OK);
}

void house_let_go(struct house *h, const char *job)
{
	CLEANUP(free) char *path = str_format("%s/hold-%s", h->dir, job);

	assert_int_equal(unlink(path), 0);
}

/* Has every job that began its record?  One that was killed has none. */
static bool jobs_ended(struct house *h, void *ctx UNUSED)
{
	CLEANUP(free) char *path = str_format("%s/jobs", h->state);
	bool ret = true;
	DIR *dir = opendir(path);
	struct dirent *d;

	while (dir && (d = readdir(dir)) != NULL) {
		CLEANUP(free) char *job = str_format("%s/%s", path, d->d_name);

		if (*d->d_name != '.' && is_there(job, JOB_STARTED) &&
		    !is_there(job, JOB_EXIT))
			ret = false;
	}
	if (dir)
		closedir(dir);
	return ret;
}

void look_release_jobs(struct house *h)
{
	static const char *const jobs[] = {"build", "deploy", "test"};
	int64_t end = clock_mono(&clock_system) + HOUSE_WAIT_MS / 4;

	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
		CLEANUP(free)
		char *path = str_format("%s/hold-%s", h->dir, jobs[i]);

		unlink(path);
	}
	while (!jobs_ended(h, NULL) && clock_mono(&clock_system) < end)
		look_pause();
}

/* --- git --- */

char *house_git(struct house *h, const char *repo, const char *const *argv)
{
	CLEANUP(free)
	char *dir = str_format("%s/forge/repos/%s.git", h->dir, repo);
	const char *args[32] = {"git", "-C", dir};
	const char *env[] = {"PATH=/usr/local/bin:/usr/bin:/bin",
			     "GIT_CONFIG_GLOBAL=/dev/null", "LC_ALL=C", NULL};
	__attribute__((
		cleanup(proc_result_release_at))) struct proc_result r = {
		.out = STR_INIT(1u << 20), .err = STR_INIT(1u << 20)};
	struct proc_spec spec = {
		.argv = args, .env = env, .timeout_ms = HOUSE_WAIT_MS};
	struct error e = ERROR_INIT;
	char *ret = NULL;
	size_t n = 3;

	for (; *argv; argv++)
		args[n++] = *argv;
	if (proc_run(&spec, &r, &e) || r.exit_code)
		look_fail(h, r.err.text);
	assert_int_equal(str_take(&r.out, &ret, &e), ERR_OK);
	return ret;
}
