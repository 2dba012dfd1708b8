/*
 *	sim [--seeds N] [--from SEED] [--trace] [--actions N] [--jobs N]
 *	    [--first]
 *
 * Runs worlds.  A seed that fails is told with its trace and the fewest acts
 * of people that still make it fail; --first: the first one, and no more of it.
 */
#include <getopt.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bot/base/fs.h"
#include "bot/base/log.h"
#include "bot/base/str.h"
#include "tests/sim/sim.h"

/* --- the run of time --- */

void sim_fail(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	if (*s->failure)
		return;
	va_start(ap, fmt);
	vsnprintf(s->failure, sizeof(s->failure), fmt, ap);
	va_end(ap);
	sim_trace(s, "FAILED: %s", s->failure);
}

void sim_trace(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	if (!s->trace)
		return;
	fprintf(s->trace, "%8lld.%03lld ",
		(long long)(s->now_ms - 1790000000000LL) / 1000,
		(long long)s->now_ms % 1000);
	va_start(ap, fmt);
	vfprintf(s->trace, fmt, ap);
	va_end(ap);
	fputc('\n', s->trace);
}

static bool before(const struct moment *a, const struct moment *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

void sim_at(struct sim *s, int64_t at_ms,
	    void (*run)(struct sim *s, int64_t arg), int64_t arg)
{
	size_t i;

	if (s->moment_count == s->moment_room) {
		s->moment_room = s->moment_room ? 2 * s->moment_room : 256;
		s->moments = realloc(s->moments,
				     s->moment_room * sizeof(*s->moments));
		if (!s->moments)
			abort();
	}
	i = s->moment_count++;
	s->moments[i] = (struct moment){at_ms, s->order++, run, arg};
	while (i && before(&s->moments[i], &s->moments[(i - 1) / 2])) {
		struct moment swap = s->moments[i];

		s->moments[i] = s->moments[(i - 1) / 2];
		s->moments[(i - 1) / 2] = swap;
		i = (i - 1) / 2;
	}
}

static struct moment take_moment(struct sim *s)
{
	struct moment first = s->moments[0];
	size_t i = 0, n = --s->moment_count;

	s->moments[0] = s->moments[n];
	for (;;) {
		size_t least = i;

		for (size_t c = 2 * i + 1; c <= 2 * i + 2 && c < n; c++)
			if (before(&s->moments[c], &s->moments[least]))
				least = c;
		if (least == i)
			return first;
		struct moment swap = s->moments[i];

		s->moments[i] = s->moments[least];
		s->moments[least] = swap;
		i = least;
	}
}

static void advance(struct sim *s, int64_t to_ms)
{
	fake_clock_advance(&s->clock, to_ms - s->now_ms);
	s->now_ms = to_ms;
}

/* The bot's own next moment, if it comes before the world's. */
static int64_t next_time(const struct sim *s, int64_t end_ms)
{
	int64_t next = s->moment_count ? s->moments[0].at_ms : end_ms;
	int64_t due = s->engine ? engine_due_in(s->engine) : -1;

	if (due >= 0 && s->now_ms + due < next)
		next = s->now_ms + due;
	return next < end_ms ? next : end_ms;
}

static void run_until(struct sim *s, int64_t end_ms)
{
	while (s->now_ms < end_ms && !*s->failure) {
		int64_t next = next_time(s, end_ms);

		advance(s, next > s->now_ms ? next : s->now_ms + 1);
		while (s->moment_count && s->moments[0].at_ms <= s->now_ms &&
		       !*s->failure) {
			struct moment m = take_moment(s);

			m.run(s, m.arg);
			process_run(s);
		}
		process_run(s);
	}
}

/* --- a world --- */

static void world_begin(struct sim *s)
{
	const char *tmp = getenv("KCIBOT_SIM_DIR");

	s->chance.state = s->seed;
	chance_next(&s->chance);
	setting_choose(s);
	s->now_ms = 1790000000000LL;
	s->next_id = 100;
	for (int i = 0; i < SPEECH_MAX; i++)
		s->next_speech[i] = 100;
	fake_clock_init(&s->clock, s->now_ms);
	s->forge.start = forge_start;
	s->git.start = git_start;
	s->jobs_port.start = jobs_start;
	snprintf(s->dir, sizeof(s->dir), "%.30s/kcisim-XXXXXX",
		 tmp ? tmp : "/dev/shm");
	if (!mkdtemp(s->dir)) {
		perror(s->dir);
		exit(2);
	}
	snprintf(s->store_path, sizeof(s->store_path), "%s/kcibot.db", s->dir);
	snprintf(s->inbox_path, sizeof(s->inbox_path), "%s/inbox.db", s->dir);
	for (int i = 0; i < REPOS_MAX; i++)
		sha_of(s->bases[i], "base", s->seed, (uint64_t)i);
	s->config = setting_config();
	process_boot(s, 0);
	process_run(s);
	people_begin(s);
}

static void world_end(struct sim *s)
{
	struct error e = ERROR_INIT;

	disk_full(false);
	process_doom(s, -1);
	calls_reset();
	hooks_end(s);
	engine_free(s->engine);
	inbox_close(s->inbox);
	for (size_t i = 0; i < s->comment_count; i++)
		free(s->comments[i].body);
	for (int i = 0; i < CALLS_MAX; i++)
		json_decref(s->calls[i].args);
	free(s->moments);
	config_free(s->config);
	if (fs_remove_tree(s->dir, &e))
		fprintf(stderr, "%s\n", e.text);
}

struct tally {
	int64_t hours, calls, webhooks, lost, deaths;
};

/* Lives through one world; the failure's text, "" = all was well. */
static void run_world(uint64_t seed, int actions, FILE *trace, char *ret,
		      size_t size, struct tally *tally, int *ret_acts)
{
	struct sim *s = calloc(1, sizeof(*s));
	int64_t start;

	if (!s)
		abort();
	s->seed = seed;
	s->knobs.actions = actions;
	s->trace = trace;
	world_begin(s);
	start = s->now_ms;
	while (!s->calm && !*s->failure)
		run_until(s, s->now_ms + HOUR);
	/* Long enough for a booked full and what follows it. */
	run_until(s, s->now_ms + 13 * HOUR);
	/* The schedule may have begun one a moment ago. */
	for (int n = 0; n < 48 && !*s->failure && oracle_busy(s); n++)
		run_until(s, s->now_ms + 5 * MINUTE);
	if (!*s->failure)
		oracle_end(s);
	snprintf(ret, size, "%s", s->failure);
	tally->hours += (s->now_ms - start) / HOUR;
	tally->calls += s->forge_calls;
	tally->webhooks += s->webhooks;
	tally->lost += s->lost_webhooks;
	tally->deaths += s->deaths;
	*ret_acts = s->acts;
	world_end(s);
	free(s);
}

/* --- seeds --- */

static bool fails(uint64_t seed, int actions, FILE *trace, char *why,
		  size_t size, int *ret_acts)
{
	struct tally none = {0};

	run_world(seed, actions, trace, why, size, &none, ret_acts);
	return *why != '\0';
}

/* Fewer and fewer acts, as long as it still fails. */
static int shortest(uint64_t seed, int acts)
{
	char why[512];
	int unused, low = 1, best = acts;

	for (int tries = 0; low < best && tries < 40; tries++) {
		int middle = (low + best) / 2;

		if (fails(seed, middle, NULL, why, sizeof(why), &unused))
			best = middle;
		else
			low = middle + 1;
	}
	return best;
}

static void tell_failure(uint64_t seed, int acts, int actions, const char *why)
{
	char path[64], text[512];
	FILE *trace;
	int unused;

	printf("sim: seed %llu failed: %s\n", (unsigned long long)seed, why);
	fflush(stdout);
	if (!actions)
		actions = shortest(seed, acts);
	snprintf(path, sizeof(path), "build/sim-%llu.trace",
		 (unsigned long long)seed);
	trace = fopen(path, "w");
	if (trace && fails(seed, actions, trace, text, sizeof(text), &unused))
		printf("sim: seed %llu with %d acts: %s\n"
		       "sim: its trace is %s; again: sim --from %llu "
		       "--actions %d --trace\n",
		       (unsigned long long)seed, actions, text, path,
		       (unsigned long long)seed, actions);
	if (trace)
		fclose(trace);
	fflush(stdout);
}

struct options {
	int64_t seeds, from;
	int actions, jobs;
	bool trace;
	bool first;
};

/* Every n-th seed; the number of failures. */
static int run_share(const struct options *o, int share, struct tally *tally)
{
	int failed = 0;

	for (int64_t i = share; i < o->seeds; i += o->jobs) {
		uint64_t seed = (uint64_t)(o->from + i);
		char why[512];
		int acts;

		run_world(seed, o->actions, o->trace ? stdout : NULL, why,
			  sizeof(why), tally, &acts);
		if (!*why)
			continue;
		failed++;
		if (o->first) {
			printf("sim: seed %llu failed: %s\n",
			       (unsigned long long)seed, why);
			fflush(stdout);
			break;
		}
		if (!o->trace)
			tell_failure(seed, acts, o->actions, why);
		else
			printf("%s\n", why);
		if (failed == 10)
			break;
	}
	return failed;
}

static int64_t now_ms(void)
{
	return clock_mono(&clock_system);
}

static void read_options(int argc, char **argv, struct options *o)
{
	static const struct option table[] = {
		{"seeds", required_argument, NULL, 's'},
		{"from", required_argument, NULL, 'f'},
		{"actions", required_argument, NULL, 'a'},
		{"jobs", required_argument, NULL, 'j'},
		{"trace", no_argument, NULL, 't'},
		{"first", no_argument, NULL, '1'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		switch (c) {
		case 's':
			o->seeds = atoll(optarg);
			break;
		case 'f':
			o->from = atoll(optarg);
			break;
		case 'a':
			o->actions = atoi(optarg);
			break;
		case 'j':
			o->jobs = atoi(optarg);
			break;
		case 't':
			o->trace = true;
			break;
		case '1':
			o->first = true;
			break;
		default:
			exit(2);
		}
	}
}

/* One process a core: SQLite's layer and the trace belong to a process. */
static int run_all(const struct options *o, struct tally *sum)
{
	int failed = 0, pipes[2];

	if (pipe(pipes))
		return 1;
	for (int share = 0; share < o->jobs; share++) {
		pid_t pid = fork();

		if (pid == 0) {
			struct {
				struct tally tally;
				int64_t failed;
			} ret = {0};

			ret.failed = run_share(o, share, &ret.tally);
			if (write(pipes[1], &ret, sizeof(ret)) != sizeof(ret))
				_exit(1);
			_exit(0);
		}
	}
	close(pipes[1]);
	for (int share = 0; share < o->jobs; share++) {
		struct {
			struct tally tally;
			int64_t failed;
		} ret = {.failed = 1};

		if (read(pipes[0], &ret, sizeof(ret)) != sizeof(ret))
			ret.failed = 1; /* it died */
		failed += (int)ret.failed;
		sum->hours += ret.tally.hours;
		sum->calls += ret.tally.calls;
		sum->webhooks += ret.tally.webhooks;
		sum->lost += ret.tally.lost;
		sum->deaths += ret.tally.deaths;
	}
	while (wait(NULL) > 0)
		;
	close(pipes[0]);
	return failed;
}

int main(int argc, char **argv)
{
	struct options o = {.seeds = 1, .from = 1, .jobs = 1};
	struct tally sum = {0};
	int64_t start = now_ms(), took;
	int failed;

	read_options(argc, argv, &o);
	if (sodium_init() < 0)
		return 2;
	/* The engine's own log is only of use beside a trace. */
	if (!getenv("KCIBOT_SIM_LOG") && !freopen("/dev/null", "w", stderr))
		return 2;
	disk_init();
	failed = o.jobs > 1 ? run_all(&o, &sum) : run_share(&o, 0, &sum);
	took = now_ms() - start;
	printf("sim: %lld seeds, %lld simulated hours in %lld.%lld s (%lld a "
	       "second), %lld calls, %lld webhooks (%lld lost), %lld deaths: "
	       "%d failed\n",
	       (long long)o.seeds, (long long)sum.hours, (long long)took / 1000,
	       (long long)took % 1000 / 100,
	       (long long)(took ? sum.hours * 1000 / took : 0),
	       (long long)sum.calls, (long long)sum.webhooks,
	       (long long)sum.lost, (long long)sum.deaths, failed);
	return failed != 0;
}
