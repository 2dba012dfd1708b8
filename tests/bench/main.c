/*
 * make bench: what a webhook costs kcibot, side by side with programs that do
 * the same work.
 *
 * The machine's other work makes rates and latencies swing, so the programs
 * take turns, and medians and ratios are shown.  Numbers are judged by
 * reading them: only lost deliveries and a failed run end it with 1.
 *
 *	bench KCIBOT HERE CACHE REPORT
 *
 * KCIBOT is the program, HERE this folder, CACHE a folder for what npm brings
 * and for the runs, REPORT the file that the table is written to as well.
 * BENCH_ROUNDS and BENCH_SECONDS (of each run) may be set.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bot/base/fs.h"
#include "bot/base/proc.h"
#include "tests/bench/forge.h"
#include "tests/bench/payload.h"
#include "tests/bench/table.h"

/* More than a run needs; then the ids begin again, under new GUIDs. */
#define SIGNED_COMMENTS 60000

static struct scenario scenarios[] = {
	{"comment not for the bot, 10.6 kB, 16 connections", 10600, 16, false,
	 NULL},
	{"comment not for the bot, 25 kB, 32 connections", 25170, 32, false,
	 NULL},
	{"comment not for the bot, 25 kB, 4 connections", 25170, 4, false,
	 NULL},
	{"wrong signature, 10.6 kB, 16 connections", 10600, 16, true, NULL},
};

enum {
	SCENARIO_SMALL,
	SCENARIO_LARGE,
	SCENARIO_FEW,
	SCENARIO_WRONG,
	SCENARIO_COUNT
};

struct bench {
	struct place place;
	json_t *comment;
	struct str report;
	struct outcome_of of[SCENARIO_COUNT];
	bool takes_part[PROGRAM_COUNT];
	bool has_first[PROGRAM_COUNT];
	double first_us[PROGRAM_COUNT][FIRST_CALLS];
	int met, missed; /* bars */
};

/* A number from the environment, within bounds. */
static int setting(const char *name, int absent, int most)
{
	const char *text = getenv(name);
	int n = text ? atoi(text) : 0;

	return n < 1 ? absent : n > most ? most : n;
}

/* --- preparing --- */

/* Quietly: what is missing afterwards says so itself. */
static void fetch_packages(const char *npm)
{
	const char *const argv[] = {"npm",
				    "install",
				    "--no-audit",
				    "--no-fund",
				    "--no-save",
				    "--ignore-scripts",
				    "--fetch-retries=1",
				    "--fetch-timeout=20000",
				    "--prefix",
				    npm,
				    "probot@14",
				    "@octokit/webhooks-examples@7.6",
				    NULL};
	struct proc_spec spec = {
		.argv = argv,
		.env = (const char *const *)environ,
		.timeout_ms = 120000,
	};
	CLEANUP(proc_result_release) struct proc_result r = {0};
	CLEANUP(free)
	char *probot = str_format("%s/node_modules/probot/lib", npm);
	struct error e = ERROR_INIT;

	if (!probot || !access(probot, F_OK) || fs_mkdirs(npm, 0755, &e))
		return;
	str_init(&r.out, 4096);
	str_init(&r.err, 4096);
	if (proc_run(&spec, &r, &e))
		printf("npm: %s\n", e.text);
	else if (r.exit_code)
		printf("npm: %s\n", r.err.text);
}

static enum err prepare_comments(struct bench *b, const char *cache,
				 struct error *e)
{
	CLEANUP(free)
	char *examples = str_format("%s/node_modules/@octokit/webhooks-"
				    "examples/api.github.com/index.json",
				    b->place.npm);
	bool real = examples && !access(examples, R_OK);

	b->comment = payload_comment(real ? examples : NULL, e);
	if (!b->comment)
		return e->code;
	str_addf(&b->report, "payload: %s\n",
		 real ? "GitHub's own example of a comment "
			"(@octokit/webhooks-examples), filled up to size"
		      : "generated (GitHub's examples need npm)");
	for (size_t i = 0; i < SCENARIO_COUNT; i++) {
		struct scenario *s = &scenarios[i];
		size_t size;

		s->base = str_format("%s/comment-%zu", cache, s->size);
		b->of[i].scenario = s;
		if (!s->base)
			return error_set(e, ERR_FATAL, "out of memory");
		if (i && s->size == scenarios[i - 1].size)
			continue; /* they are there */
		if (payload_write(b->comment, s->base, s->size, SIGNED_COMMENTS,
				  BENCH_SECRET, &size, e))
			return e->code;
	}
	return ERR_OK;
}

/* Who is there, who is not and why. */
static void introduce(struct bench *b)
{
	for (int p = 0; p < PROGRAM_COUNT; p++) {
		CLEANUP(free) char *words = NULL;

		b->takes_part[p] = programs[p].look(&b->place, &words);
		str_addf(&b->report, "%-10s %s%s\n", programs[p].name,
			 b->takes_part[p] ? "" : "SKIPPED: ",
			 words ? words : "");
	}
	str_addf(&b->report,
		 "kcibot answers when the delivery is on the disk (fsync); the "
		 "others keep nothing.\n\"handled\" adds what it does with it "
		 "afterwards.  Below each peer: its number by kcibot's.\n"
		 "yardstick: HMAC-SHA256 of 25 kB takes %.0f us here and now, "
		 "15 where the bars were set\n",
		 payload_hmac_us(25170));
}

/* --- running --- */

/* What a peer cannot do is said and left out; kcibot must. */
static enum err failed(struct bench *b, int p, struct error *e)
{
	if (p == PROGRAM_KCIBOT)
		return e->code;
	str_addf(&b->report, "%-10s SKIPPED: %s\n", programs[p].name, e->text);
	b->takes_part[p] = false;
	return ERR_OK;
}

/* All programs in turn, so that what else happens here hits all of them. */
static enum err run_scenario(struct bench *b, int i, int round, int seconds,
			     struct error *e)
{
	struct outcome_of *o = &b->of[i];

	for (int p = 0; p < PROGRAM_COUNT; p++) {
		if (!b->takes_part[p])
			continue;
		if (!measure_load(&programs[p], &b->place, &scenarios[i],
				  seconds, round * SCENARIO_COUNT + i,
				  &o->runs[p][round], e))
			o->rounds[p]++;
		else if (failed(b, p, e))
			return e->code;
	}
	return ERR_OK;
}

static enum err run_loads(struct bench *b, int rounds, int seconds,
			  struct error *e)
{
	for (int round = 0; round < rounds; round++)
		for (int i = 0; i < SCENARIO_COUNT; i++) {
			printf("round %d of %d: %s\n", round + 1, rounds,
			       scenarios[i].title);
			fflush(stdout);
			if (run_scenario(b, i, round, seconds, e))
				return e->code;
		}
	return ERR_OK;
}

static enum err run_first_calls(struct bench *b, struct error *e)
{
	for (int p = 0; p < PROGRAM_COUNT; p++) {
		if (!b->takes_part[p] || !programs[p].calls_forge)
			continue;
		if (!measure_first_call(&programs[p], &b->place, b->comment,
					b->first_us[p], e))
			b->has_first[p] = true;
		else if (failed(b, p, e))
			return e->code;
	}
	return ERR_OK;
}

/* --- judging --- */

static void bar(struct bench *b, const char *what, double value, double most,
		const char *unit)
{
	bool met = value <= most;

	b->met += met;
	b->missed += !met;
	str_addf(&b->report, "%-4s  %-52s %8.1f <= %.0f %s\n",
		 met ? "ok" : "OVER", what, value, most, unit);
}

static void bars(struct bench *b)
{
	struct measure small =
		outcome_median(&b->of[SCENARIO_SMALL], PROGRAM_KCIBOT);
	struct measure large =
		outcome_median(&b->of[SCENARIO_LARGE], PROGRAM_KCIBOT);
	struct measure wrong =
		outcome_median(&b->of[SCENARIO_WRONG], PROGRAM_KCIBOT);

	str_puts(&b->report, "\nbars\n");
	bar(b, "CPU per durable answer, 25 kB, 32 connections",
	    large.figures[CPU_US], 150, "us");
	bar(b, "CPU per comment not for the bot, handled, 10.6 kB",
	    small.figures[DONE_US], 200, "us");
	bar(b, "CPU per wrong signature", wrong.figures[CPU_US], 85, "us");
	bar(b, "p99 of a durable answer, 25 kB, 32 connections (quiet)",
	    large.figures[P99_MS], 15, "ms");
	bar(b, "resident memory, idle", small.figures[IDLE_MB], 16, "MB");
	bar(b, "private dirty memory, idle", small.figures[PRIVATE_MB], 4,
	    "MB");
	bar(b, "resident memory, peak, 32 connections", large.figures[PEAK_MB],
	    32, "MB");
	bar(b, "growth by wrong signatures",
	    wrong.figures[PEAK_MB] - wrong.figures[IDLE_MB], 4, "MB");
}

/* Everything that was acknowledged must be in the journal. */
static int64_t lost(struct bench *b)
{
	int64_t missing = 0, acks = 0, rows = 0;

	for (int i = 0; i < SCENARIO_COUNT; i++)
		for (int n = 0; n < b->of[i].rounds[PROGRAM_KCIBOT]; n++) {
			const struct measure *m =
				&b->of[i].runs[PROGRAM_KCIBOT][n];

			acks += m->acks;
			rows += m->rows;
			if (m->rows < m->acks)
				missing += m->acks - m->rows;
		}
	str_addf(&b->report,
		 "%-4s  acknowledged %lld, in the journal %lld, lost %lld\n",
		 missing ? "LOST" : "ok", (long long)acks, (long long)rows,
		 (long long)missing);
	return missing;
}

static int64_t report(struct bench *b)
{
	int64_t missing;

	for (int i = 0; i < SCENARIO_COUNT; i++)
		table_scenario(&b->report, &b->of[i]);
	table_first_call(&b->report, b->has_first, b->first_us);
	bars(b);
	missing = lost(b);
	return missing;
}

static enum err run(struct bench *b, const char *cache, int64_t *ret_lost,
		    struct error *e)
{
	int rounds = setting("BENCH_ROUNDS", 3, ROUNDS_MAX);
	int seconds = setting("BENCH_SECONDS", 2, 60);
	int64_t start = mono_ns();
	double load = 0;

	getloadavg(&load, 1);
	if (fs_mkdirs(cache, 0755, e))
		return e->code;
	fetch_packages(b->place.npm);
	str_addf(&b->report,
		 "bench: %d rounds of %d s each, medians; %ld processors, load "
		 "%.1f before\n",
		 rounds, seconds, sysconf(_SC_NPROCESSORS_ONLN), load);
	if (forge_start(&b->place.forge_port, e) ||
	    prepare_comments(b, cache, e))
		return e->code;
	introduce(b);
	if (!b->takes_part[PROGRAM_KCIBOT])
		return error_set(e, ERR_FATAL, "no kcibot: run make first");
	if (run_loads(b, rounds, seconds, e) || run_first_calls(b, e))
		return e->code;
	*ret_lost = report(b);
	str_addf(&b->report,
		 "bench: %d of %d bars met, %lld deliveries lost, "
		 "in %lld s\n",
		 b->met, b->met + b->missed, (long long)*ret_lost,
		 (long long)((mono_ns() - start) / 1000000000));
	return ERR_OK;
}

/* wrk prints its usage and fails, but it can be run. */
static bool has_wrk(void)
{
	const char *const argv[] = {"wrk", "-v", NULL};
	struct proc_spec spec = {
		.argv = argv,
		.env = (const char *const *)environ,
		.timeout_ms = 10000,
	};
	CLEANUP(proc_result_release) struct proc_result r = {0};
	struct error e = ERROR_INIT;

	str_init(&r.out, 4096);
	str_init(&r.err, 4096);
	return !proc_run(&spec, &r, &e);
}

int main(int argc, char **argv)
{
	static struct bench b;
	CLEANUP(free) char *npm = NULL, *runs = NULL;
	char kcibot[PATH_MAX], here[PATH_MAX];
	struct error e = ERROR_INIT;
	int64_t missing = 0;

	if (argc != 5 || !realpath(argv[2], here)) {
		fprintf(stderr, "usage: bench KCIBOT HERE CACHE REPORT\n");
		return 2;
	}
	if (!realpath(argv[1], kcibot) || !has_wrk()) {
		fprintf(stderr,
			"bench: nothing was measured: needs wrk "
			"(Debian package \"wrk\") and %s\n",
			argv[1]);
		return 1;
	}
	npm = str_format("%s/npm", argv[3]);
	runs = str_format("%s/run", argv[3]);
	b.place = (struct place){kcibot, here, npm, runs, 0};
	str_init(&b.report, 1 << 20);
	if (run(&b, argv[3], &missing, &e)) {
		fprintf(stderr, "bench: failed: %s\n", e.text);
		return 1;
	}
	fputs(b.report.text, stdout);
	if (fs_write(argv[4], b.report.text, b.report.len, 0644, &e)) {
		fprintf(stderr, "bench: %s\n", e.text);
		return 1;
	}
	return missing ? 1 : 0;
}
