/*
 *	sim [--seeds N] [--from SEED] [--jobs N] [--actions N] [--trace]
 *	    [--tests N] [--first]
 *
 * Plays worlds, one process for each core.  A seed that fails is told with
 * the fewest acts of people that still make it fail, its trace, and how to
 * play it again.  --tests N: the last line counts N seeds as one test.
 * --first: each process ends with its first failure, of which no more is said.
 */
#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bot/base/clock.h"
#include "tests/sim/sim.h"

#define JOBS_AT_ONCE 64
/* Nobody learns more from the eleventh. */
#define FAILURES_MAX 10
/* A world takes a fraction of a second; one that takes so long hangs. */
#define HANGS_MS (5 * MINUTE)
#define TELL_EVERY_MS (10 * SECOND)
#define LOOK_EVERY_US 20000

struct options {
	const char *program;
	int64_t seeds, from;
	int actions, jobs, tests;
	bool trace, first;
};

/* What a process that plays tells the one that waits, in shared memory. */
struct share {
	pid_t pid;
	int64_t at;	  /* the seed in hand, counted from the first */
	int64_t since_ms; /* when it was begun */
	int64_t done;
	struct tally tally;
	int failed;
	int64_t failures[FAILURES_MAX]; /* counted from the first */
};

/* --- one that fails --- */

static bool fails(uint64_t seed, int actions, FILE *trace, char *why,
		  size_t size)
{
	struct tally none = {0};
	int unused;

	run_world(seed, actions, trace, why, size, &none, &unused);
	return *why != '\0';
}

/* Fewer and fewer acts, as long as it still fails; 0 = it needs them all. */
static int shortest(uint64_t seed, int acts)
{
	char why[512];
	int low = 1, best = acts;

	if (!acts || !fails(seed, acts, NULL, why, sizeof(why)))
		return 0;
	while (low < best) {
		int middle = (low + best) / 2;

		if (fails(seed, middle, NULL, why, sizeof(why)))
			best = middle;
		else
			low = middle + 1;
	}
	return best;
}

static void write_trace(uint64_t seed, int actions, const char *path)
{
	FILE *trace = fopen(path, "w");
	char why[512];

	if (!trace) {
		printf("sim:   its trace cannot be written to %s\n", path);
		return;
	}
	if (!fails(seed, actions, trace, why, sizeof(why)))
		printf("sim:   and not when it is played again!\n");
	fclose(trace);
	printf("sim:   its trace: %s\n", path);
}

static void tell_failure(const struct options *o, uint64_t seed, int acts,
			 const char *why)
{
	unsigned long long id = seed;
	char path[64], fewer[32] = "";
	int actions;

	printf("sim: seed %llu failed: %s\n", id, why);
	fflush(stdout);
	if (o->first)
		return;
	actions = o->actions ? o->actions : shortest(seed, acts);
	if (actions) {
		printf("sim:   the first %d acts are enough\n", actions);
		snprintf(fewer, sizeof(fewer), " --actions %d", actions);
	}
	snprintf(path, sizeof(path), "build/sim-%llu.trace", id);
	write_trace(seed, actions, path);
	printf("sim:   again: %s --from %llu%s --trace\n", o->program, id,
	       fewer);
	fflush(stdout);
}

/* --- a process that plays --- */

static void play(const struct options *o, struct share *share)
{
	uint64_t seed = (uint64_t)(o->from + share->at);
	char why[512];
	int acts;

	share->since_ms = clock_mono(&clock_system);
	run_world(seed, o->actions, o->trace ? stdout : NULL, why, sizeof(why),
		  &share->tally, &acts);
	if (*why) {
		share->failures[share->failed++] = share->at;
		if (o->trace)
			printf("%s\n", why);
		else
			tell_failure(o, seed, acts, why);
	}
	share->done++;
}

static bool ends(const struct options *o, const struct share *share)
{
	return share->failed >= (o->first ? 1 : FAILURES_MAX);
}

static void play_share(const struct options *o, struct share *share)
{
	while (share->at < o->seeds && !ends(o, share)) {
		play(o, share);
		share->at += o->jobs;
	}
}

static void begin_share(const struct options *o, struct share *share)
{
	pid_t pid;

	share->pid = 0;
	if (share->at >= o->seeds || ends(o, share))
		return;
	fflush(stdout);
	share->since_ms = clock_mono(&clock_system);
	pid = fork();
	if (pid < 0) {
		perror("fork");
		exit(2);
	}
	if (pid == 0) {
		/* Who waits may be killed: nobody plays on for nobody. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		play_share(o, share);
		fflush(stdout);
		_exit(0);
	}
	share->pid = pid;
}

/* --- the one that waits --- */

/* It died of its seed: that is told, and the next one is played. */
static void bury(const struct options *o, struct share *share, int status)
{
	long long seed = o->from + share->at;

	share->pid = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	printf("sim: seed %lld ended the simulator itself (%s %d)\n"
	       "sim:   again: %s --from %lld --trace\n",
	       seed, WIFSIGNALED(status) ? "signal" : "exit",
	       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
	       o->program, seed);
	if (share->failed < FAILURES_MAX)
		share->failures[share->failed++] = share->at;
	share->done++;
	share->at += o->jobs;
	begin_share(o, share);
}

static bool look(const struct options *o, struct share *shares)
{
	bool any = false;

	for (int i = 0; i < o->jobs; i++) {
		struct share *s = &shares[i];
		int status;

		if (!s->pid)
			continue;
		if (clock_mono(&clock_system) - s->since_ms > HANGS_MS)
			kill(s->pid, SIGKILL);
		if (waitpid(s->pid, &status, WNOHANG) == s->pid)
			bury(o, s, status);
		any = any || s->pid;
	}
	return any;
}

static struct share sum_of(const struct options *o, const struct share *shares)
{
	struct share sum = {0};

	for (int i = 0; i < o->jobs; i++) {
		const struct share *s = &shares[i];

		sum.done += s->done;
		sum.failed += s->failed;
		sum.tally.ms += s->tally.ms;
		sum.tally.calls += s->tally.calls;
		sum.tally.webhooks += s->tally.webhooks;
		sum.tally.lost += s->tally.lost;
		sum.tally.deaths += s->tally.deaths;
	}
	return sum;
}

static long long a_second(int64_t what, int64_t ms)
{
	return (long long)(ms ? what * 1000 / ms : 0);
}

static void tell_progress(const struct options *o, const struct share *shares,
			  int64_t took_ms)
{
	struct share sum = sum_of(o, shares);
	int64_t left_ms =
		sum.done ? (o->seeds - sum.done) * took_ms / sum.done : 0;

	printf("sim: %lld of %lld seeds, %d failed, %lld simulated hours a "
	       "second, %lld s left\n",
	       (long long)sum.done, (long long)o->seeds, sum.failed,
	       a_second(sum.tally.ms / HOUR, took_ms),
	       (long long)left_ms / 1000);
	fflush(stdout);
}

static void run_all(const struct options *o, struct share *shares)
{
	int64_t start = clock_mono(&clock_system), told = start;

	for (int i = 0; i < o->jobs; i++) {
		shares[i].at = i;
		begin_share(o, &shares[i]);
	}
	while (look(o, shares)) {
		int64_t now = clock_mono(&clock_system);

		usleep(LOOK_EVERY_US);
		if (now - told < TELL_EVERY_MS)
			continue;
		told = now;
		tell_progress(o, shares, now - start);
	}
}

/* --- the last lines --- */

static double cpu_s(void)
{
	struct rusage self, children;

	getrusage(RUSAGE_SELF, &self);
	getrusage(RUSAGE_CHILDREN, &children);
	return (double)(self.ru_utime.tv_sec + self.ru_stime.tv_sec +
			children.ru_utime.tv_sec + children.ru_stime.tv_sec) +
	       (double)(self.ru_utime.tv_usec + self.ru_stime.tv_usec +
			children.ru_utime.tv_usec + children.ru_stime.tv_usec) /
		       1e6;
}

static void tell_end(const struct options *o, const struct share *shares,
		     int64_t took_ms)
{
	struct share sum = sum_of(o, shares);

	printf("sim: %lld seeds, %lld calls, %lld webhooks (%lld lost), %lld "
	       "deaths\n"
	       "sim: %lld seeds, %lld simulated hours in %.1f s (%.1f s of "
	       "processor time): %lld hours a second, %d failed\n",
	       (long long)sum.done, (long long)sum.tally.calls,
	       (long long)sum.tally.webhooks, (long long)sum.tally.lost,
	       (long long)sum.tally.deaths, (long long)sum.done,
	       (long long)(sum.tally.ms / HOUR), (double)took_ms / 1e3, cpu_s(),
	       a_second(sum.tally.ms / HOUR, took_ms), sum.failed);
}

/* Is there a failure in this test's seeds? */
static bool test_failed(const struct options *o, const struct share *shares,
			int64_t test)
{
	for (int i = 0; i < o->jobs; i++)
		for (int n = 0; n < shares[i].failed; n++)
			if (shares[i].failures[n] / o->tests == test)
				return true;
	return false;
}

static void count_tests(const struct options *o, const struct share *shares)
{
	int64_t tests = (o->seeds + o->tests - 1) / o->tests, failed = 0;

	for (int64_t i = 0; i < tests; i++)
		failed += test_failed(o, shares, i);
	printf("%lld passed, %lld failed\n", (long long)(tests - failed),
	       (long long)failed);
}

static void read_options(int argc, char **argv, struct options *o)
{
	static const struct option table[] = {
		{"seeds", required_argument, NULL, 's'},
		{"from", required_argument, NULL, 'f'},
		{"actions", required_argument, NULL, 'a'},
		{"jobs", required_argument, NULL, 'j'},
		{"tests", required_argument, NULL, 'n'},
		{"trace", no_argument, NULL, 't'},
		{"first", no_argument, NULL, '1'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (c == 's')
			o->seeds = atoll(optarg);
		else if (c == 'f')
			o->from = atoll(optarg);
		else if (c == 'a')
			o->actions = atoi(optarg);
		else if (c == 'j')
			o->jobs = atoi(optarg);
		else if (c == 'n')
			o->tests = atoi(optarg);
		else if (c == 't')
			o->trace = true;
		else if (c == '1')
			o->first = true;
		else
			exit(2);
	}
	if (o->jobs < 1 || o->trace)
		o->jobs = 1;
	if (o->jobs > JOBS_AT_ONCE)
		o->jobs = JOBS_AT_ONCE;
}

int main(int argc, char **argv)
{
	struct options o = {
		.program = argv[0], .seeds = 1, .from = 1, .jobs = 1};
	int64_t start = clock_mono(&clock_system);
	struct share *shares;

	read_options(argc, argv, &o);
	shares =
		mmap(NULL, sizeof(*shares) * JOBS_AT_ONCE,
		     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shares == MAP_FAILED || sodium_init() < 0)
		return 2;
	/* The engine's own log is only of use beside a trace. */
	if (!getenv("KCIBOT_SIM_LOG") && !freopen("/dev/null", "w", stderr))
		return 2;
	disk_init();
	if (o.trace)
		play_share(&o, shares);
	else
		run_all(&o, shares);
	tell_end(&o, shares, clock_mono(&clock_system) - start);
	if (o.tests > 0)
		count_tests(&o, shares);
	return sum_of(&o, shares).failed != 0;
}
