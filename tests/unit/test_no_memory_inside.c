/*
 * The readers and writers that test_no_memory does not have: of lists, zones,
 * calls of the forge, jobs, their logs, the metrics, and what is read from
 * the store; see there.
 */
#include "tests/unit/starving.h"

#include <stdlib.h>
#include <unistd.h>

#include "bot/github_calls.h"
#include "bot/metrics.h"
#include "bot/staging_list.h"
#include "deploy/job.h"
#include "deploy/joblog.h"
#include "deploy/zone.h"

static char folder[200];

/* --- trust --- */

static enum err read_list(const void *text, struct error *e)
{
	CLEANUP(json_decref)
	json_t *list = staging_list_read(text, strlen(text), e);
	json_t *name;
	size_t i;

	if (!list)
		return e->code;
	json_array_foreach (list, i, name)
		snprintf(now + strlen(now), 100, "%s ",
			 json_string_value(name));
	return ERR_OK;
}

static void test_staging_list(void **state UNUSED)
{
	each_fails("staging_list_read", read_list,
		   "[DEFAULT]\nbranch: staging\nusers:\n    broonie\n"
		   "    kernelci, padovan\n    Broonie\n");
}

static enum err write_list(const void *trust, struct error *e)
{
	CLEANUP(str_release) struct str s = STR_INIT(1u << 20);

	staging_list_write(&s, trust);
	return keep_str(&s, e);
}

static void test_staging_list_out(void **state UNUSED)
{
	CLEANUP(json_decref) json_t *trust = json_array();

	for (int i = 0; i < 3; i++)
		json_array_append_new(
			trust,
			json_pack("{s:s, s:i, s:s, s:s, s:I, s:b}", "login",
				  i ? "ben" : "zoe", "id", i, "role",
				  i ? "contributor" : "admin", "scope",
				  i == 2 ? "acme/web" : "", "expires_ms",
				  (json_int_t)0, "unasked", true));
	each_fails("staging_list_write", write_list, trust);
}

/* --- time --- */

static enum err read_zone(const void *bytes UNUSED, struct error *e)
{
	CLEANUP(zone_free)
	struct zone *z = zone_parse(input.text, input.len, e);
	int64_t until;

	if (!z)
		return e->code;
	snprintf(now, sizeof(now), "%d %d", (int)zone_offset(z, 0, &until),
		 (int)zone_offset(z, 1795264200, &until));
	return ERR_OK;
}

static void test_zone(void **state UNUSED)
{
	static const char path[] = "/usr/share/zoneinfo/Europe/Berlin";

	if (access(path, R_OK))
		skip();
	load(path);
	each_fails("zone_parse", read_zone, NULL);
}

/* --- the forge --- */

static enum err build_request(const void *args, struct error *e)
{
	struct github_request r = {0};
	enum err code = github_request_build(github_row("forge.status"),
					     "http://h", args, &r, e);

	if (!code)
		snprintf(now, sizeof(now), "%s %s %s", r.url, r.path, r.body);
	github_request_release(&r);
	return code;
}

static void test_request(void **state UNUSED)
{
	CLEANUP(json_decref)
	json_t *args = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s}", "repo", "o/r", "sha",
		"0123456789012345678901234567890123456789", "state", "success",
		"context", "kcibot/staging", "description", "short ok",
		"target_url", "http://x/cycles/1");

	each_fails("github_request_build", build_request, args);
}

/* --- jobs --- */

static enum err read_spec(const void *spec, struct error *e)
{
	CLEANUP(strv_release) struct strv argv = STRV_INIT;
	CLEANUP(strv_release) struct strv env = STRV_INIT;

	if (job_argv(spec, &argv, e) || job_env(spec, folder, &env, e))
		return e->code;
	for (size_t i = 0; argv.v[i]; i++)
		snprintf(now + strlen(now), 300, "%s\n", argv.v[i]);
	for (size_t i = 0; env.v[i]; i++)
		snprintf(now + strlen(now), 300, "%s\n", env.v[i]);
	return ERR_OK;
}

static void test_spec(void **state UNUSED)
{
	CLEANUP(free) char *secret = str_format("%s/secret", folder);
	CLEANUP(json_decref) json_t *spec = NULL;
	struct error e = ERROR_INIT;

	assert_int_equal(fs_write(secret, "hush\n", 5, 0600, &e), ERR_OK);
	spec = json_pack(
		"{s:[s, s, s], s:i, s:s, s:s, s:{s:s}, s:{s:[{s:s, s:s}]}}",
		"run", "/bin/sh", "build-{cycle}", "{kind} {environment}",
		"cycle", 7, "kind", "short", "environment", "staging",
		"secrets", "TOKEN", secret, "manifest", "projects", "name",
		"web", "sha", "0123456789012345678901234567890123456789");
	each_fails("job_argv, job_env", read_spec, spec);
}

static enum err write_end(const void *dir, struct error *e)
{
	struct job_end end = {.exit_code = 3, .started_ms = 1};
	struct error ignored = ERROR_INIT;
	CLEANUP(json_decref) json_t *read = NULL;

	job_end_set(&end, "failure", "exit", "it said %s", "no");
	if (job_end_write(&end, dir, e))
		return e->code;
	starve_end();
	read = job_read(dir, JOB_EXIT, &ignored);
	keep(js_str(read, "text"));
	return ERR_OK;
}

/* Half a record is none; nothing is left in the way of the next try. */
static void test_end(void **state UNUSED)
{
	struct error e = ERROR_INIT;

	*now = '\0';
	assert_int_equal(write_end(folder, &e), ERR_OK);
	memcpy(with_memory, now, sizeof(now));
	for (long n = 0; n < 200; n++) {
		enum err code;

		*now = '\0';
		starve_begin(n, FOR_EVER);
		code = write_end(folder, &e);
		starve_end();
		if (!code)
			assert_string_equal(now, with_memory);
	}
	assert_int_equal(write_end(folder, &e), ERR_OK);
	assert_string_equal(now, with_memory);
}

static enum err read_tail(const void *dir, struct error *e)
{
	CLEANUP(str_release) struct str s = STR_INIT(4096);

	joblog_tail(dir, 5, 2000, &s);
	return keep_str(&s, e);
}

static void test_tail(void **state UNUSED)
{
	struct error e = ERROR_INIT;
	struct joblog *l = joblog_open(folder, &e);

	assert_non_null(l);
	for (int i = 0; i < 9; i++)
		joblog_sayf(l, "\x1b[31mline %d\x1b[0m of the log", i);
	joblog_close(l);
	each_fails("joblog_tail", read_tail, folder);
}

/* --- what machines read --- */

static enum err write_metrics(const void *unused UNUSED, struct error *e)
{
	CLEANUP(str_release) struct str s = STR_INIT(TEXT_SIZE - 1);

	metrics_write(&s);
	return keep_str(&s, e);
}

static void test_metrics(void **state UNUSED)
{
	metric_add(METRIC_DELIVERIES, "accepted", NULL, 1);
	metric_add(METRIC_COMMANDS, "deploy", "accepted", 1);
	each_fails("metrics_write", write_metrics, NULL);
}

static int make_folder(void **state UNUSED)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%s/no-memory.XXXXXX",
		 tmp ? tmp : "/tmp");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state UNUSED)
{
	struct error e = ERROR_INIT;

	str_release(&input);
	return (int)fs_remove_tree(folder, &e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_staging_list),
		cmocka_unit_test(test_staging_list_out),
		cmocka_unit_test(test_zone),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_spec),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_tail),
		cmocka_unit_test(test_metrics),
	};

	starve_spare_json();
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
