/*
 * sweep [--fault NAME]... [--at N] [--every N] [--minutes N] [--jobs N] DIR
 *
 * Plays one conversation undisturbed and counts the points at which the bot
 * changes something outside of itself.  Then it plays it again and again,
 * each time with one fault at one point, and compares how it ends.
 *
 * Without --every the points are so far apart that all of it takes about
 * --minutes; --every 1 takes all.  A line for each point that failed says how
 * to repeat it; what it left is in DIR.  Exit 1 when there was one.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bot/base/clock.h"
#include "bot/base/fs.h"
#include "tests/crash/fault.h"
#include "tests/crash/talk.h"
#include "tests/crash/turn.h"

#define FAULTS_MOST 16
#define JOBS_MOST 16
/* Of one conversation: nothing in it waits longer than HOUSE_WAIT_MS. */
#define ONE_PLAY_S 300
#define WHILE_MS 1500

/* How a disk fails, and how long; what share of the time it gets. */
static const struct kind {
	const char *name;
	enum fault fault;
	unsigned points;
	int64_t for_ms;
	int weight;		 /* 0: all ways, in any case */
	const struct turn *turn; /* instead of a fault */
} kinds[] = {
	{"kill", FAULT_KILL, POINT_FILE | POINT_SOCKET | POINT_CHILD, 0, 4,
	 NULL},
	{"tear", FAULT_TEAR, POINT_FILE | POINT_SOCKET | POINT_CHILD, 0, 4,
	 NULL},
	{"short", FAULT_SHORT, POINT_FILE | POINT_SOCKET, 0, 1, NULL},
	{"eio", FAULT_EIO, POINT_FILE, 0, 1, NULL},
	{"eio-while", FAULT_EIO, POINT_FILE, WHILE_MS, 1, NULL},
	{"full", FAULT_FULL, POINT_FILE, 0, 1, NULL},
	{"full-while", FAULT_FULL, POINT_FILE, WHILE_MS, 1, NULL},
	{"files", FAULT_FILES, POINT_OPEN, 0, 1, NULL},
	{"files-while", FAULT_FILES, POINT_OPEN, WHILE_MS, 1, NULL},
	{"clock", FAULT_NONE, 0, 0, 0, &turn_clock},
	{"disk", FAULT_NONE, 0, 0, 0, &turn_disk},
	/* Only by name: cmark-gfm and jansson end the process, as they must. */
	{"alloc", FAULT_ALLOC, POINT_ALLOC, 0, 1, NULL},
};

struct options {
	const struct kind *kinds[FAULTS_MOST];
	int kind_count;
	int64_t at;    /* only this point; 0 = a sweep */
	int64_t every; /* 0 = by the time there is */
	int minutes;
	int jobs;
	const char *dir;
};

/* One conversation with one fault. */
struct play {
	const struct kind *kind; /* NULL: undisturbed */
	int64_t at;
	char dir[PATH_MAX - 64];
	pid_t pid;
	bool over, failed, met;
	char why[400], what[256];
};

static char reference_path[PATH_MAX];

/* --- in the child: one conversation --- */

static const struct play *playing;
static struct fault_block *block;

static struct fault_block *make_block(const char *path)
{
	CLEANUP(fd_close)
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	void *at;

	if (fd < 0 || ftruncate(fd, FAULT_SIZE))
		return NULL;
	at = mmap(NULL, FAULT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return at == MAP_FAILED ? NULL : at;
}

static void fail_at_difference(const char *want, const char *got)
{
	size_t line = 0, i = 0;

	for (; want[i] && want[i] == got[i]; i++)
		if (want[i] == '\n')
			line = i + 1;
	if (want[i] != got[i])
		fail_msg("it ends differently: \"%.*s\" instead of \"%.*s\"",
			 (int)strcspn(got + line, "\n"), got + line,
			 (int)strcspn(want + line, "\n"), want + line);
}

static void compare(const struct str *got)
{
	CLEANUP(free) char *path = str_format("%s/record", playing->dir);
	CLEANUP(str_release) struct str want = STR_INIT(1u << 20);
	struct error e = ERROR_INIT;

	if (fs_write(path, got->text, got->len, 0600, &e))
		fail_msg("%s", e.text);
	if (!playing->kind)
		return;
	if (fs_read(reference_path, &want, &e))
		fail_msg("%s", e.text);
	fail_at_difference(want.text, got->text);
}

static void take_turn(struct talk *t)
{
	const struct turn *turn = playing->kind ? playing->kind->turn : NULL;
	const char *why;

	if (!turn)
		return;
	t->way = (int)playing->at;
	t->between = turn->between;
	t->during = turn->during;
	if (turn->prepare && !turn->prepare(t, &why)) {
		print_message("skipped: %s\n", why);
		skip();
	}
}

static void play_it(void **state UNUSED)
{
	CLEANUP(str_release) struct str record = STR_INIT(1u << 20);
	struct talk t = {.h = talk_house(), .block = block};

	take_turn(&t);
	snprintf(block->dir, sizeof(block->dir), "%s/", t.h->state);
	if (playing->kind)
		house_expect(t.h, " ");
	talk_play(&t);
	block->what = FAULT_NONE;
	atomic_store(&block->wall_jump_ms, 0);
	house_await_quiet(t.h);
	talk_record(&t, &record);
	house_end(t.h);
	compare(&record);
}

static void arm(const struct play *p)
{
	CLEANUP(free) char *path = str_format("%s/fault", p->dir);

	block = make_block(path);
	if (!block)
		_exit(2);
	setenv(FAULT_ENV, path, 1);
	if (!p->kind)
		return;
	block->what = p->kind->fault;
	block->points = p->kind->points;
	block->at = p->at;
	block->for_ms = p->kind->for_ms;
}

static void NORETURN play_child(const struct play *p)
{
	const struct CMUnitTest tests[] = {
		HOUSE_TEST(play_it),
	};
	CLEANUP(free) char *log = str_format("%s/log", p->dir);
	int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int status;

	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		_exit(2);
	alarm(ONE_PLAY_S);
	setenv("TMPDIR", p->dir, 1);
	setenv("HOUSE_KEEP", "1", 1);
	playing = p;
	arm(p);
	status = cmocka_run_group_tests_name("play", tests, NULL, NULL) != 0;
	fflush(NULL);
	/* What a failed test did not free is not of interest. */
	_exit(status);
}

/* --- in the parent --- */

static struct options opts = {.minutes = 5, .jobs = 2};

/* What cmocka printed of the first failure, after one of its marks. */
static void read_why(struct play *p, int status)
{
	static const char *const marks[] = {"\nERROR: ", "[  ERROR   ] --- "};
	CLEANUP(free) char *path = str_format("%s/log", p->dir);
	CLEANUP(str_release) struct str log = STR_INIT(64u << 20);
	struct error e = ERROR_INIT;
	const char *at = NULL;

	snprintf(p->why, sizeof(p->why), "it took too long, or crashed (%d)",
		 status);
	if (fs_read(path, &log, &e))
		return;
	for (size_t i = 0; !at && i < ARRAY_SIZE(marks); i++) {
		at = strstr(log.text, marks[i]);
		if (at)
			at += strlen(marks[i]);
	}
	if (at)
		snprintf(p->why, sizeof(p->why), "%.*s", (int)strcspn(at, "\n"),
			 at);
}

static void read_block(struct play *p, struct fault_block *ret)
{
	CLEANUP(free) char *path = str_format("%s/fault", p->dir);
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, ret, sizeof(*ret)) != (ssize_t)sizeof(*ret))
		return;
	p->met = atomic_load(&ret->hits) > 0 || (p->kind && p->kind->turn);
	snprintf(p->what, sizeof(p->what), "%s", ret->met);
}

static void start_play(struct play *p)
{
	struct error e = ERROR_INIT;

	snprintf(p->dir, sizeof(p->dir), "%s/%s-%lld", opts.dir,
		 p->kind ? p->kind->name : "undisturbed", (long long)p->at);
	if (fs_remove_tree(p->dir, &e) || fs_mkdirs(p->dir, 0755, &e)) {
		fprintf(stderr, "sweep: %s\n", e.text);
		exit(2);
	}
	fflush(NULL);
	p->pid = fork();
	if (!p->pid)
		play_child(p);
}

static void end_play(struct play *p, int status)
{
	struct fault_block seen = {0};
	struct error e = ERROR_INIT;

	p->over = true;
	p->failed = status != 0;
	read_block(p, &seen);
	if (p->failed)
		read_why(p, status);
	else if (p->kind && fs_remove_tree(p->dir, &e))
		fprintf(stderr, "sweep: %s\n", e.text);
}

static void print_play(const struct play *p)
{
	if (p->failed)
		printf("%s %lld (%s): %s\n"
		       "    again: make crash FAULT=%s AT=%lld; its state: "
		       "%s\n",
		       p->kind->name, (long long)p->at, p->what, p->why,
		       p->kind->name, (long long)p->at, p->dir);
}

/* Waits for one to end. */
static void reap(struct play *plays, int count)
{
	int status;
	pid_t pid = wait(&status);

	for (int i = 0; i < count; i++)
		if (plays[i].pid == pid && !plays[i].over)
			end_play(&plays[i], status);
}

/* Plays all, some at a time, and tells of them in their order. */
static void play_all(struct play *plays, int count)
{
	int started = 0, told = 0, running = 0;

	while (told < count) {
		while (running < opts.jobs && started < count) {
			start_play(&plays[started++]);
			running++;
		}
		reap(plays, started);
		running--;
		while (told < started && plays[told].over)
			print_play(&plays[told++]);
		fflush(stdout);
	}
}

struct totals {
	int played, failed, missed;
};

static void sweep_kind(const struct kind *k, int64_t first, int64_t last,
		       int64_t every, struct totals *ret)
{
	int count = (int)((last - first) / every + 1);
	struct play *plays = calloc((size_t)count, sizeof(*plays));
	struct totals t = {.played = count};

	if (!plays)
		exit(2);
	for (int i = 0; i < count; i++) {
		plays[i].kind = k;
		plays[i].at = first + i * every;
	}
	play_all(plays, count);
	for (int i = 0; i < count; i++) {
		t.failed += plays[i].failed;
		t.missed += !plays[i].met;
	}
	printf("%s: %d of %lld points, every %lld; %d failed, %d were not met "
	       "again\n",
	       k->name, t.played, (long long)last, (long long)every, t.failed,
	       t.missed);
	ret->played += t.played;
	ret->failed += t.failed;
	ret->missed += t.missed;
	free(plays);
}

static int64_t points_of(const struct kind *k, struct fault_block *seen)
{
	int64_t sum = 0;

	if (k->turn)
		return k->turn->count;
	for (int i = 0; i < FAULT_KINDS; i++)
		if (k->points & (1u << i))
			sum += atomic_load(&seen->of_kind[i]);
	return sum;
}

/* So that its share of the time is enough. */
static int64_t stride(const struct kind *k, int64_t points, int64_t one_ms)
{
	int64_t plays = (int64_t)opts.minutes * 60000 * opts.jobs / one_ms;
	int weights = 0;

	if (!k->weight)
		return 1;
	if (opts.every)
		return opts.every;
	for (int i = 0; i < opts.kind_count; i++)
		weights += opts.kinds[i]->weight;
	plays = plays * k->weight / weights;
	return plays < 1 ? points : (points + plays - 1) / plays;
}

static int64_t play_reference(struct fault_block *seen)
{
	struct play p = {0};
	int64_t began = clock_mono(&clock_system);

	start_play(&p);
	reap(&p, 1);
	if (p.failed) {
		printf("undisturbed: %s; see %s\n", p.why, p.dir);
		exit(1);
	}
	read_block(&p, seen);
	snprintf(reference_path, sizeof(reference_path), "%s/record", p.dir);
	return clock_mono(&clock_system) - began;
}

static int sweep(void)
{
	struct fault_block seen = {0};
	int64_t began = clock_mono(&clock_system);
	int64_t one_ms = play_reference(&seen);
	struct totals t = {0};

	for (int i = 0; i < opts.kind_count; i++) {
		const struct kind *k = opts.kinds[i];
		int64_t points = points_of(k, &seen);
		int64_t every = stride(k, points, one_ms);

		if (opts.at)
			sweep_kind(k, opts.at, opts.at, 1, &t);
		else
			/* Not always the very first: in the middle. */
			sweep_kind(k, (every + 1) / 2, points, every, &t);
	}
	printf("%d passed, %d failed\n", t.played - t.failed, t.failed);
	printf("crash: %d conversations in %lld s, %d at points that were met; "
	       "%s\n",
	       t.played, (long long)(clock_mono(&clock_system) - began) / 1000,
	       t.played - t.missed,
	       t.failed ? "NOT ALL ended the same" : "all ended the same");
	return t.failed != 0;
}

/* --- options --- */

static bool add_kind(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0 &&
		    opts.kind_count < FAULTS_MOST) {
			opts.kinds[opts.kind_count++] = &kinds[i];
			return true;
		}
	fprintf(stderr, "sweep: no fault is called %s\n", name);
	return false;
}

static bool read_options(int argc, char **argv)
{
	static const struct option options[] = {
		{"fault", required_argument, NULL, 'f'},
		{"at", required_argument, NULL, 'a'},
		{"every", required_argument, NULL, 'e'},
		{"minutes", required_argument, NULL, 'm'},
		{"jobs", required_argument, NULL, 'j'},
		{0},
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'f' && !add_kind(optarg))
			return false;
		if (opt == 'a')
			opts.at = atoll(optarg);
		if (opt == 'e')
			opts.every = atoll(optarg);
		if (opt == 'm')
			opts.minutes = atoi(optarg);
		if (opt == 'j')
			opts.jobs = atoi(optarg);
		if (opt == '?')
			return false;
	}
	for (size_t i = 0; !opts.kind_count && i < ARRAY_SIZE(kinds); i++)
		if (i + 1 == ARRAY_SIZE(kinds))
			opts.kind_count = (int)i;
		else
			opts.kinds[i] = &kinds[i];
	opts.dir = argv[optind];
	return opts.dir && opts.at >= 0 && opts.every >= 0 &&
	       opts.minutes > 0 && opts.jobs > 0 && opts.jobs <= JOBS_MOST;
}

/* The programs beside us; the bot is started by the keeper. */
static void set_environment(void)
{
	char self[PATH_MAX], path[PATH_MAX + 32];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *asan = getenv("ASAN_OPTIONS");

	self[n > 0 ? n : 0] = '\0';
	*strrchr(self, '/') = '\0';
	snprintf(path, sizeof(path), "%s/../../sandbox", self);
	setenv("KCIBOT_SANDBOX", path, 1);
	snprintf(path, sizeof(path), "%s/keeper", self);
	setenv("KCIBOT", path, 1);
	/* The shim comes first, and hands on to it. */
	snprintf(path, sizeof(path), "verify_asan_link_order=0%s%s",
		 asan ? ":" : "", asan ? asan : "");
	setenv("ASAN_OPTIONS", path, 1);
}

int main(int argc, char **argv)
{
	if (!read_options(argc, argv)) {
		fprintf(stderr, "usage: sweep [--fault NAME]... [--at N] "
				"[--every N] [--minutes N] [--jobs N] DIR\n");
		return 2;
	}
	set_environment();
	return sweep();
}
