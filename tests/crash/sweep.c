/*
 * sweep [--talk NAME] [--fault NAME]... [--at N] [--every N] [--minutes N]
 *       [--jobs N] [--from TALK:FAULT:N] [DIR]
 *
 * Plays each conversation undisturbed and counts the points at which the bot
 * changes something outside of itself.  Then it plays them again and again,
 * each time with one fault at one point, and compares how it ends.
 *
 * Without --every the points are so far apart that all of it takes about
 * --minutes; --every 1 takes all.  A line for each point that failed says how
 * to repeat it; what it left is in DIR, which must have a short name.  Each
 * minute a line says how far it got; ^C ends it with the word that goes on
 * from there.  Exit 1 when a point failed.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bot/base/clock.h"
#include "bot/base/fs.h"
#include "tests/crash/plan.h"

#define JOBS_MOST 64
#define TELL_EACH_MS 60000

static struct plan_wish wish;
static int minutes = 5;
static int jobs;
static const char *dir;
static volatile sig_atomic_t interrupted;

/* --- playing --- */

static struct reference references[SCRIPT_COUNT];

static void print_play(const struct play *p)
{
	const char *talk = p->script->name, *fault = p->kind->name;
	long long at = p->at;

	if (p->skipped)
		printf("%s %s %lld: skipped: %s\n", talk, fault, at, p->what);
	if (p->failed)
		printf("%s %s %lld (%s): %s\n"
		       "    again: make crash TALK=%s FAULT=%s AT=%lld; its "
		       "state: %s\n",
		       talk, fault, at, p->what, p->why, talk, fault, at,
		       p->dir);
}

/* Waits for one to end; false when there was a signal instead. */
static bool reap(struct play *plays, int count)
{
	int status;
	pid_t pid = wait(&status);

	for (int i = 0; i < count && pid > 0; i++)
		if (plays[i].pid == pid && !plays[i].over)
			play_end(&plays[i], status);
	return pid > 0;
}

static void tell_progress(const struct plan *p, int ended, int64_t began)
{
	int64_t took_s = (clock_mono(&clock_system) - began) / 1000;
	int64_t left_s = took_s * (p->count - ended) / (ended ? ended : 1);

	printf("  %d of %d in %lld min, about %lld min to go\n", ended,
	       p->count, (long long)took_s / 60, (long long)left_s / 60 + 1);
}

static void end_all(struct plan *p, int started)
{
	for (int i = 0; i < started; i++)
		if (!p->plays[i].over)
			kill(p->plays[i].pid, SIGKILL);
	while (wait(NULL) > 0 || errno == EINTR)
		;
}

/* Plays all, some at a time, and tells of them in their order. */
static void play_all(struct plan *p)
{
	int64_t began = clock_mono(&clock_system), next = began + TELL_EACH_MS;
	int started = 0, told = 0, running = 0;

	while (told < p->count && !interrupted) {
		while (running < jobs && started < p->count) {
			play_start(&p->plays[started++], dir);
			running++;
		}
		running -= reap(p->plays, started);
		while (told < started && p->plays[told].over)
			print_play(&p->plays[told++]);
		if (clock_mono(&clock_system) >= next) {
			tell_progress(p, started - running, began);
			next += TELL_EACH_MS;
		}
		fflush(stdout);
	}
	end_all(p, started);
	if (told < p->count)
		printf("interrupted; what is left: FROM=%s:%s:%lld\n",
		       p->plays[told].script->name, p->plays[told].kind->name,
		       (long long)p->plays[told].at);
}

static void play_reference(const struct script *script, struct reference *ret)
{
	struct play p = {.script = script};
	int64_t began = clock_mono(&clock_system);

	play_start(&p, dir);
	while (!p.over && !interrupted)
		reap(&p, 1);
	if (!p.over || p.failed) {
		printf("%s, undisturbed: %s; see %s\n", script->name, p.why,
		       p.dir);
		exit(1);
	}
	play_counts(&p, &ret->seen);
	snprintf(ret->record, sizeof(ret->record), "%s/record", p.dir);
	ret->took_ms = clock_mono(&clock_system) - began;
}

static int sweep(void)
{
	int64_t began = clock_mono(&clock_system);
	struct plan p;
	int failed;

	for (int i = 0; i < SCRIPT_COUNT; i++)
		if (plan_has(&wish, &talk_scripts[i]))
			play_reference(&talk_scripts[i], &references[i]);
	wish.all_ms = (int64_t)minutes * 60000 * jobs;
	plan_make(&p, &wish, references);
	if (p.count == 0) {
		fprintf(stderr, "sweep: there is no such point\n");
		plan_release(&p);
		return 2;
	}
	play_all(&p);
	failed = plan_report(&p, clock_mono(&clock_system) - began);
	plan_release(&p);
	return failed || interrupted;
}

static const char *parent_folder(void)
{
	const char *tmp = getenv("TMPDIR");

	if (tmp && strlen(tmp) < 22)
		return tmp;
	/* Nothing is gained from a real disk, and much of the time is its. */
	return access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
}

/* Short, as the name of a socket in it has its limit. */
static int sweep_in_new_folder(void)
{
	static char made[PATH_MAX];
	struct error e = ERROR_INIT;
	int failed;

	snprintf(made, sizeof(made), "%s/crash.XXXXXX", parent_folder());
	if (!mkdtemp(made)) {
		perror(made);
		return 2;
	}
	dir = made;
	failed = sweep();
	/* Of what was refused nothing is left to see. */
	if (failed != 1 && fs_remove_tree(dir, &e))
		fprintf(stderr, "sweep: %s\n", e.text);
	return failed;
}

/* --- options --- */

static const struct kind *find(const char *name)
{
	const struct kind *k = kind_find(name);

	if (!k)
		fprintf(stderr, "sweep: no fault is called %s\n", name);
	return k;
}

static const struct script *find_script(const char *name)
{
	const struct script *s = script_find(name);

	if (!s)
		fprintf(stderr, "sweep: no conversation is called %s\n", name);
	return s;
}

static bool read_from(const char *text)
{
	char talk[32] = "", name[32] = "";
	long long at = 0;

	if (sscanf(text, "%31[^:]:%31[^:]:%lld", talk, name, &at) != 3) {
		fprintf(stderr, "sweep: --from is like plain:kill:123\n");
		return false;
	}
	wish.from_script = find_script(talk);
	wish.from = find(name);
	wish.from_at = at;
	return wish.from && wish.from_script;
}

static bool add_kind(const char *name)
{
	const struct kind *k = find(name);

	if (!k || wish.kind_count == KINDS_MOST)
		return false;
	wish.kinds[wish.kind_count++] = k;
	return true;
}

static bool read_option(int opt)
{
	switch (opt) {
	case 't':
		wish.script = find_script(optarg);
		return wish.script != NULL;
	case 'f':
		return add_kind(optarg);
	case 'F':
		return read_from(optarg);
	case 'a':
		wish.at = atoll(optarg);
		return wish.at > 0;
	case 'e':
		wish.every = atoll(optarg);
		return wish.every > 0;
	case 'm':
		minutes = atoi(optarg);
		return minutes > 0;
	case 'j':
		jobs = atoi(optarg);
		return jobs > 0 && jobs <= JOBS_MOST;
	default:
		return false;
	}
}

static bool read_options(int argc, char **argv)
{
	static const struct option options[] = {
		{"talk", required_argument, NULL, 't'},
		{"fault", required_argument, NULL, 'f'},
		{"from", required_argument, NULL, 'F'},
		{"at", required_argument, NULL, 'a'},
		{"every", required_argument, NULL, 'e'},
		{"minutes", required_argument, NULL, 'm'},
		{"jobs", required_argument, NULL, 'j'},
		{0},
	};
	int opt;

	/* A conversation waits for a third of its time. */
	jobs = 2 * (int)sysconf(_SC_NPROCESSORS_ONLN);
	jobs = jobs < JOBS_MOST ? jobs : JOBS_MOST;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!read_option(opt))
			return false;
	dir = argv[optind];
	return true;
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

static void on_signal(int sig UNUSED)
{
	interrupted = 1;
}

int main(int argc, char **argv)
{
	/* Without SA_RESTART: it ends the wait. */
	const struct sigaction act = {.sa_handler = on_signal};

	if (!read_options(argc, argv)) {
		fprintf(stderr, "usage: sweep [--talk NAME] [--fault NAME]... "
				"[--at N] [--every N] [--minutes N] "
				"[--jobs N] [--from TALK:FAULT:N] [DIR]\n");
		return 2;
	}
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	set_environment();
	return dir ? sweep() : sweep_in_new_folder();
}
