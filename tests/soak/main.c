/*
 * soak [--minutes N | --seconds N] [--seed N] [--per-minute N] [--out DIR]
 *
 * Lets the program beside it live for so long under random conversation,
 * and fails when it does not hold its memory and descriptors, or when not
 * everything comes to rest in the end.  DIR gets samples.csv.
 *
 * KCIBOT names another program to be watched, HOUSE_KEEP=1 leaves what it
 * wrote.
 */
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bot/base/clock.h"
#include "bot/base/fs.h"
#include "tests/integration/look.h"
#include "tests/soak/judge.h"
#include "tests/soak/soak.h"

#define SAMPLE_EVERY_MS 5000
#define TELL_EVERY_MS 60000
#define QUIET_EVERY_MS 60000
#define QUIET_WAIT_MS 20000
/* Connections that the other side closed a moment ago are gone by then. */
#define QUIET_LOOKS 60

static struct soak soak = {
	.minutes = 60, .per_minute = 180, .out = "build/soak"};

/* --- chance --- */

int soak_between(struct soak *s, int low, int high)
{
	return low + (int)(nrand48(s->chance) % ((long)high - low + 1));
}

bool soak_of(struct soak *s, int percent)
{
	return soak_between(s, 0, 99) < percent;
}

void soak_problem(struct soak *s, const char *fmt, ...)
{
	va_list ap;

	s->problems++;
	printf("  PROBLEM after %lld s: ",
	       (long long)(clock_mono(&clock_system) - s->began_ms) / 1000);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

/* --- one thing after another --- */

static const struct soak_act *const subjects[] = {
	soak_pull_acts,
	soak_word_acts,
	soak_caller_acts,
	soak_trouble_acts,
};

static int sum_of_weights(void)
{
	int sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++)
		for (const struct soak_act *a = subjects[i]; a->name; a++)
			sum += a->weight;
	return sum;
}

static void act(struct soak *s)
{
	int at = soak_between(s, 0, sum_of_weights() - 1);

	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++)
		for (const struct soak_act *a = subjects[i]; a->name; a++) {
			at -= a->weight;
			if (at < 0) {
				a->act(s);
				s->events++;
				return;
			}
		}
}

/* --- watching --- */

static const struct sample *take(struct soak *s, bool quiet, bool whole)
{
	const char *port = strrchr(sbc_url(s->h->forge), ':');
	struct sample_of of = {
		.pid = s->h->pid,
		.state_dir = s->h->state,
		.forge_port = (int)strtol(port + 1, NULL, 10),
	};

	soak_look(s);
	return samples_take(s->samples, &of,
			    clock_mono(&clock_system) - s->began_ms, quiet,
			    whole);
}

static void tell(struct soak *s)
{
	const struct sample *last = take(s, false, true);
	int64_t minutes = (clock_mono(&clock_system) - s->began_ms) / 60000;

	if (!last)
		return;
	printf("  %3lld min: %6d events, %5lld cycles, %4d pulls; RSS %.1f MB,"
	       " %d fds, %d threads; state %.1f MB (jobs %.1f, git %.1f,"
	       " books %.1f)\n",
	       (long long)minutes, s->events,
	       (long long)house_sql(s->h, "SELECT count(*) FROM cycle"),
	       s->pull_count, (double)last->rss_kb / 1024, last->fds,
	       last->threads, (double)last->state / 1e6,
	       (double)last->jobs / 1e6, (double)last->git / 1e6,
	       (double)(last->kcibot_db + last->inbox_db) / 1e6);
	fflush(stdout);
}

/*
 * Everybody is still for a moment.  Not a problem when it does not become
 * quiet: the environment may be locked, and there is another time.
 */
static void be_quiet(struct soak *s)
{
	soak_slow_end(s);
	soak_trouble_end(s);
	if (!soak_await_quiet(s, QUIET_WAIT_MS))
		return;
	for (int i = 0; i < QUIET_LOOKS; i++)
		look_pause();
	if (!house_is_quiet(s->h))
		return;
	take(s, true, false);
}

static void live(struct soak *s)
{
	int64_t sample_ms = 0, tell_ms = s->began_ms + TELL_EVERY_MS;
	int64_t quiet_ms = s->began_ms + QUIET_EVERY_MS;
	int64_t pause_ms = 60000 / s->per_minute, next_ms = 0;
	int64_t now;

	while ((now = clock_mono(&clock_system)) < s->end_ms) {
		if (now >= sample_ms) {
			sample_ms = now + SAMPLE_EVERY_MS;
			take(s, false, false);
		}
		if (now >= tell_ms) {
			tell_ms += TELL_EVERY_MS;
			tell(s);
		}
		if (now >= quiet_ms) {
			be_quiet(s);
			quiet_ms = clock_mono(&clock_system) + QUIET_EVERY_MS;
		}
		if (now >= next_ms) {
			next_ms = now + soak_between(s, 0, 2 * (int)pause_ms);
			act(s);
		}
		soak_slow_tick(s);
		soak_trouble_tick(s);
		look_pause();
	}
}

/* --- the whole --- */

static void print_lines(struct soak *s, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		soak_problem(s, "%.*s", (int)len, text);
		text += len + (text[len] == '\n');
	}
}

static void report(struct soak *s, int64_t cycles, const struct verdict *v)
{
	printf("soak: %lld min, %lld cycles, %d events, %d quiet points: "
	       "memory %.1f -> %.1f MB, %d fds and %d threads %s, "
	       "%lld log lines, %d problems\n",
	       (long long)(s->end_ms - s->began_ms + 30000) / 60000,
	       (long long)cycles, s->events, v->quiets,
	       (double)v->early_kb / 1024, (double)v->late_kb / 1024, v->fds,
	       v->threads, v->problems ? "NOT FLAT" : "flat",
	       (long long)s->log_lines, s->problems);
	fflush(stdout);
}

static void soak_it(void **state UNUSED)
{
	CLEANUP(str_release) struct str words = STR_INIT(1u << 20);
	struct soak *s = &soak;
	struct verdict v;
	int64_t cycles;
	pid_t pid;

	soak_world(s);
	pid = s->h->pid;
	s->began_ms = clock_mono(&clock_system);
	s->end_ms = s->began_ms + s->minutes * 60000 + s->seconds * 1000;
	live(s);
	soak_calm(s);
	be_quiet(s);
	tell(s);
	cycles = house_sql(s->h, "SELECT count(*) FROM cycle");
	assert_int_equal(s->h->pid, pid);
	judge(s->samples, &v, &words);
	print_lines(s, words.text);
	house_stop(s->h);
	soak_read_log(s);
	report(s, cycles, &v);
	assert_int_equal(s->problems, 0);
}

static bool read_options(struct soak *s, int argc, char **argv)
{
	static const struct option options[] = {
		{"minutes", required_argument, NULL, 'm'},
		{"seconds", required_argument, NULL, 's'},
		{"seed", required_argument, NULL, 'e'},
		{"per-minute", required_argument, NULL, 'p'},
		{"out", required_argument, NULL, 'o'},
		{0},
	};
	int opt;

	s->seed = (unsigned)time(NULL) % 1000000;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'm')
			s->minutes = atoll(optarg);
		if (opt == 's') {
			s->seconds = atoll(optarg);
			s->minutes = 0;
		}
		if (opt == 'e')
			s->seed = (unsigned)strtoul(optarg, NULL, 10);
		if (opt == 'p')
			s->per_minute = atoi(optarg);
		if (opt == 'o')
			s->out = optarg;
		if (opt == '?')
			return false;
	}
	return optind == argc && s->minutes + s->seconds > 0 &&
	       s->per_minute > 0 && s->per_minute <= 6000;
}

static bool prepare(struct soak *s, struct samples *samples)
{
	CLEANUP(free) char *csv = str_format("%s/samples.csv", s->out);
	struct error e = ERROR_INIT;

	if (fs_mkdirs(s->out, 0755, &e) || !samples_open(samples, csv)) {
		fprintf(stderr, "soak: %s cannot be written\n", csv);
		return false;
	}
	s->samples = samples;
	s->chance[0] = (unsigned short)s->seed;
	s->chance[1] = (unsigned short)(s->seed >> 16);
	s->chance[2] = 0x330e;
	for (int i = 0; i < SOAK_SLOW; i++)
		s->slow[i].fd = -1;
	printf("soak: %lld min, seed %u, up to %d events a minute; "
	       "samples in %s\n",
	       (long long)s->minutes, s->seed, s->per_minute, csv);
	fflush(stdout);
	return true;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {HOUSE_TEST(soak_it)};
	struct samples samples = {0};
	int failed;

	if (!read_options(&soak, argc, argv)) {
		fprintf(stderr, "usage: soak [--minutes N | --seconds N] "
				"[--seed N] [--per-minute N] [--out DIR]\n");
		return 2;
	}
	if (!prepare(&soak, &samples))
		return 2;
	failed = cmocka_run_group_tests_name("soak", tests, NULL, NULL);
	samples_close(&samples);
	free(soak.pulls);
	free(soak.said);
	free(soak.config);
	return failed != 0;
}
