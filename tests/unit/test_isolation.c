/*
 * The attack: a job does what it can to read the bot's secrets, to change
 * its state, to reach its processes and to forge its own end.
 */
#include "tests/unit/jobs.h"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/pidfd.h>

/*
 * Called as sh -c SCRIPT sh STATE JOB TOKEN BOT.  Prints "BREACH name" for
 * what it should not have been able to do; a redirection that only opens for
 * writing counts, so that a breach does no harm to the machine.
 */
static const char attack[] =
	"S=$1 J=$2 T=$3 B=$4\n"
	"b() { echo BREACH $1; }\n"
	"w() { (: >> \"$2\") 2>/dev/null && b \"$1\"; }\n"
	"r() { test -n \"$(head -c9 \"$2\" 2>/dev/null)\" && b \"$1\"; }\n"
	"r token $T\n"
	"r token-by-link kernelci-core/link\n"
	"ln -s $T here 2>/dev/null; r token-by-own-link here\n"
	"ln $T hard 2>/dev/null; r token-by-hard-link hard\n"
	"(mv $T moved && mv moved $T) 2>/dev/null && b token-moved\n"
	"r database $S/kcibot.db\n"
	"w database-write $S/kcibot.db\n"
	"r database-by-dots ../../../kcibot.db\n"
	"w exit-record $J/exit.json\n"
	"w exit-record-by-dots ../exit.json\n"
	"(echo '{\"verdict\":\"success\"}' > ../exit.json.new) 2>/dev/null"
	" && b exit-new\n"
	"w log $J/log\n"
	"w manifest $KCIBOT_MANIFEST\n"
	"(rm -f $KCIBOT_MANIFEST) 2>/dev/null;"
	" test -s $KCIBOT_MANIFEST || b manifest-removed\n"
	"r spec $J/spec.json\n"
	"w lock $J/lock\n"
	"r other-job $S/jobs/other/log\n"
	"for k in $(ls $S/jobs 2>/dev/null); do"
	" test $k = ${J##*/} || b other-jobs-name; done\n"
	"kill -0 $B 2>/dev/null && b signal-the-bot\n"
	"r environ-of-bot /proc/$B/environ\n"
	"w memory-of-bot /proc/$B/mem\n"
	"for p in /proc/[0-9]*; do\n"
	" r database-by-root-$p $p/root$S/kcibot.db\n"
	" r token-by-root-$p $p/root$T\n"
	" r database-by-cwd-$p $p/cwd/kcibot.db\n"
	" for f in $p/fd/*; do case $(readlink $f) in $J/hold|$J/work*) ;;"
	" $S*) b descriptor-$p;; esac; done\n"
	"done\n"
	"for f in /proc/$$/fd/*; do case $(readlink $f) in $J/hold)"
	" b own-descriptor;; esac; done\n"
	"umount $S 2>/dev/null; umount -l $S 2>/dev/null; umount $T"
	" 2>/dev/null\n"
	"mount -o remount,rw $S 2>/dev/null; mount -o remount,rw,bind $S"
	" 2>/dev/null\n"
	"mount -t proc proc tmp 2>/dev/null && b mounted\n"
	"r database-after-umount $S/kcibot.db\n"
	"r token-after-umount $T\n"
	"w exit-record-after-remount $J/exit.json\n"
	"unshare -rm sh -c \"umount -l $S; umount -l $T; cat $S/kcibot.db $T\""
	" 2>/dev/null | grep -q . && b by-user-namespace\n"
	"unshare -rm sh -c \"mount --bind / /mnt && cat /mnt$S/kcibot.db "
	"/mnt$T\" 2>/dev/null | grep -q . && b by-bind\n"
	"w core-pattern /proc/sys/kernel/core_pattern\n"
	"w uevent-helper /sys/kernel/uevent_helper\n"
	"w sysrq /proc/sysrq-trigger\n"
	"for d in /dev/vd? /dev/sd? /dev/nvme?n?; do r disk $d; done\n"
	"mknod disk b 254 0 2>/dev/null && r disk-by-mknod disk\n"
	"grep -q '^CapEff:.*[1-9a-f]' /proc/self/status && b capabilities\n"
	"grep -q '^NoNewPrivs:.*1' /proc/self/status || b new-privileges\n"
	/* Who could is stopped here, and does not end by itself before. */
	"w cancel $J/cancel; test -e $J/cancel && sleep 60\n"
	/* And what it must be able to do. */
	"touch mine $TMPDIR/mine && test -s kernelci-core/sha &&"
	" test -s $KCIBOT_MANIFEST && test -r /etc/passwd &&"
	" cd $HOME && echo x > /dev/null && ls /proc/self >/dev/null &&"
	" echo free to work\n"
	"exit 7\n";

static void launch_attack(int id, const char *key, const char *isolation)
{
	char bot[20];
	json_t *args = make_args(key, "{}");

	snprintf(bot, sizeof(bot), "%d", (int)getpid());
	json_object_set_new(args, "isolation", json_string(isolation));
	json_object_set_new(args, "run",
			    json_pack("[s,s,s,s,s,s,s,s]", "/bin/sh", "-c",
				      attack, "sh", state, job_dir(key), token,
				      bot));
	start_effect(id, "job.run", args);
}

static void make_neighbour(void)
{
	struct error e = ERROR_INIT;

	assert_int_equal(fs_mkdirs(job_dir("other"), 0711, &e), ERR_OK);
	put(job_dir("other"), "log", "of another job", 0600);
}

/* All of it, not only the tail of a tame one. */
static void read_log(const char *key, struct str *out)
{
	char path[600];
	struct error e = ERROR_INIT;

	snprintf(path, sizeof(path), "%s/log", job_dir(key));
	assert_int_equal(fs_read(path, out, &e), ERR_OK);
}

static void expect_untouched(void)
{
	CLEANUP(str_release) struct str text = STR_INIT(100);
	char path[600];
	struct error e = ERROR_INIT;

	snprintf(path, sizeof(path), "%s/kcibot.db", state);
	assert_int_equal(fs_read(path, &text, &e), ERR_OK);
	assert_string_equal(text.text, "precious");
	assert_true(there(root, "token"));
}

static void expect_repelled(int id, const char *key)
{
	CLEANUP(str_release) struct str log = STR_INIT(1u << 20);

	expect(id, "failure", "exit");
	assert_int_equal(js_int(answers[id].body, "exit_code", 0), 7);
	read_log(key, &log);
	if (strstr(log.text, "BREACH") || !strstr(log.text, "free to work\n"))
		fail_msg("%s", log.text);
	expect_untouched();
	expect_silence(key);
}

static bool has_bubblewrap(void)
{
	struct error e = ERROR_INIT;

	return strcmp(isolation_best(&e), "bubblewrap") == 0;
}

/* The attack is a real one: without isolation it gets everywhere. */
static void attack_without_isolation(void **unused UNUSED)
{
	static const char *const breaches[] = {
		"token\n",
		"token-by-link\n",
		"database\n",
		"database-write\n",
		"exit-record\n",
		"exit-new\n",
		"log\n",
		"spec\n",
		"other-job\n",
		"other-jobs-name\n",
		"signal-the-bot\n",
	};
	CLEANUP(str_release) struct str log = STR_INIT(1u << 20);
	char want[100];

	make_neighbour();
	launch_attack(0, "n", "none");
	/* It has cancelled itself. */
	expect(0, "cancelled", "cancelled");
	read_log("n", &log);
	for (size_t i = 0; i < ARRAY_SIZE(breaches); i++) {
		snprintf(want, sizeof(want), "BREACH %s", breaches[i]);
		if (!strstr(log.text, want))
			fail_msg("no %s in %s", want, log.text);
	}
}

static void attack_bubblewrap(void **unused UNUSED)
{
	if (!has_bubblewrap())
		skip();
	make_neighbour();
	launch_attack(0, "b", "bubblewrap");
	launch_attack(1, "d", "default");
	expect_repelled(0, "b");
	expect_repelled(1, "d");
}

static void attack_user(void **unused UNUSED)
{
	if (geteuid() != 0 || !getpwnam("nobody"))
		skip();
	make_neighbour();
	launch_attack(0, "u", "user:nobody");
	expect_repelled(0, "u");
}

/* kill -9 -1 reaches nobody but the job's own. */
static void kill_all(void **unused UNUSED)
{
	if (!has_bubblewrap())
		skip();
	run(0, "k",
	    "{'isolation':'bubblewrap','run':['/bin/sh','-c',"
	    "'sleep 1000 & kill -9 -1; echo still here; exit 3']}");
	expect(0, "failure", "exit");
	assert_int_equal(js_int(answers[0].body, "exit_code", 0), 3);
}

/* The same verdicts in every kind of isolation. */
static void verdicts(void **unused UNUSED)
{
	static const char *const kinds[] = {"none", "bubblewrap",
					    "user:nobody"};
	static const struct {
		const char *args, *verdict, *reason;
	} cases[] = {
		{"'run':['true']", "success", "ok"},
		{"'run':['kernelci-core/good.sh']", "success", "ok"},
		{"'run':['false']", "failure", "exit"},
		{"'run':['/bin/sh','-c','kill -9 $$']", "failure", "signal"},
		{"'run':['/nonexistent']", "error", "not_started"},
		{"'run':['kernelci-core/none.sh']", "failure", "not_started"},
		{"'run':['kernelci-core/plain.sh']", "failure", "not_started"},
		{"'run':['kernelci-core/broken.sh']", "failure", "not_started"},
		{"'timeout_ms':200,'run':['/bin/sh','-c',"
		 "'trap \"exit 0\" TERM; while :; do sleep 0.05; done']",
		 "failure", "timeout"},
		/* Its own process group is nobody else's. */
		{"'run':['/bin/sh','-c','kill -9 0; sleep 1000']", "failure",
		 "signal"},
		{"'run':['/bin/sh','-c','trap \"exit 0\" TERM; kill 0; "
		 "exit 1']",
		 "success", "ok"},
		/* What bubblewrap says when it fails, said by a job. */
		{"'run':['/bin/sh','-c','echo bwrap: execvp x; exit 1']",
		 "failure", "exit"},
	};
	char key[30], args[400];

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		if ((k == 1 && !has_bubblewrap()) || (k == 2 && geteuid() != 0))
			continue;
		for (int i = 0; i < (int)ARRAY_SIZE(cases); i++) {
			snprintf(key, sizeof(key), "%zu.%d", k, i);
			snprintf(args, sizeof(args), "{'isolation':'%s',%s}",
				 kinds[k], cases[i].args);
			run(i, key, args);
		}
		for (int i = 0; i < (int)ARRAY_SIZE(cases); i++) {
			snprintf(key, sizeof(key), "%zu.%d", k, i);
			expect(i, cases[i].verdict, cases[i].reason);
			expect_silence(key);
			assert_false(there(job_dir(key), "work"));
		}
		forget_answers();
	}
}

static bool log_says(const char *key, const char *word)
{
	CLEANUP(str_release) struct str log = STR_INIT(10000);

	if (there(job_dir(key), "log"))
		read_log(key, &log);
	return strstr(log.text, word) != NULL;
}

/*
 * The supervisor is killed: nothing of the job outlives it.  Each of the
 * job's processes holds a FIFO open for writing; its reader sees the end when
 * the last of them is gone.
 */
static void nothing_is_left(void **unused UNUSED)
{
	static const char *const kinds[] = {"bubblewrap", "user:nobody",
					    "none"};
	char args[1000], key[20], path[300], byte;

	for (int k = 0; k < 3; k++) {
		CLEANUP(fd_close) int fd = -1;
		pid_t supervisor;

		if ((k == 0 && !has_bubblewrap()) || (k == 1 && geteuid() != 0))
			continue;
		snprintf(key, sizeof(key), "left%d", k);
		snprintf(path, sizeof(path), "%s/fifo%d", root, k);
		assert_int_equal(mkfifo(path, 0666), 0);
		assert_int_equal(chmod(path, 0666), 0);
		fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		snprintf(args, sizeof(args),
			 "{'isolation':'%s','run':['/bin/sh','-c',"
			 "'exec 5>%s; trap \"\" TERM; setsid sleep 1000 & "
			 "echo x >&5; echo up; sleep 1000']}",
			 kinds[k], path);
		run(k, key, args);
		AWAIT(log_says(key, "up"));
		assert_int_equal(read(fd, &byte, 1), 1);
		assert_int_equal(read(fd, &byte, 1), 1);
		assert_int_equal(read(fd, &byte, 1), -1);
		supervisor = find_supervisor(key);
		assert_true(supervisor > 0);
		assert_int_equal(kill(supervisor, SIGKILL), 0);
		expect(k, "error", "vanished");
		/* At once, where the lock waits for that; soon, elsewhere. */
		AWAIT(read(fd, &byte, 1) == 0);
	}
}

/*
 * As a job: takes the descriptors of the first process of its pid namespace,
 * which it may where the kernel does not restrict ptrace, and gives up the
 * locks that they hold.
 */
static int steal_locks(void)
{
	int init = pidfd_open(1, 0);

	for (int i = 0; i < 20; i++) {
		int fd = pidfd_getfd(init, i, 0);

		if (fd >= 0)
			flock(fd, LOCK_UN);
	}
	puts("unlocked");
	fflush(stdout);
	while (access("go", F_OK))
		nap();
	return 3;
}

/* A job cannot make the bot believe that its supervisor is gone. */
static void lock_is_out_of_reach(void **unused UNUSED)
{
	char args[1200], work[600];

	if (!has_bubblewrap())
		skip();
	snprintf(args, sizeof(args),
		 "{'isolation':'bubblewrap','run':['%s','steal-locks']}",
		 program);
	run(0, "lock", args);
	AWAIT(log_says("lock", "unlocked"));
	/* The next bot has nothing but the lock to go by. */
	port->stop(port);
	port = open_port(1);
	run(0, "lock", args);
	/* Longer than it waits between two looks. */
	for (int i = 0; i < 100; i++)
		nap();
	assert_false(there(job_dir("lock"), "exit.json"));
	snprintf(work, sizeof(work), "%s/work", job_dir("lock"));
	put(work, "go", "", 0644);
	expect(0, "failure", "exit");
	assert_int_equal(js_int(answers[0].body, "exit_code", 0), 3);
}

/* A bubblewrap that fails for want of something is no licence to do without. */
static void doubt_is_no_reason_for_none(void **unused UNUSED)
{
	static const struct {
		const char *complaint, *best;
	} cases[] = {
		{"Resource temporarily unavailable", "bubblewrap"},
		{"No space left on device", "bubblewrap"},
		{"Operation not permitted", "none"},
	};
	CLEANUP(free) char *path = strdup(getenv("PATH"));
	char text[300];

	setenv("PATH", root, 1);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error e = ERROR_INIT;

		snprintf(text, sizeof(text),
			 "#!/bin/sh\necho 'bwrap: Creating new namespace "
			 "failed: %s' >&2\nexit 1\n",
			 cases[i].complaint);
		put(root, "bwrap", text, 0755);
		assert_string_equal(isolation_best(&e), cases[i].best);
	}
	setenv("PATH", path, 1);
}

int main(int argc, char **argv)
{
	BE_SUPERVISOR(argc, argv);
	if (argc == 2 && strcmp(argv[1], "steal-locks") == 0)
		return steal_locks();
	const struct CMUnitTest tests[] = {
		JOB_TEST(attack_without_isolation),
		JOB_TEST(attack_bubblewrap),
		JOB_TEST(attack_user),
		JOB_TEST(kill_all),
		JOB_TEST(verdicts),
		JOB_TEST(nothing_is_left),
		JOB_TEST(lock_is_out_of_reach),
		JOB_TEST(doubt_is_no_reason_for_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
