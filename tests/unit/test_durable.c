/*
 * What must be there after a power cut is synced before it counts: the mark
 * that a job was started is of no use when its folder can be lost.
 */
#include <sys/syscall.h>

#include "deploy/job.h"
#include "deploy/supervisor.h"
#include "tests/unit/jobs.h"

static bool name_synced, too_late, jobs_synced;

/* In front of libc's: whose folder is it, and what is in it by then? */
int fsync(int fd)
{
	char link[64], path[4096];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	if (strcmp(path, state) == 0 && there(state, "jobs"))
		jobs_synced = true;
	if (!name_synced && strcmp(path, jobs) == 0 && there(jobs, "one")) {
		name_synced = true;
		too_late = there(job_dir("one"), JOB_STARTED) ||
			   there(job_dir("one"), JOB_CANCEL);
	}
	return (int)syscall(SYS_fsync, fd);
}

static int forget(void **test_state)
{
	name_synced = too_late = jobs_synced = false;
	return set_up(test_state);
}

static void folder_of_a_job(void **test_state UNUSED)
{
	run(1, "one", "{'run':['/bin/true']}");
	expect(1, "success", "ok");
	assert_true(jobs_synced);
	assert_true(name_synced);
	assert_false(too_late);
}

static void folder_of_a_wish_to_cancel(void **test_state UNUSED)
{
	cancel(1, "one");
	assert_int_equal(await_answer(1)->code, ERR_OK);
	assert_true(name_synced);
	assert_false(too_late);
}

int main(int argc, char **argv)
{
	BE_SUPERVISOR(argc, argv);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(folder_of_a_job, forget,
						tear_down),
		cmocka_unit_test_setup_teardown(folder_of_a_wish_to_cancel,
						forget, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
