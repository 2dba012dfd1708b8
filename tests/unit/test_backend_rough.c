/* The job port after a long time, and on a machine that is short of things. */
#include "tests/unit/jobs.h"

#include <dlfcn.h>
#include <errno.h>

#include "bot/base/limits.h"
#include "deploy/job.h"

static atomic_bool no_threads;

/* In front of the library's own. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attr,
		   void *(*begin)(void *), void *arg)
{
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *),
		    void *) = NULL;

	if (no_threads)
		return EAGAIN;
	*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	return real(thread, attr, begin, arg);
}

/* Counts how often it ran. */
static void run_counted(int id, const char *key)
{
	char args[600];

	snprintf(args, sizeof(args),
		 "{'run':['/bin/sh','-c','echo x >> %s/count']}", root);
	run(id, key, args);
}

static size_t times_run(void)
{
	CLEANUP(str_release) struct str text = STR_INIT(100);
	struct error e = ERROR_INIT;
	char path[300];

	snprintf(path, sizeof(path), "%s/count", root);
	assert_int_equal(fs_read(path, &text, &e), ERR_OK);
	return text.len / strlen("x\n");
}

/* The record of a job is that old. */
static void age(const char *key, int64_t now_ms, int64_t by_ms)
{
	const struct timespec then[2] = {
		{.tv_sec = (now_ms - by_ms) / 1000},
		{.tv_sec = (now_ms - by_ms) / 1000},
	};
	char path[600];

	snprintf(path, sizeof(path), "%s/" JOB_EXIT, job_dir(key));
	assert_int_equal(utimensat(AT_FDCWD, path, then, 0), 0);
}

/*
 * Back after a long time: what ended then is answered from its record, and
 * only later its folder goes.
 */
static void old_record(void **unused UNUSED)
{
	static struct fake_clock clock;

	fake_clock_init(&clock, clock_wall(&clock_system));
	run_counted(0, "old");
	expect(0, "success", "ok");
	port->stop(port);
	age("old", clock.wall, LIMIT_JOB_KEEP_MS + 60000);
	job_clock = &clock.clock;
	port = open_port(1);
	/* Neither another one nor a clock that jumps is its end. */
	run(1, "first", "{'run':['true']}");
	expect(1, "success", "ok");
	clock.wall += 2 * LIMIT_JOB_KEEP_MS;
	run(2, "a", "{'run':['true']}");
	expect(2, "success", "ok");
	run_counted(3, "old");
	expect(3, "success", "ok");
	assert_int_equal(times_run(), 1);
	fake_clock_advance(&clock, 2 * 3600 * 1000);
	/* Who asks just then still gets it. */
	run_counted(4, "old");
	expect(4, "success", "ok");
	assert_int_equal(times_run(), 1);
	fake_clock_advance(&clock, 2 * 3600 * 1000);
	run(5, "b", "{'run':['true']}");
	expect(5, "success", "ok");
	assert_false(there(job_dir("old"), ""));
	assert_true(there(job_dir("b"), JOB_EXIT));
	job_clock = &clock_system;
}

/* Its lock cannot be looked at: nobody may believe that it does not run. */
static void lock_not_seen(void **unused UNUSED)
{
	char args[600], lock[600], away[600];

	snprintf(args, sizeof(args),
		 "{'run':['/bin/sh','-c','echo x >> %s/count; "
		 "while ! test -e %s/go; do sleep 0.02; done']}",
		 root, root);
	snprintf(lock, sizeof(lock), "%s/" JOB_LOCK, job_dir("k"));
	snprintf(away, sizeof(away), "%s/away", job_dir("k"));
	run(0, "k", args);
	AWAIT(there(root, "count"));
	assert_int_equal(rename(lock, away), 0);
	assert_int_equal(mkdir(lock, 0700), 0);
	assert_int_equal(await_answer(0)->code, ERR_RETRY);
	assert_true(answers[0].unknown);
	/* Nor one that only comes to wait for it. */
	run(1, "k", args);
	assert_int_equal(await_answer(1)->code, ERR_RETRY);
	assert_true(answers[1].unknown);
	assert_int_equal(rmdir(lock), 0);
	assert_int_equal(rename(away, lock), 0);
	run(2, "k", args);
	put(root, "go", "", 0644);
	expect(2, "success", "ok");
	assert_int_equal(times_run(), 1);
}

/* What was never started is known not to run. */
static void never_started(void **unused UNUSED)
{
	run(0, "n",
	    "{'run':['true'],'manifest':{'projects':"
	    "[{'repo':'a/b','name':'b','sha':'full'}]}}");
	assert_int_equal(await_answer(0)->code, ERR_RETRY);
	assert_false(answers[0].unknown);
}

/* Who gets no thread is sent back, for nobody here would try again. */
static void no_thread(void **unused UNUSED)
{
	char args[600];

	no_threads = true;
	run(0, "t", "{'run':['true']}");
	cancel(1, "u");
	no_threads = false;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(await_answer(i)->code, ERR_RETRY);
		assert_false(answers[i].unknown);
	}
	run(2, "t", "{'run':['true']}");
	expect(2, "success", "ok");
	/* Nor those that wait for a place when it becomes free. */
	port->stop(port);
	port = open_port(1);
	snprintf(args, sizeof(args),
		 "{'run':['/bin/sh','-c','while ! test -e %s/go; "
		 "do sleep 0.02; done']}",
		 root);
	run(3, "long", args);
	run(4, "x", "{'run':['true']}");
	run(5, "y", "{'run':['true']}");
	AWAIT(there(job_dir("long"), JOB_STARTED));
	no_threads = true;
	put(root, "go", "", 0644);
	expect(3, "success", "ok");
	for (int i = 4; i < 6; i++)
		assert_int_equal(await_answer(i)->code, ERR_RETRY);
	no_threads = false;
}

int main(int argc, char **argv)
{
	BE_SUPERVISOR(argc, argv);
	const struct CMUnitTest tests[] = {
		JOB_TEST(old_record),
		JOB_TEST(lock_not_seen),
		JOB_TEST(never_started),
		JOB_TEST(no_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
