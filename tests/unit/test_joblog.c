#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bot/base/fs.h"
#include "deploy/joblog.h"

static char dir[200];

static int set_up(void **state UNUSED)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, sizeof(dir), "%s/kcibot-joblog-XXXXXX",
		 tmp ? tmp : "/tmp");
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state UNUSED)
{
	struct error e = ERROR_INIT;

	return (int)fs_remove_tree(dir, &e);
}

static void slurp(const char *name, struct str *out)
{
	char path[300];
	struct error e = ERROR_INIT;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(fs_read(path, out, &e), ERR_OK);
}

static bool there(const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

/* total bytes, piece by piece, each its position's letter. */
static void fill(struct joblog *l, size_t total, size_t piece)
{
	char buf[100];
	size_t at = 0;

	while (at < total) {
		size_t n = piece < total - at ? piece : total - at;

		for (size_t i = 0; i < n; i++)
			buf[i] = (char)('a' + (at + i) % 23);
		joblog_write(l, buf, n);
		at += n;
	}
}

static void expect(size_t total, size_t head, size_t tail)
{
	CLEANUP(str_release) struct str want = STR_INIT(10000);
	CLEANUP(str_release) struct str got = STR_INIT(10000);

	for (size_t i = 0; i < total; i++) {
		if (i == head && total > head + tail)
			str_addf(&want,
				 "\nkcibot: %zu bytes of output are left out\n",
				 total - head - tail);
		if (i < head || i + tail >= total)
			str_putc(&want, (char)('a' + i % 23));
	}
	slurp("log", &got);
	if (strcmp(got.text, want.text) != 0)
		fail_msg("%zu: %s\nnot %s", total, got.text, want.text);
	assert_false(there("log.1"));
	assert_false(there("log.2"));
}

static void head_and_tail(void **state UNUSED)
{
	static const size_t totals[] = {0,  1,	 39,  40,  41,	70,
					99, 100, 101, 160, 161, 1000};
	static const size_t pieces[] = {1, 7, 40, 60, 99};

	for (size_t i = 0; i < ARRAY_SIZE(totals); i++) {
		for (size_t p = 0; p < ARRAY_SIZE(pieces); p++) {
			struct error e = ERROR_INIT;
			struct joblog *l = joblog_open_sized(dir, 40, 60, &e);

			assert_non_null(l);
			fill(l, totals[i], pieces[p]);
			assert_int_equal(joblog_lost(l), 0);
			joblog_close(l);
			expect(totals[i], 40, 60);
		}
	}
}

/* What a reader sees while the job writes, and after a crash of the writer. */
static void unfinished(void **state UNUSED)
{
	CLEANUP(str_release) struct str tail = STR_INIT(10000);
	struct error e = ERROR_INIT;
	CLEANUP(joblog_close)
	struct joblog *l = joblog_open_sized(dir, 40, 60, &e);

	for (int i = 0; i < 50; i++) {
		char line[20];
		int n = snprintf(line, sizeof(line), "line %d\n", i);

		joblog_write(l, line, (size_t)n);
	}
	joblog_tail(dir, 3, 1000, &tail);
	assert_string_equal(tail.text, "line 47\nline 48\nline 49\n");
	str_clear(&tail);
	joblog_tail(dir, 1000, 20, &tail);
	assert_string_equal(tail.text, "line 48\nline 49\n");
}

static void tails(void **state UNUSED)
{
	static const struct {
		const char *in, *out;
		size_t lines, bytes;
	} cases[] = {
		{"", "", 3, 100},
		{"a", "a", 3, 100},
		{"a\nb\nc\nd\n", "b\nc\nd\n", 3, 100},
		{"a\nb\nc\nd", "c\nd", 2, 100},
		{"abcdef\ngh\n", "gh\n", 9, 5},
		{"abcdefgh", "efgh", 9, 4},
		{"ab\xc3\xa4\xc3\xa4", "\xc3\xa4", 9, 3},
		{"\033[31mred\033[0m\n", "red\n", 9, 100},
		{"one\rtwo\r\nthree\n", "one\ntwo\nthree\n", 9, 100},
		{"a\xff"
		 "b\xc3\n",
		 "a\xef\xbf\xbd"
		 "b\xef\xbf\xbd\n",
		 9, 100},
		{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 9,
		 100},
		{"a\007\010b\tc\n", "a??b\tc\n", 9, 100},
		{"end\033", "end?", 9, 100},
		{"end\033[", "end", 9, 100},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(str_release) struct str tail = STR_INIT(10000);
		struct error e = ERROR_INIT;
		struct joblog *l = joblog_open(dir, &e);

		joblog_write(l, cases[i].in, strlen(cases[i].in));
		joblog_close(l);
		joblog_tail(dir, cases[i].lines, cases[i].bytes, &tail);
		assert_string_equal(tail.text, cases[i].out);
	}
}

static void no_log(void **state UNUSED)
{
	CLEANUP(str_release) struct str tail = STR_INIT(100);

	joblog_tail("/nonexistent", 3, 50, &tail);
	joblog_tail(dir, 3, 50, &tail);
	assert_string_equal(tail.text, "");
}

/* A NUL byte must not end the text, nor the tail. */
static void binary(void **state UNUSED)
{
	CLEANUP(str_release) struct str tail = STR_INIT(1000);
	struct error e = ERROR_INIT;
	struct joblog *l = joblog_open(dir, &e);

	joblog_write(l, "a\0b\n", 4);
	joblog_sayf(l, "cannot %s", "x");
	joblog_close(l);
	joblog_tail(dir, 9, 100, &tail);
	assert_string_equal(tail.text, "a?b\nkcibot: cannot x\n");
}

/* As on a full disk: it goes on, and knows what it lost. */
static void full_disk(void **state UNUSED)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct error e = ERROR_INIT;
		struct joblog *l;
		int64_t lost;

		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &(struct rlimit){50, 50});
		l = joblog_open_sized(dir, 100, 100, &e);
		fill(l, 1000, 10);
		lost = joblog_lost(l);
		joblog_close(l);
		_exit(lost == 950 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(head_and_tail), TEST(unfinished), TEST(tails),
		TEST(no_log),	     TEST(binary),     TEST(full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
