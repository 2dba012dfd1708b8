#include "tests/unit/jobs.h"

#include <errno.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "bot/base/limits.h"

#define SH(script) "{'run':['/bin/sh','-c','" script "']}"

static void verdicts(void **unused UNUSED)
{
	static const struct {
		const char *args, *verdict, *reason;
	} cases[] = {
		{"{'run':['true']}", "success", "ok"},
		{"{'run':['false']}", "failure", "exit"},
		{SH("kill -9 $$"), "failure", "signal"},
		{"{'run':['/nonexistent']}", "error", "not_started"},
		{"{'run':['no-such-program']}", "error", "not_started"},
		{"{'run':['other/good.sh']}", "error", "not_started"},
		{"{'run':['kernelci-core/good.sh']}", "success", "ok"},
		{"{'run':['./kernelci-core/good.sh']}", "success", "ok"},
		{"{'run':['kernelci-core/none.sh']}", "failure", "not_started"},
		{"{'run':['kernelci-core/plain.sh']}", "failure",
		 "not_started"},
		{"{'run':['kernelci-core/broken.sh']}", "failure",
		 "not_started"},
		{"{'run':['true'],'secrets':{'X':'/nonexistent'}}", "error",
		 "secret_missing"},
		{"{'run':['true'],'isolation':'chroot'}", "error",
		 "not_started"},
		{"{'run':['true'],'isolation':'user:root'}", "error",
		 "not_started"},
		{"{'run':['true'],'manifest':{'projects':[{'repo':'a/b',"
		 "'name':'b','sha':'bad'}]}}",
		 "error", "checkout"},
		{"{'run':['true'],'manifest':{'projects':[{'repo':'a/b',"
		 "'name':'../b','sha':'1'}]}}",
		 "error", "checkout"},
		{"{'http':{'url':'http://127.0.0.1:1/','tries':2}}", "failure",
		 "http"},
		{"{'http':{'url':'file:///etc/passwd'}}", "error",
		 "not_started"},
	};
	char key[20];

	for (int i = 0; i < (int)ARRAY_SIZE(cases); i++) {
		snprintf(key, sizeof(key), "%d.job", i);
		run(i, key, cases[i].args);
	}
	for (int i = 0; i < (int)ARRAY_SIZE(cases); i++) {
		snprintf(key, sizeof(key), "%d.job", i);
		expect(i, cases[i].verdict, cases[i].reason);
		if (strcmp(cases[i].reason, "checkout") != 0)
			expect_silence(key);
		assert_false(there(job_dir(key), "work"));
		assert_false(there(job_dir(key), "work.new"));
	}
	assert_int_equal(js_int(answers[1].body, "exit_code", 0), 1);
	assert_int_equal(js_int(answers[2].body, "signal", 0), 9);
	assert_non_null(strstr(tail_of(6), "0123abc"));
	assert_non_null(strstr(tail_of(16), "try 2 of 2"));
}

static void refusals(void **unused UNUSED)
{
	static const char *const keys[] = {"", "../x", "a/b", ".", "a b"};

	for (int i = 0; i < (int)ARRAY_SIZE(keys); i++) {
		run(2 * i, keys[i], "{'run':['true']}");
		cancel(2 * i + 1, keys[i]);
	}
	for (int i = 0; i < 2 * (int)ARRAY_SIZE(keys); i++)
		assert_int_equal(await_answer(i)->code, ERR_INVALID);
	run(20, "a", "{}");
	run(21, "b", "{'run':['true'],'timeout_ms':0}");
	run(22, "c", "{'run':['true'],'http':{'url':'http://x/'}}");
	start_effect(23, "job.nothing", json_object());
	for (int i = 20; i < 24; i++)
		assert_int_equal(await_answer(i)->code, ERR_INVALID);
}

static void environment(void **unused UNUSED)
{
	char args[1600], want[500];

	setenv("SHOULD_NOT_LEAK", "1", 1);
	put(root, "secret", "hunter2hunter2\n", 0600);
	snprintf(args, sizeof(args),
		 "{'secrets':{'REGISTRY_TOKEN':'%s/secret'},'run':["
		 "'/bin/sh','-c','env | sort; pwd; ls; echo; echo $0 $1; "
		 "test $REGISTRY_TOKEN = hunter2hunter2 && echo known; "
		 "cat $KCIBOT_MANIFEST; ls /proc/self/fd | wc -l; umask',"
		 "'{cycle}-{kind}-{environment}-{x}','{{cycle}'"
		 "]}",
		 root);
	run(0, "env", args);
	expect(0, "success", "ok");
	assert_null(strstr(tail_of(0), "SHOULD_NOT_LEAK"));
	snprintf(want, sizeof(want), "HOME=%s/env/work\n", jobs);
	assert_non_null(strstr(tail_of(0), want));
	snprintf(want, sizeof(want), "\n%s/env/work\nkernelci-core\n", jobs);
	assert_non_null(strstr(tail_of(0), want));
	assert_non_null(strstr(tail_of(0), "KCIBOT_CYCLE=12\n"
					   "KCIBOT_ENVIRONMENT=staging\n"
					   "KCIBOT_KIND=short\n"));
	assert_non_null(
		strstr(tail_of(0), "KCIBOT_SHA_KERNELCI_CORE=0123abc\n"));
	assert_non_null(strstr(tail_of(0), "12-short-staging-{x} {12\n"));
	assert_non_null(strstr(tail_of(0), "known\n"));
	assert_non_null(strstr(tail_of(0), "\"sha\":\"0123abc\""));
	/* 0, 1, 2 and the folder that ls reads. */
	assert_non_null(strstr(tail_of(0), "}4\n0022\n"));
}

static void timeout_ends(void **unused UNUSED)
{
	run(0, "t",
	    "{'timeout_ms':3000,'run':['/bin/sh','-c',"
	    "'trap \"echo asked; exit 0\" TERM; echo up; "
	    "while :; do sleep 0.05; done']}");
	expect(0, "failure", "timeout");
	assert_non_null(strstr(tail_of(0), "asked"));
	run(1, "u",
	    "{'timeout_ms':200,'http':{'url':'http://127.0.0.1:1/',"
	    "'tries':100,'every_ms':60000}}");
	expect(1, "failure", "timeout");
}

/* The file exists, with a process id in it. */
static pid_t read_pid(const char *name)
{
	CLEANUP(str_release) struct str text = STR_INIT(100);
	char path[300];
	struct error e = ERROR_INIT;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	if (fs_read(path, &text, &e) || !strchr(text.text, '\n'))
		return 0;
	return (pid_t)atoi(text.text);
}

static bool is_alive(pid_t pid)
{
	char path[60], text[300] = "";
	FILE *f;
	bool alive;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	alive = f && fgets(text, sizeof(text), f) && strrchr(text, ')') &&
		strrchr(text, ')')[2] != 'Z';
	if (f)
		fclose(f);
	return alive;
}

/* Stubborn: ignores SIGTERM, and leaves a daemon in a session of its own. */
static void stubborn(int id, const char *key)
{
	char args[1600];

	snprintf(args, sizeof(args),
		 "{'run':['/bin/sh','-c','trap \"\" TERM; "
		 "setsid sh -c \"echo \\$\\$ > %s/daemon; exec sleep 1000\" & "
		 "echo $$ > %s/pid; while :; do sleep 0.1; done']}",
		 root, root);
	run(id, key, args);
	AWAIT(read_pid("pid") && read_pid("daemon"));
}

static void cancel_ends(void **unused UNUSED)
{
	pid_t job, daemon;

	stubborn(0, "c");
	job = read_pid("pid");
	daemon = read_pid("daemon");
	assert_true(is_alive(daemon));
	cancel(1, "c");
	expect(0, "cancelled", "cancelled");
	assert_int_equal(await_answer(1)->code, ERR_OK);
	assert_false(is_alive(job));
	assert_false(is_alive(daemon));
	/* Repeated, both answer the same. */
	cancel(2, "c");
	run(3, "c", "{'run':['true']}");
	assert_int_equal(await_answer(2)->code, ERR_OK);
	expect(3, "cancelled", "cancelled");
	/* A cancel that overtakes its job. */
	cancel(4, "d");
	assert_int_equal(await_answer(4)->code, ERR_OK);
	/* Also when that never comes it is over. */
	assert_true(there(job_dir("d"), "exit.json"));
	run(5, "d", "{'run':['true']}");
	expect(5, "cancelled", "not_started");
	assert_false(there(job_dir("d"), "started"));
}

static void a_supervisor_that_does_not_start(void **unused UNUSED)
{
	char ours[sizeof(program)];

	memcpy(ours, program, sizeof(ours));
	snprintf(program, sizeof(program), "/bin/false");
	run(0, "n", "{'run':['true']}");
	expect(0, "error", "not_started");
	memcpy(program, ours, sizeof(ours));
}

static void daemons_end_with_the_job(void **unused UNUSED)
{
	char args[1600];

	snprintf(args, sizeof(args),
		 "{'run':['/bin/sh','-c','setsid sh -c \"echo \\$\\$ > "
		 "%s/daemon; exec sleep 1000\" & "
		 "while ! test -s %s/daemon; do sleep 0.02; done']}",
		 root, root);
	run(0, "x", args);
	expect(0, "success", "ok");
	assert_true(read_pid("daemon") > 0);
	assert_false(is_alive(read_pid("daemon")));
}

static void queue_is_bounded(void **unused UNUSED)
{
	char args[1600];
	char key[20];

	port->stop(port);
	port = open_port(2);
	/* Each waits for "go"; a third at the same time would be seen. */
	snprintf(args, sizeof(args),
		 "{'run':['/bin/sh','-c','mkdir %s/on.$$; "
		 "while ! test -e %s/go; do sleep 0.02; done; "
		 "ls -d %s/on.* | wc -l; rmdir %s/on.$$']}",
		 root, root, root, root);
	for (int i = 0; i < 6; i++) {
		snprintf(key, sizeof(key), "q%d", i);
		run(i, key, args);
	}
	AWAIT(there(job_dir("q0"), "started") &&
	      there(job_dir("q1"), "started"));
	assert_false(there(job_dir("q2"), "spec.json"));
	/* One in the queue that is cancelled does not wait for its turn. */
	cancel(10, "q5");
	expect(5, "cancelled", "not_started");
	/* Nor does a job of another environment. */
	run(11, "other", "{'environment':'lab','run':['/bin/true']}");
	expect(11, "success", "ok");
	assert_false(is_answered(0));
	put(root, "go", "", 0644);
	for (int i = 0; i < 5; i++) {
		expect(i, "success", "ok");
		assert_true(atoi(tail_of(i)) <= 2);
	}
}

static void once_only(void **unused UNUSED)
{
	char args[1600];
	CLEANUP(str_release) struct str text = STR_INIT(100);
	struct error e = ERROR_INIT;
	char path[300];

	snprintf(args, sizeof(args),
		 "{'run':['/bin/sh','-c','echo x >> %s/count; sleep 0.1']}",
		 root);
	for (int i = 0; i < 5; i++)
		run(i, "same", args);
	for (int i = 0; i < 5; i++)
		expect(i, "success", "ok");
	run(5, "same", args);
	expect(5, "success", "ok");
	snprintf(path, sizeof(path), "%s/count", root);
	assert_int_equal(fs_read(path, &text, &e), ERR_OK);
	assert_string_equal(text.text, "x\n");
	assert_int_equal(checkouts, 1);
	/* By hand, too. */
	assert_int_equal(supervisor_main("/nonexistent"), 1);
}

static void no_record_of(const char *key)
{
	assert_false(there(job_dir(key), "exit.json"));
}

/* The crash of a bot that was preparing: half a checkout, nothing else. */
static void crash_while_preparing(void **unused UNUSED)
{
	char path[700];
	struct error e = ERROR_INIT;

	snprintf(path, sizeof(path), "%s/work.new/kernelci-core",
		 job_dir("half"));
	assert_int_equal(fs_mkdirs(path, 0755, &e), ERR_OK);
	snprintf(path, sizeof(path), "%s/work/old", job_dir("half"));
	assert_int_equal(fs_mkdirs(path, 0755, &e), ERR_OK);
	put(job_dir("half"), "spec.json", "{}", 0600);
	run(0, "half", SH("ls; ls kernelci-core"));
	expect(0, "success", "ok");
	assert_string_equal(tail_of(0), "kernelci-core\nbroken.sh\ngood.sh\n"
					"link\nplain.sh\nsha\n");
}

/* A disk that was full for a moment is no verdict on what was checked out. */
static void full_while_preparing(void **unused UNUSED)
{
	static const char args[] = "{'run':['true'],'manifest':{'projects':"
				   "[{'repo':'a/b','name':'b','sha':'full'}]}}";

	run(0, "again", args);
	assert_int_equal(await_answer(0)->code, ERR_RETRY);
	no_record_of("again");
	run(1, "again", args);
	expect(1, "success", "ok");
}

/* A bot of its own that starts a job and is killed. */
static void bot_dies(const char *key, const char *args)
{
	pid_t pid;
	int status;

	port->stop(port);
	port = NULL;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		port = open_port(1);
		run(0, key, args);
		for (;;)
			pause();
	}
	AWAIT(read_pid("pid"));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	no_record_of(key);
	port = open_port(1);
}

static void adoption(void **unused UNUSED)
{
	char args[1600];

	snprintf(args, sizeof(args),
		 "{'run':['/bin/sh','-c','echo $$ > %s/pid; "
		 "while ! test -e %s/go; do sleep 0.02; done; "
		 "echo still here; exit 7']}",
		 root, root);
	bot_dies("a", args);
	assert_true(is_alive(read_pid("pid")));
	run(0, "a", args);
	/* It waits for that one, and starts none. */
	put(root, "go", "", 0644);
	expect(0, "failure", "exit");
	assert_int_equal(js_int(answers[0].body, "exit_code", 0), 7);
	assert_string_equal(tail_of(0), "still here\n");
	assert_int_equal(checkouts, 0);
	expect_silence("a");
}

static void stop_leaves_jobs_alone(void **unused UNUSED)
{
	char args[1600];

	snprintf(args, sizeof(args),
		 "{'run':['/bin/sh','-c','echo $$ > %s/pid; "
		 "while ! test -e %s/go; do sleep 0.02; done; echo done']}",
		 root, root);
	run(0, "s", args);
	AWAIT(read_pid("pid"));
	port->stop(port);
	assert_false(is_answered(0));
	assert_true(is_alive(read_pid("pid")));
	port = open_port(1);
	run(1, "s", args);
	put(root, "go", "", 0644);
	expect(1, "success", "ok");
	assert_string_equal(tail_of(1), "done\n");
}

/* SIGHUP, SIGINT and SIGTERM change nothing; SIGKILL ends the job too. */
static void supervisor_dies(void **unused UNUSED)
{
	char args[1600];
	pid_t job, supervisor;

	snprintf(args, sizeof(args),
		 "{'run':['/bin/sh','-c','echo out; echo $$ > %s/pid; "
		 "sleep 1000 & wait']}",
		 root);
	run(0, "v", args);
	AWAIT(read_pid("pid"));
	job = read_pid("pid");
	supervisor = find_supervisor("v");
	assert_true(supervisor > 0);
	assert_int_not_equal(supervisor, getpid());
	assert_int_equal(getsid(supervisor), supervisor);
	kill(supervisor, SIGHUP);
	kill(supervisor, SIGINT);
	kill(supervisor, SIGTERM);
	for (int i = 0; i < 10; i++)
		nap();
	assert_true(is_alive(supervisor));
	assert_true(is_alive(job));
	no_record_of("v");
	kill(supervisor, SIGKILL);
	expect(0, "error", "vanished");
	assert_false(is_alive(job));
	assert_string_equal(tail_of(0), "out\n");
	run(1, "v", args);
	expect(1, "error", "vanished");
	assert_false(there(job_dir("v"), "work"));
}

/* The machine goes down: the code is not to blame. */
static void ended_with_the_service(void **unused UNUSED)
{
	char args[1600];
	pid_t job;

	snprintf(args, sizeof(args),
		 "{'run':['/bin/sh','-c','echo $$ > %s/pid; exec sleep 1000']}",
		 root);
	run(0, "m", args);
	AWAIT(read_pid("pid"));
	job = read_pid("pid");
	assert_int_equal(kill(find_supervisor("m"), SIGTERM), 0);
	kill(job, SIGTERM);
	expect(0, "error", "signal");
}

static void long_output(void **unused UNUSED)
{
	struct stat st;
	char path[600];

	run(0, "l",
	    SH("echo first; head -c 6000000 /dev/zero | tr \"\\\\000\" x; "
	       "echo; echo last"));
	expect(0, "success", "ok");
	snprintf(path, sizeof(path), "%s/log", job_dir("l"));
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size > LIMIT_JOB_LOG_HEAD + LIMIT_JOB_LOG_TAIL);
	assert_true(st.st_size < LIMIT_JOB_LOG_HEAD + LIMIT_JOB_LOG_TAIL + 100);
	assert_string_equal(tail_of(0), "last\n");
}

static void first_to_die(void **unused UNUSED)
{
	run(0, "o", SH("cat /proc/self/oom_score_adj"));
	expect(0, "success", "ok");
	assert_true(atoi(tail_of(0)) >= 500);
}

/* A path that the spec cannot hold would not be hidden. */
static void unspeakable_path(void **unused UNUSED)
{
	struct error e = ERROR_INIT;
	struct outcome *o;

	port->stop(port);
	snprintf(state, sizeof(state), "%s/st\xe4te", root);
	snprintf(jobs, sizeof(jobs), "%s/jobs", state);
	assert_int_equal(fs_mkdirs(state, 0700, &e), ERR_OK);
	port = open_port(1);
	run(0, "p", SH("echo started"));
	o = await_answer(0);
	assert_int_equal(o->code, ERR_RETRY);
	assert_non_null(strstr(o->text, "not UTF-8"));
	assert_false(there(job_dir("p"), "started"));
}

static int unmount(void **unused)
{
	umount2(jobs, MNT_DETACH);
	return tear_down(unused);
}

/* What the job filled the disk with goes before its end is recorded. */
static void full_disk(void **unused UNUSED)
{
	if (mount("tmpfs", jobs, "tmpfs", 0, "size=4m"))
		skip(); /* not root */
	run(0, "f", SH("cat /dev/zero > big 2>/dev/null; exit 5"));
	expect(0, "failure", "exit");
	assert_int_equal(js_int(answers[0].body, "exit_code", 0), 5);
}

int main(int argc, char **argv)
{
	BE_SUPERVISOR(argc, argv);
	const struct CMUnitTest tests[] = {
		JOB_TEST(verdicts),
		JOB_TEST(refusals),
		JOB_TEST(environment),
		JOB_TEST(timeout_ends),
		JOB_TEST(cancel_ends),
		JOB_TEST(a_supervisor_that_does_not_start),
		JOB_TEST(daemons_end_with_the_job),
		JOB_TEST(queue_is_bounded),
		JOB_TEST(once_only),
		JOB_TEST(crash_while_preparing),
		JOB_TEST(full_while_preparing),
		JOB_TEST(adoption),
		JOB_TEST(stop_leaves_jobs_alone),
		JOB_TEST(supervisor_dies),
		JOB_TEST(ended_with_the_service),
		JOB_TEST(long_output),
		JOB_TEST(first_to_die),
		JOB_TEST(unspeakable_path),
		cmocka_unit_test_setup_teardown(full_disk, set_up, unmount),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
