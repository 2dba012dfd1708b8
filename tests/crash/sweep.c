/*
 * sweep [--fault NAME]... [--at N] [--every N] [--minutes N] [--jobs N] [DIR]
 *
 * Plays one conversation undisturbed and counts the points at which the bot
 * changes something outside of itself.  Then it plays it again and again,
 * each time with one fault at one point, and compares how it ends.
 *
 * Without --every the points are so far apart that all of it takes about
 * --minutes; --every 1 takes all.  A line for each point that failed says how
 * to repeat it; what it left is in DIR, which must have a short name.  Exit 1
 * when there was one.
 */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bot/base/clock.h"
#include "bot/base/fs.h"
#include "tests/crash/play.h"

#define FAULTS_MOST 16
#define JOBS_MOST 16
#define WHILE_MS 1500

static const struct kind kinds[] = {
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
	{"clock", FAULT_NONE, 0, 0, 1, &turn_clock},
	{"disk", FAULT_NONE, 0, 0, 2, &turn_disk},
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

static struct options opts = {.minutes = 5, .jobs = 2};

/* --- playing --- */

static char reference_path[PATH_MAX];

static void print_play(const struct play *p)
{
	if (p->skipped)
		printf("%s %lld: skipped: %s\n", p->kind->name,
		       (long long)p->at, p->what);
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
			play_end(&plays[i], status);
}

/* Plays all, some at a time, and tells of them in their order. */
static void play_all(struct play *plays, int count)
{
	int started = 0, told = 0, running = 0;

	while (told < count) {
		while (running < opts.jobs && started < count) {
			play_start(&plays[started++], opts.dir, reference_path);
			running++;
		}
		reap(plays, started);
		running--;
		while (told < started && plays[told].over)
			print_play(&plays[told++]);
		fflush(stdout);
	}
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

/* So that its share of the time is enough: a play with a fault takes longer
 * by a restart, and by what is tried again. */
static int64_t stride(const struct kind *k, int64_t points, int64_t one_ms)
{
	int64_t all_ms = (int64_t)opts.minutes * 60000 * opts.jobs;
	int weights = 0;
	int64_t plays;

	if (opts.every)
		return opts.every;
	for (int i = 0; i < opts.kind_count; i++)
		weights += opts.kinds[i]->weight;
	if (one_ms < 1 || weights < 1)
		return points;
	plays = all_ms * k->weight / (one_ms * 3 / 2 + 1) / weights;
	return plays < 1 ? points : (points + plays - 1) / plays;
}

static int64_t play_reference(struct fault_block *seen)
{
	struct play p = {0};
	int64_t began = clock_mono(&clock_system);

	play_start(&p, opts.dir, NULL);
	reap(&p, 1);
	if (p.failed) {
		printf("undisturbed: %s; see %s\n", p.why, p.dir);
		exit(1);
	}
	play_counts(&p, seen);
	snprintf(reference_path, sizeof(reference_path), "%s/record", p.dir);
	return clock_mono(&clock_system) - began;
}

/* What is to be played, in the order of kinds and points. */
struct plan {
	struct play *plays;
	int count, room;
	struct {
		int64_t points, every;
	} of[FAULTS_MOST];
};

static void plan_add(struct plan *p, const struct kind *k, int64_t at)
{
	if (p->count == p->room) {
		p->room = p->room ? 2 * p->room : 64;
		p->plays = reallocarray(p->plays, (size_t)p->room,
					sizeof(*p->plays));
		if (!p->plays)
			exit(2);
	}
	p->plays[p->count++] = (struct play){.kind = k, .at = at};
}

static void plan_kind(struct plan *p, int i, struct fault_block *seen,
		      int64_t one_ms)
{
	const struct kind *k = opts.kinds[i];
	int64_t points = points_of(k, seen);
	int64_t every = stride(k, points, one_ms);

	p->of[i].points = points;
	p->of[i].every = every;
	if (opts.at)
		plan_add(p, k, opts.at);
	/* From the middle of the first step: not always the very first. */
	for (int64_t at = (every + 1) / 2; !opts.at && at <= points;
	     at += every)
		plan_add(p, k, at);
}

struct totals {
	int played, failed, missed, skipped;
};

static void count_plays(const struct plan *p, const struct kind *k,
			struct totals *ret)
{
	for (int i = 0; i < p->count; i++) {
		const struct play *one = &p->plays[i];

		if (k && one->kind != k)
			continue;
		ret->played++;
		ret->failed += one->failed;
		ret->missed += !one->met && !one->skipped;
		ret->skipped += one->skipped;
	}
}

static int report_all(const struct plan *p, int64_t took_ms)
{
	struct totals all = {0};

	for (int i = 0; i < opts.kind_count; i++) {
		struct totals t = {0};

		count_plays(p, opts.kinds[i], &t);
		printf("%-12s %4d of %5lld points, every %lld: %d failed, %d "
		       "not met again, %d skipped\n",
		       opts.kinds[i]->name, t.played,
		       (long long)p->of[i].points, (long long)p->of[i].every,
		       t.failed, t.missed, t.skipped);
	}
	count_plays(p, NULL, &all);
	printf("%d passed, %d failed, %d skipped\n",
	       all.played - all.failed - all.skipped, all.failed, all.skipped);
	printf("crash: %d conversations in %lld s; %s\n", all.played,
	       (long long)took_ms / 1000,
	       all.failed ? "NOT ALL ended the same" : "all ended the same");
	return all.failed != 0;
}

static int sweep(void)
{
	int64_t began = clock_mono(&clock_system);
	struct fault_block seen = {0};
	int64_t one_ms = play_reference(&seen);
	struct plan p = {0};
	int status;

	for (int i = 0; i < opts.kind_count; i++)
		plan_kind(&p, i, &seen, one_ms);
	play_all(p.plays, p.count);
	status = report_all(&p, clock_mono(&clock_system) - began);
	free(p.plays);
	return status;
}

/* Short, as the name of a socket in it has its limit. */
static int sweep_in_new_folder(void)
{
	const char *tmp = getenv("TMPDIR");
	static char dir[PATH_MAX];
	struct error e = ERROR_INIT;
	int failed;

	snprintf(dir, sizeof(dir), "%s/crash.XXXXXX",
		 tmp && strlen(tmp) < 30 ? tmp : "/tmp");
	if (!mkdtemp(dir)) {
		perror(dir);
		return 2;
	}
	opts.dir = dir;
	failed = sweep();
	if (!failed && fs_remove_tree(dir, &e))
		fprintf(stderr, "sweep: %s\n", e.text);
	return failed;
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
	return opts.at >= 0 && opts.every >= 0 && opts.minutes > 0 &&
	       opts.jobs > 0 && opts.jobs <= JOBS_MOST;
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
				"[--every N] [--minutes N] [--jobs N] "
				"[DIR]\n");
		return 2;
	}
	set_environment();
	return opts.dir ? sweep() : sweep_in_new_folder();
}
