/* The floor that everything stands on: bot/base. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bot/base/clock.h"
#include "bot/base/fs.h"
#include "bot/base/json.h"
#include "bot/base/limits.h"
#include "bot/base/log.h"
#include "bot/base/proc.h"
#include "bot/base/redact.h"

/* A fresh folder per test, removed afterwards. */
static char folder[200];

static int make_folder(void **state UNUSED)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%s/kcibot-base-XXXXXX",
		 tmp ? tmp : "/tmp");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state UNUSED)
{
	struct error e = ERROR_INIT;

	return fs_remove_tree(folder, &e) ? -1 : 0;
}

static const char *in_folder(const char *name)
{
	static char paths[4][400];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void put(const char *name, const char *text)
{
	struct error e = ERROR_INIT;

	assert_int_equal(
		fs_write(in_folder(name), text, strlen(text), 0644, &e), 0);
}

/* error */

static void error_sentences(void **state UNUSED)
{
	struct error e = ERROR_INIT;
	char big[600];

	assert_int_equal(error_set(&e, ERR_RETRY, "HTTP %d", 502), ERR_RETRY);
	assert_string_equal(e.text, "HTTP 502");
	assert_int_equal(error_prefix(&e, "pull #%d", 7), ERR_RETRY);
	assert_string_equal(e.text, "pull #7: HTTP 502");
	error_set(&e, ERR_INVALID, "no: %s", e.text);
	assert_string_equal(e.text, "no: pull #7: HTTP 502");
	errno = ENOENT;
	assert_int_equal(error_errno(&e, ERR_MISSING, "open"), ERR_MISSING);
	assert_string_equal(e.text, "open: No such file or directory");
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	error_set(&e, ERR_FATAL, "%s", big);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	error_prefix(&e, "%s", big);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	assert_string_equal(err_name(ERR_OK), "ok");
	assert_string_equal(err_name(ERR_FATAL), "fatal");
	assert_string_equal(err_name(ERR_MAX), "unknown");
	assert_string_equal(err_name((enum err) - 1), "unknown");
}

/* str */

static void str_grows_to_its_ceiling(void **state UNUSED)
{
	CLEANUP(str_release) struct str s = STR_INIT(10);
	struct error e = ERROR_INIT;

	assert_string_equal(s.text, "");
	str_puts(&s, "12345");
	str_putc(&s, '6');
	str_addf(&s, "%d", 7890);
	assert_string_equal(s.text, "1234567890");
	assert_int_equal(str_check(&s, &e), ERR_OK);
	str_add(&s, "", 0);
	assert_int_equal(s.failed, ERR_OK);
	str_putc(&s, '!');
	assert_string_equal(s.text, "1234567890");
	assert_int_equal(str_check(&s, &e), ERR_INVALID);
	assert_string_equal(e.text, "longer than 10 bytes");
	str_truncate(&s, 4);
	str_puts(&s, "x"); /* the failure is sticky */
	assert_string_equal(s.text, "1234");
	str_clear(&s);
	str_puts(&s, "123456789AB");
	assert_string_equal(s.text, "123456789A");
	str_clear(&s);
	assert_string_equal(s.text, "");
	str_truncate(&s, 4);
	assert_int_equal(s.len, 0);
}

static void str_long_format(void **state UNUSED)
{
	CLEANUP(str_release) struct str s = STR_INIT(100000);

	str_addf(&s, "%0255d", 0);
	str_addf(&s, "%0256d", 0);
	str_addf(&s, "%05000d", 0);
	assert_int_equal(s.len, 255 + 256 + 5000);
	assert_int_equal(strlen(s.text), s.len);
}

static void str_takes(void **state UNUSED)
{
	CLEANUP(str_release) struct str s = STR_INIT(3);
	struct error e = ERROR_INIT;
	char *text;

	assert_int_equal(str_take(&s, &text, &e), ERR_OK);
	assert_string_equal(text, "");
	free(text);
	str_puts(&s, "abc");
	assert_int_equal(str_take(&s, &text, &e), ERR_OK);
	assert_string_equal(text, "abc");
	free(text);
	assert_string_equal(s.text, "");
	str_puts(&s, "abcd");
	assert_int_equal(str_take(&s, &text, &e), ERR_INVALID);
	text = str_format("%s-%d", "a", 1);
	assert_string_equal(text, "a-1");
	free(text);
	assert_true(str_starts("abc", "ab"));
	assert_true(str_starts("abc", ""));
	assert_false(str_starts("a", "ab"));
}

static void utf8_is_not_cut(void **state UNUSED)
{
	static const char text[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x91\x80!";
	static const size_t want[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};
	static const char bad[] = "\x80\x80\x80\x80\x80\x80\x80\x80";

	for (size_t max = 0; max < ARRAY_SIZE(want); max++)
		assert_int_equal(str_utf8_cut(text, strlen(text), max),
				 want[max]);
	assert_int_equal(str_utf8_cut(text, 3, 100), 3);
	assert_int_equal(str_utf8_cut(bad, 8, 6), 6);
}

/* clock */

static void iso_times(void **state UNUSED)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"2026-11-21T14:05:09Z", 1795269909000},
		{"2026-11-21T14:05:09.987Z", 1795269909000},
		{"2026-11-21T16:05:09+02:00", 1795269909000},
		{"2026-11-21T08:35:09-05:30", 1795269909000},
		{"2028-02-29T23:59:59Z", 1835481599000},
		{"2026-12-31T23:59:60Z", 1798761600000},
		{"2027-01-01T00:30:00+01:00", 1798759800000},
	};
	static const char *const bad[] = {
		"",
		"now",
		"2026-11-21",
		"2026-11-21T14:05:09",
		"2026-11-21 14:05:09Z",
		"2026-11-21T14:05:09Zx",
		"2026-11-21T14:05:09.Z",
		"2026-11-21T14:05:09+0200",
		"2026-11-21T14:05:09+24:00",
		"2026-11-21T14:05:09+02:60",
		"2026-11-21T14:05:09+02:00Z",
		"2026-11-21T24:05:09Z",
		"2026-11-21T14:60:09Z",
		"2026-11-21T14:05:61Z",
		"2026-13-21T14:05:09Z",
		"2026-00-21T14:05:09Z",
		"2026-02-29T14:05:09Z",
		"2026-04-31T14:05:09Z",
		"2026- 1-21T14:05:09Z",
		"2026-+1-21T14:05:09Z",
		"2026--1-21T14:05:09Z",
		"1969-12-31T23:59:59Z",
		" 2026-11-21T14:05:09Z",
		"2026-11-21T14:05:0",
	};
	CLEANUP(str_release) struct str s = STR_INIT(100);
	int64_t ms;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_true(time_parse_iso(good[i].text, &ms));
		assert_int_equal(ms, good[i].ms);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ms = 42;
		if (time_parse_iso(bad[i], &ms))
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(ms, 42);
	}
	time_iso(&s, 1795269909999);
	assert_string_equal(s.text, "2026-11-21T14:05:09Z");
	str_clear(&s);
	time_iso(&s, INT64_MAX);
	assert_true(s.len > 0);
}

static void spans(void **state UNUSED)
{
	static const struct {
		int64_t ms;
		const char *text;
	} said[] = {
		{-5, "0 s"},	   {0, "0 s"},
		{1, "0.1 s"},	   {999, "0.9 s"},
		{1000, "1 s"},	   {59499, "59 s"},
		{59500, "1 min"},  {250000, "4 min 10 s"},
		{3599500, "1 h"},  {5400000, "1 h 30 min"},
		{21600000, "6 h"}, {183600000, "2 d 3 h"},
		{86400000, "1 d"}, {INT64_MAX, "106751991167 d 7 h"},
	};
	static const struct {
		const char *text;
		int64_t ms;
	} read[] = {
		{"0s", 0},	     {"30s", 30000},
		{"5m", 300000},	     {"6h", 21600000},
		{"14d", 1209600000}, {"999999999d", 86399999913600000},
	};
	static const char *const bad[] = {
		"",   "s",   "5",    "5 m", " 5m",	   "5m ",  "-5m",
		"5M", "5ms", "1.5h", "5w",  "1000000000s", "0x5m",
	};
	CLEANUP(str_release) struct str s = STR_INIT(100);
	int64_t ms = 42;

	for (size_t i = 0; i < ARRAY_SIZE(said); i++) {
		str_clear(&s);
		time_span(&s, said[i].ms);
		assert_string_equal(s.text, said[i].text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(read); i++) {
		assert_true(time_parse_span(read[i].text, &ms));
		assert_int_equal(ms, read[i].ms);
	}
	ms = 42;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(time_parse_span(bad[i], &ms));
	assert_int_equal(ms, 42);
}

static void clocks(void **state UNUSED)
{
	struct fake_clock f;
	int64_t a, b;

	fake_clock_init(&f, 1000);
	assert_int_equal(clock_wall(&f.clock), 1000);
	fake_clock_advance(&f, 5);
	f.wall -= 100;
	assert_int_equal(clock_wall(&f.clock), 905);
	assert_int_equal(clock_mono(&f.clock), 1005);
	a = clock_mono(&clock_system);
	b = clock_mono(&clock_system);
	assert_true(b >= a);
	assert_true(clock_wall(&clock_system) > 1700000000000);
}

/* fs */

static void files_are_whole(void **state UNUSED)
{
	CLEANUP(str_release) struct str s = STR_INIT(10);
	struct error e = ERROR_INIT;
	struct stat st;

	assert_int_equal(fs_read(in_folder("a"), &s, &e), ERR_MISSING);
	assert_int_equal(fs_write(in_folder("a"), "one\0two", 7, 0600, &e), 0);
	assert_int_equal(fs_read(in_folder("a"), &s, &e), 0);
	assert_int_equal(s.len, 7);
	assert_memory_equal(s.text, "one\0two", 7);
	assert_int_equal(stat(in_folder("a"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* What a crash left behind has neither its mode nor its text. */
	assert_int_equal(symlink("/nonexistent/x", in_folder("a.new")), 0);
	assert_int_equal(fs_write(in_folder("a"), "3", 1, 0600, &e), 0);
	assert_int_equal(access(in_folder("a.new"), F_OK), -1);
	put("a.new", "old");
	assert_int_equal(fs_write(in_folder("a"), "4", 1, 0600, &e), 0);
	assert_int_equal(stat(in_folder("a"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 1);
	/* A write that fails leaves the old one and no litter. */
	assert_int_equal(mkdir(in_folder("d"), 0700), 0);
	assert_int_equal(fs_write(in_folder("d"), "5", 1, 0600, &e), ERR_FATAL);
	assert_int_equal(access(in_folder("d.new"), F_OK), -1);
	assert_int_equal(fs_write(in_folder("no/x"), "5", 1, 0600, &e),
			 ERR_FATAL);
	assert_int_equal(fs_read(in_folder("d"), &s, &e), ERR_FATAL);
}

static void reading_has_a_ceiling(void **state UNUSED)
{
	CLEANUP(str_release) struct str s = STR_INIT(10);
	struct error e = ERROR_INIT;

	put("a", "12345678901");
	assert_int_equal(fs_read(in_folder("a"), &s, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "longer than 10 bytes"));
	str_clear(&s);
	assert_int_equal(fs_read("/dev/zero", &s, &e), ERR_INVALID);
}

static void folders_are_made(void **state UNUSED)
{
	struct error e = ERROR_INIT;
	struct stat st;

	assert_int_equal(fs_mkdirs(in_folder("a/b//c/"), 0700, &e), 0);
	assert_int_equal(stat(in_folder("a/b/c"), &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(fs_mkdirs(in_folder("a/b"), 0700, &e), 0);
	put("file", "");
	assert_int_equal(fs_mkdirs(in_folder("file"), 0700, &e), ERR_FATAL);
	assert_int_equal(fs_mkdirs(in_folder("file/x"), 0700, &e), ERR_FATAL);
	assert_int_equal(fs_mkdirs("", 0700, &e), ERR_INVALID);
}

static void trees_are_removed(void **state UNUSED)
{
	struct error e = ERROR_INIT;

	assert_int_equal(fs_mkdirs(in_folder("t/a/b"), 0700, &e), 0);
	assert_int_equal(fs_mkdirs(in_folder("keep/x"), 0700, &e), 0);
	put("keep/x/file", "precious");
	put("t/a/b/file", "gone");
	put("t/.hidden", "gone");
	assert_int_equal(symlink("../../keep", in_folder("t/a/link")), 0);
	assert_int_equal(symlink("/nonexistent", in_folder("t/dead")), 0);
	assert_int_equal(mkfifo(in_folder("t/fifo"), 0600), 0);
	assert_int_equal(chmod(in_folder("t/a/b"), 0), 0);
	assert_int_equal(chmod(in_folder("t/a"), 0500), 0);
	assert_int_equal(fs_remove_tree(in_folder("t"), &e), 0);
	assert_int_equal(access(in_folder("t"), F_OK), -1);
	assert_int_equal(access(in_folder("keep/x/file"), F_OK), 0);
	assert_int_equal(fs_remove_tree(in_folder("t"), &e), 0);
	/* A link itself, and a file. */
	assert_int_equal(symlink("keep", in_folder("l")), 0);
	assert_int_equal(fs_remove_tree(in_folder("l"), &e), 0);
	assert_int_equal(access(in_folder("keep/x/file"), F_OK), 0);
	assert_int_equal(fs_remove_tree(in_folder("keep/x/file"), &e), 0);
	assert_int_equal(access(in_folder("keep/x/file"), F_OK), -1);
}

/* Deeper than a path may be long, with the names of those moved taken. */
static void deep_trees_are_removed(void **state UNUSED)
{
	struct error e = ERROR_INIT;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(mkdirat(fd, "t", 0700), 0);
	put("t/deep-0", "in the way");
	for (int i = 0; i < 3000; i++) {
		int next;

		assert_int_equal(mkdirat(fd, i ? "d" : "t/d", 0700), 0);
		next = openat(fd, i ? "d" : "t/d",
			      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(fd);
		fd = next;
	}
	close(fd);
	assert_int_equal(fs_remove_tree(in_folder("t"), &e), 0);
	assert_int_equal(access(in_folder("t"), F_OK), -1);
}

static void locks_exclude(void **state UNUSED)
{
	struct error e = ERROR_INIT;
	int a = -1, b = -1;

	assert_int_equal(fs_lock(in_folder("lock"), &a, &e), 0);
	assert_true(fcntl(a, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fs_lock(in_folder("lock"), &b, &e), ERR_CONFLICT);
	assert_int_equal(b, -1);
	close(a);
	assert_int_equal(fs_lock(in_folder("lock"), &b, &e), 0);
	close(b);
	assert_int_equal(fs_lock(in_folder("no/lock"), &b, &e), ERR_FATAL);
}

/* proc */

struct run {
	struct proc_result result;
	struct error e;
	enum err code;
};

/* Runs a line of sh, which is here only as a program that does much. */
static struct run sh(const char *line, int64_t timeout_ms, const char *input)
{
	static const char *const env[] = {"PATH=/usr/bin:/bin", "A=b", NULL};
	const char *const argv[] = {"sh", "-c", line, NULL};
	const struct proc_spec spec = {
		.argv = argv,
		.env = env,
		.dir = folder,
		.input = input,
		.input_len = input ? strlen(input) : 0,
		.timeout_ms = timeout_ms,
	};
	struct run r = {.e = ERROR_INIT};

	str_init(&r.result.out, 100000);
	str_init(&r.result.err, 1000);
	r.code = proc_run(&spec, &r.result, &r.e);
	return r;
}

static void check_run(struct run r, int exit_code, const char *out)
{
	assert_int_equal(r.code, ERR_OK);
	assert_false(r.result.timed_out);
	assert_int_equal(r.result.exit_code, exit_code);
	assert_int_equal(r.result.signal, 0);
	assert_string_equal(r.result.out.text, out);
	proc_result_release(&r.result);
}

static int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void programs_end(void **state UNUSED)
{
	int before = open_descriptors();
	struct run r;

	check_run(sh("exit 0", 0, NULL), 0, "");
	check_run(sh("echo a; echo b >&2; exit 7", 9000, NULL), 7, "a\n");
	check_run(sh("cat", 9000, NULL), 0, "");
	check_run(sh("cat", 9000, ""), 0, "");
	check_run(sh("cat; pwd | wc -l", 9000, "in\n"), 0, "in\n1\n");
	check_run(sh("echo $A$HOME; env | grep -c ^LD_", 9000, NULL), 1,
		  "b\n0\n");
	r = sh("echo x >&2; kill -TERM $$", 9000, NULL);
	assert_int_equal(r.code, ERR_OK);
	assert_int_equal(r.result.exit_code, -1);
	assert_int_equal(r.result.signal, SIGTERM);
	assert_string_equal(r.result.err.text, "x\n");
	proc_result_release(&r.result);
	assert_int_equal(open_descriptors(), before);
}

/* A program that reads none of it kills us by SIGPIPE or hangs us. */
static void input_may_be_ignored(void **state UNUSED)
{
	CLEANUP(str_release) struct str big = STR_INIT(1 << 20);

	for (int i = 0; i < 50000; i++)
		str_puts(&big, "0123456789");
	check_run(sh("exit 3", 9000, big.text), 3, "");
	check_run(sh("wc -c", 9000, big.text), 0, "500000\n");
}

static void big_output_is_cut(void **state UNUSED)
{
	struct run r = sh("yes | head -c 1000000; yes n | head -c 900000 >&2",
			  9000, NULL);

	assert_int_equal(r.code, ERR_OK);
	assert_int_equal(r.result.exit_code, 0);
	assert_int_equal(r.result.out.len, 100000);
	assert_int_equal(r.result.out.failed, ERR_INVALID);
	assert_int_equal(r.result.err.len, 1000);
	proc_result_release(&r.result);
}

/* Waits until the process is gone, by a deadline that never decides. */
static bool gone(pid_t pid)
{
	for (int i = 0; i < 2000; i++) {
		if (kill(pid, 0) && errno == ESRCH)
			return true;
		usleep(5000);
	}
	return false;
}

static pid_t read_pid(const char *name)
{
	CLEANUP(str_release) struct str s = STR_INIT(100);
	struct error e = ERROR_INIT;

	assert_int_equal(fs_read(in_folder(name), &s, &e), 0);
	return (pid_t)atoi(s.text);
}

static void deadline_ends_the_group(void **state UNUSED)
{
	struct run r = sh("sleep 1000 & echo $! >pid; wait", 3000, NULL);

	assert_int_equal(r.code, ERR_OK);
	assert_true(r.result.timed_out);
	assert_int_equal(r.result.exit_code, -1);
	assert_int_equal(r.result.signal, SIGKILL);
	proc_result_release(&r.result);
	/* Whoever adopted it has to reap it; a zombie is dead enough. */
	pid_t pid = read_pid("pid");
	char status[64];
	CLEANUP(str_release) struct str s = STR_INIT(10000);
	struct error e = ERROR_INIT;

	snprintf(status, sizeof(status), "/proc/%d/status", (int)pid);
	if (!fs_read(status, &s, &e) && strstr(s.text, "State:\tZ"))
		return;
	assert_true(gone(pid));
}

static void deadline_holds_without_pipes(void **state UNUSED)
{
	struct run r = sh("exec >&- 2>&-; exec sleep 1000", 300, NULL);

	assert_true(r.result.timed_out);
	proc_result_release(&r.result);
}

static void background_does_not_hold_us(void **state UNUSED)
{
	struct run r = sh("echo a; sleep 1000 & echo $! >pid", 0, NULL);

	check_run(r, 0, "a\n");
	kill(read_pid("pid"), SIGKILL);
}

static void programs_that_do_not_start(void **state UNUSED)
{
	const char *const argv[] = {"/nonexistent/program", NULL};
	struct proc_spec spec = {.argv = argv};
	struct proc_result r = {.out = STR_INIT(10), .err = STR_INIT(10)};
	struct error e = ERROR_INIT;
	int before = open_descriptors();

	assert_int_equal(proc_run(&spec, &r, &e), ERR_MISSING);
	assert_string_equal(e.text, "cannot start /nonexistent/program: "
				    "No such file or directory");
	put("plain", "#!/bin/sh\n");
	const char *const plain[] = {"./plain", NULL};
	spec.argv = plain;
	spec.dir = folder;
	assert_int_equal(proc_run(&spec, &r, &e), ERR_MISSING);
	spec.dir = "/nonexistent";
	assert_int_equal(proc_run(&spec, &r, &e), ERR_MISSING);
	assert_int_equal(open_descriptors(), before);
}

/* json */

static void json_reads_by_path(void **state UNUSED)
{
	static const char text[] = "{\"a\": {\"b\": \"x\", \"n\": null}, "
				   "\"i\": 9007199254740993, \"t\": true, "
				   "\"r\": 1.5, \"\": 1}";
	struct error e = ERROR_INIT;
	CLEANUP(json_decref) json_t *root = js_parse(text, strlen(text), &e);

	assert_non_null(root);
	assert_string_equal(js_str(root, "a.b"), "x");
	assert_string_equal(js_str(root, "a.c"), "");
	assert_string_equal(js_str(root, "a.b.c"), "");
	assert_string_equal(js_str(root, "i"), "");
	assert_string_equal(js_str(NULL, "i"), "");
	assert_null(js_get(root, "a.n"));
	assert_ptr_equal(js_get(root, ""), root);
	assert_int_equal(js_int(root, "i", -1), 9007199254740993);
	assert_int_equal(js_int(root, "r", -1), -1);
	assert_true(js_bool(root, "t", false));
	assert_true(js_bool(root, "i", true));
	assert_false(js_bool(root, "i", false));
}

static void json_is_dumped_sorted(void **state UNUSED)
{
	struct error e = ERROR_INIT;
	CLEANUP(json_decref)
	json_t *root = js_parse("{\"b\":[1], \"a\":2}", 16, &e);
	CLEANUP(free) char *text = js_dump(root);

	assert_string_equal(text, "{\"a\":2,\"b\":[1]}");
}

static void json_refuses(void **state UNUSED)
{
	static const char *const bad[] = {
		"",	      "{",   "{\"a\":1,\"a\":2}", "[\"\\u0000\"]",
		"[\"\xff\"]", "{}x",
	};
	CLEANUP(str_release) struct str deep = STR_INIT(100000);
	struct error e = ERROR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_null(js_parse(bad[i], strlen(bad[i]), &e));
		assert_int_equal(e.code, ERR_INVALID);
		assert_true(str_starts(e.text, "not JSON: line"));
	}
	for (int i = 0; i < 50000; i++)
		str_putc(&deep, '[');
	assert_null(js_parse(deep.text, deep.len, &e));
}

static void json_has_a_memory_ceiling(void **state UNUSED)
{
	CLEANUP(str_release) struct str s = STR_INIT(LIMIT_BODY);
	struct error e = ERROR_INIT;
	json_t *root;

	str_putc(&s, '[');
	for (int i = 0; i < 1500000; i++)
		str_puts(&s, "{},");
	str_puts(&s, "1]");
	root = js_parse(s.text, s.len, &e);
	assert_null(root);
	assert_string_equal(e.text, "JSON that needs more than 96 MiB");
	/* And the next one has all of it again. */
	root = js_parse("[1]", 3, &e);
	assert_non_null(root);
	json_decref(root);
}

/* log */

static void log_lines_cannot_be_forged(void **state UNUSED)
{
	CLEANUP(str_release) struct str s = STR_INIT(100000);
	struct error e = ERROR_INIT;
	char big[9000];
	int saved = dup(STDERR_FILENO);
	int fd = open(in_folder("log"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	char *rest;

	memset(big, '\n', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	redact_secret("log-secret-1");
	dup2(fd, STDERR_FILENO);
	log_debug("hidden");
	log_info("a\nb\x1b[0m\xc2\x85 \xc3\xa4 log-secret-1 %d", 7);
	log_error("%s", big);
	log_set_level(LOG_ERROR);
	log_warning("hidden");
	log_set_level(LOG_INFO);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fd);
	assert_int_equal(fs_read(in_folder("log"), &s, &e), 0);
	rest = strchr(s.text, ' ');
	assert_int_equal(s.text[10], 'T');
	assert_true(str_starts(rest, " info  a\\x0ab\\x1b[0m\\u0085 \xc3\xa4 "
				     "[redacted] 7\n"));
	rest = strchr(rest, '\n');
	assert_non_null(rest);
	/* The second line ends where the text does, however long it was. */
	assert_ptr_equal(strchr(rest + 1, '\n'), s.text + s.len - 1);
}

#define IN_FOLDER(f)                                                           \
	cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(error_sentences),
		cmocka_unit_test(str_grows_to_its_ceiling),
		cmocka_unit_test(str_long_format),
		cmocka_unit_test(str_takes),
		cmocka_unit_test(utf8_is_not_cut),
		cmocka_unit_test(iso_times),
		cmocka_unit_test(spans),
		cmocka_unit_test(clocks),
		IN_FOLDER(files_are_whole),
		IN_FOLDER(reading_has_a_ceiling),
		IN_FOLDER(folders_are_made),
		IN_FOLDER(trees_are_removed),
		IN_FOLDER(deep_trees_are_removed),
		IN_FOLDER(locks_exclude),
		IN_FOLDER(programs_end),
		IN_FOLDER(input_may_be_ignored),
		IN_FOLDER(big_output_is_cut),
		IN_FOLDER(deadline_ends_the_group),
		IN_FOLDER(deadline_holds_without_pipes),
		IN_FOLDER(background_does_not_hold_us),
		IN_FOLDER(programs_that_do_not_start),
		cmocka_unit_test(json_reads_by_path),
		cmocka_unit_test(json_is_dumped_sorted),
		cmocka_unit_test(json_refuses),
		cmocka_unit_test(json_has_a_memory_ceiling),
		IN_FOLDER(log_lines_cannot_be_forged),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
